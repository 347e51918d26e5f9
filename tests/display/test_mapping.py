"""How a tool over many inputs is shown: safe, small, and with what went wrong first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tooinstance_jupyter import display
from tooinstance_jupyter.display.mapping import label_of
from tooinstance_jupyter.mapping import MappedRun, Progress

KIND = "application/vnd.tooinstance.mapping.v1+json"
GOING = Progress(total=8, ended=4, failed=1, under_way=2, seconds=3.0)
ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></td></table><iframe srcdoc='x'>",
    "`</code><b>`",
    "{0} {0.__class__} %s",
    "\x1b]0;title\x07\x1b[31m<b>\x9b2J",
    "a\nb\rc\x00d\x7f\u202egnp.exe\u2028\ud800",
]


def ended(*results: MappedRun) -> Progress:
    return Progress(total=len(results), ended=len(results), seconds=1.5, is_over=True)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_an_item_or_an_output_steers_what_shows_it(samples: Any, attack: str) -> None:
    results = [
        MappedRun(run=1, status="succeeded", stdout=attack, message=attack),
        MappedRun(run=2, status="failed", stdout=attack, message=attack),
        MappedRun(message=attack),
    ]
    rows = [{"item": attack}, {"item": attack}, {attack: attack}]
    for bundle in (
        display.mapping_bundle(attack, GOING),
        display.mapping_bundle(attack, ended(*results), rows, results),
        display.mapping_bundle(attack, ended(*results), rows, results, has_all=True),
    ):
        samples.check_html(bundle["text/html"])
        samples.check_text(bundle["text/plain"])
        json.dumps(bundle[KIND]).encode()
    samples.check_text(display.progress_line(attack, GOING))


def test_a_mapping_that_goes_on_has_a_bar_and_its_counts() -> None:
    bundle = display.mapping_bundle("probe@1", GOING)
    assert '<progress value="4" max="8">' in bundle["text/html"]
    assert "4 of 8 · 1 failed · 2 under way" in bundle["text/plain"]
    assert bundle[KIND]["ended"] == 4


def test_what_failed_stands_before_what_succeeded() -> None:
    results = [
        MappedRun(run=1, status="succeeded", stdout="fine\nmore", duration_s=0.2),
        MappedRun(run=2, status="failed", exit_code=3, message="Ended with exit code 3"),
    ]
    bundle = display.mapping_bundle(
        "probe@1", ended(*results), [{"item": "good"}, {"item": "bad"}], results
    )
    text = bundle["text/plain"]
    assert "1 succeeded · 1 did not" in text
    assert text.index("bad") < text.index("good")
    assert "fine …" in text
    assert "--retry" in text
    assert "<progress" not in bundle["text/html"]


def test_thousands_of_inputs_leave_little_in_a_notebook() -> None:
    results = [
        MappedRun(run=n, status="failed" if n % 2 else "succeeded", stdout="x" * 9_999, message="m")
        for n in range(10_000)
    ]
    rows = [{"item": "y" * 9_999} for _ in results]
    bundle = display.mapping_bundle("probe@1", ended(*results), rows, results)
    assert "… and 4,970 more that did not succeed." in bundle["text/plain"]
    assert len(json.dumps(bundle)) < 500_000
    assert bundle[KIND]["results_total"] == 10_000


def test_programs_in_a_pipe_are_told_all() -> None:
    results = [MappedRun(run=n, status="succeeded", stdout=str(n)) for n in range(2_000)]
    rows = [{"item": n} for n in range(2_000)]
    bundle = display.mapping_bundle("probe@1", ended(*results), rows, results, has_all=True)
    assert [one["stdout"] for one in bundle[KIND]["results"]] == [str(n) for n in range(2_000)]


def test_a_row_is_known_by_its_columns() -> None:
    assert label_of({"city": "Lund", "n": 3}) == "city=Lund, n=3"
    assert label_of({"item": "plain"}) == "plain"


def test_a_mapping_whose_outputs_are_cut_is_not_all_green() -> None:
    results = [
        MappedRun(run=1, status="succeeded", stdout="x", output_cut="stdout cut at 1 B of 9 B"),
        MappedRun(run=2, status="succeeded", stdout="y"),
        MappedRun(run=3, status="failed", message="sorry", output_cut="1 file not kept"),
    ]
    rows = [{"item": name} for name in "abc"]
    bundle = display.mapping_bundle("probe@1", ended(*results), rows, results)
    assert "output of 2 cut" in bundle["text/plain"].splitlines()[0]
    assert '<span class="tooi-alert">output of 2 cut</span>' in bundle["text/html"]
    assert "✓ cut" in bundle["text/plain"]
    assert "[stdout cut at 1 B of 9 B] x" in bundle["text/html"]
    assert "1 file not kept; sorry" in bundle["text/html"]
    succeeded = display.mapping_bundle("probe@1", ended(*results[:2]), rows[:2], results[:2])
    assert "tooi tooi-warn" in succeeded["text/html"]


def test_the_first_of_many_rows_are_called_that_before_them() -> None:
    results = [MappedRun(run=n, status="succeeded", stdout="x") for n in range(100)]
    rows = [{"item": f"item{n}"} for n in range(100)]
    bundle = display.mapping_bundle("probe@1", ended(*results), rows, results)
    for form in ("text/plain", "text/html"):
        assert "The first 6 of 100 that succeeded" in bundle[form].partition("item0")[0]
