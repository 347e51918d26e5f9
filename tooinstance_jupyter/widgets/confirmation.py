"""The question before something is lost; what is lost is left to whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..display.markup import prose
from . import controls

if TYPE_CHECKING:
    from .panel import Panel


class Confirmation:
    """A question with its two answers, hidden while nothing is asked."""

    def __init__(self, panel: Panel, yes: str = "Delete") -> None:
        self._agreed: Callable[[], None] | None = None
        self._question = controls.html()
        self.yes_button = panel.button(yes, self._do, tone="danger")
        self.no_button = panel.button("Keep", self._hide)
        self.box = controls.row(self._question, self.yes_button, self.no_button)
        self._hide()

    def ask(self, question: str, agreed: Callable[[], None]) -> None:
        """Show a question; only an answer carries out what it is about."""
        self._agreed = agreed
        controls.set_html(self._question, prose(question))
        controls.show_if(self.box, is_shown=True)

    def _do(self) -> None:
        agreed = self._agreed
        self._hide()
        if agreed is not None:
            agreed()

    def _hide(self) -> None:
        self._agreed = None
        controls.show_if(self.box, is_shown=False)
