"""What a value is: its kind, choices and default, from the word that stands for it and the help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from ...records import OptionKind
from . import words
from .text import line_of

MOST_CHOICES = 200
_MOST_MENTIONS = 5
_MOST_VALUE_CHARACTERS = 200
_MOST_HELP_CHARACTERS = 1_000

_CHOICES = re.compile(
    r"\b(?:choices|(?:possible|valid) (?:values|choices)|one of|allowed(?: values)?|either"
    r"|available(?: values| choices)?|values)"
    r"\s*(?:are|is)?\s*[:=]\s*[\[({]?(?P<list>[^\])};\n]{1,2000})",
    re.IGNORECASE,
)
_LAST_OF_LIST = re.compile(r",? (?:or|and) ")
_LIST = re.compile(r"comma[ -](?:separated|delimited)|separated by (?:a )?commas?", re.IGNORECASE)
_QUOTED_LIST = re.compile(r"'[^']{1,40}'(?:,? (?:or )?'[^']{1,40}'){1,20}")
_LISTED = re.compile(r"^[-*•] (?P<name>[\w.+-]{1,60})(?::|$)", re.MULTILINE)
_POSSIBLE = re.compile(r"possible values:\s*$", re.IGNORECASE | re.MULTILINE)
_ITEM = re.compile(r"\"(?P<double>[^\"]{1,100})\"|'(?P<single>[^']{1,100})'|(?P<bare>[^\s,|'\"]+)")
_ENCLOSED = re.compile(
    r"[\[(;,]\s*(?:the )?default(?:s|ing)?(?: value)?(?: is| to)?"
    r"(?:\s*[:=]\s*(?P<tight>\S[^\n]{0,400})|\s+(?P<value>[^\s:=][^\n]{0,400}))",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\bdefaults? (?:to|is|value is|value:)\s+(?P<to>\"[^\"]{1,100}\"|'[^']{1,100}'|`[^`]{1,100}`"
    r"|\[[^\[\]]{1,100}\]|[^\s,;)]{1,100}(?:(?=[,;)])|(?<=\.)(?=\s)|(?=$)))|(?<![\[(])\bdefaults?\s?[:=]\s*(?P<colon>\"[^\"]{1,100}\"|'[^']{1,100}'|[^\s,;)\]]{1,100}"
    r"(?=\s*$|[,;)\]]|\s-\s|(?<=\.)\s))",
    re.IGNORECASE,
)
_NUMERIC = re.compile(r"\[(?P<value>-?[0-9][0-9.]{0,20})\](?=[\s.,;]|$)")
_PLACE = re.compile(r"(?:the )?path (?:to|of)\b", re.IGNORECASE)
_VALUE = re.compile(r"[\w:-]{0,100}[./0-9][\w./:-]{0,100}")
_COUNTED = re.compile(
    r"(?:specif(?:y|ies) |sets? |limit )?(?:the )?"
    r"(?:(?:max(?:imum)?|min(?:imum)?|initial|total) )*number of ",
    re.IGNORECASE,
)
_OF_TIME = re.compile(r"\b(?:milli)?sec(?:ond)?s?\b", re.IGNORECASE)
_TIMES = re.compile(r"\bthis many times\b", re.IGNORECASE)
_SOUNDS_LIKE_VALUE = re.compile(
    r"(?:the )?(?:list of|name of|specify (?!that|whether)|file\b|path\b|port\b|address\b|url\b"
    r"|user ?name\b|password\b|only \w+ \w+ (?:matching|containing)\b)",
    re.IGNORECASE,
)
_INTO = re.compile(
    r"\b(?:saved?|written|write|writes|output) (?:\w+ ){0,2}?(?:in)?to (?:this|the given) "
    r"(?P<place>file|folder|directory)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[A-Z0-9]+[_-](?:PORT|COUNT|NUM|INT)|NUM(?:_?[A-Z]+)|PORTNUM|[0-9]-[0-9]")
_MARKS = re.compile(r"[<>{}()]")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{0,18}\.[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Value:
    """What an option takes."""

    kind: OptionKind
    word: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None
    is_repeated: bool = False


def read(word: str, help_text: str, choices: tuple[str, ...] = ()) -> Value:
    """Return what an option takes whose help uses a word for it; nothing where there is none."""
    is_repeated = "..." in word
    is_several = re.search(r"\.\.\.[\]>]*$", word) is not None and "," not in word
    help_text = help_text[:_MOST_HELP_CHARACTERS]
    word = bare(word)
    if word.isdecimal():  # `-l[=0]` is `-l`, given otherwise
        word = ""
    choices = choices or choices_of_word(word)
    default = _default(help_text)
    kind = _kind_of_word(word)
    if not word and not choices:
        kind = next((k for tag, k in words.TAGS.items() if tag in help_text), OptionKind.FLAG)
        is_value = default is not None and _VALUE.fullmatch(default)
        if kind is OptionKind.FLAG and is_value and "[boolean]" not in help_text:
            kind = OptionKind.FILE if _PLACE.match(help_text) else OptionKind.TEXT
    if kind is OptionKind.FLAG and word.upper() in words.FLAGS:
        word = ""
    if kind is not OptionKind.FLAG or not word:
        choices = choices or (
            () if kind is OptionKind.FLAG and not word else _choices(help_text, word)
        )
    if kind is OptionKind.FLAG and "choices:" in help_text.lower():
        choices = _choices(help_text, word)
    if choices:
        kind = OptionKind.CHOICE
    if kind in words.PLACES and _LIST.search(help_text):
        kind = OptionKind.TEXT
    elif kind is OptionKind.TEXT and not is_repeated and word.upper() not in words.TEXTS:
        kind = _kind_of_help(default, help_text)
    if kind is OptionKind.FLAG and (default or "").lower() not in words.SWITCHED:
        default = None
    last = word.upper()
    is_list = bool(choices) and bool(choices_of_word(word))
    return Value(
        kind=kind,
        word=("" if is_list else line_of(_MARKS.sub("", word), 60)) + " ..." * is_several,
        choices=choices,
        default=default,
        is_repeated=is_repeated or last in words.MANY or last.endswith("[STRING]"),
    )


def choices_of_word(word: str) -> tuple[str, ...]:
    """Return the choices that a word lists: ``{a,b}``, ``[a|b]``, ``<a|b>``, ``a|b``."""
    inner = word.strip("[](){}<> ")
    if word.startswith("{") and "," in inner:
        items = [item.strip(" '\"") for item in inner.split(",")]
    elif "|" in inner and not re.search(r"[<>\[\]{}\s=]", inner.replace(" | ", "|")):
        items = [item.strip(" '\"") for item in inner.split("|")]
        if any(item.lower() in words.PLACEHOLDERS for item in items):
            return ()
    elif word.startswith("{") and inner and re.fullmatch(r"[\w.+-]+", inner):
        items = [inner]
    else:
        return ()
    return tuple(dict.fromkeys(item[:100] for item in items if item))[:MOST_CHOICES]


def kind_by_help(help_text: str) -> OptionKind:
    """Return what an option sounds like that its tool's help gives no word for a value."""
    if _COUNTED.match(help_text) or _TIMES.search(help_text):
        return OptionKind.INTEGER
    if _OF_TIME.search(help_text) and _SOUNDS_LIKE_VALUE.match(help_text):
        return OptionKind.NUMBER
    if _PLACE.match(help_text):
        return OptionKind.FILE
    return OptionKind.TEXT if _SOUNDS_LIKE_VALUE.match(help_text) else OptionKind.FLAG


