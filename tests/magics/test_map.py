"""``%tooi map`` in a real kernel: many inputs in, a data frame out."""

from __future__ import annotations

import json
from typing import Any

import pytest

KIND = "application/vnd.tooinstance.mapping.v1+json"


def test_a_list_becomes_a_data_frame_of_what_came_of_each_item(kernel: Any) -> None:
    kernel.run("words = ['two words', '\"q\\'s', '-x', 'a\\nb', '{.x} {} $HOME *', '']")
    cell = kernel.run("r = %tooi map --over words probe args <{}>")
    assert cell.status == "ok", cell.errors
    assert kernel.ask("r.stdout.tolist() == [f'[<{word}>]' for word in words]") == "True"
    assert kernel.ask("list(r.columns)") == str(
        ["item", "run", "status", "exit_code", "duration_s", "stdout", "message", "output_cut"]
    )
    assert kernel.ask(
        "(r.item.tolist() == words, set(r.status), set(r.exit_code.tolist()))"
    ) == str((True, {"succeeded"}, {0}))


def test_its_progress_is_shown_in_one_place(kernel: Any) -> None:
    kernel.run("pauses = [0.3, 0.1, 0.1]")
    cell = kernel.run("%tooi map --over pauses --jobs 1 probe slow")
    [shown] = cell.shown
    assert shown[KIND]["is_over"]
    assert "3 succeeded" in shown["text/plain"]
    updates = [
        m["content"]["data"]["text/plain"] for m in cell.messages if "display" in m["msg_type"]
    ]
    assert any("1 of 3 · 1 under way" in text for text in updates), updates
    assert kernel.ask("_.item.tolist()") == "[0.3, 0.1, 0.1]"


def test_rows_of_a_frame_fill_their_columns_and_keep_their_index(kernel: Any) -> None:
    kernel.run(
        "import pandas as pd\n"
        "frame = pd.DataFrame({'city': ['Lund', 'New York'], 'n': [1, 2]}, index=['x', 'y'])"
    )
    cell = kernel.run("r = %tooi map --over frame probe args {.city}={.n}")
    assert cell.status == "ok", cell.errors
    assert kernel.ask("(r.stdout.to_dict(), list(r.columns[:3]))") == str(
        ({"x": "[Lund=1]", "y": "[New York=2]"}, ["city", "n", "run"])
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--over frame probe args {.ctiy}", "Did you mean {.city}?"),
        ("--over frame probe args", "{.city}, {.n}"),
        ("--over framee probe args {}", "Did you mean frame?"),
        ("--over number probe", "holds no items"),
        ("--over many probe", "10,001 items are more than the 10,000"),
        ("--over frame nosuch {.city}", "nosuch"),
        ("--over frame --retry frame probe {.city}", "Keep one"),
        ("--retry frame probe {.city}", "no result of `%tooi map`"),
        ("--jobs 0 --over frame probe {.city}", "1 to 64"),
        ("probe args", "--over"),
        ("--over 'nosuch/*.csv' probe", "nosuch/*.csv"),
    ],
)
def test_what_cannot_be_run_over_is_a_sentence_and_no_run(
    kernel: Any, line: str, message: str
) -> None:
    kernel.run(
        "import pandas as pd\nframe = pd.DataFrame({'city': ['Lund'], 'n': [1]})\n"
        "number, many = 5, range(10_001)"
    )
    cell = kernel.run(f"%tooi map {line}")
    assert cell.status == "error"
    assert message in cell.errors
    assert "Traceback" not in cell.errors
    assert not cell.shown


def test_files_of_a_folder_a_glob_or_a_list_are_input_files(kernel: Any, place: Any) -> None:
    folder = place.folder / "tables"
    folder.mkdir()
    for name in ("b c.csv", "a.csv", ".hidden"):
        (folder / name).write_text(f"in {name}")
    kernel.run("from pathlib import Path\npaths = sorted(Path('tables').glob('*.csv'))")
    for over in ("tables", "'tables/*.csv'", "paths"):
        cell = kernel.run(f"r = %tooi map --over {over} probe ls")
        assert cell.status == "ok", cell.errors
        assert kernel.ask("r.stdout.tolist()") == str(["a.csv", "b c.csv"])
        assert kernel.ask("[path.name for path in r.item]") == str(["a.csv", "b c.csv"])
    kernel.run("r = %tooi map --over tables probe args --from={}")
    assert kernel.ask("r.stdout.tolist()") == str(["[--from=a.csv]", "[--from=b c.csv]"])


