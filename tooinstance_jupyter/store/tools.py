"""Tools kept, and found again by those who may see them, as ``access`` says it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from ..errors import ConflictError, NameTakenError, NotFoundError, StaleError
from ..records import (
    EVERYBODY,
    ChangeKind,
    Page,
    Principal,
    Tool,
    VersionStatus,
    Visibility,
    normal_address,
)
from ..requests import Scope
from . import cursors, schema, search
from .changes import normal_list, note, seers
from .rows import MOST_PER_PAGE, Rows, as_record, as_row


class Tools(Rows):
    """The tools."""

    def add_tool(self, tool: Tool) -> None:
        """Keep a new tool; raises `NameTakenError`."""
        with self._writing(tool) as connection:
            connection.execute(insert(schema.tools).values(as_row(tool)))
            _index_tool(connection, tool)
            note(connection, ChangeKind.TOOL, tool.id, "created", tool)

    def update_tool(self, tool: Tool, *, before: Tool | None = None) -> None:
        """Keep a tool as it is now, whatever it has become or only if it still is as it was.

        Raises
        ------
        NameTakenError
            If its owner has another one of that name.
        StaleError
            If it is no longer as it was `before`.
        """
        tools = schema.tools
        conditions = [tools.c.id == tool.id]
        if before is not None:
            conditions += [tools.c.updated_at == before.updated_at, tools.c.deleted_at.is_(None)]
        with self._writing(tool) as connection:
            saw_it = seers(connection, tool.id)
            owner = connection.scalar(select(tools.c.owner).where(tools.c.id == tool.id))
            changed = connection.execute(update(tools).where(*conditions).values(as_row(tool)))
            if changed.rowcount != 1 and owner is not None and before is not None:
                raise StaleError(
                    f"{tool.name} has been changed meanwhile.",
                    "Look at it again, and change it then.",
                )
            if changed.rowcount != 1:
                raise NotFoundError(f"There is no tool {tool.name!r} any more.")
            if owner not in (None, tool.owner):
                saw_it.add(normal_address(str(owner)))
            _index_tool(connection, tool)
            action = "updated" if tool.deleted_at is None else "deleted"
            note(connection, ChangeKind.TOOL, tool.id, action, tool, also=saw_it)

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
        limit = max(1, min(limit, MOST_PER_PAGE))
        if text.strip():
            return self._found(principal, text, scope, limit, cursor)
        tools = schema.tools.c
        query = select(schema.tools).where(_visible(principal, scope))
        if cursor is not None:
            before = cursors.read(cursor, "tools", cursors.moment, cursors.word)
            query = query.where(tuple_(tools.created_at, tools.id) < tuple_(*before))
        return cursors.page(
            self._all(
                query.order_by(tools.created_at.desc(), tools.id.desc()).limit(limit + 1), Tool
            ),
            limit,
            lambda tool: cursors.write("tools", tool.created_at.isoformat(), tool.id),
        )

    def near_names(self, principal: Principal, text: str, limit: int) -> list[str]:
        """Return names of tools that a principal may see which come near a text, nearest first."""
        with self._database.reading() as connection:
            near = search.near(text, search.near_candidates(connection, text))
            seen = set(
                connection.scalars(
                    select(schema.tools.c.name).where(
                        schema.tools.c.name.in_(near), _visible(principal, "all")
                    )
                )
            )
        return [name for name in near if name in seen][:limit]

    def _found(
        self, principal: Principal, text: str, scope: Scope, limit: int, cursor: str | None
    ) -> Page[Tool]:
        """Find tools by rank, and by age among those of one rank; a name that is asked for first.

        That order needs no look at all that is found: a common word is in most tools.
        """
        tools = schema.tools.c
        is_visible = _visible(principal, scope)
        # opaque, so that no index but that of names is followed
        visible = select(schema.tools).where(case((is_visible, 1), else_=0) == 1)
        place = [0, 0]
        if cursor is not None:
            place = cursors.read(cursor, "found", cursors.number, cursors.number)
        rank, offset = place
        words = search.words_of(text)
        marks = _marks(principal, scope)
        is_named = tools.name == search.storable(text).strip().lower()
        found: list[Tool] = []
        with self._database.reading() as connection:
            while words is not None and rank <= search.RANKS:
                if rank == 0:
                    query = visible.where(is_named).order_by(tools.created_at.desc(), tools.id)
                else:
                    query = search.narrow_tools(
                        connection,
                        select(schema.tools),
                        words,
                        rank=rank - 1,
                        marks=marks,
                        condition=and_(is_visible, ~is_named),
                    )
                missing = limit - len(found)
                rows = connection.execute(query.offset(offset).limit(missing + 1)).all()
                found += [as_record(row, Tool) for row in rows[:missing]]
                if len(rows) > missing:
                    return Page(
                        items=found, next_cursor=cursors.write("found", rank, offset + missing)
                    )
                rank, offset = rank + 1, 0
        if not found and cursor is None:
            near = self.near_names(principal, text, limit)
            found = self._all(visible.where(tools.name.in_(near)).limit(limit), Tool)
        return Page(items=found)

    @contextmanager
    def _writing(self, tool: Tool) -> Iterator[Connection]:
        try:
            with self._database.writing() as connection:
                yield connection
        except StaleError:
            raise
        except ConflictError as error:
            raise NameTakenError(
                f"You have a tool {tool.name!r} already.",
                f"Choose another name with --name, or build a new version with `%tooi build "
                f"{tool.name}`.",
            ) from error


def _visible(principal: Principal, scope: Scope) -> ColumnElement[bool]:
    """Return `access.may_see_tool` as a condition, less what the scope leaves out."""
    tools = schema.tools.c
    mine = tools.owner == principal.name
    # the offset keeps PostgreSQL from reading all versions, where few tools are looked at
    is_ready = (
        select(schema.versions.c.id)
        .where(
            schema.versions.c.tool_id == tools.id,
            # a function keeps the index by status out: most versions are ready, a tool has few
            func.lower(schema.versions.c.status) == VersionStatus.READY.value,
        )
        .offset(0)
        .exists()
    )
    listed = schema.tool_access.c
    addresses = listed.name.in_(sorted(principal.addresses))
    is_public = tools.visibility == Visibility.PUBLIC
    match scope:
        case "mine":
            condition: ColumnElement[bool] = mine
        case "shared":
            # not "exists", which looks at all tools
            condition = and_(~mine, tools.id.in_(select(listed.tool_id).where(addresses)), is_ready)
        case "public":
            condition = and_(is_public, is_ready)
        case "all":
            is_listed = (
                select(listed.tool_id)
                .where(listed.tool_id == tools.id, addresses)
                .offset(0)
                .exists()
            )
            condition = or_(mine, and_(or_(is_public, is_listed), is_ready))
            if principal.is_admin:
                return tools.deleted_at.is_(None)
    return and_(tools.deleted_at.is_(None), condition)


def _marks(principal: Principal, scope: Scope) -> list[str]:
    mine = search.owner_mark(principal.name)
    shared = [search.access_mark(address) for address in sorted(principal.addresses)]
    public = search.access_mark(EVERYBODY)
    match scope:
        case "mine":
            return [mine]
        case "shared":
            return shared
        case "public":
            return [public]
        case "all":
            return [] if principal.is_admin else [mine, public, *shared]


def _index_tool(connection: Connection, tool: Tool) -> None:
    search.index_tools(connection, [tool])
    connection.execute(delete(schema.tool_access).where(schema.tool_access.c.tool_id == tool.id))
    if tool.access:
        connection.execute(
            insert(schema.tool_access),
            [{"tool_id": tool.id, "name": name} for name in normal_list(tool.access)],
        )
