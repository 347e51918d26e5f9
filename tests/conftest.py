"""What all rooms share: real parts, and what happens where one is missing."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.leftover_images import remove_images
from tests.postgresql import PostgreSQL
from tests.servers import Server
from tests.servers import start_server as begin_server
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.engines.docker.engine import DockerEngine

BASE_IMAGE = "tooinstance-test/debian"

# an engine that happens to run on a machine is used by the tests that ask for it
os.environ["TOOINSTANCE_ENGINE"] = "process"


@pytest.fixture(scope="session")
def require() -> object:
    """Return a function that skips without a program, or fails where nothing may be missing."""

    def check(program: str, hint: str) -> None:
        if shutil.which(program) is not None:
            return
        message = f"{program} is not installed: {hint}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)

    return check


@pytest.fixture(scope="session")
def base_image(require: Callable[[str, str], None]) -> str:
    """The name of a Debian image with Python, on a Docker engine that runs."""
    require("docker", "apt-get install docker.io")
    try:
        subprocess.run(
            ["docker", "image", "inspect", BASE_IMAGE], check=True, capture_output=True, timeout=30
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        message = f"there is no Docker engine with the image {BASE_IMAGE}: tests/docker/engine.sh"
        if os.environ.get("CI") == "true":
            raise RuntimeError(message) from error
        pytest.skip(message)
    return BASE_IMAGE


@pytest.fixture
def docker_settings(tmp_path: Path, base_image: str) -> Iterator[TooInstance]:
    """The settings of an installation with the docker engine, of which nothing stays."""
    tmp_path.chmod(0o711)
    settings = TooInstance(home=str(tmp_path / "home"), engine="docker", cancel_grace_s=0.2)
    settings.base_images = dict.fromkeys(settings.base_images, base_image)
    yield settings
    asyncio.run(DockerEngine(settings).shut_down())
    remove_images(settings)


@pytest.fixture
def registry(tmp_path: Path, require: Callable[[str, str], None]) -> Iterator[str]:
    """A registry on loopback; its address."""
    require("docker-registry", "apt-get install docker-registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path / "registry.yml"
    settings.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path / 'registry'}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    server = subprocess.Popen(
        ["docker-registry", "serve", str(settings)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    until = time.monotonic() + 30
    while not _answers(port):
        assert time.monotonic() < until, "the registry does not answer"
        time.sleep(0.05)
    yield f"127.0.0.1:{port}/tools"
    server.terminate()
    server.wait()


class S3:
    """A server that speaks S3, with a bucket; rclone's, which keeps files, or else moto's."""

    url = "s3://bucket/tools"

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        programs = Path(sys.executable).parent
        if (programs / "rclone").exists() or shutil.which("rclone"):
            found = shutil.which("rclone", path=f"{programs}:{os.environ['PATH']}")
            self._command = [str(found), "serve", "s3", "--config", "", "--addr"]
            self._command += [f"127.0.0.1:{self._port}", "--auth-key", "key-of-ada,hush-hush"]
            self._command += [str(folder)]
        else:
            self._command = [str(programs / "moto_server"), "--port", str(self._port)]
        self.options = {
            "key": "key-of-ada",
            "secret": "hush-hush",
            "client_kwargs": {"endpoint_url": f"http://127.0.0.1:{self._port}"},
            "config_kwargs": {
                "connect_timeout": 2,
                "retries": {"max_attempts": 1},
                # rclone gives a part the checksum of the whole
                "request_checksum_calculation": "when_required",
                "response_checksum_validation": "when_required",
            },
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and make the bucket."""
        import s3fs

        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while not _answers(self._port):
            assert time.monotonic() < until, "the S3 server does not answer"
            time.sleep(0.05)
        s3fs.S3FileSystem(use_listings_cache=False, **self.options).makedirs(
            "bucket", exist_ok=True
        )

    def stop(self) -> None:
        """End it; what it keeps stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3]:
    """A server that speaks S3, running."""
    pytest.importorskip("s3fs")
    (tmp_path / "s3").mkdir()
    server = S3(tmp_path / "s3")
    server.start()
    yield server
    server.stop()


def _answers(port: int) -> bool:
    with socket.socket() as end:
        return end.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A PostgreSQL server; called, it makes a fresh database and returns its URL."""
    if not PostgreSQL.is_installed():
        message = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    server = PostgreSQL()
    yield server
    server.remove()


@pytest.fixture(scope="module", name="start_server")
def start_server_fixture(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., Server]]:
    """Return `servers.start_server`, each server in a folder of its own, stopped at the end."""
    with ExitStack() as started:

        def start(folder: Path | None = None, **more: Any) -> Server:
            server = begin_server(folder or tmp_path_factory.mktemp("server"), **more)
            started.callback(server.stop)
            return server

        yield start
