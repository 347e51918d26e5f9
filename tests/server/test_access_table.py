"""Who may do what with which tool and run, over the API: one table, all cells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

USERS: dict[str, dict[str, object]] = {
    "owner": {"name": "ada"},
    "listed": {"name": "grace"},
    "member": {"name": "linus", "groups": ["lab"]},
    "email": {"name": "Rosa@Example.ORG"},
    "stranger": {"name": "mallory", "groups": ["grace"]},  # a group named like a listed user
    "posing": {"name": "lab"},  # a user named like a listed group
    "admin": {"name": "root"},
}
LISTED = ["grace", "group:lab", "rosa@example.org", "somebody-who-never-came"]

# what       which        owner listed member email stranger posing admin
TOOLS = """
show         private       200    404    404   404    404     404    200
show         shared        200    200    200   200    404     404    200
show         public        200    200    200   200    200     200    200
show         unready       200    404    404   404    404     404    200
show         deleted       404    404    404   404    404     404    404
show         unknown       404    404    404   404    404     404    404
look-up      private       200    404    404   404    404     404    200
look-up      shared        200    200    200   200    404     404    200
look-up      unready       200    404    404   404    404     404    200
run          private       201    404    404   404    404     404    201
run          shared        201    201    201   201    404     404    201
run          public        201    201    201   201    201     201    201
run          unready       409    404    404   404    404     404    409
run          deleted       404    404    404   404    404     404    404
run          unknown       404    404    404   404    404     404    404
read         private       200    404    404   404    404     404    200
read         shared        200    200    200   200    404     404    200
read         public        200    200    200   200    200     200    200
read         unready       200    404    404   404    404     404    200
change       private       200    404    404   404    404     404    200
change       shared        200    403    403   403    404     404    200
change       public        200    403    403   403    403     403    200
change       unready       200    404    404   404    404     404    200
change       deleted       404    404    404   404    404     404    404
build        private       201    404    404   404    404     404    201
build        shared        201    403    403   403    404     404    201
build        public        201    403    403   403    403     403    201
build        unknown       404    404    404   404    404     404    404
build-log    private       200    404    404   404    404     404    200
build-log    shared        200    404    404   404    404     404    200
cancel-build shared        200    404    404   404    404     404    200
hand-over    private       403    404    404   404    404     404    422
hand-over    shared        403    403    403   403    404     404    422
list-mine    private       yes    no     no    no     no      no     no
list-shared  private       no     no     no    no     no      no     no
list-public  private       no     no     no    no     no      no     no
list-all     private       yes    no     no    no     no      no     yes
list-mine    shared        yes    no     no    no     no      no     no
list-shared  shared        no     yes    yes   yes    no      no     no
list-public  shared        no     no     no    no     no      no     no
list-all     shared        yes    yes    yes   yes    no      no     yes
list-shared  public        no     no     no    no     no      no     no
list-public  public        yes    yes    yes   yes    yes     yes    yes
list-public  unready       no     no     no    no     no      no     no
list-mine    unready       yes    no     no    no     no      no     no
list-all     deleted       no     no     no    no     no      no     no
find         private       yes    no     no    no     no      no     yes
find         shared        yes    yes    yes   yes    no      no     yes
"""
RUNS = """
show         own           200    404    404   404    404     404    200
show         shared        200    200    200   200    404     404    200
show         unknown       404    404    404   404    404     404    404
output       own           200    404    404   404    404     404    200
output       shared        200    200    200   200    404     404    200
file         own           200    404    404   404    404     404    200
file         shared        200    200    200   200    404     404    200
archive      own           200    404    404   404    404     404    200
archive      shared        200    200    200   200    404     404    200
follow       own           200    404    404   404    404     404    200
follow       shared        200    200    200   200    404     404    200
cell         own           200    404    404   404    404     404    200
cell         shared        200    404    404   404    404     404    200
inputs-of    own           201    404    404   404    404     404    201
cancel       own           200    404    404   404    404     404    200
cancel       shared        200    403    403   403    404     404    200
change       own           200    404    404   404    404     404    200
change       shared        200    403    403   403    404     404    200
links        own           200    404    404   404    404     404    200
links        shared        200    403    403   403    404     404    200
delete       unknown       404    404    404   404    404     404    404
list-mine    shared        yes    no     no    no     no      no     no
list-shared  shared        no     yes    yes   yes    no      no     no
list-shared  own           no     no     no    no     no      no     no
"""


def cells(table: str) -> Iterator[tuple[str, str, str, str]]:
    for line in table.strip().splitlines():
        what, which, *answers = line.split()
        for who, answer in zip(USERS, answers, strict=True):
            yield what, which, who, answer


class Place:
    """A server with the tools and the runs of the table."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.api = server.url.rstrip("/") + "/tooinstance/api"
        self.clients = {
            who: httpx.Client(headers={"Authorization": f"token {who}"}, timeout=60)
            for who in USERS
        }
        self.folder = folder
        self.tools: dict[str, str] = {"unknown": "ada/nothing", "deleted": "ada/deleted"}
        self.versions: dict[str, str] = {}
        broken = folder / "broken"
        broken.mkdir()
        (broken / "notes.txt").write_text("nothing to run\n")
        for name, source, more in (
            ("private", folder / "probe", {}),
            ("shared", folder / "probe", {"access": LISTED}),
            ("public", folder / "probe", {"visibility": "public"}),
            ("deleted", folder / "probe", {"visibility": "public"}),
            ("unready", broken, {"visibility": "public", "access": LISTED}),
        ):
            made = self.ask(
                "owner", "POST", "/tools", json={"source": str(source), "name": name, **more}
            )
            assert made.status_code == 201, made.text
            self.tools[name] = f"ada/{name}"
            self.versions[name] = made.json()["version"]["id"]
            list(self.events("owner", f"/versions/{self.versions[name]}/events"))
        self.ask("owner", "DELETE", "/tools/ada/deleted").raise_for_status()
        self.runs = {"unknown": 10**9}
        for name, access in (("own", []), ("shared", LISTED)):
            number = self.run("owner", "ada/private", ["write", "a.txt"])
            self.ask(
                "owner", "PATCH", f"/runs/{number}", json={"access": access}
            ).raise_for_status()
            self.runs[name] = number

    def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        return self.clients[who].request(method, self.api + path, **more)

    def run(self, who: str, tool: str, arguments: list[str]) -> int:
        made = self.ask(who, "POST", "/runs", json={"tool": tool, "arguments": arguments})
        assert made.status_code == 201, made.text
        number: int = made.json()["number"]
        list(self.events(who, f"/runs/{number}/events"))
        return number

    def events(self, who: str, path: str) -> Iterator[str]:
        with self.clients[who].stream("GET", self.api + path) as answer:
            assert answer.status_code == 200
            yield from answer.iter_lines()

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


