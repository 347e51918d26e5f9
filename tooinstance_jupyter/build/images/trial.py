"""Starts an image's entry point for its check: confined like a run, and without a network."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...config import TooInstance
from ...containers import confinement, daemon
from ...errors import BuildError
from ..base import Completed
from .contents import ImageConfig

if TYPE_CHECKING:
    from docker import APIClient
    from docker.errors import APIError
    from docker.types import Mount

_MOST_OUTPUT_BYTES = 2**20
_POLL_S = 0.02
_MOST_STARTS = 3
_NOT_STARTED = 126
_WHY_NOT_STARTED = "no such file or directory", "executable file not found", "permission denied"


class Trial:
    """Containers that are gone after each start.

    Parameters
    ----------
    folder
        Where files for the containers may be kept while the build lasts.
    tick
        Called now and then; what it raises ends the container.
    """

    def __init__(
        self,
        client: APIClient,
        config: TooInstance,
        image: ImageConfig,
        *,
        installation: str,
        key: str,
        folder: Path,
        tick: Callable[[], None],
    ) -> None:
        self._client = client
        self._config = config
        self._image = image
        self._installation = installation
        self._uid = confinement.uid_for(key)
        self._tick = tick
        self._account: list[Mount] = []
        if daemon.host_is_local():
            folder.mkdir(parents=True, exist_ok=True)
            confinement.write_account(folder, self._uid)
            self._account = confinement.account_mounts(folder)

    def start(self, argv: Sequence[str], timeout_s: float, *, directory: str) -> Completed:
        """Run an argv in a container to its end, at most so many seconds."""
        import docker.errors

        until = time.monotonic() + timeout_s
        for _ in range(_MOST_STARTS):
            try:
                return self._start(argv, until, directory)
            except docker.errors.APIError as error:
                # what clears up after dead builds cannot tell that this one lives
                if not _is_gone(error):
                    raise
        raise BuildError(
            "The container that checks the image was removed by somebody each time.", "Build again."
        )

    def _start(self, argv: Sequence[str], until: float, directory: str) -> Completed:
        import docker.errors

        try:
            container = self._created(argv, directory)
        except docker.errors.APIError as error:
            if not self._account or "bind source path" not in str(error.explanation):
                raise
            self._account = []  # the engine has other files than this machine
            container = self._created(argv, directory)
        try:
            try:
                self._client.start(container)
            except docker.errors.APIError as error:
                said = str(error.explanation or error)
                if _is_gone(error) or not any(why in said.lower() for why in _WHY_NOT_STARTED):
                    raise
                return Completed(exit_code=_NOT_STARTED, output=_in_short(said, argv[0]))
            timed_out = not self._wait(container, until)
            if timed_out:
                with contextlib.suppress(docker.errors.APIError):  # it may just have ended
                    self._client.kill(container)
            state = self._client.inspect_container(container)["State"]
            return Completed(
                exit_code=int(state["ExitCode"]),
                output=self._output(container),
                timed_out=timed_out,
            )
        finally:
            self._remove(container)

    def _created(self, argv: Sequence[str], directory: str) -> str:
        created = self._client.create_container(
            self._image.id,
            entrypoint=list(argv[:1]),
            command=list(argv[1:]),
            platform=self._config.build_platform or None,
            host_config=self._host(),
            **confinement.container_config(
                labels={
                    confinement.INSTALLATION: self._installation,
                    confinement.KIND: "check",
                },
                uid=self._uid,
                directory=directory,
                variables={},
            ),
        )
        return str(created["Id"])

    def _host(self) -> dict[str, object]:
        limits = dataclasses.replace(self._config.limits(), network=False)
        host = confinement.host_config(
            self._client,
            limits,
            network="none",
            mounts=self._account,
            volumes=self._image.volumes,
            uid=self._uid,
            log_driver="json-file",
        )
        host["LogConfig"]["Config"] = {"max-size": str(_MOST_OUTPUT_BYTES), "max-file": "1"}
        # stands in for a run's working directory
        work = f"rw,nosuid,nodev,size={2**26},mode=0777,uid={self._uid},gid={self._uid}"
        host["Tmpfs"][confinement.WORK] = work
        return host

    def _wait(self, container: str, until: float) -> bool:
        """Wait for the end of a container; tell whether it came in time."""
        while self._client.inspect_container(container)["State"]["Running"]:
            if time.monotonic() > until:
                return False
            self._tick()
            time.sleep(_POLL_S)
        return True

    def _remove(self, container: str) -> None:
        import docker.errors

        try:
            self._client.remove_container(container, force=True, v=True)
        except docker.errors.APIError as error:
            if not _is_gone(error):
                raise

    def _output(self, container: str) -> str:
        output: bytes = self._client.logs(container, stdout=True, stderr=True, tail=5_000)
        return output[-_MOST_OUTPUT_BYTES:].decode("utf-8", "replace")


def _is_gone(error: APIError) -> bool:
    """Tell whether an error means that the container was removed, or is about to be."""
    said = str(error.explanation or error).lower()
    return "no such container" in said or "removal" in said


def _in_short(said: str, program: str) -> str:
    """Return the end of what the engine says, which begins with its own inner workings."""
    reason = said.rsplit(": ", 1)[-1].strip()
    return f"{program}: failed to execute {program}: {reason}"