def test_each_line_of_a_cell_is_an_item(kernel: Any) -> None:
    cell = kernel.run("%%tooi map -o r probe args\none two\n\n  'three'\n")
    assert cell.status == "ok", cell.errors
    assert kernel.ask("r.item.tolist()") == str(["one two", "  'three'"])
    assert kernel.ask("r.stdout.tolist()") == str(["[one two]", "[  'three']"])


def test_a_cells_body_is_stdin_of_each_run_over_a_variable(kernel: Any) -> None:
    kernel.run("times = [1, 2]")
    kernel.run("%%tooi map -o r --over times probe cat\nthe body\n")
    assert kernel.ask("r.stdout.tolist()") == str(["the body", "the body"])


def test_a_variable_of_a_function_is_found(kernel: Any) -> None:
    kernel.run(
        "def go(inner):\n    r = %tooi map --over inner probe args\n    return r.stdout.tolist()"
    )
    assert kernel.ask("go(['x'])").endswith("['[x]']")


def test_what_failed_is_shown_and_can_be_run_again_alone(kernel: Any) -> None:
    kernel.run("commands = ['args', 'fail', 'a\\0b', 'both']")
    cell = kernel.run("first = %tooi map --over commands probe {}")
    assert cell.status == "ok", cell.errors
    [shown] = cell.shown
    assert "2 succeeded · 2 did not" in shown["text/plain"]
    assert "exit code 3" in shown["text/html"]
    assert kernel.ask("first.status.tolist()") == str(
        ["succeeded", "failed", "not_started", "succeeded"]
    )
    assert kernel.ask("first.run.isna().tolist()") == str([False, False, True, False])
    again = kernel.run("second = %tooi map --retry first probe args")
    assert again.status == "ok", again.errors
    assert kernel.ask("(second.run == first.run).fillna(False).tolist()") == str(
        [True, False, False, True]
    )
    assert kernel.ask("second.status.tolist()") == str(
        ["succeeded", "succeeded", "not_started", "succeeded"]
    )
    assert kernel.ask("second.stdout[1]") == "[fail]"


def test_an_interrupt_cancels_what_is_under_way_and_keeps_what_there_is(kernel: Any) -> None:
    kernel.run("commands = ['both', 'wait', 'wait', 'wait']")
    message_id = kernel.start("%tooi map --over commands --jobs 2 probe {}")
    cell = kernel.follow(
        message_id,
        lambda cell: "1 of 4 · 2 under way" in json.dumps(cell.shown, ensure_ascii=False),
    )
    kernel.manager.interrupt_kernel()
    cell = kernel.follow(message_id, cell=cell)
    assert cell.status == "error"
    assert "1 of 4 succeeded; `_` has what there is" in cell.errors
    assert kernel.ask("_.status.tolist()") == str(
        ["succeeded", "cancelled", "cancelled", "not_started"]
    )
    assert len(cell.shown) == 1
    assert cell.shown[0][KIND]["is_over"]


def test_all_runs_are_of_one_version_with_the_options_of_run(kernel: Any) -> None:
    kernel.run("two = ['a', 'b']")
    cell = kernel.run(
        "%tooi map --over two -o r --name mapped --secret PROBE_TOKEN probe secret {}"
    )
    assert cell.status == "ok", cell.errors
    assert "tok-9f3a-sesame" not in kernel.ask("r.stdout.tolist()")
    kernel.run("found = %tooi runs --text mapped")
    assert kernel.ask("sorted(f.number for f in found) == sorted(r.run)") == "True"


def test_without_pandas_the_value_is_a_list_of_dictionaries(kernel: Any) -> None:
    kernel.run("import sys\nkept = sys.modules.pop('pandas', None)\nsys.modules['pandas'] = None")
    try:
        kernel.run("one = ['x']")
        cell = kernel.run("r = %tooi map --over one probe args")
        assert cell.status == "ok", cell.errors
        assert kernel.ask("(r[0]['item'], r[0]['stdout'], r[0]['status'])") == str(
            ("x", "[x]", "succeeded")
        )
    finally:
        kernel.run("sys.modules.pop('pandas')\nif kept: sys.modules['pandas'] = kept")
