"""The output of runs: read, packed and kept, whatever its names, wherever it is."""

from __future__ import annotations

import dataclasses
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tooinstance_jupyter.archives import ArchiveFormat
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import (
    ConflictError,
    NotFoundError,
    OutputMissingError,
    OutputsUnavailableError,
)
from tooinstance_jupyter.records import OutputFile, Run, RunStatus, Version
from tooinstance_jupyter.requests import NewRun
from tooinstance_jupyter.run_directory import RunDirectory
from tooinstance_jupyter.service.outputs import Outputs
from tooinstance_jupyter.store.blobs import Blobs
from tooinstance_jupyter.store.repository import Store

FORMATS: tuple[ArchiveFormat, ...] = ("zip", "tar")
HOSTILE = ["-rf", "a\nb", "..\\..\\x", "\x1b[31mred", "ö🦐", "x" * 255, "stdout", "SKIPPED.txt"]
MakeRun = Callable[..., Run]
Unpack = Callable[[ArchiveFormat, Iterator[bytes]], dict[str, bytes]]


@pytest.fixture(params=["file", "memory", "s3"])
def elsewhere(request: pytest.FixtureRequest, config: TooInstance, tmp_path: Path) -> Blobs:
    """Where output is kept, as the settings say."""
    match request.param:
        case "file":
            config.outputs_url = f"file://{tmp_path}/blobs"
        case "memory":
            config.outputs_url = f"memory://{uuid.uuid4().hex}"
        case _:
            s3 = request.getfixturevalue("s3")
            config.outputs_url, config.outputs_options = s3.url, s3.options
    return Blobs(config.outputs_url, config.outputs_options)


def content(file: BinaryIO) -> bytes:
    with file:
        return file.read()


def test_a_folder_that_becomes_a_link_is_never_followed(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, tmp_path: Path
) -> None:
    run = make_run({"folder/file": b"mine"})
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_bytes(b"secret")
    work = config.runs_path / run.id / "work"
    (work / "link").symlink_to(secret)
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            (work / "folder").rename(work / "aside")
            (work / "link").rename(work / "folder")
            (work / "folder").rename(work / "link")
            (work / "aside").rename(work / "folder")

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen = set()
    try:
        for _ in range(3_000):
            with suppress(NotFoundError), outputs.open_file(run, "folder/file") as file:
                seen.add(file.read())
    finally:
        done.set()
        swapping.join()
    assert seen == {b"mine"}


@pytest.mark.parametrize("path", ["../stdout", "/etc/passwd", "link", "pipe", "hard", "none", ""])
def test_only_files_of_the_run_are_opened(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, path: str, tmp_path: Path
) -> None:
    run = make_run({"a": b"a"})
    work = config.runs_path / run.id / "work"
    (tmp_path / "secret").write_text("secret")
    (work / "link").symlink_to(tmp_path / "secret")
    (work / "hard").hardlink_to(tmp_path / "secret")
    os.mkfifo(work / "pipe")

    # also where a tool got such a path into the record, or put something else in a file's place
    listed = dataclasses.replace(run, files=(OutputFile(path=path, size_bytes=1),))
    for asked in (run, listed):
        for read in (outputs.open_file, outputs.local_path):
            with pytest.raises(NotFoundError):
                read(asked, path)


def test_a_run_directory_that_somebody_deleted_is_missing_in_words(
    outputs: Outputs, make_run: MakeRun, config: TooInstance
) -> None:
    run = make_run({"a": b"a"}, inputs={"in.csv": b"1"})
    RunDirectory(config.runs_path / run.id).remove()

    with pytest.raises(NotFoundError, match="missing") as caught:
        outputs.open_file(run, "a")
    assert caught.value.error_code == "output_missing"
    with pytest.raises(NotFoundError, match="missing"):
        outputs.local_path(run, "a")
    with pytest.raises(ConflictError, match="input"):
        outputs.input_path(run, run.inputs[0])
    for read in (outputs.open_stream, outputs.size_of_stream):
        with pytest.raises(OutputMissingError, match="standard output of run 1 is missing"):
            read(run, "stdout")
    assert content(outputs.open_stream(run, "stderr")) == b"", "nothing was ever written to it"
    with pytest.raises(OutputMissingError):
        outputs.archive(run, "zip")
    assert outputs.keep(run).stored_at == ""
    assert outputs.pending() == []
    outputs.delete(run)


