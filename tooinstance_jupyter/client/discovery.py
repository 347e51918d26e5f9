"""Which Jupyter server does the work for this process, if any, and the token that it takes.

Only what the environment and the server's own file say counts; nothing is asked over the network.
A token goes to the server that it belongs to, or nowhere.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from jupyter_core.paths import jupyter_runtime_dir

from ..config import TooInstance
from ..errors import InvalidValueError

URL_VARIABLE = "TOOINSTANCE_SERVER_URL"
"""Set by the extension in its server's environment, which kernels and terminals inherit."""

_PARENT_VARIABLE = "JPY_PARENT_PID"
_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
_HUB_PLACES = (
    "JUPYTERHUB_SERVICE_URL",
    "JUPYTERHUB_PUBLIC_URL",
    "JUPYTERHUB_PUBLIC_HUB_URL",
    "JUPYTERHUB_API_URL",
    "JUPYTERHUB_HOST",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server, and what it takes to speak to it.

    Parameters
    ----------
    url
        Its base URL, with a slash at the end; never with a token.
    token
        Sent with each request; empty for a server without a token.
    socket
        The Unix socket that it listens on, if it does.
    """

    url: str
    token: str = field(default="", repr=False)
    socket: str = ""

    def __str__(self) -> str:
        return f"{self.url} (socket {self.socket})" if self.socket else self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found.

    Parameters
    ----------
    server
        The server; ``None`` to work in this process.
    why
        The reason, for people.
    is_asked_for
        Whether somebody named the server, so that nothing else will do.
    """

    server: Server | None
    why: str
    is_asked_for: bool = False


def find(config: TooInstance, environment: Mapping[str, str] = os.environ) -> Found:
    """Return the server that serves this process.

    Raises
    ------
    InvalidValueError
        If `config.server` is neither ``auto`` nor ``none`` nor the URL of a server.
    """
    if config.server == "none":
        return Found(server=None, why="no server is wanted: TooInstance.server is 'none'")
    if config.server in ("", "auto"):
        return _of_the_environment(environment)
    server = _named(config.server, environment)
    return Found(server=server, why="TooInstance.server names it", is_asked_for=True)


def _of_the_environment(environment: Mapping[str, str]) -> Found:
    told = environment.get(URL_VARIABLE, "")
    if not told:
        return Found(server=None, why="no Jupyter server with this extension has started it")
    url, socket = _split(told)
    parent = environment.get(_PARENT_VARIABLE, "")
    hub_token = _hub_token_of_own_server(url, environment)
    # on a hub the address is the user's alone, whatever process began the kernel; and in this
    # process one would not be the hub's user, but the operating system's, which may be everybody's
    for info in _own_servers("" if hub_token else parent):
        if _of_info(info) != (url, socket):
            continue
        if hub_token:
            server = Server(url=_near(url, info), token=hub_token, socket=socket)
            return Found(server=server, why="it is your server on the hub")
        server = Server(url=url, token=str(info.get("token") or ""), socket=socket)
        return Found(server=server, why=f"it started this {'kernel' if parent else 'terminal'}")
    whose = f"the process {parent}, which started this one," if parent else "a server of yours"
    return Found(server=None, why=f"{url} is not known to be {whose} that still runs")


def _named(text: str, environment: Mapping[str, str]) -> Server:
    url, socket = _split(text)
    parts = urlsplit(text)
    if parts.username is not None or parts.password is not None:
        raise InvalidValueError(
            "TooInstance.server holds a user name or a password.",
            "Give the URL alone, and the token in TOOINSTANCE_TOKEN.",
            code="server_invalid",
        )
    if parts.scheme not in ("http", "https", "http+unix") or not parts.netloc:
        raise InvalidValueError(
            f"TooInstance.server is no URL of a server: {url!r}.",
            "Give auto, none, or a URL such as http://localhost:8888/.",
            code="server_invalid",
        )
    return Server(url=url, token=_token(text, url, socket, environment), socket=socket)


def _token(text: str, url: str, socket: str, environment: Mapping[str, str]) -> str:
    """Return the token for a server that was named: the first that belongs to it."""
    if typed := parse_qs(urlsplit(text).query).get("token"):
        return typed[0]
    meant_for = environment.get("TOOINSTANCE_SERVER")
    if (given := environment.get("TOOINSTANCE_TOKEN")) and (
        not meant_for or _split(meant_for) == (url, socket)
    ):
        return given
    for info in _own_servers(""):
        if _of_info(info) == (url, socket):
            return _hub_token_of_own_server(url, environment) or str(info.get("token") or "")
    return environment.get("JUPYTERHUB_API_TOKEN", "") if _is_of_the_hub(url, environment) else ""


def _split(text: str) -> tuple[str, str]:
    """Return a base URL without query and with a slash at its end, and its Unix socket."""
    parts = urlsplit(text.strip())
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    if parts.scheme == "http+unix":
        return urlunsplit(("http", "localhost", path, "", "")), unquote(parts.netloc)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", "")), ""


def _own_servers(pid: str) -> Iterator[Mapping[str, Any]]:
    """Yield what servers of this user that are alive say about themselves: one, or all."""
    folder = Path(jupyter_runtime_dir())
    if pid:
        files = [folder / f"jpserver-{pid}.json"] if pid.isdecimal() else []
    else:
        files = sorted(folder.glob("jpserver-*.json"))
    for file in files:
        info = _read(file)
        if info is not None and file.name == f"jpserver-{info.get('pid')}.json":
            yield info


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        with file.open("rb") as opened:
            if os.name == "posix" and not _is_own(os.fstat(opened.fileno())):
                return None
            info = json.load(opened)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(info, dict) or not isinstance(info.get("pid"), int):
        return None
    return info if _is_alive_and_own(info["pid"]) else None


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_alive_and_own(pid: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        return Path(f"/proc/{pid}").stat().st_uid == os.getuid()
    except OSError:  # no such file system here; the signal would have been refused for another's
        return os.getuid() != 0


def _of_info(info: Mapping[str, Any]) -> tuple[str, str]:
    url, socket = _split(str(info.get("url") or ""))
    return url, str(info.get("sock") or "") or socket


def _near(url: str, info: Mapping[str, Any]) -> str:
    """Return the loopback URL of a server that listens on all addresses, as in a container.

    It tells its host's name instead, which may not resolve, and may lead to a proxy.
    """
    near = _LOOPBACK_OF.get(str(info.get("hostname")))
    parts = urlsplit(url)
    if near is None or parts.scheme != "http":  # a certificate is for the name
        return url
    return urlunsplit(parts._replace(netloc=f"{near}:{parts.port or 80}"))


def _hub_token_of_own_server(url: str, environment: Mapping[str, str]) -> str:
    """Return the hub's token if a URL is that of the user's own server on a hub."""
    prefix = environment.get("JUPYTERHUB_SERVICE_PREFIX", "")
    if prefix and urlsplit(url).path == _split(prefix)[0]:
        return environment.get("JUPYTERHUB_API_TOKEN", "")
    return ""


def _is_of_the_hub(url: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a URL is at one of the places that the hub itself has named."""
    parts = urlsplit(url)
    places = [urlsplit(environment.get(name, "")) for name in _HUB_PLACES]
    base = environment.get("JUPYTERHUB_BASE_URL", "/")
    return parts.path.startswith(base) and any(
        place.netloc and (place.scheme, place.netloc) == (parts.scheme, parts.netloc)
        for place in places
    )
