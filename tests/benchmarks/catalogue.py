"""A large catalogue, put into a database at once: tools, their versions, and runs."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, create_engine, insert, text

from tooinstance_jupyter.records import (
    Principal,
    Run,
    RunStatus,
    Source,
    SourceKind,
    Tool,
    Version,
    VersionStatus,
    Visibility,
    now,
)
from tooinstance_jupyter.store import schema, search
from tooinstance_jupyter.store.repository import Store
from tooinstance_jupyter.store.rows import as_row

R = TypeVar("R")
OWNERS = ("ada", *(f"user{number}" for number in range(200)))
GROUPS = tuple(f"group:lab{number}" for number in range(50))
MANY_VERSIONS = 1_000
_BATCH = 5_000
_VERBS = ("convert", "align", "plot", "count", "merge", "find", "train", "check", "crop", "rank")
_THINGS = ("table", "image", "sequence", "graph", "map", "text", "video", "model", "tree", "grid")
_WORDS = (*_VERBS, *_THINGS, "fast", "small", "python", "command", "line", "file", "from", "with")
# how runs differ
_VARIED = {
    **{
        name: f"made.{name}"
        for name in (
            "number",
            "id",
            "owner",
            "tool_id",
            "tool_name",
            "arguments",
            "status",
            "access",
        )
    },
    **dict.fromkeys(("created_at", "started_at", "finished_at"), "made.at"),
}
_MADE_POSTGRESQL = (
    "json_to_recordset(CAST(:made AS json)) AS made (number bigint, id text, owner text, "
    "tool_id text, tool_name text, arguments json, status text, access json, at timestamp)"
)
_MADE_SQLITE = (
    "(SELECT "
    + ", ".join(
        f"json_extract(value, '$.{name}') AS {name}"
        for name in (*[name for name in _VARIED if "_at" not in name], "at")
    )
    + " FROM json_each(:made)) AS made"
)
_SYLLABLES = ("ba", "co", "du", "fe", "gi", "ho", "ju", "ka", "lo", "mi", "nu", "po", "ra", "so")


def fill(url: str, *, tools: int = 100_000, runs: int = 1_000_000) -> None:
    """Make a database and put a catalogue into it, the same one each time."""
    Store(url).close()
    chance = random.Random(1)
    engine = create_engine(url)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
        made = list(_tools(chance, tools))
        _put(connection, schema.tools, map(as_row, made))
        _put(connection, schema.tool_access, _access(made))
        _put(connection, schema.versions, map(as_row, _versions(chance, made)))
        for some in _batches(made):
            search.index_tools(connection, some)
    for batch in _batches(_runs(chance, made, runs)):
        with engine.begin() as connection:
            _put_runs(connection, batch)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SELECT setval(pg_get_serial_sequence('runs', 'number'), max(number)) FROM runs"
            )
            connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def names_seen(url: str, principal: Principal, count: int = 1_000) -> list[str]:
    """Return full names of tools that a principal may see, taken by chance."""
    store = Store(url)
    seen = store.list_tools(principal=principal, limit=1_000).items
    store.close()
    return [tool.full_name for tool in random.choices(seen, k=count)]


def _tools(chance: random.Random, count: int) -> Iterator[Tool]:
    began = now() - timedelta(days=365)
    for number in range(count):
        name = "".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4)))
        if number % 5 == 0:
            name = f"{chance.choice(_VERBS)}-{chance.choice(_THINGS)}-{name}"
        elif number % 3 == 0:
            name = f"{name}-{chance.choice(_THINGS)}"
        visibility = Visibility.PUBLIC if chance.random() < 0.6 else Visibility.PRIVATE
        access = chance.sample((*OWNERS, *GROUPS), k=3) if chance.random() < 0.1 else ()
        yield Tool(
            owner=chance.choice(OWNERS) if number % 20 else "ada",
            name=f"{name}-{number}"[:64] if number else "sherlock",
            source=Source(kind=SourceKind.GIT, location=f"https://git.example/{name}/{number}"),
            runtime="python",
            visibility=visibility,
            access=tuple(access),
            description=" ".join(chance.choices(_WORDS, k=12)),
            created_at=began + timedelta(seconds=number),
        )


def _access(tools: Iterable[Tool]) -> Iterator[Mapping[str, Any]]:
    for tool in tools:
        for entry in tool.access:
            yield {"tool_id": tool.id, "name": entry}


def _versions(chance: random.Random, tools: Iterable[Tool]) -> Iterator[Version]:
    for place, tool in enumerate(tools):
        for number in range(1, (MANY_VERSIONS if place == 1 else 1 + place % 2) + 1):
            is_ready = chance.random() < 0.9
            yield Version(
                tool_id=tool.id,
                number=number,
                source=tool.source,
                engine="process",
                status=VersionStatus.READY if is_ready else VersionStatus.FAILED,
                environment_id=f"{place % 5_000:064x}" if is_ready else None,
                command=("/environment/bin/tool",),
                finished_at=tool.created_at,
            )


def _runs(chance: random.Random, tools: list[Tool], count: int) -> Iterator[Run]:
    began = now() - timedelta(days=365)
    for number in range(1, count + 1):
        tool = tools[int(len(tools) * chance.random() ** 2)]
        at = began + timedelta(seconds=number)
        access = (chance.choice((*OWNERS, *GROUPS)),) if number % 50 == 0 else ()
        yield Run(
            number=number,
            owner="ada" if number % 20 == 0 else chance.choice(OWNERS),
            tool_id=tool.id,
            tool_name=tool.full_name,
            version_id=None,
            version_number=1,
            environment_id=None,
            arguments=("--input", f"{chance.choice(_THINGS)}.csv", "--number", str(number)),
            status=RunStatus.FAILED if number % 10 == 0 else RunStatus.SUCCEEDED,
            access=access,
            created_at=at,
            started_at=at,
            finished_at=at,
        )


def _put(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    for some in _batches(rows):
        connection.execute(insert(table), some)


def _put_runs(connection: Connection, runs: Sequence[Run]) -> None:
    """Insert runs by what they differ in: to encode each whole would take minutes."""
    first, *others = runs
    connection.execute(insert(schema.runs), as_row(first))
    names = [f'"{column.name}"' for column in schema.runs.c]
    values = [_VARIED.get(column.name, f'runs."{column.name}"') for column in schema.runs.c]
    is_sqlite = connection.dialect.name == "sqlite"
    connection.execute(
        text(
            f"INSERT INTO runs ({', '.join(names)}) SELECT {', '.join(values)} FROM runs, "
            + (_MADE_SQLITE if is_sqlite else _MADE_POSTGRESQL)
            + f" WHERE runs.number = {first.number}"
        ),
        {
            "made": json.dumps(
                [
                    {
                        **{name: getattr(run, name) for name in _VARIED if "_at" not in name},
                        "at": f"{run.created_at:%Y-%m-%d %H:%M:%S.%f}",
                    }
                    for run in others
                ]
            )
        },
    )
    listed = [{"run_number": run.number, "name": entry} for run in runs for entry in run.access]
    connection.execute(insert(schema.run_access), listed)
    search.index_runs(connection, runs)


def _batches(rows: Iterable[R]) -> Iterator[list[R]]:
    rest = iter(rows)
    while some := list(islice(rest, _BATCH)):
        yield some
