"""Panels in a real kernel: what is opened, what stays in the notebook, and what ends with it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.magics.conftest import Cell

VIEW = "application/vnd.jupyter.widget-view+json"
RUN = "application/vnd.tooinstance.run.v1+json"
RUNS = "application/vnd.tooinstance.runs.v1+json"
TOOL = "application/vnd.tooinstance.tool.v1+json"


def open_cell(kernel: Any, line: str) -> tuple[str, Cell]:
    """Open a panel as ``panel``; return its cell's message, to follow what comes to it later."""
    message_id = kernel.start(f"panel = {line}")
    cell = kernel.follow(message_id)
    assert cell.status == "ok", cell.errors
    return message_id, cell


@pytest.mark.parametrize(
    "line", ["%tooi", "%tooi panel", "%tooi create", "%tooi run weather --panel"]
)
def test_a_panel_is_a_widget_with_words_for_whoever_has_none(kernel: Any, line: str) -> None:
    cell = kernel.run(line)
    assert cell.status == "ok", cell.errors
    assert VIEW in cell.shown[0]
    assert cell.shown[0]["text/plain"]
    assert cell.shown[0]["text/html"]


@pytest.mark.parametrize(
    "line",
    [
        *("%tooi", "%tooi create", "%tooi run weather --panel", "%tooi runs"),
        "%tooi show weather",
    ],
)
def test_a_panel_is_of_core_widgets_which_every_front_end_has(kernel: Any, line: str) -> None:
    cell = kernel.run(line)
    states = [
        message["content"]["data"]["state"]
        for message in cell.messages
        if message["msg_type"] == "comm_open"
    ]
    modules = {state["_model_module"] for state in states}
    assert modules == {"@jupyter-widgets/base", "@jupyter-widgets/controls"}


@pytest.mark.parametrize("line", ["%tooi", "%tooi runs", "%tooi show weather"])
def test_a_notebook_that_is_executed_unattended_has_no_controls(kernel: Any, line: str) -> None:
    cell = kernel.follow(kernel.client.execute(line, allow_stdin=False))
    [shown] = cell.shown
    assert VIEW not in shown


def test_a_form_unattended_says_how_it_is_done_without(kernel: Any) -> None:
    cell = kernel.follow(kernel.client.execute("%tooi create", allow_stdin=False))
    assert "no link" in cell.errors


def test_the_dashboard_shows_tools_and_finds_them_as_one_types(kernel: Any) -> None:
    open_cell(kernel, "%tooi")
    kernel.until("'weather' in panel.view.rows[0]._about.value")
    kernel.run("panel.view.search_control.value = 'no such words'")
    kernel.until("panel.view.rows[0].box.layout.display == 'none'")
    kernel.run("panel.view.search_control.value = 'weath'")
    kernel.until("panel.view.rows[0].box.layout.display != 'none'")


def test_a_run_of_a_panel_stays_in_its_cell_as_every_run_does(kernel: Any) -> None:
    message_id, cell = open_cell(kernel, "%tooi run --panel weather Lund")
    kernel.click("view.run_button")
    cell = kernel.follow(message_id, lambda c: "exit code 0" in json.dumps(c.shown), cell)
    result = cell.shown[-1]
    assert result[RUN]["arguments"] == ["Lund"]
    assert "day 2 in Lund" in result["text/html"]
    assert VIEW not in result
    assert kernel.ask("panel.result.exit_code") == "0"


def test_what_a_panel_ran_is_frozen_with_the_session(kernel: Any, tmp_path: Path) -> None:
    open_cell(kernel, "%tooi run --panel weather Lund")
    kernel.click("view.run_button")
    kernel.until("panel.result and panel.result.run.status.is_final")
    cell = kernel.run(f"%tooi freeze {tmp_path / 'tooi.lock.json'}")
    assert cell.status == "ok", cell.errors
    [tool] = json.loads((tmp_path / "tooi.lock.json").read_text())["tools"]
    assert tool["name"] == "weather"


def test_a_form_says_which_file_the_tool_would_not_find(kernel: Any) -> None:
    kernel.run("open('table.csv', 'w').write('a,b')")
    open_cell(kernel, "%tooi run --panel weather Lund --table table.csv")
    kernel.until("'table.csv' in panel.view._note.value")
    kernel.run("panel.view.files._paths.value = 'table.csv'")
    kernel.until("panel.view._note.value == ''")


