"""Tab completion through a real kernel."""

from __future__ import annotations

import time
from typing import Any

import pytest


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
    ],
)
def test_tab_completes(kernel: Any, place: Any, typed: str, expected: str) -> None:
    (place.folder / "data.csv").write_text("x")
    if kernel.ask("len(get_ipython().run_line_magic('tooi', 'runs'))") == "0":
        kernel.run("%tooi run probe write")
    assert expected in kernel.complete(typed)


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
