"""Makes containers that wait for what to run: confined, started, with pipes to this machine.

A shell in the container reads what to become from a pipe. If whoever made it dies before, the shell
reads an end and the container ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fnmatch
import os
import shlex
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, ImageNotFound, NotFound
from docker.types import Mount

from ...config import TooInstance
from ...containers import confinement
from ...errors import EngineError
from .network import Networks, Sandbox
from .order import Place
from .streams import STREAMS, open_pipe

if TYPE_CHECKING:
    from docker import APIClient

INSIDE = "/run/tooinstance"
NOTHING_CAME = 125
"""The exit code of a shell that was never told what to become."""

_SHELL = ["/bin/sh", "-c", f". {INSIDE}/start; exit {NOTHING_CAME}"]
_START_TIMEOUT_S = 30.0
_CA_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)


class NotSharedError(Exception):
    """The engine does not have this machine's folders, though its socket is here."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A container that waits for what to run.

    ``folder`` holds ``control/``, which the container sees read-only, and ``work/``, its working
    directory; ``start`` is the end of the pipe that its shell reads from.
    """

    id: str
    folder: Path
    place: Place
    sandbox: Sandbox
    uid: int
    start: int
    pipes: Mapping[str, int]
    made_at: float = field(default_factory=time.monotonic)

    def is_spoilt(self) -> bool:
        """Tell whether something in it did more than wait: the shell is the image's own."""
        return any(os.scandir(self.folder / "work"))

    def hand_over(self, directory: Path, *, stdin: Path | None) -> None:
        """Give the container a run's working directory and its input.

        What is in the run's working directory is moved to the one that the container has, which
        takes its place.

        Raises
        ------
        OSError
            If that cannot be; both are as they were if the container did not just wait.
        """
        work = self.folder / "work"
        if self.is_spoilt():
            raise OSError(errno.ENOTEMPTY, "The container did not just wait", str(work))
        for entry in (directory / "work").iterdir():
            os.chown(entry, self.uid, self.uid, follow_symlinks=False)
            entry.rename(work / entry.name)
        (directory / "work").rmdir()
        work.rename(directory / "work")
        if stdin is not None:
            given = self.folder / "control" / "stdin"
            given.unlink()
            given.hardlink_to(stdin)
            os.chown(given, self.uid, self.uid)

    async def tell(self, script: bytes, *, timeout_s: float) -> None:
        """Tell the container what to become.

        Raises
        ------
        OSError
            If its shell has ended, or does not read: it is the image's own, and may be anything.
        """
        until = time.monotonic() + timeout_s
        view = memoryview(script)
        while view:
            try:
                view = view[os.write(self.start, view) :]
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(0.002)
        os.close(self.start)
        self.start = -1

    def let_go(self) -> None:
        """Close what is open here."""
        for end in (self.start, *self.pipes.values()):
            if end >= 0:
                os.close(end)
        self.start, self.pipes = -1, {}


def script(argv: Sequence[str], variables: Mapping[str, str], *, folder: str = INSIDE) -> bytes:
    """Return what the shell becomes: the tool, with every word quoted.

    It is one compound command, of which the shell runs nothing before it has read its end.
    """
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    words = " ".join(map(shlex.quote, argv))
    # open for both ways, so that the tool never sees a pipe without a reader
    ends = f"<{folder}/stdin 1<>{folder}/stdout 2<>{folder}/stderr"
    return os.fsencode("\n".join(["{", *lines, f"exec {words} {ends}", "}", ""]))


