"""The words of the product as types: tools, versions, environments, runs and their states.

Frozen and without I/O. How they are kept is left to ``store``, who may see them to ``access``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import uuid4

from .sizes import part_of

T = TypeVar("T")


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return an identifier that cannot be guessed: 32 hexadecimal digits."""
    return uuid4().hex


class SourceKind(StrEnum):
    """Where a tool comes from."""

    GIT = "git"
    PYPI = "pypi"
    NPM = "npm"
    FOLDER = "folder"
    ARCHIVE = "archive"  # whatever else a content provider of repo2docker takes (Zenodo, a DOI, …)


class Runtime(StrEnum):
    """What a tool is written for; other packages may add runtimes of their own as plain strings."""

    PYTHON = "python"
    NODE = "node"
    SCRIPT = "script"


class OutputKind(StrEnum):
    """What a tool's display shows first."""

    STDOUT = "stdout"
    FILES = "files"
    BOTH = "both"


class Visibility(StrEnum):
    """Who sees a tool: those on its access list, or everybody."""

    PRIVATE = "private"
    PUBLIC = "public"


class VersionStatus(StrEnum):
    """The states of a build, in order; the last three are final."""

    PENDING = "pending"
    FETCHING = "fetching"
    DETECTING = "detecting"
    BUILDING = "building"
    CHECKING = "checking"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return not VERSION_TRANSITIONS[self]


class RunStatus(StrEnum):
    """The states of a run; ``lost`` is the infrastructure's failure, never the tool's."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return not RUN_TRANSITIONS[self]


_V = VersionStatus
VERSION_TRANSITIONS: Mapping[VersionStatus, frozenset[VersionStatus]] = {
    _V.PENDING: frozenset({_V.FETCHING, _V.FAILED, _V.CANCELLED}),
    # a server that was killed takes its builds up again from the start: back to pending
    _V.FETCHING: frozenset({_V.DETECTING, _V.PENDING, _V.FAILED, _V.CANCELLED}),
    # a commit that is built already goes from detecting to ready
    _V.DETECTING: frozenset(
        {_V.BUILDING, _V.CHECKING, _V.READY, _V.PENDING, _V.FAILED, _V.CANCELLED}
    ),
    _V.BUILDING: frozenset({_V.CHECKING, _V.PENDING, _V.FAILED, _V.CANCELLED}),
    # a candidate that fails its check makes room for the next one
    _V.CHECKING: frozenset({_V.READY, _V.BUILDING, _V.PENDING, _V.FAILED, _V.CANCELLED}),
    _V.READY: frozenset(),
    _V.FAILED: frozenset(),
    _V.CANCELLED: frozenset(),
}
_R = RunStatus
_RUN_ENDS = frozenset({_R.SUCCEEDED, _R.FAILED, _R.CANCELLED, _R.TIMED_OUT, _R.LOST})
RUN_TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = {
    _R.QUEUED: frozenset({_R.STARTING, _R.FAILED, _R.CANCELLED, _R.LOST}),
    # whose engine turns out to be away goes back in line
    _R.STARTING: frozenset({_R.RUNNING, _R.QUEUED}) | _RUN_ENDS,
    _R.RUNNING: _RUN_ENDS,
    **dict.fromkeys(_RUN_ENDS, frozenset()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks.

    Parameters
    ----------
    name
        The name that Jupyter's identity provider, JupyterHub or the operating system gives.
    groups
        The groups that the same authority puts it in.
    is_admin
        Whether it may see and clean up all.
    email
        Its e-mail address, where the authority tells one.
    """

    name: str
    groups: frozenset[str] = frozenset()
    is_admin: bool = False
    email: str | None = None

    @property
    def addresses(self) -> frozenset[str]:
        """The entries of access lists that mean this principal, in their normal form."""
        own = map(normal_address, filter(None, (self.name, self.email)))
        groups = (f"{GROUP_PREFIX}{group}" for group in self.groups)
        # whoever is named like a group is not in it
        return frozenset([*(one for one in own if not one.startswith(GROUP_PREFIX)), *groups])


GROUP_PREFIX = "group:"
"""What an entry of an access list begins with that names a group, not a user."""


