"""Changes of status, which only go where they may and only from where they are expected."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Table,
    select,
    update,
)

from ..errors import ConflictError
from ..records import (
    Run,
    RunStatus,
    Version,
    VersionStatus,
)
from .changes import note_run, note_version
from .database import Database
from .rows import as_row

# what its owner changes about a run while it goes on, which its progress must not undo
_SET_BY_PEOPLE = frozenset({"label", "access", "pinned", "stored_at"})


def advance(
    database: Database,
    table: Table,
    record: Run | Version,
    transitions: Mapping[Any, frozenset[Any]],
    expected: RunStatus | VersionStatus,
) -> None:
    """Keep a run or a version as it is now, if its status is still the expected one.

    Raises
    ------
    ConflictError
        If it is not, or does not lead to the new one.
    """
    if record.status is not expected and record.status not in transitions[expected]:
        raise ConflictError(f"What is {expected} cannot become {record.status}.")
    with database.writing() as connection:
        changed = connection.execute(
            update(table)
            .where(table.c.id == record.id, table.c.status == expected)
            .values({k: v for k, v in as_row(record).items() if k not in _SET_BY_PEOPLE})
        )
        if changed.rowcount != 1:
            raise ConflictError(f"It is no longer {expected}: something else changed it.")
        if isinstance(record, Run):
            # it may be shared with others than when it was read
            shown_to = connection.scalar(select(table.c.access).where(table.c.id == record.id))
            record = dataclasses.replace(record, access=tuple(shown_to or ()))
            note_run(connection, record, record.status)
        else:
            note_version(connection, record)
