"""Runs as MIME bundles: one with its output, or a list.

Pure but for `run_bundle`, which reads what it shows through ``excerpts``.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import PurePosixPath

from markupsafe import Markup

from .. import access, arguments
from ..client.base import Client
from ..errors import TooInstanceError
from ..records import OutputFile, OutputKind, Page, Principal, Run, RunStatus, StreamSize, now
from ..sizes import part_of, size
from ..terminal import to_html, to_text, visible
from . import excerpts
from .excerpts import Excerpt, RunOutput
from .markup import (
    MimeBundle,
    alert,
    as_json,
    bundle,
    card,
    columns_of_text,
    details,
    duration,
    head,
    marked,
    moment,
    sentence,
    shortened,
    table,
)

_MARKS = {
    RunStatus.SUCCEEDED: ("✓", "ok"),
    RunStatus.FAILED: ("✗", "bad"),
    RunStatus.TIMED_OUT: ("✗", "bad"),
    RunStatus.CANCELLED: ("■", "warn"),
    RunStatus.LOST: ("?", "warn"),
}
_BUSY = ("●", "busy")
_ISOLATION = {"none": "not isolated"}
_MAX_FILES = 50
_MAX_HTML = {"stdout": 72_000, "stderr": 22_000}
_MAX_ARGUMENTS = 300
_MAX_ACCESS = 200
_MAX_JSON_TEXT = 10_000
_END_OF_KEPT = "… the end of what is kept …"
_CSV_ROWS, _CSV_COLUMNS, _CSV_CELL = 6, 8, 60


def run_mark(run: Run) -> tuple[str, str]:
    """Return the sign of a run's state, with its tone; of one that is cut it says so."""
    mark, tone = _sign(run)
    return f"{mark} cut" if run.cut else mark, tone


def _sign(run: Run) -> tuple[str, str]:
    mark, tone = _MARKS.get(run.status, _BUSY)
    return mark, "warn" if run.cut and tone == "ok" else tone


def _sign_in_list(run: Run) -> Markup:
    sign = marked(*_sign(run))
    return sign + Markup(" ") + alert("cut") if run.cut else sign


def run_bundle(client: Client, run: Run) -> MimeBundle:
    """Return the display of a run with its output as it stands now."""
    output = excerpts.read(client, run)
    seen = access.run_as_seen(client.principal, run)
    return render_run(seen, output, viewer=client.principal)


def render_run(run: Run, output: RunOutput, *, viewer: Principal | None = None) -> MimeBundle:
    """Return the display of a run.

    Parameters
    ----------
    run
        The run, going on or ended.
    output
        What to show of its streams and files.
    viewer
        Who looks at it; whose it is goes without saying then.
    """
    mark, tone = _sign(run)
    title, command, meta = _title(run), _command(run), _meta(run, viewer)
    trouble = _trouble(run)
    hint = run.failure.hint if run.failure else ""
    stdout = _stream(run, output.stdout, run.stdout, _MAX_HTML["stdout"])
    files = _files(run, output)
    parts = [
        head(mark, title, command, meta, warning=run.cut),
        sentence(trouble),
        sentence(hint, is_note=True),
        *(_problem(error) for error in output.problems),
        *([files, stdout] if run.output is OutputKind.FILES else [stdout, files]),
        _stderr(run, output.stderr),
    ]
    text = [
        f"{mark} {title} {f'[{run.cut}] ' if run.cut else ''}{command}".rstrip(),
        "  " + " · ".join(part for part in meta if part),
        *(f"  {line}" for line in (trouble, hint) if line),
        *(f"  {line}" for error in output.problems for line in (error.message, error.hint) if line),
    ]
    record = _record(run)
    record["output_problems"] = [
        {"code": error.error_code, "message": error.message, "hint": error.hint}
        for error in output.problems
    ]
    return bundle(
        "run",
        "\n".join([*map(visible, text), *_text_of_output(run, output)]),
        card(tone, *parts),
        record,
    )


