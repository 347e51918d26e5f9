"""What each route does: thin functions over a client, run in threads by the handlers."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .. import access, arguments, notebook_cells
from ..build import sources
from ..errors import ForbiddenError, InvalidValueError, NotFoundError, StaleError
from ..file_names import harmless_name
from ..notebook_cells import CellRun
from ..records import Page, Run, SourceKind, Tool, User, Version
from ..requests import NewLink, ReadArguments, Removal, ToolDetail, Usage
from ..wire import Cell, CellRequest, Created, Links, to_json
from .answers import Health, Me, OutputFiles
from .calls import Archive, Call, Content, Tagged

if TYPE_CHECKING:
    from ..requests import StreamName

_MOST_EXPORTED = 100
_OCTETS = "application/octet-stream"
_ARCHIVES = {"zip": "application/zip", "tar": "application/x-tar"}


def health(call: Call) -> Health:
    """Return how the installation is."""
    return Health.of(call.installation.health())


def me(call: Call) -> Me:
    """Return who asks."""
    client = call.client
    principal = client.principal
    return Me(
        name=principal.name,
        groups=tuple(sorted(principal.groups)),
        is_admin=principal.is_admin,
        email=principal.email,
        describe=dict(client.describe()),
    )


def usage(call: Call) -> Usage:
    """Return what one may use, and uses now."""
    return call.client.usage()


def users(call: Call) -> Page[User]:
    """Return users whose name begins with a text."""
    return Page(items=call.client.users(call.query.text, limit=call.query.limit))


# tools


def list_tools(call: Call) -> Page[ToolDetail]:
    """Return what one may see."""
    query = call.query
    return call.client.tools(
        text=query.text, scope=query.scope, limit=query.limit, cursor=query.cursor
    )


def create_tool(call: Call) -> Created:
    """Make a tool and start its first build."""
    source = sources.parse(call.body.source, ref=call.body.ref).source
    is_local = source.kind is SourceKind.FOLDER or source.location.startswith("file:")
    if is_local and not call.takes_local_sources:
        raise InvalidValueError(
            "Folders of the server's machine cannot become tools here.",
            "Give a git link (https://…), pypi:NAME or npm:NAME.",
            code="source_local",
        )
    tool, version = call.client.create(call.body)
    return Created(tool=tool, version=version)


def look_up_tool(call: Call) -> ToolDetail:
    """Return a tool by any of its names."""
    return call.client.tool(call.query.tool)


def get_tool(call: Call) -> Tagged:
    """Return a tool by owner and name."""
    detail = call.client.tool(_tool_name(call))
    return Tagged(value=detail, etag=_state_of(detail.tool))


def update_tool(call: Call) -> Tagged:
    """Change a tool's settings, if it is in the state that is meant."""
    name = _tool_name(call)

    def check(tool: Tool) -> None:
        meant = call.if_match
        if meant and "*" not in meant and _state_of(tool) not in meant:
            raise StaleError(
                f"{name} has been changed meanwhile.", "Look at it again, and change it then."
            )

    tools = call.installation.tools
    tool = tools.update(call.client.principal, name, call.body, check=check)
    return Tagged(value=tool, etag=_state_of(tool))


def delete_tool(call: Call) -> Tool:
    """Delete a tool."""
    return call.client.delete(_tool_name(call))


def transfer_tool(call: Call) -> Tool:
    """Hand a tool over."""
    return call.client.transfer(_tool_name(call), call.body.to)


def build_tool(call: Call) -> Version:
    """Start a new version."""
    body = call.body
    return call.client.build(_tool_name(call), ref=body.ref, force=body.force, engine=body.engine)


def pull_tool(call: Call) -> Version:
    """Fetch what a version needs."""
    number = call.query.version
    return call.client.pull(_tool_name(call) + ("" if number is None else f"@{number}"))


# versions


def get_version(call: Call) -> Version:
    """Return a version with what it can be given."""
    return call.installation.builds.described(call.client.principal, call.path["version"])


def found_version(call: Call) -> Version:
    """Return a version as it is listed."""
    return call.installation.builds.get(call.client.principal, call.path["version"])


def cancel_build(call: Call) -> Version:
    """Stop a build."""
    return call.client.cancel_build(call.path["version"])


def build_log(call: Call) -> Content:
    """Return the log of a build."""
    version = found_version(call)
    file = call.installation.builds.open_log(version)
    size = file.seek(0, os.SEEK_END)
    return Content(
        file=file,
        size_bytes=size,
        name=f"build-{version.number}.log",
        media_type="text/plain; charset=utf-8",
        etag=f'"{version.id}-{size}"',
    )


# runs


def read_arguments(call: Call) -> ReadArguments:
    """Return how arguments or a form are read."""
    body = call.body
    if (body.arguments is None) == (body.form is None):
        raise InvalidValueError(
            "Either arguments or a form are read.", "Send one of them, and not the other."
        )
    given = body.form if body.arguments is None else body.arguments
    return call.client.read_arguments(given, version_id=body.version)


