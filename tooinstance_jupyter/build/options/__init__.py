"""Reads what a tool can be given from the text of its ``--help``, whoever wrote it.

Pure, and for hostile text: it never raises, and takes time in proportion to what it reads.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from ...records import Interface, Option, Subcommand
from . import declarations, usage
from .layout import Entry, Section, laid_out
from .text import clean, line_of

MOST_OPTIONS = 500
MOST_ARGUMENTS = 50
MOST_SUBCOMMANDS = 200
_FEW = 4
_HELPS = frozenset({"--help", "-help"})
_SHORT_HELPS = frozenset({"-h", "-?"})


def read_help(text: str) -> Interface | None:
    r"""Return what a help says, or ``None`` where it says nothing that could be given.

    Parameters
    ----------
    text
        What a tool printed; all but the first 256 kB is passed over.

    Examples
    --------
    >>> read_help("usage: frob [-n N]\n\n  -n N  how often (default: 3)").options[0].default
    '3'
    """
    usages, sections = laid_out(clean(text))
    called = usage.read(usages)
    options = _options(sections, called.options)
    subcommands = _subcommands(sections, called.commands)
    names = {subcommand.name for subcommand in subcommands}
    arguments = _arguments(sections, called.arguments, names)
    if not (options or subcommands or arguments):
        return None
    return Interface(
        usage=called.line, options=options, arguments=arguments, subcommands=subcommands
    )


def _options(sections: Iterable[Section], mentioned: Iterable[Option]) -> tuple[Option, ...]:
    """Return the options that are listed, then those that only the usage mentions."""
    found: dict[str, Option] = {}
    known: set[str] = set()

    def take(option: Option) -> None:
        names = {*option.names, *([option.opposite] if option.opposite else [])}
        is_help = names & _HELPS or names <= _SHORT_HELPS
        # another spelling of something known, such as `-P` for `--proximate=0`
        fresh = tuple(name for name in option.names if name not in known)
        if len(found) < MOST_OPTIONS and fresh and not is_help:
            known.update(names)
            option = dataclasses.replace(option, names=fresh)
            found[option.key] = option

    for entry, heading in _each_once(sections):
        for option in declarations.read(entry.term, entry.help):
            take(dataclasses.replace(option, group=heading))
    for option in mentioned:
        take(option)
    read = tuple(found.values())
    if len(read) >= _FEW and sum(bool(option.metavar) for option in read) < _FEW:
        # it names no values at all: only the helps tell what takes one
        return tuple(map(declarations.as_its_help_says, read))
    return read


def _each_once(sections: Iterable[Section]) -> Iterator[tuple[Entry, str]]:
    """Yield the entries of options that are not a line seen before, with their headings."""
    seen: set[str] = set()
    for section in sections:
        heading = line_of(section.heading, 80)
        for entry in section.options:
            if entry.term not in seen:
                seen.add(entry.term)
                yield entry, heading


def _subcommands(sections: Iterable[Section], mentioned: Iterable[str]) -> tuple[Subcommand, ...]:
    found: dict[str, Subcommand] = {}
    for section in sections:
        for entry in section.commands:
            name = declarations.command_name(entry.term)
            if name and len(found) < MOST_SUBCOMMANDS and name != "help":
                found.setdefault(name, Subcommand(name=name, help=line_of(entry.help)))
    if not found:
        found = {name: Subcommand(name=name) for name in mentioned}
    return tuple(found.values())


def _arguments(
    sections: Iterable[Section], called: Iterable[Option], commands: set[str]
) -> tuple[Option, ...]:
    """Return the positional arguments: in the usage's order, with what the sections say of them."""
    told: dict[str, Option] = {}
    for section in sections:
        for entry in section.arguments:
            argument = _argument(entry, commands)
            if argument is not None:
                told.setdefault(argument.metavar.lower(), argument)
    found: dict[str, Option] = {}
    for mentioned in called:
        if commands and (set(mentioned.choices) & commands or usage.stands_for_command(mentioned)):
            continue
        argument = told.pop(mentioned.metavar.lower(), None)
        if argument is None:
            found.setdefault(mentioned.metavar, mentioned)
            continue
        found[argument.metavar] = dataclasses.replace(
            argument,
            is_required=argument.is_required or mentioned.is_required,
            is_repeated=argument.is_repeated or mentioned.is_repeated,
            choices=argument.choices or mentioned.choices,
        )
    for argument in told.values():
        found.setdefault(argument.metavar, argument)
    return tuple(found.values())[:MOST_ARGUMENTS]


def _argument(entry: Entry, commands: set[str]) -> Option | None:
    argument = declarations.positional(entry.term, entry.help)
    if argument is None or (commands and set(argument.choices) & commands):
        return None
    if commands and usage.stands_for_command(argument):
        return None
    return argument
