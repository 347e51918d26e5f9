"""Half-filled forms and fields: nothing is lost, and nothing sent, without being asked for."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.servers import Server


def answer(page: Page, label: str) -> None:
    """Answer the question whether what was filled in is discarded."""
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Discard what you filled in?")
    dialog.get_by_role("button", name=label).click()
    expect(dialog).to_have_count(0)


def test_a_second_edit_and_run_asks_before_it_replaces_what_is_filled_in(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    number = me.run(tool, "first")
    lab = open_lab(server)
    form = lab.by("tooi-form")
    edit = lab.show_run(number).get_by_test_id("tooi-run-edit")
    edit.click()
    line = form.get_by_test_id("tooi-form-line")
    expect(line).to_have_value("first")
    lab.show_run(number)
    edit.click()  # nothing is filled in yet
    expect(line).to_have_value("first")
    line.fill("half filled in")
    lab.show_run(number)
    edit.click()
    answer(lab.page, "Keep")
    expect(line).to_have_value("half filled in")
    lab.show_run(number)
    edit.click()
    answer(lab.page, "Discard")
    expect(line).to_have_value("first")


def test_a_form_that_is_filled_in_is_not_closed_without_asking(
    server: Server, open_lab: Any, tool: str
) -> None:
    lab = open_lab(server)
    page = lab.page
    form = lab.show_form(tool)
    form.get_by_test_id("tooi-form-more").click()
    form.get_by_test_id("tooi-form-label").fill("mine")
    tab = page.locator(".lm-TabBar-tab", has_text="Run probe")
    tab.locator(".lm-TabBar-tabCloseIcon").click()
    answer(page, "Keep")
    expect(form.get_by_test_id("tooi-form-label")).to_have_value("mine")
    # what was run is not lost
    with page.expect_response(re.compile("/runs$")):
        form.get_by_test_id("tooi-form-run").click()
    lab.by("tooi-run").wait_for()
    tab.first.click()
    tab.first.locator(".lm-TabBar-tabCloseIcon").click()
    expect(form).to_have_count(0)


def test_another_link_asks_before_it_replaces_the_one_that_is_typed(
    server: Server, open_lab: Any
) -> None:
    lab = open_lab(server)
    lab.execute("tooinstance:create", source="https://example.org/one")
    source = lab.by("tooi-create-source")
    expect(source).to_have_value("https://example.org/one")
    lab.execute("tooinstance:create", source="https://example.org/two")
    answer(lab.page, "Keep")
    expect(source).to_have_value("https://example.org/one")
    lab.execute("tooinstance:create", source="https://example.org/two")
    answer(lab.page, "Discard")
    expect(source).to_have_value("https://example.org/two")


def test_a_half_typed_name_is_not_given_access_when_the_field_is_left(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    number = me.run(tool, "shared")
    lab = open_lab(server)
    view = lab.show_run(number)
    view.get_by_test_id("tooi-run-share").click()
    field = view.get_by_test_id("tooi-access-input")
    field.press_sequentially("gra")
    view.get_by_test_id("tooi-run-sharing").get_by_role("heading").first.click()
    expect(view.get_by_test_id("tooi-access-not-added")).to_contain_text("Not added: gra")
    expect(field).to_have_value("gra")
    assert me.ask("GET", f"runs/{number}")["access"] == []
    view.get_by_test_id("tooi-access-add").click()
    expect(view.locator(".jp-TooInstance-chip")).to_have_text("gra")
    expect(view.get_by_test_id("tooi-access-not-added")).to_have_count(0)
    lab.page.wait_for_function(
        "async ([url]) => (await (await fetch(url)).json()).access.length === 1",
        arg=[f"{server.api}/runs/{number}"],
    )


def test_a_label_is_saved_by_enter_or_its_button_only(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    number = me.run(tool, "labelled")
    lab = open_lab(server)
    view = lab.show_run(number)
    view.get_by_test_id("tooi-run-label").click()
    field = view.get_by_test_id("tooi-run-label-text")
    field.fill("half a la")
    view.get_by_test_id("tooi-log-stdout").click()
    expect(field).to_have_value("half a la")
    assert me.ask("GET", f"runs/{number}")["label"] == ""
    view.get_by_test_id("tooi-run-label-save").click()
    expect(view.get_by_test_id("tooi-run-label")).to_have_text("half a la")
