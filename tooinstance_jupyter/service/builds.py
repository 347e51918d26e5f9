"""The use cases of versions: start a build, carry it out, follow, cancel, and clear up dead ones.

How a source becomes an environment is left to ``build``, whose turn it is to ``build_line``.
"""

from __future__ import annotations

import dataclasses
import io
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from .. import access
from ..build import sources
from ..build.builder import Builder
from ..build.maker import Order
from ..build.sources import ParsedSource
from ..config import TooInstance
from ..errors import (
    BuildCancelledError,
    ConflictError,
    EnvironmentForbiddenError,
    NotFoundError,
    OutputElsewhereError,
    OutputForbiddenError,
    OutputMissingError,
    TooInstanceError,
    full_disk_in_words,
)
from ..records import Failure, Principal, Tool, Version, VersionStatus
from ..requests import BuildLog
from ..run_directory import owner_of
from ..store.repository import Store
from . import build_ends
from .engines import Choice, Engines
from .leftovers import clear_up
from .orders import BuildOrder
from .presence import Presence
from .queue import Line
from .recording import Recorder
from .room import Room
from .shares import Shares

_logger = logging.getLogger(__name__)
_POLL_S = 0.05
_LOG_CHUNK_BYTES = 256 * 1024
_MOST_ATTEMPTS = 2
_MOST_CANCEL_S = 20.0


