"""What of the stored output is on this machine too, within a bound: the oldest goes first.

These are the run directories of this home that are stored, and what was fetched of others. Where it
is fetched from is left to ``outputs``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from ..config import TooInstance
from ..errors import full_disk_in_words
from ..records import now
from ..run_directory import RunDirectory

_MARK = "stored"
_FETCHING = ".fetching-"
_ABANDONED_AGE_S = 3600.0
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class OutputCache:
    """Stored output that can be read on this machine."""

    config: TooInstance

    @property
    def _folder(self) -> Path:
        return self.config.cache_path / "outputs"

    def mark(self, directory: RunDirectory, size_bytes: int) -> None:
        """Note in a run directory that all of it is stored."""
        (directory.path / _MARK).write_text(f"{size_bytes}\n", "ascii")

    def is_marked(self, directory: RunDirectory) -> bool:
        """Tell whether all of a run directory is noted to be stored."""
        return (directory.path / _MARK).exists()

    def fetch(self, place: str, open_: Callable[[], BinaryIO]) -> Path:
        """Return where a file is in the cache, fetched first if it is not there.

        Raises
        ------
        FileNotFoundError
            If there is nothing to fetch.
        StorageError
            If the disk is full.
        """
        path = self._folder / place
        if path.is_file():
            os.utime(path)
            return path
        with open_() as reader, full_disk_in_words(self._folder):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_FETCHING)
            try:
                with os.fdopen(descriptor, "wb") as writer:
                    shutil.copyfileobj(reader, writer, _CHUNK_BYTES)
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        self.trim(spare=path)
        return path

    def forget(self, run_id: str) -> None:
        """Remove what was fetched of a run."""
        shutil.rmtree(self._folder / run_id, ignore_errors=True)

    def trim(self, *, spare: Path | None = None) -> None:
        """Remove the oldest until all is within ``outputs_cache_bytes``, but for one file."""
        found: list[tuple[float, int, Path, Callable[[], object]]] = []
        for mark in self.config.runs_path.glob(f"*/{_MARK}"):
            with suppress(OSError, ValueError):
                size_bytes = int(mark.read_text("ascii"))
                directory = RunDirectory(mark.parent)
                found.append((mark.stat().st_mtime, size_bytes, mark.parent, directory.remove))
        for path in self._folder.glob("*/**/*"):
            with suppress(OSError):
                state = path.lstat()
                age_s = now().timestamp() - state.st_mtime
                is_fetched = not path.name.startswith(_FETCHING) or age_s > _ABANDONED_AGE_S
                if S_ISREG(state.st_mode) and is_fetched:
                    found.append((state.st_mtime, state.st_size, path, path.unlink))
        total = sum(size_bytes for _, size_bytes, _, _ in found)
        for _, size_bytes, path, remove in sorted(found, key=lambda kept: kept[0]):
            if total <= self.config.outputs_cache_bytes:
                return
            if path != spare:
                with suppress(FileNotFoundError):
                    remove()
                total -= size_bytes
