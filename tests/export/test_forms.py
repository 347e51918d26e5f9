"""What each form of an export promises: valid, readable without anything, without secrets."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter

from tests.export.people import PLANTED, Person, make_script
from tooinstance_jupyter import export
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.commands import UsageError
from tooinstance_jupyter.errors import ConflictError, NotFoundError
from tooinstance_jupyter.export.gather import Wish, gather
from tooinstance_jupyter.records import Principal, Run
from tooinstance_jupyter.requests import NewRun

FORMATS = ("ipynb", "html", "zip", "crate")


@pytest.fixture(scope="module")
def files(ada: Person, given: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The run in each form."""
    folder = tmp_path_factory.mktemp("exports")
    written = {}
    for name in FORMATS:
        place = folder / f"run{export.exporter(name).suffix}"
        written[name] = Path(str(ada("export", str(given.number), str(place)).value))
    return written


def contents(path: Path) -> Iterator[bytes]:
    """Yield all that a file holds, unpacked."""
    data = path.read_bytes()
    yield data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
            yield from (name.encode() for name in archive.namelist())


def test_the_forms_are_known_by_the_names_of_files(files: dict[str, Path]) -> None:
    assert set(export.formats()) == set(FORMATS)
    for name, path in files.items():
        assert export.exporter_of(path.name) == name
        assert path.stat().st_size > 0


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_secret_is_in_any_form(files: dict[str, Path], form: str) -> None:
    for data in contents(files[form]):
        for what, value in PLANTED.items():
            assert value.encode() not in data, what
        assert str(Path.home()).encode() + b"/" not in data


def test_the_name_of_who_ran_it_is_told_on_demand_only(
    ada: Person, given: Run, tmp_path: Path
) -> None:
    for options, by in (((), ""), (("--with-name",), "ada")):
        file = tmp_path / f"{by or 'nobody'}.ipynb"
        ada("export", *options, str(given.number), str(file))
        [run] = nbformat.read(file, 4).metadata.tooinstance.runs
        assert run.by == by


