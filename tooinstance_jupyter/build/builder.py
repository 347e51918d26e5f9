"""Turns a source into an environment that the process engine runs: fetch, detect, build, check.

What each step means is left to the modules beside this one; what becomes of the outcome, to
``service``. An environment is complete once the marker beside it is there, which is written last;
whatever lacks it is half-made and wiped by the next build that comes to it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..config import TooInstance
from ..errors import BuildCancelledError, BuildError, TooInstanceError
from ..records import Candidate, Environment, SourceKind, VersionStatus
from ..registry import load, names
from ..sandbox import command as sandboxed
from ..sandbox.plan import SYSTEM_PATH, unprivileged_uid
from ..sandbox.plan import choose as choose_sandbox
from . import check, detect, diagnose
from .base import AS_ASKED, Buildpack, Built, Checkout, Completed, Progress, Report, Site
from .buildpacks.node import find_node
from .fetch import fetch
from .sources import ParsedSource

ENGINE = "process"
_SOURCE, _SCRATCH = "source", "scratch"
_MOST_ATTEMPTS = 3
_MOST_PROCESSES = 256
_COUNTED = re.compile(r"(?:Resolved|Prepared|Installed) (\d+) packages?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a build came to."""

    environment: Environment
    candidate: Candidate
    command: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]
    commit: str
    help_text: str


