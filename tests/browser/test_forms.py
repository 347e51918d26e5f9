"""What the forms promise: what is wrong is said where it is, and what is typed is not lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from tests.servers import Server


def is_refused(control: Locator, problem: Locator, words: str) -> None:
    """Expect a control to be marked, to have the focus, and to be told apart from all others."""
    expect(problem).to_have_count(1)
    expect(problem).to_contain_text(words)
    expect(control).to_have_attribute("aria-invalid", "true")
    expect(control).to_be_focused()


def test_each_refusal_of_a_new_tool_stands_at_its_field(
    server: Server, open_lab: Any, tool: str, script_tool: Any
) -> None:
    lab = open_lab(server)
    lab.execute("tooinstance:create")
    form = lab.by("tooi-create")
    problem = form.get_by_test_id("tooi-problem")
    source = form.get_by_test_id("tooi-create-source")
    submit = form.get_by_test_id("tooi-create-submit")
    expect(submit).to_be_disabled()

    source.fill("no link at all")
    source.press("Enter")
    is_refused(source, problem, "no link at all")
    source.fill("http://host:port/owner/name")
    source.press("Enter")
    is_refused(source, problem, "host:port")

    good = str(script_tool())
    source.fill(good)
    expect(problem).to_have_count(0)
    form.get_by_test_id("tooi-create-more").click()
    for field, wrong, right, words in (
        ("name", "No Name!", "other", "No Name!"),
        ("name", tool.split("/")[1], "other", "already"),
        ("ref", "main", "", "no ref"),
        ("engine", "steam", "", "steam"),
    ):
        control = form.get_by_test_id(f"tooi-create-{field}")
        control.fill(wrong)
        submit.click()
        is_refused(control, problem, words)
        control.fill(right)
        expect(problem).to_have_count(0)

    access = form.get_by_test_id("tooi-access-input")
    access.fill("group:")
    access.press("Enter")
    submit.click()
    is_refused(access, problem, "group:")
    form.get_by_test_id("tooi-access-remove").click()
    submit.click()
    expect(form).to_be_hidden()


def test_each_refusal_of_a_run_stands_at_its_field(
    server: Server, open_lab: Any, tool: str
) -> None:
    form = open_lab(server).show_form(tool)
    problem = form.get_by_test_id("tooi-problem")
    run = form.get_by_test_id("tooi-form-run")
    line = form.get_by_test_id("tooi-form-line")
    line.fill("'never closed")
    expect(problem).to_contain_text("quot")
    expect(line).to_have_attribute("aria-invalid", "true")
    run.click()
    is_refused(line, problem, "quot")
    line.fill("[1, {")
    expect(problem).to_contain_text("JSON")
    line.fill("fine")
    expect(problem).to_have_count(0)

    form.get_by_test_id("tooi-form-more").click()
    for field, wrong, words in (
        ("timeout", "soon", "2m"),
        ("timeout", "9999d", "At most"),
        ("memory", "much", "512M"),
        ("memory", "9999T", "At most"),
    ):
        control = form.get_by_test_id(f"tooi-form-{field}")
        control.fill(wrong)
        run.click()
        is_refused(control, problem, words)
        control.fill("")

    form.get_by_test_id("tooi-form-variable-add").click()
    form.get_by_test_id("tooi-form-variable-name").fill("not a name")
    run.click()
    expect(problem).to_contain_text("not a name")
    form.get_by_test_id("tooi-form-variable-name").fill("PATH")
    form.get_by_test_id("tooi-form-variable-value").fill("/tmp")
    run.click()
    expect(problem).to_contain_text("PATH")


def test_too_large_input_files_are_refused_at_the_files(
    start_server: Callable[..., Server], open_lab: Any, visit: Any, script_tool: Any
) -> None:
    server = start_server(config={"TooInstance": {"upload_max_bytes": 1000}}, lab=True)
    lab = open_lab(server)
    form = lab.show_form(visit(server).make_tool(script_tool()))
    with lab.page.expect_file_chooser() as chooser:
        form.get_by_test_id("tooi-form-upload").click()
    chooser.value.set_files(
        {"name": "large.txt", "mimeType": "text/plain", "buffer": b"x" * 100_000}
    )
    expect(form.get_by_test_id("tooi-form-files")).to_contain_text("large.txt")
    form.get_by_test_id("tooi-form-run").click()
    files = form.locator(".jp-TooInstance-form-files")
    expect(files.get_by_test_id("tooi-problem")).to_contain_text("1,000 bytes")
    expect(form.get_by_test_id("tooi-form-files")).to_contain_text("large.txt")


def test_a_file_that_is_named_and_not_given_is_told_at_its_field(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    script = (
        "import argparse\n"
        "parser = argparse.ArgumentParser()\n"
        "parser.add_argument('--table', metavar='FILE', help='of measurements')\n"
        "parser.add_argument('--output', metavar='FILE', help='to write')\n"
        "parser.parse_args()\n"
    )
    lab = open_lab(server)
    form = lab.show_form(me.make_tool(script_tool(script, name="measured")))
    told = form.get_by_text("It is not among the input files")
    form.get_by_test_id("tooi-option-output").fill("new.csv")
    form.get_by_test_id("tooi-option-table").fill("table.csv")
    expect(told).to_have_count(1)
    with lab.page.expect_file_chooser() as chooser:
        form.get_by_test_id("tooi-option-table-upload").click()
    chooser.value.set_files({"name": "table.csv", "mimeType": "text/csv", "buffer": b"a,b"})
    expect(told).to_have_count(0)
    expect(form.get_by_test_id("tooi-option-output-upload")).to_have_count(0)


def test_options_and_command_line_say_the_same(server: Server, open_lab: Any, tool: str) -> None:
    form = open_lab(server).show_form(tool)
    line = form.get_by_test_id("tooi-form-line")
    form.get_by_test_id("tooi-option-error").fill("it's wrong")
    form.get_by_test_id("tooi-option-loud").check()
    expect(line).to_have_value("""--error 'it'"'"'s wrong' --loud""")
    line.fill("--lines 7 --error other")
    expect(form.get_by_test_id("tooi-option-lines")).to_have_value("7")
    expect(form.get_by_test_id("tooi-option-error")).to_have_value("other")
    expect(form.get_by_test_id("tooi-option-loud")).not_to_be_checked()


def test_arguments_written_as_json_are_the_same(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    lab = open_lab(server)
    form = lab.show_form(tool)
    line = form.get_by_test_id("tooi-form-line")
    line.fill("'two words' --lines 2")
    form.get_by_test_id("tooi-form-json").click()
    expect(line).to_have_value(re.compile(r"^\["))
    assert json.loads(line.input_value()) == ["two words", "--lines", "2"]
    form.get_by_test_id("tooi-form-run").click()
    expect(lab.by("tooi-run-line")).to_have_text("probe 'two words' --lines 2")


def test_a_run_is_given_files_standard_input_and_secrets_that_are_masked(
    server: Server, open_lab: Any, me: Any, script_tool: Any
) -> None:
    lab = open_lab(server)
    text = "import os, sys\nprint(sys.stdin.read(), open('in.txt').read(), os.environ['KEY'])"
    form = lab.show_form(me.make_tool(script_tool(text, "reader")))
    with lab.page.expect_file_chooser() as chooser:
        form.get_by_test_id("tooi-form-upload").click()
    chooser.value.set_files({"name": "in.txt", "mimeType": "text/plain", "buffer": b"of a file"})
    form.get_by_test_id("tooi-form-more").click()
    form.get_by_test_id("tooi-form-stdin").fill("of stdin")
    form.get_by_test_id("tooi-form-secret-add").click()
    form.get_by_test_id("tooi-form-secret-name").fill("KEY")
    form.get_by_test_id("tooi-form-secret-value").fill("hush-hush-hush")
    form.get_by_test_id("tooi-form-run").click()
    log = lab.by("tooi-log-stdout").get_by_role("log")
    expect(log).to_contain_text("of stdin of a file")
    expect(log).not_to_contain_text("hush")
    assert "hush" not in lab.page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")


def test_an_earlier_command_is_chosen_from_a_list(
    server: Server, open_lab: Any, me: Any, tool: str
) -> None:
    me.run(tool, "of yesterday", "--loud")
    form = open_lab(server).show_form(tool)
    form.get_by_test_id("tooi-form-past").click()
    form.get_by_test_id("tooi-form-past-command").filter(has_text="of yesterday").click()
    expect(form.get_by_test_id("tooi-form-line")).to_have_value("'of yesterday' --loud")


def test_a_form_is_as_it_was_after_a_reload_and_its_line_is_kept_by_the_browser_alone(
    server: Server, open_lab: Any, tool: str
) -> None:
    lab = open_lab(server)
    lab.execute("tooinstance:run", tool=tool, draft={"line": "--password from-a-link"})
    line = lab.by("tooi-form-line")
    expect(line).to_have_value("--password from-a-link")
    line.fill("--password typed")
    kept = lab.wait_until_kept(f"tooinstance:form:{tool}")
    assert "--password" not in kept
    lab.reload()
    expect(line).to_have_value("--password typed")
