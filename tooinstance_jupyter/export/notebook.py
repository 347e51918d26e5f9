"""An export as a notebook: what was run, the cells that run it again, and what it gave.

It is a notebook of nbformat 4.5 that says all without a kernel, a server or this package, and its
metadata hold the export for programs, with what is small of its contents.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from .. import display
from ..display.excerpts import (
    HEAD_BYTES,
    IMAGES,
    TAIL_BYTES,
    TEXT_BYTES,
    Excerpt,
    RunOutput,
    is_text,
)
from ..display.markup import duration, size
from ..records import OutputFile, Run, RunStatus, SourceKind, StreamSize
from . import cells, markdown
from .base import Exporter
from .package import METADATA, Package, as_json
from .record import ExportedFile, ExportedRun, ExportedTool, files_behind, per_run

MOST_BYTES = 8 * 2**20
"""What is larger is not put into a notebook."""

MOST_BYTES_BESIDE = 100 * 2**20
"""What is larger is not put into the folder beside one either."""

_ALL_BYTES_BESIDE = 500 * 2**20
_EMBEDDED_BYTES = 2**18
_ALL_EMBEDDED_BYTES = 4 * 2**20
_IMAGE_BYTES = 2 * 2**20
_SHOWN_FILES = 100
_DIGEST_CHARS = 16
_EPOCH = datetime.fromtimestamp(0, UTC)


def notebook(package: Package, *, held: Iterable[str] = ()) -> NotebookNode:
    """Return an export as a notebook, which is valid.

    Parameters
    ----------
    held
        The places of contents that the document holds beside the notebook.
    """
    made: NotebookNode = v4.new_notebook(
        cells=list(_cells(package, _missing(package, held))),
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            METADATA: _record(package),
        },
    )
    for number, cell in enumerate(made.cells):
        cell["id"] = f"tooi-{number}"  # the same export is the same notebook
    nbformat.validate(made)
    return made


def text_of(made: NotebookNode) -> str:
    """Return a notebook as the text of a file."""
    return str(nbformat.writes(made)) + "\n"


def beside(package: Package) -> list[ExportedFile]:
    """Return the contents that a notebook has no room for, and a folder beside it has."""
    inside = {file.place for file in _inside(package)}
    large = [file for file in package.contents if file.place not in inside]
    return _fitting(large, MOST_BYTES_BESIDE, _ALL_BYTES_BESIDE)


def _inside(package: Package) -> list[ExportedFile]:
    return _fitting(package.contents, _EMBEDDED_BYTES, _ALL_EMBEDDED_BYTES)


def _fitting(files: Iterable[ExportedFile], most: int, in_all: int) -> list[ExportedFile]:
    """Return those of some contents, in their order, that there is room for (bytes)."""
    fitting = []
    for file in files:
        if file.size_bytes <= min(most, in_all):
            in_all -= file.size_bytes
            fitting.append(file)
    return fitting


def _missing(package: Package, held: Iterable[str]) -> dict[int, str]:
    """Return in words, by their numbers, what of the runs the document does not hold."""
    there = {file.place for file in _inside(package)} | {*held} | {*package.addresses}
    missing = {}
    for run in package.export.runs:
        streams = [
            f"{stream.path} in part"
            for stream in (run.stdout, run.stderr)
            if stream.place is not None and stream.place not in there
        ]
        files = [file for file in (*run.given, *run.files) if not file.is_skipped]
        behind = files_behind(sum(file.place not in there for file in files))
        missing[run.number] = ", ".join(filter(None, (run.cut, *streams, behind)))
    return missing


def _record(package: Package) -> dict[str, Any]:
    """Return an export for programs, with its contents by place: in Base64 what is small."""
    contents = {
        str(file.place): base64.b64encode(package.read(file) or b"").decode()
        for file in _inside(package)
    }
    return {**as_json(package.export), "contents": contents, "beside": dict(package.addresses)}


def _cells(package: Package, missing: Mapping[int, str]) -> Iterator[NotebookNode]:
    export = package.export
    yield v4.new_markdown_cell(_head(package, per_run(missing)))
    creating = [line for tool in export.tools if (line := cells.create(tool))]
    yield v4.new_code_cell("\n".join([cells.LOAD, *creating]))
    names = _input_names(package)
    if names.contents:
        yield v4.new_code_cell(cells.inputs(names.contents))
    for run in export.runs:
        yield v4.new_markdown_cell(
            _about(run, export.tool(run.tool), missing[run.number], is_only=len(export.runs) == 1)
        )
        source = cells.run(run, names.of(run), body=names.bodies.get(run.number, ""))
        yield v4.new_code_cell(
            source, outputs=list(_outputs(package, run, missing[run.number])), execution_count=None
        )
        if run.files or run.inputs:
            yield v4.new_markdown_cell(_files(run, package.addresses))
    if not export.runs:
        for tool in export.tools:
            yield v4.new_code_cell(f"%tooi run {cells.literal(tool.name)} --help")
    yield v4.new_markdown_cell(_how(package))


def _head(package: Package, missing: str) -> str:
    export = package.export
    parts = [f"# {markdown.text(export.title)}"]
    if missing:
        parts.append(markdown.alert(missing))
    for tool in export.tools:
        if tool.description:
            parts.append(markdown.text(tool.description))
        parts.append(markdown.table(["tool", markdown.text(tool.name)], _tool_facts(tool)))
    return "\n\n".join(parts)


def _tool_facts(tool: ExportedTool) -> Iterator[tuple[str, str]]:
    source = tool.source
    if source is None:
        yield "source", "not known to whom exported this"
    elif source.kind is SourceKind.FOLDER:
        yield "source", "a folder of the machine that it was exported on"
    else:
        place = str(source.location) if source.kind is SourceKind.GIT else str(source)
        yield "source", markdown.link(place)
    for name, value in (
        ("commit or version", tool.commit),
        ("folder", source and source.subdirectory),
        ("version here", str(tool.version_number)),
        ("runtime", tool.runtime),
        ("entry point", tool.entry_point),
        ("environment", tool.environment),
        ("built for", tool.engine),
    ):
        if value:
            yield name, markdown.code(value)


def _about(run: ExportedRun, tool: ExportedTool, missing: str, *, is_only: bool) -> str:
    rows = [
        *([("missing", markdown.text(missing))] if missing else []),
        ("arguments", " ".join(map(markdown.code, map(shlex.quote, run.arguments))) or "none"),
        ("ended", markdown.text(_ended(run))),
    ]
    if run.started_at is not None:
        rows.append(("started", markdown.text(f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC")))
    if run.duration_s is not None:
        rows.append(("took", duration(run.duration_s)))
    rows.append(("engine", markdown.text(", ".join(filter(None, (run.engine, run.isolation))))))
    if run.variables:
        pairs = [f"{name}={value}" for name, value in run.variables.items()]
        rows.append(("variables", " ".join(map(markdown.code, pairs))))
    if run.secrets:
        rows.append(("secrets, not exported", " ".join(map(markdown.code, run.secrets))))
    if run.by:
        rows.append(("run by", markdown.text(run.by)))
    label = f": {run.label}" if run.label else ""
    heading = "" if is_only else f"## Run {run.number}{markdown.text(label)}\n\n"
    return heading + markdown.table(["run", str(run.number)], rows)


def _ended(run: ExportedRun) -> str:
    status = run.status.value.replace("_", " ")
    return status if run.status is RunStatus.SUCCEEDED else f"{status}: {run.message}"


def _files(run: ExportedRun, addresses: Mapping[str, str]) -> str:
    listed = [("read", file) for file in run.inputs] + [("written", file) for file in run.files]
    rows: list[tuple[str, ...]] = [
        (
            markdown.file(file.path, addresses.get(str(file.place))),
            how,
            size(file.size_bytes),
            markdown.code((file.sha256 or "")[:_DIGEST_CHARS]),
            markdown.text(file.note),
        )
        for how, file in listed[:_SHOWN_FILES]
    ]
    more = len(listed) - _SHOWN_FILES
    headings = ["file", "use", "size", "SHA-256", "note"]
    if not any(row[-1] for row in rows):
        headings, rows = headings[:-1], [row[:-1] for row in rows]
    return markdown.table(headings, rows) + (
        f"\n\n… and {more} more, which the metadata of this notebook list" if more > 0 else ""
    )


def _how(package: Package) -> str:
    made = package.export.made_at
    lost = [tool.name for tool in package.export.tools if cells.create(tool) is None]
    parts = [
        "---",
        f"Exported on {made:%Y-%m-%d} by {markdown.text(package.export.generator)}\\. "
        "To do it again, run the cells above in a notebook, after `%pip install "
        "tooinstance-jupyter`. `%tooi verify FILE` does so and tells what is the same, "
        "`%tooi import FILE` brings the runs into your own history.",
    ]
    if lost:
        names = ", ".join(map(markdown.code, lost))
        parts.append(
            f"{names} cannot be made again from here: the source is a folder of another machine, "
            "or was deleted."
        )
    return "\n\n".join(parts)


class _Inputs:
    """Where the cells find inputs, and what is in those that a cell writes."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.bodies: dict[int, str] = {}
        self._names: dict[int, dict[str, str]] = {}

    def of(self, run: ExportedRun) -> Mapping[str, str]:
        return self._names.get(run.number, {})

    def add(self, run: ExportedRun, key: str, name: str, content: bytes) -> None:
        if self.contents.get(name, content) != content:
            name = f"{run.number}/{name}"
        self.contents[name] = content
        self.refer(run, key, f"{cells.INPUTS}/{name}")

    def refer(self, run: ExportedRun, key: str, address: str) -> None:
        self._names.setdefault(run.number, {})[key] = address


