"""The form by which a tool is run: its options, input files and limits.

The arguments are left to ``arguments_form``, what comes of the run to the panel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from .. import arguments
from ..display.markup import sentence
from ..display.options import usage_line
from ..errors import InvalidValueError
from ..records import Version
from ..requests import NewRun, ToolDetail
from ..suggestions import forgotten_file
from . import controls
from .arguments_form import ArgumentsForm
from .file_inputs import FileInputs
from .run_limits import RunLimits

if TYPE_CHECKING:
    from .panel import Panel

_IDLE_S = 60.0


class RunForm:
    """A tool's form, filled with what a new run says already.

    Parameters
    ----------
    panel
        Where it is shown.
    new
        The run to begin with: its tool, and whatever else was given.

    Raises
    ------
    NotFoundError
        If there is no such tool.
    """

    def __init__(self, panel: Panel, new: NewRun) -> None:
        self._panel = panel
        self._new = new
        name, _, number = new.tool.partition("@")
        detail = panel.client.tool(name)
        version = _version(detail, number)
        self.title = f"Run {detail.tool.name}" + (f"@{version.number}" if version else "")
        given = new.arguments
        line = (
            given.strip() if isinstance(given, str) else arguments.join(arguments.from_value(given))
        )
        self.arguments = ArgumentsForm(
            panel.client,
            version.id if version else None,
            version.interface if version else None,
            line,
            panel.look,
        )
        self.files = FileInputs(new.inputs, panel.look)
        self.limits = RunLimits(new, panel.client.default_limits)
        self.stdin = controls.lines(placeholder="nothing" if new.stdin is None else "as given")
        self.run_button = panel.button("Run", self._run, tone="primary")
        self._note = controls.html()
        has_files = bool(new.inputs)
        self.box = controls.column(
            controls.html(_about(detail, version)),
            self.arguments.box,
            controls.folded(
                "Files and standard input",
                controls.grid(self.files.box, controls.labelled("Standard input", self.stdin)),
                is_open=has_files,
            ),
            controls.folded("Limits", self.limits.box),
            self._note,
            controls.row(self.run_button),
        )

    @property
    def entries(self) -> tuple[object, ...]:
        """What is filled in."""
        limits = self.limits
        return (
            self.arguments.line,
            *self.files.names(),
            *(one.value for one in (self.stdin, limits.timeout, limits.memory, limits.label)),
            limits.network.value,
        )

    def refresh(self) -> float:
        """Let line and fields follow each other."""
        self.arguments.refresh()
        self.arguments.suggest(self.files.names())
        controls.set_html(self._note, self._about_a_forgotten_file())
        return _IDLE_S

    def _about_a_forgotten_file(self) -> Markup:
        try:
            argv = arguments.parse(self.arguments.line)
        except InvalidValueError:
            return Markup("")
        word = forgotten_file(argv, self.files.names())
        return sentence(
            f"`{word}` is a file in your folder: add it under `Files and standard input`, or the "
            "tool will not find it."
            if word
            else ""
        )

    def close(self) -> None:
        """Remove uploaded files."""
        self.files.close()

    def _run(self) -> None:
        text = str(self.stdin.value)
        new = replace(
            self._new,
            arguments=self.arguments.settled(),
            inputs=self.files.files(),
            stdin=text.encode() if text else self._new.stdin,
        )
        self._panel.follow_run(self._panel.client.run(self.limits.put_into(new)))


def _version(detail: ToolDetail, number: str) -> Version | None:
    if number:
        return next((v for v in detail.versions if str(v.number) == number), None)
    return detail.ready


def _about(detail: ToolDetail, version: Version | None) -> Markup:
    usage = version.interface.usage if version and version.interface else ""
    return Markup("{}{}{}").format(
        sentence(detail.tool.description),
        sentence("" if version else "No version of it is ready to run: build it first."),
        usage_line(usage),
    )
