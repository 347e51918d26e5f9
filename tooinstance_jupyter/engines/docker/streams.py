"""Takes what a container prints into the files of its run: capped, secrets masked, memory flat.

Where it comes from, pipes or an attached connection, is left to ``containers``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...records import StreamSize
from ...sandbox.guardian import (
    CHUNK_BYTES,
    F_SETPIPE_SZ,
    PASSAGE,
    PASSED_POLL_S,
    Passage,
    Stream,
)

STREAMS = ("stdout", "stderr")
_SPLICE_BYTES = CHUNK_BYTES


class Output:
    """One output of a run, on its way from a pipe or a connection to its file.

    Without secrets, what a pipe holds is moved by the kernel (splice), so that a byte is either
    still in the pipe or in the file whenever this process dies. A file that is there already is
    continued.

    Parameters
    ----------
    path
        The file.
    limit_bytes
        How much of it is kept; the rest is passed on or counted.
    secrets
        What is masked.
    passage
        Where the rest goes, if somebody passes it on.
    """

    def __init__(
        self, path: Path, limit_bytes: int, secrets: Sequence[str], passage: Passage
    ) -> None:
        self.passage = passage
        self._name = path.name
        self._limit = limit_bytes
        self._masked: Stream | None = None
        self._file = -1
        if secrets:
            values = [os.fsencode(secret) for secret in secrets]
            self._masked = Stream(str(path), limit_bytes, values, passage)
        else:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            self._kept = os.lseek(self._file, 0, os.SEEK_END)
        self._total = 0 if secrets else max(self._kept, passage.end_of(self._name))
        self._sink = os.open(os.devnull, os.O_WRONLY)

    @property
    def size(self) -> StreamSize:
        """How much came, and how much of it was kept."""
        if self._masked is not None:
            return StreamSize(total_bytes=self._masked.total, kept_bytes=self._masked.kept)
        return StreamSize(total_bytes=self._total, kept_bytes=self._kept)

    def has_room(self) -> bool:
        """Tell whether more is taken; a tool that writes on meanwhile waits for its reader."""
        if self._masked is not None:
            return self._masked.has_room()
        return self._kept < self._limit or self.passage.has_room()

    def drain(self, pipe: int) -> bool:
        """Move what a non-blocking pipe holds now; return whether more may come."""
        try:
            if self._masked is not None:
                data = os.read(pipe, CHUNK_BYTES)
                self._masked.take(data)
                return bool(data)
            room = self._limit - self._kept
            if room > 0:
                try:
                    moved = os.splice(pipe, self._file, min(room, _SPLICE_BYTES))
                except OSError as error:
                    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                        raise
                    self._limit = self._kept  # the disk is full: the rest is only counted
                    return True
                self._kept += moved
            elif self.passage.is_open:
                try:
                    file, room = self.passage.file(self._name, self._total)
                    moved = os.splice(pipe, file, min(room, _SPLICE_BYTES))
                except BlockingIOError:
                    raise
                except OSError:  # the disk is full, or the run was deleted
                    self.passage.close()
                    return True
            else:
                moved = os.splice(pipe, self._sink, _SPLICE_BYTES)
            self._total += moved
            return moved > 0
        except BlockingIOError:
            return True

    def take(self, data: bytes) -> None:
        """Take what came over a connection, once there is room for it."""
        while not self.has_room():
            time.sleep(PASSED_POLL_S)
        if self._masked is not None:
            self._masked.take(data)
            return
        view = memoryview(data)
        while view and self._kept < self._limit:
            try:
                written = os.write(self._file, view[: self._limit - self._kept])
            except OSError:
                self._limit = self._kept
                break
            self._kept += written
            self._total += written
            view = view[written:]
        self.passage.write(self._name, self._total, view)
        self._total += len(view)

    def close(self) -> None:
        """Write what was held back, and let go of the file."""
        if self._masked is not None:
            self._masked.close()
        else:
            os.close(self._file)
        os.close(self._sink)


def outputs_in(directory: Path, limit_bytes: int, secrets: Sequence[str]) -> Mapping[str, Output]:
    """Return both outputs of a run, which have their passage in common."""
    passage = Passage(str(directory / PASSAGE))
    return {name: Output(directory / name, limit_bytes, secrets, passage) for name in STREAMS}


def open_pipe(path: Path) -> int:
    """Open a named pipe for reading, without waiting for whoever writes."""
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    # where the user's pipes are all in use it is only slower
    with contextlib.suppress(OSError):
        fcntl.fcntl(end, F_SETPIPE_SZ, CHUNK_BYTES)
    return end
