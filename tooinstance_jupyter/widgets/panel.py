"""A panel in the output of a cell: its frame, its thread, and the displays that it leaves behind.

What it shows is left to its views; how a result looks, to ``display``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from IPython.core.getipython import get_ipython
from IPython.display import display
from markupsafe import Markup

from ..client.base import Client
from ..display import error_bundle
from ..errors import TooInstanceError
from ..live import NotebookScreen
from ..records import Run, Tool, Version, new_id
from ..requests import ToolDetail
from ..results import RunResult
from ..terminal import visible
from . import controls
from .build_progress import BuildProgress
from .confirmation import Confirmation
from .controls import Control
from .run_progress import RunProgress
from .worker import Worker

T = TypeVar("T")

_AFTER_A_FAILURE_S = 5.0
_NOTHING: Mapping[str, str] = {"text/plain": "", "text/html": ""}
_log = logging.getLogger(__name__)
_open_in: dict[str, Panel] = {}


class View(Protocol):
    """What a panel shows at a time."""

    @property
    def title(self) -> str:
        """What stands above it."""
        ...

    @property
    def box(self) -> Control:
        """Its controls."""
        ...

    @property
    def entries(self) -> tuple[object, ...]:
        """What is filled in; empty where nothing can be."""
        ...

    def refresh(self) -> float:
        """Show what is so now; return the seconds until it is worth looking again."""
        ...

    def close(self) -> None:
        """Let go of what it holds beside its controls."""
        ...


class Panel:
    """Controls in the output of a cell, and beneath them the result of what they started.

    The result is a display of its own, which stays when the panel is gone.

    Parameters
    ----------
    client
        Carries out what is clicked; it is not closed with the panel.
    first
        Makes what the panel shows first.
    is_beside
        Whether it steers a display that stands above it (a list of runs, a tool) rather than
        being all that is shown.

    Examples
    --------
    >>> panel = Panel(client, Dashboard)                # doctest: +SKIP
    >>> panel.open(bundle, print)                       # doctest: +SKIP
    ada/probe@1
    >>> panel.result                                    # doctest: +SKIP
    <run 12 of probe@1: Exit code 0>
    """

    def __init__(
        self, client: Client, first: Callable[[Panel], View], *, is_beside: bool = False
    ) -> None:
        self.client = client
        self.result: RunResult | ToolDetail | None = None
        self._is_beside = is_beside
        self._own_id, self._above_id, self._result_id = new_id(), new_id(), new_id()
        self._bundle: Mapping[str, Any] = _NOTHING
        self._pending: set[Control] = set()
        self._sent: tuple[object, ...] = ()
        self._look_failed = False
        self._note_use: Callable[[str], None] = lambda _: None
        self._worker = Worker(self._refresh, self._fail)
        self._title = controls.growing(controls.html())
        self._back = self.button("Back", lambda: self._leave(self.back))
        self._trouble = controls.html()
        self._content = controls.column()
        self._progress = controls.column()
        self._followed: RunProgress | BuildProgress | None = None
        self._close = self.button("Close", lambda: self._leave(self.close))
        self.discarding = Confirmation(self, "Discard")
        head = controls.row(self._title, self._back, self._close)
        self.box = controls.frame(
            head, self.discarding.box, self._content, self._trouble, self._progress
        )
        self._views = [first(self)]
        self._show_view()

    @property
    def view(self) -> View:
        """What is shown now."""
        return self._views[-1]

    def open(self, bundle: Mapping[str, Any], note_use: Callable[[str], None]) -> None:
        """Show the panel in the cell that is executed, in place of that cell's earlier one.

        Parameters
        ----------
        bundle
            What it steers; what is shown where there are no widgets.
        note_use
            Is told each version (``owner/name@number``) that is run.
        """
        cell = _cell_id()
        if cell:
            earlier = _open_in.pop(cell, None)
            if earlier is not None:
                earlier.close()
            _open_in[cell] = self
        self._note_use = note_use
        self._bundle = _NOTHING if self._is_beside else bundle
        view = {controls.VIEW_TYPE: self.box._repr_mimebundle_()[controls.VIEW_TYPE]}
        if self._is_beside:
            _display(bundle, self._above_id)
        _display({**self._bundle, **view}, self._own_id)
        # an output that is there from the start can be filled from any thread, in every front end
        _display(_NOTHING, self._result_id)
        self._worker.start()

    def close(self) -> None:
        """Take the controls away; the displays stay, and what was started goes on."""
        self._worker.close()
        for view in self._views:
            view.close()
        _display(self._bundle, self._own_id, update=True)
        controls.destroy(self.box)
        for cell in [cell for cell, panel in _open_in.items() if panel is self]:
            del _open_in[cell]

    def wait_until_closed(self, timeout_s: float) -> bool:
        """Wait until the panel's thread has ended; tell whether it has."""
        return self._worker.join(timeout_s)

    def go(self, make: Callable[[Panel], View]) -> None:
        """Show another view; `back` leads to this one."""
        self._views.append(make(self))
        self._show_view()

    def back(self) -> None:
        """Show the view before."""
        if len(self._views) > 1:
            left = self._views.pop()
            self._show_view()
            left.close()
            controls.destroy(left.box)

    def _leave(self, leave: Callable[[], None]) -> None:
        """Leave the view, but ask first where something is filled in that was not sent."""
        with suppress(TooInstanceError):
            self.view.refresh()
        if self.view.entries == self._sent:
            leave()
        else:
            self.discarding.ask("Discard what you filled in?", leave)

    def look(self) -> None:
        """Have everything looked at again, soon."""
        self._worker.do(lambda: None)

    def button(
        self, label: str, action: Callable[[], None], *, tone: str = "", tooltip: str = ""
    ) -> Control:
        """Return a button whose action is carried out by the panel's thread, once at a time."""
        return self.button_on(label, lambda: None, lambda _: action(), tone=tone, tooltip=tooltip)

    def button_on(
        self,
        label: str,
        choose: Callable[[], T],
        action: Callable[[T], None],
        *,
        tone: str = "",
        tooltip: str = "",
    ) -> Control:
        """Return a button whose action is carried out on what was chosen when it was clicked."""
        control = controls.button(label, tone=tone, tooltip=tooltip)

        def carry_out(chosen: T) -> None:
            controls.set_html(self._trouble, Markup(""))
            try:
                action(chosen)
            except Exception as error:  # noqa: BLE001 (told where it was clicked)
                self._show_trouble(error)
            finally:
                self._pending.discard(control)

        def clicked(_: Control) -> None:
            if control not in self._pending:
                chosen = choose()
                self._pending.add(control)
                self._worker.do(lambda: carry_out(chosen))

        control.on_click(clicked)
        return control

    def show_above(self, bundle: Mapping[str, Any]) -> None:
        """Change the display that the panel steers."""
        _display(bundle, self._above_id, update=True)

    def show_result(self, bundle: Mapping[str, Any]) -> None:
        """Change the display beneath the panel."""
        _display(bundle, self._result_id, update=True)

    def follow_run(self, run: Run) -> None:
        """Show a run and how it goes on."""
        self.result = RunResult(self.client, run)
        self._note_use(f"{run.tool_name}@{run.version_number}")
        self._follow(RunProgress(self, NotebookScreen(self._result_id), run))

    def follow_build(self, tool: Tool, version: Version) -> None:
        """Show a build and how it goes on."""
        self._follow(BuildProgress(self, NotebookScreen(self._result_id), tool, version))

    def _follow(self, progress: RunProgress | BuildProgress) -> None:
        self._sent = self.view.entries
        before, self._followed = self._followed, progress
        self._progress.children = (progress.box,)
        if before is not None:
            controls.destroy(before.box)

    def _show_view(self) -> None:
        self._sent = self.view.entries
        self._content.children = (self.view.box,)
        controls.set_html(self._title, Markup("<b>{}</b>").format(visible(self.view.title)))
        controls.show_if(self._back, is_shown=len(self._views) > 1)

    def _refresh(self) -> float:
        pauses_s = [self.view.refresh()]
        if self._followed is not None:
            pauses_s.append(self._followed.refresh())
        if self._look_failed:
            self._look_failed = False
            controls.set_html(self._trouble, Markup(""))
        return min(pauses_s)

    def _fail(self, error: Exception) -> float:
        self._look_failed = True
        self._show_trouble(error)
        return _AFTER_A_FAILURE_S

    def _show_trouble(self, error: Exception) -> None:
        if not isinstance(error, TooInstanceError):
            _log.error("event=panel_failed view=%s", type(self.view).__name__, exc_info=error)
            error = TooInstanceError(
                f"The panel failed: {type(error).__name__}: {error}.",
                "Close it, and run its cell again; the kernel's log has the traceback.",
            )
        controls.set_bundle(self._trouble, error_bundle(error))


def _display(bundle: Mapping[str, Any], display_id: str, *, update: bool = False) -> None:
    display(dict(bundle), raw=True, display_id=display_id, update=update)  # type: ignore[no-untyped-call]


def _cell_id() -> str:
    """Return what the front end calls the cell that is executed, if it tells."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent() if kernel is not None else {}
    return str(parent.get("metadata", {}).get("cellId", ""))
