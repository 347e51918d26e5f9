"""An export says first what of a run is not in it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.export.people import Person, make_script
from tooinstance_jupyter import export
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.export.gather import Wish
from tooinstance_jupyter.records import Run

WORDS = "stdout cut at 1.0 kB of 23.9 kB, 1 file not kept"
SCRIPT = """[ "$1" = --help ] || seq 5000
echo x > "$(printf 'odd\\377')"
echo x > even
ln -s even link
head -c 3000000 /dev/zero > large.bin
"""


@pytest.fixture(scope="module")
def owner(person: Callable[..., Person], tmp_path_factory: pytest.TempPathFactory) -> Person:
    settings = TooInstance(
        home=str(tmp_path_factory.mktemp("home")), run_log_bytes=1000, cancel_grace_s=0.2
    )
    ada = person("ada", settings)
    script = make_script(tmp_path_factory.mktemp("script"), "many", SCRIPT)
    ada("create", str(script), "--name", "many")
    return ada


@pytest.fixture(scope="module")
def cut(owner: Person) -> Run:
    run = owner.run("many")
    assert (run.status, run.cut) == ("succeeded", WORDS), run
    return run


def test_a_notebook_says_it_before_all_else(owner: Person, cut: Run, tmp_path: Path) -> None:
    outcome = owner("export", str(cut.number), str(tmp_path / "x.ipynb"))
    assert outcome.bundle["text/plain"].startswith(f"S{WORDS[1:]}:\n")
    made = nbformat.read(tmp_path / "x.ipynb", as_version=4)
    title, told = made.cells[0].source.split("\n\n")[:2]
    assert title.startswith("# ")
    assert told == f'<div class="alert alert-warning">{WORDS}</div>'
    shown = next(cell for cell in made.cells if cell.cell_type == "code" and cell.outputs)
    data = shown.outputs[0].data
    assert f"[{WORDS}]" in data["text/plain"].splitlines()[0]
    assert "1.0 kB of 23.9 kB are kept" in data["text/html"]
    assert made.metadata["tooinstance"]["runs"][0]["cut"] == WORDS


def test_a_page_says_it_and_what_it_has_no_room_for(
    owner: Person, cut: Run, tmp_path: Path
) -> None:
    owner("export", str(cut.number), str(tmp_path / "x.html"))
    body = (tmp_path / "x.html").read_text().partition("<main>")[2]
    told = f'<div class="alert alert-warning">{WORDS}, 1 file not in this export</div>'
    assert told in body
    assert body.index(told) < body.index("<table>")


def test_archives_and_crates_say_it(owner: Person, cut: Run, tmp_path: Path) -> None:
    owner("export", str(cut.number), str(tmp_path / "x.zip"))
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert json.loads(archive.read("tooinstance.json"))["runs"][0]["cut"] == WORDS
        assert f"{WORDS}</div>" in archive.read("export.html").decode()
    owner("export", str(cut.number), str(tmp_path / "x.crate.zip"))
    with zipfile.ZipFile(tmp_path / "x.crate.zip") as archive:
        entities = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
    descriptions = {entity["@id"]: entity.get("description", "") for entity in entities}
    assert descriptions["./"].startswith(f"{WORDS}. ")
    assert descriptions[f"#run-{cut.number}"].startswith(f"{WORDS}. ")


def test_a_document_that_goes_alone_says_what_it_leaves_behind(
    owner: Person, cut: Run, tmp_path: Path
) -> None:
    wish = Wish(runs=(cut.number,))
    written = export.write(owner.client, wish, "ipynb", tmp_path / "x.ipynb", alone=True)
    made = nbformat.read(written.file, as_version=4)
    assert "1 file not in this export" in made.cells[0].source.split("\n\n")[1]


def test_a_whole_run_is_exported_without_a_word_of_it(owner: Person, tmp_path: Path) -> None:
    script = make_script(tmp_path, "few", "seq 5; ln -s few link")
    owner("create", str(script), "--name", "few")
    outcome = owner("export", str(owner.run("few").number), str(tmp_path / "x.ipynb"))
    assert str(outcome.bundle["text/plain"]).startswith(str(tmp_path))
    made = nbformat.read(tmp_path / "x.ipynb", as_version=4)
    assert "alert" not in made.cells[0].source


def test_a_run_stays_cut_where_it_is_imported(
    owner: Person, cut: Run, person: Callable[..., Person], tmp_path: Path
) -> None:
    owner("export", str(cut.number), str(tmp_path / "x.zip"))
    bob = person("bob")
    bob("import", str(tmp_path / "x.zip"))
    [imported] = bob("runs").value  # type: ignore[attr-defined]
    assert imported.cut == WORDS


def test_two_outputs_that_are_cut_are_not_called_the_same(owner: Person, cut: Run) -> None:
    other = owner.run("many")
    outcome = owner("diff", str(cut.number), str(other.number))
    [finding] = [one for one in outcome.value if one.what == "stdout"]  # type: ignore[attr-defined]
    assert finding.verdict == "unknown"
    assert "cut at 1.0 kB of 23.9 kB" in finding.detail