def test_files_of_a_run_with_secrets_are_exported_on_demand_only(
    ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKED", PLANTED["secret"])
    run = ada.run("--secret", "ASKED", "probe")
    for options, are_there in (((), False), (("--with-all-files",), True)):
        file = tmp_path / f"{are_there}.ipynb"
        ada("export", *options, str(run.number), str(file))
        [told] = nbformat.read(file, 4).metadata.tooinstance.runs
        assert PLANTED["secret"] not in file.read_text()
        assert told.secrets == ["ASKED"]
        places = {one.path: one.place for one in told.files}
        assert (places["table.tsv"] is not None) is are_there


def test_a_notebook_is_valid_and_says_what_was_run(files: dict[str, Path], given: Run) -> None:
    made = nbformat.read(files["ipynb"], 4)
    nbformat.validate(made)
    text = "\n".join(cell.source for cell in made.cells)
    assert "# probe: a \\*label\\*" in text
    assert "%tooi create file://" in text
    assert f"@{made.metadata.tooinstance.tools[0].commit} --name=probe --exist-ok" in text
    assert "probe 'two words' 'it'\"'\"'s' '{''x}' '$HOME' -- -x" in text
    assert "--no-network" in text
    assert "<b>things" not in text
    [cell] = [cell for cell in made.cells if cell.cell_type == "code" and cell.outputs]
    shown, image = cell.outputs
    assert "hello" in shown.data["text/html"]
    assert image.data["image/png"].startswith("iVBOR")
    assert cell.source.startswith("%%tooi run")
    assert cell.source.endswith("\ntyped")


def test_static_viewers_show_a_notebook(files: dict[str, Path]) -> None:
    body, _ = HTMLExporter().from_filename(str(files["ipynb"]))
    assert "HELLO" not in body
    assert "TYPED" in body
    assert "Uppsala" in body
    assert "<script>alert" not in body


def test_the_same_run_is_exported_as_the_same_notebook(
    ada: Person, given: Run, files: dict[str, Path], tmp_path: Path
) -> None:
    again = tmp_path / "again.ipynb"
    ada("export", str(given.number), str(again))
    one, other = (nbformat.read(path, 4) for path in (files["ipynb"], again))
    for made in (one, other):
        made.metadata.tooinstance.made_at = ""
    assert one == other


def test_a_page_asks_for_nothing_and_runs_nothing(files: dict[str, Path]) -> None:
    page = files["html"].read_text()
    assert "default-src 'none'" in page
    for address in ("src=", "href="):
        for part in page.split(f'{address}"')[1:]:
            assert part.startswith(("data:", "#", "https://***@", "http", "file:")), part[:50]
    assert 'src="http' not in page
    assert page.count("<script") == 1
    assert "<script>alert" not in page


def test_checksums_of_an_archive_hold(files: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(files["zip"]) as archive:
        archive.extractall(tmp_path)
        names = set(archive.namelist())
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    assert {"tooinstance.json", "export.ipynb", "export.html"} <= names
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == len(names) - 1


def test_each_content_has_the_digest_that_is_told_of_it(
    files: dict[str, Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(files["zip"]) as archive:
        [run] = json.loads(archive.read("tooinstance.json"))["runs"]
        told = {file["path"]: file for file in (*run["files"], *run["inputs"], run["stdout"])}
        for file in told.values():
            if file["place"] is not None:
                digest = hashlib.sha256(archive.read(file["place"])).hexdigest()
                assert digest == file["sha256"]
    assert told["data.csv"]["place"]
    assert "taken out" in told["sub/note.txt"]["note"]
    assert told["binary.bin"]["place"] is None
    assert "secret" in told["binary.bin"]["note"]


def test_a_crate_is_a_process_run_crate(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rocrate_validator import models, services
    from rocrate_validator.utils import document_loader, http

    bundled = importlib.resources.files("rocrate") / "data/ro-crate.jsonld"
    context = {"@context": json.loads(bundled.read_text())["@context"]}

    class Answer:
        status_code = 200
        headers = {"Content-Type": "application/ld+json"}  # noqa: RUF012
        text = json.dumps(context)

        def json(self) -> Any:
            return context

    # the terms come from where the library has them, not from the network
    monkeypatch.setattr(document_loader, "_fetch_json_ld", lambda address: context)
    monkeypatch.setattr(
        http.HttpRequester, "__getattr__", lambda self, name: lambda *a, **k: Answer()
    )
    checked = services.validate(
        services.ValidationSettings(
            rocrate_uri=str(files["crate"]),
            profile_identifier="process-run-crate",
            requirement_severity=models.Severity.REQUIRED,
        )
    )
    assert [(issue.check.identifier, issue.message) for issue in checked.get_issues()] == []
    with zipfile.ZipFile(files["crate"]) as archive:
        graph = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
    [action] = [entity for entity in graph if entity["@type"] == "CreateAction"]
    assert {one["@id"] for one in action["result"]} >= {"runs/1/stdout", "runs/1/files/plot.png"}


def test_several_runs_and_versions_are_one_document(ada: Person, tmp_path: Path) -> None:
    first = ada.run("probe", "one")
    second = ada.run("probe", "two")
    file = tmp_path / "both.ipynb"
    ada("export", str(first.number), str(second.number), str(file))
    told = nbformat.read(file, 4).metadata.tooinstance
    assert [run.number for run in told.runs] == [first.number, second.number]
    assert len(told.tools) == 1


def test_a_tool_alone_is_exported_with_the_cell_that_makes_it(ada: Person, tmp_path: Path) -> None:
    file = tmp_path / "tool.ipynb"
    ada("export", "probe", str(file))
    sources = [cell.source for cell in nbformat.read(file, 4).cells if cell.cell_type == "code"]
    assert "%tooi create file://" in sources[0]
    assert sources[-1] == "%tooi run probe --help"


def test_nothing_is_written_over_and_nothing_is_left_half(
    ada: Person, given: Run, tmp_path: Path
) -> None:
    file = tmp_path / "mine.ipynb"
    file.write_text("mine")
    with pytest.raises(ConflictError, match="--force"):
        ada("export", str(given.number), str(file))
    assert file.read_text() == "mine"
    with pytest.raises(NotFoundError):
        ada("export", "9999", str(tmp_path / "none.ipynb"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.ipynb"]
    ada("export", str(given.number), str(file), "--force")
    assert nbformat.read(file, 4).cells


def test_a_name_of_another_form_is_refused_rather_than_written(
    ada: Person, given: Run, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"'\.pdf'"):
        ada("export", str(given.number), str(tmp_path / "report.pdf"))
    assert list(tmp_path.iterdir()) == []
    ada("export", str(given.number), str(tmp_path / "report.pdf"), "-f", "html")
    assert (tmp_path / "report.pdf").read_text().startswith("<!DOCTYPE html>")


def test_a_run_that_goes_on_is_not_exported_yet(ada: Person, tmp_path: Path) -> None:
    sleeper = make_script(tmp_path, "sleeper", '[ "$1" = --help ] || sleep 300')
    ada("create", str(sleeper), "--name", "sleeper")
    begun = ada.client.run(NewRun(tool="sleeper", arguments=["now"]))
    with pytest.raises(ConflictError, match="once it has ended"):
        ada("export", str(begun.number), str(tmp_path / "x.ipynb"))
    ada.client.cancel(begun.number)


def test_what_is_another_users_is_exported_as_far_as_it_is_shared(
    ada: Person, given: Run, tmp_path: Path
) -> None:
    installation = ada.client._installation  # type: ignore[attr-defined]
    friend = LocalClient(
        installation.config, Principal(name=PLANTED["friend"]), installation=installation
    )
    package = gather(friend, Wish(runs=(given.number,)), tmp_path)
    [run] = package.export.runs
    assert run.variables == {}
    assert [file.place for file in run.inputs] == [None, None]
    assert "ada's" not in json.dumps([file.note for file in run.files])
    assert package.read(run.stdout)
    stranger = LocalClient(installation.config, Principal(name="eve"), installation=installation)
    with pytest.raises(NotFoundError):
        gather(stranger, Wish(runs=(given.number,)), tmp_path)
