"""Starts a guardian and finds it again: the files of its folder are written and read here only.

``spec.json`` is what to run, ``alive`` is locked as long as the guardian lives (which no reuse of a
pid can feign), ``cancel`` asks it to stop, ``exit.json`` is how the command ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..records import StreamSize
from . import guardian

_GUARDIAN = guardian.__file__


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a guardian is to run and to hold to; paths are the host's, `argv` is wrapped already.

    With a ``starter``, the process that starts the guardian, the command ends when that does.
    ``stderr`` is ``None`` where it goes where stdout goes. ``watched`` are the folders whose
    content counts against ``output_bytes`` and ``output_files``.
    """

    argv: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    stdout: str
    stderr: str | None
    is_wrapped: bool
    uid: int | None
    stdin: str | None = None
    watched: Sequence[str] = ()
    timeout_s: float
    memory_bytes: int
    processes: int
    log_bytes: int
    output_bytes: int
    output_files: int
    grace_s: float = 10.0
    starter: int | None = None

    def write(self, folder: Path) -> None:
        """Write the specification where its guardian finds it; it holds no secrets."""
        path = folder / "spec.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), "utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, in the guardian's words (see `engines.base.ExitReason`)."""

    reason: str
    exit_code: int | None = None
    detail: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    streams: Mapping[str, StreamSize] = field(default_factory=dict)
    peak_memory_bytes: int = 0
    cpu_s: float = 0.0
    node: str = ""


class Detached(subprocess.Popen[bytes]):
    """A process that outlives its starter: letting go of it is no mistake."""

    def __del__(self) -> None:
        """Do not warn that it runs on, as `subprocess.Popen` would."""


def start(folder: Path, secrets: Mapping[str, str] | None = None) -> Detached:
    """Start the guardian of a folder in a session of its own; it outlives this process.

    The lock on ``alive`` is taken here and handed over, so that there is no moment in which a
    started guardian seems dead.
    """
    with (folder / "alive").open("w") as alive, (folder / "guardian.log").open("ab") as log:
        fcntl.flock(alive, fcntl.LOCK_EX)
        process = Detached(
            [sys.executable, "-I", "-S", _GUARDIAN, str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": os.defpath},
            start_new_session=True,
            pass_fds=[alive.fileno()],
        )
    assert process.stdin is not None  # noqa: S101 it was asked for
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(json.dumps(dict(secrets or {})).encode())
    return process


def is_alive(folder: Path) -> bool:
    """Tell whether the guardian of a folder lives."""
    try:
        with (folder / "alive").open("rb") as alive:
            fcntl.flock(alive, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def ended(folder: Path) -> Ended | None:
    """Return how the command of a folder ended, or ``None`` if that is not known (yet)."""
    try:
        told: dict[str, Any] = json.loads((folder / "exit.json").read_bytes())
    except FileNotFoundError:
        return None
    for name in ("started_at", "finished_at"):
        told[name] = None if told[name] is None else datetime.fromtimestamp(told[name], UTC)
    told["streams"] = {
        name: StreamSize(total_bytes=total, kept_bytes=kept)
        for name, (total, kept) in told["streams"].items()
    }
    return Ended(**told)


def ask_to_stop(folder: Path, grace_s: float = 1.0) -> None:
    """Ask the guardian to end its command, and to kill it after so many seconds."""
    with contextlib.suppress(FileExistsError), (folder / "cancel").open("x") as file:
        file.write(str(grace_s))
    until = time.monotonic() + 5
    while is_alive(folder) and time.monotonic() < until:
        try:
            pid = json.loads((folder / "guardian.json").read_bytes())["pid"]
        except FileNotFoundError:
            time.sleep(0.005)  # it has just been started; it looks for ``cancel`` before it begins
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        return
