"""The commands about who may see what: share tools and runs, make links, keep, hand over.

Who may do that is decided by the client's other side.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from .. import display
from ..client.base import Client
from ..errors import InvalidValueError
from ..records import GROUP_PREFIX, Link, Run, Visibility, normal_address, now
from ..requests import RunChanges, ToolChanges
from ..results import RunResult
from . import inputs
from .base import Command, MimeBundle, Outcome, Parser, Ui, UsageError, run_number, text_bundle


def share(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Let people or groups see a run, or see and run a tool."""
    who = _names(args.who)
    if not who and args.visibility is None:
        raise UsageError(
            f"There is nobody to share {args.subject} with.",
            "Name users, e-mail addresses or group:NAME, or give --public for a tool.",
        )
    if _is_run(args.subject):
        if args.visibility is not None:
            raise UsageError(
                "A run is shared with people one by one, or by a link.",
                f"`%tooi link {args.subject}` makes one.",
            )
        run = client.get_run(run_number(args.subject))
        changed = client.update_run(run.number, RunChanges(access=_with(run.access, who)))
        return _of_run(client, changed, _strangers(client, who))
    tool = client.tool(args.subject).tool
    changes = ToolChanges(
        access=_with(tool.access, who) if who else None,
        visibility=None if args.visibility is None else Visibility(args.visibility),
    )
    client.update(tool.full_name, changes)
    return _of_tool(client, tool.full_name, _strangers(client, who))


