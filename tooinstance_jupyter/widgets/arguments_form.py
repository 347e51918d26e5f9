"""The arguments of a run twice, as a command line and as fields, each following the other.

How either is read is left to the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from markupsafe import Markup

from ..client.base import Client
from ..errors import InvalidValueError
from ..records import Interface, Subcommand
from ..requests import Form, ReadArguments, Value
from ..terminal import visible
from . import controls
from .options_form import OptionsForm

_ARGV_SHOWN, _WORD_CHARACTERS = 100, 300


class ArgumentsForm:
    """A command line, the argv that it means, and the fields of a tool's options.

    Parameters
    ----------
    client
        Reads arguments.
    version_id
        The version whose options these are.
    interface
        What the tool can be given; ``None`` leaves the command line alone.
    line
        The command line to begin with.
    react
        Called when somebody changes something.
    """

    def __init__(
        self,
        client: Client,
        version_id: str | None,
        interface: Interface | None,
        line: str,
        react: Callable[[], None],
    ) -> None:
        self._client = client
        self._version_id = version_id
        self._interface = interface or Interface()
        self._react = react
        self._rest: tuple[str, ...] = ()
        self._seen: tuple[str, Form] | None = None
        self.line_control = controls.text(
            line, placeholder="as it would be typed after the tool's name", as_typed=True
        )
        self._argv = controls.html()
        self._fields = OptionsForm(self._interface.options, self._interface.arguments, react)
        self._subfields = OptionsForm((), (), react)
        self._subfields_place = controls.column(self._subfields.box)
        self._subfields_of: str | None = None
        self._problem: InvalidValueError | None = None
        names = [subcommand.name for subcommand in self._interface.subcommands]
        self.subcommand_control = controls.choice(
            [("none", ""), *((visible(name), name) for name in names)], ""
        )
        command = controls.labelled("Subcommand", self.subcommand_control)
        controls.show_if(command, is_shown=bool(names))
        self.box = controls.column(
            self._fields.box,
            controls.grid(command),
            self._subfields_place,
            controls.across(controls.labelled("Command line", self.line_control), self._argv),
        )
        controls.on_value(self.line_control, react)
        controls.on_value(self.subcommand_control, react)

    @property
    def line(self) -> str:
        """The command line."""
        return str(self.line_control.value)

    @property
    def form(self) -> Form:
        """What the fields hold."""
        subcommand = self._subcommand
        is_shown = subcommand == self._subfields_of
        return Form(
            subcommand=subcommand,
            values=self._fields.values,
            sub_values=self._subfields.values if subcommand and is_shown else {},
            rest=self._rest,
        )

    def settled(self) -> str:
        """Return the command line once it and the fields agree.

        Raises
        ------
        InvalidValueError
            If what was typed or filled in cannot be read.
        """
        self.refresh()
        if self._problem is not None:
            raise self._problem
        return self.line

    def refresh(self) -> None:
        """Let the line follow the fields, or the fields the line, whichever was changed."""
        line, form = self.line, self.form
        if (line, form) == self._seen:
            return
        is_typed = self._seen is None or line != self._seen[0]
        try:
            read = self._client.read_arguments(
                line if is_typed else form, version_id=self._version_id
            )
        except InvalidValueError as error:
            self._problem = error
            self._say_wrong(error)
            self._show_subfields()
            self._seen = (line, self.form)
            return
        self._problem = None
        if is_typed and read.form is not None:
            self._fill(read.form)
        elif not is_typed:
            line = read.line
            self.line_control.value = line
            self._show_subfields()
        self._fields.check()
        self._subfields.check()
        controls.set_html(self._argv, _argv(read))
        self._seen = (line, self.form)

    def suggest(self, names: list[str]) -> None:
        """Offer the names of input files where files are wanted."""
        self._fields.suggest(names)
        self._subfields.suggest(names)

    @property
    def _subcommand(self) -> str | None:
        return self.subcommand_control.value or None

    def _say_wrong(self, error: InvalidValueError) -> None:
        message = Markup("{} {}").format(visible(error.message), visible(error.hint))
        controls.set_html(self._argv, controls.wrong_markup(message))

    def _fill(self, form: Form) -> None:
        self._rest = form.rest
        self._fields.fill(form.values)
        if self._subcommand != form.subcommand:
            self.subcommand_control.value = form.subcommand or ""
        self._show_subfields(form.sub_values)

    def _show_subfields(self, values: Mapping[str, Value] | None = None) -> None:
        """Have the fields of the subcommand that is chosen."""
        chosen = self._subcommand
        if chosen != self._subfields_of:
            before = self._subfields
            found = next((s for s in self._interface.subcommands if s.name == chosen), None)
            subcommand = found or Subcommand(name="")
            self._subfields = OptionsForm(subcommand.options, subcommand.arguments, self._react)
            self._subfields_place.children = (self._subfields.box,)
            self._subfields_of = chosen
            controls.destroy(before.box)
        if values is not None:
            self._subfields.fill(values)


def _argv(read: ReadArguments) -> Markup:
    """Return the arguments as the tool will get them, each in a frame of its own."""
    if not read.argv:
        return controls.help_markup("No arguments.")
    words = [
        Markup("<code>{}</code>").format(visible(word[:_WORD_CHARACTERS]) or "\u2205")
        for word in read.argv[:_ARGV_SHOWN]
    ]
    more = len(read.argv) - _ARGV_SHOWN
    return Markup('<div class="tooi-help">passed as</div><div class="tooi-argv">{}{}</div>').format(
        Markup("").join(words), f" … and {more} more" if more > 0 else ""
    )
