"""Fields: whatever a command line fills into them is there until somebody changes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter import arguments, forms
from tooinstance_jupyter.records import Interface, Option, OptionKind
from tooinstance_jupyter.requests import Arguments, Form, ReadArguments
from tooinstance_jupyter.widgets.arguments_form import ArgumentsForm
from tooinstance_jupyter.widgets.fields import field_of

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = st.sampled_from([("-a", "--alpha"), ("--beta",), ("-c",), ("--gamma",), ("-d", "--delta")])


def options() -> st.SearchStrategy[Option]:
    return st.builds(
        Option,
        names=NAMES,
        kind=st.sampled_from(OptionKind),
        metavar=st.sampled_from(["", "N", "MIN MAX", "FILE...", "<b>"]),
        choices=st.one_of(st.just(()), st.lists(TEXT, max_size=3).map(tuple)),
        default=st.none() | TEXT,
        help=TEXT,
        group=st.sampled_from(["", "output", "<i>"]),
        opposite=st.none() | st.just("--no-it"),
        is_required=st.booleans(),
        is_repeated=st.booleans(),
        is_joined=st.booleans(),
    )


@given(options(), st.one_of(st.none(), st.booleans(), TEXT, st.lists(TEXT, max_size=3).map(tuple)))
def test_a_value_that_is_filled_in_is_not_lost(
    option: Option, value: bool | str | tuple[str, ...] | None
) -> None:
    field = field_of(option, lambda: None)
    field.fill(value)
    assert field.value == value
    field.fill(None)
    assert field.value is None


class Reader:
    """Reads arguments as the service does for a version with an interface."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface

    def read_arguments(
        self, given: Arguments | Form, *, version_id: str | None = None
    ) -> ReadArguments:
        is_form = isinstance(given, Form)
        argv = forms.to_argv(given, self._interface) if is_form else arguments.from_value(given)
        form = forms.fill(argv, self._interface)
        return ReadArguments(argv=argv, line=arguments.join(argv), form=form)


@given(
    st.lists(options(), max_size=5, unique_by=lambda option: option.key),
    st.lists(
        st.one_of(TEXT, st.sampled_from(["--beta", "-c", "--alpha=1", "--", "x"])), max_size=6
    ),
)
def test_a_line_is_never_changed_by_looking_at_it(known: list[Option], argv: list[str]) -> None:
    interface = Interface(options=tuple(known))
    line = arguments.join(argv)
    form = ArgumentsForm(Reader(interface), "v", interface, line, lambda: None)  # type: ignore[arg-type]
    for _ in range(3):
        form.refresh()
    assert form.line == line


def test_a_field_that_is_changed_changes_the_line_and_leaves_the_rest() -> None:
    count = Option(names=("-n", "--count"), kind=OptionKind.INTEGER)
    interface = Interface(options=(count,))
    form = ArgumentsForm(Reader(interface), "v", interface, "-n 3 --odd 'a b'", lambda: None)  # type: ignore[arg-type]
    form.refresh()
    [field] = form._fields._fields
    field.control.value = "4"
    form.refresh()
    assert form.line == "--count 4 --odd 'a b'"


def test_a_number_that_is_none_is_said_at_its_field() -> None:
    field = field_of(Option(names=("-n",), kind=OptionKind.INTEGER, help="how many"), lambda: None)
    field.control.value = "1<b>"
    field.check()
    assert "is not a whole number" in field._help.value
    assert "<b>" not in field._help.value
    field.control.value = "12"
    field.check()
    assert "how many" in field._help.value


def test_a_form_that_the_tool_refuses_is_said_at_the_line() -> None:
    flag = Option(names=("--pair",), metavar="MIN MAX")
    interface = Interface(options=(flag,))
    form = ArgumentsForm(Reader(interface), "v", interface, "", lambda: None)  # type: ignore[arg-type]
    form.refresh()
    form._fields._fields[0].control.value = "only one"
    form.refresh()
    assert "takes 2 values" in form._argv.value
