"""One interface in two forms: what holds in-process holds through a server."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter import errors
from tooinstance_jupyter.client.base import Client
from tooinstance_jupyter.records import Change, Run, RunStatus, Version, Visibility
from tooinstance_jupyter.requests import (
    BuildLog,
    Form,
    NewRun,
    NewTool,
    Output,
    ReadArguments,
    RunChanges,
    RunFilter,
    ToolChanges,
)


def ended(client: Client, *arguments: str, **more: Any) -> Run:
    begun = client.run(NewRun(tool="ada/probe", arguments=arguments, **more))
    return client.wait(begun.number, 60)


def test_a_build_is_followed_to_its_end_with_its_log(client: Client, probe_folder: Path) -> None:
    tool, version = client.create(NewTool(source=str(probe_folder), name="again"))
    events = list(client.follow_build(version.id))
    states = [event for event in events if isinstance(event, Version)]
    assert states[-1].status == "ready"
    log = "".join(event.text for event in events if isinstance(event, BuildLog))
    assert log == client.build_log(version.id)
    rest = list(client.follow_build(version.id, offset=len(log.encode())))
    assert not [event for event in rest if isinstance(event, BuildLog)]
    assert client.tool(str(tool.source)).tool.name in ("again", "probe")
    assert client.build("again").number == 2
    assert client.delete("again").deleted_at is not None
    with pytest.raises(errors.NotFoundError):
        client.tool("again")


def test_a_run_is_followed_byte_for_byte_from_any_place(client: Client) -> None:
    run = ended(client, "bytes")
    kept = {name: client.read_output(run.number, name) for name in ("stdout", "stderr")}  # type: ignore[arg-type]
    assert (len(kept["stdout"]), len(kept["stderr"])) == (300_000, 100_000)
    for begin in (0, 12_345):
        heard = {"stdout": b"", "stderr": b""}
        events = list(client.follow(run.number, stdout_offset=begin, stderr_offset=begin))
        for event in events:
            if isinstance(event, Output):
                assert event.offset == begin + len(heard[event.stream])
                heard[event.stream] += event.data
        assert heard == {name: data[begin:] for name, data in kept.items()}
        assert [event for event in events if isinstance(event, Run)][-1].status == "succeeded"


def test_output_is_read_in_parts(client: Client) -> None:
    run = ended(client, "args", "0123456789")
    read = client.read_output
    assert read(run.number, "stdout") == b"[0123456789]\n"
    assert read(run.number, "stdout", offset=1, size=3) == b"012"
    assert read(run.number, "stdout", offset=11) == b"]\n"
    assert read(run.number, "stdout", offset=13) == b""
    assert read(run.number, "stdout", offset=500, size=2) == b""
    assert read(run.number, "stdout", size=0) == b""
    assert read(run.number, "stderr", size=10) == b""
    assert client.output_size(run.number, "stdout") == 13
    assert client.output_size(run.number, "stderr") == 0


def test_inputs_and_stdin_reach_the_tool_and_its_rerun(client: Client, tmp_path: Path) -> None:
    given = tmp_path / 'a "q" é;x.csv'
    given.write_bytes(b"1,2\r\n\0")
    run = ended(client, "cat", given.name, inputs=[given])
    assert client.read_output(run.number, "stdout") == b"1,2\r\n\0"
    again = client.wait(client.rerun(run.number).number, 60)
    assert client.read_output(again.number, "stdout") == b"1,2\r\n\0"
    stdin = ended(client, "cat", stdin=b"\xff\0piped")
    assert client.read_output(stdin.number, "stdout") == b"\xff\0piped"
    other = client.rerun(stdin.number, NewRun(tool="", stdin=given))
    assert client.wait(other.number, 60).status == "succeeded"
    assert client.read_output(other.number, "stdout") == b"1,2\r\n\0"


@pytest.mark.parametrize("arguments", ["args 'a b' 😀", '["args", "a b", "😀"]'])
def test_arguments_are_read_the_same(client: Client, arguments: str) -> None:
    run = client.wait(client.run(NewRun(tool="probe", arguments=arguments)).number, 60)
    assert client.read_output(run.number, "stdout").decode() == "[a b]\n[😀]\n"


def test_arguments_and_forms_are_read_for_a_version(people: Any) -> None:
    ada, eve = people("ada"), people("eve")
    ready = ada.tool("probe").ready
    assert ready is not None
    assert ready.interface is not None
    assert [option.key for option in ready.interface.options] == ["--level"]
    form = Form(values={"--level": "3"}, rest=("--odd", "a b"))
    argv = ("--level", "3", "--odd", "a b")
    expected = ReadArguments(argv=argv, line="--level 3 --odd 'a b'", form=form)
    assert ada.read_arguments("-l3 --odd 'a b'", version_id=ready.id).form == form
    assert ada.read_arguments(argv, version_id=ready.id) == expected
    assert ada.read_arguments({"1": "3", "0": "-l"}).argv == ("-l", "3")
    assert ada.read_arguments(form, version_id=ready.id) == expected
    for wrong in ("'x", Form(values={"--nosuch": "1"})):
        with pytest.raises(errors.InvalidValueError):
            ada.read_arguments(wrong, version_id=ready.id)
    for version_id in (ready.id, "0" * 32):
        with pytest.raises(errors.NotFoundError):
            eve.read_arguments("x", version_id=version_id)


def test_secrets_are_masked_and_asked_for_again(client: Client) -> None:
    run = ended(client, "secret", secrets={"PROBE_TOKEN": "tok-sesame-93f"})
    assert b"sesame" not in client.read_output(run.number, "stdout")
    assert run.secrets == ("PROBE_TOKEN",)
    with pytest.raises(errors.InvalidValueError) as caught:
        client.rerun(run.number)
    assert caught.value.error_code == "secret_missing"
    assert "--secret PROBE_TOKEN" in caught.value.hint


def test_a_wait_ends_in_time_and_a_cancel_ends_the_run(client: Client) -> None:
    run = client.run(NewRun(tool="probe", arguments=["wait"]))
    started = time.monotonic()
    assert not client.wait(run.number, 0.5).status.is_final
    assert 0.4 < time.monotonic() - started < 30
    waited: list[Run] = []
    waiting = threading.Thread(target=lambda: waited.append(client.wait(run.number)))
    waiting.start()
    assert client.cancel(run.number).status is RunStatus.CANCELLED
    waiting.join(30)
    assert [one.status for one in waited] == [RunStatus.CANCELLED]


def test_files_can_be_read_here_whatever_they_are_called(client: Client) -> None:
    run = ended(client, "write")
    name = 'sub/-r f"é.txt'
    assert sorted(file.path for file in run.files) == [name, "table.csv"]
    assert client.file_path(run.number, name).read_bytes() == b"x\n"
    assert client.read_file(run.number, "table.csv", size=3) == b"a,b"
    assert client.file_path(run.number, "table.csv").suffix == ".csv"
    for wrong in ("../../stdout", "nosuch", "/etc/passwd"):
        with pytest.raises(errors.NotFoundError):
            client.file_path(run.number, wrong)


def test_runs_and_tools_are_listed_searched_and_changed(client: Client) -> None:
    run = ended(client, "args", "needle", label="of hay")
    page = client.runs(RunFilter(tool="probe", text="needle", limit=1))
    assert [one.number for one in page.items] == [run.number]
    failed = ended(client, "fail")
    assert (failed.status, failed.exit_code) == (RunStatus.FAILED, 3)
    found = client.runs(RunFilter(status=RunStatus.FAILED, since=failed.created_at))
    assert failed.number in [one.number for one in found.items]
    assert client.update("probe", ToolChanges(description="of use")).description == "of use"
    assert [item.tool.name for item in client.tools(text="use", scope="mine").items] == ["probe"]
    assert client.update_run(run.number, RunChanges(pinned=True)).pinned
    client.delete_run(failed.number)
    with pytest.raises(errors.NotFoundError):
        client.get_run(failed.number)


def test_errors_are_the_same_classes_with_code_and_hint(people: Any, tmp_path: Path) -> None:
    client = people("ada")
    finished = ended(client, "args")
    busy = client.run(NewRun(tool="probe", arguments=["wait"]))
    cases = [
        (lambda: client.run(NewRun(tool="prbe")), errors.NotFoundError, "not_found"),
        (lambda: client.run(NewRun(tool="probe", arguments="'x")), errors.InvalidValueError, None),
        (
            lambda: client.run(NewRun(tool="probe", inputs=[tmp_path / "no"])),
            errors.InvalidValueError,
            "input_missing",
        ),
        (
            lambda: client.run(NewRun(tool="probe", timeout_s=1e9)),
            errors.InvalidValueError,
            "limit_out_of_range",
        ),
        (lambda: client.delete_run(busy.number), errors.ConflictError, "conflict"),
        (lambda: client.create(NewTool(source="ext::sh -c x")), errors.TooInstanceError, None),
        (lambda: people("eve").get_run(finished.number), errors.NotFoundError, "not_found"),
        (lambda: client.tools(cursor="xyz"), errors.TooInstanceError, None),
        (lambda: client.revoke_link("0" * 32), errors.NotFoundError, "not_found"),
    ]
    for ask, kind, code in cases:
        with pytest.raises(kind) as caught:
            ask()
        assert code in (None, caught.value.error_code)
        assert caught.value.message
    client.cancel(busy.number)


def test_tools_and_runs_are_shared_with_those_who_are_named(people: Any) -> None:
    ada, bob, eve = people("ada"), people("bob"), people("eve")
    ada.update("probe", ToolChanges(access=("bob",), visibility=Visibility.PRIVATE))
    assert [item.tool.full_name for item in bob.tools(scope="shared").items] == ["ada/probe"]
    assert not eve.tools().items
    own = bob.wait(bob.run(NewRun(tool="ada/probe", arguments=["args", "1"])).number, 60)
    assert own.owner == "bob"
    run = ended(ada, "args", "for bob")
    with pytest.raises(errors.NotFoundError):
        bob.get_run(run.number)
    assert ada.update_run(run.number, RunChanges(access=("bob",))).access == ("bob",)
    assert bob.read_output(run.number, "stdout") == b"[for bob]\n"
    assert run.number in [one.number for one in bob.runs(RunFilter(scope="shared")).items]
    with pytest.raises(errors.ForbiddenError):
        bob.update_run(run.number, RunChanges(label="mine"))
    assert "bob" in [user.name for user in ada.users("b")]
    ada.update("probe", ToolChanges(access=()))
    with pytest.raises(errors.NotFoundError):
        bob.tool("ada/probe")


def test_links_are_made_listed_and_revoked(client: Client) -> None:
    run = ended(client, "args")
    made = client.create_link(run.number, expires_in_s=60)
    assert made.token
    assert [link.id for link in client.links(run.number)] == [made.link.id]
    client.revoke_link(made.link.id)
    assert client.links(run.number)[0].revoked_at is not None
    with pytest.raises(errors.InvalidValueError) as caught:
        client.create_link(run.number, expires_in_s=1e9)
    assert caught.value.error_code == "expiry_invalid"


def test_changes_and_usage_are_told(client: Client) -> None:
    heard: list[Change] = []
    is_over = threading.Event()

    def listen() -> None:
        for change in client.changes(after=0):
            heard.append(change)
            if (change.kind, change.action, change.subject) == ("run", "succeeded", wanted[0]):
                is_over.set()
                return

    wanted = [str(ended(client, "args").number)]
    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    assert is_over.wait(30)
    ids = [change.id for change in heard]
    assert ids == sorted(set(ids))
    usage = client.usage()
    assert usage.limits == client.default_limits
    assert client.principal.name == "ada"
    assert client.describe()["user"] == "ada"
