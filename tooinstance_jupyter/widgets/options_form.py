"""The fields of a tool or of one of its subcommands, the important ones first.

What each field is like is left to ``fields``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from markupsafe import Markup

from ..display.markup import shortened
from ..records import Option
from ..requests import Value
from ..terminal import visible
from . import controls
from .controls import Control
from .fields import Field, field_of

_SHOWN_AT_FIRST = 6


class OptionsForm:
    """Fields for options and positional arguments.

    Parameters
    ----------
    options, arguments
        What there are fields for.
    react
        Called when somebody changes one.
    """

    def __init__(
        self, options: Sequence[Option], arguments: Sequence[Option], react: Callable[[], None]
    ) -> None:
        ordered = [*arguments, *sorted(options, key=lambda option: not option.is_required)]
        self._fields = [field_of(option, react) for option in ordered]
        needed = len(arguments) + sum(option.is_required for option in options)
        most = max(_SHOWN_AT_FIRST, needed)
        first, more = self._fields[:most], self._fields[most:]
        self.box = controls.column(*_grids(first, more))

    @property
    def values(self) -> Mapping[str, Value]:
        """What is given, by `Option.key`."""
        return {
            field.option.key: value for field in self._fields if (value := field.value) is not None
        }

    def fill(self, values: Mapping[str, Value]) -> None:
        """Show values."""
        for field in self._fields:
            field.fill(values.get(field.option.key))

    def check(self) -> None:
        """Say at each field what is wrong with it."""
        for field in self._fields:
            field.check()

    def suggest(self, names: Sequence[str]) -> None:
        """Offer the names of input files where files are wanted."""
        for field in self._fields:
            field.suggest(names)


def _grids(first: Sequence[Field], more: Sequence[Field]) -> Iterable[Control]:
    if first:
        yield controls.grid(*(field.box for field in first))
    if more:
        options = "option" if len(more) == 1 else "options"
        yield controls.folded(f"{len(more)} more {options}", *_grouped(more))


def _grouped(fields: Sequence[Field]) -> Iterable[Control]:
    for heading, members in groupby(fields, key=lambda field: field.option.group):
        if heading:
            title = Markup('<div class="tooi-title">{}</div>')
            yield controls.html(title.format(visible(shortened(heading, 80))))
        yield controls.grid(*(field.box for field in members))
