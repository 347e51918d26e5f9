"""What goes over HTTP as JSON, for the server that writes it and the client that reads it.

Records and requests are sent as they are typed; only a new run has a form of its own, since its
files travel beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import InvalidValueError, MalformedError
from .records import Link, Tool, Version
from .requests import CLOSED, Arguments, Form, NewRun

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A `NewRun` without its files; those and long standard input are parts of the same request.

    In ``multipart/form-data`` this is the part ``run``, each input file a part ``input`` with its
    name, and standard input the part ``stdin``.
    """

    __pydantic_config__ = CLOSED

    tool: str = ""
    arguments: Arguments = ()
    stdin: str | None = None
    inputs_of: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float | None = None
    memory_bytes: int | None = None
    network: bool | None = None
    engine: str | None = None
    label: str = ""
    passes: bool = False

    @classmethod
    def of(cls, new: NewRun) -> RunRequest:
        """Return what is sent of a new run beside its files."""
        return cls(
            tool=new.tool,
            arguments=new.arguments,
            inputs_of=new.inputs_of,
            variables=new.variables,
            secrets=new.secrets,
            timeout_s=new.timeout_s,
            memory_bytes=new.memory_bytes,
            network=new.network,
            engine=new.engine,
            label=new.label,
            passes=new.passes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRequest:
    """What a notebook's cell is to run; see `notebook_cells.CellRun`.

    Files are named by their paths on the server, as the notebook is: ``notebook``.
    """

    __pydantic_config__ = CLOSED

    tool: str
    notebook: str = ""
    arguments: Arguments = ()
    inputs: tuple[str, ...] = ()
    inputs_of: int | None = None
    stdin: str | None = None
    stdin_file: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    timeout_s: float | None = None
    memory_bytes: int | None = None
    network: bool | None = None
    engine: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The source of a notebook's cell."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What is asked of a new version of a tool."""

    __pydantic_config__ = CLOSED

    ref: str | None = None
    force: bool = False
    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentsRequest:
    """Arguments, or a form, to be read; with the id of a version, as that one's."""

    __pydantic_config__ = CLOSED

    arguments: Arguments | None = None
    form: Form | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A tool that was made, and its first version."""

    tool: Tool
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """How long a link to a run is to last (seconds); as long as is allowed by default."""

    __pydantic_config__ = CLOSED

    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links to a run, newest first."""

    items: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """The user that a tool is handed over to."""

    __pydantic_config__ = CLOSED

    to: str


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what reads, writes and describes a type."""
    # a server starts without it
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(kind: Any, value: object) -> bytes:
    """Return a value of a type as JSON."""
    return json.dumps(adapter(kind).dump_python(value, mode="json"), allow_nan=False).encode()


def from_json(kind: type[T], text: bytes | str, *, strict: bool = False) -> T:
    """Return the value of a type that JSON holds.

    Parameters
    ----------
    strict
        Whether to take each value only as what it is (no ``"5"`` for a number), and no name twice,
        and no NUL.

    Raises
    ------
    MalformedError
        If it is no JSON, or nested too deeply.
    InvalidValueError
        If it is not of the type.
    """
    from pydantic import ValidationError

    try:
        told = json.loads(
            text,
            object_pairs_hook=_unique if strict else None,
            parse_constant=_no_number if strict else None,
        )
    except RecursionError as error:
        raise MalformedError("The JSON is nested too deeply.", code="json_depth") from error
    except ValueError as error:
        raise MalformedError(f"It is no JSON: {error}.", code="json_invalid") from error
    if strict and _has_nul(told):
        raise InvalidValueError("A text holds a NUL character.", "Leave it out.")
    try:
        read: T
        if strict:
            read = adapter(kind).validate_json(text, strict=True)  # type: ignore[arg-type]
        else:
            read = adapter(kind).validate_python(told)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            code = "json_depth" if "recursion" in first["msg"] else "json_invalid"
            raise MalformedError(f"{first['msg']}.", code=code) from error
        raise InvalidValueError(
            in_words(first["loc"], first["msg"]), code="value_invalid"
        ) from error
    return read


def in_words(place: Sequence[object], problem: str) -> str:
    """Return what is wrong with a value, and where."""
    return f"{'.'.join(map(str, place)) or 'it'}: {problem}."


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise InvalidValueError(f"The JSON has {double!r} twice.", "Say which is meant.")
    return read


def _has_nul(told: object) -> bool:
    """Tell whether a text of it has a NUL, which neither arguments nor databases can hold."""
    if isinstance(told, str):
        return "\0" in told
    if isinstance(told, dict):
        return any(map(_has_nul, (*told, *told.values())))
    return isinstance(told, list) and any(map(_has_nul, told))


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