def test_the_dashboard_leads_to_the_form_of_a_tool_and_back(kernel: Any) -> None:
    open_cell(kernel, "%tooi")
    kernel.until("panel.view.rows[0].actions.name")
    kernel.click("view.rows[0].actions.run_button")
    kernel.until("panel.view.title == 'Run weather@1'")
    kernel.click("_back")
    kernel.until("panel.view.title == 'TooInstance'")


def test_a_form_that_is_filled_in_is_not_left_without_asking(kernel: Any) -> None:
    open_cell(kernel, "%tooi")
    kernel.until("panel.view.rows[0].actions.name")
    kernel.click("view.rows[0].actions.run_button")
    kernel.until("panel.view.title == 'Run weather@1'")
    kernel.run("panel.view.arguments.line_control.value = 'half filled in'")
    kernel.click("_back")
    kernel.until("panel.discarding.box.layout.display != 'none'")
    kernel.click("discarding.no_button")
    kernel.until("panel.discarding.box.layout.display == 'none'")
    assert kernel.ask("panel.view.arguments.line") == "half filled in"
    kernel.click("_close")
    kernel.until("panel.discarding.box.layout.display != 'none'")
    kernel.click("discarding.yes_button")
    kernel.until("panel._worker.join(1)")


def test_what_was_run_is_left_without_a_question(kernel: Any) -> None:
    open_cell(kernel, "%tooi run weather --panel")
    kernel.run("panel.view.arguments.line_control.value = 'Lund'")
    kernel.click("view.run_button")
    kernel.until("panel.result is not None")
    kernel.click("_close")
    kernel.until("panel._worker.join(1)")


def test_fields_and_command_line_follow_each_other(kernel: Any) -> None:
    open_cell(kernel, "%tooi run weather --panel")
    kernel.run("form = panel.view.arguments")
    kernel.run("fields = {f.option.key: f for f in form._fields._fields}")
    kernel.run("form.line_control.value = \"--days 3 -v --tag 'a b' Lund\"")
    kernel.until("form._fields.values.get('--tag') == 'a b'")
    assert kernel.ask("(fields['--days'].control.value, fields['--verbose'].control.value)") == (
        "('3', True)"
    )
    kernel.run("fields['--days'].control.value = '4'")
    kernel.until("'--days 4' in form.line")
    assert kernel.ask("form._argv.value").count("<code>") == 6


def test_a_line_that_cannot_be_read_is_said_where_it_stands(kernel: Any) -> None:
    open_cell(kernel, "%tooi run weather --panel")
    kernel.run('panel.view.arguments.line_control.value = "\'open"')
    kernel.until("'no closing one' in panel.view.arguments._argv.value")


def test_buttons_work_while_a_run_goes_on(kernel: Any) -> None:
    message_id, cell = open_cell(kernel, "%tooi run --panel weather --pause 60 Lund")
    started = time.monotonic()
    kernel.click("view.run_button")
    cell = kernel.follow(message_id, lambda c: "day 1" in json.dumps(c.shown), cell)
    assert kernel.ask("1 + 1") == "2"
    kernel.click("_followed.cancel_button")
    kernel.follow(message_id, lambda c: '"cancelled"' in json.dumps(c.shown), cell)
    assert time.monotonic() - started < 50


def test_a_run_can_be_run_again(kernel: Any) -> None:
    open_cell(kernel, "%tooi run --panel weather Lund")
    kernel.click("view.run_button")
    kernel.until("panel.result and panel.result.ok")
    kernel.until("panel._followed.again_button.layout.display == ''")
    first = int(kernel.ask("panel.result.number"))
    kernel.click("_followed.again_button")
    kernel.until(f"panel.result.number > {first} and panel.result.ok")


