"""Turns an entry's term and help into options, a positional argument, or a command's name.

How terms are written is left to ``terms``, what values are to ``values``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from ...records import Option, OptionKind
from . import values
from .terms import Name, scan
from .text import line_of

_MOST_NAME_CHARACTERS = 100
_REQUIRED = re.compile(r"[\[(;,]\s*required\s*[\]);,]", re.IGNORECASE)
_REPEATED = re.compile(
    r"(?:multiple|several) times|more than once|can be repeated|may be repeated|repeatable"
    r"|\[array\]|\[count\]|(?:multiple|repeated) (?:allowed|options? allowed)"
    r"|multiple \w+ (?:can|may|are)\b|(?:add|use|give) multiple options"
    r"|(?:allow|accepts?|takes?) multiple",
    re.IGNORECASE,
)
_NO = re.compile(r"^(--?)\[(no-?)\](.+)$")
_SUBCOMMAND = re.compile(r"[A-Za-z0-9][\w:.-]{0,60}")
_POSITIONAL = re.compile(r"[\[<{(]*(?P<word>[^\[\]<>{}()\s]{1,60})[\]>)]*(?P<many>.*)")


def read(term: str, help_text: str) -> Iterator[Option]:
    """Yield the options that an entry declares: one, unless different ones share a line."""
    is_required = term.startswith("*")
    names, end = scan(term.lstrip("* "))
    column_word = term.lstrip("* ")[end:].strip(" ,")
    if not names or any(len(name.text) > _MOST_NAME_CHARACTERS for name in names):
        return
    groups = [[name] for name in names] if _are_different(names) else [names]
    word = next((name.word for name in reversed(names) if name.word), column_word)
    is_joined = any(name.is_joined for name in names)
    for group in groups:
        if group[0].text != "-NUM":
            yield _option(group, word, help_text, is_required=is_required, is_joined=is_joined)


def as_its_help_says(option: Option) -> Option:
    """Return an option that seemed to be a flag as what its help sounds like."""
    if option.kind is not OptionKind.FLAG or option.opposite:
        return option
    return dataclasses.replace(option, kind=values.kind_by_help(option.help))


def positional(term: str, help_text: str) -> Option | None:
    """Return the positional argument that an entry declares."""
    is_required = term.startswith("*")
    word, _, column_word = term.lstrip("* ").partition("  ")
    word = word.strip()
    choices = values.choices_of_word(word) if word.startswith("{") else ()
    match = _POSITIONAL.match(word)
    if match is None or len(word) > 1_000:
        return None
    name = "choice" if choices else match["word"].rstrip(".:,")
    if word[0] in "<{" and not choices:
        name = values.bare(word) or name
    if not re.search(r"\w", name):
        return None
    value = values.read(column_word.strip() or name, help_text, choices)
    return Option(
        kind=value.kind if value.kind is not OptionKind.FLAG else OptionKind.TEXT,
        metavar=name,
        choices=value.choices,
        default=value.default,
        help=line_of(help_text),
        is_required=is_required or _REQUIRED.search(help_text) is not None,
        is_repeated="..." in term or "[array]" in help_text,
    )


def command_name(term: str) -> str:
    """Return the name of the command that an entry declares, if any.

    Examples
    --------
    >>> command_name("build|b [entries...]"), command_name("mocha run [spec..]")
    ('build', 'mocha')
    """
    match = _SUBCOMMAND.match(term.lstrip("* "))
    return "" if match is None else match[0].rstrip(":.-")


def _are_different(names: list[Name]) -> bool:
    """Tell whether names with slashes between them are different options, as nmap has them."""
    slashed = [name for name in names if name.mark == "/"]
    return bool(slashed) and not any(name.text.lstrip("-").startswith("no") for name in slashed)


def _option(
    group: list[Name], word: str, help_text: str, *, is_required: bool, is_joined: bool
) -> Option:
    names: list[str] = []
    opposite: str | None = None
    for name in group:
        if no := _NO.match(name.text):
            names.append(no[1] + no[3])
            opposite = no[1] + no[2] + no[3]
        elif "/" in name.mark and names:
            opposite = opposite or name.text
        elif any(name.text in (f"--no-{n.lstrip('-')}", f"--no{n.lstrip('-')}") for n in names):
            opposite = name.text
        else:
            names.append(name.text)
    value = values.read(word, help_text)
    is_flag = value.kind is OptionKind.FLAG
    on_one_line = line_of(help_text)
    return Option(
        names=tuple(dict.fromkeys(names)),
        kind=value.kind,
        metavar="" if is_flag else value.word,
        choices=value.choices,
        default=value.default,
        help=on_one_line,
        opposite=opposite,
        is_required=is_required or _REQUIRED.search(on_one_line) is not None,
        is_repeated=value.is_repeated
        or any(name.is_repeated for name in group)
        or _REPEATED.search(on_one_line) is not None,
        is_joined=not is_flag and is_joined,
    )
