"""The errors that people and programs see: each has a code, a message, a hint and an HTTP status.

Where an error is raised is left to the room that knows; how it is shown, to the front ends.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar


class TooInstanceError(Exception):
    """Something that a person can be told about.

    Parameters
    ----------
    message
        What happened, in one sentence, with the value that caused it.
    hint
        What to do next; empty when there is nothing to do.
    code
        The stable, machine-readable name; the class's own code by default.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, message: str, hint: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.error_code = code or type(self).code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidValueError(TooInstanceError):
    """A value that somebody gave cannot be used."""

    code = "value_invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MalformedError(InvalidValueError):
    """What was sent cannot be read at all."""

    code = "malformed"
    status = HTTPStatus.BAD_REQUEST


class ArgumentsError(InvalidValueError):
    """The arguments for a tool cannot be read."""

    code = "arguments_invalid"


class NotFoundError(TooInstanceError):
    """There is no such thing, or the asker may not see it: nobody can tell which."""

    code = "not_found"
    status = HTTPStatus.NOT_FOUND


class ForbiddenError(TooInstanceError):
    """Something that exists for the asker, who may not do it."""

    code = "forbidden"
    status = HTTPStatus.FORBIDDEN


class UnreadableOutputError(TooInstanceError):
    """What a run wrote was kept, and cannot be read here."""

    code = "output_unreadable"


class OutputElsewhereError(UnreadableOutputError):
    """What a run wrote is in another home, and not where all of them read it."""

    code = "output_elsewhere"
    status = HTTPStatus.MISDIRECTED_REQUEST


class OutputForbiddenError(UnreadableOutputError, ForbiddenError):
    """What a run wrote is here, and this UNIX user may not read it."""

    code = "output_forbidden"


class OutputMissingError(UnreadableOutputError, NotFoundError):
    """What a run wrote was here, and has gone."""

    code = "output_missing"
    status = HTTPStatus.GONE


class EnvironmentForbiddenError(ForbiddenError):
    """What a version runs in, or is built in, is here, and this UNIX user may not use it."""

    code = "environment_forbidden"


class DeletionError(TooInstanceError):
    """Something could not be deleted, or not all of it."""

    code = "not_deleted"
    status = HTTPStatus.CONFLICT


class TooManyError(TooInstanceError):
    """A quota or a rate is used up for now.

    Parameters
    ----------
    retry_after_s
        Seconds after which it is worth trying again.
    """

    code = "quota"
    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(
        self, message: str, hint: str = "", *, code: str | None = None, retry_after_s: int = 10
    ) -> None:
        super().__init__(message, hint, code=code)
        self.retry_after_s = retry_after_s


class ServerGoneError(TooInstanceError):
    """The Jupyter server does not answer."""

    code = "server_unavailable"
    status = HTTPStatus.BAD_GATEWAY


class ConflictError(TooInstanceError):
    """What was asked does not fit the state that the thing is in."""

    code = "conflict"
    status = HTTPStatus.CONFLICT


class StaleError(ConflictError):
    """What was to be changed is no longer what the asker saw."""

    code = "stale"
    status = HTTPStatus.PRECONDITION_FAILED


class NameTakenError(ConflictError):
    """Another tool of the same owner has the name."""

    code = "name_taken"


class SourceError(TooInstanceError):
    """A source cannot be fetched."""

    code = "source_failed"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SourceForbiddenError(SourceError):
    """A folder that a tool is to be made of may not be read by this UNIX user."""

    code = "source_forbidden"
    status = HTTPStatus.FORBIDDEN


class DetectionError(TooInstanceError):
    """No way to run the source was found."""

    code = "no_entry_point"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BuildError(TooInstanceError):
    """An environment could not be built, or its entry point does not start."""

    code = "build_failed"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BuildCancelledError(BuildError):
    """Somebody stopped the build."""

    code = "build_cancelled"
    status = HTTPStatus.CONFLICT


class EngineError(TooInstanceError):
    """An engine refuses a run, or is not there."""

    code = "engine_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class StorageError(TooInstanceError):
    """The store cannot take or give a record: full, locked, or of another version."""

    code = "storage_failed"
    status = HTTPStatus.INSUFFICIENT_STORAGE


class DatabaseNewerError(StorageError):
    """The database was written by a newer release."""

    code = "database_newer"
    status = HTTPStatus.CONFLICT


class BusyError(StorageError):
    """Something else has been writing to the database for too long."""

    code = "database_locked"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class DatabaseUnavailableError(StorageError):
    """The server of the database does not answer, or is restarting."""

    code = "database_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class MissedError(TooInstanceError):
    """What was to be passed on whole was not: some of it is gone."""

    code = "output_missed"
    status = HTTPStatus.GONE

    def __init__(
        self,
        message: str = "Some of the output was not passed on: it was read too late.",
        hint: str = "Run the tool again.",
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint, code=code)


class OutputsUnavailableError(StorageError):
    """Where the output of runs is kept for all servers does not answer."""

    code = "outputs_unavailable"
    status = HTTPStatus.SERVICE_UNAVAILABLE


class HomeUnusableError(StorageError):
    """The folder that holds everything cannot be made, read or written to."""

    code = "home_unusable"
    status = HTTPStatus.SERVICE_UNAVAILABLE


@contextmanager
def full_disk_in_words(place: Path) -> Iterator[None]:
    """Turn the system's error about a full disk into `StorageError`; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageError(
            f"The disk is full: {place} takes no more files.",
            "Free some space, for instance with `%tooi gc`.",
            code="disk_full",
        ) from error
