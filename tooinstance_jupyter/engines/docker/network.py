"""The networks of runs: idle containers whose namespace a run joins, cut off from some addresses.

To join a namespace that is there takes a third of the time of making one. A namespace is used by
one run at a time and never by two owners; runs reach neither each other, nor this machine, nor the
addresses at which clouds hand out credentials.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import ipaddress
import itertools
import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from ...config import TooInstance
from ...containers.base_image import in_registry
from ...containers.confinement import INSTALLATION, KIND

if TYPE_CHECKING:
    from docker import APIClient

_logger = logging.getLogger(__name__)
_MOST_IDLE = 8
_COMMAND = ["sleep", "infinity"]
_FIB = Path("/proc/net/fib_trie")


@dataclass(slots=True, eq=False)
class Sandbox:
    """A network namespace that one run at a time joins.

    ``mode`` is what a container's ``network_mode`` is set to; one of another ``era`` was made
    before the engine restarted, or by another keeper.
    """

    mode: str
    container: str
    owner: str
    network: bool
    era: int = 0
    idle_since: float = field(default_factory=time.monotonic)


class Networks:
    """Gives each run its network, and takes it back.

    Its methods block and may be called from several threads.
    """

    def __init__(self, client: APIClient, config: TooInstance, installation: str) -> None:
        self._client = client
        self._config = config
        self._installation = installation
        self._name = f"tooinstance-{installation[:12]}"
        self._idle: list[Sandbox] = []
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._image: str | None = None
        self._era = 0

    @property
    def isolation(self) -> str:
        """What the records of runs with a network say."""
        return "container" if self._ready_image() else "container, network not filtered"

    def acquire(self, owner: str, *, network: bool) -> Sandbox:
        """Return a namespace that nobody uses."""
        with self._lock:
            for sandbox in self._idle:
                if (sandbox.owner, sandbox.network) == (owner, network):
                    self._idle.remove(sandbox)
                    return sandbox
        image = self._ready_image()
        if image:
            try:
                return self._make(image, owner, network=network)
            except ImageNotFound:
                self._image = None  # somebody removed it: it is built again
                return self.acquire(owner, network=network)
        return Sandbox(
            mode="bridge" if network else "none",
            container="",
            owner=owner,
            network=network,
        )

    def taken_over(self, mode: str, owner: str, *, network: bool) -> Sandbox | None:
        """Return the namespace that a container of an earlier keeper has joined, if it has."""
        kind, _, container = mode.partition(":")
        if kind != "container":
            return None
        return Sandbox(
            mode=mode,
            container=container,
            owner=owner,
            network=network,
            era=-1,
        )

    def release(self, sandbox: Sandbox, *, most: int = _MOST_IDLE) -> None:
        """Take a namespace back; beyond what is kept idle, the oldest goes."""
        if not sandbox.container:
            return
        if sandbox.era != self._era:
            self.discard(sandbox)
            return
        sandbox.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(sandbox)
            surplus = self._idle[: max(0, len(self._idle) - most)]
            del self._idle[: len(surplus)]
        for old in surplus:
            self.discard(old)

    def discard(self, sandbox: Sandbox) -> None:
        """Remove a namespace that must not be used again."""
        if sandbox.container:
            with contextlib.suppress(NotFound):
                self._client.remove_container(sandbox.container, force=True, v=True)

    def expire(self, age_s: float) -> None:
        """Remove the namespaces that have been idle for so long."""
        oldest = time.monotonic() - age_s
        with self._lock:
            old = [sandbox for sandbox in self._idle if sandbox.idle_since < oldest]
            self._idle = [sandbox for sandbox in self._idle if sandbox not in old]
        for sandbox in old:
            self.discard(sandbox)

    def close(self) -> None:
        """Remove all namespaces, those in use when they come back, and a network that is free."""
        self._era += 1
        self.expire(-1)
        # it was never made, or runs are still on it
        with contextlib.suppress(APIError):
            self._client.remove_network(self._name)

    def _make(self, image: str, owner: str, *, network: bool) -> Sandbox:
        from docker.types import LogConfig

        client, era = self._client, self._era
        if network:
            self._ensure_network()
        container = client.create_container(
            image,
            command=_COMMAND,
            labels={INSTALLATION: self._installation, KIND: "network"},
            hostname="tool",
            host_config=client.create_host_config(
                cap_drop=["ALL"],
                cap_add=["NET_ADMIN"] if network else [],
                security_opt=["no-new-privileges"],
                read_only=True,
                init=True,
                network_mode=self._name if network else "none",
                mem_limit=2**25,
                memswap_limit=2**25,
                pids_limit=16,
                log_config=LogConfig(type="none"),
            ),
        )["Id"]
        try:
            client.start(container)
            if network:
                self._cut(container)
        except BaseException:
            client.remove_container(container, force=True, v=True)
            raise
        return Sandbox(
            mode=f"container:{container}",
            container=container,
            owner=owner,
            network=network,
            era=era,
        )

    def _cut(self, container: str) -> None:
        """Make the addresses unreachable that no run may reach."""
        wanted = list(self._config.blocked_networks)
        if self._config.block_host:
            told = self._client.inspect_container(container)
            networks = told["NetworkSettings"]["Networks"].values()
            own = {network["IPAddress"] for network in networks}
            wanted += [f"{network['Gateway']}/32" for network in networks if network["Gateway"]]
            for network in networks:
                # the others on it, in halves: as a whole it is the way to the gateway
                place = f"{network['IPAddress']}/{network['IPPrefixLen']}"
                halves = ipaddress.ip_interface(place).network.subnets()
                wanted += map(str, halves)
            wanted += [f"{address}/32" for address in addresses_of_this_machine() - own]
        lines = [f"ip route replace unreachable {place}" for place in dict.fromkeys(wanted)]
        done = self._client.exec_create(container, ["/bin/sh", "-ec", "\n".join(lines)])
        said = self._client.exec_start(done["Id"])
        if self._client.exec_inspect(done["Id"])["ExitCode"] != 0:
            raise RuntimeError(f"addresses cannot be blocked: {said.decode(errors='replace')}")

    def _ensure_network(self) -> None:
        with self._making:
            if self._client.networks(names=[f"^{self._name}$"]):
                return
            self._client.create_network(
                self._name,
                driver="bridge",
                options={"com.docker.network.bridge.enable_icc": "false"},
                labels={INSTALLATION: self._installation},
            )

    def _ready_image(self) -> str:
        """Return the image of the idle containers, built when it is first needed; empty without."""
        with self._making:
            if self._image is None:
                try:
                    self._image = self._build()
                except DockerException as error:
                    _logger.warning("networks of runs cannot be filtered reason=%s", error)
                    self._image = ""
            return self._image

    def _build(self) -> str:
        base = in_registry(self._config, self._config.base_images["debian"])
        text = (
            f"FROM {base}\n"
            "RUN command -v ip || { apt-get update -qq && "
            "apt-get install -qq -y --no-install-recommends iproute2 && "
            "rm -rf /var/lib/apt/lists/*; }\n"
        )
        tag = f"tooinstance/network:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        try:
            return str(self._client.inspect_image(tag)["Id"])
        except ImageNotFound:
            pass
        said: list[dict[str, str]] = list(
            self._client.build(
                fileobj=io.BytesIO(text.encode()),
                tag=tag,
                rm=True,
                forcerm=True,
                decode=True,
                labels={KIND: "network"},
            )
        )
        if problem := next((line["error"] for line in said if "error" in line), ""):
            raise DockerException(problem.strip())
        return str(self._client.inspect_image(tag)["Id"])


def addresses_of_this_machine() -> set[str]:
    """Return the IPv4 addresses of this machine but for its loopback (Linux)."""
    try:
        lines = _FIB.read_text().splitlines()
    except OSError:
        return set()
    found = {
        before.split()[-1] for before, line in itertools.pairwise(lines) if "/32 host LOCAL" in line
    }
    return {address for address in found if not address.startswith("127.")}
