"""Runs kept under their numbers, and listed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    insert,
    or_,
    select,
    update,
)

from ..errors import NotFoundError
from ..records import (
    RUN_TRANSITIONS,
    Page,
    Principal,
    Run,
    RunStatus,
)
from ..requests import RunScope
from . import cursors, schema, search
from .advancing import advance
from .changes import normal_list, note_run
from .rows import MOST_PER_PAGE, Rows, as_record, as_row

_LISTED = [column for column in schema.runs.c if column is not schema.runs.c.files]
_GOING_ON = [status for status in RunStatus if not status.is_final]


class Runs(Rows):
    """The runs."""

    def add_run(self, run: Run) -> Run:
        """Keep a new run under a number of its own, and return it with that."""
        row = as_row(run)
        del row["number"]
        with self._database.writing() as connection:
            key = connection.execute(insert(schema.runs).values(row)).inserted_primary_key
            run = dataclasses.replace(run, number=key[0] if key else 0)
            search.index_runs(connection, [run])
            _list_run_access(connection, run)
            note_run(connection, run, "created")
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
        advance(self._database, schema.runs, run, RUN_TRANSITIONS, expected)
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
        limit = max(1, min(limit, MOST_PER_PAGE))
        runs = schema.runs.c
        conditions: list[ColumnElement[bool]] = []
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
        words = search.words_of(text)
        if words is None and text.strip():
            return Page(items=[])
        if cursor is not None:
            conditions.append(runs.number < cursors.read(cursor, "runs", cursors.number)[0])
        query = select(*_LISTED).where(*conditions).limit(limit + 1)
        found: list[Run] = []
        with self._database.reading() as connection:
            # with "or" no index leads to one's own and to those that are shared
            for each in _parts(principal, scope):
                part = query.where(*_whose(principal, each))
                if words is None:
                    part = part.order_by(runs.number.desc())
                else:
                    marks = _marks(principal, each)
                    part = search.narrow_runs(connection, part, words, marks=marks)
                found += [as_record(row, Run) for row in connection.execute(part)]
        found.sort(key=lambda run: -run.number)
        return cursors.page(found, limit, lambda run: cursors.write("runs", run.number))

    def open_runs(self, owner: str | None = None) -> list[Run]:
        """Return the runs that are not final."""
        runs = schema.runs.c
        query = select(schema.runs).where(runs.finished_at.is_(None), runs.status.in_(_GOING_ON))
        if owner is not None:
            query = query.where(runs.owner == owner)
        return self._all(query, Run)

    def runs_in_line(self, home: str) -> list[tuple[str, str, RunStatus, str]]:
        """Return id, owner, status and engine of a home's runs that are not final, oldest first."""
        runs = schema.runs.c
        query = (
            select(runs.id, runs.owner, runs.status, runs.engine)
            .where(
                runs.finished_at.is_(None),
                runs.status.in_(_GOING_ON),
                runs.home.in_(("", home)),
            )
            .order_by(runs.number)
        )
        with self._database.reading() as connection:
            return [(*row,) for row in connection.execute(query)]

    def runs_after(self, number: int, *, limit: int) -> list[Run]:
        """Return the runs after a number, of all owners, in their order, without their `files`."""
        query = select(*_LISTED).where(schema.runs.c.number > number)
        return self._all(query.order_by(schema.runs.c.number).limit(limit), Run)

    def known_runs(self, ids: Sequence[str]) -> set[str]:
        """Return those ids that are a run's."""
        return self._known(schema.runs.c.id, ids)

    def update_run(self, number: int, changes: Mapping[str, Any]) -> Run:
        """Keep what people change of a run: its label, its access list, whether it is pinned."""
        runs = schema.runs
        query = select(runs).where(runs.c.number == number)
        with self._database.writing() as connection:
            before = connection.scalars(
                select(schema.run_access.c.name).where(schema.run_access.c.run_number == number)
            ).all()
            if changes:
                connection.execute(update(runs).where(runs.c.number == number).values(**changes))
            row = connection.execute(query).one_or_none()
            if row is None:
                raise NotFoundError(f"There is no run {number} any more.")
            run = as_record(row, Run)
            search.forget_run(connection, run.number)
            search.index_runs(connection, [run])
            _list_run_access(connection, run)
            note_run(connection, run, "updated", also=before)
        return run

    def set_stored_at(self, run_id: str, place: str) -> Run:
        """Note where a run's output has been put; its people are not told, nothing else changed."""
        runs = schema.runs
        with self._database.writing() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(stored_at=place))
        run = self.get_run_by_id(run_id)
        if run is None:
            raise NotFoundError("There is no such run any more.")
        return run

    def delete_run(self, number: int) -> None:
        """Forget a run; its number is not given again."""
        with self._database.writing() as connection:
            query = select(schema.runs).where(schema.runs.c.number == number)
            row = connection.execute(query).one_or_none()
            if row is not None:
                connection.execute(delete(schema.runs).where(schema.runs.c.number == number))
                search.forget_run(connection, number)
                note_run(connection, as_record(row, Run), "deleted")


def _list_run_access(connection: Connection, run: Run) -> None:
    listed = schema.run_access
    connection.execute(delete(listed).where(listed.c.run_number == run.number))
    if run.access:
        connection.execute(
            insert(listed),
            [{"run_number": run.number, "name": name} for name in normal_list(run.access)],
        )


def _parts(principal: Principal, scope: RunScope) -> Sequence[RunScope]:
    """Return scopes that have no run in common, and together all of a scope."""
    return ("mine", "shared") if scope == "all" and not principal.is_admin else (scope,)


def _whose(principal: Principal, scope: RunScope) -> list[ColumnElement[bool]]:
    runs, listed = schema.runs.c, schema.run_access.c
    if scope == "all":
        return []
    if scope == "mine":
        return [runs.owner == principal.name]
    shared = select(listed.run_number).where(listed.name.in_(sorted(principal.addresses)))
    return [runs.owner != principal.name, runs.number.in_(shared)]


def _marks(principal: Principal, scope: RunScope) -> list[str]:
    if scope == "all":
        return []
    if scope == "mine":
        return [search.owner_mark(principal.name)]
    return [search.access_mark(address) for address in sorted(principal.addresses)]