def test_a_kept_run_is_read_where_its_directory_is_not(
    outputs: Outputs,
    make_run: MakeRun,
    config: TooInstance,
    store: Store,
    elsewhere: Blobs,
    unpack: Unpack,
) -> None:
    contents = {name: name.encode() for name in HOSTILE} | {"big": bytes(range(256)) * 50_000}
    run = make_run(contents, stdout=b"0123456789", inputs={"in put.csv": b"1"}, stdin=b"said")
    assert [found.id for found in outputs.pending()] == [run.id]

    kept = outputs.keep(run)

    assert kept.stored_at == f"{config.outputs_url}/{run.id}"
    assert outputs.pending() == []
    assert store.get_run(run.number) == kept
    RunDirectory(config.runs_path / run.id).remove()
    for path, wanted in contents.items():
        with outputs.open_file(kept, path) as file:
            file.seek(len(wanted) // 2)
            assert file.read() == wanted[len(wanted) // 2 :]
        assert outputs.local_path(kept, path).read_bytes() == wanted
    with outputs.open_stream(kept, "stdout") as stdout:
        stdout.seek(8)
        assert stdout.read() == b"89"
    assert outputs.size_of_stream(kept, "stdout") == 10
    [given] = kept.inputs
    assert outputs.input_path(kept, given).name == "in put.csv"
    assert outputs.input_path(kept, given).read_bytes() == b"1"
    stdin = outputs.stdin_path(kept)
    assert stdin is not None
    assert stdin.read_bytes() == b"said"
    for format_ in FORMATS:
        found = unpack(format_, outputs.archive(kept, format_))
        assert sorted(found.values()) == sorted([*contents.values(), b"0123456789", b""])
    with pytest.raises(NotFoundError):
        outputs.open_file(kept, "none")

    outputs.delete(kept)
    assert elsewhere.sizes(run.id) == {}
    with pytest.raises(NotFoundError, match="missing"):
        outputs.open_file(kept, "big")


def test_what_people_change_meanwhile_is_not_undone_by_keeping(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, store: Store, tmp_path: Path
) -> None:
    config.outputs_url = f"file://{tmp_path}/blobs"
    run = make_run({"a": b"a"})
    store.update_run(run.number, {"label": "mine", "pinned": True})

    kept = outputs.keep(run)
    store.update_run(run.number, {"label": "still mine"})

    assert (kept.label, kept.pinned) == ("mine", True)
    stored = store.get_run(run.number)
    assert stored is not None
    assert (stored.label, stored.stored_at) == ("still mine", kept.stored_at)


def test_a_run_that_is_deleted_while_it_is_kept_leaves_nothing(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, store: Store, tmp_path: Path
) -> None:
    config.outputs_url = f"file://{tmp_path}/blobs"
    run = make_run({"a": b"a"})
    outputs.keep(run)
    assert list((tmp_path / "blobs").iterdir())
    store.delete_run(run.number)
    assert outputs.keep(run) == run

    outputs.delete(dataclasses.replace(run, stored_at=""))
    assert list((tmp_path / "blobs").iterdir()) == []


def test_what_is_away_for_a_while_is_kept_once_it_is_back(
    outputs: Outputs,
    make_run: MakeRun,
    config: TooInstance,
    store: Store,
    s3: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config.outputs_url, config.outputs_options = s3.url, s3.options
    run = make_run({"a": b"a"})
    s3.stop()
    with pytest.raises(OutputsUnavailableError):
        outputs.keep(run)
    assert content(outputs.open_file(run, "a")) == b"a"
    assert [found.id for found in outputs.pending()] == [run.id]
    with pytest.raises(OutputsUnavailableError):
        outputs.delete(run)

    outputs.hand_over(run)
    outputs.hand_over(run)
    until = time.monotonic() + 30
    while "not stored yet" not in caplog.text:
        assert time.monotonic() < until, "nobody says that it is away"
        time.sleep(0.01)
    s3.start()
    while outputs.pending():
        assert time.monotonic() < until, "it is not kept though it could be"
        time.sleep(0.01)

    stored = store.get_run(run.number)
    assert stored is not None
    assert stored.stored_at
    assert "hush" not in caplog.text


def test_a_keeper_that_is_killed_is_followed_by_another(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, store: Store, s3: Any
) -> None:
    config.outputs_url, config.outputs_options = s3.url, s3.options
    run = make_run({f"{number:03}": b"x" * number for number in range(400)})
    code = f"""
        from tooinstance_jupyter.config import TooInstance
        from tooinstance_jupyter.service.outputs import Outputs
        from tooinstance_jupyter.store.repository import Store
        config = TooInstance(home={config.home!r}, outputs_url={s3.url!r},
            outputs_options={s3.options!r})
        store = Store(config.database_url)
        Outputs(config, store).keep(store.get_run({run.number}))
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    blobs = Blobs(s3.url, s3.options)
    until = time.monotonic() + 60
    while not blobs.sizes(run.id):
        assert time.monotonic() < until, "nothing is kept"
        assert child.poll() is None, "it ended by itself"
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()

    stored = store.get_run(run.number)
    assert stored is not None
    assert stored.stored_at == ""
    assert len(blobs.sizes(run.id)) < 402
    [pending] = outputs.pending()
    kept = outputs.keep(pending)

    assert kept.stored_at
    assert len(blobs.sizes(run.id)) == 402
    RunDirectory(config.runs_path / run.id).remove()
    assert content(outputs.open_file(kept, "399")) == b"x" * 399


def test_what_is_stored_stays_here_only_while_there_is_room(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, tmp_path: Path
) -> None:
    config.outputs_url = f"file://{tmp_path}/blobs"
    config.outputs_cache_bytes = 2_500
    runs = []
    for number in range(4):
        run = outputs.keep(make_run({"a": bytes(1_000)}, stdout=b""))
        mark = config.runs_path / run.id / "stored"
        if mark.exists():
            os.utime(mark, (number, number))
        runs.append(run)
    here = [run for run in runs if (config.runs_path / run.id).exists()]
    assert here == runs[2:]

    fetched = [outputs.local_path(run, "a") for run in runs[:2]]
    assert fetched[-1].read_bytes() == bytes(1_000)
    kept_bytes = sum(
        place.stat().st_size
        for place in itertools.chain(config.runs_path.rglob("a"), config.cache_path.rglob("a"))
    )
    assert kept_bytes <= 2_500
    for run in runs:
        assert content(outputs.open_file(run, "a")) == bytes(1_000)


def test_output_stays_readable_when_the_setting_becomes_another_one(
    outputs: Outputs, make_run: MakeRun, config: TooInstance, tmp_path: Path
) -> None:
    config.outputs_url = f"file://{tmp_path}/first"
    run = outputs.keep(make_run({"a": b"a"}))
    RunDirectory(config.runs_path / run.id).remove()

    for url in (f"file://{tmp_path}/second", ""):
        config.outputs_url = url
        assert content(outputs.open_file(run, "a")) == b"a"


def test_memory_stays_flat_whatever_the_size(
    make_run: MakeRun, config: TooInstance, s3: Any
) -> None:
    size = 50 * 2**20
    run = make_run({"small": b"s"})
    big = make_run({"big": b""})
    place = config.runs_path / big.id / "work" / "big"
    os.truncate(place, size)
    code = f"""
        import dataclasses, hashlib, resource
        from tooinstance_jupyter.config import TooInstance
        from tooinstance_jupyter.run_directory import RunDirectory
        from tooinstance_jupyter.service.outputs import Outputs
        from tooinstance_jupyter.store.repository import Store
        config = TooInstance(home={config.home!r}, outputs_url={s3.url!r},
            outputs_options={s3.options!r})
        store = Store(config.database_url)
        outputs = Outputs(config, store)
        def most():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        def work(run):
            sizes = [sum(map(len, outputs.archive(run, "zip")))]
            run = outputs.keep(run)
            RunDirectory(config.runs_path / run.id).remove()
            sizes += [sum(map(len, outputs.archive(run, kind))) for kind in ("zip", "tar")]
            return min(sizes)
        work(store.get_run({run.number}))
        before = most()
        assert work(store.get_run({big.number})) > {size}
        print((most() - before) * 1024)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < size * 0.8, f"{int(done.stdout):,} bytes of memory"


def test_another_home_on_the_same_database_reads_and_repeats_a_run(
    client: LocalClient, probe: Version, config: TooInstance, tmp_path: Path
) -> None:
    config.outputs_url = f"file://{tmp_path}/blobs"
    given = tmp_path / "in put.txt"
    given.write_text("given")
    new = NewRun(tool="probe", arguments=["write", "x"], inputs=[given], stdin=b"said")
    number = client.wait(client.run(new).number).number
    until = time.monotonic() + 30
    while not client.get_run(number).stored_at:
        assert time.monotonic() < until, "it is not stored"
        time.sleep(0.01)
    settings = {"database_url": config.database_url, "outputs_url": config.outputs_url}
    other = LocalClient(TooInstance(home=str(tmp_path / "other"), **settings), client.principal)
    try:
        assert other.file_path(number, "x").read_text() == "of x\n"
        assert other.read_output(number, "stdout") == client.read_output(number, "stdout")
        again = other.wait(other.rerun(number).number)
        assert again.status is RunStatus.SUCCEEDED
        assert again.inputs == client.get_run(number).inputs
    finally:
        other.close()


def test_a_stream_that_became_a_link_is_not_followed(
    outputs: Outputs, make_run: MakeRun, config: TooInstance
) -> None:
    run = make_run({})
    stdout = RunDirectory(config.runs_path / run.id).stream("stdout")
    stdout.unlink()
    stdout.symlink_to("/etc/passwd")

    for read in (outputs.open_stream, outputs.size_of_stream):
        with pytest.raises(OutputMissingError):
            read(run, "stdout")
