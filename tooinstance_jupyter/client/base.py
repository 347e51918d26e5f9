"""The one interface that magics, widgets and the command line know.

Its forms (in-process, over HTTP) are left to the modules beside it; the rules to ``service``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

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

__all__ = [
    "Arguments",
    "BuildLog",
    "Client",
    "NewRun",
    "NewTool",
    "Output",
    "Page",
    "Removal",
    "RunFilter",
    "Scope",
    "StreamName",
    "ToolChanges",
    "ToolDetail",
]


class Client(Protocol):
    """All that a front end can ask for. Methods raise `errors.TooInstanceError`."""

    @property
    def principal(self) -> Principal:
        """Who asks."""
        ...

    @property
    def default_limits(self) -> Limits:
        """What a run may use when it asks for nothing special."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Return what serves this client: home, engine, isolation, in words."""
        ...

    def create(self, new: NewTool) -> tuple[Tool, Version]:
        """Make a tool and start its first build.

        A tool of the same name that never became ready and has the same source is taken up again.
        """
        ...

    def build(
        self, tool: str, *, ref: str | None = None, force: bool = False, engine: str | None = None
    ) -> Version:
        """Start a new version of a tool: of its own ref or another, for an engine or another."""
        ...

    def follow_build(self, version_id: str, *, offset: int = 0) -> Iterator[Version | BuildLog]:
        """Yield a version whenever its state changes, and its log; end when it is final."""
        ...

    def pull(self, name: str) -> Version:
        """Fetch what a version (``tool`` or ``tool@number``) needs to run on this machine."""
        ...

    def cancel_build(self, version_id: str) -> Version:
        """Stop a build; return once it is stopped."""
        ...

    def build_log(self, version_id: str) -> str:
        """Return the whole log of a build."""
        ...

    def tool(self, name: str) -> ToolDetail:
        """Return a tool by ``name``, ``owner/name``, or the source that it was made from."""
        ...

    def tools(
        self,
        *,
        text: str = "",
        scope: Scope = "all",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ToolDetail]:
        """List or search what one may see; details hold the newest and newest ready version."""
        ...

    def update(self, name: str, changes: ToolChanges) -> Tool:
        """Change a tool's settings; those that decide what is run take a new build to matter."""
        ...

    def delete(self, name: str) -> Tool:
        """Delete a tool; its runs stay readable."""
        ...

    def transfer(self, name: str, to: str) -> Tool:
        """Hand a tool over to another user."""
        ...

    def read_arguments(
        self, arguments: Arguments | Form, *, version_id: str | None = None
    ) -> ReadArguments:
        """Return how arguments, or the fields of a form, are read for a version or for any."""
        ...

    def run(self, new: NewRun) -> Run:
        """Start a run of a tool that is ready."""
        ...

    def rerun(self, number: int, changes: NewRun | None = None) -> Run:
        """Start a run again with its inputs and arguments, or with those of `changes`."""
        ...

    def follow(
        self, number: int, *, stdout_offset: int = 0, stderr_offset: int = 0, passes: bool = False
    ) -> Iterator[Output | Run]:
        """Yield output as it is written, and the run whenever its state changes; end when final.

        Parameters
        ----------
        stdout_offset, stderr_offset
            Where to begin in each stream (bytes).
        passes
            Whether to yield also what is beyond what is kept, of a run that was started so; the
            tool waits for it, and what is read is gone.

        Raises
        ------
        MissedError
            If that was read too late.
        """
        ...

    def wait(self, number: int, timeout_s: float | None = None) -> Run:
        """Return a run once it is final, or as it stands after `timeout_s` seconds."""
        ...

    def cancel(self, number: int) -> Run:
        """Stop a run with all its children; return once they are seen dead."""
        ...

    def runs(self, which: RunFilter) -> Page[Run]:
        """List runs, newest first."""
        ...

    def get_run(self, number: int) -> Run:
        """Return a run as it stands now."""
        ...

    def read_output(
        self, number: int, stream: StreamName, *, offset: int = 0, size: int = -1
    ) -> bytes:
        """Return what is kept of a stream, from `offset`, at most `size` bytes (-1: all)."""
        ...

    def output_size(self, number: int, stream: StreamName) -> int:
        """Return how much of a stream is kept as yet (bytes)."""
        ...

    def read_file(self, number: int, path: str, *, size: int = -1) -> bytes:
        """Return the first `size` bytes of an output file (-1: all); links are not followed."""
        ...

    def file_path(self, number: int, path: str) -> Path:
        """Return where an output file can be read on this machine; links are not followed."""
        ...

    def input_path(self, number: int, path: str) -> Path:
        """Return where an input file of a run can be read on this machine, as it was before."""
        ...

    def stdin_path(self, number: int) -> Path:
        """Return where the standard input of a run can be read on this machine."""
        ...

    def import_run(self, archive: Path, *, tool: str = "") -> Run:
        """Keep the one run of an exported archive as one's own, as a run of a version of a tool."""
        ...

    def delete_run(self, number: int) -> None:
        """Delete a run that is final, with its output."""
        ...

    def update_run(self, number: int, changes: RunChanges) -> Run:
        """Change a run's label, whom it is shared with, and whether it is kept for ever."""
        ...

    def create_link(self, number: int, *, expires_in_s: float | None = None) -> NewLink:
        """Make a link by which whoever has it sees a run; it lasts as long as allowed or less."""
        ...

    def links(self, number: int) -> Sequence[Link]:
        """Return the links to a run, newest first, expired and revoked ones too."""
        ...

    def revoke_link(self, link_id: str) -> None:
        """Make a link good for nothing."""
        ...

    def link_address(self, token: str) -> str:
        """Return the address of the page that a link's token opens; empty without a server.

        On a hub that has not been told its own address, it is the path alone.
        """
        ...

    def users(self, text: str, *, limit: int = 20) -> Sequence[User]:
        """Return known users whose name or e-mail address begins with a text."""
        ...

    def usage(self) -> Usage:
        """Return what one may use, and uses now."""
        ...

    def changes(self, *, after: int | None = None) -> Iterator[Change]:
        """Yield what changes for those who may see it, after a change or from now on; endless."""
        ...

    def collect_garbage(self, *, dry_run: bool) -> Sequence[Removal]:
        """Remove (or only name) environments and folders that nothing uses."""
        ...

    def close(self) -> None:
        """Let go of what is open; runs go on."""
        ...
