"""A run's directory: what is put there, and what is found there."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from tooinstance_jupyter.errors import InvalidValueError, NotFoundError
from tooinstance_jupyter.records import MORE_FILES, Limits
from tooinstance_jupyter.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(tmp_path / "runs" / "one")
    directory.create()
    return directory


def collected(run: RunDirectory, **limits: int) -> dict[str, str | None]:
    return {file.path: file.skipped for file in run.collect(Limits(**limits), ())}


def test_inputs_arrive_under_their_own_names_with_their_hashes(tmp_path: Path) -> None:
    source = tmp_path / "räksmörgås 🦐.csv"
    source.write_bytes(b"a,b\n1,2\n")
    run = RunDirectory(tmp_path / "run")

    [placed] = run.create([source])

    assert (run.work / source.name).read_bytes() == b"a,b\n1,2\n"
    assert placed.sha256 == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert placed.size_bytes == 8


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "socket", "device", "dangling"])
def test_an_input_that_is_no_file_is_refused_and_nothing_is_made(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path = Path("input")
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "device":
            path = Path("/dev/null")
        case "dangling":
            path.symlink_to("nowhere")
    run = RunDirectory(tmp_path / "run")

    with pytest.raises(InvalidValueError):
        run.create([path])

    assert not run.path.exists()


def test_two_inputs_of_one_name_are_refused_and_nothing_is_made(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").touch()
    run = RunDirectory(tmp_path / "run")

    with pytest.raises(InvalidValueError, match=r"x\.csv"):
        run.create([tmp_path / "a/x.csv", tmp_path / "b/x.csv"])

    assert not run.path.exists()


def test_outputs_are_listed_with_size_hash_and_media_type(run: RunDirectory) -> None:
    (run.work / "sub").mkdir()
    (run.work / "sub" / "table.csv").write_bytes(b"1,2\n")
    (run.work / "unknown.qqq").write_bytes(b"")

    first, second = run.collect(Limits(), ())

    assert (first.path, second.path) == ("unknown.qqq", "sub/table.csv")
    assert second.size_bytes == 4
    assert second.sha256 == hashlib.sha256(b"1,2\n").hexdigest()
    assert second.media_type == "text/csv"
    assert first.media_type == "application/octet-stream"


def test_an_unchanged_input_is_no_output_and_a_changed_one_is(tmp_path: Path) -> None:
    for name in ("same.txt", "changed.txt"):
        (tmp_path / name).write_text(name)
    run = RunDirectory(tmp_path / "run")
    inputs = run.create([tmp_path / "same.txt", tmp_path / "changed.txt"])
    (run.work / "changed.txt").write_text("now different")

    assert [file.path for file in run.collect(Limits(), inputs)] == ["changed.txt"]


def test_links_pipes_sockets_and_devices_are_listed_as_skipped_and_never_followed(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "inside").write_text("secret")
    monkeypatch.chdir(run.work)
    Path("link").symlink_to(secret)
    Path("folder-link").symlink_to(folder)
    os.link(secret, "hard")
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")

    found = collected(run)

    assert set(found) == {"link", "folder-link", "hard", "pipe", "socket"}
    assert None not in found.values()


def test_a_name_with_newlines_is_kept_and_one_that_is_not_utf8_is_skipped(
    run: RunDirectory,
) -> None:
    (run.work / "two\nlines").touch()
    (run.work / os.fsdecode(b"bad-\xff")).touch()

    assert collected(run) == {"bad-\\xff": "its name is not valid UTF-8", "two\nlines": None}


def test_what_is_beyond_the_limits_is_said(run: RunDirectory) -> None:
    for number in range(5):
        (run.work / str(number)).write_bytes(b"x" * 10)

    assert list(collected(run, output_files=3)) == ["0", "1", "2", "…"]
    assert [path for path, skipped in collected(run, output_bytes=25).items() if skipped] == [
        "2",
        "3",
        "4",
    ]


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "link", "folder/inside", "", ".", "missing", "a\0b"]
)
def test_a_path_out_of_the_working_directory_is_not_found(
    run: RunDirectory, tmp_path: Path, path: str
) -> None:
    (run.path / "secret").write_text("secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "inside").write_text("secret")
    (run.work / "link").symlink_to("/etc/passwd")
    (run.work / "folder").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(NotFoundError):
        run.output_path(path)


def test_a_directory_without_permissions_is_removed_all_the_same(run: RunDirectory) -> None:
    locked = run.work / "locked"
    locked.mkdir()
    (locked / "file").touch()
    locked.chmod(0)

    run.remove()

    assert not run.path.exists()


def test_what_is_over_a_limit_is_cut_and_what_is_no_file_is_not(run: RunDirectory) -> None:
    (run.work / "a-small").write_bytes(b"x")
    (run.work / "b-large").write_bytes(b"x" * 100)
    (run.work / "c-link").symlink_to("/etc/passwd")
    os.mkfifo(run.work / "d-pipe")
    (run.work / "e-hard").hardlink_to(run.work / "a-small")
    files = run.collect(Limits(output_bytes=10), ())
    assert {file.path: file.is_cut for file in files} == {
        "a-small": False,
        "b-large": True,
        "c-link": False,
        "d-pipe": False,
        "e-hard": False,
    }
    assert run.collect(Limits(output_files=2), ())[-1].skipped == MORE_FILES
