"""A real JupyterHub with its proxy, and single-user servers with the extension on one database."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from filelock import FileLock

from tooinstance_jupyter.build.buildpacks.node import find_node

PATIENCE_S = 60.0
PROXY = "configurable-http-proxy"
BASE_URL = "/campus/"
SECRET = "hush-hush-of-the-spawner"
GRACE = "grace@uni.example"
USERS = ("ada", GRACE, "mallory", "root")
# by name of the service; ada's has the name of a user, and may go wherever that user may
SERVICE_TOKENS = {"starter": "token-of-the-starter", "ada": "token-of-the-service-ada"}
_OTHER_EXTENSIONS = (
    "jupyter_lsp",
    "jupyter_server_terminals",
    "jupyterlab",
    "notebook",
    "notebook_shim",
)
_HUB = """
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}{base_url}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {users!r}
c.Authenticator.admin_users = {{"root"}}
c.JupyterHub.load_groups = {{"lab": {{"users": ["ada", {grace!r}]}}}}
c.JupyterHub.services = [
    {{"name": name, "api_token": token}} for name, token in {services!r}.items()
]
c.JupyterHub.load_roles = [
    {{
        "name": "starter",
        "scopes": ["admin:users", "admin:servers", "tokens"],
        "services": ["starter"],
    }},
    {{"name": "visitor", "scopes": ["access:servers!user=ada"], "services": ["ada"]}},
]
# the answer to a request for a server does not wait for it
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r}
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser", "--allow-root"]
c.Spawner.default_url = "/api"
c.Spawner.environment = {{
    "JUPYTER_CONFIG_PATH": {settings!r},
    "TOOINSTANCE_ENGINE": "process",
    "SPAWNER_SECRET": {secret!r},
}}
"""


class Hub:
    """A hub that runs; `url` ends with a slash."""

    def __init__(self, folder: Path, proxy: list[str]) -> None:
        ports = free_ports(3)
        self.folder = folder
        self.url = f"http://127.0.0.1:{ports[0]}{BASE_URL}"
        self._write_settings()
        config = folder / "jupyterhub_config.py"
        config.write_text(
            _HUB.format(
                ports=ports,
                base_url=BASE_URL,
                proxy=proxy,
                users=set(USERS),
                grace=GRACE,
                services=SERVICE_TOKENS,
                homes=str(folder / "homes" / "{username}"),
                python=sys.executable,
                settings=str(folder / "settings"),
                secret=SECRET,
            )
        )
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JUPYTER", "JPY", "TOOINSTANCE_", "CONFIGPROXY_"))
        }
        with (folder / "hub.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--config", str(config)],
                cwd=folder,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._http = httpx.Client(
            base_url=self.url + "hub/api/",
            headers={"Authorization": f"token {SERVICE_TOKENS['starter']}"},
            timeout=PATIENCE_S,
        )

    @property
    def log(self) -> str:
        """What the hub and its servers have written."""
        return (self.folder / "hub.log").read_text(errors="replace")

    def home(self, user: str) -> Path:
        """Return a user's home."""
        return self.folder / "homes" / user

    def wait_until_it_answers(self) -> None:
        def answers() -> bool:
            assert self._process.poll() is None, f"the hub ended: {self.log}"
            with suppress(httpx.TransportError):
                return self._http.get("").status_code == 200
            return False

        wait_until(answers, lambda: f"the hub does not answer: {self.log}")

    def token(self, user: str) -> str:
        """Return a new token of a user, who exists from then on."""
        self._http.post(f"users/{user}")
        answer = self._http.post(f"users/{user}/tokens", json={"note": "of the tests"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def start_servers(self, *users: str) -> None:
        """Start the servers of users, and wait until they answer."""
        for user in users:
            self._http.post(f"users/{user}")
            answer = self._http.post(f"users/{user}/server")
            assert answer.status_code in (201, 202), answer.text
        for user in users:
            wait_until(
                lambda user=user: self._is_ready(user),
                lambda user=user: f"the server of {user} does not answer: {self.log}",
            )

    def _is_ready(self, user: str) -> bool:
        servers = self._http.get(f"users/{user}").json().get("servers") or {}
        return bool(servers.get("", {}).get("ready"))

    def stop(self) -> None:
        """End it, and with it its proxy and its servers, or raise if one of them does not."""
        self._http.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        left = list(self._left_over())
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert not left, f"the hub left processes: {self.log}"

    def _left_over(self) -> Iterator[int]:
        for file in self.folder.glob("homes/*/.local/share/jupyter/runtime/jpserver-*.json"):
            pid = int(json.loads(file.read_text())["pid"])
            with suppress(ProcessLookupError):
                os.kill(pid, 0)
                yield pid
        for file in self.folder.glob("*.pid"):
            pid = int(file.read_text())
            with suppress(ProcessLookupError):
                os.kill(pid, 0)
                yield pid

    def _write_settings(self) -> None:
        settings = self.folder / "settings"
        settings.mkdir()
        extensions = {"tooinstance_jupyter": True, **dict.fromkeys(_OTHER_EXTENSIONS, False)}
        (settings / "jupyter_server_config.json").write_text(
            json.dumps({"ServerApp": {"jpserver_extensions": extensions}})
        )
        # homes differ from user to user: they are in the users' own folders
        own = {
            "database_url": f"sqlite:///{self.folder / 'tools.sqlite'}",
            "local_sources": True,
            "cancel_grace_s": 0.2,
            "min_free_disk_percent": 0.0,
        }
        (settings / "jupyter_tooinstance_config.json").write_text(json.dumps({"TooInstance": own}))


class Person:
    """Somebody with a token at somebody's server."""

    def __init__(self, hub: Hub, token: str, *, at: str) -> None:
        self.url = f"{hub.url}user/{at}/"
        self.http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"token {token}"} if token else {},
            timeout=PATIENCE_S,
        )

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.http.request(method, "tooinstance/api/" + path, **more)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def end_of(self, path: str) -> None:
        """Follow events to their end."""
        with self.http.stream("GET", "tooinstance/api/" + path) as answer:
            assert answer.status_code == 200
            for _ in answer.iter_lines():
                pass

    def run(self, tool: str, *arguments: str) -> int:
        """Run a tool to its end, and return the run's number."""
        answer = self.ask("POST", "runs", json={"tool": tool, "arguments": list(arguments)})
        assert answer.status_code == 201, answer.text
        number = int(answer.json()["number"])
        self.end_of(f"runs/{number}/events")
        assert self.get(f"runs/{number}")["status"] == "succeeded"
        return number

    def output(self, number: int) -> str:
        return self.ask("GET", f"runs/{number}/stdout").text


