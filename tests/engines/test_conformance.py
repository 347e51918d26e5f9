"""What every engine promises, held against each of them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.engines.base import EngineState, ExitReason
from tooinstance_jupyter.errors import EngineError, InvalidValueError
from tooinstance_jupyter.sandbox import guardian

from .conftest import Reader

DEADLINE_S = 60


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition is true, and return what made it so."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    pytest.fail(f"{what} did not happen within {DEADLINE_S} s")


def processes_of(run_id: str) -> list[int]:
    """Return the living processes that carry a run's mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            carries = f"TOOINSTANCE_RUN={run_id}".encode() in (process / "environ").read_bytes()
            is_dead = (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            continue
        if carries and not is_dead:
            found.append(int(process.name))
    return found


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
def test_the_exit_code_is_the_tools_own(bench: Any, code: int) -> None:
    ran = bench.sh(f"exit {code}")
    assert (ran.exit.reason, ran.exit.exit_code) == (ExitReason.EXITED, code)


def test_an_end_by_a_signal_is_told_as_a_shell_would(bench: Any) -> None:
    ran = bench.sh("kill -SEGV $$")
    assert ran.exit.exit_code == 139
    assert "SIGSEGV" in ran.exit.detail


def test_stdout_and_stderr_are_kept_apart_byte_for_byte(bench: Any) -> None:
    everything = bytes(range(256)) * 300 + b"no newline at the end"
    ran = bench.python(
        "import sys; d=open('d','rb').read(); sys.stdout.buffer.write(d); "
        "sys.stderr.buffer.write(d[::-1])",
        inputs={"d": everything},
    )
    assert ran.stdout == everything
    assert ran.stderr == everything[::-1]
    assert ran.exit.stdout.total_bytes == ran.exit.stdout.kept_bytes == len(everything)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_tool_can_open_its_own_streams_by_their_names(bench: Any, stream: str) -> None:
    ran = bench.sh(f"echo one > /dev/{stream} && echo two | dd of=/dev/{stream} status=none")
    assert ran.exit.exit_code == 0, ran.stderr
    assert getattr(ran, stream) == b"one\ntwo\n"


def test_a_tool_can_open_its_standard_input_by_its_name_and_cannot_change_what_is_kept_of_it(
    bench: Any,
) -> None:
    ran = bench.sh("cat /dev/stdin; echo changed > /dev/stdin", stdin=b"given")
    assert ran.stdout == b"given", ran.stderr
    assert (ran.directory / "stdin").read_bytes() == b"given"


def test_arguments_reach_the_tool_as_they_are(bench: Any) -> None:
    hostile = ["", " ", "a b", "'", '"', "$(id)", "`id`", "*", "--", "-x", "\n", "\\", "é😀\u202e"]
    ran = bench.run(
        "/usr/bin/python3", "-c", "import sys, json; print(json.dumps(sys.argv[1:]))", *hostile
    )
    assert json.loads(ran.stdout) == hostile


def test_standard_input_is_the_given_one_or_empty(bench: Any) -> None:
    assert bench.sh("cat", stdin=b"in\0put").stdout == b"in\0put"
    assert bench.sh("cat; echo over").stdout == b"over\n"


def test_the_working_directory_holds_the_inputs_and_keeps_the_outputs(bench: Any) -> None:
    ran = bench.sh("cp given made; mkdir sub; echo x > sub/y", inputs={"given": b"g"})
    assert (ran.work / "made").read_bytes() == b"g"
    assert (ran.work / "sub" / "y").read_text() == "x\n"


def test_the_environment_is_clean_but_for_what_is_given(
    fresh_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret of the kernel")
    ran = fresh_bench.sh("env", variables={"GIVEN": "a b\n'"})
    assert b"GIVEN=a b\n'" in ran.stdout
    assert b"FROM_ENVIRONMENT=yes" in ran.stdout
    assert b"secret of the kernel" not in ran.stdout


@pytest.mark.parametrize("name", ["", "a=b", "1A", "A B", "LD_PRELOAD", "PATH", "HOME", "Ä", "A\0"])
def test_a_variable_that_decides_what_is_run_is_refused(bench: Any, name: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        bench.sh("true", variables={name: "x"})
    assert caught.value.error_code == "variable_invalid"


@pytest.mark.parametrize(
    ("argument", "code"), [("a\0b", "arguments_invalid"), ("x" * 131_072, "argument_too_long")]
)
def test_an_argument_that_the_system_cannot_pass_is_refused(
    bench: Any, argument: str, code: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        bench.run("/bin/echo", argument)
    assert caught.value.error_code == code


def test_the_longest_argument_that_can_be_passed_is_passed(bench: Any) -> None:
    assert bench.run("/bin/echo", "-n", "x" * 131_071).exit.stdout.total_bytes == 131_071


def test_a_secret_reaches_the_tool_and_is_masked_wherever_it_is_kept(bench: Any) -> None:
    secret = "s3cr3t-välue"
    ran = bench.python(
        "import os, sys, time\n"
        "print(os.environ['TOKEN'])\n"
        "for part in (os.environ['TOKEN'][:4], os.environ['TOKEN'][4:] + '|end'):\n"
        "    sys.stdout.write(part); sys.stdout.flush(); time.sleep(0.05)\n"
        "print(os.environ['TOKEN'], file=sys.stderr)\n"
        "print(os.environ['TOKEN'] == 's3cr3t' + chr(45) + 'v' + chr(228) + 'lue')",
        secrets={"TOKEN": secret},
    )
    assert ran.stdout == b"***\n***|endTrue\n"
    assert ran.stderr == b"***\n"
    for path in ran.directory.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_a_tool_that_cannot_be_started_fails_with_the_reason(bench: Any) -> None:
    ran = bench.run("/no/such/program")
    assert ran.exit.reason is ExitReason.NOT_STARTED or ran.exit.exit_code == 127
    assert b"/no/such/program" in ran.stderr or "/no/such/program" in ran.exit.detail


def test_a_timeout_kills_the_whole_tree(bench: Any) -> None:
    spec = bench.spec("/bin/sh", "-c", "trap '' TERM; sleep 100 & sleep 100", timeout_s=0.3)
    ended = asyncio.run(_whole(bench, spec))
    assert ended.reason is ExitReason.TIMED_OUT
    assert processes_of(spec.run_id) == []


async def _whole(bench: Any, spec: Any) -> Any:
    return await bench.engine.wait(await bench.begin(spec))


KEPT_BYTES = 100_000


def numbers(last: int) -> bytes:
    return subprocess.run(["seq", str(last)], check=True, capture_output=True).stdout


def passed_bytes(directory: Path) -> int:
    files = (directory / guardian.PASSAGE).glob("std*")
    return sum(file.stat().st_size for file in files if file.exists())


async def _passed(bench: Any, spec: Any) -> Any:
    reader = Reader(spec.directory)
    ended = await _whole(bench, spec)
    await asyncio.to_thread(reader.join, DEADLINE_S)
    return reader.read, ended


def test_what_is_not_kept_is_passed_on_whole_and_leaves_nothing(bench: Any) -> None:
    script = "seq 2000000; seq 1000000 >&2; exit 4"
    spec = bench.spec("/bin/sh", "-c", script, log_bytes=KEPT_BYTES)
    read, ended = asyncio.run(_passed(bench, spec))
    assert (ended.reason, ended.exit_code) == (ExitReason.EXITED, 4)
    assert read["stdout"] == numbers(2000000)
    assert read["stderr"] == numbers(1000000)
    assert (ended.stdout.kept_bytes, ended.stdout.total_bytes) == (KEPT_BYTES, len(read["stdout"]))
    assert (spec.directory / "stdout").stat().st_size == KEPT_BYTES
    assert not (spec.directory / guardian.PASSAGE).exists()


def test_secrets_are_masked_in_what_is_passed_on(bench: Any) -> None:
    script = "i=0; while [ $i -lt 20000 ]; do echo $i $TOKEN; i=$((i+1)); done"
    secrets = {"TOKEN": "s3cr3t-of-some-length"}
    spec = bench.spec("/bin/sh", "-c", script, log_bytes=KEPT_BYTES, secrets=secrets)
    read, ended = asyncio.run(_passed(bench, spec))
    assert read["stdout"] == b"".join(b"%d ***\n" % line for line in range(20000))
    assert ended.stdout.total_bytes == len(read["stdout"])


def test_a_tool_waits_for_its_reader_and_is_held_to_its_limits_meanwhile(bench: Any) -> None:
    async def slow() -> Any:
        spec = bench.spec("/bin/seq", "20000000", log_bytes=KEPT_BYTES)
        reader = Reader(spec.directory)
        reader.may_go_on.clear()
        handle = await bench.begin(spec)
        await asyncio.to_thread(
            until, lambda: passed_bytes(spec.directory) >= guardian.PASSAGE_BYTES, "a full passage"
        )
        await asyncio.sleep(0.5)
        assert passed_bytes(spec.directory) <= guardian.PASSAGE_BYTES + 2 * guardian.CHUNK_BYTES
        assert await bench.engine.status(handle) is EngineState.RUNNING
        reader.may_go_on.set()
        ended = await bench.engine.wait(handle)
        await asyncio.to_thread(reader.join, DEADLINE_S)
        return reader.read, ended

    async def cancelled() -> Any:
        spec = bench.spec("/bin/seq", "20000000", log_bytes=KEPT_BYTES)
        reader = Reader(spec.directory)
        reader.may_go_on.clear()
        handle = await bench.begin(spec)
        await asyncio.to_thread(
            until, lambda: passed_bytes(spec.directory) >= guardian.PASSAGE_BYTES, "a full passage"
        )
        ended = await bench.engine.cancel(handle, grace_s=0.1)
        reader.may_go_on.set()
        assert not (spec.directory / guardian.PASSAGE).exists()
        return ended

    read, ended = asyncio.run(slow())
    assert ended.exit_code == 0
    assert read["stdout"] == numbers(20000000)
    assert asyncio.run(cancelled()).reason is ExitReason.CANCELLED


def test_a_run_goes_on_once_its_reader_is_gone(isolated: Any) -> None:
    async def left() -> Any:
        spec = isolated.spec("/bin/seq", "20000000", log_bytes=KEPT_BYTES, timeout_s=3600)
        reader = Reader(spec.directory)
        reader.leave()
        ended = await _whole(isolated, spec)
        assert not (spec.directory / guardian.PASSAGE).exists()
        return ended

    ended = asyncio.run(left())
    assert (ended.reason, ended.exit_code) == (ExitReason.EXITED, 0)
    assert (ended.stdout.kept_bytes, ended.stdout.total_bytes) == (
        KEPT_BYTES,
        len(numbers(20000000)),
    )


STUBBORN = {
    "gentle": "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
    "ignores SIGTERM": "trap '' TERM; echo ready; while :; do sleep 0.01; done",
    "leaves a grandchild": "setsid sh -c 'trap \"\" TERM; while :; do sleep 0.01; done' & "
    "echo ready; while :; do sleep 0.01; done",
}


@pytest.mark.parametrize("script", STUBBORN.values(), ids=STUBBORN)
def test_cancel_ends_the_whole_tree_before_it_is_reported(bench: Any, script: str) -> None:
    async def cancelled() -> Any:
        spec = bench.spec("/bin/sh", "-c", script)
        handle = await bench.begin(spec)
        stdout = spec.directory / "stdout"
        await asyncio.to_thread(
            until, lambda: stdout.exists() and b"ready" in stdout.read_bytes(), "its first output"
        )
        return spec, await bench.engine.cancel(handle, grace_s=0.3)

    spec, ended = asyncio.run(cancelled())
    assert ended.reason is ExitReason.CANCELLED
    assert processes_of(spec.run_id) == []
    if "bye" in script:
        assert (spec.directory / "stdout").read_bytes() == b"ready\nbye\n", "not asked gently first"


def test_a_cancel_right_after_the_start_is_heard(bench: Any) -> None:
    async def cancelled() -> Any:
        handle = await bench.begin(bench.spec("/bin/sleep", "100"))
        return await bench.engine.cancel(handle, grace_s=0.1)

    assert asyncio.run(cancelled()).reason is ExitReason.CANCELLED


def test_what_a_tool_leaves_running_ends_with_it(bench: Any) -> None:
    bench.sh("true")
    spec = bench.spec("/bin/sh", "-c", "setsid sh -c 'sleep 50; echo late' & echo main")
    began = time.monotonic()
    ended = asyncio.run(_whole(bench, spec))
    assert (ended.reason, ended.exit_code) == (ExitReason.EXITED, 0)
    assert time.monotonic() - began < 50
    assert (spec.directory / "stdout").read_bytes() == b"main\n"
    assert processes_of(spec.run_id) == []


def test_output_beyond_the_limit_is_counted_and_its_beginning_kept(bench: Any) -> None:
    ran = bench.sh("seq 1000000", log_bytes=1000)
    assert ran.exit.reason is ExitReason.EXITED
    assert ran.stdout == "".join(f"{n}\n" for n in range(1, 300)).encode()[:1000]
    assert ran.exit.stdout.total_bytes == 6_888_896
    assert ran.exit.stdout.is_cut


def test_a_flood_in_one_line_takes_no_memory_of_what_watches_over_it(fresh_bench: Any) -> None:
    async def flood() -> tuple[Any, int]:
        spec = fresh_bench.spec(
            "/bin/sh",
            "-c",
            "sleep 0.2; head -c 300000000 /dev/zero; sleep 0.2",
            log_bytes=10**9,
        )
        handle = await fresh_bench.begin(spec)
        watcher = await asyncio.to_thread(
            until, lambda: fresh_bench.watcher(spec), "the start of what watches over it"
        )
        before = await asyncio.to_thread(_peak_kib, watcher)
        await asyncio.to_thread(
            until, lambda: (spec.directory / "stdout").stat().st_size == 300_000_000, "the flood"
        )
        peak = await asyncio.to_thread(_peak_kib, watcher)
        return await fresh_bench.engine.wait(handle), peak - before

    ended, grown_kib = asyncio.run(flood())
    assert ended.stdout.kept_bytes == 300_000_000
    assert grown_kib < 30_000


def _peak_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_memory_beyond_the_limit_ends_the_run_and_says_so(bench: Any) -> None:
    ran = bench.python("x=[]\nwhile 1: x.append(bytearray(5_000_000))", memory_bytes=150 * 2**20)
    assert ran.exit.reason is ExitReason.LIMIT_MEMORY


def test_a_fork_bomb_ends_and_says_so(bench: Any) -> None:
    ran = bench.python(
        "import os\nwhile 1:\n    try: os.fork()\n    except OSError: pass", processes=40
    )
    assert ran.exit.reason is ExitReason.LIMIT_PROCESSES


BOMBS = {
    "one large file": "dd if=/dev/zero of=x bs=1M count=500",
    "a sparse file": "truncate -s 1T x",
    "many files": "i=0; while :; do : > f$i; i=$((i+1)); done",
    "many folders": "i=0; while :; do mkdir -p d$i/e; i=$((i+1)); done",
}


@pytest.mark.parametrize("script", BOMBS.values(), ids=BOMBS)
def test_files_beyond_the_limit_end_the_run_and_it_says_so(bench: Any, script: str) -> None:
    ran = bench.sh(script, output_bytes=20 * 2**20, output_files=500)
    assert ran.exit.reason is ExitReason.LIMIT_OUTPUT


def test_no_tool_runs_as_root(bench: Any) -> None:
    assert int(bench.sh("id -u").stdout) != 0


def test_a_setuid_program_gives_no_privilege(bench: Any) -> None:
    assert bench.sh("grep NoNewPrivs /proc/self/status").stdout.split() == [b"NoNewPrivs:", b"1"]


def test_a_second_start_starts_nothing(bench: Any) -> None:
    async def twice() -> Path:
        spec = bench.spec("/bin/sh", "-c", "echo once")
        handle = await bench.begin(spec)
        await bench.engine.start(handle)
        await bench.engine.wait(handle)
        await bench.engine.start(handle)
        await bench.engine.wait(handle)
        directory: Path = spec.directory
        return directory

    assert (asyncio.run(twice()) / "stdout").read_bytes() == b"once\n"


def test_what_was_never_prepared_cannot_be_found_again(bench: Any, tmp_path: Path) -> None:
    assert asyncio.run(bench.engine.reattach(tmp_path)) is None


def test_what_was_prepared_and_not_started_is_known_as_that(bench: Any) -> None:
    async def prepared() -> EngineState:
        handle = await bench.engine.prepare(bench.spec("/bin/true"))
        state: EngineState = await bench.engine.status(handle)
        return state

    assert asyncio.run(prepared()) is EngineState.PREPARED


def test_a_run_outlives_a_kill_of_its_starter_and_is_found_again_complete(bench: Any) -> None:
    spec = bench.spec(
        "/bin/sh",
        "-c",
        "for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.1; done; "
        "while ! [ -e go ]; do sleep 0.1; done; exit 7",
    )
    handle = asyncio.run(bench.engine.prepare(spec))
    code = f"""
        import asyncio, os, signal
        from tooinstance_jupyter.config import TooInstance
        from tooinstance_jupyter.engines.base import Handle
        from tooinstance_jupyter.registry import load
        engine = load("engines", {bench.engine.name!r})(TooInstance(**{bench.settings!r}))
        asyncio.run(engine.start(Handle.from_json({handle.to_json()!r})))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    starter = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert starter.returncode == -signal.SIGKILL

    async def found() -> Any:
        again = await bench.engine.reattach(spec.directory)
        assert await bench.engine.status(again) is EngineState.RUNNING
        (spec.directory / "work" / "go").touch()
        return await bench.engine.wait(again)

    assert asyncio.run(found()).exit_code == 7
    assert (spec.directory / "stdout").read_bytes() == b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"


@pytest.mark.parametrize("kind", ["process-bubblewrap", "process-none"])
def test_a_run_whose_guardian_is_killed_is_lost_and_leaves_nothing(
    make_bench: Callable[[str], Any], kind: str
) -> None:
    bench = make_bench(kind)

    async def lost() -> tuple[Any, str]:
        spec = bench.spec("/bin/sh", "-c", "setsid sleep 100 & echo begun; sleep 100")
        handle = await bench.begin(spec)
        stdout = spec.directory / "stdout"
        await asyncio.to_thread(
            until, lambda: stdout.exists() and stdout.read_bytes(), "its first output"
        )
        os.kill(bench.watcher(spec), signal.SIGKILL)
        return await bench.engine.wait(handle), spec.run_id

    ended, run_id = asyncio.run(lost())
    assert ended.reason is ExitReason.LOST
    until(lambda: not processes_of(run_id), "the end of all processes of the run")


def test_reaping_ends_what_is_not_kept_and_only_that(fresh_bench: Any) -> None:
    async def reap() -> tuple[EngineState, Any]:
        kept = fresh_bench.spec("/bin/sleep", "100")
        other = fresh_bench.spec("/bin/sleep", "100")
        kept_handle, other_handle = await fresh_bench.begin(kept), await fresh_bench.begin(other)
        assert await fresh_bench.engine.reap([kept.directory])
        return await fresh_bench.engine.status(kept_handle), await fresh_bench.engine.wait(
            other_handle
        )

    state, ended = asyncio.run(reap())
    assert state is EngineState.RUNNING
    assert ended.reason is ExitReason.CANCELLED


def test_many_runs_at_once_all_end_with_their_own_output(bench: Any) -> None:
    count = 20  # more than any engine has threads to start them with

    async def crowd() -> list[Any]:
        specs = [bench.spec("/bin/sh", "-c", f"sleep 0.2; echo {n}") for n in range(count)]
        await asyncio.gather(*(_whole(bench, spec) for spec in specs))
        return specs

    for number, spec in enumerate(asyncio.run(crowd())):
        assert (spec.directory / "stdout").read_text() == f"{number}\n"


@pytest.mark.parametrize("place", ["{home}/secret", "{home}/runs/other/work/secret", "/etc/shadow"])
def test_an_isolated_tool_cannot_read_what_is_its_users(isolated: Any, place: str) -> None:
    path = Path(place.format(home=isolated.config.home))
    if path.name == "secret":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
        path.chmod(0o644)
    ran = isolated.sh(f"cat {path}")
    assert ran.exit.exit_code != 0
    assert ran.stdout == b""


def test_an_isolated_tool_sees_no_other_processes_and_no_home(isolated: Any) -> None:
    ran = isolated.sh(f"ls /proc | grep -c '^[0-9]'; ls -A {Path.home()} /run /var 2>&1 | wc -l")
    processes, _ = ran.stdout.split()
    assert int(processes) <= 6
    assert str(Path.home()).encode() not in isolated.sh("ls / /home; env").stdout


def test_an_isolated_tool_changes_neither_system_nor_environment(isolated: Any) -> None:
    places = ["/usr/x", "/etc/x", "/dev/x", "/x", "/home/x"]
    if isolated.kind != "docker":
        places.append(f"{isolated.environment.location}/x")
        ran = isolated.sh(f"cat {isolated.environment.location}/data")
        assert ran.stdout == b"of the environment"
    for place in places:
        ran = isolated.sh(f"echo x > {place}")
        assert ran.exit.exit_code != 0, place


def test_an_isolated_tool_without_network_reaches_no_listener_of_the_machine(
    isolated: Any,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2); print('in')"
        assert isolated.python(code, network=False).stdout == b""
        if isolated.kind == "docker":
            assert isolated.python(code).stdout == b""
            return
        accept = threading.Thread(target=lambda: server.accept()[0].close())
        accept.start()
        assert isolated.python(code).stdout == b"in\n"
        accept.join()


def test_without_isolation_a_run_that_must_have_no_network_is_refused(
    make_bench: Callable[[str], Any],
) -> None:
    bench = make_bench("process-none")
    assert bench.engine.capabilities().isolation == "none"
    with pytest.raises(EngineError, match="network"):
        bench.sh("true", network=False)


def test_an_isolated_tools_tmp_is_its_own_and_bounded(isolated: Any) -> None:
    ran = isolated.sh(
        "dd if=/dev/zero of=/tmp/x bs=1M count=50; ls -la /tmp/x; dd if=/dev/zero of=/dev/shm/x "
        "bs=1M count=50; df -B1 --output=size /tmp | tail -1",
        tmp_bytes=2**20,
    )
    assert int(ran.stdout.split()[-1]) <= 2**20
    assert ran.stderr.count(b"No space left") == 2


def test_no_variable_of_a_run_shows_in_a_command_line(
    isolated: Any,
) -> None:
    async def shown() -> bytes:
        spec = isolated.spec(
            "/bin/sh", "-c", "sleep 0.5", variables={"A": "value-of-a"}, secrets={"B": "value-of-b"}
        )
        handle = await isolated.begin(spec)
        pids = await asyncio.to_thread(until, lambda: processes_of(spec.run_id), "its process")
        lines = b"".join(_command_line(pid) for pid in pids)
        await isolated.engine.wait(handle)
        return lines

    lines = asyncio.run(shown())
    assert b"value-of" not in lines


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_an_attempt_is_prepared_once(bench: Any) -> None:
    async def prepare() -> bool:
        spec = bench.spec("/bin/sh", "-c", "echo first")
        first = await bench.engine.prepare(spec)
        changed = dataclasses.replace(spec, argv=("/bin/sh", "-c", "echo second"))
        second = await bench.engine.prepare(changed)
        await bench.engine.start(first)
        await bench.engine.wait(first)
        return first == second and (spec.directory / "stdout").read_bytes() == b"first\n"

    assert asyncio.run(prepare())
