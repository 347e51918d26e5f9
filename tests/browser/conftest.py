"""A real JupyterLab in a real Chromium, with what a person does there as methods."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Error, Locator, Page, Request, expect, sync_playwright

from tests.servers import Server
from tooinstance_jupyter.records import new_id

PATIENCE_MS = 120_000
OPENINGS = 5
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
PROBE = """
import argparse, pathlib, socket, sys

parser = argparse.ArgumentParser(prog="probe", description="Do what is asked of it")
parser.add_argument("words", nargs="*", help="printed, each on a line of its own")
parser.add_argument("--lines", type=int, default=0, help="how many numbered lines to print")
parser.add_argument("--error", metavar="TEXT", help="printed on standard error")
parser.add_argument("--loud", action="store_true", help="print it in capitals")
parser.add_argument("--gate", type=int, metavar="PORT", help="to wait at")
parser.add_argument("--file", metavar="NAME", action="append", default=[], help="written")
parser.add_argument("--code", type=int, default=0, help="to exit with")
given = parser.parse_args()
for word in given.words:
    print(word.upper() if given.loud else word)
for number in range(given.lines):
    print(f"line {number + 1}")
sys.stdout.flush()
if given.error:
    print(given.error, file=sys.stderr, flush=True)
if given.gate:
    with socket.create_connection(("127.0.0.1", given.gate)) as gate:
        gate.recv(1)
    print("behind the gate")
for name in given.file:
    pathlib.Path(name).write_text(f"of {name}\\n")
sys.exit(given.code)
"""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium; ended with its module, since no test in its thread can use asyncio beside it."""
    program = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if program is None:
        message = "Chromium is not installed: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield chromium
        chromium.close()


class Lab:
    """A JupyterLab of one user, in a workspace of its own.

    Parameters
    ----------
    page
        The page of a browser.
    server
        Who serves it.
    token
        Whose it is.
    """

    def __init__(self, page: Page, server: Server, token: str) -> None:
        self.page = page
        self.server = server
        self.workspace = new_id()
        self.errors: list[str] = []
        self._token = token
        page.set_default_timeout(PATIENCE_MS)
        self._was_cut_off = False
        # where it has not come to know its kernels yet, JupyterLab asks for one
        page.add_locator_handler(
            page.get_by_role("dialog").filter(has_text="Select Kernel"),
            lambda dialog: dialog.locator("button.jp-mod-accept").click(),
        )
        page.on("pageerror", self._note)
        page.on("requestfailed", self._note_what_is_cut_off)

    def open(self) -> None:
        """Open the workspace, which is empty."""
        self.reload()
        # it takes the focus when it comes, also from whoever types already
        expect(self.page.locator(".jp-Launcher")).to_be_focused()

    def open_in_notebook(self, path: str) -> None:
        """Open a notebook in Notebook 7 instead."""
        self._go(f"notebooks/{path}", self.page.locator(".jp-NotebookPanel").wait_for)

    def reload(self) -> None:
        """Load the page again, as its user would; the workspace is as it was left."""
        self._go(f"lab/workspaces/{self.workspace}", self._wait_until_it_is_there)

    def wait_until_kept(self, name: str) -> str:
        """Wait until the workspace on the server holds a document; return all of that workspace."""
        address = f"{self.server.url}lab/api/workspaces/{self.workspace}"
        headers = {"Authorization": f"token {self._token}"}
        until = time.monotonic() + PATIENCE_MS / 1000
        while name not in (kept := httpx.get(address, headers=headers).text):
            assert time.monotonic() < until, kept
            self.page.wait_for_timeout(100)
        return kept

    def by(self, test_id: str) -> Locator:
        """Return the control with a test id."""
        return self.page.get_by_test_id(test_id)

    def show_panel(self) -> Locator:
        """Open the side panel, unless it is open; return it."""
        panel = self.page.locator("#tooinstance-panel")
        if not panel.is_visible():
            self.page.locator('li.lm-TabBar-tab[data-id="tooinstance-panel"]').click()
        panel.wait_for()
        return panel

    def execute(self, command: str, **args: Any) -> None:
        """Execute a command of JupyterLab, as a menu would."""
        # it is not waited for: a command may open a dialog
        self.page.evaluate(
            "([command, args]) => { void window.jupyterapp.commands.execute(command, args); }",
            [command, args],
        )

    def show_run(self, number: int) -> Locator:
        """Open a run; return its view."""
        self.execute("tooinstance:open-run", number=number)
        view = self.page.locator(f'[id="tooinstance-run:{number}"]')
        view.get_by_test_id("tooi-run").wait_for()
        return view

    def show_form(self, tool: str) -> Locator:
        """Open the form that runs a tool; return it."""
        self.execute("tooinstance:run", tool=tool)
        form = self.by("tooi-form")
        expect(form.get_by_test_id("tooi-form-run")).to_be_enabled()
        return form

    def use_theme(self, name: str) -> None:
        """Use one of JupyterLab's themes, such as ``JupyterLab Dark``."""
        self.execute("apputils:change-theme", theme=name)
        self.page.wait_for_selector(f'[data-jp-theme-name="{name}"]', state="attached")

    def _go(self, path: str, wait: Callable[[], object]) -> None:
        for _ in range(OPENINGS):
            self._was_cut_off = False
            try:
                self.page.goto(f"{self.server.url}{path}?token={self._token}")
                wait()
            except Error:
                if not self._was_cut_off:
                    raise
            if not self._was_cut_off:
                return
        raise AssertionError("the networks of this machine change all the time")

    def _note_what_is_cut_off(self, request: Request) -> None:
        # Chromium drops what it fetches when networks come and go, as they do with containers
        if "ERR_NETWORK_CHANGED" in (request.failure or ""):
            self._was_cut_off = True

    def _note(self, error: Error) -> None:
        # Notebook 7 has the second one without this extension, too
        if not any(known in error.message for known in ("Failed to fetch", "reading 'schema'")):
            self.errors.append(f"{error.message}\n{error.stack}")

    def _wait_until_it_is_there(self) -> None:
        self.page.wait_for_selector("#jp-main-dock-panel")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        # until it knows them, JupyterLab asks which kernel a notebook is to have
        self.page.evaluate(
            "async () => { await window.jupyterapp.serviceManager.kernelspecs.ready; }"
        )


