"""What may be typed next after a tool's name: its options, subcommands, choices and files.

Pure but for files of the working directory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from .records import Interface, Option, OptionKind

_PLACES = (OptionKind.FILE, OptionKind.FOLDER)


def forgotten_file(argv: Iterable[str], given: Collection[str]) -> str | None:
    """Return an argument that names a file here which a run is not given, if there is one."""
    for word in argv:
        with suppress(OSError, ValueError):
            if word not in given and len(Path(word).parts) == 1 and Path(word).is_file():
                return word
    return None


def suggestions(
    given: Sequence[str],
    last: str,
    interface: Interface | None,
    *,
    paths: Callable[[str], Iterable[str]],
) -> list[str]:
    """Return what the last word may become, also what it does not begin.

    Parameters
    ----------
    given
        The arguments before it.
    last
        What is typed of it.
    interface
        What the tool can be given; ``None`` where that is not known.
    paths
        Returns the paths that begin with a text.
    """
    if interface is None:
        return [] if last.startswith("-") else list(paths(last))
    if "--" in given:
        return list(paths(last))
    chosen = next((one for one in interface.subcommands if one.name in given), None)
    options = [*(chosen.options if chosen else ()), *interface.options]
    arguments = chosen.arguments if chosen else interface.arguments
    by_name = {name: option for option in reversed(options) for name in option.names}
    name, equals, begun = last.partition("=")
    if equals and name in by_name:
        return [f"{name}={value}" for value in _values(by_name[name], begun, paths)]
    waiting = by_name.get(given[-1]) if given else None
    if waiting is not None and waiting.kind is not OptionKind.FLAG and not waiting.is_joined:
        return _values(waiting, last, paths)
    if last.startswith("-"):
        return [spelling for option in options for spelling in _spellings(option)]
    found = [choice for argument in arguments for choice in argument.choices]
    if chosen is None:
        found += [subcommand.name for subcommand in interface.subcommands]
    return [*found, *paths(last)]


def _spellings(option: Option) -> list[str]:
    """Return the names of an option, and the one that takes it back."""
    return [*option.names, *([option.opposite] if option.opposite else [])]


def _values(option: Option, begun: str, paths: Callable[[str], Iterable[str]]) -> list[str]:
    if option.choices:
        return list(option.choices)
    # what a text is nobody can tell, and it may be the name of a file too
    return list(paths(begun)) if option.kind in (*_PLACES, OptionKind.TEXT) else []
