"""Tab completion through a real kernel."""

from __future__ import annotations

import time
from typing import Any

import pytest

PRESSES = 25


def completed(kernel: Any, typed: str, expected: str) -> list[str]:
    """Return what Tab offers, pressed again while a busy machine has no answer in time."""
    for _ in range(PRESSES):
        offered: list[str] = kernel.complete(typed)
        if expected in offered:
            break
    return offered


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%tooi ru", "%tooi run"),
        ("%tooi ", "%tooi create"),
        ("%tooi help re", "%tooi help rerun"),
        ("%tooi run --time", "%tooi run --timeout"),
        ("%%tooi run pro", "%%tooi run probe"),
        ("%tooi run pro", "%tooi run probe"),
        ("run = %tooi run pro", "run = %tooi run probe"),
        ("%tooi run --timeout 3 pro", "%tooi run --timeout 3 probe"),
        ("%tooi run probe@", "%tooi run probe@1"),
        ("%tooi show p", "%tooi show probe"),
        ("%tooi runs --status succ", "%tooi runs --status succeeded"),
        ("%tooi run-show ", "%tooi run-show 1"),
        ("%tooi logs ", "%tooi logs probe"),
        ("%tooi files 1 ta", "%tooi files 1 table.csv"),
        ("%tooi run -i da", "%tooi run -i data.csv"),
        ("%tooi run --stdin da", "%tooi run --stdin data.csv"),
        ("%tooi run probe da", "%tooi run probe data.csv"),
        ("%tooi map --over da", "%tooi map --over data.csv"),
        ("%tooi freeze --notebook da", "%tooi freeze --notebook data.csv"),
    ],
)
def test_tab_completes(kernel: Any, place: Any, typed: str, expected: str) -> None:
    (place.folder / "data.csv").write_text("x")
    if kernel.ask("len(get_ipython().run_line_magic('tooi', 'runs'))") == "0":
        kernel.run("%tooi run probe write")
    assert expected in completed(kernel, typed, expected)


@pytest.fixture(scope="module")
def explained(kernel: Any, place: Any) -> None:
    """A tool whose help says what it can be given."""
    folder = place.folder / "sources" / "explained"
    folder.mkdir(parents=True)
    script = folder / "explained"
    script.write_text(
        "#!/bin/sh\ncat <<'END'\nUsage: explained [OPTIONS] COMMAND\n\nOptions:\n"
        "  -l, --level [low|high]  how far\n  --from FILE  where from\n"
        "  --[no-]color  colours\n\nCommands:\n  go  Go.\nEND\n"
    )
    script.chmod(0o755)
    made = kernel.run(f"%tooi create {folder}")
    assert made.status == "ok", made.errors


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%tooi run explained --", "%tooi run explained --level"),
        ("%tooi run explained -", "%tooi run explained -l"),
        ("%tooi run explained --no", "%tooi run explained --no-color"),
        ("%%tooi run explained --color --le", "%%tooi run explained --color --level"),
        ("%tooi run explained@1 --le", "%tooi run explained@1 --level"),
        ("%tooi run explained --level ", "%tooi run explained --level high"),
        ("%tooi run explained --level=h", "%tooi run explained --level=high"),
        ("%tooi run explained --from ex", "%tooi run explained --from example.csv"),
        ("%tooi run explained g", "%tooi run explained go"),
    ],
)
def test_tab_completes_what_a_tool_can_be_given(
    kernel: Any, place: Any, explained: None, typed: str, expected: str
) -> None:
    (place.folder / "example.csv").write_text("x")
    assert expected in completed(kernel, typed, expected)


@pytest.mark.parametrize("typed", ["%tooi ", "%tooi run ", "%tooi run --", "%tooi run --de"])
def test_tab_offers_nothing_of_python_among_what_can_be_typed(kernel: Any, typed: str) -> None:
    found = [word.rpartition(" ")[2] for word in kernel.complete(typed)]
    assert found
    assert not {"and", "if", "in", "--_", "--__build_class__", "--delattr"} & set(found)


def test_tab_knows_nothing_of_the_options_of_what_is_no_tool(kernel: Any) -> None:
    # IPython may offer names of its own
    assert not {"%tooi run nosuch --level"} & set(kernel.complete("%tooi run nosuch --le"))


@pytest.mark.parametrize(
    "typed", ["%tooi nosuch ", "%tooi run 'open ", "%tooi files x ", "%tooi run --odd "]
)
def test_tab_after_nonsense_finds_nothing_and_breaks_nothing(kernel: Any, typed: str) -> None:
    kernel.complete(typed)
    assert kernel.ask("1") == "1"


def test_tab_is_quick_and_makes_nothing(kernel: Any) -> None:
    kernel.complete("%tooi run ")
    before = kernel.ask("len(get_ipython().run_line_magic('tooi', 'ls'))")
    started = time.monotonic()
    for _ in range(10):
        kernel.complete("%tooi run https://example.invalid/x ")
        kernel.complete("%tooi run ")
    assert (time.monotonic() - started) / 20 < 0.2
    assert kernel.ask("len(get_ipython().run_line_magic('tooi', 'ls'))") == before
