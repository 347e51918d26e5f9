"""One build under way: what it has told, its clock, its folders, and the lock on what it makes.

What its steps are is left to the makers.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .. import foreign_files
from ..config import TooInstance
from ..errors import BuildCancelledError, BuildError
from ..records import VersionStatus
from .base import Progress, Report

SOURCE = "source"
_SCRATCH = "scratch"
_COUNTED = re.compile(r"(?:Resolved|Prepared|Installed) (\d+) packages?")


class Work:
    """One build under way.

    Parameters
    ----------
    folder
        Where it may keep files while it lasts.
    """

    def __init__(self, config: TooInstance, report: Report, folder: Path) -> None:
        self.config = config
        self._report = report
        self._until = time.monotonic() + config.build_timeout_s
        self._status = VersionStatus.FETCHING
        self._message = ""
        self._count = 0
        self._lock = threading.RLock()
        self.scratch = folder / _SCRATCH
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.done = 0
        self.total = 0

    def say(self, status: VersionStatus, message: str, log: str = "") -> None:
        """Tell where the build stands, and log it."""
        self._status, self._message = status, message
        self._tell(log or f"{message}\n")

    def step(self, message: str, *, status: VersionStatus = VersionStatus.BUILDING) -> None:
        """Tell that the next step begins."""
        self.done += 1
        self.say(status, message)

    def log(self, text: str) -> None:
        """Add to the log."""
        counted = _COUNTED.findall(text)
        if counted and self._status is VersionStatus.BUILDING:
            self._message = f"Installing {counted[-1]} packages"
        self._tell(text)

    def at(self, done: int, total: int, message: str, log: str) -> None:
        """Tell how far a build is whose steps are counted by somebody else."""
        self.done, self.total = done, total
        self._status, self._message = VersionStatus.BUILDING, message
        self._tell(log)

    def wait(self, message: str) -> None:
        """Say what is waited for; raises once the build is cancelled or takes too long."""
        self.seconds_left()
        if message != self._message:
            self._message = message
            self._tell(f"{message}\n")
        self._tell("")

    def is_cancelled(self) -> bool:
        """Tell whether somebody wants it to end."""
        try:
            self._tell("")
        except BuildCancelledError:
            return True
        return False

    def stop_if_cancelled(self) -> None:
        """Raise `BuildCancelledError` if somebody wants it to end."""
        self._tell("")

    def new_folder(self, name: str) -> Path:
        """Return the path of a folder that does not exist yet."""
        with self._lock:
            self._count += 1
            return self.scratch / f"{self._count}-{name}"

    def seconds_left(self) -> float:
        """Return the seconds that the build may still take; raises once there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise BuildError(
                f"The build took longer than {self.config.build_timeout_s:.0f} s.",
                "Raise TooInstance.build_timeout_s if that is what it needs.",
                code="limit_time",
            )
        return left

    def _tell(self, log: str) -> None:
        with self._lock:  # two commands may run side by side
            self._report(
                Progress(
                    status=self._status,
                    message=self._message,
                    steps_done=self.done,
                    steps_total=self.total,
                    log=log,
                )
            )


def clear(folder: Path) -> None:
    """Remove what a build keeps in its folder only while it lasts."""
    for name in (SOURCE, _SCRATCH):
        foreign_files.remove(folder / name)


@contextmanager
def held(target: Path, work: Work) -> Iterator[None]:
    """Hold the lock of an environment; while another build has it, this one can be cancelled."""
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{target}.lock")
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            work.wait("Waiting for another build of the same")
    try:
        yield
    finally:
        lock.release()