def runs_bundle(page: Page[Run], *, viewer: str = "", is_steered: bool = False) -> MimeBundle:
    """Return the display of a list of runs; those of others than the viewer say whose they are.

    Parameters
    ----------
    is_steered
        Whether controls beside it lead to what else there is.
    """
    is_all = is_steered or page.next_cursor is None
    more = "" if is_all else f"There are more: `--cursor {page.next_cursor}`"
    has_others = bool(viewer) and any(run.owner != viewer for run in page.items)
    rows: list[tuple[str, ...]] = [
        (
            str(run.number),
            run_mark(run)[0],
            _title(run),
            shortened((f"“{run.label}” " if run.label else "") + _command(run), 80),
            "; ".join(filter(None, (run.cut, _trouble(run)))),
            duration(run.duration_s),
            moment(run.created_at),
            *([run.owner] if has_others else []),
        )
        for run in page.items
    ]
    headings = ["run", "", "tool", "arguments", "message", "took", "started"]
    kinds = ["number", "", "", "grow", "wide", "number", "wide"]
    if has_others:
        headings.append("of")
        kinds.append("")
    nothing = "" if rows else "No runs yet. `%tooi run TOOL` makes one."
    signs = map(_sign_in_list, page.items)
    html = card(
        "",
        sentence(nothing)
        or table(
            list(zip(headings, kinds, strict=True)),
            [(row[0], sign, *row[2:]) for row, sign in zip(rows, signs, strict=True)],
        ),
        sentence(more, is_note=True),
    )
    text = nothing or columns_of_text([headings, *rows])
    record = {"items": [_record(run) for run in page.items], "next_cursor": page.next_cursor}
    return bundle("runs", "\n".join(filter(None, (text, visible(more)))), html, record)


def _trouble(run: Run) -> str:
    return "" if run.status is RunStatus.SUCCEEDED else run.message


def _title(run: Run) -> str:
    return f"{run.tool_name}@{run.version_number}"


def _command(run: Run) -> str:
    return shortened(arguments.join(run.arguments[:_MAX_ARGUMENTS]), _MAX_ARGUMENTS)


def _meta(run: Run, viewer: Principal | None) -> list[str]:
    took = duration(run.duration_s)
    if not run.status.is_final and run.started_at is not None:
        took = f"{duration((now() - run.started_at).total_seconds())} so far"
    return [
        f"run {run.number}" + (f" “{run.label}”" if run.label else ""),
        took,
        "" if run.exit_code is None else f"exit code {run.exit_code}",
        ", ".join(filter(None, (run.engine, _ISOLATION.get(run.isolation, run.isolation)))),
        "" if run.limits.network else "no network",
        _whose(run, viewer),
        f"shared with {shortened(', '.join(run.access), _MAX_ACCESS)}" if run.access else "",
        "kept for ever" if run.pinned else "",
    ]


def _whose(run: Run, viewer: Principal | None) -> str:
    if viewer is None or viewer.name == run.owner:
        return ""
    is_shared = not access.may_change_run(viewer, run)
    return f"shared with you by {run.owner}" if is_shared else f"by {run.owner}"


def _problem(error: TooInstanceError) -> Markup:
    """Return why some output, or all, is not shown."""
    return sentence(error.message) + sentence(error.hint, is_note=True)


