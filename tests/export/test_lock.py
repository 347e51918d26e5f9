"""A lock: it makes the same tools again elsewhere, and whoever wrote it is not trusted."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from tests.export.people import Person, make_script
from tooinstance_jupyter.errors import ConflictError, InvalidValueError
from tooinstance_jupyter.export import lock
from tooinstance_jupyter.export.restore import Restoration

MakePerson = Callable[..., Person]


def notebook(path: Path, *cells: str) -> Path:
    made = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(made, path)
    return path


def frozen(ada: Person, folder: Path, *cells: str) -> Path:
    book = notebook(folder / "book.ipynb", *(cells or ("%tooi run probe",)))
    ada("freeze", "--notebook", str(book))
    return folder / lock.FILE_NAME


def signed(told: dict[str, Any]) -> dict[str, Any]:
    """Return a lock whose digest is right, whatever it says."""
    said = {key: value for key, value in told.items() if key != "sha256"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return {**said, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def commit_of(repository: str, *words: str) -> str:
    folder = repository.removeprefix("file://")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    if words:
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


@pytest.fixture
def own_repository(tmp_path: Path, repository: str) -> str:
    """The link of a copy of the repository, which a test may change."""
    copy = tmp_path / "copy" / "probe"
    shutil.copytree(repository.removeprefix("file://"), copy)
    return f"file://{copy}"


def test_a_tool_is_made_again_elsewhere_by_another_user(
    ada: Person, person: MakePerson, repository: str, tmp_path: Path
) -> None:
    place = frozen(ada, tmp_path)
    bob = person("bob")

    outcome = bob("restore", str(place))

    assert outcome.exit_code == 0, outcome.bundle["text/plain"]
    assert outcome.value == {"probe": "bob/probe@1"}
    theirs, ours = ada.client.tool("probe").ready, bob.client.tool("probe").ready
    assert theirs is not None
    assert ours is not None
    assert ours.commit == theirs.commit == commit_of(repository)
    assert (ours.environment_id, ours.entry_point) == (theirs.environment_id, theirs.entry_point)
    assert bob.run("probe", "anywhere").status == "succeeded"


def test_what_was_frozen_is_made_although_the_repository_went_on(
    person: MakePerson, own_repository: str, tmp_path: Path
) -> None:
    before = commit_of(own_repository)
    cleo, dan = person("cleo"), person("dan")
    cleo("create", own_repository, "--name", "probe")
    place = frozen(cleo, tmp_path)
    after = commit_of(own_repository, "commit", "--allow-empty", "-qm", "Go on")
    assert after != before

    dan("restore", str(place))

    ready = dan.client.tool("probe").ready
    assert ready is not None
    assert ready.commit == before


def test_a_tool_that_is_there_is_taken(ada: Person, tmp_path: Path) -> None:
    place = frozen(ada, tmp_path)
    before = len(ada.client.tools(scope="mine").items)

    outcome = ada("restore", str(place))

    assert outcome.value == {"probe": "ada/probe@1"}
    assert len(ada.client.tools(scope="mine").items) == before
    record = outcome.bundle["application/vnd.tooinstance.restoration.v1+json"]
    assert [one["restoration"] for one in record["tools"]] == [Restoration.TAKEN]


def test_another_tool_of_the_name_is_left_alone_and_it_is_said(
    ada: Person, person: MakePerson, tmp_path: Path
) -> None:
    place = frozen(ada, tmp_path)
    other = make_script(tmp_path, "other", "echo other")
    eve = person("eve")
    eve("create", str(other), "--name", "probe")

    outcome = eve("restore", str(place))

    assert outcome.value == {"probe": "eve/probe-2@1"}
    assert "`%tooi run probe` is something else here" in str(outcome.bundle["text/plain"])


def test_the_same_tools_give_the_same_lock(ada: Person, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert frozen(ada, first).read_bytes() == frozen(ada, second).read_bytes()


def test_a_lock_says_what_was_built_and_not_whose_it_is(
    ada: Person, repository: str, tmp_path: Path
) -> None:
    text = frozen(ada, tmp_path).read_text()

    told = json.loads(text)
    [tool] = told["tools"]
    ready = ada.client.tool("probe").ready
    assert ready is not None
    assert tool["source"]["location"] == repository
    assert tool["source"]["ref"] == tool["commit"] == commit_of(repository)
    assert tool["entry_point"] == ready.entry_point
    assert (tool["environment"], tool["engine"]) == (ready.environment_id, "process")
    assert told["python"].startswith("3.")
    assert "tooinstance-jupyter" in told["generator"]
    assert not re.search(r"\bada\b|friend-of-ada", text)


def test_secret_build_arguments_and_homes_stay_here(
    ada: Person, person: MakePerson, own_repository: str, tmp_path: Path
) -> None:
    ada(
        *("create", own_repository, "--name", "secretive"),
        *("--build-arg", "API_TOKEN=s3cret-value", "--build-arg", "PLACE=/home/grace/x"),
    )
    place = frozen(ada, tmp_path, "%tooi run secretive")

    assert "s3cret-value" not in place.read_text()
    assert "/home/grace" not in place.read_text()

    outcome = person("bob")("restore", str(place))

    assert outcome.exit_code == 1
    assert "API_TOKEN of secretive is secret" in str(outcome.bundle["text/plain"])


def test_a_tool_of_a_folder_is_frozen_with_a_word_about_it(
    ada: Person, person: MakePerson, tmp_path: Path
) -> None:
    source = make_script(tmp_path, "local", "echo local")
    ada("create", str(source), "--name", "local")
    book = notebook(tmp_path / "book.ipynb", "%tooi run local\n%tooi run probe")

    outcome = ada("freeze", "--notebook", str(book))
    restored = person("bob")("restore", str(tmp_path / lock.FILE_NAME))

    assert "local comes from a folder" in str(outcome.bundle["text/plain"])
    assert restored.value == {"probe": "bob/probe@1"}
    assert restored.exit_code == 1


def test_a_lock_in_a_notebook_leaves_the_rest_of_it_as_it_was(
    ada: Person, person: MakePerson, tmp_path: Path
) -> None:
    book = notebook(tmp_path / "book.ipynb", "r = %tooi run probe\nr.ok")
    book.chmod(0o640)
    before = nbformat.read(book, as_version=4)

    ada("freeze", "--notebook", str(book))

    after = nbformat.read(book, as_version=4)
    nbformat.validate(after)
    assert after.metadata.pop(lock.METADATA)
    assert after == before
    assert book.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in tmp_path.iterdir()} == {"book.ipynb", lock.FILE_NAME}
    ada("freeze", "--notebook", str(book))
    assert person("bob")("restore", str(book)).value == {"probe": "bob/probe@1"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "x"}]}',
        '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
        '{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}',
        '{"nbformat": 4, "nbformat_minor": "x", "metadata": {}, "cells": []}',
        "\ud800",
    ],
)
def test_a_notebook_that_is_not_valid_is_refused_and_left_as_it_is(
    ada: Person, tmp_path: Path, text: str
) -> None:
    book = tmp_path / "book.ipynb"
    book.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(InvalidValueError):
        ada("freeze", "--notebook", str(book))

    assert book.read_bytes() == text.encode("utf-8", "surrogatepass")
    assert [path.name for path in tmp_path.iterdir()] == ["book.ipynb"]


def test_a_file_that_is_no_lock_is_not_replaced(ada: Person, tmp_path: Path) -> None:
    book = notebook(tmp_path / "book.ipynb", "%tooi run probe")
    other = tmp_path / "other.json"
    other.write_text('{"precious": true}')

    with pytest.raises(ConflictError, match="no lock"):
        ada("freeze", str(other), "--notebook", str(book))
    with pytest.raises(ConflictError, match="no lock"):
        ada("freeze", str(book), "--notebook", str(book))

    assert other.read_text() == '{"precious": true}'
    assert lock.METADATA not in nbformat.read(book, as_version=4).metadata


def test_what_cannot_be_found_is_told_and_the_rest_is_frozen(ada: Person, tmp_path: Path) -> None:
    book = notebook(
        tmp_path / "book.ipynb",
        "%tooi run probe",
        "%tooi run nosuchtool",
        "name = 'probe'\n%tooi run {name}",
        "%tooi rerun 99999",
    )

    outcome = ada("freeze", "--notebook", str(book))

    assert outcome.exit_code == 1
    shown = str(outcome.bundle["text/plain"])
    for line in ("%tooi run nosuchtool", "%tooi run {name}", "%tooi rerun 99999"):
        assert f"`{line}` is not frozen" in shown
    assert [tool.name for tool in lock.read(tmp_path / lock.FILE_NAME).tools] == ["probe"]


def test_a_notebook_without_tools_gives_no_lock(ada: Person, tmp_path: Path) -> None:
    book = notebook(tmp_path / "book.ipynb", "1 + 1", "%tooi ls")

    with pytest.raises(ConflictError, match="no tool to freeze"):
        ada("freeze", "--notebook", str(book))

    assert [path.name for path in tmp_path.iterdir()] == ["book.ipynb"]


def test_a_notebook_without_a_lock_says_how_to_get_one(ada: Person, tmp_path: Path) -> None:
    book = notebook(tmp_path / "book.ipynb", "%tooi run probe")
    with pytest.raises(InvalidValueError, match="--notebook"):
        ada("restore", str(book))


def test_a_lock_that_was_edited_is_refused(ada: Person, tmp_path: Path) -> None:
    place = frozen(ada, tmp_path)
    place.write_text(place.read_text().replace('"probe"', '"probe-9"'))
    with pytest.raises(InvalidValueError) as caught:
        ada("restore", str(place))
    assert caught.value.error_code == "lock_changed"


def _with(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda told: told["tools"][0].update(changes)


def _with_source(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda told: told["tools"][0]["source"].update(changes)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda told: told.update(kind="x"), "no lock"),
        (lambda told: told.update(schema_version=2), "version 2"),
        (lambda told: told.update(tools="x"), "tools"),
        (lambda told: told.update(tools=told["tools"] * 2), "two tools"),
        (lambda told: told.update(tools=told["tools"] * 1001), "1001 tools"),
        (_with(name="../../x"), "cannot be the name"),
        (_with(name=None), "name"),
        (_with(version_number="1"), "version_number"),
        (_with(entry_point="a\0b"), "NUL"),
        (_with(commit=None), "what was built is None"),
        (_with_source(ref=None), "its source is at None"),
        (_with_source(ref="0" * 40), "what was built is"),
        (_with_source(location="/etc"), "is folder"),
        (_with_source(location="pypi:evil"), "names no package"),
        (_with_source(location="ext::sh -c id"), "run a program"),
        (_with_source(location="https://u:p@example.org/x"), "credential"),
        (_with_source(location="--upload-pack=id"), "dash"),
        (_with_source(location="file:///x\n"), "control character|is no"),
        (_with_source(kind="magic"), "kind"),
        (_with_source(subdirectory="../../etc"), "leads out"),
    ],
)
def test_a_lock_that_lies_is_refused_before_anything_is_made(
    ada: Person,
    person: MakePerson,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None],
    why: str,
) -> None:
    place = frozen(ada, tmp_path)
    told = json.loads(place.read_text())
    change(told)
    place.write_text(json.dumps(signed(told)))
    bob = person("bob")

    with pytest.raises(InvalidValueError, match=why):
        bob("restore", str(place))

    assert not bob.client.tools(scope="mine").items


def test_a_lock_of_another_commit_is_not_said_to_be_restored(
    person: MakePerson, own_repository: str, tmp_path: Path
) -> None:
    cleo, dan = person("cleo"), person("dan")
    cleo("create", own_repository, "--name", "probe")
    place = frozen(cleo, tmp_path)
    told = json.loads(place.read_text())
    branch = commit_of(own_repository, "branch", "moved") and "moved"
    told["tools"][0]["commit"] = told["tools"][0]["source"]["ref"] = branch
    place.write_text(json.dumps(signed(told)))

    outcome = dan("restore", str(place))

    assert outcome.exit_code == 1
    assert "was built, not moved" in str(outcome.bundle["text/plain"])


@given_any(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "schema_version", "tools", "name", "source", "sha256"]),
                inner | st.sampled_from([lock.KIND, lock.SCHEMA_VERSION]),
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_json_is_given_for_a_lock_it_is_read_or_refused_in_words(told: Any) -> None:
    if isinstance(told, dict):
        told = signed({**told, "kind": lock.KIND, "schema_version": lock.SCHEMA_VERSION})
    try:
        read = lock.of_json(told, "any.json")
    except InvalidValueError as error:
        said = error.message
    else:
        said = "'any.json' is read"
        assert lock.of_json(lock.as_json(read), "any.json") == read
    assert said.startswith("'any.json' ")


def test_a_file_that_is_nested_without_end_or_too_large_is_refused(tmp_path: Path) -> None:
    deep, large = tmp_path / "deep.json", tmp_path / "large.json"
    deep.write_text("[" * 200_000)
    large.write_bytes(b" " * (4 * 2**20 + 1))
    for path in (deep, large, tmp_path / "missing.json", tmp_path):
        with pytest.raises(InvalidValueError, match="cannot be taken as a lock"):
            lock.read(path)