def _input_names(package: Package) -> _Inputs:
    found = _Inputs()
    given = [file for run in package.export.runs for file in run.given if file.place is not None]
    small = {file.place for file in _fitting(given, _EMBEDDED_BYTES, _ALL_EMBEDDED_BYTES)}
    for run in package.export.runs:
        for file in run.given:
            is_stdin = file is run.stdin
            key, name = (cells.STDIN, f"stdin-{run.number}") if is_stdin else (file.path, file.path)
            content = package.read(file) if file.place in small else None
            body = None if content is None or not is_stdin else cells.as_body(content)
            address = PurePosixPath(package.addresses.get(str(file.place), ""))
            if body is not None:
                found.bodies[run.number] = body
            elif content is not None:
                found.add(run, key, name, content)
            # a run calls an input as the file is called
            elif address.name and (is_stdin or address.name == file.path):
                found.refer(run, key, str(address))
    return found


def _outputs(package: Package, run: ExportedRun, missing: str) -> Iterator[NotebookNode]:
    record = _as_run(run, package.export.tool(run.tool), missing)
    shown = RunOutput(
        stdout=_excerpt(package, run.stdout),
        stderr=_excerpt(package, run.stderr),
        contents=_heads(package, run, record),
    )
    bundle = display.render_run(record, shown)
    yield v4.new_output("display_data", data=bundle)
    room = MOST_BYTES
    for file in run.files:
        kind = (file.media_type or "").removeprefix("image/")
        if file.place is None or kind not in IMAGES or file.size_bytes > min(_IMAGE_BYTES, room):
            continue
        content = package.read(file) or b""
        if content.startswith(IMAGES[kind]):
            room -= len(content)
            data = {
                "text/plain": file.path,
                f"image/{kind}": base64.b64encode(content).decode(),
            }
            yield v4.new_output("display_data", data=data)


