"""Starts runs that are prepared: at once, or from the line of a server when their turn comes.

Preparing is left to ``runs``, what comes after the start to ``watching``, the order to ``queue``.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Mapping

from ..config import TooInstance
from ..errors import ConflictError, EngineError, TooInstanceError
from ..passing import Passing
from ..records import Environment, Failure, Run, RunStatus, now
from ..run_directory import RunDirectory
from ..store.repository import Store
from .engines import Engines
from .environments import Environments
from .presence import Presence
from .queue import RunLine
from .watching import Watcher

_logger = logging.getLogger(__name__)
_UNAVAILABLE = "engine_unavailable"
_BEGINS = "tooinstance-begins"
_ASK_AGAIN_S = 1.0
_LONGEST_PAUSE_S = 3.0


class Launcher:
    """What starts runs.

    Parameters
    ----------
    wake
        Has the line gone through.
    """

    def __init__(
        self,
        config: TooInstance,
        store: Store,
        engines: Engines,
        *,
        watcher: Watcher,
        presence: Presence,
        line: RunLine,
        environments: Environments,
        wake: Callable[[], None],
    ) -> None:
        self._config = config
        self._store = store
        self._engines = engines
        self._watcher = watcher
        self._presence = presence
        self._line = line
        self._environments = environments
        self._wake = wake
        self._secrets: dict[str, Mapping[str, str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def launch(self, run: Run, secrets: Mapping[str, str]) -> Run:
        """Start a run that is recorded as starting, and return it running."""
        engine = self._engines(run.engine)
        handle = await engine.reattach(self._directory(run).path)
        try:
            if handle is None:
                raise ConflictError(f"The directory of run {run.number} is gone.")
            await engine.start(handle, secrets=secrets)
        except TooInstanceError as error:
            await self._fail(run, error)
            raise
        try:
            run = await self._watcher.advance(
                run, status=RunStatus.RUNNING, message="Running", started_at=now()
            )
        finally:
            # also where that could not be recorded: its end will be
            if not run.status.is_final:
                self._watcher.watch(run)
        self._keep(self._touch_environment(run), _BEGINS)
        return run

    def keep_secrets(self, run: Run, secrets: Mapping[str, str]) -> None:
        """Hold the secrets of a run until its turn comes: in memory only, which others can tell."""
        if secrets:
            self._secrets[run.id] = secrets
            (self._directory(run).path / "server").write_text(self._presence.token)

    def forget_secrets(self, run: Run) -> None:
        """Hold the secrets of a run no longer."""
        self._secrets.pop(run.id, None)

    async def begin_next(self) -> None:
        """Begin the runs whose turn it is."""
        tried: set[str] = set()
        async with self._line.turn:
            while chosen := await asyncio.to_thread(self._line.next, but=tried):
                for run_id in chosen:
                    tried.add(run_id)
                    if claimed := await asyncio.to_thread(self._claim, run_id):
                        self._keep(self._begin(*claimed), _BEGINS)

    async def finish(self) -> None:
        """Let those whose turn it is begin, for a moment; what waits goes on waiting."""
        beginning = {task for task in self._tasks if task.get_name() == _BEGINS}
        if beginning:
            await asyncio.wait(beginning, timeout=_LONGEST_PAUSE_S)

    def _claim(self, run_id: str) -> tuple[Run, Environment | None] | None:
        """Return a run that is ours to start, with its environment; nobody else starts it then."""
        run = self._store.get_run_by_id(run_id)
        if run is None or run.status is not RunStatus.QUEUED:
            return None
        changes: dict[str, object] = {"status": RunStatus.STARTING, "message": "Starting"}
        if not self._directory(run).path.exists():
            changes = _ended(RunStatus.LOST, "lost", "Its directory was deleted while it waited.")
        elif run.secrets and run_id not in self._secrets:
            if self._is_held_elsewhere(run):
                return None
            changes = _ended(
                RunStatus.FAILED,
                "secret_missing",
                f"The secret {', '.join(run.secrets)} is not kept, and the server that had it "
                "ended while the run waited.",
                "Run it again: " + " ".join(f"--secret {name}" for name in run.secrets),
            )
        version = run.version_id and self._store.get_version(run.version_id)
        environment = self._environments.find(version) if version else None
        claimed = dataclasses.replace(run, started_at=now(), **changes)  # type: ignore[arg-type]
        try:
            claimed = self._store.advance_run(claimed, expected=RunStatus.QUEUED)
        except ConflictError:  # somebody else took it, or it was cancelled
            return None
        if claimed.status.is_final:
            Passing.forget(self._directory(run).path)
            return None
        return claimed, environment

    async def _begin(self, run: Run, environment: Environment | None) -> None:
        try:
            await self._begin_or_put_back(run, environment)
        except TooInstanceError as error:
            _logger.warning("run cannot be begun run=%s reason=%s", run.id, error)
        except Exception:
            _logger.exception("run cannot be begun run=%s", run.id)
        else:
            return
        # whatever became of it, somebody must see to its end
        self._watcher.watch(run)

    async def _begin_or_put_back(self, run: Run, environment: Environment | None) -> None:
        secrets = self._secrets.get(run.id, {})
        try:
            if environment is None or not await self._engines(run.engine).has(environment):
                raise ConflictError(
                    "Its environment was removed while it waited.",
                    "Build the tool again.",
                    code="environment_missing",
                )
        except TooInstanceError as error:
            if isinstance(error, EngineError) and error.error_code == _UNAVAILABLE and environment:
                await self._put_back(run, environment, error)
            else:
                await self._fail(run, error)
            return
        self.forget_secrets(run)
        await self.launch(run, secrets)

    async def _put_back(self, run: Run, environment: Environment, error: EngineError) -> None:
        """Have a run wait until its engine answers again."""
        message = f"Waiting: {error.message}"
        if run.engine not in self._line.away:
            self._line.away[run.engine] = error.message
            self._keep(self._until_back(run.engine, environment))
        await self._watcher.advance(run, status=RunStatus.QUEUED, message=message, started_at=None)

    async def _until_back(self, engine: str, environment: Environment) -> None:
        pause_s = _ASK_AGAIN_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
            try:
                await self._engines(engine).has(environment)
                break
            except EngineError as error:
                if error.error_code != _UNAVAILABLE:
                    break
        del self._line.away[engine]
        self._wake()

    async def _touch_environment(self, run: Run) -> None:
        if run.environment_id:
            try:
                await asyncio.to_thread(self._store.touch_environment, run.environment_id, now())
            except TooInstanceError as error:
                _logger.info("use is not noted environment=%s reason=%s", run.environment_id, error)

    async def _fail(self, run: Run, error: TooInstanceError) -> None:
        ended = _ended(RunStatus.FAILED, error.error_code, error.message, error.hint)
        await self._watcher.advance(run, **ended)

    def _is_held_elsewhere(self, run: Run) -> bool:
        try:
            token = (self._directory(run).path / "server").read_text()
        except OSError:
            return False
        return self._presence.is_elsewhere(token)

    def _directory(self, run: Run) -> RunDirectory:
        return RunDirectory.of(self._config, run)

    def _keep(self, coroutine: Coroutine[object, object, None], name: str = "") -> None:
        task = asyncio.create_task(coroutine, name=name or None)
        self._tasks.add(task)
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake()


def _ended(status: RunStatus, code: str, message: str, hint: str = "") -> dict[str, object]:
    return {
        "status": status,
        "message": message,
        "failure": Failure(code=code, message=message, hint=hint),
        "finished_at": now(),
    }