def bare(word: str) -> str:
    """Return a word without the marks around it: ``<file path>...`` is ``file_path``."""
    word = word.replace("...", "").strip(" ,")
    word = re.sub(r" ?\[[A-Z_,. ]*\]$", "", word) if not word.startswith("[") else word
    if re.fullmatch(r"<[^<>|]*>|\{[^{},|]*\}|\[[^\[\]|]*\]|\"[^\"]*\"|'[^']*'", word):
        word = re.sub(r"\s+", "_", word[1:-1].strip("<>[] ="))
    return word


def _kind_of_word(word: str) -> OptionKind:
    if not word:
        return OptionKind.FLAG
    whole = word.strip("<>[]").upper()
    if whole in words.FLAGS:
        return OptionKind.FLAG
    if " " in whole and not whole.endswith(" RANGE"):
        return OptionKind.TEXT
    whole = whole.removesuffix(" RANGE")
    last = re.split(r"[_\W]+", whole.strip("_"))[-1]
    is_made_of_several = re.search(r"[^:]:[^:]|=|[_\W]OR[_\W]", whole) is not None
    if is_made_of_several:
        return OptionKind.TEXT
    if "::" in whole:  # of optionator: path::String
        last = whole.partition("::")[0]
    for kind, known in words.KINDS:
        if whole in known or (last in known and kind in words.PLACES):
            return kind
    if _NUMBERED.fullmatch(whole):
        return OptionKind.INTEGER
    if whole.endswith(("FILE", "FILENAME")) and "|" not in whole:
        return OptionKind.FILE
    if whole.endswith("DIR") and "|" not in whole:
        return OptionKind.FOLDER
    return OptionKind.TEXT


