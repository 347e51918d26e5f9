"""The client that works in this process, for kernels and terminals without a server.

What is shared with other clients in the process is left to `service.installation`.
"""

from __future__ import annotations

import concurrent.futures
import getpass
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ..config import TooInstance
from ..passing import Passing
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
from ..service.installation import Installation


def operating_system_user() -> Principal:
    """Return the user that this process belongs to; environment variables have no say."""
    try:
        import pwd

        return Principal(name=pwd.getpwuid(os.getuid()).pw_name)
    except (ImportError, KeyError):  # Windows, or a container without an entry for its uid
        return Principal(name=getpass.getuser() if os.name == "nt" else str(os.getuid()))


class LocalClient:
    """See `client.base.Client`; everything is done with this process's own rights.

    Parameters
    ----------
    config
        The settings.
    principal
        Who asks: the operating system's user by default.
    installation
        What does the work, if it is shared with other clients; closing a client leaves it open.
    why
        Why no server does the work, for people.
    """

    def __init__(
        self,
        config: TooInstance,
        principal: Principal | None = None,
        *,
        installation: Installation | None = None,
        why: str = "",
    ) -> None:
        self._why = why
        self._principal = principal or operating_system_user()
        self._owns_installation = installation is None
        self._installation = installation or Installation(config)
        self._config = config
        self._engines = self._installation.engines
        self._tools = self._installation.tools
        self._builds = self._installation.builds
        self._runs = self._installation.runs
        self._sharing = self._installation.sharing

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self._principal

    @property
    def default_limits(self) -> Limits:
        """What a run may use when it asks for nothing special."""
        return self._config.limits()

    def describe(self) -> Mapping[str, str]:
        """Return what serves this client, in words."""
        engine, why, hint = self._engines.choose()
        return {
            "works": "in this process, without a server" + (f": {self._why}" if self._why else ""),
            "user": self._principal.name,
            "home": str(self._config.home_path),
            "engine": f"{engine}: {why}" + (f". {hint}" if hint else ""),
            "isolation": self._engines(engine).capabilities().isolation,
        }

    def create(self, new: NewTool) -> tuple[Tool, Version]:
        """Make a tool and start its first build."""
        choice = self._engines.choose(new.engine)
        self._engines(choice.name)  # before there is a tool that nothing can build
        tool, parsed = self._tools.create(self._principal, new)
        version = self._builds.plan_from(tool, parsed, choice)
        self._installation.start_build(version, tool, parsed)
        return tool, version

    def build(
        self, tool: str, *, ref: str | None = None, force: bool = False, engine: str | None = None
    ) -> Version:
        """Start a new version of a tool."""
        owned = self._tools.owned(self._principal, tool)
        version, parsed = self._builds.plan(owned, ref=ref, engine=engine, force=force)
        self._installation.start_build(version, owned, parsed)
        return version

    def follow_build(self, version_id: str, *, offset: int = 0) -> Iterator[Version | BuildLog]:
        """Yield a version whenever its state changes, and its log."""
        return self._builds.follow(self._principal, version_id, offset=offset)

    def cancel_build(self, version_id: str) -> Version:
        """Stop a build."""
        return self._builds.cancel(self._principal, version_id)

    def build_log(self, version_id: str) -> str:
        """Return the whole log of a build."""
        return self._builds.log(self._principal, version_id)

    def tool(self, name: str) -> ToolDetail:
        """Return a tool by ``name``, ``owner/name``, or its source."""
        return self._tools.described(self._principal, name)

    def tools(
        self,
        *,
        text: str = "",
        scope: Scope = "all",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ToolDetail]:
        """List or search what one may see."""
        return self._tools.listing(
            self._principal, text=text, scope=scope, limit=limit, cursor=cursor
        )

    def update(self, name: str, changes: ToolChanges) -> Tool:
        """Change a tool's settings."""
        return self._tools.update(self._principal, name, changes)

    def delete(self, name: str) -> Tool:
        """Delete a tool; its runs stay readable."""
        return self._tools.delete(self._principal, name)

    def transfer(self, name: str, to: str) -> Tool:
        """Hand a tool over to another user."""
        return self._tools.transfer(self._principal, name, to)

    def read_arguments(
        self, arguments: Arguments | Form, *, version_id: str | None = None
    ) -> ReadArguments:
        """Return how arguments, or the fields of a form, are read."""
        return self._tools.read_arguments(self._principal, arguments, version_id=version_id)

    def run(self, new: NewRun) -> Run:
        """Start a run of a tool that is ready."""
        return self._installation.wait_for(self._runs.start(self._principal, new))

    def rerun(self, number: int, changes: NewRun | None = None) -> Run:
        """Start a run again."""
        return self._installation.wait_for(self._runs.rerun(self._principal, number, changes))

    def follow(
        self, number: int, *, stdout_offset: int = 0, stderr_offset: int = 0, passes: bool = False
    ) -> Iterator[Output | Run]:
        """Yield output as it is written, and the run whenever its state changes."""
        run = self.get_run(number)
        offsets: dict[StreamName, int] = {"stdout": stdout_offset, "stderr": stderr_offset}
        if not passes:
            yield from self._followed(run, offsets, None)
            return
        self._runs.owned(self._principal, number)
        with closing(Passing(self._runs.directory(run).path)) as passing:
            yield from self._followed(run, offsets, passing)

    def _followed(
        self, run: Run, offsets: Mapping[StreamName, int], passing: Passing | None
    ) -> Iterator[Output | Run]:
        yield run
        ended: concurrent.futures.Future[Run] | None = None
        if not run.status.is_final:
            ended = self._installation.submit(self._runs.wait(self._principal, run.number))
        yield from self._runs.follow(
            run,
            lambda seconds: ended is None or _is_done(ended, seconds),
            offsets,
            passing=passing,
        )
        if ended is not None:
            yield ended.result()

    def wait(self, number: int, timeout_s: float | None = None) -> Run:
        """Return a run once it is final, or as it stands after `timeout_s` seconds."""
        future = self._installation.submit(self._runs.wait(self._principal, number))
        if timeout_s is not None and not _is_done(future, timeout_s):
            future.cancel()
            return self.get_run(number)
        return future.result()

    def cancel(self, number: int) -> Run:
        """Stop a run with all its children."""
        return self._installation.wait_for(self._runs.cancel(self._principal, number))

    def pull(self, name: str) -> Version:
        """Fetch what a version needs to run here."""
        return self._installation.wait_for(self._runs.pull(self._principal, name))

    def runs(self, which: RunFilter) -> Page[Run]:
        """List runs, newest first."""
        if not self._installation.serves:  # a server watches them anyway
            self._installation.wait_for(self._runs.settle_all())
        return self._runs.listing(self._principal, which)

    def get_run(self, number: int) -> Run:
        """Return a run as it stands now."""
        run = self._runs.get(self._principal, number)
        return run if run.status.is_final else self._installation.wait_for(self._runs.settle(run))

    def read_output(
        self, number: int, stream: StreamName, *, offset: int = 0, size: int = -1
    ) -> bytes:
        """Return what is kept of a stream."""
        run = self._runs.get(self._principal, number)
        return self._runs.read(run, stream, offset=offset, size=size)

    def output_size(self, number: int, stream: StreamName) -> int:
        """Return how much of a stream is kept as yet (bytes)."""
        run = self._runs.get(self._principal, number)
        return self._installation.outputs.size_of_stream(run, stream)

    def read_file(self, number: int, path: str, *, size: int = -1) -> bytes:
        """Return the beginning of an output file, or all of it."""
        with self._installation.outputs.open_file(self.get_run(number), path) as file:
            return file.read(size)

    def file_path(self, number: int, path: str) -> Path:
        """Return where an output file can be read on this machine."""
        run = self.get_run(number)
        return self._installation.outputs.local_path(run, path)

    def input_path(self, number: int, path: str) -> Path:
        """Return where an input file of a run can be read on this machine."""
        return self._runs.input_path(self._principal, number, path)

    def stdin_path(self, number: int) -> Path:
        """Return where the standard input of a run can be read on this machine."""
        return self._runs.stdin_path(self._principal, number)

    def import_run(self, archive: Path, *, tool: str = "") -> Run:
        """Keep the one run of an exported archive as one's own."""
        return self._installation.imports.add(self._principal, archive, tool)

    def delete_run(self, number: int) -> None:
        """Delete a run that is final, with its output."""
        self.get_run(number)
        self._runs.delete(self._principal, number)

    def update_run(self, number: int, changes: RunChanges) -> Run:
        """Change a run's label, whom it is shared with, and whether it is kept for ever."""
        return self._sharing.update_run(self._principal, number, changes)

    def create_link(self, number: int, *, expires_in_s: float | None = None) -> NewLink:
        """Make a link by which whoever has it sees a run."""
        return self._sharing.create_link(self._principal, number, expires_in_s=expires_in_s)

    def links(self, number: int) -> Sequence[Link]:
        """Return the links to a run, newest first."""
        return self._sharing.links(self._principal, number)

    def revoke_link(self, link_id: str) -> None:
        """Make a link good for nothing."""
        self._sharing.revoke_link(self._principal, link_id)

    def link_address(self, token: str) -> str:
        """Return nothing: without a server there is no page to open."""
        return ""

    def users(self, text: str, *, limit: int = 20) -> Sequence[User]:
        """Return known users whose name or e-mail address begins with a text."""
        return self._sharing.users(text, limit)

    def usage(self) -> Usage:
        """Return what one may use, and uses now."""
        return self._installation.usage(self._principal)

    def changes(self, *, after: int | None = None) -> Iterator[Change]:
        """Yield what changes for those who may see it, after a change or from now on; endless."""
        return self._installation.changes.follow(self._principal, after=after)

    def collect_garbage(self, *, dry_run: bool) -> Sequence[Removal]:
        """Remove (or only name) environments and folders that nothing uses."""
        return self._installation.garbage.collect(dry_run=dry_run)

    def close(self) -> None:
        """Let go of what is open; runs go on, builds are waited for."""
        if self._owns_installation:
            self._installation.close()


def _is_done(future: concurrent.futures.Future[Any], seconds: float) -> bool:
    done, _ = concurrent.futures.wait([future], timeout=seconds)
    return bool(done)
