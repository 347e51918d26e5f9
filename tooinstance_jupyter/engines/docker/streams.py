"""Takes what a container prints into the files of its run: capped, secrets masked, memory flat.

Where it comes from, pipes or an attached connection, is left to ``containers``.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from ...records import StreamSize
from ...sandbox.guardian import CHUNK_BYTES, F_SETPIPE_SZ, Stream

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
        How much of it is kept; the rest is counted.
    secrets
        What is masked.
    taken_bytes
        What was taken before, by a keeper that died.
    """

    def __init__(
        self, path: Path, limit_bytes: int, secrets: Sequence[str], *, taken_bytes: int = 0
    ) -> None:
        self._limit = limit_bytes
        self._masked: Stream | None = None
        self._file = -1
        if secrets:
            values = [os.fsencode(secret) for secret in secrets]
            self._masked = Stream(str(path), limit_bytes, values)
        else:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            self._kept = os.lseek(self._file, 0, os.SEEK_END)
        self._total = 0 if secrets else max(self._kept, taken_bytes)
        self._sink = os.open(os.devnull, os.O_WRONLY)

    @property
    def size(self) -> StreamSize:
        """How much came, and how much of it was kept."""
        if self._masked is not None:
            return StreamSize(total_bytes=self._masked.total, kept_bytes=self._masked.kept)
        return StreamSize(total_bytes=self._total, kept_bytes=self._kept)

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
            else:
                moved = os.splice(pipe, self._sink, _SPLICE_BYTES)
            self._total += moved
            return moved > 0
        except BlockingIOError:
            return True

    def take(self, data: bytes) -> None:
        """Take what came over a connection."""
        if self._masked is not None:
            self._masked.take(data)
            return
        self._total += len(data)
        view = memoryview(data)[: max(0, self._limit - self._kept)]
        while view:
            try:
                written = os.write(self._file, view)
            except OSError:
                self._limit = self._kept
                return
            self._kept += written
            view = view[written:]

    def close(self) -> None:
        """Write what was held back, and let go of the file."""
        if self._masked is not None:
            self._masked.close()
        else:
            os.close(self._file)
        os.close(self._sink)


def open_pipe(path: Path) -> int:
    """Open a named pipe for reading, without waiting for whoever writes."""
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    # where the user's pipes are all in use it is only slower
    with contextlib.suppress(OSError):
        fcntl.fcntl(end, F_SETPIPE_SZ, CHUNK_BYTES)
    return end