def _kind_of_help(default: str | None, help_text: str) -> OptionKind:
    """Return what a value is that no word tells, from its default or how its help begins."""
    if default is not None and _DECIMAL.fullmatch(default):
        return OptionKind.NUMBER
    if default is not None and _WHOLE.fullmatch(default):
        return OptionKind.NUMBER if _OF_TIME.search(help_text) else OptionKind.INTEGER
    if into := _INTO.search(line_of(help_text, _MOST_HELP_CHARACTERS)):
        return OptionKind.FILE if into["place"].lower() == "file" else OptionKind.FOLDER
    is_count = default is None and _COUNTED.match(help_text)
    return OptionKind.INTEGER if is_count else OptionKind.TEXT


def _choices(help_text: str, word: str) -> tuple[str, ...]:
    """Return the choices that a help lists."""
    if _POSSIBLE.search(help_text):
        listed = [match["name"] for match in _LISTED.finditer(help_text)]
        if listed:
            return tuple(dict.fromkeys(listed))[:MOST_CHOICES]
    if word.isupper() and word.isalpha() and f"{word} is " in help_text:
        quoted = _QUOTED_LIST.match(line_of(help_text.split(f"{word} is ", 1)[1]))
        if quoted:
            return tuple(re.findall(r"'([^']+)'", quoted[0]))
    if _LIST.search(help_text):
        return ()
    match = _CHOICES.search(line_of(help_text, _MOST_HELP_CHARACTERS))
    if match is None:
        return ()
    told = match["list"].split(". ")[0].split(", default:")[0].split(" - ")[0].rstrip(". ")
    told = _LAST_OF_LIST.sub(", ", told)
    if "," not in told and "|" not in told and " " in told:
        return ()
    items = []
    for item in _ITEM.finditer(told):
        text = (item["double"] or item["single"] or item["bare"]).strip("*")
        items.append(text)
    # a sentence rather than a list
    if len(items) > 2 * (told.count(",") + told.count("|")) + 2:
        return ()
    return tuple(dict.fromkeys(items))[:MOST_CHOICES]


def _default(help_text: str) -> str | None:
    text = line_of(help_text, _MOST_HELP_CHARACTERS)
    if "default" in text.lower():
        for match in islice(_ENCLOSED.finditer(text), _MOST_MENTIONS):
            value = _enclosed(match["tight"] or match["value"], is_marked=bool(match["tight"]))
            if value is not None:
                return value
        for match in islice(_TOLD.finditer(text), _MOST_MENTIONS):
            value = _plain(match["to"] or match["colon"])
            if value is not None:
                return value
    bracketed = _NUMERIC.search(text)
    return bracketed["value"] if bracketed else None


def _enclosed(rest: str, *, is_marked: bool) -> str | None:
    """Return what stands before the bracket that closes the default, quotes taken off.

    Without a colon or the like before it, several words are a sentence rather than a value.
    """
    if rest[0] in "\"'" and (end := rest.find(rest[0], 1)) > 0:
        return rest[1:end][:_MOST_VALUE_CHARACTERS]
    depth = 0
    for at, char in enumerate(rest):
        if char in "[(":
            depth += 1
        elif char in ")]":
            if depth == 0:
                told = rest[:at].split(", ")[0] if not is_marked else rest[:at]
                return None if not is_marked and " " in told.strip() else _plain(told)
            depth -= 1
        elif char == ";" and depth == 0:
            return _plain(rest[:at])
    return None


def _plain(value: str) -> str | None:
    value = value.strip().strip("`")
    if value[:1] in "\"'" and value[-1:] == value[:1]:
        value = value[1:-1]
    elif not value.startswith("."):
        value = value.rstrip(".")
    is_sentence = value.count(" ") > 4
    if not value or is_sentence or value.lower() in words.NO_DEFAULT:
        return None
    return value[:_MOST_VALUE_CHARACTERS]
