"""Has one Dockerfile built: starts the child, follows it, holds it to limits, names its failure.

What is built is decided by ``maker``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...config import TooInstance
from ...containers import daemon
from ...errors import BuildCancelledError, BuildError
from ...sandbox import command as sandboxed
from ...sandbox.plan import SYSTEM_PATH, Plain
from ..work import Work
from . import failures, foreign, settings
from .base import Recipe
from .progress import Steps
from .r2d import Specification

if TYPE_CHECKING:
    from docker import APIClient

# what the client of the engine goes by: its settings, logins, and the way to a remote engine
_PASSED = (
    *("DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"),
    *("SSH_AUTH_SOCK", "BUILDX_BUILDER", "BUILDX_CONFIG", "XDG_RUNTIME_DIR", "PYTHONPATH"),
    *("LANG", "LC_ALL"),
)
_MOST_PROCESSES = 1_024
_DISK_POLL_S = 0.5


def build(
    work: Work,
    client: APIClient,
    specification: Specification,
    recipe: Recipe,
    *,
    has_folder_kind: bool,
) -> None:
    """Build an image; on return it has the tag of the specification.

    Raises
    ------
    BuildError
        With the failing step and the cause first; nothing is left running and no tag set.
    BuildCancelledError
        If the build is cancelled meanwhile.
    """
    config = work.config
    folder = work.new_folder("build")
    folder.mkdir(mode=0o700)
    disk = _Disk(client, config.build_disk_bytes)
    first = work.done
    steps = Steps(_count(recipe))

    def told(text: str) -> None:
        log = steps.feed(text)
        work.at(first + steps.done, first + steps.total + 1, steps.message, log)

    result = sandboxed.run(
        specification.argv(folder / "build.json"),
        sandbox=Plain(),
        folder=folder,
        cwd=folder,
        on_output=told,
        cancelled=lambda: work.is_cancelled() or disk.is_over(),
        variables=_variables(),
        timeout_s=work.seconds_left(),
        memory_bytes=config.build_memory_bytes,
        disk_bytes=config.build_disk_bytes,
        processes=_MOST_PROCESSES,
        tmp_bytes=0,
        uid=None,
    )
    if log := steps.end():
        work.log(log)
    shutil.rmtree(folder, ignore_errors=True)
    if work.is_cancelled():
        raise BuildCancelledError("The build was cancelled.")
    if disk.is_over():
        raise BuildError(
            f"The build used more than {config.build_disk_bytes / 2**30:.1f} GiB of disk space "
            f"{_while(steps)}.",
            "Raise TooInstance.build_disk_bytes if it needs that.",
            code="limit_disk",
        )
    if result.reason == "timed_out":
        raise BuildError(
            f"The build took longer than {config.build_timeout_s:.0f} s {_while(steps)}.",
            "Raise TooInstance.build_timeout_s if that is what it needs.",
            code="limit_time",
        )
    if result.reason != "exited":
        raise BuildError(
            f"The builder's client ended unexpectedly: {result.detail or result.reason}.",
            "Try again.",
            code=result.reason if result.reason.startswith("limit_") else "command_lost",
        )
    if result.exit_code != 0:
        failed = steps.failed
        if recipe.is_foreign and failed is not None:
            missing = foreign.missing_in(
                recipe.dockerfile, failed.what, specification.build_arguments
            )
            if missing:
                raise foreign.argument_missing(missing)
        raise failures.error_of(result.output, failed, steps.tail, has_folder_kind=has_folder_kind)


def options(
    config: TooInstance, recipe: Recipe, folder: Path, *, owner: str, source: str, force: bool
) -> tuple[list[str], dict[str, str]]:
    """Return arguments of the builder, and build arguments, beside what the recipe says.

    Parameters
    ----------
    folder
        Where the secrets may be kept while the build lasts.
    owner, source
        Cache mounts are shared with whom these, and the installation, are the same.
    """
    found = ["--ulimit", "core=0:0"]
    arguments = settings.proxies()
    if not recipe.is_foreign:
        path = folder / "settings"
        path.touch(mode=0o600)
        path.write_text(settings.script(settings.variables(config)))
        found += ["--secret", f"id=settings,src={path}"]
        if (bundle := settings.ca_bundle(config)) is not None:
            found += ["--secret", f"id=ca,src={bundle}"]
    # a cache mount keeps what any build put there: another's must not come upon it
    scope = f"{owner}\0{source if recipe.is_foreign else ''}"
    arguments["BUILDKIT_CACHE_MOUNT_NS"] = hashlib.sha256(scope.encode()).hexdigest()[:32]
    if config.build_cgroup:
        found += ["--cgroup-parent", config.build_cgroup]
    if force:
        found.append("--no-cache")
    return found, arguments


def require_builder() -> None:
    """Raise unless the engine's client can build with BuildKit."""
    if shutil.which("docker") is None and shutil.which("podman") is None:
        raise failures.buildx_missing()


class _Disk:
    """How much of the engine's disk was used since a build began; unknown where it is elsewhere."""

    def __init__(self, client: APIClient, most_bytes: int) -> None:
        root = Path(client.info().get("DockerRootDir") or "")
        self._root = root if daemon.host_is_local() and root.is_dir() else None
        self._most_bytes = most_bytes
        self._free_at_start = self._free()
        self._next = 0.0
        self._is_over = False

    def is_over(self) -> bool:
        """Tell whether a build has used more than it may."""
        if self._root is not None and not self._is_over and time.monotonic() >= self._next:
            self._next = time.monotonic() + _DISK_POLL_S
            self._is_over = self._free_at_start - self._free() > self._most_bytes
        return self._is_over

    def _free(self) -> int:
        return 0 if self._root is None else shutil.disk_usage(self._root).free


def _count(recipe: Recipe) -> int:
    from .instructions import count_steps

    return count_steps(recipe.dockerfile) if recipe.dockerfile else 0


def _variables() -> Mapping[str, str]:
    found = {name: os.environ[name] for name in _PASSED if name in os.environ}
    found["HOME"] = str(Path.home())
    found["PATH"] = os.environ.get("PATH") or SYSTEM_PATH
    if host := daemon.host():
        found["DOCKER_HOST"] = host
    return found


def _while(steps: Steps) -> str:
    return f"at the step “{steps.message}”"
