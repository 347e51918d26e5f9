"""``tooi``: the commands in a terminal and in pipes.

A tool's output passes through byte for byte; what is ours goes to stderr, where a person reads it.
"""

from __future__ import annotations

import getpass
import json
import os
import signal
import stat
import sys
import tempfile
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

from . import __version__
from .client.base import Client
from .commands import COMMANDS, Outcome, UsageError, execute, words_of_argv
from .commands.base import MimeBundle, Parser
from .commands.runs import RunFailedError
from .errors import TooInstanceError
from .live import TextScreen, follow_build, follow_run, neutralised
from .records import Run, RunStatus, Tool, Version
from .requests import StreamName
from .status_line import StatusLine
from .terminal import visible

PREFIX = "tooi"
_CHUNK_BYTES = 2**20
_OWN_FAILURE = 125
_USAGE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line and return the exit code.

    Parameters
    ----------
    argv
        The words after ``tooi``; those of this process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with ExitStack() as stack:
        terminal = Terminal(stack)
        if words[:1] == ["--json"]:
            terminal.as_json = True
            del words[0]
        if words[:1] == ["--version"]:
            print(f"tooi {__version__}")
            return 0
        stack.enter_context(_termination_as_interrupt())
        return _carry_out(words, terminal, stack)


def _carry_out(words: Sequence[str], terminal: Terminal, stack: ExitStack) -> int:
    def connect() -> Client:
        from .client import connect

        client = connect()
        stack.callback(client.close)
        return client

    try:
        outcome = execute(
            words_of_argv(words),
            prefix=PREFIX,
            connect=connect,
            ui=terminal,
            prepare=_add_json,
            settle=terminal.settle,
        )
        terminal.show(outcome)
        sys.stdout.flush()
    except TooInstanceError as error:
        terminal.show_error(error)
        if isinstance(error, UsageError):
            return _USAGE
        if isinstance(error, RunFailedError):
            return error.exit_code
        command = COMMANDS.get(words[0]) if words else None
        return _OWN_FAILURE if command is not None and command.is_verbatim else 1
    except BrokenPipeError:
        # whoever read has gone; nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception:  # noqa: BLE001 (a tool's exit code must not be taken for our own crash)
        traceback.print_exc()
        return _OWN_FAILURE
    return outcome.exit_code


