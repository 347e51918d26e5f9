"""What a request asks for, read from its query and its body as the route says.

Nothing is guessed: a name that is not known, given twice or of another type is refused.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from ..errors import InvalidValueError
from ..wire import adapter, from_json

T = TypeVar("T")
_LINK = re.compile(r"(/tooinstance/(?:api/)?shared/)[^/?]+")
_JUPYTERS_OWN = frozenset({"token", "_xsrf", "no_track_activity"})


def query(kind: type[T], given: Mapping[str, Sequence[bytes]]) -> T:
    """Return the query of a request as a type.

    Raises
    ------
    InvalidValueError
        If it is not of the type.
    """
    properties = adapter(kind).json_schema().get("properties", {})  # type: ignore[arg-type]
    told: dict[str, Any] = {}
    for name, values in given.items():
        if name in _JUPYTERS_OWN:
            continue
        if name not in properties:
            raise InvalidValueError(f"There is no parameter {name[:100]!r}.", _known(properties))
        if len(values) > 1:
            raise InvalidValueError(f"The parameter {name} is given twice.", "Say which is meant.")
        told[name] = _value(name, values[0], properties[name])
    read = from_json(kind, json.dumps(told), strict=True)
    moments = {
        name: _in_utc(name, value)
        for name in told
        if isinstance(value := getattr(read, name), datetime)
    }
    return dataclasses.replace(read, **moments) if moments else read  # type: ignore[type-var]


def loggable(address: str) -> str:
    """Return what a log may hold of an address: those of links are credentials.

    Examples
    --------
    >>> loggable("/tooinstance/api/shared/abc/stdout")
    '/tooinstance/api/shared/[secret]/stdout'
    """
    return _LINK.sub(r"\1[secret]", address)


def _value(name: str, raw: bytes, schema: Mapping[str, Any]) -> str | int | bool:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidValueError(f"The parameter {name} is not in UTF-8.") from error
    kinds = {one.get("type") for one in (schema, *schema.get("anyOf", ()))}
    if "integer" in kinds:
        if not re.fullmatch(r"-?[0-9]{1,19}", text, re.ASCII):
            raise InvalidValueError(f"{name}: {text[:100]!r} is no number.")
        return int(text)
    if "boolean" in kinds:
        if text not in ("true", "false"):
            raise InvalidValueError(f"{name}: {text[:100]!r} is neither true nor false.")
        return text == "true"
    return text


def _in_utc(name: str, moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError as error:
        raise InvalidValueError(f"{name}: {moment} is out of all time.") from error


def _known(properties: Mapping[str, Any]) -> str:
    return "There are: " + ", ".join(properties) + "." if properties else "There is none."
