"""What a person types as a tool's arguments, read into an argv; never a shell.

Pure. Which options belong to a command and which to its tool is left to ``commands``.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from .errors import ArgumentsError

MAX_ARGUMENT_BYTES = 131_071
"""The longest argument that Linux passes on (MAX_ARG_STRLEN, less its closing NUL)."""
MAX_TOTAL_BYTES = 3 * 2**19
"""How much all arguments may have: under ARG_MAX, with room for the environment."""
MAX_JSON_DEPTH = 64

_SPACE = " \t\r\n"
_BARE = re.compile(r"[^ \t\r\n'\"\\]++")
_SINGLE = re.compile(r"'([^']*+)'")
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED_IN_DOUBLE = re.compile(r'\\(["\\])')
_JSON_PART = re.compile(r'"(?:[^"\\]++|\\.)*+"|[^\S\n]|[\ufeff\u200b\u2060]|[\[{]|[\]}]', re.DOTALL)
_JSON_START = re.compile(r"[\s\ufeff\u200b\u2060]*[\[{]")
_QUOTE_HINT = "To pass a literal { or [ as the first character, quote it: '{...}'."
_NAME = re.compile(r"[^\W\d]\w*")
_DOLLAR = re.compile(r"\$([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_FORMAT = re.compile(r"(?P<expression>.+?)(?:!(?P<conversion>[rsa]))?(?::(?P<spec>[^{}'\"]*))?")
_CONVERSIONS: Mapping[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
_MAX_EXPRESSION, _MAX_CLOSING = 1000, 8


class JsonDepthError(ArgumentsError):
    """JSON that is nested so deeply that nobody means it."""

    code = "json_depth"
    status = HTTPStatus.BAD_REQUEST


class ArgumentTooLongError(ArgumentsError):
    """More than an operating system passes to a program."""

    code = "argument_too_long"
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a command line, without its quotes; ``text[start:end]`` is what was typed."""

    value: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    r"""Yield the words of a command line as a POSIX shell reads quotes, only as far as asked.

    Raises
    ------
    ArgumentsError
        At a quote that is not closed, once it is reached.

    Examples
    --------
    >>> [token.value for token in tokens("-n 'a b' \"it's\" c\\ d")]
    ['-n', 'a b', "it's", 'c d']
    """
    at = 0
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if at == len(text):
            return
        start, parts = at, []
        while at < len(text) and text[at] not in _SPACE:
            part, at = _part(text, at)
            parts.append(part)
        yield Token("".join(parts), start, at)


def _part(text: str, at: int) -> tuple[str, int]:
    if text[at] == "\\" and at + 1 < len(text):
        return text[at + 1], at + 2
    if match := _BARE.match(text, at):
        return match[0], match.end()
    if match := _SINGLE.match(text, at):
        return match[1], match.end()
    if match := _DOUBLE.match(text, at):
        return _ESCAPED_IN_DOUBLE.sub(r"\1", match[1]), match.end()
    what = "backslash" if text[at] == "\\" else "quote"
    raise ArgumentsError(
        f"The {what} {text[at]} at character {at + 1} has "
        + ("nothing after it." if what == "backslash" else "no closing one."),
        "Close it, or put it in the other kind of quotes if it is meant as it is.",
        code="arguments_unbalanced",
    )


def parse(text: str) -> tuple[str, ...]:
    """Read a command line, or JSON if the first character that is no space is ``{`` or ``[``.

    JSON is an object with the keys "0", "1", … in any order, or a list; of strings and numbers.

    Raises
    ------
    ArgumentsError
        With where and why it cannot be read.

    Examples
    --------
    >>> parse('--timeout 1 "two words"')
    ('--timeout', '1', 'two words')
    >>> parse('{"1": 1.50, "0": "--timeout"}')
    ('--timeout', '1.50')
    """
    if _JSON_START.match(text):
        return from_value(_json(text))
    return _checked([token.value for token in tokens(text)])


def from_value(value: str | Sequence[str] | Mapping[str, str]) -> tuple[str, ...]:
    """Read arguments in any of their forms.

    Parameters
    ----------
    value
        Text for `parse`, a list of arguments, or an object with the keys "0", "1", …

    Raises
    ------
    ArgumentsError
        If they cannot be read, or passed to a program.
    """
    match value:
        case str():
            return parse(value)
        case Mapping():
            return _checked(_in_order(list(value.items())))
        case _Pairs():
            return _checked(_in_order(value))
        case Sequence() if not isinstance(value, (bytes, bytearray, memoryview)):
            return _checked(value)
    raise ArgumentsError(
        f"Arguments cannot be a {type(value).__name__}.",
        "Give a command line, a list, or an object with numeric keys.",
    )


