"""A docker engine, and a way to look behind it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.home import home_id


def cli(*arguments: str) -> str:
    """Ask the engine behind our back."""
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True, timeout=120
    ).stdout.strip()


@pytest.fixture
def docker_cli() -> Callable[..., str]:
    """Return `cli`."""
    return cli


@pytest.fixture
def docker(make_bench: Callable[[str], Any]) -> Any:
    """A docker engine with a home of its own."""
    return make_bench("docker")


@pytest.fixture
def shared(shared_docker: Any) -> Iterator[Any]:
    """A docker engine that may have run other tests before, for those that leave it as it is."""
    yield dataclasses.replace(shared_docker)
    asyncio.run(shared_docker.engine.reap([]))


@pytest.fixture
def containers(docker: Any) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function that lists this installation's containers of a kind, as inspected."""

    def of_kind(kind: str = "run") -> list[dict[str, Any]]:
        label = f"org.tooinstance.installation={home_id(docker.config)}"
        ids = cli("ps", "-aq", "--filter", f"label={label}").split()
        found = []
        for container in ids:
            told = subprocess.run(
                ["docker", "inspect", container], capture_output=True, text=True, check=False
            )
            found += json.loads(told.stdout or "[]")
        return [c for c in found if c["Config"]["Labels"]["org.tooinstance.kind"] == kind]

    return of_kind


@pytest.fixture
def build_image(base_image: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Return a function that builds an image from a Dockerfile; it is gone after the test."""
    made: list[str] = []

    def build(dockerfile: str) -> str:
        folder = tmp_path / f"context-{len(made)}"
        folder.mkdir()
        (folder / "Dockerfile").write_text(dockerfile.replace("BASE", base_image))
        # else another worker's would be the very same image, and be removed with ours
        label = f"tooinstance-test={uuid.uuid4().hex}"
        made.append(cli("build", "--quiet", "--label", label, str(folder)))
        return made[-1]

    yield build
    for image in made:
        subprocess.run(["docker", "image", "rm", "--force", image], capture_output=True, check=True)
