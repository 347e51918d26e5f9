"""Finds the container engine of this machine and connects to it; says in words why it cannot.

What is run in a container is left to ``build`` and ``engines``, how it is confined to
``confinement``.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from ..errors import EngineError

if TYPE_CHECKING:
    from docker import APIClient

_PING_TIMEOUT_S = 2.0
_REQUEST_TIMEOUT_S = 120
_CONNECTIONS = 64
_OLDEST_API = (1, 41)  # Docker 20.10, Podman 3
_WITHOUT = "`--engine process` builds and runs Python, Node and scripts without Docker."


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A container engine, as it describes itself.

    Parameters
    ----------
    product
        Name and version, for people: "Docker 28.2.2".
    shares_files
        Whether it can mount this machine's folders with their owners as they are: not where it is
        elsewhere, in a virtual machine, or renumbers users.
    has_cgroups_here
        Whether the control groups of its containers are files of this machine.
    platform
        The platform that it runs by itself, such as ``linux/amd64``.
    """

    host: str
    product: str
    shares_files: bool
    has_cgroups_here: bool
    platform: str


def host() -> str | None:
    """Return the URL of the engine that ``docker`` would talk to, ``None`` without any.

    That is DOCKER_HOST, the current context of the Docker CLI, the usual socket, or Podman's.
    """
    if asked := os.environ.get("DOCKER_HOST"):
        return asked
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if found := _host_of_context():
            return found
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    for path in (
        Path("/var/run/docker.sock"),
        Path(runtime, "docker.sock"),
        Path.home() / ".docker" / "run" / "docker.sock",
        Path(runtime, "podman", "podman.sock"),
        Path("/run/podman/podman.sock"),
    ):
        with contextlib.suppress(OSError):
            if path.is_socket():
                return f"unix://{path}"
    return None


def is_there() -> bool:
    """Tell whether an engine answers, in a few milliseconds and without importing its library."""
    url = host()
    if url is None:
        return False
    place = urlsplit(url)
    try:
        match place.scheme:
            case "unix":
                with socket.socket(socket.AF_UNIX) as end:
                    end.settimeout(_PING_TIMEOUT_S)
                    end.connect(place.path)
                    end.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
                    return b" 200 " in end.recv(64)
            case "tcp" | "http" | "https":
                address = (place.hostname or "", place.port or 2375)
                with socket.create_connection(address, _PING_TIMEOUT_S):
                    return True
            case _:  # ssh, npipe: whoever set it wants it to be used
                return True
    except OSError:
        return False


def connect(*, timeout_s: int | None = _REQUEST_TIMEOUT_S) -> APIClient:
    """Return a client of the engine; close it after use.

    Raises
    ------
    EngineError
        If there is none, it does not answer, refuses, or is too old, with the way out.
    """
    import docker
    import docker.errors
    from docker.tls import TLSConfig

    url = host()
    if url is None:
        raise EngineError(
            "There is no Docker engine on this machine.",
            f"Install Docker or Podman, or set DOCKER_HOST. {_WITHOUT}",
            code="engine_missing",
        )
    tls: TLSConfig | bool = False
    if os.environ.get("DOCKER_TLS_VERIFY") and url.startswith("tcp://"):
        folder = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
        tls = TLSConfig(
            client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
            ca_cert=str(folder / "ca.pem"),
            verify=True,
        )
    try:
        client = docker.APIClient(
            base_url=url,
            version="auto",
            timeout=cast(int, timeout_s),  # the stubs do not know of None: without a limit
            tls=tls,
            max_pool_size=_CONNECTIONS,
        )
    except (docker.errors.DockerException, OSError) as error:
        raise _unreachable(url, str(error)) from error
    version = tuple(int(part) for part in str(client.api_version).split(".")[:2])
    if version < _OLDEST_API:
        client.close()
        raise EngineError(
            f"The Docker engine is too old: its API is {client.api_version}.",
            f"Docker 20.10 or newer, or Podman 3 or newer, is needed. {_WITHOUT}",
            code="engine_too_old",
        )
    return client


@contextlib.contextmanager
def connected(*, timeout_s: int = _REQUEST_TIMEOUT_S) -> Iterator[APIClient]:
    """Connect for a while. See `connect`."""
    client = connect(timeout_s=timeout_s)
    try:
        with in_words():
            yield client
    finally:
        client.close()


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Turn the library's errors about an engine that is gone or full into `EngineError`."""
    import docker.errors
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        said = str(error.explanation or error)
        if "no space left" in said.lower():
            raise EngineError(
                f"The Docker engine's disk is full: {said}",
                "Free some space: `%tooi gc --yes`, then `docker system prune`.",
                code="disk_full",
            ) from error
        raise EngineError(
            f"The Docker engine refused: {said}", "`docker info` and its log may say more."
        ) from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise _unreachable(host() or "", str(error)) from error


def describe(client: APIClient) -> Daemon:
    """Ask an engine what it is."""
    told = client.info()
    version = client.version()
    options = told.get("SecurityOptions") or []
    names = {part for option in options for part in option.split(",")}
    renumbers = not {"name=rootless", "name=userns"}.isdisjoint(names)
    system = told.get("OperatingSystem", "")
    is_local = client.base_url.startswith("http+docker") and host_is_local()
    is_machine = system == "Docker Desktop" or os.uname().sysname != "Linux"
    parts = [part.get("Name", "") for part in version.get("Components") or []]
    name = "Podman" if any("Podman" in part for part in parts) else "Docker"
    shares = is_local and not renumbers and not is_machine
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(
        told.get("Architecture", ""), told.get("Architecture", "")
    )
    return Daemon(
        host=host() or "",
        product=f"{name} {version.get('Version', '')}".strip(),
        shares_files=shares,
        has_cgroups_here=shares,
        platform=f"linux/{architecture}",
    )


def host_is_local() -> bool:
    """Tell whether the engine is reached through a socket of this machine."""
    return urlsplit(host() or "").scheme == "unix"


def _host_of_context() -> str | None:
    """Return the URL of the Docker CLI's current context; ``None`` for the default one."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    name = os.environ.get("DOCKER_CONTEXT")
    if not name and (folder / "config.json").exists():
        name = json.loads((folder / "config.json").read_bytes()).get("currentContext")
    if not name or name == "default":
        return None
    for meta in (folder / "contexts" / "meta").glob("*/meta.json"):
        told = json.loads(meta.read_bytes())
        if told.get("Name") == name:
            return str(told["Endpoints"]["docker"]["Host"])
    return None


def _unreachable(url: str, said: str) -> EngineError:
    if "Permission denied" in said or "PermissionError" in said:
        return EngineError(
            f"The Docker engine at {url} may not be used by this user.",
            "`sudo usermod -aG docker $USER` and a new login allow it (which is as good as root), "
            f"or use rootless Docker or Podman. {_WITHOUT}",
            code="engine_forbidden",
        )
    return EngineError(
        f"The Docker engine at {url} does not answer: {said[-300:]}",
        f"Start it (`sudo systemctl start docker`, or Docker Desktop). {_WITHOUT}",
    )
