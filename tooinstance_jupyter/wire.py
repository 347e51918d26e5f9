"""What goes over HTTP as JSON, for the server that writes it and the client that reads it.

Records and requests are sent as they are typed; only a new run has a form of its own, since its
files travel beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from .errors import InvalidValueError
from .records import Link, Tool, Version
from .requests import Arguments, NewRun

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A `NewRun` without its files; those and long standard input are parts of the same request.

    In ``multipart/form-data`` this is the part ``run``, each input file a part ``input`` with its
    name, and standard input the part ``stdin``.
    """

    tool: str = ""
    arguments: Arguments = ()
    stdin: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float | None = None
    memory_bytes: int | None = None
    network: bool | None = None
    engine: str | None = None
    label: str = ""

    @classmethod
    def of(cls, new: NewRun) -> RunRequest:
        """Return what is sent of a new run beside its files."""
        return cls(
            tool=new.tool,
            arguments=new.arguments,
            variables=new.variables,
            secrets=new.secrets,
            timeout_s=new.timeout_s,
            memory_bytes=new.memory_bytes,
            network=new.network,
            engine=new.engine,
            label=new.label,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What is asked of a new version of a tool."""

    ref: str | None = None
    force: bool = False
    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A tool that was made, and its first version."""

    tool: Tool
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """How long a link to a run is to last (seconds); as long as is allowed by default."""

    expires_in_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links to a run, newest first."""

    items: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequest:
    """The user that a tool is handed over to."""

    to: str


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """Return what reads, writes and describes a type."""
    return TypeAdapter(kind)


def to_json(kind: Any, value: object) -> bytes:
    """Return a value of a type as JSON."""
    return json.dumps(adapter(kind).dump_python(value, mode="json"), allow_nan=False).encode()


def from_json(kind: type[T], text: bytes | str) -> T:
    """Return the value of a type that JSON holds, or raise `InvalidValueError`."""
    try:
        told = json.loads(text)
    except RecursionError as error:
        raise InvalidValueError("The JSON is nested too deeply.", code="json_depth") from error
    except ValueError as error:
        raise InvalidValueError(f"It is no JSON: {error}.", code="json_invalid") from error
    try:
        read: T = adapter(kind).validate_python(told)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        raise InvalidValueError(f"{place}: {first['msg']}.", code="value_invalid") from error
    return read
