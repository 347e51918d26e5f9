"""Where an installation's keeper answers, how it is started, and how it is asked.

The socket is in a folder of its user's own outside the installation, whose path may be too long for
one; a file in the installation says where.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...config import TooInstance
from ...errors import EngineError, TooInstanceError
from ...sandbox.launch import Detached

_START_TIMEOUT_S = 60.0
_LIMIT_BYTES = 2**24


class TakenError(Exception):
    """Another keeper serves the installation."""


@contextlib.contextmanager
def taken(config: TooInstance) -> Iterator[Path]:
    """Be the keeper of an installation for a while; the socket is to be made at the path.

    Raises
    ------
    TakenError
        If there is one.
    """
    with lock_path(config).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TakenError from None
        _problem(config).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="tooinstance-") as folder:
            path = Path(folder, "socket")
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid(), "socket": str(path)}))
            lock.flush()
            yield path


def lock_path(config: TooInstance) -> Path:
    """Return the file that the keeper has locked as long as it lives, and that says where it is."""
    return config.home_path / "keeper"


def write_problem(config: TooInstance, error: TooInstanceError) -> None:
    """Leave word for whoever started a keeper that cannot be one."""
    told = {"code": error.error_code, "message": error.message, "hint": error.hint}
    _problem(config).write_text(json.dumps(told))


def keeper_pid(config: TooInstance) -> int | None:
    """Return the process id of the keeper, ``None`` if there is none."""
    told = _keeper(config)
    return None if told is None else int(told["pid"])


def wait_for_end(config: TooInstance) -> None:
    """Return once a keeper that was asked to stop has ended."""
    until = time.monotonic() + _START_TIMEOUT_S
    while keeper_pid(config) is not None and time.monotonic() < until:
        time.sleep(0.02)


async def ask(config: TooInstance, do: str, **given: object) -> Any:
    """Ask the keeper, which is started first if it has to be.

    Raises
    ------
    TooInstanceError
        What the keeper answers, or that there can be none.
    """
    until = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(_socket(config), limit=_LIMIT_BYTES)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > until:
                raise EngineError("The process that keeps the containers does not start.") from None
            await asyncio.to_thread(_start, config)
            continue
        try:
            writer.write(json.dumps({"do": do, **given}).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        except (ConnectionResetError, BrokenPipeError):
            line = b""
        finally:
            writer.close()
        if line:
            return _read(json.loads(line))
        # it was just ending, or was killed: whatever is asked may be asked twice
        if time.monotonic() > until:
            raise EngineError("The process that keeps the containers died.", "Try again.")
        await asyncio.sleep(0.05)


def _read(answer: Mapping[str, Any]) -> Any:
    if "message" not in answer:
        return answer["done"]
    raise EngineError(answer["message"], answer.get("hint", ""), code=answer["code"])


def _start(config: TooInstance) -> None:
    """Start a keeper and wait until it answers or says why it cannot."""
    problem = _problem(config)
    config.home_path.mkdir(parents=True, exist_ok=True)
    problem.unlink(missing_ok=True)
    settings = {name: getattr(config, name) for name in config.traits(config=True)}
    with (config.home_path / "keeper.err").open("ab") as errors:
        process = Detached(
            [sys.executable, "-m", "tooinstance_jupyter.engines.docker.keeper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",
            start_new_session=True,
        )
    assert process.stdin is not None  # noqa: S101 it was asked for
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(json.dumps(settings).encode())
    until = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < until and not _answers(config):
        if process.poll() is not None:
            if problem.exists():
                told = json.loads(problem.read_text())
                raise EngineError(told["message"], told["hint"], code=told["code"])
            if process.returncode != 0:  # else another one serves
                raise EngineError(
                    "The process that keeps the containers does not start.",
                    f"{config.home_path / 'keeper.err'} says why.",
                )
            return
        time.sleep(0.01)


def _answers(config: TooInstance) -> bool:
    with socket.socket(socket.AF_UNIX) as end:
        return end.connect_ex(_socket(config)) == 0


def _keeper(config: TooInstance) -> Mapping[str, Any] | None:
    """Return what the keeper said of itself, if it lives."""
    with contextlib.suppress(FileNotFoundError, ValueError), lock_path(config).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            told: Mapping[str, Any] = json.loads(file.read())
            return told
    return None


def _socket(config: TooInstance) -> str:
    try:
        return str(json.loads(lock_path(config).read_bytes())["socket"])
    except (OSError, ValueError):
        return str(config.home_path / "nowhere")


def _problem(config: TooInstance) -> Path:
    return config.home_path / "keeper.problem"
