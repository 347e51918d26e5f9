"""What the side panel promises, and where JupyterLab leads to it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.servers import Server

NARROW_PX = 180


def test_the_panel_has_a_section_for_each_scope(server: Server, open_lab: Any) -> None:
    panel = open_lab(server).show_panel()
    for title in ("My tools", "Shared with me", "Public", "Runs"):
        expect(panel.get_by_text(title, exact=True)).to_be_visible()


def test_launcher_menus_and_palette_lead_to_a_new_tool(server: Server, open_lab: Any) -> None:
    lab = open_lab(server)
    page = lab.page
    page.locator(".jp-LauncherCard", has_text="Tool from a Git Link").click()
    source = lab.by("tooi-create-source")
    expect(source).to_be_focused()

    page.get_by_role("menuitem", name="View", exact=True).click()
    expect(page.get_by_role("menuitem", name="Show Tools")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("New", exact=True).click()
    expect(page.get_by_role("menuitem", name="Tool from a Git Link")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    page.keyboard.press("Control+Shift+C")
    page.locator(".lm-CommandPalette-input").fill("show tools")
    page.locator(".lm-CommandPalette-item", has_text="Show Tools").click()
    expect(page.locator("#tooinstance-panel")).to_be_visible()


def test_the_settings_can_be_edited(server: Server, open_lab: Any) -> None:
    page = open_lab(server).page
    page.evaluate("void window.jupyterapp.commands.execute('settingeditor:open')")
    editor = page.locator(".jp-SettingsPanel, .jp-PluginList").first
    editor.wait_for()
    page.locator(".jp-PluginList-entry", has_text="TooInstance").click()
    expect(page.get_by_text("Follow output", exact=True)).to_be_visible()
    expect(page.get_by_text("Notify", exact=True)).to_be_visible()


def test_a_search_finds_tools_and_runs_in_all_sections(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    tool = me.make_tool(script_tool(name="haystack"), description="where needles are")
    me.make_tool(script_tool(name="else"))
    number = me.run(tool, "sought-after")
    me.run(tool, "not")
    lab = open_lab(server)
    panel = lab.show_panel()
    tools, runs = panel.get_by_test_id("tooi-tool-row"), panel.get_by_test_id("tooi-run-row")
    expect(tools.filter(has_text="else")).to_be_visible()
    lab.by("tooi-search").fill("needles")
    expect(tools).to_have_count(1)
    expect(tools).to_contain_text("haystack")
    lab.by("tooi-search").fill("sought-after")
    expect(runs).to_have_count(1)
    expect(runs).to_have_attribute("data-number", str(number))
    lab.by("tooi-search").press("Escape")
    expect(tools.filter(has_text="else")).to_be_visible()


def test_a_long_history_is_read_as_one_scrolls(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    tool = me.make_tool(script_tool("print('fine')", name="often"))
    numbers = [me.start(tool, str(number)) for number in range(70)]
    lab = open_lab(server)
    panel = lab.show_panel()
    first = panel.locator(f'[data-testid="tooi-run-row"][data-number="{numbers[0]}"]')
    newest = panel.locator(f'[data-testid="tooi-run-row"][data-number="{numbers[-1]}"]')
    expect(newest).to_be_visible()
    expect(first).to_have_count(0)
    # the row that the keys go on from, even where JupyterLab's launcher has just taken the focus
    current = panel.locator('[data-testid="tooi-run-row"][tabindex="0"]')
    for _ in range(1000):
        current.press("PageDown")
        if first.count():
            break
    expect(first).to_be_visible()
    current.press("PageUp")
    expect(current).to_be_focused()
    drawn = panel.get_by_test_id("tooi-run-row").count()
    assert drawn < 60, f"{drawn} rows are drawn, though so many are not seen"


def test_a_list_that_was_read_again_while_one_scrolled_is_read_on(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    tool = me.make_tool(script_tool("print('fine')", name="scrolled"))
    for number in range(84):
        me.start(tool, str(number))
    newest = me.run(tool, "last")
    lab = open_lab(server)
    panel = lab.show_panel()
    lab.by("tooi-search").fill("scrolled")
    rows = panel.get_by_test_id("tooi-run-row")
    expect(rows.first).to_have_attribute("data-number", str(newest))
    slow = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
    network = lab.page.context.new_cdp_session(lab.page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", slow)
    runs = panel.locator("#tooinstance-runs .jp-TooInstance-list")
    with lab.page.expect_request("**/tooinstance/api/runs?*"):
        lab.by("tooi-refresh-runs").click()
    runs.evaluate("list => { list.scrollTop = list.scrollHeight; }")
    expect(runs.get_by_role("listitem").first).to_have_attribute("aria-setsize", "85")


def test_a_panel_that_is_moved_to_the_other_side_has_each_section_once(
    server: Server, open_lab: Any
) -> None:
    lab = open_lab(server)
    titles = lab.show_panel().locator(".jp-AccordionPanel-title")
    expect(titles).to_have_count(5)
    lab.page.evaluate(
        """() => {
          const { shell } = window.jupyterapp;
          const panel = [...shell.widgets('left')].find(one => one.id === 'tooinstance-panel');
          shell.move(panel, 'right');
          shell.activateById('tooinstance-panel');
        }"""
    )
    expect(lab.by("tooi-search")).to_be_visible()
    lab.page.wait_for_timeout(500)
    expect(titles).to_have_count(5)


def test_a_narrow_panel_cuts_nothing_off(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    name = "a-tool-with-a-very-long-name-that-fits-nowhere"
    tool = me.make_tool(script_tool(name=name), description="A description " + "of words " * 20)
    me.run(tool, "an-argument-without-any-blank-" * 5)
    lab = open_lab(server)
    panel = lab.show_panel()
    panel.get_by_test_id("tooi-tool-row").first.get_by_role("button").first.click()
    expect(panel.get_by_test_id("tooi-tool-card")).to_be_visible()
    for title in ("Shared with me", "Public", "How to use"):
        panel.locator(".jp-AccordionPanel-title", has_text=title).click()
    # JupyterLab's own handle stops at 250 px
    lab.page.evaluate(
        """width => {
            const panels = [...window.jupyterapp.shell.widgets('left')];
            const panel = panels.find(each => each.id === 'tooinstance-panel');
            Object.assign(panel.node.style, { minWidth: 0, maxWidth: `${width}px` });
            panel.processMessage({ type: 'resize', width, height: panel.node.clientHeight });
        }""",
        NARROW_PX,
    )
    assert panel.evaluate("panel => panel.clientWidth") <= NARROW_PX
    too_wide = lab.page.evaluate(
        """() => [...document.querySelectorAll('#tooinstance-panel, #tooinstance-panel *')]
            .filter(each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
            .filter(each => !['hidden', 'clip'].includes(getComputedStyle(each).overflowX))
            .filter(each => getComputedStyle(each).display !== 'inline')
            .map(each => `${each.tagName} ${each.className}: ${each.scrollWidth}`)"""
    )
    assert too_wide == []
