"""Makes plain lines of what a tool printed: no colours, overstrikes, frames or control characters.

What the lines mean is left to ``layout``.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 256 * 1024
MOST_LINES = 3_000
MOST_LINE_CHARACTERS = 1_500
MOST_HELP_CHARACTERS = 500

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_]|[ -/]+[0-~])"
)
_OVERSTRUCK = re.compile(r".\x08")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_FRAME_TOP = re.compile(
    r"^\s*[╭┌┏+][─━-]+ ?(?P<title>[^─━╮┐┓-][^─━╮┐┓]{0,100}?)? ?[─━-]*[╮┐┓+]\s*$"
)
_FRAME_LINE = re.compile(r"^(\s*)[│┃](.*)[│┃]\s*$")
_FRAME_REST = re.compile(r"^\s*[╰└┗├╞][─━═]+.*$")
_RULE = re.compile(r"^\s*(?:[─━═]{3,}|-{4,}|={4,})\s*$")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> list[str]:
    """Return the lines of a text, as many as are read, each without space at its end."""
    text = _ESCAPES.sub("", text[:MOST_CHARACTERS])
    if "\x08" in text:
        text = _OVERSTRUCK.sub("", text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MOST_LINES]
    return [_line(line[:MOST_LINE_CHARACTERS]) for line in lines]


def line_of(text: str, most: int = MOST_HELP_CHARACTERS) -> str:
    """Return a text on one line of at most so many characters."""
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _line(line: str) -> str:
    line = _CONTROL.sub("", line.expandtabs()).replace("\xa0", " ").rstrip()
    # every character of a surrogate pair's half breaks whoever writes it down
    line = line.encode("utf-8", "replace").decode()
    if not line or _RULE.match(line):
        return ""
    if line.isascii():
        return line
    if top := _FRAME_TOP.match(line):
        return f"{top['title'].strip()}:" if top["title"] else ""
    if _FRAME_REST.match(line):
        return ""
    inside = _FRAME_LINE.match(line)
    return (inside[1] + " " + inside[2].rstrip()) if inside else line
