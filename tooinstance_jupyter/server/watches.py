"""What is followed at a server: each run and build is watched once, for all who listen to it.

What listeners are told, and how, is left to ``streams``.
"""

from __future__ import annotations

import asyncio
import io
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import TooInstanceError
from ..records import Change, ChangeKind, Run, Version

if TYPE_CHECKING:
    from ..service.installation import Installation
    from .feed import Feed

CHUNK_BYTES = 256 * 1024
_FASTEST_S = 0.005
_SLOWEST_S = 0.02
_QUIET_S = 1.0
_LOOK_EVERY_S = 2.0


class Listener:
    """One who listens: woken when there is something to look at, or when to stop."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.is_over = False

    def end(self) -> None:
        """Have it stop."""
        self.is_over = True
        self.woken.set()


@dataclass(frozen=True, slots=True)
class Subject:
    """What can be watched: how its record and its files are read, in a thread.

    Parameters
    ----------
    fetch
        Returns the record; ``None`` once it is gone.
    open
        Opens a file of what the record says; raises `OSError` as long as there is none.
    """

    key: tuple[ChangeKind, str]
    files: tuple[str, ...]
    fetch: Callable[[], Run | Version | None]
    open: Callable[[str, Run | Version | None], BinaryIO]


class Watch:
    """A run or a build that somebody listens to.

    ``record`` is as it was read last, ``None`` once it is gone.
    """

    def __init__(self, subject: Subject, in_thread: Callable[..., Awaitable[Any]]) -> None:
        self.subject = subject
        self.record: Run | Version | None = None
        self.listeners: set[Listener] = set()
        self.sizes: dict[str, int] = dict.fromkeys(subject.files, 0)
        self.grew_at = time.monotonic()
        self._in_thread = in_thread
        self._files: dict[str, BinaryIO] = {}
        self._lock = threading.Lock()
        self._pieces: dict[str, tuple[int, asyncio.Future[bytes]]] = {}
        self._looking: asyncio.Future[None] | None = None
        self._is_stale = False
        self._is_closed = False

    def wake(self) -> None:
        """Wake all who listen."""
        for listener in self.listeners:
            listener.woken.set()

    async def look(self) -> None:
        """Read the record again; those who ask while that is done are answered by the next look."""
        self._is_stale = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        while self._is_stale:
            self._is_stale = False
            record = await self._in_thread(self.subject.fetch)
            if record == self.record:
                continue
            if record is None or record.status.is_final:
                # all that was written before the end is seen before the end
                self.sizes = await self._in_thread(self.measure, record)
            self.record = record
            self.wake()

    def measure(self, record: Run | Version | None) -> dict[str, int]:
        """Return how large the files are of what a record tells."""
        sizes = {}
        with self._lock:
            for name in self.subject.files:
                file = self._opened(name, record)
                sizes[name] = max(_size(file) if file is not None else 0, self.sizes[name])
        return sizes

    def grow(self, sizes: dict[str, int]) -> None:
        """Note how large the files have become."""
        if sizes != self.sizes:
            self.sizes = sizes
            self.wake()

    async def read(self, name: str, offset: int) -> bytes:
        """Return a piece of a file from a place in it; most who listen are at the same one."""
        if self.sizes[name] <= offset:
            return b""
        place, reading = self._pieces.get(name, (-1, None))
        if reading is None or place != offset:
            # all who are woken ask at the same moment, and one of them reads
            reading = asyncio.ensure_future(self._in_thread(self._read, name, offset))
            self._pieces[name] = (offset, reading)
        data = b""
        try:
            data = reading.result() if reading.done() else await asyncio.shield(reading)
        finally:
            if not data and self._pieces.get(name) == (offset, reading):
                del self._pieces[name]
        return data

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            self._is_closed = True
            for file in self._files.values():
                file.close()
            self._files.clear()

    def _read(self, name: str, offset: int) -> bytes:
        with self._lock:
            file = self._opened(name, self.record)
            if file is None:
                return b""
            try:
                return os.pread(file.fileno(), CHUNK_BYTES, offset)
            except (io.UnsupportedOperation, AttributeError):
                file.seek(offset)
                return file.read(CHUNK_BYTES)

    def _opened(self, name: str, record: Run | Version | None) -> BinaryIO | None:
        if name not in self._files and not self._is_closed:
            with suppress(OSError, TooInstanceError):
                self._files[name] = self.subject.open(name, record)
        return self._files.get(name)


class Watches:
    """All that is followed at a server.

    Parameters
    ----------
    installation
        Whose runs and builds they are.
    feed
        Tells when records change.
    in_thread
        Does blocking work.
    """

    def __init__(
        self, installation: Installation, feed: Feed, in_thread: Callable[..., Awaitable[Any]]
    ) -> None:
        self._installation = installation
        self._in_thread = in_thread
        self._loop = asyncio.get_running_loop()
        self._watched: dict[tuple[ChangeKind, str], Watch] = {}
        self._looks: set[asyncio.Task[None]] = set()
        self._listeners: set[Listener] = set()
        self._measured = threading.Event()
        self._is_closed = False
        self._forget = feed.on_change(self._changed)
        self._looking = asyncio.create_task(self._look_regularly())
        threading.Thread(target=self._measure, name="tooinstance-sizes", daemon=True).start()

    @contextmanager
    def listener(self) -> Iterator[Listener]:
        """Give somebody who listens to anything, and is told when to stop."""
        listener = Listener()
        listener.is_over = self._is_closed
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @contextmanager
    def followed(self, subject: Subject, listener: Listener) -> Iterator[Watch]:
        """Watch something for as long as the context lasts."""
        watch = self._watched.get(subject.key)
        if watch is None:
            watch = self._watched[subject.key] = Watch(subject, self._in_thread)
            self._measured.set()
        watch.listeners.add(listener)
        try:
            yield watch
        finally:
            watch.listeners.discard(listener)
            if not watch.listeners and self._watched.get(subject.key) is watch:
                del self._watched[subject.key]
                watch.close()

    def of_run(self, run: Run) -> Subject:
        """Return a run as something to watch."""
        installation = self._installation
        outputs = installation.outputs

        def fetch() -> Run | None:
            found = installation.store.get_run_by_id(run.id)
            if found is None or not found.status.is_final or not outputs.is_on_its_way(found):
                return found
            # its output is on its way to where it can be read from here
            return run

        def open_(name: str, found: Run | Version | None) -> BinaryIO:
            if isinstance(found, Run) and found.stored_at:
                return outputs.open_stream(found, name)  # type: ignore[arg-type]
            return outputs.directory(run).open_stream(name)

        return Subject((ChangeKind.RUN, str(run.number)), ("stdout", "stderr"), fetch, open_)

    def of_version(self, version: Version) -> Subject:
        """Return a build as something to watch."""
        store = self._installation.store
        log = self._installation.builds.folder(version.id) / "log"
        return Subject(
            (ChangeKind.VERSION, version.id),
            ("log",),
            lambda: store.get_version(version.id),
            lambda _name, _version: log.open("rb"),
        )

    def close(self) -> None:
        """Have all who listen stop."""
        self._is_closed = True
        self._measured.set()
        self._forget()
        self._looking.cancel()
        for listener in tuple(self._listeners):
            listener.end()

    def _changed(self, change: Change) -> None:
        watch = self._watched.get((change.kind, change.subject))
        if watch is not None:
            self._look(watch)
        elif change.kind is ChangeKind.TOOL:
            for followed in self._watched.values():
                if getattr(followed.record, "tool_id", None) == change.subject:
                    followed.wake()

    def _look(self, watch: Watch) -> None:
        task = asyncio.create_task(_quietly(watch.look()))
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    async def _look_regularly(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for watch in tuple(self._watched.values()):
                if watch.record is not None and not watch.record.status.is_final:
                    await _quietly(watch.look())
                watch.wake()

    def _measure(self) -> None:
        """Look at the sizes of files that may grow; a thread of its own."""
        due: dict[int, float] = {}
        while not self._is_closed:
            moment = time.monotonic()
            grown: list[tuple[Watch, dict[str, int]]] = []
            watched = list(self._watched.values())
            for watch in watched:
                record = watch.record  # once: it may be gone in a moment
                if record is None or record.status.is_final:
                    continue
                if due.get(id(watch), 0.0) > moment:
                    continue
                sizes = watch.measure(record)
                if sizes != watch.sizes:
                    grown.append((watch, sizes))
                    watch.grew_at = moment
                is_quiet = moment - watch.grew_at > _QUIET_S
                due[id(watch)] = moment + (_SLOWEST_S if is_quiet else _FASTEST_S) * 0.9
            due = {key: at for key, at in due.items() if at > moment}
            if grown:
                with suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(_grow, grown)
            if watched:
                time.sleep(_FASTEST_S)
            else:
                self._measured.wait()
                self._measured.clear()


def _grow(grown: list[tuple[Watch, dict[str, int]]]) -> None:
    for watch, sizes in grown:
        watch.grow(sizes)


def _size(file: BinaryIO) -> int:
    try:
        return os.fstat(file.fileno()).st_size
    except (io.UnsupportedOperation, AttributeError):
        return file.seek(0, os.SEEK_END)


async def _quietly(look: Awaitable[None]) -> None:
    with suppress(TooInstanceError):  # it is looked at again
        await look
