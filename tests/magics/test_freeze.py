"""What ``%tooi freeze`` takes from a session and a notebook, and ``%tooi restore`` makes again."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tooinstance_jupyter.commands.mentions import Mention, mentions

LOAD = "%load_ext tooinstance_jupyter"
LOCK = "application/vnd.tooinstance.lock.v1+json"
RESTORATION = "application/vnd.tooinstance.restoration.v1+json"


@pytest.fixture(scope="module")
def links(place: Any) -> dict[str, str]:
    """Links of git repositories with the probe, by the names of their tools."""
    found = {}
    for name in ("one", "two"):
        folder = place.home.parent / name
        folder.mkdir()
        (folder / f"{name}.sh").write_bytes((place.probe / "probe.sh").read_bytes())
        (folder / f"{name}.sh").chmod(0o755)
        for words in (
            ("init", "--quiet"),
            ("add", "."),
            ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "Begin"),
        ):
            subprocess.run(["git", *words], cwd=folder, check=True)
        found[name] = f"file://{folder}"
    return found


@pytest.fixture(scope="module")
def made(place: Any, links: dict[str, str]) -> None:
    """Have the tools, made by another session."""
    for name, link in links.items():
        tooi(place, "create", link, "--name", name)


@pytest.fixture
def session(place: Any, made: None) -> Iterator[Callable[..., Any]]:
    """Return a function that starts a kernel of its own, on the home or another one."""
    begun = []

    def start(**changes: Path) -> Any:
        for folder in changes.values():
            folder.mkdir(exist_ok=True)
        kernel = dataclasses.replace(place, **changes).kernel()
        begun.append(kernel)
        assert kernel.run(LOAD).status == "ok"
        return kernel

    yield start
    for kernel in begun:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)


def tooi(place: Any, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tooinstance_jupyter", *words],
        cwd=place.folder,
        env={**os.environ, "TOOINSTANCE_HOME": str(place.home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def names(path: Path) -> list[str]:
    return [tool["name"] for tool in json.loads(path.read_text())["tools"]]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("r = %tooi run one args", ["one"]),
        ("%%tooi run two cat\nbody", ["two"]),
        ("%tooi run --check one fail", ["one"]),
        ("%tooi show two", ["two"]),
        ("%%tooi map one args\n1\n2", ["one"]),
        ("%tooi run one --help\n%tooi run two --help", ["one", "two"]),
    ],
)
def test_a_session_freezes_what_it_used_and_nothing_else(
    session: Callable[..., Any], tmp_path: Path, line: str, expected: list[str]
) -> None:
    kernel = session(folder=tmp_path / "folder")
    kernel.run(line)

    cell = kernel.run("%tooi ls\nfile = %tooi freeze")

    assert cell.status == "ok", cell.errors
    assert names(tmp_path / "folder" / "tooi.lock.json") == expected
    assert kernel.ask("file") == "tooi.lock.json"


def test_a_session_that_used_nothing_says_so(session: Callable[..., Any], tmp_path: Path) -> None:
    kernel = session(folder=tmp_path / "folder")
    cell = kernel.run("%tooi freeze")
    assert cell.status == "error"
    assert "There is no tool to freeze." in cell.errors
    assert list((tmp_path / "folder").iterdir()) == []


def test_what_is_frozen_in_one_home_runs_in_another_one(
    session: Callable[..., Any], links: dict[str, str], tmp_path: Path
) -> None:
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    here = session(folder=folder)
    here.run("%tooi run one args")
    frozen = here.run("%tooi freeze")
    assert frozen.status == "ok", frozen.errors
    [shown] = frozen.shown
    assert links["one"] in shown["text/plain"]
    assert "<table>" in shown["text/html"]
    assert [tool["name"] for tool in shown[LOCK]["tools"]] == ["one"]

    there = session(folder=folder, home=elsewhere)
    restored = there.run("%tooi restore")

    assert restored.status == "ok", restored.errors
    last = restored.shown[-1][RESTORATION]
    assert [tool["restoration"] for tool in last["tools"]] == ["made"]
    assert "[again]" in str(there.run("%tooi run one args again").shown)
    again = there.run("%tooi restore")
    assert [tool["restoration"] for tool in again.shown[-1][RESTORATION]["tools"]] == ["taken"]


def test_a_terminal_freezes_what_a_notebook_says(place: Any, made: None, tmp_path: Path) -> None:
    book = tmp_path / "book.ipynb"
    cells = ["%tooi run two args", "for i in range(2):\n    r = %tooi run one@1 args {i}", "1 +"]
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), book
    )

    tooi(place, "freeze", "--notebook", str(book))

    assert names(tmp_path / "tooi.lock.json") == ["two", "one"]
    metadata = nbformat.read(book, as_version=4).metadata
    assert [tool.name for tool in metadata.tooinstance_lock.tools] == ["two", "one"]


def test_a_session_adds_what_only_the_notebook_says(
    session: Callable[..., Any], tmp_path: Path
) -> None:
    kernel = session(folder=tmp_path / "folder")
    book = tmp_path / "folder" / "book.ipynb"
    cells = ["%tooi run one args", "%tooi run two args"]
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), book
    )
    kernel.run("%tooi run two args")

    cell = kernel.run("%tooi freeze --notebook book.ipynb pins.json")

    assert cell.status == "ok", cell.errors
    assert names(tmp_path / "folder" / "pins.json") == ["two", "one"]


@pytest.mark.parametrize(
    ("cell", "tools"),
    [
        ("%tooi run probe --timeout 1", ["probe"]),
        ("%tooi run --timeout 1 -i a.csv probe@2 x", ["probe@2"]),
        ("%%tooi run probe\n%tooi run other", ["probe"]),
        ("r = %tooi run pypi:csvkit x", ["pypi:csvkit"]),
        ("if True:\n    %tooi run inner\n%tooi run outer", ["inner", "outer"]),
        ("%tooi run \\\n  probe", ["probe"]),
        ("%tooi create https://example.org/ada/probe.git@v1 --name named", ["named"]),
        ("%tooi new https://example.org/ada/Probe.git@v1", ["probe"]),
        ("%tooi create", []),
        ("%tooi run 'two words'", ["two words"]),
        ("%tooi", []),
        ("%tooi runs --tool probe", []),
        ("%tooi run?", []),
        ("# %tooi run probe", []),
        ("text = '''\n%tooi run probe\n'''", []),
        ("%%bash\n%tooi run probe", []),
        ("def (:\n%tooi run probe", []),
        ("\0", []),
    ],
)
def test_the_lines_of_a_notebook_are_read_as_ipython_reads_them(
    cell: str, tools: list[str]
) -> None:
    assert [mention.tool for mention in mentions([cell])] == tools


def test_a_run_is_known_by_its_number_and_a_value_of_python_is_not_known() -> None:
    assert mentions(["%tooi rerun 4 --freq"]) == [Mention(line="rerun 4 --freq", run=4)]
    for line in ("run {name}", "rerun {r.number}", "run 'open", "create {link}", "run $name"):
        [found] = mentions([f"%tooi {line}"])
        assert found.trouble, line
        assert not found.tool
