"""Whether the description of a tool is one that was pinned, and what a version was built from.

Descriptions come in files of strangers: a name must be a tool's, a source what it says that it is.
"""

from __future__ import annotations

from collections.abc import Container
from itertools import chain, count

from ..build import sources
from ..errors import TooInstanceError
from ..records import Source, SourceKind, Version
from .record import ExportedTool

PINNED_BY_REF = (SourceKind.GIT, SourceKind.PYPI, SourceKind.NPM)
"""The kinds of source whose ``ref`` says what was built."""


def problem(tool: ExportedTool) -> str:
    """Return why a description cannot be that of a tool that was pinned, empty if it can."""
    try:
        sources.validate_name(tool.name)
        return _problem_of(tool.source, tool.commit)
    except TooInstanceError as error:
        return error.message


def distinct_name(name: str, number: int, taken: Container[str]) -> str:
    """Return a name for a version of a tool that no other tool has: its own, if it is free."""
    numbered = f"{name}-{number}"
    choices = chain([name, numbered], (f"{numbered}-{more}" for more in count(2)))
    return next(choice for choice in choices if choice not in taken)


def is_same(version: Version, tool: ExportedTool) -> bool:
    """Tell whether a version was built from what a description says, with its entry point."""
    source = tool.source
    return (
        source is not None
        and version.commit == tool.commit
        and version.source.kind is source.kind
        and version.source.location == source.location
        and version.source.subdirectory == source.subdirectory
        and version.entry_point == tool.entry_point
    )


def _problem_of(source: Source | None, commit: str | None) -> str:
    # a folder is never made again, and its path may have been shortened
    if source is None or source.kind is SourceKind.FOLDER:
        return ""
    parsed = sources.parse(str(source))
    if parsed.credential is not None:
        return "its source holds a credential."
    if parsed.source.kind is not source.kind:
        return f"its source says {source.kind}, and is {parsed.source.kind}."
    if source.kind in PINNED_BY_REF and (not commit or source.ref != commit):
        return f"its source is at {source.ref!r}, and what was built is {commit!r}."
    return ""
