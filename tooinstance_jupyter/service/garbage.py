"""The use case of cleaning up: what nothing uses any more is named, then removed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from .. import foreign_files
from ..config import TooInstance
from ..errors import (
    DeletionError,
    EngineError,
    EnvironmentForbiddenError,
    TooInstanceError,
)
from ..records import Environment, now
from ..requests import Removal
from ..run_directory import RunDirectory, owner_of
from ..store.repository import Store
from .environments import in_this_home

_logger = logging.getLogger(__name__)

_ORPHAN_AGE_S = 3600.0
# a large export may be under way that long, and its folder's own time stands still
_SCRATCH_AGE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Garbage:
    """Environments, run directories and build folders that nothing uses.

    Parameters
    ----------
    home
        The id of the home; what only others have is left to them.
    has, remove
        Ask an environment's engine whether it is there, and to delete it.
    """

    config: TooInstance
    store: Store
    home: str
    has: Callable[[Environment], bool]
    remove: Callable[[Environment], None]

    def collect(self, *, dry_run: bool) -> Sequence[Removal]:
        """Remove what nothing uses, or only name it; what cannot be removed says why."""
        removals = []
        for removal, remove in self._found():
            problem = removal.problem or ("" if dry_run else _problem_of(remove))
            removals.append(replace(removal, problem=problem))
        return removals

    def collect_orphans(self, stopping: threading.Event) -> None:
        """Remove folders that nothing has a record of, until told to stop."""
        for _, remove in self._orphans_of_all():
            if stopping.is_set():
                return
            if problem := _problem_of(remove):
                _logger.warning("what nothing uses stays reason=%s", problem)

    def _found(self) -> Iterator[tuple[Removal, Callable[[], None]]]:
        yield from self._environments()
        yield from self._orphans_of_all()

    def _orphans_of_all(self) -> Iterator[tuple[Removal, Callable[[], None]]]:
        yield from self._orphans("run", self.config.runs_path, self.store.known_runs)
        yield from self._orphans("build", self.config.builds_path, self.store.known_versions)
        scratch = self.config.scratch_path
        yield from self._orphans("scratch", scratch, lambda _: (), age_s=_SCRATCH_AGE_S)
        yield from self._orphans("environment", self.config.environments_path, self._locations)

    def _locations(self, _: Sequence[str]) -> set[str]:
        return {Path(environment.location).name for environment in self.store.list_environments()}

    def _environments(self) -> Iterator[tuple[Removal, Callable[[], None]]]:
        oldest = now() - timedelta(days=self.config.environment_retention_days)
        busy = {run.environment_id for run in self.store.open_runs()}
        for environment in self.store.list_environments():
            homes = self.store.environment_homes(environment.id)
            if environment.id in busy or (homes and not homes & {"", self.home}):
                continue
            environment = in_this_home(self.config, environment)
            problem = ""
            try:
                is_there = self.has(environment)
            except EngineError:
                continue  # its engine is away: nothing can be told
            except EnvironmentForbiddenError as error:
                is_there, problem = True, error.message
            if not is_there:
                reason = "it is gone already"
            elif not self.store.environment_users(environment.id):
                reason = "no tool uses it"
            elif environment.last_used_at < oldest:
                reason = f"not used for {self.config.environment_retention_days} days"
            else:
                continue
            removal = Removal(
                kind="image" if environment.engine == "docker" else "environment",
                name=environment.id[:12],
                reason=reason,
                size_bytes=self._size_of(environment) if is_there and not problem else 0,
                problem=problem,
            )
            yield removal, partial(self._remove_environment, environment)

    def _orphans(
        self,
        kind: str,
        parent: Path,
        known: Callable[[Sequence[str]], Collection[str]],
        *,
        age_s: float = _ORPHAN_AGE_S,
    ) -> Iterator[tuple[Removal, Callable[[], None]]]:
        """Yield folders without a record that nobody has touched for so long (seconds)."""
        if not parent.exists():
            return
        latest = now().timestamp() - age_s
        old = [
            folder
            for folder in sorted(parent.iterdir())
            if folder.is_dir() and folder.lstat().st_mtime < latest
        ]
        recorded = known([folder.name for folder in old]) if old else ()
        for folder in old:
            if folder.name not in recorded:
                yield (
                    _removal(kind, folder, "left behind by something that was interrupted"),
                    partial(_remove_folder, folder),
                )

    def _size_of(self, environment: Environment) -> int:
        folder = Path(environment.location)
        return foreign_files.size_of(folder) if folder.is_dir() else environment.size_bytes

    def _remove_environment(self, environment: Environment) -> None:
        self.remove(environment)
        if self.has(environment):
            raise DeletionError("It is still there: a build needs it, or not all can be removed.")
        self.store.delete_environment(environment.id)


def _remove_folder(folder: Path) -> None:
    owner = owner_of(folder)
    if not RunDirectory(folder).remove():
        raise DeletionError(f"It belongs to the UNIX user {owner}, or holds files that do.")


def _problem_of(remove: Callable[[], None]) -> str:
    """Return why something cannot be removed; empty once it is."""
    try:
        remove()
    except TooInstanceError as error:
        return error.message
    except OSError as error:
        return f"{error.strerror}: {error.filename}" if error.filename else str(error)
    return ""


def _removal(kind: str, folder: Path, reason: str) -> Removal:
    return Removal(
        kind=kind, name=folder.name[:12], reason=reason, size_bytes=foreign_files.size_of(folder)
    )
