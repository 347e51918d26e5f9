"""What reads and writes rows as records, for each kind of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from .database import Database

R = TypeVar("R")
MOST_PER_PAGE = 1_000


class Rows:
    """The records of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def _known(self, column: ColumnElement[str], ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(ids), MOST_PER_PAGE):
                some = ids[start : start + MOST_PER_PAGE]
                found.update(connection.scalars(select(column).where(column.in_(some))))
        return found

    def _one(self, query: Select[Any], kind: type[R]) -> R | None:
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else as_record(row, kind)

    def _all(self, query: Select[Any], kind: type[R]) -> list[R]:
        with self._database.reading() as connection:
            return [as_record(row, kind) for row in connection.execute(query)]


def put(connection: Connection, table: Table, record: Any) -> None:
    """Keep a record in place of the one of the same primary key, if there is one."""
    row = as_row(record)
    instead = update(table).where(*(key == row[key.name] for key in table.primary_key)).values(row)
    if connection.execute(instead).rowcount == 0:
        try:
            with connection.begin_nested():
                connection.execute(insert(table).values(row))
        except IntegrityError:  # somebody else was faster
            connection.execute(instead)


def as_row(record: Any) -> dict[str, Any]:
    """Return a record as the columns of its table."""
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def as_record(row: Row[Any], kind: type[R]) -> R:
    """Return the record that a row holds."""
    return kind(**row._mapping)
