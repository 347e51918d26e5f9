"""How a line is read: which words are ours, and which belong to the tool."""

from __future__ import annotations

import re
from argparse import Namespace

import pytest

from tooinstance_jupyter.commands import COMMANDS, UsageError, find, words_of_argv
from tooinstance_jupyter.commands.base import run_number


def read(*argv: str) -> Namespace | None:
    command = find(argv[0])
    return command.parse(command.parser("tooi"), words_of_argv(argv[1:]))


def test_everything_after_the_tool_is_the_tools() -> None:
    args = read("run", "--timeout", "2m", "probe", "--timeout", "1", "--", "-x", "--help")
    assert args is not None
    assert (args.timeout, args.tool) == (120.0, "probe")
    assert args.rest == ("--timeout", "1", "--", "-x", "--help")


def test_two_dashes_may_stand_before_the_tool() -> None:
    args = read("run", "--detach", "--", "-odd-name", "a")
    assert args is not None
    assert (args.detach, args.tool, args.rest) == (True, "-odd-name", ("a",))


@pytest.mark.parametrize("form", [("-e", "K=a=b"), ("-eK=a=b",), ("--env=K=a=b",)])
def test_an_option_takes_its_value_in_every_usual_form(form: tuple[str, ...]) -> None:
    args = read("run", *form, "probe")
    assert args is not None
    assert args.env == ["K=a=b"]


@pytest.mark.parametrize("value", ["-", "--help", "", "-x", "a b"])
def test_an_options_value_may_look_like_an_option(value: str) -> None:
    args = read("run", "--arguments", value, "probe")
    assert args is not None
    assert args.arguments == value


@pytest.mark.parametrize(
    ("argv", "suggestion"),
    [
        (("run", "--timout", "1", "probe"), "--timeout"),
        (("ls", "--mien"), "--mine"),
        (("create", "x", "--entrypoint", "y"), "--entry-point"),
    ],
)
def test_an_unknown_option_suggests_the_nearest(argv: tuple[str, ...], suggestion: str) -> None:
    with pytest.raises(UsageError, match=f"Did you mean {suggestion}"):
        read(*argv)


@pytest.mark.parametrize(
    ("name", "suggestion"), [("rnu", "run"), ("creat", "create"), ("lss", "ls")]
)
def test_an_unknown_command_suggests_the_nearest(name: str, suggestion: str) -> None:
    with pytest.raises(UsageError, match=rf"Did you mean {suggestion}\?"):
        find(name)


@pytest.mark.parametrize(
    "argv",
    [
        ("run",),
        ("run", "--timeout"),
        ("run", "--timeout", "soon", "x"),
        ("run", "--memory", "lots", "x"),
        ("run", "--detach=1", "x"),
        ("show",),
        ("show", "a", "b"),
        ("runs", "--status", "odd"),
        ("runs", "--since", "yesteryear"),
        ("runs", "-n", "many"),
    ],
)
def test_what_cannot_be_read_is_said(argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        read(*argv)
    assert caught.value.message.endswith(".")
    assert caught.value.hint


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    text = COMMANDS[name].parser("%tooi").format_help()
    assert f"%tooi {name}" in text
    assert COMMANDS[name].summary in text
    assert not re.search(r"(?<!%)tooi ", text), "an example lacks the prefix"


@pytest.mark.parametrize("name", [n for n in COMMANDS if n not in ("help",)])
def test_help_is_an_option_of_every_command(name: str) -> None:
    assert read(name, "--help") is None
    assert read(name, "-h") is None


@pytest.mark.parametrize("text", ["12", "#12"])
def test_a_runs_number_is_read(text: str) -> None:
    assert run_number(text) == 12


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "\u0661", "9" * 30])
def test_no_runs_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        run_number(text)
