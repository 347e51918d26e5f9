"""All of one installation that lives in this process: the store, the engines, the use cases.

It owns one event loop, on a thread of its own, for the engines, and a thread for each build. Who
asks is left to its callers: a client of one principal, or a server of many.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from ..build.sources import ParsedSource
from ..config import TooInstance
from ..home import home_id
from ..records import Principal, RunStatus, Tool, Version, VersionStatus
from ..requests import Usage
from ..store.repository import Store
from .builds import Builds
from .changes import Changes
from .engines import Engines
from .garbage import Garbage
from .runs import Runs
from .sharing import Sharing
from .tools import Tools

T = TypeVar("T")


class Installation:
    """The parts of an installation, made and ended together.

    Parameters
    ----------
    config
        The settings.
    serves
        Whether this process is a server: one that holds users to their shares, takes up what an
        earlier one left, and clears up. A kernel or a terminal that works in-process does not.
    """

    def __init__(self, config: TooInstance, *, serves: bool = False) -> None:
        self.config = config
        self.serves = serves
        # as root, tools are run as other users, who must find the way to their own folders
        mode = 0o711 if os.name == "posix" and os.geteuid() == 0 else 0o700
        for folder in (config.home_path, config.runs_path, config.builds_path):
            folder.mkdir(parents=True, exist_ok=True, mode=mode)
        self.home = home_id(config)
        self.store = Store(config.database_url)
        self.engines = Engines(config)
        self.tools = Tools(self.store)
        self.builds = Builds(config, self.store, self.tools, self.engines)
        self.runs = Runs(config, self.store, self.tools, self.engines)
        self.sharing = Sharing(config, self.store, self.runs)
        self.changes = Changes(self.store)
        self.garbage = Garbage(
            config,
            self.store,
            has=lambda kept: self.wait_for(self.engines(kept.engine).has(kept)),
            remove=lambda kept: self.wait_for(self.engines(kept.engine).remove(kept)),
        )
        self._threads: list[threading.Thread] = []
        self._loop = asyncio.new_event_loop()
        self._loop_thread = threading.Thread(
            target=self._loop.run_forever, name="tooinstance-loop", daemon=True
        )
        self._loop_thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Begin a coroutine on the loop of the engines."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine on the loop of the engines comes to; blocks."""
        return self.submit(coroutine).result()

    def usage(self, principal: Principal) -> Usage:
        """Return what a principal may use, and uses now."""
        runs = self.store.open_runs(principal.name)
        waiting = sum(run.status is RunStatus.QUEUED for run in runs)
        return Usage(
            limits=self.config.limits(),
            running=len(runs) - waiting,
            waiting=waiting,
            building=len(self.store.open_versions(principal.name)),
            most_running=self.config.concurrent_runs_per_user,
            most_waiting=self.config.waiting_runs_per_user,
            most_building=self.config.concurrent_builds_per_user,
        )

    def start_build(
        self,
        principal: Principal,
        version: Version,
        tool: Tool,
        parsed: ParsedSource,
        *,
        force: bool = False,
    ) -> None:
        """Begin to carry out a build that is recorded."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(
            target=self._build,
            args=(principal, version, tool, parsed),
            kwargs={"force": force},
            name=f"tooinstance-build-{version.id}",
        )
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Let go of what is open; runs go on, builds are waited for."""
        for thread in self._threads:
            thread.join()
        self.wait_for(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join()
        self._loop.close()
        self.store.close()

    def _build(
        self,
        principal: Principal,
        version: Version,
        tool: Tool,
        parsed: ParsedSource,
        *,
        force: bool,
    ) -> None:
        built = self.builds.carry_out(version, tool, parsed, force=force)
        if built.status is VersionStatus.READY:
            self.submit(self.runs.get_ready(principal, built))


async def _cancel_others() -> None:
    """End the waits that nobody waits for any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
