"""The client that asks a Jupyter server over HTTP, for kernels and terminals that have one.

How requests and streams of events travel is left to ``connection``.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from ..build import sources
from ..errors import NotFoundError, TooInstanceError
from ..records import Change, Limits, Link, Page, Principal, Run, Tool, User, Version
from ..requests import (
    Arguments,
    BuildLog,
    Form,
    NewLink,
    NewRun,
    NewTool,
    Output,
    ReadArguments,
    Removal,
    RunChanges,
    RunFilter,
    Scope,
    StreamName,
    ToolChanges,
    ToolDetail,
    Usage,
)
from ..wire import (
    ArgumentsRequest,
    BuildRequest,
    Created,
    LinkRequest,
    Links,
    TransferRequest,
    adapter,
    from_json,
)
from .connection import Connection, Position, error_told, segment, sent
from .discovery import Server
from .downloads import Downloads, address
from .uploads import body_of

_BEYOND_ALL_OUTPUT = f"{10**17}.{10**17}"


class HttpClient:
    """See `client.base.Client`; everything is done by a server, with the rights of a token's user.

    Parameters
    ----------
    server
        The server.
    ca_bundle
        A file of certificate authorities to trust; the usual ones by default.
    """

    def __init__(self, server: Server, *, ca_bundle: str = "") -> None:
        self._server = server
        self._connection = Connection(server, ca_bundle=ca_bundle)
        self._downloads = Downloads(self._connection)

    def check(self) -> None:
        """Make sure, quickly, that the server answers and lets this client in.

        Raises
        ------
        TooInstanceError
            If it does not.
        """
        self._me = json.loads(self._connection.request("GET", "me", quickly=True).content)

    @cached_property
    def _me(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = json.loads(self._get("me").content)
        return told

    @property
    def principal(self) -> Principal:
        """Who asks."""
        me = self._me
        return Principal(
            name=me["name"],
            groups=frozenset(me.get("groups") or ()),
            is_admin=bool(me.get("is_admin")),
            email=me.get("email"),
        )

    @property
    def default_limits(self) -> Limits:
        """What a run may use when it asks for nothing special."""
        return self.usage().limits

    def describe(self) -> Mapping[str, str]:
        """Return what serves this client, in words."""
        self._me = json.loads(self._get("me").content)
        told = {str(name): str(value) for name, value in self._me.get("describe", {}).items()}
        return {**told, "works": f"through the Jupyter server at {self._server}"}

    def create(self, new: NewTool) -> tuple[Tool, Version]:
        """Make a tool and start its first build."""
        body = sent(NewTool, _with_absolute_folder(new))
        created = from_json(Created, self._post("tools", body).content)
        return created.tool, created.version

    def build(
        self, tool: str, *, ref: str | None = None, force: bool = False, engine: str | None = None
    ) -> Version:
        """Start a new version of a tool."""
        body = sent(BuildRequest, BuildRequest(ref=ref, force=force, engine=engine))
        return from_json(Version, self._post(f"{self._place(tool)}/versions", body).content)

    def follow_build(self, version_id: str, *, offset: int = 0) -> Iterator[Version | BuildLog]:
        """Yield a version whenever its state changes, and its log."""
        seen: Version | None = None
        position = Position(str(offset or ""))
        for event in self._connection.events(
            f"versions/{segment(version_id)}/events",
            position,
            goes_on="The build goes on if the server does: `%tooi show TOOL` tells how it stands.",
        ):
            position.last_id = event.id or position.last_id
            if event.event == "version":
                version = from_json(Version, event.data)
                position.is_over = version.status.is_final
                if version != seen:
                    yield version
                seen = version
            elif event.event == "log":
                yield from_json(BuildLog, event.data)

    def cancel_build(self, version_id: str) -> Version:
        """Stop a build."""
        answer = self._post(f"versions/{segment(version_id)}/cancel")
        return from_json(Version, answer.content)

    def build_log(self, version_id: str) -> str:
        """Return the whole log of a build."""
        answer = self._get(f"versions/{segment(version_id)}/log")
        return answer.content.decode("utf-8", "replace")

    def tool(self, name: str) -> ToolDetail:
        """Return a tool by ``name``, ``owner/name``, or its source."""
        answer = self._get("lookup", tool=_absolute_folder(name))
        return from_json(ToolDetail, answer.content)

    def tools(
        self,
        *,
        text: str = "",
        scope: Scope = "all",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ToolDetail]:
        """List or search what one may see."""
        answer = self._get("tools", text=text, scope=scope, limit=limit, cursor=cursor)
        return from_json(Page[ToolDetail], answer.content)

    def update(self, name: str, changes: ToolChanges) -> Tool:
        """Change a tool's settings."""
        body = sent(ToolChanges, changes)
        return from_json(Tool, self._ask("PATCH", self._place(name), body).content)

    def delete(self, name: str) -> Tool:
        """Delete a tool; its runs stay readable."""
        return from_json(Tool, self._ask("DELETE", self._place(name)).content)

    def transfer(self, name: str, to: str) -> Tool:
        """Hand a tool over to another user."""
        body = sent(TransferRequest, TransferRequest(to=to))
        return from_json(Tool, self._post(f"{self._place(name)}/transfer", body).content)

    def read_arguments(
        self, arguments: Arguments | Form, *, version_id: str | None = None
    ) -> ReadArguments:
        """Return how arguments, or the fields of a form, are read."""
        if isinstance(arguments, Form):
            asked = ArgumentsRequest(form=arguments, version=version_id)
        else:
            asked = ArgumentsRequest(arguments=arguments, version=version_id)
        answer = self._post("arguments", sent(ArgumentsRequest, asked))
        return from_json(ReadArguments, answer.content)

    def run(self, new: NewRun) -> Run:
        """Start a run of a tool that is ready."""
        return self._begin("runs", new)

    def rerun(self, number: int, changes: NewRun | None = None) -> Run:
        """Start a run again."""
        return self._begin(f"runs/{number}/rerun", changes)

    def follow(
        self, number: int, *, stdout_offset: int = 0, stderr_offset: int = 0, passes: bool = False
    ) -> Iterator[Output | Run]:
        """Yield output as it is written, and the run whenever its state changes."""
        seen: Run | None = None
        places: dict[StreamName, int] = {"stdout": stdout_offset, "stderr": stderr_offset}
        position = Position(f"{stdout_offset}.{stderr_offset}")
        for event in self._connection.events(
            f"runs/{number}/events" + ("?passes=true" if passes else ""),
            position,
            goes_on=f"The run goes on without it: `%tooi logs {number} -f` shows it again.",
        ):
            if event.event == "run":
                run = from_json(Run, event.data)
                position.is_over = run.status.is_final
                if run != seen:
                    yield run
                seen = run
            elif event.event == "problem":
                raise error_told(event.data)
            elif event.event == "output":
                told = json.loads(event.data)
                stream: StreamName = told["stream"]
                data = base64.b64decode(told["data"])
                # what was sent before a connection broke may come once more
                fresh = data[max(places[stream] - told["offset"], 0) :]
                if fresh:
                    offset = told["offset"] + len(data) - len(fresh)
                    places[stream] = offset + len(fresh)
                    position.last_id = f"{places['stdout']}.{places['stderr']}"
                    yield Output(stream=stream, offset=offset, data=fresh)

    def wait(self, number: int, timeout_s: float | None = None) -> Run:
        """Return a run once it is final, or as it stands after `timeout_s` seconds."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        run = self.get_run(number)
        if run.status.is_final:
            return run
        # only its end is of interest, not what it writes
        position = Position(_BEYOND_ALL_OUTPUT)
        for event in self._connection.events(
            f"runs/{number}/events",
            position,
            until=until,
            goes_on=f"The run goes on without it: `%tooi run-show {number}` shows it again.",
        ):
            if event.event == "run":
                run = from_json(Run, event.data)
                if run.status.is_final:
                    return run
        return self.get_run(number)

    def cancel(self, number: int) -> Run:
        """Stop a run with all its children."""
        return from_json(Run, self._post(f"runs/{number}/cancel").content)

    def pull(self, name: str) -> Version:
        """Fetch what a version needs to run where the server is."""
        tool, at, number = name.rpartition("@")
        if not at or not number.isdecimal():
            tool, number = name, ""
        answer = self._connection.request(
            "POST", f"{self._place(tool)}/pull", query={"version": number or None}
        )
        return from_json(Version, answer.content)

    def runs(self, which: RunFilter) -> Page[Run]:
        """List runs, newest first."""
        told = adapter(RunFilter).dump_python(which, mode="json")
        answer = self._connection.request("GET", "runs", query=told)
        return from_json(Page[Run], answer.content)

    def get_run(self, number: int) -> Run:
        """Return a run as it stands now."""
        return from_json(Run, self._get(f"runs/{number}").content)

    def read_output(
        self, number: int, stream: StreamName, *, offset: int = 0, size: int = -1
    ) -> bytes:
        """Return what is kept of a stream."""
        return self._read(f"runs/{number}/{stream}", offset, size)

    def output_size(self, number: int, stream: StreamName) -> int:
        """Return how much of a stream is kept as yet (bytes)."""
        path = f"runs/{number}/{stream}"
        try:
            answer = self._ask("HEAD", path)
        except TooInstanceError:
            self._read(path, 0, 1)  # an answer to HEAD does not say why, this does
            raise
        return int(answer.headers.get("Content-Length", 0))

    def read_file(self, number: int, path: str, *, size: int = -1) -> bytes:
        """Return the beginning of an output file, or all of it."""
        return self._read(address(number, path), 0, size)

    def file_path(self, number: int, path: str) -> Path:
        """Return where an output file can be read on this machine, fetched there first."""
        return self._downloads.get(address(number, path), path)

    def input_path(self, number: int, path: str) -> Path:
        """Return where an input file of a run can be read on this machine, fetched there first."""
        return self._downloads.get(address(number, path, "inputs"), path)

    def stdin_path(self, number: int) -> Path:
        """Return where the standard input of a run can be read, fetched there first."""
        return self._downloads.get(f"runs/{number}/stdin", "stdin")

    def import_run(self, archive: Path, *, tool: str = "") -> Run:
        """Keep the one run of an exported archive as one's own."""
        return self._begin("imports", NewRun(tool=tool, inputs=[archive]))

    def delete_run(self, number: int) -> None:
        """Delete a run that is final, with its output."""
        self._ask("DELETE", f"runs/{number}")

    def update_run(self, number: int, changes: RunChanges) -> Run:
        """Change a run's label, whom it is shared with, and whether it is kept for ever."""
        body = sent(RunChanges, changes)
        return from_json(Run, self._ask("PATCH", f"runs/{number}", body).content)

    def create_link(self, number: int, *, expires_in_s: float | None = None) -> NewLink:
        """Make a link by which whoever has it sees a run."""
        body = sent(LinkRequest, LinkRequest(expires_in_s=expires_in_s))
        return from_json(NewLink, self._post(f"runs/{number}/links", body).content)

    def links(self, number: int) -> Sequence[Link]:
        """Return the links to a run, newest first."""
        return from_json(Links, self._get(f"runs/{number}/links").content).items

    def revoke_link(self, link_id: str) -> None:
        """Make a link good for nothing."""
        self._ask("DELETE", f"links/{segment(link_id)}")

    def link_address(self, token: str) -> str:
        """Return the address of the page that a link's token opens."""
        own = self._server.url
        prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
        if prefix and own.endswith(prefix):
            # the server's own address is good inside the hub only
            own = os.environ.get("JUPYTERHUB_PUBLIC_URL") or prefix
        return f"{own.rstrip('/')}/tooinstance/shared/{token}"

    def users(self, text: str, *, limit: int = 20) -> Sequence[User]:
        """Return known users whose name or e-mail address begins with a text."""
        return from_json(Page[User], self._get("users", text=text, limit=limit).content).items

    def usage(self) -> Usage:
        """Return what one may use, and uses now."""
        return from_json(Usage, self._get("usage").content)

    def changes(self, *, after: int | None = None) -> Iterator[Change]:
        """Yield what changes for those who may see it, after a change or from now on; endless."""
        position = Position("" if after is None else str(after))
        for event in self._connection.events(
            "changes", position, goes_on="Listen again once it is there."
        ):
            position.last_id = event.id or position.last_id
            if event.event == "change":
                yield from_json(Change, event.data)

    def collect_garbage(self, *, dry_run: bool) -> Sequence[Removal]:
        """Remove (or only name) environments and folders that nothing uses."""
        query = {"dry_run": "true" if dry_run else "false"}
        answer = self._connection.request("POST", "gc", query=query)
        return from_json(Page[Removal], answer.content).items

    def close(self) -> None:
        """Let go of what is open; runs and builds go on."""
        self._downloads.close()
        self._connection.close()

    def _get(self, path: str, **query: object) -> httpx.Response:
        return self._connection.request("GET", path, query=query)

    def _post(self, path: str, body: bytes | None = None) -> httpx.Response:
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        return self._connection.request(method, path, content=body)

    def _begin(self, path: str, new: NewRun | None) -> Run:
        if new is None:
            return from_json(Run, self._post(path).content)
        body = body_of(new)
        answer = self._connection.request("POST", path, content=body.content, headers=body.headers)
        return from_json(Run, answer.content)

    def _place(self, name: str) -> str:
        """Return the path of a tool that is named in any way."""
        tool = self.tool(name).tool
        return f"tools/{segment(tool.owner)}/{segment(tool.name)}"

    def _read(self, path: str, offset: int, size: int) -> bytes:
        if size == 0:
            return b""
        headers = {}
        if offset or size > 0:
            headers["Range"] = f"bytes={offset}-" + (str(offset + size - 1) if size > 0 else "")
        answer = self._connection.request("GET", path, headers=headers)
        if answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return b""
        if answer.status_code == HTTPStatus.PARTIAL_CONTENT or not headers:
            return answer.content
        # nothing was there to take a part of, or the whole was sent all the same
        return answer.content[offset : offset + size if size > 0 else None]


def _with_absolute_folder(new: NewTool) -> NewTool:
    return replace(new, source=_absolute_folder(new.source))


def _absolute_folder(source: str) -> str:
    """Return a source that is a folder of this process's as one that the server finds, too."""
    place, mark, fragment = source.partition("#")
    if not sources.looks_like_folder(place):
        return source
    try:
        return str(Path(place).expanduser().absolute()) + mark + fragment
    except RuntimeError as error:
        raise NotFoundError(f"{place!r}: {error}") from error
