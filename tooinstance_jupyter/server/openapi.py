"""The OpenAPI 3.1 document, made from the table of routes and the types that it names."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection
from functools import cache
from http import HTTPStatus
from typing import Any, get_args

from .. import __version__
from ..records import Change, Run, Version
from ..requests import BuildLog
from ..wire import adapter
from .answers import ErrorAnswer
from .routes import ROUTES, Kind, Route

_REF = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Git links become command-line tools: make, share and run them, and keep what they give. "
    "What one may not see does not exist. Lists are read page by page: `next_cursor` asks for the "
    "next. Streams of events resume by `Last-Event-ID`."
)
_ANY = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.INSUFFICIENT_STORAGE,
    HTTPStatus.CONFLICT,
)
_OF_WRITES = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS)
# of what a run wrote: that it has gone, and that it is in another home
_OF_OUTPUT = (HTTPStatus.GONE, HTTPStatus.MISDIRECTED_REQUEST)
_OUTPUT = {
    "type": "object",
    "description": "A piece of what a run wrote, at its place (bytes) in the stream.",
    "required": ["stream", "offset", "data"],
    "properties": {
        "stream": {"enum": ["stdout", "stderr"]},
        "offset": {"type": "integer", "minimum": 0},
        "data": {"type": "string", "contentEncoding": "base64"},
    },
}
# of each event of a stream; what its `data` holds is JSON, as the description says
_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "required": ["event", "data"],
}
_EVENTS = {
    Kind.RUN_EVENTS: (
        "Events `run` (a Run) and `output` (an Output), and `problem` (a Problem) where what was "
        "written turns out not to be readable here. Their id is "
        "`<end of stdout>.<end of stderr>`, from which `Last-Event-ID` resumes. It ends after the "
        "`run` that is final."
    ),
    Kind.BUILD_EVENTS: (
        "Events `version` (a Version) and `log` (a BuildLog). Their id is the place in the log "
        "(bytes), from which `Last-Event-ID` resumes. It ends after the `version` that is final."
    ),
    Kind.CHANGES: (
        "Events `change` (a Change), with its id, from which `Last-Event-ID` resumes; `reset` "
        "where that is too long ago, after which all should be asked for anew. It never ends."
    ),
}


@cache
def document(base_url: str) -> dict[str, Any]:
    """Return the document for a server at a base URL."""
    schemas: dict[str, Any] = {"Output": _OUTPUT}
    for kind in (ErrorAnswer, Run, Version, BuildLog, Change):
        _schema(kind, "serialization", schemas)
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
        if route.kind is Kind.CONTENT:
            head = _operation(route, schemas)
            head["operationId"] = route.name.replace("get", "head", 1)
            head["responses"] = {
                code: {name: value for name, value in answer.items() if name != "content"}
                for code, answer in head["responses"].items()
            }
            paths[route.path]["head"] = head
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TooInstance",
            "version": __version__,
            "description": _DESCRIPTION,
        },
        "servers": [{"url": base_url.rstrip("/") + "/tooinstance/api"}],
        "security": [{"token": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token` and the token of the Jupyter server or hub.",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "_xsrf",
                    "description": "Jupyter's own, with the header X-XSRFToken to change things.",
                },
            },
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": _answers(route, schemas),
    }
    if route.body is not None:
        told["requestBody"] = _body(route, schemas)
    return told


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1, "maximum": 2**53}
            if name == "number"
            else {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]
    schema = adapter(route.query).json_schema()
    for name, one in schema.get("properties", {}).items():
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": _plain(one, schema.get("$defs", {})),
            }
        )
    headers = []
    if route.kind in (Kind.RUN_EVENTS, Kind.BUILD_EVENTS, Kind.CHANGES):
        headers = ["Last-Event-ID"]
    elif route.kind is Kind.CONTENT:
        headers = ["Range", "If-Range", "If-None-Match"]
    elif HTTPStatus.PRECONDITION_FAILED in route.errors:
        headers = ["If-Match"]
    found += [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in headers
    ]
    return found


def _plain(schema: dict[str, Any], kinds: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: without null, which no query can say, or references."""
    if "anyOf" in schema:
        [schema] = [one for one in schema["anyOf"] if one.get("type") != "null"]
    if "$ref" in schema:
        schema = kinds[schema["$ref"].rpartition("/")[2]]
    return {name: value for name, value in schema.items() if name not in ("title", "description")}


