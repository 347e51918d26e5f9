"""One line of a terminal that is written over while something goes on."""

from __future__ import annotations

import shutil
from typing import IO


class StatusLine:
    """A line that shows what was said last.

    Parameters
    ----------
    stream
        The terminal; ``None`` where nobody reads along.
    """

    def __init__(self, stream: IO[str] | None) -> None:
        self._stream = stream
        self._shown = ""

    def show(self, line: str) -> None:
        """Show a line in place of the one before; an empty one makes room for what follows."""
        if self._stream is None or line == self._shown:
            return
        self._shown = line
        # one that is wrapped could not be written over
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r\x1b[K{line[:width]}")
        self._stream.flush()
