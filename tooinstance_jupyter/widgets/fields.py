"""One option of a tool as a field: each kind of option in the control that fits it.

Which fields a form has is left to ``options_form``, what an argv is made of them to the client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup

from ..display.markup import shortened
from ..records import Option, OptionKind
from ..requests import Value
from ..terminal import visible
from . import controls
from .controls import Control

_HELP_CHARACTERS = 300
_NUMBERS = {
    OptionKind.INTEGER: (re.compile(r"\s*[+-]?\d+\s*"), "a whole number"),
    OptionKind.NUMBER: (
        re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE),
        "a number",
    ),
}
_NOT_GIVEN = ""
_MOST_TIMES = 4


class Field:
    """One option; subclasses say in which control.

    Parameters
    ----------
    option
        The option.
    control
        What holds its value.
    react
        Called when somebody changes it.
    """

    has_own_label = False

    def __init__(self, option: Option, control: Control, react: Callable[[], None]) -> None:
        self.option = option
        self.control = control
        self._help = controls.html()
        self.box = controls.column(
            *([] if self.has_own_label else [controls.html(_label(option))]), control, self._help
        )
        self._filled: tuple[Value | None, object] = (None, self._held())
        if control.has_trait("value"):
            controls.on_value(control, react)
        self.check()

    @property
    def value(self) -> Value | None:
        """What is given, or ``None``."""
        filled, held = self._filled
        # a control may show less than a command line says; until it is changed, nothing is lost
        return filled if self._held() == held else self._given()

    def fill(self, value: Value | None) -> None:
        """Show a value, or that none is given."""
        if value != self.value:
            self._show(value)
        self._filled = (value, self._held())

    def check(self) -> None:
        """Say what is wrong with the value, else what it is for."""
        pattern, kind = _NUMBERS.get(self.option.kind, (None, ""))
        wrong = [w for w in words(self.value) if pattern is not None and not pattern.fullmatch(w)]
        if wrong:
            message = f"“{visible(shortened(wrong[0], 80))}” is not {kind}."
            controls.set_html(self._help, controls.wrong_markup(message))
        else:
            text = visible(shortened(self.option.help, _HELP_CHARACTERS))
            controls.set_html(self._help, controls.help_markup(text))

    def suggest(self, names: Sequence[str]) -> None:
        """Offer the names of input files, where a file is wanted."""

    def _held(self) -> object:
        return self.control.value

    def _given(self) -> Value | None:
        raise NotImplementedError

    def _show(self, value: Value | None) -> None:
        raise NotImplementedError


class FlagField(Field):
    """A flag to tick."""

    has_own_label = True

    def __init__(self, option: Option, react: Callable[[], None]) -> None:
        super().__init__(option, controls.check(visible(", ".join(option.names))), react)

    def _given(self) -> Value | None:
        return True if self.control.value else None

    def _show(self, value: Value | None) -> None:
        self.control.value = bool(value)


class ChoiceField(Field):
    """A choice of one of a few values; a flag's are how often, or whether, it is given."""

    def __init__(
        self, option: Option, values: Sequence[tuple[str, Value]], react: Callable[[], None]
    ) -> None:
        nothing = _default(option) or "not given"
        choices = [(nothing, _NOT_GIVEN), *((visible(label), value) for label, value in values)]
        super().__init__(option, controls.choice(choices, _NOT_GIVEN), react)
        self._values = [value for _, value in values]

    def _given(self) -> Value | None:
        value: Value = self.control.value
        return None if value == _NOT_GIVEN else value

    def _show(self, value: Value | None) -> None:
        self.control.value = value if value in self._values else _NOT_GIVEN


class SeveralChoicesField(Field):
    """A choice of several of a few values."""

    def __init__(self, option: Option, react: Callable[[], None]) -> None:
        super().__init__(option, controls.several(option.choices), react)

    def _given(self) -> Value | None:
        return tuple(self.control.value) or None

    def _show(self, value: Value | None) -> None:
        self.control.value = [word for word in self.option.choices if word in words(value)]


