"""What an export says for programs: the same block in a notebook, a page, an archive and a crate.

Frozen and without I/O. It holds nothing that is only for this installation: no ids of records, no
access lists, no other users' names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..records import (
    Limits,
    OutputKind,
    RunStatus,
    Source,
    now,
)

KIND = "tooinstance-export"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """Something that a run read or wrote: a file, standard input, or a stream.

    Parameters
    ----------
    path
        Its name in the working directory; ``stdin``, ``stdout`` and ``stderr`` for the streams.
    size_bytes, sha256
        Of what is exported. The digest is ``None`` for what was never kept, or must not leave.
    place
        Where the content is in a package, which a notebook and a page embed; ``None`` where it is
        not exported.
    note
        Why it is not exported, or what was changed in it; for people.
    is_skipped
        Whether the run had not kept it, so that it could not be exported.
    cut_bytes
        How much of a stream came after what was kept of it.
    """

    path: str
    size_bytes: int = 0
    sha256: str | None = None
    media_type: str | None = None
    place: str | None = None
    note: str = ""
    is_skipped: bool = False
    cut_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedTool:
    """A version of a tool, pinned: what makes the same tool again.

    Parameters
    ----------
    name
        What it is called in the export, once for each version.
    source
        With the commit or package version that it was built from as its ``ref``; ``None`` where
        the tool was deleted, or is not known to whom exported it.
    commit
        What was built: a commit, a package's version, or the digest of a folder.
    environment
        The digest of commit and recipe; where it is equal, so is what was built.
    """

    name: str
    version_number: int
    source: Source | None = None
    commit: str | None = None
    description: str = ""
    runtime: str | None = None
    entry_point: str | None = None
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    output: OutputKind = OutputKind.STDOUT
    engine: str = ""
    recipe: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRun:
    """A run that ended: what it was given, how it ended, what it wrote.

    Parameters
    ----------
    number
        What it was called where it ran.
    tool
        The name of an `ExportedTool` of the same export.
    variables
        As they were given, but for those that look secret, which are among `secrets`.
    secrets
        The names of what has to be given anew.
    limits
        What it might use at most.
    cut
        What of its output was not kept, in words; empty if all was.
    by
        Who ran it, if that was asked for.
    """

    number: int
    tool: str
    cut: str = ""
    arguments: tuple[str, ...] = ()
    label: str = ""
    stdin: ExportedFile | None = None
    inputs: tuple[ExportedFile, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    engine: str = ""
    isolation: str = ""
    status: RunStatus
    message: str = ""
    exit_code: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stdout: ExportedFile = field(default_factory=lambda: ExportedFile(path="stdout"))
    stderr: ExportedFile = field(default_factory=lambda: ExportedFile(path="stderr"))
    files: tuple[ExportedFile, ...] = ()
    by: str = ""

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end, or ``None`` where they are not known."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def missing(self) -> str:
        """What of it is not in the export, in words: what was cut, and files that stay behind."""
        behind = sum(file.place is None and not file.is_skipped for file in self.contents)
        return ", ".join(filter(None, (self.cut, files_behind(behind))))

    @property
    def given(self) -> list[ExportedFile]:
        """What it read: its input files and standard input."""
        return [*self.inputs, *([self.stdin] if self.stdin else [])]

    @property
    def plain_variables(self) -> dict[str, str]:
        """Its variables, but for those that have to be given anew."""
        return {name: value for name, value in self.variables.items() if name not in self.secrets}

    @property
    def contents(self) -> list[ExportedFile]:
        """All that it read and wrote."""
        return [*self.given, self.stdout, self.stderr, *self.files]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Tools, and runs of them.

    Parameters
    ----------
    title
        For people.
    generator
        The program that made it, with its version.
    """

    kind: str = KIND
    schema_version: int = SCHEMA_VERSION
    title: str
    made_at: datetime = field(default_factory=now)
    generator: str = ""
    tools: tuple[ExportedTool, ...] = ()
    runs: tuple[ExportedRun, ...] = ()

    @property
    def missing(self) -> str:
        """What of its runs is not in it, in words; empty if all is."""
        return per_run({run.number: run.missing for run in self.runs})

    def tool(self, name: str) -> ExportedTool:
        """Return a tool of the export by its name."""
        return next(tool for tool in self.tools if tool.name == name)


def per_run(words: Mapping[int, str]) -> str:
    """Return what is said of runs as one text; their numbers tell them apart where several are."""
    if len(words) == 1:
        return next(iter(words.values()))
    return "; ".join(f"run {number}: {told}" for number, told in words.items() if told)


def files_behind(count: int) -> str:
    """Return how many files are not in an export, in words; empty if all are."""
    return f"{count:,} {'file' if count == 1 else 'files'} not in this export" if count else ""
