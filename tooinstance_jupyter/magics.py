"""``%tooi`` and ``%%tooi``: what is typed in IPython goes to ``commands``, and comes back shown.

Everything heavy is imported at the first command; following output is left to ``live``.
"""

from __future__ import annotations

import atexit
import dis
import getpass
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError, UsageError

if TYPE_CHECKING:
    from types import FrameType

    from IPython.core.interactiveshell import InteractiveShell

    from .client.base import Client
    from .commands import MimeBundle, Outcome
    from .config import TooInstance
    from .errors import TooInstanceError
    from .live import Neutraliser, Screen
    from .records import Run, Tool, Version
    from .requests import StreamName
    from .status_line import StatusLine

__all__ = ["CommandError", "Session", "register"]

PREFIX = "%tooi"
_QUESTION = re.compile(r"(?P<before>\s*(?:[\w., ]+=\s*)?)%tooi\s+(?P<rest>.*\?)")


class CommandError(UsageError):
    """What IPython shows instead of a traceback: what happened, and what to do next."""

    def __init__(self, error: TooInstanceError) -> None:
        super().__init__(str(error))
        self.code = error.error_code
        self.message = error.message
        self.hint = error.hint

    def _render_traceback_(self) -> list[str]:
        from .live import neutralised

        return [neutralised(text) for text in (self.message, self.hint) if text]


class Session:
    """What one shell keeps between commands: its settings, its client, what it used."""

    def __init__(self, shell: InteractiveShell, settings: TooInstance) -> None:
        self.shell = shell
        self.settings = settings
        self.last_error: BaseException | None = None
        self.used_tools: dict[str, None] = {}
        self.raw_cell = ""
        self._client: Client | None = None
        self._opening = threading.Lock()

    @property
    def is_notebook(self) -> bool:
        """Whether displays can be updated in place."""
        return getattr(self.shell, "kernel", None) is not None

    @property
    def has_panels(self) -> bool:
        """Whether somebody sits before a notebook."""
        # where a notebook is executed unattended, nobody can be asked for input either
        kernel = getattr(self.shell, "kernel", None)
        return bool(getattr(kernel, "_allow_stdin", False))

    def client(self) -> Client:
        """Return the client, opened when it is first needed."""
        with self._opening:
            if self._client is None:
                from .client import connect

                self._client = connect(self.settings)
            return self._client

    def forget(self) -> None:
        """Have the next command look for a client anew; results keep the one that they have."""
        self._client = None

    def close(self) -> None:
        """Let go of the client; runs go on."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def note_use(self, version: str) -> None:
        """Remember a version (``owner/name@number``) that was used, in order."""
        self.used_tools[version] = None

    def keep_raw_cell(self, info: Any) -> None:
        """Keep a cell as typed: IPython takes prompts such as ``>>>`` out of a cell's body."""
        self.raw_cell = info.raw_cell or ""