class Browser:
    """A browser in which a user of the hub has signed in."""

    def __init__(self, hub: Hub, user: str) -> None:
        self.http = httpx.Client(base_url=hub.url, follow_redirects=True, timeout=PATIENCE_S)
        self.http.get("hub/login")
        word = self.http.cookies["_xsrf"]
        self.http.post("hub/login", data={"username": user, "password": "", "_xsrf": word})

    def open(self, path: str) -> httpx.Response:
        """Open a page by its path, and follow whither it leads."""
        return self.http.get(str(self.http.base_url.join(path)))

    def word(self, path: str) -> str:
        """Return what the pages of a path say twice, so that other sites cannot ask for them."""
        return next(
            str(cookie.value)
            for cookie in self.http.cookies.jar
            if cookie.name == "_xsrf" and cookie.path == path
        )


def wait_until(is_so: Callable[[], bool], message: Callable[[], str]) -> None:
    """Wait for a condition, and fail with a message when it does not come."""
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until, message()
        time.sleep(0.1)


def free_ports(number: int) -> list[int]:
    """Return ports on loopback that nothing listens on now."""
    with ExitStack() as opened:
        probes = [opened.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@pytest.fixture(scope="session")
def proxy(pytestconfig: pytest.Config) -> list[str]:
    """The command of the hub's proxy, fetched from npm once; Node too, where there is none."""
    if importlib.util.find_spec("jupyterhub") is None:
        message = "jupyterhub is not installed: pip install jupyterhub"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    if found := shutil.which(PROXY):
        return [found]
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir(PROXY)
    node = find_node(folder / "toolchains")
    package = folder / "node_modules" / PROXY
    with FileLock(folder / "lock"):
        if not (package / "bin").exists():
            command = [*node.npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
            subprocess.run([*command, f"{PROXY}@5"], check=True, timeout=300, capture_output=True)
    return [str(node.node), str(package / "bin" / PROXY)]


@pytest.fixture(scope="module")
def hub(proxy: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with the servers of ada, grace and mallory; ada and grace are of the group lab."""
    hub = Hub(tmp_path_factory.mktemp("hub"), proxy)
    try:
        hub.wait_until_it_answers()
        hub.start_servers("ada", GRACE, "mallory")
        yield hub
    finally:
        hub.stop()


@pytest.fixture(scope="module")
def visit(hub: Hub) -> Iterator[Callable[..., Person]]:
    """Return a function for somebody at a server: a user by name, or whoever has a token."""
    tokens = {user: hub.token(user) for user in USERS}
    with ExitStack() as opened:

        def visit(who: str = "", *, at: str = "", token: str | None = None) -> Person:
            person = Person(hub, tokens[who] if token is None else token, at=at or who)
            opened.enter_context(person.http)
            return person

        yield visit


@pytest.fixture(scope="module")
def browse(hub: Hub) -> Iterator[Callable[[str], Browser]]:
    """Return a function for a browser in which a user has signed in."""
    with ExitStack() as opened:

        def browse(user: str) -> Browser:
            browser = Browser(hub, user)
            opened.callback(browser.http.close)
            return browser

        yield browse
