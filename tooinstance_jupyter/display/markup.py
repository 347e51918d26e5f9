"""The pieces that every display is made of: safe HTML, tables, times, sizes, the bundle itself.

`markupsafe.Markup` escapes whatever is put into it; what to show is left to the modules beside it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from ..sizes import size as size
from ..terminal import visible

MimeBundle = dict[str, Any]
SCHEMA_VERSION = 1

# A card with a background of its own can be read wherever the notebook is shown: the colours are
# JupyterLab's, else VS Code's, else they follow the system. Without styles it stays in order.
# The class stands three times where JupyterLab's own rules for HTML would win.
STYLE = Markup("""<style>
.tooi{--fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1f2328));
--dim:var(--jp-content-font-color2,var(--vscode-descriptionForeground,#59636e));
--bg:var(--jp-layout-color0,var(--vscode-editor-background,#fff));
--bg2:var(--jp-layout-color1,var(--vscode-textCodeBlock-background,#f6f8fa));
--line:var(--jp-border-color2,var(--vscode-panel-border,#d1d9e0));
--ok:var(--jp-success-color1,var(--vscode-charts-green,#1a7f37));
--bad:var(--jp-error-color1,var(--vscode-charts-red,#cf222e));
--warn:var(--jp-warn-color1,var(--vscode-charts-yellow,#9a6700));
--info:var(--jp-brand-color1,var(--vscode-charts-blue,#0969da));
container-type:inline-size;color:var(--fg);background:var(--bg);border:1px solid var(--line);
border-left:3px solid var(--tone,var(--line));border-radius:4px;margin:2px 0;overflow:hidden;
font:13px/1.5 var(--jp-content-font-family,system-ui,sans-serif)}
@media(prefers-color-scheme:dark){.tooi{
--fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,#e6edf3));
--dim:var(--jp-content-font-color2,var(--vscode-descriptionForeground,#9198a1));
--bg:var(--jp-layout-color0,var(--vscode-editor-background,#0d1117));
--bg2:var(--jp-layout-color1,var(--vscode-textCodeBlock-background,#151b23));
--line:var(--jp-border-color2,var(--vscode-panel-border,#3d444d));
--ok:var(--jp-success-color1,var(--vscode-charts-green,#3fb950));
--bad:var(--jp-error-color1,var(--vscode-charts-red,#f85149));
--warn:var(--jp-warn-color1,var(--vscode-charts-yellow,#d29922));
--info:var(--jp-brand-color1,var(--vscode-charts-blue,#4493f8))}}
.tooi-ok{--tone:var(--ok)}.tooi-bad{--tone:var(--bad)}.tooi-warn{--tone:var(--warn)}
.tooi-busy{--tone:var(--info)}.tooi *{box-sizing:border-box}
.tooi-head{display:flex;flex-wrap:wrap;gap:0 10px;align-items:baseline;padding:6px 12px}
.tooi-head>code{flex:0 1 auto;min-width:0}
.tooi-mark{color:var(--tone);font-weight:bold}
.tooi-meta,.tooi-note{color:var(--dim);font-size:12px}
.tooi-note{padding:0 12px 8px}.tooi-text{padding:0 12px 8px;overflow-wrap:anywhere}
.tooi.tooi.tooi code,.tooi.tooi.tooi pre{font-size:12px;
font-family:var(--jp-code-font-family,ui-monospace,monospace);
color:inherit;background:none;padding:0;border:0}
.tooi code{overflow-wrap:anywhere;white-space:pre-wrap}
.tooi.tooi.tooi pre{margin:0;padding:8px 12px;background:var(--bg2);
border-top:1px solid var(--line);max-height:32em;overflow:auto;line-height:1.4;
white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere}
.tooi details{border-top:1px solid var(--line)}
.tooi summary{padding:4px 12px;cursor:pointer;color:var(--dim);font-size:12px}
.tooi-cut{padding:3px 12px;color:var(--dim);background:var(--bg);font-size:12px;
border-top:1px dashed var(--line);text-align:center}
.tooi-alert{color:var(--fg);background:color-mix(in srgb,var(--warn) 22%,var(--bg));
border:1px solid var(--warn);border-radius:3px;padding:0 6px;font-size:12px;font-weight:600}
.tooi-cut.tooi-alert{border-width:1px 0;border-radius:0}
.tooi-wrap{overflow-x:auto;border-top:1px solid var(--line)}
.tooi table{table-layout:auto;border-collapse:collapse;width:100%;
margin:0;border:0;font-size:12px;color:inherit}
.tooi .tooi-wrap th,.tooi .tooi-wrap td{
padding:3px 12px;text-align:left;vertical-align:baseline;border:0;
white-space:nowrap;background:none}
.tooi th{color:var(--dim);font-weight:600}.tooi tbody tr+tr td{border-top:1px solid var(--line)}
.tooi .tooi-wrap td.tooi-grow{white-space:normal;overflow-wrap:anywhere;width:60%;min-width:9em}
.tooi .tooi-wrap .tooi-number{text-align:right;font-variant-numeric:tabular-nums}
.tooi a{color:var(--jp-content-link-color,var(--info))}
.tooi dl{display:grid;grid-template-columns:max-content 1fr;gap:1px 14px;margin:0;
padding:0 12px 8px;width:auto}.tooi dt,.tooi dd{float:none;width:auto;margin:0}
.tooi dt{color:var(--dim);font-weight:normal}.tooi dd{overflow-wrap:anywhere}
.tooi progress{appearance:none;width:100%;height:6px;margin:2px 0 10px;border:0;display:block;
border-radius:3px;overflow:hidden;background:var(--line)}
.tooi ::-webkit-progress-bar{background:var(--line)}
.tooi ::-webkit-progress-value{background:var(--info)}
.tooi ::-moz-progress-bar{background:var(--info)}
.tooi pre.tooi-end{display:flex;flex-direction:column-reverse}
.tooi-bar{padding:0 12px}.tooi img{max-width:100%;max-height:24em;margin:0 12px 8px;background:#fff}
.tooi>style+.tooi-text{padding-top:8px}.tooi>style+.tooi-wrap{border-top:0}
.tooi-wrap+.tooi-note{padding-top:4px}
@container(max-width:560px){.tooi-wide{display:none}
.tooi th,.tooi td{padding:3px 6px}
.tooi-head,.tooi-text,.tooi-note{padding-left:8px;padding-right:8px}}
</style>""")

_CODE = re.compile(r"`([^`]{1,200})`")
_WEB = re.compile(r"https?://[^\s<>\"'`]+")

Column = tuple[str, str]
"""A heading with its CSS class: "", "grow", "number" or "wide"."""


def bundle(kind: str, text: str, html: Markup, record: Mapping[str, object]) -> MimeBundle:
    """Return a display in its three forms: for terminals, for people, for programs."""
    return {
        "text/plain": text,
        "text/html": str(html),
        f"application/vnd.tooinstance.{kind}.v1+json": {
            "schema_version": SCHEMA_VERSION,
            **record,
        },
    }


def card(tone: str, *parts: Markup) -> Markup:
    """Return the frame around a display; `tone` is ``ok``, ``bad``, ``warn``, ``busy`` or empty."""
    classes = f"tooi tooi-{tone}" if tone else "tooi"
    return Markup('<div class="{}">{}{}</div>').format(classes, STYLE, Markup("").join(parts))


def marked(mark: str, tone: str = "") -> Markup:
    """Return a sign in its colour: that of a tone, or else of the card."""
    classes = f"tooi-mark tooi-{tone}" if tone else "tooi-mark"
    return Markup('<span class="{}">{}</span>').format(classes, mark)


def alert(text: str) -> Markup:
    """Return what must not be overlooked, empty for no text."""
    return Markup('<span class="tooi-alert">{}</span>').format(visible(text)) if text else Markup()


def head(
    mark: str, title: str, command: str = "", meta: Iterable[str] = (), *, warning: str = ""
) -> Markup:
    """Return the first line of a card; a warning stands before all but the title."""
    parts = [Markup("<span>{} <b>{}</b></span>").format(marked(mark), prose(title))]
    if warning:
        parts.append(alert(warning))
    if command:
        parts.append(Markup("<code>{}</code>").format(visible(command)))
    if shown := " · ".join(part for part in meta if part):
        parts.append(Markup('<span class="tooi-meta">{}</span>').format(visible(shown)))
    return Markup('<div class="tooi-head">{}</div>').format(Markup(" ").join(parts))


def sentence(text: str, *, is_note: bool = False) -> Markup:
    """Return a line of text, empty for no text."""
    if not text:
        return Markup("")
    return Markup('<div class="tooi-{}">{}</div>').format(
        "note" if is_note else "text", prose(text)
    )


def prose(text: str) -> Markup:
    """Return a text whose parts in backticks are code."""
    parts = _CODE.split(visible(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def details(summary: str, content: Markup, *, is_open: bool = False) -> Markup:
    """Return what can be folded away."""
    return Markup("<details{}><summary>{}</summary>{}</details>").format(
        Markup(" open") if is_open else "", visible(summary), content
    )


def table(columns: Sequence[Column], rows: Iterable[Sequence[str | Markup]]) -> Markup:
    """Return a table that scrolls rather than break its frame."""

    def cells(name: str, row: Iterable[str | Markup]) -> Markup:
        return Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup('<{0} class="tooi-{1}">{2}</{0}>').format(
                    name,
                    kind or "cell",
                    cell if isinstance(cell, Markup) else visible(cell),
                )
                for (_, kind), cell in zip(columns, row, strict=True)
            )
        )

    return Markup(
        '<div class="tooi-wrap"><table><thead>{}</thead><tbody>{}</tbody></table></div>'
    ).format(
        cells("th", [title for title, _ in columns]),
        Markup("").join(cells("td", row) for row in rows),
    )


def facts(pairs: Iterable[tuple[str, str | Markup]]) -> Markup:
    """Return a list of names and values; those without a value are left out."""
    return Markup("<dl>{}</dl>").format(
        Markup("").join(
            Markup("<dt>{}</dt><dd>{}</dd>").format(
                name, value if isinstance(value, Markup) else visible(value)
            )
            for name, value in pairs
            if value
        )
    )


def link(text: str, address: str) -> Markup:
    """Return a text as a link if its address is one of the web."""
    if not _WEB.fullmatch(address):
        return Markup("{}").format(visible(text))
    return Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(
        visible(address), visible(text)
    )


def columns_of_text(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned text."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def duration(seconds: float | None) -> str:
    """Return a duration as people read it, empty if there is none.

    Examples
    --------
    >>> duration(0.04), duration(3.21), duration(75), duration(7265)
    ('40 ms', '3.2 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds is None:
        return ""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def moment(time: datetime) -> str:
    """Return a time in the local time zone."""
    return f"{time.astimezone():%Y-%m-%d %H:%M}"


def as_json(value: object) -> Any:
    """Return a record as plain JSON: dates in ISO 8601, sets and tuples as lists."""
    match value:
        case datetime():
            return value.isoformat()
        case str():
            # no half of a surrogate pair can be sent to a front end
            return str(value).encode("utf-8", "backslashreplace").decode()
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {as_json(str(key)): as_json(item) for key, item in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return {
                field.name: as_json(getattr(value, field.name))
                for field in dataclasses.fields(value)
            }
        case Iterable():
            return [as_json(item) for item in value]
    return str(value)
