"""Output that ``tooi run`` passes on: whole, whatever is kept of it, or said not to be."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.servers import Server
from tooinstance_jupyter.sandbox import guardian

KEPT_BYTES = 300_000
LINES = 2_000_000
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def server(tooi: Any, start_server: Callable[..., Server]) -> Server:
    """A server where little is kept of a run."""
    return start_server(home=tooi.home, config={"TooInstance": {"run_log_bytes": KEPT_BYTES}})


@pytest.fixture(params=["in-process", "server"])
def small(
    request: pytest.FixtureRequest, tooi: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """``tooi`` where little is kept of a run, alone and through a server."""
    (tmp_path / "jupyter_tooinstance_config.py").write_text(
        f"c.TooInstance.run_log_bytes = {KEPT_BYTES}\nc.TooInstance.cancel_grace_s = 0.3\n"
    )
    monkeypatch.setitem(tooi.env, "JUPYTER_CONFIG_DIR", str(tmp_path))
    if request.param == "server":
        use(request.getfixturevalue("server"), tooi, monkeypatch)
    return tooi


def use(server: Server, tooi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tooi.env, "TOOINSTANCE_SERVER", server.url)
    monkeypatch.setitem(tooi.env, "TOOINSTANCE_TOKEN", server.token)


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail(f"{what} did not happen within {PATIENCE_S} s")


def numbers(last: int) -> bytes:
    return subprocess.run(["seq", str(last)], check=True, capture_output=True).stdout


def passages(home: Path) -> list[Path]:
    return list((home / "runs").glob(f"*/{guardian.PASSAGE}"))


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*") if file.exists())


def test_a_pipe_gets_all_that_a_tool_writes_and_what_is_not_kept_leaves_nothing(small: Any) -> None:
    done = small("run", "probe", "seq", str(LINES))
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == numbers(LINES)
    assert passages(small.home) == []
    newest = max((small.home / "runs").iterdir(), key=lambda run: run.stat().st_ctime)
    assert (newest / "stdout").stat().st_size == KEPT_BYTES


def test_stdout_and_stderr_are_both_whole_and_the_exit_code_is_the_tools(small: Any) -> None:
    done = small("run", "probe", "seq-both", str(LINES))
    assert done.returncode == 5
    assert done.stdout == done.stderr == numbers(LINES)


def test_a_run_again_is_passed_on_whole_too(small: Any) -> None:
    first = small("run", "--json", "probe", "seq", str(LINES))
    assert first.returncode == 0, first.stderr
    newest = max((small.home / "runs").iterdir(), key=lambda run: run.stat().st_ctime)
    assert (newest / "stdout").stat().st_size == KEPT_BYTES
    again = small("rerun", str(json.loads(first.stdout)["number"]))
    assert (again.returncode, again.stdout) == (0, numbers(LINES))


def test_secrets_are_masked_in_what_is_not_kept_too(small: Any) -> None:
    secret = "tok-51c7-sesame" * 3
    done = small("run", "--secret", "PROBE_TOKEN", "probe", "secrets", PROBE_TOKEN=secret)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"".join(b"%d ***\n" % line for line in range(20000))


def test_a_slow_reader_holds_the_tool_up_and_takes_little_of_the_disk(small: Any) -> None:
    last = 20_000_000
    process = small.start("run", "probe", "seq", str(last))
    try:
        assert process.stdout is not None
        began = os.read(process.stdout.fileno(), 10)
        (passage,) = until(lambda: passages(small.home), "the passage")
        until(lambda: size_of(passage) >= guardian.PASSAGE_BYTES, "a full passage")
        largest = 0
        until_then = time.monotonic() + 2
        while time.monotonic() < until_then:
            largest = max(largest, size_of(passage))
            time.sleep(0.05)
        assert largest <= guardian.PASSAGE_BYTES + guardian.CHUNK_BYTES
        rest, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, errors) == (0, b"")
    assert began + rest == numbers(last)
    assert passages(small.home) == []


def test_a_reader_that_leaves_ends_a_run_beyond_what_is_kept(small: Any) -> None:
    words = shlex.join([*small.argv, "run", "probe", "flood"])
    done = subprocess.run(
        ["bash", "-c", f"{words} | head -c 2000000 | wc -c; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=small.folder,
        env=small.env,
        timeout=PATIENCE_S,
    )
    assert (done.stdout.split(), done.stderr) == ([b"2000000", b"141"], b"")
    assert passages(small.home) == []


def test_what_was_removed_before_it_was_read_is_said(small: Any) -> None:
    process = small.start("run", "probe", "seq", "20000000")
    try:
        (passage,) = until(lambda: passages(small.home), "the passage")
        until(lambda: size_of(passage) >= guardian.PASSAGE_BYTES, "a full passage")
        guardian.remove_passage(str(passage))
        _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 125
    assert b"not passed on" in errors


def test_a_run_whose_watcher_is_killed_is_said_to_be_lost(small: Any) -> None:
    process = small.start("run", "probe", "wait")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        newest = max((small.home / "runs").iterdir(), key=lambda run: run.stat().st_ctime)
        watcher = int(newest.joinpath("guardian.json").read_text().strip('{}" pid:'))
        os.kill(watcher, signal.SIGKILL)
        _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 125
    assert b"killed" in errors
    assert passages(small.home) == []


def test_a_server_that_is_killed_in_the_middle_is_said(
    tooi: Any, start_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_server(home=tooi.home, config={"TooInstance": {"run_log_bytes": KEPT_BYTES}})
    use(server, tooi, monkeypatch)
    process = tooi.start("run", "probe", "flood")
    try:
        assert process.stdout is not None
        read = 0
        while read < 2_000_000:
            read += len(os.read(process.stdout.fileno(), 2**16))
        server.kill()
        _, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 125
    assert b"does not answer" in errors
    monkeypatch.setitem(tooi.env, "TOOINSTANCE_SERVER", "none")
    newest = json.loads(tooi("runs", "--json", "-n", "1").stdout)["items"][0]
    assert tooi("cancel", str(newest["number"])).returncode == 0
    assert passages(tooi.home) == []


def test_a_server_that_is_restarted_goes_on_where_it_was(
    tooi: Any, start_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"TooInstance": {"run_log_bytes": KEPT_BYTES}}
    server = start_server(home=tooi.home, config=settings)
    use(server, tooi, monkeypatch)
    last = 20_000_000
    process = tooi.start("run", "probe", "seq", str(last))
    try:
        assert process.stdout is not None
        began = b""
        while len(began) < 2_000_000:
            began += os.read(process.stdout.fileno(), 2**16)
        server.kill()
        port = urlsplit(server.url).port
        start_server(server.folder, home=tooi.home, config=settings, port=port)
        rest, errors = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, errors) == (0, b"")
    assert began + rest == numbers(last)
    assert passages(tooi.home) == []
