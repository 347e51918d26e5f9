"""The use cases of tools: create, find, list, change and delete them.

Building is left to ``builds``, running to ``runs``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .. import access, arguments, forms
from ..build import sources
from ..build.fetch import folder_of
from ..build.sources import ParsedSource
from ..errors import (
    ConflictError,
    ForbiddenError,
    InvalidValueError,
    NotFoundError,
    StaleError,
)
from ..records import (
    EVERYBODY,
    GROUP_PREFIX,
    Interface,
    Page,
    Principal,
    Source,
    SourceKind,
    Tool,
    Version,
    VersionStatus,
    normal_address,
    now,
)
from ..requests import (
    Arguments,
    Form,
    NewTool,
    ReadArguments,
    Scope,
    ToolChanges,
    ToolDetail,
)
from ..store.repository import Store

_TOOL_AT_VERSION = re.compile(r"(?P<name>[^@]+)(?:@(?P<number>[0-9]{1,9}))?")
_MOST_LOOKED_AT = 200
_MAX_DESCRIPTION_CHARS = 10_000
_MAX_ACCESS_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Tools:
    """Tools, as one principal after another asks for them.

    Parameters
    ----------
    admit
        Raises where no build of a user's can be taken on now, so that no new tool is made for it.
    """

    store: Store
    admit: Callable[[str], None]

    def create(self, principal: Principal, new: NewTool) -> tuple[Tool, ParsedSource]:
        """Make a tool, or take up again one of the same name and source that never became ready.

        Raises
        ------
        InvalidValueError, SourceError
            If the name or the source cannot be used.
        NameTakenError
            If the principal has another tool of that name.
        StorageError, TooManyError
            If its build cannot be taken on now.
        """
        self.admit(principal.name)
        parsed = sources.parse(new.source, ref=new.ref)
        name = sources.suggested_name(parsed.source) if new.name is None else new.name
        sources.validate_name(name)
        if parsed.source.kind is SourceKind.FOLDER:
            folder_of(parsed.source)
        tool = Tool(
            owner=principal.name,
            name=name,
            source=parsed.source,
            runtime=new.runtime or None,
            entry_point=new.entry_point or None,
            build_arguments=_build_arguments(new.build_arguments),
            output=new.output,
            visibility=new.visibility,
            access=access_list(new.access),
            description=_description(new.description),
        )
        earlier = self.store.find_tool(principal.name, name)
        if earlier is not None and self._came_to_nothing(earlier, tool.source):
            tool = dataclasses.replace(tool, id=earlier.id, created_at=earlier.created_at)
            self.store.update_tool(tool)
        else:
            self.store.add_tool(tool)
        return tool, parsed

    def find(self, principal: Principal, name: str) -> ToolDetail:
        """Return a tool by ``name``, ``owner/name`` or its source, with all its versions.

        Raises
        ------
        NotFoundError
            If there is none that the principal may see; the nearest name is suggested.
        """
        if sources.looks_like_source(name):
            wanted = sources.parse(name).source
            owned = self.store.list_tools(principal=principal, scope="mine", limit=1_000).items
            candidates = [tool for tool in owned if tool.source == wanted]
        elif "/" in name:
            owner, _, short = name.partition("/")
            found = self.store.find_tool(owner, short)
            candidates = [] if found is None else [found]
        else:
            candidates = self.store.find_tools_named(name)
        found_details = self._details(candidates)
        visible = [_as_seen(principal, d) for d in found_details if _may_see(principal, d)]
        own = [d for d in visible if d.tool.owner == principal.name] or visible
        if not own:
            raise self._no_such_tool(principal, name)
        if len(own) > 1 and not sources.looks_like_source(name):
            owners = ", ".join(sorted(d.tool.full_name for d in own))
            raise ConflictError(f"Several tools are named {name!r}.", f"Say which one: {owners}.")
        return own[0]

    def described(self, principal: Principal, name: str) -> ToolDetail:
        """Return a tool as `find` does, with what its newest version that is ready can be given."""
        detail = self.find(principal, name)
        ready = detail.ready
        if ready is None:
            return detail
        full = dataclasses.replace(ready, interface=self.store.interface_of(ready.id))
        versions = tuple(full if version is ready else version for version in detail.versions)
        return dataclasses.replace(detail, versions=versions)

    def read_arguments(
        self, principal: Principal, given: Arguments | Form, *, version_id: str | None = None
    ) -> ReadArguments:
        """Return how arguments are read, or the fields of a form, for a version or for any.

        Raises
        ------
        ArgumentsError
            If they cannot be read, or the version has no such field.
        NotFoundError
            If there is no version of that id that the principal may run.
        """
        interface = None if version_id is None else self._interface(principal, version_id)
        if isinstance(given, Form):
            argv = forms.to_argv(given, interface or Interface())
        else:
            argv = arguments.from_value(given)
        form = None if interface is None else forms.fill(argv, interface)
        return ReadArguments(argv=argv, line=arguments.join(argv), form=form)

    def find_version(
        self, principal: Principal, name: str, *, engine: str | None = None
    ) -> tuple[Tool, Version]:
        """Return a tool and the version that ``name`` or ``name@number`` runs, on an engine or any.

        Raises
        ------
        NotFoundError
            If the tool or the version does not exist for the principal.
        ConflictError
            If no version is ready, or the one asked for is not.
        """
        match = None if sources.looks_like_source(name) else _TOOL_AT_VERSION.fullmatch(name)
        detail = self.find(principal, match["name"] if match else name)
        number = int(match["number"]) if match and match["number"] else None
        if number is None:
            version = detail.ready if engine is None else detail.ready_on(engine)
        else:
            version = next((v for v in detail.versions if v.number == number), None)
            if version is None:
                numbers = ", ".join(str(v.number) for v in detail.versions) or "none"
                raise NotFoundError(
                    f"{detail.tool.name} has no version {number}.", f"It has: {numbers}."
                )
        if version is None and detail.ready is not None:
            raise _built_for_another(detail.tool.name, detail.ready, str(engine))
        if version is None or version.status is not VersionStatus.READY:
            raise _not_ready(detail, version)
        if engine not in (None, version.engine):
            raise _built_for_another(detail.tool.name, version, str(engine))
        return detail.tool, version

    def listing(
        self, principal: Principal, *, text: str, scope: Scope, limit: int, cursor: str | None
    ) -> Page[ToolDetail]:
        """List or search what a principal may see."""
        page = self.store.list_tools(
            principal=principal, text=text, scope=scope, limit=limit, cursor=cursor
        )
        details = self._details(page.items, newest=True)
        return Page(
            items=[_as_seen(principal, detail) for detail in details],
            next_cursor=page.next_cursor,
        )

    def update(
        self,
        principal: Principal,
        name: str,
        changes: ToolChanges,
        *,
        check: Callable[[Tool], None] = lambda tool: None,
    ) -> Tool:
        """Change a tool's settings; `check` raises unless it is in the state that is meant."""
        given = {
            field.name: value
            for field in dataclasses.fields(changes)
            if (value := getattr(changes, field.name)) is not None
        }
        if "name" in given:
            sources.validate_name(given["name"])
        if "description" in given:
            given["description"] = _description(given["description"])
        for found in {"runtime", "entry_point"} & given.keys():
            given[found] = given[found] or None
        if "build_arguments" in given:
            given["build_arguments"] = _build_arguments(given["build_arguments"])
        if "access" in given:
            given["access"] = access_list(given["access"])

        def changed(tool: Tool) -> Tool:
            check(tool)
            return dataclasses.replace(tool, **given, updated_at=now())

        return self._change(principal, name, changed)

    def delete(self, principal: Principal, name: str) -> Tool:
        """Delete a tool; its versions and runs stay readable."""
        return self._change(
            principal, name, lambda tool: dataclasses.replace(tool, deleted_at=now())
        )

    def transfer(self, principal: Principal, name: str, to: str) -> Tool:
        """Hand a tool over to another user; its versions go with it.

        Raises
        ------
        ForbiddenError
            Unless an administrator does: it puts code under another's name.
        NameTakenError
            If that user has a tool of the same name.
        """
        self.owned(principal, name)
        if not access.may_administer(principal):
            raise ForbiddenError(
                "Only administrators hand tools over.",
                "Share it instead; who can see it can make one of their own from its source.",
            )
        [owner] = access_list([to]) or [""]
        if not owner or owner.startswith(GROUP_PREFIX):
            raise InvalidValueError(f"{to!r} is no user's name.", "A tool belongs to one user.")
        return self._change(
            principal, name, lambda tool: dataclasses.replace(tool, owner=owner, updated_at=now())
        )

    def owned(self, principal: Principal, name: str) -> Tool:
        """Return a tool that the principal may change."""
        tool = self.find(principal, name).tool
        if not access.may_change_tool(principal, tool):
            raise ForbiddenError(
                f"You have no tool {name!r} of your own.", f"It belongs to {tool.owner}."
            )
        return tool

    def _change(self, principal: Principal, name: str, change: Callable[[Tool], Tool]) -> Tool:
        """Change a tool as it is, also where somebody else changes it at the same time."""
        while True:
            tool = self.owned(principal, name)
            changed = change(tool)
            try:
                self.store.update_tool(changed, before=tool)
            except StaleError:
                continue
            return changed

    def _details(self, tools: Sequence[Tool], *, newest: bool = False) -> list[ToolDetail]:
        versions = self.store.versions_of([tool.id for tool in tools], newest=newest)
        return [ToolDetail(tool=t, versions=tuple(versions.get(t.id, ()))) for t in tools]

    def _interface(self, principal: Principal, version_id: str) -> Interface | None:
        version = self.store.get_version(version_id)
        tool = None if version is None else self.store.get_tool(version.tool_id)
        if version is None or tool is None or not self._may_see_version(principal, tool, version):
            raise NotFoundError(f"There is no version {version_id!r}.")
        return self.store.interface_of(version_id)

    def _may_see_version(self, principal: Principal, tool: Tool, version: Version) -> bool:
        if access.may_change_tool(principal, tool):
            return True
        is_ready = version.status is VersionStatus.READY
        return is_ready and access.may_see_tool(principal, tool, is_ready=True)

    def _came_to_nothing(self, tool: Tool, source: Source) -> bool:
        ended_badly = (VersionStatus.FAILED, VersionStatus.CANCELLED)
        return tool.source.location == source.location and all(
            version.status in ended_badly for version in self.store.list_versions(tool.id)
        )

    def _no_such_tool(self, principal: Principal, name: str) -> NotFoundError:
        # no command is called as an owner's tool or a source is
        is_bare = "/" not in name and not sources.looks_like_source(name)
        holder = self._holder_of(principal, name) if is_bare else None
        if holder is not None:
            return NotFoundError(
                f"There is no tool {name!r}: it is a command of {holder.name}.",
                f"`{sources.creation_of(holder.source, name)}` makes one of it.",
            )
        near = self.store.near_names(principal, name, 1)
        hint = f"Did you mean {near[0]}?" if near else "`%tooi create LINK` makes one."
        return NotFoundError(f"There is no tool {name!r}.", hint)

    def _holder_of(self, principal: Principal, command: str) -> Tool | None:
        """Return a tool of a principal whose source has a command."""
        page = self.store.list_tools(principal=principal, scope="mine", limit=_MOST_LOOKED_AT)
        for detail in self._details(page.items, newest=True):
            for version in detail.versions:
                if any(one.entry_point == command for one in version.candidates):
                    return detail.tool
        return None