def test_a_run_that_is_cut_is_marked_in_its_panel_and_in_lists(kernel: Any) -> None:
    kernel.run("%config TooInstance.run_log_bytes = 10")
    try:
        open_cell(kernel, "%tooi run --panel weather Lund")
        kernel.click("view.run_button")
        kernel.until("panel.result and panel.result.ok")
        kernel.until("'stdout cut at 10 B of' in panel._followed._status.value")
        kernel.until("'tooi-alert' in panel._followed._status.value")
        open_cell(kernel, "%tooi")
        kernel.until("'✓ cut' in panel.view.run_actions.run_control.options[0][0]")
        kernel.until("'stdout cut at 10 B of' in panel.view._runs.value")
    finally:
        kernel.run("%config TooInstance.run_log_bytes = 1000000")


def test_closing_ends_the_thread_and_leaves_the_run(kernel: Any) -> None:
    message_id, cell = open_cell(kernel, "%tooi run --panel weather --pause 1 --days 3 Lund")
    kernel.click("view.run_button")
    kernel.follow(message_id, lambda c: "day 1" in json.dumps(c.shown), cell)
    kernel.run("result = panel.result")
    kernel.click("_close")
    kernel.until("panel.wait_until_closed(10)")
    kernel.until("result.status.is_final")
    assert kernel.ask("result.exit_code") == "0"


def test_a_cell_that_is_run_again_has_one_panel(kernel: Any) -> None:
    kernel.execute_in("cell-of-the-dashboard", "first = %tooi")
    kernel.execute_in("cell-of-the-dashboard", "second = %tooi")
    assert kernel.ask("first.wait_until_closed(10)") == "True"
    assert kernel.ask("second.wait_until_closed(0.5)") == "False"


def test_a_closed_panel_leaves_words(kernel: Any) -> None:
    message_id, cell = open_cell(kernel, "%tooi")
    kernel.click("_close")
    cell = kernel.follow(message_id, lambda c: VIEW not in c.shown[0], cell)
    assert "weather" in cell.shown[0]["text/plain"]


def test_a_link_becomes_a_tool_in_the_form_step_by_step(kernel: Any, folder: Path) -> None:
    (folder / "forecast").mkdir()
    script = folder / "forecast" / "forecast.py"
    script.write_text(
        "import argparse, time\ntime.sleep(2)\nargparse.ArgumentParser().parse_args()"
    )
    message_id, cell = open_cell(kernel, "%tooi create")
    kernel.run(f"panel.view.fields['link'].value = {str(script.parent)!r}")
    kernel.click("view.create_button")
    kernel.until("panel._followed and 'step' in panel._followed._status.value")
    kernel.until("'forecast.py' in panel._followed._log.value")
    cell = kernel.follow(message_id, lambda c: TOOL in c.shown[-1], cell)
    assert "forecast@1" in cell.shown[-1]["text/plain"]
    kernel.until("panel.result and panel.result.ready")


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("link", {}, "no link"),
        ("link", {"link": "ftp://example.org/x"}, "ftp"),
        ("name", {"link": "pypi:x", "name": "no spaces"}, "no spaces"),
        ("access", {"link": "pypi:x", "name": "y", "access": "*"}, "*"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    kernel: Any, field: str, values: dict[str, str], message: str
) -> None:
    open_cell(kernel, "%tooi create")
    for name, value in values.items():
        kernel.run(f"panel.view.fields[{name!r}].value = {value!r}")
    kernel.click("view.create_button")
    kernel.until(f"{message!r} in panel.view._troubles[{field!r}].value")
    assert kernel.ask("panel._trouble.value") == ""


def test_other_errors_are_said_in_the_panel_and_stay_until_the_next_click(kernel: Any) -> None:
    open_cell(kernel, "%tooi run weather --panel")
    kernel.run("panel.view.limits.timeout.value = 'soon'")
    kernel.click("view.run_button")
    kernel.until("'soon' in panel._trouble.value")
    kernel.run("panel.look()\npanel.view.limits.timeout.value = '1m'")
    assert "soon" in kernel.troubles()
    kernel.run("panel.view.arguments.line_control.value = 'Lund'")
    kernel.click("view.run_button")
    kernel.until("panel._trouble.value == ''")


