"""Finds the tools that the cells of a notebook use, without running them. Pure.

Cells are read as IPython reads them, so that ``r = %tooi run …`` and a line in a loop count, and
one in a string or a comment does not. What a name stands for is left to whoever asks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..arguments import tokens
from ..build import sources
from ..errors import TooInstanceError
from . import mapping, runs, tools
from .base import Command, run_number

_USING = ("run", "map", "rerun", "create", "show", "build")
_COMMANDS = {
    name: command
    for command in (*runs.COMMANDS, *mapping.COMMANDS, *tools.COMMANDS)
    if command.name in _USING
    for name in (command.name, *command.aliases)
}
_CALLS = ("run_line_magic", "run_cell_magic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A tool that a line uses: by name, version or link, or by a run of it.

    ``trouble`` says why it cannot be told which, empty if it can.
    """

    line: str
    tool: str = ""
    run: int | None = None
    trouble: str = ""


def mentions(cells: Iterable[str]) -> list[Mention]:
    """Return the tools that the sources of code cells use, in their order, each once."""
    found: dict[tuple[str, int | None, str], Mention] = {}
    for source in cells:
        for line in _lines(source):
            mention = _read(line)
            if mention is not None:
                found.setdefault((mention.tool, mention.run, mention.trouble), mention)
    return list(found.values())


def _lines(source: str) -> Iterator[str]:
    """Yield what follows ``%tooi`` and ``%%tooi`` in a cell."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        transformed = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        tree = ast.parse(transformed)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # such a cell does not run either
        return
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=call),
                args=[ast.Constant(value="tooi"), ast.Constant(value=str(line)), *_],
            ) if call in _CALLS:
                yield line


def _read(line: str) -> Mention | None:
    """Return what a line uses, ``None`` if it is another command."""
    try:
        words = ((token.value, line[token.end :]) for token in tokens(line))
        name, _ = next(words, ("", ""))
        command = _COMMANDS.get(name)
        if command is None:
            return None
        args = command.parse(command.parser("%tooi"), words)
        if args is None:
            return None
        subject = _subject(command, vars(args))
        if not subject:
            return None
        # a name of Python's in it has a value only once the cells before have run
        if any(character in subject for character in "{$"):
            return Mention(line=line, trouble=f"what {subject!r} stands for is not known")
        if command.name == "rerun":
            return Mention(line=line, run=run_number(subject))
        return Mention(line=line, tool=subject)
    except TooInstanceError as error:
        return Mention(line=line, trouble=error.message.rstrip("."))


def _subject(command: Command, args: dict[str, object]) -> str:
    if command.name == "rerun":
        return str(args["number"])
    if command.name != "create":
        return str(args["tool"])
    if args["name"] or not args["link"]:
        return str(args["name"] or "")
    link = str(args["link"])
    return link if "{" in link else sources.suggested_name(sources.parse(link).source)
