"""What a program wrote for a terminal, as text that is safe to show: colours kept, no control.

Pure. Carriage returns overwrite and "erase in line" erases, as on a terminal; every other escape
sequence (titles, links, clipboard, cursor) is dropped. Where it is shown is left to ``display``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from markupsafe import Markup, escape

_PART = re.compile(
    r"""
    (?P<text>[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\ud800-\udfff]+)
    | (?P<newline>\n) | (?P<tab>\t) | (?P<back>\r|\x08)
    | (?:\x1b\[|\x9b)(?P<parameters>[0-?]*)[\ -/]*(?P<final>[@-~])
    | (?:\x1b[]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x9c|\x1b\\)
    | (?:\x1b\[|\x9b)[0-?]*[\ -/]*\Z
    | \x1b[\ -/]*[0-~]
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# accents of the Solarized palette: they can be read on white and on black
_COLOURS = (
    *("#6b7280", "#dc322f", "#3b9a3b", "#b58900", "#268bd2", "#c839a8", "#2aa198", "#8b949e"),
    *("#7d8590", "#f0504b", "#48ac48", "#c69a10", "#4a9fe0", "#d65ac0", "#39b3aa", "#9aa4ae"),
)
_LINK = re.compile(r"https?://[^\s<>\"'`{}|\\^]+[^\s<>\"'`{}|\\^.,;:!?)\]]")
_INVISIBLE = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "\u2421",
    **{code: f"\\x{code:02x}" for code in range(0x80, 0xA0)},
    **{
        code: f"\\u{code:04x}"
        for code in (
            *(0x061C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
            *range(0x202A, 0x202F),
            *range(0x2066, 0x206A),
            *range(0xD800, 0xE000),
        )
    },
}


@dataclass(frozen=True, slots=True)
class Style:
    """How a piece of text looks; colours are CSS colours."""

    colour: str | None = None
    background: str | None = None
    is_bold: bool = False
    is_faint: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_inverse: bool = False

    @property
    def css(self) -> str:
        """The declarations of a ``style`` attribute, empty for plain text."""
        colour, background = self.colour, self.background
        if self.is_inverse:
            colour, background = background or "#fff", colour or "#6b7280"
        rules = {
            "color": colour,
            "background-color": background,
            "font-weight": "bold" if self.is_bold else None,
            "opacity": "0.7" if self.is_faint else None,
            "font-style": "italic" if self.is_italic else None,
            "text-decoration": "underline" if self.is_underlined else None,
        }
        return ";".join(f"{name}:{value}" for name, value in rules.items() if value)


_PLAIN = Style()
Cell = tuple[str, Style]


def visible(text: str) -> str:
    r"""Return a name or a sentence on one line, its control characters made visible.

    Examples
    --------
    >>> visible("a\x1b]0;x\x07\n")
    'a␛]0;x␇␊'
    """
    return text.translate(_INVISIBLE)


def to_text(written: str) -> str:
    r"""Return what a terminal would show, without colours.

    Examples
    --------
    >>> to_text("10%\r20%\x1b[31m red\x1b[0m\n")
    '20% red\n'
    """
    return "\n".join("".join(char for char, _ in line) for line in _lines(written))


def to_html(written: str) -> Markup:
    """Return what a terminal would show as HTML for a ``<pre>``; web addresses become links."""
    return Markup("\n").join(Markup("").join(_spans(line)) for line in _lines(written))


def _spans(line: Sequence[Cell]) -> Iterator[Markup]:
    for style, cells in groupby(line, key=lambda cell: cell[1]):
        html = _linked("".join(char for char, _ in cells))
        css = style.css
        yield Markup('<span style="{}">{}</span>').format(css, html) if css else html


def _linked(text: str) -> Markup:
    parts, at = [], 0
    for match in _LINK.finditer(text):
        parts += [
            escape(text[at : match.start()]),
            Markup('<a href="{0}" rel="noopener noreferrer" target="_blank">{0}</a>').format(
                match[0]
            ),
        ]
        at = match.end()
    return Markup("").join([*parts, escape(text[at:])])


def _lines(written: str) -> Iterator[list[Cell]]:
    line: list[Cell] = []
    column, style = 0, _PLAIN

    def put(text: str) -> None:
        nonlocal column
        line.extend([(" ", _PLAIN)] * (column - len(line)))
        line[column : column + len(text)] = [(char, style) for char in text]
        column += len(text)

    # a line end of Windows is no carriage return
    for match in _PART.finditer(written.replace("\r\n", "\n")):
        match match.lastgroup:
            case "text" | "tab":
                put(match[0])
            case "newline":
                yield line
                line, column = [], 0
            case "back":
                column = 0 if match[0] == "\r" else max(column - 1, 0)
            case "final":
                if match["final"] == "m":
                    style = _styled(style, match["parameters"])
                elif match["final"] == "K":
                    _erase(line, column, match["parameters"])
                elif match["final"] == "G" and match["parameters"] in ("", "0", "1"):
                    column = 0
            case "other" if match[0] >= "\x80":
                put(visible(match[0]))
    yield line


def _erase(line: list[Cell], column: int, parameters: str) -> None:
    if parameters in ("", "0"):
        del line[column:]
    elif parameters == "1":
        line[: column + 1] = [(" ", _PLAIN)] * min(column + 1, len(line))
    elif parameters == "2":
        line.clear()


def _styled(style: Style, parameters: str) -> Style:
    """Apply "select graphic rendition" (ECMA-48, 8.3.117, with the colours of ISO 8613-6)."""
    if not re.fullmatch(r"[0-9;:]*", parameters) or len(parameters) > 100:
        return style
    codes = [int(code or 0) for code in re.split("[;:]", parameters)]
    while codes:
        code = codes.pop(0)
        match code:
            case 0:
                style = _PLAIN
            case 1:
                style = replace(style, is_bold=True)
            case 2:
                style = replace(style, is_faint=True)
            case 3 | 23:
                style = replace(style, is_italic=code == 3)
            case 4 | 21 | 24:
                style = replace(style, is_underlined=code != 24)
            case 7 | 27:
                style = replace(style, is_inverse=code == 7)
            case 22:
                style = replace(style, is_bold=False, is_faint=False)
            case 38:
                style = replace(style, colour=_extended(codes))
            case 48:
                style = replace(style, background=_extended(codes))
            case 39:
                style = replace(style, colour=None)
            case 49:
                style = replace(style, background=None)
            case _ if 30 <= code <= 37 or 90 <= code <= 97:
                style = replace(style, colour=_COLOURS[code - 30 if code < 40 else code - 82])
            case _ if 40 <= code <= 47 or 100 <= code <= 107:
                style = replace(style, background=_COLOURS[code - 40 if code < 50 else code - 92])
    return style


def _extended(codes: list[int]) -> str | None:
    """Take a colour of the 256 (``5;n``) or of all (``2;r;g;b``) from the front of the codes."""
    kind = codes.pop(0) if codes else None
    if kind == 5 and codes:
        index = codes.pop(0)
        if index < 16:
            return _COLOURS[index]
        if index < 232:
            cube = (0, 95, 135, 175, 215, 255)
            red, green, blue = (index - 16) // 36, (index - 16) // 6 % 6, (index - 16) % 6
            return f"#{cube[red]:02x}{cube[green]:02x}{cube[blue]:02x}"
        return "#" + f"{(index - 232) * 10 + 8:02x}" * 3 if index < 256 else None
    if kind == 2 and len(codes) >= 3:
        rgb, codes[:3] = codes[:3], []
        return "#" + "".join(f"{part:02x}" for part in rgb) if max(rgb) < 256 else None
    codes.clear()
    return None
