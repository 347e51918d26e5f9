"""Writes what a build reports into its log and its record."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..build.base import Progress
from ..errors import BuildCancelledError, StorageError
from ..records import Version, VersionStatus, now
from ..store.repository import Store

A = TypeVar("A")
T = TypeVar("T")
_logger = logging.getLogger(__name__)
_PAUSE_S = 1.0


class Recorder:
    """The log and the record of one build.

    Parameters
    ----------
    folder
        The build's; a file ``cancel`` there stops it.
    stopping
        Set once the process is to end, which stops the build too.
    told
        Called after each change.
    lasts
        Whether to go on trying where the store does not take a record.
    """

    def __init__(
        self,
        store: Store,
        version: Version,
        folder: Path,
        *,
        stopping: threading.Event,
        told: Callable[[], None],
        lasts: bool,
    ) -> None:
        self.version = version
        self._store = store
        self._cancel = folder / "cancel"
        self._log = folder / "log"
        self._stopping = stopping
        self._told = told
        self._lasts = lasts

    def report(self, progress: Progress) -> None:
        """Take a step of the build; raises `BuildCancelledError` where it is to stop."""
        if self._cancel.exists() or self._stopping.is_set():
            raise BuildCancelledError("The build was cancelled.")
        if progress.log:
            with self._log.open("a", encoding="utf-8", errors="replace") as log:
                log.write(progress.log)
        shown = (progress.status, progress.message, progress.steps_done, progress.steps_total)
        version = self.version
        if shown != (version.status, version.message, version.steps_done, version.steps_total):
            status, message, done, total = shown
            self._advance(
                dataclasses.replace(
                    version, status=status, message=message, steps_done=done, steps_total=total
                )
            )

    def finish(self, status: VersionStatus, message: str, **fields: object) -> Version:
        """Record how the build ended."""
        self._advance(
            dataclasses.replace(
                self.version,
                status=status,
                message=message,
                finished_at=now(),
                **fields,  # type: ignore[arg-type]
            )
        )
        return self.version

    def insist(self, keep: Callable[[A], T], record: A) -> T:
        """Have the store keep something, and wait where it cannot for a while."""
        while True:
            try:
                return keep(record)
            except StorageError as error:
                if not self._lasts:
                    raise
                _logger.warning(
                    "build cannot be recorded now version=%s reason=%s", self.version.id, error
                )
                if self._stopping.wait(_PAUSE_S):
                    raise

    def _advance(self, version: Version) -> None:
        expected = self.version.status
        self.version = self.insist(
            lambda record: self._store.advance_version(record, expected=expected), version
        )
        self._told()
