"""What is there at a glance: tools to run, recent runs, and the way to a new tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from .. import display
from ..display.markup import marked, prose, sentence, shortened
from ..records import VersionStatus
from ..requests import RunFilter, ToolDetail
from ..terminal import visible
from . import controls
from .create_form import CreateForm
from .pages import Pages
from .run_actions import RunActions
from .tool_actions import ToolActions

if TYPE_CHECKING:
    from .panel import Panel

_BUSY_S, _IDLE_S = 1.0, 10.0
_TOOLS, _RUNS = 8, 6
_SCOPES = [("all tools", "all"), ("mine", "mine"), ("shared", "shared"), ("public", "public")]


class Dashboard:
    """Tools, found as one types, and the newest runs, as they go on."""

    title = "TooInstance"
    entries: tuple[object, ...] = ()

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._asked: tuple[str, str] = ("", "all")
        self.search_control = controls.text(placeholder="search tools", as_typed=True)
        self.scope_control = controls.choice(_SCOPES, "all", tooltip="Which tools")
        self.new_button = panel.button(
            "New tool", lambda: panel.go(CreateForm), tone="success", tooltip="From a link"
        )
        self.rows = [ToolRow(panel) for _ in range(_TOOLS)]
        self._nothing = controls.html()
        self.pages = Pages(panel, "Before", "More")
        self._runs = controls.html()
        self.run_actions = RunActions(panel)
        for control in (self.search_control, self.scope_control):
            controls.on_value(control, panel.look)
        title = Markup('<div class="tooi-title">Recent runs</div>')
        self._recent = controls.column(controls.html(title), self._runs, self.run_actions.box)
        self.box = controls.column(
            controls.row(
                controls.growing(self.search_control), self.scope_control, self.new_button
            ),
            self._nothing,
            *(row.box for row in self.rows),
            controls.row(self.pages.box),
            self._recent,
        )

    def refresh(self) -> float:
        """Show the tools that are asked for, and the newest runs."""
        client = self._panel.client
        asked = (str(self.search_control.value).strip(), str(self.scope_control.value))
        if asked != self._asked:
            self._asked = asked
            self.pages.restart()
        page = client.tools(
            text=asked[0],
            scope=self.scope_control.value,
            limit=_TOOLS,
            cursor=self.pages.cursor,
        )
        self.pages.offer(page.next_cursor)
        details = list(page.items)
        for index, row in enumerate(self.rows):
            row.fill(details[index] if index < len(details) else None)
        nothing = "No tool has these words." if asked[0] else "No tools yet: `New tool` makes one."
        controls.set_html(self._nothing, Markup("") if details else sentence(nothing))
        recent = client.runs(RunFilter(limit=_RUNS))
        bundle = display.runs_bundle(recent, viewer=client.principal.name, is_steered=True)
        controls.set_bundle(self._runs, bundle)
        controls.show_if(self._recent, is_shown=bool(recent.items))
        self.run_actions.offer(recent.items)
        is_busy = any(not run.status.is_final for run in recent.items) or any(
            not version.status.is_final for detail in details for version in detail.versions
        )
        return _BUSY_S if is_busy else _IDLE_S

    def close(self) -> None:
        """Do nothing: it holds nothing."""


class ToolRow:
    """One tool with its buttons, or nothing."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._about = controls.html()
        self.actions = ToolActions(panel)
        self.box = controls.row(
            self._about, self.actions.buttons, self.actions.confirmation.box, look="tooi-item"
        )
        controls.growing(self._about)

    def fill(self, detail: ToolDetail | None) -> None:
        """Show a tool, or hide."""
        controls.show_if(self.box, is_shown=detail is not None)
        if detail is None:
            return
        tool = detail.tool
        is_mine = tool.owner == self._panel.client.principal.name
        self.actions.name = tool.full_name
        newest = detail.versions[0] if detail.versions else None
        state = ""
        if newest is not None and newest.status is not VersionStatus.READY:
            state = f"@{newest.number}: {newest.message}"
        name = (tool.name if is_mine else tool.full_name) + (
            f"@{detail.ready.number}" if detail.ready else ""
        )
        controls.set_html(
            self._about,
            Markup("{} <b>{}</b> {}{}").format(
                marked(*display.tool_mark(detail)),
                visible(name),
                prose(shortened(tool.description, 120)),
                controls.help_markup(visible(shortened(state or str(tool.source), 160))),
            ),
        )
        controls.show_if(self.actions.run_button, is_shown=detail.ready is not None)
        controls.show_if(self.actions.rebuild_button, is_shown=is_mine)
        controls.show_if(self.actions.delete_button, is_shown=is_mine)