@dataclass(frozen=True, slots=True)
class Builds:
    """Builds, as one principal after another asks for them.

    A build is carried out by a process that holds a lock on the build's folder: others see from
    the lock whether it is still at work, and stop it by a file. Without a server it is the one that
    asked, from before the version is recorded; a server's builds wait in line, and what a server
    that was killed had begun is taken up again by the next one.
    """

    config: TooInstance
    store: Store
    engines: Engines
    home: str
    presence: Presence
    room: Room
    serves: bool
    _at_work: dict[str, FileLock] = field(default_factory=dict)
    _parsed: dict[str, ParsedSource] = field(default_factory=dict)
    _builders: dict[str, Builder] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _recording: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def admit(self, owner: str) -> None:
        """Raise where no build of an owner's can be taken on now.

        Raises
        ------
        StorageError
            If there is no room for it.
        TooManyError
            If too many of the owner's wait already.
        """
        self.room.check()
        self._place_in_line(owner)

    def plan(
        self, tool: Tool, *, ref: str | None, engine: str | None, force: bool = False
    ) -> tuple[Version, ParsedSource]:
        """Record a new version of a tool, of its own ref or another."""
        source = tool.source if ref is None else sources.at_ref(tool.source, ref)
        parsed = ParsedSource(source=source)
        earlier = self.store.list_versions(tool.id)
        choice = self.engines.choose(engine, before=earlier[0].engine if earlier else None)
        return self.plan_from(tool, parsed, choice, force=force), parsed

    def plan_from(
        self, tool: Tool, parsed: ParsedSource, choice: Choice, *, force: bool = False
    ) -> Version:
        """Record a new version of a tool from a source that was parsed, with its credential.

        Parameters
        ----------
        force
            Build anew even what is built already.

        Raises
        ------
        StorageError, TooManyError
            As `admit`.
        """
        self.room.check()
        self._builder(choice.name)
        version = Version(
            tool_id=tool.id,
            number=0,
            source=parsed.source,
            engine=choice.name,
            notes=(f"Engine: {choice.name}, {choice.why}",),
            home=self.home,
        )
        folder = self.folder(version.id)
        with self._recording:
            reason = self._place_in_line(tool.owner)
            with full_disk_in_words(self.config.home_path):
                folder.mkdir(parents=True, mode=0o700)
                BuildOrder(
                    force=force,
                    has_credential=parsed.credential is not None,
                    server=self.presence.token,
                ).write(folder)
            if reason:
                version = dataclasses.replace(version, message=reason)
            if self.serves:
                self._parsed[version.id] = parsed
            else:
                lock = FileLock(folder / "alive", thread_local=False)
                lock.acquire()
                self._at_work[version.id] = lock
            return self.store.add_version(version)

    def line(self) -> Line:
        """Return the builds of this home that wait, and how many are under way."""
        line = Line([], Counter(), Counter())
        for version_id, owner in self.store.versions_in_line(self.home):
            if version_id not in self._at_work and self._waits(version_id):
                line.waiting.append((version_id, owner))
                line.queued[owner] += 1
            else:
                line.under_way[owner] += 1
        return line

    @property
    def shares(self) -> Shares:
        """What may be under way at once."""
        return Shares(self.config.concurrent_builds, self.config.concurrent_builds_per_user)

    def take_up(self, version_id: str) -> tuple[Version, Tool, ParsedSource] | None:
        """Take a build that waits, or was interrupted, to be carried out by this process.

        Returns ``None`` where there is nothing to carry out: somebody else does, it was cancelled,
        or it has come to its end.
        """
        folder = self.folder(version_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / "alive", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        with ExitStack() as held:
            held.callback(lock.release, force=True)
            version = self.store.get_version(version_id)
            tool = None if version is None else self.store.get_tool(version.tool_id)
            if version is None or tool is None or version.status.is_final:
                return None
            clear_up(folder)
            order = BuildOrder.read(folder)
            parsed = self._parsed.get(version_id)
            if (folder / "cancel").exists():
                self._end(version, VersionStatus.CANCELLED, build_ends.CANCELLED)
                return None
            if order.attempts >= _MOST_ATTEMPTS:
                self._end(version, VersionStatus.FAILED, build_ends.INTERRUPTED)
                return None
            if parsed is None and order.has_credential:
                self._end(version, VersionStatus.FAILED, build_ends.WITHOUT_CREDENTIAL)
                return None
            if version.status is not VersionStatus.PENDING:
                version = build_ends.back_in_line(
                    self.store, version, "Waiting to be taken up again"
                )
            dataclasses.replace(
                order, attempts=order.attempts + 1, server=self.presence.token
            ).write(folder)
            self._at_work[version_id] = lock
            held.pop_all()
        return version, tool, parsed or ParsedSource(source=version.source)

    def carry_out(self, version: Version, tool: Tool, parsed: ParsedSource) -> Version:
        """Build a version to its end, whichever it is, and return it; blocks.

        Raises nothing that a build can do wrong: that stands in the version.
        """
        folder = self.folder(version.id)
        recorder = Recorder(
            self.store, version, folder, stopping=self._stopping, told=self._tell, lasts=self.serves
        )
        order = BuildOrder.read(folder)
        with ExitStack() as held:
            held.callback(self._let_go, version.id)
            try:
                with full_disk_in_words(self.config.home_path):
                    outcome = self._builder(version.engine).build(
                        parsed,
                        runtime=tool.runtime,
                        entry_point=tool.entry_point,
                        report=recorder.report,
                        folder=folder,
                        order=Order(
                            owner=tool.owner,
                            build_arguments=tool.build_arguments,
                            force=order.force,
                        ),
                    )
            except BuildCancelledError as error:
                if self._stopping.is_set() and not (folder / "cancel").exists():
                    dataclasses.replace(order, attempts=order.attempts - 1).write(folder)
                    return build_ends.back_in_line(
                        self.store, recorder.version, "Waiting for the server to be there again"
                    )
                return recorder.finish(
                    VersionStatus.CANCELLED, "Cancelled", failure=build_ends.failure_of(error)
                )
            except TooInstanceError as error:
                return recorder.finish(
                    VersionStatus.FAILED, error.message, failure=build_ends.failure_of(error)
                )
            except PermissionError as error:
                denied = _denied(error)
                return recorder.finish(
                    VersionStatus.FAILED, denied.message, failure=build_ends.failure_of(denied)
                )
            except Exception as error:
                _logger.exception("build failed unexpectedly version=%s", version.id)
                failure = build_ends.unexpected(error)
                recorder.finish(VersionStatus.FAILED, failure.message, failure=failure)
                raise
            except BaseException:
                recorder.finish(
                    VersionStatus.FAILED,
                    build_ends.INTERRUPTED.message,
                    failure=build_ends.INTERRUPTED,
                )
                raise
            recorder.insist(self.store.put_environment, outcome.environment)
            return recorder.finish(
                VersionStatus.READY,
                "Ready",
                commit=outcome.commit,
                recipe_hash=outcome.environment.recipe_hash,
                environment_id=outcome.environment.id,
                runtime=outcome.candidate.runtime,
                entry_point=outcome.candidate.entry_point,
                command=outcome.command,
                candidates=outcome.candidates,
                notes=(*version.notes, *outcome.notes),
                interface=outcome.interface,
            )

    def stop(self) -> None:
        """Have the builds that this process carries out stop soon, for the next server."""
        self._stopping.set()

    def get(self, principal: Principal, version_id: str) -> Version:
        """Return a version of a tool that the principal may change, as it stands now."""
        version = self.store.get_version(version_id)
        tool = None if version is None else self.store.get_tool(version.tool_id)
        if version is None or tool is None or not access.may_change_tool(principal, tool):
            raise NotFoundError(f"There is no version {version_id!r}.")
        return self._end_if_abandoned(version)

    def described(self, principal: Principal, version_id: str) -> Version:
        """Return a version as `get` does, with what it can be given."""
        version = self.get(principal, version_id)
        return dataclasses.replace(version, interface=self.store.interface_of(version.id))

    def follow(
        self, principal: Principal, version_id: str, *, offset: int = 0
    ) -> Iterator[Version | BuildLog]:
        """Yield a version whenever it changes, and its log from `offset`, until it is final."""
        seen: Version | None = None
        while True:
            version = self.get(principal, version_id)
            if version != seen:
                yield version
                seen = version
            while text := self._read_log(version_id, offset):
                yield BuildLog(offset=offset, text=text.decode("utf-8", "replace"))
                offset += len(text)
            if version.status.is_final:
                return
            with self._changed:
                self._changed.wait(_POLL_S)

    def cancel(self, principal: Principal, version_id: str) -> Version:
        """Stop a build and return it once it is stopped; one that has ended stays as it is.

        One that takes longer to stop is returned as it stands; it stops nevertheless.
        """
        version = self.get(principal, version_id)
        if version.status.is_final:
            return version
        if not self._is_ours(version):
            raise ConflictError("It is being built by another server.", "Cancel it there.")
        folder = self.folder(version.id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "cancel").touch()
        until = time.monotonic() + _MOST_CANCEL_S
        while not (version.status.is_final or self._stopping.is_set()):
            if time.monotonic() > until:
                break
            # whoever is at work on it sees the file; where nobody is, it ends here
            version = self._end_unless_at_work(
                version, VersionStatus.CANCELLED, build_ends.CANCELLED
            )
            with self._changed:
                self._changed.wait(0 if version.status.is_final else _POLL_S)
            version = self.get(principal, version_id)
        return version

    def log(self, principal: Principal, version_id: str) -> str:
        """Return the whole log of a build."""
        with self.open_log(self.get(principal, version_id)) as file:
            return file.read().decode("utf-8", "replace")

    def open_log(self, version: Version) -> BinaryIO:
        """Open the log of a build; it is empty where the build has not begun.

        Raises
        ------
        UnreadableOutputError
            If it is in another home, may not be read by this UNIX user, or has gone.
        """
        subject = f"The log of version {version.number}"
        try:
            return self._log_path(version.id).open("rb")
        except PermissionError as error:
            raise OutputForbiddenError(
                f"{subject} cannot be read: permission denied.", "Ask who builds here."
            ) from error
        except FileNotFoundError as error:
            if not self._is_ours(version):
                raise OutputElsewhereError(
                    f"{subject} is in another home ({version.home[:8]}), which built it.",
                    "Look at it there.",
                ) from error
            if not version.status.is_final or self.folder(version.id).exists():
                return io.BytesIO()
            raise OutputMissingError(
                f"{subject} is missing: somebody deleted it.", "Build the tool again for another."
            ) from error

    def folder(self, version_id: str) -> Path:
        """Return the folder of a build."""
        return self.config.builds_path / version_id

    def _builder(self, engine: str) -> Builder:
        """Return what builds for an engine; made before the build's own thread needs it.

        A program that is ending can import no more.
        """
        if engine not in self._builders:
            environments = self.engines(engine).capabilities().environments
            self._builders[engine] = Builder(self.config, environments)
        return self._builders[engine]

    def _log_path(self, version_id: str) -> Path:
        return self.folder(version_id) / "log"

    def _read_log(self, version_id: str, offset: int) -> bytes:
        try:
            with self._log_path(version_id).open("rb") as log:
                log.seek(offset)
                return log.read(_LOG_CHUNK_BYTES)
        except FileNotFoundError:
            return b""

    def _place_in_line(self, owner: str) -> str:
        """Return what a new build waits for, in words, if it does."""
        if not self.serves:
            return ""
        most = self.config.waiting_builds_per_user
        return self.line().join("builds", owner, shares=self.shares, most=most)

    def _waits(self, version_id: str) -> bool:
        """Tell whether nobody is at work on a build that this process may carry out."""
        folder = self.folder(version_id)
        if self.presence.is_elsewhere(BuildOrder.read(folder).server):
            return False
        try:
            with FileLock(folder / "alive", timeout=0):
                return True
        except Timeout:
            return False
        except FileNotFoundError:  # somebody deleted its folder, and it is begun anew
            return True

    def _is_ours(self, version: Version) -> bool:
        return version.home in ("", self.home)

    def _end_if_abandoned(self, version: Version) -> Version:
        """End a build that nobody carries out, unless a server will."""
        if version.status.is_final or self.serves or not self._is_ours(version):
            return version
        if BuildOrder.read(self.folder(version.id)).server:
            return version
        return self._end_unless_at_work(version, VersionStatus.FAILED, build_ends.INTERRUPTED)

    def _end_unless_at_work(
        self, version: Version, status: VersionStatus, failure: Failure
    ) -> Version:
        folder = self.folder(version.id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with FileLock(folder / "alive", timeout=0):
                current = self.store.get_version(version.id) or version
                if current.status.is_final:
                    return current
                clear_up(folder)
                return self._end(current, status, failure)
        except Timeout:
            return version
        except ConflictError:
            return self.store.get_version(version.id) or version

    def _end(self, version: Version, status: VersionStatus, failure: Failure) -> Version:
        ended = build_ends.end(self.store, version, status, failure)
        self._parsed.pop(version.id, None)
        self._tell()
        return ended

    def _let_go(self, version_id: str) -> None:
        self._parsed.pop(version_id, None)
        self._at_work.pop(version_id).release(force=True)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _denied(error: PermissionError) -> EnvironmentForbiddenError:
    place = "" if error.filename is None else f" on {error.filename}"
    user = "" if error.filename is None else owner_of(Path(error.filename))
    return EnvironmentForbiddenError(
        f"Permission denied{place}"
        + (f", which belongs to the UNIX user {user}." if user else "."),
        "With a home of your own (TOOINSTANCE_HOME), the build has folders of its own.",
    )
