"""The commands that pin the tools of a notebook, and make them again elsewhere.

What a lock is, and how its tools are made again, is left to ``export``.
"""

from __future__ import annotations

import platform
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..client.base import Client
from ..display.locks import frozen_bundle, restored_bundle
from ..errors import ConflictError, TooInstanceError
from ..export import lock
from ..export.gather import GENERATOR, homes_of, pinned, ready_version, version_number
from ..export.pinning import distinct_name
from ..export.record import ExportedTool
from ..export.restore import Restoration, restore
from ..export.scrub import Scrubber
from ..records import SourceKind, Tool, Version
from ..requests import ToolDetail
from ..results import RunResult
from . import inputs
from .base import Command, Outcome, Parser, Ui
from .mentions import Mention, mentions
from .tools import creator

if TYPE_CHECKING:
    from nbformat import NotebookNode


def used_version(value: object) -> str | None:
    """Return the version of a tool that a command's value is about: ``owner/name@number``."""
    match value:
        case ToolDetail(tool=tool) if value.ready is not None:
            return f"{tool.full_name}@{value.ready.number}"
        case RunResult():
            return f"{value.run.tool_name}@{value.run.version_number}"
    return None


def freeze(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Write the tools of this session, and of a notebook, to a lock."""
    path = None if args.notebook is None else inputs.document(args.notebook)
    notebook = None if path is None else lock.read_notebook(path)
    beside = Path() if path is None else path.parent
    target = Path(args.file).expanduser() if args.file else beside / lock.FILE_NAME
    if target.is_dir():
        target /= lock.FILE_NAME
    collected = _Collected(client)
    for name in ui.used_tools():
        collected.add(name)
    for mention in mentions(_code(notebook)):
        collected.add_mention(mention)
    if not collected.tools:
        raise ConflictError(
            " ".join(["There is no tool to freeze.", *collected.notes]),
            "Run the notebook's cells first, or name it with --notebook.",
            code="nothing_used",
        )
    tools = collected.named()
    made = lock.Lock(generator=GENERATOR, python=platform.python_version(), tools=tools)
    lock.write(made, target)
    places = [str(target)]
    if path is not None and notebook is not None:
        lock.write_into(made, notebook, path)
        places.append(str(path))
    return Outcome(
        bundle=frozen_bundle(places, tools, [*collected.notes, *_remarks(tools, path)]),
        value=target,
        exit_code=1 if collected.notes else 0,
    )


class _Collected:
    """The versions to freeze, by full name and number, and why others are missing."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._scrubber = Scrubber(homes=homes_of(client))
        self.tools: dict[tuple[str, int], tuple[Tool, Version]] = {}
        self.notes: list[str] = []

    def add(self, name: str) -> None:
        """Take a version that was used, by ``name``, ``name@number`` or link."""
        try:
            self._take(*ready_version(self._client, name))
        except TooInstanceError as error:
            self.notes.append(f"{name} is not frozen: {error.message}")

    def add_mention(self, mention: Mention) -> None:
        """Take what a notebook's line uses, unless the session used that tool."""
        try:
            if mention.trouble:
                raise ConflictError(f"{mention.trouble}.")
            name = mention.tool
            if mention.run is not None:
                run = self._client.get_run(mention.run)
                name = f"{run.tool_name}@{run.version_number}"
            tool, version = ready_version(self._client, name)
        except TooInstanceError as error:
            self.notes.append(f"`%tooi {mention.line}` is not frozen: {error.message}")
            return
        is_used = any(full_name == tool.full_name for full_name, _ in self.tools)
        if not is_used or version_number(name) is not None:
            self._take(tool, version)

    def named(self) -> tuple[ExportedTool, ...]:
        """Return them pinned, each under a name of its own."""
        taken: set[str] = set()
        named = []
        for tool, version in self.tools.values():
            one = pinned(tool, version, self._scrubber)
            one = replace(one, name=distinct_name(one.name, version.number, taken))
            taken.add(one.name)
            named.append(one)
        return tuple(named)

    def _take(self, tool: Tool, version: Version) -> None:
        self.tools.setdefault((tool.full_name, version.number), (tool, version))


def _code(notebook: NotebookNode | None) -> list[str]:
    if notebook is None:
        return []
    return ["".join(cell.source) for cell in notebook.cells if cell.cell_type == "code"]


def _remarks(tools: Sequence[ExportedTool], notebook: Path | None) -> list[str]:
    remarks = [
        f"{tool.name} comes from a folder: it cannot be made again elsewhere."
        for tool in tools
        if tool.source is not None and tool.source.kind is SourceKind.FOLDER
    ]
    if notebook is not None:
        remarks.append(
            f"Where {notebook.name} is open, reload it from disk before you save it: what is open "
            "there has no lock yet."
        )
    return remarks


def restore_(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Make the tools of a lock again."""
    path = inputs.document(args.file or lock.FILE_NAME)
    frozen = lock.read(path)

    restored = [restore(client, tool, creator(client, ui)) for tool in frozen.tools]
    is_whole = all(one.restoration is not Restoration.FAILED for one in restored)
    return Outcome(
        bundle=restored_bundle(path.name, restored),
        value={one.tool.name: one.here for one in restored if one.here},
        exit_code=0 if is_whole else 1,
    )


def _freeze_options(parser: Parser) -> None:
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help=f"what to write; {lock.FILE_NAME} by default"
    )
    parser.add_argument(
        "--notebook",
        metavar="NOTEBOOK",
        help="freeze also what its cells use, and put the lock into its metadata, too",
    )


def _restore_options(parser: Parser) -> None:
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE|NOTEBOOK",
        help=f"what `%%tooi freeze` wrote; {lock.FILE_NAME} by default",
    )


COMMANDS = (
    Command(
        name="freeze",
        summary="Pin the tools that were used here in a lock, to run a notebook again elsewhere",
        handler=freeze,
        options=_freeze_options,
        examples=("tooi freeze", "tooi freeze --notebook analysis.ipynb"),
    ),
    Command(
        name="restore",
        summary="Make the tools of a lock again",
        handler=restore_,
        options=_restore_options,
        examples=("tooi restore", "tooi restore analysis.ipynb"),
    ),
)
