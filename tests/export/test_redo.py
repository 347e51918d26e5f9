"""An export made on one installation is redone, verified and imported on another, empty one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.export.people import PLANTED, Person, make_script
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import InvalidValueError
from tooinstance_jupyter.export.comparison import Verdict
from tooinstance_jupyter.records import Run
from tooinstance_jupyter.requests import RunFilter

MakePerson = Callable[..., Person]


def exported(ada: Person, run: Run, file: Path) -> Path:
    ada("export", str(run.number), str(file))
    return file


def verdicts(findings: Any) -> dict[str, Verdict]:
    return {finding.what: finding.verdict for finding in findings}


@pytest.mark.parametrize("suffix", [".ipynb", ".html", ".zip", ".crate.zip"])
def test_another_person_elsewhere_verifies_a_run_in_each_form(
    ada: Person,
    given: Run,
    person: MakePerson,
    tmp_path: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("API_TOKEN", PLANTED["variable"])
    bob = person("bob")
    outcome = bob("verify", str(exported(ada, given, tmp_path / f"x{suffix}")))
    found = verdicts(outcome.value)
    assert found.pop("binary.bin", None) is Verdict.UNKNOWN, outcome.bundle["text/plain"]
    assert set(found.values()) == {Verdict.SAME}, outcome.bundle["text/plain"]
    assert {"exit code", "stdout", "stderr", "table.tsv", "sub/note.txt", "plot.png"} <= set(found)
    assert bob.client.runs(RunFilter()).items[0].label == "a *label*"


def test_the_other_engine_gives_the_same(
    ada: Person, person: MakePerson, docker_settings: TooInstance, tmp_path: Path
) -> None:
    run = ada.run("probe", "anywhere")
    bob = person("bob", docker_settings)
    outcome = bob("verify", str(exported(ada, run, tmp_path / "x.ipynb")))
    assert set(verdicts(outcome.value).values()) == {Verdict.SAME}, outcome.bundle["text/plain"]
    assert "docker engine instead of process" in str(outcome.bundle["text/plain"])
    assert outcome.exit_code == 0


def test_what_differs_is_shown(ada: Person, person: MakePerson, tmp_path: Path) -> None:
    run = ada.run("probe", "--random")
    outcome = person("bob")("verify", str(exported(ada, run, tmp_path / "x.zip")))
    found = verdicts(outcome.value)
    assert outcome.exit_code == 1
    assert {what for what, verdict in found.items() if verdict is Verdict.DIFFERENT} == {"stdout"}
    shown = str(outcome.bundle["text/plain"])
    assert "--- before" in shown
    assert "+++ after" in shown


def test_what_failed_is_verified_to_fail_alike(
    ada: Person, person: MakePerson, tmp_path: Path
) -> None:
    run = ada.run("probe", "--fail")
    outcome = person("bob")("verify", str(exported(ada, run, tmp_path / "x.ipynb")))
    assert outcome.exit_code == 0, outcome.bundle["text/plain"]


def test_what_cannot_be_made_again_is_not_called_verified(
    ada: Person, person: MakePerson, tmp_path: Path
) -> None:
    folder = make_script(tmp_path, "local", "echo local")
    ada("create", str(folder), "--name", "local")
    file = exported(ada, ada.run("local"), tmp_path / "x.ipynb")
    assert str(folder) not in file.read_text()
    outcome = person("bob")("verify", str(file))
    assert outcome.exit_code == 2
    assert "its source is not in it" in str(outcome.bundle["text/plain"])


def test_tools_and_runs_are_imported_with_all_that_they_gave(
    ada: Person, given: Run, person: MakePerson, tmp_path: Path
) -> None:
    bob = person("bob")
    outcome = bob("import", str(exported(ada, given, tmp_path / "x.zip")))
    [result] = outcome.value  # type: ignore[misc]
    assert outcome.exit_code == 0, outcome.bundle["text/plain"]
    run = result.run
    assert (run.owner, run.tool_name, run.status) == ("bob", "bob/probe", "succeeded")
    assert run.message == "Done, imported"
    assert run.arguments == given.arguments
    assert "hello" in result.stdout
    assert result.files["table.tsv"].text() == "city\tn\nUppsala\t1\nLund\t2\n"
    assert "secret" in str(bob.client.get_run(run.number).files)
    again = bob.client.get_run(run.number)
    assert [file.path for file in again.inputs] == ["data.csv", "odd.csv"]
    with pytest.raises(Exception, match="API_TOKEN"):
        bob("rerun", str(run.number))


def test_a_run_is_not_imported_as_one_of_a_tool_that_it_is_not_of(
    ada: Person, person: MakePerson, tmp_path: Path
) -> None:
    bob = person("bob")
    bob("create", str(make_script(tmp_path, "other", "echo other")), "--name", "other")
    file = exported(ada, ada.run("probe", "mine"), tmp_path / "x.zip")
    with pytest.raises(InvalidValueError, match="not built from what the export says"):
        bob.client.import_run(file, tool="other@1")
    assert bob.client.runs(RunFilter()).items == []


def test_an_exported_notebook_runs_from_top_to_bottom_elsewhere(
    ada: Person, given: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = nbformat.read(exported(ada, given, tmp_path / "x.ipynb"), 4)
    monkeypatch.setenv("TOOINSTANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("API_TOKEN", PLANTED["variable"])
    work = tmp_path / "work"
    work.mkdir()
    for _ in range(2):  # the second time all is there already
        client = NotebookClient(made, timeout=120, resources={"metadata": {"path": str(work)}})
        client.execute()
    shown = json.dumps([cell.outputs for cell in made.cells if cell.cell_type == "code"])
    assert "TYPED" in shown
    assert "data.csv 8" in shown
    assert "odd.csv 3" in shown
    assert "two words it's {x} $HOME" in shown


def test_two_runs_are_compared(ada: Person) -> None:
    one, same, other = ada.run("probe", "a"), ada.run("probe", "a"), ada.run("probe", "b", "--fail")
    outcome = ada("diff", str(one.number), str(same.number))
    assert outcome.exit_code == 0, outcome.bundle["text/plain"]
    outcome = ada("diff", str(one.number), str(other.number))
    found = verdicts(outcome.value)
    different = {what for what, verdict in found.items() if verdict is Verdict.DIFFERENT}
    assert different == {"arguments", "status", "exit code", "stdout"}
    assert "+hello b --fail" in str(outcome.bundle["text/plain"]).replace("␛[32m", "").replace(
        "␛[0m", ""
    )


def test_an_export_is_made_in_a_terminal(
    tmp_path: Path, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOINSTANCE_HOME", str(tmp_path / "home"))
    for words in (
        ("create", repository, "--name", "probe"),
        ("run", "probe"),
        ("export", "1", str(tmp_path / "x.html")),
        ("verify", str(tmp_path / "x.html")),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tooinstance_jupyter", *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert b"the same" in done.stdout
