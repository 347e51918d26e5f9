"""The use cases of runs: start, follow, cancel, list, and settle those whose process is gone.

How an argv is run is left to ``engines``; what a run directory holds, to ``run_directory``.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from .. import access, arguments
from ..config import TooInstance
from ..engines.base import EngineState, Exit, ExitReason, Handle, RunSpec
from ..errors import (
    ConflictError,
    EngineError,
    ForbiddenError,
    InvalidValueError,
    NotFoundError,
    TooInstanceError,
    full_disk_in_words,
)
from ..records import (
    Environment,
    Failure,
    Limits,
    OutputFile,
    Page,
    Principal,
    Run,
    RunStatus,
    Version,
    now,
)
from ..requests import NewRun, Output, RunFilter, StreamName
from ..run_directory import RunDirectory, hash_file
from ..store.repository import Store
from .engines import Engines
from .tools import Tools

_logger = logging.getLogger(__name__)
_READ_BYTES = 2**20
_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
_START_GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs, as one principal after another asks for them."""

    config: TooInstance
    store: Store
    tools: Tools
    engines: Engines

    def directory(self, run: Run) -> RunDirectory:
        """Return where a run keeps its files."""
        return RunDirectory(self.config.runs_path / run.id)

    async def start(self, principal: Principal, new: NewRun) -> Run:
        """Start a run of a tool that is ready and return it running.

        Raises
        ------
        NotFoundError, ConflictError
            If there is no such tool, or nothing of it to run.
        InvalidValueError
            If arguments, inputs, variables or limits cannot be used; nothing is left behind.
        EngineError
            If the engine cannot hold what is asked for.
        """
        tool, version = self.tools.find_version(principal, new.tool, engine=new.engine)
        environment = await self._environment(tool.name, version)
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
            limits=_lowered(self.config.limits(), new),
            engine=version.engine,
            isolation=self.engines(version.engine).capabilities().isolation,
            output=tool.output,
        )
        directory = self.directory(run)
        inputs = directory.create(new.inputs, new.stdin)
        run = dataclasses.replace(run, inputs=inputs, stdin=None if new.stdin is None else "stdin")
        try:
            with full_disk_in_words(self.config.runs_path):
                return await self._launch(run, environment, new.secrets)
        except TooInstanceError:
            if self.store.get_run_by_id(run.id) is None:
                directory.remove()
            raise

    async def rerun(self, principal: Principal, number: int, changes: NewRun | None) -> Run:
        """Start a run again, on the version it had, with its inputs unless others are given."""
        earlier = self.get(principal, number)
        directory = self.directory(earlier)
        inputs = [directory.work / file.path for file in earlier.inputs]
        for file, path in zip(earlier.inputs, inputs, strict=True):
            if not path.is_file() or path.is_symlink() or hash_file(path) != file.sha256:
                raise ConflictError(
                    f"Run {number} changed its input {file.path!r}, so that it is gone.",
                    "Run the tool anew, with -i.",
                )
        again = NewRun(
            tool=f"{earlier.tool_name}@{earlier.version_number}",
            arguments=earlier.arguments,
            inputs=inputs,
            stdin=None if earlier.stdin is None else directory.stdin,
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
        run = await self.settle(self.get(principal, number))
        while not run.status.is_final:
            engine = self.engines(run.engine)
            handle = await engine.reattach(self.directory(run).path)
            if handle is None:
                raise ConflictError(f"Run {number} has not been started yet.")
            run = self._finish(run, await engine.wait(handle))
        return run

    async def cancel(self, principal: Principal, number: int) -> Run:
        """Stop a run with all its children; one that has ended stays as it is."""
        run = await self.settle(self.owned(principal, number))
        if run.status.is_final:
            return run
        engine = self.engines(run.engine)
        handle = await engine.reattach(self.directory(run).path)
        if handle is None:
            raise ConflictError(f"Run {number} has not been started yet.", "Try again.")
        return self._finish(run, await engine.cancel(handle, grace_s=self.config.cancel_grace_s))

    async def settle(self, run: Run) -> Run:
        """Bring the record of a run up to what its engine knows, and return it.

        This is how a run is completed whose process was killed: by whoever looks at it next.
        """
        if run.status.is_final:
            return run
        try:
            return await self._settled(run)
        except EngineError as error:
            # an engine that is away for a while has not ended the run
            _logger.info("run cannot be settled now run=%s reason=%s", run.id, error)
            return run

    async def _settled(self, run: Run) -> Run:
        engine = self.engines(run.engine)
        path = self.directory(run).path
        handle = await engine.reattach(path)
        if handle is None and not path.exists():
            # somebody deleted it, and what runs there has nowhere to write to
            handle = Handle(engine=run.engine, run_id=run.id, attempt=1, directory=str(path))
        if handle is None or await engine.status(handle) is EngineState.PREPARED:
            if now() - run.created_at < _START_GRACE:
                return run
            ended = Exit(reason=ExitReason.LOST, detail="Its program ended before it was started.")
            return self._finish(run, ended)
        if await engine.status(handle) is EngineState.RUNNING:
            return run
        return self._finish(run, await engine.wait(handle))

    async def settle_all(self) -> None:
        """Settle every run that is not final."""
        for run in self.store.open_runs():
            try:
                await self.settle(run)
            except Exception:  # one run that cannot be settled must not hide the others
                _logger.exception("run cannot be settled run=%s", run.id)

    def read(self, run: Run, stream: StreamName, *, offset: int = 0, size: int = -1) -> bytes:
        """Return what is kept of a stream from `offset`."""
        try:
            with self.directory(run).stream(stream).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except FileNotFoundError:
            return b""

    def follow(
        self, run: Run, is_over: Callable[[float], bool], offsets: Mapping[StreamName, int]
    ) -> Iterator[Output]:
        """Yield what a run writes, as it writes it, until it is over and all is read.

        Parameters
        ----------
        run
            The run to follow.
        is_over
            Waits up to so many seconds and tells whether the tool has ended.
        offsets
            Where to begin in each stream (bytes).
        """
        places = dict(offsets)
        pause_s = 0.002
        while True:
            ended = is_over(pause_s)
            started = time.monotonic()
            quiet = True
            for stream in _STREAMS:
                while data := self.read(run, stream, offset=places[stream], size=_READ_BYTES):
                    yield Output(stream=stream, offset=places[stream], data=data)
                    places[stream] += len(data)
                    quiet = False
                    if not ended and time.monotonic() - started > 0.1:
                        break
            if ended:
                return
            pause_s = min(pause_s * 1.5, 0.05) if quiet else 0.002

    def delete(self, principal: Principal, number: int) -> None:
        """Delete a run that is final, with its output."""
        run = self.owned(principal, number)
        if not run.status.is_final:
            raise ConflictError(f"Run {number} is {run.status}.", f"`%tooi cancel {number}` first.")
        self.store.delete_run(number)
        self.directory(run).remove()

    async def _launch(self, run: Run, environment: Environment, secrets: Mapping[str, str]) -> Run:
        engine = self.engines(run.engine)
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
        handle = await engine.prepare(spec)
        run = self.store.add_run(
            dataclasses.replace(
                run,
                status=RunStatus.STARTING,
                message="Starting",
                isolation=str(handle.details.get("isolation", run.isolation)),
            )
        )
        try:
            await engine.start(handle, secrets=secrets)
        except TooInstanceError as error:
            failure = Failure(code=error.error_code, message=error.message, hint=error.hint)
            self._advance(run, status=RunStatus.FAILED, message=error.message, failure=failure)
            raise
        self.store.touch_environment(environment.id, now())
        return self._advance(run, status=RunStatus.RUNNING, message="Running", started_at=now())

    async def pull(self, principal: Principal, name: str) -> Version:
        """Fetch what a version needs to run here, and return the version.

        Raises
        ------
        EngineError
            If it is nowhere to be had.
        """
        tool, version = self.tools.find_version(principal, name)
        environment = self._recorded(tool.name, version)
        await self.engines(version.engine).pull(environment)
        return version

    async def get_ready(self, principal: Principal, version: Version) -> None:
        """Have the engine get ready for the first run of a version that has just been built."""
        environment = version.environment_id and self.store.get_environment(version.environment_id)
        if environment:
            try:
                await self.engines(version.engine).warm(
                    environment, principal.name, self.config.limits()
                )
            except TooInstanceError as error:
                _logger.info("nothing is got ready version=%s reason=%s", version.id, error)

    def _recorded(self, name: str, version: Version) -> Environment:
        environment = version.environment_id and self.store.get_environment(version.environment_id)
        if not environment:
            raise _gone(name, version)
        return environment

    async def _environment(self, name: str, version: Version) -> Environment:
        """Return the environment of a version, fetched first if it is elsewhere."""
        environment = self._recorded(name, version)
        engine = self.engines(version.engine)
        if not await engine.has(environment):
            try:
                await engine.pull(environment)
            except EngineError as error:
                if error.error_code != "pull_failed":
                    raise
                raise _gone(name, version) from error
        return environment

    def _finish(self, run: Run, ended: Exit) -> Run:
        status, message, failure = _verdict(run, ended)
        files: tuple[OutputFile, ...] = ()
        try:
            files = self.directory(run).collect(run.limits, run.inputs)
        except OSError as error:
            _logger.exception("outputs cannot be collected run=%s", run.id)
            message = f"{message}; its files cannot be listed: {error.strerror}"
        return self._advance(
            run,
            status=status,
            message=message,
            failure=failure,
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr,
            files=files,
            started_at=ended.started_at or run.started_at,
            finished_at=ended.finished_at or now(),
        )

    def _advance(self, run: Run, **changes: object) -> Run:
        changed = dataclasses.replace(run, **changes)  # type: ignore[arg-type]
        try:
            return self.store.advance_run(changed, expected=run.status)
        except ConflictError:
            stored = self.store.get_run_by_id(run.id)
            if stored is None:
                raise
            # another process saw the end first, and the end is the same for all
            return stored


def _gone(name: str, version: Version) -> ConflictError:
    return ConflictError(
        f"The environment of {name}@{version.number} is no longer on this machine.",
        f"`%tooi build {name}` makes it again.",
        code="environment_missing",
    )


def _lowered(limits: Limits, new: NewRun) -> Limits:
    """Return the limits with what a user gave up of them."""
    if new.timeout_s is not None:
        if not 0 < new.timeout_s <= limits.timeout_s:
            raise _out_of_range("timeout", f"{new.timeout_s:g} s", f"{limits.timeout_s:g} s")
        limits = dataclasses.replace(limits, timeout_s=new.timeout_s)
    if new.memory_bytes is not None:
        if not 2**20 <= new.memory_bytes <= limits.memory_bytes:
            most = f"{limits.memory_bytes / 2**20:.0f}M"
            raise _out_of_range("memory", f"{new.memory_bytes} bytes", most)
        limits = dataclasses.replace(limits, memory_bytes=new.memory_bytes)
    if new.network is not None:
        if new.network and not limits.network:
            raise InvalidValueError(
                "Runs have no network here.", "It is an administrator's choice."
            )
        limits = dataclasses.replace(limits, network=new.network)
    return limits


def _out_of_range(what: str, given: str, most: str) -> InvalidValueError:
    return InvalidValueError(
        f"A {what} of {given} cannot be had.",
        f"At most {most}; `%config TooInstance` shows and changes the limits.",
        code="limit_out_of_range",
    )


def _verdict(run: Run, ended: Exit) -> tuple[RunStatus, str, Failure | None]:
    """Return what an exit means: the status, a sentence, and the failure if it is not the tool's.

    A tool's exit code is the tool's word, so it makes no `Failure`.
    """
    limits = run.limits
    match ended.reason:
        case ExitReason.EXITED if ended.exit_code == 0:
            return RunStatus.SUCCEEDED, "Done", None
        case ExitReason.EXITED:
            detail = f" ({ended.detail})" if ended.detail else ""
            return RunStatus.FAILED, f"Ended with exit code {ended.exit_code}{detail}", None
        case ExitReason.CANCELLED:
            return RunStatus.CANCELLED, "Cancelled", None
        case ExitReason.TIMED_OUT:
            message = f"Stopped after {limits.timeout_s:g} s, its limit of time"
            hint = "Give it longer with --timeout SECONDS, up to TooInstance.run_timeout_s."
            failure = Failure(code="timed_out", message=message, hint=hint)
            return RunStatus.TIMED_OUT, message, failure
        case ExitReason.LIMIT_MEMORY:
            message = (
                f"Stopped: it needed more than {limits.memory_bytes / 2**20:,.0f} MiB of memory"
            )
            hint = "Raise TooInstance.run_memory_bytes, or give it less to do."
        case ExitReason.LIMIT_PROCESSES:
            message = f"Stopped: it started more than {limits.processes} processes"
            hint = "Raise TooInstance.run_processes if that is what the tool needs."
        case ExitReason.LIMIT_OUTPUT:
            message = (
                f"Stopped: it wrote more than {limits.output_bytes / 2**20:,.0f} MiB "
                f"or {limits.output_files:,} files"
            )
            hint = "Raise TooInstance.run_output_bytes or run_output_files; what it wrote is kept."
        case ExitReason.NOT_STARTED:
            message = ended.detail or "It could not be started"
            hint = "`%tooi build` builds the tool again."
        case ExitReason.LOST:
            message = ended.detail or "What ran it died, so its end is not known"
            failure = Failure(code="lost", message=message, hint=f"`%tooi rerun {run.number}`")
            return RunStatus.LOST, message, failure
    failure = Failure(code=ended.reason.value, message=message, hint=hint)
    return RunStatus.FAILED, message, failure
