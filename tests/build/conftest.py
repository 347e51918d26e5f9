"""Repositories to build from, and a client that builds them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Run, Version
from tooinstance_jupyter.requests import NewRun, NewTool

GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@e.example",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@e.example",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def run_git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, with nothing of the machine's own settings."""
    return subprocess.run(
        ["git", "-c", "protocol.file.allow=always", *arguments],
        cwd=folder,
        env={**os.environ, **GIT_ENVIRONMENT},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files; what begins with ``#!`` becomes executable."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(data)
        if data.startswith(b"#!"):
            path.chmod(0o755)


@pytest.fixture
def git() -> Callable[..., str]:
    """Return `run_git`."""
    return run_git


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a git repository with one commit."""

    def make(files: Mapping[str, str | bytes], name: str = "frobnicate") -> Path:
        folder = tmp_path / "repositories" / name
        folder.mkdir(parents=True)
        run_git(folder, "init", "--quiet", "--initial-branch", "main")
        write(folder, files)
        run_git(folder, "add", "--all")
        run_git(folder, "commit", "--quiet", "--allow-empty", "--message", "First")
        return folder

    return make


@dataclass
class Workshop:
    """A client that builds to the end and says how it went."""

    client: LocalClient

    def build(self, source: str | Path, **given: object) -> Version:
        link = f"file://{source}" if isinstance(source, Path) else source
        _, version = self.client.create(NewTool(source=link, **given))  # type: ignore[arg-type]
        return self.finish(version)

    def finish(self, version: Version) -> Version:
        for event in self.client.follow_build(version.id):
            if isinstance(event, Version):
                version = event
        return version

    def run(self, tool: str, *arguments: str) -> tuple[Run, str]:
        run = self.client.wait(self.client.run(NewRun(tool=tool, arguments=arguments)).number)
        return run, self.client.read_output(run.number, "stdout").decode()

    def log(self, version: Version) -> str:
        return self.client.build_log(version.id)


@pytest.fixture
def config(tmp_path: Path) -> TooInstance:
    """Settings with a home of their own."""
    return TooInstance(home=str(tmp_path / "home"))


@pytest.fixture
def workshop(config: TooInstance) -> Iterator[Workshop]:
    """A client on a home of its own."""
    client = LocalClient(config)
    yield Workshop(client)
    client.close()
