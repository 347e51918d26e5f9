"""Tools, builds, errors and removals as MIME bundles. Pure; runs are left to ``runs``."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from .. import access
from ..build.sources import creation_of
from ..errors import TooInstanceError
from ..records import Page, Principal, Tool, Version, VersionStatus, Visibility, now
from ..requests import Removal, ToolDetail
from ..terminal import to_html, to_text, visible
from .markup import (
    MimeBundle,
    as_json,
    bundle,
    card,
    columns_of_text,
    details,
    duration,
    facts,
    head,
    link,
    marked,
    moment,
    sentence,
    shortened,
    size,
    table,
)
from .options import options_markup, options_text

_MARKS = {
    VersionStatus.READY: ("✓", "ok"),
    VersionStatus.FAILED: ("✗", "bad"),
    VersionStatus.CANCELLED: ("■", "warn"),
}
_BUSY = ("●", "busy")
_ISOLATION = {
    "docker": "each run in a fresh container, read-only and without privileges",
    "process": "each run is a process of this machine, isolated where bubblewrap is installed",
}
_MAX_VERSIONS = 10
_LOG_LINES, _LOG_CHARACTERS = 60, 12_000
_ERROR_CHARACTERS = 4_000


def tool_mark(detail: ToolDetail) -> tuple[str, str]:
    """Return the sign of the state of a tool's version that a run takes, with its tone."""
    return _mark(_shown(detail))


def tool_bundle(detail: ToolDetail, *, viewer: Principal | None = None) -> MimeBundle:
    """Return the display of a tool with its versions.

    Parameters
    ----------
    detail
        The tool, as the viewer sees it.
    viewer
        Who looks at it, by whom it depends what is said of who has access.
    """
    tool, ready = detail.tool, detail.ready
    newest = detail.versions[0] if detail.versions else None
    mark, tone = tool_mark(detail)
    example = f"%tooi run {tool.name}" if ready else ""
    state = "" if newest is None or newest is ready else f"{newest.number}: {newest.message}"
    others = [
        name
        for one in (ready.candidates if ready else ())
        # a module of the same package is no command of its own
        if (name := one.entry_point) and ready and name != ready.entry_point and name[0] != "-"
    ]
    pairs = [
        ("source", str(tool.source)),
        ("command", (ready and ready.entry_point) or tool.entry_point or ""),
        ("runtime", (ready and ready.runtime) or tool.runtime or ""),
        ("also in it", ", ".join(others)),
        ("engine", _engine(ready)),
        ("build", state),
        ("output", tool.output.value),
        ("access", _access(tool, viewer)),
        ("run it", example),
        ("another", creation_of(tool.source, others[0]) if others else ""),
    ]
    title = _version_title(tool, _shown(detail))
    meta = [tool.owner, f"created {moment(tool.created_at)}"]
    html = card(
        tone,
        head(mark, title, meta=meta),
        sentence(tool.description),
        facts((name, _source(tool) if name == "source" else value) for name, value in pairs),
        options_markup(ready.interface if ready else None),
        _versions(detail.versions),
    )
    text = [f"{mark} {title}  " + " · ".join(meta), tool.description]
    text += [f"  {name:<10}  {value}" for name, value in pairs if value]
    text += options_text(ready.interface if ready else None)
    return bundle("tool", "\n".join(visible(line) for line in text if line), html, _detail(detail))


def tools_bundle(page: Page[ToolDetail], *, viewer: str = "") -> MimeBundle:
    """Return the display of a list of tools; those of others than the viewer by full name."""
    more = f"There are more: `--cursor {page.next_cursor}`" if page.next_cursor else ""
    nothing = "" if page.items else "No tools. `%tooi create LINK` makes one."
    headings = ("tool", "", "description", "source", "owner")
    kinds = ("", "", "grow", "wide", "wide")
    rows = [
        (
            (f"{detail.tool.owner}/" if viewer and detail.tool.owner != viewer else "")
            + _version_title(detail.tool, newest),
            tool_mark(detail)[0],
            shortened(detail.tool.description or _trouble(newest), 200),
            str(detail.tool.source),
            detail.tool.owner,
        )
        for detail in page.items
        for newest in [_shown(detail)]
    ]
    html = card(
        "",
        sentence(nothing)
        or table(
            list(zip(headings, kinds, strict=True)),
            [
                (row[0], marked(*tool_mark(item)), row[2], _source(item.tool), row[4])
                for row, item in zip(rows, page.items, strict=True)
            ],
        ),
        sentence(more, is_note=True),
    )
    text = nothing or columns_of_text(
        [headings, *((*row[:2], shortened(row[2], 60), *row[3:]) for row in rows)]
    )
    record = {"items": [_detail(item) for item in page.items], "next_cursor": page.next_cursor}
    return bundle("tools", "\n".join(filter(None, (text, visible(more)))), html, record)


