"""Archives of runs: all files, harmless names, sizes as announced, whatever happens meanwhile."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tooinstance_jupyter.archives import ArchiveFormat
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import OutputMissingError
from tooinstance_jupyter.records import OutputFile, Run, RunStatus, StreamSize
from tooinstance_jupyter.run_directory import RunDirectory
from tooinstance_jupyter.service.outputs import Outputs

FORMATS: tuple[ArchiveFormat, ...] = ("zip", "tar")
HOSTILE = ["-rf", "a\nb", "..\\..\\x", "\x1b[31mred", "ö🦐", "x" * 255, "stdout", "SKIPPED.txt"]
MakeRun = Callable[..., Run]
Unpack = Callable[[ArchiveFormat, Iterator[bytes]], dict[str, bytes]]


@pytest.mark.parametrize("format_", FORMATS)
def test_an_archive_holds_all_output_files_and_both_streams(
    outputs: Outputs, make_run: MakeRun, format_: ArchiveFormat, unpack: Unpack
) -> None:
    run = make_run({"a.csv": b"1,2", "plots/b.png": b"png", "empty": b""}, stdout=b"hello")

    assert unpack(format_, outputs.archive(run, format_)) == {
        "a.csv": b"1,2",
        "plots/b.png": b"png",
        "empty": b"",
        "stdout": b"hello",
        "stderr": b"",
    }


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_names_are_harmless_in_an_archive(
    outputs: Outputs, make_run: MakeRun, format_: ArchiveFormat, unpack: Unpack
) -> None:
    contents = {name: name.encode() for name in HOSTILE}
    run = make_run(contents)

    found = unpack(format_, outputs.archive(run, format_))

    assert sorted(found.values()) == sorted([*contents.values(), b"out", b""])
    for name in found:
        assert name.isprintable()
        assert not name.startswith(("/", "-"))
        assert "\\" not in name
        assert ".." not in name.split("/")


@pytest.mark.parametrize(("format_", "tool"), [("zip", "unzip"), ("tar", "tar")])
def test_the_systems_own_programs_unpack_an_archive(
    outputs: Outputs,
    make_run: MakeRun,
    format_: ArchiveFormat,
    tool: str,
    tmp_path: Path,
    require: Callable[[str, str], None],
) -> None:
    require(tool, f"apt-get install {tool}")
    run = make_run({"ö/🦐.txt": b"shrimp"})
    archive = tmp_path / "archive"
    archive.write_bytes(b"".join(outputs.archive(run, format_)))
    out = tmp_path / "out"
    out.mkdir()

    command = ["unzip", str(archive)] if format_ == "zip" else ["tar", "xf", str(archive)]
    subprocess.run(
        command, cwd=out, check=True, timeout=30, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )

    unpacked = out / "ö" / "🦐.txt"
    assert unpacked.read_bytes() == b"shrimp"
    assert unpacked.stat().st_mode & 0o777 == 0o644
    assert run.finished_at is not None
    assert abs(unpacked.stat().st_mtime - run.finished_at.timestamp()) <= 2


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_not_kept_is_listed_in_the_archive(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, format_: ArchiveFormat, unpack: Unpack
) -> None:
    run = make_run({"a": b"a", "b": b"b"})
    link = OutputFile(path="to\npasswd", size_bytes=0, skipped="a symbolic link")
    run = dataclasses.replace(run, files=(*run.files, link))
    (config.runs_path / run.id / "work" / "b").unlink()

    found = unpack(format_, outputs.archive(run, format_))

    assert sorted(found) == ["SKIPPED.txt", "a", "stderr", "stdout"]
    assert found["SKIPPED.txt"] == b"to_passwd: a symbolic link\nb: it is gone\n"


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_that_grows_is_packed_as_it_was(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, format_: ArchiveFormat, unpack: Unpack
) -> None:
    size = 3 * 2**20
    run = make_run({"then": b"t"}, stdout=b"o" * size)
    directory = RunDirectory(config.runs_path / run.id)

    chunks = outputs.archive(run, format_)
    seen = [next(chunks) for _ in range(4)]
    with directory.stream("stdout").open("ab") as stdout:
        stdout.write(b"more")
    found = unpack(format_, iter([*seen, *chunks]))

    assert found["stdout"] == b"o" * size
    assert found["then"] == b"t"


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_that_becomes_shorter_breaks_the_archive_visibly(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, format_: ArchiveFormat, unpack: Unpack
) -> None:
    run = make_run({"shrinks": b"s" * 3 * 2**20, "then": b"t"})
    shrinks = config.runs_path / run.id / "work" / "shrinks"
    chunks = outputs.archive(run, format_)
    seen = b""
    while b"ssss" not in seen:
        seen += next(chunks)
    os.truncate(shrinks, 100)

    with pytest.raises(OutputMissingError, match="'shrinks' became shorter"):
        seen = b"".join([seen, *chunks])

    with pytest.raises((zipfile.BadZipFile, tarfile.ReadError)):
        unpack(format_, iter([seen]))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_run_that_goes_on_is_packed_as_it_stands(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, format_: ArchiveFormat, unpack: Unpack
) -> None:
    run = make_run({"folder/a": b"a"}, status=RunStatus.RUNNING)
    (config.runs_path / run.id / "work" / "link").symlink_to("/etc/passwd")

    found = unpack(format_, outputs.archive(run, format_))

    assert found == {
        "folder/a": b"a",
        "stdout": b"out",
        "stderr": b"",
        "SKIPPED.txt": b"link: a symbolic link\n",
    }


@pytest.mark.parametrize("format_", FORMATS)
def test_an_archive_lists_the_streams_that_are_cut(
    outputs: Outputs, make_run: MakeRun, format_: ArchiveFormat, unpack: Unpack
) -> None:
    run = make_run({}, stdout=b"out")
    run = dataclasses.replace(run, stdout=StreamSize(total_bytes=9, kept_bytes=3))
    found = unpack(format_, outputs.archive(run, format_))
    assert found["SKIPPED.txt"] == b"stdout: stdout cut at 3 B of 9 B\n"
