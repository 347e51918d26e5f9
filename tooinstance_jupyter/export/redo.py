"""Makes an exported tool again, and runs it again, through a client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..client.base import Client
from ..errors import ConflictError, NotFoundError
from ..records import Limits, SourceKind, Tool, Version
from ..requests import NewRun, NewTool, ToolDetail
from . import pinning
from .package import Package
from .record import ExportedRun, ExportedTool
from .scrub import MASK

Create = Callable[[NewTool], tuple[Tool, Version]]
"""Makes a tool and follows its build to a good end."""


def tool_again(client: Client, tool: ExportedTool, create: Create) -> str:
    """Return the version of a tool that is what was exported: one that is there, or a new one.

    Raises
    ------
    ConflictError
        If it cannot be made again from what the export says.
    BuildError
        If its build fails.
    """
    if tool.source is None or tool.source.kind is SourceKind.FOLDER:
        raise ConflictError(
            f"{tool.name} cannot be made again from the export: its source is not in it.",
            "It came from a folder, or had been deleted: ask whom exported it for a link.",
            code="source_not_exported",
        )
    for name in (str(tool.source), tool.name):
        try:
            there = _that_is_there(client.tool(name), tool)
        except (NotFoundError, ConflictError):
            continue
        if there:
            return there
    masked = [name for name, value in tool.build_arguments.items() if value == MASK]
    if masked:
        raise ConflictError(
            f"The build argument {masked[0]} of {tool.name} is secret, and was not written.",
            f"Create it with --build-arg {masked[0]}=… from {tool.source}",
            code="build_argument_missing",
        )
    made, version = create(
        NewTool(
            source=str(tool.source),
            name=_free_name(client, tool.name),
            runtime=tool.runtime,
            entry_point=tool.entry_point,
            build_arguments=tool.build_arguments,
            output=tool.output,
            description=tool.description,
        )
    )
    if version.commit != tool.commit:
        raise ConflictError(
            f"{tool.name} became another one: {version.commit} was built, not {tool.commit}.",
            "Whoever has its source may have changed it.",
            code="source_changed",
        )
    return f"{made.full_name}@{version.number}"


def run_again(
    package: Package,
    run: ExportedRun,
    tool: str,
    *,
    most: Limits,
    folder: Path,
    ask_secret: Callable[[str], str],
) -> NewRun:
    """Return the run that an exported one was, of a version of a tool.

    Parameters
    ----------
    most
        What a run may use here.
    folder
        Empty; takes the input files under their own names.

    Raises
    ------
    ConflictError
        If an input is not in the export.
    """
    missing = [file.path for file in run.given if file.place is None]
    if missing:
        raise ConflictError(
            f"Run {run.number} cannot be run again: its input {missing[0]!r} is not exported.",
            "An archive (`%tooi export -f zip`) holds inputs of any size.",
            code="input_not_exported",
        )
    inputs = []
    for file in run.inputs:
        own = folder / file.path
        if own.parent != folder or "\0" in file.path or own.exists():
            raise ConflictError(f"Run {run.number} has an input of an impossible name.")
        shutil.copyfile(package.folder / str(file.place), own)
        inputs.append(own)
    return NewRun(
        tool=tool,
        arguments=run.arguments,
        inputs=inputs,
        stdin=None if run.stdin is None else package.folder / str(run.stdin.place),
        variables=run.plain_variables,
        secrets={name: ask_secret(name) for name in run.secrets},
        timeout_s=min(run.limits.timeout_s, most.timeout_s),
        memory_bytes=min(run.limits.memory_bytes, most.memory_bytes),
        network=None if run.limits.network else False,
        label=run.label,
    )


def _that_is_there(detail: ToolDetail, tool: ExportedTool) -> str:
    """Return the version of a tool that was built from the same, with the same entry point."""
    for version in detail.versions:
        if version.status == "ready" and pinning.is_same(version, tool):
            return f"{detail.tool.full_name}@{version.number}"
    return ""


def _free_name(client: Client, name: str) -> str:
    mine = client.principal.name
    for candidate in (name, *(f"{name}-{number}" for number in range(2, 100))):
        try:
            client.tool(f"{mine}/{candidate}")
        except NotFoundError:
            return candidate
    return f"{name}-{os.urandom(4).hex()}"
