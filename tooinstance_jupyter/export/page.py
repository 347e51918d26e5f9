"""An export as one HTML file that needs nothing else: no network, no script, no kernel.

It is the notebook, converted by nbconvert, with its files as links that hold them. Its policy
forbids scripts and requests, whatever a tool wrote.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from markupsafe import Markup

from ..display.markup import size
from ..terminal import visible
from .base import Exporter
from .notebook import MOST_BYTES, notebook
from .package import BLOCK_ID, METADATA, Package
from .record import ExportedFile

if TYPE_CHECKING:
    from nbformat import NotebookNode

_DOWNLOAD_BYTES = 2 * 2**20
_ALL_DOWNLOADS_BYTES = 16 * 2**20

_PAGE = Markup("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="{generator}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
{downloads}
</main>
<script type="application/json" id="{block_id}">{block}</script>
</body>
</html>
""")

_STYLE = """
:root{color-scheme:light dark;--fg:#1f2328;--dim:#59636e;--bg:#fff;--bg2:#f6f8fa;--line:#d1d9e0;
--link:#0969da}
@media(prefers-color-scheme:dark){:root{--fg:#e6edf3;--dim:#9198a1;--bg:#0d1117;--bg2:#151b23;
--line:#3d444d;--link:#4493f8}}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.55 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.7rem;line-height:1.25;margin:.2em 0 .6em;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2em 0 .6em;overflow-wrap:anywhere}
a{color:var(--link)}a.anchor-link{display:none}
hr{border:0;border-top:1px solid var(--line);margin:2rem 0 1rem}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.text_cell table{border-collapse:collapse;margin:.8em 0;font-size:13px;display:block;
overflow-x:auto;max-width:100%}
.text_cell th,.text_cell td{padding:4px 12px 4px 0;text-align:left;vertical-align:baseline;
border-bottom:1px solid var(--line)}
.text_cell td code{overflow-wrap:anywhere}
.text_cell th{color:var(--dim);font-weight:600}
.text_cell td:first-child{white-space:nowrap;color:var(--dim)}
.alert{border:1px solid #bf8700;border-left-width:4px;border-radius:4px;padding:6px 12px;
font-weight:600;background:color-mix(in srgb,#bf8700 18%,var(--bg))}
.prompt{display:none}
.input_area{background:var(--bg2);border:1px solid var(--line);border-radius:4px;padding:8px 12px;
margin:1em 0 .5em}
.output_subarea{margin:.5em 0}.output_subarea img{max-width:100%;background:#fff}
.downloads{list-style:none;padding:0;font-size:13px}
.downloads li{padding:3px 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
.downloads span{color:var(--dim)}
@media print{details{display:block}main{max-width:none}}
"""


class PageExporter(Exporter):
    """Pages: to be read by anybody with a browser."""

    suffix = ".html"
    most_bytes = MOST_BYTES

    def write(self, package: Package, target: Path) -> None:
        """Write a page."""
        held = [str(file.place) for _, file in _downloadable(package)]
        target.write_text(page(package, notebook(package, held=held)), "utf-8")


def page(package: Package, made: NotebookNode) -> str:
    """Return an export as a page.

    Parameters
    ----------
    made
        Its notebook.
    """
    export = package.export
    return _PAGE.format(
        title=visible(export.title),
        generator=export.generator,
        style=_highlighted(_STYLE),
        # nbconvert escapes what is text in a notebook, and displays are safe HTML
        body=Markup(_body(made)),  # noqa: S704
        downloads=_downloads(package),
        block_id=BLOCK_ID,
        block=_for_script(made.metadata[METADATA]),
    )


def _body(made: NotebookNode) -> str:
    from nbconvert.exporters import HTMLExporter

    # what the basic template makes of a notebook is no whole page
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(made)
    return str(body)


def _highlighted(style: str) -> Markup:
    from pygments.formatters.html import HtmlFormatter

    light = HtmlFormatter(style="default", nobackground=True).get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark", nobackground=True).get_style_defs(".highlight")
    highlighting = f"{light}\n@media(prefers-color-scheme:dark){{{dark}}}"
    return Markup(style + highlighting)  # noqa: S704 (nobody's text is in it)


def _downloadable(package: Package) -> Iterator[tuple[int, ExportedFile]]:
    """Yield the files that a page has room for, with the numbers of their runs."""
    room = _ALL_DOWNLOADS_BYTES
    for run in package.export.runs:
        for file in run.files:
            if file.place is not None and file.size_bytes <= min(_DOWNLOAD_BYTES, room):
                room -= file.size_bytes
                yield run.number, file


def _downloads(package: Package) -> Markup:
    items = [
        Markup(
            '<li><a download="{}" href="data:application/octet-stream;base64,{}">{}</a> '
            "<span>run {}, {}</span></li>"
        ).format(
            PurePosixPath(str(file.place)).name,
            base64.b64encode(package.read(file) or b"").decode(),
            visible(file.path),
            number,
            size(file.size_bytes),
        )
        for number, file in _downloadable(package)
    ]
    if not items:
        return Markup("")
    return Markup('<h2>Files</h2><ul class="downloads">{}</ul>').format(Markup("").join(items))


def _for_script(value: object) -> Markup:
    # nothing in it may end the element, or begin a comment in it
    text = json.dumps(value)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704
