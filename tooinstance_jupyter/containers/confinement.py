"""How a container is confined: everything that a tool must not have is taken away at its creation.

What runs inside is left to ``build`` and ``engines``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..records import Limits
from ..sandbox.plan import unprivileged_uid

if TYPE_CHECKING:
    from docker import APIClient
    from docker.types import Mount

INSTALLATION = "org.tooinstance.installation"
KIND = "org.tooinstance.kind"
RUN = "org.tooinstance.run"
WORK = "/work"
HOME = "/tmp"  # noqa: S108 the only place beside the working directory that can be written to

_USER = "tool"
_ACCOUNT = {
    "passwd": f"root:x:0:0::/root:/bin/sh\n{_USER}:x:{{uid}}:{{uid}}::{HOME}:/bin/sh\n",
    "group": f"root:x:0:\n{_USER}:x:{{uid}}:\n",
}
_PIDS_BESIDE_THE_TOOL = 2  # the init process and the shell before it becomes the tool


def uid_for(key: str) -> int:
    """Return the user of a container: one of its own as root, else the present one; never root."""
    return unprivileged_uid(key) or os.getuid()


def write_account(folder: Path, uid: int) -> None:
    """Write into a folder who the user of a container is: many programs ask for their name."""
    for name, content in _ACCOUNT.items():
        path = folder / name
        path.write_text(content.format(uid=uid))
        path.chmod(0o644)


def account_mounts(folder: Path) -> list[Mount]:
    """Return the mounts that put the files of `write_account` into a container."""
    from docker.types import Mount

    return [
        Mount(f"/etc/{name}", str(folder / name), type="bind", read_only=True) for name in _ACCOUNT
    ]


def host_config(
    client: APIClient,
    limits: Limits,
    *,
    network: str,
    mounts: Sequence[Any] = (),
    volumes: Sequence[str] = (),
    uid: int,
    gpus: str = "",
    log_driver: str = "none",
) -> dict[str, Any]:
    """Return the host's side of a confined container.

    Parameters
    ----------
    limits
        Memory (swap included), processors, processes, size of /tmp and of one file.
    network
        ``"none"``, ``"container:ID"``, or the name of a network.
    mounts
        `docker.types.Mount` objects.
    volumes
        Paths that the image declares as volumes: they would be writable without a limit and
        outlive the container, so each becomes a small memory file system.
    uid
        Who owns those.
    gpus
        ``"all"``, a number, or comma-separated device ids; empty for none.
    """
    from docker.types import LogConfig, Ulimit

    options = f"rw,nosuid,nodev,size={min(limits.tmp_bytes, limits.memory_bytes)},mode=1777"
    small = f"rw,nosuid,nodev,size={2**26},mode=1777,uid={uid},gid={uid}"
    made: dict[str, Any] = client.create_host_config(
        binds=None,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        init=True,
        tmpfs={"/tmp": options, **{path: small for path in volumes if path != WORK}},  # noqa: S108
        shm_size=min(limits.tmp_bytes, 2**26),
        mem_limit=limits.memory_bytes,
        memswap_limit=limits.memory_bytes,
        mem_swappiness=None,
        pids_limit=limits.processes + _PIDS_BESIDE_THE_TOOL,
        nano_cpus=int(limits.cpus * 1e9),
        ulimits=[
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="fsize", soft=limits.output_bytes, hard=limits.output_bytes),
        ],
        network_mode=network,
        mounts=list(mounts),
        log_config=LogConfig(type=log_driver),
        device_requests=_device_requests(gpus),
    )
    return made


def container_config(
    *,
    labels: Mapping[str, str],
    uid: int,
    directory: str = WORK,
    variables: Mapping[str, str],
    detach: bool = True,
) -> dict[str, Any]:
    """Return the arguments of ``create_container`` that are the same for every confined one."""
    return {
        "labels": dict(labels),
        "user": f"{uid}:{uid}",
        "working_dir": directory,
        # the engine may be where no file can tell who this is
        "environment": {
            **{"HOME": HOME, "TMPDIR": HOME, "USER": _USER, "LOGNAME": _USER},
            **variables,
        },
        "detach": detach,
    }


def _device_requests(gpus: str) -> list[Any] | None:
    from docker.types import DeviceRequest

    if not gpus:
        return None
    if gpus == "all" or gpus.isdecimal():
        count = -1 if gpus == "all" else int(gpus)
        return [DeviceRequest(driver="", count=count, capabilities=[["gpu"]])]
    return [DeviceRequest(driver="", device_ids=gpus.split(","), capabilities=[["gpu"]])]
