"""The engine for containers, as others see it: it asks the keeper, and reads what the keeper wrote.

A run directory looks like the process engine's: ``stdout`` and ``stderr`` grow, ``alive`` is locked
while somebody watches over the run, ``exit.json`` is how it ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ...config import TooInstance
from ...errors import EngineError
from ...records import Environment, Limits
from ...sandbox import launch
from .. import checks, ending
from ..base import Capabilities, EngineState, Exit, Handle, RunSpec
from . import address
from .order import Order, Place

_PATIENCE_S = 30.0
_FRESH_S = 10.0
_STARTING_S = 90.0


class DockerEngine:
    """See `engines.base.Engine`.

    Parameters
    ----------
    config
        The settings.
    """

    name: ClassVar[str] = "docker"

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._known: dict[tuple[str, bool], tuple[float, str]] = {}

    def capabilities(self) -> Capabilities:
        """Tell what can be held to."""
        return Capabilities(
            reattach=True,
            live_output=True,
            isolation="container",
            network_isolation=True,
            environments="image",
            limits=frozenset(field.name for field in dataclasses.fields(Limits)),
        )

    async def prepare(self, spec: RunSpec) -> Handle:
        """Write down what is to run. See `Engine.prepare`."""
        checks.check(spec)
        handle = await self.reattach(spec.directory)
        if handle is not None:
            return handle
        place = self._place(spec.environment, spec.owner, spec.limits)
        isolation = await self._isolation(place.image, network=spec.limits.network)
        Order(
            run_id=spec.run_id,
            place=place,
            argv=list(spec.argv),
            variables={**spec.environment.variables, **spec.variables},
            has_stdin=spec.stdin is not None,
            grace_s=self._config.cancel_grace_s,
        ).write(spec.directory)
        handle = Handle(
            engine=self.name,
            run_id=spec.run_id,
            attempt=spec.attempt,
            directory=str(spec.directory),
            details={"isolation": isolation},
        )
        (spec.directory / "handle.json").write_text(handle.to_json())
        return handle

    async def start(self, handle: Handle, *, secrets: Mapping[str, str] | None = None) -> None:
        """Have the keeper start a run. See `Engine.start`."""
        directory = Path(handle.directory)
        try:
            (directory / "started").touch(exist_ok=False)
        except FileExistsError:
            return
        await self._ask("start", directory=str(directory), secrets=dict(secrets or {}))

    async def status(self, handle: Handle) -> EngineState:
        """Tell where a run stands now. See `Engine.status`."""
        directory = Path(handle.directory)
        if not await asyncio.to_thread(directory.exists):
            return EngineState.LOST
        if (directory / "exit.json").exists():
            return EngineState.EXITED
        if launch.is_alive(directory):
            return EngineState.RUNNING
        if not (directory / "started").exists():
            return EngineState.PREPARED
        # the keeper may be dead: a new one takes over what it left, before it answers
        if await self._ask("poke", directory=str(directory)) or launch.is_alive(directory):
            return EngineState.RUNNING
        if (directory / "exit.json").exists():
            return EngineState.EXITED
        # another process may be between its mark and the keeper's answer
        since = time.time() - (directory / "started").stat().st_mtime
        return EngineState.RUNNING if 0 <= since < _STARTING_S else EngineState.LOST

    async def wait(self, handle: Handle) -> Exit:
        """Return how the run ended, as soon as it has. See `Engine.wait`."""
        directory = Path(handle.directory)
        pause_s = 0.002
        began = time.monotonic()
        while (ended := ending.told(directory)) is None:
            if not launch.is_alive(directory):
                # where the engine is away it raises: that is no end of the run
                state = await self.status(handle)
                if state is EngineState.LOST:
                    return ending.lost(directory, "Its container is gone.")
                if state is EngineState.PREPARED and time.monotonic() - began > _PATIENCE_S:
                    return ending.lost(directory, "The program that was to start it ended before.")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.2, 0.05)
        return ended

    async def cancel(self, handle: Handle, *, grace_s: float) -> Exit:
        """Stop a run, gently first, and return once it is dead. See `Engine.cancel`."""
        directory = Path(handle.directory)
        if ending.told(directory) is None and (directory / "started").exists():
            with contextlib.suppress(FileExistsError), (directory / "cancel").open("x") as file:
                file.write(str(grace_s))
            await self._ask("poke", directory=str(directory))
        return await self.wait(handle)

    async def reattach(self, directory: Path) -> Handle | None:
        """Return the handle of a run directory. See `Engine.reattach`."""
        try:
            return Handle.from_json((directory / "handle.json").read_text())
        except FileNotFoundError:
            return None

    async def has(self, environment: Environment) -> bool:
        """Tell whether an image is there. See `Engine.has`."""
        return bool(await self._ask("has", image=environment.location))

    async def pull(self, environment: Environment) -> None:
        """Pull an image by its digest. See `Engine.pull`."""
        if "@" not in environment.location:
            raise EngineError(
                "This version's image was never pushed to a registry.",
                "Set TooInstance.registry and build it again, or `%tooi build` it here.",
                code="pull_failed",
            )
        await self._ask("pull", image=environment.location)

    async def remove(self, environment: Environment) -> None:
        """Remove an image. See `Engine.remove`."""
        await self._ask("remove", image=environment.location)

    async def warm(self, environment: Environment, owner: str, limits: Limits) -> None:
        """Have a container wait for the next run. See `Engine.warm`."""
        if self._config.armed_containers <= 0:
            return
        place = self._place(environment, owner, limits)
        await self._ask("warm", place=dataclasses.asdict(place))

    async def reap(self, keep: Iterable[Path]) -> Sequence[str]:
        """End what this installation left running. See `Engine.reap`."""
        kept = {path.name for path in keep}
        ended: list[str] = []
        runs = self._config.runs_path
        for directory in sorted(runs.iterdir()) if runs.exists() else ():
            handle = await self.reattach(directory)
            if handle is None or handle.engine != self.name or directory.name in kept:
                continue
            if await self.status(handle) is EngineState.RUNNING:
                await self.cancel(handle, grace_s=0)
                ended.append(f"stopped run {handle.run_id}")
        return ended

    async def shut_down(self) -> None:
        """Have the keeper remove what waits, and end; runs that go on are found by the next."""
        if address.keeper_pid(self._config) is None:
            return
        await self._ask("stop")
        await asyncio.to_thread(address.wait_for_end, self._config)

    def _place(self, environment: Environment, owner: str, limits: Limits) -> Place:
        return Place(
            image=environment.location,
            owner=owner,
            workdir=environment.workdir,
            limits=limits,
            gpus=self._config.gpus,
            platform=self._config.build_platform,
        )

    async def _isolation(self, image: str, *, network: bool) -> str:
        """Return how a run will be isolated, once sure that its image is there.

        That was so a moment ago is sure enough: its start finds out the rest.
        """
        asked_at, isolation = self._known.get((image, network), (-_FRESH_S, ""))
        if time.monotonic() - asked_at >= _FRESH_S:
            isolation = str(await self._ask("prepare", image=image, network=network))
            self._known[image, network] = time.monotonic(), isolation
        return isolation

    async def _ask(self, do: str, **given: object) -> object:
        return await address.ask(self._config, do, **given)
