"""What has changed, written in the transaction of each change, for those who listen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import (
    Connection,
    delete,
    exists,
    func,
    insert,
    select,
)

from ..records import (
    EVERYBODY,
    Change,
    ChangeKind,
    Run,
    Tool,
    Version,
    VersionStatus,
    Visibility,
    normal_address,
)
from . import schema
from .database import Commits
from .rows import Rows, as_record, as_row


class Changes(Rows):
    """The changes."""

    def changes_after(self, change_id: int, limit: int = 1_000) -> list[Change]:
        """Return what changed after a change, oldest first."""
        changes = schema.changes.c
        query = select(schema.changes).where(changes.id > change_id)
        return self._all(query.order_by(changes.id).limit(limit), Change)

    def last_change(self) -> int:
        """Return the id of the last change, 0 if there is none."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.max(schema.changes.c.id))) or 0

    def first_change(self) -> int:
        """Return the id of the oldest change that is still kept, 0 if there is none."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.min(schema.changes.c.id))) or 0

    def forget_changes(self, before: datetime) -> None:
        """Forget what changed before a moment, but for the last change: ids go on from it."""
        changes = schema.changes.c
        last = select(func.max(changes.id)).scalar_subquery()
        with self._database.writing() as connection:
            connection.execute(delete(schema.changes).where(changes.at < before, changes.id < last))

    def commits(self) -> Commits:
        """Return what tells of commits, whichever process makes them."""
        return self._database.commits()


def note(
    connection: Connection,
    kind: ChangeKind,
    subject: str,
    action: str,
    tool: Tool,
    *,
    also: Iterable[str] = (),
) -> None:
    """Note a change of a tool or of a version that is ready; ``also`` tells who saw it before."""
    seen_by = sorted({*seers(connection, tool.id), *also})
    _keep(
        connection,
        Change(
            kind=kind,
            subject=subject,
            tool_id=tool.id,
            action=action,
            owner=tool.owner,
            seen_by=tuple(seen_by),
        ),
    )


def note_version(connection: Connection, version: Version) -> None:
    """Note a change of a version; what is not ready is its owner's business only."""
    query = select(schema.tools).where(schema.tools.c.id == version.tool_id)
    tool = as_record(connection.execute(query).one(), Tool)
    if version.status is VersionStatus.READY:
        note(connection, ChangeKind.VERSION, version.id, version.status, tool)
        return
    _keep(
        connection,
        Change(
            kind=ChangeKind.VERSION,
            subject=version.id,
            tool_id=tool.id,
            action=version.status,
            owner=tool.owner,
        ),
    )


def note_run(connection: Connection, run: Run, action: str, *, also: Iterable[str] = ()) -> None:
    """Note a change of a run."""
    _keep(
        connection,
        Change(
            kind=ChangeKind.RUN,
            subject=str(run.number),
            tool_id=run.tool_id,
            action=action,
            owner=run.owner,
            seen_by=tuple(sorted({*normal_list(run.access), *also})),
        ),
    )


def normal_list(access: Sequence[str]) -> list[str]:
    """Return the entries of an access list as they are compared, each once."""
    return sorted(set(map(normal_address, access)))


def seers(connection: Connection, tool_id: str) -> set[str]:
    """Return who sees a tool beside its owner, as it is stored."""
    versions, tools = schema.versions.c, schema.tools.c
    row = connection.execute(
        select(tools.visibility, tools.access, tools.deleted_at).where(tools.id == tool_id)
    ).one_or_none()
    is_ready = select(exists().where(versions.tool_id == tool_id, versions.status == "ready"))
    if row is None or row.deleted_at is not None or not connection.scalar(is_ready):
        return set()
    return {EVERYBODY} if row.visibility is Visibility.PUBLIC else set(normal_list(row.access))


def _keep(connection: Connection, change: Change) -> None:
    row = as_row(change)
    del row["id"]
    connection.execute(insert(schema.changes).values(row))
