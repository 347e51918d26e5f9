"""The contract of a buildpack: it recognises sources of one runtime and turns them into folders.

Fetching is left to ``sources``, choosing between candidates to ``detect``, the order of steps to
``builder``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from ..config import TooInstance
from ..records import Candidate, Source, VersionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A source that has been fetched.

    Parameters
    ----------
    source
        Where it came from.
    folder
        Where its files are (the subdirectory already applied); packages of a registry have an
        empty folder, since their own installer fetches them.
    commit
        What it resolved to: a commit, a package's exact version, or ``sha256:…`` of the content.
    name
        The name that a tool made from it gets when the user gives none.
    """

    source: Source
    folder: Path
    commit: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a person sees of a build at one moment; ``log`` is text to append to the build log."""

    status: VersionStatus
    message: str
    steps_done: int = 0
    steps_total: int = 0
    log: str = ""


AS_ASKED = "as asked"
"""The reason of a candidate that a user named and no buildpack had thought of."""

Report = Callable[[Progress], None]
"""Called by a build at each step; raises `BuildCancelledError` to end it."""


class Shell(Protocol):
    """Runs the commands of a build: isolated, limited, logged, cancellable."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        writable: Sequence[Path] = (),
        readable: Sequence[Path] = (),
        variables: Mapping[str, str] | None = None,
        network: bool = True,
        timeout_s: float | None = None,
        check: bool = True,
    ) -> Completed:
        """Run a command to its end.

        Raises
        ------
        BuildError
            If it fails and `check` is true, with the cause first; if a limit is reached.
        BuildCancelledError
            If the build is cancelled meanwhile; nothing of the command is left running.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a command of a build ended; ``output`` is stdout and stderr together, capped."""

    exit_code: int
    output: str
    timed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a buildpack made in its target folder (see `records.Environment` for the fields)."""

    commands: Mapping[str, tuple[str, ...]]
    path: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[str, ...] = ()
    beside_check: tuple[str, ...] = ()
    """A command that improves the environment while it is checked; it may fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The place of a build: its target folder, a cache, and the means to run and report.

    The cache is this build's alone, and gone with it. ``adopt`` hands a folder that was made here
    to the user whom the commands of the build run as. ``note`` adds a line to the log.
    """

    target: Path
    cache: Path
    shell: Shell
    step: Callable[[str], None]
    adopt: Callable[[Path], None]
    note: Callable[[str], None]


class Buildpack(Protocol):
    """What knows one runtime."""

    runtime: ClassVar[str]

    def __init__(self, config: TooInstance) -> None:
        """Take the settings, which an entry point is called with."""
        ...

    def detect(self, checkout: Checkout) -> Sequence[Candidate]:
        """Return the ways to run a checkout, by reading files only: nothing of it is executed."""
        ...

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Mapping[str, str]:
        """Return what decides what is built, beside the commit (versions, files, options)."""
        ...

    def steps(self, checkout: Checkout, candidate: Candidate) -> int:
        """Return how many times `build` will call ``site.step``."""
        ...

    def build(self, checkout: Checkout, candidate: Candidate, site: Site) -> Built:
        """Make the environment in ``site.target``.

        Raises
        ------
        BuildError
            If a step fails.
        """
        ...
