"""The form by which a link becomes a tool.

How its build goes on is left to the panel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from markupsafe import Markup

from ..errors import TooInstanceError
from ..records import OutputKind, Visibility
from ..requests import NewTool
from ..terminal import visible
from . import controls
from .controls import Control

if TYPE_CHECKING:
    from .panel import Panel

_IDLE_S = 60.0
_FIELD_OF_CODE: Mapping[str, str] = {
    "name_invalid": "name",
    "name_taken": "name",
    "ref_invalid": "ref",
    "access_invalid": "access",
    "source_invalid": "link",
    "source_scheme": "link",
    "source_failed": "link",
}


class CreateForm:
    """A link, and under "More" all that detection would decide otherwise."""

    title = "New tool"

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self.fields: dict[str, Control] = {
            "link": controls.text(placeholder="https://…, pypi:NAME, npm:NAME, DOI, or a folder"),
            "name": controls.text(placeholder="from the link"),
            "ref": controls.text(placeholder="the newest"),
            "runtime": controls.text(placeholder="found by itself"),
            "entry_point": controls.text(placeholder="found by itself"),
            "output": controls.choice(
                [
                    ("what it prints", OutputKind.STDOUT),
                    ("the files that it writes", OutputKind.FILES),
                    ("both", OutputKind.BOTH),
                ],
                OutputKind.STDOUT,
            ),
            "visibility": controls.choice(
                [("private", Visibility.PRIVATE), ("public: everybody here", Visibility.PUBLIC)],
                Visibility.PRIVATE,
            ),
            "access": controls.text(placeholder="ada, ada@example.org, group:lab"),
        }
        self._troubles = {name: controls.html() for name in self.fields}
        self.create_button = panel.button("Create", self._create, tone="primary")
        more = controls.grid(
            self._field("name", "Name"),
            self._field("ref", "Branch, tag or commit"),
            self._field("runtime", "Runtime"),
            self._field("entry_point", "Entry point"),
            self._field("output", "Shows first"),
            self._field("visibility", "Who may run it"),
            self._field("access", "Access list"),
        )
        self._more = controls.folded("More", more)
        self.box = controls.column(
            controls.across(self._field("link", "Link")),
            self._more,
            controls.row(self.create_button),
        )

    @property
    def entries(self) -> tuple[object, ...]:
        """What is filled in."""
        return tuple(field.value for field in self.fields.values())

    def refresh(self) -> float:
        """Do nothing: nothing here changes by itself."""
        return _IDLE_S

    def close(self) -> None:
        """Do nothing: it holds nothing."""

    def _field(self, name: str, label: str) -> Control:
        return controls.column(controls.labelled(label, self.fields[name]), self._troubles[name])

    def _create(self) -> None:
        for place in self._troubles.values():
            controls.set_html(place, Markup(""))
        if not self._given("link"):
            self._say_wrong("link", "There is no link.", "Paste that of a git repository.")
            return
        try:
            tool, version = self._panel.client.create(self._new())
        except TooInstanceError as error:
            field = _FIELD_OF_CODE.get(error.error_code)
            if field is None:
                raise
            self._say_wrong(field, error.message, error.hint)
            return
        self._panel.follow_build(tool, version)

    def _new(self) -> NewTool:
        return NewTool(
            source=self._given("link") or "",
            name=self._given("name"),
            ref=self._given("ref"),
            runtime=self._given("runtime"),
            entry_point=self._given("entry_point"),
            output=self.fields["output"].value,
            visibility=self.fields["visibility"].value,
            access=tuple(filter(None, map(str.strip, (self._given("access") or "").split(",")))),
        )

    def _given(self, name: str) -> str | None:
        return str(self.fields[name].value).strip() or None

    def _say_wrong(self, name: str, message: str, hint: str) -> None:
        markup = Markup("{} {}").format(visible(message), visible(hint))
        controls.set_html(self._troubles[name], controls.wrong_markup(markup))
        if name != "link":
            controls.unfold(self._more)
