"""What the view of a run promises: its output as it comes, and what can be done with it."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect

from tests.servers import Server


def output(view: Locator, name: str = "stdout") -> Locator:
    return view.get_by_test_id(f"tooi-log-{name}").get_by_role("log", include_hidden=True)


def status(view: Locator) -> Locator:
    return view.get_by_test_id("tooi-run-facts").get_by_role("status")


def test_output_is_shown_while_the_run_goes_on(
    server: Server, open_lab: Any, me: Any, tool: str, gate: Any
) -> None:
    number = me.start(tool, "first", "--gate", gate.port)
    view = open_lab(server).show_run(number)
    expect(output(view)).to_have_text("first")
    expect(status(view)).to_have_text("running")
    gate.open()
    expect(output(view)).to_have_js_property("textContent", "first\nbehind the gate\n")
    expect(status(view)).to_have_text("succeeded")


def test_a_run_can_be_cancelled(
    server: Server, open_lab: Any, me: Any, tool: str, gate: Any
) -> None:
    view = open_lab(server).show_run(me.start(tool, "kept", "--gate", gate.port))
    expect(output(view)).to_have_text("kept")
    view.get_by_test_id("tooi-run-cancel").click()
    expect(status(view)).to_have_text("cancelled")
    expect(output(view)).to_have_text("kept")
    expect(view.get_by_test_id("tooi-run-cancel")).to_be_hidden()


def test_what_failed_says_its_exit_code_and_shows_its_errors_first(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    view = open_lab(server).show_run(me.run(tool, "--error", "went wrong", "--code", "3"))
    expect(status(view)).to_have_text("failed")
    expect(view.get_by_test_id("tooi-run-facts")).to_contain_text("exit code 3")
    expect(view.get_by_test_id("tooi-tab-stderr")).to_have_attribute("aria-selected", "true")
    expect(output(view, "stderr")).to_be_visible()
    expect(output(view, "stderr")).to_have_text("went wrong")


def test_the_two_streams_are_apart_and_errors_are_not_missed(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    view = open_lab(server).show_run(me.run(tool, "of stdout", "--error", "of stderr"))
    expect(output(view)).to_have_text("of stdout")
    peek = view.get_by_test_id("tooi-peek")
    expect(peek).to_contain_text("of stderr")
    peek.click()
    expect(output(view, "stderr")).to_have_text("of stderr")
    expect(output(view)).to_be_hidden()


def test_a_run_is_run_again_as_it_is_or_with_other_arguments(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    lab = open_lab(server)
    number = me.run(tool, "it's", "--loud")
    lab.show_run(number).get_by_test_id("tooi-run-rerun").click()
    again = lab.page.locator(f'[id="tooinstance-run:{number + 1}"]')
    expect(output(again)).to_have_text("IT'S")

    again.get_by_test_id("tooi-run-edit").click()
    line = lab.by("tooi-form-line")
    expect(line).to_have_value(re.compile("it.*s.* --loud"))
    line.fill("other")
    lab.by("tooi-form-run").click()
    other = lab.page.locator(f'[id="tooinstance-run:{number + 2}"]')
    expect(output(other)).to_have_text("other")


def test_long_lines_are_broken_until_one_wants_otherwise_which_is_kept(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    first, second = me.run(tool, "one"), me.run(tool, "two")
    lab = open_lab(server)
    view = lab.show_run(first)
    expect(view.get_by_test_id("tooi-log-stdout")).to_have_attribute("data-wraps", "true")
    view.get_by_test_id("tooi-log-wrap").first.click()
    for _ in range(2):
        log = lab.show_run(second).get_by_test_id("tooi-log-stdout")
        expect(log).to_have_attribute("data-wraps", "false")
        expect(log.get_by_role("log")).to_have_text("two")
        lab.reload()
    lab.show_run(second).get_by_test_id("tooi-log-wrap").first.click()
    expect(log).to_have_attribute("data-wraps", "true")


def test_words_are_found_in_all_of_a_long_output(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    lab = open_lab(server)
    view = lab.show_run(me.run(tool, "--lines", "50000"))
    scroller = view.get_by_test_id("tooi-log-stdout")
    expect(scroller.locator('[data-line="0"]')).to_have_text("line 1")
    scroller.click()
    scroller.press("Control+f")
    view.get_by_test_id("tooi-find-text").fill("line 4321")
    count = view.get_by_test_id("tooi-find-count")
    expect(count).to_have_text("1 of 11")
    expect(scroller.locator('[data-line="4320"] mark')).to_have_text("line 4321")
    view.get_by_test_id("tooi-find-text").press("Enter")
    expect(count).to_have_text("2 of 11")
    expect(scroller.locator('[data-line="43209"] mark')).to_be_in_viewport()
    view.get_by_test_id("tooi-find-text").fill("nowhere")
    expect(count).to_have_text("Not found")
    view.get_by_test_id("tooi-find-text").press("Escape")
    expect(view.get_by_test_id("tooi-find-text")).to_be_hidden()


def test_output_is_followed_until_one_scrolls_up_and_again_when_asked(
    server: Server, open_lab: Any, me: Any, tool: str, gate: Any
) -> None:
    lab = open_lab(server)
    view = lab.show_run(me.start(tool, "--lines", "500", "--gate", gate.port))
    scroller = view.get_by_test_id("tooi-log-stdout")
    follow = view.get_by_test_id("tooi-log-follow").first
    expect(scroller.locator('[data-line="499"]')).to_be_in_viewport()
    expect(follow).to_have_attribute("aria-pressed", "true")

    scroller.hover()
    lab.page.mouse.wheel(0, -2000)
    expect(follow).to_have_attribute("aria-pressed", "false")
    expect(scroller.locator('[data-line="499"]')).not_to_be_in_viewport()

    follow.click()
    expect(scroller.locator('[data-line="499"]')).to_be_in_viewport()
    gate.open()
    expect(scroller.locator('[data-line="500"]')).to_have_text("behind the gate")
    expect(scroller.locator('[data-line="500"]')).to_be_in_viewport()


def test_colours_are_kept_and_all_other_control_of_terminals_is_dropped(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    told = (
        "\x1b[31mred\x1b[0m \x1b[1;38;2;1;2;3mown\x1b[m"
        "\x1b]0;title\x07\x1b]8;;http://attacker.example/\x1b\\link\x1b]8;;\x1b\\"
        "\x1b[2J\x1b[10;10H\x1b[?1049h\x1bPpayload\x1b\\!"
    )
    view = open_lab(server).show_run(me.run(tool, told))
    expect(output(view)).to_have_js_property("textContent", "red ownlink!\n")
    expect(output(view).get_by_text("red", exact=True)).to_have_class(re.compile("ansi-red"))
    expect(output(view).get_by_text("own", exact=True)).to_have_css("color", "rgb(1, 2, 3)")
    expect(output(view).locator("a")).to_have_count(0)


def test_all_output_is_copied_as_it_was_written(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    lab = open_lab(server)
    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    view = lab.show_run(me.run(tool, "ünï — 日本", "--lines", "3000"))
    expect(output(view).locator('[data-line="0"]')).to_have_text("ünï — 日本")
    view.get_by_test_id("tooi-log-stdout").locator("xpath=..").get_by_test_id(
        "tooi-log-copy"
    ).click()
    expected = "ünï — 日本\n" + "".join(f"line {number + 1}\n" for number in range(3000))
    lab.page.wait_for_function(
        "async expected => (await navigator.clipboard.readText()).trimEnd() === expected.trimEnd()",
        arg=expected,
    )


def test_files_are_shown_as_what_they_are(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    text = """
import base64
for name, content in {
    "flat.json": b'{"a": [1]}',
    "image.gif": base64.b64decode("R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="),
    "table.csv": b"name,value\\n\\"a, b\\",1\\n",
    "raw.bin": bytes(range(32)),
}.items():
    open(name, "wb").write(content)
