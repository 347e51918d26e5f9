"""The installation of a server: opened in a thread of its own, and tried again where that fails."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from ..config import TooInstance
from ..errors import StorageError, TooInstanceError

if TYPE_CHECKING:
    from ..service.installation import Installation

_logger = logging.getLogger(__name__)
_AGAIN_AFTER_S = 5.0


class NotOpenError(StorageError):
    """The installation is not there, for a reason that nobody expected or because it ends."""

    code = "not_open"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class Opening:
    """An installation that is there, will be, or cannot be.

    Parameters
    ----------
    config
        The settings.
    """

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._future: concurrent.futures.Future[Installation] | None = None
        self._begun_at = 0.0
        self._is_closed = False

    def begin(self) -> concurrent.futures.Future[Installation]:
        """Begin to open it, unless that is done, under way, or has failed just now."""
        with self._lock:
            if self._future is not None and not self._has_failed(self._future):
                return self._future
            if self._is_closed:
                raise NotOpenError("The server is stopping.", code="stopping")
            self._begun_at = time.monotonic()
            self._future = concurrent.futures.Future()
            threading.Thread(
                target=self._open, args=(self._future,), name="tooinstance-opening", daemon=True
            ).start()
            return self._future

    async def installation(self) -> Installation:
        """Return the installation once it is open.

        Raises
        ------
        TooInstanceError
            What keeps it from being opened.
        """
        return await asyncio.shield(asyncio.wrap_future(self.begin()))

    def close(self) -> None:
        """Close it if it is open, or as soon as it is; blocks."""
        with self._lock:
            self._is_closed = True
            future = self._future
        if future is not None and future.done() and future.exception() is None:
            future.result().close()

    def _has_failed(self, future: concurrent.futures.Future[Installation]) -> bool:
        return (
            future.done()
            and future.exception() is not None
            and time.monotonic() - self._begun_at > _AGAIN_AFTER_S
        )

    def _open(self, future: concurrent.futures.Future[Installation]) -> None:
        try:
            from ..service.installation import Installation

            opened = Installation(self._config, serves=True)
        except TooInstanceError as error:
            _logger.error("installation cannot be opened reason=%s", error)
            future.set_exception(error)
        except Exception as error:
            _logger.exception("installation cannot be opened home=%s", self._config.home_path)
            message = f"The installation cannot be opened: {error}."
            failure = NotOpenError(message, "The server's log has more.")
            future.set_exception(failure)
        else:
            with self._lock:
                is_closed = self._is_closed
                future.set_result(opened)
            if is_closed:
                opened.close()
