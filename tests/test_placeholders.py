"""What stands for an item in arguments: each item is one word, or it is said why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tooinstance_jupyter import arguments
from tooinstance_jupyter.errors import ArgumentsError, InvalidValueError
from tooinstance_jupyter.placeholders import ITEM, Filled, Template, is_missing

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

a_text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
a_word = st.text(st.characters(exclude_characters="\0{}", exclude_categories=["Cs"]), max_size=10)
a_column = st.text(
    st.characters(exclude_characters="\0{}", exclude_categories=["Cs"]), min_size=1, max_size=8
).filter(lambda name: name != ITEM)


@given(item=a_text, before=a_word, after=a_word)
def test_an_item_is_one_word_whatever_it_holds(item: str, before: str, after: str) -> None:
    template = Template.read(["-x", f"{before}{{}}{after}", "end"], [ITEM])
    assert template.fill({ITEM: item}).argv == ("-x", before + item + after, "end")


@given(item=a_text, words=st.lists(a_word, max_size=5))
def test_without_a_placeholder_the_item_is_the_last_word(item: str, words: list[str]) -> None:
    template = Template.read(arguments.join(words), [ITEM])
    assert template.fill({ITEM: item}).argv == (*words, item)


@given(row=st.dictionaries(a_column, a_text, min_size=1, max_size=5))
def test_each_column_stands_where_it_is_named(row: dict[str, str]) -> None:
    words = [f"{{.{name}}}" for name in row]
    filled = Template.read(words, list(row)).fill(row)
    assert filled == Filled(tuple(row.values()))


@given(item=a_text, column=a_column)
def test_doubled_braces_are_braces(item: str, column: str) -> None:
    template = Template.read(["{{}}", f"{{{{.{column}}}}}", "{}", f"{{{{{{.{column}}}}}}}"], [ITEM])
    braces = f"{{.{column}}}"
    assert template.fill({ITEM: item}).argv == ("{}", braces, item, f"{{{braces}}}")


@given(item=a_text)
def test_what_an_item_holds_is_not_filled_again(item: str) -> None:
    row = {"a": "{.b}{}" + item, "b": "never"}
    assert Template.read(["{.a}"], ["a", "b"]).fill(row).argv == (row["a"],)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("{}", ("v",)),
        ("{} --flag 'a b'", ("v", "--flag", "a b")),
        ("{}{} x", ("vv", "x")),
        ("--json '{{}}'", ("--json", "{}", "v")),
        ('["--name", "{}"]', ("--name", "v")),
        ('{"1": "{}", "0": "-n"}', ("-n", "v")),
        ("x {item} {0}", ("x", "{item}", "{0}", "v")),
        ("{.item}!", ("v!",)),
    ],
)
def test_a_line_may_begin_with_a_placeholder_or_be_json(line: str, argv: tuple[str, ...]) -> None:
    assert Template.read(line, [ITEM]).fill({ITEM: "v"}).argv == argv


def test_an_unknown_column_suggests_the_nearest() -> None:
    with pytest.raises(ArgumentsError, match=r"no column 'cty'\. Did you mean \{\.city\}\?"):
        Template.read("{.cty}", ["city", "country"])


def test_a_column_of_what_has_none_is_refused() -> None:
    with pytest.raises(ArgumentsError, match=r"each item is a single value.*\{\{\.Name\}\}"):
        Template.read("--format {.Name}", [ITEM])


@pytest.mark.parametrize("line", ["", "--fast", "{}", "{} {.city}"])
def test_rows_want_their_columns_named(line: str) -> None:
    with pytest.raises(ArgumentsError, match=r"\{\.city\}, \{\.country\}"):
        Template.read(line, ["city", "country"])


def test_a_path_gives_its_name_and_is_a_file_to_run_with() -> None:
    path = Path("some folder/a b.csv")
    filled = Template.read("--from {} --to {}.out", [ITEM]).fill({ITEM: path})
    assert filled == Filled(("--from", "a b.csv", "--to", "a b.csv.out"), (path,))


@pytest.mark.parametrize(
    ("value", "word"),
    [(3, "3"), (2.5, "2.5"), (True, "True"), (np.int64(7), "7"), (np.float32(0.5), "0.5")],
)
def test_a_number_stands_as_python_writes_it(value: object, word: str) -> None:
    assert Template(("{}",)).fill({ITEM: value}).argv == (word,)


@pytest.mark.parametrize("value", [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT])
def test_a_missing_value_is_never_passed_on(value: object) -> None:
    assert is_missing(value)
    with pytest.raises(InvalidValueError, match="There is no value in 'city' here"):
        Template(("{.city}",)).fill({"city": value})


@pytest.mark.parametrize("value", [b"x", ["a"], ("a", "b"), {"a": 1}, {1}, np.array([1, 2])])
def test_what_is_no_single_value_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValueError, match="no single value"):
        Template(("{}",)).fill({ITEM: value})


@pytest.mark.parametrize("value", ["a\0b", "half \ud800", "x" * 200_000])
def test_what_no_program_can_be_given_is_refused(value: str) -> None:
    with pytest.raises(ArgumentsError):
        Template(("{}",)).fill({ITEM: value})