class Maker:
    """Makes and removes such containers; its methods block and may be called from threads."""

    def __init__(
        self, client: APIClient, config: TooInstance, installation: str, networks: Networks
    ) -> None:
        self._client = client
        self._config = config
        self._installation = installation
        self._networks = networks
        self._images: dict[str, tuple[str, ...]] = {}
        self._shells: dict[str, bool] = {}

    @property
    def root(self) -> Path:
        """Where the containers' folders are."""
        return self._config.home_path / "containers"

    def has_shell(self, image: str) -> bool | None:
        """Tell whether an image has a shell, ``None`` if that has not come up yet."""
        return self._shells.get(image)

    def volumes(self, image: str) -> tuple[str, ...]:
        """Return the paths that an image declares as volumes."""
        if image not in self._images:
            try:
                told = self._client.inspect_image(image)
            except ImageNotFound as error:
                raise image_is_gone() from error
            self._images[image] = tuple((told["Config"].get("Volumes") or {}).keys())
        return self._images[image]

    def make(self, place: Place) -> Waiting | None:
        """Make a container and return it once it waits; ``None`` if its image has no shell.

        Raises
        ------
        EngineError
            If it does not start.
        """
        name = uuid.uuid4().hex
        uid = confinement.uid_for(name)
        folder = self.root / name
        pipes = self._lay_out(folder, uid)
        sandbox: Sandbox | None = None
        container, start = "", -1
        try:
            sandbox = self._networks.acquire(place.owner, network=place.limits.network)
            container = self._create(place, folder, sandbox, uid)
            if place.image not in self._shells:
                self._shells[place.image] = self._looks_for_shell(container)
            if not self._shells[place.image]:
                self._undo(container, folder, sandbox, pipes.values())
                return None
            self._client.start(container)
            start = self._open_start(folder / "control" / "start", container)
        except BaseException:
            # what failed may be the network's fault
            if sandbox is not None:
                self._networks.discard(sandbox)
            self._undo(container, folder, None, pipes.values())
            raise
        return Waiting(
            id=container,
            folder=folder,
            place=place,
            sandbox=sandbox,
            uid=uid,
            start=start,
            pipes=pipes,
        )

    def discard(self, waiting: Waiting) -> None:
        """Remove a container that waits, or one whose run has ended."""
        waiting.let_go()
        self._undo(waiting.id, waiting.folder, waiting.sandbox, ())

    def _undo(
        self, container: str, folder: Path, sandbox: Sandbox | None, ends: Iterable[int]
    ) -> None:
        for end in ends:
            os.close(end)
        if container:
            with contextlib.suppress(NotFound):
                self._client.remove_container(container, force=True, v=True)
        if sandbox is not None:
            self._networks.release(sandbox)
        shutil.rmtree(folder, ignore_errors=True)

    def _lay_out(self, folder: Path, uid: int) -> dict[str, int]:
        control, work = folder / "control", folder / "work"
        folder.mkdir(parents=True, mode=0o700)
        control.mkdir()
        work.mkdir()
        control.chmod(0o711)
        confinement.write_account(control, uid)
        (control / "stdin").touch(mode=0o600)
        for name in ("start", *STREAMS):
            os.mkfifo(control / name, 0o600)
        if self._config.ca_bundle and Path(self._config.ca_bundle).is_file():
            shutil.copyfile(self._config.ca_bundle, control / "ca.pem")
            (control / "ca.pem").chmod(0o644)
        if uid != os.getuid():
            for path in (work, *(control / name for name in ("stdin", "start", *STREAMS))):
                os.chown(path, uid, uid)
        return {name: open_pipe(control / name) for name in STREAMS}

    def _create(self, place: Place, folder: Path, sandbox: Sandbox, uid: int) -> str:
        control = folder / "control"
        mounts = [
            Mount(INSIDE, str(control), type="bind", read_only=True),
            Mount(confinement.WORK, str(folder / "work"), type="bind"),
            *confinement.account_mounts(control),
        ]
        variables = dict(passed(self._config))
        if (control / "ca.pem").exists():
            variables |= dict.fromkeys(_CA_VARIABLES, f"{INSIDE}/ca.pem")
        try:
            return self._created(place, mounts, variables, folder.name, sandbox, uid)
        except ImageNotFound as error:
            raise image_is_gone() from error
        except APIError as error:
            if "bind source path does not exist" not in str(error.explanation):
                raise
            raise NotSharedError from error

    def _created(
        self,
        place: Place,
        mounts: Sequence[Mount],
        variables: Mapping[str, str],
        name: str,
        sandbox: Sandbox,
        uid: int,
    ) -> str:
        created = self._client.create_container(
            place.image,
            entrypoint=_SHELL[:1],
            command=_SHELL[1:],
            name=f"tooinstance-{name}",
            platform=place.platform or None,
            host_config=confinement.host_config(
                self._client,
                place.limits,
                network=sandbox.mode,
                mounts=mounts,
                volumes=self.volumes(place.image),
                uid=uid,
                gpus=place.gpus,
            ),
            **confinement.container_config(
                labels={confinement.INSTALLATION: self._installation, confinement.KIND: "run"},
                uid=uid,
                directory=place.workdir or confinement.WORK,
                variables=variables,
            ),
        )
        return str(created["Id"])

    def _looks_for_shell(self, container: str) -> bool:
        try:
            pieces, _ = self._client.get_archive(container, "/bin/sh")
        except NotFound:
            return False
        pieces.close()
        return True

    def _open_start(self, path: Path, container: str) -> int:
        """Open the pipe that the shell reads from, as soon as it does."""
        until = time.monotonic() + _START_TIMEOUT_S
        checked = time.monotonic()
        while True:
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            if time.monotonic() - checked > 1:
                checked = time.monotonic()
                state = self._client.inspect_container(container)["State"]
                if not state["Running"] or checked > until:
                    raise EngineError(
                        f"The container does not start: {state.get('Error') or state['Status']}.",
                        "`docker info` and the engine's log may say more.",
                        code="container_not_started",
                    )
            time.sleep(0.001)


def image_is_gone() -> EngineError:
    """Return the error about an image that somebody removed."""
    return EngineError(
        "The image of this version is no longer on this machine.",
        "`%tooi pull` fetches it where there is a registry; `%tooi build` makes it again.",
        code="environment_missing",
    )


def passed(config: TooInstance) -> dict[str, str]:
    """Return the variables of this process that containers see too: no paths of this machine."""
    return {
        name: value
        for name, value in os.environ.items()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in config.pass_environment)
        and not name.endswith(("_FILE", "_DIR", "_BUNDLE", "_CERTS", "_CAINFO"))
    }