class Builder:
    """Builds sources into folders below ``config.environments_path``."""

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._buildpacks: list[Buildpack] = [
            load("buildpacks", name)(config) for name in names("buildpacks")
        ]

    def build(
        self,
        parsed: ParsedSource,
        *,
        runtime: str | None,
        entry_point: str | None,
        report: Report,
        folder: Path,
        force: bool = False,
    ) -> Outcome:
        """Build a source, or find that it is built already.

        Parameters
        ----------
        parsed
            The source, with the credential of its link if it had one.
        runtime, entry_point
            What the user decided; ``None`` leaves it to detection.
        report
            Told of each step; cancels by raising.
        folder
            Where this build may keep files while it lasts.
        force
            Build anew even what is built already.

        Raises
        ------
        TooInstanceError
            If the source cannot be fetched, is no tool, or cannot be built.
        """
        work = _Work(self._config, report, folder)
        try:
            work.say(VersionStatus.FETCHING, f"Fetching {parsed.source}")
            checkout = fetch(
                parsed,
                folder / _SOURCE,
                config=self._config,
                log=work.log,
                cancelled=work.is_cancelled,
                npm=lambda: find_node(self._config.home_path / "toolchains").npm,
            )
            work.say(VersionStatus.DETECTING, "Looking for a way to run it")
            found = detect.candidates(checkout, self._buildpacks)
            chosen = detect.choose(found, checkout, runtime=runtime, entry_point=entry_point)
            for candidate in chosen:
                work.log(f"Candidate: {_shown(candidate)}\n")
            return self._first_that_works(checkout, chosen, found, work, force=force)
        finally:
            clear(folder)

    def _first_that_works(
        self,
        checkout: Checkout,
        chosen: Sequence[Candidate],
        found: Sequence[Candidate],
        work: _Work,
        *,
        force: bool,
    ) -> Outcome:
        notes: list[str] = []
        first_error: TooInstanceError | None = None
        for candidate in chosen[:_MOST_ATTEMPTS]:
            try:
                outcome = self._try(checkout, candidate, work, force=force)
            except BuildCancelledError:
                raise
            except TooInstanceError as error:
                first_error = first_error or error
                notes.append(f"Left aside: {_shown(candidate)}: {error.message}")
                work.log(notes[-1] + "\n")
                continue
            taken = outcome.candidate
            # what was found beforehand says more, but not of packages
            is_known = any(c.entry_point == taken.entry_point for c in found)
            others = found if is_known else outcome.candidates
            return Outcome(
                environment=outcome.environment,
                candidate=taken,
                command=outcome.command,
                candidates=tuple(c for c in others if c.entry_point not in ("", taken.entry_point)),
                notes=(*notes, f"Taken: {_shown(taken)}"),
                commit=checkout.commit,
                help_text=outcome.help_text,
            )
        assert first_error is not None  # noqa: S101 there is always something to try
        raise first_error

    def _try(
        self, checkout: Checkout, candidate: Candidate, work: _Work, *, force: bool
    ) -> Outcome:
        buildpack = next(b for b in self._buildpacks if b.runtime == candidate.runtime)
        recipe = dict(buildpack.recipe(checkout, candidate))
        if candidate.reason == AS_ASKED:
            # an environment made for other entry points does not know of it
            recipe["entry_point"] = candidate.entry_point
        recipe_hash = _hash(recipe)
        environment_id = _environment_id(checkout, recipe)
        target = self._config.environments_path / environment_id
        target.parent.mkdir(parents=True, exist_ok=True)
        with _held(target, work):
            made = None if force else _read_marker(target)
            if made is not None:
                work.log("Already built from the same commit in the same way\n")
                work.total = work.done + 1
                built, size_bytes = made
                name = detect.pick(built.commands, candidate.entry_point, checkout.name)
                help_text = self._check(name, built, target, work)
            else:
                with _in_place_of_the_old(target):
                    built = self._make(checkout, candidate, buildpack, target, work)
                    name = detect.pick(built.commands, candidate.entry_point, checkout.name)
                    with ThreadPoolExecutor(1) as beside:
                        improved = beside.submit(self._improve, built, target, work)
                        help_text = self._check(name, built, target, work)
                        improved.result()
                    if work.uid is not None:
                        _seal(target)
                    size_bytes = _write_marker(target, built)
        environment = Environment(
            id=environment_id,
            engine=ENGINE,
            location=str(target),
            commit=checkout.commit,
            recipe_hash=recipe_hash,
            path=built.path,
            variables=built.variables,
            readable=built.readable,
            size_bytes=size_bytes,
        )
        installed = [
            Candidate(runtime=candidate.runtime, entry_point=command, reason="installed with it")
            for command in built.commands
        ]
        return Outcome(
            environment=environment,
            candidate=Candidate(
                runtime=candidate.runtime,
                entry_point=name,
                reason=candidate.reason,
                rank=candidate.rank,
            ),
            command=built.commands[name],
            candidates=tuple(installed),
            notes=(),
            commit=checkout.commit,
            help_text=help_text,
        )

    def _make(
        self,
        checkout: Checkout,
        candidate: Candidate,
        buildpack: Buildpack,
        target: Path,
        work: _Work,
    ) -> Built:
        target.mkdir()
        # what runs in a build can write to its cache, so no two sources have one in common
        cache = self._config.cache_path / _hash({"source": checkout.source.location})[:16]
        cache.mkdir(parents=True, exist_ok=True)
        sandboxed.give_to(work.uid, target, checkout.folder)
        if work.uid is not None:
            os.chown(cache, work.uid, work.uid)
        work.total = work.done + buildpack.steps(checkout, candidate) + 1
        return buildpack.build(
            checkout,
            candidate,
            Site(
                target=target,
                cache=cache,
                # what is sealed belongs to root, in the cache too: no build can write to it there
                link_mode="copy" if work.uid is None else "hardlink",
                shell=work.shell(target),
                step=work.step,
                adopt=partial(sandboxed.give_to, work.uid),
            ),
        )

    def _improve(self, built: Built, target: Path, work: _Work) -> None:
        if built.beside_check:
            work.shell(target)(
                built.beside_check,
                cwd=target,
                readable=[*map(Path, built.readable)],
                network=not work.sandbox.isolates_network,
                check=False,
            )

    def _check(self, name: str, built: Built, target: Path, work: _Work) -> str:
        work.step(f"Checking that {name} starts", status=VersionStatus.CHECKING)
        shell = work.shell(None)
        place = work.new_folder("check")
        place.mkdir()
        sandboxed.give_to(work.uid, place)
        path = os.pathsep.join([*built.path, SYSTEM_PATH])
        isolates = work.sandbox.isolates_network

        def start(argv: Sequence[str], timeout_s: float) -> Completed:
            return shell(
                argv,
                cwd=place,
                readable=[target, *map(Path, built.readable)],
                variables={**built.variables, "PATH": path},
                network=not isolates,
                timeout_s=timeout_s,
                check=False,
            )

        return check.check(built.commands[name], start, timeout_s=self._config.check_timeout_s)


