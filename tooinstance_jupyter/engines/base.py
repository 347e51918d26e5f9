"""The contract of an engine: it runs an environment with an argv in a run directory.

What an environment is made of is left to ``build``; what a run means, to ``service``.

A run directory holds ``work/`` (the working directory: what the tool writes there is its output),
``stdout`` and ``stderr`` (files that grow while the tool runs and are followed by offset), and what
the engine needs to find the run again. Where it holds ``passing/``, all that is written beyond the
limit of what is kept goes through that to one who reads it (see `sandbox.guardian.Passage`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from ..records import Environment, Limits, StreamSize


class EngineState(StrEnum):
    """What an engine knows of a run."""

    PREPARED = "prepared"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"


class ExitReason(StrEnum):
    """Why a run ended."""

    EXITED = "exited"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LIMIT_MEMORY = "limit_memory"
    LIMIT_PROCESSES = "limit_pids"
    LIMIT_OUTPUT = "limit_output"
    LOST = "lost"
    NOT_STARTED = "not_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can hold to on this machine.

    Parameters
    ----------
    reattach
        Whether a run outlives the process that started it and can be found again.
    live_output
        Whether output can be followed while the tool runs.
    isolation
        What separates a tool from its user, in words that a record keeps: "bubblewrap", "none".
    network_isolation
        Whether a run can be kept off the network.
    environments
        ``"folder"`` or ``"image"``.
    limits
        The names of the fields of `Limits` that are enforced.
    """

    reattach: bool
    live_output: bool
    isolation: str
    network_isolation: bool
    environments: str
    limits: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """All that an engine needs to know of a run.

    ``directory`` exists and holds ``work/`` with the input files; ``argv`` is complete;
    ``secrets`` are environment variables that must not touch the disk, and whose values are
    masked in what is kept of the output; nothing is shared between the runs of two owners.
    """

    run_id: str
    attempt: int = 1
    owner: str = ""
    directory: Path
    environment: Environment
    argv: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: Path | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handle:
    """How an engine finds a run again, after a restart too; kept as JSON."""

    engine: str
    run_id: str
    attempt: int
    directory: str
    details: Mapping[str, str | int] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Handle:
        """Return the handle that `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a run ended.

    ``exit_code`` is the tool's own, or ``128 + signal`` as a shell would say, or ``None`` where
    the tool did not end by itself.
    """

    reason: ExitReason
    exit_code: int | None = None
    detail: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stdout: StreamSize = field(default_factory=StreamSize)
    stderr: StreamSize = field(default_factory=StreamSize)
    peak_memory_bytes: int = 0
    cpu_s: float = 0.0
    node: str = ""


class Engine(Protocol):
    """What runs an environment. At most one attempt is ever started for a handle."""

    name: ClassVar[str]

    def capabilities(self) -> Capabilities:
        """Tell what can be held to on this machine."""
        ...

    async def prepare(self, spec: RunSpec) -> Handle:
        """Make everything ready, start nothing. Idempotent for one run and attempt.

        Raises
        ------
        EngineError
            If the engine cannot hold what the specification asks for.
        """
        ...

    async def start(self, handle: Handle, *, secrets: Mapping[str, str] | None = None) -> None:
        """Start the tool; a second call for the same handle starts nothing."""
        ...

    async def status(self, handle: Handle) -> EngineState:
        """Tell where a run stands now."""
        ...

    async def wait(self, handle: Handle) -> Exit:
        """Return how the run ended, as soon as it has."""
        ...

    async def cancel(self, handle: Handle, *, grace_s: float) -> Exit:
        """Stop a run, gently first; return only once it is seen dead, children included."""
        ...

    async def reattach(self, directory: Path) -> Handle | None:
        """Return the handle of a run directory, or ``None`` if nothing was prepared there."""
        ...

    async def has(self, environment: Environment) -> bool:
        """Tell whether an environment can be run here, now.

        Raises
        ------
        EnvironmentForbiddenError
            If it is here, and this UNIX user may not read it.
        """
        ...

    async def pull(self, environment: Environment) -> None:
        """Fetch an environment that was built elsewhere.

        Raises
        ------
        EngineError
            If it cannot be fetched.
        """
        ...

    async def remove(self, environment: Environment) -> None:
        """Delete an environment, if it is there and nothing is about to use it."""
        ...

    async def warm(self, environment: Environment, owner: str, limits: Limits) -> None:
        """Get ready ahead of an owner's next run, where that makes it faster."""
        ...

    async def reap(self, keep: Iterable[Path]) -> Sequence[str]:
        """End and remove what this installation left running, except the run directories to keep.

        Returns
        -------
        sequence of str
            What was ended, one sentence each.
        """
        ...
