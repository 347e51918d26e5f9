"""What a server does first, and goes on doing: sees to what others of its home left behind.

Runs that go on are followed on, those that ended are completed, what is half made or half deleted
is removed. What waits in line is left to ``queue``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from ..config import TooInstance
from ..engines.base import Handle
from ..errors import TooInstanceError
from ..records import RunStatus
from ..run_directory import RunDirectory
from ..store.repository import Store
from .engines import Engines
from .outputs import Outputs
from .presence import Presence
from .watching import Watcher

_logger = logging.getLogger(__name__)
_LONGEST_PAUSE_S = 3.0
_LOOK_AGAIN_S = 5.0


async def recover(
    config: TooInstance,
    store: Store,
    engines: Engines,
    *,
    home: str,
    watcher: Watcher,
    outputs: Outputs,
    presence: Presence,
) -> None:
    """See to all that is left, and again to runs, until cancelled.

    Where something is away for a while, it is waited for.
    """

    async def runs() -> None:
        for run in await asyncio.to_thread(store.open_runs):
            if watcher.is_ours(run) and run.status is not RunStatus.QUEUED:
                watcher.watch(run)

    async def directories() -> None:
        left = await asyncio.to_thread(_without_record, config, store, presence)
        if left is None:
            raise TooInstanceError("Runs are being created all the time.")
        await _remove(left, config, engines)

    async def output() -> None:
        for run in await asyncio.to_thread(outputs.pending):
            outputs.hand_over(run)
        await asyncio.to_thread(presence.forget_dead)

    async def see_to(step: Callable[[], Awaitable[None]]) -> None:
        pause_s = 0.1
        while True:
            try:
                await step()
                return
            except TooInstanceError as error:
                _logger.warning("recovery has to wait home=%s reason=%s", home, error)
            except Exception:  # one step that fails must not keep the others from being done
                _logger.exception("recovery failed home=%s", home)
                return
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    for step in (runs, directories, output):
        await see_to(step)
    while True:
        # whoever began a run may have ended since, and as long as its end is not recorded it
        # takes the place of another in line
        await asyncio.sleep(_LOOK_AGAIN_S)
        await see_to(runs)


def _without_record(config: TooInstance, store: Store, presence: Presence) -> Sequence[Path] | None:
    """Return the run directories that have no record, and will get none."""
    with presence.nothing_is_created() as is_so:
        if not is_so:
            return None
        found = [path for path in config.runs_path.iterdir() if path.is_dir()]
    known = store.known_runs([path.name for path in found])
    return [path for path in found if path.name not in known]


async def _remove(left: Sequence[Path], config: TooInstance, engines: Engines) -> None:
    """End what runs in directories without a record, then remove them."""
    if not left:
        return
    by_engine: dict[str, set[Path]] = {}
    for path in left:
        if name := await asyncio.to_thread(_engine_of, path):
            by_engine.setdefault(name, set()).add(path)
    everything = await asyncio.to_thread(lambda: set(config.runs_path.iterdir()))
    for name, paths in by_engine.items():
        for sentence in await engines(name).reap(keep=everything - paths):
            _logger.info("orphan ended engine=%s %s", name, sentence)
    for path in left:
        if await asyncio.to_thread(RunDirectory(path).remove):
            _logger.info("run directory without record removed run=%s", path.name)
        else:
            _logger.warning("run directory without record cannot be removed run=%s", path.name)


def _engine_of(path: Path) -> str | None:
    try:
        return Handle.from_json((path / "handle.json").read_text()).engine
    except (OSError, ValueError, TypeError):
        return None
