"""All of one installation that lives in this process: the store, the engines, the use cases.

It owns one event loop, on a thread of its own, for the engines, and a thread for each build. Who
asks is left to its callers: a client of one principal, or a server of many.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from ..build.sources import ParsedSource
from ..config import TooInstance
from ..errors import HomeUnusableError, full_disk_in_words
from ..home import home_id
from ..records import Principal, Run, RunStatus, Tool, Version
from ..requests import Usage
from ..run_directory import owner_of
from ..store.repository import Store
from .build_line import BuildLine
from .builds import Builds
from .changes import Changes
from .engines import Engines
from .environments import Environments
from .garbage import Garbage
from .health import health
from .housekeeping import keep_house
from .imports import Imports
from .launching import Launcher
from .outputs import Outputs
from .presence import Presence
from .queue import Queue, RunLine
from .recovery import recover
from .room import Room
from .runs import Runs
from .sharing import Sharing
from .tools import Tools
from .watching import Watcher

T = TypeVar("T")
_MOST_THREADS = 32


class Installation:
    """The parts of an installation, made and ended together.

    Parameters
    ----------
    config
        The settings.
    serves
        Whether this process is a server: one that holds users to their shares, takes up what an
        earlier one left, and clears up, in the background from now on. A kernel or a terminal that
        works in-process does not.
    """

    def __init__(self, config: TooInstance, *, serves: bool = False) -> None:
        self.config = config
        self.serves = serves
        self.home = _opened_home(config)
        self.store = Store(config.database_url)
        self.engines = Engines(config)
        self._environments = Environments(config, self.store, self.engines, self.home)
        self.outputs = Outputs(config, self.store, home=self.home)
        self.room = Room(config, serves=serves)
        self.changes = Changes(self.store)
        self._presence = Presence(config.home_path, serves=serves)
        self._line = RunLine(config, self.store, self.home)
        self.builds = Builds(
            config, self.store, self.engines, self.home, self._presence, self.room, serves=serves
        )
        self.tools = Tools(self.store, self.builds.admit)
        self._build_line = BuildLine(self.builds, on_ready=self._get_ready, wake=self._wake)
        self._watcher = Watcher(
            config,
            self.store,
            self.engines,
            home=self.home,
            serves=serves,
            on_final=self._ended,
        )
        self._launcher = Launcher(
            config,
            self.store,
            self.engines,
            watcher=self._watcher,
            presence=self._presence,
            line=self._line,
            environments=self._environments,
            wake=self._wake,
        )
        self.runs = Runs(
            config=config,
            store=self.store,
            tools=self.tools,
            engines=self.engines,
            environments=self._environments,
            home=self.home,
            outputs=self.outputs,
            presence=self._presence,
            room=self.room,
            watcher=self._watcher,
            launcher=self._launcher,
            line=self._line if serves else None,
            wake=self._wake,
        )
        self.imports = Imports(
            config=config,
            store=self.store,
            outputs=self.outputs,
            room=self.room,
            presence=self._presence,
            home=self.home,
            find=self.tools.find_version,
        )
        self.sharing = Sharing(config, self.store, self.runs)
        self.garbage = Garbage(
            config,
            self.store,
            home=self.home,
            has=lambda kept: self.wait_for(self.engines(kept.engine).has(kept)),
            remove=lambda kept: self.wait_for(self.engines(kept.engine).remove(kept)),
        )
        self._queue = Queue(self._launcher.begin_next, self._build_line.begin_next)
        self._closing = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(
            concurrent.futures.ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="tooinstance")
        )
        self._loop_thread = threading.Thread(
            target=self._loop.run_forever, name="tooinstance-loop", daemon=True
        )
        self._loop_thread.start()
        self._served = [self.submit(self._queue.serve()), *self._look_after()] if serves else []

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

    def health(self) -> Mapping[str, object]:
        """Return what answers, what does not, and how much there is to do; raises nothing."""
        return health(self.engines, self.room, self._line, self.builds)

    def start_build(self, version: Version, tool: Tool, parsed: ParsedSource) -> None:
        """Begin to carry out a build that is recorded: at once, or when its turn comes."""
        if self.serves:
            self._wake()
        else:
            self._build_line.begin(version, tool, parsed)

    def close(self) -> None:
        """Let go of what is open; runs go on.

        Builds are waited for, but for a server's: those stop, and the next server takes them up.
        A second call does nothing.
        """
        if self._loop.is_closed():
            return
        self._closing.set()
        self.changes.close()
        for served in self._served:
            served.cancel()
        self._build_line.close()
        self.wait_for(self._launcher.finish())
        self.wait_for(_cancel_others())
        self.wait_for(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._loop_thread.join()
        self._loop.close()
        self.outputs.close()
        self._presence.close()
        self.store.close()

    def _look_after(self) -> list[concurrent.futures.Future[None]]:
        recovery = recover(
            self.config,
            self.store,
            self.engines,
            home=self.home,
            watcher=self._watcher,
            outputs=self.outputs,
            presence=self._presence,
        )
        housekeeping = keep_house(
            self.config,
            self.store,
            self.garbage,
            is_ours=self._watcher.is_ours,
            forget=self.runs.forget,
            stopping=self._closing,
        )
        return [self.submit(recovery), self.submit(housekeeping)]

    def _wake(self) -> None:
        self._queue.wake()

    def _ended(self, run: Run) -> None:
        self.outputs.hand_over(run)
        self._wake()

    def _get_ready(self, tool: Tool, version: Version) -> None:
        self.submit(self._environments.get_ready(tool.owner, version))


def _opened_home(config: TooInstance) -> str:
    """Make the folders of a home that are missing, and return its id.

    Raises
    ------
    HomeUnusableError
        If that cannot be done.
    """
    # as root, tools are run as other users, who must find the way to their own folders
    mode = 0o711 if os.name == "posix" and os.geteuid() == 0 else 0o700
    try:
        with full_disk_in_words(config.home_path):
            for folder in (config.home_path, config.runs_path, config.builds_path):
                folder.mkdir(parents=True, exist_ok=True, mode=mode)
            return home_id(config)
    except OSError as error:
        user = owner_of(config.home_path)
        whose = f" of the UNIX user {user}" if user else ""
        raise HomeUnusableError(
            f"The home folder {config.home_path}{whose} cannot be used: {error.strerror}.",
            "Set TOOINSTANCE_HOME to a folder of your own; tools and runs are shared by a database "
            "(TooInstance.database_url), not by a folder.",
        ) from error


async def _cancel_others() -> None:
    """End the waits that nobody waits for any more."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
