"""Hostile texts as Markdown: what they say is shown, and nothing of it means anything."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from ..terminal import visible

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#!|~$])")
_BEGINS_A_BLOCK = re.compile(r"^(\s*)(?=[-+=:>])|^(\s*[0-9]{1,9})(?=[.)])")
_WEB = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+")


def text(value: str) -> str:
    """Return a text on one line."""
    escaped = _PUNCTUATION.sub(r"\\\1", visible(value)).replace("&", "&amp;").replace("<", "&lt;")
    return _BEGINS_A_BLOCK.sub(lambda found: f"{found[0]}\\", escaped)


def code(value: str) -> str:
    """Return a text on one line as code, also in a table."""
    shown = visible(value)
    if not shown.strip():
        return ""
    return f"<code>{_entities(html.escape(shown))}</code>"


def file(name: str, address: str | None) -> str:
    """Return a file's name, as a link to its relative address if it has one."""
    return code(name) if address is None else f"[{code(name)}]({quote(address)})"


def link(value: str) -> str:
    """Return an address of the web as a link, anything else as code."""
    return f"<{value}>" if _WEB.fullmatch(value) else code(value)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def alert(value: str) -> str:
    """Return a text that must not be overlooked, in the box that Jupyter has for warnings."""
    return f'<div class="alert alert-warning">{_entities(html.escape(visible(value)))}</div>'


def _entities(escaped: str) -> str:
    # in HTML inside Markdown these still mean something
    return re.sub(r"[\\`*_\[\]|~$]", lambda found: f"&#{ord(found[0])};", escaped)