def test_deleting_a_tool_asks_first(kernel: Any, folder: Path) -> None:
    made = kernel.run(f"x = %tooi create {folder}/weather --name doomed")
    assert made.status == "ok", made.errors
    kernel.beside("%tooi show doomed")
    kernel.click("view.delete_button")
    kernel.until("panel.view.confirmation.box.layout.display == ''")
    kernel.click("view.confirmation.no_button")
    kernel.until("panel.view.confirmation.box.layout.display == 'none'")
    assert kernel.run("%tooi show doomed").status == "ok"
    kernel.click("view.delete_button")
    kernel.until("panel.view.confirmation.box.layout.display == ''")
    kernel.click("view.confirmation.yes_button")
    kernel.until("panel.view.confirmation.box.layout.display == 'none'")
    kernel.until("not panel.client.tools(text='doomed').items")


def test_runs_that_are_assigned_are_a_list_and_nothing_is_shown(kernel: Any) -> None:
    cell = kernel.run("r = %tooi runs")
    assert not cell.shown
    assert kernel.ask("type(r).__name__") == "list"


def test_the_table_of_runs_stays_and_follows_its_controls(kernel: Any) -> None:
    kernel.run("a = %tooi run --name needle weather Lund")
    kernel.run("b = %tooi run weather Uppsala")
    message_id, cell = kernel.beside("%tooi runs")
    table, view, _ = cell.shown
    assert RUNS in table
    assert VIEW not in table
    assert VIEW in view
    kernel.run("panel.view.text_control.value = 'needle'")
    cell = kernel.follow(
        message_id, lambda c: [r["label"] for r in c.shown[0][RUNS]["items"]] == ["needle"], cell
    )
    kernel.run(
        "panel.view.text_control.value = ''\npanel.view.order_control.value = 'oldest first'"
    )

    def is_ordered(cell: Cell) -> bool:
        numbers = [run["number"] for run in cell.shown[0][RUNS]["items"]]
        return len(numbers) > 1 and numbers == sorted(numbers)

    kernel.follow(message_id, is_ordered, cell)


def test_a_run_of_the_list_can_be_shown_and_deleted(kernel: Any) -> None:
    kernel.run("a = %tooi run --name shown weather Lund")
    message_id, cell = open_cell(kernel, "%tooi")
    kernel.until("panel.view.run_actions.run_control.value == a.number")
    kernel.click("view.run_actions.show_button")
    cell = kernel.follow(message_id, lambda c: RUN in c.shown[-1], cell)
    assert cell.shown[-1][RUN]["label"] == "shown"
    kernel.click("view.run_actions.delete_button")
    kernel.until("panel.view.run_actions.confirmation.box.layout.display == ''")
    kernel.click("view.run_actions.confirmation.yes_button")
    kernel.until("a.number not in panel.view.run_actions._runs")


def test_files_that_are_uploaded_or_named_reach_the_tool(kernel: Any, folder: Path) -> None:
    (folder / "typed.csv").write_text("a\n1\n")
    open_cell(kernel, "%tooi run --panel weather Lund")
    kernel.run("panel.view.files._paths.value = 'typed.csv'")
    kernel.run(
        "from datetime import datetime\n"
        "panel.view.files._upload.value = ({'name': '../sent.csv', 'type': '', 'size': 1,"
        " 'content': b'x', 'last_modified': datetime.now()},)"
    )
    kernel.click("view.run_button")
    kernel.until("panel.result and panel.result.ok")
    assert kernel.ask("sorted(file.path for file in panel.result.run.inputs)") == (
        "['.._sent.csv', 'typed.csv']"
    )


def test_hostile_text_is_only_text(kernel: Any) -> None:
    open_cell(kernel, "%tooi run --panel weather '<script>alert(1)</script>'")
    kernel.click("view.run_button")
    kernel.until("panel.result and panel.result.ok")
    kernel.run("import ipywidgets\nfrom tooinstance_jupyter.widgets.controls import html\n"
               "places = [w for w in ipywidgets.Widget.widgets.values() "
               "if isinstance(w, ipywidgets.HTML)]\n"
               "shown = ' '.join(place.value for place in places)")  # fmt: skip
    assert kernel.ask("'&lt;img src=x' in shown and '&lt;script&gt;' in shown") == "True"
    assert kernel.ask("'<img' in shown or '<script' in shown") == "False"
    assert (
        kernel.ask(
            "any(getattr(w, 'description_allow_html', False) "
            "for w in ipywidgets.Widget.widgets.values())"
        )
        == "False"
    )
