"""Versions of tools kept, each under a number of its tool."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sqlalchemy import and_, case, func, insert, select, union

from ..records import (
    VERSION_TRANSITIONS,
    Interface,
    Version,
    VersionStatus,
)
from . import schema
from .advancing import advance
from .changes import note_version
from .rows import Rows, as_row

WITHOUT_INTERFACE = [column for column in schema.versions.c if column.name != "interface"]
_GOING_ON = [status for status in VersionStatus if not status.is_final]


class Versions(Rows):
    """The versions.

    They are read without their interfaces, each of which may be larger than a page of them.
    """

    def add_version(self, version: Version) -> Version:
        """Keep a new version under the next number of its tool, and return it with that."""
        versions = schema.versions.c
        with self._database.writing() as connection:
            # whoever adds another one to the tool waits, also where not all who write do
            tool = select(schema.tools.c.id).where(schema.tools.c.id == version.tool_id)
            connection.execute(tool.with_for_update())
            number = connection.execute(
                select(func.coalesce(func.max(versions.number), 0) + 1).where(
                    versions.tool_id == version.tool_id
                )
            ).scalar_one()
            version = dataclasses.replace(version, number=number)
            connection.execute(insert(schema.versions).values(as_row(version)))
            note_version(connection, version)
        return version

    def get_version(self, version_id: str) -> Version | None:
        """Return a version."""
        query = select(*WITHOUT_INTERFACE).where(schema.versions.c.id == version_id)
        return self._one(query, Version)

    def interface_of(self, version_id: str) -> Interface | None:
        """Return what a version can be given, if it is known."""
        query = select(schema.versions.c.interface).where(schema.versions.c.id == version_id)
        with self._database.reading() as connection:
            interface: Interface | None = connection.scalar(query)
        return interface

    def list_versions(self, tool_id: str) -> list[Version]:
        """Return the versions of a tool, newest first."""
        return self.versions_of([tool_id]).get(tool_id, [])

    def versions_of(
        self, tool_ids: Sequence[str], *, newest: bool = False
    ) -> dict[str, list[Version]]:
        """Return the versions of several tools, newest first.

        Parameters
        ----------
        newest
            Whether only the newest and the newest that is ready are asked for.
        """
        versions = schema.versions.c
        found: dict[str, list[Version]] = {}
        query = select(*WITHOUT_INTERFACE).where(versions.tool_id.in_(tool_ids))
        if newest:
            last = (
                select(versions.tool_id, func.max(versions.number).label("number"))
                .where(versions.tool_id.in_(tool_ids))
                .group_by(versions.tool_id)
            )
            # a function keeps the index by status out, as most versions are ready
            ready = last.where(func.lower(versions.status) == VersionStatus.READY.value)
            wanted = union(last, ready).subquery()
            query = query.join(
                wanted,
                and_(wanted.c.tool_id == versions.tool_id, wanted.c.number == versions.number),
            )
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
        advance(self._database, schema.versions, version, VERSION_TRANSITIONS, expected)
        return version

    def open_versions(self, owner: str | None = None) -> list[Version]:
        """Return the versions that are not final, of all tools or of an owner's."""
        query = select(*WITHOUT_INTERFACE).where(schema.versions.c.status.in_(_GOING_ON))
        if owner is not None:
            query = query.join(schema.tools, schema.tools.c.id == schema.versions.c.tool_id)
            # opaque, so that those that go on are looked at, not all tools of the owner
            query = query.where(case((schema.tools.c.owner == owner, 1), else_=0) == 1)
        return self._all(query, Version)

    def versions_in_line(self, home: str) -> list[tuple[str, str]]:
        """Return id and owner of the versions of a home that are not final, oldest first."""
        versions, tools = schema.versions.c, schema.tools
        query = (
            select(versions.id, tools.c.owner)
            .join(tools, tools.c.id == versions.tool_id)
            .where(versions.status.in_(_GOING_ON), versions.home.in_(("", home)))
            .order_by(versions.created_at, versions.id)
        )
        with self._database.reading() as connection:
            return [(row.id, row.owner) for row in connection.execute(query)]

    def known_versions(self, ids: Sequence[str]) -> set[str]:
        """Return those ids that are a version's."""
        return self._known(schema.versions.c.id, ids)