class Person:
    """Somebody who uses the API of a server."""

    def __init__(self, server: Server, token: str) -> None:
        self._http = httpx.Client(
            base_url=server.api + "/",
            headers={"Authorization": f"token {token}"},
            timeout=PATIENCE_MS / 1000,
        )
        self.close = self._http.close

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Ask for something, and return its JSON, or its text."""
        answer = self._http.request(method, path, **more)
        assert answer.is_success, answer.text
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.json() if is_json else answer.text

    def make_tool(self, source: Path, **more: Any) -> str:
        """Make a tool, and return its full name once it is ready."""
        made = self.ask("POST", "tools", json={"source": str(source), **more})
        version = made["version"]["id"]
        self._follow(f"versions/{version}/events")
        state = self.ask("GET", f"versions/{version}")
        assert state["status"] == "ready", state
        return f"{made['tool']['owner']}/{made['tool']['name']}"

    def start(self, tool: str, *arguments: str, **more: Any) -> int:
        """Start a run, and return its number."""
        asked = {"tool": tool, "arguments": list(arguments), **more}
        return int(self.ask("POST", "runs", json=asked)["number"])

    def run(self, tool: str, *arguments: str, **more: Any) -> int:
        """Run a tool to its end, and return the run's number."""
        number = self.start(tool, *arguments, **more)
        self._follow(f"runs/{number}/events")
        return number

    def _follow(self, events: str) -> None:
        with self._http.stream("GET", events) as answer:
            assert answer.status_code == 200
            for _ in answer.iter_lines():
                pass


class Gate:
    """Where a run of the probe waits (``--gate``), until it is opened."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_MS / 1000)
        self.port = str(self._listener.getsockname()[1])

    def open(self) -> None:
        """Let one run through, once it is there."""
        self._listener.accept()[0].close()

    def close(self) -> None:
        """Leave nobody waiting."""
        self._listener.close()


_LABS = pytest.StashKey[list[Lab]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show how the pages looked when a test failed."""
    report = yield
    if report.failed and call.when == "call":
        for number, lab in enumerate(item.stash.get(_LABS, [])):
            file = Path(tempfile.gettempdir()) / f"{item.name}-{number}.png"
            lab.page.screenshot(path=file)
            dialogs = lab.page.get_by_role("dialog").all_inner_texts()
            report.sections.append(("page", "\n".join([str(file), *dialogs])))
    return report


@pytest.fixture
def open_lab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Lab]]:
    """Return a function that opens a JupyterLab; at the end no page may have seen an error."""
    opened: list[Lab] = []
    request.node.stash[_LABS] = opened

    def open_(server: Server, *, token: str | None = None, notebook: str = "") -> Lab:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        lab = Lab(context.new_page(), server, token or server.token)
        opened.append(lab)
        if notebook:
            lab.open_in_notebook(notebook)
        else:
            lab.open()
        return lab

    yield open_
    # what closing itself cuts off is no error
    errors = [error for lab in opened for error in lab.errors]
    for lab in opened:
        lab.page.context.close()
    assert errors == []


@pytest.fixture(scope="module")
def script_tool(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes the folder of a tool from the text of a Python script."""

    def make(text: str = PROBE, name: str = "probe") -> Path:
        folder = tmp_path_factory.mktemp("sources") / name
        folder.mkdir()
        script = folder / name
        script.write_text("#!/usr/bin/env python3\n" + text)
        script.chmod(0o755)
        return folder

    return make


@pytest.fixture
def probe_text() -> str:
    """The text of the tool that `script_tool` makes by default."""
    return PROBE


@pytest.fixture(scope="module")
def visit() -> Iterator[Callable[..., Person]]:
    """Return a function for a user of a server."""
    with ExitStack() as opened:

        def visit(server: Server, token: str = "") -> Person:
            person = Person(server, token or server.token)
            opened.callback(person.close)
            return person

        yield visit


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate at which runs of the probe wait."""
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server]) -> Server:
    """A personal server with JupyterLab, one for a module."""
    return start_server(lab=True)


@pytest.fixture(scope="module")
def me(server: Server, visit: Callable[..., Person]) -> Person:
    """Its user."""
    return visit(server)


@pytest.fixture(scope="module")
def tool(me: Person, script_tool: Callable[..., Path]) -> str:
    """The probe as its user's tool; its full name."""
    return me.make_tool(script_tool())
