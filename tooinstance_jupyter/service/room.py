"""Whether there is room on the disk for something new."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from ..config import TooInstance
from ..errors import StorageError


@dataclass(frozen=True, slots=True)
class Room:
    """The room that a home has on its disk.

    Parameters
    ----------
    serves
        Whether this is a server, which keeps some room free for what is under way.
    """

    config: TooInstance
    serves: bool

    def free_percent(self) -> float:
        """Return how much of the disk is free (percent)."""
        usage = shutil.disk_usage(self.config.home_path)
        return 100 * usage.free / usage.total if usage.total else 0.0

    def check(self) -> None:
        """Raise `StorageError` where nothing new should be begun."""
        least = self.config.min_free_disk_percent
        if self.serves and least > 0 and (free := self.free_percent()) < least:
            raise StorageError(
                f"The disk is nearly full: {free:.1f} % is free, {least:g} % is kept free.",
                "Delete runs that are not needed, free some space with `%tooi gc`, or lower "
                "TooInstance.min_free_disk_percent.",
                code="disk_full",
            )