class SeveralField(Field):
    """Several values, one a line."""

    def __init__(self, option: Option, react: Callable[[], None]) -> None:
        control = controls.lines(placeholder=_default(option) or "one a line")
        super().__init__(option, control, react)

    def _given(self) -> Value | None:
        return tuple(filter(None, self.control.value.split("\n"))) or None

    def _show(self, value: Value | None) -> None:
        self.control.value = "\n".join(words(value))


class TextField(Field):
    """One value."""

    def __init__(self, option: Option, react: Callable[[], None]) -> None:
        super().__init__(option, controls.text(placeholder=_default(option)), react)

    def _given(self) -> Value | None:
        return self.control.value or None

    def _show(self, value: Value | None) -> None:
        self.control.value = "".join(words(value))


class FileField(Field):
    """The name of a file, one of the input files or not."""

    def __init__(self, option: Option, react: Callable[[], None]) -> None:
        control = controls.suggested(placeholder=_default(option) or "name of a file")
        super().__init__(option, control, react)

    def _given(self) -> Value | None:
        return self.control.value or None

    def _show(self, value: Value | None) -> None:
        self.control.value = "".join(words(value))

    def suggest(self, names: Sequence[str]) -> None:
        """Offer the names of input files."""
        self.control.options = tuple(names)


class OptionalValueField(Field):
    """An option that may be given without its value."""

    def __init__(self, option: Option, react: Callable[[], None]) -> None:
        self._is_given = controls.check("given")
        self._text = controls.growing(controls.text(placeholder=_default(option)))
        controls.on_value(self._is_given, react)
        controls.on_value(self._text, react)
        control = controls.row(self._is_given, self._text, look="tooi-plain")
        super().__init__(option, control, react)

    def _held(self) -> object:
        return (self._is_given.value, self._text.value)

    def _given(self) -> Value | None:
        return self._text.value or (True if self._is_given.value else None)

    def _show(self, value: Value | None) -> None:
        self._is_given.value = value is not None
        self._text.value = "".join(words(value))


def field_of(option: Option, react: Callable[[], None]) -> Field:
    """Return the field that fits an option."""
    match option.kind:
        case OptionKind.FLAG if option.opposite:
            return ChoiceField(option, [(option.key, True), (option.opposite, False)], react)
        case OptionKind.FLAG if option.is_repeated:
            times: list[tuple[str, Value]] = [("once", True)]
            times += [(f"{count} times", str(count)) for count in range(2, _MOST_TIMES + 1)]
            return ChoiceField(option, times, react)
        case OptionKind.FLAG:
            return FlagField(option, react)
    if option.choices and option.holds_several:
        return SeveralChoicesField(option, react)
    if option.choices:
        without: list[tuple[str, Value]] = [("without a value", True)] if option.is_joined else []
        return ChoiceField(option, [*without, *((word, word) for word in option.choices)], react)
    if option.holds_several:
        return SeveralField(option, react)
    if option.is_joined:
        return OptionalValueField(option, react)
    return (FileField if option.kind is OptionKind.FILE else TextField)(option, react)


def words(value: Value | None) -> tuple[str, ...]:
    """Return the words of a value."""
    match value:
        case None | bool():
            return ()
        case str():
            return (value,)
    return value


def _label(option: Option) -> Markup:
    name = visible(", ".join(option.names) or option.metavar)
    metavar = f" {visible(option.metavar)}" if option.names and option.metavar else ""
    # one font: a line of two is taller than its neighbours
    return Markup('<div class="tooi-label"><code>{}{}</code>{}</div>').format(
        name, metavar, " (required)" if option.is_required else ""
    )


def _default(option: Option) -> str:
    return f"default: {visible(shortened(option.default, 60))}" if option.default else ""
