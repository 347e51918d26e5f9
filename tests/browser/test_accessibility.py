"""Whether people who see, point or read otherwise can use each view; axe is who judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.servers import Server

AXE = Path(__file__).parents[2] / "labextension/node_modules/axe-core/axe.min.js"
JUDGE = """
async () => {
  const found = await axe.run({include: [['.jp-TooInstance-panel'], ['.jp-TooInstance']]});
  return found.violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .flatMap(({id, nodes}) => nodes.map(({html, any}) =>
      `${id}: ${html.slice(0, 200)} ${any.map(({message}) => message).join(' ')}`));
}
"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_view_keeps_anybody_out(
    server: Server, open_lab: Any, visit: Any, tool: str, theme: str
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in labextension")
    number = visit(server).run(
        tool, "\x1b[31mred\x1b[0m", "--error", "a warning", "--file", "a.csv", "--file", "b.txt"
    )
    lab = open_lab(server)
    lab.use_theme(theme)
    lab.page.evaluate(AXE.read_text())
    found: dict[str, list[str]] = {}

    def judge(view: str) -> None:
        for wrong in lab.page.evaluate(JUDGE):
            found.setdefault(wrong, []).append(view)

    panel = lab.show_panel()
    panel.get_by_test_id("tooi-tool-row").get_by_role("button", expanded=False).first.click()
    card = panel.get_by_test_id("tooi-tool-card")
    expect(card.get_by_test_id("tooi-run-row").first).to_be_visible()
    panel.locator(".jp-AccordionPanel-title", has_text="How to use").click()
    judge("panel")

    lab.execute("tooinstance:create")
    lab.by("tooi-create-more").click()
    lab.by("tooi-create-source").fill("no link at all")
    lab.by("tooi-create-submit").click()
    expect(lab.by("tooi-create").get_by_test_id("tooi-problem")).to_be_visible()
    judge("create form")

    lab.execute("tooinstance:open-tool", tool=tool)
    expect(lab.by("tooi-tool-run")).to_be_enabled()
    lab.by("tooi-version-log").click()
    judge("tool")

    form = lab.show_form(tool)
    form.get_by_test_id("tooi-form-line").fill("'never closed")
    form.get_by_test_id("tooi-form-more").click()
    form.get_by_test_id("tooi-form-secret-add").click()
    expect(form.get_by_test_id("tooi-problem")).to_be_visible()
    judge("run form")

    view = lab.show_run(number)
    view.get_by_test_id("tooi-log-find").first.click()
    view.get_by_test_id("tooi-run-share").click()
    expect(view.get_by_test_id("tooi-run-sharing")).to_be_visible()
    judge("output")
    for tab in ("stderr", "files"):
        view.get_by_test_id(f"tooi-tab-{tab}").click()
        judge(tab)
    assert found == {}
