"""Finds the container engine of this machine and connects to it; says in words why it cannot.

What is run in a container is left to ``build`` and ``engines``, how it is confined to
``confinement``.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
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
_MOST_ANSWER_BYTES = 4096
_IS_FINE = re.compile(rb"HTTP/1\.[01] 200\b")
_CONNECTIONS = 64
_OLDEST_API = (1, 41)  # Docker 20.10, Podman 3
WITHOUT_DOCKER = "`--engine process` builds and runs Python, Node and scripts without Docker."
"""How the hint of each problem ends, for whoever has not taken the process engine."""

_START = f"Start it (`sudo systemctl start docker`, or Docker Desktop). {WITHOUT_DOCKER}"


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

    That is DOCKER_HOST, the current context of the Docker CLI, the usual socket, or Podman's; a
    socket that this user may not write to is left aside where there is another one.
    """
    if asked := os.environ.get("DOCKER_HOST"):
        return asked
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if found := _host_of_context():
            return found
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    found_sockets = []
    for path in (
        Path("/var/run/docker.sock"),
        Path(runtime, "docker.sock"),
        Path.home() / ".docker" / "run" / "docker.sock",
        Path(runtime, "podman", "podman.sock"),
        Path("/run/podman/podman.sock"),
    ):
        with contextlib.suppress(OSError):  # a folder that this user may not enter
            if path.is_socket():
                found_sockets.append(path)
    usable = [path for path in found_sockets if os.access(path, os.W_OK)]
    return next((f"unix://{path}" for path in usable + found_sockets), None)


def is_there() -> bool:
    """Tell whether an engine answers, in a few milliseconds and without importing its library."""
    return problem() is None


def problem() -> EngineError | None:
    """Return why no engine answers, ``None`` where one does, without importing its library.

    Kept apart are: no engine at all, no socket, permission denied, refused, no answer in time, a
    failure of TLS, and something that is no container engine. Engines over SSH are not asked:
    whoever set one wants it to be used.
    """
    url = host()
    if url is None:
        return _none_here()
    place = urlsplit(url)
    try:
        match place.scheme:
            case "unix":
                with socket.socket(socket.AF_UNIX) as end:
                    end.settimeout(_PING_TIMEOUT_S)
                    end.connect(place.path)
                    return _problem_of_answer(url, _ping(end))
            case "tcp" | "http" | "https":
                has_tls = _has_tls(url)
                address = (place.hostname or "", place.port or (2376 if has_tls else 2375))
                with socket.create_connection(address, _PING_TIMEOUT_S) as plain:
                    if not has_tls:
                        return _problem_of_answer(url, _ping(plain))
                    with _tls_context(url).wrap_socket(
                        plain, server_hostname=place.hostname
                    ) as end:
                        return _problem_of_answer(url, _ping(end))
            case _:  # ssh, npipe
                return None
    except (OSError, ValueError) as error:
        return _problem_of(url, error)


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
        raise _none_here()
    try:
        tls: TLSConfig | bool = False
        if _has_own_certificates(url):
            folder = _certificates()
            tls = TLSConfig(
                client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")),
                ca_cert=str(folder / "ca.pem"),
                verify=True,
            )
        client = docker.APIClient(
            base_url=url,
            version="auto",
            timeout=cast(int, timeout_s),  # the stubs do not know of None: without a limit
            tls=tls,
            max_pool_size=_CONNECTIONS,
        )
    except (docker.errors.DockerException, OSError) as error:
        raise problem() or _silent(url, str(error)) from error
    version = tuple(int(part) for part in str(client.api_version).split(".")[:2])
    if version < _OLDEST_API:
        client.close()
        raise EngineError(
            f"The Docker engine is too old: its API is {client.api_version}.",
            f"Docker 20.10 or newer, or Podman 3 or newer, is needed. {WITHOUT_DOCKER}",
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
        raise problem() or _silent(host() or "", str(error)) from error


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


def _has_tls(url: str) -> bool:
    return url.startswith("https://") or _has_own_certificates(url)


def _has_own_certificates(url: str) -> bool:
    return bool(os.environ.get("DOCKER_TLS_VERIFY")) and url.startswith("tcp://")


def _certificates() -> Path:
    return Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")


def _tls_context(url: str) -> ssl.SSLContext:
    if not _has_own_certificates(url):
        return ssl.create_default_context()
    folder = _certificates()
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
    return context


def _ping(end: socket.socket) -> bytes:
    """Return the head of what the other side answers to a ping."""
    end.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
    answer = b""
    while len(answer) < _MOST_ANSWER_BYTES and (piece := end.recv(_MOST_ANSWER_BYTES)):
        answer += piece
        if _IS_FINE.match(answer) and b"\r\n\r\n" in answer:
            break  # what is said else is read to its end, which says why
    return answer


def _problem_of_answer(url: str, answer: bytes) -> EngineError | None:
    first, _, headers = answer.partition(b"\r\n")
    if _IS_FINE.match(first) and b"\napi-version:" in b"\n" + headers.lower():
        return None
    if b"HTTPS server" in answer:
        return _problem_of(url, ssl.SSLError("it speaks TLS, and was spoken to without"))
    said = first[:80].decode("utf-8", "replace").strip()
    return EngineError(
        f"What answers at {url} is no container engine"
        + (f": it says {said!r}." if said else ": it hangs up."),
        f"DOCKER_HOST or the current `docker context` may be wrong. {WITHOUT_DOCKER}",
        code="engine_invalid",
    )


def _problem_of(url: str, error: Exception) -> EngineError:
    """Say why nothing can be asked at a URL."""
    place = urlsplit(url)
    name = place.path if place.scheme == "unix" else url
    match error:
        case PermissionError():
            return _forbidden(name)
        case FileNotFoundError() if place.scheme == "unix":
            return EngineError(f"There is no socket {name}.", _START)
        case ssl.SSLError() | FileNotFoundError():
            return EngineError(
                f"No TLS connection to {name} can be made: {error}.".replace("..", "."),
                "DOCKER_TLS_VERIFY=1, with ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH, makes "
                f"one. {WITHOUT_DOCKER}",
                code="engine_tls",
            )
        case ConnectionRefusedError():
            return EngineError(f"The connection to {name} is refused: no engine runs.", _START)
        case TimeoutError():
            return EngineError(
                f"The engine at {name} does not answer within {_PING_TIMEOUT_S:.0f} s.",
                f"It may be overloaded, or hang: `docker info` tells. {WITHOUT_DOCKER}",
            )
    return _silent(name, str(error))


def _forbidden(name: str) -> EngineError:
    user, group = "$USER", "docker"
    with contextlib.suppress(ImportError, KeyError, OSError):  # Windows, or no entry for a number
        import grp
        import pwd

        user = pwd.getpwuid(os.getuid()).pw_name
        owner = Path(name).stat()
        group = grp.getgrgid(owner.st_gid).gr_name if owner.st_gid else group
    return EngineError(
        f"Permission denied on {name}.",
        f"Add the user to the group {group} (`sudo usermod -aG {group} {user}`, which is as good "
        f"as root) and log in again, or use rootless Docker or Podman. {WITHOUT_DOCKER}",
        code="engine_forbidden",
    )


def _none_here() -> EngineError:
    return EngineError(
        "There is no container engine on this machine.",
        f"Install Docker or Podman, or set DOCKER_HOST. {WITHOUT_DOCKER}",
        code="engine_missing",
    )


def _silent(name: str, said: str) -> EngineError:
    return EngineError(f"The Docker engine at {name} does not answer: {said[-300:]}", _START)
