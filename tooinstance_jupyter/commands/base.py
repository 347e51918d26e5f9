"""What a command is, for the magic and the terminal alike: its options, its handler, its outcome.

The commands themselves are in the modules beside it; how an outcome is shown is left to the
front ends (``magics``, ``cli``) through `Ui`.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol

from ..client.base import Client
from ..errors import InvalidValueError
from ..live import Interrupted
from ..records import Run, Tool, Version
from ..requests import StreamName
from ..terminal import visible

MimeBundle = Mapping[str, Any]
Rest = str | tuple[str, ...]
Words = Iterator[tuple[str, Rest]]
"""Words of a line, each with what follows it: raw text in a magic, an argv in a terminal."""


class UsageError(InvalidValueError):
    """A command was not written as it can be read."""

    code = "usage"


class Ui(Protocol):
    """What a command needs of the place where it was typed."""

    @property
    def body(self) -> bytes | Path | None:
        """Standard input for a tool: the cell's body, or what was piped in."""
        ...

    @property
    def shows_in_place(self) -> bool:
        """Whether following a build leaves the tool's display behind."""
        ...

    @property
    def passes_output(self) -> bool:
        """Whether what a run writes is passed on whole, however little of it is kept."""
        ...

    @property
    def is_for_programs(self) -> bool:
        """Whether a program reads the outcome, which gets all of what runs write."""
        ...

    @property
    def has_panels(self) -> bool:
        """Whether somebody can use the panel of an outcome here."""
        ...

    def read_body(self) -> str | None:
        """Return the body as text, ``None`` where there is none."""
        ...

    def follow_build(self, client: Client, start: Callable[[], tuple[Tool, Version]]) -> Version:
        """Start a build and show its progress to its end; see `live.follow_build`."""
        ...

    def follow_run(self, client: Client, start: Callable[[], Run]) -> Run:
        """Start a run and show its output to its end; see `live.follow_run`."""
        ...

    def write(self, stream: StreamName, data: bytes) -> None:
        """Write a piece of a log."""
        ...

    def remark(self, text: str) -> None:
        """Say something about what was done, where a person reads it."""
        ...

    def warn(self, text: str) -> None:
        """Say that something is not whole, also where nobody reads along."""
        ...

    def confirm(self, question: str) -> bool:
        """Ask a person; raise `UsageError` where nobody can answer."""
        ...

    def ask_secret(self, name: str) -> str:
        """Ask a person without an echo; raise `UsageError` where nobody can answer."""
        ...

    def assign(self, name: str, value: object) -> None:
        """Set a variable in the user's namespace."""
        ...

    @property
    def variables(self) -> Mapping[str, object]:
        """The Python variables that are known where it was typed."""
        ...

    def show_in_place(self, bundle: MimeBundle, line: str, *, is_last: bool = False) -> None:
        """Show how far something is in place of what was shown before: a display, or one line."""
        ...

    def is_closing(self) -> bool:
        """Tell whether an interrupt means that the place goes away, not what is under way."""
        ...

    def used_tools(self) -> Sequence[str]:
        """Return the versions (``owner/name@number``) that were used in this session, in order."""
        ...

    def last_traceback(self) -> str:
        """Return the traceback of the last error, empty if there was none."""
        ...


