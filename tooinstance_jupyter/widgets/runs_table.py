"""The controls of a list of runs: which are listed, in which order, and what is done with one.

The list itself is the display above them, which stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import display
from ..records import Page, Run, RunStatus
from ..requests import RunFilter
from . import controls
from .pages import Pages
from .run_actions import RunActions

if TYPE_CHECKING:
    from .panel import Panel

_BUSY_S, _IDLE_S = 2.0, 15.0
_ORDERS: Mapping[str, Callable[[Run], Any]] = {
    "newest first": lambda run: -run.number,
    "oldest first": lambda run: run.number,
    "by tool": lambda run: (run.tool_name, -run.number),
    "by state": lambda run: (list(RunStatus).index(run.status), -run.number),
    "longest first": lambda run: (-(run.duration_s or 0.0), -run.number),
}


class RunsTable:
    """Filter, order and page a list of runs.

    Parameters
    ----------
    panel
        Where it is shown.
    which
        What is listed at first.
    """

    title = "Runs"
    entries: tuple[object, ...] = ()

    def __init__(self, panel: Panel, which: RunFilter) -> None:
        self._panel = panel
        self._which = which
        self._asked: RunFilter | None = None
        self._shown: Sequence[Run] | None = None
        self.text_control = controls.text(
            which.text, placeholder="words in arguments or label", as_typed=True
        )
        self.tool_control = controls.text(which.tool or "", placeholder="tool")
        self.status_control = controls.choice(
            [("any state", ""), *((status.value, status.value) for status in RunStatus)],
            which.status or "",
        )
        self.order_control = controls.choice(
            [(name, name) for name in _ORDERS], next(iter(_ORDERS)), tooltip="Order of this page"
        )
        self.pages = Pages(panel, "Newer", "Older", first=which.cursor)
        self.actions = RunActions(panel)
        controls.growing(self.text_control)
        controls.growing(self.tool_control)
        filters = (self.text_control, self.tool_control, self.status_control, self.order_control)
        for control in filters:
            controls.on_value(control, panel.look)
        self.box = controls.column(controls.row(*filters, self.pages.box), self.actions.box)

    def refresh(self) -> float:
        """Show the page that is asked for."""
        asked = replace(
            self._which,
            text=str(self.text_control.value),
            tool=str(self.tool_control.value).strip() or None,
            status=RunStatus(state) if (state := self.status_control.value) else None,
            cursor=None,
        )
        if self._asked is not None and asked != self._asked:
            self.pages.restart()
        self._asked = asked
        client = self._panel.client
        page = client.runs(replace(asked, cursor=self.pages.cursor))
        self.pages.offer(page.next_cursor)
        runs = sorted(page.items, key=_ORDERS[self.order_control.value])
        if runs != self._shown:
            shown = Page(items=runs, next_cursor=page.next_cursor)
            viewer = client.principal.name
            self._panel.show_above(display.runs_bundle(shown, viewer=viewer, is_steered=True))
            self._shown = runs
        self.actions.offer(runs)
        return _BUSY_S if any(not run.status.is_final for run in runs) else _IDLE_S

    def close(self) -> None:
        """Do nothing: it holds nothing."""