def _body(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    reference = _schema(route.body, "validation", schemas)
    content: dict[str, Any] = {"application/json": {"schema": reference}}
    if route.takes_files:
        octets = {"type": "string", "contentMediaType": "application/octet-stream"}
        content["multipart/form-data"] = {
            "schema": {
                "type": "object",
                "required": ["run"],
                "additionalProperties": False,
                "properties": {
                    "run": reference,
                    "input": {"type": "array", "items": octets},
                    "stdin": octets,
                },
            },
            "encoding": {"run": {"contentType": "application/json"}},
        }
    return {"required": not route.body_is_optional, "content": content}


def _answers(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    answers: dict[str, Any] = {str(int(route.status)): good}
    if route.answers is not None:
        good["content"] = {
            "application/json": {"schema": _schema(route.answers, "serialization", schemas)}
        }
        if route.name in ("getTool", "updateTool"):
            good["headers"] = {"ETag": {"schema": {"type": "string"}}}
    elif route.kind is Kind.DOCUMENT:
        good["content"] = {"application/json": {"schema": {"type": "object"}}}
    elif route.kind is Kind.CONTENT:
        octets = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
        good["description"] = "The content."
        good["content"] = octets
        answers["206"] = {"description": "A part of the content.", "content": octets}
        answers["304"] = {"description": "The content is the one that is known."}
    elif route.kind is Kind.ARCHIVE:
        good["description"] = "The archive."
        good["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    elif route.kind in _EVENTS:
        good["description"] = _EVENTS[route.kind]
        good["content"] = {"text/event-stream": {"schema": _EVENT}}
    problem = {"application/json": {"schema": {"$ref": _REF.format(model="ErrorAnswer")}}}
    errors = {*_ANY, *route.errors}
    if route.method != "GET":
        errors |= set(_OF_WRITES)
    if route.kind in _EVENTS or route.by_link:
        errors.add(HTTPStatus.TOO_MANY_REQUESTS)
    if route.kind in (Kind.CONTENT, Kind.ARCHIVE, Kind.RUN_EVENTS):
        errors |= set(_OF_OUTPUT)
    if route.body is not None:
        errors.add(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    for status in sorted(errors):
        answers[str(int(status))] = {"description": f"{status.phrase}.", "content": problem}
        if status is HTTPStatus.TOO_MANY_REQUESTS:
            answers["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return answers


def _schema(kind: Any, mode: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Add the schema of a type and of what it is made of; return a reference to it."""
    told = adapter(kind).json_schema(mode=mode, ref_template=_REF)
    kinds = told.pop("$defs", {})
    # what is sent may leave out what is always answered: the same record has two schemas
    sent = {name for name, one in kinds.items() if mode == "validation" and "properties" in one}
    schemas |= {_name(name, sent): _renamed(one, sent) for name, one in kinds.items()}
    told = _renamed(told, sent)
    if "$ref" in told:
        return {"$ref": told["$ref"]}
    name = "_".join(one.__name__ for one in (kind, *get_args(kind)))
    schemas[name] = told
    return {"$ref": _REF.format(model=name)}


def _renamed(schema: Any, sent: Collection[str]) -> Any:
    if isinstance(schema, dict):
        return {
            key: _REF.format(model=_name(value.rpartition("/")[2], sent))
            if key == "$ref"
            else _renamed(value, sent)
            for key, value in schema.items()
        }
    return [_renamed(one, sent) for one in schema] if isinstance(schema, list) else schema


def _name(title: str, sent: Collection[str]) -> str:
    """Return the name of a type as a component's, such as ``Page_Run`` of ``Page[Run]``."""
    name = re.sub(r"\W+", "_", title).strip("_")
    return f"{name}Request" if title in sent else name


if __name__ == "__main__":
    # the types alone, for the front end, which has its own words for the routes
    json.dump({**document("/"), "paths": {}}, sys.stdout)
