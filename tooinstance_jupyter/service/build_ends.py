"""How builds end that come to no good end, or begin anew: what is recorded of them then."""

from __future__ import annotations

import dataclasses

from ..errors import TooInstanceError
from ..records import Failure, Version, VersionStatus, now
from ..store.repository import Store

INTERRUPTED = Failure(
    code="build_interrupted",
    message="The program that built it ended in the middle.",
    hint="Build it again; nothing half-made is left.",
)
CANCELLED = Failure(code="build_cancelled", message="The build was cancelled.")
WITHOUT_CREDENTIAL = Failure(
    code="build_interrupted",
    message="The server that built it ended, and the credential of its link is not kept.",
    hint="Build it again from the link with its credential.",
)


def end(store: Store, version: Version, status: VersionStatus, failure: Failure) -> Version:
    """Record that a build has ended without an environment; raises `ConflictError`."""
    ended = dataclasses.replace(
        version, status=status, message=failure.message, failure=failure, finished_at=now()
    )
    return store.advance_version(ended, expected=version.status)


def back_in_line(store: Store, version: Version, message: str) -> Version:
    """Record that a build is to begin anew; raises `ConflictError`."""
    waiting = dataclasses.replace(
        version, status=VersionStatus.PENDING, message=message, steps_done=0, steps_total=0
    )
    return store.advance_version(waiting, expected=version.status)


def failure_of(error: TooInstanceError) -> Failure:
    """Return why a build failed that ended with an error."""
    return Failure(code=error.error_code, message=error.message, hint=error.hint)


def unexpected(error: Exception) -> Failure:
    """Return why a build failed that ended with an error of our own.

    The error's words are left to the server's log: they may quote what the build cannot read.
    """
    return Failure(
        code="internal",
        message=f"The build stopped on an error of our own ({type(error).__name__}).",
        hint="Please report it, with the build's log and what the server's log has of it.",
    )