@pytest.fixture(scope="module")
def place(
    start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("sources")
    (folder / "probe").mkdir()
    script = folder / "probe" / "probe"
    script.write_text(
        '#!/bin/sh\ncase "$1" in\n'
        '  --help) echo "Usage: probe" ;;\n'
        '  write) shift; for name in "$@"; do echo "of $name" > "$name"; done ;;\n'
        '  *) echo "$@" ;;\nesac\n'
    )
    script.chmod(0o755)
    server = start_server(
        users=USERS,
        config={"TooInstance": {"identity": "server", "admins": ["root"], "engine": "process"}},
        local_sources=True,
    )
    place = Place(server, folder)
    yield place
    place.close()


def items(answer: httpx.Response, key: str) -> list[Any]:
    answer.raise_for_status()
    return [item.get("tool", item)[key] for item in answer.json()["items"]]


@pytest.mark.parametrize(("what", "which", "who", "expected"), list(cells(TOOLS)))
def test_who_may_do_what_with_which_tool(
    place: Place, what: str, which: str, who: str, expected: str
) -> None:
    name = place.tools[which]
    match what:
        case "show":
            answer = place.ask(who, "GET", f"/tools/{name}")
        case "look-up":
            answer = place.ask(who, "GET", "/lookup", params={"tool": name})
        case "run":
            answer = place.ask(who, "POST", "/runs", json={"tool": name, "arguments": ["hello"]})
        case "read":
            asked = {"arguments": "-v", "version": place.versions[which]}
            answer = place.ask(who, "POST", "/arguments", json=asked)
        case "change":
            answer = place.ask(who, "PATCH", f"/tools/{name}", json={"description": "tried"})
        case "build":
            answer = place.ask(who, "POST", f"/tools/{name}/versions", json={})
        case "build-log":
            answer = place.ask(who, "GET", f"/versions/{place.versions[which]}/log")
        case "cancel-build":
            answer = place.ask(who, "POST", f"/versions/{place.versions[which]}/cancel")
        case "hand-over":
            # to nobody, so that the tool stays where it is when it is allowed
            answer = place.ask(who, "POST", f"/tools/{name}/transfer", json={"to": "group:lab"})
        case "find":
            found = items(
                place.ask(who, "GET", "/tools", params={"text": which, "scope": "all"}), "name"
            )
            assert ("yes" if which in found else "no") == expected
            return
        case _:
            scope = what.removeprefix("list-")
            listed = items(
                place.ask(who, "GET", "/tools", params={"scope": scope, "limit": 100}), "name"
            )
            assert ("yes" if which in listed else "no") == expected
            return
    assert answer.status_code == int(expected), answer.text


@pytest.mark.parametrize(("what", "which", "who", "expected"), list(cells(RUNS)))
def test_who_may_do_what_with_which_run(
    place: Place, what: str, which: str, who: str, expected: str
) -> None:
    run = f"/runs/{place.runs[which]}"
    match what:
        case "show":
            answer = place.ask(who, "GET", run)
        case "output":
            answer = place.ask(who, "GET", f"{run}/stdout")
        case "file":
            answer = place.ask(who, "GET", f"{run}/files/a.txt")
        case "archive":
            answer = place.ask(who, "GET", f"{run}/archive", params={"format": "zip"})
        case "follow":
            answer = place.ask(who, "GET", f"{run}/events")
        case "cancel":
            answer = place.ask(who, "POST", f"{run}/cancel")
        case "cell":
            # it runs the tool, which is private
            answer = place.ask(who, "GET", f"{run}/cell")
        case "inputs-of":
            asked = {"tool": "ada/public", "inputs_of": place.runs[which]}
            assert place.ask(who, "POST", "/cells", json=asked).status_code == int(
                "200" if expected == "201" else expected
            )
            answer = place.ask(who, "POST", "/runs", json=asked)
        case "change":
            answer = place.ask(who, "PATCH", run, json={"label": "tried"})
        case "links":
            answer = place.ask(who, "GET", f"{run}/links")
        case "delete":
            answer = place.ask(who, "DELETE", run)
        case _:
            scope = what.removeprefix("list-")
            listed = items(
                place.ask(who, "GET", "/runs", params={"scope": scope, "limit": 1000}), "number"
            )
            assert ("yes" if place.runs[which] in listed else "no") == expected
            return
    assert answer.status_code == int(expected), answer.text


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_those_who_may_delete_do(place: Place, who: str) -> None:
    number = place.run("owner", "ada/private", ["hello"])
    assert place.ask("stranger", "DELETE", f"/runs/{number}").status_code == 404
    assert place.ask(who, "DELETE", f"/runs/{number}").status_code == 204
    assert place.ask("owner", "GET", f"/runs/{number}").status_code == 404


def test_what_is_hidden_and_what_is_not_there_give_the_same_answer(place: Place) -> None:
    def told(path: str, name: str) -> str:
        answer = place.ask("stranger", "GET", path)
        return json.dumps([answer.status_code, answer.json()]).replace(name, "NAME")

    assert told("/tools/ada/private", "private") == told("/tools/ada/nothing", "nothing")
    assert told("/tools/ada/private", "private") == told(
        "/tools/nobody/private", "private"
    ).replace("nobody", "ada")
    assert told(f"/runs/{place.runs['own']}", str(place.runs["own"])) == told(
        f"/runs/{10**9}", str(10**9)
    )
    unknown = "0" * 32
    assert told(f"/versions/{place.versions['private']}", place.versions["private"]) == told(
        f"/versions/{unknown}", unknown
    )


def test_listening_to_changes_tells_nothing_of_what_is_hidden(place: Place) -> None:
    def heard(who: str) -> set[str]:
        seen = set()
        client = place.clients[who]
        headers = {"Last-Event-ID": "0"}
        with client.stream("GET", place.api + "/changes", headers=headers) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                if line.startswith("data: ") and '"kind"' in line:
                    change = json.loads(line.removeprefix("data: "))
                    seen.add(change["subject"])
                    if change["subject"] == str(marker):
                        return seen
        return seen

    for who in ("stranger", "listed", "owner"):
        marker = place.run(who, "ada/public", ["marker"])
        subjects = heard(who)
        assert (str(place.runs["own"]) in subjects) is (who == "owner")
        assert (str(place.runs["shared"]) in subjects) is (who != "stranger")
        assert (place.versions["private"] in subjects) is (who == "owner")


def test_a_shared_run_shares_its_output_and_not_what_it_was_given(place: Place) -> None:
    parts = [("input", ("letter.txt", b"dear diary"))]
    asked = {"tool": "ada/shared", "arguments": ["hi"], "variables": {"WHERE": "at home"}}
    made = place.ask("owner", "POST", "/runs", data={"run": json.dumps(asked)}, files=parts)
    number = made.json()["number"]
    list(place.events("owner", f"/runs/{number}/events"))
    place.ask("owner", "PATCH", f"/runs/{number}", json={"access": LISTED}).raise_for_status()

    assert place.ask("owner", "GET", f"/runs/{number}").json()["variables"] == {"WHERE": "at home"}
    told = [
        place.ask("listed", "GET", f"/runs/{number}").text,
        place.ask("listed", "GET", "/runs", params={"scope": "shared"}).text,
        "".join(place.events("listed", f"/runs/{number}/events")),
        place.ask("listed", "GET", f"/runs/{number}/archive").content.decode("latin-1"),
    ]
    for text in told:
        assert "at home" not in text
        assert "dear diary" not in text
        assert "somebody-who-never-came" not in text
    refused = place.ask("listed", "POST", f"/runs/{number}/rerun", json={"arguments": ["cat"]})
    assert refused.status_code == 403, refused.text
    taken = {"tool": "ada/shared", "inputs_of": number}
    for method, path, body in (
        ("GET", f"/runs/{number}/cell", None),
        ("POST", "/cells", taken),
        ("POST", "/runs", taken),
    ):
        refused = place.ask("listed", method, path, json=body)
        assert refused.status_code == 403, refused.text
        assert "letter.txt" not in refused.text
    again = place.ask("listed", "POST", f"/runs/{place.runs['shared']}/rerun")
    assert again.status_code == 404, "without inputs, it is the tool that decides: it is private"


def test_an_administrator_hands_a_tool_over_with_its_versions(place: Place) -> None:
    made = place.ask(
        "owner", "POST", "/tools", json={"source": str(place.folder / "probe"), "name": "passed-on"}
    )
    list(place.events("owner", f"/versions/{made.json()['version']['id']}/events"))
    moved = place.ask("admin", "POST", "/tools/ada/passed-on/transfer", json={"to": "grace"})
    assert moved.status_code == 200, moved.text
    assert place.ask("owner", "GET", "/tools/ada/passed-on").status_code == 404
    [version] = place.ask("listed", "GET", "/tools/grace/passed-on").json()["versions"]
    assert version["status"] == "ready"