def _may_see(principal: Principal, detail: ToolDetail) -> bool:
    return access.may_see_tool(principal, detail.tool, is_ready=detail.ready is not None)


def _as_seen(principal: Principal, detail: ToolDetail) -> ToolDetail:
    """Return what a principal sees of a tool: whom else it is shared with is its owner's business.

    So is what it is built with, and what is not ready.
    """
    if access.may_change_tool(principal, detail.tool):
        return detail
    return ToolDetail(
        tool=dataclasses.replace(detail.tool, access=(), build_arguments={}),
        versions=tuple(v for v in detail.versions if v.status is VersionStatus.READY),
    )


def _built_for_another(name: str, version: Version, engine: str) -> ConflictError:
    return ConflictError(
        f"{name}@{version.number} was built for the {version.engine} engine.",
        f"`%tooi build {name} --engine {engine}` builds it for the other too.",
    )


def _not_ready(detail: ToolDetail, version: Version | None) -> ConflictError:
    name = detail.tool.name
    latest = version or (detail.versions[0] if detail.versions else None)
    if latest is None:
        return ConflictError(f"{name} has never been built.", f"`%tooi build {name}` builds it.")
    if latest.status.is_final:
        hint = f"`%tooi logs {name}` shows why; `%tooi build {name}` tries again."
    else:
        hint = f"`%tooi logs {name} -f` follows it."
    return ConflictError(
        f"{name}@{latest.number} is not ready: {latest.status} ({latest.message}).",
        hint,
        code="not_ready",
    )