def clear(folder: Path) -> None:
    """Remove what a build keeps in its folder only while it lasts."""
    for name in (_SOURCE, _SCRATCH):
        shutil.rmtree(folder / name, ignore_errors=True)


class _Work:
    """One build under way: how it runs commands, and what it has told."""

    def __init__(self, config: TooInstance, report: Report, folder: Path) -> None:
        self._config = config
        self._report = report
        self._until = time.monotonic() + config.build_timeout_s
        self._status = VersionStatus.FETCHING
        self._message = ""
        self._count = 0
        self._lock = threading.RLock()
        self.scratch = folder / _SCRATCH
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.sandbox = choose_sandbox(config.sandbox)
        # all builds of one home share a cache, so they share a user
        self.uid = unprivileged_uid(_hash({"home": config.home}))
        self.done = 0
        self.total = 0
        if self.uid is not None:
            for parent in (folder, self.scratch):
                parent.chmod(0o711)

    def say(self, status: VersionStatus, message: str, log: str = "") -> None:
        self._status, self._message = status, message
        self._tell(log or f"{message}\n")

    def step(self, message: str, *, status: VersionStatus = VersionStatus.BUILDING) -> None:
        self.done += 1
        self.say(status, message)

    def log(self, text: str) -> None:
        counted = _COUNTED.findall(text)
        if counted and self._status is VersionStatus.BUILDING:
            self._message = f"Installing {counted[-1]} packages"
        self._tell(text)

    def wait(self, message: str) -> None:
        """Say what is waited for; raises once the build is cancelled or takes too long."""
        self.seconds_left()
        if message != self._message:
            self._message = message
            self._tell(f"{message}\n")
        self._tell("")

    def is_cancelled(self) -> bool:
        try:
            self._tell("")
        except BuildCancelledError:
            return True
        return False

    def new_folder(self, name: str) -> Path:
        with self._lock:
            self._count += 1
            return self.scratch / f"{self._count}-{name}"

    def _tell(self, log: str) -> None:
        with self._lock:  # two commands may run side by side
            self._report(
                Progress(
                    status=self._status,
                    message=self._message,
                    steps_done=self.done,
                    steps_total=self.total,
                    log=log,
                )
            )

    def shell(self, target: Path | None) -> _Shell:
        return _Shell(self, self._config, target)

    def seconds_left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise BuildError(
                f"The build took longer than {self._config.build_timeout_s:.0f} s.",
                "Raise TooInstance.build_timeout_s if that is what it needs.",
                code="limit_time",
            )
        return left


class _Shell:
    """See `build.base.Shell`."""

    def __init__(self, work: _Work, config: TooInstance, target: Path | None) -> None:
        self._work = work
        self._config = config
        self._target = target

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        writable: Sequence[Path] = (),
        readable: Sequence[Path] = (),
        variables: Mapping[str, str] | None = None,
        network: bool = True,
        timeout_s: float | None = None,
        check: bool = True,
    ) -> Completed:
        """Run a command to its end."""
        work, config = self._work, self._config
        folder = work.new_folder("command")
        folder.mkdir(mode=0o711)
        patterns = [*config.pass_environment, *(config.build_environment if check else ())]
        passed = {
            name: value
            for name, value in os.environ.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        }
        left = work.seconds_left()
        result = sandboxed.run(
            argv,
            sandbox=work.sandbox,
            folder=folder,
            cwd=cwd or folder,
            on_output=work.log,
            cancelled=work.is_cancelled,
            writable=writable,
            readable=readable,
            watched=[path for path in (self._target, cwd) if path is not None],
            variables={**passed, **(variables or {})},
            network=network,
            timeout_s=left if timeout_s is None else min(left, timeout_s),
            memory_bytes=config.build_memory_bytes,
            disk_bytes=config.build_disk_bytes,
            processes=_MOST_PROCESSES,
            tmp_bytes=config.build_memory_bytes,  # it is memory
            uid=work.uid,
        )
        shutil.rmtree(folder, ignore_errors=True)
        if work.is_cancelled():
            raise BuildCancelledError("The build was cancelled.")
        timed_out = result.reason == "timed_out"
        if result.reason.startswith("limit_"):
            what = {"limit_memory": "memory", "limit_pids": "processes"}
            raise BuildError(
                f"The build used more {what.get(result.reason, 'disk space')} than it may.",
                "Raise TooInstance.build_memory_bytes or build_disk_bytes if it needs that.",
                code=result.reason,
            )
        if result.reason not in ("exited", "timed_out"):
            # neither its own end nor our clock: nothing can be told from it
            raise BuildError(
                f"A command of the build could not be run: {result.detail or result.reason}.",
                "Try again.",
                code="command_lost",
            )
        if not check:
            return Completed(exit_code=result.exit_code, output=result.output, timed_out=timed_out)
        if timed_out:
            work.seconds_left()
        if result.exit_code != 0 or result.reason != "exited":
            cause = diagnose.cause(result.output or result.detail)
            raise BuildError(cause.message, cause.hint)
        return Completed(exit_code=0, output=result.output)


