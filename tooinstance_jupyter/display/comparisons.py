"""What two runs have in common and what not, as a MIME bundle. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ..export.comparison import Finding, Verdict, verdict_of
from ..terminal import visible
from .markup import (
    MimeBundle,
    as_json,
    bundle,
    card,
    columns_of_text,
    details,
    head,
    marked,
    sentence,
    shortened,
    table,
)

_MARKS = {
    Verdict.SAME: ("=", "ok"),
    Verdict.DIFFERENT: ("≠", "bad"),
    Verdict.UNKNOWN: ("?", "warn"),
}
_MOST_ROWS = 200
_LONGEST_DETAIL = 160


def comparison_bundle(
    title: str, findings: Sequence[Finding], notes: Sequence[str] = ()
) -> MimeBundle:
    """Return the display of a comparison.

    Parameters
    ----------
    title
        What was compared.
    notes
        What else there is to say.
    """
    verdict = verdict_of(list(findings))
    mark, tone = _MARKS[verdict]
    counts = [
        f"{count} {word}"
        for kind, word in (
            (Verdict.SAME, "the same"),
            (Verdict.DIFFERENT, "different"),
            (Verdict.UNKNOWN, "not known"),
        )
        if (count := sum(finding.verdict is kind for finding in findings))
    ]
    # what differs is what one looks for
    ordered = sorted(findings, key=lambda finding: list(_MARKS).index(finding.verdict) != 1)
    shown = ordered[:_MOST_ROWS]
    rows = [
        (_MARKS[finding.verdict][0], finding.what, shortened(finding.detail, _LONGEST_DETAIL))
        for finding in shown
    ]
    more = len(ordered) - len(shown)
    notes = [*notes, *([f"… and {more} more."] if more > 0 else [])]
    html = card(
        tone,
        head(mark, title, meta=counts),
        table(
            [("", ""), ("what", ""), ("how it is", "grow")],
            [
                (marked(*_MARKS[finding.verdict]), *row[1:])
                for finding, row in zip(shown, rows, strict=True)
            ],
        ),
        *(
            details(f"{finding.what}: what differs", _coloured(finding.diff), is_open=True)
            for finding in shown
            if finding.diff
        ),
        *(sentence(note, is_note=True) for note in notes),
    )
    text = [
        visible(f"{mark} {title}: {', '.join(counts)}"),
        columns_of_text(rows) if rows else "",
        *(f"\n{visible(f.what)}:\n" + _plain(f.diff) for f in shown if f.diff),
        *map(visible, notes),
    ]
    record = {
        "title": title,
        "verdict": verdict.value,
        "findings": as_json(findings),
        "notes": as_json(notes),
    }
    return bundle("comparison", "\n".join(filter(None, text)), html, record)


def _coloured(diff: str) -> Markup:
    lines = []
    for line in diff.splitlines():
        tone = {"+": "tooi-ok", "-": "tooi-bad"}.get(line[:1])
        shown = visible(line)
        lines.append(
            Markup('<span class="tooi-mark {}">{}</span>').format(tone, shown)
            if tone
            else Markup("{}").format(shown)
        )
    return Markup("<pre>{}</pre>").format(Markup("\n").join(lines))


def _plain(diff: str) -> str:
    return "\n".join(map(visible, diff.splitlines()))
