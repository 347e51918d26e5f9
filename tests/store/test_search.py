"""Search finds by words, names first, the same on each kind of database, and nothing secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from tooinstance_jupyter.records import (
    Principal,
    Run,
    Source,
    SourceKind,
    Tool,
    Version,
    VersionStatus,
    Visibility,
)
from tooinstance_jupyter.store.repository import Store

SOURCE = Source(kind=SourceKind.GIT, location="https://e.example/a/b")
ADA, GRACE = Principal(name="ada"), Principal(name="grace")


@pytest.fixture
def add_tool(store: Store) -> Callable[..., Tool]:
    """Keep a tool that is ready."""

    def add(name: str, description: str = "", *, is_ready: bool = True, **fields: object) -> Tool:
        given: dict[str, object] = {"owner": "ada", "source": SOURCE, **fields}
        tool = Tool(name=name, description=description, **given)  # type: ignore[arg-type]
        store.add_tool(tool)
        store.add_version(
            Version(
                tool_id=tool.id,
                number=0,
                source=SOURCE,
                engine="process",
                status=VersionStatus.READY if is_ready else VersionStatus.FAILED,
            )
        )
        return tool

    return add


@pytest.fixture
def add_run(store: Store) -> Callable[..., Run]:
    """Keep a run."""

    def add(*arguments: str, owner: str = "ada", label: str = "", **fields: object) -> Run:
        run = Run(
            owner=owner,
            tool_id=None,
            tool_name="ada/t",
            version_id=None,
            version_number=1,
            environment_id=None,
            arguments=arguments,
            label=label,
            **fields,  # type: ignore[arg-type]
        )
        return store.add_run(run)

    return add


def names(store: Store, text: str, principal: Principal = ADA, **more: object) -> list[str]:
    page = store.list_tools(principal=principal, text=text, **more)  # type: ignore[arg-type]
    return [tool.name for tool in page.items]


def numbers(store: Store, text: str, principal: Principal = ADA, **more: object) -> list[int]:
    page = store.list_runs(principal=principal, text=text, **more)  # type: ignore[arg-type]
    return [run.number for run in page.items]


def test_the_name_asked_for_comes_first_then_names_then_descriptions(
    store: Store, add_tool: Callable[..., Tool]
) -> None:
    add_tool("sherlock", "finds user names")
    add_tool("sherlock-more")
    add_tool("sherlock-names")
    add_tool("cowsay", "says what sherlock says, and names")
    assert names(store, "sherlock") == ["sherlock", "sherlock-names", "sherlock-more", "cowsay"]
    assert names(store, "sherlock names") == ["sherlock-names", "sherlock", "cowsay"]
    assert names(store, "SHERLOCK NAM") == ["sherlock-names", "sherlock", "cowsay"]


def test_all_words_must_be_there_and_only_the_last_is_a_beginning(
    store: Store, add_tool: Callable[..., Tool]
) -> None:
    add_tool("one", "converts images into tables")
    assert names(store, "images tab") == names(store, "tables images") == ["one"]
    assert names(store, "imag tables") == names(store, "images chairs") == []


def test_accents_and_capitals_make_no_difference(
    store: Store, add_tool: Callable[..., Tool]
) -> None:
    add_tool("one", "Zürich CAFÉ naïve 北京")
    for text in ("zurich", "ZÜRICH", "cafe", "café nai", "北京"):
        assert names(store, text) == ["one"], text


@pytest.mark.parametrize("typo", ["sherlok", "shrelock", "sherlockk", "herlock", "SHERLCOK"])
def test_a_name_that_is_nearly_right_is_found_and_suggested(
    store: Store, add_tool: Callable[..., Tool], typo: str
) -> None:
    add_tool("sherlock")
    add_tool("cowsay")
    assert names(store, typo) == ["sherlock"]
    assert store.near_names(ADA, typo, 1) == ["sherlock"]


def test_a_short_name_with_two_letters_swapped_is_suggested(
    store: Store, add_tool: Callable[..., Tool]
) -> None:
    add_tool("cat")
    assert store.near_names(ADA, "cta", 1) == ["cat"]


@pytest.mark.parametrize("text", ["sherlock", "sherlok", "secret", "sher"])
@pytest.mark.parametrize("scope", ["all", "mine", "shared", "public"])
def test_private_tools_of_others_are_neither_found_nor_suggested(
    store: Store, add_tool: Callable[..., Tool], text: str, scope: str
) -> None:
    add_tool("sherlock", "secret")
    add_tool("sherlock-b", "secret", visibility=Visibility.PUBLIC, is_ready=False)
    assert names(store, text, GRACE, scope=scope) == []
    assert store.near_names(GRACE, text, 5) == []
    add_tool("sherlock-c", "secret", access=("group:lab",))
    lab = Principal(name="linus", groups=frozenset({"lab"}))
    assert names(store, text, lab) == ["sherlock-c"] or text == "sherlok"
    assert names(store, text, GRACE, scope=scope) == []


def test_what_is_changed_is_found_by_what_it_is_now(
    store: Store, add_tool: Callable[..., Tool], add_run: Callable[..., Run]
) -> None:
    tool = add_tool("before", "earlier words")
    store.update_tool(dataclasses.replace(tool, name="after", description="later", owner="grace"))
    assert names(store, "before") == names(store, "earlier") == []
    assert names(store, "later", GRACE, scope="mine") == ["after"]
    assert names(store, "later", ADA, scope="mine") == []
    run = add_run("x", label="first")
    store.update_run(run.number, {"label": "second"})
    assert (numbers(store, "first"), numbers(store, "second")) == ([], [run.number])
    store.delete_run(run.number)
    assert numbers(store, "second") == []


HOSTILE = [
    "%",
    "_",
    "*",
    '"',
    "'",
    "''",
    "\\",
    "&",
    "|",
    "!",
    "(",
    ":*",
    "<->",
    "\0",
    "\udcff",
    "-",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_signs_are_no_operators_and_find_nothing(
    store: Store, add_tool: Callable[..., Tool], add_run: Callable[..., Run], text: str
) -> None:
    add_tool("one", "words")
    run = add_run("words")
    assert (names(store, text), numbers(store, text)) == ([], [])
    assert names(store, f"{text}words{text}") == ["one"]
    assert numbers(store, f"words {text}") == [run.number]
    assert names(store, f"nothing {text} words") == []


@pytest.mark.parametrize(
    "text", ["OR", "NOT words", "words AND", "NEAR(words)", "name:words", "w_rds", "text:words"]
)
def test_words_of_a_query_language_are_words(
    store: Store, add_tool: Callable[..., Tool], text: str
) -> None:
    add_tool("one", "words")
    assert names(store, text) == []


@pytest.mark.parametrize("text", ["x" * 10_000, "x " * 5_000, "' " * 5_000, "é" * 5_000])
def test_a_very_long_text_is_answered(
    store: Store, add_tool: Callable[..., Tool], add_run: Callable[..., Run], text: str
) -> None:
    add_tool("one", text)
    add_run(text)
    assert len(names(store, text)) == len(numbers(store, text)) == (0 if "'" in text else 1)


def test_pages_of_what_is_found_hold_each_tool_once(
    store: Store, add_tool: Callable[..., Tool]
) -> None:
    made = {add_tool(f"table-{n}" if n % 2 else f"t{n}", "a table").name for n in range(9)}
    add_tool("table", "")
    found, cursor = [], None
    while True:
        page = store.list_tools(principal=ADA, text="table", limit=2, cursor=cursor)
        found += [tool.name for tool in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found[0] == "table"
    assert all("table" in name for name in found[:5])
    assert (len(found), set(found)) == (10, made | {"table"})


def test_runs_are_found_by_tool_arguments_and_label_newest_first(
    store: Store, add_run: Callable[..., Run]
) -> None:
    first = add_run("--city", "Uppsala", label="monthly report")
    second = add_run("--city", "Lund", access=("grace",))
    of_grace = add_run("--city", "Uppsala", owner="grace")
    assert numbers(store, "ada city") == [second.number, first.number]
    assert numbers(store, "upps") == numbers(store, "monthly rep") == [first.number]
    assert numbers(store, "city", GRACE) == [of_grace.number]
    assert numbers(store, "city", GRACE, scope="shared") == [second.number]
    assert numbers(store, "city", GRACE, scope="all") == [of_grace.number, second.number]
    admin = Principal(name="root", is_admin=True)
    assert len(numbers(store, "city", admin, scope="all")) == 3


def test_arguments_that_are_no_unicode_do_not_hide_a_run(
    store: Store, add_run: Callable[..., Run]
) -> None:
    run = add_run("\udcff", "later")
    assert numbers(store, "later") == [run.number]
