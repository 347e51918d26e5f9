"""What a user holds after a run reads its output and its files when they are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from dataclasses import replace
from typing import Any

import pytest

from tooinstance_jupyter import display
from tooinstance_jupyter.display import excerpts
from tooinstance_jupyter.errors import ConflictError, InvalidValueError
from tooinstance_jupyter.records import (
    BEYOND_SIZE,
    SYMBOLIC_LINK,
    OutputFile,
    RunStatus,
    StreamSize,
)
from tooinstance_jupyter.results import OutputCutWarning, RunResult


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


def cut_result(shelf: Any, samples: Any, **changes: Any) -> RunResult:
    shelf.write("stdout", b'{"a": 1}\n{"a')
    shelf.write("stderr", b"oops\n")
    stdout = StreamSize(total_bytes=200_000_000, kept_bytes=12)
    shelf.run = samples.run("t", **{"files": (), "stdout": stdout, **changes})
    return RunResult(shelf, shelf.run)


def test_a_result_that_is_cut_says_so_first(shelf: Any, samples: Any) -> None:
    result = cut_result(shelf, samples)
    assert repr(result).startswith("<stdout cut at 12 B of 200 MB; run 12 of t@1: t")
    assert result.cut == "stdout cut at 12 B of 200 MB"
    assert repr(RunResult(shelf, samples.run("t", files=()))).startswith("<run 12 of")


@pytest.mark.parametrize(
    "read",
    [
        lambda result: result.stdout,
        lambda result: result.stdout_bytes,
        lambda result: result.lines(),
        lambda result: result.df(),
    ],
    ids=["stdout", "stdout_bytes", "lines", "df"],
)
def test_reading_what_is_cut_warns_at_the_line_that_reads_it(
    shelf: Any, samples: Any, read: Any
) -> None:
    with pytest.warns(OutputCutWarning, match="Run 12: stdout cut at 12 B of 200 MB") as caught:
        read(cut_result(shelf, samples))
    assert [warning.filename for warning in caught] == [__file__]
    assert "Raise TooInstance.run_log_bytes (now 105 MB) to keep more." in str(caught[0].message)


def test_json_that_breaks_off_warns_that_it_is_cut(shelf: Any, samples: Any) -> None:
    result = cut_result(shelf, samples)
    with pytest.warns(OutputCutWarning), pytest.raises(InvalidValueError):
        result.json()


def test_a_stream_that_is_whole_is_read_without_a_warning(shelf: Any, samples: Any) -> None:
    result = cut_result(shelf, samples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert result.stderr == "oops\n"
        assert repr(result.files) == "no files"
        assert result._repr_mimebundle_()


def test_files_that_are_missing_are_told_where_files_are_looked_for(
    shelf: Any, samples: Any
) -> None:
    files = (
        OutputFile(path="a.csv", size_bytes=1),
        OutputFile(path="b.csv", size_bytes=9, skipped=BEYOND_SIZE),
        OutputFile(path="link", size_bytes=0, skipped=SYMBOLIC_LINK),
    )
    result = RunResult(shelf, samples.run("t", files=files))
    found = result.files
    with pytest.warns(OutputCutWarning, match=r"1 file not kept.*run_output_bytes") as caught:
        assert [file.name for file in found.values()] == ["a.csv", "b.csv", "link"]
    assert [warning.filename for warning in caught] == [__file__]
    assert repr(found).splitlines()[0] == "1 file not kept"
    with pytest.raises(KeyError, match="1 file not kept"):
        found["c.csv"]
    whole = RunResult(shelf, samples.run("t", files=(files[0], files[2])))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(whole.files) == ["a.csv", "link"]
        assert "not kept" not in repr(whole.files)
