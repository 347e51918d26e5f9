"""What a user holds after a run reads its output and its files when they are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from tooinstance_jupyter import display
from tooinstance_jupyter.display import excerpts
from tooinstance_jupyter.errors import ConflictError, InvalidValueError
from tooinstance_jupyter.records import OutputFile, RunStatus, StreamSize
from tooinstance_jupyter.results import RunResult


def with_files(shelf: Any, **contents: bytes) -> RunResult:
    files = []
    for name, data in contents.items():
        path = name.replace("__", "/").replace("_", ".")
        place = shelf.folder / "work" / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
        files.append(OutputFile(path=path, size_bytes=len(data), media_type=None))
    shelf.run = replace(shelf.run, files=tuple(files))
    return RunResult(shelf, shelf.run)


def test_output_is_text_bytes_lines_and_json(shelf: Any) -> None:
    shelf.write("stdout", b'{"a": [1]}\n')
    shelf.write("stderr", b"bad \xff\n")
    result = RunResult(shelf, shelf.run)
    assert result.json() == {"a": [1]}
    assert result.lines() == ['{"a": [1]}']
    assert result.stdout_bytes == b'{"a": [1]}\n'
    assert result.stderr == "bad \ufffd\n"
    assert (result.ok, result.exit_code, result.number) == (True, 0, 12)


def test_output_that_is_a_table_is_a_data_frame(shelf: Any) -> None:
    shelf.write("stdout", b"city;n\nLund;2\n")
    frame = RunResult(shelf, shelf.run).df(sep=";")
    assert frame.to_dict("list") == {"city": ["Lund"], "n": [2]}


def test_a_run_that_goes_on_is_asked_again(shelf: Any, samples: Any) -> None:
    shelf.run = samples.run("t", status=RunStatus.RUNNING, exit_code=None)
    result = RunResult(shelf, shelf.run)
    assert (result.status, result.ok, result.exit_code) == ("running", False, None)
    shelf.run = samples.run("t")
    assert (result.status, result.ok, result.exit_code) == ("succeeded", True, 0)


def test_a_display_reads_little_of_a_long_output(shelf: Any) -> None:
    shelf.write("stdout", b"0123456789\n" * 1_000_000)
    bundle = RunResult(shelf, shelf.run)._repr_mimebundle_()
    assert sum(shelf.reads) < 100_000
    assert "left out" in bundle["text/plain"]


def test_the_end_of_an_output_that_grows_is_found(shelf: Any, samples: Any) -> None:
    data = b"".join(b"line %d\n" % number for number in range(200_000))
    shelf.write("stdout", data)
    shelf.run = samples.run(
        "t", status=RunStatus.RUNNING, stdout=StreamSize(), files=(), finished_at=None
    )
    output = excerpts.read(shelf, shelf.run)
    assert output.stdout.size_bytes == len(data)
    assert output.stdout.tail.endswith(b"line 199999\n")
    assert "so far" in display.run_bundle(shelf, shelf.run)["text/plain"]


def test_files_are_read_in_their_forms(shelf: Any) -> None:
    result = with_files(shelf, sub__a_csv=b"x,y\n1,2\n", b_json=b'{"k": 1}', c_txt=b"1\r\n2\n")
    assert list(result.files) == ["sub/a.csv", "b.json", "c.txt"]
    assert result.files["sub/a.csv"].df().to_dict("list") == {"x": [1], "y": [2]}
    assert result.files["b.json"].json() == {"k": 1}
    assert result.files["c.txt"].lines() == ["1", "2"]
    assert result.files["c.txt"].bytes() == b"1\r\n2\n"
    with open(result.files["c.txt"]) as file:  # noqa: PTH123
        assert file.read() == "1\n2\n"
    assert os.fspath(result.files["b.json"]) == str(result.files["b.json"].path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t_tsv", b"x\ty\n1\t2\n"),
        ("t_jsonl", b'{"x": 1, "y": 2}\n'),
        ("t_json", b'[{"x": 1, "y": 2}]'),
    ],
)
def test_tables_are_read_by_their_names(shelf: Any, name: str, data: bytes) -> None:
    (file,) = with_files(shelf, **{name: data}).files.values()
    assert file.df().to_dict("list") == {"x": [1], "y": [2]}


def test_a_readers_options_are_passed_on(shelf: Any) -> None:
    (file,) = with_files(shelf, t_csv=b"x;y\n1;2\n").files.values()
    assert list(file.df(sep=";").columns) == ["x", "y"]


def test_what_is_no_table_says_so(shelf: Any) -> None:
    (file,) = with_files(shelf, t_txt=b"x").files.values()
    with pytest.raises(InvalidValueError, match=r"t\.txt"):
        file.df()


def test_a_package_that_is_missing_is_named_with_how_to_install_it(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = with_files(shelf, t_csv=b"x\n").files.values()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InvalidValueError, match="%pip install pandas"):
        file.df()


def test_json_that_is_none_is_named_with_its_place(shelf: Any) -> None:
    shelf.write("stdout", b'{"a": 1,\n "b": oops}\n')
    with pytest.raises(InvalidValueError, match=r"line 2, column 7.*oops"):
        RunResult(shelf, shelf.run).json()


def test_a_file_that_is_not_there_suggests_the_nearest(shelf: Any) -> None:
    files = with_files(shelf, results_csv=b"x").files
    with pytest.raises(KeyError, match=r"Did you mean 'results\.csv'"):
        files["result.csv"]
    assert "result.csv" not in files


def test_a_file_that_was_not_kept_says_why(shelf: Any) -> None:
    shelf.run = replace(
        shelf.run, files=(OutputFile(path="l", size_bytes=0, skipped="it is a link"),)
    )
    with pytest.raises(ConflictError, match="it is a link"):
        RunResult(shelf, shelf.run).files["l"].bytes()


def test_a_file_that_is_gone_is_still_listed(shelf: Any) -> None:
    result = with_files(shelf, a_txt=b"x")
    (shelf.folder / "work" / "a.txt").unlink()
    assert "a.txt" in result._repr_mimebundle_()["text/html"]


def test_text_in_another_encoding_says_where_it_breaks(shelf: Any) -> None:
    (file,) = with_files(shelf, a_txt="caf\xe9".encode("latin-1")).files.values()
    with pytest.raises(InvalidValueError, match="byte 3"):
        file.text()
    assert file.text("latin-1") == "caf\xe9"


def test_neither_displays_nor_results_nor_commands_import_what_is_heavy() -> None:
    code = (
        "import sys, tooinstance_jupyter.display, tooinstance_jupyter.results, "
        "tooinstance_jupyter.arguments, tooinstance_jupyter.commands\n"
        "heavy = {'pandas', 'nbconvert', 'nbformat', 'IPython', 'jinja2', 'numpy', 'rocrate'}\n"
        "print(*heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
