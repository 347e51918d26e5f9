"""What is too large for a notebook goes beside it, and is found there again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.export.people import Person
from tooinstance_jupyter import export
from tooinstance_jupyter.errors import ConflictError, InvalidValueError
from tooinstance_jupyter.export import reading
from tooinstance_jupyter.export.comparison import Finding, Verdict
from tooinstance_jupyter.export.gather import Wish
from tooinstance_jupyter.records import Run

SIZE = 300_000
PLACE = "runs/{}/inputs/large.csv"


@pytest.fixture(scope="module")
def large(ada: Person, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose input and standard output are too large for a notebook."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "large.csv").write_bytes(b"a,b\n" * (SIZE // 4))
    (folder / "typed").write_text("typed line\n" * (SIZE // 11))
    run = ada.run("-i", str(folder / "large.csv"), "--stdin", str(folder / "typed"), "probe")
    assert run.status == "succeeded", run
    return run


@pytest.fixture
def notebook(ada: Person, large: Run, tmp_path: Path) -> Path:
    """The run as a notebook, in a folder that it has to itself."""
    file = tmp_path / "sent" / "report.ipynb"
    outcome = ada("export", str(large.number), str(file))
    assert "report_files" in str(outcome.bundle["text/plain"])
    return file


def test_what_is_large_is_beside_the_notebook_and_linked_from_it(
    notebook: Path, large: Run
) -> None:
    assert sorted(path.name for path in notebook.parent.iterdir()) == [
        "report.ipynb",
        "report_files",
    ]
    address = f"report_files/{PLACE.format(large.number)}"
    assert (notebook.parent / address).stat().st_size == SIZE
    assert not (notebook.parent / f"report_files/runs/{large.number}/files/table.tsv").exists()
    text = "\n".join(cell.source for cell in nbformat.read(notebook, 4).cells)
    assert f"]({address})" in text
    assert f"-i {address}" in text
    assert f"--stdin=report_files/runs/{large.number}/stdin" in text


def test_a_notebook_runs_with_what_is_beside_it(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOINSTANCE_HOME", str(tmp_path / "home"))
    made = nbformat.read(notebook, 4)
    resources = {"metadata": {"path": str(notebook.parent)}}
    NotebookClient(made, timeout=120, resources=resources).execute()
    shown = json.dumps([cell.outputs for cell in made.cells if cell.cell_type == "code"])
    assert f"large.csv {SIZE}" in shown
    assert "TYPED LINE" in shown


def test_it_is_verified_where_the_folder_goes_with_it_and_not_without(
    notebook: Path, person: Callable[..., Person]
) -> None:
    bob = person("bob")
    found: list[Finding] = bob("verify", str(notebook)).value  # type: ignore[assignment]
    assert {one.verdict for one in found} == {Verdict.SAME}
    shutil.rmtree(notebook.with_name("report_files"))
    outcome = bob("verify", str(notebook))
    assert outcome.exit_code == 2
    assert "not exported" in str(outcome.bundle["text/plain"])


def test_what_is_beside_it_is_taken_only_if_it_is_what_was_exported(
    notebook: Path, large: Run, person: Callable[..., Person]
) -> None:
    file = notebook.parent / "report_files" / PLACE.format(large.number)
    file.write_bytes(b"x" * SIZE)
    with pytest.raises(Exception, match="not what its digest says"):
        person("bob")("verify", str(notebook))


@pytest.mark.parametrize("address", ["../outside.csv", "/etc/hostname", "linked/large.csv", ""])
def test_nothing_is_read_from_elsewhere(
    notebook: Path, large: Run, tmp_path: Path, address: str
) -> None:
    place = PLACE.format(large.number)
    elsewhere = notebook.parent / "report_files" / place
    elsewhere.rename(tmp_path / "outside.csv")
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "outside.csv", tmp_path / "elsewhere" / "large.csv")
    (notebook.parent / "linked").symlink_to(tmp_path / "elsewhere")
    made = nbformat.read(notebook, 4)
    made.metadata.tooinstance.beside[place] = address
    nbformat.write(made, notebook)
    (tmp_path / "read").mkdir()
    package = reading.read(notebook, tmp_path / "read", looks_beside=True)
    [file] = package.export.runs[0].inputs
    assert file.place is None


def test_a_notebook_that_others_sent_to_a_server_reads_nothing_of_it(
    notebook: Path, tmp_path: Path
) -> None:
    (tmp_path / "read").mkdir()
    [file] = reading.read(notebook, tmp_path / "read").export.runs[0].inputs
    assert file.place is None


def test_a_folder_that_is_there_is_written_into_on_demand_only(
    ada: Person, large: Run, notebook: Path
) -> None:
    notebook.unlink()
    own = notebook.parent / "report_files" / "own.txt"
    own.write_text("mine")
    with pytest.raises(ConflictError, match="report_files"):
        ada("export", str(large.number), str(notebook))
    assert not notebook.exists()
    ada("export", "--force", str(large.number), str(notebook))
    assert own.read_text() == "mine"


def test_what_replaces_an_export_leaves_nothing_of_it(
    ada: Person, large: Run, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = notebook.parent / "report_files"
    other = ada.run("probe", "small")

    def broken(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", broken)
        with pytest.raises(InvalidValueError, match="Permission denied"):
            ada("export", "--force", str(other.number), str(notebook))
    assert (folder / PLACE.format(large.number)).stat().st_size == SIZE
    ada("export", "--force", str(other.number), str(notebook))
    assert sorted(path.name for path in notebook.parent.iterdir()) == ["report.ipynb"]


def test_what_is_beside_it_is_found_where_a_link_leads_to_its_folder(
    notebook: Path, tmp_path: Path, person: Callable[..., Person]
) -> None:
    (tmp_path / "shortcut").symlink_to(notebook.parent)
    outcome = person("bob")("verify", str(tmp_path / "shortcut" / "report.ipynb"))
    assert outcome.exit_code == 0, outcome.bundle["text/plain"]


def test_a_file_that_goes_alone_names_what_it_leaves_behind(
    ada: Person, large: Run, tmp_path: Path
) -> None:
    wish = Wish(runs=(large.number,))
    written = export.write(ada.client, wish, "ipynb", tmp_path / "x.ipynb", alone=True)
    assert written.folder is None
    assert [path.name for path in tmp_path.iterdir()] == ["x.ipynb"]
    assert "large.csv" in written.file.read_text()


def test_the_notebook_in_an_archive_finds_what_is_beside_it(
    ada: Person, large: Run, person: Callable[..., Person], tmp_path: Path
) -> None:
    ada("export", str(large.number), str(tmp_path / "x.zip"))
    shutil.unpack_archive(tmp_path / "x.zip", tmp_path / "unpacked")
    outcome = person("bob")("verify", str(tmp_path / "unpacked" / "export.ipynb"))
    assert outcome.exit_code == 0, outcome.bundle["text/plain"]
