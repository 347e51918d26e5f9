"""The commands about tools: create, find, show, change, build and delete them.

Carrying them out is left to the client.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence

from .. import display
from ..build import sources
from ..client.base import Client
from ..display.markup import duration, size
from ..errors import BuildError, NotFoundError
from ..records import OutputKind, Tool, Version, VersionStatus, Visibility
from ..requests import NewTool, ToolChanges, ToolDetail
from . import inputs, panels
from .base import Command, Outcome, Parser, Ui, UsageError, run_number, text_bundle


def create(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Make a tool from a link, and build it; without a link, ask in a form."""
    if args.link is None:
        return _create_form(client, ui)
    new = NewTool(
        source=args.link,
        name=args.name,
        ref=args.ref,
        runtime=args.runtime,
        entry_point=args.entry_point,
        build_arguments=_assignments(args.build_arg) or {},
        output=OutputKind(args.output or "stdout"),
        visibility=Visibility(args.visibility or "private"),
        access=_names(args.access) or (),
        description=args.description or "",
        engine=args.engine,
    )
    there = _that_is_there(client, new) if args.exist_ok else None
    if there is not None:
        return Outcome(bundle=display.tool_bundle(there, viewer=client.principal), value=there)
    return _built(client, create_and_follow(client, new, ui)[0], ui)


def _that_is_there(client: Client, new: NewTool) -> ToolDetail | None:
    """Return the tool of one's own that has the name and the source of a new one, and is ready."""
    source = sources.parse(new.source, ref=new.ref).source
    name = new.name or sources.suggested_name(source)
    try:
        detail = client.tool(f"{client.principal.name}/{name}")
    except NotFoundError:
        return None
    return detail if detail.ready is not None and detail.tool.source == source else None


def _create_form(client: Client, ui: Ui) -> Outcome:
    if not ui.has_panels:
        raise UsageError(
            "There is no link to make a tool from.", "`%tooi create --help` shows what it can be."
        )
    return Outcome(
        bundle=text_bundle("%tooi create LINK   makes a tool from a link."),
        panel=lambda: panels.create_form(client),
    )


def create_and_follow(client: Client, new: NewTool, ui: Ui) -> tuple[Tool, Version]:
    """Create a tool and follow its build to a good end.

    Raises
    ------
    BuildError
        If the build failed or was cancelled; the cause comes first.
    """
    made: list[Tool] = []

    def start() -> tuple[Tool, Version]:
        tool, version = client.create(new)
        made.append(tool)
        return tool, version

    version = ui.follow_build(client, start)
    return made[0], _ready(made[0], version)


def creator(client: Client, ui: Ui) -> Callable[[NewTool], tuple[Tool, Version]]:
    """Return `create_and_follow` for one who makes several tools."""

    def create(new: NewTool) -> tuple[Tool, Version]:
        return create_and_follow(client, new, ui)

    return create