def _as_run(exported: ExportedRun, tool: ExportedTool, missing: str) -> Run:
    """Return a run that was exported as a run of nobody's, for display."""
    identity = f"{tool.environment}{exported.number}{exported.started_at}"
    return Run(
        # none that another installation could take for one of its own
        id=hashlib.sha256(identity.encode()).hexdigest()[:32],
        number=exported.number,
        owner="",
        tool_id=None,
        tool_name=tool.name,
        version_id=None,
        version_number=tool.version_number,
        environment_id=tool.environment,
        arguments=exported.arguments,
        label=exported.label,
        variables=exported.variables,
        secrets=exported.secrets,
        limits=exported.limits,
        engine=exported.engine,
        isolation=exported.isolation,
        output=tool.output,
        status=exported.status,
        message=exported.message,
        exit_code=exported.exit_code,
        stdout=_size(exported.stdout),
        stderr=_size(exported.stderr),
        cut=missing,
        files=tuple(
            OutputFile(
                path=file.path,
                size_bytes=file.size_bytes,
                sha256=file.sha256,
                media_type=file.media_type,
                skipped=file.note if file.place is None else None,
            )
            for file in exported.files
        ),
        created_at=exported.started_at or exported.finished_at or _EPOCH,
        started_at=exported.started_at,
        finished_at=exported.finished_at,
    )


def _size(stream: ExportedFile) -> StreamSize:
    return StreamSize(
        total_bytes=stream.size_bytes + stream.cut_bytes, kept_bytes=stream.size_bytes
    )


def _excerpt(package: Package, stream: ExportedFile) -> Excerpt:
    path = package.path(stream)
    if path is None:
        return Excerpt()
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES + TAIL_BYTES + 1)
        if len(head) <= HEAD_BYTES + TAIL_BYTES:
            return Excerpt.of(head)
        file.seek(-TAIL_BYTES, 2)
        return Excerpt.of_parts(head[:HEAD_BYTES], file.read(), stream.size_bytes)


def _heads(package: Package, run: ExportedRun, record: Run) -> Mapping[str, bytes]:
    heads: dict[str, bytes] = {}
    for file, output in zip(run.files, record.files, strict=True):
        if is_text(output) and (head := package.read(file, TEXT_BYTES)):
            heads[file.path] = head
    return heads


class NotebookExporter(Exporter):
    """Notebooks: to be read anywhere, and run again."""

    suffix = ".ipynb"
    most_bytes = MOST_BYTES
    most_bytes_beside = MOST_BYTES_BESIDE

    def beside(self, package: Package) -> Sequence[ExportedFile]:
        """Return what a notebook has no room for."""
        return beside(package)

    def write(self, package: Package, target: Path) -> None:
        """Write a notebook."""
        target.write_text(text_of(notebook(package)), "utf-8")
