"""The routes of the API as one table, from which the handlers and the OpenAPI document are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus as Is
from typing import Any

from ..records import Page, Run, Tool, User, Version
from ..requests import (
    NewLink,
    NewTool,
    ReadArguments,
    Removal,
    RunChanges,
    ToolChanges,
    ToolDetail,
    Usage,
)
from ..wire import (
    ArgumentsRequest,
    BuildRequest,
    Cell,
    CellRequest,
    Created,
    LinkRequest,
    Links,
    RunRequest,
    TransferRequest,
)
from . import operations as do
from .answers import (
    ArchiveQuery,
    ExportQuery,
    ExportsQuery,
    GarbageQuery,
    Health,
    LookUpQuery,
    Me,
    NoQuery,
    OutputFiles,
    OutputQuery,
    PullQuery,
    RunsQuery,
    ToolsQuery,
    UsersQuery,
)
from .calls import Call


class Kind(Enum):
    """How a route answers."""

    JSON = auto()
    DOCUMENT = auto()
    CONTENT = auto()
    ARCHIVE = auto()
    RUN_EVENTS = auto()
    BUILD_EVENTS = auto()
    CHANGES = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the API.

    Parameters
    ----------
    path
        Beneath the API, with names in braces; ``{path}`` takes slashes too.
    name
        The operation's id.
    call
        What does it, in a thread; ``None`` where the handler does.
    query, body, answers
        The types of what is asked and answered.
    takes_files
        Whether the body may be a form with input files.
    body_is_optional
        Whether there may be none.
    errors
        What it may answer beside what any may.
    is_slow
        Whether it may take long, and must not hold up others.
    changes_nothing
        Whether it does not count against how much one may write, whatever its method.
    by_link
        Whether a link's token is enough, where links are public.
    """

    method: str
    path: str
    name: str
    summary: str
    call: Callable[[Call], object] | None = None
    query: type = NoQuery
    body: Any = None
    answers: Any = None
    status: Is = Is.OK
    errors: tuple[Is, ...] = ()
    kind: Kind = Kind.JSON
    takes_files: bool = False
    body_is_optional: bool = False
    is_slow: bool = False
    changes_nothing: bool = False
    by_link: bool = False


_NEW = (Is.NOT_FOUND, Is.CONFLICT, Is.SERVICE_UNAVAILABLE, Is.INSUFFICIENT_STORAGE)
_OWN = (Is.NOT_FOUND, Is.FORBIDDEN)
_TOOL = "/tools/{owner}/{name}"
_RUN = "/runs/{number}"
_SHARED = "/shared/{token}"


def _route(method: str, path: str, name: str, summary: str, **more: Any) -> Route:
    return Route(method=method, path=path, name=name, summary=summary, **more)


def _content(
    path: str,
    name: str,
    summary: str,
    call: Callable[[Call], Any],
    *,
    errors: tuple[Is, ...] = (),
    **more: Any,
) -> Route:
    return _route(
        "GET",
        path,
        name,
        summary,
        call=call,
        kind=Kind.CONTENT,
        errors=(
            Is.NOT_FOUND,
            Is.REQUESTED_RANGE_NOT_SATISFIABLE,
            Is.SERVICE_UNAVAILABLE,
            *errors,
        ),
        **more,
    )


def _export(
    path: str, name: str, what: str, call: Callable[[Call], Any], query: type = ExportQuery
) -> Route:
    return _content(
        path,
        name,
        f"{what} as a notebook, page, archive or crate",
        call,
        query=query,
        errors=(Is.CONFLICT, Is.INSUFFICIENT_STORAGE),
        is_slow=True,
    )


def _archive(path: str, name: str, call: Callable[[Call], Any], **more: Any) -> Route:
    summary = "All output files, stdout and stderr as one archive"
    return _route(
        "GET",
        path,
        name,
        summary,
        call=call,
        kind=Kind.ARCHIVE,
        query=ArchiveQuery,
        errors=(Is.NOT_FOUND, Is.SERVICE_UNAVAILABLE),
        **more,
    )


