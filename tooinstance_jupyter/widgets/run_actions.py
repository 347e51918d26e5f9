"""What can be done with one of several runs: a choice of which, and buttons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import display
from ..commands.base import text_bundle
from ..records import Run
from ..requests import RunChanges
from ..results import RunResult
from ..terminal import visible
from . import controls
from .confirmation import Confirmation

if TYPE_CHECKING:
    from .panel import Panel


class RunActions:
    """Show, repeat, cancel, pin and delete a run."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._runs: dict[int, Run] = {}
        self.run_control = controls.choice([], None, tooltip="Which run")
        self.show_button = panel.button_on("Show", self._chosen, self._show)
        self.again_button = panel.button_on(
            "Run again", self._chosen, self._again, tooltip="With the same inputs and arguments"
        )
        self.cancel_button = panel.button_on("Cancel", self._chosen, self._cancel, tone="warning")
        self.pin_button = panel.button_on(
            "Pin", self._chosen, self._pin, tooltip="Keep it for ever, or no longer"
        )
        self.delete_button = panel.button_on("Delete", self._chosen, self._delete)
        self.confirmation = Confirmation(panel)
        self.box = controls.column(
            controls.row(
                self.run_control,
                self.show_button,
                self.again_button,
                self.cancel_button,
                self.pin_button,
                self.delete_button,
            ),
            self.confirmation.box,
        )
        controls.on_value(self.run_control, panel.look)

    def offer(self, runs: Sequence[Run]) -> None:
        """Have one of these runs chosen; the choice stays where it is among them."""
        self._runs = {run.number: run for run in runs}
        options = tuple((_label(run), run.number) for run in runs)
        if options != self.run_control.options:
            before = self.run_control.value
            self.run_control.options = options
            self.run_control.value = (
                before if before in self._runs else next(iter(self._runs), None)
            )
        chosen = self._runs.get(self.run_control.value)
        is_mine = chosen is not None and chosen.owner == self._panel.client.principal.name
        is_over = chosen is not None and chosen.status.is_final
        self.show_button.disabled = self.again_button.disabled = chosen is None
        controls.show_if(self.cancel_button, is_shown=is_mine and not is_over)
        controls.show_if(self.pin_button, is_shown=is_mine and is_over)
        controls.show_if(self.delete_button, is_shown=is_mine and is_over)
        label = "Unpin" if chosen is not None and chosen.pinned else "Pin"
        if self.pin_button.description != label:
            self.pin_button.description = label

    def _chosen(self) -> int:
        return int(self.run_control.value)

    def _show(self, number: int) -> None:
        run = self._panel.client.get_run(number)
        if not run.status.is_final:
            self._panel.follow_run(run)
            return
        self._panel.result = RunResult(self._panel.client, run)
        self._panel.show_result(display.run_bundle(self._panel.client, run))

    def _again(self, number: int) -> None:
        self._panel.follow_run(self._panel.client.rerun(number))

    def _cancel(self, number: int) -> None:
        self._panel.client.cancel(number)

    def _pin(self, number: int) -> None:
        changes = RunChanges(pinned=not self._panel.client.get_run(number).pinned)
        self._panel.client.update_run(number, changes)

    def _delete(self, number: int) -> None:
        self.confirmation.ask(
            f"Delete run {number} and all of its output?", lambda: self._delete_now(number)
        )

    def _delete_now(self, number: int) -> None:
        self._panel.client.delete_run(number)
        self._panel.show_result(text_bundle(f"Run {number} is deleted."))


def _label(run: Run) -> str:
    mark, _ = display.run_mark(run)
    return visible(f"{run.number} {mark} {run.tool_name.rpartition('/')[2]}")
