"""Following a build or a run to its end, in a cell or a terminal; an interrupt cancels it.

What a run looks like is left to ``display``; where the bytes of a pipe go, to ``cli``.
"""

from __future__ import annotations

import codecs
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar

from .client.base import Client
from .errors import MissedError, UnreadableOutputError
from .records import (
    Run,
    RunStatus,
    StreamSize,
    Tool,
    Version,
    VersionStatus,
    files_cut,
    new_id,
    now,
)
from .requests import BuildLog, Output, StreamName
from .terminal import visible

if TYPE_CHECKING:
    from .commands.base import MimeBundle

T = TypeVar("T")

_UPDATE_S = 0.1
_CLOSING_S = 0.25
_LAYOUT = re.compile(r"[^\t\n\r]+")


class Interrupted(KeyboardInterrupt):
    """An interrupt, once what it stopped is seen to be at its end.

    It is no `errors.TooInstanceError`: whoever goes on after those must not go on after it.

    Parameters
    ----------
    message
        What became of that.
    hint
        What to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        return [neutralised(text) for text in (self.message, self.hint) if text]


class RunInterrupted(Interrupted):
    """An interrupt that cancelled a run.

    Parameters
    ----------
    run
        The run as it ended.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(
            f"Interrupted. Run {run.number} of {run.tool_name}: {run.message}.",
            f"`%tooi rerun {run.number}` runs it again.",
        )
        self.run = run


class Screen(Protocol):
    """Where a build or a run is followed."""

    def version(self, client: Client, tool: Tool, version: Version) -> None:
        """Show the state of a build."""
        ...

    def run(self, client: Client, run: Run) -> None:
        """Show the state of a run."""
        ...

    def output(self, output: Output) -> None:
        """Show what a run wrote."""
        ...

    def events(self, events: Iterator[T]) -> Iterator[T | None]:
        """Yield events, and ``None`` when it is time to show what has gathered."""
        ...

    def tick(self) -> None:
        """Show what has gathered."""
        ...

    def is_closing(self) -> bool:
        """Tell whether an interrupt means that the place goes away, not what is followed."""
        ...


def follow_run(
    client: Client, start: Callable[[], Run], screen: Screen, *, passes: bool = False
) -> Run:
    """Start a run and show it until it is final.

    Parameters
    ----------
    passes
        Whether the run was started to be shown whole, also what is beyond what is kept of it.

    Raises
    ------
    MissedError
        If it could not be.
    RunInterrupted
        After an interrupt, when the run is cancelled and that is shown.
    """
    run: Run | None = None
    offsets: dict[StreamName, int] = {"stdout": 0, "stderr": 0}

    def take(event: Output | Run | None) -> None:
        nonlocal run
        if event is None:
            screen.tick()
        elif isinstance(event, Run):
            if event.status.is_final:
                run = event
            elif run != event:
                run = event
                screen.run(client, event)
        else:
            offsets[event.stream] = event.offset + len(event.data)
            screen.output(event)

    try:
        with _interrupts_held():
            run = start()
        screen.run(client, run)
        for event in screen.events(client.follow(run.number, passes=passes)):
            take(event)
        if passes:
            _check_whole(run, offsets)
    except BaseException as error:
        if run is None or not isinstance(error, (KeyboardInterrupt, BrokenPipeError)):
            raise
        if isinstance(error, KeyboardInterrupt) and screen.is_closing():
            raise
        run = client.cancel(run.number)
        if not isinstance(error, KeyboardInterrupt):
            raise
        rest = client.follow(
            run.number, stdout_offset=offsets["stdout"], stderr_offset=offsets["stderr"]
        )
        for event in rest:
            take(event)
        screen.run(client, run)
        raise RunInterrupted(run) from None
    screen.run(client, run)
    return run


