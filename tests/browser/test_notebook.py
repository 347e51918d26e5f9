"""What notebooks show of tools and runs, in JupyterLab and Notebook, with the server or without."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.servers import Server

ATTEMPTS = 10
WITHOUT = {"jupyterlab": True, "tooinstance_jupyter": False}


def execute_cell(page: Page) -> None:
    """Execute the first cell."""
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    notebook.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    cell = notebook.locator(".jp-CodeCell").first
    for _ in range(ATTEMPTS):
        cell.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        # what is executed just before the kernel is connected is lost
        with suppress(AssertionError):
            expect(cell.locator(".jp-InputPrompt")).not_to_have_text("[ ]:", timeout=5_000)
            return
    raise AssertionError("the cell is not executed")


def write_notebook(server: Server, name: str, line: str) -> None:
    """Write a notebook with one cell that loads the magics and has a line of them."""
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "only",
        "metadata": {},
        "outputs": [],
        "source": f"%load_ext tooinstance_jupyter\n{line}",
    }
    metadata = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
    notebook = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    (server.folder / "root" / name).write_text(json.dumps(notebook))


def shown_output(page: Page) -> Locator:
    return page.locator(".jp-NotebookPanel .jp-OutputArea-output")


def test_a_cell_that_runs_a_tool_is_put_into_a_notebook_and_shows_the_run(
    server: Server, open_lab: Any, tool: str, start_server: Callable[..., Server]
) -> None:
    lab = open_lab(server)
    page = lab.page
    form = lab.show_form(tool)
    form.get_by_test_id("tooi-form-line").fill("'two words' --error wrong")
    form.get_by_test_id("tooi-form-insert").click()
    page.get_by_role("dialog").get_by_role("button", name="New Notebook").click()
    cell = page.locator(".jp-NotebookPanel .jp-Cell.jp-mod-active .cm-content")
    expect(cell).to_contain_text("%load_ext tooinstance_jupyter")
    expect(cell).to_contain_text("%tooi run probe 'two words' --error wrong")
    execute_cell(page)
    expect(shown_output(page).first).to_contain_text("two words")
    open_run = lab.by("tooi-display-open-run")
    expect(open_run).to_be_visible()
    # what comes to its end after it is saved makes it another than the one that is saved
    expect(page.locator(".jp-InputPrompt").first).to_have_text("[1]:")
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    page.keyboard.press("Control+s")
    page.get_by_role("dialog").get_by_role("button", name="Rename and Save").click()
    expect(page.locator(".jp-Document.jp-mod-dirty, .jp-mod-dirty")).to_have_count(0)
    name = page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current").inner_text().strip()
    open_run.click()
    expect(lab.by("tooi-log-stdout").get_by_role("log")).to_have_text("two words")

    elsewhere = start_server(config={"ServerApp": {"jpserver_extensions": WITHOUT}}, lab=True)
    shutil.copy(server.folder / "root" / name, elsewhere.folder / "root" / "saved.ipynb")
    other = open_lab(elsewhere)
    other.execute("docmanager:open", path="saved.ipynb")
    expect(shown_output(other.page).first).to_contain_text("two words")
    expect(other.by("tooi-display-open-run")).to_have_count(0)


def test_notebook_7_shows_a_run_and_leads_to_it(server: Server, open_lab: Any, tool: str) -> None:
    write_notebook(server, "seven.ipynb", "%tooi run probe seven")
    lab = open_lab(server, notebook="seven.ipynb")
    page = lab.page
    execute_cell(page)
    expect(shown_output(page).first).to_contain_text("seven")
    lab.by("tooi-display-open-run").click()
    expect(lab.by("tooi-log-stdout").get_by_role("log")).to_have_text("seven")


def test_the_panel_of_widgets_lists_the_tools(server: Server, open_lab: Any, tool: str) -> None:
    write_notebook(server, "panel.ipynb", "%tooi panel")
    lab = open_lab(server)
    page = lab.page
    lab.execute("docmanager:open", path="panel.ipynb")
    execute_cell(page)
    panel = page.locator(".jp-NotebookPanel .jupyter-widgets").first
    expect(panel).to_be_visible()
    expect(shown_output(page).first).to_contain_text("probe")
