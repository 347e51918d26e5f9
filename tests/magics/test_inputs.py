"""What is typed for inputs, variables and limits: taken as meant, or refused before a run."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tooinstance_jupyter.commands import UsageError, inputs
from tooinstance_jupyter.commands.files import copy_out
from tooinstance_jupyter.errors import ConflictError, InvalidValueError
from tooinstance_jupyter.file_names import harmless_name


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    (folder / "data").mkdir(parents=True)
    for name in ("a.csv", "b.csv", "[odd].txt", "data/c.csv"):
        (folder / name).write_text(name)
    monkeypatch.chdir(folder)
    return folder


def test_globs_are_expanded_in_order_and_each_file_is_taken_once(here: Path) -> None:
    assert inputs.files(["b.csv", "*.csv", "data/*"]) == [
        Path("b.csv"),
        Path("a.csv"),
        Path("data/c.csv"),
    ]


def test_a_name_that_looks_like_a_glob_is_taken_as_it_is(here: Path) -> None:
    assert inputs.files(["[odd].txt"]) == [Path("[odd].txt")]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("missing.csv", "input_missing"),
        ("*.parquet", "input_missing"),
        ("data", "input_folder"),
        ("pipe", "input_special"),
        ("/dev/null", "input_special"),
        ("outward", "input_link"),
        ("linked/secret", "input_link"),
        ("dangling", "input_missing"),
        ("a\0b", "input_name"),
    ],
)
def test_what_is_no_file_of_the_folder_is_refused(here: Path, given: str, code: str) -> None:
    os.mkfifo("pipe")
    (here.parent / "secret").write_text("x")
    Path("outward").symlink_to(here.parent / "secret")
    Path("linked").symlink_to(here.parent, target_is_directory=True)
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(InvalidValueError) as caught:
        inputs.files([given])
    assert caught.value.error_code == code


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("missing.ipynb", "is not there"),
        ("data", "is a folder"),
        ("pipe", "no regular file"),
        ("x" * 300, "cannot be read"),
    ],
)
def test_a_file_that_a_command_reads_is_called_a_file(here: Path, given: str, why: str) -> None:
    os.mkfifo("pipe")
    with pytest.raises(InvalidValueError, match=why):
        inputs.document(given)
    (here / "mine.ipynb").write_text("{}")
    assert inputs.document("mine.ipynb") == Path("mine.ipynb")


def test_a_link_within_the_folder_and_a_file_outside_named_as_such_are_taken(here: Path) -> None:
    Path("again.csv").symlink_to("data/c.csv")
    outside = here.parent / "outside.csv"
    outside.write_text("x")
    assert inputs.files(["again.csv", str(outside), "../outside.csv"])


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90), ("1.5", 1.5), ("2m", 120), ("1h", 3600), ("500ms", 0.5)]
)
def test_times_are_read(text: str, expected: float) -> None:
    assert inputs.seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("512M", 512 * 2**20), ("2g", 2 * 2**30), ("1.5GiB", int(1.5 * 2**30)), ("100", 100)],
)
def test_sizes_are_read(text: str, expected: int) -> None:
    assert inputs.size_bytes(text) == expected


def test_moments_are_read_as_ago_or_as_local_dates() -> None:
    ago = datetime.now(UTC) - inputs.moment("2h")
    assert abs(ago - timedelta(hours=2)) < timedelta(minutes=1)
    assert inputs.moment("2026-01-31T14:00+02:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert inputs.moment("2026-01-31").tzinfo is UTC


@pytest.mark.parametrize("text", ["", "never", "99999999999w", "2026-13-01"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        inputs.moment(text)


@pytest.mark.parametrize("pair", ["", "A", "=x", "1A=x", "A B=x", "A\n=x"])
def test_what_is_no_variable_is_refused(pair: str) -> None:
    with pytest.raises(InvalidValueError):
        inputs.variables([pair])


def test_a_variables_value_is_kept_as_it_is() -> None:
    assert inputs.variables(["A=b=c d"]) == {"A": "b=c d"}


def test_a_secrets_value_given_for_its_name_is_refused_without_an_echo() -> None:
    with pytest.raises(InvalidValueError) as caught:
        inputs.secrets(["TOKEN=hunter2"], lambda name: "")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["..", ".", "-rf", "a\nb", "\x1b[31m", "a\u202eb", "x" * 300, "a/b"]
)
def test_a_hostile_file_name_is_made_harmless(name: str) -> None:
    made = harmless_name(name)
    assert made not in ("", ".", "..")
    assert not made.startswith("-")
    assert made.isprintable()
    assert "/" not in made
    assert len(made.encode()) <= 200


def test_copying_out_stays_in_the_folder_and_loses_nothing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("new")
    target = tmp_path / "target"
    wanted = [(source, "../../up"), (source, "a\nb"), (source, "a\tb"), (source, "sub/plain")]
    written = copy_out(wanted, target, force=False)
    assert all(
        path.resolve().is_relative_to(target) and path.read_text() == "new" for path in written
    )
    assert len(set(written)) == 4


def test_copying_out_never_overwrites_unless_forced(tmp_path: Path) -> None:
    source, kept = tmp_path / "source", tmp_path / "kept"
    source.write_text("new")
    kept.write_text("old")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "file").symlink_to(kept)
    with pytest.raises(ConflictError, match="there already"):
        copy_out([(source, "other"), (source, "file")], tmp_path / "to", force=False)
    assert not (tmp_path / "to" / "other").exists()
    copy_out([(source, "file")], tmp_path / "to", force=True)
    assert (tmp_path / "to" / "file").read_text() == "new"
    assert kept.read_text() == "old"


def test_copying_out_follows_no_link_out_of_the_folder(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("new")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidValueError, match="leads out"):
        copy_out([(source, "sub/file")], tmp_path / "to", force=False)
    assert not list((tmp_path / "elsewhere").iterdir())
