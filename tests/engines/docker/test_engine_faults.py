"""What becomes of runs when the container engine itself stops: on an engine of the tests' own."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.engines.base import ExitReason
from tooinstance_jupyter.errors import EngineError

_FILES = ("/bin/sh", "/bin/echo", "/bin/sleep", "/lib64/ld-linux-x86-64.so.2")


@dataclass
class Dockerd:
    """A Docker engine that belongs to one test."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/socket"

    def start(self) -> None:
        folder = self.folder
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    # without a bridge it would take away that of the machine's own engine
                    *("unshare", "--net"),
                    *("dockerd", "--storage-driver", "overlay2", "--bridge", "none"),
                    *("--iptables=false", "--ip-masq=false", "--host", self.host),
                    *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                    *("--pidfile", str(folder / "pid")),
                ],
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while subprocess.run(
            ["docker", "--host", self.host, "version"], capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < until, (folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(60)
        # where nobody reaps orphans, a restarted engine would take a dead containerd for a living
        (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def image(self) -> str:
        """Import an image of a shell and a few programs."""
        archive = self.folder / "image.tar"
        with tarfile.open(archive, "w") as tar:
            for path in _FILES:
                tar.add(Path(path).resolve(), arcname=path)
            for path in Path("/lib/x86_64-linux-gnu").glob("lib[cs]*.so.[16]"):
                tar.add(path.resolve(), arcname=f"/lib/x86_64-linux-gnu/{path.name}")
        return subprocess.run(
            ["docker", "--host", self.host, "import", str(archive)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()


@pytest.fixture
def dockerd(
    base_image: str, require: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Dockerd]:
    if os.geteuid() != 0:
        pytest.skip("only root can start an engine of its own")
    require("dockerd", "apt-get install docker.io")
    # not on a file system that an overlay cannot lie upon
    own = Dockerd(Path(tempfile.mkdtemp(prefix="tooinstance-test-dockerd-", dir="/var/tmp")))
    monkeypatch.setenv("DOCKER_HOST", own.host)
    own.start()
    yield own
    own.stop()
    for process in Path("/proc").glob("[0-9]*"):
        if str(own.folder).encode() in _command_line(process):
            os.kill(int(process.name), signal.SIGKILL)
    for line in Path("/proc/mounts").read_text().splitlines():
        if str(own.folder) in (place := line.split()[1]):
            subprocess.run(["umount", "--lazy", place], check=False)
    shutil.rmtree(own.folder)


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def docker(dockerd: Dockerd, make_bench: Callable[[str], Any]) -> Iterator[Any]:
    bench = make_bench("docker")
    bench.environment = dataclasses.replace(bench.environment, location=dockerd.image())
    bench.config.base_images = {"debian": "none.example/none"}
    yield bench
    asyncio.run(bench.engine.shut_down())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_is_lost_when_the_engine_restarts_and_the_next_one_works(
    docker: Any, dockerd: Dockerd, number: int
) -> None:
    async def restarted() -> Any:
        spec = docker.spec("/bin/sh", "-c", "echo begun; sleep 300", network=False)
        handle = await docker.begin(spec)
        await asyncio.to_thread(_wait_for, spec.directory / "stdout")
        await asyncio.to_thread(dockerd.stop, number)
        await asyncio.to_thread(dockerd.start)
        ended = await docker.engine.wait(handle)
        return ended, (spec.directory / "stdout").read_bytes()

    ended, printed = asyncio.run(restarted())
    assert ended.reason is ExitReason.LOST
    assert printed == b"begun\n"
    assert docker.sh("echo again", network=False).stdout == b"again\n"


def test_an_engine_that_is_gone_for_a_while_is_said_and_needs_no_restart_of_ours(
    docker: Any, dockerd: Dockerd
) -> None:
    assert docker.sh("echo first", network=False).stdout == b"first\n"
    dockerd.stop()
    with pytest.raises(EngineError) as caught:
        docker.sh("true", network=False)
    assert caught.value.error_code == "engine_unavailable"
    dockerd.start()
    assert docker.sh("echo back", network=False).stdout == b"back\n"


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < until, f"nothing came to {path}"
        time.sleep(0.02)
