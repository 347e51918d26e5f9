"""The product on a JupyterHub: who somebody is, what the group shares, and what stays secret."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.magics.conftest import Kernel

from .conftest import (
    BASE_URL,
    GRACE,
    PATIENCE_S,
    SECRET,
    SERVICE_TOKENS,
    Browser,
    Hub,
    Person,
    wait_until,
)

pytestmark = pytest.mark.registry

SCRIPT = """#!/bin/sh
case "$1" in
  --help) echo "Usage: probe COMMAND"; env ;;
  env) env ;;
  wait) sleep 60 ;;
  *) echo "$@" ;;
esac
"""
Visit = Callable[..., Person]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "probe"
    folder.mkdir()
    (folder / "probe").write_text(SCRIPT)
    (folder / "probe").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def made(visit: Visit, source: Path) -> dict[str, Any]:
    """What was made of the probe by ada, who shares it with the group lab."""
    ada = visit("ada")
    answer = ada.ask(
        "POST", "tools", json={"source": str(source), "name": "probe", "access": ["group:lab"]}
    )
    assert answer.status_code == 201, answer.text
    version = answer.json()["version"]["id"]
    ada.end_of(f"versions/{version}/events")
    assert ada.get(f"versions/{version}")["status"] == "ready"
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture(scope="module")
def kernel(hub: Hub, visit: Visit) -> Iterator[Kernel]:
    """A kernel that ada's server started."""
    ada = visit("ada")
    number = ada.http.post("api/kernels", json={}).raise_for_status().json()["id"]
    [file] = hub.home("ada").glob(f".local/share/jupyter/runtime/kernel-{number}.json")
    client = BlockingKernelClient()
    client.load_connection_info(json.loads(file.read_text()))
    client.start_channels()
    until = time.monotonic() + PATIENCE_S
    heard = False
    while not heard:
        assert time.monotonic() < until, "the kernel does not answer"
        client.kernel_info()
        with suppress(queue.Empty):
            client.get_iopub_msg(timeout=1)
            heard = True
    kernel = Kernel(None, client)  # type: ignore[arg-type]
    assert kernel.run("%load_ext tooinstance_jupyter\nimport os").status == "ok"
    yield kernel
    client.stop_channels()
    ada.http.delete(f"api/kernels/{number}")


def test_people_have_the_name_and_the_groups_that_the_hub_gives_them(visit: Visit) -> None:
    for name, groups in (("ada", ["lab"]), (GRACE, ["lab"]), ("mallory", [])):
        me = visit(name).get("me")
        assert (me["name"], me["groups"], me["is_admin"]) == (name, groups, False)
        assert me["email"] == (name if "@" in name else None)


def test_a_tool_of_a_group_is_run_by_its_members_on_their_servers(
    visit: Visit, made: dict[str, Any]
) -> None:
    grace, mallory = visit(GRACE), visit("mallory")
    [found] = grace.get("tools", scope="shared")["items"]
    assert (found["tool"]["owner"], found["tool"]["name"]) == ("ada", "probe")
    number = grace.run("ada/probe", "by", "grace")
    assert grace.output(number) == "by grace\n"
    assert grace.get(f"runs/{number}")["owner"] == GRACE

    for scope in ("mine", "shared", "public", "all"):
        assert mallory.get("tools", scope=scope)["items"] == []
    assert mallory.ask("GET", "tools/ada/probe").status_code == 404
    assert mallory.ask("GET", f"runs/{number}").status_code == 404
    refused = mallory.ask("POST", "runs", json={"tool": "ada/probe", "arguments": []})
    assert refused.status_code == 404
    # whoever owns the tool does not see what others run with it
    assert visit("ada").ask("GET", f"runs/{number}").status_code == 404


def test_an_administrator_of_the_hub_is_one_here(visit: Visit, made: dict[str, Any]) -> None:
    root = visit("root", at="ada")
    me = root.get("me")
    assert (me["name"], me["is_admin"]) == ("root", True)
    assert root.get("tools/ada/probe")["tool"]["owner"] == "ada"
    assert root.ask("POST", "gc", params={"dry_run": "true"}).status_code == 200
    assert visit("ada").ask("POST", "gc", params={"dry_run": "true"}).status_code == 403


def test_a_service_does_not_pass_for_the_user_of_its_name(
    visit: Visit, made: dict[str, Any]
) -> None:
    service = visit(token=SERVICE_TOKENS["ada"], at="ada")
    me = service.get("me")
    assert (me["name"], me["groups"], me["is_admin"]) == ("service:ada", [], False)
    assert service.get("tools")["items"] == []
    assert service.ask("GET", "tools/ada/probe").status_code == 404


