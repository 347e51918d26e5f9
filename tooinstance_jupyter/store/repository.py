"""Keeps records and finds them again; nothing here knows who may see what is found.

Only the visibility of tools is pushed into the queries, where it says what ``access`` says.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from ..errors import ConflictError, NameTakenError, NotFoundError
from ..records import (
    EVERYBODY,
    RUN_TRANSITIONS,
    VERSION_TRANSITIONS,
    Change,
    ChangeKind,
    Environment,
    Link,
    Page,
    Principal,
    Run,
    RunStatus,
    Tool,
    User,
    Version,
    VersionStatus,
    Visibility,
    normal_address,
)
from ..requests import RunScope, Scope
from . import cursors, schema, search
from .database import Database

R = TypeVar("R")
_LISTED_RUN = [column for column in schema.runs.c if column is not schema.runs.c.files]
_LINK = [column for column in schema.links.c if column is not schema.links.c.digest]
_MOST_PER_PAGE = 1_000
# what its owner changes about a run while it goes on, which its progress must not undo
_SET_BY_PEOPLE = frozenset({"label", "access", "pinned", "stored_at"})


class Store:
    """The records of one installation.

    Parameters
    ----------
    url
        SQLAlchemy's URL of the database; it is made, or brought up to date, where it needs to be.

    Raises
    ------
    DatabaseNewerError
        If a newer release wrote it.
    StorageError
        If it cannot be read or written.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    # tools

    def add_tool(self, tool: Tool) -> None:
        """Keep a new tool; raises `NameTakenError`."""
        with self._writing(tool) as connection:
            connection.execute(insert(schema.tools).values(_row(tool)))
            _index_tool(connection, tool)
            _note(connection, ChangeKind.TOOL, tool.id, "created", tool)

    def update_tool(self, tool: Tool) -> None:
        """Keep a tool as it is now; raises `NameTakenError`."""
        with self._writing(tool) as connection:
            before = _seers(connection, tool.id)
            changed = connection.execute(
                update(schema.tools).where(schema.tools.c.id == tool.id).values(_row(tool))
            )
            if changed.rowcount != 1:
                raise NotFoundError(f"There is no tool {tool.name!r} any more.")
            _index_tool(connection, tool)
            action = "updated" if tool.deleted_at is None else "deleted"
            _note(connection, ChangeKind.TOOL, tool.id, action, tool, also=before)

    def get_tool(self, tool_id: str) -> Tool | None:
        """Return a tool, deleted or not."""
        return self._one(select(schema.tools).where(schema.tools.c.id == tool_id), Tool)

    def find_tool(self, owner: str, name: str) -> Tool | None:
        """Return the tool of an owner and a name."""
        tools = schema.tools.c
        return self._one(
            select(schema.tools).where(
                tools.owner == owner, tools.name == name, tools.deleted_at.is_(None)
            ),
            Tool,
        )

    def find_tools_named(self, name: str) -> list[Tool]:
        """Return the tools of that name, whoever owns them."""
        tools = schema.tools.c
        return self._all(
            select(schema.tools).where(tools.name == name, tools.deleted_at.is_(None)), Tool
        )

    def list_tools(
        self,
        *,
        principal: Principal,
        text: str = "",
        scope: Scope = "all",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Tool]:
        """List what a principal may see, newest first; or find it by words, best match first.

        Where no tool holds the words, those whose names come near are found.
        """
        limit = max(1, min(limit, _MOST_PER_PAGE))
        tools = schema.tools.c
        visible = select(schema.tools).where(_visible(principal, scope))
        if not text.strip():
            if cursor is not None:
                before = cursors.read(cursor, "tools", cursors.moment, cursors.word)
                visible = visible.where(tuple_(tools.created_at, tools.id) < tuple_(*before))
            found = self._all(
                visible.order_by(tools.created_at.desc(), tools.id.desc()).limit(limit + 1), Tool
            )
            return cursors.page(
                found,
                limit,
                lambda tool: cursors.write("tools", tool.created_at.isoformat(), tool.id),
            )
        [offset] = [0] if cursor is None else cursors.read(cursor, "found", cursors.number)
        found = []
        if search.is_searchable(text):
            matches = search.matching_tools(text)
            found = self._all(
                visible.join(matches, matches.c.tool_id == tools.id)
                .order_by(matches.c.relevance, tools.id)
                .offset(offset)
                .limit(limit + 1),
                Tool,
            )
        if not found and offset == 0:
            near = difflib.get_close_matches(text.lower(), self.tool_names(principal), n=limit)
            found = self._all(visible.where(tools.name.in_(near)).limit(limit), Tool)
        return cursors.page(found, limit, lambda _: cursors.write("found", offset + limit))

    def tool_names(self, principal: Principal) -> list[str]:
        """Return the names of all tools that a principal may see."""
        query = select(schema.tools.c.name).where(_visible(principal, "all")).distinct()
        with self._database.reading() as connection:
            return sorted(connection.scalars(query))

    # versions

    def add_version(self, version: Version) -> Version:
        """Keep a new version under the next number of its tool, and return it with that."""
        versions = schema.versions.c
        with self._database.writing() as connection:
            number = connection.execute(
                select(func.coalesce(func.max(versions.number), 0) + 1).where(
                    versions.tool_id == version.tool_id
                )
            ).scalar_one()
            version = dataclasses.replace(version, number=number)
            connection.execute(insert(schema.versions).values(_row(version)))
            _note_version(connection, version)
        return version

    def get_version(self, version_id: str) -> Version | None:
        """Return a version."""
        return self._one(select(schema.versions).where(schema.versions.c.id == version_id), Version)

    def list_versions(self, tool_id: str) -> list[Version]:
        """Return the versions of a tool, newest first."""
        return self.versions_of([tool_id]).get(tool_id, [])

    def versions_of(self, tool_ids: Sequence[str]) -> dict[str, list[Version]]:
        """Return the versions of several tools, newest first."""
        versions = schema.versions.c
        found: dict[str, list[Version]] = {}
        query = select(schema.versions).where(versions.tool_id.in_(tool_ids))
        for version in self._all(query.order_by(versions.number.desc()), Version):
            found.setdefault(version.tool_id, []).append(version)
        return found

    def advance_version(self, version: Version, *, expected: VersionStatus) -> Version:
        """Keep a version as it is now, if its status is still the expected one.

        Raises
        ------
        ConflictError
            If it is not, or does not lead to the new one.
        """
        self._advance(schema.versions, version, VERSION_TRANSITIONS, expected)
        return version

    def open_versions(self, owner: str | None = None) -> list[Version]:
        """Return the versions that are not final, of all tools or of an owner's."""
        going_on = [status for status in VersionStatus if not status.is_final]
        query = select(schema.versions).where(schema.versions.c.status.in_(going_on))
        if owner is not None:
            query = query.join(schema.tools, schema.tools.c.id == schema.versions.c.tool_id)
            query = query.where(schema.tools.c.owner == owner)
        return self._all(query, Version)

    # environments

    def put_environment(self, environment: Environment) -> None:
        """Keep an environment, in place of one of the same id."""
        with self._database.writing() as connection:
            connection.execute(
                delete(schema.environments).where(schema.environments.c.id == environment.id)
            )
            connection.execute(insert(schema.environments).values(_row(environment)))

    def get_environment(self, environment_id: str) -> Environment | None:
        """Return an environment."""
        query = select(schema.environments).where(schema.environments.c.id == environment_id)
        return self._one(query, Environment)

    def touch_environment(self, environment_id: str, at: datetime) -> None:
        """Note when an environment was used last."""
        environments = schema.environments
        with self._database.writing() as connection:
            connection.execute(
                update(environments)
                .where(environments.c.id == environment_id)
                .values(last_used_at=at)
            )

    def list_environments(self) -> list[Environment]:
        """Return all environments."""
        return self._all(select(schema.environments), Environment)

    def environment_users(self, environment_id: str) -> list[Version]:
        """Return the versions of tools that are not deleted which need an environment."""
        return self._all(
            select(schema.versions)
            .join(schema.tools, schema.tools.c.id == schema.versions.c.tool_id)
            .where(
                schema.versions.c.environment_id == environment_id,
                schema.tools.c.deleted_at.is_(None),
            ),
            Version,
        )

    def delete_environment(self, environment_id: str) -> None:
        """Forget an environment."""
        with self._database.writing() as connection:
            connection.execute(
                delete(schema.environments).where(schema.environments.c.id == environment_id)
            )

    # runs

    def add_run(self, run: Run) -> Run:
        """Keep a new run under a number of its own, and return it with that."""
        row = _row(run)
        del row["number"]
        with self._database.writing() as connection:
            key = connection.execute(insert(schema.runs).values(row)).inserted_primary_key
            run = dataclasses.replace(run, number=key[0] if key else 0)
            search.index_run(connection, run)
            _list_run_access(connection, run)
            _note_run(connection, run, "created")
        return run

    def get_run(self, number: int) -> Run | None:
        """Return a run by its number."""
        if not 0 < number < 2**63:
            return None
        return self._one(select(schema.runs).where(schema.runs.c.number == number), Run)

    def get_run_by_id(self, run_id: str) -> Run | None:
        """Return a run by its id."""
        return self._one(select(schema.runs).where(schema.runs.c.id == run_id), Run)

    def advance_run(self, run: Run, *, expected: RunStatus) -> Run:
        """Keep a run as it is now, if its status is still the expected one.

        Raises
        ------
        ConflictError
            If it is not, or does not lead to the new one.
        """
        self._advance(schema.runs, run, RUN_TRANSITIONS, expected)
        return run

    def list_runs(
        self,
        *,
        principal: Principal,
        scope: RunScope = "mine",
        tool: str | None = None,
        status: RunStatus | None = None,
        text: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page[Run]:
        """List runs, newest first, without their `files`.

        ``tool`` is a name (of the owner's own tools), a full name or an id.
        """
        limit = max(1, min(limit, _MOST_PER_PAGE))
        runs = schema.runs.c
        conditions: list[ColumnElement[bool]] = []
        mine = runs.owner == principal.name
        is_shared = runs.number.in_(
            select(schema.run_access.c.run_number).where(
                schema.run_access.c.name.in_(sorted(principal.addresses))
            )
        )
        match scope:
            case "mine":
                conditions.append(mine)
            case "shared":
                conditions += [~mine, is_shared]
            case "all" if not principal.is_admin:
                conditions.append(or_(mine, is_shared))
        if tool is not None:
            is_named = runs.tool_name == (tool if "/" in tool else f"{principal.name}/{tool}")
            # with "or" no index leads to the names, so only what can be an id is looked for as one
            is_id = re.fullmatch("[0-9a-f]{32}", tool)
            conditions.append(or_(is_named, runs.tool_id == tool) if is_id else is_named)
        if status is not None:
            conditions.append(runs.status == status)
        if since is not None:
            conditions.append(runs.created_at >= since)
        if until is not None:
            conditions.append(runs.created_at < until)
        query = select(*_LISTED_RUN)
        order: ColumnElement[int] = runs.number
        if text.strip():
            if not search.is_searchable(text):
                return Page(items=[])
            # by the index's own order, so that it is read no further than the page goes
            order = search.run_search.c.rowid
            query = query.join(search.run_search, search.run_search.c.rowid == runs.number)
            conditions.append(search.matches_run(text))
        if cursor is not None:
            conditions.append(order < cursors.read(cursor, "runs", cursors.number)[0])
        query = query.where(*conditions).order_by(order.desc()).limit(limit + 1)
        return cursors.page(
            self._all(query, Run), limit, lambda run: cursors.write("runs", run.number)
        )

    def open_runs(self, owner: str | None = None) -> list[Run]:
        """Return the runs that are not final."""
        runs = schema.runs.c
        query = select(schema.runs).where(runs.finished_at.is_(None))
        if owner is not None:
            query = query.where(runs.owner == owner)
        return [run for run in self._all(query, Run) if not run.status.is_final]

    def update_run(self, run: Run) -> Run:
        """Keep a run's label, access list, place of its output, and whether it is pinned."""
        runs = schema.runs
        with self._database.writing() as connection:
            before = connection.scalars(
                select(schema.run_access.c.name).where(schema.run_access.c.run_number == run.number)
            ).all()
            changed = connection.execute(
                update(runs)
                .where(runs.c.number == run.number)
                .values(
                    label=run.label,
                    pinned=run.pinned,
                    access=run.access,
                    stored_at=run.stored_at,
                )
            )
            if changed.rowcount != 1:
                raise NotFoundError(f"There is no run {run.number} any more.")
            search.forget_run(connection, run.number)
            search.index_run(connection, run)
            _list_run_access(connection, run)
            _note_run(connection, run, "updated", also=before)
        return run

    def delete_run(self, number: int) -> None:
        """Forget a run; its number is not given again."""
        with self._database.writing() as connection:
            query = select(schema.runs).where(schema.runs.c.number == number)
            row = connection.execute(query).one_or_none()
            if row is not None:
                connection.execute(delete(schema.runs).where(schema.runs.c.number == number))
                search.forget_run(connection, number)
                _note_run(connection, _record(row, Run), "deleted")

    # links to runs

    def add_link(self, link: Link, digest: str) -> None:
        """Keep a new link, with the hash of its token."""
        with self._database.writing() as connection:
            connection.execute(insert(schema.links).values(**_row(link), digest=digest))

    def find_link(self, digest: str) -> Link | None:
        """Return the link whose token has a hash."""
        return self._one(select(*_LINK).where(schema.links.c.digest == digest), Link)

    def get_link(self, link_id: str) -> Link | None:
        """Return a link by its id."""
        return self._one(select(*_LINK).where(schema.links.c.id == link_id), Link)

    def list_links(self, run_number: int) -> list[Link]:
        """Return the links to a run, newest first."""
        links = schema.links.c
        query = select(*_LINK).where(links.run_number == run_number)
        return self._all(query.order_by(links.created_at.desc()), Link)

    def revoke_link(self, link_id: str, at: datetime) -> None:
        """Note that a link is good for nothing any more."""
        links = schema.links
        with self._database.writing() as connection:
            connection.execute(
                update(links)
                .where(links.c.id == link_id, links.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )

    # users

    def put_user(self, user: User) -> None:
        """Keep a user, in place of what was known under the name."""
        with self._database.writing() as connection:
            connection.execute(delete(schema.users).where(schema.users.c.name == user.name))
            connection.execute(insert(schema.users).values(_row(user)))

    def find_users(self, text: str, limit: int) -> list[User]:
        """Return the users whose name, display name or e-mail begins with a text, by name."""
        users = schema.users.c
        matches = or_(
            users.name.istartswith(text, autoescape=True),
            users.display_name.istartswith(text, autoescape=True),
            users.email.istartswith(text, autoescape=True),
        )
        return self._all(
            select(schema.users).where(matches).order_by(users.name).limit(limit), User
        )

    # changes

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
        """Forget what changed before a moment."""
        with self._database.writing() as connection:
            connection.execute(delete(schema.changes).where(schema.changes.c.at < before))

    @contextmanager
    def _writing(self, tool: Tool) -> Iterator[Connection]:
        try:
            with self._database.writing() as connection:
                yield connection
        except ConflictError as error:
            raise NameTakenError(
                f"You have a tool {tool.name!r} already.",
                f"Choose another name with --name, or build a new version with `%tooi build "
                f"{tool.name}`.",
            ) from error

    def _advance(
        self,
        table: Table,
        record: Run | Version,
        transitions: Mapping[Any, frozenset[Any]],
        expected: RunStatus | VersionStatus,
    ) -> None:
        if record.status is not expected and record.status not in transitions[expected]:
            raise ConflictError(f"What is {expected} cannot become {record.status}.")
        with self._database.writing() as connection:
            changed = connection.execute(
                update(table)
                .where(table.c.id == record.id, table.c.status == expected)
                .values({k: v for k, v in _row(record).items() if k not in _SET_BY_PEOPLE})
            )
            if changed.rowcount != 1:
                raise ConflictError(f"It is no longer {expected}: something else changed it.")
            if isinstance(record, Run):
                _note_run(connection, record, record.status)
            else:
                _note_version(connection, record)

    def _one(self, query: Select[Any], kind: type[R]) -> R | None:
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _record(row, kind)

    def _all(self, query: Select[Any], kind: type[R]) -> list[R]:
        with self._database.reading() as connection:
            return [_record(row, kind) for row in connection.execute(query)]


def _row(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _record(row: Row[Any], kind: type[R]) -> R:
    return kind(**row._mapping)


def _index_tool(connection: Connection, tool: Tool) -> None:
    search.index_tool(connection, tool)
    connection.execute(delete(schema.tool_access).where(schema.tool_access.c.tool_id == tool.id))
    if tool.access:
        connection.execute(
            insert(schema.tool_access),
            [{"tool_id": tool.id, "name": name} for name in _normal(tool.access)],
        )


def _list_run_access(connection: Connection, run: Run) -> None:
    listed = schema.run_access
    connection.execute(delete(listed).where(listed.c.run_number == run.number))
    if run.access:
        connection.execute(
            insert(listed),
            [{"run_number": run.number, "name": name} for name in _normal(run.access)],
        )


def _normal(access: Sequence[str]) -> list[str]:
    return sorted(set(map(normal_address, access)))


def _seers(connection: Connection, tool_id: str) -> set[str]:
    """Return who sees a tool beside its owner, as it is stored."""
    versions, tools = schema.versions.c, schema.tools.c
    row = connection.execute(
        select(tools.visibility, tools.access, tools.deleted_at).where(tools.id == tool_id)
    ).one_or_none()
    is_ready = select(exists().where(versions.tool_id == tool_id, versions.status == "ready"))
    if row is None or row.deleted_at is not None or not connection.scalar(is_ready):
        return set()
    return {EVERYBODY} if row.visibility is Visibility.PUBLIC else set(_normal(row.access))


def _note(
    connection: Connection,
    kind: ChangeKind,
    subject: str,
    action: str,
    tool: Tool,
    *,
    also: Iterable[str] = (),
) -> None:
    seen_by = sorted({*_seers(connection, tool.id), *also})
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


def _note_version(connection: Connection, version: Version) -> None:
    query = select(schema.tools).where(schema.tools.c.id == version.tool_id)
    tool = _record(connection.execute(query).one(), Tool)
    if version.status is VersionStatus.READY:
        _note(connection, ChangeKind.VERSION, version.id, version.status, tool)
        return
    # what is not ready is its owner's business only
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


def _note_run(connection: Connection, run: Run, action: str, *, also: Iterable[str] = ()) -> None:
    _keep(
        connection,
        Change(
            kind=ChangeKind.RUN,
            subject=str(run.number),
            tool_id=run.tool_id,
            action=action,
            owner=run.owner,
            seen_by=tuple(sorted({*_normal(run.access), *also})),
        ),
    )


def _keep(connection: Connection, change: Change) -> None:
    row = _row(change)
    del row["id"]
    connection.execute(insert(schema.changes).values(row))


def _visible(principal: Principal, scope: Scope) -> ColumnElement[bool]:
    """Return `access.may_see_tool` as a condition, less what the scope leaves out."""
    tools = schema.tools.c
    mine = tools.owner == principal.name
    is_ready = exists().where(
        schema.versions.c.tool_id == tools.id,
        # a function keeps the index by status out: most versions are ready, a tool has few
        func.lower(schema.versions.c.status) == VersionStatus.READY.value,
    )
    is_listed = exists().where(
        schema.tool_access.c.tool_id == tools.id,
        schema.tool_access.c.name.in_(sorted(principal.addresses)),
    )
    is_public = tools.visibility == Visibility.PUBLIC
    match scope:
        case "mine":
            condition: ColumnElement[bool] = mine
        case "shared":
            condition = and_(~mine, is_listed, is_ready)
        case "public":
            condition = and_(is_public, is_ready)
        case "all":
            condition = or_(mine, and_(or_(is_public, is_listed), is_ready))
            if principal.is_admin:
                return tools.deleted_at.is_(None)
    return and_(tools.deleted_at.is_(None), condition)
