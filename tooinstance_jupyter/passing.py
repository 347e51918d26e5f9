"""Reads what is beyond what is kept of a run's output, for whoever passes it on whole.

Whoever wants that makes a passage before the run starts; what watches over the run puts there what
it does not keep, and lets the tool wait while much of it is unread (see `guardian.Passage`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from .errors import MissedError
from .requests import StreamName
from .sandbox import guardian


class Passing:
    """One who reads a run's passage, and removes behind itself what is read.

    Parameters
    ----------
    directory
        The run's directory.
    lag_bytes
        How much of what was read last stays, in case it has to be read again.
    """

    def __init__(self, directory: Path, *, lag_bytes: int = 0) -> None:
        self._directory = directory
        self._folder = directory / guardian.PASSAGE
        self._lag_bytes = lag_bytes
        self._files: dict[StreamName, tuple[int, int]] = {}
        self._lock = -1
        with suppress(OSError):  # it is over, or nobody asked for it
            self._lock = os.open(self._folder / guardian.READER, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    @staticmethod
    def prepare(directory: Path) -> None:
        """Have all that a run writes be passed on; it has not been started yet."""
        folder = directory / guardian.PASSAGE
        folder.mkdir(mode=0o700)
        (folder / guardian.READER).touch(mode=0o600)

    @staticmethod
    def forget(directory: Path) -> None:
        """Remove what is left of a passage, once its run has ended."""
        guardian.remove_passage(str(directory / guardian.PASSAGE))

    @property
    def is_under_way(self) -> bool:
        """Whether something has been read here."""
        return bool(self._files)

    def read(self, stream: StreamName, place: int, size: int) -> bytes:
        """Return what there is at a place of a stream that is beyond what is kept of it.

        Raises
        ------
        MissedError
            If it has been here, and is gone.
        """
        file, start = self._files.get(stream, (-1, -1))
        if 0 <= start <= place and (data := os.pread(file, size, place - start)):
            return data
        found = guardian.segments(str(self._folder), stream)
        before = [one for one in found if one[0] <= place]
        if not before:
            if found and place >= (self._directory / stream).stat().st_size:
                raise MissedError
            return b""
        # the one that is open grows until there is one after it
        if before[-1][0] != start:
            self._open(stream, *before[-1])
            self._remove(found, place - self._lag_bytes)
            file, start = self._files[stream]
        return os.pread(file, size, place - start)

    def release(self, places: Mapping[StreamName, int]) -> None:
        """Remove the passage if all has come, and been read up to these places."""
        try:
            totals: dict[StreamName, int] = json.loads(
                (self._folder / guardian.TOTALS).read_bytes()
            )
        except FileNotFoundError:
            return
        if all(places[stream] >= total for stream, total in totals.items()):
            self.forget(self._directory)

    def close(self) -> None:
        """Read no more."""
        for file, _ in self._files.values():
            os.close(file)
        self._files.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _open(self, stream: StreamName, start: int, path: str) -> None:
        try:
            opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise MissedError from error
        if stream in self._files:
            os.close(self._files[stream][0])
        self._files[stream] = opened, start

    @staticmethod
    def _remove(segments: list[tuple[int, str]], place: int) -> None:
        for (_, path), (end, _) in pairwise(segments):
            if end <= place:
                with suppress(FileNotFoundError):
                    os.unlink(path)  # noqa: PTH108 as it was listed
