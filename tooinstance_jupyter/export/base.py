"""What an exporter is: another package can add one, through an entry point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from .package import Package
from .record import ExportedFile


class Exporter(ABC):
    """A form in which runs and tools leave; registered as ``tooinstance_jupyter.exporters``."""

    suffix: ClassVar[str]
    """What the names of its files end with, dot included."""

    most_bytes: ClassVar[int | None] = None
    """Contents that are larger are not collected for it; ``None`` for no limit."""

    most_bytes_beside: ClassVar[int | None] = None
    """The same where a folder beside its file can take what is large."""

    def beside(self, package: Package) -> Sequence[ExportedFile]:
        """Return the contents that its file has no room for, and a folder beside it has."""
        return ()

    @abstractmethod
    def write(self, package: Package, target: Path) -> None:
        """Write a package to a file that is not there yet.

        Raises
        ------
        OSError
            If it cannot be written.
        """
