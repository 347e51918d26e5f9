"""The life of one run in a container: handed over, watched, held to its limits, and its end told.

How containers come to be is left to ``waiting`` and ``attached``; which run gets which, to
``keeper``. The end is told as the guardian of the process engine tells it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from docker.errors import APIError, DockerException, NotFound

from ...errors import EngineError
from ...sandbox.guardian import PASSED_POLL_S, holds_more, write_json
from .control_group import ControlGroup, of_process
from .order import Order
from .streams import Output
from .waiting import NOTHING_CAME

_logger = logging.getLogger(__name__)
_FIRST_LOOK_S, _LOOK_S, _ASK_S = 0.05, 0.25, 5.0
_DRAIN_S = 10.0
# it was told nothing, or only a part of it
_ENDS_OF_THE_SHELL = (NOTHING_CAME, 2)
# SIGKILL and SIGTERM, which nobody here has sent
_ENDS_OF_OTHERS = (137, 143)
_PINGS, _PING_S = 4, 0.15

Call = Callable[..., Awaitable[Any]]


class Container(Protocol):
    """A container that runs, whichever way its output comes."""

    id: str

    async def drained(self, timeout_s: float) -> None:
        """Return once all that it printed is taken, or so many seconds have passed."""
        ...

    def close(self) -> None:
        """Let go of what is open here."""
        ...


@dataclass(slots=True)
class Life:
    """One run from the moment that its container has begun.

    Parameters
    ----------
    client
        The connection to the engine, used through ``call`` only, which does so on another thread.
    exited
        Done once the container has: with its exit code, or ``None`` if that is not known.
    began_at
        When it began (seconds since the epoch), for one that an earlier keeper began too.
    is_local
        Whether the container's control groups are files of this machine.
    before_end
        Called, on another thread, between the container's end and the run's.
    engine_was_gone
        Whether the engine has been restarted meanwhile.
    has_surely_begun
        Whether the container was told what to become: one that was taken over may not have been.
    """

    directory: Path
    order: Order
    container: Container
    outputs: Mapping[str, Output]
    client: Any
    call: Call
    exited: asyncio.Future[int | None]
    began_at: float
    is_local: bool
    before_end: Callable[[], None] | None = None
    engine_was_gone: bool = False
    has_surely_begun: bool = True
    reason: str = "exited"
    detail: str = ""
    peak_memory: int = 0
    cpu_s: float = 0.0
    _poke: asyncio.Event = field(default_factory=asyncio.Event)
    _kill_at: float | None = None
    _group: ControlGroup | None = None
    _next_count: float = 0.0
    _next_ask: float = 0.0

    def poke(self) -> None:
        """Look now whether the run is to be stopped."""
        self._poke.set()

    async def live(self) -> None:
        """Watch over the run to its end, and write that down."""
        deadline = time.monotonic() + self.order.place.limits.timeout_s
        deadline -= max(0.0, time.time() - self.began_at)
        pause_s = _FIRST_LOOK_S
        self._next_ask = time.monotonic() + _ASK_S
        while not self.exited.done():
            self._poke.clear()
            poked = asyncio.ensure_future(self._poke.wait())
            either: tuple[asyncio.Future[Any], ...] = (self.exited, poked)
            await asyncio.wait(either, timeout=pause_s, return_when=asyncio.FIRST_COMPLETED)
            poked.cancel()
            if not self.exited.done():
                await self._try_to_hold(deadline)
            pause_s = _LOOK_S
        self._look()
        await self._end(self.exited.result())

    async def _try_to_hold(self, deadline: float) -> None:
        try:
            await self._hold(deadline)
        except (OSError, DockerException) as error:  # those of requests are OSErrors
            # whatever is to be done is done once the engine is back
            _logger.warning("the engine does not answer run=%s: %s", self.order.run_id, error)

    async def _hold(self, deadline: float) -> None:
        now = time.monotonic()
        if self._kill_at is not None:
            if now >= self._kill_at:
                await self._signal("SIGKILL")
            return
        cancel = self.directory / "cancel"
        if cancel.exists():
            with contextlib.suppress(ValueError):
                await self._stop("cancelled", float(cancel.read_text() or 0))
        elif now >= deadline:
            await self._stop("timed_out", self.order.grace_s)
        elif not self.directory.exists():
            await self._exceeded("lost")
        else:
            await self._hold_to_size(now)

    async def _hold_to_size(self, now: float) -> None:
        if now >= self._next_ask:
            self._next_ask = now + _ASK_S
            await self.ask()
        if self._group is None and self.is_local:
            told = await self._inspected()
            self._group = of_process(told["State"]["Pid"]) if told else None
        self._look()
        if self._group is not None and self._group.refused_processes():
            await self._exceeded("limit_pids")
        elif now >= self._next_count:
            if await self._wrote_too_much():
                await self._exceeded("limit_output")
            # counting a large folder must not become the machine's main work
            self._next_count = now + max(_LOOK_S, 20 * (time.monotonic() - now))

    async def _wrote_too_much(self) -> bool:
        limits = self.order.place.limits
        return await asyncio.to_thread(
            holds_more, [str(self.directory / "work")], limits.output_bytes, limits.output_files
        )

    def _look(self) -> None:
        if self._group is not None:
            self.peak_memory = max(self.peak_memory, self._group.peak_memory_bytes())
            self.cpu_s = max(self.cpu_s, self._group.cpu_s())

    async def ask(self) -> None:
        """Ask how the container stands, in case word of its end was missed."""
        told = await self._inspected()
        if told is None or told["State"]["Status"] == "created":
            self._ended(None)
        elif not told["State"]["Running"]:
            self._ended(None if self.engine_was_gone else int(told["State"]["ExitCode"]))
        elif not self.is_local:
            used = await self.call(self.client.stats, self.container.id, stream=False)
            pids = used.get("pids_stats", {})
            self.peak_memory = max(self.peak_memory, used["memory_stats"].get("usage", 0))
            if pids.get("limit") and pids.get("current", 0) >= pids["limit"]:
                await self._exceeded("limit_pids")

    def _ended(self, code: int | None) -> None:
        if not self.exited.done():
            self.exited.set_result(code)

    async def _inspected(self) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = await self.call(self.client.inspect_container, self.container.id)
            return told
        except NotFound:
            return None

    async def _stop(self, reason: str, grace_s: float) -> None:
        self.reason = reason
        self._kill_at = time.monotonic() + grace_s
        await self._signal("SIGTERM" if grace_s > 0 else "SIGKILL")

    async def _exceeded(self, reason: str) -> None:
        self.reason = reason
        self._kill_at = time.monotonic()
        await self._signal("SIGKILL")

    async def _signal(self, name: str) -> None:
        # it may have ended meanwhile, and then its end is on the way
        with contextlib.suppress(APIError):
            await self.call(self.client.kill, self.container.id, name)

    async def _end(self, code: int | None) -> None:
        finished_at = time.time()
        await self.container.drained(_DRAIN_S)
        if code in _ENDS_OF_OTHERS and self.reason == "exited":
            code = await self._unless_engine_stops(code)
        if code in _ENDS_OF_THE_SHELL and not self.has_surely_begun and self._printed_nothing():
            code, self.detail = None, "What was starting it was killed."
        if self.before_end is not None:
            await self._brought_back(self.before_end)
        for output in self.outputs.values():
            output.close()
        if code is None and self.reason == "exited":
            self.reason = "lost"
            self.detail = self.detail or (
                "The container engine stopped while it ran."
                if self.engine_was_gone
                else "Its container was removed by somebody else."
            )
        if self.reason == "exited":
            await self._judge(code or 0)
        if self.reason not in ("exited", "lost"):
            self.detail = ""
        await self._await_reader()
        self._write(code, finished_at)

    async def _await_reader(self) -> None:
        """Let what is beyond the limits be read, unless nobody waits for it."""
        totals = {name: output.size.total_bytes for name, output in self.outputs.items()}
        passage = self.outputs["stdout"].passage
        while not passage.is_over(totals, self.order.place.limits.timeout_s):
            if (self.directory / "cancel").exists():
                break
            await asyncio.sleep(PASSED_POLL_S)
        passage.close()

    def _printed_nothing(self) -> bool:
        return not any(output.size.total_bytes for output in self.outputs.values())

    async def _unless_engine_stops(self, code: int) -> int | None:
        """Return an exit code, unless it was the engine that ended the container.

        An engine that is stopped ends its containers first and then answers no more.
        """
        for _ in range(_PINGS):
            try:
                if await self._inspected() is None:
                    return None
            except (OSError, DockerException):
                self.engine_was_gone = True
                return None
            await asyncio.sleep(_PING_S)
        return code

    async def _brought_back(self, fetch: Callable[[], None]) -> None:
        try:
            await self.call(fetch)
        except Exception as error:  # noqa: BLE001 what ran has run, and is told as that
            _logger.warning("outputs cannot be fetched directory=%s: %s", self.directory, error)
            self.detail = f"Its files could not be fetched: {error}"

    async def _judge(self, code: int) -> None:
        """Tell an end of the tool's own from one by a limit."""
        if code != 0:
            state: dict[str, Any] = {}
            with contextlib.suppress(OSError, DockerException):
                state = (await self._inspected() or {}).get("State", {})
            killed = self._group.killed_for_memory() if self._group else 0
            if state.get("OOMKilled") or killed:
                self.reason = "limit_memory"
                return
        # one file that grew to the limit before it was counted ends in SIGXFSZ
        if code == 128 + signal.SIGXFSZ or await self._wrote_too_much():
            self.reason = "limit_output"
        elif 128 < code < 128 + 65:
            with contextlib.suppress(ValueError):
                self.detail = f"ended by signal {signal.Signals(code - 128).name}"

    def _write(self, code: int | None, finished_at: float) -> None:
        sizes = {name: output.size for name, output in self.outputs.items()}
        with contextlib.suppress(FileNotFoundError):
            write_json(
                str(self.directory),
                "exit.json",
                {
                    "reason": self.reason,
                    "exit_code": code if self.reason == "exited" else None,
                    "detail": self.detail,
                    "started_at": self.began_at,
                    "finished_at": finished_at,
                    "streams": {n: [s.total_bytes, s.kept_bytes] for n, s in sizes.items()},
                    "peak_memory_bytes": self.peak_memory,
                    "cpu_s": self.cpu_s,
                    "node": os.uname().nodename,
                },
            )


