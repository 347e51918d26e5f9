"""What only the API asks and answers, as types; the rest is in ``records`` and ``requests``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from annotated_types import Interval

from .. import __version__
from ..records import OutputFile
from ..requests import RunFilter, Scope

Count = Annotated[int, Interval(ge=1, le=1000)]
Offset = Annotated[int, Interval(ge=0, le=2**62)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoQuery:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolsQuery:
    """Which tools to list."""

    text: str = ""
    scope: Scope = "all"
    limit: Count = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpQuery:
    """The tool to look up: its name, its full name or its source."""

    tool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullQuery:
    """The number of the version to fetch; the newest that is ready by default."""

    version: Annotated[int, Interval(ge=1, le=999_999_999)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsQuery(RunFilter):
    """Which runs to list, newest first."""

    limit: Count = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersQuery:
    """How the names of users begin."""

    text: str = ""
    limit: Count = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveQuery:
    """The kind of an archive."""

    format: Literal["zip", "tar"] = "zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportQuery:
    """The form of an export, and what it may tell."""

    format: str = "ipynb"
    with_name: bool = False
    with_all_files: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsQuery(ExportQuery):
    """The numbers of runs and the names of tools to export as one, with commas between them."""

    subjects: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputQuery:
    """Where to begin in each stream (bytes), unless ``Last-Event-ID`` says so.

    With ``passes``, what a run that was started so writes beyond what is kept is sent too: to one
    listener, for whom the tool waits, and once.
    """

    stdout_offset: Offset = 0
    stderr_offset: Offset = 0
    passes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GarbageQuery:
    """Whether to name only what would be removed."""

    dry_run: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an installation is; ``None`` where it cannot be told."""

    status: Literal["ok", "degraded"]
    version: str = __version__
    engine: str = ""
    engine_message: str = ""
    database: str = ""
    disk: str = ""
    disk_free_percent: float | None = None
    queued: int | None = None
    running: int | None = None
    waiting_builds: int | None = None
    building: int | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Health:
        """Return what an installation says of itself."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """Who asks, and what serves it, in words."""

    name: str
    groups: tuple[str, ...] = ()
    is_admin: bool = False
    email: str | None = None
    describe: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFiles:
    """The output files of a run."""

    items: tuple[OutputFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a request was not fulfilled."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """The answer to a request that was not fulfilled."""

    error: Problem