def access_list(entries: Sequence[str]) -> tuple[str, ...]:
    """Return an access list without doubles: names, e-mail addresses, and ``group:NAME``.

    Raises
    ------
    InvalidValueError
        If it is too long, or an entry can name nobody.
    """
    cleaned = tuple(
        {normal_address(entry): entry.strip() for entry in entries if entry.strip()}.values()
    )
    if len(cleaned) > _MAX_ACCESS_ENTRIES or any(
        max(len(entry), len(normal_address(entry))) > 320 for entry in cleaned
    ):
        raise InvalidValueError(
            "The access list is too long.",
            f"At most {_MAX_ACCESS_ENTRIES} names of at most 320 characters; use a group.",
        )
    for entry in cleaned:
        if entry in (EVERYBODY, GROUP_PREFIX) or not entry.isprintable():
            raise InvalidValueError(
                f"{entry!r} names nobody.",
                "A user's name, an e-mail address, or group:NAME; for everybody, make it public.",
                code="access_invalid",
            )
    return cleaned


def _build_arguments(values: Mapping[str, str]) -> dict[str, str]:
    for name, value in values.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", name) or name.startswith("BUILDKIT_"):
            raise InvalidValueError(
                f"{name!r} is no name of a build argument.",
                "Letters, digits and _ make one, as in --build-arg VERSION=1.2.",
                code="build_argument_invalid",
            )
        if len(value) > _MAX_DESCRIPTION_CHARS or "\0" in value:
            raise InvalidValueError(
                f"The value of the build argument {name} cannot be used.",
                f"At most {_MAX_DESCRIPTION_CHARS:,} characters, without NUL.",
                code="build_argument_invalid",
            )
    return dict(values)


def _description(text: str) -> str:
    if len(text) > _MAX_DESCRIPTION_CHARS:
        raise InvalidValueError(
            f"The description has {len(text):,} characters.",
            f"At most {_MAX_DESCRIPTION_CHARS:,} are kept.",
        )
    return text