class Piped:
    """A container whose output comes through named pipes."""

    def __init__(
        self,
        container: str,
        pipes: Mapping[str, int],
        outputs: Mapping[str, Output],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.id = container
        self._loop = loop
        self._open: dict[int, Output] = {end: outputs[name] for name, end in pipes.items()}
        self._over = asyncio.Event()
        for end in pipes.values():
            loop.add_reader(end, self._readable, end)

    async def drained(self, timeout_s: float) -> None:
        """See `Container.drained`: nobody writes any more, so what is there is all there is."""
        until = time.monotonic() + timeout_s
        for output in self._open.values():
            output.passage.is_bounded = False  # what is still in the pipes is little
        for end in list(self._open):
            while end in self._open and time.monotonic() < until:
                if not self._open[end].drain(end):
                    self._close(end)
                    break
                await asyncio.sleep(0)

    def close(self) -> None:
        """See `Container.close`."""
        for end in list(self._open):
            self._close(end)

    def _readable(self, end: int) -> None:
        if not self._open[end].has_room():
            self._loop.remove_reader(end)
            self._loop.call_later(PASSED_POLL_S, self._listen_again, end)
        elif not self._open[end].drain(end):
            self._close(end)

    def _listen_again(self, end: int) -> None:
        if end in self._open:
            self._loop.add_reader(end, self._readable, end)

    def _close(self, end: int) -> None:
        self._loop.remove_reader(end)
        os.close(end)
        del self._open[end]


def hold_alive(directory: Path) -> int:
    """Lock a run's ``alive``, so that others see that somebody watches over it.

    Raises
    ------
    EngineError
        If somebody does.
    """
    end = os.open(directory / "alive", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(end, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(end)
        raise EngineError("Another process watches over this run already.") from error
    return end