class TooiMagic:
    """The magic function; IPython calls it for lines and for cells."""

    __name__ = "tooi"
    _ipython_magic_no_var_expand = True
    needs_local_scope = True

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        """What ``%tooi?`` shows."""
        from .commands import help_text

        return help_text(PREFIX)

    def __call__(
        self, line: str, cell: str | None = None, *, local_ns: Mapping[str, Any] | None = None
    ) -> object:
        """Carry out a line."""
        from .arguments import expand, tokens
        from .commands import execute, used_version
        from .errors import ServerGoneError, TooInstanceError
        from .live import Interrupted

        session = self._session
        use = _use_of_value(sys._getframe(1))
        body = None if cell is None else self._body(line, cell)
        try:
            variables = {**session.shell.user_ns, **(local_ns or {})}
            text = expand(line, variables)
            outcome = execute(
                ((token.value, text[token.end :]) for token in tokens(text)),
                prefix=PREFIX,
                connect=session.client,
                ui=ShellUi(session, body, variables),
            )
        except TooInstanceError as error:
            session.last_error = error
            if isinstance(error, ServerGoneError):
                session.forget()
            raise CommandError(error) from None
        except KeyboardInterrupt as error:
            # told in a sentence, as what was cancelled by it is
            raise error if isinstance(error, Interrupted) else Interrupted("Interrupted.") from None
        except Exception as error:
            session.last_error = error
            raise
        for version in filter(None, (*outcome.used, used_version(outcome.value))):
            session.note_use(version)
        return self._show(outcome, use)

    def _body(self, line: str, cell: str) -> str:
        first, newline, raw = self._session.raw_cell.lstrip().partition("\n")
        if not newline or first.strip() != f"%{PREFIX} {line}".strip():
            return cell
        return raw if raw.endswith("\n") else raw + "\n"

    def _show(self, outcome: Outcome, use: str) -> object:
        value = outcome.value
        if outcome.interruption is not None:
            # an exception gives a cell no value: it is kept as the last one
            self._session.shell.displayhook.update_user_ns(value)  # type: ignore[no-untyped-call]
            raise outcome.interruption
        # a panel that is all there is is opened also where it is assigned
        if outcome.panel and self._session.has_panels and (value is None or use != "kept"):
            panel = outcome.panel()
            panel.open(outcome.bundle, self._session.note_use)
            value = panel if value is None else value
        elif not outcome.is_shown and use != "kept":
            from IPython.display import display

            display(dict(outcome.bundle), raw=True)  # type: ignore[no-untyped-call]
        if use != "displayed":
            return value
        if value is not None:
            # it is shown already: give IPython the value (_, Out) without a second display
            hook = self._session.shell.displayhook
            hook.update_user_ns(value)  # type: ignore[no-untyped-call]
            hook.fill_exec_result(value)  # type: ignore[no-untyped-call]
        return None


def _use_of_value(frame: FrameType | None) -> str:
    """Tell whether the value of the magic is ``displayed``, ``dropped`` or ``kept``.

    The instruction after the call in the user's code tells.
    """
    while frame is not None and frame.f_code.co_name not in ("run_line_magic", "run_cell_magic"):
        frame = frame.f_back
    caller = None if frame is None else frame.f_back
    if caller is None:
        return "kept"
    last = caller.f_lasti
    after = next((i for i in dis.get_instructions(caller.f_code) if i.offset > last), None)
    if after is None:
        return "kept"
    if after.opname == "PRINT_EXPR" or "INTRINSIC_PRINT" in after.argrepr:
        return "displayed"
    return "dropped" if after.opname == "POP_TOP" else "kept"


def _keep_question_marks(lines: list[str]) -> list[str]:
    """Make calls of ``%tooi`` lines that end with ``?``, which IPython takes for its own help."""
    if lines and lines[0].startswith("%%"):
        return lines
    return [
        f"{match['before']}get_ipython().run_line_magic('tooi', {match['rest']!r})\n"
        if (match := _QUESTION.fullmatch(line.rstrip()))
        else line
        for line in lines
    ]