def version_bundle(tool: Tool, version: Version, log: str = "") -> MimeBundle:
    """Return the display of a build: its progress, or how it ended.

    Parameters
    ----------
    tool
        The tool.
    version
        Its version, building or built.
    log
        The build's log or its end; shown when it failed.
    """
    mark, tone = _mark(version)
    title = _version_title(tool, version)
    seconds = duration(((version.finished_at or now()) - version.created_at).total_seconds())
    steps = f"step {version.steps_done} of {version.steps_total}" if version.steps_total else ""
    is_over = version.status.is_final
    meta = ["" if is_over else steps, seconds, version.engine, (version.commit or "")[:12]]
    failure = version.failure
    message = failure.message if failure else version.message
    hint = failure.hint if failure else ""
    bar = Markup("")
    if not is_over:
        state = (
            Markup(' value="{}" max="{}"').format(version.steps_done, version.steps_total)
            if version.steps_total
            else Markup("")
        )
        bar = Markup('<div class="tooi-bar"><progress{}></progress></div>').format(state)
    html = [
        head(mark, title, meta=meta),
        sentence(message),
        bar,
        sentence(hint, is_note=True),
        *_notes(version),
    ]
    text = [f"{mark} {title}  " + " · ".join(filter(None, meta)), f"  {message}", f"  {hint}"]
    lines = [visible(line).rstrip() for line in text]
    if failure and log:
        last = "\n".join(log[-_LOG_CHARACTERS:].splitlines()[-_LOG_LINES:])
        html.append(details("The end of the build's log", _log(last)))
        lines += ["", to_text(last)]
    record = {"tool": as_json(tool), "version": as_json(version)}
    return bundle("version", "\n".join(lines).rstrip(), card(tone, *html), record)


def error_bundle(error: TooInstanceError) -> MimeBundle:
    """Return the display of an error: what happened, then what to do next."""
    message, hint = shortened(error.message, _ERROR_CHARACTERS), shortened(error.hint, 1_000)
    html = card("bad", head("✗", message, meta=[error.error_code]), sentence(hint, is_note=True))
    text = "\n".join(visible(line) for line in (f"✗ {message}", hint and f"  {hint}") if line)
    record = {"error": {"code": error.error_code, "message": message, "hint": hint}}
    return bundle("error", text, html, as_json(record))


def removals_bundle(removals: Sequence[Removal], *, dry_run: bool) -> MimeBundle:
    """Return the display of what garbage collection removed, or would."""
    freed = size(sum(removal.size_bytes for removal in removals if not removal.problem))
    stuck = sum(bool(removal.problem) for removal in removals)
    if not removals:
        summary = "There is nothing to remove."
    elif dry_run:
        summary = f"{freed} can be freed: `%tooi gc --yes` removes this."
    else:
        summary = f"{freed} freed."
    if stuck:
        summary += f" {stuck} of {len(removals)} cannot be removed."
    rows = [
        (
            item.name,
            item.kind,
            size(item.size_bytes),
            item.reason + (f"; not removed: {item.problem}" if item.problem else ""),
        )
        for item in removals
    ]
    columns = [("name", ""), ("kind", ""), ("size", "number"), ("why", "grow")]
    html = card(
        "",
        head("", summary),
        table(columns, rows) if rows else Markup(""),
    )
    text = "\n".join(filter(None, (columns_of_text(rows) if rows else "", summary)))
    record = {"items": as_json(removals), "dry_run": dry_run}
    return bundle("removals", text, html, record)


def _mark(version: Version | None) -> tuple[str, str]:
    return ("", "") if version is None else _MARKS.get(version.status, _BUSY)


def _shown(detail: ToolDetail) -> Version | None:
    """Return the version that a run takes, else the newest."""
    return detail.ready or (detail.versions[0] if detail.versions else None)


def _source(tool: Tool) -> Markup:
    return link(str(tool.source), tool.source.location)


def _version_title(tool: Tool, version: Version | None) -> str:
    return tool.name if version is None else f"{tool.name}@{version.number}"


def _access(tool: Tool, viewer: Principal | None) -> str:
    """Return who has access, as far as the viewer may know: others on the list are not told."""
    if tool.visibility is Visibility.PUBLIC:
        return "everybody here"
    if viewer is not None and not access.may_change_tool(viewer, tool):
        return f"shared with you by {tool.owner}"
    owner = "you" if viewer is not None and viewer.name == tool.owner else tool.owner
    return ", ".join([owner, *tool.access]) if tool.access else f"only {owner}"


def _engine(version: Version | None) -> str:
    """Return what a version runs on, why, and how isolated that is."""
    if version is None:
        return ""
    mark = f"Engine: {version.engine}, "
    why = next((n.removeprefix(mark) for n in version.notes if n.startswith(mark)), "")
    how = _ISOLATION.get(version.engine, "")
    return f"{version.engine}" + (f" ({why})" if why else "") + (f": {how}" if how else "")


def _versions(versions: Sequence[Version]) -> Markup:
    if len(versions) < 2:
        return Markup("")
    rows = [
        (
            f"@{version.number}",
            marked(*_mark(version)),
            version.message,
            version.engine,
            (version.commit or "")[:12],
            moment(version.created_at),
        )
        for version in versions[:_MAX_VERSIONS]
    ]
    columns = [
        *(("version", ""), ("", ""), ("state", "grow"), ("engine", "")),
        *(("commit", ""), ("made", "wide")),
    ]
    return details(f"{len(versions)} versions", table(columns, rows))


def _notes(version: Version) -> list[Markup]:
    if version.status not in (VersionStatus.FAILED, VersionStatus.READY) or not version.notes:
        return []
    items = Markup("").join(sentence(note, is_note=True) for note in version.notes)
    return [details("How it was found", items)]


def _log(text: str) -> Markup:
    html = to_html(text)
    if len(html) > 5 * _LOG_CHARACTERS:
        html = Markup("{}").format(to_text(text))
    return Markup("<pre>{}</pre>").format(html)


def _detail(detail: ToolDetail) -> dict[str, object]:
    return {
        "tool": as_json(detail.tool),
        "versions": as_json(detail.versions[:_MAX_VERSIONS]),
        "versions_total": len(detail.versions),
    }


def _trouble(version: Version | None) -> str:
    """Return how a version stands that cannot be run, nothing for one that can."""
    return "" if version is None or version.status is VersionStatus.READY else version.message
