"""Search in SQLite, by FTS5; what begins with ``tool_search`` has its rows under one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    column,
    literal_column,
    table,
    text,
)

from ...records import Run, Tool
from .. import schema
from .words import Words, marks_of, most_alike, spelled, text_of_run, text_of_tool, trigrams

_runs = table("run_search", column("rowid"), column("text"))
_tools = table("tool_search", column("rowid"), column("tool_id"))
# what is read at most to find names that come near
_MOST_READ = 300
_NUMBER = "(SELECT number FROM tool_search_numbers WHERE tool_id = :id)"
_INDEX_TOOL = (
    "INSERT OR IGNORE INTO tool_search_numbers (tool_id) VALUES (:id)",
    f"DELETE FROM tool_search WHERE rowid = {_NUMBER}",  # noqa: S608
    f"DELETE FROM tool_search_names WHERE rowid = {_NUMBER}",  # noqa: S608
    f"INSERT INTO tool_search (rowid, tool_id, name, text) VALUES ({_NUMBER}, :id, :name, :text)",  # noqa: S608
    f"INSERT INTO tool_search_names (rowid, name) VALUES ({_NUMBER}, :spelled)",  # noqa: S608
)


def index_runs(connection: Connection, runs: Sequence[Run]) -> None:
    """See `search.index_runs`."""
    connection.execute(
        text("INSERT INTO run_search (rowid, text) VALUES (:number, :text)"),
        [
            {"number": run.number, "text": f"{text_of_run(run)} {' '.join(marks_of(run))}"}
            for run in runs
        ],
    )


def forget_run(connection: Connection, number: int) -> None:
    """See `search.forget_run`."""
    connection.execute(text("DELETE FROM run_search WHERE rowid = :number"), {"number": number})


def index_tools(connection: Connection, tools: Sequence[Tool]) -> None:
    """See `search.index_tools`."""
    rows = [
        {
            "id": tool.id,
            "name": tool.name,
            "spelled": spelled(tool.name),
            "text": f"{text_of_tool(tool)} {' '.join(marks_of(tool))}",
        }
        for tool in tools
    ]
    for statement in _INDEX_TOOL:
        connection.execute(text(statement), rows)


def narrow_runs(query: Select[Any], words: Words, marks: Sequence[str]) -> Select[Any]:
    """See `search.narrow_runs`."""
    # by the index's own order, so that it is read no further than the page goes
    return (
        query.join(_runs, _runs.c.rowid == schema.runs.c.number)
        .where(_matches("run_search", _all(words), marks))
        .order_by(_runs.c.rowid.desc())
    )


def narrow_tools(
    query: Select[Any],
    words: Words,
    rank: int,
    marks: Sequence[str],
    condition: ColumnElement[bool],
) -> Select[Any]:
    """See `search.narrow_tools`."""
    by_name, some = f"name : ({_all(words)})", f"name : ({_all(words, ' OR ')})"
    asked = (
        by_name,
        f"(({_all(words)}) AND {some}) NOT {by_name}",
        f"({_all(words)}) NOT {some}",
    )[rank]
    return (
        query.join(_tools, _tools.c.tool_id == schema.tools.c.id)
        # opaque, lest an index of tools is followed and the words are looked up for each of them
        .where(_matches("tool_search", asked, marks), case((condition, 1), else_=0) == 1)
        .order_by(_tools.c.rowid.desc())
    )


def near_candidates(connection: Connection, name: str) -> list[str]:
    """See `search.near_candidates`."""
    asked = trigrams(spelled(name))
    counts = connection.execute(
        text("SELECT term, doc FROM tool_search_terms WHERE term IN :terms").bindparams(
            bindparam("terms", expanding=True)
        ),
        {"terms": sorted(asked)},
    )
    rare: list[str] = []
    read = 0
    for term, count in sorted(counts, key=lambda row: row.doc):
        read += count
        if rare and read > _MOST_READ:
            break
        rare.append(term)
    if not rare:
        return []
    found = connection.scalars(
        text(
            "SELECT DISTINCT tool_search.name FROM tool_search_names "
            "JOIN tool_search ON tool_search.rowid = tool_search_names.rowid "
            "WHERE tool_search_names MATCH :asked LIMIT :most"
        ),
        {"asked": " OR ".join(map(_quoted, rare)), "most": _MOST_READ},
    )
    return most_alike(asked, found)


def _matches(name: str, asked: str, marks: Sequence[str]) -> Any:
    if marks:
        asked = f"({asked}) AND ({' OR '.join(map(_quoted, marks))})"
    return literal_column(name).op("MATCH")(asked)


def _all(words: Words, operator: str = " AND ") -> str:
    """Return words as a query of FTS5 in which nothing else is an operator."""
    return operator.join([*map(_quoted, words.whole), _quoted(words.beginning) + "*"])


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'
