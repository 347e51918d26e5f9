"""The example notebooks run from top to bottom in a real kernel and show what they promise."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
WITH_PLOT = {"analysis.ipynb", "many_samples.ipynb", "standard_library.ipynb"}
WITHOUT_PLOT = {"over_many_inputs.ipynb", "quickstart.ipynb", "report.ipynb"}
BUNDLE = re.compile(r"application/vnd\.tooinstance\.[a-z]+\.v1\+json")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]


def test_there_are_notebooks_to_run() -> None:
    assert {path.name for path in NOTEBOOKS} == WITH_PLOT | WITHOUT_PLOT


@each_notebook
def test_a_notebook_is_valid_and_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)

    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert max(Counter(cell.id for cell in notebook.cells).values()) == 1
    assert outputs(notebook) == []
    assert all(cell.execution_count is None for cell in notebook.cells if "outputs" in cell)


@pytest.mark.registry
@each_notebook
def test_a_notebook_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(work)}}
    )

    client.execute(env={**os.environ, "TOOINSTANCE_HOME": str(tmp_path / "home")})

    shown = outputs(notebook)
    assert [output for output in shown if output.output_type == "error"] == []
    bundles = [output.data for output in shown if "data" in output]
    ours = [data for data in bundles if any(map(BUNDLE.fullmatch, data))]
    assert ours, "nothing of TooInstance is in the saved outputs"
    assert all("text/html" in data and "text/plain" in data for data in ours)
    assert any("application/vnd.tooinstance.run.v1+json" in data for data in ours)
    assert any("image/png" in data for data in bundles) == (path.name in WITH_PLOT)
