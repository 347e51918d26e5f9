"""Reads the left side of an entry: names, the word for their value, and where the help begins."""

from __future__ import annotations

import re
from dataclasses import dataclass

GAP = re.compile(r"(?<![,|]) {2,}(?=\S)")

_NAME = re.compile(
    r"--?\[no-?\][A-Za-z0-9][\w.-]*|--?[A-Za-z0-9?@#$%!_:][\w.+?-]*(?<![.,])|--(?=[\s,]|$)"
)
_SEPARATOR = re.compile(
    r" {0,2}(?:,|\||/|\bor\b) {0,8}(?=--?[^\s-])| (?=--?[A-Za-z0-9\[])"
    r"| {2,24}(?=--?[A-Za-z0-9\[][\w.-]{0,60}\]?[\w.-]{0,60}(?: [A-Z<\[{][^ ]{0,60})?(?: {2,}|$))"
)
_SLASHED = re.compile(r"/(?P<name>[A-Za-z0-9][\w-]*)")
_JOINED = re.compile(r"\[[=:](?P<word>[^\[\]]{0,200})\]|\[(?P<tight>[^\[\]]{1,80})\]")
_BRACKETS = r"\[[^\[\]]{0,400}(?:\[[^\[\]]{0,80}\][^\[\]]{0,80}){0,6}\]"
_EQUAL = re.compile(
    rf"[=:](?P<word>(?:<[^<>]{{0,200}}>|{_BRACKETS}|\{{[^{{}}]{{0,400}}\}}|\"[^\"]{{0,80}}\"|'[^']{{0,80}}'"
    rf"|[^\s,|<\[{{\"'])(?:<[^<>]{{0,200}}>|{_BRACKETS}|\{{[^{{}}]{{0,400}}\}}|,(?=<)|[^\s,<\[{{])*)"
)
_TIGHT = re.compile(r"(?P<word><[^<>]{1,200}>)")
_WORD = re.compile(
    r" (?P<word>(?:<[^<>]{1,200}>|\{[^{}]{1,1400}\}|\[[^\[\]]{1,1400}\](?:[A-Z][A-Z0-9_:=/]*)?"
    r"|\"[^\"]{1,40}\"|'[^']{1,40}'|\([\w-]+(?:\|[\w-]+)+\)"
    r"|[A-Z][A-Z0-9_:=/|*@#.-]*(?:,[A-Z][A-Z0-9_]*)*(?:\[[^\[\]]{0,80}\])*(?![a-z]))"
    r"(?:[,:]?\.\.\.)?)(?=[\s,:]|$)"
)
_ALTERNATIVE = re.compile(r" \| [A-Z][A-Z_]*(?=[,\s]|$)")
_TYPE = re.compile(
    r" (?P<word>(?:u?int(?:eger|8|16|32|64)?|float(?:32|64)?|num(?:ber)?|str(?:ing)?s?|stringArray"
    r"|stringSlice|stringToString|ints|bool(?:ean)?|duration|path|file(?:name)?|dir(?:ectory)?)"
    r"(?:\[=[^\]]{0,80}\])?)(?=\s|,|$)"
)
_FREE = re.compile(
    r" (?P<word>[A-Za-z][\w:=/|<>\[\]\"'.*+%@-]{0,60}"
    r"(?:[ ,][A-Za-z\[<][\w:=/|<>\[\].*+-]{0,40}){0,2})(?= {2,}|$)"
)
_COLUMN_TYPE = re.compile(
    r" {2,}(?P<word>[A-Z][A-Z0-9_]*(?: RANGE)?(?:\.\.\.)?|\[[^\[\]]{1,400}\]|<[^<>]{1,80}>)"
    r"(?= {2,}|$)"
)
_HELP_TAG = re.compile(r"\[(?:default|required|env|boolean|string|number|array|count|choices)\b")
_END = re.compile(r"^[\s:]+(?:- )?|^[\s]*- ")
_MOST_NAMES = 8
_MOST_CHARACTERS = 1_500


@dataclass(frozen=True, slots=True)
class Name:
    """One name of an option as it is declared.

    ``mark`` is what stands before it: a comma, a slash, or nothing.
    """

    text: str
    word: str = ""
    is_joined: bool = False
    is_repeated: bool = False
    mark: str = ""


def split(text: str, *, is_alone: bool) -> tuple[str, str]:
    """Return the term of an entry, and the help that follows on the same line.

    Parameters
    ----------
    text
        The line, without the space around it.
    is_alone
        Whether the help stands on the lines below.

    Examples
    --------
    >>> split("-n, --count N  how often", is_alone=False)
    ('-n, --count N', 'how often')
    """
    whole, text = text, text[:_MOST_CHARACTERS]
    begin = 2 if text.startswith("* ") else 0
    begin += len(text[begin:]) - len(text[begin:].lstrip())
    if text.startswith("-", begin):
        _, end = scan(text, begin, is_alone=is_alone)
    else:
        gap = GAP.search(text, begin)
        end = gap.start() if gap else len(text)
    if column := _COLUMN_TYPE.match(text, end):
        end = column.end() if not _HELP_TAG.match(column["word"]) else end
    if whole[end:].strip() == ",":
        return text[:end] + ",", ""
    return text[:end].rstrip(" ,"), _END.sub("", whole[end:], count=1).strip()


def scan(text: str, at: int = 0, *, is_alone: bool = True) -> tuple[list[Name], int]:
    """Return the names at a place with the words for their values, and where they end."""
    names: list[Name] = []
    mark = ""
    while len(names) < _MOST_NAMES and (found := _NAME.match(text, at)):
        at = found.end()
        is_repeated = text.startswith("...", at)
        at += 3 * is_repeated
        word, is_joined, at = _word(text, at, is_alone=is_alone)
        names.append(Name(found[0], word, is_joined, is_repeated, mark))
        while slashed := _SLASHED.match(text, at):
            dashes = "--" if found[0].startswith("--") else "-"
            at = slashed.end()
            word, is_joined, at = _word(text, at, is_alone=is_alone)
            names.append(Name(dashes + slashed["name"], word, is_joined, False, "/"))
        separator = _SEPARATOR.match(text, at)
        if separator is None:
            break
        mark = separator[0]
        at = separator.end()
    return names, at


def _word(text: str, at: int, *, is_alone: bool) -> tuple[str, bool, int]:
    """Return the word for a value that follows a name, whether ``=`` has to join it, its end."""
    if joined := _JOINED.match(text, at):
        return joined["word"] or joined["tight"] or "", True, joined.end()
    if tight := _EQUAL.match(text, at) or _TIGHT.match(text, at):
        # a colon there ends the term
        is_cut = tight["word"].endswith(":")
        return tight["word"].removesuffix(":"), False, tight.end() - is_cut
    words: list[str] = []
    while len(words) < 4 and (word := _WORD.match(text, at)):
        if _HELP_TAG.match(word["word"]):
            break
        words.append(word["word"])
        at = word.end()
        if alternative := _ALTERNATIVE.match(text, at):
            words[-1] += alternative[0].replace(" ", "")
            at = alternative.end()
    if words:
        if text.startswith(" ...", at):
            words.append("...")
            at += 4
        return " ".join(words), False, at
    word = _TYPE.match(text, at)
    if word is None:
        word = _FREE.match(text, at)
        if word is not None and word.end() == len(text) and not is_alone:
            word = None
    if word is None:
        return "", False, at
    is_joined = "[=" in word["word"]
    return word["word"].partition("[=")[0], is_joined, word.end()
