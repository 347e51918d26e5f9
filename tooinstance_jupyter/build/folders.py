"""Makes environments that are folders, for the process engine: built in a sandbox, then sealed.

An environment is complete once the marker beside it is there, which is written last; whatever lacks
it is half-made and wiped by the next build that comes to it.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

from .. import foreign_files
from ..config import TooInstance
from ..errors import BuildCancelledError, BuildError
from ..records import Candidate, Environment, Interface, VersionStatus
from ..registry import load, names
from ..sandbox import command as sandboxed
from ..sandbox.plan import SYSTEM_PATH, unprivileged_uid
from ..sandbox.plan import choose as choose_sandbox
from . import check, detect, diagnose, interfaces
from .base import AS_ASKED, Buildpack, Built, Checkout, Completed, Report, Site
from .maker import Order, Outcome, digest_of, environment_id
from .work import Work, held

ENGINE = "process"
_MOST_PROCESSES = 256
_IMPROVE_S = 120.0


class FolderMaker:
    """Makes folders below ``config.environments_path``. See `build.maker.Maker`."""

    kind: ClassVar[str] = "folder"

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self.finders: list[Buildpack] = [
            load("buildpacks", name)(config) for name in names("buildpacks")
        ]

    def begin(self, report: Report, folder: Path) -> FolderWork:
        """Return what a build works with. See `Maker.begin`."""
        return FolderWork(self._config, report, folder)

    def make(self, checkout: Checkout, candidate: Candidate, work: Work, order: Order) -> Outcome:
        """Make the folder of a candidate, or find it made. See `Maker.make`."""
        assert isinstance(work, FolderWork)  # noqa: S101 it is what `begin` returned
        buildpack = next(b for b in self.finders if b.runtime == candidate.runtime)
        recipe = dict(buildpack.recipe(checkout, candidate))
        if candidate.reason == AS_ASKED:
            # an environment made for other entry points does not know of it
            recipe["entry_point"] = candidate.entry_point
        recipe_hash = digest_of(recipe)
        known_as = environment_id(
            checkout,
            engine=ENGINE,
            platform=f"{sys.platform}-{platform.machine()}",
            recipe=recipe,
        )
        target = self._config.environments_path / known_as
        with held(target, work):
            made = None if order.force else _read_marker(target)
            if made is not None:
                work.log("Already built from the same commit in the same way\n")
                work.total = work.done + 1
                built, size_bytes = made
                name = detect.pick(built.commands, candidate.entry_point, checkout.name)
                interface = self._check(name, built, target, work)
            else:
                with _in_place_of_the_old(target):
                    built = self._make(checkout, candidate, buildpack, target, work)
                    name = detect.pick(built.commands, candidate.entry_point, checkout.name)
                    # not by an executor, which takes nothing more once the program is ending
                    in_vain = Event()
                    beside = Thread(target=self._improve, args=(built, target, work, in_vain))
                    beside.start()
                    try:
                        interface = self._check(name, built, target, work)
                    except BaseException:
                        in_vain.set()
                        raise
                    finally:
                        beside.join()
                    if work.uid is not None:
                        foreign_files.seal(target)
                    size_bytes = _write_marker(target, built)
        environment = Environment(
            id=known_as,
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
            interface=interface,
        )

    def _make(
        self,
        checkout: Checkout,
        candidate: Candidate,
        buildpack: Buildpack,
        target: Path,
        work: FolderWork,
    ) -> Built:
        target.mkdir()
        # what runs in a build can write to its cache, so no two builds have one in common
        cache = work.scratch / "cache"
        cache.mkdir(exist_ok=True)
        work.adopt(target, checkout.folder, cache)
        work.total = work.done + buildpack.steps(checkout, candidate) + 1
        return buildpack.build(
            checkout,
            candidate,
            Site(
                target=target,
                cache=cache,
                shell=work.shell(target),
                step=work.step,
                adopt=work.adopt,
                note=lambda line: work.log(f"{line}\n"),
            ),
        )

    def _improve(self, built: Built, target: Path, work: FolderWork, in_vain: Event) -> None:
        """Run the command that may fail; what ends the whole build ends the check beside it too.

        It has a time limit of its own: both are one user's, so a tool that takes all processes
        while it is checked leaves none to this one, and a pool that cannot fork never ends.
        """
        if not built.beside_check:
            return
        with contextlib.suppress(BuildError):
            work.shell(target, given_up=in_vain.is_set)(
                built.beside_check,
                cwd=target,
                readable=[*map(Path, built.readable)],
                network=not work.sandbox.isolates_network,
                timeout_s=_IMPROVE_S,
                check=False,
            )

    def _check(self, name: str, built: Built, target: Path, work: FolderWork) -> Interface | None:
        work.step(f"Checking that {name} starts", status=VersionStatus.CHECKING)
        shell, quiet = work.shell(None), work.shell(None, is_logged=False)
        place = work.new_folder("check")
        place.mkdir()
        work.adopt(place)
        path = os.pathsep.join([*built.path, SYSTEM_PATH])
        isolates = work.sandbox.isolates_network

        def start(shell: _Shell, argv: Sequence[str], timeout_s: float) -> Completed:
            return shell(
                argv,
                cwd=place,
                readable=[target, *map(Path, built.readable)],
                variables={**built.variables, "PATH": path},
                network=not isolates,
                timeout_s=timeout_s,
                check=False,
            )

        argv = built.commands[name]
        timeout_s = self._config.check_timeout_s
        help_text = check.check(argv, partial(start, shell), timeout_s=timeout_s)
        return interfaces.learn(argv, help_text, partial(start, quiet))


class FolderWork(Work):
    """A build of a folder under way: it has a sandbox, and a user to be inside."""

    def __init__(self, config: TooInstance, report: Report, folder: Path) -> None:
        super().__init__(config, report, folder)
        self.sandbox = choose_sandbox(config.sandbox)
        # a build can neither reach another one's files nor use up its processes
        self.uid = unprivileged_uid(digest_of({"build": str(folder)}))
        if self.uid is not None:
            for parent in (folder, self.scratch):
                parent.chmod(0o711)

    def adopt(self, *folders: Path) -> None:
        """Make folders the own ones of the user whom the commands of the build run as."""
        if self.uid is not None:
            foreign_files.chown(self.uid, *folders)

    def shell(
        self,
        target: Path | None,
        given_up: Callable[[], bool] = lambda: False,
        *,
        is_logged: bool = True,
    ) -> _Shell:
        """Return what runs the commands of a build whose disk use is counted in `target`.

        A command ends once the build is cancelled, or `given_up` says so. `is_logged` tells
        whether the build's log has its output.
        """
        return _Shell(self, self.config, target, given_up, is_logged=is_logged)


class _Shell:
    """See `build.base.Shell`."""

    def __init__(
        self,
        work: FolderWork,
        config: TooInstance,
        target: Path | None,
        given_up: Callable[[], bool],
        *,
        is_logged: bool,
    ) -> None:
        self._is_logged = is_logged
        self._work = work
        self._config = config
        self._target = target
        self._given_up = given_up

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
            on_output=work.log if self._is_logged else lambda _: None,
            cancelled=lambda: work.is_cancelled() or self._given_up(),
            writable=writable,
            readable=readable,
            watched=[path for path in (self._target, cwd) if path is not None],
            variables={**passed, **(variables or {})},
            # where nothing keeps a command off the network, it is only not needed
            network=network or not work.sandbox.isolates_network,
            timeout_s=left if timeout_s is None else min(left, timeout_s),
            memory_bytes=config.build_memory_bytes,
            disk_bytes=config.build_disk_bytes,
            processes=_MOST_PROCESSES,
            tmp_bytes=config.build_memory_bytes,  # it is memory
            uid=work.uid,
        )
        foreign_files.remove(folder)
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


def in_home(config: TooInstance, environment: Environment) -> Environment | None:
    """Return an environment as this home has it, ``None`` if it does not."""
    target = config.environments_path / environment.id
    made = _read_marker(target) if environment.engine == ENGINE else None
    if made is None:
        return None
    return replace(
        environment,
        location=str(target),
        path=made[0].path,
        variables=made[0].variables,
        readable=made[0].readable,
    )


@contextmanager
def _in_place_of_the_old(target: Path) -> Iterator[None]:
    """Make room for a new environment; what was complete comes back if the new one fails."""
    old = target.with_suffix(".old")
    foreign_files.remove(old)
    marker, old_marker = _marker(target), _marker(old)
    was_complete = _read_marker(target) is not None
    if was_complete:
        marker.rename(old_marker)
        target.rename(old)
    else:
        marker.unlink(missing_ok=True)
        foreign_files.remove(target)
    try:
        yield
    except BaseException:
        foreign_files.remove(target)
        if was_complete:
            old.rename(target)
            old_marker.rename(marker)
        raise
    foreign_files.remove(old)
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
    size_bytes = foreign_files.size_of(target)
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
