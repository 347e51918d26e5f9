"""Tells the parts of a help by how its lines stand: usages, headings, entries and their help.

What an entry declares is left to ``declarations``, what a usage says to ``usage``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from .terms import GAP, split

MOST_ENTRIES = 600
_MOST_HELP_LINES = 60
_MOST_USAGE_LINES = 60
_DEEPER = 6

_OPTION = re.compile(r"(?:\*\s+)?(?:--?[A-Za-z0-9?@#$%!_]|--?\[no-?\][A-Za-z0-9]|-\[[A-Za-z0-9])")
_USAGE = re.compile(r"^\s*(?:usage|synopsis)\s*(?::|$)\s*", re.IGNORECASE)
_BARE_USAGE = re.compile(r"^[\w./-]{1,60} (?:[^ ]{1,60} )?\[(?:options|flags)\]", re.IGNORECASE)
_OR = re.compile(r"^\s*(?:or|usage):\s*", re.IGNORECASE)
_COMMANDS = re.compile(r"\b(?:sub-?)?commands?\b|\bactions\b", re.IGNORECASE)
_ARGUMENTS = re.compile(
    r"^(?:positional|required)? ?(?:arguments?|args?|positionals?|parameters)\b|^positional",
    re.IGNORECASE,
)
_OPTIONS = re.compile(r"\b(?:options?|flags?|switches|optional arguments)\b", re.IGNORECASE)
_PASSED_OVER = re.compile(
    r"^(?:\w+ )?(?:examples?|environment(?: variables)?|exit (?:codes?|status|values?)"
    r"|see also|learn more|authors?|copyright|bugs)\b|^files$",
    re.IGNORECASE,
)
_SENTENCE_WORDS = 5
_TERM = re.compile(r"[\[<{(]?[\w*.][\w.:*-]*(?!\w*://)")


class _Kind(Enum):
    """What the entries under a heading are."""

    ANY = auto()
    COMMANDS = auto()
    ARGUMENTS = auto()
    PASSED_OVER = auto()


@dataclass(slots=True)
class Entry:
    """A term, and the lines that explain it."""

    indent: int
    term: str
    column: int
    lines: list[str] = field(default_factory=list)

    @property
    def help(self) -> str:
        """The explanation."""
        return "\n".join(self.lines)


@dataclass(slots=True)
class Section:
    """What stands under one heading."""

    heading: str = ""
    options: list[Entry] = field(default_factory=list)
    commands: list[Entry] = field(default_factory=list)
    arguments: list[Entry] = field(default_factory=list)


def laid_out(lines: Sequence[str]) -> tuple[list[str], list[Section]]:
    """Return the usages of a help, each on one line, and its sections."""
    usages: list[str] = []
    reader = _Reader()
    rest = iter(enumerate(lines))
    skipped = -1
    for at, line in rest:
        if at < skipped:
            continue
        if not usages and (_USAGE.match(line) or _BARE_USAGE.match(line)):
            usages, skipped = _usages(lines, at)
            reader.leave()
            continue
        reader.read(line, lines[at + 1 : at + 4])
        if reader.entries >= MOST_ENTRIES:
            break
    return usages, reader.sections


def _usages(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """Return the usages that begin at a line, and the number of the line after them."""
    indent = _indent(lines[at])
    first = _USAGE.sub("", lines[at]).strip()
    usages = [first] if first else []
    at += 1
    if not first and at < len(lines) and not lines[at]:
        at += 1
    end = min(len(lines), at + _MOST_USAGE_LINES)
    while at < end and (line := lines[at]):
        is_other = _OR.match(line)
        if _indent(line) <= indent and not is_other:
            break
        text = line.strip()
        if usages and _OPTION.match(text) and _indent(line) <= indent + 4:
            break
        program = usages[0].split(" ", 1)[0] if usages else ""
        if is_other or not usages or (program and text.split(" ", 1)[0] == program):
            usages.append(_OR.sub("", line).strip())
        else:
            usages[-1] += f" {text}"
        at += 1
    return [usage[:4_000] for usage in usages], at


class _Reader:
    """The state of reading: the section, the entry that help is added to, and where help stands."""

    def __init__(self) -> None:
        self.sections: list[Section] = [Section()]
        self.entries = 0
        self._kind = _Kind.ANY
        self._entry: Entry | None = None
        self._column = 0
        self._term_indent: int | None = None
        self._after_blank = False
        self._following: Sequence[str] = ()

    def leave(self) -> None:
        """Take what follows as no more help of the last entry."""
        self._entry = None

    def read(self, line: str, following: Sequence[str]) -> None:
        """Take a line; `following` are those after it."""
        if not line:
            self._after_blank = True
            return
        self._following = following
        indent, text = _indent(line), line.strip()
        is_option = _OPTION.match(text) is not None
        if is_option and self._goes_on():
            self._join(text, line)
        elif self._continues(indent, is_option=is_option):
            self._continue(indent, text)
        elif is_option:
            if self._kind is not _Kind.PASSED_OVER:
                self._begin(self.sections[-1].options, indent, text, line)
        elif not self._read_term(indent, text, line) and self._is_heading(indent, text):
            self._head(text)
        elif self._kind in (_Kind.ANY, _Kind.PASSED_OVER) or self._after_blank:
            self._entry = None
        self._after_blank = False

    def _goes_on(self) -> bool:
        """Tell whether the last entry ends in the middle of its names, as some of grep's do."""
        entry = self._entry
        return entry is not None and not entry.lines and entry.term.endswith(",")

    def _join(self, text: str, line: str) -> None:
        entry = self._entry
        assert entry is not None  # noqa: S101 it is what goes on
        term, help_text = split(text, is_alone=self._is_explained_below(entry.indent))
        entry.term = f"{entry.term} {term}"[:400]
        if help_text:
            entry.column = len(line) - len(help_text)
            entry.lines.append(help_text)

    def _continues(self, indent: int, *, is_option: bool) -> bool:
        entry = self._entry
        if entry is None or indent <= entry.indent:
            return False
        if not entry.lines and not is_option:
            return not (self._after_blank and indent < entry.indent + 2)
        column = min(entry.column, self._column) if entry.lines else self._column
        if is_option or self._after_blank:
            return bool(entry.lines or self._column) and column > 0 and indent >= column
        return not self._is_nested(indent)

    def _is_nested(self, indent: int) -> bool:
        """Tell whether a line lists what the entry above it only names: ``{a,b}`` of argparse."""
        entry = self._entry
        return entry is not None and entry.term.startswith("{") and indent < entry.column

    def _continue(self, indent: int, text: str) -> None:
        entry = self._entry
        assert entry is not None  # noqa: S101 it is what the line continues
        if not entry.lines:
            if self._nests(entry, indent, text):
                return
            entry.column = indent
            self._column = indent
        if len(entry.lines) < _MOST_HELP_LINES:
            entry.lines.append(text)

    def _nests(self, entry: Entry, indent: int, text: str) -> bool:
        if not entry.term.startswith("{") or indent > entry.indent + _DEEPER:
            return False
        name = text.split(" ", 1)[0].rstrip(",")
        if name not in re.split(r"[{},\s]+", entry.term):
            return False
        self._kind = _Kind.COMMANDS
        self._term_indent = indent
        return self._read_term(indent, text, " " * indent + text)

    def _read_term(self, indent: int, text: str, line: str) -> bool:
        """Take a line as a subcommand or positional argument where such are listed."""
        if self._kind not in (_Kind.COMMANDS, _Kind.ARGUMENTS) or indent == 0:
            return False
        entry = self._entry
        if (
            entry is not None
            and entry.term.startswith("{")
            and self._kind is _Kind.ARGUMENTS
            and indent > entry.indent
        ):
            return self._nests(entry, indent, text)
        if entry is not None and entry.term.startswith("{") and indent > entry.indent:
            self._term_indent = indent
        if self._term_indent is not None and indent != self._term_indent:
            return False
        starred = text.removeprefix("* ").lstrip()
        if not _TERM.match(starred):
            return False
        if not GAP.search(text) and text.endswith((":", ".")) and " " in text:
            return False
        section = self.sections[-1]
        entries = section.commands if self._kind is _Kind.COMMANDS else section.arguments
        self._term_indent = indent
        self._begin(entries, indent, text, line)
        return True

    def _begin(self, entries: list[Entry], indent: int, text: str, line: str) -> None:
        is_alone = self._is_explained_below(indent)
        term, help_text = split(text, is_alone=is_alone)
        column = len(line) - len(help_text) if help_text else 0
        entry = Entry(indent, term, column, [help_text] if help_text else [])
        if help_text and column > indent + 3:
            known = self._column if self._column > indent + 3 else column
            self._column = min(known, column)
        entries.append(entry)
        self.entries += 1
        self._entry = entry

    def _is_explained_below(self, indent: int) -> bool:
        below = next((line for line in self._following if line), "")
        return _indent(below) > indent and not _OPTION.match(below.strip())

    def _is_heading(self, indent: int, text: str) -> bool:
        if len(text) > 100 or indent > 8:
            return False
        if text.endswith(":") or text.isupper() or _PASSED_OVER.fullmatch(text):
            return True
        after = next((line for line in self._following if line), "")
        return (
            (self._after_blank or not self._entry)
            and not text.endswith((".", ","))
            and len(text) <= 80
            and _indent(after) > indent
            and (
                _OPTION.match(after.strip()) is not None
                or self._kind is _Kind.COMMANDS
                or (len(text) < 24 and bool(_COMMANDS.search(text) or _ARGUMENTS.match(text)))
            )
        )

    def _head(self, text: str) -> None:
        heading = text.strip("=#*- ").removesuffix(":").strip()
        names_commands = _COMMANDS.search(heading) is not None and _names_a_list(heading)
        # as git has them: headings under a heading
        goes_on = self._kind is _Kind.COMMANDS and not text.endswith(":") and not text.isupper()
        kind = _Kind.ANY
        if _ARGUMENTS.match(heading):
            kind = _Kind.ARGUMENTS
        elif _OPTIONS.search(heading):
            pass
        elif _PASSED_OVER.search(heading):
            kind = _Kind.PASSED_OVER
        elif names_commands or goes_on:
            kind = _Kind.COMMANDS
        self._kind = kind
        self._entry = None
        self._column = 0
        self._term_indent = None
        self.sections.append(Section(heading))


def _names_a_list(heading: str) -> bool:
    """Tell whether a heading is more than a sentence that mentions commands."""
    return len(heading.split()) <= _SENTENCE_WORDS or heading.startswith("These are ")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
