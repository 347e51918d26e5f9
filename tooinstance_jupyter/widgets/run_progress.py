"""How a run goes on, beneath a panel's view: its state, and what can be done about it.

Its output and files are shown by the display that stays, through ``live``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from ..display import run_mark
from ..display.markup import alert, duration, marked, prose
from ..live import NotebookScreen
from ..records import Run, RunStatus, now
from . import controls

if TYPE_CHECKING:
    from .panel import Panel

_LOOK_S, _IDLE_S = 0.4, 60.0


class RunProgress:
    """One run, looked at until it is final."""

    def __init__(self, panel: Panel, screen: NotebookScreen, run: Run) -> None:
        self._panel = panel
        self._screen = screen
        self._run = run
        self._is_shown = False
        self._status = controls.growing(controls.html())
        self.cancel_button = panel.button(
            "Cancel", self._cancel, tone="warning", tooltip="Stop it with all its children"
        )
        self.again_button = panel.button(
            "Run again", self._again, tooltip="With the same inputs and arguments"
        )
        self.box = controls.row(self._status, self.cancel_button, self.again_button)

    def refresh(self) -> float:
        """Show how it stands; return the seconds until it is worth looking again."""
        if self._is_shown and self._run.status.is_final:
            return _IDLE_S
        client = self._panel.client
        self._run = client.get_run(self._run.number)
        self._screen.run(client, self._run)
        self._is_shown = True
        is_over = self._run.status.is_final
        controls.set_html(self._status, _sentence(self._run))
        controls.show_if(self.cancel_button, is_shown=not is_over)
        controls.show_if(self.again_button, is_shown=is_over)
        return _IDLE_S if is_over else _LOOK_S

    def _cancel(self) -> None:
        self._panel.client.cancel(self._run.number)

    def _again(self) -> None:
        self._panel.follow_run(self._panel.client.rerun(self._run.number))


def _sentence(run: Run) -> Markup:
    passed_s = run.duration_s
    if passed_s is None and run.started_at is not None:
        passed_s = (now() - run.started_at).total_seconds()
    busy = not run.status.is_final and run.status is not RunStatus.QUEUED
    bar = Markup('<div class="tooi-bar"><progress></progress></div>') if busy else Markup("")
    return (
        Markup("{} {} {}{}").format(
            marked(*run_mark(run)),
            alert(run.cut),
            prose(f"Run {run.number} of {run.tool_name}: {run.message}"),
            prose(f", {duration(passed_s)}") if passed_s is not None else "",
        )
        + bar
    )
