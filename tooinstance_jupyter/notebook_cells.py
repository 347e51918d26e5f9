"""The source of a notebook's cell that runs a tool: pure.

What the cell does is left to the magics, where it is put to the front end. Whatever is written
here is read back by them as it was: `arguments.expand` puts no Python value into it.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from .errors import InvalidValueError

LOAD = "%load_ext tooinstance_jupyter"

LINE_END = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What ends a line for Python, so that no line of a magic can hold it."""

_VALUE = re.compile(r"\{(?=[^\W\d])")
_NO_TEXT = re.compile(r"[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\uf900-\ufefe\uff00-\ufffd]")
_PANEL = "--panel"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRun:
    """What a cell is to run.

    Parameters
    ----------
    inputs, stdin_file
        Files, by their paths from the notebook's folder.
    inputs_of
        The run whose input files and standard input are taken, where none are given.
    stdin
        Standard input, in the cell itself.
    secrets
        Names of environment variables whose values are asked for.
    network
        Whether it has the network; ``None`` for what is usual.
    """

    tool: str
    arguments: Sequence[str] = ()
    inputs: Sequence[str] = ()
    inputs_of: int | None = None
    stdin: str | None = None
    stdin_file: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    timeout_s: float | None = None
    memory_bytes: int | None = None
    network: bool | None = None
    engine: str | None = None
    label: str = ""


def run_cell(run: CellRun) -> str:
    r"""Return the cell that runs a tool.

    Raises
    ------
    InvalidValueError
        If something of it cannot be written in a cell.

    Examples
    --------
    >>> run_cell(CellRun(tool="probe", arguments=["two words"], inputs=["a.csv"]))
    "%tooi run -i a.csv probe 'two words'"
    >>> run_cell(CellRun(tool="probe", stdin="a\nb\n"))
    '%%tooi run probe\na\nb'
    """
    body, is_cut = ("", False) if run.stdin is None else _body(run.stdin)
    options: list[str] = []
    if run.inputs_of is not None:
        options += ["--inputs-of", str(run.inputs_of)]
    for path in run.inputs:
        options += ["-i", _word(_plain(path), "The input file")]
    if run.stdin_file is not None:
        options += ["--stdin", _word(_plain(run.stdin_file), "The file of standard input")]
    if is_cut:
        options.append("--no-final-newline")
    for name, value in run.variables.items():
        options += ["-e", _word(f"{name}={value}", f"The variable {name}")]
    for name in run.secrets:
        options += ["--secret", _word(name, "The name of the secret")]
    if run.timeout_s is not None:
        seconds = format(Decimal(repr(run.timeout_s)), "f")
        options += ["--timeout", seconds.removesuffix(".0")]
    if run.memory_bytes is not None:
        options += ["--memory", str(run.memory_bytes)]
    if run.network is False:
        options.append("--no-network")
    if run.engine:
        options += ["--engine", _word(run.engine, "The engine")]
    if run.label:
        options += ["--label", _word(run.label, "The label")]
    words = [*options, _word(run.tool, "The tool"), written(run.arguments)]
    line = f"%tooi run {' '.join(words)}".rstrip()
    return line if run.stdin is None else f"%{line}\n{body}"


def rerun_cell(number: int, secrets: Sequence[str]) -> str:
    """Return the cell that runs a run again, whatever it was given."""
    options = [word for name in secrets for word in ("--secret", literal(name))]
    return " ".join(["%tooi rerun", *options, str(number)])


def literal(word: str) -> str:
    """Return a word as the magics read it, with no Python value put into it."""
    return _VALUE.sub("{''", shlex.quote(LINE_END.sub(" ", word)))


def written(argv: Sequence[str]) -> str:
    """Return the arguments of a tool as the magics read them."""
    if any(LINE_END.search(word) for word in argv):
        # JSON has escapes for what no line can hold, and for what the magics would take for a value
        return re.sub(
            "[${\x7f-\x9f\u2028\u2029]",
            lambda found: f"\\u{ord(found[0]):04x}",
            json.dumps([*argv]),
        )
    if [*argv] == [_PANEL]:
        return f"'{_PANEL}'"  # alone and bare it opens a form
    return " ".join(map(literal, argv))


def relative(path: str, notebook: str) -> str:
    """Return the path of a file as a notebook's kernel sees it; both are paths of the server."""
    return posixpath.relpath(f"/{path}", posixpath.dirname(f"/{notebook}"))


def is_text(text: str) -> bool:
    """Tell whether a notebook keeps a text as it is."""
    return _NO_TEXT.search(text) is None


def _plain(path: str) -> str:
    # a home folder, and an option, begin so
    return f"./{path}" if path.startswith(("~", "-")) else path


def _word(text: str, what: str) -> str:
    if LINE_END.search(text):
        raise InvalidValueError(
            f"{what} has a line break, which no %tooi line can hold.",
            "Leave it out, or run it from the form.",
            code="cell_line_break",
        )
    return literal(text)


def _body(stdin: str) -> tuple[str, bool]:
    """Return standard input as the body of a cell, and whether the body has a newline too many."""
    if not stdin.strip() or not is_text(stdin):
        raise InvalidValueError(
            "This standard input cannot be written into a cell.",
            "Save it as a file, and take standard input from that.",
            code="cell_stdin",
        )
    # the body of a cell always ends with a newline; only one that is alone there may be lost
    if stdin.endswith("\n\n"):
        return stdin, False
    return stdin.removesuffix("\n"), not stdin.endswith("\n")
