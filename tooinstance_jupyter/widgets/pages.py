"""The way through a list that comes in pages; what is listed is left to the view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import controls

if TYPE_CHECKING:
    from .panel import Panel


class Pages:
    """Two buttons, and the cursor of the page between them.

    Parameters
    ----------
    panel
        Where they are shown.
    back, on
        What the buttons are called.
    first
        The cursor of the first page.
    """

    def __init__(self, panel: Panel, back: str, on: str, *, first: str | None = None) -> None:
        self._cursors = [first]
        self._next: str | None = None
        self.back_button = panel.button(back, self._go_back)
        self.on_button = panel.button(on, self._go_on)
        self.box = controls.row(self.back_button, self.on_button, look="tooi-plain")

    @property
    def cursor(self) -> str | None:
        """Where the page begins."""
        return self._cursors[-1]

    def restart(self) -> None:
        """Go to the first page of another list."""
        self._cursors = [None]

    def offer(self, next_cursor: str | None) -> None:
        """Say what comes after the page that is shown."""
        self._next = next_cursor
        self.back_button.disabled = len(self._cursors) == 1
        self.on_button.disabled = next_cursor is None
        is_whole = self.back_button.disabled and self.on_button.disabled
        controls.show_if(self.box, is_shown=not is_whole)

    def _go_on(self) -> None:
        if self._next is not None:
            self._cursors.append(self._next)

    def _go_back(self) -> None:
        if len(self._cursors) > 1:
            self._cursors.pop()
