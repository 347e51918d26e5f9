"""How a build goes on, beneath a panel's view: the end of its log, and what can be done about it.

Its steps and its end are shown by the display that stays, through ``live``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from ..display.markup import duration, prose
from ..errors import NotFoundError
from ..live import NotebookScreen, build_log
from ..records import Tool, Version, VersionStatus, now
from ..requests import NewRun
from ..terminal import to_html
from . import controls
from .run_form import RunForm

if TYPE_CHECKING:
    from .panel import Panel

_LOOK_S, _IDLE_S = 0.5, 60.0
_LOG_LINES, _LOG_CHARACTERS = 12, 4_000


class BuildProgress:
    """One build, looked at until it is final."""

    def __init__(self, panel: Panel, screen: NotebookScreen, tool: Tool, version: Version) -> None:
        self._panel = panel
        self._screen = screen
        self._tool = tool
        self._version = version
        self._is_shown = False
        self._status = controls.growing(controls.html())
        self._log = controls.html()
        self.cancel_button = panel.button("Cancel", self._cancel, tone="warning")
        self.run_button = panel.button("Run", self._run, tone="primary")
        actions = controls.row(self._status, self.cancel_button, self.run_button)
        self.box = controls.column(actions, self._log)

    def refresh(self) -> float:
        """Show how it stands; return the seconds until it is worth looking again."""
        if self._is_shown and self._version.status.is_final:
            return _IDLE_S
        client = self._panel.client
        detail = client.tool(self._tool.full_name)
        version = next((v for v in detail.versions if v.id == self._version.id), None)
        if version is None:
            raise NotFoundError(
                f"{self._tool.name} has no version {self._version.number} any more.",
                "It may have been made again under the same name.",
            )
        self._version = version
        self._screen.version(client, self._tool, version)
        self._is_shown = True
        is_over = version.status.is_final
        controls.set_html(self._status, _sentence(self._tool, version))
        log = Markup("") if is_over else _end_of(build_log(client, version))
        controls.set_html(self._log, log)
        controls.show_if(self.cancel_button, is_shown=not is_over)
        controls.show_if(self.run_button, is_shown=version.status is VersionStatus.READY)
        if is_over:
            self._panel.result = detail
        return _IDLE_S if is_over else _LOOK_S

    def _cancel(self) -> None:
        self._panel.client.cancel_build(self._version.id)

    def _run(self) -> None:
        new = NewRun(tool=self._tool.full_name)
        self._panel.go(lambda panel: RunForm(panel, new))


def _sentence(tool: Tool, version: Version) -> Markup:
    if version.status.is_final:
        return prose(f"The build of {tool.name} is {version.status}.")
    steps = f"step {version.steps_done} of {version.steps_total}, " if version.steps_total else ""
    passed_s = (now() - version.created_at).total_seconds()
    return prose(f"{tool.name}: {version.message} ({steps}{duration(passed_s)})")


def _end_of(log: str) -> Markup:
    last = "\n".join(log[-_LOG_CHARACTERS:].splitlines()[-_LOG_LINES:])
    if not last.strip():
        return Markup("")
    return Markup('<pre class="tooi-end"><code>{}</code></pre>').format(to_html(last))
