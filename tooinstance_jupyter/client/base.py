"""The one interface that magics, widgets and the command line know.

Its forms (in-process, over HTTP) are left to the modules beside it; the rules to ``service``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

from ..records import (
    Limits,
    OutputKind,
    Principal,
    Run,
    RunStatus,
    Tool,
    Version,
    Visibility,
)

T = TypeVar("T")
StreamName = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list; ``next_cursor`` asks for the part after it, ``None`` at the end."""

    items: Sequence[T]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTool:
    """What a user says to create a tool; ``None`` leaves a choice to detection.

    ``source`` is as typed: a link with or without ``@ref`` and ``#subdirectory=``, ``pypi:NAME``,
    ``npm:NAME``, a folder. It may hold credentials, which are used and not kept.
    """

    source: str
    name: str | None = None
    ref: str | None = None
    runtime: str | None = None
    entry_point: str | None = None
    output: OutputKind = OutputKind.STDOUT
    visibility: Visibility = Visibility.PRIVATE
    access: tuple[str, ...] = ()
    description: str = ""
    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolChanges:
    """What to change about a tool; ``None`` leaves it as it is."""

    name: str | None = None
    description: str | None = None
    runtime: str | None = None
    entry_point: str | None = None
    output: OutputKind | None = None
    visibility: Visibility | None = None
    access: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDetail:
    """A tool with its versions, newest first."""

    tool: Tool
    versions: tuple[Version, ...] = ()

    @property
    def ready(self) -> Version | None:
        """The version that a run takes when it names none."""
        return next((v for v in self.versions if v.status == "ready"), None)


Arguments = str | Sequence[str] | Mapping[str, str]
"""A command line or JSON as typed, a list of arguments, or an object with numeric keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a user says to run a tool.

    Parameters
    ----------
    tool
        ``name``, ``owner/name``, either with ``@version``, or a source to create it from.
    arguments
        See `Arguments`; a string is read by `arguments.parse`, a sequence passed as it is.
    inputs
        Files for the working directory, under their own names.
    stdin
        Standard input, or the file that holds it.
    variables, secrets
        Environment variables; secrets are not stored, and masked in the output.
    limits
        The fields of `Limits` to lower.
    """

    tool: str
    arguments: Arguments = ()
    inputs: Sequence[Path] = ()
    stdin: bytes | Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float | None = None
    memory_bytes: int | None = None
    network: bool | None = None
    engine: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list, newest first."""

    tool: str | None = None
    status: RunStatus | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A piece of what a run wrote, at its place (in bytes) in the stream."""

    stream: StreamName
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildLog:
    """A piece of a build's log, at its place (in bytes) in the log."""

    offset: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Something that garbage collection removes, or would."""

    kind: str
    name: str
    reason: str
    size_bytes: int


class Client(Protocol):
    """All that a front end can ask for. Methods raise `errors.TooInstanceError`."""

    @property
    def principal(self) -> Principal:
        """Who asks."""
        ...

    @property
    def default_limits(self) -> Limits:
        """What a run may use when it asks for nothing special."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Return what serves this client: home, engine, isolation, in words."""
        ...

    def create(self, new: NewTool) -> tuple[Tool, Version]:
        """Make a tool and start its first build.

        A tool of the same name that never became ready and has the same source is taken up again.
        """
        ...

    def build(self, tool: str, *, ref: str | None = None, force: bool = False) -> Version:
        """Start a new version of a tool: of its own ref, or of another."""
        ...

    def follow_build(self, version_id: str, *, offset: int = 0) -> Iterator[Version | BuildLog]:
        """Yield a version whenever its state changes, and its log; end when it is final."""
        ...

    def cancel_build(self, version_id: str) -> Version:
        """Stop a build; return once it is stopped."""
        ...

    def build_log(self, version_id: str) -> str:
        """Return the whole log of a build."""
        ...

    def tool(self, name: str) -> ToolDetail:
        """Return a tool by ``name`` or ``owner/name``."""
        ...

    def tools(
        self,
        *,
        text: str = "",
        scope: Literal["all", "mine", "shared", "public"] = "all",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ToolDetail]:
        """List or search what one may see; details hold the newest and newest ready version."""
        ...

    def update(self, name: str, changes: ToolChanges) -> Tool:
        """Change a tool's settings; those that decide what is run take a new build to matter."""
        ...

    def delete(self, name: str) -> Tool:
        """Delete a tool; its runs stay readable."""
        ...

    def run(self, new: NewRun) -> Run:
        """Start a run of a tool that is ready."""
        ...

    def rerun(self, number: int, changes: NewRun | None = None) -> Run:
        """Start a run again with its inputs and arguments, or with those of `changes`."""
        ...

    def follow(
        self, number: int, *, stdout_offset: int = 0, stderr_offset: int = 0
    ) -> Iterator[Output | Run]:
        """Yield output as it is written, and the run whenever its state changes; end when final."""
        ...

    def wait(self, number: int, timeout_s: float | None = None) -> Run:
        """Return a run once it is final, or as it stands after `timeout_s` seconds."""
        ...

    def cancel(self, number: int) -> Run:
        """Stop a run with all its children; return once they are seen dead."""
        ...

    def runs(self, which: RunFilter) -> Page[Run]:
        """List runs, newest first."""
        ...

    def get_run(self, number: int) -> Run:
        """Return a run as it stands now."""
        ...

    def read_output(
        self, number: int, stream: StreamName, *, offset: int = 0, size: int = -1
    ) -> bytes:
        """Return what is kept of a stream, from `offset`, at most `size` bytes (-1: all)."""
        ...

    def file_path(self, number: int, path: str) -> Path:
        """Return where an output file can be read on this machine; links are not followed."""
        ...

    def delete_run(self, number: int) -> None:
        """Delete a run that is final, with its output."""
        ...

    def collect_garbage(self, *, dry_run: bool) -> Sequence[Removal]:
        """Remove (or only name) environments and folders that nothing uses."""
        ...

    def close(self) -> None:
        """Let go of what is open; runs go on."""
        ...
