"""A run whose output is cut is nowhere shown as all good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.servers import Server

WORDS = "stdout cut at 1.0 kB of 4.4 kB"


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server]) -> Server:
    """A server that keeps little of each run."""
    return start_server(lab=True, config={"TooInstance": {"run_log_bytes": 1000}})


@pytest.fixture(scope="module")
def cut(me: Any, tool: str) -> int:
    """The number of a run with more output than that."""
    return int(me.run(tool, "--lines", "500"))


def test_the_header_of_a_run_says_what_is_cut_beside_its_state(
    server: Server, open_lab: Any, me: Any, tool: str, cut: int
) -> None:
    lab = open_lab(server)
    view = lab.show_run(cut)
    facts = view.get_by_test_id("tooi-run-facts")
    expect(facts.get_by_test_id("tooi-run-cut")).to_have_text(WORDS)
    expect(facts.get_by_role("status")).to_have_text(f"succeeded{WORDS}")
    expect(facts.locator("[data-status]")).to_have_attribute("data-mood", "cut")
    note = view.get_by_test_id("tooi-log-cut").first
    expect(note).to_contain_text("1.0 kB of 4.4 kB were kept")
    log = view.get_by_test_id("tooi-log-stdout")
    is_above = (
        "([note, log]) => note.getBoundingClientRect().bottom <= log.getBoundingClientRect().top"
    )
    assert lab.page.evaluate(is_above, [note.element_handle(), log.element_handle()])

    whole = lab.show_run(me.run(tool, "word"))
    expect(whole.locator("[data-status]")).to_have_attribute("data-mood", "good")
    expect(whole.get_by_test_id("tooi-run-cut")).to_have_count(0)


def test_a_row_of_a_list_marks_what_is_cut(
    server: Server, open_lab: Any, me: Any, tool: str, cut: int
) -> None:
    whole = me.run(tool, "word")
    panel = open_lab(server).show_panel()
    row = panel.locator(f'[data-testid="tooi-run-row"][data-number="{cut}"]')
    expect(row.get_by_test_id("tooi-run-cut")).to_have_text("cut")
    expect(row.get_by_test_id("tooi-run-cut")).to_have_attribute("title", WORDS)
    expect(row.locator("[data-status]")).to_have_attribute("data-mood", "cut")
    expect(row).to_contain_text(WORDS)
    other = panel.locator(f'[data-testid="tooi-run-row"][data-number="{whole}"]')
    expect(other.locator("[data-status]")).to_have_attribute("data-mood", "good")
    expect(other.get_by_test_id("tooi-run-cut")).to_have_count(0)


def test_a_preview_says_first_how_much_of_the_file_it_is(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    text = "open('raw.bin', 'wb').write(bytes(range(256)) * 100)\n"
    view = open_lab(server).show_run(me.run(me.make_tool(script_tool(text, "writer"))))
    expect(view.get_by_test_id("tooi-file-part")).to_have_text("The first 4.1 kB of 25.6 kB")


def test_the_page_of_a_link_says_what_is_cut(
    server: Server, browser: Any, me: Any, cut: int
) -> None:
    link = me.ask("POST", f"runs/{cut}/links", json={"expires_in_s": 3600})
    page = browser.new_page()
    try:
        page.goto(f"{server.url}tooinstance/shared/{link['token']}?token={server.token}")
        expect(page.locator(".tooi-head .tooi-alert")).to_have_text(WORDS)
        expect(page.get_by_role("link", name=WORDS, exact=True)).to_be_visible()
    finally:
        page.close()
