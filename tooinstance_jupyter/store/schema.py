"""The tables, as they are now; how they came to be is in ``migrations``.

A table's columns are named like the fields of its record, so that rows and records map by name.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

from ..records import (
    Candidate,
    ChangeKind,
    Failure,
    InputFile,
    Interface,
    Limits,
    OutputFile,
    OutputKind,
    RunStatus,
    Source,
    StreamSize,
    VersionStatus,
    Visibility,
)

# what indexes on PostgreSQL leave out stands in the migrations only: to name it here would import
# that dialect, a tenth of what the store takes to import
metadata = MetaData()

# as large as numbers get; SQLite counts by itself only in a column of this very type
_NUMBER = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware datetime in UTC, kept without its zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is stored."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was meant."""
        return None if value is None else value.replace(tzinfo=UTC)


class Word(TypeDecorator[StrEnum]):
    """A member of an enumeration, kept as its text."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__(length=20)
        self.kind = kind

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        """Return what is stored."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        """Return what was meant."""
        return None if value is None else self.kind(value)


class Part(TypeDecorator[Any]):
    """A record inside a record, or a tuple of them, kept as JSON."""

    impl = JSON
    cache_ok = True

    def __init__(self, kind: type, *, many: bool = False, sparse: bool = False) -> None:
        super().__init__(none_as_null=True)
        self.kind = kind
        self.many = many
        self.sparse = sparse

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return what is stored."""
        if value is None:
            return None
        if self.sparse:
            return _sparse(value)
        return [_plain(item) for item in value] if self.many else _plain(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return what was meant."""
        if value is None:
            return None
        return tuple(map(self._record, value)) if self.many else self._record(value)

    def _record(self, value: Any) -> Any:
        return _record(self.kind, value) if dataclasses.is_dataclass(self.kind) else value


def _record(kind: type, value: Mapping[str, Any]) -> Any:
    return kind(
        **{name: convert(value[name]) for name, convert in _converters(kind) if name in value}
    )


_CONVERTERS: dict[type, list[tuple[str, Callable[[Any], Any]]]] = {}


def _converters(kind: type) -> list[tuple[str, Callable[[Any], Any]]]:
    """Return for each field of a record how its JSON becomes its value.

    Enumerations need that, and records in records.
    """
    if kind not in _CONVERTERS:
        hints = typing.get_type_hints(kind)
        _CONVERTERS[kind] = [
            (field.name, _converter(hints[field.name])) for field in dataclasses.fields(kind)
        ]
    return _CONVERTERS[kind]


def _converter(hint: Any) -> Callable[[Any], Any]:
    if _is_word(hint):
        return hint  # type: ignore[no-any-return]
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not (isinstance(inner, type) and dataclasses.is_dataclass(inner)):
            return tuple
        return lambda values: tuple(_record(inner, value) for value in values)
    return lambda value: value


def _is_word(hint: object) -> bool:
    return (
        isinstance(hint, type)
        and not isinstance(hint, types.GenericAlias)
        and issubclass(hint, StrEnum)
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return dict(value) if isinstance(value, Mapping) else value


def _sparse(value: Any) -> Any:
    """Return a record without what is as it is by default: an interface has little else."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _sparse(told)
            for field in dataclasses.fields(value)
            if (told := getattr(value, field.name)) != field.default
        }
    return list(map(_sparse, value)) if isinstance(value, tuple) else value


def _strings() -> Part:
    return Part(str, many=True)


tools = Table(
    "tools",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(320), nullable=False),
    Column("name", String(64), nullable=False),
    Column("source", Part(Source), nullable=False),
    Column("runtime", String(64)),
    Column("entry_point", Text),
    Column("build_arguments", Part(dict), nullable=False),
    Column("output", Word(OutputKind), nullable=False),
    Column("visibility", Word(Visibility), nullable=False),
    Column("access", _strings(), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    Index(
        "one_name_per_owner",
        "owner",
        "name",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
    ),
    Index("tools_by_name", "name"),
    Index("tools_by_age", "created_at", "id"),
    Index("tools_by_owner", "owner", "created_at", "id"),
    Index("tools_by_visibility", "visibility", "created_at", "id"),
)

