"""The use cases of runs: start, follow, cancel, list, delete.

How an argv is run is left to ``engines``; what a run directory holds, to ``run_directory``; how a
run is begun and seen to its end, to ``launching`` and ``watching``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from .. import access, arguments
from ..config import TooInstance
from ..engines.base import EngineState, Handle, RunSpec
from ..errors import (
    ConflictError,
    ForbiddenError,
    InvalidValueError,
    NotFoundError,
    TooInstanceError,
    full_disk_in_words,
)
from ..passing import Passing
from ..records import Environment, Page, Principal, Run, RunStatus, Tool, Version, now
from ..requests import NewRun, Output, RunFilter, StreamName
from ..run_directory import RunDirectory
from ..store.repository import Store
from .engines import Engines
from .environments import Environments
from .launching import Launcher
from .outputs import Outputs
from .presence import Presence
from .queue import RunLine
from .room import Room
from .tools import Tools
from .verdict import lowered
from .watching import Watcher

_logger = logging.getLogger(__name__)
_READ_BYTES = 2**20
_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
_POLL_S = 0.05
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs, as one principal after another asks for them.

    Parameters
    ----------
    home
        The id of the home that new runs belong to.
    line
        What runs wait in: a server's; without one they begin at once.
    wake
        Has the line gone through.
    """

    config: TooInstance
    store: Store
    tools: Tools
    engines: Engines
    environments: Environments
    home: str
    outputs: Outputs
    presence: Presence
    room: Room
    watcher: Watcher
    launcher: Launcher
    line: RunLine | None
    wake: Callable[[], None]

    def directory(self, run: Run) -> RunDirectory:
        """Return where a run keeps its files."""
        return RunDirectory.of(self.config, run)

    async def start(self, principal: Principal, new: NewRun) -> Run:
        """Start a run of a tool that is ready and return it running, or waiting in line.

        Raises
        ------
        NotFoundError, ConflictError
            If there is no such tool, or nothing of it to run.
        InvalidValueError
            If arguments, inputs, variables or limits cannot be used; nothing is left behind.
        TooManyError
            If too many of the principal's wait already.
        StorageError
            If there is no room for it.
        EngineError
            If the engine cannot hold what is asked for, or does not answer.
        """
        self.room.check()
        new = await asyncio.to_thread(self._with_inputs_of, principal, new)
        tool, version, environment = await asyncio.to_thread(self._found, principal, new)
        await self.environments.fetch(tool.name, version, environment)
        run = Run(
            owner=principal.name,
            tool_id=tool.id,
            tool_name=tool.full_name,
            version_id=version.id,
            version_number=version.number,
            environment_id=environment.id,
            arguments=arguments.from_value(new.arguments),
            command=version.command,
            label=new.label,
            variables=dict(new.variables),
            secrets=tuple(sorted(new.secrets)),
            limits=lowered(self.config.limits(), new),
            engine=version.engine,
            isolation=self.engines(version.engine).capabilities().isolation,
            output=tool.output,
            home=self.home,
        )
        creating, run = await asyncio.to_thread(self._create_directory, run, new)
        try:
            with creating, full_disk_in_words(self.config.runs_path):
                run = await self._prepared(run, environment, new.secrets)
                run = await self._recorded(run, new.secrets)
            if run.status is RunStatus.QUEUED:
                return run
            return await self.launcher.launch(run, new.secrets)
        except TooInstanceError:
            self.launcher.forget_secrets(run)
            if self.store.get_run_by_id(run.id) is None:
                await asyncio.to_thread(self.directory(run).remove)
            raise

    async def rerun(self, principal: Principal, number: int, changes: NewRun | None) -> Run:
        """Start a run again, on the version it had, with its inputs unless others are given."""
        earlier = await asyncio.to_thread(self.with_inputs, principal, number)
        name = await asyncio.to_thread(self.name_now, principal, earlier)
        again = NewRun(
            tool=f"{name}@{earlier.version_number}",
            arguments=earlier.arguments,
            inputs_of=number,
            variables=earlier.variables,
            timeout_s=earlier.limits.timeout_s,
            memory_bytes=earlier.limits.memory_bytes,
            network=earlier.limits.network,
            label=earlier.label,
        )
        if changes is not None:
            given = {
                field.name: value
                for field in dataclasses.fields(changes)
                if (value := getattr(changes, field.name)) not in (None, (), "", {}, [])
                and field.name != "tool"
            }
            again = dataclasses.replace(again, **given)
        missing = sorted(set(earlier.secrets) - set(again.secrets))
        if missing:
            raise InvalidValueError(
                f"Run {number} had the secret {', '.join(missing)}, which is not kept.",
                "Give it again: " + " ".join(f"--secret {name}" for name in missing),
                code="secret_missing",
            )
        return await self.start(principal, again)

    def get(self, principal: Principal, number: int) -> Run:
        """Return a run that the principal may see, as it is recorded."""
        run = self.store.get_run(number)
        if run is None or not access.may_see_run(principal, run):
            raise NotFoundError(f"There is no run {number}.", "`%tooi runs` lists yours.")
        return run

    def with_inputs(self, principal: Principal, number: int) -> Run:
        """Return a run of which the principal may take what it was given."""
        run = self.get(principal, number)
        if not access.may_take_inputs(principal, run):
            raise ForbiddenError(
                f"Run {number} was given files or variables, which are {run.owner}'s.",
                "Its output is shared, not they: run the tool with your own.",
            )
        return run

    def input_path(self, principal: Principal, number: int, path: str) -> Path:
        """Return where an input file of a run can be read."""
        run = self._ended_with_inputs(principal, number)
        for file in run.inputs:
            if file.path == path:
                return self.outputs.input_path(run, file)
        raise NotFoundError(f"Run {number} had no input file {path!r}.")

    def stdin_path(self, principal: Principal, number: int) -> Path:
        """Return where the standard input of a run can be read."""
        place = self.outputs.stdin_path(self._ended_with_inputs(principal, number))
        if place is None:
            raise NotFoundError(f"Run {number} had no standard input.")
        return place

    def owned(self, principal: Principal, number: int) -> Run:
        """Return a run that the principal may change."""
        run = self.get(principal, number)
        if not access.may_change_run(principal, run):
            raise ForbiddenError(
                f"Run {number} is shared with you, and {run.owner}'s to change.",
                f"`%tooi rerun {number}` makes one of your own, if you may run the tool.",
            )
        return run

    def listing(self, principal: Principal, which: RunFilter) -> Page[Run]:
        """List the principal's runs or those shared with it, newest first."""
        return self.store.list_runs(
            principal=principal,
            scope=which.scope,
            tool=which.tool,
            status=which.status,
            text=which.text,
            since=which.since,
            until=which.until,
            limit=which.limit,
            cursor=which.cursor,
        )

    async def wait(self, principal: Principal, number: int) -> Run:
        """Return a run once it is final."""
        run = await asyncio.to_thread(self.get, principal, number)
        while not run.status.is_final:
            if run.status is RunStatus.QUEUED or not self.watcher.is_ours(run):
                await asyncio.sleep(_POLL_S)
                run = await asyncio.to_thread(self.get, principal, number)
            else:
                run = await asyncio.shield(self.watcher.watch(run))
        return run

    async def cancel(self, principal: Principal, number: int) -> Run:
        """Stop a run with all its children; one that has ended stays as it is.

        Raises
        ------
        ForbiddenError
            If it is another principal's, or a process of another UNIX user.
        """
        try:
            return await self._cancel(principal, number)
        except PermissionError as error:
            raise ForbiddenError(
                f"Run {number} cannot be cancelled: it is a process of another UNIX user.",
                "Cancel it as that user.",
            ) from error

    async def _cancel(self, principal: Principal, number: int) -> Run:
        run = await self.settle(await asyncio.to_thread(self.owned, principal, number))
        while not run.status.is_final:
            if run.status is RunStatus.QUEUED:
                run = await self._cancel_waiting(run)
                continue
            if not self.watcher.is_ours(run):
                raise ConflictError(
                    f"Run {number} is under way on another server.", "Cancel it there."
                )
            engine = self.engines(run.engine)
            handle = await engine.reattach(self.directory(run).path)
            if handle is None or await engine.status(handle) is EngineState.PREPARED:
                # it is just being started, and can be stopped in a moment
                await asyncio.sleep(_POLL_S)
                run = await self.settle(await asyncio.to_thread(self.owned, principal, number))
                continue
            ended = await engine.cancel(handle, grace_s=self.config.cancel_grace_s)
            run = await self.watcher.ended(run, ended)
        return run

    async def settle(self, run: Run) -> Run:
        """Bring the record of a run up to what its engine knows. See `Watcher.settle`."""
        return await self.watcher.settle(run)

    async def settle_all(self) -> None:
        """Settle every run that is not final."""
        for run in await asyncio.to_thread(self.store.open_runs):
            try:
                await self.settle(run)
            except Exception:  # one run that cannot be settled must not hide the others
                _logger.exception("run cannot be settled run=%s", run.id)

    def read(self, run: Run, stream: StreamName, *, offset: int = 0, size: int = -1) -> bytes:
        """Return what is kept of a stream from `offset`."""
        with self.outputs.open_stream(run, stream) as file:
            file.seek(offset)
            return file.read(size)

    def follow(
        self,
        run: Run,
        is_over: Callable[[float], bool],
        offsets: Mapping[StreamName, int],
        *,
        passing: Passing | None = None,
    ) -> Iterator[Output | Run]:
        """Yield what a run writes, as it writes it, until it is over and all is read.

        Yields the run too whenever its state becomes another one that is not final.

        Parameters
        ----------
        run
            The run to follow.
        is_over
            Waits up to so many seconds and tells whether the tool has ended.
        offsets
            Where to begin in each stream (bytes).
        passing
            What reads what is beyond what is kept; by default, that is left.
        """
        places = dict(offsets)

        def piece(stream: StreamName) -> bytes:
            data = self.read(run, stream, offset=places[stream], size=_READ_BYTES)
            if not data and passing is not None:
                data = passing.read(stream, places[stream], _READ_BYTES)
            return data

        pause_s = 0.002
        looked_at = time.monotonic()
        while True:
            ended = is_over(pause_s)
            started = time.monotonic()
            if not ended and run.status is not RunStatus.RUNNING:
                if started - looked_at < _LOOK_EVERY_S and run.status is RunStatus.QUEUED:
                    pause_s = _POLL_S
                    continue
                looked_at = started
                seen = self.store.get_run_by_id(run.id) or run
                if not seen.status.is_final and seen != run:
                    run = seen
                    yield run
            if ended:
                run = self.store.get_run_by_id(run.id) or run
            quiet = True
            # what another home is about to store is read once it is there
            for stream in () if not ended and self.outputs.is_on_its_way(run) else _STREAMS:
                while data := piece(stream):
                    yield Output(stream=stream, offset=places[stream], data=data)
                    places[stream] += len(data)
                    quiet = False
                    if not ended and time.monotonic() - started > 0.1:
                        break
            if ended:
                return
            if quiet and passing is not None:
                passing.release(places)
            pause_s = min(pause_s * 1.5, 0.05) if quiet else 0.002

    def delete(self, principal: Principal, number: int) -> None:
        """Delete a run that is final, with its output."""
        run = self.owned(principal, number)
        if not run.status.is_final:
            raise ConflictError(f"Run {number} is {run.status}.", f"`%tooi cancel {number}` first.")
        self.forget(run)

    def forget(self, run: Run) -> None:
        """Delete a run's record and output; what is interrupted is done by the next server.

        Raises
        ------
        OutputsUnavailableError, DeletionError
            As `Outputs.delete`.
        """
        if run.stored_at or self.config.outputs_url:
            # what is elsewhere is found by the record only
            self.outputs.delete(run)
            self.store.delete_run(run.number)
        else:
            self.outputs.check_deletion(run)
            self.store.delete_run(run.number)
            self.outputs.delete(run)

    async def pull(self, principal: Principal, name: str) -> Version:
        """Fetch what a version needs to run here, and return the version.

        Raises
        ------
        ConflictError
            If it is nowhere to be had.
        EngineError
            If the engine does not answer.
        """
        tool, version = self.tools.find_version(principal, name)
        environment = self.environments.of(tool.name, version)
        await self.environments.fetch(tool.name, version, environment)
        return version

    def name_now(self, principal: Principal, run: Run) -> str:
        """Return the name that a run's tool has now; another one may have the name it had."""
        tool = None if run.tool_id is None else self.store.get_tool(run.tool_id)
        try:
            if tool is not None and tool.deleted_at is None:
                return self.tools.find(principal, tool.full_name).tool.full_name
        except NotFoundError:  # nor is it told what it is called now
            pass
        raise NotFoundError(
            f"There is no tool {run.tool_name!r} any more.", "Its runs can still be looked at."
        )

    def _ended_with_inputs(self, principal: Principal, number: int) -> Run:
        run = self.with_inputs(principal, number)
        if not run.status.is_final:
            # a tool that runs can put a link in the place of a file that is just being opened
            raise ConflictError(
                f"Run {number} goes on: what it was given can be read once it has ended."
            )
        return run

    def _with_inputs_of(self, principal: Principal, new: NewRun) -> NewRun:
        """Return a new run with what it takes from an earlier one."""
        if new.inputs_of is None:
            return new
        earlier = self.with_inputs(principal, new.inputs_of)
        inputs = new.inputs or [self.outputs.input_path(earlier, one) for one in earlier.inputs]
        stdin = self.outputs.stdin_path(earlier) if new.stdin is None else new.stdin
        return dataclasses.replace(new, inputs=inputs, stdin=stdin)

    def _found(self, principal: Principal, new: NewRun) -> tuple[Tool, Version, Environment]:
        """Return what a new run is to run, once sure that it may wait for that."""
        if self.line is not None:
            # before anything is copied; it is decided for good once all is prepared
            self.line.join(principal.name)
        tool, version = self.tools.find_version(principal, new.tool, engine=new.engine)
        return tool, version, self.environments.of(tool.name, version)

    def _create_directory(self, run: Run, new: NewRun) -> tuple[TextIOWrapper, Run]:
        """Make the directory of a run; the lock says to others that its record will follow."""
        creating = self.presence.creating()
        try:
            inputs = self.directory(run).create(new.inputs, new.stdin)
            if new.passes:
                Passing.prepare(self.directory(run).path)
        except BaseException:
            creating.close()
            raise
        stdin = None if new.stdin is None else "stdin"
        return creating, dataclasses.replace(run, inputs=inputs, stdin=stdin)

    async def _prepared(
        self, run: Run, environment: Environment, secrets: Mapping[str, str]
    ) -> Run:
        """Have the engine write down what is to run."""
        directory = self.directory(run)
        spec = RunSpec(
            run_id=run.id,
            owner=run.owner,
            directory=directory.path,
            environment=environment,
            argv=[*run.command, *run.arguments],
            variables=run.variables,
            secrets=secrets,
            stdin=None if run.stdin is None else directory.stdin,
            limits=run.limits,
        )
        handle: Handle = await self.engines(run.engine).prepare(spec)
        isolation = str(handle.details.get("isolation", run.isolation))
        return dataclasses.replace(run, isolation=isolation)

    async def _recorded(self, run: Run, secrets: Mapping[str, str]) -> Run:
        """Record a new run, as starting or as waiting in line."""
        starting = dataclasses.replace(
            run, status=RunStatus.STARTING, message="Starting", started_at=now()
        )
        if self.line is None:
            return await asyncio.to_thread(self.store.add_run, starting)
        async with self.line.turn:
            reason = await asyncio.to_thread(self.line.join, run.owner)
            if not reason:
                return await asyncio.to_thread(self.store.add_run, starting)
            self.launcher.keep_secrets(run, secrets)
            run = dataclasses.replace(run, message=reason)
            run = await asyncio.to_thread(self.store.add_run, run)
        self.wake()
        return run

    async def _cancel_waiting(self, run: Run) -> Run:
        cancelled = dataclasses.replace(
            run, status=RunStatus.CANCELLED, message="Cancelled", finished_at=now()
        )
        try:
            run = await asyncio.to_thread(
                self.store.advance_run, cancelled, expected=RunStatus.QUEUED
            )
        except ConflictError:  # its turn has just come
            return self.store.get_run_by_id(run.id) or cancelled
        self.launcher.forget_secrets(run)
        Passing.forget(self.directory(run).path)
        self.outputs.hand_over(run)
        self.wake()
        return run
