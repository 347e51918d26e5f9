"""What the docker engine promises beyond every engine's contract."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from tooinstance_jupyter.containers import confinement, daemon
from tooinstance_jupyter.engines.base import EngineState, ExitReason
from tooinstance_jupyter.engines.docker import address
from tooinstance_jupyter.errors import EngineError
from tooinstance_jupyter.records import Limits
from tooinstance_jupyter.sandbox import guardian

from ..conftest import Reader

DEADLINE_S = 60
BUSYBOX = """
FROM BASE AS programs
RUN mkdir -p /out && cp /usr/bin/python3.11 /out/python3
FROM scratch
COPY --from=programs /bin/cat /bin/sleep /bin/echo /bin/cp /bin/dd /bin/id /bin/
COPY --from=programs /lib/x86_64-linux-gnu /lib/x86_64-linux-gnu
COPY --from=programs /lib64 /lib64
"""


def until(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail(f"{what} did not happen within {DEADLINE_S} s")


async def soon(condition: Callable[[], Any], what: str) -> Any:
    return await asyncio.to_thread(until, condition, what)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def kill_keeper(docker: Any) -> None:
    pid = address.keeper_pid(docker.config)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: address.keeper_pid(docker.config) is None, "the end of the keeper")


def test_a_run_outlives_a_kill_of_the_keeper_byte_for_byte(docker: Any) -> None:
    async def killed() -> tuple[Any, Path]:
        script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"
        spec = docker.spec("/bin/sh", "-c", f"{script}; {_UNTIL_GO}; exit 7")
        handle = await docker.begin(spec)
        await soon(lambda: size(spec.directory / "stdout"), "its first output")
        await asyncio.to_thread(kill_keeper, docker)
        assert await docker.engine.status(handle) is EngineState.RUNNING
        (spec.directory / "work" / "go").touch()
        return await docker.engine.wait(handle), spec.directory

    ended, directory = asyncio.run(killed())
    assert (ended.reason, ended.exit_code) == (ExitReason.EXITED, 7)
    expected = "".join(f"line {n}\n" for n in range(20000)).encode()
    assert (directory / "stdout").read_bytes() == expected
    assert ended.stdout.total_bytes == len(expected)


def test_what_is_passed_on_outlives_a_kill_of_the_keeper_byte_for_byte(docker: Any) -> None:
    async def killed() -> tuple[Any, Any]:
        script = f"seq 1000000; {_UNTIL_GO}; seq 1000000"
        spec = docker.spec("/bin/sh", "-c", script, log_bytes=100_000)
        reader = Reader(spec.directory)
        handle = await docker.begin(spec)
        await soon(lambda: len(reader.read["stdout"]) > 6_000_000, "output beyond what is kept")
        await asyncio.to_thread(kill_keeper, docker)
        assert await docker.engine.status(handle) is EngineState.RUNNING
        (spec.directory / "work" / "go").touch()
        ended = await docker.engine.wait(handle)
        await asyncio.to_thread(reader.join, DEADLINE_S)
        return ended, reader.read

    ended, read = asyncio.run(killed())
    expected = subprocess.run(["seq", "1000000"], check=True, capture_output=True).stdout * 2
    assert read["stdout"] == expected
    assert (ended.stdout.kept_bytes, ended.stdout.total_bytes) == (100_000, len(expected))


_UNTIL_GO = "while ! [ -e go ]; do sleep 0.1; done"


def test_a_run_that_ends_while_there_is_no_keeper_is_completed_by_the_next(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    docker.config.armed_containers = 0

    async def killed() -> tuple[Any, Path]:
        script = f"echo first; {_UNTIL_GO}; echo last; exit 3"
        spec = docker.spec("/bin/sh", "-c", script)
        handle = await docker.begin(spec)
        await soon(lambda: size(spec.directory / "stdout"), "its first output")
        await asyncio.to_thread(kill_keeper, docker)
        (spec.directory / "work" / "go").touch()
        await soon(lambda: not running(containers("run")), "the end of its container")
        return await docker.engine.wait(handle), spec.directory

    ended, directory = asyncio.run(killed())
    assert (ended.reason, ended.exit_code) == (ExitReason.EXITED, 3)
    assert (directory / "stdout").read_bytes() == b"first\nlast\n"


def test_a_run_with_secrets_ends_with_the_keeper_that_knows_what_to_mask(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    async def killed() -> tuple[Any, Path]:
        spec = docker.spec(
            "/bin/sh",
            "-c",
            'echo begun; sleep 1; echo "$TOKEN"; sleep 60',
            secrets={"TOKEN": "s3cr3t"},
        )
        handle = await docker.begin(spec)
        await soon(lambda: size(spec.directory / "stdout"), "its first output")
        await asyncio.to_thread(kill_keeper, docker)
        return await docker.engine.wait(handle), spec.directory

    ended, directory = asyncio.run(killed())
    assert ended.reason is ExitReason.LOST
    assert b"s3cr3t" not in (directory / "stdout").read_bytes()
    until(lambda: not running(containers("run")), "the end of its container")


def test_a_run_whose_keeper_is_killed_just_before_it_begins_is_lost_and_not_run_twice(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    docker.sh("true")
    until(lambda: running(containers("run")), "a container that waits")
    [folder] = (docker.config.home_path / "containers").iterdir()
    spec = docker.spec("/bin/sh", "-c", "echo ran")

    async def lost() -> Any:
        handle = await docker.engine.prepare(spec)
        (spec.directory / "started").touch()
        note = {"directory": str(spec.directory), "began_at": time.time(), "secret": False}
        (folder / "run.json").write_text(json.dumps(note))
        await asyncio.to_thread(kill_keeper, docker)
        return await docker.engine.wait(handle)

    assert asyncio.run(lost()).reason is ExitReason.LOST
    assert not size(spec.directory / "stdout")


def test_a_run_keeps_its_network_when_the_keeper_is_killed(docker: Any) -> None:
    async def killed() -> bytes:
        spec = docker.spec("/bin/sh", "-c", "echo begun; sleep 4; cat /proc/net/route")
        handle = await docker.begin(spec)
        await soon(lambda: size(spec.directory / "stdout"), "its first output")
        await asyncio.to_thread(kill_keeper, docker)
        await docker.engine.wait(handle)
        return (spec.directory / "stdout").read_bytes()

    assert b"eth0" in asyncio.run(killed())


def test_an_image_whose_shell_does_not_listen_holds_nobody_up(
    docker: Any, build_image: Callable[[str], str]
) -> None:
    deaf = build_image(
        "FROM BASE\nRUN mv /bin/sh /bin/was && printf "
        "'#!/bin/was\\nexec 9</run/tooinstance/start; sleep 600\\n' > /bin/sh "
        "&& chmod 755 /bin/sh\n"
    )
    good, docker.config.armed_containers = docker.environment, 0

    async def beside() -> bool:
        docker.environment = dataclasses.replace(good, location=deaf)
        spec = docker.spec("/bin/echo", *["x" * 100_000] * 14)
        stuck = asyncio.ensure_future(docker.begin(spec))
        docker.environment = good
        await asyncio.sleep(3)
        await docker.engine.wait(await docker.begin(docker.spec("/bin/true")))
        was_held_up = stuck.done()
        with pytest.raises(EngineError) as caught:
            await stuck
        assert caught.value.error_code == "container_not_started"
        return was_held_up

    assert not asyncio.run(beside())


def test_what_does_more_than_wait_is_not_given_a_run(
    docker: Any, build_image: Callable[[str], str]
) -> None:
    image = build_image(
        "FROM BASE\nRUN mv /bin/sh /bin/was && printf "
        "'#!/bin/was\\n: > /work/mine; exec /bin/was \"$@\"\\n' > /bin/sh && chmod 755 /bin/sh\n"
    )
    docker.environment = dataclasses.replace(docker.environment, location=image)

    async def refused() -> Any:
        handle = await docker.engine.prepare(docker.spec("/bin/true"))
        with pytest.raises(EngineError) as caught:
            await docker.engine.start(handle)
        assert caught.value.error_code == "container_not_started"
        assert await docker.engine.status(handle) is EngineState.EXITED
        return await docker.engine.wait(handle)

    assert asyncio.run(refused()).reason is ExitReason.NOT_STARTED


def test_runs_go_on_after_the_holder_of_a_network_died(
    docker: Any, docker_cli: Callable[..., str], containers: Callable[..., list[dict[str, Any]]]
) -> None:
    docker.config.armed_containers = 0
    docker.sh("true")
    for holder in until(lambda: running(containers("network")), "an idle network"):
        docker_cli("kill", holder["Id"])
    with pytest.raises(EngineError):
        docker.sh("true")
    assert docker.sh("echo again").stdout == b"again\n"


def running(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [c for c in found if c["State"]["Running"]]


def test_what_waits_ends_with_a_killed_keeper_and_runs_nothing(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    docker.sh("true")
    until(lambda: running(containers("run")), "a container that waits")
    kill_keeper(docker)
    until(lambda: not running(containers("run")), "the end of what waits")
    docker.sh("true")
    asyncio.run(docker.engine.shut_down())
    assert containers("run") == []
    assert containers("network") == []


def test_a_container_that_somebody_removes_makes_the_run_lost(
    docker: Any, docker_cli: Callable[..., str], containers: Callable[..., list[dict[str, Any]]]
) -> None:
    async def removed() -> Any:
        spec = docker.spec("/bin/sh", "-c", "echo begun; sleep 100")
        handle = await docker.begin(spec)
        await soon(lambda: size(spec.directory / "stdout"), "its first output")
        [container] = [c["Id"] for c in await asyncio.to_thread(containers, "run")]
        await asyncio.to_thread(docker_cli, "rm", "--force", container)
        return await docker.engine.wait(handle)

    assert asyncio.run(removed()).reason is ExitReason.LOST


def test_a_run_directory_that_somebody_deletes_takes_its_container_with_it(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    async def deleted() -> Any:
        spec = docker.spec("/bin/sh", "-c", "echo begun; sleep 100")
        handle = await docker.begin(spec)
        await soon(lambda: size(spec.directory / "stdout"), "its first output")
        spec.directory.rename(spec.directory.with_name("gone"))
        return await docker.engine.status(handle)

    docker.config.armed_containers = 0
    assert asyncio.run(deleted()) is EngineState.LOST
    until(lambda: not running(containers("run")), "the end of its container")


def test_an_image_that_is_gone_is_said_before_a_run_begins(shared: Any) -> None:
    shared.environment = dataclasses.replace(shared.environment, location="sha256:" + "0" * 64)
    assert asyncio.run(shared.engine.has(shared.environment)) is False
    with pytest.raises(EngineError) as caught:
        shared.sh("true")
    assert caught.value.error_code == "environment_missing"


def test_a_container_has_no_privilege_and_cannot_write_to_its_image(shared: Any) -> None:
    status = shared.sh("cat /proc/self/status").stdout.decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (fields["CapEff"], fields["CapBnd"]) == ("0" * 16, "0" * 16)
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    assert shared.sh("for p in / /usr /etc /var /run; do : > $p/x; done; ls /*/x").stdout == b""


def test_two_users_never_share_what_waits(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    docker.sh("true")
    until(lambda: running(containers("run")), "a container that waits")
    [waiting] = [c["Id"] for c in running(containers("run"))]

    async def as_another() -> list[str]:
        spec = dataclasses.replace(docker.spec("/bin/sh", "-c", "sleep 2"), owner="grace")
        handle = await docker.begin(spec)
        ids = [c["Id"] for c in running(await asyncio.to_thread(containers, "run"))]
        await docker.engine.wait(handle)
        return ids

    ids = asyncio.run(as_another())
    assert waiting in ids
    assert len(ids) >= 2


def test_what_waits_is_used_once_and_made_anew(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    seen = set()
    for _ in range(3):
        names = docker.sh("touch /tmp/left x; ls /tmp; cat /proc/sys/kernel/hostname").stdout
        assert names.splitlines()[0] == b"left"
        until(lambda: running(containers("run")), "a container that waits")
        seen.update(c["Id"] for c in running(containers("run")))
    assert len(seen) >= 3


def test_nothing_waits_where_that_is_switched_off(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    docker.config.armed_containers = 0
    docker.sh("true")
    time.sleep(3)
    assert running(containers("run")) == []


def test_what_waits_is_bounded_in_number(
    docker: Any, containers: Callable[..., list[dict[str, Any]]]
) -> None:
    docker.config.armed_containers = 2
    for megabytes in (100, 101, 102, 103):
        docker.sh("true", memory_bytes=megabytes * 2**20)
    until(lambda: len(running(containers("run"))) == 2, "two containers that wait")
    time.sleep(1)
    assert len(running(containers("run"))) <= 2


@pytest.mark.parametrize("place", ["169.254.169.254", "100.100.100.200", "168.63.129.16"])
def test_addresses_that_hand_out_credentials_are_out_of_reach(shared: Any, place: str) -> None:
    assert shared.python(_CONNECT.format(place=place, port=80)).stdout.strip() == b"113"


_CONNECT = """
import socket
s = socket.socket()
s.settimeout(3)
try:
    s.connect(("{place}", {port}))
    print("in")
