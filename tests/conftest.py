"""What all rooms share: real parts, and what happens where one is missing."""

from __future__ import annotations

import os
import shutil

import pytest


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
