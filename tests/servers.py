"""Real Jupyter servers with the extension, each with folders and users of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.unix_accounts import Account

PATIENCE_S = 60.0
TOKEN = "token-of-the-only-user"
_LAB = ("jupyterlab", "notebook", "notebook_shim")
_OTHER_EXTENSIONS = ("jupyter_lsp", "jupyter_server_terminals")
_IDENTITY = """
import dataclasses
from jupyter_server.auth import Authorizer, IdentityProvider, User

USERS = {users!r}

@dataclasses.dataclass
class TestUser(User):
    email: str | None = None
    groups: list[str] = dataclasses.field(default_factory=list)
    read_only: bool = False

def user_of(told):
    told = dict(told)
    return TestUser(username=told.pop("name"), **told)

class TestIdentityProvider(IdentityProvider):
    def get_user_token(self, handler):
        told = USERS.get(self.get_token(handler) or "")
        return told and user_of(told)

    def user_from_cookie(self, cookie_value):
        name = super().user_from_cookie(cookie_value).username
        return next((user_of(told) for told in USERS.values() if told["name"] == name), None)

class TestAuthorizer(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return action == "read" or not user.read_only

c.ServerApp.identity_provider_class = TestIdentityProvider
c.ServerApp.authorizer_class = TestAuthorizer
"""


class Server:
    """A Jupyter server that runs; `url` ends with a slash."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, home: Path) -> None:
        self._process = process
        self.folder = folder
        self.home = home
        self.url = ""
        self.token = TOKEN
        self.pid = process.pid

    @property
    def api(self) -> str:
        """Where the API is."""
        return f"{self.url}tooinstance/api"

    @property
    def log(self) -> str:
        """What the server has written."""
        return (self.folder / "server.log").read_text(errors="replace")

    def wait_until_it_answers(self) -> None:
        until = time.monotonic() + PATIENCE_S
        told = self.folder / "runtime" / f"jpserver-{self.pid}.json"
        while True:
            assert self._process.poll() is None, f"the server ended: {self.log}"
            assert time.monotonic() < until, f"the server does not answer: {self.log}"
            try:
                self.url = json.loads(told.read_text())["url"]
                httpx.get(f"{self.url}api", timeout=PATIENCE_S).raise_for_status()
            except (OSError, ValueError, httpx.TransportError):
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it with SIGTERM, or raise if it does not."""
        until = time.monotonic() + PATIENCE_S
        while self._process.poll() is None:
            if time.monotonic() > until:
                self.kill()
                raise AssertionError(f"the server does not stop: {self.log}")
            # Jupyter loses a signal that comes while it writes a line of its log
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE_S / 4)


def start_server(
    folder: Path,
    *,
    home: Path | None = None,
    database_url: str = "",
    users: Mapping[str, Mapping[str, Any]] | None = None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
    local_sources: bool = False,
    lab: bool = False,
    port: int = 0,
    account: Account | None = None,
) -> Server:
    """Start a server and return it once it answers.

    Parameters
    ----------
    folder
        Where it keeps what is its own; another one for each server.
    home, database_url
        What it may have in common with others, at the same time or one after another.
    users
        By token: ``name``, and ``groups``, ``email``, ``read_only`` where that is wanted. Without,
        it is a personal server with the token `TOKEN`.
    config
        Settings by class and name.
    local_sources
        Whether tools may be made from folders also where there are several users.
    lab
        Whether it serves JupyterLab and Notebook, too.
    port
        Where it listens, for one that takes another's place; by default wherever is free.
    account
        The UNIX user whose process it is; by default the one who runs the tests.
    """
    home = home or folder / "home"
    for name in ("config", "data", "runtime", "root", "ipython"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings: dict[str, dict[str, Any]] = {
        "ServerApp": {
            "allow_root": True,
            "ip": "127.0.0.1",
            "jpserver_extensions": {
                "tooinstance_jupyter": True,
                **dict.fromkeys(_LAB, lab),
                **dict.fromkeys(_OTHER_EXTENSIONS, False),
            },
            "open_browser": False,
            "port": port,
            "port_retries": 0,
            "root_dir": str(folder / "root"),
        },
        "IdentityProvider": {"token": TOKEN if users is None else "nobody-has-this-token"},
        "TooInstance": {"home": str(home), "cancel_grace_s": 0.2, "min_free_disk_percent": 0.0},
    }
    if lab:
        chosen = folder / "config" / "lab" / "@jupyterlab" / "apputils-extension"
        chosen.mkdir(parents=True, exist_ok=True)
        (chosen / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        settings["LabApp"] = {
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "expose_app_in_browser": True,
            "news_url": None,
        }
    if database_url:
        settings["TooInstance"]["database_url"] = database_url
    if local_sources:
        settings["TooInstance"]["local_sources"] = True
    for section, values in (config or {}).items():
        settings.setdefault(section, {}).update(values)
    lines = [
        f"c.{section}.{name} = {value!r}\n"
        for section, values in settings.items()
        for name, value in values.items()
    ]
    if users is not None:
        lines.append(_IDENTITY.format(users={token: dict(user) for token, user in users.items()}))
    (folder / "config" / "jupyter_server_config.py").write_text("".join(lines))
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "JPY", "TOOINSTANCE_HOME", "TOOINSTANCE_SERVER"))
    }
    if account is not None:
        account.owns(folder)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [account.python if account else sys.executable, "-m", "jupyter_server"],
            cwd=folder / "root",
            env={
                **inherited,
                **(account.variables if account else {}),
                "JUPYTER_CONFIG_DIR": str(folder / "config"),
                "JUPYTER_DATA_DIR": str(folder / "data"),
                "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
                "JUPYTERLAB_SETTINGS_DIR": str(folder / "config" / "lab"),
                "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
                "IPYTHONDIR": str(folder / "ipython"),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **(account.identity if account else {}),
        )
    server = Server(process, folder, home)
    try:
        server.wait_until_it_answers()
    except BaseException:
        server.kill()
        raise
    return server
