"""What a server does at its start and every hour: lets go of what is older than is kept."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from ..config import TooInstance
from ..errors import DeletionError, TooInstanceError
from ..records import Run, now
from ..store.repository import Store
from .garbage import Garbage

_logger = logging.getLogger(__name__)
_EVERY_S = 3600.0
_CHANGES_ARE_KEPT = timedelta(days=7)
_BATCH = 500


async def keep_house(
    config: TooInstance,
    store: Store,
    garbage: Garbage,
    *,
    is_ours: Callable[[Run], bool],
    forget: Callable[[Run], None],
    stopping: threading.Event,
) -> None:
    """Clear up again and again, until cancelled; what is under way then stops by the event."""

    def delete_old() -> None:
        delete_old_runs(config, store, is_ours=is_ours, forget=forget, stopping=stopping)

    steps: list[Callable[[], None]] = [
        delete_old,
        lambda: store.forget_changes(now() - _CHANGES_ARE_KEPT),
        lambda: garbage.collect_orphans(stopping),
    ]
    while True:
        for step in steps:
            try:
                await asyncio.to_thread(step)
            except TooInstanceError as error:
                _logger.warning("not everything can be cleared up now reason=%s", error)
            except Exception:  # what fails once must not end it for good
                _logger.exception("not everything can be cleared up now")
        await asyncio.sleep(_EVERY_S)


def delete_old_runs(
    config: TooInstance,
    store: Store,
    *,
    is_ours: Callable[[Run], bool],
    forget: Callable[[Run], None],
    stopping: threading.Event,
) -> None:
    """Delete the runs of this home that ended longer ago than runs are kept, but for pinned ones.

    Runs are gone through by number, which is by age, and only as far as they are old.
    """
    if config.run_retention_days <= 0:
        return
    oldest = now() - timedelta(days=config.run_retention_days)
    number = 0
    while runs := store.runs_after(number, limit=_BATCH):
        for run in runs:
            if run.created_at >= oldest or stopping.is_set():
                return
            number = run.number
            is_over = run.status.is_final and (run.finished_at or run.created_at) < oldest
            if is_over and not run.pinned and is_ours(run):
                try:
                    forget(run)
                except DeletionError as error:  # the others can be
                    _logger.warning("old run stays run=%s reason=%s", run.id, error)
                else:
                    _logger.info("old run deleted run=%s number=%s", run.id, run.number)
