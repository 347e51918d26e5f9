"""The client that works in this process, for kernels and terminals without a server.

It owns one event loop, on a thread of its own, for the engines, and a thread for each build.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import getpass
import os
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..build.sources import ParsedSource
from ..config import TooInstance
from ..errors import NotFoundError
from ..records import Limits, Page, Principal, Run, Tool, Version, VersionStatus
from ..requests import (
    BuildLog,
    NewRun,
    NewTool,
    Output,
    Removal,
    RunFilter,
    Scope,
    StreamName,
    ToolChanges,
    ToolDetail,
)
from ..service.builds import Builds
from ..service.engines import Engines
from ..service.garbage import Garbage
from ..service.runs import Runs
from ..service.tools import Tools
from ..store.repository import Store

T = TypeVar("T")


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
    """

    def __init__(self, config: TooInstance, principal: Principal | None = None) -> None:
        self._config = config
        self._principal = principal or operating_system_user()
        # as root, tools are run as other users, who must find the way to their own folders
        mode = 0o711 if os.name == "posix" and os.geteuid() == 0 else 0o700
        for folder in (config.home_path, config.runs_path, config.builds_path):
            folder.mkdir(parents=True, exist_ok=True, mode=mode)
        self._store = Store(config.database_url)
        self._engines = Engines(config)
        self._tools = Tools(self._store)
        self._builds = Builds(config, self._store, self._tools, self._engines)
        self._runs = Runs(config, self._store, self._tools, self._engines)
        self._threads: list[threading.Thread] = []
        self._loop = asyncio.new_event_loop()
        self._loop_thread = threading.Thread(
            target=self._loop.run_forever, name="tooinstance-loop", daemon=True
        )
        self._loop_thread.start()

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
        engine, why = self._engines.choose()
        return {
            "works": "in this process, without a server",
            "user": self._principal.name,
            "home": str(self._config.home_path),
            "engine": f"{engine}: {why}",
            "isolation": self._engines(engine).capabilities().isolation,
        }

    def create(self, new: NewTool) -> tuple[Tool, Version]:
        """Make a tool and start its first build."""
        tool, parsed = self._tools.create(self._principal, new)
        choice = self._engines.choose(new.engine)
        version = self._builds.plan_from(tool, parsed, choice)
        self._start_build(version, tool, parsed)
        return tool, version

    def build(
        self, tool: str, *, ref: str | None = None, force: bool = False, engine: str | None = None
    ) -> Version:
        """Start a new version of a tool."""
        owned = self._tools.owned(self._principal, tool)
        version, parsed = self._builds.plan(owned, ref=ref, engine=engine)
        self._start_build(version, owned, parsed, force=force)
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
        return self._tools.find(self._principal, name)

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

    def run(self, new: NewRun) -> Run:
        """Start a run of a tool that is ready."""
        return self._wait_for(self._runs.start(self._principal, new))

    def rerun(self, number: int, changes: NewRun | None = None) -> Run:
        """Start a run again."""
        return self._wait_for(self._runs.rerun(self._principal, number, changes))

    def follow(
        self, number: int, *, stdout_offset: int = 0, stderr_offset: int = 0
    ) -> Iterator[Output | Run]:
        """Yield output as it is written, and the run whenever its state changes."""
        run = self.get_run(number)
        yield run
        ended: concurrent.futures.Future[Run] | None = None
        if not run.status.is_final:
            ended = self._submit(self._runs.wait(self._principal, number))
        yield from self._runs.follow(
            run,
            lambda seconds: ended is None or _is_done(ended, seconds),
            {"stdout": stdout_offset, "stderr": stderr_offset},
        )
        if ended is not None:
            yield ended.result()

    def wait(self, number: int, timeout_s: float | None = None) -> Run:
        """Return a run once it is final, or as it stands after `timeout_s` seconds."""
        future = self._submit(self._runs.wait(self._principal, number))
        if timeout_s is not None and not _is_done(future, timeout_s):
            future.cancel()
            return self.get_run(number)
        return future.result()

    def cancel(self, number: int) -> Run:
        """Stop a run with all its children."""
        return self._wait_for(self._runs.cancel(self._principal, number))

    def pull(self, name: str) -> Version:
        """Fetch what a version needs to run here."""
        return self._wait_for(self._runs.pull(self._principal, name))

    def runs(self, which: RunFilter) -> Page[Run]:
        """List runs, newest first."""
        self._wait_for(self._runs.settle_all())
        return self._runs.listing(self._principal, which)

    def get_run(self, number: int) -> Run:
        """Return a run as it stands now."""
        run = self._runs.get(self._principal, number)
        return run if run.status.is_final else self._wait_for(self._runs.settle(run))

    def read_output(
        self, number: int, stream: StreamName, *, offset: int = 0, size: int = -1
    ) -> bytes:
        """Return what is kept of a stream."""
        run = self._runs.get(self._principal, number)
        return self._runs.read(run, stream, offset=offset, size=size)

    def file_path(self, number: int, path: str) -> Path:
        """Return where an output file can be read on this machine."""
        run = self.get_run(number)
        if not any(file.path == path and file.skipped is None for file in run.files):
            raise NotFoundError(f"Run {number} has no file {path!r}.", f"`%tooi files {number}`.")
        return self._runs.directory(run).output_path(path)

    def delete_run(self, number: int) -> None:
        """Delete a run that is final, with its output."""
        self.get_run(number)
        self._runs.delete(self._principal, number)

    def collect_garbage(self, *, dry_run: bool) -> Sequence[Removal]:
        """Remove (or only name) environments and folders that nothing uses."""
        garbage = Garbage(
            self._config,
            self._store,
            has=lambda kept: self._wait_for(self._engines(kept.engine).has(kept)),
            remove=lambda kept: self._wait_for(self._engines(kept.engine).remove(kept)),
        )
        return garbage.collect(dry_run=dry_run)

    def close(self) -> None:
        """Let go of what is open; runs go on, builds are waited for."""
        for thread in self._threads:
            thread.join()
        self._wait_for(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join()
        self._loop.close()
        self._store.close()

    def _build(self, version: Version, tool: Tool, parsed: ParsedSource, *, force: bool) -> None:
        built = self._builds.carry_out(version, tool, parsed, force=force)
        if built.status is VersionStatus.READY:
            self._submit(self._runs.get_ready(self._principal, built))

    def _start_build(
        self, version: Version, tool: Tool, parsed: ParsedSource, *, force: bool = False
    ) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(
            target=self._build,
            args=(version, tool, parsed),
            kwargs={"force": force},
            name=f"tooinstance-build-{version.id}",
        )
        self._threads.append(thread)
        thread.start()

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._submit(coroutine).result()


async def _cancel_others() -> None:
    """End the waits that nobody waits for any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _is_done(future: concurrent.futures.Future[Any], seconds: float) -> bool:
    done, _ = concurrent.futures.wait([future], timeout=seconds)
    return bool(done)
