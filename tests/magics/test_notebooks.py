"""What outlives a kernel, and what other programs than Lab see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pexpect
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

LOAD = "%load_ext tooinstance_jupyter"


def test_a_run_survives_the_death_of_its_kernel(place: Any) -> None:
    first = place.kernel()
    try:
        first.run(LOAD)
        made = first.run(f"%tooi create {place.probe} --name survivor")
        assert made.status == "ok", made.errors
        message_id = first.start("%tooi run survivor slow")
        first.follow(message_id, lambda cell: any("line 1" in str(shown) for shown in cell.shown))
        os.kill(first.manager.provisioner.pid, signal.SIGKILL)
    finally:
        first.client.stop_channels()
        first.manager.shutdown_kernel(now=True)
    second = place.kernel()
    try:
        second.run(LOAD)
        second.run("[r] = get_ipython().run_line_magic('tooi', 'runs --tool survivor')")
        cell = second.run("%tooi logs -f {r.number}")
        assert cell.stdout == "".join(f"line {i}\n" for i in range(1, 6))
        second.run("r = %tooi run-show {r.number}")
        assert second.ask("(r.status.value, r.exit_code)") == "('succeeded', 0)"
    finally:
        second.client.stop_channels()
        second.manager.shutdown_kernel(now=True)


@pytest.fixture
def at_home(place: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TOOINSTANCE_HOME", str(place.home))
    return place


def notebook(*cells: str) -> Any:
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(source) for source in (LOAD, *cells)]
    return made


def test_a_notebook_executed_without_a_browser_keeps_the_final_display(at_home: Any) -> None:
    made = notebook(
        f"%tooi create {at_home.probe} --name clienttool",
        "r = %tooi run clienttool slow",
        "%tooi run clienttool both",
    )
    NotebookClient(made, timeout=60).execute()
    for cell in made.cells[2:]:
        [output] = cell.outputs
        assert "text/html" in output.data
        assert "application/vnd.tooinstance.run.v1+json" in output.data
    assert "line 5" in made.cells[2].outputs[0].data["text/plain"]
    nbformat.validate(made)


def test_an_error_stops_the_execution_of_a_notebook(at_home: Any) -> None:
    with pytest.raises(CellExecutionError, match="no tool"):
        NotebookClient(notebook("%tooi run nosuchtool", "1"), timeout=60).execute()


def test_nbconvert_executes(at_home: Any, tmp_path: Path) -> None:
    path = tmp_path / "book.ipynb"
    nbformat.write(
        notebook(f"%tooi create {at_home.probe} --name convtool", "%tooi run convtool both"), path
    )
    subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", str(path)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    assert "convtool" in path.with_suffix(".html").read_text()


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'tooinstance_jupyter')\n"
        "heavy = {'sqlalchemy', 'alembic', 'repo2docker', 'httpx', 'pydantic', 'jupyter_server',"
        " 'tooinstance_jupyter.client', 'tooinstance_jupyter.commands',"
        " 'tooinstance_jupyter.display'} & set(sys.modules)\n"
        "print(heavy or 'light')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "light\n"


def test_a_terminal_shows_output_as_it_comes_and_harmless(at_home: Any) -> None:
    shell = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=nocolor"],
        env={**os.environ, "TERM": "dumb"},
        cwd=str(at_home.folder),
        encoding="utf-8",
        timeout=60,
    )
    try:
        shell.expect(r"In \[1\]: ")
        for number, line in enumerate(
            (LOAD, f"%tooi create {at_home.probe} --name termtool"), start=2
        ):
            shell.sendline(line)
            shell.expect(rf"In \[{number}\]: ")
        shell.sendline("%tooi run termtool slow")
        for index in range(1, 6):
            shell.expect(f"line {index}\r\n")
        shell.expect(r"Run \d+ of \S+termtool: Done")
        shell.expect(r"In \[4\]: ")
        assert "Out[" not in shell.before
        assert "line 1" not in shell.before
        shell.sendline("%tooi run termtool escape")
        shell.expect(r"In \[5\]: ")
        assert "\x1b]0;" not in shell.before
        assert "\u241b]0;owned" in shell.before
        shell.sendline("%tooi run -o r termtool wait")
        shell.expect("begun\r\n")
        shell.sendintr()
        shell.expect("Cancelled")
        shell.expect(r"In \[6\]: ")
        shell.sendline("r.status.value")
        shell.expect("'cancelled'")
    finally:
        shell.close(force=True)
