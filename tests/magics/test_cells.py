"""The cells that the server writes, run in a kernel: the run that they give is the same one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.servers import TOKEN, Server

from .conftest import Kernel, Place, ServerKernel

WORDS = ["args", "two words", "-x", "--panel", "{name}", "$name", "é'\"", "", "what?"]
SECRET = "tok-9f3a-sesame"


class Api:
    """The server's API, as its user asks it."""

    def __init__(self, server: Server) -> None:
        self._http = httpx.Client(
            base_url=f"{server.api}/", headers={"Authorization": f"token {TOKEN}"}, timeout=60
        )
        self.close = self._http.close

    def ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        assert answer.is_success, answer.text
        is_json = answer.headers["Content-Type"].startswith("application/json")
        return answer.json() if is_json else answer.content

    def run(self, request: dict[str, Any], files: dict[str, bytes], stdin: bytes | None) -> Any:
        parts: list[Any] = [("run", (None, json.dumps({"tool": "probe", **request})))]
        parts += [("input", (name, content)) for name, content in files.items()]
        parts += [] if stdin is None else [("stdin", ("stdin", stdin))]
        number = self.ask("POST", "runs", files=parts)["number"]
        self._http.get(f"runs/{number}/events")
        return self.ask("GET", f"runs/{number}")

    def given(self, run: Any) -> dict[str, Any]:
        """Return what a run was given."""
        found = {name: run[name] for name in ("arguments", "variables", "secrets", "label")}
        limits = {name: run["limits"][name] for name in ("timeout_s", "memory_bytes", "network")}
        return {
            **found,
            **limits,
            "version": run["version_id"],
            "inputs": {one["path"]: one["sha256"] for one in run["inputs"]},
            "stdin": run["stdin"] and self.ask("GET", f"runs/{run['number']}/stdin"),
        }


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[Api]:
    api = Api(server)
    yield api
    api.close()


@pytest.fixture(scope="module")
def notebook(kernels: Callable[[], ServerKernel], place: Place) -> Kernel:
    """A kernel in the server's folder, with names that cells could be taken to mean."""
    kernel = kernels().kernel
    made = kernel.run(f"%tooi create {place.probe} --name probe")
    assert made.status == "ok", made.errors
    kernel.run(f"name = a = 'WRONG'; import os; os.environ['PROBE_TOKEN'] = {SECRET!r}")
    return kernel


def carried_out(notebook: Kernel, api: Api, source: str) -> dict[str, Any]:
    """Run a cell, and return what its run was given."""
    cell = notebook.run(source)
    assert cell.status == "ok", cell.errors
    return api.given(api.ask("GET", f"runs/{notebook.ask('_.number')}"))


@pytest.mark.parametrize(
    ("request_", "files", "stdin"),
    [
        ({"arguments": WORDS}, {}, None),
        ({"arguments": ["--panel"]}, {}, None),
        ({"arguments": ["args", "a\nb", "{name}"]}, {}, None),
        ({"arguments": ["ls"]}, {"a b.csv": b"1\n", "-é.bin": bytes(range(256))}, None),
        ({"arguments": ["cat"]}, {"a.csv": b"1\n"}, b"no newline, {name}"),
        ({"arguments": ["cat"]}, {}, b"\x00\r\n"),
        (
            {
                "arguments": ["secret"],
                "variables": {"NOTE": "{name} 'é' $a", "EMPTY": ""},
                "secrets": {"PROBE_TOKEN": SECRET},
                "timeout_s": 90.5,
                "memory_bytes": 2**28,
                "label": 'it\'s "odd" {name}',
            },
            {"a.csv": b"1\n"},
            None,
        ),
        (
            {"arguments": [], "variables": {"NOTE": "a\nb"}, "secrets": {"PROBE_TOKEN": SECRET}},
            {"a.csv": b"1\n"},
            b"x",
        ),
    ],
    ids=["words", "panel", "newlines", "files", "stdin", "bytes", "all", "no-line-can-hold"],
)
def test_the_cell_of_a_run_gives_the_same_run(
    notebook: Kernel, api: Api, request_: Any, files: dict[str, bytes], stdin: bytes | None
) -> None:
    run = api.run(request_, files, stdin)
    source = api.ask("GET", f"runs/{run['number']}/cell")["source"]
    assert SECRET not in source
    assert carried_out(notebook, api, source) == api.given(run)


def test_the_cell_of_a_run_keeps_its_version(notebook: Kernel, api: Api, place: Place) -> None:
    run = api.run({"arguments": ["args", "1"]}, {}, None)
    built = notebook.run("%tooi build --force probe")
    assert built.status == "ok", built.errors
    source = api.ask("GET", f"runs/{run['number']}/cell")["source"]
    assert carried_out(notebook, api, source)["version"] == run["version_id"]


def test_the_cell_of_a_form_gives_the_run_that_the_form_would_start(
    notebook: Kernel, api: Api, server: Server
) -> None:
    root = server.folder / "root"
    (root / "data").mkdir(exist_ok=True)
    (root / "data" / "a b.csv").write_bytes(b"1,2\n")
    (root / "~b.csv").write_bytes(b"3\n")
    asked = {
        "arguments": "cat 'two words' {name}",
        "variables": {"NOTE": "{name}"},
        "timeout_s": 60.25,
        "label": "from a form",
    }
    for stdin in ("no newline", "a\n", "{name}\n\n\n", "%x\n!y?"):
        run = api.run(asked, {"a b.csv": b"1,2\n", "~b.csv": b"3\n"}, stdin.encode())
        source = api.ask(
            "POST",
            "cells",
            json={
                **asked,
                "tool": run["tool_name"],
                "inputs": ["data/a b.csv", "~b.csv"],
                "stdin": stdin,
                "notebook": "note.ipynb",
            },
        )["source"]
        assert carried_out(notebook, api, source) == api.given(run)
    again = {**asked, "tool": run["tool_name"], "inputs_of": run["number"]}
    source = api.ask("POST", "cells", json=again)["source"]
    assert carried_out(notebook, api, source) == api.given(run)
    other = {**again, "inputs": ["data/a b.csv"], "stdin_file": "~b.csv"}
    source = api.ask("POST", "cells", json=other)["source"]
    found = carried_out(notebook, api, source)
    assert (list(found["inputs"]), found["stdin"]) == (["a b.csv"], b"3\n")


def test_the_inputs_of_a_run_that_nobody_may_see_are_told_in_a_sentence(notebook: Kernel) -> None:
    cell = notebook.run("%tooi run --inputs-of 999999 probe ls")
    assert cell.status == "error"
    assert "There is no run 999999." in cell.errors