class Terminal:
    """What commands need of a terminal or a pipe; see `commands.base.Ui`.

    Parameters
    ----------
    stack
        Ends what is opened here.
    """

    def __init__(self, stack: ExitStack) -> None:
        self.as_json = False
        self.shows_in_place = False
        self.has_panels = False
        self._stack = stack
        self._spooled: Path | None = None
        self._status_line: StatusLine | None = None

    @property
    def passes_output(self) -> bool:
        """Whether what a run writes is passed on whole: JSON holds the beginning of it."""
        return not self.as_json

    @property
    def is_for_programs(self) -> bool:
        """Whether JSON is asked for."""
        return self.as_json

    def settle(self, args: Namespace) -> None:
        """Take over this front end's own options."""
        self.as_json = self.as_json or args.json

    @property
    def body(self) -> Path | None:
        """What is piped in, in a file; ``None`` at a terminal."""
        if self._spooled is None and _is_piped(sys.stdin):
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="tooi-"))
            self._spooled = Path(folder, "stdin")
            with self._spooled.open("xb") as file:
                while chunk := os.read(sys.stdin.fileno(), _CHUNK_BYTES):
                    file.write(chunk)
        return self._spooled

    def read_body(self) -> str | None:
        """Return what is piped in as text."""
        body = self.body
        return None if body is None else body.read_text("utf-8", "surrogateescape")

    def follow_build(self, client: Client, start: Callable[[], tuple[Tool, Version]]) -> Version:
        """Show a build's progress where a person reads it."""
        return follow_build(client, start, TextScreen(self.write, self._status()))

    def follow_run(self, client: Client, start: Callable[[], Run]) -> Run:
        """Pass a tool's output through as it comes."""
        write = self.write if self.passes_output else _drop
        screen = TextScreen(write, self._status(), passes=self.passes_output)
        run = follow_run(client, start, screen, passes=self.passes_output)
        if run.status is RunStatus.LOST and self._status() is None and not self.as_json:
            # nobody can tell from what was passed on whether that is all
            print(visible(f"tooi: run {run.number}: {run.message}"), file=sys.stderr)
        return run

    def write(self, stream: StreamName, data: bytes) -> None:
        """Write bytes as they are, at once."""
        target = (sys.stdout if stream == "stdout" else sys.stderr).buffer
        target.write(data)
        target.flush()

    def remark(self, text: str) -> None:
        """Print a line where a person reads it; what is piped on is the tool's alone."""
        if (status := self._status()) is not None:
            print(visible(_as_typed_here(text)), file=status)

    def warn(self, text: str) -> None:
        """Print a line to stderr, whoever reads that."""
        print(visible(f"tooi: {_as_typed_here(text)}"), file=sys.stderr)

    def confirm(self, question: str) -> bool:
        """Ask for a ``y`` at the terminal."""
        if not sys.stdin or not sys.stdin.isatty():
            raise UsageError("Nobody can be asked here.", "Add -y to do it.", code="no_terminal")
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def ask_secret(self, name: str) -> str:
        """Ask for a secret at the terminal, without an echo."""
        try:
            with Path("/dev/tty").open("rb"):
                return getpass.getpass(f"{name}: ")
        except (OSError, EOFError) as error:
            raise UsageError(
                f"The secret {name} is not in the environment, and nobody can be asked here.",
                f"Set the environment variable {name}.",
                code="no_terminal",
            ) from error

    def assign(self, name: str, value: object) -> None:
        """Refuse: there are no variables here."""
        raise UsageError(f"-o {name} sets a Python variable.", "In a shell, redirect with >.")

    @property
    def variables(self) -> Mapping[str, object]:
        """Nothing: there are no variables here."""
        return {}

    def show_in_place(self, bundle: MimeBundle, line: str, *, is_last: bool = False) -> None:
        """Show a line where a person reads it, until the last one makes room for the answer."""
        if self._status_line is None:
            self._status_line = StatusLine(self._status())
        self._status_line.show("" if is_last else line)

    def is_closing(self) -> bool:
        """Say no: whoever interrupts here wants to end what runs."""
        return False

    def used_tools(self) -> Sequence[str]:
        """Return nothing: each command is a process of its own."""
        return ()

    def last_traceback(self) -> str:
        """Return nothing: each command is a process of its own."""
        return ""

    def show(self, outcome: Outcome) -> None:
        """Print what a command came to, unless following it has."""
        if self.as_json and outcome.bundle:
            print(json.dumps(_machine_readable(outcome), ensure_ascii=False))
        elif not outcome.is_shown:
            print(neutralised(_as_typed_here(str(outcome.bundle.get("text/plain", "")))))

    def show_error(self, error: TooInstanceError) -> None:
        """Print what went wrong and what to do next."""
        message, hint = _as_typed_here(error.message), _as_typed_here(error.hint)
        if self.as_json:
            answer = {"error": {"code": error.error_code, "message": message, "hint": hint}}
            print(json.dumps(answer, ensure_ascii=False), file=sys.stderr)
            return
        for line in (f"tooi: {message}", hint):
            if line:
                print(neutralised(line), file=sys.stderr)

    def _status(self) -> IO[str] | None:
        return sys.stderr if sys.stderr.isatty() and not self.as_json else None


def _machine_readable(outcome: Outcome) -> Any:
    for media_type, value in outcome.bundle.items():
        if media_type.startswith("application/vnd.tooinstance."):
            return value
    return {}


def _as_typed_here(text: str) -> str:
    return text.replace("%%tooi", PREFIX).replace("%tooi", PREFIX)


def _is_piped(stdin: IO[str] | None) -> bool:
    if stdin is None or stdin.closed:
        return False
    mode = os.fstat(stdin.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _drop(stream: StreamName, data: bytes) -> None:
    """Show nothing: the answer is JSON."""


def _add_json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="for programs to read")


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let a request to end cancel what is followed, as an interrupt does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
