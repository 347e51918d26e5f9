"""Arguments reach a tool as typed, or are refused with a place and a way out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tooinstance_jupyter.arguments import expand, from_value, join, parse, tokens
from tooinstance_jupyter.errors import ArgumentsError

# a shared machine may be slow
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SPACES = [" ", "\t", "\r\n", "\n", "\u2003", "\xa0", "\ufeff", "\u2028", "\u3000"]
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
scalars = st.text(st.sampled_from("ab \t\n'\"\\{}[]$`*~#é\u2003"), max_size=30)


@given(st.lists(words | scalars).map(tuple))
def test_what_is_joined_is_read_back(argv: tuple[str, ...]) -> None:
    assert parse(join(argv)) == argv


@given(scalars)
def test_quotes_are_read_as_the_shell_does(text: str) -> None:
    try:
        expected = shlex.split(text)
    except ValueError:
        with pytest.raises(ArgumentsError) as caught:
            list(tokens(text))
        assert caught.value.error_code == "arguments_unbalanced"
    else:
        assert [token.value for token in tokens(text)] == expected


@given(scalars)
def test_a_word_ends_where_the_rest_begins(text: str) -> None:
    try:
        found = list(tokens(text))
    except ArgumentsError:
        return
    for index, token in enumerate(found):
        assert [rest.value for rest in tokens(text[token.end :])] == [
            later.value for later in found[index + 1 :]
        ]
        assert [here.value for here in tokens(text[token.start : token.end])] == [token.value]


def test_the_rest_of_a_line_is_not_read_before_it_is_asked_for() -> None:
    line = "--timeout 5 -o r sherlock it's \\"
    for token in tokens(line):
        if token.value == "sherlock":
            break
    assert line[token.end :] == " it's \\"


@given(st.lists(words, max_size=20), st.randoms(), st.lists(st.sampled_from(SPACES), max_size=3))
def test_an_object_is_ordered_by_its_numbers(
    argv: list[str], random: object, spaces: list[str]
) -> None:
    pairs = [(str(index), word) for index, word in enumerate(argv)]
    random.shuffle(pairs)  # type: ignore[attr-defined]
    space = "".join(spaces)
    members = f"{space},{space}".join(
        f"{json.dumps(key)}{space}:{space}{json.dumps(word, ensure_ascii=False)}"
        for key, word in pairs
    )
    assert parse(f"{space}{{{space}{members}{space}}}{space}") == tuple(argv)
    assert from_value(dict(pairs)) == tuple(argv)


@pytest.mark.parametrize("space", SPACES)
def test_white_space_inside_json_strings_is_kept(space: str) -> None:
    assert parse(f'[{space}"a{space}{space}b"{space}]') == (f"a{space}{space}b",)


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ('"http://www.google.com"', ("http://www.google.com",)),
        ('{"1":"b","0":"a"}', ("a", "b")),
        ('{"0": 1, "1": 1.50, "2": -0, "3": 1e400, "4": 12345678901234567890123}',
         ("1", "1.50", "-0", "1e400", "12345678901234567890123")),
        ("{}", ()),
        ("[]", ()),
        ("  ", ()),
        ("'{literal}' \"[x\"", ("{literal}", "[x")),
        ("$(id) `id` *.py ~ a;b |", ("$(id)", "`id`", "*.py", "~", "a;b", "|")),
        ("😀 \u200f\u05e9\u05dc # no comment", ("😀", "\u200f\u05e9\u05dc", "#", "no", "comment")),
        ("a\\ b '' -", ("a b", "", "-")),
        ('["\\ud83d\\ude00"]', ("😀",)),
    ],
)  # fmt: skip
def test_both_forms_are_read(text: str, argv: tuple[str, ...]) -> None:
    assert parse(text) == argv


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("say 'it", "arguments_unbalanced", "character 5"),
        ('a "b\\"', "arguments_unbalanced", "character 3"),
        ("a \\", "arguments_unbalanced", "backslash"),
        ('["a",]', "arguments_json", "column"),
        ('{"0": "a",}', "arguments_json", "column"),
        ("{'0': 'a'}", "arguments_json", "line 1, column 2"),
        ('["a"\n"b"]', "arguments_json", "line 2"),
        ('["a"', "arguments_json", "quote it"),
        ('["a', "arguments_json", "quote it"),
        ('["a"] b', "arguments_json", "column"),
        ("[a-z]*", "arguments_json", "quote it"),
        ("[NaN]", "arguments_json", "NaN"),
        ('{"0": "a", "2": "b"}', "arguments_invalid", '"1" is missing'),
        ('{"1": "a"}', "arguments_invalid", '"0" is missing'),
        ('{"0": "a", "0": "b"}', "arguments_invalid", "twice"),
        ('{"0": "a", "00": "b"}', "arguments_invalid", "'00'"),
        ('{"\u0660": "a"}', "arguments_invalid", "not a number"),
        ('{"a": "b"}', "arguments_invalid", "'a'"),
        ("[true]", "arguments_invalid", "Argument 0 is true"),
        ('["a", null]', "arguments_invalid", "Argument 1 is null"),
        ('["a", ["b"]]', "arguments_invalid", "Argument 1 is a list"),
        ('[{"0": "b"}]', "arguments_invalid", "an object"),
        ('["a\\u0000"]', "arguments_invalid", "NUL at character 2"),
        ("a\0", "arguments_invalid", "NUL"),
        ('["\\ud800"]', "arguments_invalid", "surrogate"),
        ("x\udc80", "arguments_invalid", "surrogate"),
        ("[" * 200_000, "json_depth", "nested"),
        ('{"0":' * 200_000, "json_depth", "nested"),
        ("x" * 131_072, "argument_too_long", "131,072"),
        ("é" * 65_536, "argument_too_long", "131,072"),
        ("x " * 1_000_000, "argument_too_long", "together"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, code: str, says: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parse(text)
    assert caught.value.error_code == code
    assert says in str(caught.value)
    assert caught.value.hint
    assert caught.value.status == {"json_depth": 400, "argument_too_long": 413}.get(code, 422)


def test_the_longest_argument_is_taken() -> None:
    assert len(parse("x" * 131_071)[0]) == 131_071


@pytest.mark.parametrize("value", [b"abc", 5, {"0"}, ["a", None], ["a", 1.5], {"0": b""}])
def test_values_that_are_no_arguments_are_refused(
    value: str | Sequence[str] | Mapping[str, str],
) -> None:
    with pytest.raises(ArgumentsError):
        from_value(value)


class Place:
    name = "v"
    items = ("x", "y z")

    def __str__(self) -> str:
        return "place"


NAMESPACE = {
    "word": "two words", "n": 3, "path": Path("a b.csv"), "files": [Path("a b"), "c"],
    "place": Place(), "table": {"}": "brace"}, "a": 1, "f": 2.345,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{word} x{n}y $word", "two words x3y two words"),
        ("{path} {files}", "'a b.csv' 'a b' c"),
        ("\"{path}\" '{path}'", "\"a b.csv\" 'a b.csv'"),
        ("{place.name} {place.items[1]} {place}", "v y z place"),
        ("{table['}']} {n + 1} {f:.1f} {word!r}", "brace 4 2.3 'two words'"),
        ("$place.name $n.csv $nothing $HOME ${HOME}", "v 3.csv $nothing $HOME ${HOME}"),
        ("{{n}} $$n \\{n} \\$n", "{n} $n \\{n} \\$n"),
        ("'$n' awk '{print $1}'", "'$n' awk '{print $1}'"),
        ("{a,b} {nothing} {} { {n", "{a,b} {nothing} {} { {n"),
        ('{"0": "x", "a": {"n": 1}}', '{"0": "x", "a": {"n": 1}}'),
        ('{ "a": {"b": {"c": 1}}}', '{ "a": {"b": {"c": 1}}}'),
        ('["{n}", "it\'s $n"]', '["3", "it\'s 3"]'),
    ],
)
def test_names_that_exist_are_expanded_and_all_else_stays(text: str, expected: str) -> None:
    assert expand(text, NAMESPACE) == expected


@given(st.text(st.sampled_from("{}\"':, ax01$[]\\")))
def test_without_names_nothing_changes_but_doubled_dollars(text: str) -> None:
    assert expand(text.replace("$", ""), {}) == text.replace("$", "")


@given(st.dictionaries(words, words | st.integers(), max_size=5))
def test_json_survives_expansion(value: dict[str, object]) -> None:
    text = json.dumps(value).replace("$", "").replace("{word}", "")
    assert expand(text, {"word": "x"}) == text


def test_an_expression_that_fails_is_named() -> None:
    with pytest.raises(ArgumentsError, match=r"place\.missing.*AttributeError") as caught:
        expand("{place.missing}", NAMESPACE)
    assert caught.value.error_code == "expression_failed"


def test_a_path_with_quotes_stays_one_word() -> None:
    path = Path('it\'s "a" \\ b')
    for text in ("{p}", '"{p}"', "'{p}'", '["{p}"]'):
        assert parse(expand(text, {"p": path})) == (str(path),)
