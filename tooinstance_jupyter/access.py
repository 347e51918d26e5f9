"""Who may do what: one pure function per question, and no other place decides.

Callers turn a "no" into the same answer as "there is no such thing".
"""

from __future__ import annotations

from .records import Principal, Run, Tool, Visibility


def may_see_tool(principal: Principal, tool: Tool, *, is_ready: bool) -> bool:
    """Tell whether a tool exists for a principal, and so whether it may be run.

    Parameters
    ----------
    principal
        Who asks.
    tool
        The tool, deleted or not.
    is_ready
        Whether a version of it is ready: until then only its owner sees a tool.
    """
    if may_change_tool(principal, tool):
        return True
    if tool.deleted_at is not None or not is_ready:
        return False
    if tool.visibility is Visibility.PUBLIC:
        return True
    return principal.name in tool.access or not principal.groups.isdisjoint(tool.access)


def may_change_tool(principal: Principal, tool: Tool) -> bool:
    """Tell whether a principal may update, build, share and delete a tool."""
    return principal.is_admin or principal.name == tool.owner


def may_see_run(principal: Principal, run: Run) -> bool:
    """Tell whether a run exists for a principal: it belongs to whoever ran it, nobody else."""
    return principal.is_admin or principal.name == run.owner


def may_change_run(principal: Principal, run: Run) -> bool:
    """Tell whether a principal may cancel and delete a run."""
    return may_see_run(principal, run)
