"""Search in PostgreSQL, by the words of ``tsvector``, and ``pg_trgm`` where the server has it.

The words come from `words.tokens`, not from a parser or a dictionary of the server, so that they
are the same as elsewhere; what is in a name stands there once more, with a sign before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, column, literal, table, text

from ...records import Run, Tool
from .. import schema
from .words import (
    Words,
    marks_of,
    most_alike,
    spelled,
    text_of_run,
    text_of_tool,
    tokens,
    trigrams,
)

_runs = table("run_search", column("number"), column("words"))
_tools = table("tool_search", column("tool_id"), column("words"))
_NAME = "="
# a lexeme may have 2046 bytes
_MOST_BYTES = 1_000
# short names have few trigrams in common, with one letter changed
_SHORT_CHARS = 4


def index_runs(connection: Connection, runs: Sequence[Run]) -> None:
    """See `search.index_runs`."""
    texts = [text_of_run(run) for run in runs]
    words = [
        _lexemes([*tokens(searched), *marks_of(run)])
        for searched, run in zip(texts, runs, strict=True)
    ]
    connection.execute(
        text(
            "INSERT INTO run_search (number, text, words) "
            "SELECT number, text, array_to_tsvector(string_to_array(words, ' ')) FROM unnest("
            "CAST(:numbers AS bigint[]), CAST(:texts AS text[]), CAST(:words AS text[])"
            ") AS found (number, text, words)"
        ),
        {"numbers": [run.number for run in runs], "texts": texts, "words": words},
    )


def forget_run(connection: Connection, number: int) -> None:
    """See `search.forget_run`."""
    connection.execute(text("DELETE FROM run_search WHERE number = :number"), {"number": number})


def index_tools(connection: Connection, tools: Sequence[Tool]) -> None:
    """See `search.index_tools`."""
    ids = [tool.id for tool in tools]
    texts = [text_of_tool(tool) for tool in tools]
    words = []
    for searched, tool in zip(texts, tools, strict=True):
        names = tokens(tool.name)
        by_name = (_NAME + word for word in names)
        words.append(_lexemes([*names, *by_name, *tokens(searched), *marks_of(tool)]))
    connection.execute(text("DELETE FROM tool_search WHERE tool_id = ANY(:ids)"), {"ids": ids})
    connection.execute(
        text(
            "INSERT INTO tool_search (tool_id, name, text, words) "
            "SELECT id, name, text, array_to_tsvector(string_to_array(words, ' ')) FROM unnest("
            "CAST(:ids AS text[]), CAST(:names AS text[]), CAST(:texts AS text[]), "
            "CAST(:words AS text[])) AS found (id, name, text, words)"
        ),
        {"ids": ids, "names": [tool.name for tool in tools], "texts": texts, "words": words},
    )


def narrow_runs(query: Select[Any], words: Words, marks: Sequence[str]) -> Select[Any]:
    """See `search.narrow_runs`."""
    return (
        query.join(_runs, _runs.c.number == schema.runs.c.number)
        .where(_matches(_runs.c.words, _all(words), marks))
        .order_by(schema.runs.c.number.desc())
    )


def narrow_tools(
    query: Select[Any],
    words: Words,
    rank: int,
    marks: Sequence[str],
    condition: ColumnElement[bool],
) -> Select[Any]:
    """See `search.narrow_tools`."""
    by_name, some = _all(words, sign=_NAME), _all(words, " | ", sign=_NAME)
    asked = (
        by_name,
        f"{_all(words)} & ({some}) & !({by_name})",
        f"{_all(words)} & !({some})",
    )[rank]
    tools = schema.tools.c
    return (
        query.join(_tools, _tools.c.tool_id == tools.id)
        .where(_matches(_tools.c.words, asked, marks), condition)
        .order_by(tools.created_at.desc(), tools.id.desc())
    )


def near_candidates(connection: Connection, name: str) -> list[str]:
    """See `search.near_candidates`."""
    spelling = spelled(name).strip()
    if not spelling:
        return []
    has_trigrams = connection.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'"))
    if has_trigrams:
        likeness = 0.3 if len(spelling) > _SHORT_CHARS else 0.12
        connection.execute(
            text("SELECT set_config('pg_trgm.similarity_threshold', :likeness, true)"),
            {"likeness": str(likeness)},
        )
        query = (
            "SELECT name FROM (SELECT DISTINCT name FROM tool_search WHERE name % :name) AS alike "
            "ORDER BY similarity(name, :name) DESC LIMIT 100"
        )
    else:
        query = (
            "SELECT DISTINCT name FROM tool_search WHERE left(name, 2) = left(:name, 2) "
            "OR right(name, 3) = right(:name, 3)"
        )
    found = connection.scalars(text(query), {"name": spelling})
    return most_alike(trigrams(spelled(name)), found)


def _matches(words: Any, asked: str, marks: Sequence[str]) -> Any:
    if marks:
        asked = f"({asked}) & ({' | '.join(map(_quoted, marks))})"
    return words.op("@@")(literal(asked).op("::")(text("tsquery")))


def _all(words: Words, operator: str = " & ", *, sign: str = "") -> str:
    """Return words as a query in which nothing else is an operator."""
    whole = [_quoted(sign + word) for word in words.whole]
    return operator.join([*whole, _quoted(sign + words.beginning) + ":*"])


def _quoted(word: str) -> str:
    return f"'{_cut(word)}'"


def _lexemes(words: list[str]) -> str:
    return " ".join({_cut(word) for word in words})


def _cut(word: str) -> str:
    return word.encode()[:_MOST_BYTES].decode(errors="ignore")
