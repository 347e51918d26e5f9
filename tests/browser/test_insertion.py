"""Each way to put a cell into a notebook, and the cell run in the notebook's kernel."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.servers import Server

PATIENCE_S = 120
GIVEN = ("arguments", "variables", "secrets", "limits", "label", "version_id")


class Notebook:
    """A notebook in a folder of the server, whose kernel has loaded the magics."""

    def __init__(self, lab: Any, server: Server, me: Any, name: str) -> None:
        self.lab = lab
        self.page: Page = lab.page
        self._me = me
        self.folder = server.folder / "root" / "work"
        self.folder.mkdir(exist_ok=True)
        metadata = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
        empty = {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        (self.folder / name).write_text(json.dumps(empty))
        lab.execute("docmanager:open", path=f"work/{name}")
        self.panel = self.page.locator(".jp-NotebookPanel")
        self.panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()

    @property
    def source(self) -> Locator:
        """The active cell's text."""
        return self.panel.locator(".jp-Cell.jp-mod-active .cm-content")

    def run(self, *shown: str) -> dict[str, Any]:
        """Run all cells, the newest of which runs a tool; return what that was given."""
        before = self._newest()
        for text in shown:
            expect(self.source).to_contain_text(text)
        prompt = self.panel.locator(".jp-InputPrompt").last
        until = time.monotonic() + PATIENCE_S
        while prompt.inner_text().strip() == "[ ]:":
            assert time.monotonic() < until, "the cell is not executed"
            # what is executed just before the kernel is connected is lost
            self.lab.execute("notebook:run-all-cells")
            self.page.wait_for_timeout(2_000)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))
        number = self._newest()
        assert number > before, self.panel.inner_text()
        return self.given(number)

    def given(self, number: int) -> dict[str, Any]:
        """Return what a run was given."""
        run = self._me.ask("GET", f"runs/{number}")
        return {
            **{name: run[name] for name in GIVEN},
            "inputs": {one["path"]: one["sha256"] for one in run["inputs"]},
            "stdin": run["stdin"] and self._me.ask("GET", f"runs/{number}/stdin"),
        }

    def _newest(self) -> int:
        runs = self._me.ask("GET", "runs", params={"limit": 1})["items"]
        return int(runs[0]["number"]) if runs else 0


@pytest.fixture
def notebook(open_lab: Any, server: Server, me: Any, request: pytest.FixtureRequest) -> Notebook:
    return Notebook(open_lab(server), server, me, f"{request.node.name}.ipynb")


def with_input(me: Any, tool: str) -> int:
    """Return a run with a file, standard input, a variable and a limit."""
    asked = {
        "tool": tool,
        "arguments": ["two words", "{name}"],
        "variables": {"NOTE": "it's {name}"},
        "timeout_s": 90.5,
        "label": "before",
    }
    parts = [
        ("run", (None, json.dumps(asked))),
        ("input", ("a b.csv", b"1,2\n")),
        ("stdin", ("stdin", b"no newline")),
    ]
    number = int(me.ask("POST", "runs", files=parts)["number"])
    me.ask("GET", f"runs/{number}/events")
    return number


def test_a_tools_cell_runs_it(notebook: Notebook, tool: str) -> None:
    notebook.lab.execute("tooinstance:insert-into-notebook", tool=tool)
    assert notebook.run("%load_ext", "%tooi run probe")["arguments"] == []


def test_a_runs_cell_gives_the_same_run(notebook: Notebook, me: Any, tool: str) -> None:
    number = with_input(me, tool)
    view = notebook.lab.show_run(number)
    view.get_by_test_id("tooi-run-insert").click()
    assert notebook.run(f"--inputs-of {number}", "'two words'") == notebook.given(number)


def test_the_cell_of_edit_and_run_keeps_what_the_run_was_given(
    notebook: Notebook, me: Any, tool: str
) -> None:
    number = with_input(me, tool)
    page = notebook.page
    view = notebook.lab.show_run(number)
    # who types faster than the run is read loses nothing of it
    held: list[Route] = []
    asked = re.compile(rf"/api/runs/{number}(\?.*)?$")
    page.route(asked, lambda route: held.append(route))
    view.get_by_test_id("tooi-run-edit").click()
    form = notebook.lab.by("tooi-form")
    form.get_by_test_id("tooi-form-line").fill("other")
    form.get_by_test_id("tooi-form-insert").click()
    assert held
    for route in held:
        route.continue_()
    page.unroute(asked)
    expected = {**notebook.given(number), "arguments": ["other"]}
    assert notebook.run("other", f"--inputs-of {number}") == expected


def test_the_cell_of_a_form_reads_files_of_the_computer_from_beside_the_notebook(
    notebook: Notebook, me: Any, tool: str, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 10_000  # sent in several pieces
    (tmp_path / "--large.bin").write_bytes(content)
    (tmp_path / "in.txt").write_bytes(b"read me")
    (notebook.folder / "inputs").mkdir(exist_ok=True)
    (notebook.folder / "inputs" / "in.txt").write_bytes(b"another")
    page = notebook.page
    form = notebook.lab.show_form(tool)
    form.get_by_test_id("tooi-form-line").fill("é --lines 2")
    with page.expect_file_chooser() as chooser:
        form.get_by_test_id("tooi-form-upload").click()
    chooser.value.set_files(tmp_path / "--large.bin")
    form.get_by_test_id("tooi-form-more").click()
    with page.expect_file_chooser() as chooser:
        form.get_by_test_id("tooi-form-stdin-upload").click()
    chooser.value.set_files(tmp_path / "in.txt")
    form.get_by_test_id("tooi-form-timeout").fill("2m")
    form.get_by_test_id("tooi-form-insert").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("--large.bin, in.txt")
    dialog.get_by_role("button", name="Copy and Insert").click()
    found = notebook.run("-i inputs/--large.bin", "--stdin inputs-2/in.txt")
    assert (notebook.folder / "inputs" / "--large.bin").read_bytes() == content
    assert (notebook.folder / "inputs" / "in.txt").read_bytes() == b"another"
    notebook.lab.show_form(tool)
    with page.expect_response("**/runs") as started:
        form.get_by_test_id("tooi-form-run").click()
    number = started.value.json()["number"]
    me.ask("GET", f"runs/{number}/events")
    assert found == notebook.given(number)


def test_a_form_whose_files_were_lost_in_a_reload_says_so(
    notebook: Notebook, tool: str, tmp_path: Path
) -> None:
    (tmp_path / "lost.csv").write_bytes(b"1\n")
    page, lab = notebook.page, notebook.lab
    form = lab.show_form(tool)
    with page.expect_file_chooser() as chooser:
        form.get_by_test_id("tooi-form-upload").click()
    chooser.value.set_files(tmp_path / "lost.csv")
    expect(form.get_by_test_id("tooi-form-files")).to_contain_text("lost.csv")
    lab.wait_until_kept(f"form:{tool}")
    lab.reload()
    form = lab.by("tooi-form")
    expect(form.get_by_test_id("tooi-form-missing")).to_contain_text("lost.csv")
    form.get_by_test_id("tooi-form-insert").click()
    expect(form).to_contain_text("not here any more after the reload: lost.csv")
    form.get_by_test_id("tooi-form-missing-remove").click()
    form.get_by_test_id("tooi-form-insert").click()
    assert notebook.run("%tooi run probe")["inputs"] == {}