def list_runs(call: Call) -> Page[Run]:
    """Return runs, newest first."""
    page = call.client.runs(call.query)
    seen = [access.run_as_seen(call.client.principal, run) for run in page.items]
    return Page(items=seen, next_cursor=page.next_cursor)


def start_run(call: Call) -> Run:
    """Start a run."""
    return call.client.run(call.body.new_run())


def rerun(call: Call) -> Run:
    """Start a run again."""
    return call.client.rerun(_number(call), call.body and call.body.new_run())


def run_cell(call: Call) -> Cell:
    """Return the cell that runs a run again, on the version it had."""
    client = call.client
    run = call.installation.runs.with_inputs(client.principal, _number(call))
    tool = call.installation.runs.name_now(client.principal, run)
    usual, limits = client.default_limits, run.limits
    cell = CellRun(
        tool=f"{_as_called(call, tool)}@{run.version_number}",
        arguments=run.arguments,
        inputs_of=run.number if run.inputs or run.stdin else None,
        variables=run.variables,
        secrets=run.secrets,
        timeout_s=limits.timeout_s if limits.timeout_s < usual.timeout_s else None,
        memory_bytes=limits.memory_bytes if limits.memory_bytes < usual.memory_bytes else None,
        network=None if limits.network else False,
        label=run.label,
    )
    try:
        return Cell(source=notebook_cells.run_cell(cell))
    except InvalidValueError:
        return Cell(source=notebook_cells.rerun_cell(run.number, run.secrets))


def make_cell(call: Call) -> Cell:
    """Return the cell that runs a tool, with what it is to be given."""
    asked: CellRequest = call.body
    tool, at, version = asked.tool.partition("@")
    found = call.client.tool(tool).tool
    if asked.inputs_of is not None:
        call.installation.runs.with_inputs(call.client.principal, asked.inputs_of)
    stdin_file = asked.stdin_file
    cell = CellRun(
        tool=_as_called(call, found.full_name) + at + version,
        arguments=arguments.from_value(asked.arguments),
        inputs=[notebook_cells.relative(path, asked.notebook) for path in asked.inputs],
        inputs_of=asked.inputs_of,
        stdin=asked.stdin,
        stdin_file=stdin_file and notebook_cells.relative(stdin_file, asked.notebook),
        variables=asked.variables,
        secrets=asked.secrets,
        timeout_s=asked.timeout_s,
        memory_bytes=asked.memory_bytes,
        network=asked.network,
        engine=asked.engine,
        label=asked.label,
    )
    return Cell(source=notebook_cells.run_cell(cell))


def _as_called(call: Call, tool: str) -> str:
    """Return what who asks calls a tool."""
    return tool.removeprefix(f"{call.client.principal.name}/")


def import_run(call: Call) -> Run:
    """Keep an exported run."""
    sent = call.body
    if len(sent.inputs) != 1:
        raise InvalidValueError("One archive is imported at a time.", "Send it as the one input.")
    return call.client.import_run(sent.inputs[0], tool=sent.request.tool)


def get_run(call: Call) -> Run:
    """Return a run, as who asks may see it."""
    return access.run_as_seen(call.client.principal, found_run(call))


def found_run(call: Call) -> Run:
    """Return a run as it is recorded."""
    return call.client.get_run(_number(call))


def update_run(call: Call) -> Run:
    """Change what is noted of a run."""
    return call.client.update_run(_number(call), call.body)


def delete_run(call: Call) -> None:
    """Delete a run."""
    call.client.delete_run(_number(call))


def cancel_run(call: Call) -> Run:
    """Stop a run."""
    return call.client.cancel(_number(call))


def run_stdout(call: Call) -> Content:
    """Return what is kept of standard output."""
    return _stream(call, found_run(call), "stdout")


def run_stderr(call: Call) -> Content:
    """Return what is kept of standard error."""
    return _stream(call, found_run(call), "stderr")


def run_files(call: Call) -> OutputFiles:
    """Return the output files of a run."""
    run = found_run(call)
    if run.status.is_final:
        return OutputFiles(items=run.files)
    return OutputFiles(items=call.installation.outputs.files_now(run))


def run_file(call: Call) -> Content:
    """Return an output file."""
    return _file(call, found_run(call))


def run_input(call: Call) -> Content:
    """Return an input file."""
    path = call.path["path"]
    return _given(call.client.input_path(_number(call), path), path)


def run_stdin(call: Call) -> Content:
    """Return what standard input was."""
    return _given(call.client.stdin_path(_number(call)), f"run-{call.path['number']}-stdin")


def export_all(call: Call) -> Content:
    """Return several runs and tools as one document."""
    subjects = [word for word in map(str.strip, call.query.subjects.split(",")) if word]
    if not 1 <= len(subjects) <= _MOST_EXPORTED:
        raise InvalidValueError(
            f"{len(subjects)} runs and tools cannot be exported at once.",
            f"Name 1 to {_MOST_EXPORTED}, as subjects=12,13,TOOL.",
        )
    runs = dict.fromkeys(int(word[:19]) for word in subjects if word.isdecimal())
    tools = dict.fromkeys(word for word in subjects if not word.isdecimal())
    return _export(call, runs=tuple(runs), tools=tuple(tools))


