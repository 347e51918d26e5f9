"""Whether all can be done without a pointer."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.servers import Server

MOST_TABS = 80
FOCUSED = "document.activeElement?.dataset?.testid"


def tab_to(lab: Any, test_id: str) -> None:
    """Press Tab until a control has the focus."""
    passed = []
    for _ in range(MOST_TABS):
        if lab.page.evaluate(FOCUSED) == test_id:
            return
        passed.append(lab.page.evaluate(FOCUSED))
        lab.page.keyboard.press("Tab")
    raise AssertionError(f"{test_id} is not reached by Tab, only {passed}")


def test_a_tool_is_made_and_run_by_keys_alone(
    server: Server, open_lab: Any, script_tool: Any
) -> None:
    lab = open_lab(server)
    keys = lab.page.keyboard
    keys.press("Control+Shift+Alt+N")
    expect(lab.by("tooi-create-source")).to_be_focused()
    keys.type(str(script_tool()))
    keys.press("Enter")
    expect(lab.by("tooi-tool-run")).to_be_enabled()
    tab_to(lab, "tooi-tool-run")
    keys.press("Enter")
    expect(lab.by("tooi-form-run")).to_be_enabled()
    tab_to(lab, "tooi-form-line")
    keys.type("typed --error wrong")
    keys.press("Control+Enter")
    expect(lab.by("tooi-log-stdout").get_by_role("log")).to_have_text("typed")
    tab_to(lab, "tooi-tab-stdout")
    keys.press("ArrowRight")
    expect(lab.by("tooi-tab-stderr")).to_be_focused()
    expect(lab.by("tooi-log-stderr").get_by_role("log")).to_have_text("wrong")


def test_the_lists_of_the_panel_are_walked_by_arrow_keys(
    server: Server, open_lab: Any, visit: Any, script_tool: Any
) -> None:
    person = visit(server)
    for name in ("one", "two", "three"):
        person.make_tool(script_tool("print('fine')", name=name))
    lab = open_lab(server)
    keys = lab.page.keyboard
    rows = lab.show_panel().get_by_test_id("tooi-tool-row")
    expect(rows.filter(has_text="three")).to_be_visible()
    rows.first.get_by_role("button").first.focus()
    keys.press("ArrowDown")
    expect(rows.nth(1).get_by_role("button").first).to_be_focused()
    keys.press("ArrowRight")
    expect(rows.nth(1).get_by_role("button").first).to_have_attribute("aria-expanded", "true")
    keys.press("ArrowLeft")
    expect(rows.nth(1).get_by_role("button").first).to_have_attribute("aria-expanded", "false")
    keys.press("Home")
    expect(rows.first.get_by_role("button").first).to_be_focused()
    tab_to(lab, "tooi-tool-row-menu")
    keys.press("Enter")
    expect(lab.page.get_by_role("menuitem", name="Open Tool")).to_be_visible()
    # the menu takes keys a moment after it is there
    expect(lab.page.locator(".lm-Menu")).to_be_focused()
    keys.press("ArrowDown")
    expect(lab.page.locator(".lm-Menu-item.lm-mod-active")).to_be_visible()
    keys.press("Enter")
    expect(lab.by("tooi-form").or_(lab.by("tooi-tool")).first).to_be_visible()
