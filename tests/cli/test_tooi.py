"""``tooi`` as scripts and pipes use it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pexpect
import pytest


def test_output_passes_through_byte_for_byte(tooi: Any) -> None:
    done = tooi("run", "probe", "bytes")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\xff\x00\x1b[31m\r\nend", b"")


def test_stdout_and_stderr_stay_apart_and_nothing_is_added(tooi: Any) -> None:
    done = tooi("run", "probe", "both")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("run", "probe", "exit", "0"), 0),
        (("run", "probe", "exit", "7"), 7),
        (("run", "probe", "kill"), 128 + signal.SIGKILL),
        (("run", "--timeout", "0.5", "probe", "wait"), 124),
        (("run", "nosuch"), 125),
        (("run", "-i", "nosuch", "probe"), 125),
        (("run", "--nosuch", "probe"), 2),
        (("run",), 2),
        (("rnu", "probe"), 2),
        (("show", "nosuch"), 1),
        (("run", "--check", "probe", "exit", "7"), 7),
    ],
)
def test_the_exit_code_is_the_tools_or_says_whose_it_is(
    tooi: Any, words: tuple[str, ...], code: int
) -> None:
    assert tooi(*words).returncode == code


def test_arguments_reach_the_tool_as_the_shell_gave_them(tooi: Any) -> None:
    words = ["a b", "", "--json", "-h", "--", "😀", "x\ny", '{"0": "a"}', "$(id)", "*"]
    done = tooi("run", "probe", "args", *words)
    assert done.stdout.decode() == "".join(f"[{word}]\n" for word in words)


def test_json_arguments_can_be_given_explicitly(tooi: Any, tmp_path: Path) -> None:
    (tmp_path / "args.json").write_text('{"0": "args",\r\n\t"1": "a b"}')
    for given in ('["args", "a b"]', "args 'a b'", f"@{tmp_path / 'args.json'}"):
        assert tooi("run", "--arguments", given, "probe").stdout == b"[a b]\n"
    piped = tooi("run", "--arguments", "-", "probe", stdin=b'["args", "a b"]')
    assert piped.stdout == b"[a b]\n"


def test_what_is_piped_in_is_the_tools_stdin(tooi: Any) -> None:
    data = bytes(range(256)) * 1000
    assert tooi("run", "probe", "cat", stdin=data).stdout == data


def test_a_reader_that_leaves_ends_the_run(tooi: Any) -> None:
    line = f"{shlex.join([*tooi.argv, 'run', 'probe', 'flood'])} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        cwd=tooi.folder,
        env=tooi.env,
        timeout=60,
    )
    assert done.stdout.endswith(b"y\n141\n")
    assert done.stderr == b""
    newest = json.loads(tooi("runs", "--json", "-n", "1").stdout)
    assert "cancelled" in json.dumps(newest)


def test_an_interrupt_cancels_the_build(tooi: Any, tmp_path: Any) -> None:
    script = tmp_path / "stuck.sh"
    script.write_text("#!/bin/sh\nsleep 300\n")
    script.chmod(0o755)
    process = tooi.start("create", str(tmp_path), "--name", "stuck")
    try:
        until = time.monotonic() + 120
        while b"Checking" not in tooi("show", "stuck").stdout:
            assert time.monotonic() < until, "the build has not come to its check"
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert "cancelled" in json.dumps(json.loads(tooi("show", "stuck", "--json").stdout))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_run(tooi: Any, number: int) -> None:
    process = tooi.start("run", "probe", "wait")
    try:
        assert process.stdout.readline() == b"begun\n"
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, errors
    assert b"Traceback" not in errors
    assert "cancelled" in json.dumps(json.loads(tooi("runs", "--json", "-n", "1").stdout))


@pytest.mark.parametrize(
    "words",
    [
        ("ls",),
        ("show", "probe"),
        ("runs",),
        ("run", "--json", "probe", "both"),
        ("gc",),
        ("status",),
        ("search", "probe"),
        ("help",),
    ],
)
def test_every_answer_can_be_read_by_programs(tooi: Any, words: tuple[str, ...]) -> None:
    with_json = words if "--json" in words else ("--json", *words)
    done = tooi(*with_json)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)
    assert done.stderr == b""


@pytest.mark.parametrize("words", [("show", "prbe", "--json"), ("--json", "run", "prbe")])
def test_every_error_can_be_read_by_programs(tooi: Any, words: tuple[str, ...]) -> None:
    done = tooi(*words)
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "not_found"
    assert "prbe" in error["message"]
    assert "probe" in error["hint"]
    assert done.stdout == b""


def test_hints_are_what_a_terminal_takes(tooi: Any) -> None:
    assert b"%tooi" not in tooi("run-show", "99999").stderr
    assert b"%tooi" not in tooi("help", "run").stdout
    assert b"%tooi" not in tooi().stdout


def test_a_person_sees_how_a_run_ended(tooi: Any) -> None:
    shell = pexpect.spawn(
        tooi.argv[0],
        [*tooi.argv[1:], "run", "probe", "both"],
        env=tooi.env,
        cwd=str(tooi.folder),
        timeout=60,
    )
    shell.expect("out\r\n")
    shell.expect(rb"Run \d+ of \S+probe: Done")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_a_forgotten_file_is_told_to_a_person_alone_whatever_it_is_called(tooi: Any) -> None:
    name = "\x1b]0;owned\x07.csv"
    (tooi.folder / name).write_text("x")
    words = ("run", "probe", "exit", "7", name)
    assert tooi(*words).stderr == b""
    assert tooi("--json", *words).stderr == b""
    shell = pexpect.spawn(
        tooi.argv[0], [*tooi.argv[1:], *words], env=tooi.env, cwd=str(tooi.folder), timeout=60
    )
    shell.expect(rb"which the tool was not given: `tooi run -i")
    assert b"\x1b]0;" not in shell.before
    shell.expect(pexpect.EOF)
    assert b"\x1b]0;" not in shell.before
    shell.close()
    assert shell.exitstatus == 7


def test_deleting_asks_and_needs_y_where_nobody_answers(tooi: Any) -> None:
    tooi("create", str(tooi.probe), "--name", "doomed")
    refused = tooi("rm", "doomed")
    assert refused.returncode == 2
    assert b"-y" in refused.stderr
    asked = pexpect.spawn(
        tooi.argv[0],
        [*tooi.argv[1:], "rm", "doomed"],
        env=tooi.env,
        cwd=str(tooi.folder),
        timeout=60,
    )
    asked.expect("y/N")
    asked.sendline("n")
    asked.expect(pexpect.EOF)
    assert tooi("show", "doomed").returncode == 0
    assert tooi("rm", "-y", "doomed").returncode == 0
    assert tooi("show", "doomed").returncode == 1


def test_a_secret_is_nowhere_but_in_the_tool(tooi: Any) -> None:
    secret = "tok-51c7-sesame"
    done = tooi("run", "--secret", "PROBE_TOKEN", "probe", "secret", PROBE_TOKEN=secret)
    assert done.returncode == 0, done.stderr
    assert secret.encode() not in done.stdout + done.stderr
    assert len(done.stdout.strip()) > 1
    holding = [p for p in tooi.home.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert not holding


def test_a_secret_is_asked_for_without_an_echo(tooi: Any) -> None:
    shell = pexpect.spawn(
        tooi.argv[0],
        [*tooi.argv[1:], "run", "--secret", "PROBE_TOKEN", "probe", "secret"],
        env={name: value for name, value in tooi.env.items() if name != "PROBE_TOKEN"},
        cwd=str(tooi.folder),
        timeout=60,
    )
    shell.expect("PROBE_TOKEN: ")
    shell.waitnoecho()
    shell.sendline("typed-77-sesame")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0
    assert b"typed-77-sesame" not in shell.before


def test_nobody_is_asked_for_a_secret_without_a_terminal(tooi: Any) -> None:
    process = subprocess.run(
        [*tooi.argv, "run", "--secret", "NO_SUCH_TOKEN", "probe"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=tooi.folder,
        env=tooi.env,
        timeout=60,
        start_new_session=True,
    )
    assert process.returncode == 2
    assert b"NO_SUCH_TOKEN" in process.stderr


def test_logs_can_be_followed_from_another_process(tooi: Any) -> None:
    number = str(json.loads(tooi("run", "--json", "--detach", "probe", "wait").stdout)["number"])
    process = tooi.start("logs", "-f", number)
    try:
        assert process.stdout.readline() == b"begun\n"
        assert tooi("cancel", number).returncode == 0
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("command", ["files", "run-show"])
def test_the_name_of_a_file_forges_no_line_of_a_list(
    tooi: Any, tmp_path: Path, command: str
) -> None:
    tooi("run", "probe", "forge")
    [latest] = json.loads(tooi("--json", "runs", "-n", "1").stdout)["items"]
    number = str(latest["number"])
    shown = tooi(command, number).stdout.decode()
    [line] = [line for line in shown.splitlines() if "forged" in line]
    assert "a␊   1,000  forged␍␛[2Kforged" in line
    copied = tooi("files", number, "--to", str(tmp_path / "copied")).stdout.decode()
    assert len(copied.splitlines()) == 1


def test_files_are_copied_out(tooi: Any, tmp_path: Path) -> None:
    run = json.loads(tooi("run", "--json", "probe", "write").stdout)
    number = str(run["number"])
    assert b"table.csv" in tooi("files", number).stdout
    assert tooi("files", number, "*.csv", "--to", str(tmp_path / "out")).returncode == 0
    assert (tmp_path / "out" / "table.csv").read_text() == "a,b\n"


def test_a_variable_is_refused_before_anything_runs(tooi: Any) -> None:
    before = tooi("runs", "--json", "-n", "1").stdout
    assert tooi("run", "-o", "x", "probe").returncode == 2
    assert tooi("runs", "--json", "-n", "1").stdout == before


def test_it_tells_its_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tooinstance_jupyter", "--version"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"tooi 0.")


def limited(tooi: Any, tmp_path: Path, **limits: int) -> dict[str, str]:
    """Return the environment in which runs have other limits."""
    lines = [f"c.TooInstance.{name} = {value}\n" for name, value in limits.items()]
    (tmp_path / "jupyter_tooinstance_config.py").write_text("".join(lines))
    return {"JUPYTER_CONFIG_DIR": str(tmp_path)}


def test_a_run_that_is_cut_fails_with_check_and_says_which_limit(tooi: Any, tmp_path: Path) -> None:
    env = limited(tooi, tmp_path, run_log_bytes=1000)
    done = tooi("--json", "run", "--check", "probe", "many", "5000", **env)
    assert done.returncode == 125, done.stderr.decode()
    told = done.stderr.decode()
    assert "stdout cut at 1.0 kB of 23.9 kB" in told
    assert "Raise TooInstance.run_log_bytes (now 1.0 kB)" in told
    assert "Without --check" in told
    assert tooi("--json", "run", "probe", "many", "5000", **env).returncode == 0
    assert tooi("--json", "run", "--check", "probe", "many", "10", **env).returncode == 0
    whole = tooi("run", "--check", "probe", "many", "5000", **env)
    assert (whole.returncode, len(whole.stdout), whole.stderr) == (0, 23_893, b""), (
        "it is passed on"
    )


def test_a_file_that_is_not_kept_fails_with_check_and_a_link_does_not(tooi: Any) -> None:
    assert tooi("run", "--check", "probe", "large", "1").returncode == 0, "a link is no cut"
    done = tooi("run", "--check", "probe", "odd")
    assert done.returncode == 125, done.stderr.decode()
    assert "1 file not kept.\nWithout --check" in done.stderr.decode()


def test_what_is_not_kept_is_said_wherever_it_is_not_passed_on(tooi: Any, tmp_path: Path) -> None:
    env = limited(tooi, tmp_path, run_log_bytes=1000)
    assert tooi("run", "probe", "many", "5000", **env).stderr == b""
    done = tooi("--json", "run", "probe", "many", "5000", **env)
    assert "probe [stdout cut at 1.0 kB of 23.9 kB]: Done" in done.stderr.decode()
    [latest] = json.loads(tooi("--json", "runs", "-n", "1").stdout)["items"]
    assert latest["cut"] == "stdout cut at 1.0 kB of 23.9 kB"
    number = str(latest["number"])
    logs = tooi("logs", number)
    assert len(logs.stdout) == 1000
    assert f"Run {number}: stdout cut at 1.0 kB of 23.9 kB" in logs.stderr.decode()
    assert tooi("logs", number, "--stderr").stderr == b""
    listed = tooi("runs", "-n", "1").stdout.decode()
    assert "✓ cut" in listed
    assert "stdout cut at 1.0 kB of 23.9 kB" in listed
    shown = tooi("run-show", number).stdout.decode().splitlines()[0]
    assert "[stdout cut at 1.0 kB of 23.9 kB]" in shown


def test_files_that_are_not_kept_are_told_before_those_that_are(tooi: Any, tmp_path: Path) -> None:
    tooi("run", "probe", "large", "999", **limited(tooi, tmp_path, run_output_bytes=1000))
    [latest] = json.loads(tooi("--json", "runs", "-n", "1").stdout)["items"]
    number = str(latest["number"])
    assert latest["cut"] == "1 file not kept"
    assert tooi("files", number).stdout.decode().startswith("1 file not kept:\n")
    copied = tooi("files", number, "--to", str(tmp_path / "copies"))
    assert copied.stdout.decode().startswith("1 file not kept:\n")
    assert json.loads(tooi("--json", "files", number).stdout)["cut"] == "1 file not kept"


def test_output_in_which_secrets_are_masked_is_not_called_cut(tooi: Any) -> None:
    done = tooi(
        "run", "--check", "--secret", "PROBE_TOKEN", "probe", "secret", PROBE_TOKEN="x" * 50
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"***\n", b"")