def export_run(call: Call) -> Content:
    """Return a run as a document."""
    return _export(call, runs=(_number(call),))


def export_tool(call: Call) -> Content:
    """Return a tool as a document."""
    return _export(call, tools=(_tool_name(call),))


def run_archive(call: Call) -> Archive:
    """Return all output as one file."""
    return _archive(call, found_run(call))


# links


def create_link(call: Call) -> NewLink:
    """Make a link."""
    return call.client.create_link(_number(call), expires_in_s=call.body.expires_in_s)


def list_links(call: Call) -> Links:
    """Return the links to a run."""
    return Links(items=tuple(call.client.links(_number(call))))


def revoke_link(call: Call) -> None:
    """Make a link good for nothing."""
    call.client.revoke_link(call.path["link"])


def shared_run(call: Call) -> Run:
    """Return the run of a link, without whom else it is shared with."""
    try:
        run = call.installation.sharing.run_of_link(call.path["token"])
    except NotFoundError:
        # nobody can tell why
        raise NotFoundError(
            "This link leads nowhere.", "It may have expired: ask for another one."
        ) from None
    return access.run_as_seen(None, run)


def shared_stdout(call: Call) -> Content:
    """Return standard output of the run of a link."""
    return _stream(call, shared_run(call), "stdout")


def shared_stderr(call: Call) -> Content:
    """Return standard error of the run of a link."""
    return _stream(call, shared_run(call), "stderr")


def shared_file(call: Call) -> Content:
    """Return an output file of the run of a link."""
    return _file(call, shared_run(call))


def shared_archive(call: Call) -> Archive:
    """Return all output of the run of a link as one file."""
    return _archive(call, shared_run(call))


# the installation


def collect_garbage(call: Call) -> Page[Removal]:
    """Remove what nothing uses."""
    if not call.is_personal and not access.may_administer(call.client.principal):
        raise ForbiddenError("Only administrators clean up here.", "Ask one of them.")
    return Page(items=call.client.collect_garbage(dry_run=call.query.dry_run))


def _tool_name(call: Call) -> str:
    return f"{call.path['owner']}/{call.path['name']}"


def _number(call: Call) -> int:
    text = call.path["number"]
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise NotFoundError(f"There is no run {text}.", "`%tooi runs` lists yours.")
    return int(text)


def _state_of(tool: Tool) -> str:
    return f'"{hashlib.sha256(to_json(Tool, tool)).hexdigest()[:32]}"'


def _stream(call: Call, run: Run, name: StreamName) -> Content:
    file = call.installation.outputs.open_stream(run, name)
    size = file.seek(0, os.SEEK_END)
    return Content(
        file=file,
        size_bytes=size,
        name=f"run-{run.number}-{name}.txt",
        media_type=_OCTETS,
        # it only ever grows
        etag=f'"{run.id}-{name}-{size}"',
    )


def _file(call: Call, run: Run) -> Content:
    path = call.path["path"]
    outputs = call.installation.outputs
    if run.status.is_final:
        file = outputs.open_file(run, path)
    elif any(given.path == path for given in run.inputs):
        raise NotFoundError(f"{path!r} is no output of run {run.number} yet.", "Wait for its end.")
    else:
        file = outputs.open_file_now(run, path)
    listed = next((one for one in run.files if one.path == path), None)
    digest = listed.sha256 if listed is not None else None
    return Content(
        file=file,
        size_bytes=file.seek(0, os.SEEK_END),
        name=harmless_name(PurePosixPath(path).name),
        media_type=(listed.media_type if listed is not None else None) or _OCTETS,
        etag=f'"{digest}"' if digest else "",
    )


def _given(path: Path, name: str) -> Content:
    file = path.open("rb")
    return Content(
        file=file,
        size_bytes=file.seek(0, os.SEEK_END),
        name=harmless_name(PurePosixPath(name).name),
        media_type=_OCTETS,
    )


def _export(call: Call, *, runs: Sequence[int] = (), tools: Sequence[str] = ()) -> Content:
    from .. import export

    query = call.query
    wish = export.Wish(
        runs=runs,
        tools=tools,
        with_name=query.with_name,
        with_all_files=query.with_all_files,
    )
    with call.installation.config.scratch() as folder:
        written = export.write(call.client, wish, query.format, Path(folder), alone=True)
        file = written.file.open("rb")
    return Content(
        file=file,
        size_bytes=file.seek(0, os.SEEK_END),
        name=written.file.name,
        media_type=_OCTETS,  # it is to be saved, whatever it is
    )


def _archive(call: Call, run: Run) -> Archive:
    kind = call.query.format
    return Archive(
        chunks=call.installation.outputs.archive(run, kind),
        name=f"run-{run.number}.{kind}",
        media_type=_ARCHIVES[kind],
    )
