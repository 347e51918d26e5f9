"""What one user sees of what others share, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import expect

from tests.servers import Server

USERS = {"token-of-ada": {"name": "ada"}, "token-of-grace": {"name": "grace"}}


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server]) -> Server:
    return start_server(users=USERS, local_sources=True, lab=True)


@pytest.fixture
def ada(server: Server, visit: Any) -> Any:
    return visit(server, "token-of-ada")


def section(lab: Any, title: str) -> Any:
    """Open a section of the side panel; return its place."""
    panel = lab.show_panel()
    heading = panel.locator(".jp-AccordionPanel-title", has_text=title)
    if heading.get_attribute("aria-expanded") != "true":
        heading.click()
    return panel.get_by_role("region", name=title)


def test_a_tool_is_shared_run_by_another_made_public_and_taken_back(
    server: Server, open_lab: Any, ada: Any, script_tool: Any
) -> None:
    tool = ada.make_tool(script_tool(name="common"))
    mine = open_lab(server, token="token-of-ada")
    theirs = open_lab(server, token="token-of-grace")
    theirs.show_panel()
    shared, public = section(theirs, "Shared with me"), section(theirs, "Public")
    expect(shared).to_contain_text("Nothing yet")

    mine.execute("tooinstance:share-tool", tool=tool)
    page = mine.by("tooi-tool-access")
    expect(page.get_by_test_id("tooi-access-input")).to_be_focused()
    mine.page.keyboard.type("grac")
    page.get_by_test_id("tooi-access-option").filter(has_text="grace").click()
    page.get_by_test_id("tooi-tool-access-save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")

    row = shared.get_by_test_id("tooi-tool-row")
    expect(row).to_contain_text("ada")
    row.hover()
    row.get_by_test_id("tooi-tool-row-run").click()
    theirs.by("tooi-form-line").fill("of grace")
    theirs.by("tooi-form-run").click()
    expect(theirs.by("tooi-log-stdout").get_by_role("log")).to_have_text("of grace")
    expect(mine.show_panel().get_by_test_id("tooi-run-row")).to_have_count(0)

    theirs.execute("tooinstance:open-tool", tool=tool)
    expect(theirs.by("tooi-tool")).to_contain_text("common")
    for test_id in ("tooi-tool-settings", "tooi-tool-access", "tooi-tool-delete"):
        expect(theirs.by(test_id)).to_have_count(0)

    page.get_by_test_id("tooi-tool-visibility-public").check()
    page.get_by_test_id("tooi-tool-access-save").click()
    expect(public.get_by_test_id("tooi-tool-row")).to_contain_text("common")

    page.get_by_test_id("tooi-tool-visibility-private").check()
    page.get_by_test_id("tooi-access-remove").click()
    page.get_by_test_id("tooi-tool-access-save").click()
    expect(public.get_by_test_id("tooi-tool-row")).to_have_count(0)
    expect(shared.get_by_test_id("tooi-tool-row")).to_have_count(0)
    expect(theirs.by("tooi-tool-gone")).to_be_visible()


def test_a_name_that_nobody_here_has_is_told_before_it_is_trusted(
    server: Server, open_lab: Any, ada: Any, script_tool: Any
) -> None:
    tool = ada.make_tool(script_tool(name="shared-by-mistake"))
    lab = open_lab(server, token="token-of-ada")
    lab.execute("tooinstance:share-tool", tool=tool)
    field, unknown = lab.by("tooi-access-input"), lab.by("tooi-access-unknown")
    field.fill("grcae, group:lab")
    field.press("Enter")
    expect(unknown).to_contain_text("grcae")
    expect(unknown).not_to_contain_text("group:lab")
    expect(lab.by("tooi-tool-access").get_by_text("Not saved yet.")).to_be_visible()


def test_a_run_is_shared_with_another_who_sees_it_at_once_and_cannot_change_it(
    server: Server, open_lab: Any, ada: Any, script_tool: Any
) -> None:
    number = ada.run(ada.make_tool(script_tool(name="kept")), "for grace")
    theirs = open_lab(server, token="token-of-grace")
    row = theirs.show_panel().locator(f'[data-testid="tooi-run-row"][data-number="{number}"]')
    theirs.execute("tooinstance:open-run", number=number)
    expect(theirs.by("tooi-run-gone")).to_be_visible()
    expect(row).to_have_count(0)

    mine = open_lab(server, token="token-of-ada")
    view = mine.show_run(number)
    view.get_by_test_id("tooi-run-share").click()
    view.get_by_test_id("tooi-access-input").fill("grace")
    view.get_by_test_id("tooi-access-input").press("Enter")

    row.click()
    shown = theirs.page.locator(f'[id="tooinstance-run:{number}"]')
    expect(shown.get_by_test_id("tooi-log-stdout").get_by_role("log")).to_have_text("for grace")
    expect(shown.get_by_test_id("tooi-run-facts")).to_contain_text("shared with you by ada")
    for test_id in ("tooi-run-cancel", "tooi-run-share", "tooi-run-delete", "tooi-run-label"):
        expect(shown.get_by_test_id(test_id)).to_have_count(0)


def test_a_saved_run_offers_to_run_again_or_says_whom_to_ask(
    server: Server, open_lab: Any, ada: Any, script_tool: Any
) -> None:
    tool = ada.make_tool(script_tool(name="reported"))
    run = ada.ask("GET", f"runs/{ada.run(tool, 'two words')}")
    bundle = {
        "text/plain": "two words",
        "text/html": "<pre>two words</pre>",
        "application/vnd.tooinstance.run.v1+json": run,
    }
    output = v4.new_output("display_data", data=bundle)
    cell = v4.new_code_cell("%tooi run reported 'two words'", outputs=[output])
    saved = server.folder / "root" / "report.ipynb"
    metadata = {"kernelspec": {"display_name": "Python 3", "name": "python3"}}
    saved.write_text(nbformat.writes(v4.new_notebook(cells=[cell], metadata=metadata)))

    theirs = open_lab(server, token="token-of-grace")
    theirs.execute("docmanager:open", path="report.ipynb")
    expect(theirs.page.locator(".jp-OutputArea-output")).to_contain_text("two words")
    expect(theirs.by("tooi-display-ask")).to_contain_text("ask ada")

    ada.ask("PATCH", f"tools/{tool}", json={"access": ["grace"]})
    theirs.by("tooi-display-run-again").click()
    expect(theirs.by("tooi-form-line")).to_have_value("'two words'")
    theirs.by("tooi-form-run").click()
    expect(theirs.by("tooi-log-stdout").get_by_role("log")).to_have_text("two words")
