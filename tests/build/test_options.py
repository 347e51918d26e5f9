"""What is read from the helps of real tools, and that no text does harm.

Beside each help in ``helps/`` is what a person reads in it. Those of `HELD_OUT` were read
only once the parser was written. It found all of their 187 options then and no others, 165 of the
right kind: so much can be expected of a help that nobody had in mind.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tooinstance_jupyter.build.options import MOST_OPTIONS, read_help
from tooinstance_jupyter.records import Interface, Option

HELPS = Path(__file__).parent / "helps"
HELD_OUT = (
    *("datasette-serve", "gh-pr-create", "hey", "hyperfine", "nodemon"),
    *("num2words", "pv", "terser", "webhook", "yamllint"),
)
TOOLS = sorted(path.stem for path in HELPS.glob("*.json"))
PATIENCE_S = 0.5  # ten times what it takes; the machine may be busy


@dataclass(frozen=True)
class Score:
    """How what was read of one tool agrees with what is there."""

    tool: str
    there: int
    read: int
    right: int
    of_right_kind: int
    with_choices: int
    right_choices: int
    right_defaults: int
    with_defaults: int
    words_there: int
    words_read: int
    words_right: int

    @property
    def precision(self) -> float:
        return self.right / self.read if self.read else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.there if self.there else 1.0


def interface_of(tool: str) -> Interface:
    read = read_help((HELPS / f"{tool}.txt").read_text(errors="replace"))
    assert read is not None, f"nothing was read of {tool}"
    return read


def score(tool: str) -> Score:
    truth = json.loads((HELPS / f"{tool}.json").read_text())
    read = interface_of(tool)
    by_name: dict[str, Option] = {}
    for option in read.options:
        for name in (*option.names, *([option.opposite] if option.opposite else [])):
            by_name[name] = option
    right, kinds, with_choices, choices, defaults = set[str](), 0, 0, 0, 0
    for term, kind in truth["options"].items():
        names = term.split(", ")
        found = next((by_name[name] for name in names if name in by_name), None)
        if found is None:
            continue
        right.add(found.key)
        kinds += found.kind.value == ("choice" if isinstance(kind, list) else kind)
        if isinstance(kind, list):
            with_choices += 1
            choices += list(found.choices) == kind
        defaults += term in truth["defaults"] and found.default == truth["defaults"][term]
    words = {one.metavar for one in read.arguments} | {one.name for one in read.subcommands}
    meant = {*truth["arguments"], *truth["subcommands"]}
    return Score(
        tool=tool,
        there=len(truth["options"]),
        read=len(read.options),
        right=len(right),
        of_right_kind=kinds,
        with_choices=with_choices,
        right_choices=choices,
        right_defaults=defaults,
        with_defaults=len(truth["defaults"]),
        words_there=len(meant),
        words_read=len(words),
        words_right=len(words & meant),
    )


def table(scores: list[Score]) -> str:
    lines = [
        f"{'*' if one.tool in HELD_OUT else ' '} {one.tool:<16}{one.there:>5}"
        f"  precision {one.precision:.2f}  recall {one.recall:.2f}"
        f"  kind {one.of_right_kind}/{one.right}  choices {one.right_choices}/{one.with_choices}"
        f"  defaults {one.right_defaults}/{one.with_defaults}"
        f"  words {one.words_right}/{one.words_there} of {one.words_read}"
        for one in scores
    ]
    return "\n".join(["", *lines, ""])


def test_the_options_of_real_tools_are_found() -> None:
    scores = [score(tool) for tool in TOOLS]
    shown = table(scores)
    print(shown)
    read, there = sum(one.read for one in scores), sum(one.there for one in scores)
    right, kinds = sum(one.right for one in scores), sum(one.of_right_kind for one in scores)
    assert right / read >= 0.95, shown
    assert right / there >= 0.95, shown
    assert kinds / right >= 0.9, shown
    for one in scores:
        assert min(one.precision, one.recall) >= 0.85, f"{one.tool}: {shown}"


def test_subcommands_and_positional_arguments_of_real_tools_are_found() -> None:
    scores = [score(tool) for tool in TOOLS]
    right, there = sum(one.words_right for one in scores), sum(one.words_there for one in scores)
    assert right / there >= 0.95, table(scores)
    assert right / sum(one.words_read for one in scores) >= 0.95, table(scores)


def option(help_line: str) -> Option:
    read = read_help(f"Options:\n{help_line}\n")
    assert read is not None
    [found] = read.options
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  --[no-]color  colours", {"names": ("--color",), "opposite": "--no-color"}),
        ("  --color / --no-color  colours", {"opposite": "--no-color", "kind": "flag"}),
        ("  --color[=WHEN]  colours", {"is_joined": True, "metavar": "WHEN"}),
        ("  -v, --verbose...  more", {"kind": "flag", "is_repeated": True}),
        ("  --add stringArray  more", {"kind": "text", "is_repeated": True}),
        ("  --file FILE [FILE ...]  some", {"kind": "file", "metavar": "FILE ..."}),
        ("  --name TEXT  a name [required]", {"is_required": True}),
        ('  --listen addr   where (default ":80")', {"default": ":80"}),
        ("  -n N  times (default: 3)", {"kind": "integer", "default": "3"}),
        ("  --ratio R  share (default: 0.5)", {"kind": "number"}),
        ("  --out DIR  where", {"kind": "folder"}),
        ("  --size <s|m|l>  how large", {"choices": ("s", "m", "l"), "kind": "choice"}),
        ("  --size S  how large (choices: s, m)", {"choices": ("s", "m")}),
        ("  --span MIN MAX  from and to", {"metavar": "MIN MAX", "kind": "text"}),
    ],
)
def test_what_a_line_says_of_an_option_is_kept(line: str, expected: dict[str, object]) -> None:
    found = option(line)
    assert {name: getattr(found, name) for name in expected} == expected


def test_an_option_has_the_heading_and_all_lines_of_its_help() -> None:
    read = read_help("Output control:\n  --to FILE  where it\n             goes to\n")
    assert read is not None
    assert (read.options[0].group, read.options[0].help) == ("Output control", "where it goes to")


def test_colours_overstrikes_and_frames_are_no_part_of_a_help() -> None:
    read = read_help(
        "\x1b[1mOptions:\x1b[0m\n"
        "  \x1b]0;title\x07-\x08-\x1b[32m-a\x1b[m, --all  a\x08all\x07 \u202eit\n"
    )
    assert read is not None
    assert (read.options[0].key, read.options[0].help) == ("--all", "all it")


@pytest.mark.parametrize("text", ["", "hello", "no options here\n\njust prose - and dashes --\n"])
def test_what_says_nothing_of_options_is_no_interface(text: str) -> None:
    assert read_help(text) is None


_PIECES = st.sampled_from(
    [
        *("-", "--", "--a", "-b ", "  ", "\n", "\t", "[", "]", "<", ">", "{", "}", "=", ",", "|"),
        *("...", ":", "Usage: x ", "Options:", "Commands:", "  go  it", "default: ", "(default "),
        *("choices: ", "N", "\x1b[", "\x08", "│", "╭─", "é", "\udc80", "\r", "'", '"', "* ", "/"),
        *("--[no-]z", "arguments:\n", "{a,b}", "a - b"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES, max_size=200).map("".join)))
def test_any_text_is_read_without_an_error(text: str) -> None:
    read = read_help(text)
    if read is not None:
        assert len(read.options) <= MOST_OPTIONS
        keys = [one.key for one in (*read.options, *read.arguments)]
        assert len(set(keys)) == len(keys)
        assert all(len(one.help) <= 500 and one.help.isprintable() for one in read.options)
        json.dumps([one.help for one in read.options]).encode()


@pytest.mark.parametrize(
    "text",
    [
        "-" * 300_000,
        "-a\n" * 100_000,
        ("-a," * 400 + "\n") * 200,
        "usage: x " + "[a " * 90_000,
        ("  --x Y  " + "(default: " * 50 + "\n") * 500,
        ("  --x Y  choices: " + "a," * 400 + "\n") * 300,
        "".join(f"  --o{i} N  number of x (default: {i})\n" for i in range(8_000)),
        ("--a=<" + "<b>" * 300 + "\n") * 250,
        "\x1b[" * 130_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    read_help(text)
    assert time.process_time() - started < PATIENCE_S


def test_a_required_option_after_a_group_is_read_from_the_usage() -> None:
    interface = read_help("usage: d [-v] [--out FILE] --name NAME [file]\n")
    assert interface is not None
    assert [one.key for one in interface.options] == ["-v", "--out", "--name"]
    assert [one.metavar for one in interface.arguments] == ["file"]


def test_the_values_of_an_option_are_no_positional_arguments() -> None:
    interface = read_help("usage: d [-h] [--size WIDTH HEIGHT] picture\n")
    assert interface is not None
    assert [one.metavar for one in interface.options] == ["WIDTH HEIGHT"]
    assert [one.metavar for one in interface.arguments] == ["picture"]


def test_several_values_of_an_option_are_no_positional_arguments_either() -> None:
    interface = read_help("usage: d [--null-value NULL [NULL ...]] [FILE]\n")
    assert interface is not None
    assert [one.key for one in interface.options] == ["--null-value"]
    assert [one.metavar for one in interface.arguments] == ["FILE"]
