"""A form and the arguments that it means: each leads to the other, and order is kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tooinstance_jupyter import arguments
from tooinstance_jupyter.errors import ArgumentsError
from tooinstance_jupyter.forms import fill, to_argv
from tooinstance_jupyter.records import Interface, Option, OptionKind, Subcommand
from tooinstance_jupyter.requests import Form, Value

LEVEL = Option(names=("-l", "--level"), kind=OptionKind.INTEGER, metavar="N")
VERBOSE = Option(names=("-v", "--verbose"), kind=OptionKind.FLAG, is_repeated=True)
ALL = Option(names=("-a",), kind=OptionKind.FLAG)
COLOR = Option(names=("--color",), kind=OptionKind.FLAG, opposite="--no-color")
WHEN = Option(names=("--when",), metavar="WHEN", is_joined=True)
ADD = Option(names=("-I", "--add"), metavar="DIR", is_repeated=True)
SITES = Option(names=("--sites",), metavar="SITE ...", is_repeated=True)
SPAN = Option(names=("--span",), metavar="MIN MAX")
OUT = Option(names=("-o",), kind=OptionKind.FILE, metavar="FILE")
SOURCE = Option(metavar="SOURCE", is_required=True)
FILES = Option(metavar="FILES", kind=OptionKind.FILE, is_repeated=True)
TOOL = Interface(
    options=(LEVEL, VERBOSE, ALL, COLOR, WHEN, ADD, SITES, SPAN, OUT),
    arguments=(SOURCE, FILES),
)
GO = Subcommand(name="go", is_read=True, options=(LEVEL, OUT), arguments=(FILES,))
GROUP = Interface(options=(VERBOSE, COLOR), subcommands=(GO, Subcommand(name="stop")))

FILLED: list[tuple[str, dict[str, Value]]] = [
    ("--level 3 x", {"--level": "3", "SOURCE": "x"}),
    ("--level=3", {"--level": "3"}),
    ("-l3", {"--level": "3"}),
    ("-l -3", {"--level": "-3"}),
    ("-val 3", {"--verbose": True, "-a": True, "--level": "3"}),
    ("-vvv", {"--verbose": "3"}),
    ("-v --verbose", {"--verbose": "2"}),
    ("--no-color", {"--color": False}),
    ("--when", {"--when": True}),
    ("--when=now", {"--when": "now"}),
    ("-I a --add=b", {"--add": ("a", "b")}),
    ("--sites a b -a", {"--sites": ("a", "b"), "-a": True}),
    ("--span 1 2", {"--span": ("1", "2")}),
    ("x y z -a", {"SOURCE": "x", "FILES": ("y", "z"), "-a": True}),
    ("- -o-", {"SOURCE": "-", "-o": "-"}),
]


@pytest.mark.parametrize(("line", "values"), FILLED)
def test_a_typed_line_fills_the_form(line: str, values: dict[str, Value]) -> None:
    form = fill(arguments.parse(line), TOOL)
    assert form == Form(values=values)
    assert fill(to_argv(form, TOOL), TOOL) == form


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("--odd 1 --level 3", "--odd 1 --level 3"),
        ("--lev 3", "--lev 3"),
        ("-a -x", "-x"),
        ("-axl 3", "-axl 3"),
        ("-a x -- -b", "-- -b"),
        ("--level", "--level"),
        ("--level --odd", "--level --odd"),
        ("--level 1 --level 2", "--level 2"),
        ("--color --no-color", "--no-color"),
        ("-a=1", "-a=1"),
        ("--span 1", "--span 1"),
    ],
)
def test_what_is_uncertain_and_all_after_it_is_the_rest(line: str, rest: str) -> None:
    form = fill(arguments.parse(line), TOOL)
    assert arguments.join(form.rest) == rest
    assert to_argv(form, TOOL)[-len(form.rest) :] == form.rest


def test_a_subcommand_has_values_of_its_own() -> None:
    form = fill(["-v", "go", "--level", "2", "a", "--color"], GROUP)
    assert form == Form(
        subcommand="go",
        values={"--verbose": True},
        sub_values={"--level": "2", "FILES": ("a",)},
        rest=("--color",),
    )
    assert to_argv(form, GROUP) == ("--verbose", "go", "--level", "2", "a", "--color")


def test_of_a_subcommand_without_a_help_all_is_the_rest() -> None:
    form = fill(["stop", "--now", "x"], GROUP)
    assert form == Form(subcommand="stop", rest=("--now", "x"))


def test_another_commands_line_is_passed_on_whole() -> None:
    wrapper = Interface(
        options=(ALL,), arguments=(Option(metavar="COMMAND", is_repeated=True, is_required=True),)
    )
    form = fill(["-a", "make", "-a", "all"], wrapper)
    assert form == Form(values={"-a": True, "COMMAND": ("make", "-a", "all")})
    assert to_argv(form, wrapper) == ("-a", "make", "-a", "all")


def test_a_value_that_looks_like_an_option_stays_a_value() -> None:
    argv = to_argv(Form(values={"--level": "-x", "-o": "--y", "SOURCE": "-z"}), TOOL)
    assert argv == ("--level=-x", "-o--y", "--", "-z")


def test_required_arguments_are_filled_before_optional_ones() -> None:
    http = Interface(arguments=(Option(metavar="METHOD"), Option(metavar="URL", is_required=True)))
    assert fill(["x"], http).values == {"URL": "x"}
    assert fill(["GET", "x"], http).values == {"METHOD": "GET", "URL": "x"}


@pytest.mark.parametrize(
    "form",
    [
        Form(values={"--nosuch": True}),
        Form(values={"--level": True}),
        Form(values={"--level": ("1", "2")}),
        Form(values={"-a": "yes"}),
        Form(values={"--span": ("1",)}),
        Form(subcommand="nosuch"),
        Form(sub_values={"--level": "1"}),
        Form(rest=("a\0b",)),
    ],
)
def test_a_form_that_the_tool_has_not_is_refused(form: Form) -> None:
    with pytest.raises(ArgumentsError):
        to_argv(form, TOOL)


_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=6)
_WORDS = st.one_of(
    _TEXT,
    st.sampled_from(
        [
            *("-a", "-v", "-vv", "-l", "--level", "--level=3", "-l3", "-o", "-ofile", "--color"),
            *("--no-color", "--when", "--when=x", "--add", "-Ix", "--sites", "--span", "1", "-3"),
            *("x", "y", "go", "stop", "--", "-", "--odd", "-av", "-al"),
        ]
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_WORDS, max_size=8), st.sampled_from([TOOL, GROUP, Interface()]))
def test_what_a_line_fills_means_the_same_when_it_is_read_again(
    argv: list[str], tool: Interface
) -> None:
    form = fill(argv, tool)
    written = to_argv(form, tool)
    assert fill(written, tool) == form, (form, written)
    assert arguments.parse(arguments.join(written)) == written


_VALUES = st.fixed_dictionaries(
    {"SOURCE": st.text("abc1 ", min_size=1)},
    optional={
        "--level": _TEXT,
        "--verbose": st.one_of(st.just(True), st.sampled_from(["2", "9"])),
        "-a": st.just(True),
        "--color": st.booleans(),
        "--when": st.one_of(st.just(True), _TEXT),
        "--add": st.lists(_TEXT, min_size=1, max_size=3).map(tuple),
        "--sites": st.lists(st.text("abc1 ", min_size=1), min_size=1, max_size=3).map(tuple),
        "--span": st.tuples(*[st.text("abc1 ")] * 2),
        "-o": st.text("abc1-", min_size=1),
        "FILES": st.lists(st.text("abc1 "), min_size=1, max_size=3).map(tuple),
    },
)


@settings(max_examples=400, deadline=None)
@given(_VALUES)
def test_a_form_leads_to_a_line_that_fills_it(values: dict[str, Value]) -> None:
    form = Form(values=values)
    assert fill(to_argv(form, TOOL), TOOL) == form, to_argv(form, TOOL)


@pytest.mark.parametrize("times", ["101", "0000000009999999999", "0" * 9 + "9" * 5000, "³", ""])
def test_a_flag_is_not_given_any_number_of_times(times: str) -> None:
    loud = Option(names=("-v",), kind=OptionKind.FLAG, is_repeated=True)
    with pytest.raises(ArgumentsError):
        to_argv(Form(values={"-v": times}), Interface(options=(loud,)))


def test_very_many_arguments_are_passed_on_as_they_are() -> None:
    each = Option(names=("-e",), is_repeated=True)
    argv = ("-e", "a") * 100_000
    assert fill(argv, Interface(options=(each,))) == Form(rest=argv)