def _stream(run: Run, excerpt: Excerpt, size_of: StreamSize, most: int) -> Markup:
    """Return a stream in at most about `most` characters of HTML."""
    if not excerpt.size_bytes:
        return Markup("")
    if excerpt.is_binary:
        return sentence(_binary(excerpt))
    first, last = excerpt.head, excerpt.tail
    html, used = _fitted(first, most // 3 if last else most)
    if used < len(first) and not last:
        place = first.rfind(b"\n", 0, len(first) // 3) + 1
        first, last = first[:place], first[place:]
        html, used = _fitted(first, most // 3)
    parts = [_pre(html, at_end=not run.status.is_final and not last)] if first else []
    if last:
        html, used_of_last = _fitted(last, most * 2 // 3, from_end=True)
        left_out = excerpt.size_bytes - used - used_of_last
        if left_out > 0:
            parts.append(_cut(_left_out(left_out)))
            parts.insert(0, _cut(_ends(used, used_of_last, excerpt.size_bytes)))
        parts.append(_pre(html, at_end=True))
    if size_of.is_cut:
        parts = [_limit_reached(_limit(size_of)), *parts, _cut(_END_OF_KEPT)]
    return Markup("").join(parts)


def _fitted(data: bytes, most: int, *, from_end: bool = False) -> tuple[Markup, int]:
    """Return the HTML of as many lines as fit, and how many bytes those have."""
    while len(html := to_html(data.decode("utf-8", "replace").rstrip("\n"))) > most:
        keep = len(data) * most * 9 // (10 * len(html))
        if from_end:
            start = data.find(b"\n", len(data) - keep) + 1
            data = data[start or len(data) - keep :]
        else:
            end = data.rfind(b"\n", 0, keep) + 1
            data = data[: end or keep]
    return html, len(data)


def _pre(html: Markup, *, at_end: bool = False) -> Markup:
    """Return preformatted text, scrolled to its end if that is what matters."""
    if at_end:
        return Markup('<pre class="tooi-end"><code>{}</code></pre>').format(html)
    return Markup("<pre>{}</pre>").format(html)


def _cut(text: str) -> Markup:
    return Markup('<div class="tooi-cut">{}</div>').format(text)


def _limit_reached(text: str) -> Markup:
    return Markup('<div class="tooi-cut tooi-alert">{}</div>').format(text)


def _ends(first_bytes: int, last_bytes: int, all_bytes: int) -> str:
    return (
        f"The first {size(first_bytes)} and the last {size(last_bytes)} of {size(all_bytes)}"
        if first_bytes
        else f"The last {part_of(last_bytes, all_bytes)}"
    )


def _left_out(size_bytes: int) -> str:
    return f"… {size(size_bytes)} left out …"


def _limit(size_of: StreamSize) -> str:
    return (
        f"Cut: {part_of(size_of.kept_bytes, size_of.total_bytes)} are kept, "
        "the limit of a run's log."
    )


def _binary(excerpt: Excerpt) -> str:
    return f"Binary output, {size(excerpt.size_bytes)}; stdout_bytes and stderr_bytes hold it."


def _stderr(run: Run, excerpt: Excerpt) -> Markup:
    if not excerpt.size_bytes:
        return Markup("")
    is_open = run.status in (RunStatus.FAILED, RunStatus.TIMED_OUT, RunStatus.LOST)
    content = _stream(run, excerpt, run.stderr, _MAX_HTML["stderr"])
    return details(f"stderr, {size(excerpt.size_bytes)}", content, is_open=is_open)


def _files(run: Run, output: RunOutput) -> Markup:
    if not run.files:
        return Markup("")
    rows = [
        (
            shortened(file.path, 200),
            size(file.size_bytes),
            f"not kept: {file.skipped}" if file.skipped else file.media_type or "",
            (file.sha256 or "")[:12],
        )
        for file in run.files[:_MAX_FILES]
    ]
    total = sum(file.size_bytes for file in run.files)
    more = len(run.files) - _MAX_FILES
    first = _first(_MAX_FILES, len(run.files), "files").capitalize() if more > 0 else ""
    columns = [("file", "grow"), ("size", "number"), ("kind", ""), ("SHA-256", "wide")]
    listed = sentence(first, is_note=True) + table(columns, rows)
    listed += sentence(
        f"… and {more:,} more: `%tooi files {run.number}`" if more > 0 else "", is_note=True
    )
    previews = Markup("").join(_previews(run, output))
    if len(run.files) <= 8:
        return listed + previews
    summary = f"{len(run.files):,} files, {size(total)}"
    return details(summary, listed, is_open=run.output is not OutputKind.STDOUT) + previews


def _previews(run: Run, output: RunOutput) -> Iterator[Markup]:
    is_open = run.output is not OutputKind.STDOUT
    by_path = {file.path: file for file in run.files}
    for path, data in list(output.contents.items())[: excerpts.MAX_PREVIEWS]:
        preview = _preview(by_path[path], data) if path in by_path else None
        if preview is not None:
            yield details(shortened(path, 200), preview, is_open=is_open)


def _preview(file: OutputFile, data: bytes) -> Markup | None:
    kind = excerpts.image_kind(file)
    if kind is not None:
        if not data.startswith(excerpts.IMAGES[kind]) or len(data) > excerpts.IMAGE_BYTES:
            return None
        return Markup('<img alt="{}" src="data:image/{};base64,{}">').format(
            visible(shortened(file.path, 200)), kind, base64.b64encode(data).decode()
        )
    if not excerpts.is_text(file) or Excerpt(head=data, size_bytes=len(data)).is_binary:
        return None
    is_whole = len(data) >= file.size_bytes
    data = data[: excerpts.TEXT_BYTES]
    suffix = PurePosixPath(file.path).suffix.lower()
    if suffix in (".csv", ".tsv"):
        rows = _csv_rows(data, "\t" if suffix == ".tsv" else ",", is_whole=is_whole)
        if rows is not None:
            return rows
    html, used = _fitted(data, excerpts.TEXT_BYTES * 3)
    if used == file.size_bytes:
        return _pre(html)
    first = _cut(f"The first {part_of(used, file.size_bytes)}")
    return first + _pre(html) + _cut(f"… {size(file.size_bytes - used)} more …")


def _csv_rows(data: bytes, delimiter: str, *, is_whole: bool) -> Markup | None:
    text = data.decode("utf-8-sig", "replace")
    if not is_whole:
        text = text.rpartition("\n")[0]
    try:
        read = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return None
    rows = [row for row in read if row]
    if len(rows) < 2 or len({len(row[:_CSV_COLUMNS]) for row in rows}) != 1:
        return None
    heading, *below = [[shortened(cell, _CSV_CELL) for cell in row[:_CSV_COLUMNS]] for row in rows]
    shown = table([(visible(name), "") for name in heading], below[:_CSV_ROWS])
    has_all = is_whole and len(below) <= _CSV_ROWS
    parts = []
    if not has_all:
        parts.append(
            _first(_CSV_ROWS, len(below), "rows")
            if is_whole
            else f"the first {min(_CSV_ROWS, len(below))} rows of more"
        )
    if len(rows[0]) > _CSV_COLUMNS:
        parts.append(_first(_CSV_COLUMNS, len(rows[0]), "columns"))
    if parts:
        shown = _cut(" and ".join(parts).capitalize()) + shown
    return shown if has_all else shown + _cut("… more rows …")


def _first(count: int, of: int, what: str) -> str:
    return f"the first {count:,} of {of:,} {what}"


def _text_of_output(run: Run, output: RunOutput) -> Iterator[str]:
    for name, excerpt, size_of in (
        ("stdout", output.stdout, run.stdout),
        ("stderr", output.stderr, run.stderr),
    ):
        if not excerpt.size_bytes:
            continue
        if name == "stderr":
            yield "\nstderr:"
        if excerpt.is_binary:
            yield _binary(excerpt)
            continue
        if size_of.is_cut:
            yield _limit(size_of)
        if excerpt.left_out_bytes:
            yield _ends(len(excerpt.head), len(excerpt.tail), excerpt.size_bytes)
        yield to_text(excerpt.head.decode("utf-8", "replace")).rstrip("\n")
        if excerpt.left_out_bytes:
            yield _left_out(excerpt.left_out_bytes)
        if excerpt.tail:
            yield to_text(excerpt.tail.decode("utf-8", "replace")).rstrip("\n")
        if size_of.is_cut:
            yield _END_OF_KEPT
    if run.files:
        more = len(run.files) - _MAX_FILES
        yield f"\n{_first(_MAX_FILES, len(run.files), 'files')}:" if more > 0 else "\nfiles:"
        yield columns_of_text(
            [
                ("", shortened(file.path, 200), size(file.size_bytes), file.skipped or "")
                for file in run.files[:_MAX_FILES]
            ]
        )
        if more > 0:
            yield f"… and {more:,} more"


def _record(run: Run) -> dict[str, object]:
    """Return a run as JSON; what could be megabytes is cut, and said to be."""
    record: dict[str, object] = as_json(run)
    record["files"] = as_json(run.files[:_MAX_FILES])
    record["files_total"] = len(run.files)
    record["inputs"] = as_json(run.inputs[:_MAX_FILES])
    for name in ("arguments", "command"):
        argv: tuple[str, ...] = getattr(run, name)
        if sum(map(len, argv)) > _MAX_JSON_TEXT or len(argv) > _MAX_ARGUMENTS:
            record[name] = as_json([shortened(word, 200) for word in argv[:20]])
            record[f"{name}_total"] = len(argv)
    if sum(map(len, run.variables.values())) > _MAX_JSON_TEXT:
        record["variables"] = dict.fromkeys(list(run.variables)[:_MAX_FILES], "…")
    record["duration_s"] = run.duration_s
    return record
