"""Arguments in which ``{}`` and ``{.column}`` stand for an item, and the argv that they come to.

Pure. An item never becomes more than the word it stands in. What the items are is left to
``tables``, running the tool to ``mapping``.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from pathlib import Path

from . import arguments
from .errors import ArgumentsError, InvalidValueError
from .requests import Arguments

ITEM = "item"
"""The column of what is no table."""

_PLACEHOLDER = re.compile(
    r"\{\{(?P<quoted>(?:\.[^{}]+)?)\}\}|(?P<whole>\{\})|\{\.(?P<column>[^{}]+)\}"
)
_BEGINS_WITH_ONE = re.compile(r"\s*\{(?:\}|\.|\{)")
_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Filled:
    """What one item makes of the arguments: the argv, and the files that it names."""

    argv: tuple[str, ...]
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    r"""Words with placeholders.

    ``{}`` is the item, ``{.column}`` a column of its row; ``{{}}`` and ``{{.column}}`` give them as
    they stand. Without any, the item is the last argument.

    Examples
    --------
    >>> Template.read("--name {} -v", [ITEM]).fill({ITEM: "two words"}).argv
    ('--name', 'two words', '-v')
    >>> Template.read("{.low}-{.high}", ["low", "high"]).fill({"low": 1, "high": 2.5}).argv
    ('1-2.5',)
    """

    words: tuple[str, ...]

    @classmethod
    def read(cls, given: Arguments, columns: Sequence[str]) -> Template:
        """Return the words of arguments, in any of their forms.

        Parameters
        ----------
        given
            What stands after the tool's name; see `arguments.from_value`.
        columns
            The columns of a table, or `ITEM` alone.

        Raises
        ------
        ArgumentsError
            If they cannot be read, or name what is not there.
        """
        if isinstance(given, str) and _BEGINS_WITH_ONE.match(given):
            # braces at the beginning would be JSON
            given = [token.value for token in arguments.tokens(given)]
        words = arguments.from_value(given)
        found = [match for word in words for match in _PLACEHOLDER.finditer(word)]
        named = [match["column"] for match in found if match["column"]]
        is_table = list(columns) != [ITEM]
        for name in named:
            if name not in columns:
                raise _unknown(name, columns, is_table=is_table)
        if is_table and (not named or any(match["whole"] for match in found)):
            raise ArgumentsError(
                "A row has several columns, and the arguments do not say which to take.",
                f"Name them: {_listed(columns)}. {{{{}}}} gives the braces as they are.",
                code="column_missing",
            )
        if not is_table and not named and not any(match["whole"] for match in found):
            words = (*words, "{}")
        return cls(words)

    def fill(self, row: Mapping[str, object]) -> Filled:
        """Return the argv of a row.

        A path gives its name, and is a file to run with.

        Raises
        ------
        InvalidValueError
            If a value is missing, or is none that can stand in an argument.
        """
        files: dict[Path, None] = {}

        def text(match: re.Match[str]) -> str:
            if match["quoted"] is not None:
                return f"{{{match['quoted']}}}"
            name = match["column"] or ITEM
            value = row[name]
            if isinstance(value, os.PathLike):
                path = Path(os.fsdecode(value))
                files[path] = None
                return path.name
            return _text(value, name)

        argv = [_PLACEHOLDER.sub(text, word) for word in self.words]
        return Filled(arguments.from_value(argv), tuple(files))


def _text(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    if is_missing(value):
        raise InvalidValueError(
            f"There is no value in {name!r} here.",
            "Leave such rows out, or fill them: `frame.dropna()`, `frame.fillna(…)`.",
            code="value_missing",
        )
    # a tuple, an array, bytes: how such a thing is to be written, only its owner knows
    if hasattr(value, "__len__"):
        raise InvalidValueError(
            f"A {type(value).__name__} in {name!r} is no single value.",
            "Make it a text first.",
            code="value_not_single",
        )
    return str(value)


def is_missing(value: object) -> bool:
    """Tell whether a value is ``None``, or what pandas and NumPy have in its place."""
    # without importing pandas, whose NA and NaT are known by their types
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, Number) and bool(value != value)


def _unknown(name: str, columns: Sequence[str], *, is_table: bool) -> ArgumentsError:
    if not is_table:
        return ArgumentsError(
            f"There is no column {name!r}: each item is a single value.",
            f"Write {{}} for it, or {{{{.{name}}}}} if the braces are meant for the tool.",
            code="column_unknown",
        )
    near = difflib.get_close_matches(name, columns, n=1, cutoff=0.4)
    return ArgumentsError(
        f"There is no column {name!r}.",
        f"Did you mean {{.{near[0]}}}?" if near else f"There are {_listed(columns)}.",
        code="column_unknown",
    )


def _listed(columns: Sequence[str]) -> str:
    more = ", …" if len(columns) > _MOST_NAMED else ""
    return ", ".join(f"{{.{name}}}" for name in columns[:_MOST_NAMED]) + more
