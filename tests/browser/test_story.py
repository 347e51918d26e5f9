"""The whole story by clicks: a link, a tool, runs of it, and its end."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.servers import Server

# its build lasts long enough to be looked at
SLOW = """
import sys, time
if "--help" in sys.argv:
    time.sleep(1)
"""


def test_a_link_becomes_a_tool_that_is_run_and_leaves_files(
    server: Server, open_lab: Any, script_tool: Any, probe_text: str, gate: Any
) -> None:
    lab = open_lab(server)
    panel = lab.show_panel()
    lab.by("tooi-first-tool").click()
    lab.by("tooi-create-source").fill(str(script_tool(SLOW + probe_text)))
    lab.by("tooi-create-submit").click()

    expect(lab.by("tooi-build-step")).to_contain_text("of")
    expect(lab.by("tooi-build-log")).not_to_be_empty()
    run = lab.by("tooi-tool-run")
    expect(run).to_be_enabled()
    expect(lab.by("tooi-build-step")).to_be_hidden()
    expect(panel.get_by_test_id("tooi-tool-row")).to_contain_text("probe")
    run.click()

    lab.by("tooi-option-file").fill("a.txt")
    lab.by("tooi-option-words").fill("hello")
    line = lab.by("tooi-form-line")
    expect(line).to_have_value("--file a.txt hello")
    line.fill(f"--gate {gate.port} --file a.txt hello --file b.txt")
    expect(lab.by("tooi-option-gate")).to_have_value(gate.port)
    lab.by("tooi-form-run").click()

    log = lab.by("tooi-log-stdout").get_by_role("log")
    expect(log).to_have_text("hello")
    expect(lab.by("tooi-run-facts")).to_contain_text("running")
    row = panel.get_by_test_id("tooi-run-row")
    expect(row.get_by_role("img", name="running")).to_be_visible()
    gate.open()
    expect(log).to_have_js_property("textContent", "hello\nbehind the gate\n")
    expect(row.get_by_role("img", name="succeeded")).to_be_visible()

    lab.by("tooi-tab-files").click()
    lab.by("tooi-file").filter(has_text="b.txt").click()
    expect(lab.by("tooi-file-text")).to_have_text("of b.txt")
    with lab.page.expect_download() as one:
        lab.by("tooi-file-download").click()
    assert one.value.suggested_filename == "b.txt"
    assert Path(one.value.path()).read_text() == "of b.txt\n"
    with lab.page.expect_download() as everything:
        lab.by("tooi-files-download").click()
    with zipfile.ZipFile(everything.value.path()) as archive:
        found = {name.rsplit("/", 1)[-1]: archive.read(name) for name in archive.namelist()}
    assert found["a.txt"] == b"of a.txt\n"
    assert found["b.txt"] == b"of b.txt\n"


def test_a_tool_is_described_renamed_and_built_again(
    server: Server, open_lab: Any, visit: Any, script_tool: Any
) -> None:
    tool = visit(server).make_tool(script_tool(name="before"))
    lab = open_lab(server)
    panel = lab.show_panel()
    row = panel.locator(f'[data-tool="{tool}"]')
    row.get_by_role("button", expanded=False).first.click()
    lab.by("tooi-card-open").click()
    page = lab.by("tooi-tool")

    page.get_by_test_id("tooi-tool-describe").click()
    page.get_by_test_id("tooi-tool-description").fill("Does what it says.")
    page.get_by_test_id("tooi-tool-description-save").click()
    expect(page.get_by_text("Does what it says.")).to_be_visible()

    page.get_by_test_id("tooi-tool-name").fill("after")
    page.get_by_test_id("tooi-tool-settings-save").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("after")
    owner = tool.split("/")[0]
    renamed = panel.locator(f'[data-testid="tooi-tool-row"][data-tool="{owner}/after"]')
    expect(renamed).to_contain_text("Does what it says.")
    expect(row).to_have_count(0)

    page.get_by_test_id("tooi-tool-rebuild").click()
    versions = page.get_by_test_id("tooi-version")
    expect(versions).to_have_count(2)
    expect(versions.first).to_contain_text("Version 2")
    expect(versions.first).to_contain_text("in use")
    versions.first.get_by_test_id("tooi-version-log").click()
    expect(page.get_by_test_id("tooi-build-log")).not_to_contain_text("Nothing has been written")


def test_a_tool_is_deleted_only_once_that_is_confirmed_and_its_runs_stay(
    server: Server, open_lab: Any, visit: Any, script_tool: Any
) -> None:
    person = visit(server)
    tool = person.make_tool(script_tool(name="doomed"))
    number = person.run(tool, "outlives it")
    lab = open_lab(server)
    for draft in ({}, {"line": "again", "of": number}):
        lab.execute("tooinstance:run", tool=tool, draft=draft)
    forms = lab.page.locator(".lm-TabBar-tabLabel", has_text="Run doomed")
    expect(forms).to_have_text(["Run doomed", f"Run doomed like #{number}"])
    row = lab.show_panel().locator(f'[data-testid="tooi-tool-row"][data-tool="{tool}"]')
    for answer in ("Cancel", "Delete"):
        expect(row).to_be_visible()
        row.get_by_test_id("tooi-tool-row-menu").click()
        lab.page.get_by_role("menuitem", name="Delete Tool").click()
        lab.page.get_by_role("dialog").get_by_role("button", name=answer).click()
    expect(row).to_have_count(0)
    expect(forms).to_have_count(0)
    for _ in range(2):
        view = lab.show_run(number)
        title = lab.page.locator(".lm-TabBar-tabLabel", has_text=f"doomed #{number}")
        expect(title).to_be_visible()
    expect(view.get_by_test_id("tooi-log-stdout").get_by_role("log")).to_have_text("outlives it")


def test_another_command_of_a_source_becomes_a_tool_of_its_own(
    server: Server, open_lab: Any, visit: Any, script_tool: Any
) -> None:
    folder = script_tool(name="first")
    (folder / "second").write_text("#!/bin/sh\necho the second one\n")
    (folder / "second").chmod(0o755)
    person = visit(server)
    tool = person.make_tool(folder, entry_point="first")
    lab = open_lab(server)
    lab.execute("tooinstance:open-tool", tool=tool)
    lab.by("tooi-tool-other-command").get_by_text("second").click()
    expect(lab.by("tooi-create-name")).to_have_value("second")
    lab.by("tooi-create-submit").click()
    second = f"{tool.rpartition('/')[0]}/second"
    page = lab.page.locator(".jp-TooInstance-summary").filter(has_text="second", visible=True)
    expect(page.get_by_test_id("tooi-tool-run")).to_be_enabled()
    view = lab.show_run(person.run(second))
    expect(view.get_by_test_id("tooi-log-stdout").get_by_role("log")).to_have_text("the second one")


def test_a_build_that_fails_says_why_and_is_mended(
    server: Server, open_lab: Any, script_tool: Any
) -> None:
    lab = open_lab(server)
    lab.execute("tooinstance:create", source=str(script_tool(name="broken")))
    lab.by("tooi-create-more").click()
    lab.by("tooi-create-entry-point").fill("no-such-program")
    lab.by("tooi-create-submit").click()
    expect(lab.by("tooi-build-failure")).to_contain_text("no-such-program")
    expect(lab.by("tooi-tool-run")).to_be_disabled()
    lab.by("tooi-build-settings").click()
    lab.by("tooi-tool-entry-point").fill("broken")
    lab.by("tooi-tool-settings-save").click()
    lab.by("tooi-tool-settings-rebuild").click()
    expect(lab.by("tooi-tool-run")).to_be_enabled()
