"""The magics in a real kernel: what a notebook shows, keeps and can go on with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.magics.conftest import Cell
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.requests import RunFilter

RUN_TYPE = "application/vnd.tooinstance.run.v1+json"


def test_a_run_is_shown_once_and_stays_in_the_notebook(kernel: Any) -> None:
    cell = kernel.run("%tooi run probe both")
    assert cell.status == "ok", cell.errors
    [shown] = cell.shown
    assert RUN_TYPE in shown
    assert "text/html" in shown
    assert "out" in shown["text/plain"]
    assert not cell.stdout


def test_a_shown_run_is_also_the_last_value(kernel: Any) -> None:
    kernel.run("%tooi run probe both")
    assert kernel.ask("_.stdout") == "out\n"


def test_an_assigned_run_is_shown_once_and_can_be_used(kernel: Any) -> None:
    cell = kernel.run("r = %tooi run probe both")
    assert len(cell.shown) == 1
    assert kernel.ask("(r.stdout, r.stderr, r.exit_code)") == "('out\\n', 'err\\n', 0)"


def test_a_run_in_the_middle_of_a_cell_is_shown(kernel: Any) -> None:
    assert len(kernel.run("%tooi run probe both\nx = 1").shown) == 1


def test_a_run_can_set_a_variable(kernel: Any) -> None:
    kernel.run("%tooi run -o mine probe args 1")
    assert kernel.ask("mine.stdout") == "[1]\n"


def test_a_list_is_shown_when_typed_and_not_when_assigned(kernel: Any) -> None:
    assert len(kernel.run("%tooi ls").shown) == 1
    assert not kernel.run("tools = %tooi ls").shown
    assert kernel.ask("tools[0].tool.name") == "probe"


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("--timeout 1 -x -- --help", ["--timeout", "1", "-x", "--", "--help"]),
        (
            "😀 é $(id) `id` *.csv ~ ; | &",
            ["😀", "é", "$(id)", "`id`", "*.csv", "~", ";", "|", "&"],
        ),
        ("what?", ["what?"]),
        ("'two words?'", ["two words?"]),
        ("'' a", ["", "a"]),
    ],
)
def test_arguments_reach_the_tool_as_typed(kernel: Any, line: str, argv: list[str]) -> None:
    cell = kernel.run(f"r = %tooi run probe args {line}")
    assert cell.status == "ok", cell.errors
    assert kernel.ask("r.stdout").splitlines() == [f"[{word}]" for word in argv]


def test_newlines_in_arguments_reach_the_tool_through_json(kernel: Any) -> None:
    kernel.run('r = %tooi run probe ["args", "a\\nb", "-c"]')
    assert kernel.ask("r.stdout") == "[a\nb]\n[-c]\n"


def test_json_survives_the_expansion_of_variables(kernel: Any) -> None:
    kernel.run("word, number = 'va lue', 3")
    kernel.run('r = %tooi run probe {"0": "args", "1": "a b"}')
    assert kernel.ask("r.stdout") == "[a b]\n"
    kernel.run("r = %tooi run probe args {number} x{number}y '$word'")
    assert kernel.ask("r.stdout").splitlines()[:2] == ["[3]", "[x3y]"]


def test_local_variables_are_expanded_in_functions(kernel: Any) -> None:
    kernel.run("def go(inner):\n    r = %tooi run probe args {inner}\n    return r.stdout")
    assert kernel.ask("go('local')").endswith("[local]\n")


@pytest.mark.parametrize(
    "body", ["a,b\n1,2\n", "  indented\n\n\ntail {x} $y %z\n", ">>> 1\n>>> 2\n", "%x\n!y?\n"]
)
def test_a_cells_body_is_stdin_byte_for_byte(kernel: Any, body: str) -> None:
    kernel.run("%%tooi run -o r probe cat\n" + body)
    assert kernel.ask("r.stdout") == body


def test_a_cells_body_can_be_the_arguments(kernel: Any) -> None:
    kernel.run('%%tooi run -o r --arguments - probe\n[\n  "args",\n  "x {y}"\n]\n')
    assert kernel.ask("r.stdout") == "[x {y}]\n"


def test_a_file_that_a_failed_tool_was_not_given_is_told(kernel: Any) -> None:
    kernel.run("open('cities.csv', 'w').write('a')")
    said = "cities.csv is a file in your folder"
    assert said in str(kernel.run("%tooi run probe fail cities.csv").messages)
    for line in (
        "%tooi run -i cities.csv probe fail cities.csv",
        "%tooi run probe args cities.csv",
    ):
        assert said not in str(kernel.run(line).messages)


def test_a_failing_tool_is_no_error_unless_asked(kernel: Any) -> None:
    cell = kernel.run("r = %tooi run probe fail")
    assert cell.status == "ok"
    assert kernel.ask("r.exit_code") == "3"
    checked = kernel.run("%tooi run --check probe fail")
    assert checked.status == "error"
    assert "exit code 3" in checked.errors
    assert len(checked.shown) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rnu probe", "Did you mean run?"),
        ("run prbe", "Did you mean probe?"),
        ("run --timout 1 probe", "Did you mean --timeout?"),
        ("run -i nosuch.csv probe", "nosuch.csv"),
        ("run-show 99999", "99999"),
        ("run probe 'unclosed", "quot"),
        ("update probe", "nothing to change"),
        ("run -o 1x probe", "variable"),
    ],
)
def test_an_error_is_a_sentence_and_what_to_do_without_a_traceback(
    kernel: Any, line: str, message: str
) -> None:
    runs = kernel.ask("len(get_ipython().run_line_magic('tooi', 'runs -n 100'))")
    cell = kernel.run(f"%tooi {line}")
    assert cell.status == "error"
    assert message in cell.errors
    assert "Traceback" not in cell.errors
    assert not cell.shown
    assert kernel.ask("len(get_ipython().run_line_magic('tooi', 'runs -n 100'))") == runs


def test_the_last_errors_traceback_can_be_had(kernel: Any) -> None:
    kernel.run("%tooi run prbe")
    assert "Traceback" in kernel.run("%tooi debug").shown[0]["text/plain"]


@pytest.mark.parametrize("line", ["run?", "run ?", "help run", "run --help", "help run?"])
def test_help_explains_a_command(kernel: Any, line: str) -> None:
    cell = kernel.run(f"%tooi {line}")
    assert cell.status == "ok", cell.errors
    assert "--no-network" in cell.shown[0]["text/plain"]


def test_a_question_mark_after_the_magic_lists_the_commands(kernel: Any) -> None:
    assert "rerun" in kernel.inspect("%tooi")
    assert kernel.run("%tooi?").status == "ok"


def test_alone_it_says_what_is_there_and_what_is_next(kernel: Any) -> None:
    text = kernel.run("%tooi").shown[0]["text/plain"]
    assert "probe" in text
    assert "%tooi help" in text


def test_output_is_shown_while_it_is_written(kernel: Any) -> None:
    cell = kernel.run("%tooi run probe slow")
    updates = [
        m["content"]["data"]["text/plain"] for m in cell.messages if "display" in m["msg_type"]
    ]
    partial = [text for text in updates if "line 1" in text and "line 5" not in text]
    assert partial, "nothing was shown before the end"
    assert len(updates) <= 40
    assert "line 5" in cell.shown[0]["text/plain"]


def test_an_interrupt_cancels_the_run_and_shows_it(kernel: Any) -> None:
    message_id = kernel.start("%tooi run -o mine probe wait")
    cell = kernel.follow(message_id, lambda cell: "begun" in json.dumps(cell.shown))
    kernel.manager.interrupt_kernel()
    cell = kernel.follow(message_id, cell=cell)
    assert len(cell.shown) == 1
    assert cell.shown[0][RUN_TYPE]["status"] == "cancelled"
    assert kernel.ask("(mine.status.value, _.number == mine.number)") == "('cancelled', True)"


def interrupted(kernel: Any, line: str, has_begun: Callable[[Cell], bool]) -> Cell:
    """Return a cell that was interrupted, once sure that the one in line behind it was aborted."""
    first, second = kernel.start(line), kernel.start("reached = True")
    cell = kernel.follow(first, has_begun)
    assert not cell.status, f"{line} ended before it was interrupted: {cell}"
    kernel.manager.interrupt_kernel()
    cell = kernel.follow(first, cell=cell)
    assert cell.status == "error", f"{line}: the cell ended as if nothing had happened"
    assert kernel.reply(second)["status"] == "aborted", f"{line}: the next cell went on"
    assert cell.errors.startswith("Interrupted."), line
    assert len(cell.errors.splitlines()) <= 2, line
    return cell


@pytest.mark.parametrize(
    ("line", "begun", "said"),
    [
        ("%tooi run probe wait", "begun", "Cancelled"),
        ("r = %tooi run --check probe wait", "begun", "Cancelled"),
        ("%tooi rerun {detached.number}", "begun", "%tooi rerun"),
        ("%tooi map --over items --jobs 2 probe {}", "1 of 2", "--retry _"),
        ("%tooi map --over items -o found probe {}", "1 of 2", "--retry found"),
        ("%tooi logs -f {detached.number}", "begun", "goes on"),
        ("%tooi create {stuck} --name stuck", "Checking", "Cancelled"),
        ("%tooi build --force stuck", "Checking", "%tooi build stuck"),
        ("%tooi run {stuck}", "Checking", "Cancelled"),
        ("for _ in items:\n    %tooi run probe wait", "begun", "Cancelled"),
    ],
)
def test_what_an_interrupt_cancels_ends_the_queued_cells_too(
    kernel: Any, place: Any, line: str, begun: str, said: str
) -> None:
    script = place.folder / "stuck-tool" / "stuck.sh"
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\nsleep 300\n")
    script.chmod(0o755)
    kernel.run(f"items = ['both', 'wait']; stuck = {str(script.parent)!r}")
    kernel.run("detached = %tooi run --detach probe wait")
    cell = interrupted(kernel, line, lambda cell: begun in json.dumps([*cell.shown, cell.stdout]))
    kernel.run("%tooi cancel {detached.number}")
    assert said in cell.errors


def test_an_interrupt_of_a_verification_cancels_its_run(kernel: Any, place: Any) -> None:
    for words in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "Begin"),
    ):
        subprocess.run(["git", *words], cwd=place.probe, check=True)
    for line in (
        f"create file://{place.probe} --name cloned",
        "run -o long cloned slow 0.5",
        "export {long.number} slow.zip",
    ):
        done = kernel.run(f"%tooi {line}")
        assert done.status == "ok", done.errors
    newest = int(kernel.ask("long.number"))
    with closing(LocalClient(TooInstance(home=str(place.home)))) as client:
        interrupted(
            kernel,
            "%tooi verify slow.zip",
            lambda cell: client.runs(RunFilter(limit=1)).items[0].number > newest,
        )
        assert client.runs(RunFilter(limit=1)).items[0].status == "cancelled"


def test_a_failure_with_check_ends_the_queued_cells_too(kernel: Any) -> None:
    first, second = kernel.start("%tooi run --check probe fail"), kernel.start("reached = True")
    assert kernel.follow(first).status == "error"
    assert kernel.reply(second)["status"] == "aborted"


def test_a_detached_run_returns_at_once_and_can_be_cancelled(kernel: Any) -> None:
    cell = kernel.run("r = %tooi run --detach probe wait")
    assert cell.status == "ok", cell.errors
    assert kernel.run("%tooi cancel {r.number}").status == "ok"
    assert (
        kernel.ask("get_ipython().run_line_magic('tooi', f'run-show {r.number}').status")
        == "cancelled"
    )


def test_a_run_can_be_repeated_with_other_arguments(kernel: Any) -> None:
    kernel.run("r = %tooi run probe args one")
    kernel.run("again = %tooi rerun {r.number}")
    kernel.run("other = %tooi rerun {r.number} args --two")
    assert kernel.ask("again.stdout + other.stdout") == "[one]\n[--two]\n"


def test_logs_are_printed_harmless(kernel: Any) -> None:
    kernel.run("r = %tooi run probe escape")
    cell = kernel.run("%tooi logs {r.number}")
    assert "\x1b" not in cell.stdout
    assert "\u241b]0;owned" in cell.stdout
    assert "<script>" not in kernel.run("r").shown[0]["text/html"]


def test_files_are_listed_and_copied_out(kernel: Any, place: Any) -> None:
    kernel.run("r = %tooi run probe write")
    assert "table.csv" in kernel.run("%tooi files {r.number}").shown[0]["text/plain"]
    copied = kernel.run("%tooi files {r.number} --to results")
    assert copied.status == "ok", copied.errors
    assert (place.folder / "results" / "table.csv").read_text() == "a,b\n"
    assert (place.folder / "results" / "sub" / "_-rf").exists()
    again = kernel.run("%tooi files {r.number} --to results")
    assert "there already" in again.errors


def test_input_files_are_placed_for_the_tool(kernel: Any, place: Any) -> None:
    for name in ("one.txt", "two.txt"):
        (place.folder / name).write_text(name)
    kernel.run("r = %tooi run -i '*.txt' probe ls")
    assert kernel.ask("r.stdout") == "one.txt\ntwo.txt\n"
    kernel.run("r = %tooi run --stdin one.txt probe cat")
    assert kernel.ask("r.stdout") == "one.txt"


def test_a_secret_is_nowhere_but_in_the_tool(kernel: Any, place: Any) -> None:
    cell = kernel.run("r = %tooi run --secret PROBE_TOKEN probe secret")
    assert cell.status == "ok", cell.errors
    assert kernel.ask("len(r.stdout) > len('it is ')") == "True"
    secret = b"tok-9f3a-sesame"
    assert secret.decode() not in json.dumps([m["content"] for m in cell.messages])
    holding = [p for p in place.home.rglob("*") if p.is_file() and secret in p.read_bytes()]
    assert not holding


def test_a_secret_that_nobody_can_be_asked_for_is_an_error(kernel: Any) -> None:
    message_id = kernel.client.execute("%tooi run --secret NO_SUCH_TOKEN probe", allow_stdin=False)
    cell = kernel.follow(message_id)
    assert "NO_SUCH_TOKEN" in cell.errors
    assert "nobody can be asked" in cell.errors


def test_deleting_asks_first(kernel: Any, place: Any) -> None:
    kernel.run(f"%tooi create {place.probe} --name doomed")
    refused = kernel.follow(kernel.client.execute("%tooi rm doomed", allow_stdin=False))
    assert "-y" in refused.errors
    assert kernel.run("%tooi show doomed").status == "ok"
    assert kernel.run("%tooi rm -y doomed").status == "ok"
    assert kernel.run("%tooi show doomed").status == "error"


def test_a_link_is_made_a_tool_once(kernel: Any, place: Any, tmp_path: Any) -> None:
    script = tmp_path / "fly" / "fly.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho flown $1\n")
    script.chmod(0o755)
    for word in ("a", "b"):
        cell = kernel.run(f"r = %tooi run {script.parent} {word}")
        assert cell.status == "ok", cell.errors
        assert kernel.ask("r.stdout") == f"flown {word}\n"
    assert kernel.ask("len(get_ipython().run_line_magic('tooi', 'show fly').versions)") == "1"


def test_a_build_is_shown_step_by_step_and_leaves_the_tool(kernel: Any, place: Any) -> None:
    cell = kernel.run(f"%tooi create {place.probe} --name stepped")
    assert cell.status == "ok", cell.errors
    assert len(cell.shown) == 1
    assert "stepped" in cell.shown[0]["text/plain"]
    assert "%tooi run stepped" in cell.shown[0]["text/plain"]


def test_a_failed_build_says_why_and_what_to_do(kernel: Any, tmp_path: Any) -> None:
    (tmp_path / "README.md").write_text("nothing to run")
    cell = kernel.run(f"%tooi create {tmp_path} --name nothing")
    assert cell.status == "error"
    assert "%tooi logs nothing" in cell.errors
    assert "Traceback" not in cell.errors


def test_settings_can_be_seen_and_changed(kernel: Any) -> None:
    assert "run_timeout_s" in kernel.run("%config TooInstance").stdout
    assert kernel.run("%config TooInstance.run_log_bytes = 1000000").status == "ok"


@pytest.fixture
def little_is_kept(kernel: Any) -> Iterator[None]:
    kernel.run("%config TooInstance.run_log_bytes = 10")
    yield
    kernel.run("%config TooInstance.run_log_bytes = 1000000")


def warned(cell: Any) -> str:
    return "".join(told["text"] for told in cell.of("stream") if told["name"] == "stderr")


@pytest.mark.usefixtures("little_is_kept")
def test_a_run_that_is_cut_says_so_first_and_warns_each_cell_that_reads_it(kernel: Any) -> None:
    cell = kernel.run("r = %tooi run probe slow 0")
    assert "[stdout cut at 10 B of 35 B]" in cell.shown[0]["text/plain"].splitlines()[0]
    assert "tooi tooi-warn" in cell.shown[0]["text/html"]
    for _ in range(2):
        told = warned(kernel.run("text = r.stdout"))
        assert "OutputCutWarning: Run" in told
        assert "stdout cut at 10 B of 35 B. Raise TooInstance.run_log_bytes (now 10 B)" in told
        assert "text = r.stdout" in told, "it is not told of the user's line"
    assert warned(kernel.run("text = r.stderr")) == ""
    assert kernel.ask("repr(r)").startswith("<stdout cut at 10 B of 35 B; run")
    assert "✓ cut" in kernel.run("%tooi runs -n 1").shown[0]["text/plain"]
    assert "OutputCutWarning" in warned(kernel.run(f"%tooi logs {kernel.ask('r.number')}"))


@pytest.mark.usefixtures("little_is_kept")
def test_a_run_that_is_cut_is_an_error_with_check(kernel: Any) -> None:
    cell = kernel.run("%tooi run --check -o r probe slow 0")
    assert cell.status == "error"
    assert "stdout cut at 10 B of 35 B" in cell.errors
    assert "TooInstance.run_log_bytes" in cell.errors
    assert kernel.ask("r.status") == "succeeded"


@pytest.mark.usefixtures("little_is_kept")
def test_a_data_frame_of_runs_says_which_outputs_are_cut(kernel: Any) -> None:
    kernel.run("commands = ['slow', 'none']")
    cell = kernel.run("m = %tooi map --over commands probe {} 0")
    assert "OutputCutWarning: The output of 2 of 2 is cut" in warned(cell), cell.messages
    assert "output of 2 cut" in cell.shown[0]["text/plain"].splitlines()[0]
    assert kernel.ask("m.output_cut[0]") == "stdout cut at 10 B of 35 B"


def test_an_interrupt_cancels_a_build(kernel: Any, tmp_path: Any) -> None:
    script = tmp_path / "stuck.sh"
    script.write_text("#!/bin/sh\nsleep 300\n")
    script.chmod(0o755)
    message_id = kernel.start(f"%tooi create {tmp_path} --name halting")
    cell = kernel.follow(message_id, lambda cell: "Checking" in json.dumps(cell.shown))
    kernel.manager.interrupt_kernel()
    cell = kernel.follow(message_id, cell=cell)
    assert cell.status == "error"
    assert "Cancelled" in cell.errors
    assert "Traceback" not in cell.errors
    assert kernel.ask(
        "get_ipython().run_line_magic('tooi', 'show halting').versions[0].status"
    ) == ("cancelled")
