"""How a run ended, as its directory tells it: what all engines that write one have in common."""

from __future__ import annotations

import logging
from pathlib import Path

from ..records import StreamSize
from ..sandbox import guardian, launch
from .base import Exit, ExitReason

_logger = logging.getLogger(__name__)


def told(directory: Path) -> Exit | None:
    """Return how the run of a directory ended, or ``None`` if that is not known (yet)."""
    ended = launch.ended(directory)
    if ended is None:
        return None
    return Exit(
        reason=ExitReason(ended.reason),
        exit_code=ended.exit_code,
        detail=ended.detail,
        started_at=ended.started_at,
        finished_at=ended.finished_at,
        stdout=ended.streams.get("stdout", StreamSize()),
        stderr=ended.streams.get("stderr", StreamSize()),
        peak_memory_bytes=ended.peak_memory_bytes,
        cpu_s=ended.cpu_s,
        node=ended.node,
    )


def lost(directory: Path, detail: str) -> Exit:
    """Return the end of a run of which only the output is known; what is not kept is removed."""
    guardian.remove_passage(str(directory / guardian.PASSAGE))
    sizes = {}
    for name in ("stdout", "stderr"):
        try:
            size = (directory / name).stat().st_size
        except FileNotFoundError:
            size = 0
        sizes[name] = StreamSize(total_bytes=size, kept_bytes=size)
    _logger.warning("run lost run_directory=%s reason=%s", directory, detail)
    return Exit(
        reason=ExitReason.LOST,
        detail=detail,
        stdout=sizes["stdout"],
        stderr=sizes["stderr"],
    )
