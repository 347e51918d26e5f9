"""Keeps output where all servers of an installation can read it: any file system of fsspec.

What is kept there, and under which names, is left to ``service.outputs``. Importing fsspec and what
speaks to S3 takes a second, so that it is left until something is asked for.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from ..errors import OutputMissingError, OutputsUnavailableError

_CHUNK_BYTES = 2**20
# S3 takes parts of 5 MiB or more; one that is written stands in memory
_BLOCK_BYTES = 8 * 2**20
_IS_SECRET = re.compile("key|secret|token|pass|credential|sas", re.IGNORECASE)


class Blobs:
    """The objects beneath a URL.

    Parameters
    ----------
    url
        A URL of fsspec, such as ``s3://bucket/tools``.
    options
        Options of its file system, such as ``{"key": …, "secret": …, "endpoint_url": …}``.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._url = url
        self._options = dict(options)
        self.public_url = public_url(url)

    def put(self, name: str, file: BinaryIO, size_bytes: int) -> None:
        """Keep what can be read from a file, up to a size, in place of what was there.

        Raises
        ------
        OutputsUnavailableError
            If the file system does not take it.
        OutputMissingError
            If the file turns out to be shorter; what is kept then is not whole.
        """
        left = size_bytes
        with self.in_words(missing="its folder or bucket is missing"):
            path = self._path(name)
            if not self._system.async_impl:  # object stores have no folders
                self._system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            with self._system.open(path, "wb", block_size=_BLOCK_BYTES) as writer:
                while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
                    left -= len(chunk)
                    writer.write(chunk)
        if left > 0:
            raise OutputMissingError(
                f"{name!r} became shorter while it was stored: {left:,} of {size_bytes:,} bytes "
                "are missing.",
                "It is stored again at the next start.",
            )

    def open(self, name: str) -> BinaryIO:
        """Open an object for reading; it can be sought in.

        Raises
        ------
        FileNotFoundError
            If there is none of the name.
        OutputsUnavailableError
            If the file system does not answer.
        """
        with self.in_words():
            file = self._system.open(self._path(name), "rb", block_size=_BLOCK_BYTES // 2)
        return io.BufferedReader(_Reading(self, file), _CHUNK_BYTES)

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the sizes of all objects beneath a folder (bytes), by name."""
        try:
            with self.in_words():
                found = self._system.find(self._path(folder), detail=True)
        except FileNotFoundError:
            return {}
        start = len(self._place[1]) + 1
        return {path[start:]: int(entry["size"]) for path, entry in found.items()}

    def delete(self, folder: str) -> None:
        """Delete all objects beneath a folder; none is as good."""
        if not folder.strip("/."):
            raise ValueError("all objects are not deleted at once")
        with suppress(FileNotFoundError), self.in_words():
            self._system.rm(self._path(folder), recursive=True)

    @cached_property
    def _place(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        system, root = url_to_fs(self._url, use_listings_cache=False, **self._options)
        return system, root.rstrip("/")

    @property
    def _system(self) -> Any:
        return self._place[0]

    def _path(self, name: str) -> str:
        return f"{self._place[1]}/{name}"

    @contextmanager
    def in_words(self, missing: str = "") -> Iterator[None]:
        """Say that the file system does not answer, whatever its own error is, without secrets."""
        try:
            yield
        except FileNotFoundError:
            if not missing:
                raise
            raise self._unavailable(missing) from None
        except ImportError as error:
            raise OutputsUnavailableError(
                f"Outputs at {self.public_url} cannot be reached: {str(error).rstrip('.')}.",
                "Install what it names, for instance `tooinstance-jupyter[s3]`.",
            ) from None
        # each file system has errors of its own; what caused them may hold credentials
        except Exception as error:  # noqa: BLE001
            raise self._unavailable(f"{type(error).__name__}: {error}") from None

    def _unavailable(self, reason: str) -> OutputsUnavailableError:
        for secret in (*_secrets(self._options), urlsplit(self._url).password):
            reason = reason.replace(secret, "***") if secret else reason
        return OutputsUnavailableError(
            f"Outputs at {self.public_url} cannot be reached: {reason.rstrip('.')}.",
            "Try again; if it stays so, an administrator checks TooInstance.outputs_url and "
            "outputs_options.",
        )


class _Reading(io.RawIOBase):
    """An object as a file; what goes wrong while it is read is said in words too."""

    def __init__(self, blobs: Blobs, file: Any) -> None:
        self._blobs = blobs
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        with self._blobs.in_words():
            # a file in memory is one object for all of its readers
            self._file.seek(self._at)
            self._at = self._file.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        with self._blobs.in_words():
            self._file.seek(self._at)
            chunk = self._file.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._file.close()


def public_url(url: str) -> str:
    """Return a URL without what may be secret in it."""
    parts = urlsplit(url)
    if not parts.scheme:
        return url.rstrip("/")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def _secrets(options: Mapping[str, Any]) -> Iterator[str]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif isinstance(value, str) and _IS_SECRET.search(key):
            yield value