def _check_whole(run: Run, shown: Mapping[StreamName, int]) -> None:
    """Raise unless all of a run's output was shown."""
    sizes: dict[StreamName, StreamSize] = {"stdout": run.stdout, "stderr": run.stderr}
    for stream, size in sizes.items():
        missing = size.total_bytes - shown[stream]
        if missing > 0:
            raise MissedError(
                f"Of what run {run.number} of {run.tool_name} wrote to {stream}, "
                f"{missing:,} of {size.total_bytes:,} bytes were not passed on.",
                f"`%tooi rerun {run.number}` runs it again; `%tooi logs {run.number}` has the "
                f"first {size.kept_bytes:,} bytes.",
            )


def wait_for_run(client: Client, start: Callable[[], Run], is_closing: Callable[[], bool]) -> Run:
    """Start a run and return it once it is final; nothing is shown.

    Parameters
    ----------
    is_closing
        Tells whether an interrupt means that the place goes away, not the run.

    Raises
    ------
    RunInterrupted
        After an interrupt, when the run is cancelled.
    """
    run: Run | None = None
    # as in `NotebookScreen.events`
    pool = ThreadPoolExecutor(1, thread_name_prefix="tooinstance-wait")
    try:
        with _interrupts_held():
            run = start()
        return pool.submit(client.wait, run.number).result()
    except KeyboardInterrupt:
        if run is None or is_closing():
            raise
        raise RunInterrupted(client.cancel(run.number)) from None
    finally:
        pool.shutdown(wait=False)


def follow_build(
    client: Client, start: Callable[[], tuple[Tool, Version]], screen: Screen
) -> Version:
    """Start a build and show it until it is final.

    Raises
    ------
    Interrupted
        After an interrupt, when the build is cancelled and that is shown.
    """
    begun: tuple[Tool, Version] | None = None
    try:
        with _interrupts_held():
            begun = start()
        tool, version = begun
        for event in screen.events(client.follow_build(version.id)):
            if event is None:
                screen.tick()
            elif not isinstance(event, BuildLog):
                version = event
                if not version.status.is_final:
                    screen.version(client, tool, version)
    except KeyboardInterrupt:
        if begun is None or screen.is_closing():
            raise
        tool, version = begun[0], client.cancel_build(begun[1].id)
        screen.version(client, tool, version)
        raise Interrupted(
            f"Interrupted. Version {version.number} of {tool.name}: {version.message}.",
            f"`%tooi build {tool.name}` builds it again.",
        ) from None
    screen.version(client, tool, version)
    return version


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let an interrupt wait until the end of a short step, whose result would be lost else."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
    if came:
        raise KeyboardInterrupt


class NotebookScreen:
    """One output of a cell, updated in place; its last state is what the notebook keeps.

    Parameters
    ----------
    display_id
        A display to update that is there already; a new one by default.
    """

    def __init__(self, display_id: str | None = None) -> None:
        self._id = display_id
        self._shown_at = 0.0
        self._pending: Callable[[], MimeBundle] | None = None

    def version(self, client: Client, tool: Tool, version: Version) -> None:
        """Show the state of a build; a tool that is ready takes its place."""
        from . import display

        if version.status is VersionStatus.READY:
            ready = display.tool_bundle(client.tool(tool.full_name), viewer=client.principal)
            self._show(lambda: ready, at_once=True)
            return
        log = build_log(client, version) if version.status is VersionStatus.FAILED else ""
        self._show(
            lambda: display.version_bundle(tool, version, log), at_once=version.status.is_final
        )

    def run(self, client: Client, run: Run) -> None:
        """Show the state of a run."""
        from . import display

        self._current = lambda: display.run_bundle(client, run)
        self._show(self._current, at_once=run.status.is_final)

    def output(self, output: Output) -> None:
        """Show what a run wrote, soon."""
        self._show(self._current)

    def events(self, events: Iterator[T]) -> Iterator[T | None]:
        """Yield events as they come, and ``None`` when none has come for a while."""
        # a thread waits for them, so that an interrupt never finds this one inside the client
        pool = ThreadPoolExecutor(1, thread_name_prefix="tooinstance-follow")
        try:
            while True:
                future = pool.submit(next, events, _END)
                while not wait([future], timeout=_UPDATE_S).done:
                    yield None
                event = future.result()
                if event is _END:
                    return
                yield event
        finally:
            pool.shutdown(wait=False)

    def tick(self) -> None:
        """Show what has gathered."""
        if self._pending is not None:
            self._show(self._pending)

    def is_closing(self) -> bool:
        """Tell whether the kernel is being shut down: it is interrupted first, then told why."""
        from IPython.core.getipython import get_ipython

        kernel = getattr(get_ipython(), "kernel", None)
        until = time.monotonic() + _CLOSING_S
        while getattr(kernel, "_shutdown_message", None) is None:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def _show(self, bundle: Callable[[], MimeBundle], *, at_once: bool = False) -> None:
        from IPython.display import display as show

        if not at_once and time.monotonic() - self._shown_at < _UPDATE_S:
            self._pending = bundle
            return
        self._pending = None
        self._shown_at = time.monotonic()
        update = self._id is not None
        self._id = self._id or new_id()
        show(dict(bundle()), raw=True, display_id=self._id, update=update)  # type: ignore[no-untyped-call]


