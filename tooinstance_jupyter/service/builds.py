"""The use cases of versions: start a build, carry it out, follow, cancel, and clear up dead ones.

How a source becomes an environment is left to ``build``.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from .. import access
from ..build import sources
from ..build.base import Progress
from ..build.builder import Builder
from ..build.maker import Order
from ..build.sources import ParsedSource
from ..build.work import clear
from ..config import TooInstance
from ..errors import (
    BuildCancelledError,
    ConflictError,
    NotFoundError,
    TooInstanceError,
    full_disk_in_words,
)
from ..records import (
    Failure,
    Principal,
    Tool,
    Version,
    VersionStatus,
    now,
)
from ..requests import BuildLog
from ..store.repository import Store
from .engines import Choice, Engines
from .tools import Tools

_logger = logging.getLogger(__name__)
_POLL_S = 0.05
_LOG_CHUNK_BYTES = 256 * 1024
_INTERRUPTED = Failure(
    code="build_interrupted",
    message="The program that built it ended in the middle.",
    hint="Build it again; nothing half-made is left.",
)


@dataclass(frozen=True, slots=True)
class Builds:
    """Builds, as one principal after another asks for them.

    A build is carried out by the process that asked for it, which holds a lock on the build's
    folder from before the version is recorded: others see from the lock whether it is still at
    work, and stop it by a file.
    """

    config: TooInstance
    store: Store
    tools: Tools
    engines: Engines
    _at_work: dict[str, FileLock] = field(default_factory=dict)
    _builders: dict[str, Builder] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def plan(
        self, tool: Tool, *, ref: str | None, engine: str | None
    ) -> tuple[Version, ParsedSource]:
        """Record a new version of a tool, of its own ref or another."""
        source = tool.source if ref is None else sources.at_ref(tool.source, ref)
        parsed = ParsedSource(source=source)
        earlier = self.store.list_versions(tool.id)
        choice = self.engines.choose(engine, before=earlier[0].engine if earlier else None)
        return self.plan_from(tool, parsed, choice), parsed

    def plan_from(self, tool: Tool, parsed: ParsedSource, choice: Choice) -> Version:
        """Record a new version of a tool from a source that was parsed, with its credential."""
        self._builder(choice.name)
        version = Version(
            tool_id=tool.id,
            number=0,
            source=parsed.source,
            engine=choice.name,
            notes=(f"Engine: {choice.name}, {choice.why}",),
        )
        folder = self.folder(version.id)
        with full_disk_in_words(self.config.home_path):
            folder.mkdir(parents=True, mode=0o700)
        lock = FileLock(folder / "alive", thread_local=False)
        lock.acquire()
        self._at_work[version.id] = lock
        return self.store.add_version(version)

    def carry_out(
        self, version: Version, tool: Tool, parsed: ParsedSource, *, force: bool = False
    ) -> Version:
        """Build a version to its end, whichever it is, and return it; blocks.

        Raises nothing that a build can do wrong: that stands in the version.
        """
        folder = self.folder(version.id)
        recorder = _Recorder(self, version, folder)
        with ExitStack() as held:
            held.callback(self._at_work.pop(version.id).release, force=True)
            try:
                with full_disk_in_words(self.config.home_path):
                    outcome = self._builder(version.engine).build(
                        parsed,
                        runtime=tool.runtime,
                        entry_point=tool.entry_point,
                        report=recorder.report,
                        folder=folder,
                        order=Order(
                            owner=tool.owner, build_arguments=tool.build_arguments, force=force
                        ),
                    )
            except BuildCancelledError as error:
                return recorder.finish(
                    VersionStatus.CANCELLED,
                    "Cancelled",
                    failure=Failure(code=error.error_code, message=error.message),
                )
            except TooInstanceError as error:
                return recorder.finish(VersionStatus.FAILED, error.message, failure=_failure(error))
            except Exception as error:
                _logger.exception("build failed unexpectedly version=%s", version.id)
                recorder.finish(VersionStatus.FAILED, str(error), failure=_unexpected(error))
                raise
            except BaseException:
                recorder.finish(VersionStatus.FAILED, _INTERRUPTED.message, failure=_INTERRUPTED)
                raise
            self.store.put_environment(outcome.environment)
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
            )

    def get(self, principal: Principal, version_id: str) -> Version:
        """Return a version of a tool that the principal may change, as it stands now."""
        version = self.store.get_version(version_id)
        tool = None if version is None else self.store.get_tool(version.tool_id)
        if version is None or tool is None or not access.may_change_tool(principal, tool):
            raise NotFoundError(f"There is no version {version_id!r}.")
        return self._end_if_abandoned(version)

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
        """Stop a build and return it once it is stopped; one that has ended stays as it is."""
        version = self.get(principal, version_id)
        if not version.status.is_final:
            (self.folder(version.id) / "cancel").touch()
            for event in self.follow(principal, version_id):
                if isinstance(event, Version):
                    version = event
        return version

    def log(self, principal: Principal, version_id: str) -> str:
        """Return the whole log of a build."""
        self.get(principal, version_id)
        try:
            return self._log_path(version_id).read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

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

    def _end_if_abandoned(self, version: Version) -> Version:
        if version.status.is_final:
            return version
        folder = self.folder(version.id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with FileLock(folder / "alive", timeout=0):
                current = self.store.get_version(version.id) or version
                if current.status.is_final:
                    return current
                clear(folder)
                return self.store.advance_version(
                    dataclasses.replace(
                        current,
                        status=VersionStatus.FAILED,
                        message=_INTERRUPTED.message,
                        failure=_INTERRUPTED,
                        finished_at=now(),
                    ),
                    expected=current.status,
                )
        except Timeout:
            return version
        except ConflictError:
            return self.store.get_version(version.id) or version


def _failure(error: TooInstanceError) -> Failure:
    return Failure(code=error.error_code, message=error.message, hint=error.hint)


def _unexpected(error: Exception) -> Failure:
    return Failure(
        code="internal",
        message=f"The build stopped on an error of our own: {type(error).__name__}: {error}",
        hint="Please report it with the build's log.",
    )


class _Recorder:
    """Writes what a build reports into its log and its record."""

    def __init__(self, builds: Builds, version: Version, folder: Path) -> None:
        self._builds = builds
        self._version = version
        self._cancel = folder / "cancel"
        self._log = folder / "log"

    def report(self, progress: Progress) -> None:
        if self._cancel.exists():
            raise BuildCancelledError("The build was cancelled.")
        if progress.log:
            with self._log.open("a", encoding="utf-8", errors="replace") as log:
                log.write(progress.log)
        shown = (progress.status, progress.message, progress.steps_done, progress.steps_total)
        version = self._version
        if shown != (version.status, version.message, version.steps_done, version.steps_total):
            status, message, done, total = shown
            self._advance(
                dataclasses.replace(
                    version, status=status, message=message, steps_done=done, steps_total=total
                )
            )

    def finish(self, status: VersionStatus, message: str, **fields: object) -> Version:
        self._advance(
            dataclasses.replace(
                self._version,
                status=status,
                message=message,
                finished_at=now(),
                **fields,  # type: ignore[arg-type]
            )
        )
        return self._version

    def _advance(self, version: Version) -> None:
        self._version = self._builds.store.advance_version(version, expected=self._version.status)
        with self._builds._changed:
            self._builds._changed.notify_all()
