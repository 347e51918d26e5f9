"""The engine that needs nothing but this machine: a process under bubblewrap, or with limits only.

Each run has a guardian, a small process that outlives whoever started it; how a command is confined
and watched over is left to ``sandbox``.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import fnmatch
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from filelock import FileLock, Timeout

from .. import foreign_files
from ..config import TooInstance
from ..errors import EngineError, EnvironmentForbiddenError
from ..records import Environment, Limits
from ..run_directory import owner_of
from ..sandbox import launch
from ..sandbox.command import give_to
from ..sandbox.plan import (
    SYSTEM_PATH,
    Bubblewrap,
    Confinement,
    choose,
    unprivileged_uid,
    write_account,
)
from . import checks, ending
from .base import Capabilities, EngineState, Exit, Handle, RunSpec

_START_GRACE_S = 30.0


class ProcessEngine:
    """See `engines.base.Engine`.

    Parameters
    ----------
    config
        The settings; `sandbox` decides how runs are isolated.
    """

    name: ClassVar[str] = "process"

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._sandbox = choose(config.sandbox)
        self._guardians: dict[str, launch.Detached] = {}

    def capabilities(self) -> Capabilities:
        """Tell what can be held to on this machine."""
        limits = {field.name for field in dataclasses.fields(Limits)} - {"cpus"}
        if not self._sandbox.isolates_network:
            limits -= {"network", "tmp_bytes"}
        return Capabilities(
            reattach=True,
            live_output=True,
            isolation=self._sandbox.name,
            network_isolation=self._sandbox.isolates_network,
            environments="folder",
            limits=frozenset(limits),
        )

    async def prepare(self, spec: RunSpec) -> Handle:
        """Write down what is to run. See `Engine.prepare`."""
        checks.check(spec)
        directory = spec.directory
        handle = Handle(
            engine=self.name,
            run_id=spec.run_id,
            attempt=spec.attempt,
            directory=str(directory),
        )
        if (directory / "handle.json").exists():
            return handle
        uid = unprivileged_uid(spec.run_id)
        account = directory / "account"
        write_account(account, uid)
        give_to(uid, directory / "work")
        if uid is not None and not self._sandbox.isolates_network:
            # without a sandbox the tool comes to its folder on the host's paths
            for folder in (directory, account):
                folder.chmod(0o711)
        environment = spec.environment
        confinement = Confinement(
            work=directory / "work",
            work_at="/work",
            account=account,
            readable=[Path(environment.location), *map(Path, environment.readable)],
            network=spec.limits.network,
            processes=spec.limits.processes,
            tmp_bytes=min(spec.limits.tmp_bytes, spec.limits.memory_bytes),
            uid=uid,
        )
        home, temporary = self._sandbox.home(confinement)
        passed = {
            name: value
            for name, value in os.environ.items()
            if any(fnmatch.fnmatchcase(name, wanted) for wanted in self._config.pass_environment)
        }
        limits = spec.limits
        launch.Spec(
            argv=self._sandbox.wrap(spec.argv, confinement),
            cwd=str(directory / "work"),
            env={
                **passed,
                **environment.variables,
                **spec.variables,
                "PATH": os.pathsep.join([*environment.path, SYSTEM_PATH]),
                "HOME": home,
                "TMPDIR": temporary,
                checks.RUN_VARIABLE: spec.run_id,
            },
            stdin=None if spec.stdin is None else str(spec.stdin),
            stdout=str(directory / "stdout"),
            stderr=str(directory / "stderr"),
            is_wrapped=isinstance(self._sandbox, Bubblewrap),
            uid=uid,
            watched=[str(directory / "work")],
            timeout_s=limits.timeout_s,
            memory_bytes=limits.memory_bytes,
            processes=limits.processes,
            log_bytes=limits.log_bytes,
            output_bytes=limits.output_bytes,
            output_files=limits.output_files,
            grace_s=self._config.cancel_grace_s,
        ).write(directory)
        (directory / "handle.json").write_text(handle.to_json())
        return handle

    async def start(self, handle: Handle, *, secrets: Mapping[str, str] | None = None) -> None:
        """Start the guardian of a run. See `Engine.start`."""
        directory = Path(handle.directory)
        try:
            (directory / "started").touch(exist_ok=False)
        except FileExistsError:
            return
        self._let_go_of_ended()
        try:
            self._guardians[handle.run_id] = launch.start(directory, secrets)
        except OSError as error:
            raise EngineError(
                f"No process can be started: {error}.", "Too many may be running: try again."
            ) from error

    async def status(self, handle: Handle) -> EngineState:
        """Tell where a run stands now. See `Engine.status`."""
        directory = Path(handle.directory)
        if not os.path.exists(directory):  # noqa: ASYNC240, PTH110 as quick as what follows
            return EngineState.LOST
        if launch.is_alive(directory):
            return EngineState.RUNNING
        if (directory / "exit.json").exists():
            return EngineState.EXITED
        if (directory / "started").exists():
            # another process may be between its mark and its guardian's lock
            await asyncio.sleep(0.2)
            if launch.is_alive(directory):
                return EngineState.RUNNING
            return EngineState.EXITED if (directory / "exit.json").exists() else EngineState.LOST
        return EngineState.PREPARED

    async def wait(self, handle: Handle) -> Exit:
        """Return how the run ended, as soon as it has. See `Engine.wait`."""
        directory = Path(handle.directory)
        pause_s = 0.002
        until = time.monotonic() + _START_GRACE_S
        while (ended := ending.told(directory)) is None:
            state = await self.status(handle)
            if state is EngineState.LOST:
                kill_leftovers(handle.run_id)
                self._let_go_of_ended()
                return ending.lost(directory, "The process that watched over it was killed.")
            if state is EngineState.PREPARED and time.monotonic() > until:
                return ending.lost(directory, "The program that was to start it ended before.")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.2, 0.05)
        guardian = self._guardians.pop(handle.run_id, None)
        if guardian is not None:
            guardian.wait()
        return ended

    async def cancel(self, handle: Handle, *, grace_s: float) -> Exit:
        """Stop a run, gently first, and return once it is dead. See `Engine.cancel`."""
        directory = Path(handle.directory)
        if launch.is_alive(directory):
            await asyncio.to_thread(launch.ask_to_stop, directory, grace_s)
        return await self.wait(handle)

    async def reattach(self, directory: Path) -> Handle | None:
        """Return the handle of a run directory. See `Engine.reattach`."""
        try:
            return Handle.from_json((directory / "handle.json").read_text())
        except FileNotFoundError:
            return None

    async def reap(self, keep: Iterable[Path]) -> Sequence[str]:
        """End what this installation left running. See `Engine.reap`."""
        kept = {path.name for path in keep}
        ended: list[str] = []
        runs = self._config.runs_path
        for directory in sorted(runs.iterdir()) if runs.exists() else ():
            handle = await self.reattach(directory)
            if handle is None or directory.name in kept:
                continue
            if launch.is_alive(directory):
                await self.cancel(handle, grace_s=0)
                ended.append(f"stopped run {handle.run_id}")
            elif count := kill_leftovers(handle.run_id):
                ended.append(f"killed {count} processes of run {handle.run_id}")
        return ended

    async def has(self, environment: Environment) -> bool:
        """Tell whether a folder is there. See `Engine.has`."""
        return await asyncio.to_thread(_is_there, environment)

    async def pull(self, environment: Environment) -> None:
        """Refuse: folders are not fetched from elsewhere. See `Engine.pull`."""
        raise EngineError(
            "A folder of the process engine is made where it is used.",
            "`%tooi build` makes it again.",
            code="pull_failed",
        )

    async def remove(self, environment: Environment) -> None:
        """Delete a folder that no build is about to use. See `Engine.remove`."""
        await asyncio.to_thread(_remove_folder, Path(environment.location))

    async def warm(self, environment: Environment, owner: str, limits: Limits) -> None:
        """Do nothing: a process starts at once. See `Engine.warm`."""

    def _let_go_of_ended(self) -> None:
        """Reap the guardians that ended without anybody waiting for them."""
        for run_id, guardian in list(self._guardians.items()):
            if guardian.poll() is not None:
                del self._guardians[run_id]


def _is_there(environment: Environment) -> bool:
    """Tell whether the folder of an environment is there.

    Raises
    ------
    EnvironmentForbiddenError
        If this UNIX user may not read it, or the interpreter that it needs.
    """
    folder = Path(environment.location)
    for place in (folder, *map(Path, environment.readable)):
        what = "its folder" if place == folder else "the interpreter that it runs with"
        try:
            place.stat()
        except (FileNotFoundError, NotADirectoryError):
            if place == folder:
                return False
            continue
        except PermissionError:
            raise _forbidden(what, place) from None
        if not os.access(place, os.R_OK | (os.X_OK if place.is_dir() else 0)):
            raise _forbidden(what, place)
    return folder.is_dir()


def _forbidden(what: str, place: Path) -> EnvironmentForbiddenError:
    """Say whose the first part of a path is that this UNIX user may not enter; not where it is."""
    closed = next((one for one in reversed(place.parents) if not os.access(one, os.X_OK)), place)
    user = owner_of(closed)
    whose = f", which belongs to the UNIX user {user}" if user else ""
    return EnvironmentForbiddenError(
        f"Permission denied on {what}{whose}.",
        "Ask that user to let you read it, or build the tool in a home of your own.",
    )


def _remove_folder(folder: Path) -> None:
    with (
        contextlib.suppress(Timeout),  # a build has just come to need it
        FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0),
    ):
        folder.with_name(f"{folder.name}.json").unlink(missing_ok=True)
        foreign_files.remove(folder)


def kill_leftovers(run_id: str) -> int:
    """Kill the processes of a run whose guardian died; return how many there were.

    Only Linux tells what a process belongs to; elsewhere, and under bubblewrap, the system ends
    them together with the guardian.
    """
    mark = f"{checks.RUN_VARIABLE}={run_id}".encode()
    killed = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
        except OSError:
            continue
    return killed
