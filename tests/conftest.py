"""What all rooms share: real parts, and what happens where one is missing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


def _answers(port: int) -> bool:
    with socket.socket() as end:
        return end.connect_ex(("127.0.0.1", port)) == 0