# access lists once more, in their normal form, for the database to look up
tool_access = Table(
    "tool_access",
    metadata,
    Column("tool_id", ForeignKey("tools.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(320), primary_key=True),
    Index("tool_access_by_name", "name"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("tool_id", ForeignKey("tools.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("source", Part(Source), nullable=False),
    Column("engine", String(64), nullable=False),
    Column("status", Word(VersionStatus), nullable=False),
    Column("message", Text, nullable=False),
    Column("steps_done", Integer, nullable=False),
    Column("steps_total", Integer, nullable=False),
    Column("commit", String(128)),
    Column("recipe_hash", String(64)),
    Column("environment_id", String(64)),
    Column("runtime", String(64)),
    Column("entry_point", Text),
    Column("command", _strings(), nullable=False),
    Column("candidates", Part(Candidate, many=True), nullable=False),
    Column("notes", _strings(), nullable=False),
    Column("failure", Part(Failure)),
    Column("home", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("interface", Part(Interface, sparse=True)),  # last, so that no other waits for it
    Index("one_number_per_tool", "tool_id", "number", unique=True),
    Index("versions_by_status", "status"),
    Index("versions_by_environment", "environment_id"),
)

environments = Table(
    "environments",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("engine", String(64), nullable=False),
    Column("location", Text, nullable=False),
    Column("commit", String(128), nullable=False),
    Column("recipe_hash", String(64), nullable=False),
    Column("path", _strings(), nullable=False),
    Column("variables", Part(dict), nullable=False),
    Column("readable", _strings(), nullable=False),
    Column("workdir", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("number", _NUMBER, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("owner", String(320), nullable=False),
    Column("tool_id", String(32)),
    Column("tool_name", String(400), nullable=False),
    Column("version_id", String(32)),
    Column("version_number", Integer, nullable=False),
    Column("environment_id", String(64)),
    Column("arguments", _strings(), nullable=False),
    Column("command", _strings(), nullable=False),
    Column("label", Text, nullable=False),
    Column("stdin", Text),
    Column("inputs", Part(InputFile, many=True), nullable=False),
    Column("variables", Part(dict), nullable=False),
    Column("secrets", _strings(), nullable=False),
    Column("limits", Part(Limits), nullable=False),
    Column("engine", String(64), nullable=False),
    Column("isolation", String(64), nullable=False),
    Column("output", Word(OutputKind), nullable=False),
    Column("status", Word(RunStatus), nullable=False),
    Column("message", Text, nullable=False),
    Column("exit_code", Integer),
    Column("failure", Part(Failure)),
    Column("stdout", Part(StreamSize), nullable=False),
    Column("stderr", Part(StreamSize), nullable=False),
    Column("files", Part(OutputFile, many=True), nullable=False),
    Column("access", _strings(), nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("home", String(64), nullable=False),
    Column("stored_at", Text, nullable=False),
    Column("cut", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Index("runs_by_owner", "owner", "number"),
    Index("runs_by_tool", "owner", "tool_name", "number"),
    Index("runs_by_status", "owner", "status", "number"),
    Index("runs_by_age", "owner", "created_at"),
    Index("runs_of_all_by_tool", "tool_name", "number"),
    Index("runs_of_all_by_status", "status", "number"),
    Index("runs_open", "status", sqlite_where=text("finished_at IS NULL")),
    sqlite_autoincrement=True,  # a number is never given twice
)

run_access = Table(
    "run_access",
    metadata,
    Column("run_number", ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True),
    Column("name", String(320), primary_key=True),
    Index("run_access_by_name", "name", "run_number"),
)

links = Table(
    "links",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run_number", ForeignKey("runs.number", ondelete="CASCADE"), nullable=False),
    Column("owner", String(320), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Index("links_by_run", "run_number"),
)

users = Table(
    "users",
    metadata,
    Column("name", String(320), primary_key=True),
    Column("display_name", String(320), nullable=False),
    Column("email", String(320)),
    Column("groups", _strings(), nullable=False),
    Column("last_seen_at", Moment, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("id", _NUMBER, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("kind", Word(ChangeKind), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("tool_id", String(32)),
    Column("action", String(20), nullable=False),
    Column("owner", String(320), nullable=False),
    Column("seen_by", _strings(), nullable=False),
    sqlite_autoincrement=True,  # listeners resume after the last one that they saw
)
