"""The cells that make an exported tool and run it again, as they are typed.

How they are written is left to ``notebook_cells``, what they do to the magics.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import PurePosixPath

from ..notebook_cells import LINE_END, LOAD, is_text, literal, written
from ..records import Limits, SourceKind
from .record import ExportedRun, ExportedTool
from .scrub import MASK

__all__ = ["INPUTS", "LOAD", "STDIN", "as_body", "create", "inputs", "literal", "run"]

INPUTS = "inputs"
STDIN = "\0stdin"
"""What stands for standard input among the names of files, which no file can have."""
_LONGEST_BODY = 20_000


def create(tool: ExportedTool) -> str | None:
    """Return the cell that makes a tool, pinned; ``None`` where nothing is known to make it from.

    A tool of the same name and source that is there already is taken.
    """
    if tool.source is None or tool.source.kind is SourceKind.FOLDER:
        return None
    options = [*_given("--name", tool.name), "--exist-ok"]
    for name, value in (("--runtime", tool.runtime), ("--entry-point", tool.entry_point)):
        options += _given(name, value)
    for name, value in tool.build_arguments.items():
        if value == MASK:
            continue  # whoever makes it again has to give it
        options += _given("--build-arg", f"{name}={value}")
    if tool.output != "stdout":
        options += _given("--output", tool.output)
    return f"%tooi create {literal(str(tool.source))} {' '.join(options)}"


def run(exported: ExportedRun, names: Mapping[str, str], *, body: str = "") -> str:
    """Return the cell that runs a tool again.

    Parameters
    ----------
    names
        Where its inputs are, by their paths, if not in the folder that `inputs` writes them to;
        where standard input is by `STDIN`, if it is a file.
    body
        Standard input, where it is the body of the cell.
    """
    options: list[str] = []
    for file in exported.inputs:
        options += _given("-i", names.get(file.path, f"{INPUTS}/{file.path}"))
    if STDIN in names:
        options += _given("--stdin", names[STDIN])
    for name, value in exported.plain_variables.items():
        options += _given("-e", f"{name}={value}")
    for name in exported.secrets:
        options += _given("--secret", name)
    usual = Limits()
    if exported.limits.timeout_s < usual.timeout_s:
        options += _given("--timeout", f"{exported.limits.timeout_s:g}")
    if exported.limits.memory_bytes < usual.memory_bytes:
        options += _given("--memory", str(exported.limits.memory_bytes))
    if not exported.limits.network:
        options.append("--no-network")
    words = [*options, literal(exported.tool), written(exported.arguments)]
    line = f"%tooi run {' '.join(words)}".rstrip()
    return f"%{line}\n{body}" if body else line


def inputs(files: Mapping[str, bytes]) -> str:
    """Return the cell that writes input files, by their names, into a folder of their own."""
    lines = [
        "# the files that the runs below read",
        "from base64 import b64decode",
        "from pathlib import Path",
        "",
        f"inputs = Path({INPUTS!r})",
        "inputs.mkdir(exist_ok=True)",
    ]
    for folder in sorted({str(PurePosixPath(name).parent) for name in files} - {"."}):
        lines.append(f"(inputs / {folder!r}).mkdir(exist_ok=True)")
    for name, content in files.items():
        text = _as_text(content)
        if text is None:
            encoded = base64.b64encode(content).decode()
            lines.append(f"(inputs / {name!r}).write_bytes(b64decode({encoded!r}))")
        else:
            lines.append(f"(inputs / {name!r}).write_bytes({_quoted_lines(text)}.encode())")
    return "\n".join(lines)


def as_body(stdin: bytes) -> str | None:
    """Return standard input as the body of a cell; ``None`` if that would change it."""
    text = _as_text(stdin)
    # a notebook may lose empty lines at the end of a cell
    if text is None or not text.strip() or text != text.rstrip() + "\n":
        return None
    return text[:-1] if len(text) <= _LONGEST_BODY else None


def _given(option: str, value: str | None) -> list[str]:
    # an option whose value no line can hold is left out, rather than take the next word for it
    if not value or LINE_END.search(value):
        return []
    return [f"{option}={literal(value)}"] if option.startswith("--") else [option, literal(value)]


def _as_text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if is_text(text) else None


def _quoted_lines(text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    if len(lines) == 1:
        return repr(lines[0])
    return "(\n    " + "\n    ".join(map(repr, lines)) + "\n)"