def normal_address(entry: str) -> str:
    """Return an entry of an access list in the form in which two that mean the same are equal.

    E-mail addresses differ in case and in forms of Unicode without meaning another person; names
    are taken as they are, but for the way in which characters are composed.
    """
    entry = entry.strip()
    if "@" in entry and not entry.startswith(GROUP_PREFIX):
        return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", entry).casefold())
    return unicodedata.normalize("NFC", entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a tool comes from, without any credential.

    Parameters
    ----------
    kind
        What fetches it.
    location
        The canonical link, package name or absolute folder.
    ref
        A branch, tag or commit of a git link, or a package's version; ``None`` for the newest.
    subdirectory
        The folder inside a repository that holds the tool.
    """

    kind: SourceKind
    location: str
    ref: str | None = None
    subdirectory: str | None = None

    def __str__(self) -> str:
        match self.kind:
            case SourceKind.PYPI:
                text = f"pypi:{self.location}" + (f"=={self.ref}" if self.ref else "")
            case SourceKind.NPM:
                text = f"npm:{self.location}" + (f"@{self.ref}" if self.ref else "")
            case _:
                text = self.location + (f"@{self.ref}" if self.ref else "")
        return text + (f"#subdirectory={self.subdirectory}" if self.subdirectory else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a build or a run did not come to a good end, for people and programs."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What a user names, runs and shares."""

    id: str = field(default_factory=new_id)
    owner: str
    name: str
    source: Source
    runtime: str | None = None
    entry_point: str | None = None
    build_arguments: Mapping[str, str] = field(default_factory=dict)
    output: OutputKind = OutputKind.STDOUT
    visibility: Visibility = Visibility.PRIVATE
    access: tuple[str, ...] = ()
    description: str = ""
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    deleted_at: datetime | None = None

    @property
    def full_name(self) -> str:
        """The name that is unique in the whole installation: ``owner/name``."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to run a source, as a buildpack found it.

    Parameters
    ----------
    runtime
        The runtime that builds and runs it.
    entry_point
        What a user passes to ``--entry-point`` to choose it: a console script, a ``bin`` name,
        ``-m package``, or a script's path in the source.
    reason
        Where it was found, for people: "console script in pyproject.toml".
    rank
        The higher, the better.
    """

    runtime: str
    entry_point: str
    reason: str
    rank: int = 0


class OptionKind(StrEnum):
    """What an option or positional argument of a tool takes."""

    FLAG = "flag"  # nothing: it is given or not
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"
    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that a tool can be given, as its own help says.

    Parameters
    ----------
    names
        As typed, dashes included: ``("-t", "--timeout")``; none for a positional argument.
    kind
        What its value is; `OptionKind.FLAG` has none.
    metavar
        The word that stands for the value in the help: ``SECONDS``. A positional argument is
        known by it.
    choices
        The only values that it takes, if it says so.
    default
        What it is without being given, as the help says it.
    help
        What it does, in the help's words, on one line.
    group
        The heading that it stands under.
    opposite
        The name that takes it back: ``--no-color``.
    is_required
        Whether the tool does nothing without it.
    is_repeated
        Whether it may be given several values or several times.
    is_joined
        Whether its value has to follow after ``=``, as an optional value does.
    """

    names: tuple[str, ...] = ()
    kind: OptionKind = OptionKind.TEXT
    metavar: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None
    help: str = ""
    group: str = ""
    opposite: str | None = None
    is_required: bool = False
    is_repeated: bool = False
    is_joined: bool = False

    @property
    def key(self) -> str:
        """What it is known by among the others: its longest name, or its metavar."""
        return max(self.names, key=len) if self.names else self.metavar

    @property
    def takes_several(self) -> bool:
        """Whether its values follow one another after a single name: ``FILE ...``."""
        return self.metavar.endswith("...")

    @property
    def arity(self) -> int:
        """How many values follow each time: two for ``MIN MAX``."""
        if not self.names or self.takes_several or self.choices:
            return 1
        return max(len(self.metavar.split()), 1)

    @property
    def holds_several(self) -> bool:
        """Whether what it is given is a list of values."""
        return self.is_repeated or self.takes_several or self.arity > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Subcommand:
    """A command of a tool that has several, such as ``git``'s ``log``, with what it takes.

    ``is_read`` tells whether its own help could be read; without it nothing is known but its name.
    """

    name: str
    help: str = ""
    options: tuple[Option, ...] = ()
    arguments: tuple[Option, ...] = ()
    is_read: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What a tool can be given, read from its ``--help`` when it was built.

    ``arguments`` are the positional ones, in their order; ``usage`` is the line that says how it
    is called; ``subcommands`` come after the tool's own options.
    """

    usage: str = ""
    options: tuple[Option, ...] = ()
    arguments: tuple[Option, ...] = ()
    subcommands: tuple[Subcommand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One build of a tool, numbered from 1.

    ``commit`` is what the source resolved to (a commit, a package's version, a content digest);
    ``command`` is the argv prefix that starts the tool inside its environment; ``candidates`` are
    the other ways to run the source; ``notes`` say what was tried and why it was taken or left;
    ``home`` is the id of the installation's home that builds it; ``interface`` is ``None`` where
    the tool's help cannot be read.
    """

    id: str = field(default_factory=new_id)
    tool_id: str
    number: int
    source: Source
    engine: str
    status: VersionStatus = VersionStatus.PENDING
    message: str = "Waiting to start"
    steps_done: int = 0
    steps_total: int = 0
    commit: str | None = None
    recipe_hash: str | None = None
    environment_id: str | None = None
    runtime: str | None = None
    entry_point: str | None = None
    command: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    notes: tuple[str, ...] = ()
    interface: Interface | None = None
    failure: Failure | None = None
    home: str = ""
    created_at: datetime = field(default_factory=now)
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a build makes and an engine runs in.

    Parameters
    ----------
    id
        Hash of commit and recipe: equal ids are interchangeable.
    engine
        The engine that runs it.
    location
        A folder, or an image digest.
    path
        Folders that go in front of ``PATH``.
    variables
        Environment variables that its tools need.
    readable
        Folders outside the environment that its tools read, such as an interpreter's own.
    workdir
        The directory in an image where its tools must start, where it is not the working
        directory of the run.
    """

    id: str
    engine: str
    location: str
    commit: str
    recipe_hash: str
    path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[str, ...] = ()
    workdir: str = ""
    size_bytes: int = 0
    created_at: datetime = field(default_factory=now)
    last_used_at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use; a user may only lower what the administrator set."""

    timeout_s: float = 3600.0
    memory_bytes: int = 2 * 2**30
    processes: int = 256
    log_bytes: int = 100 * 2**20
    output_bytes: int = 2**30
    output_files: int = 10_000
    tmp_bytes: int = 512 * 2**20
    network: bool = True
    cpus: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A file that was placed in a run's working directory before its start."""

    path: str
    size_bytes: int
    sha256: str


SYMBOLIC_LINK = "a symbolic link"
HARD_LINK = "a hard link"
SPECIAL_FILE = "a device, pipe or socket"
_NEVER_KEPT = frozenset({SYMBOLIC_LINK, HARD_LINK, SPECIAL_FILE})
BEYOND_SIZE = "beyond the size that is kept of a run"
MORE_FILES = "more files than are kept of a run"
"""Why what stands for all files after the last one that is listed is not kept."""


def is_cut(skipped: str | None) -> bool:
    """Tell whether a file that is not kept for this reason is missed.

    Links and devices are not: they are never kept, whatever the limits are.
    """
    return skipped is not None and skipped not in _NEVER_KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A file that a run left in its working directory.

    ``skipped`` says why something there is listed but not kept: a link, a device, over the limit.
    """

    path: str
    size_bytes: int
    sha256: str | None = None
    media_type: str | None = None
    skipped: str | None = None

    @property
    def is_cut(self) -> bool:
        """Whether it is missed: over a limit, or it could not be read."""
        return is_cut(self.skipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSize:
    """How much a run wrote to one of its streams, and how much of it was kept (bytes)."""

    total_bytes: int = 0
    kept_bytes: int = 0

    @property
    def is_cut(self) -> bool:
        """Whether the end is missing because the limit was reached."""
        return self.kept_bytes < self.total_bytes


def stream_cut(name: str, stream: StreamSize) -> str:
    """Return in words where a stream was cut at its limit; empty if it is whole.

    Examples
    --------
    >>> stream_cut("stdout", StreamSize(total_bytes=200_000_000, kept_bytes=100_000_000))
    'stdout cut at 100 MB of 200 MB'
    """
    if not stream.is_cut:
        return ""
    return f"{name} cut at {part_of(stream.kept_bytes, stream.total_bytes)}"


def files_cut(files: Sequence[OutputFile]) -> str:
    """Return in words how many files of a run are missed; empty if none is."""
    parts = []
    missing = sum(file.is_cut and file.skipped != MORE_FILES for file in files)
    if missing:
        parts.append(f"{missing:,} {'file' if missing == 1 else 'files'} not kept")
    if any(file.skipped == MORE_FILES for file in files):
        parts.append(f"files after the first {len(files) - 1:,} not kept")
    return ", ".join(parts)


def cut_in_words(stdout: StreamSize, stderr: StreamSize, files: str) -> str:
    """Return all that is cut of a run; `files` is what `files_cut` says of its files."""
    parts = (stream_cut("stdout", stdout), stream_cut("stderr", stderr), files)
    return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a version of a tool; ``number`` counts in the whole installation.

    Parameters
    ----------
    access
        Who may see it beside its owner, as in a tool's access list.
    pinned
        Whether it is kept for ever.
    home
        The id of the installation's home that holds its directory.
    stored_at
        Where its output has been put for all servers to read (a URL of fsspec); empty while it is
        in its directory only.
    cut
        What of its output is not kept, in words; empty if all is. It follows from `stdout`,
        `stderr` and `files`, and is stored since lists of runs leave the files out.
    """

    id: str = field(default_factory=new_id)
    number: int = 0
    owner: str
    tool_id: str | None
    tool_name: str
    version_id: str | None
    version_number: int
    environment_id: str | None
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    label: str = ""
    stdin: str | None = None
    inputs: tuple[InputFile, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    engine: str = "process"
    isolation: str = ""
    output: OutputKind = OutputKind.STDOUT
    status: RunStatus = RunStatus.QUEUED
    message: str = "Waiting to start"
    exit_code: int | None = None
    failure: Failure | None = None
    stdout: StreamSize = field(default_factory=StreamSize)
    stderr: StreamSize = field(default_factory=StreamSize)
    files: tuple[OutputFile, ...] = ()
    access: tuple[str, ...] = ()
    pinned: bool = False
    home: str = ""
    stored_at: str = ""
    cut: str = ""
    created_at: datetime = field(default_factory=now)
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def __post_init__(self) -> None:
        """Say what is cut, so that there is no run that leaves it out."""
        if not self.cut:
            cut = cut_in_words(self.stdout, self.stderr, files_cut(self.files))
            object.__setattr__(self, "cut", cut)

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end, or ``None`` before the end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who has used this installation, for the completion of access lists."""

    name: str
    display_name: str = ""
    email: str | None = None
    groups: tuple[str, ...] = ()
    last_seen_at: datetime = field(default_factory=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link by which whoever has it sees one run, until it expires or is revoked.

    Its token is given out once and not kept: only its hash is, by the store.
    """

    id: str = field(default_factory=new_id)
    run_number: int
    owner: str
    created_at: datetime = field(default_factory=now)
    expires_at: datetime
    revoked_at: datetime | None = None


class ChangeKind(StrEnum):
    """What a change is about."""

    TOOL = "tool"
    VERSION = "version"
    RUN = "run"


EVERYBODY = "*"
"""What stands in `Change.seen_by` for every signed-in user; no access list may hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """That something became another; what it is now is left to be asked for.

    Parameters
    ----------
    id
        Counts up in the whole installation.
    subject
        The id of the tool or version, or the number of the run.
    tool_id
        The tool that it is about or belongs to, if any.
    action
        ``created``, ``updated``, ``deleted``, or the status that was reached.
    owner
        The owner of the tool or run.
    seen_by
        Who else could see the subject before or after the change: entries of an access list in
        their normal form, or `EVERYBODY`.
    """

    id: int = 0
    at: datetime = field(default_factory=now)
    kind: ChangeKind
    subject: str
    tool_id: str | None = None
    action: str
    owner: str
    seen_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A part of a list; ``next_cursor`` asks for the part after it, ``None`` at the end."""

    items: Sequence[T]
    next_cursor: str | None = None