_END: Any = object()


class TextScreen:
    """A terminal, or whatever takes text: output as it comes, states as lines.

    Parameters
    ----------
    write
        Takes a run's output.
    status
        Where states go; ``None`` for nowhere.
    passes
        Whether output is passed on whole, so that it does not matter how much of it is kept.
    """

    def __init__(
        self,
        write: Callable[[StreamName, bytes], None],
        status: IO[str] | None,
        *,
        passes: bool = False,
    ) -> None:
        self._write = write
        self._passes = passes
        self._status = status
        self._line = ""

    def version(self, client: Client, tool: Tool, version: Version) -> None:
        """Write the state of a build as a line, when it is another one."""
        steps = f"[{version.steps_done}/{version.steps_total}] " if version.steps_total else ""
        seconds = ((version.finished_at or now()) - version.created_at).total_seconds()
        self._say(f"{steps}{version.message}", f" ({seconds:.1f} s)")
        if version.status is VersionStatus.FAILED:
            from . import display

            log = build_log(client, version)
            self._say(str(display.version_bundle(tool, version, log)["text/plain"]))

    def run(self, client: Client, run: Run) -> None:
        """Write that a run waits, or how it ended, as a line."""
        if run.status is RunStatus.QUEUED:
            self._say(f"Run {run.number} of {run.tool_name}: {run.message}")
        if run.status.is_final:
            took = f" after {run.duration_s:.1f} s" if run.duration_s is not None else ""
            written = f"; {len(run.files)} files: `%tooi files {run.number}`" if run.files else ""
            missing = files_cut(run.files) if self._passes else run.cut
            cut = f" [{missing}]" if missing else ""
            line = f"Run {run.number} of {run.tool_name}{cut}: {run.message}{took}{written}"
            self._say(line, is_warning=bool(cut))

    def output(self, output: Output) -> None:
        """Write what a run wrote."""
        self._write(output.stream, output.data)

    def events(self, events: Iterator[T]) -> Iterator[T | None]:
        """Yield the events as they are: nothing gathers here."""
        return events

    def tick(self) -> None:
        """Do nothing: nothing gathers here."""

    def is_closing(self) -> bool:
        """Say no: whoever interrupts here wants to end what runs."""
        return False

    def _say(self, line: str, more: str = "", *, is_warning: bool = False) -> None:
        # what is missing is said also where nobody watches
        status = sys.stderr if is_warning and self._status is None else self._status
        if status is not None and line != self._line:
            self._line = line
            status.write(neutralised(line + more) + "\n")
            status.flush()


class Neutraliser:
    """Turns a stream of bytes into text that cannot steer a terminal."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """Return the text of the next piece; a character that was cut waits for its rest."""
        return neutralised(self._decoder.decode(data))


def neutralised(text: str) -> str:
    """Return a text with its control characters made visible: escapes, bells, direction marks."""
    return _LAYOUT.sub(lambda match: visible(match[0]), text)


def build_log(client: Client, version: Version) -> str:
    """Return the log of a build, or why it cannot be read."""
    try:
        return client.build_log(version.id)
    except UnreadableOutputError as error:
        return str(error)
