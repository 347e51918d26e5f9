"""Who may do what: one pure function per question, and no other place decides.

Callers turn a "no" into the same answer as "there is no such thing".
"""

from __future__ import annotations

import dataclasses

from .records import (
    EVERYBODY,
    Change,
    Link,
    Principal,
    Run,
    Tool,
    Visibility,
    normal_address,
)


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
    return _is_listed(principal, tool.access)


def may_change_tool(principal: Principal, tool: Tool) -> bool:
    """Tell whether a principal may update, build, share and delete a tool."""
    return principal.is_admin or principal.name == tool.owner


def may_see_run(principal: Principal, run: Run) -> bool:
    """Tell whether a run exists for a principal: whoever ran it, and those it is shared with.

    The owner of the tool is not among them.
    """
    return may_change_run(principal, run) or _is_listed(principal, run.access)


def may_change_run(principal: Principal, run: Run) -> bool:
    """Tell whether a principal may cancel, share and delete a run."""
    return principal.is_admin or principal.name == run.owner


def run_as_seen(principal: Principal | None, run: Run) -> Run:
    """Return what somebody is told of a run that is shared: its output, not what it was given.

    Parameters
    ----------
    principal
        Who asks; ``None`` for whoever has a link.
    """
    if principal is not None and may_change_run(principal, run):
        return run
    return dataclasses.replace(run, access=(), variables={})


def may_take_inputs(principal: Principal, run: Run) -> bool:
    """Tell whether a principal may run again with the files and variables that a run was given."""
    given = run.inputs or run.stdin or run.variables
    return not given or may_change_run(principal, run)


def may_change_link(principal: Principal, link: Link) -> bool:
    """Tell whether a principal may see and revoke a link to a run."""
    return principal.is_admin or principal.name == link.owner


def may_see_change(principal: Principal, change: Change) -> bool:
    """Tell whether a principal may hear of a change: it could see the subject before or after."""
    return (
        principal.is_admin
        or principal.name == change.owner
        or EVERYBODY in change.seen_by
        or not principal.addresses.isdisjoint(change.seen_by)
    )


def may_administer(principal: Principal) -> bool:
    """Tell whether a principal may clean up, and put a tool under another's name."""
    return principal.is_admin


def _is_listed(principal: Principal, entries: tuple[str, ...]) -> bool:
    return not principal.addresses.isdisjoint(map(normal_address, entries))