@pytest.mark.parametrize("who", ["mallory", "nobody", "liar"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "me"), ("GET", "changes"), ("POST", "runs"), ("GET", "nothing")]
)
def test_those_without_access_to_a_server_are_refused_as_json(
    visit: Visit, who: str, method: str, path: str
) -> None:
    tokens = {"mallory": None, "nobody": "", "liar": "wrong"}
    person = visit(who, at="ada", token=tokens[who])
    answer = person.ask(method, path, **({"json": {}} if method == "POST" else {}))
    assert answer.status_code in (401, 403), answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert set(answer.json()["error"]) == {"code", "message", "hint"}
    assert not {"Location", "Set-Cookie"} & {name.title() for name in answer.headers}


def test_a_kernel_uses_its_users_server_with_the_hubs_token(
    hub: Hub, visit: Visit, kernel: Kernel, made: dict[str, Any]
) -> None:
    url = kernel.ask("os.environ['TOOINSTANCE_SERVER_URL']")
    told = kernel.ask("os.environ['JUPYTERHUB_SERVICE_URL']")
    # straight to the server, not through the proxy
    assert url == told
    assert url.startswith("http://127.0.0.1:")
    assert url.endswith("/user/ada/")
    status = kernel.run("%tooi status")
    assert status.status == "ok", status.errors
    shown = status.shown[-1]["text/plain"]
    assert f"through the Jupyter server at {url}" in shown
    assert "ada" in shown
    run = kernel.run("r = %tooi run probe by kernel")
    assert run.status == "ok", run.errors
    assert kernel.ask("r.stdout") == "by kernel\n"
    ada = visit("ada")
    assert ada.get(f"runs/{kernel.ask('r.number')}")["owner"] == "ada"
    # as in a notebook that `jupyter execute` runs
    begun_by_another = "os.environ.update(JPY_PARENT_PID='1')"
    principal = "__import__('tooinstance_jupyter.client').client.connect().principal"
    assert kernel.ask(f"[{begun_by_another}, {principal}.name][1]") == "ada"
    token = kernel.ask("os.environ['JUPYTERHUB_API_TOKEN']")
    assert token not in shown + kernel.ask("get_ipython().run_line_magic('tooi', 'status')")


def test_builds_and_runs_see_nothing_of_the_hub(visit: Visit, made: dict[str, Any]) -> None:
    ada = visit("ada")
    environment = ada.output(ada.run("probe", "env"))
    log = ada.ask("GET", f"versions/{made['version']['id']}/log").text
    assert "PATH=" in environment
    for word in ("JUPYTERHUB", "CONFIGPROXY", "TOOINSTANCE_SERVER", "SPAWNER_SECRET", SECRET):
        assert word not in environment
        assert word not in log


def test_a_server_with_a_run_under_way_is_not_idle(visit: Visit, made: dict[str, Any]) -> None:
    def last_activity() -> datetime:
        # a request that is no activity itself
        status = grace.http.get("api/status").raise_for_status().json()
        return datetime.fromisoformat(status["last_activity"])

    grace = visit(GRACE)
    begun = grace.ask("POST", "runs", json={"tool": "ada/probe", "arguments": ["wait"]}).json()
    at = last_activity()
    wait_until(lambda: last_activity() > at, lambda: "a run is no activity")
    assert grace.ask("POST", f"runs/{begun['number']}/cancel").status_code == 200


def test_a_link_is_opened_by_those_who_sign_in_and_may_use_the_server(
    visit: Visit, browse: Callable[[str], Browser], kernel: Kernel, made: dict[str, Any]
) -> None:
    number = visit("ada").run("probe", "for", "all")
    address = kernel.ask(f"get_ipython().run_line_magic('tooi', 'link {number}')")
    # this hub has not been told its address
    assert address.startswith(f"{BASE_URL}user/ada/tooinstance/shared/")
    page = browse("ada").open(address)
    assert page.status_code == 200
    assert "for all" in page.text
    assert browse("mallory").open(address).status_code == 403


def test_a_browser_is_its_user_and_other_sites_cannot_ask_through_it(
    visit: Visit, browse: Callable[[str], Browser], made: dict[str, Any]
) -> None:
    ada, browser = visit("ada"), browse("ada")
    place = f"{BASE_URL}user/ada/"
    assert browser.open(f"{place}tooinstance/shared/nothing").status_code == 404
    assert browser.open(f"{place}tooinstance/api/me").json()["name"] == "ada"
    number = ada.run("probe", "labelled")
    for headers, status in (({}, 403), ({"X-XSRFToken": browser.word(place)}, 200)):
        answer = browser.http.patch(
            f"user/ada/tooinstance/api/runs/{number}", json={"label": "mine"}, headers=headers
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"].startswith("application/json")
    assert ada.get(f"runs/{number}")["label"] == "mine"
