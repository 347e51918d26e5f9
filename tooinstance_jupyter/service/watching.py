"""Sees runs through to their end: each is watched once in a process, and its end recorded once.

What an end means is left to ``verdict``, starting to ``runs``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ..config import TooInstance
from ..engines.base import EngineState, Exit, ExitReason, Handle
from ..errors import ConflictError, EngineError, NotFoundError, StorageError
from ..passing import Passing
from ..records import OutputFile, Run, RunStatus, cut_in_words, now
from ..run_directory import RunDirectory
from ..store.repository import Store
from .engines import Engines
from .verdict import verdict

_logger = logging.getLogger(__name__)
_START_GRACE = timedelta(seconds=15)
_POLL_S = 0.05
_LONGEST_PAUSE_S = 3.0


class Watcher:
    """The runs of one home that this process watches.

    Parameters
    ----------
    home
        The id of the home.
    serves
        Whether to go on where the engine or the database is away for a while, for as long as it
        takes; else whoever waits is told.
    on_final
        Told of each run whose end this process recorded.
    """

    def __init__(
        self,
        config: TooInstance,
        store: Store,
        engines: Engines,
        *,
        home: str,
        serves: bool,
        on_final: Callable[[Run], None],
    ) -> None:
        self._config = config
        self._store = store
        self._engines = engines
        self._home = home
        self._serves = serves
        self._on_final = on_final
        self._watched: dict[str, asyncio.Task[Run]] = {}

    def is_ours(self, run: Run) -> bool:
        """Tell whether a run belongs to this home; before there were several, all did."""
        return run.home in ("", self._home)

    def watch(self, run: Run) -> asyncio.Task[Run]:
        """Watch a run of this home to its end, which the task returns."""
        task = self._watched.get(run.id)
        if task is None:
            task = asyncio.create_task(self._to_the_end(run))
            self._watched[run.id] = task
            task.add_done_callback(lambda done: self._let_go(run.id, done))
        return task

    async def settle(self, run: Run) -> Run:
        """Bring the record of a run up to what its engine knows, and return it.

        This is how a run is completed whose process was killed: by whoever looks at it next. What
        waits in line is left to the line, what is another home's to that.
        """
        if run.status.is_final or run.status is RunStatus.QUEUED or not self.is_ours(run):
            return run
        if self._serves:
            self.watch(run)
            return run
        try:
            return await self._look(run)
        except (EngineError, PermissionError) as error:
            # an engine that is away has not ended the run, nor whoever may not look at it
            _logger.info("run cannot be settled now run=%s reason=%s", run.id, error)
            return run

    async def ended(self, run: Run, ended: Exit) -> Run:
        """Record how a run ended and return it; the end is the same for all who see it."""
        task = self._watched.get(run.id)
        if task is not None and task is not asyncio.current_task():
            return await asyncio.shield(task)
        status, message, failure = verdict(run, ended)
        files: tuple[OutputFile, ...] = ()
        cut = ""
        directory = RunDirectory.of(self._config, run)
        try:
            files = await asyncio.to_thread(directory.collect, run.limits, run.inputs)
        except OSError as error:
            _logger.exception("outputs cannot be collected run=%s", run.id)
            message = f"{message}; its files cannot be listed: {error.strerror}"
            cut = cut_in_words(ended.stdout, ended.stderr, "files not kept")
        return await self.advance(
            run,
            status=status,
            message=message,
            failure=failure,
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            files=files,
            cut=cut,
            started_at=ended.started_at or run.started_at,
            finished_at=ended.finished_at or now(),
        )

    async def advance(self, run: Run, **changes: object) -> Run:
        """Move a run on, whatever it has become meanwhile that is no end; return what it is."""
        while True:
            changed = dataclasses.replace(run, **changes)  # type: ignore[arg-type]
            try:
                advanced = await asyncio.to_thread(
                    self._store.advance_run, changed, expected=run.status
                )
            except ConflictError:
                stored = await asyncio.to_thread(self._store.get_run_by_id, run.id)
                if stored is None:
                    raise NotFoundError(f"There is no run {run.number} any more.") from None
                # another process saw the end first, or the next step
                if stored.status.is_final or stored.status is changed.status:
                    return stored
                if stored.status is run.status:
                    raise
                run = stored
                continue
            if advanced.status.is_final:
                await asyncio.to_thread(Passing.forget, self._path(run))
                self._on_final(advanced)
            return advanced

    async def _to_the_end(self, run: Run) -> Run:
        pause_s = _POLL_S
        while True:
            try:
                seen = await self._look(run)
                if seen.status.is_final or seen.status is RunStatus.QUEUED:
                    return seen
                handle = await self._engines(run.engine).reattach(self._path(run))
                if handle is not None and await self._state(handle) is not EngineState.PREPARED:
                    return await self.ended(seen, await self._engines(run.engine).wait(handle))
                await asyncio.sleep(_POLL_S)
                stored = await asyncio.to_thread(self._store.get_run_by_id, run.id)
                if stored is None:
                    raise NotFoundError(f"There is no run {run.number} any more.")
                run = stored
            except (EngineError, StorageError) as error:
                if not self._serves:
                    raise
                _logger.warning("run cannot be watched now run=%s reason=%s", run.id, error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _look(self, run: Run) -> Run:
        """Return a run as its engine knows it now, recorded as that."""
        if run.status.is_final or run.status is RunStatus.QUEUED:
            return run
        path = self._path(run)
        handle = await self._engines(run.engine).reattach(path)
        if handle is None and not path.exists():
            # somebody deleted it, and what runs there has nowhere to write to
            handle = Handle(engine=run.engine, run_id=run.id, attempt=1, directory=str(path))
        state = EngineState.PREPARED if handle is None else await self._state(handle)
        if handle is None or state is EngineState.PREPARED:
            if now() - (run.started_at or run.created_at) < _START_GRACE:
                return run
            detail = "Its program ended before it was started."
            return await self.ended(run, Exit(reason=ExitReason.LOST, detail=detail))
        if state is not EngineState.RUNNING:
            return await self.ended(run, await self._engines(run.engine).wait(handle))
        if run.status is RunStatus.STARTING:
            # whoever started it has been killed before saying so, or is about to
            return await self.advance(run, status=RunStatus.RUNNING, message="Running")
        return run

    async def _state(self, handle: Handle) -> EngineState:
        return await self._engines(handle.engine).status(handle)

    def _path(self, run: Run) -> Path:
        return RunDirectory.of(self._config, run).path

    def _let_go(self, run_id: str, task: asyncio.Task[Run]) -> None:
        self._watched.pop(run_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.info("run is watched no more run=%s reason=%s", run_id, error)
