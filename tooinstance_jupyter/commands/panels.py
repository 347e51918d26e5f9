"""What opens a panel in a notebook: the panels of commands, and the command that is only that.

What a panel does is left to ``widgets``, which is not imported before one is opened.
"""

from __future__ import annotations

from argparse import Namespace

from ..client.base import Client
from ..requests import NewRun, RunFilter, ToolDetail
from . import base
from .base import Command, Outcome, Ui, text_bundle

_SHOWN_AT_FIRST = 5


def panel(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Open the dashboard; where there are no panels, say the same in words."""
    return overview(client, "%tooi")


def overview(client: Client, prefix: str) -> Outcome:
    """Say what is there, and what to type next."""
    known = client.tools(limit=_SHOWN_AT_FIRST)
    recent = client.runs(RunFilter(limit=_SHOWN_AT_FIRST))
    lines = []
    if known.items:
        names = ", ".join(detail.tool.name for detail in known.items)
        more = f", … (`{prefix} ls` has all)" if known.next_cursor else ""
        lines.append(f"Tools: {names}{more}")
    lines += [
        f"Run {run.number}: {run.tool_name.rpartition('/')[2]}, "
        + "; ".join(filter(None, (run.cut, run.message)))
        for run in recent.items
    ]
    if not known.items:
        lines.append("There are no tools yet.")
    first = known.items[0].tool.name if known.items else "sherlock"
    lines += [
        "",
        f"{prefix} create LINK        make a tool from a git link, pypi:NAME or npm:NAME",
        f"{prefix} run {first} --help",
        f"{prefix} help               all commands",
    ]
    return Outcome(bundle=text_bundle(*lines), panel=lambda: _dashboard(client))


def create_form(client: Client) -> base.Panel:
    """Return the panel that makes a tool."""
    from ..widgets import CreateForm, Panel

    return Panel(client, CreateForm)


def run_form(client: Client, new: NewRun) -> base.Panel:
    """Return the panel that runs a tool."""
    from ..widgets import Panel, RunForm

    return Panel(client, lambda panel: RunForm(panel, new))


def runs_table(client: Client, which: RunFilter) -> base.Panel:
    """Return the controls of a list of runs."""
    from ..widgets import Panel, RunsTable

    return Panel(client, lambda panel: RunsTable(panel, which), is_beside=True)


def tool_actions(client: Client, detail: ToolDetail) -> base.Panel:
    """Return the controls of a tool."""
    from ..widgets import Panel, ToolActions

    name = detail.tool.full_name
    return Panel(client, lambda panel: ToolActions(panel, name), is_beside=True)


def _dashboard(client: Client) -> base.Panel:
    from ..widgets import Dashboard, Panel

    return Panel(client, Dashboard)


COMMANDS = (
    Command(
        name="panel",
        summary="Open a panel in the notebook: tools, recent runs, a form for each",
        handler=panel,
        examples=("tooi panel",),
        aliases=("dashboard",),
    ),
)
