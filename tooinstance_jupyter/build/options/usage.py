"""Reads usage lines: which positional arguments there are, and options that stand nowhere else."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from ...records import Option
from . import declarations
from .text import line_of

_MOST_PARTS = 400
_ANY_OPTIONS = re.compile(
    r"\W*(?:options?|flags?|opts?|global options|switches|global flags)\W*", re.IGNORECASE
)
_COMMANDS = frozenset({"COMMAND", "COMMANDS", "SUBCOMMAND", "CMD", "ARG", "ARGS", "ARGUMENTS"})
_WORD = re.compile(r"[A-Za-z][\w:./*=-]*")
_LITERAL = re.compile(r"(?!file\b|path\b|dir)[a-z][a-z0-9_|-]*")
_CLOSING = {"[": "]", "<": ">", "{": "}", "(": ")"}


@dataclass(frozen=True, slots=True)
class Called:
    """How a tool is called."""

    line: str
    options: tuple[Option, ...] = ()
    arguments: tuple[Option, ...] = ()
    commands: tuple[str, ...] = ()


def read(usages: Sequence[str]) -> Called:
    """Return what usages say, each on one line."""
    if not usages:
        return Called("")
    is_docopt = any("<" in usage for usage in usages)
    parts = [_split(usage) for usage in usages]
    skipped = min(map(_names_of_program, parts))
    if any(one[:skipped] != parts[0][:skipped] for one in parts):
        # what comes after the program's name is one command or another
        skipped = 1
    options: list[Option] = []
    found: dict[str, Option] = {}
    commands: list[str] = []
    for at, usage in enumerate(parts):
        reader = _Reader(has_literals=is_docopt)
        reader.read(usage[skipped:])
        options += reader.options
        if reader.literals:
            # what follows is the command's
            commands.append(reader.literals[0])
            continue
        for metavar, argument in found.items():
            if metavar not in reader.arguments:
                found[metavar] = dataclasses.replace(argument, is_required=False)
        for metavar, argument in reader.arguments.items():
            if metavar not in found:
                is_required = argument.is_required and at == 0
                found[metavar] = dataclasses.replace(argument, is_required=is_required)
    return Called(
        line_of(usages[0]),
        tuple(options),
        tuple(found.values()),
        tuple(dict.fromkeys(commands)) if len(usages) > 1 else (),
    )


def stands_for_command(argument: Option) -> bool:
    """Tell whether a positional argument is where a subcommand goes, or what goes to it."""
    return argument.metavar.strip("<>[]").upper().replace(" ", "_") in _COMMANDS


class _Reader:
    """What is found in one usage."""

    def __init__(self, *, has_literals: bool) -> None:
        self.options: list[Option] = []
        self.arguments: dict[str, Option] = {}
        self.literals: list[str] = []
        self._has_literals = has_literals
        self._last = ""

    def read(self, parts: Sequence[str], *, is_optional: bool = False, depth: int = 0) -> None:
        """Take the parts of a usage, or of a group in it."""
        values = 0
        for at, part in enumerate(parts):
            if values:
                values -= 1
                continue
            is_repeated = part.endswith(("...", "…", ".."))
            part = part.rstrip(".…,") or part
            inner = part[1:-1].strip()
            if part.startswith("-") and part != "-":
                values = self._take_option(parts, at, is_alone=depth > 0)
            elif part.strip(".,") == "":
                self._repeat()
            elif part == "|" and depth == 0:
                break
            elif part in ("OR", "or"):
                values = 1
            elif part[0] in "[(" and part[-1] == _CLOSING[part[0]]:
                if not _ANY_OPTIONS.fullmatch(inner) and depth < 5 and inner:
                    group = _split(inner.replace(" | ", "|") if "-" not in inner else inner)
                    self.read(group, is_optional=is_optional or part[0] == "[", depth=depth + 1)
                    if is_repeated:
                        self._repeat()
            elif not _ANY_OPTIONS.fullmatch(part) and part not in ("|", "--", "-"):
                self._take_argument(
                    part, is_optional=is_optional, is_repeated=is_repeated, is_bare=depth == 0
                )

    def _take_option(self, parts: Sequence[str], at: int, *, is_alone: bool) -> int:
        """Take an option; tell how many parts after it are its values.

        Where it is alone in a group, as in ``[--size WIDTH HEIGHT]``, there may be several.
        """
        name = parts[at].rstrip(".,")
        values: list[str] = []
        if "=" not in name:
            most = len(parts) if is_alone else at + 2
            values = list(takewhile(_is_value, parts[at + 1 : most]))
        count = len(values)
        if values and parts[at + 1 + count : at + 2 + count] == [f"[{values[-1]} ...]"]:
            # argparse: one value, or several
            count += 1
        taken = " ".join(["", *values])
        spellings = name.split("|")
        if not all(spelling.startswith("-") for spelling in spellings):
            spellings = [name]
        is_alias = (
            at >= 2
            and parts[at - 1] == "|"
            and self.options
            and len(self.options[-1].names[0]) == 2
            and name.startswith("--")
        )
        for spelling in spellings:
            for option in declarations.read(spelling + taken, ""):
                if is_alias:
                    last = self.options.pop()
                    option = dataclasses.replace(option, names=(*last.names, *option.names))
                if option.names[0] != "--":
                    self.options.append(option)
        return count

    def _take_argument(
        self, part: str, *, is_optional: bool, is_repeated: bool, is_bare: bool
    ) -> None:
        bare = part.strip(" ,:")
        is_literal = bare[:1].isalpha() and bare == bare.lower()
        if self._has_literals and is_literal and is_bare:
            if not self.arguments and _WORD.fullmatch(bare):
                self.literals.append(bare)
            return
        if "|" in bare and not bare.startswith("{"):
            bare = bare.split("|")[0]
        argument = declarations.positional(bare, "")
        if argument is None:
            return
        self._last = argument.metavar
        is_repeated = is_repeated or argument.metavar in self.arguments
        is_optional = is_optional and argument.metavar not in self.arguments
        self.arguments[argument.metavar] = dataclasses.replace(
            argument, is_required=not is_optional, is_repeated=is_repeated
        )

    def _repeat(self) -> None:
        if self._last:
            argument = self.arguments[self._last]
            self.arguments[self._last] = dataclasses.replace(argument, is_repeated=True)


def _is_value(part: str) -> bool:
    return part[0] in "<{" or (part.isupper() and part[0].isalpha())


def _names_of_program(parts: Sequence[str]) -> int:
    """Return how many parts name the program and, in the help of a subcommand, that."""
    at = 1
    while at < len(parts) - 1 and _LITERAL.fullmatch(parts[at]):
        at += 1
    is_followed = at < len(parts) and parts[at].startswith(("[", "<"))
    return at if is_followed else 1


def _split(text: str) -> list[str]:
    """Return the parts of a usage: words, and groups in brackets as one part each."""
    return list(_parts(text))[:_MOST_PARTS]


def _parts(text: str) -> Iterator[str]:
    start, closing = 0, ""
    depth = 0
    for at, char in enumerate(text):
        if not closing and char in _CLOSING and at == start:
            closing, opening, depth = _CLOSING[char], char, 1
        elif closing and char == opening:
            depth += 1
        elif closing and char == closing:
            depth -= 1
            if depth == 0:
                closing = ""
        elif char == " " and not closing:
            if at > start:
                yield text[start:at]
            start = at + 1
    if start < len(text):
        yield text[start:]
