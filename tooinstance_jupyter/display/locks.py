"""What was frozen, and what was made again of it, as MIME bundles. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..export.record import ExportedTool
from ..export.restore import Restoration, Restored
from ..terminal import visible
from .markup import (
    MimeBundle,
    as_json,
    bundle,
    card,
    columns_of_text,
    head,
    marked,
    sentence,
    table,
)

_DIGEST_CHARS = 12
_MARKS = {
    Restoration.TAKEN: ("=", "ok"),
    Restoration.MADE: ("+", "ok"),
    Restoration.FAILED: ("✗", "bad"),
}


def frozen_bundle(
    places: Sequence[str], tools: Sequence[ExportedTool], notes: Sequence[str] = ()
) -> MimeBundle:
    """Return the display of what was written to a lock.

    Parameters
    ----------
    places
        The files that hold it.
    notes
        What else there is to say.
    """
    headings = ("tool", "source", "command", "runtime", "engine", "environment")
    kinds = ("", "grow", "", "wide", "wide", "wide")
    rows = [
        (
            tool.name,
            _source(tool),
            tool.entry_point or "",
            tool.runtime or "",
            tool.engine,
            (tool.environment or "")[:_DIGEST_CHARS],
        )
        for tool in tools
    ]
    title = f"Frozen in {' and '.join(places)}"
    mark, tone = ("!", "warn") if notes else ("✓", "ok")
    html = card(
        tone,
        head(mark, title),
        table(list(zip(headings, kinds, strict=True)), rows),
        *(sentence(note, is_note=True) for note in notes),
    )
    text = [visible(f"{mark} {title}"), columns_of_text([headings, *rows]), *map(visible, notes)]
    record = {"places": list(places), "tools": as_json(tools), "notes": list(notes)}
    return bundle("lock", "\n".join(text), html, record)


def restored_bundle(name: str, restored: Sequence[Restored]) -> MimeBundle:
    """Return the display of what became of the tools of a lock.

    Parameters
    ----------
    name
        The file that held it.
    """
    failed = sum(one.restoration is Restoration.FAILED for one in restored)
    mark, tone = ("✗", "bad") if failed else ("✓", "ok")
    title = f"Restored from {name}"
    meta = [
        f"{count} {restoration}"
        for restoration in Restoration
        if (count := sum(one.restoration is restoration for one in restored))
    ]
    headings = ("", "tool", "here", "source")
    rows = [
        (_MARKS[one.restoration][0], one.tool.name, one.here, _source(one.tool)) for one in restored
    ]
    notes = [f"{one.tool.name}: {note}" for one in restored for note in one.notes]
    html = card(
        tone,
        head(mark, title, meta=meta),
        table(
            list(zip(headings, ("", "", "", "grow"), strict=True)),
            [
                (marked(*_MARKS[one.restoration]), *row[1:])
                for one, row in zip(restored, rows, strict=True)
            ],
        ),
        *(sentence(note, is_note=True) for note in notes),
    )
    text = [
        visible(f"{mark} {title}: {', '.join(meta)}"),
        columns_of_text([headings, *rows]),
        *map(visible, notes),
    ]
    record = {
        "place": name,
        "tools": [
            {
                "name": one.tool.name,
                "here": one.here,
                "restoration": one.restoration.value,
                "notes": list(one.notes),
            }
            for one in restored
        ],
    }
    return bundle("restoration", "\n".join(text), html, record)


def _source(tool: ExportedTool) -> str:
    return str(tool.source) if tool.source else ""
