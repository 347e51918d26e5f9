"""Runs a container that cannot wait: its image has no shell, or its engine is elsewhere.

It is started with its argv, its output comes over a connection, and where this machine's folders
cannot be mounted, its working directory goes there and comes back as an archive.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import foreign_files
from ...config import TooInstance
from ...containers import confinement
from ...errors import EngineError
from ..checks import RUN_VARIABLE
from .network import Sandbox
from .order import Order
from .streams import Output
from .waiting import passed

if TYPE_CHECKING:
    from docker import APIClient

_logger = logging.getLogger(__name__)
_CHUNK_BYTES = 2**20
# the top of a volume stays root's whatever an archive says
_BENEATH = "run"
_ELSEWHERE = f"{confinement.WORK}/{_BENEATH}"


def create(
    client: APIClient,
    config: TooInstance,
    order: Order,
    directory: Path,
    *,
    installation: str,
    secrets: Mapping[str, str],
    sandbox: Sandbox,
    volumes: tuple[str, ...],
    uid: int,
    shares_files: bool,
) -> str:
    """Make a container with all that it is to run, and return its id.

    Raises
    ------
    EngineError
        If there are secrets, which the engine would keep on its disk.
    """
    from docker.types import Mount

    if secrets:
        raise EngineError(
            "A secret cannot be given to this run without the engine keeping it on its disk.",
            "That takes an image with a shell, and an engine of this machine; -e NAME=VALUE passes "
            "a value that may be seen.",
            code="secret_refused",
        )
    place = order.place
    work = directory / "work"
    mounts = [Mount(confinement.WORK, str(work), type="bind")] if shares_files else []
    created = client.create_container(
        place.image,
        entrypoint=[order.argv[0]],
        command=list(order.argv[1:]),
        name=f"tooinstance-{order.run_id}",
        platform=place.platform or None,
        stdin_open=order.has_stdin,
        volumes=None if shares_files else [confinement.WORK],
        host_config=confinement.host_config(
            client,
            place.limits,
            network=sandbox.mode,
            mounts=mounts,
            volumes=volumes,
            uid=uid,
            gpus=place.gpus,
        ),
        **confinement.container_config(
            labels={
                confinement.INSTALLATION: installation,
                confinement.KIND: "run",
                confinement.RUN: order.run_id,
            },
            uid=uid,
            directory=place.workdir or (confinement.WORK if shares_files else _ELSEWHERE),
            variables={
                **passed(config),
                **order.variables,
                RUN_VARIABLE: order.run_id,
            },
            # so that the end of what is fed is the end of its standard input
            detach=not order.has_stdin,
        ),
    )
    container = str(created["Id"])
    if not shares_files:
        client.put_archive(container, confinement.WORK, _packed(work, uid))
    return container


class Attached:
    """A container whose output comes over a connection. See `life.Container`."""

    def __init__(
        self,
        client: APIClient,
        container: str,
        outputs: Mapping[str, Output],
        stdin: Path | None,
    ) -> None:
        self.id = container
        self._outputs = outputs
        self._is_closed = False
        self._pieces = client.attach(container, stream=True, demux=True, logs=False)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if stdin is not None:
            socket = client.attach_socket(container, params={"stdin": 1, "stream": 1})
            threading.Thread(target=_feed, args=(socket, stdin), daemon=True).start()

    async def drained(self, timeout_s: float) -> None:
        """See `Container.drained`; nothing is taken any more after it."""
        for output in self._outputs.values():
            output.passage.is_bounded = False  # what is still on its way is little
        await asyncio.to_thread(self._reader.join, timeout_s)
        self._is_closed = True
        self.close()
        # it may be in the middle of a piece, and the file is closed next
        await asyncio.to_thread(self._reader.join)

    def close(self) -> None:
        """See `Container.close`."""
        with contextlib.suppress(Exception):
            self._pieces.close()

    def _read(self) -> None:
        try:
            for stdout, stderr in self._pieces:
                if self._is_closed:
                    return
                if stdout:
                    self._outputs["stdout"].take(stdout)
                if stderr:
                    self._outputs["stderr"].take(stderr)
        except Exception as error:  # noqa: BLE001 the connection ends as it likes
            _logger.info("connection to a container ended container=%s: %s", self.id, error)


def fetch_work(client: APIClient, container: str, directory: Path, most_bytes: int) -> None:
    """Bring a container's working directory back, no more than so many bytes of it."""
    work = directory / "work"
    pieces, _ = client.get_archive(container, _ELSEWHERE, chunk_size=_CHUNK_BYTES)
    with tempfile.TemporaryFile(dir=directory) as archive:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > most_bytes + 2**20:
                break
            archive.write(piece)
        archive.seek(0)
        fresh = directory / "fetched"
        fresh.mkdir(exist_ok=True)
        # one that was cut off ends in the middle of a file
        with contextlib.suppress(tarfile.ReadError, EOFError), tarfile.open(fileobj=archive) as tar:
            for member in tar:
                if member.isreg() or member.isdir():
                    with contextlib.suppress(tarfile.FilterError, OSError):
                        tar.extract(member, fresh, filter="data")
        came = fresh / _BENEATH
        if came.is_dir():
            foreign_files.remove(work)
            came.rename(work)
        foreign_files.remove(fresh)


def _packed(work: Path, uid: int) -> Iterator[bytes]:
    """Return a folder as an archive whose files belong to the container's user."""

    def own(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = uid
        member.uname = member.gname = ""
        member.mode |= 0o700 if member.isdir() else 0o600
        return member

    packed = tempfile.SpooledTemporaryFile(max_size=2**24)  # noqa: SIM115 read by what sends it
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(work, arcname=_BENEATH, filter=own)
    packed.seek(0)
    return iter(lambda: packed.read(_CHUNK_BYTES), b"")


def _feed(socket: Any, stdin: Path) -> None:
    raw = getattr(socket, "_sock", socket)
    with contextlib.suppress(OSError), stdin.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            raw.sendall(piece)
        raw.shutdown(1)
    socket.close()
