"""What people ask for and are told, as types: the border between the front ends and the rules.

Without I/O. What is kept of it is in ``records``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from .records import Limits, Link, OutputKind, RunStatus, Tool, Version, VersionStatus, Visibility

StreamName = Literal["stdout", "stderr"]
Scope = Literal["all", "mine", "shared", "public"]
RunScope = Literal["all", "mine", "shared"]

CLOSED = {"extra": "forbid"}
"""What makes reading a request from JSON refuse names that it does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTool:
    """What a user says to create a tool; ``None`` leaves a choice to detection.

    ``source`` is as typed: a link with or without ``@ref`` and ``#subdirectory=``, ``pypi:NAME``,
    ``npm:NAME``, a folder. It may hold credentials, which are used and not kept.
    """

    __pydantic_config__ = CLOSED

    source: str
    name: str | None = None
    ref: str | None = None
    runtime: str | None = None
    entry_point: str | None = None
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    output: OutputKind = OutputKind.STDOUT
    visibility: Visibility = Visibility.PRIVATE
    access: tuple[str, ...] = ()
    description: str = ""
    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolChanges:
    """What to change about a tool; ``None`` leaves it as it is.

    An empty runtime or entry point is found by itself again.
    """

    __pydantic_config__ = CLOSED

    name: str | None = None
    description: str | None = None
    runtime: str | None = None
    entry_point: str | None = None
    build_arguments: Mapping[str, str] | None = None
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
        return next((v for v in self.versions if v.status is VersionStatus.READY), None)

    def ready_on(self, engine: str) -> Version | None:
        """Return the newest version that is ready for one engine."""
        ready = (v for v in self.versions if v.status is VersionStatus.READY)
        return next((v for v in ready if v.engine == engine), None)


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
    inputs_of
        The number of a run whose input files and standard input are taken, where none are given.
    variables, secrets
        Environment variables; secrets are not stored, and masked in the output.
    limits
        The fields of `Limits` to lower.
    passes
        Whether whoever starts it follows all that it writes, beyond what is kept of that.
    """

    tool: str
    arguments: Arguments = ()
    inputs: Sequence[Path] = ()
    stdin: bytes | Path | None = None
    inputs_of: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float | None = None
    memory_bytes: int | None = None
    network: bool | None = None
    engine: str | None = None
    label: str = ""
    passes: bool = False


Value = bool | str | tuple[str, ...]
"""What a field of a form holds: whether a flag is given, a value, or several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the fields of a tool's form hold.

    Parameters
    ----------
    subcommand
        The subcommand that is chosen, if any.
    values
        By `Option.key`; what is not given is not there. A subcommand's own are in `sub_values`.
    rest
        Arguments that no field holds, in their order.
    """

    __pydantic_config__ = CLOSED

    subcommand: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    sub_values: Mapping[str, Value] = field(default_factory=dict)
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadArguments:
    """How arguments are read: the argv, the command line that means it, and the form it fills.

    ``form`` is ``None`` where the tool's options are not known.
    """

    argv: tuple[str, ...]
    line: str
    form: Form | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list, newest first; ``shared`` are those of others that one may see."""

    scope: RunScope = "mine"
    tool: str | None = None
    status: RunStatus | None = None
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChanges:
    """What to change about a run; ``None`` leaves it as it is."""

    __pydantic_config__ = CLOSED

    label: str | None = None
    pinned: bool | None = None
    access: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link to a run that was just made, with the token that is not kept anywhere."""

    link: Link
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a principal may use, and uses now; a limit of 0 is none.

    Parameters
    ----------
    limits
        What one run may use.
    running, waiting, building
        Runs under way and waiting, and builds not ended, of the principal's.
    most_running, most_waiting, most_building
        How many of each it may have.
    """

    limits: Limits
    running: int = 0
    waiting: int = 0
    building: int = 0
    most_running: int = 0
    most_waiting: int = 0
    most_building: int = 0


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
    """Something that garbage collection removes, or would; ``problem`` says why it cannot."""

    kind: str
    name: str
    reason: str
    size_bytes: int
    problem: str = ""
