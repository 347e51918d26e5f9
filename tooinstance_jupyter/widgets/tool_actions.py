"""What can be done with one tool, as buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import display
from ..commands.base import text_bundle
from ..requests import NewRun
from . import controls
from .confirmation import Confirmation
from .run_form import RunForm

if TYPE_CHECKING:
    from .panel import Panel

_IDLE_S = 60.0


class ToolActions:
    """Run, show, rebuild and delete a tool.

    Parameters
    ----------
    panel
        Where it is shown.
    name
        The tool's full name.
    """

    def __init__(self, panel: Panel, name: str = "") -> None:
        self._panel = panel
        self.name = name
        self.run_button = panel.button_on("Run", self._named, self._run, tone="primary")
        self.show_button = panel.button_on(
            "Show", self._named, self._show, tooltip="Show its versions and source"
        )
        self.rebuild_button = panel.button_on(
            "Rebuild",
            self._named,
            self._rebuild,
            tooltip="Build a new version of its source as it is now",
        )
        self.delete_button = panel.button_on("Delete", self._named, self._delete)
        self.confirmation = Confirmation(panel)
        self.buttons = controls.row(
            self.run_button, self.show_button, self.rebuild_button, self.delete_button
        )
        self.box = controls.column(self.buttons, self.confirmation.box)

    @property
    def title(self) -> str:
        """The tool's name."""
        return self.name

    @property
    def entries(self) -> tuple[object, ...]:
        """Nothing: nothing can be filled in."""
        return ()

    def refresh(self) -> float:
        """Do nothing: nothing here changes by itself."""
        return _IDLE_S

    def close(self) -> None:
        """Do nothing: it holds nothing."""

    def _named(self) -> str:
        return self.name

    def _run(self, name: str) -> None:
        self._panel.go(lambda panel: RunForm(panel, NewRun(tool=name)))

    def _show(self, name: str) -> None:
        detail = self._panel.client.tool(name)
        self._panel.result = detail
        self._panel.show_result(display.tool_bundle(detail, viewer=self._panel.client.principal))

    def _rebuild(self, name: str) -> None:
        client = self._panel.client
        tool = client.tool(name).tool
        self._panel.follow_build(tool, client.build(name))

    def _delete(self, name: str) -> None:
        self.confirmation.ask(
            f"Delete {name}? Its runs stay readable.", lambda: self._delete_now(name)
        )

    def _delete_now(self, name: str) -> None:
        self._panel.client.delete(name)
        self._panel.show_result(text_bundle(f"{name} is deleted; its runs stay readable."))