"""
    view = open_lab(server).show_run(me.run(me.make_tool(script_tool(text, "writer"))))
    files = view.get_by_test_id("tooi-file")
    expect(files).to_have_count(4)
    files.filter(has_text="flat.json").click()
    expect(view.get_by_test_id("tooi-file-text")).to_contain_text('"a": [\n    1\n  ]')
    files.filter(has_text="image.gif").click()
    expect(view.get_by_test_id("tooi-file-image")).to_have_js_property("naturalWidth", 1)
    files.filter(has_text="table.csv").click()
    table = view.get_by_test_id("tooi-file-table")
    expect(table.get_by_role("columnheader")).to_have_text(["name", "value"])
    expect(table.get_by_role("cell")).to_have_text(["a, b", "1"])
    files.filter(has_text="raw.bin").click()
    expect(view.get_by_test_id("tooi-file-text")).to_contain_text("00 01 02 03")


def test_a_run_is_labelled_found_by_its_label_and_deleted_once_confirmed(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    lab = open_lab(server)
    number = me.run(tool, "of no use")
    view = lab.show_run(number)
    view.get_by_test_id("tooi-run-label").click()
    view.get_by_test_id("tooi-run-label-text").fill("to be thrown away")
    view.get_by_test_id("tooi-run-label-text").press("Enter")
    expect(view.get_by_test_id("tooi-run-label")).to_have_text("to be thrown away")

    panel = lab.show_panel()
    lab.by("tooi-search").fill("thrown away")
    row = panel.locator(f'[data-testid="tooi-run-row"][data-number="{number}"]')
    expect(row).to_be_visible()

    view.get_by_test_id("tooi-run-delete").click()
    lab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(view.get_by_test_id("tooi-run-gone")).to_have_text(f"Run #{number} is deleted")
    expect(row).to_be_hidden()


def test_a_link_shows_a_run_to_whoever_has_it_until_it_is_revoked(
    server: Server, open_lab: Any, me: Any, tool: str, browser: Any
) -> None:
    lab = open_lab(server)
    view = lab.show_run(me.run(tool, "for all who have the link"))
    view.get_by_test_id("tooi-run-share").click()
    view.get_by_test_id("tooi-link-create").click()
    address = view.get_by_test_id("tooi-link-address").input_value()
    expect(view.get_by_text("It leads to this machine")).to_be_visible()
    stranger = browser.new_context()
    try:
        page = stranger.new_page()
        answer = page.goto(address)
        assert answer is not None
        assert answer.status in (200, 403), "links need an account here, or none"
        view.get_by_test_id("tooi-link-revoke").click()
        expect(view.get_by_test_id("tooi-link-revoke")).to_be_hidden()
    finally:
        stranger.close()