class ShellUi:
    """What commands need of IPython; see `commands.base.Ui`."""

    def __init__(self, session: Session, body: str | None, variables: Mapping[str, object]) -> None:
        self._session = session
        self._body = body
        self._variables = variables
        self._display_id = ""
        self._status_line: StatusLine | None = None
        self._neutralisers: dict[StreamName, Neutraliser] = {}

    @property
    def body(self) -> bytes | None:
        """The cell's body."""
        return None if self._body is None else self._body.encode("utf-8", "surrogatepass")

    @property
    def passes_output(self) -> bool:
        """No: a cell shows what is kept."""
        return False

    @property
    def is_for_programs(self) -> bool:
        """No: a data frame is looked at."""
        return False

    @property
    def shows_in_place(self) -> bool:
        """Whether displays can be updated in place."""
        return self._session.is_notebook

    @property
    def has_panels(self) -> bool:
        """Whether somebody can use a panel here."""
        return self._session.has_panels

    def read_body(self) -> str | None:
        """Return the cell's body."""
        return self._body

    def follow_build(self, client: Client, start: Callable[[], tuple[Tool, Version]]) -> Version:
        """Show a build's progress."""
        from .live import follow_build

        return follow_build(client, start, self._screen())

    def follow_run(self, client: Client, start: Callable[[], Run]) -> Run:
        """Show a run's output."""
        from .live import follow_run

        def begin() -> Run:
            run = start()
            # also where its end makes the command a failure
            self._session.note_use(f"{run.tool_name}@{run.version_number}")
            return run

        return follow_run(client, begin, self._screen())

    def write(self, stream: StreamName, data: bytes) -> None:
        """Print a piece of output, harmless."""
        from .live import Neutraliser

        neutraliser = self._neutralisers.setdefault(stream, Neutraliser())
        target = sys.stdout if stream == "stdout" else sys.stderr
        target.write(neutraliser.feed(data))
        target.flush()

    def remark(self, text: str) -> None:
        """Print a line."""
        from .terminal import visible

        print(visible(text), file=sys.stderr)

    def warn(self, text: str) -> None:
        """Warn as Python does, at the user's line."""
        from . import cuts

        cuts.warn(text)

    def confirm(self, question: str) -> bool:
        """Ask for a ``y``."""
        answer = self._ask(
            lambda: input(f"{question} [y/N] "), "Nobody can be asked here.", "Add -y to do it."
        )
        return answer.strip().lower() in ("y", "yes")

    def ask_secret(self, name: str) -> str:
        """Ask for a secret without an echo."""
        return self._ask(
            lambda: getpass.getpass(f"{name}: "),
            f"The secret {name} is not in the environment, and nobody can be asked here.",
            f"Set the environment variable {name} before the kernel starts.",
        )

    def assign(self, name: str, value: object) -> None:
        """Set a variable of the user's."""
        self._session.shell.push({name: value})  # type: ignore[no-untyped-call]

    @property
    def variables(self) -> Mapping[str, object]:
        """The user's variables, and those of the function where the line stands."""
        return self._variables

    def show_in_place(self, bundle: MimeBundle, line: str, *, is_last: bool = False) -> None:
        """Update one display of the notebook, or one line of a terminal."""
        if not self.shows_in_place:
            from .status_line import StatusLine

            if self._status_line is None:
                self._status_line = StatusLine(sys.stdout if sys.stdout.isatty() else None)
            self._status_line.show("" if is_last else line)
            return
        from IPython.display import display

        from .records import new_id

        is_update = bool(self._display_id)
        self._display_id = self._display_id or new_id()
        display(dict(bundle), raw=True, display_id=self._display_id, update=is_update)  # type: ignore[no-untyped-call]

    def is_closing(self) -> bool:
        """Tell whether an interrupt came because the kernel is being shut down."""
        return self._screen().is_closing()

    def used_tools(self) -> Sequence[str]:
        """Return the versions that were used since the extension was loaded."""
        return tuple(self._session.used_tools)

    def last_traceback(self) -> str:
        """Return the traceback of the last error."""
        error = self._session.last_error
        return "" if error is None else "".join(traceback.format_exception(error))

    def _ask(self, ask: Callable[[], str], message: str, hint: str) -> str:
        from .commands import UsageError as Unreadable

        try:
            if not self._session.is_notebook and not sys.stdin.isatty():
                raise Unreadable(message, hint, code="no_terminal")
            return ask()
        except (StdinNotImplementedError, EOFError) as error:
            raise Unreadable(message, hint, code="no_terminal") from error

    def _screen(self) -> Screen:
        from .live import NotebookScreen, TextScreen

        return NotebookScreen() if self._session.is_notebook else TextScreen(self.write, sys.stdout)


def register(shell: InteractiveShell) -> None:
    """Register ``%tooi`` and ``%%tooi``, their completion, and ``%config TooInstance``.

    Doing it again for the same shell changes nothing.
    """
    from . import completer
    from .config import load

    if PREFIX[1:] in shell.magics_manager.magics["line"]:
        return
    settings = load()
    settings.update_config(shell.config)
    shell.configurables.append(settings)  # type: ignore[arg-type]
    session = Session(shell, settings)
    shell.register_magic_function(TooiMagic(session), "line_cell", "tooi")  # type: ignore[arg-type]
    shell.input_transformers_cleanup.append(_keep_question_marks)
    shell.events.register("pre_run_cell", session.keep_raw_cell)
    completer.install(session)
    atexit.register(session.close)
