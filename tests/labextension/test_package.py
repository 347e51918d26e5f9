"""The front end as it is built and installed: its types, its own tests, its size, the wheel."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.repository import ROOT, copy_of_repository

FRONT_END = ROOT / "labextension"
PROGRAMS = Path(sys.executable).parent
MOST_BYTES = 150_000

pytestmark = pytest.mark.registry


@pytest.fixture(scope="module", autouse=True)
def node_modules() -> Path:
    folder = FRONT_END / "node_modules"
    if not folder.is_dir():
        message = "what the front end is built with is not installed: make front-end"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


def _npm(*argv: str, cwd: Path = FRONT_END) -> str:
    path = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
    done = subprocess.run(
        ["npm", *argv], cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_types_of_the_api_are_those_of_the_server(tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    with document.open("w") as file:
        subprocess.run(
            [sys.executable, "-m", "tooinstance_jupyter.server.openapi"], stdout=file, check=True
        )
    command = json.loads((FRONT_END / "package.json").read_text())["scripts"]["api-types"].split()
    place = command.index("--output") + 1
    command[command.index("openapi.json")] = str(document)
    command[place] = str(tmp_path / "schema.ts")
    _npm("exec", "--", *command)
    assert Path(command[place]).read_text() == (FRONT_END / "src/api/schema.ts").read_text(), (
        "the API has changed: make api-types"
    )


def test_the_parts_of_the_front_end_that_are_pure_keep_their_promises() -> None:
    _npm("test")


def test_what_the_browser_loads_is_small() -> None:
    scripts = (ROOT / "tooinstance_jupyter/labextension/static").glob("*.js")
    size = sum(len(gzip.compress(script.read_bytes())) for script in scripts)
    assert 0 < size < MOST_BYTES


def test_a_wheel_brings_the_front_end_and_turns_the_server_on(tmp_path: Path) -> None:
    source = copy_of_repository(tmp_path / "source")
    subprocess.run(
        ["cp", "-al", FRONT_END / "node_modules", source / "labextension/node_modules"], check=True
    )
    done = subprocess.run(
        [PROGRAMS / "uv", "build", "--wheel", "--out-dir", tmp_path / "dist", source],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = ZipFile(wheel).namelist()
    shared = "/data/share/jupyter/labextensions/tooinstance-jupyter/"
    assert any(shared + "package.json" in name for name in names)
    assert any(f"{shared}static/remoteEntry" in name for name in names)
    assert any("/data/etc/jupyter/jupyter_server_config.d/" in name for name in names)
