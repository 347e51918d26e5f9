"""What people can do with tools, builds and runs, through the client as a front end would."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import (
    ConflictError,
    ForbiddenError,
    InvalidValueError,
    NameTakenError,
    NotFoundError,
    StorageError,
    TooInstanceError,
)
from tooinstance_jupyter.records import (
    Principal,
    Run,
    RunStatus,
    Version,
    VersionStatus,
    Visibility,
)
from tooinstance_jupyter.requests import NewRun, NewTool, Output, RunFilter, ToolChanges

Open = Callable[..., LocalClient]
Finish = Callable[[LocalClient, Version], Version]


def run(client: LocalClient, *arguments: str, **given: Any) -> Run:
    new = NewRun(tool=given.pop("tool", "probe"), arguments=arguments, **given)
    return client.wait(client.run(new).number)


def until(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.01)


def test_a_run_keeps_what_it_was_and_what_came_of_it(
    client: LocalClient, probe: Version, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("in")
    ended = run(client, "write", "a b.csv", inputs=[tmp_path / "in.txt"], label="first")
    assert (ended.status, ended.exit_code) == (RunStatus.SUCCEEDED, 0)
    assert ended.arguments == ("write", "a b.csv")
    assert [file.path for file in ended.inputs] == ["in.txt"]
    assert [(file.path, file.media_type) for file in ended.files] == [("a b.csv", "text/csv")]
    assert client.file_path(ended.number, "a b.csv").read_text() == "of a b.csv\n"
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.label == "first"
    assert client.get_run(ended.number) == ended


def test_the_exit_code_of_a_tool_is_its_failure_and_not_ours(
    client: LocalClient, probe: Version
) -> None:
    ended = run(client, "fail")
    assert (ended.status, ended.exit_code, ended.failure) == (RunStatus.FAILED, 3, None)


def test_output_is_followed_as_it_comes_and_from_any_place(
    client: LocalClient, probe: Version
) -> None:
    started = client.run(NewRun(tool="probe", arguments=["slow"]))
    moments: list[float] = []
    text = b""
    for event in client.follow(started.number):
        if isinstance(event, Output):
            assert event.offset == len(text)
            text += event.data
            moments.append(time.monotonic())
    assert text == b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
    assert moments[-1] - moments[0] > 0.5, "it all came at the end"
    again = [e for e in client.follow(started.number, stdout_offset=4) if isinstance(e, Output)]
    assert b"".join(event.data for event in again) == text[4:]


def test_a_wait_may_be_given_up_and_the_run_goes_on(client: LocalClient, probe: Version) -> None:
    started = client.run(NewRun(tool="probe", arguments=["sleep"]))
    assert client.wait(started.number, timeout_s=0.05).status is RunStatus.RUNNING
    assert client.cancel(started.number).status is RunStatus.CANCELLED
    assert client.cancel(started.number).status is RunStatus.CANCELLED


def test_cancel_and_end_at_once_make_one_final_state(client: LocalClient, probe: Version) -> None:
    for _ in range(5):
        number = client.run(NewRun(tool="probe", arguments=["hello"])).number
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(ask, number) for ask in (client.cancel, client.wait)]
            seen = {future.result().status for future in futures}
        assert seen == {client.get_run(number).status}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"timeout_s": 0}, "limit_out_of_range"),
        ({"timeout_s": -1}, "limit_out_of_range"),
        ({"timeout_s": float("nan")}, "limit_out_of_range"),
        ({"timeout_s": 10**6}, "limit_out_of_range"),
        ({"memory_bytes": 10**15}, "limit_out_of_range"),
        ({"variables": {"LD_PRELOAD": "x"}}, "variable_invalid"),
        ({"inputs": [Path("/no/such/file")]}, "input_missing"),
        ({"stdin": Path("/no/such/file")}, "input_missing"),
        ({"arguments": "'unclosed"}, "arguments_unbalanced"),
        ({"arguments": ["a\0b"]}, "arguments_invalid"),
        ({"tool": "probe@9"}, "not_found"),
        ({"tool": "prob"}, "not_found"),
    ],
)
def test_a_run_that_cannot_be_leaves_nothing_behind(
    client: LocalClient, probe: Version, config: TooInstance, given: Any, code: str
) -> None:
    with pytest.raises(TooInstanceError) as caught:
        client.run(NewRun(**{"tool": "probe", **given}))
    assert caught.value.error_code == code
    assert list(config.runs_path.iterdir()) == []
    assert client.runs(RunFilter()).items == []


def test_the_nearest_name_is_suggested(client: LocalClient, probe: Version) -> None:
    with pytest.raises(NotFoundError, match="Did you mean probe"):
        client.tool("prob")


def test_a_run_is_rerun_with_its_inputs_and_other_arguments(
    client: LocalClient, probe: Version, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("in")
    first = run(client, "cat", inputs=[tmp_path / "in.txt"], stdin=b"through", label="l")
    (tmp_path / "in.txt").unlink()
    again = client.wait(client.rerun(first.number).number)
    assert client.read_output(again.number, "stdout") == b"through"
    assert (again.inputs, again.label) == (first.inputs, "l")
    changed = client.rerun(first.number, NewRun(tool="probe", arguments=["else"]))
    assert client.wait(changed.number).arguments == ("else",)


def test_one_file_can_be_input_and_standard_input(
    client: LocalClient, probe: Version, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("in")
    ended = run(client, "cat", inputs=[tmp_path / "in.txt"], stdin=tmp_path / "in.txt")
    assert client.read_output(ended.number, "stdout") == b"in"


def test_a_rerun_says_which_input_the_tool_changed_and_which_secret_is_missing(
    client: LocalClient, probe: Version, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("in")
    first = run(client, "change", "in.txt", inputs=[tmp_path / "in.txt"])
    with pytest.raises(ConflictError, match=r"in\.txt"):
        client.rerun(first.number)
    secret = run(client, "env", secrets={"TOKEN": "s3cret"})
    assert b"TOKEN=***" in client.read_output(secret.number, "stdout")
    with pytest.raises(InvalidValueError, match="--secret TOKEN"):
        client.rerun(secret.number)


def test_no_secret_is_anywhere_in_the_home(
    client: LocalClient, probe: Version, config: TooInstance
) -> None:
    run(client, "env", secrets={"TOKEN": "s3cret-value"})
    for path in config.home_path.rglob("*"):
        assert not path.is_file() or b"s3cret-value" not in path.read_bytes(), path


def test_a_credential_in_a_link_is_nowhere_in_the_home(
    client: LocalClient, config: TooInstance, finish: Finish
) -> None:
    link = "http://ada:s3cret-value@127.0.0.1:9/o/r"
    version = finish(client, client.create(NewTool(source=link))[1])
    assert version.status is VersionStatus.FAILED
    assert "s3cret" not in repr(version) + client.build_log(version.id)
    for path in config.home_path.rglob("*"):
        assert not path.is_file() or b"s3cret-value" not in path.read_bytes(), path


def test_a_name_is_taken_by_a_tool_that_is_ready_and_free_after_a_failure(
    client: LocalClient, probe: Version, folder: Path, tmp_path: Path, finish: Finish
) -> None:
    with pytest.raises(NameTakenError):
        client.create(NewTool(source=str(folder)))
    broken = tmp_path / "broken"
    broken.mkdir()
    first = finish(client, client.create(NewTool(source=str(broken)))[1])
    assert first.status is VersionStatus.FAILED
    (broken / "broken").write_text("#!/bin/sh\n")
    second = finish(client, client.create(NewTool(source=str(broken)))[1])
    assert (second.status, second.number) == (VersionStatus.READY, 2)


def test_a_deleted_tool_keeps_its_runs_readable(
    client: LocalClient, probe: Version, folder: Path
) -> None:
    ended = run(client, "hello")
    client.delete("probe")
    with pytest.raises(NotFoundError):
        client.tool("probe")
    assert client.get_run(ended.number).tool_name == "ada/probe"
    assert client.read_output(ended.number, "stdout") == b"hello\n"
    client.create(NewTool(source=str(folder)))


def test_a_tool_is_renamed_and_described(client: LocalClient, probe: Version) -> None:
    client.update("probe", ToolChanges(name="sonde", description="German for probe"))
    assert client.tool("sonde").tool.description == "German for probe"
    assert [d.tool.name for d in client.tools(text="german").items] == ["sonde"]
    with pytest.raises(InvalidValueError):
        client.update("sonde", ToolChanges(name="Not Good"))


def test_an_empty_runtime_or_entry_point_is_found_by_itself_again(
    client: LocalClient, probe: Version
) -> None:
    changed = client.update("probe", ToolChanges(runtime="node", entry_point="other"))
    assert (changed.runtime, changed.entry_point) == ("node", "other")
    changed = client.update("probe", ToolChanges(runtime="", entry_point=""))
    assert (changed.runtime, changed.entry_point) == (None, None)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"engine": "nothing"}, "engine_unknown"),
        ({"source": "/no/such/folder"}, "source_not_found"),
        ({"source": "./missing"}, "source_not_found"),
    ],
)
def test_what_could_never_be_built_becomes_no_tool(
    client: LocalClient, folder: Path, given: dict[str, str], code: str
) -> None:
    with pytest.raises(TooInstanceError) as caught:
        client.create(NewTool(**{"source": str(folder), **given}))
    assert caught.value.error_code == code
    assert client.tools().items == []


def test_a_command_of_another_tool_is_told_with_how_it_becomes_one(
    client: LocalClient, folder: Path, finish: Finish
) -> None:
    (folder / "other").write_text("#!/bin/sh\necho other\n")
    (folder / "other").chmod(0o755)
    finish(client, client.create(NewTool(source=str(folder), entry_point="probe"))[1])
    with pytest.raises(NotFoundError, match="a command of probe") as caught:
        client.tool("other")
    assert "--entry-point=other --name other" in caught.value.hint


def test_a_rerun_is_of_the_same_tool_whatever_that_is_called_now(
    client: LocalClient, probe: Version, folder: Path
) -> None:
    first = run(client, "hello")
    client.update("probe", ToolChanges(name="sonde"))
    again = client.wait(client.rerun(first.number).number)
    assert (again.tool_name, again.tool_id) == ("ada/sonde", first.tool_id)
    other, _ = client.create(NewTool(source=str(folder)))
    assert other.full_name == first.tool_name
    client.delete("sonde")
    with pytest.raises(NotFoundError, match="ada/probe"):
        client.rerun(first.number)


def test_a_tool_is_found_by_the_source_it_was_made_from(
    client: LocalClient, probe: Version, folder: Path
) -> None:
    assert client.tool(str(folder)).tool.name == "probe"


def test_a_private_tool_does_not_exist_for_others_until_it_is_shared(
    client: LocalClient, probe: Version, open_client: Open
) -> None:
    stranger = open_client("mallory")

    def answers(tool: str) -> str:
        try:
            stranger.run(NewRun(tool=tool))
        except NotFoundError as error:
            return str(error).replace(tool, "TOOL")
        return "it ran"

    assert answers("ada/probe") == answers("ada/nothing")
    client.update("probe", ToolChanges(access=("mallory", "c@e.org"), build_arguments={"A": "b"}))
    shown = stranger.tool("ada/probe").tool
    assert (shown.access, shown.build_arguments) == ((), {})
    assert stranger.tools(scope="shared").items[0].tool == shown
    assert run(stranger, "hello", tool="ada/probe").owner == "mallory"
    client.update("probe", ToolChanges(access=(), visibility=Visibility.PUBLIC))
    assert [d.tool.name for d in stranger.tools(scope="public").items] == ["probe"]
    with pytest.raises(ForbiddenError):
        stranger.delete("ada/probe")
    with pytest.raises(ForbiddenError):
        stranger.build("ada/probe")


def test_a_run_belongs_to_whoever_ran_it(
    client: LocalClient, probe: Version, open_client: Open
) -> None:
    mine = run(client, "hello")
    stranger = open_client("mallory")

    def answer(number: int) -> str:
        with pytest.raises(NotFoundError) as caught:
            stranger.get_run(number)
        return str(caught.value).replace(str(number), "N")

    assert answer(mine.number) == answer(mine.number + 1000)
    for ask in (stranger.cancel, stranger.delete_run, stranger.wait, stranger.rerun):
        with pytest.raises(NotFoundError):
            ask(mine.number)
    with pytest.raises(NotFoundError):
        stranger.read_output(mine.number, "stdout")
    assert stranger.runs(RunFilter()).items == []


def test_a_run_is_deleted_once_it_has_ended(
    client: LocalClient, probe: Version, config: TooInstance
) -> None:
    started = client.run(NewRun(tool="probe", arguments=["sleep"]))
    with pytest.raises(ConflictError):
        client.delete_run(started.number)
    client.cancel(started.number)
    client.delete_run(started.number)
    assert list(config.runs_path.iterdir()) == []
    with pytest.raises(NotFoundError):
        client.get_run(started.number)


def test_garbage_is_named_before_it_is_removed_and_nothing_in_use_is(
    client: LocalClient, probe: Version, config: TooInstance, folder: Path, finish: Finish
) -> None:
    assert list(client.collect_garbage(dry_run=True)) == []
    (folder / "probe").write_text("#!/bin/sh\necho other\n")
    finish(client, client.create(NewTool(source=str(folder), name="other"))[1])
    client.delete("probe")
    orphan = config.runs_path / ("0" * 32)
    orphan.mkdir()
    left = config.scratch_path / "left"
    left.mkdir(parents=True)
    for path in (orphan, left):
        os.utime(path, (1, 1))

    named = client.collect_garbage(dry_run=True)
    assert sorted(removal.kind for removal in named) == ["environment", "run", "scratch"]
    assert orphan.exists()
    assert left.exists()
    assert list(client.collect_garbage(dry_run=False)) == list(named)

    assert not orphan.exists()
    assert not left.exists()
    assert client.collect_garbage(dry_run=True) == []
    assert run(client, tool="other").exit_code == 0


def test_a_missing_environment_is_said_and_built_again(
    client: LocalClient, probe: Version, config: TooInstance, finish: Finish
) -> None:
    for environment in config.environments_path.iterdir():
        if environment.is_dir():
            environment.rename(config.home_path / "gone")
    with pytest.raises(ConflictError) as caught:
        client.run(NewRun(tool="probe"))
    assert caught.value.error_code == "environment_missing"
    finish(client, client.build("probe"))
    assert run(client, "hello").exit_code == 0


def test_a_missing_run_directory_is_no_crash(
    client: LocalClient, probe: Version, config: TooInstance
) -> None:
    ended = run(client, "write", "x")
    (config.runs_path / ended.id).rename(config.home_path / "gone")
    assert client.read_output(ended.number, "stdout") == b""
    with pytest.raises(NotFoundError):
        client.file_path(ended.number, "x")
    client.delete_run(ended.number)


def in_another_process(config: TooInstance, code: str) -> subprocess.Popen[bytes]:
    start = f"""
        import os, signal
        from tooinstance_jupyter.client.local import LocalClient
        from tooinstance_jupyter.config import TooInstance
        from tooinstance_jupyter.records import Principal
        from tooinstance_jupyter.requests import NewRun, NewTool
        client = LocalClient(TooInstance(home={config.home!r}), Principal(name="ada"))
    """
    whole = textwrap.dedent(start) + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", whole], stdout=subprocess.PIPE)


def test_a_run_whose_program_was_killed_is_complete_in_the_next(
    client: LocalClient, probe: Version, config: TooInstance
) -> None:
    other = in_another_process(
        config,
        """
        client.run(NewRun(tool="probe", arguments=["slow"]))
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert other.wait() == -signal.SIGKILL
    assert other.stdout is not None
    other.stdout.close()

    [found] = client.runs(RunFilter()).items
    ended = client.wait(found.number)

    assert ended.status is RunStatus.SUCCEEDED
    assert client.read_output(ended.number, "stdout") == b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"


