"""Full-text search, the one place that knows how a kind of database does it.

The texts stand in tables of their own, written in the transaction that writes the record. What a
word is, and what counts more, is the same for all kinds of databases.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select

from ...records import Run, Tool
from . import postgresql, sqlite
from .words import RANKS, Words, access_mark, near, owner_mark, storable, words_of

__all__ = [
    "RANKS",
    "Words",
    "access_mark",
    "forget_run",
    "index_runs",
    "index_tools",
    "narrow_runs",
    "narrow_tools",
    "near",
    "near_candidates",
    "owner_mark",
    "storable",
    "words_of",
]


def index_runs(connection: Connection, runs: Sequence[Run]) -> None:
    """Make runs findable by their tools, arguments and labels."""
    _of(connection).index_runs(connection, runs)


def forget_run(connection: Connection, number: int) -> None:
    """Take a run out of the index."""
    _of(connection).forget_run(connection, number)


def index_tools(connection: Connection, tools: Sequence[Tool]) -> None:
    """Make tools findable by their names, owners, sources and descriptions."""
    _of(connection).index_tools(connection, tools)


def narrow_runs(
    connection: Connection, query: Select[Any], words: Words, *, marks: Sequence[str]
) -> Select[Any]:
    """Return a query of runs for those that hold all words, the newest first.

    Parameters
    ----------
    marks
        Words one of which all that are asked for hold, so that no others are looked at; or none.
    """
    narrowed: Select[Any] = _of(connection).narrow_runs(query, words, marks)
    return narrowed


def narrow_tools(
    connection: Connection,
    query: Select[Any],
    words: Words,
    *,
    rank: int,
    marks: Sequence[str],
    condition: ColumnElement[bool],
) -> Select[Any]:
    """Return a query of tools for those that hold all words in one way, the newest first.

    Parameters
    ----------
    rank
        0 where the name holds all words, 1 where it holds some of them, 2 where it holds none.
    marks
        As for runs.
    condition
        What else holds for those that are asked for.
    """
    narrowed: Select[Any] = _of(connection).narrow_tools(query, words, rank, marks, condition)
    return narrowed


def near_candidates(connection: Connection, name: str) -> list[str]:
    """Return names of tools, whoever may see them, that have most in common with a name."""
    candidates: list[str] = _of(connection).near_candidates(connection, name)
    return candidates


def _of(connection: Connection) -> ModuleType:
    return sqlite if connection.dialect.name == "sqlite" else postgresql
