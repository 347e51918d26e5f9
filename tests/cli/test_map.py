"""``tooi map`` in pipes: a line is an input, and what came of all is the answer."""

from __future__ import annotations

import json
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


def test_an_output_that_is_not_all_there_is_said_to_be_cut(tooi: Any) -> None:
    done = tooi("map", "--json", "probe", "seq", stdin=b"3\n100000\n")
    short, long = json.loads(done.stdout)["results"]
    assert (short["stdout"], short["output_cut"]) == ("1\n2\n3", "")
    assert long["output_cut"]
    assert "of the 588,895 bytes of its output the first 100,000 are here" in long["message"]


def test_without_anything_to_run_over_it_is_said_what_to_give(tooi: Any) -> None:
    done = tooi("map", "probe", "args")
    assert done.returncode == 2
    assert b"--over" in done.stderr