ROUTES: tuple[Route, ...] = (
    _route("GET", "/health", "getHealth", "How the server is", call=do.health, answers=Health),
    _route("GET", "/me", "getMe", "Who asks", call=do.me, answers=Me),
    _route("GET", "/usage", "getUsage", "Limits and use", call=do.usage, answers=Usage),
    _route("GET", "/openapi.json", "getOpenApi", "This document", kind=Kind.DOCUMENT),
    _route(
        "GET",
        "/users",
        "listUsers",
        "Known users, for access lists",
        call=do.users,
        query=UsersQuery,
        answers=Page[User],
    ),
    _route(
        "GET",
        "/tools",
        "listTools",
        "List or search tools",
        call=do.list_tools,
        query=ToolsQuery,
        answers=Page[ToolDetail],
    ),
    _route(
        "POST",
        "/tools",
        "createTool",
        "Make a tool and start its first build",
        call=do.create_tool,
        body=NewTool,
        answers=Created,
        status=Is.CREATED,
        errors=_NEW,
        is_slow=True,
    ),
    _route(
        "GET",
        "/lookup",
        "lookUpTool",
        "Find a tool by name, full name or source",
        call=do.look_up_tool,
        query=LookUpQuery,
        answers=ToolDetail,
        errors=(Is.NOT_FOUND, Is.CONFLICT),
    ),
    _route(
        "GET",
        _TOOL,
        "getTool",
        "A tool with its versions",
        call=do.get_tool,
        answers=ToolDetail,
        errors=(Is.NOT_FOUND,),
    ),
    _route(
        "PATCH",
        _TOOL,
        "updateTool",
        "Change a tool's settings",
        call=do.update_tool,
        body=ToolChanges,
        answers=Tool,
        errors=(*_OWN, Is.CONFLICT, Is.PRECONDITION_FAILED),
    ),
    _route(
        "DELETE",
        _TOOL,
        "deleteTool",
        "Delete a tool; its runs stay",
        call=do.delete_tool,
        answers=Tool,
        errors=_OWN,
    ),
    _route(
        "POST",
        f"{_TOOL}/transfer",
        "transferTool",
        "Hand a tool over to another user",
        call=do.transfer_tool,
        body=TransferRequest,
        answers=Tool,
        errors=(*_OWN, Is.CONFLICT),
    ),
    _route(
        "POST",
        f"{_TOOL}/versions",
        "buildTool",
        "Start a new version",
        call=do.build_tool,
        body=BuildRequest,
        answers=Version,
        status=Is.CREATED,
        errors=(*_NEW, Is.FORBIDDEN),
        is_slow=True,
    ),
    _route(
        "POST",
        f"{_TOOL}/pull",
        "pullTool",
        "Fetch what a version needs to run",
        call=do.pull_tool,
        query=PullQuery,
        answers=Version,
        errors=_NEW,
        is_slow=True,
    ),
    _route(
        "GET",
        "/versions/{version}",
        "getVersion",
        "A version",
        call=do.get_version,
        answers=Version,
        errors=(Is.NOT_FOUND,),
    ),
    _route(
        "POST",
        "/versions/{version}/cancel",
        "cancelBuild",
        "Stop a build",
        call=do.cancel_build,
        answers=Version,
        errors=(Is.NOT_FOUND,),
        is_slow=True,
    ),
    _content("/versions/{version}/log", "getBuildLog", "The log of a build", do.build_log),
    _route(
        "GET",
        "/versions/{version}/events",
        "followBuild",
        "A version's states and its log as they come",
        kind=Kind.BUILD_EVENTS,
        errors=(Is.NOT_FOUND,),
    ),
    _route(
        "POST",
        "/arguments",
        "readArguments",
        "How arguments are read, or a form of a tool's options",
        call=do.read_arguments,
        body=ArgumentsRequest,
        answers=ReadArguments,
        errors=(Is.NOT_FOUND,),
        changes_nothing=True,
    ),
    _route(
        "GET",
        "/runs",
        "listRuns",
        "List runs, newest first",
        call=do.list_runs,
        query=RunsQuery,
        answers=Page[Run],
    ),
    _route(
        "POST",
        "/runs",
        "startRun",
        "Start a run",
        call=do.start_run,
        body=RunRequest,
        takes_files=True,
        answers=Run,
        status=Is.CREATED,
        errors=(*_NEW, Is.REQUEST_TIMEOUT),
        is_slow=True,
    ),
    _route("GET", _RUN, "getRun", "A run", call=do.get_run, answers=Run, errors=(Is.NOT_FOUND,)),
    _route(
        "PATCH",
        _RUN,
        "updateRun",
        "Change a run's label, access list, or whether it is kept",
        call=do.update_run,
        body=RunChanges,
        answers=Run,
        errors=_OWN,
    ),
    _route(
        "DELETE",
        _RUN,
        "deleteRun",
        "Delete a run with its output",
        call=do.delete_run,
        status=Is.NO_CONTENT,
        errors=(*_OWN, Is.CONFLICT, Is.SERVICE_UNAVAILABLE),
        is_slow=True,
    ),
    _route(
        "POST",
        f"{_RUN}/cancel",
        "cancelRun",
        "Stop a run",
        call=do.cancel_run,
        answers=Run,
        errors=(*_OWN, Is.CONFLICT, Is.SERVICE_UNAVAILABLE),
        is_slow=True,
    ),
    _route(
        "POST",
        f"{_RUN}/rerun",
        "rerun",
        "Start a run again, with changes or without",
        call=do.rerun,
        body=RunRequest,
        takes_files=True,
        body_is_optional=True,
        answers=Run,
        status=Is.CREATED,
        errors=(*_NEW, Is.REQUEST_TIMEOUT, Is.GONE, Is.MISDIRECTED_REQUEST),
        is_slow=True,
    ),
    _route(
        "GET",
        f"{_RUN}/cell",
        "getCell",
        "The source of a notebook's cell that runs a run again",
        call=do.run_cell,
        answers=Cell,
        errors=_OWN,
    ),
    _route(
        "POST",
        "/cells",
        "makeCell",
        "The source of a notebook's cell that runs a tool",
        call=do.make_cell,
        body=CellRequest,
        answers=Cell,
        errors=_OWN,
        changes_nothing=True,
    ),
    _route(
        "POST",
        "/imports",
        "importRun",
        "Keep the run of an exported archive, which is the one input file",
        call=do.import_run,
        body=RunRequest,
        takes_files=True,
        answers=Run,
        status=Is.CREATED,
        errors=(Is.NOT_FOUND, Is.INSUFFICIENT_STORAGE, Is.REQUEST_TIMEOUT),
        is_slow=True,
    ),
    _content(f"{_RUN}/stdout", "getStdout", "Standard output of a run", do.run_stdout),
    _content(f"{_RUN}/stderr", "getStderr", "Standard error of a run", do.run_stderr),
    _route(
        "GET",
        f"{_RUN}/events",
        "followRun",
        "A run's states and its output as they come",
        kind=Kind.RUN_EVENTS,
        query=OutputQuery,
        errors=(*_OWN, Is.GONE),
    ),
    _route(
        "GET",
        f"{_RUN}/files",
        "listFiles",
        "The output files of a run",
        call=do.run_files,
        answers=OutputFiles,
        errors=(Is.NOT_FOUND, Is.MISDIRECTED_REQUEST),
    ),
    _content(f"{_RUN}/files/{{path}}", "getFile", "An output file", do.run_file),
    _content(
        f"{_RUN}/inputs/{{path}}",
        "getInput",
        "An input file, as it was before the run",
        do.run_input,
        errors=(Is.FORBIDDEN, Is.CONFLICT),
    ),
    _content(
        f"{_RUN}/stdin",
        "getStdin",
        "What a run had as standard input",
        do.run_stdin,
        errors=(Is.FORBIDDEN, Is.CONFLICT),
    ),
    _archive(f"{_RUN}/archive", "getArchive", do.run_archive),
    _export("/export", "getExports", "Runs and tools", do.export_all, ExportsQuery),
    _export(f"{_RUN}/export", "getExport", "A run", do.export_run),
    _export(f"{_TOOL}/export", "getToolExport", "A tool", do.export_tool),
    _route(
        "POST",
        f"{_RUN}/links",
        "createLink",
        "Make a link by which whoever has it sees a run",
        call=do.create_link,
        body=LinkRequest,
        answers=NewLink,
        status=Is.CREATED,
        errors=_OWN,
    ),
    _route(
        "GET",
        f"{_RUN}/links",
        "listLinks",
        "The links to a run",
        call=do.list_links,
        answers=Links,
        errors=_OWN,
    ),
    _route(
        "DELETE",
        "/links/{link}",
        "revokeLink",
        "Make a link good for nothing",
        call=do.revoke_link,
        status=Is.NO_CONTENT,
        errors=(Is.NOT_FOUND,),
    ),
    _route(
        "GET",
        _SHARED,
        "getSharedRun",
        "The run of a link",
        call=do.shared_run,
        answers=Run,
        errors=(Is.NOT_FOUND,),
        by_link=True,
    ),
    _content(
        f"{_SHARED}/stdout",
        "getSharedStdout",
        "Standard output of the run of a link",
        do.shared_stdout,
        by_link=True,
    ),
    _content(
        f"{_SHARED}/stderr",
        "getSharedStderr",
        "Standard error of the run of a link",
        do.shared_stderr,
        by_link=True,
    ),
    _content(
        f"{_SHARED}/files/{{path}}",
        "getSharedFile",
        "An output file of the run of a link",
        do.shared_file,
        by_link=True,
    ),
    _archive(f"{_SHARED}/archive", "getSharedArchive", do.shared_archive, by_link=True),
    _route(
        "GET",
        "/changes",
        "listen",
        "What changes, as it does",
        kind=Kind.CHANGES,
    ),
    _route(
        "POST",
        "/gc",
        "collectGarbage",
        "Remove what nothing uses, or name it",
        call=do.collect_garbage,
        query=GarbageQuery,
        answers=Page[Removal],
        errors=(Is.FORBIDDEN,),
        is_slow=True,
    ),
)
