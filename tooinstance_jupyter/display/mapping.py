"""One tool over many inputs as a MIME bundle: how far it is, and how it came out. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from markupsafe import Markup

from ..mapping import NOT_STARTED, MappedRun, Progress
from ..placeholders import ITEM
from ..records import RunStatus
from ..terminal import to_text, visible
from .markup import (
    MimeBundle,
    as_json,
    bundle,
    card,
    columns_of_text,
    duration,
    head,
    marked,
    sentence,
    shortened,
    table,
)

_MARKS = {
    RunStatus.SUCCEEDED.value: ("✓", "ok"),
    RunStatus.CANCELLED.value: ("■", "warn"),
    RunStatus.LOST.value: ("?", "warn"),
    NOT_STARTED: ("-", "warn"),
}
_FAILED = ("✗", "bad")
_CUT = ("✓ cut", "warn")
_MOST_FAILED, _MOST_SUCCEEDED, _MOST_IN_JSON = 30, 6, 1_000
_LONGEST_LABEL, _LONGEST_LINE = 80, 120
_BAR_CELLS = 24

_FAILED_COLUMNS = [("", ""), ("item", ""), ("run", "number"), ("what happened", "grow")]
_SUCCEEDED_COLUMNS = [*_FAILED_COLUMNS[:3], ("took", "number"), ("output", "grow")]


def mapping_bundle(
    tool: str,
    progress: Progress,
    rows: Sequence[Mapping[str, object]] = (),
    results: Sequence[MappedRun] = (),
    *,
    has_all: bool = False,
) -> MimeBundle:
    """Return the display of a mapping, going on or ended.

    Parameters
    ----------
    tool
        The tool's name.
    progress
        How far it is.
    rows, results
        The inputs by column, and what became of each; empty while it goes on.
    has_all
        Whether programs are told of every input, with its output, however much that is.
    """
    mark, tone = _mark(progress, results)
    cut = sum(bool(one.output_cut) for one in results)
    warning = f"output of {cut:,} cut" if cut else ""
    title = f"{tool} over {progress.total:,} {'item' if progress.total == 1 else 'items'}"
    meta = _meta(progress, results)
    pairs = list(zip(map(label_of, rows), results, strict=True))
    failed = [(label, one) for label, one in pairs if not one.ok]
    succeeded = [(label, one) for label, one in pairs if one.ok]
    failed_rows = [_failed_row(label, one) for label, one in failed[:_MOST_FAILED]]
    rows_of_output = [_succeeded_row(*pair) for pair in succeeded[:_MOST_SUCCEEDED]]
    more_failed = _more(len(failed) - len(failed_rows), "did not succeed")
    more_succeeded = _more(len(succeeded) - len(rows_of_output), "succeeded")
    first_failed = _first(len(failed_rows), len(failed), "did not succeed")
    first_succeeded = _first(len(rows_of_output), len(succeeded), "succeeded")
    again = "`--retry` with the result runs these again." if failed else ""
    html = card(
        tone,
        head(mark, title, meta=meta, warning=warning),
        Markup("") if results or progress.is_over else _bar(progress),
        sentence(first_failed, is_note=True),
        _table(_FAILED_COLUMNS, failed_rows),
        sentence(" ".join(filter(None, (more_failed, again))), is_note=True),
        sentence(first_succeeded, is_note=True),
        _table(_SUCCEEDED_COLUMNS, rows_of_output),
        sentence(more_succeeded, is_note=True),
    )
    text = [
        visible(f"{mark} {title}  {f'[{warning}]  ' if warning else ''}" + " · ".join(meta)),
        first_failed,
        columns_of_text(failed_rows) if failed_rows else "",
        visible(" ".join(filter(None, (more_failed, again)))),
        first_succeeded,
        columns_of_text(rows_of_output) if rows_of_output else "",
        more_succeeded,
    ]
    record = {
        "tool": tool,
        **asdict(progress),
        "results": as_json(_records(pairs, has_all=has_all)),
        "results_total": len(pairs),
    }
    return bundle("mapping", "\n".join(filter(None, text)), html, record)


def progress_line(tool: str, progress: Progress) -> str:
    """Return how far a mapping is, as one line for a terminal.

    Examples
    --------
    >>> progress_line("csvstat", Progress(total=8, ended=4, failed=1, under_way=2, seconds=3.21))
    'csvstat [############            ] 4 of 8 · 1 failed · 2 under way · 3.2 s'
    """
    full = _BAR_CELLS * progress.ended // progress.total if progress.total else _BAR_CELLS
    counts = " · ".join(_meta(progress, ()))
    return visible(f"{tool} [{'#' * full:<{_BAR_CELLS}}] {counts}")


def label_of(row: Mapping[str, object]) -> str:
    """Return an input as people tell it from others: its value, or those of its columns."""
    if list(row) == [ITEM]:
        return shortened(_value(row[ITEM]), _LONGEST_LABEL)
    return shortened(
        ", ".join(f"{column}={_value(value)}" for column, value in row.items()), _LONGEST_LABEL
    )


def _value(value: object) -> str:
    if isinstance(value, os.PathLike):
        # not its place: a file that a run wrote would be fetched to tell that
        return str(getattr(value, "name", value))
    return shortened(str(value), _LONGEST_LABEL)


def _mark(progress: Progress, results: Sequence[MappedRun]) -> tuple[str, str]:
    if not results and not progress.is_over:
        return "●", "busy"
    if all(one.ok for one in results) and not progress.failed:
        return "✓", "warn" if any(one.output_cut for one in results) else "ok"
    return _FAILED


def _meta(progress: Progress, results: Sequence[MappedRun]) -> list[str]:
    took = duration(progress.seconds)
    if results:
        succeeded = sum(one.ok for one in results)
        rest = len(results) - succeeded
        return [f"{succeeded:,} succeeded", *([f"{rest:,} did not"] if rest else []), took]
    return [
        f"{progress.ended:,} of {progress.total:,}",
        *([f"{progress.failed:,} failed"] if progress.failed else []),
        *([f"{progress.under_way:,} under way"] if progress.under_way else []),
        took,
    ]


def _bar(progress: Progress) -> Markup:
    return Markup('<div class="tooi-bar"><progress value="{}" max="{}"></progress></div>').format(
        progress.ended, max(progress.total, 1)
    )


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> Markup:
    if not rows:
        return Markup("")
    tones = dict([*_MARKS.values(), _FAILED, _CUT])
    return table(columns, [(marked(row[0], tones[row[0]]), *row[1:]) for row in rows])


def _failed_row(label: str, one: MappedRun) -> tuple[str, ...]:
    mark = _MARKS.get(one.status, _FAILED)[0]
    message = "; ".join(filter(None, (one.output_cut, one.message)))
    return mark, label, _number(one), shortened(message, 2 * _LONGEST_LINE)


def _succeeded_row(label: str, one: MappedRun) -> tuple[str, ...]:
    if one.stdout is None:
        return "✓", label, _number(one), duration(one.duration_s), shortened(one.message, 200)
    first, newline, _ = one.stdout.lstrip("\r\n").partition("\n")
    plain = to_text(first[: 10 * _LONGEST_LINE]).replace("\t", "  ").strip()
    shown = shortened(plain, _LONGEST_LINE)
    if newline and not shown.endswith("…"):
        shown += " …"
    if one.output_cut:
        return _CUT[0], label, _number(one), duration(one.duration_s), f"[{one.output_cut}] {shown}"
    return "✓", label, _number(one), duration(one.duration_s), shown


def _number(one: MappedRun) -> str:
    return "" if one.run is None else str(one.run)


def _first(count: int, of: int, what: str) -> str:
    return f"The first {count:,} of {of:,} that {what}:" if count < of else ""


def _more(count: int, what: str) -> str:
    return f"… and {count:,} more that {what}." if count > 0 else ""


def _records(pairs: Sequence[tuple[str, MappedRun]], *, has_all: bool) -> list[dict[str, object]]:
    if has_all:
        return [{"item": label, **asdict(one)} for label, one in pairs]
    told = [{"item": label, **asdict(one)} for label, one in pairs[:_MOST_IN_JSON]]
    for record in told:
        # the runs keep it; a notebook has no room for that of thousands
        del record["stdout"]
        record["message"] = shortened(str(record["message"]), 2 * _LONGEST_LINE)
    return told
