"""Full-text search, the one place that knows how a kind of database does it (SQLite: FTS5).

The texts stand in tables of their own, written in the transaction that writes the record.
"""

from __future__ import annotations

from sqlalchemy import CTE, ColumnElement, Connection, column, literal_column, select, table, text

from ..records import Run, Tool

run_search = table("run_search", column("rowid"), column("text"), column("rank"))
tool_search = table(
    "tool_search", column("tool_id"), column("name"), column("text"), column("rank")
)


def index_run(connection: Connection, run: Run) -> None:
    """Make a run findable by its tool, its arguments and its label."""
    connection.execute(
        text("INSERT INTO run_search (rowid, text) VALUES (:number, :text)"),
        {
            "number": run.number,
            "text": _unicode(" ".join((run.tool_name, run.label, *run.arguments))),
        },
    )


def forget_run(connection: Connection, number: int) -> None:
    """Take a run out of the index."""
    connection.execute(text("DELETE FROM run_search WHERE rowid = :number"), {"number": number})


def index_tool(connection: Connection, tool: Tool) -> None:
    """Make a tool findable by its name, its owner, its source and its description."""
    connection.execute(text("DELETE FROM tool_search WHERE tool_id = :id"), {"id": tool.id})
    connection.execute(
        text("INSERT INTO tool_search (tool_id, name, text) VALUES (:id, :name, :text)"),
        {
            "id": tool.id,
            "name": tool.name,
            "text": f"{tool.owner} {tool.source} {tool.description}",
        },
    )


def matches_run(words: str) -> ColumnElement[bool]:
    """Return the condition that an indexed run holds all words, the last one as a beginning."""
    return literal_column("run_search").op("MATCH")(_query(words))


def matching_tools(words: str) -> CTE:
    """Return the tools that hold all words, the last one as a beginning; the best have least.

    A hit in the name counts most. It is computed once, not for each tool that it is joined to.
    """
    found = select(
        tool_search.c.tool_id, literal_column("bm25(tool_search, 0, 10, 1)").label("relevance")
    ).where(literal_column("tool_search").op("MATCH")(_query(words)))
    return found.cte("found").prefix_with("MATERIALIZED")


def is_searchable(words: str) -> bool:
    """Tell whether there is anything to search for in a text."""
    return any(character.isalnum() for character in words)


def _query(words: str) -> str:
    """Return words as a query of FTS5 in which nothing is an operator."""
    quoted = [
        '"' + word.replace('"', '""') + '"'
        for word in _unicode(words).replace("\0", " ").split()
        if is_searchable(word)
    ]
    return " ".join(quoted) + "*"


def _unicode(words: str) -> str:
    """Return a text that can be stored; arguments may hold bytes that are no Unicode."""
    return words.encode(errors="replace").decode()
