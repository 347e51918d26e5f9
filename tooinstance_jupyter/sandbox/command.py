"""Runs one command to its end, confined: what a build consists of.

What the commands are is left to ``build``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import launch
from .plan import SYSTEM_PATH, Bubblewrap, Confinement, Sandbox, write_account

_LOG_BYTES = 64 * 2**20
_OUTPUT_CHARS = 256 * 1024
_POLL_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended: ``reason`` as `launch.Ended` says, and the end of its output."""

    exit_code: int
    output: str
    reason: str
    detail: str = ""


def run(
    argv: Sequence[str],
    *,
    sandbox: Sandbox,
    folder: Path,
    cwd: Path,
    on_output: Callable[[str], None],
    cancelled: Callable[[], bool],
    writable: Sequence[Path] = (),
    readable: Sequence[Path] = (),
    watched: Sequence[Path] = (),
    variables: Mapping[str, str],
    network: bool = True,
    timeout_s: float,
    memory_bytes: int,
    disk_bytes: int,
    processes: int,
    tmp_bytes: int,
    uid: int | None = None,
) -> CommandResult:
    """Run a command to its end, handing on what it prints as it comes.

    Parameters
    ----------
    folder
        An empty folder for the guardian's files.
    cwd
        Where it starts; it may write there, and to `writable`.
    on_output
        Called with each piece of stdout and stderr together; what it raises ends the command.
    cancelled
        Asked now and then; the command is ended once it says so.
    watched
        Folders whose content counts against `disk_bytes`.
    """
    account = folder / "account"
    write_account(account, uid)
    confinement = Confinement(
        work=cwd,
        account=account,
        writable=writable,
        readable=readable,
        network=network,
        processes=processes,
        tmp_bytes=tmp_bytes,
        uid=uid,
    )
    home, temporary = sandbox.home(confinement)
    output = folder / "output"
    launch.Spec(
        argv=sandbox.wrap(argv, confinement),
        cwd=str(cwd),
        env={"PATH": SYSTEM_PATH, "HOME": home, "TMPDIR": temporary, **variables},
        stdout=str(output),
        stderr=None,
        is_wrapped=isinstance(sandbox, Bubblewrap),
        uid=uid,
        watched=[str(path) for path in watched],
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        processes=processes,
        log_bytes=_LOG_BYTES,
        output_bytes=disk_bytes,
        output_files=1_000_000,
        grace_s=1.0,
        starter=os.getpid(),
    ).write(folder)
    process = launch.start(folder)
    tail = ""
    offset = 0
    try:
        while True:
            is_over = process.poll() is not None
            while text := _read(output, offset):
                offset += len(text)
                decoded = text.decode("utf-8", "replace")
                tail = (tail + decoded)[-_OUTPUT_CHARS:]
                on_output(decoded)
            if is_over:
                break
            if cancelled():
                launch.ask_to_stop(folder)
            time.sleep(_POLL_S)
    finally:
        if process.poll() is None:
            launch.ask_to_stop(folder)
        process.wait()
    end = launch.ended(folder) or launch.Ended(reason="lost", detail="its guardian died")
    code = end.exit_code if end.exit_code is not None else 127
    return CommandResult(exit_code=code, output=tail, reason=end.reason, detail=end.detail)


def _read(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(2**18)
    except FileNotFoundError:
        return b""


def give_to(uid: int | None, *folders: Path) -> None:
    """Make folders and all beneath them a user's own; links are not followed."""
    if uid is None:
        return
    for folder in folders:
        os.chown(folder, uid, uid)
        for _, names, files, descriptor in os.fwalk(folder):
            for name in (*names, *files):
                os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
