"""Cells that run a tool: whatever they are to say is read back from them as it was."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager

from tooinstance_jupyter import arguments, notebook_cells
from tooinstance_jupyter.commands import find
from tooinstance_jupyter.commands.runs import new_run
from tooinstance_jupyter.errors import InvalidValueError
from tooinstance_jupyter.magics import Session, TooiMagic, _keep_question_marks
from tooinstance_jupyter.notebook_cells import LINE_END, CellRun, rerun_cell, run_cell

# what any word of a cell could be taken for
NAMESPACE = dict.fromkeys(("a", "b", "name", "é", "_", "In", "tooi"), "WRONG")
ODD = ("{a}", "{{a}}", "$a", "$$", "${a}", "{a!r}", "name", "é", "名", "😀", "\xa0")
PIECES = st.sampled_from([*ODD, *"'\"\\-?%! ~*#;{}[]=\t"])
WORDS = st.lists(PIECES | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)).map(
    "".join
)
LINES = WORDS.filter(lambda word: "\0" not in word and not LINE_END.search(word))
ARGUMENTS = WORDS.filter(lambda word: "\0" not in word)
STDIN = WORDS.filter(lambda text: text.strip() and notebook_cells.is_text(text))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


def read(source: str) -> tuple[Namespace, bytes | None]:
    """Return what the magic reads of a cell, through all that IPython does to it."""
    transformer = TransformerManager()
    transformer.cleanup_transforms.append(_keep_question_marks)
    called: list[tuple[str, str | None]] = []
    shell: Any = SimpleNamespace(
        run_line_magic=lambda name, line: called.append((line, None)),
        run_cell_magic=lambda name, line, cell: called.append((line, cell)),
    )
    exec(transformer.transform_cell(source), {"get_ipython": lambda: shell})
    [(line, cell)] = called
    session = Session(shell, None)  # type: ignore[arg-type]
    session.keep_raw_cell(SimpleNamespace(raw_cell=source))
    body = None if cell is None else TooiMagic(session)._body(line, cell).encode()
    text = arguments.expand(line, NAMESPACE)
    words = ((token.value, text[token.end :]) for token in arguments.tokens(text))
    name, _ = next(words)
    command = find(name)
    namespace = command.parse(command.parser("%tooi"), words)
    assert namespace is not None
    return namespace, body


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    argv=st.lists(ARGUMENTS, max_size=4),
    paths=st.lists(LINES.filter(bool), max_size=3),
    variables=st.dictionaries(NAMES, LINES, max_size=2),
    secrets=st.lists(NAMES, max_size=2, unique=True),
    label=LINES.map(str.strip),
    stdin=st.none() | STDIN,
    inputs_of=st.none() | st.integers(1, 10**9),
    timeout_s=st.none() | st.floats(1e-6, 1e6),
    memory_bytes=st.none() | st.integers(2**20, 2**45),
    network=st.sampled_from([None, False]),
)
@example(
    argv=["--panel"],
    paths=["-i", "~x"],
    variables={"A": "{name}"},
    secrets=[],
    label="it's {a}",
    stdin="no newline",
    inputs_of=12,
    timeout_s=0.1 + 0.2,
    memory_bytes=None,
    network=False,
)
@example(
    argv=["a\nb", "{a}", "$a"],
    paths=[],
    variables={},
    secrets=[],
    label="",
    stdin="a {name}\n%x\n!y?\n\n",
    inputs_of=None,
    timeout_s=None,
    memory_bytes=None,
    network=None,
)
def test_a_cell_is_read_as_the_run_that_it_was_written_for(
    argv: list[str], paths: list[str], stdin: str | None, **more: Any
) -> None:
    run = CellRun(tool="probe@3", arguments=argv, inputs=paths, stdin=stdin, **more)
    given, body = read(run_cell(run))
    assert given.tool == "probe@3"
    assert given.rest != "--panel"
    assert arguments.from_value(given.rest or "") == tuple(argv)
    assert [path.removeprefix("./") for path in given.input] == [
        path.removeprefix("./") for path in paths
    ]
    assert not any(path.startswith(("~", "-")) for path in given.input)
    asked = new_run(
        Namespace(**{**vars(given), "input": [], "secret": []}),
        SimpleNamespace(body=body, ask_secret=None),  # type: ignore[arg-type]
    )
    assert asked.stdin == (None if stdin is None else stdin.encode())
    assert dict(asked.variables) == run.variables
    assert given.secret == run.secrets
    assert given.inputs_of == (None if run.inputs_of is None else str(run.inputs_of))
    assert (asked.timeout_s, asked.memory_bytes) == (run.timeout_s, run.memory_bytes)
    assert (asked.network, asked.label) == (run.network, run.label)


@pytest.mark.parametrize(
    "more",
    [
        {"variables": {"NOTE": "a\nb"}},
        {"label": "a\u2028b"},
        {"inputs": ["a\nb.csv"]},
        {"stdin": "\n"},
        {"stdin": "a\r\nb"},
        {"stdin": "\x00"},
    ],
)
def test_what_no_cell_can_say_is_refused(more: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"line break|standard input"):
        run_cell(CellRun(tool="probe", **more))


def test_a_run_can_be_run_again_whatever_it_was_given() -> None:
    given, _ = read(rerun_cell(12, ["TOKEN", "KEY"]))
    assert (given.number, given.secret) == ("12", ["TOKEN", "KEY"])


@pytest.mark.parametrize(
    ("path", "notebook", "seen"),
    [
        ("a.csv", "note.ipynb", "a.csv"),
        ("data/a.csv", "work/note.ipynb", "../data/a.csv"),
        ("work/a.csv", "work/note.ipynb", "a.csv"),
        ("work/deep/-a.csv", "work/note.ipynb", "deep/-a.csv"),
        ("a.csv", "", "a.csv"),
    ],
)
def test_a_file_is_named_as_the_notebook_sees_it(path: str, notebook: str, seen: str) -> None:
    assert notebook_cells.relative(path, notebook) == seen
