"""What a tool can be given, as a part of its display; how it was learned is left to ``build``."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from ..records import Interface, Option, OptionKind
from ..terminal import visible
from .markup import Column, columns_of_text, details, sentence, shortened, table

_MOST_ROWS = 150
_MOST_LINES = 12
_VALUE_CHARACTERS, _HELP_CHARACTERS = 60, 60
_COLUMNS: list[Column] = [("name", ""), ("value", ""), ("default", ""), ("help", "grow")]


def options_markup(interface: Interface | None) -> Markup:
    """Return a table of what can be given, folded away; nothing where it is not known."""
    if interface is None:
        return Markup("")
    rows = list(_rows(interface))
    left_out = len(rows) - _MOST_ROWS
    more = f"{left_out} more are left out here; `--help` tells them all." if left_out > 0 else ""
    parts = [usage_line(interface.usage)]
    parts += [table(_COLUMNS, rows[:_MOST_ROWS]), sentence(more, is_note=True)]
    return details("Options", Markup("").join(parts))


def usage_line(usage: str) -> Markup:
    """Return how a tool is called, as its help has it; empty if that is not known."""
    if not usage:
        return Markup("")
    return Markup('<div class="tooi-note"><code>{}</code></div>').format(visible(usage))


def options_text(interface: Interface | None) -> list[str]:
    """Return lines that name the first of what can be given."""
    if interface is None:
        return []
    rows = list(_rows(interface))
    shown = [
        (name, shortened(value, 20), shortened(help_text, _HELP_CHARACTERS))
        for name, value, _, help_text in rows[:_MOST_LINES]
    ]
    lines = [f"  {line}" for line in columns_of_text(shown).splitlines()]
    left_out = len(rows) - len(shown)
    return ["  options", *lines, *([f"  … and {left_out} more"] if left_out else [])]


def _rows(interface: Interface) -> Iterator[tuple[str, str, str, str]]:
    for option in (*interface.arguments, *interface.options):
        opposite = f" / {option.opposite}" if option.opposite else ""
        name = (", ".join(option.names) or option.metavar) + opposite
        help_text = ("required. " if option.is_required else "") + option.help
        yield name, _value(option), option.default or "", help_text
    for subcommand in interface.subcommands:
        count = len(subcommand.options)
        value = f"{count} options" if count > 1 else ""
        yield subcommand.name, value, "", subcommand.help


def _value(option: Option) -> str:
    """Return what stands for the value: its choices, its word, or its kind."""
    if option.kind is OptionKind.FLAG:
        return ""
    word = "|".join(option.choices) or option.metavar.removesuffix(" ...") or option.kind.value
    if not option.names:
        word = "|".join(option.choices) or option.kind.value
    return shortened(word, _VALUE_CHARACTERS) + (" …" if option.is_repeated else "")
