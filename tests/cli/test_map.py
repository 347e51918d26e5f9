"""``tooi map`` in pipes: a line is an input, and what came of all is the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_each_line_of_stdin_is_an_item(tooi: Any) -> None:
    done = tooi("map", "probe", "args", "<{}>", stdin=b"one\n\ntwo words\r\n-x\n")
    assert (done.returncode, done.stderr) == (0, b"")
    for item in ("one", "two words", "-x"):
        assert f"[<{item}>]" in done.stdout.decode()


def test_files_are_given_by_a_folder(tooi: Any) -> None:
    folder = tooi.folder / "many"
    folder.mkdir()
    for name in ("b.txt", "a.txt"):
        (folder / name).write_text(name)
    done = tooi("--json", "map", "--over", "many", "probe", "args")
    assert [one["stdout"] for one in json.loads(done.stdout)["results"]] == ["[a.txt]", "[b.txt]"]


def test_programs_read_all_results_and_the_exit_code_says_whether_all_succeeded(tooi: Any) -> None:
    done = tooi("map", "--json", "probe", "exit", stdin=b"0\n7\n")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [(one["item"], one["exit_code"]) for one in told["results"]] == [("0", 0), ("7", 7)]


def test_programs_read_all_of_each_output_however_little_is_kept(tooi: Any, tmp_path: Path) -> None:
    (tmp_path / "jupyter_tooinstance_config.py").write_text("c.TooInstance.run_log_bytes = 1000\n")
    done = tooi(
        *("map", "--json", "probe", "seq"),
        stdin=b"3\n1000000\n",
        JUPYTER_CONFIG_DIR=str(tmp_path),
    )
    short, long = json.loads(done.stdout)["results"]
    assert (short["stdout"], short["output_cut"]) == ("1\n2\n3", "")
    assert long["stdout"].split("\n") == [str(number) for number in range(1, 1_000_001)]
    assert (long["output_cut"], done.stderr) == ("", b"")


def test_without_anything_to_run_over_it_is_said_what_to_give(tooi: Any) -> None:
    done = tooi("map", "probe", "args")
    assert done.returncode == 2
    assert b"--over" in done.stderr
