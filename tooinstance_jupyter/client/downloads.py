"""Files of runs as files of this machine, fetched once from a server while they stay equal.

They lie in a private folder that goes with the client.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import quote

from ..errors import InvalidValueError, NotFoundError, ServerGoneError, full_disk_in_words
from ..file_names import harmless_name
from .connection import PATIENCE_S, Connection

_CHUNK_BYTES = 2**20
_PAUSE_S = 0.25


class Downloads:
    """The files that one client has fetched.

    Parameters
    ----------
    connection
        Where they come from.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kept: dict[str, tuple[str, Path]] = {}
        self._one_at_a_time = threading.Lock()
        self._folder: Path | None = None
        self._clear: Callable[[], object] | None = None

    def get(self, place: str, path: str) -> Path:
        """Return where a file of a run can be read.

        Parameters
        ----------
        place
            Where the API has it.
        path
            Its path in the run's working directory.

        Raises
        ------
        NotFoundError
            If the run has no such file.
        """
        with self._one_at_a_time:
            tag, kept = self._kept.get(place, ("", None))
            tag, fetched = self._fetch(place, path, tag)
            if fetched is None and kept is not None:
                return kept
            if fetched is None:
                raise NotFoundError(f"There is no file {path!r}.")
            self._kept[place] = (tag, fetched)
            return fetched

    def close(self) -> None:
        """Remove what was fetched."""
        with self._one_at_a_time:
            self._kept.clear()
            if self._clear is not None:
                self._clear()
            self._folder = None

    def _fetch(self, place: str, path: str, known: str) -> tuple[str, Path | None]:
        """Fetch a file, unless its tag is the known one; go on where a connection broke."""
        target: Path | None = None
        tag, begun = "", 0
        until = time.monotonic() + PATIENCE_S
        while True:
            headers = {"If-None-Match": known} if known else {}
            if begun:
                headers = {"Range": f"bytes={begun}-", "If-Range": tag}
            try:
                with self._connection.stream(place, headers=headers) as answer:
                    if answer.status_code == HTTPStatus.NOT_MODIFIED:
                        return known, None
                    if answer.status_code != HTTPStatus.PARTIAL_CONTENT:
                        begun = 0
                    tag = answer.headers.get("ETag", "")
                    target = target or self._new_place(path)
                    with (
                        full_disk_in_words(target.parent),
                        target.open("r+b" if begun else "wb") as file,
                    ):
                        file.seek(begun)
                        for piece in answer.iter_bytes(_CHUNK_BYTES):
                            file.write(piece)
                            begun += len(piece)
                            until = time.monotonic() + PATIENCE_S
                    return tag, target
            except ServerGoneError as error:
                is_gone = error.error_code != ServerGoneError.code
                if is_gone or not begun or time.monotonic() > until:
                    raise
                # what cannot be told apart by a tag is fetched from its start
                begun = begun if tag and not tag.startswith("W/") else 0
                time.sleep(_PAUSE_S)

    def _new_place(self, path: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tooinstance-"))
            self._clear = weakref.finalize(self, _remove, self._folder)
        own = Path(tempfile.mkdtemp(dir=self._folder))
        return own / harmless_name(PurePosixPath(path).name or "_")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def address(number: int, path: str, kind: Literal["files", "inputs"] = "files") -> str:
    """Return where the API has an output or input file.

    Raises
    ------
    InvalidValueError
        If the path is no Unicode.
    """
    try:
        return f"runs/{number}/{kind}/{quote(path, safe='/')}"
    except UnicodeEncodeError as error:
        raise InvalidValueError(f"{path!r} is no Unicode.", code="not_unicode") from error