except OSError as error:
    print(error.errno)
"""


def test_services_of_this_machine_are_out_of_reach(
    shared: Any, docker_cli: Callable[..., str]
) -> None:
    gateway = docker_cli(
        "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"
    )
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        said = shared.python(_CONNECT.format(place=gateway or "172.17.0.1", port=port)).stdout
        assert said.strip() == b"113"
        own = shared.python(
            "print([l.split()[1] for l in open('/proc/net/route') if l.split()[1]=='00000000'])"
        )
        assert b"00000000" in own.stdout, "it has no way out at all"


def test_runs_reach_neither_each_other_nor_their_listeners(shared: Any) -> None:
    async def two() -> bytes:
        listener = shared.spec(
            "/usr/bin/python3",
            "-c",
            "import socket; s=socket.create_server(('0.0.0.0', 8000));"
            "c=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.connect(('8.8.8.8', 1));"
            "print(c.getsockname()[0], flush=True); s.accept(); print('reached', flush=True)",
        )
        handle = await shared.begin(listener)
        await soon(lambda: size(listener.directory / "stdout"), "the listener")
        place = (listener.directory / "stdout").read_text().strip()
        other = shared.spec("/usr/bin/python3", "-c", _CONNECT.format(place=place, port=8000))
        await shared.engine.wait(await shared.begin(other))
        await shared.engine.cancel(handle, grace_s=0)
        assert b"reached" not in (listener.directory / "stdout").read_bytes()
        return (other.directory / "stdout").read_bytes().strip()

    assert asyncio.run(two()) in (b"None", b"110", b"113")


def test_paths_that_an_image_declares_as_volumes_are_small_and_leave_nothing(
    docker: Any, build_image: Callable[[str], str], docker_cli: Callable[..., str]
) -> None:
    image = build_image("FROM BASE\nVOLUME /data\n")
    docker.environment = dataclasses.replace(docker.environment, location=image)
    before = docker_cli("volume", "ls", "-q")
    ran = docker.sh("head -c 100000000 /dev/zero > /data/x; ls -la /data; id -u")
    assert b"No space left" in ran.stderr
    asyncio.run(docker.engine.shut_down())
    assert docker_cli("volume", "ls", "-q") == before


@pytest.fixture
def shell_less(shared: Any, build_image: Callable[[str], str]) -> Any:
    """An engine with an image that has no shell."""
    image = build_image(BUSYBOX)
    shared.environment = dataclasses.replace(shared.environment, location=image)
    return shared


def test_an_image_without_a_shell_runs(shell_less: Any) -> None:
    assert shell_less.run("/bin/echo", "a b", "'$(x)'").stdout == b"a b '$(x)'\n"
    assert shell_less.run("/bin/cat", stdin=b"in\0put").stdout == b"in\0put"
    ran = shell_less.run("/bin/cp", "given", "made", inputs={"given": b"g"})
    assert (ran.work / "made").read_bytes() == b"g"
    assert int(shell_less.run("/bin/id", "-u").stdout) != 0
    assert shell_less.run("/bin/cat", "nothing").exit.exit_code == 1
    assert shell_less.run("/bin/dd", "of=/dev/stdout", "status=none", stdin=b"x").stdout == b"x"
    assert shell_less.run("/bin/dd", "of=/dev/stderr", "status=none", stdin=b"x").stderr == b"x"


def test_an_image_without_a_shell_is_passed_on_whole_to_a_slow_reader(shell_less: Any) -> None:
    async def passed() -> Any:
        spec = shell_less.spec(
            *("/bin/dd", "if=/dev/zero", "bs=1M", "count=100", "status=none"), log_bytes=100_000
        )
        reader = Reader(spec.directory)
        reader.may_go_on.clear()
        handle = await shell_less.begin(spec)
        passage = spec.directory / guardian.PASSAGE
        await soon(
            lambda: sum(map(size, passage.glob("std*"))) >= guardian.PASSAGE_BYTES, "a full passage"
        )
        reader.may_go_on.set()
        ended = await shell_less.engine.wait(handle)
        await asyncio.to_thread(reader.join, DEADLINE_S)
        assert not passage.exists()
        return ended, reader.read

    ended, read = asyncio.run(passed())
    assert read["stdout"] == bytes(100 * 2**20)
    assert (ended.exit_code, ended.stdout.total_bytes) == (0, 100 * 2**20)


def test_a_missing_program_of_an_image_without_a_shell_is_said(shell_less: Any) -> None:
    ran = shell_less.run("/no/such/program")
    assert ran.exit.reason is ExitReason.NOT_STARTED or ran.exit.exit_code == 127


def test_a_run_of_an_image_without_a_shell_is_cancelled(shell_less: Any) -> None:
    async def cancelled() -> Any:
        handle = await shell_less.begin(shell_less.spec("/bin/sleep", "100"))
        return await shell_less.engine.cancel(handle, grace_s=0.1)

    assert asyncio.run(cancelled()).reason is ExitReason.CANCELLED


def test_a_secret_is_refused_where_it_would_stay_on_the_engines_disk(shell_less: Any) -> None:
    with pytest.raises(EngineError) as caught:
        shell_less.run("/bin/cat", secrets={"TOKEN": "s3cr3t"})
    assert caught.value.error_code == "secret_refused"


def test_a_run_without_a_shell_ends_with_the_keeper_that_took_its_output(
    docker: Any,
    build_image: Callable[[str], str],
    containers: Callable[..., list[dict[str, Any]]],
) -> None:
    image = build_image(BUSYBOX)
    docker.environment = dataclasses.replace(docker.environment, location=image)

    async def killed() -> Any:
        handle = await docker.begin(docker.spec("/bin/sleep", "100"))
        await asyncio.to_thread(kill_keeper, docker)
        return await docker.engine.wait(handle)

    assert asyncio.run(killed()).reason is ExitReason.LOST
    until(lambda: not running(containers("run")), "the end of its container")


@pytest.fixture
def elsewhere(docker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An engine that is reached over TCP, so that no folder of this machine can be mounted."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def pipe(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(2**16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect("/var/run/docker.sock")
            threading.Thread(target=both, args=(client, engine), daemon=True).start()

    def both(client: socket.socket, engine: socket.socket) -> None:
        with client, engine:
            way_out = threading.Thread(target=pipe, args=(client, engine), daemon=True)
            way_out.start()
            pipe(engine, client)
            way_out.join()

    threading.Thread(target=accept, daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    yield docker
    asyncio.run(docker.engine.shut_down())
    server.close()


def test_an_engine_elsewhere_gets_the_inputs_and_gives_the_outputs(elsewhere: Any) -> None:
    ran = elsewhere.sh(
        "cat given > made; mkdir sub; echo x > sub/y; ln -s /etc/passwd link; id -u; cat; exit 5",
        inputs={"given": b"g" * 100_000},
        stdin=b"standard input",
    )
    assert ran.exit.exit_code == 5
    assert ran.stdout.endswith(b"standard input")
    assert int(ran.stdout.split(b"\n")[0]) != 0
    assert (ran.work / "made").read_bytes() == b"g" * 100_000
    assert (ran.work / "sub" / "y").read_text() == "x\n"
    assert not (ran.work / "link").exists()


def test_an_engine_elsewhere_is_held_to_limits_and_cancelled(elsewhere: Any) -> None:
    ran = elsewhere.python("x=[]\nwhile 1: x.append(bytearray(5_000_000))", memory_bytes=2**27)
    assert ran.exit.reason is ExitReason.LIMIT_MEMORY
    assert elsewhere.sh("sleep 60", timeout_s=0.5).exit.reason is ExitReason.TIMED_OUT


def test_many_runs_are_held_at_once(shared: Any) -> None:
    count = 20  # more than the keeper has threads; the benchmark holds 200

    async def crowd() -> list[Path]:
        specs = [
            shared.spec(
                "/bin/sh", "-c", _HOLD.format(n=n), timeout_s=900, network=False, memory_bytes=2**26
            )
            for n in range(count)
        ]
        handles = await asyncio.gather(*(shared.begin(spec) for spec in specs))
        states = [await shared.engine.status(handle) for handle in handles]
        assert states == [EngineState.RUNNING] * count
        for spec in specs:
            (spec.directory / "work" / "go").touch()
        ends = await asyncio.gather(*(shared.engine.wait(handle) for handle in handles))
        assert {end.exit_code for end in ends} == {0}
        return [spec.directory for spec in specs]

    for number, directory in enumerate(asyncio.run(crowd())):
        assert (directory / "stdout").read_text() == f"begun {number}\nended {number}\n"


_HOLD = "echo begun {n}; while ! [ -e go ]; do sleep 1; done; echo ended {n}"


def test_no_engine_is_an_error_with_the_way_out(
    docker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineError) as caught:
        docker.sh("true")
    assert caught.value.error_code == "engine_unavailable"
    assert "--engine process" in caught.value.hint


def test_an_engine_that_this_user_may_not_use_is_said(base_image: str, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    code = (
        "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from tooinstance_jupyter.containers import daemon\n"
        "from tooinstance_jupyter.errors import EngineError\n"
        "try: daemon.connect()\n"
        "except EngineError as error: print(error.error_code)\n"
    )
    preload = "import docker, docker.tls, tooinstance_jupyter.containers.daemon\n"
    said = subprocess.run(
        [sys.executable, "-c", preload + code], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "engine_forbidden"


def test_an_engine_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = json.dumps({"ApiVersion": "1.30", "Version": "17.06"}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    path = tmp_path / "old.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(answer) + answer)

        threading.Thread(target=serve, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(EngineError) as caught:
            daemon.connect()
    assert caught.value.error_code == "engine_too_old"


def test_gpus_and_platform_are_passed_on() -> None:
    client = APIClient(base_url="unix:///none", version="1.41")
    for given, expected in (("all", (-1, None)), ("2", (2, None)), ("GPU-a,GPU-b", (0, 2))):
        host = confinement.host_config(client, Limits(), network="none", uid=1, gpus=given)
        [request] = host["DeviceRequests"]
        assert request["Count"] == expected[0]
        assert len(request["DeviceIDs"] or ()) == (expected[1] or 0)
    client.close()
