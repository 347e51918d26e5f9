"""What a page promises when it is loaded again, and when its server is away for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from tests.servers import Server

LINES = 300
WHOLE = "".join(f"line {number + 1}\n" for number in range(LINES)) + "behind the gate\n"


def copied(lab: Any, view: Locator) -> str:
    """Return the whole output, as its button copies it."""
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab.page.evaluate("navigator.clipboard.writeText('')")
    view.get_by_test_id("tooi-log-copy").first.click()
    lab.page.wait_for_function("async () => (await navigator.clipboard.readText()) !== ''")
    return str(lab.page.evaluate("navigator.clipboard.readText()"))


def status(view: Locator) -> Locator:
    return view.get_by_test_id("tooi-run-facts").get_by_role("status")


def test_a_reload_in_the_middle_of_a_run_loses_nothing(
    server: Server, open_lab: Any, visit: Any, tool: str, gate: Any
) -> None:
    lab = open_lab(server)
    number = visit(server).start(tool, "--lines", str(LINES), "--gate", gate.port)
    view = lab.show_run(number)
    last = view.locator(f'[data-line="{LINES - 1}"]').first
    expect(last).to_have_text(f"line {LINES}")

    lab.reload()
    lab.show_run(number)
    expect(last).to_have_text(f"line {LINES}")
    expect(status(view)).to_have_text("running")
    gate.open()
    expect(status(view)).to_have_text("succeeded")
    assert copied(lab, view).rstrip("\n") == WHOLE.rstrip("\n")


def test_a_reload_opens_again_what_was_open(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    number = me.run(tool, "hello")
    lab = open_lab(server)
    lab.show_panel()
    lab.execute("tooinstance:open-tool", tool=tool)
    expect(lab.by("tooi-tool")).to_be_visible()
    lab.show_form(tool)
    lab.show_run(number)
    # JupyterLab keeps its layout when it has not changed for a moment
    lab.wait_until_kept(f"tooinstance:run:{number}")
    lab.reload()
    expect(lab.page.locator("#tooinstance-panel")).to_be_visible()
    expect(lab.page.locator(f'[id="tooinstance-run:{number}"]')).to_contain_text("hello")
    for name in (f"tool:{tool}", f"form:{tool}", f"run:{number}"):
        expect(lab.page.locator(f'[id="tooinstance-{name}"]')).to_be_attached()


def test_a_server_that_is_killed_and_comes_back_is_found_again_with_all_output(
    start_server: Callable[..., Server], open_lab: Any, visit: Any, script_tool: Any, gate: Any
) -> None:
    server = start_server(lab=True)
    person = visit(server)
    tool = person.make_tool(script_tool())
    lab = open_lab(server)
    lab.show_panel()
    number = person.start(tool, "--lines", str(LINES), "--gate", gate.port)
    view = lab.show_run(number)
    expect(view.locator(f'[data-line="{LINES - 1}"]').first).to_have_text(f"line {LINES}")

    # JupyterLab says so too, over everything
    said = lab.page.get_by_role("dialog").get_by_role("button", name="Close")
    lab.page.add_locator_handler(said, lambda button: button.click())
    server.kill()
    expect(lab.by("tooi-reach")).to_have_attribute("data-reach", "lost")
    expect(lab.by("tooi-reach")).to_contain_text("out of reach")
    expect(view.get_by_test_id("tooi-run-lost")).to_be_visible()
    gate.open()

    port = int(server.url.rsplit(":", 1)[1].strip("/"))
    start_server(server.folder, port=port, lab=True)
    expect(lab.by("tooi-reach")).to_have_attribute("data-reach", "connected")
    expect(view.get_by_test_id("tooi-run-lost")).to_be_hidden()
    expect(status(view)).to_have_text("succeeded")
    assert copied(lab, view).rstrip("\n") == WHOLE.rstrip("\n")
    row = lab.page.locator(f'[data-testid="tooi-run-row"][data-number="{number}"]')
    expect(row.get_by_role("img", name="succeeded")).to_be_visible()


def test_where_the_server_lacks_the_extension_the_panel_says_what_to_do(
    start_server: Callable[..., Server], open_lab: Any
) -> None:
    extensions = {"jupyterlab": True, "tooinstance_jupyter": False}
    server = start_server(config={"ServerApp": {"jpserver_extensions": extensions}}, lab=True)
    lab = open_lab(server)
    lab.show_panel()
    expect(lab.by("tooi-reach")).to_have_attribute("data-reach", "absent")
    expect(lab.by("tooi-reach")).to_contain_text("pip install tooinstance-jupyter")


def test_what_draws_the_views_is_loaded_again_where_that_failed(
    server: Server, open_lab: Any, tool: str
) -> None:
    views = "**/tooinstance-jupyter/static/views.*"
    lab = open_lab(server)
    lab.page.route(views, lambda route: route.abort())
    lab.reload()
    panel = lab.show_panel()
    expect(panel.get_by_test_id("tooi-problem")).to_be_visible()
    lab.page.unroute(views)
    panel.get_by_test_id("tooi-load-again").click()
    expect(panel.get_by_test_id("tooi-tool-row").first).to_be_visible()


def test_a_panel_that_nobody_sees_reads_nothing(server: Server, open_lab: Any) -> None:
    lab = open_lab(server)
    asked: list[str] = []
    lab.page.on("request", lambda request: asked.append(request.url))
    with lab.page.expect_response("**/tooinstance-jupyter/static/views.*"):
        lab.reload()
    # whoever reads a list does so as soon as it is drawn
    lab.page.wait_for_timeout(1000)
    assert not [url for url in asked if "/api/tools" in url or "/api/runs" in url]
    lab.show_panel()
    with lab.page.expect_request("**/tooinstance/api/tools?*"):
        lab.by("tooi-refresh-mine").click()
