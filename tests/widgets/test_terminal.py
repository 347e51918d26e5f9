"""Where there is no notebook, the lines that open panels answer in words."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("%tooi", "There are no tools yet"),
        ("%tooi panel", "There are no tools yet"),
        ("%tooi create", "There is no link to make a tool from"),
        ("%tooi runs", "No runs yet"),
    ],
)
def test_ipython_in_a_terminal_answers_in_words(line: str, answer: str, tmp_path: Path) -> None:
    code = f"%load_ext tooinstance_jupyter\n{line}\nimport sys; print('ipywidgets' in sys.modules)"
    (tmp_path / "lines.ipy").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", "lines.ipy"],
        cwd=tmp_path,
        env={**os.environ, "TOOINSTANCE_HOME": str(tmp_path / "home"), "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer in done.stdout + done.stderr
    assert "True" not in done.stdout, "a terminal needs no widgets"
