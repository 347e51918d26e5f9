"""Ends and removes what a build left behind whose process was killed.

The commands of a build end with it by themselves, but for git, which runs without a guardian.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from ..build.work import clear

_PATIENCE_S = 5.0


def clear_up(folder: Path) -> None:
    """End the processes that still write to a build's folder, and remove what they wrote.

    Only Linux tells where a process works; elsewhere git ends once it has fetched, or given up.
    """
    until = time.monotonic() + _PATIENCE_S
    while (found := list(_git_in(folder))) and time.monotonic() < until:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    clear(folder)


def _git_in(folder: Path) -> Iterator[int]:
    place = f"{folder.resolve()}/"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            working = (process / "cwd").readlink()
            if f"{working}/".startswith(place) and (process / "comm").read_text()[:3] == "git":
                yield int(process.name)