class Panel(Protocol):
    """Controls that a notebook shows with an outcome; see ``widgets``."""

    def open(self, bundle: MimeBundle, note_use: Callable[[str], None]) -> None:
        """Show them, and the outcome's bundle with them or where there are no controls.

        Parameters
        ----------
        note_use
            Is told each version (``owner/name@number``) that is run by them.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command came to.

    Parameters
    ----------
    bundle
        What is shown, by media type; the vendor's own type is what ``--json`` prints.
    value
        What the magic returns.
    exit_code
        What the terminal's command ends with.
    is_shown
        Whether following it has left the display already.
    used
        What it ran, beside the one that its value is about: ``owner/name@number``, or as named.
    panel
        Makes the controls that a notebook shows with it; the magic returns them where there is no
        value.
    interruption
        The interrupt that ended it: a notebook's cell ends as by an exception, too, so that the
        cells in line behind it do not go on.
    """

    bundle: MimeBundle = field(default_factory=dict)
    value: object = None
    exit_code: int = 0
    is_shown: bool = False
    used: Sequence[str] = ()
    panel: Callable[[], Panel] | None = None
    interruption: Interrupted | None = None


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises instead of ending the program, and suggests."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise UsageError(f"{message[0].upper()}{message[1:]}.", f"`{self.prog} --help` shows how.")

    def option(self, text: str) -> argparse.Action:
        """Return the option that a word names.

        Raises
        ------
        UsageError
            If there is none; the nearest one is suggested.
        """
        name = text.partition("=")[0]
        if not name.startswith("--"):
            name = name[:2]
        action = self._option_string_actions.get(name)
        if action is None:
            raise UsageError(
                f"There is no option {name!r}.",
                (len(name) > 2 and did_you_mean(name, self._option_string_actions))
                or f"`{self.prog} --help` lists the options.",
            )
        return action

    def option_names(self) -> list[str]:
        """Return all options as typed."""
        return list(self._option_string_actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Parameters
    ----------
    name, aliases
        What is typed.
    summary
        One line for people.
    options
        Adds its options to a parser.
    handler
        Carries it out; ``None`` for what needs no client, which the table carries out.
    examples
        What to type, without the prefix.
    is_verbatim
        Whether all that follows its first word that is no option belongs to the tool.
    """

    name: str
    summary: str
    handler: Callable[[Client, argparse.Namespace, Ui], Outcome] | None = None
    options: Callable[[Parser], None] = lambda parser: None
    examples: Sequence[str] = ()
    aliases: Sequence[str] = ()
    is_verbatim: bool = False

    def parser(self, prefix: str) -> Parser:
        """Return the parser of a front end's form: ``"%tooi"`` or ``"tooi"``."""
        examples = "\n".join(
            "  " + _as_typed(text, prefix).replace("\n", "\n  ")
            for text in self.examples
            if "\n" not in text or prefix.startswith("%")
        )
        parser = Parser(
            prog=f"{prefix} {self.name}",
            description=self.summary + ".",
            epilog=f"examples:\n{examples}" if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            add_help=False,
        )
        parser.add_argument("-h", "--help", action="store_true", help="show this")
        self.options(parser)
        if self.is_verbatim:
            usage = parser.format_usage().removeprefix("usage: ").rstrip()
            parser.usage = f"{usage} [ARGS ...]".replace("%", "%%")
        return parser

    def parse(self, parser: Parser, words: Words) -> argparse.Namespace | None:
        """Read what follows the command's name; ``None`` if it asks for help."""
        head: list[str] = []
        subject: list[str] = []
        rest: Rest = ()
        for word, following in words:
            if word == "--" and not subject:
                subject, rest = _first(words)
                break
            if word == "?" and not subject:
                return None
            if word == "-" or not word.startswith("-"):
                subject.append(word)
                rest = following
                if self.is_verbatim:
                    break
                continue
            head.append(_option(parser, word, words))
            if head[-1] == "--help":
                return None
        namespace = parser.parse_args([*head, *(["--", *subject] if subject else [])])
        if self.is_verbatim:
            namespace.rest = "" if isinstance(rest, str) and not rest.strip() else rest
        return namespace


def _as_typed(example: str, prefix: str) -> str:
    return example.replace("tooi", "%" + prefix if "\n" in example else prefix, 1)


def _first(words: Words) -> tuple[list[str], Rest]:
    word, rest = next(words, (None, ()))
    return ([] if word is None else [word]), rest


def _option(parser: Parser, word: str, words: Words) -> str:
    """Return an option with its value as one word that argparse cannot take for another."""
    action = parser.option(word)
    long = action.option_strings[-1]
    if action.nargs == 0:
        if word not in action.option_strings:
            raise UsageError(f"{word.partition('=')[0]} takes no value.", f"Given: {word!r}.")
        return long
    if word.startswith("--") and "=" in word:
        return f"{long}={word.partition('=')[2]}"
    if not word.startswith("--") and len(word) > 2:
        return f"{long}={word[2:]}"
    value, _ = next(words, (None, ()))
    if value is None:
        raise UsageError(f"{word} needs a value.", f"`{parser.prog} --help` shows which.")
    return f"{long}={value}"


def text_bundle(*lines: str, json: Mapping[str, object] | None = None) -> MimeBundle:
    """Return the display of lines, and of what programs read instead of them.

    A line stays one, whatever foreign text is in it: line breaks and other control characters are
    made visible.
    """
    from markupsafe import Markup

    from ..display.markup import card

    text = "\n".join(map(visible, lines))
    return {
        "text/plain": text,
        "text/html": str(card("", Markup("<pre>{}</pre>").format(text))),
        "application/vnd.tooinstance.text.v1+json": json or {"text": text},
    }


def words_of_argv(argv: Sequence[str]) -> Words:
    """Yield an argv's words, each with those after it."""
    for index, word in enumerate(argv):
        yield word, tuple(argv[index + 1 :])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a suggestion, empty if nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else ""


_NUMBER = re.compile(r"#?([0-9]{1,18})")


def run_number(text: str) -> int:
    """Read a run's number, as typed with or without ``#``."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not the number of a run.", "`%tooi runs` lists yours.")
    return int(match[1])
