"""What all rooms share: real parts, and what happens where one is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

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