def _environment_id(checkout: Checkout, recipe: Mapping[str, str]) -> str:
    """Return what two builds have in common exactly if their environments are the same.

    A commit or a content digest says all about files; a version needs its package's name.
    """
    source = checkout.source
    is_package = source.kind in (SourceKind.PYPI, SourceKind.NPM)
    return _hash(
        {
            "engine": ENGINE,
            "kind": source.kind,
            "name": source.location if is_package or source.kind is SourceKind.ARCHIVE else "",
            "commit": checkout.commit,
            "subdirectory": source.subdirectory or "",
            "platform": f"{sys.platform}-{platform.machine()}",
            **recipe,
        }
    )[:32]


def _hash(values: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()


def _shown(candidate: Candidate) -> str:
    return f"{candidate.entry_point or candidate.runtime} ({candidate.reason})"


def _seal(target: Path) -> None:
    """Let nobody but root change an environment, and every run's user read it."""
    sandboxed.give_to(0, target)
    for _, folders, files, descriptor in os.fwalk(target):
        for name in (*folders, *files):
            mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            executable = 0o011 if mode & 0o100 else 0
            sealed = (mode & 0o755) | 0o444 | executable
            if not stat.S_ISLNK(mode) and sealed != stat.S_IMODE(mode):
                os.chmod(name, sealed, dir_fd=descriptor)
    target.chmod(0o755)


@contextmanager
def _held(target: Path, work: _Work) -> Iterator[None]:
    """Hold the lock of an environment; while another build has it, this one can be cancelled."""
    lock = FileLock(f"{target}.lock")
    while True:
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            work.wait("Waiting for another build of the same")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _in_place_of_the_old(target: Path) -> Iterator[None]:
    """Make room for a new environment; what was complete comes back if the new one fails."""
    old = target.with_suffix(".old")
    shutil.rmtree(old, ignore_errors=True)
    marker, old_marker = _marker(target), _marker(old)
    was_complete = _read_marker(target) is not None
    if was_complete:
        marker.rename(old_marker)
        target.rename(old)
    else:
        marker.unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        if was_complete:
            old.rename(target)
            old_marker.rename(marker)
        raise
    shutil.rmtree(old, ignore_errors=True)
    old_marker.unlink(missing_ok=True)


def _marker(target: Path) -> Path:
    """Return the file that says what is in an environment: beside it, where no build can write."""
    return target.with_name(f"{target.name}.json")


def _read_marker(target: Path) -> tuple[Built, int] | None:
    try:
        told: dict[str, Any] = json.loads(_marker(target).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if not target.is_dir():
        return None
    commands = {name: tuple(command) for name, command in told["commands"].items()}
    return (
        Built(
            commands=commands,
            path=tuple(told["path"]),
            variables=told["variables"],
            readable=tuple(told["readable"]),
        ),
        told["size_bytes"],
    )


def _write_marker(target: Path, built: Built) -> int:
    size_bytes = sum(
        os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_blocks * 512
        for _, _, files, descriptor in os.fwalk(target)
        for name in files
    )
    told = {
        "commands": dict(built.commands),
        "path": built.path,
        "variables": dict(built.variables),
        "readable": built.readable,
        "size_bytes": size_bytes,
    }
    temporary = _marker(target).with_suffix(".tmp")
    with temporary.open("w") as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(_marker(target))
    return size_bytes
