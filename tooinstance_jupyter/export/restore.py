"""Makes the tools of a lock again, and says of each what became of it, through a client."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..client.base import Client
from ..errors import TooInstanceError
from ..records import Tool, Version
from ..requests import NewTool
from .record import ExportedTool
from .redo import Create, tool_again


class Restoration(StrEnum):
    """What became of a tool of a lock."""

    TAKEN = "taken"  # it was there, built from the same
    MADE = "made"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A tool of a lock, and what became of it.

    Parameters
    ----------
    tool
        As it was frozen.
    here
        The version that it is here, ``owner/name@number``; empty if there is none.
    notes
        What is not as it was, and why there is none; for people.
    """

    tool: ExportedTool
    restoration: Restoration
    here: str = ""
    notes: tuple[str, ...] = ()


def restore(client: Client, tool: ExportedTool, create: Create) -> Restored:
    """Take the version that is what was frozen, or make it; errors are told in what returns.

    Parameters
    ----------
    create
        Makes a tool and follows its build to a good end.
    """
    made: list[str] = []

    def noted(new: NewTool) -> tuple[Tool, Version]:
        made_tool, version = create(new)
        made.append(made_tool.full_name)
        return made_tool, version

    try:
        here = tool_again(client, tool, noted)
        full_name, _, number = here.rpartition("@")
        detail = client.tool(full_name)
        version = next(one for one in detail.versions if str(one.number) == number)
    except TooInstanceError as error:
        return Restored(tool=tool, restoration=Restoration.FAILED, notes=(str(error),))
    notes = []
    newest = detail.ready
    if detail.tool.name != tool.name or newest is None or newest.id != version.id:
        notes.append(f"`%tooi run {tool.name}` is something else here.")
    if version.engine != tool.engine:
        notes.append(f"The {version.engine} engine runs it; it was {tool.engine}.")
    elif version.environment_id != tool.environment:
        notes.append("Its environment was made by another recipe.")
    return Restored(
        tool=tool,
        restoration=Restoration.MADE if made else Restoration.TAKEN,
        here=here,
        notes=tuple(notes),
    )
