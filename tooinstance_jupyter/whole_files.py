"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written_whole(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """Give a file to write to, which takes its place once that has gone well.

    What is there already is replaced; a link is, not what it leads to.

    Parameters
    ----------
    path
        Its place, in a folder that is there.
    mode
        Its permissions; ``None`` for those of any new file.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".tooi-")
    try:
        with os.fdopen(descriptor, "wb") as writer:
            yield writer
        Path(name).chmod(0o666 & ~_umask() if mode is None else mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