def test_a_run_whose_guardian_was_killed_is_lost_and_not_the_tools_failure(
    client: LocalClient, probe: Version, config: TooInstance
) -> None:
    started = client.run(NewRun(tool="probe", arguments=["sleep"]))
    guardian = config.runs_path / started.id / "guardian.json"
    until(guardian.exists, "the guardian's start")
    os.kill(json.loads(guardian.read_text())["pid"], signal.SIGKILL)
    ended = client.wait(started.number)
    assert ended.status is RunStatus.LOST
    assert ended.failure is not None


def test_a_build_whose_program_was_killed_is_said_and_built_again(
    client: LocalClient, config: TooInstance, folder: Path, finish: Finish
) -> None:
    (folder / "probe").write_text("#!/bin/sh\nsleep 5\n")
    other = in_another_process(
        config,
        f"""
        client.create(NewTool(source={str(folder)!r}))
        print("begun", flush=True)
        """,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"begun\n"
    assert client.tool("probe").versions[0].status is not VersionStatus.READY
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    other.stdout.close()

    version = finish(client, client.tool("probe").versions[0])

    assert version.status is VersionStatus.FAILED
    assert version.failure is not None
    assert version.failure.code == "build_interrupted"
    (folder / "probe").write_text("#!/bin/sh\necho hello\n")
    assert finish(client, client.build("probe")).status is VersionStatus.READY


def test_a_build_is_followed_and_cancelled_from_another_process(
    client: LocalClient, config: TooInstance, folder: Path
) -> None:
    (folder / "probe").write_text("#!/bin/sh\nsleep 50\n")
    other = in_another_process(
        config,
        f"""
        client.create(NewTool(source={str(folder)!r}))
        print("begun", flush=True)
        """,
    )
    assert other.stdout is not None
    other.stdout.readline()
    version = client.tool("probe").versions[0]
    assert client.cancel_build(version.id).status is VersionStatus.CANCELLED
    other.wait()
    other.stdout.close()


def test_two_processes_on_one_home_run_everything_once(
    client: LocalClient, probe: Version, config: TooInstance
) -> None:
    code = """
        for n in range(10):
            client.wait(client.run(NewRun(tool="probe", arguments=[str(n)])).number)
    """
    others = [in_another_process(config, code) for _ in range(3)]
    for other in others:
        assert other.wait() == 0
        assert other.stdout is not None
        other.stdout.close()
    found = client.runs(RunFilter(limit=100)).items
    assert len(found) == 30
    assert {item.status for item in found} == {RunStatus.SUCCEEDED}
    for item in found:
        assert client.read_output(item.number, "stdout") == f"{item.arguments[0]}\n".encode()


def test_a_client_that_is_closed_leaves_its_runs_to_the_next(
    client: LocalClient, probe: Version, open_client: Open, config: TooInstance
) -> None:
    second = LocalClient(config, client.principal)
    started = second.run(NewRun(tool="probe", arguments=["slow"]))
    second.close()
    assert client.wait(started.number).status is RunStatus.SUCCEEDED


def test_a_version_that_is_not_ready_cannot_be_run_and_says_how_it_stands(
    client: LocalClient, tmp_path: Path, finish: Finish
) -> None:
    (tmp_path / "empty").mkdir()
    finish(client, client.create(NewTool(source=str(tmp_path / "empty")))[1])
    with pytest.raises(ConflictError, match="failed") as caught:
        client.run(NewRun(tool="empty"))
    assert caught.value.error_code == "not_ready"


@pytest.mark.parametrize(
    "script",
    [
        "i=0; while [ $i -lt 1200 ]; do mkdir a && cd a; i=$((i+1)); done; echo x > f",
        "echo x > a; mkdir b; echo x > b/c; chmod 000 a b .",
        "mkfifo p; ln -s /etc/passwd l; touch -- -x",
    ],
)
def test_whatever_a_tool_leaves_its_run_ends_and_can_be_listed_and_deleted(
    client: LocalClient, tmp_path: Path, finish: Finish, script: str
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "odd").write_text(f"#!/bin/sh\n[ $1 = --help ] || {{ {script}; }}\n")
    finish(client, client.create(NewTool(source=str(tmp_path / "odd")))[1])
    ended = run(client, "go", tool="odd")
    assert ended.status.is_final
    assert [item.number for item in client.runs(RunFilter()).items] == [ended.number]
    client.delete_run(ended.number)
    assert list((client._config.runs_path).iterdir()) == []


def test_a_run_whose_directory_was_deleted_is_lost_and_its_processes_end(
    client: LocalClient, probe: Version, config: TooInstance
) -> None:
    started = client.run(NewRun(tool="probe", arguments=["sleep"]))
    mark = f"TOOINSTANCE_RUN={started.id}".encode()

    def processes() -> list[Path]:
        return [path for path in Path("/proc").glob("[0-9]*") if mark in _environment(path)]

    # not its guardian's: what is deleted while that still prepares is never started
    until(lambda: client.read_output(started.number, "stdout"), "the start of the tool")
    assert processes()
    directory = config.runs_path / started.id
    # what watches over the tool may write there meanwhile
    until(lambda: shutil.rmtree(directory, ignore_errors=True) or not directory.exists(), "it gone")
    assert client.get_run(started.number).status is RunStatus.LOST
    until(lambda: not processes(), "the end of the tool")
    assert len(client.runs(RunFilter()).items) == 1


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("only root on Linux can mount a small file system")
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m,mode=711", "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_said_and_what_is_there_stays_usable(
    small_disk: Path, folder: Path, tmp_path: Path, finish: Finish
) -> None:
    client = LocalClient(TooInstance(home=str(small_disk)), Principal(name="ada"))
    try:
        finish(client, client.create(NewTool(source=str(folder)))[1])
        before = run(client, "hello")
        (tmp_path / "large").write_bytes(b"x" * 20_000_000)
        with pytest.raises(StorageError) as caught:
            client.run(NewRun(tool="probe", inputs=[tmp_path / "large"]))
        assert caught.value.error_code == "disk_full"
        assert [path.name for path in (small_disk / "runs").iterdir()] == [before.id]

        (small_disk / "filler").write_bytes(b"")
        with suppress(OSError), (small_disk / "filler").open("wb") as filler:
            while True:
                filler.write(b"x" * 65_536)
                filler.flush()
        assert client.read_output(before.number, "stdout") == b"hello\n"
        with pytest.raises(StorageError):
            client.run(NewRun(tool="probe"))
        (small_disk / "filler").unlink()
        assert run(client, "again").status is RunStatus.SUCCEEDED
    finally:
        client.close()