def join(argv: Sequence[str]) -> str:
    """Return the command line that `parse` reads as `argv`."""
    return shlex.join(argv)


class _Pairs(list[tuple[str, object]]):
    """A JSON object with its duplicate keys."""


class _Number(str):
    """A JSON number as it was written."""


def _json(text: str) -> Sequence[str]:
    depth = 0

    def part(match: re.Match[str]) -> str:
        nonlocal depth
        found = match[0]
        if found[0] == '"':
            return found
        if found in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                raise JsonDepthError(
                    f"The JSON is nested more than {MAX_JSON_DEPTH} deep.",
                    f"Arguments are one flat list or object. {_QUOTE_HINT}",
                )
        elif found in "]}":
            depth -= 1
        else:
            return " "
        return found

    try:
        value = json.loads(
            _JSON_PART.sub(part, text),  # keeps the length, so that positions hold
            strict=False,
            object_pairs_hook=_Pairs,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise ArgumentsError(
            f"The JSON cannot be read at line {error.lineno}, column {error.colno}: {error.msg}.",
            _QUOTE_HINT,
            code="arguments_json",
        ) from error
    return value  # type: ignore[no-any-return]


def _refuse_constant(name: str) -> object:
    raise ArgumentsError(
        f"{name} is no JSON.", f'Write "{name}" for the word. {_QUOTE_HINT}', code="arguments_json"
    )


def _in_order(pairs: Sequence[tuple[str, object]]) -> Sequence[object]:
    ordered: dict[int, object] = {}
    for key, value in pairs:
        if not isinstance(key, str) or not re.fullmatch(r"0|[1-9][0-9]{0,8}", key):
            raise ArgumentsError(
                f"The key {key!r} is not a number.", f'The keys are "0", "1", … {_QUOTE_HINT}'
            )
        if int(key) in ordered:
            raise ArgumentsError(f'The key "{key}" is there twice.', "Number them from 0 on.")
        ordered[int(key)] = value
    for expected, key_number in enumerate(sorted(ordered)):
        if key_number != expected:
            raise ArgumentsError(f'The key "{expected}" is missing.', "Number them from 0 on.")
    return [ordered[number] for number in range(len(ordered))]


def _checked(values: Sequence[object]) -> tuple[str, ...]:
    argv = tuple(_argument(value, index) for index, value in enumerate(values))
    total = sum(len(argument) for argument in argv)  # at least as many bytes
    if total > MAX_TOTAL_BYTES or sum(len(a.encode()) + 9 for a in argv) > MAX_TOTAL_BYTES:
        raise ArgumentTooLongError(
            f"The {len(argv)} arguments have more than {MAX_TOTAL_BYTES:,} bytes together.",
            "Put them into a file and pass it with -i, or through standard input.",
        )
    return argv


def _argument(value: object, index: int) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        what = (
            "null"
            if value is None
            else str(value).lower()
            if isinstance(value, bool)
            else "an object"
            if isinstance(value, (Mapping, _Pairs))
            else "a list"
            if isinstance(value, (list, tuple))
            else f"a {type(value).__name__}"
        )
        raise ArgumentsError(
            f"Argument {index} is {what}; an argument is a string or a number.",
            "Put it in quotes if it is meant as text.",
        )
    if "\0" in value:
        raise ArgumentsError(
            f"Argument {index} has a NUL at character {value.index(chr(0)) + 1}.",
            "Programs cannot be given NULs as arguments; use a file or standard input.",
        )
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError as error:
        raise ArgumentsError(
            f"Argument {index} has half of a surrogate pair at character {error.start + 1}.",
            "Write the whole character, or both halves of its escape.",
        ) from error
    if size_bytes > MAX_ARGUMENT_BYTES:
        raise ArgumentTooLongError(
            f"Argument {index} has {size_bytes:,} bytes; {MAX_ARGUMENT_BYTES:,} can be passed.",
            "Put it into a file and pass it with -i, or through standard input.",
        )
    return str(value)


def expand(text: str, namespace: Mapping[str, object]) -> str:
    """Put Python values into a line, as IPython does for magics, without harm to JSON.

    ``{name}``, ``{name.attribute[0]}``, ``{name:.2f}`` and ``$name`` stand for values whose name
    exists; everything else stays as it is. ``{{name}}`` gives ``{name}``, ``$$`` gives ``$``, and
    in single quotes ``$`` is only itself. Strings are put in as text, paths and the items of lists
    each as one word.

    Raises
    ------
    ArgumentsError
        If an expression fails.
    """
    parts: list[str] = []
    at, quote = 0, ""
    while at < len(text):
        char = text[at]
        taken, end = char, at + 1
        if char == "\\" and quote != "'":
            taken = text[at : at + 2]
            end = at + len(taken)
        elif char in "'\"":
            quote = "" if quote == char else quote or char
        elif char == "{":
            taken, end = _expand_braces(text, at, quote, namespace)
        elif char == "$" and quote != "'":
            taken, end = _expand_dollar(text, at, quote, namespace)
        parts.append(taken)
        at = end
    return "".join(parts)


def _expand_braces(
    text: str, at: int, quote: str, namespace: Mapping[str, object]
) -> tuple[str, int]:
    doubled = text.startswith("{{", at)
    start = at + 1 + doubled
    name = _NAME.match(text, start)
    if name is None or name[0] not in namespace:
        return text[at], at + 1
    close = start
    for _ in range(_MAX_CLOSING):  # an expression may hold braces of its own
        close = text.find("}", close + 1, start + _MAX_EXPRESSION)
        if close < 0:
            break
        source = text[start:close]
        field = _compiled(source)
        if field is not None:
            if not doubled:
                return _inserted(_evaluate(source, field, namespace), quote), close + 1
            if text.startswith("}", close + 1):
                return f"{{{source}}}", close + 2
            return text[at], at + 1
    return text[at], at + 1


def _expand_dollar(
    text: str, at: int, quote: str, namespace: Mapping[str, object]
) -> tuple[str, int]:
    if text.startswith("$$", at):
        return "$", at + 2
    match = _DOLLAR.match(text, at)
    if match is None or match[1].partition(".")[0] not in namespace:
        return "$", at + 1
    value = namespace[match[1].partition(".")[0]]
    end = at + 1 + len(match[1].partition(".")[0])
    # a full stop may also end a sentence or begin a file's suffix: "$name.csv"
    for attribute in match[1].split(".")[1:]:
        if not hasattr(value, attribute):
            break
        value = getattr(value, attribute)
        end += 1 + len(attribute)
    return _inserted(value, quote), end


@dataclass(frozen=True, slots=True)
class _Field:
    expression: str
    conversion: str | None = None
    spec: str | None = None


def _compiled(source: str) -> _Field | None:
    """Return the expression in braces; ``None`` if it is none, or a tuple (``{a,b}``)."""
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        match = _FORMAT.fullmatch(source)
        if match is None or match["conversion"] is match["spec"] is None:
            return None
        inner = _compiled(match["expression"])
        if inner is None or inner.spec is not None or inner.conversion is not None:
            return None
        return _Field(inner.expression, match["conversion"], match["spec"])
    return None if isinstance(tree.body, ast.Tuple) else _Field(source.strip())


def _evaluate(source: str, field: _Field, namespace: Mapping[str, object]) -> object:
    try:
        # the user's own code in the user's own kernel, as in every other magic
        value: object = eval(field.expression, dict(namespace))  # noqa: S307
        if field.conversion is not None:
            value = _CONVERSIONS[field.conversion](value)
        return value if field.spec is None else format(value, field.spec)
    except Exception as error:
        raise ArgumentsError(
            f"{{{source}}} cannot be evaluated: {type(error).__name__}: {error}.",
            f"Write {{{{{source}}}}} if the braces are meant for the tool.",
            code="expression_failed",
        ) from error


def _inserted(value: object, quote: str) -> str:
    if isinstance(value, (list, tuple)):
        return " ".join(_word(item, quote) for item in value)
    return _word(value, quote) if isinstance(value, os.PathLike) else str(value)


def _word(value: object, quote: str) -> str:
    text = os.fsdecode(value) if isinstance(value, os.PathLike) else str(value)
    if quote == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text.replace("'", "'\"'\"'") if quote else shlex.quote(text)