def build(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Build a tool again, of its own ref or of another."""
    tool = client.tool(args.tool).tool
    version = ui.follow_build(
        client,
        lambda: (
            tool,
            client.build(args.tool, ref=args.ref, force=args.force, engine=args.engine),
        ),
    )
    _ready(tool, version)
    return _built(client, tool, ui)


def _ready(tool: Tool, version: Version) -> Version:
    if version.status is VersionStatus.READY:
        return version
    failure = version.failure
    message = failure.message if failure else f"The build of {tool.name} is {version.status}."
    hint = failure.hint if failure else ""
    log = f"`%tooi logs {tool.name}` shows the build's log."
    raise BuildError(message, f"{hint} {log}".strip(), code=failure.code if failure else None)


def _built(client: Client, tool: Tool, ui: Ui) -> Outcome:
    detail = client.tool(tool.full_name)
    bundle = display.tool_bundle(detail, viewer=client.principal)
    return Outcome(bundle=bundle, value=detail, is_shown=ui.shows_in_place)


def pull(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Fetch what a version needs to run here."""
    version = client.pull(args.tool)
    tool = args.tool.partition("@")[0]
    text = f"{tool}@{version.number} can be run here."
    return Outcome(bundle=text_bundle(text), value=version)


def show(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Show a tool with its versions."""
    detail = client.tool(args.tool)
    return Outcome(
        bundle=display.tool_bundle(detail, viewer=client.principal),
        value=detail,
        panel=lambda: panels.tool_actions(client, detail),
    )


def ls(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """List tools."""
    page = client.tools(
        text=args.text or "", scope=args.scope or "all", limit=args.limit, cursor=args.cursor
    )
    bundle = display.tools_bundle(page, viewer=client.principal.name)
    return Outcome(bundle=bundle, value=list(page.items))


def update(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Change a tool's settings."""
    changes = ToolChanges(
        name=args.name,
        description=args.description,
        runtime=args.runtime,
        entry_point=args.entry_point,
        build_arguments=_assignments(args.build_arg),
        output=None if args.output is None else OutputKind(args.output),
        visibility=None if args.visibility is None else Visibility(args.visibility),
        access=_names(args.access),
    )
    if changes == ToolChanges():
        raise UsageError(
            f"There is nothing to change about {args.tool}.",
            "`%tooi update --help` lists what can be changed.",
        )
    detail = client.tool(client.update(args.tool, changes).full_name)
    return Outcome(bundle=display.tool_bundle(detail, viewer=client.principal), value=detail)


def rm(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Delete a tool, or a run by its number."""
    if args.subject.lstrip("#").isdecimal():
        run = client.get_run(run_number(args.subject))
        if not args.yes and not ui.confirm(f"Delete run {run.number} and all of its output?"):
            return Outcome(bundle=text_bundle("Nothing was deleted."))
        client.delete_run(run.number)
        return Outcome(bundle=text_bundle(f"Run {run.number} is deleted."))
    tool = client.tool(args.subject).tool
    question = f"Delete {tool.full_name}? Its runs stay readable."
    if not args.yes and not ui.confirm(question):
        return Outcome(bundle=text_bundle("Nothing was deleted."))
    client.delete(tool.full_name)
    return Outcome(
        bundle=text_bundle(
            f"{tool.full_name} is deleted; its runs stay readable. "
            "`%tooi gc` frees what nothing else uses."
        )
    )


def gc(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Name what nothing uses; remove it with ``--yes``."""
    removals = client.collect_garbage(dry_run=not args.yes)
    return Outcome(
        bundle=display.removals_bundle(removals, dry_run=not args.yes), value=list(removals)
    )


def status(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Say what serves the commands."""
    usage = client.usage()
    limits = usage.limits
    described = {
        **client.describe(),
        "runs": f"{_of(usage.running, usage.most_running)} under way, "
        f"{_of(usage.waiting, usage.most_waiting)} waiting",
        "builds": f"{_of(usage.building, usage.most_building)} under way",
        "limits": f"{duration(limits.timeout_s)}, {size(limits.memory_bytes)} of memory, "
        f"{limits.cpus:g} processors, {limits.processes} processes"
        + ("" if limits.network else ", no network"),
    }
    width = max(map(len, described))
    lines = [f"{name:<{width}}  {value}" for name, value in described.items()]
    return Outcome(bundle=text_bundle(*lines, json=described), value=described)


def _of(number: int, most: int) -> str:
    return f"{number} of {most}" if most else str(number)


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _assignments(words: Sequence[str] | None) -> dict[str, str] | None:
    if words is None:
        return None
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(
                f"--build-arg takes NAME=VALUE, and got {word!r}.", f"--build-arg {word}=VALUE"
            )
        found[name] = value
    return found


def _settings(parser: Parser) -> None:
    parser.add_argument("--name", help="what the tool is called")
    parser.add_argument(
        "--runtime",
        help="python, node, script, dockerfile, go, …, instead of what is found",
    )
    parser.add_argument(
        "--entry-point", metavar="COMMAND", help="which of its commands, instead of the best"
    )
    parser.add_argument(
        "--build-arg",
        action="append",
        metavar="NAME=VALUE",
        help="a value for an ARG of its Dockerfile; may be given again",
    )
    parser.add_argument(
        "--output",
        choices=[kind.value for kind in OutputKind],
        help="what its display shows first",
    )
    for visibility in Visibility:
        parser.add_argument(
            f"--{visibility}",
            dest="visibility",
            action="store_const",
            const=visibility.value,
            help="everybody here may run it"
            if visibility is Visibility.PUBLIC
            else "only those on its access list",
        )
    parser.add_argument("--access", metavar="NAME,…", help="users and groups who may run it")
    parser.add_argument("--description", metavar="TEXT", help="what it is for")


def _create_options(parser: Parser) -> None:
    parser.add_argument(
        "link",
        nargs="?",
        metavar="LINK",
        help="git link, pypi:NAME, npm:NAME, DOI, or a folder; without it, a notebook shows a form",
    )
    parser.add_argument("--ref", help="branch, tag or commit")
    _settings(parser)
    parser.add_argument("--engine", help="what builds and runs it")
    parser.add_argument(
        "--exist-ok",
        action="store_true",
        help="take the tool of this name and link if there is one already",
    )


def _update_options(parser: Parser) -> None:
    _tool_option(parser)
    _settings(parser)


def _tool_option(parser: Parser) -> None:
    parser.add_argument("tool", metavar="TOOL", help="its name, owner/name, or its link")


def _build_options(parser: Parser) -> None:
    _tool_option(parser)
    parser.add_argument("--ref", help="another branch, tag or commit")
    parser.add_argument("--force", action="store_true", help="also if that commit is built")
    parser.add_argument("--engine", help="what builds and runs it: docker or process")


def _list_options(parser: Parser) -> None:
    parser.add_argument(
        "--scope", choices=["all", "mine", "shared", "public"], help="which of them"
    )
    for scope, meaning in (
        ("mine", "your own"),
        ("shared", "those shared with you"),
        ("public", "those for everybody"),
    ):
        parser.add_argument(
            f"--{scope}", dest="scope", action="store_const", const=scope, help=meaning
        )
    parser.add_argument(
        "-n", "--limit", type=inputs.count, default=50, metavar="N", help="at most so many"
    )
    parser.add_argument("--cursor", help="the part of the list after it")


def _ls_options(parser: Parser) -> None:
    _list_options(parser)
    parser.set_defaults(text="")


def _search_options(parser: Parser) -> None:
    parser.add_argument("text", nargs="+", metavar="TEXT", help="words of name, link, description")
    _list_options(parser)


def search(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """List the tools that have some words."""
    args.text = " ".join(args.text)
    return ls(client, args, ui)


def _rm_options(parser: Parser) -> None:
    parser.add_argument("subject", metavar="TOOL|N", help="a tool's name, or a run's number")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def _gc_options(parser: Parser) -> None:
    parser.add_argument("-y", "--yes", action="store_true", help="remove it, instead of naming it")


COMMANDS = (
    Command(
        name="create",
        summary="Make a tool from a link, and build it",
        handler=create,
        options=_create_options,
        examples=(
            "tooi create https://github.com/sherlock-project/sherlock",
            "tooi create pypi:csvkit --entry-point csvstat --name csvstat",
        ),
        aliases=("new", "add"),
    ),
    Command(
        name="ls",
        summary="List the tools that you can run",
        handler=ls,
        options=_ls_options,
        examples=("tooi ls", "tooi ls --mine", "tooi ls --shared"),
        aliases=("list", "tools"),
    ),
    Command(
        name="show",
        summary="Show a tool, its versions and what can be run of it",
        handler=show,
        options=_tool_option,
        examples=("tooi show sherlock",),
    ),
    Command(
        name="search",
        summary="List the tools with some words in name, link or description",
        handler=search,
        options=_search_options,
        examples=("tooi search csv",),
        aliases=("find",),
    ),
    Command(
        name="build",
        summary="Build a new version of a tool",
        handler=build,
        options=_build_options,
        examples=("tooi build sherlock --ref v0.16.0",),
    ),
    Command(
        name="pull",
        summary="Fetch the image of a version that was built on another machine",
        handler=pull,
        options=_tool_option,
        examples=("tooi pull sherlock", "tooi pull sherlock@2"),
    ),
    Command(
        name="update",
        summary="Change a tool's name, description, output or access",
        handler=update,
        options=_update_options,
        examples=('tooi update sherlock --description "find accounts" --public',),
    ),
    Command(
        name="rm",
        summary="Delete a tool (its runs stay readable), or a run",
        handler=rm,
        options=_rm_options,
        examples=("tooi rm sherlock", "tooi rm 12 -y"),
        aliases=("delete", "remove"),
    ),
    Command(
        name="gc",
        summary="Name what nothing uses any more, and remove it with --yes",
        handler=gc,
        options=_gc_options,
        examples=("tooi gc", "tooi gc --yes"),
    ),
    Command(
        name="status",
        summary="Say what serves these commands: server, folder, engine, isolation, limits",
        handler=status,
        examples=("tooi status",),
    ),
)
