"""All commands, found by name: the one definition of ``%tooi`` and ``tooi``.

What a command does is in the modules beside this one; typing and showing is left to the front ends.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping

from ..client.base import Client
from . import exports, files, freezing, mapping, panels, runs, sharing, tools
from .base import (
    Command,
    MimeBundle,
    Outcome,
    Parser,
    Ui,
    UsageError,
    Words,
    did_you_mean,
    text_bundle,
    words_of_argv,
)
from .freezing import used_version

__all__ = [
    "COMMANDS",
    "Command",
    "MimeBundle",
    "Outcome",
    "Ui",
    "UsageError",
    "execute",
    "find",
    "help_text",
    "used_version",
    "words_of_argv",
]


def _help_options(parser: Parser) -> None:
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="one of the commands")


def _help(client: Callable[[], Client], args: Namespace, ui: Ui, prefix: str) -> Outcome:
    return _text(
        help_text(prefix) if args.command is None else usage(find(args.command.rstrip("?")), prefix)
    )


def _debug(client: Callable[[], Client], args: Namespace, ui: Ui, prefix: str) -> Outcome:
    return _text(ui.last_traceback() or "There has been no error.")


_OWN = (
    Command(
        name="help",
        summary="Explain a command, or list all",
        options=_help_options,
        examples=("tooi help run",),
    ),
    Command(name="debug", summary="Show the traceback of the last error", examples=("tooi debug",)),
)
_OWN_HANDLERS = {"help": _help, "debug": _debug}

_GROUPS = (
    ("Tools", tools.COMMANDS),
    ("Runs", (*runs.COMMANDS, *mapping.COMMANDS, *files.COMMANDS)),
    ("Documents", (*exports.COMMANDS, *freezing.COMMANDS)),
    ("Sharing", sharing.COMMANDS),
    ("Help", (*panels.COMMANDS, *_OWN)),
)
COMMANDS: Mapping[str, Command] = {
    command.name: command for _, commands in _GROUPS for command in commands
}


def find(name: str) -> Command:
    """Return a command by its name or an alias.

    Raises
    ------
    UsageError
        If there is none; the nearest one is suggested.
    """
    by_alias = {alias: command for command in COMMANDS.values() for alias in command.aliases}
    command = COMMANDS.get(name) or by_alias.get(name)
    if command is None:
        raise UsageError(
            f"There is no command {name!r}.",
            did_you_mean(name, [*COMMANDS, *by_alias]) or "`%tooi help` lists the commands.",
        )
    return command


def execute(
    words: Words,
    *,
    prefix: str,
    connect: Callable[[], Client],
    ui: Ui,
    prepare: Callable[[Parser], None] = lambda parser: None,
    settle: Callable[[Namespace], None] = lambda args: None,
) -> Outcome:
    """Carry out what was typed.

    Parameters
    ----------
    words
        The line after the prefix.
    prefix
        ``"%tooi"`` or ``"tooi"``, for help.
    connect
        Returns the client; called only by commands that need it.
    ui
        Where it was typed.
    prepare, settle
        Add options of a front end's own to a command's parser, and read them.

    Raises
    ------
    TooInstanceError
        Whatever went wrong.
    """
    name, _ = next(words, (None, ""))
    if name is None:
        return panels.overview(connect(), prefix)
    if name in ("-h", "--help", "?"):
        return _text(help_text(prefix))
    if len(name) > 1 and name.endswith("?"):
        return _text(usage(find(name.rstrip("?")), prefix))
    command = find(name)
    parser = command.parser(prefix)
    prepare(parser)
    args = command.parse(parser, words)
    if args is None:
        return _text(parser.format_help())
    settle(args)
    if command.handler is None:
        return _OWN_HANDLERS[command.name](connect, args, ui, prefix)
    return command.handler(connect(), args, ui)


def help_text(prefix: str) -> str:
    """Return how to begin, and the list of commands."""
    width = max(map(len, COMMANDS))
    begin = {
        f"{prefix} create LINK": "make a tool of a git link, pypi:NAME or npm:NAME",
        f"{prefix} run NAME --help": "all that follows its name goes to the tool",
        f"{prefix} run -i data.csv NAME data.csv": "give it a file",
    }
    room = max(map(len, begin))
    lines = ["Run other people's command-line tools, from their link.", ""]
    lines += [f"  {line:<{room}}  {what}" for line, what in begin.items()]
    for title, commands in _GROUPS:
        lines += ["", title]
        lines += [f"  {command.name:<{width}}  {command.summary}" for command in commands]
    return "\n".join([*lines, "", f"`{prefix} help COMMAND` explains one."])


def usage(command: Command, prefix: str) -> str:
    """Return a command's help."""
    return command.parser(prefix).format_help()


def _text(text: str) -> Outcome:
    return Outcome(bundle=text_bundle(*text.splitlines()))