def unshare(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Take people or groups off the list of those who may see a tool or a run."""
    who = _names(args.who)
    if bool(who) == args.all:
        raise UsageError(
            "Say whom to take off the list, or --all.", f"`%tooi unshare {args.subject} NAME`."
        )
    if _is_run(args.subject):
        run = client.get_run(run_number(args.subject))
        left = () if args.all else _without(run.access, who, f"Run {run.number}")
        return _of_run(client, client.update_run(run.number, RunChanges(access=left)), [])
    tool = client.tool(args.subject).tool
    left = () if args.all else _without(tool.access, who, tool.name)
    visibility = Visibility.PRIVATE if args.all else None
    client.update(tool.full_name, ToolChanges(access=left, visibility=visibility))
    return _of_tool(client, tool.full_name, [])


def link(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Make, list or revoke links by which whoever has one sees a run."""
    number = run_number(args.number)
    if args.revoke is not None:
        client.revoke_link(_link(client.links(number), args.revoke, number).id)
        return Outcome(bundle=text_bundle(f"The link {args.revoke} leads nowhere any more."))
    if args.list:
        links = client.links(number)
        return Outcome(bundle=_links_bundle(number, links), value=list(links))
    made = client.create_link(number, expires_in_s=args.expires_in_s)
    address = client.link_address(made.token)
    until = f"Whoever has it sees run {number} until {_moment(made.link.expires_at)}."
    end = f"`%tooi link {number} --revoke {made.link.id[:8]}` ends it."
    place = address or (
        f"tooinstance/shared/{made.token}, below the address of a Jupyter server that has this "
        "extension and serves the same folder; there is none here now."
    )
    if place.startswith("/"):
        place += ", at the address of this hub."
    return Outcome(
        bundle=text_bundle(
            place,
            f"{until} {end}",
            json={
                "address": address,
                "token": made.token,
                "id": made.link.id,
                "expires_at": made.link.expires_at.isoformat(),
            },
        ),
        value=address or made.token,
    )


def users(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """List those who can be named when sharing."""
    found = client.users(args.text or "", limit=100)
    lines = [
        "  ".join(
            filter(
                None,
                (
                    user.name,
                    user.display_name if user.display_name != user.name else "",
                    user.email or "",
                    " ".join(GROUP_PREFIX + group for group in user.groups),
                ),
            )
        )
        for user in found
    ]
    nobody = f"Nobody whose name begins with {args.text!r}" if args.text else "Nobody"
    return Outcome(
        bundle=text_bundle(
            *(lines or [f"{nobody} has been here yet."]),
            json={"items": [{"name": user.name, "email": user.email} for user in found]},
        ),
        value=list(found),
    )


def pin(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Keep a run for ever."""
    return _pinned(client, args, pinned=True)


def unpin(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Let a run go when its time is over."""
    return _pinned(client, args, pinned=False)


def _pinned(client: Client, args: Namespace, *, pinned: bool) -> Outcome:
    run = client.update_run(run_number(args.number), RunChanges(pinned=pinned))
    return Outcome(bundle=display.run_bundle(client, run), value=RunResult(client, run))


def transfer(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Hand a tool over to another user."""
    tool = client.tool(args.tool).tool
    question = f"Hand {tool.full_name} over to {args.user}? You cannot take it back."
    if not args.yes and not ui.confirm(question):
        return Outcome(bundle=text_bundle("Nothing was changed."))
    handed = client.transfer(tool.full_name, args.user)
    lines = [f"It is {handed.full_name} now.", *_strangers(client, [args.user])]
    return Outcome(bundle=text_bundle(*lines), value=handed)


def _is_run(subject: str) -> bool:
    return subject.lstrip("#").isdecimal()


def _names(words: Iterable[str]) -> list[str]:
    return [name.strip() for word in words for name in word.split(",") if name.strip()]


def _with(access: Sequence[str], who: Sequence[str]) -> tuple[str, ...]:
    return tuple({normal_address(entry): entry for entry in (*access, *who)}.values())


def _without(access: Sequence[str], who: Sequence[str], subject: str) -> tuple[str, ...]:
    gone = {normal_address(entry): entry for entry in who}
    listed = {normal_address(entry) for entry in access}
    missing = [entry for normal, entry in gone.items() if normal not in listed]
    if missing:
        raise InvalidValueError(
            f"{subject} is not shared with {', '.join(missing)}.",
            f"It is shared with {', '.join(access)}." if access else "It is shared with nobody.",
            code="access_invalid",
        )
    return tuple(entry for entry in access if normal_address(entry) not in gone)


def _strangers(client: Client, who: Sequence[str]) -> list[str]:
    """Return a sentence for each user that is named and has not been here."""
    return [
        f"Nobody named {entry} has been here yet; they will see it once they come."
        for entry in who
        if not entry.startswith(GROUP_PREFIX) and not _is_known(client, entry)
    ]


def _is_known(client: Client, entry: str) -> bool:
    if normal_address(entry) in client.principal.addresses:
        return True
    return any(
        normal_address(entry) in map(normal_address, filter(None, (user.name, user.email)))
        for user in client.users(entry, limit=20)
    )


def _of_run(client: Client, run: Run, notes: Sequence[str]) -> Outcome:
    shared = f"with {', '.join(run.access)}" if run.access else "with nobody"
    lines = [f"Run {run.number} of {run.tool_name} is shared {shared}.", *notes]
    bundle = _lines_bundle(lines, {"number": run.number, "access": list(run.access)})
    return Outcome(bundle=bundle, value=RunResult(client, run))


def _of_tool(client: Client, name: str, notes: Sequence[str]) -> Outcome:
    detail = client.tool(name)
    tool = detail.tool
    if tool.visibility is Visibility.PUBLIC:
        lines = [f"{tool.full_name} is there for everybody here."]
    elif tool.access:
        lines = [f"{tool.full_name} is shared with {', '.join(tool.access)}."]
    else:
        lines = [f"{tool.full_name} is shared with nobody."]
    if detail.ready is None and (tool.access or tool.visibility is Visibility.PUBLIC):
        lines.append("Others see it once a version of it is ready.")
    told = {"tool": tool.full_name, "visibility": tool.visibility, "access": list(tool.access)}
    return Outcome(bundle=_lines_bundle([*lines, *notes], told), value=detail)


def _lines_bundle(lines: Sequence[str], json: Mapping[str, object]) -> MimeBundle:
    return text_bundle(*lines, json={**json, "text": "\n".join(lines)})


def _link(links: Sequence[Link], start: str, number: int) -> Link:
    """Return the one link whose id begins with what was typed."""
    found = [item for item in links if start and item.id.startswith(start)]
    if len(found) != 1:
        raise InvalidValueError(
            f"{start!r} names {len(found) or 'no'} link{'s' if len(found) > 1 else ''} "
            f"to run {number}.",
            f"`%tooi link {number} --list` lists them.",
            code="link_unknown",
        )
    return found[0]


def _links_bundle(number: int, links: Sequence[Link]) -> MimeBundle:
    def state(item: Link) -> str:
        if item.revoked_at is not None:
            return f"revoked {_moment(item.revoked_at)}"
        word = "until" if item.expires_at > now() else "expired"
        return f"{word} {_moment(item.expires_at)}"

    lines = [
        f"{item.id[:8]}  made {_moment(item.created_at)}, {state(item)}" for item in links
    ] or [f"There are no links to run {number}."]
    items = [{"id": item.id, "state": state(item)} for item in links]
    return text_bundle(*lines, json={"run": number, "items": items})


def _moment(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M")


def _who_options(parser: Parser) -> None:
    parser.add_argument("subject", metavar="TOOL|N", help="a tool's name, or a run's number")
    parser.add_argument(
        "who", nargs="*", metavar="WHO", help="a user's name, an e-mail address, or group:NAME"
    )


def _share_options(parser: Parser) -> None:
    _who_options(parser)
    for visibility, meaning in (
        (Visibility.PUBLIC, "everybody here may run the tool"),
        (Visibility.PRIVATE, "only those on its list may run the tool"),
    ):
        parser.add_argument(
            f"--{visibility}",
            dest="visibility",
            action="store_const",
            const=visibility.value,
            help=meaning,
        )


def _unshare_options(parser: Parser) -> None:
    _who_options(parser)
    parser.add_argument("--all", action="store_true", help="everybody; a tool becomes private")


def _link_options(parser: Parser) -> None:
    parser.add_argument("number", metavar="N", help="a run's number")
    parser.add_argument(
        "--for", dest="expires_in_s", type=inputs.seconds, metavar="TIME", help="12h, 7d, 2w"
    )
    parser.add_argument("--list", action="store_true", help="the links to it")
    parser.add_argument("--revoke", metavar="ID", help="end one, by its id or the start of it")


def _users_options(parser: Parser) -> None:
    parser.add_argument("text", nargs="?", metavar="TEXT", help="how a name or address begins")


def _number_option(parser: Parser) -> None:
    parser.add_argument("number", metavar="N", help="a run's number")


def _transfer_options(parser: Parser) -> None:
    parser.add_argument("tool", metavar="TOOL", help="its name, owner/name, or its link")
    parser.add_argument("user", metavar="USER", help="who owns it then")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


COMMANDS = (
    Command(
        name="share",
        summary="Let people or groups run a tool, or see a run",
        handler=share,
        options=_share_options,
        examples=(
            "tooi share sherlock bob group:lab carol@example.org",
            "tooi share sherlock --public",
            "tooi share 12 bob",
        ),
    ),
    Command(
        name="unshare",
        summary="Take people or groups off the list of a tool or a run",
        handler=unshare,
        options=_unshare_options,
        examples=("tooi unshare sherlock bob", "tooi unshare 12 --all"),
    ),
    Command(
        name="link",
        summary="Make a link by which whoever has it sees a run, for a while",
        handler=link,
        options=_link_options,
        examples=("tooi link 12 --for 7d", "tooi link 12 --list", "tooi link 12 --revoke 3f2a"),
    ),
    Command(
        name="users",
        summary="List those who can be named when sharing",
        handler=users,
        options=_users_options,
        examples=("tooi users bo",),
    ),
    Command(
        name="pin",
        summary="Keep a run for ever",
        handler=pin,
        options=_number_option,
        examples=("tooi pin 12",),
    ),
    Command(
        name="unpin",
        summary="Let a run be deleted when its time is over",
        handler=unpin,
        options=_number_option,
        examples=("tooi unpin 12",),
    ),
    Command(
        name="transfer",
        summary="Hand a tool over to another user",
        handler=transfer,
        options=_transfer_options,
        examples=("tooi transfer sherlock bob",),
    ),
)
