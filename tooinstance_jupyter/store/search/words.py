"""What a word is, and which names come near: pure functions, for all kinds of databases."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from ...records import EVERYBODY, Run, Tool, Visibility, normal_address

MOST_CHARS = 100_000
"""How much of a text is searched; a label may be longer, and an index takes only so much."""

RANKS = 3
_MOST_CANDIDATES = 100
_MOST_WORDS = 32
_WORD = re.compile(r"[^\W_]+")
# of private use: part of a word for SQLite, but not for `tokens`
_OWNER, _ACCESS = "\ue000", "\ue001"


@dataclass(frozen=True, slots=True)
class Words:
    """What is searched for: whole words, and one that may go on."""

    whole: tuple[str, ...]
    beginning: str


def words_of(text: str) -> Words | None:
    """Return what a text asks for, or ``None`` where it holds no letter and no digit."""
    found = tokens(text)[:_MOST_WORDS]
    return Words(tuple(found[:-1]), found[-1]) if found else None


def tokens(text: str) -> list[str]:
    """Return the words of a text, without accents and capitals.

    As SQLite's ``unicode61`` splits it, so that what was indexed by that is found.
    """
    plain = storable(text).lower()
    if not plain.isascii():
        parts = unicodedata.normalize("NFKD", plain)
        kept = "".join(part for part in parts if not unicodedata.combining(part))
        plain = unicodedata.normalize("NFC", kept)
    return _WORD.findall(plain)


def storable(text: str) -> str:
    """Return a text that can be stored; arguments may hold bytes that are no Unicode."""
    return text[:MOST_CHARS].encode(errors="replace").decode().replace("\0", " ")


def text_of_run(run: Run) -> str:
    """Return what a run is found by."""
    return storable(" ".join((run.tool_name, run.label, *run.arguments)))


def text_of_tool(tool: Tool) -> str:
    """Return what a tool is found by, beside its name."""
    return storable(f"{tool.owner} {tool.source} {tool.description}")


def marks_of(record: Run | Tool) -> list[str]:
    """Return the words that a record holds for those who may see it, and that no text has.

    They only narrow a search down: who sees what is left to the conditions of the query.
    """
    marks = [owner_mark(record.owner), *map(access_mark, map(normal_address, record.access))]
    if isinstance(record, Tool) and record.visibility is Visibility.PUBLIC:
        marks.append(access_mark(EVERYBODY))
    return marks


def owner_mark(name: str) -> str:
    """Return the word that all records of an owner hold."""
    return _OWNER + name.encode(errors="replace").hex()


def access_mark(entry: str) -> str:
    """Return the word that all records hold which have an entry in their access list."""
    return _ACCESS + entry.encode(errors="replace").hex()


def spelled(name: str) -> str:
    """Return a name in the form whose trigrams are compared: its beginning counts more."""
    return f"  {' '.join(tokens(name))} "


def trigrams(spelling: str) -> set[str]:
    """Return all parts of three characters."""
    return {spelling[place : place + 3] for place in range(len(spelling) - 2)}


def most_alike(asked: set[str], names: Iterable[str]) -> list[str]:
    """Return the names that have most trigrams in common with some."""

    def unlike(name: str) -> tuple[float, str]:
        its = trigrams(spelled(name))
        return -len(asked & its) / len(asked | its), name

    return sorted(names, key=unlike)[:_MOST_CANDIDATES]


def near(text: str, names: Iterable[str]) -> list[str]:
    """Return the names that come near a text, the nearest first."""
    return difflib.get_close_matches(text.strip().lower(), names, n=_MOST_CANDIDATES)
