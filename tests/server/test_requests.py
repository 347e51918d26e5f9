"""What every route does with requests that are wrong, or not allowed, or not one's own."""

from __future__ import annotations

import http.client
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.servers import Server
from tooinstance_jupyter.server.routes import ROUTES, Kind, Route

from .conftest import Person

PARTS = {
    "owner": "ada",
    "name": "probe",
    "version": "0" * 32,
    "number": "1",
    "path": "a.txt",
    "link": "0" * 32,
    "token": "none",
}
WITH_BODY = [route for route in ROUTES if route.body is not None]


def named(route: Route) -> str:
    return route.name


def place(route: Route, **parts: str) -> str:
    return route.path.format_map(PARTS | parts)


def code_of(answer: httpx.Response) -> str:
    """Return the code of an error, once sure that it is one as all are."""
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    told = answer.json()
    assert list(told) == ["error"]
    assert set(told["error"]) == {"code", "message", "hint"}
    code: str = told["error"]["code"]
    return code


@pytest.mark.parametrize("route", ROUTES, ids=named)
@pytest.mark.parametrize("who", ["nobody", "liar"])
def test_without_a_token_that_is_known_nothing_is_told(
    people: dict[str, Person], route: Route, who: str
) -> None:
    answer = people[who].ask(route.method, place(route), headers={"X-Forwarded-User": "ada"})
    assert answer.status_code == 403
    assert code_of(answer) == "unauthenticated"


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method != "GET"], ids=named)
def test_who_may_only_read_changes_nothing(people: dict[str, Person], route: Route) -> None:
    body = None if route.body is None else b"{}"
    headers = {"Content-Type": "application/json"}
    answer = people["reader"].ask(route.method, place(route), content=body, headers=headers)
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")


def test_who_may_only_read_reads(people: dict[str, Person]) -> None:
    assert people["reader"].ask("GET", "tools").json()["items"][0]["tool"]["name"] == "probe"


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b'{"a":', "application/json", 400, "json_invalid"),
        (b"[" * 100_000, "application/json", 400, "json_depth"),
        (b'{"a":' * 10_000, "application/json", 400, "json_depth"),
        (b'"text"', "application/json", 422, "value_invalid"),
        (b"[]", "application/json", 422, "value_invalid"),
        (b'{"owner": "grace"}', "application/json", 422, "value_invalid"),
        (b'{"to": 1, "source": 1, "tool": 1}', "application/json", 422, "value_invalid"),
        (b'{"label": "a", "label": "b"}', "application/json", 422, "value_invalid"),
        (b'{"label": "\\u0000"}', "application/json", 422, "value_invalid"),
        (
            b'{"label": "\\udcff"}',
            "application/json",
            (400, 422),
            ("json_invalid", "value_invalid"),
        ),
        (b'{"timeout_s": NaN}', "application/json", 400, "json_invalid"),
        (b"\xff\xfe", "application/json", 400, "json_invalid"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "media_type"),
        (b"{}", "text/plain", 415, "media_type"),
        (b"{}", "", 415, "media_type"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, bytes) else None,
)
def test_a_body_that_cannot_be_read_is_refused_exactly(
    ada: Person, route: Route, body: bytes, kind: str, status: Any, code: Any
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = ada.ask(route.method, place(route), content=body, headers=headers)
    expected = status if isinstance(status, tuple) else (status,)
    assert answer.status_code in expected, answer.text
    assert code_of(answer) in (code if isinstance(code, tuple) else (code,))


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(ada: Person, route: Route) -> None:
    url = httpx.URL(f"{ada.server.api}{place(route)}")
    connection = http.client.HTTPConnection(url.host, url.port, timeout=60)
    with closing(connection):
        connection.putrequest(route.method, url.raw_path.decode())
        for name in ("Authorization", "Content-Type"):
            connection.putheader(name, ada.http.headers.get(name, "application/json"))
        connection.putheader("Content-Length", str(2**20 + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("value", ['"5"', "true", "[]", "1e999"])
def test_a_number_is_a_number(ada: Person, value: str) -> None:
    body = f'{{"tool": "ada/probe", "timeout_s": {value}}}'
    headers = {"Content-Type": "application/json"}
    assert ada.ask("POST", "runs", content=body, headers=headers).status_code == 422


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
def test_another_method_is_refused_with_those_that_are_there(ada: Person, path: str) -> None:
    there = {route.method for route in ROUTES if route.path == path}
    for method in {"PUT", "DELETE", "PATCH", "POST", "GET"} - there:
        answer = ada.ask(method, path.format_map(PARTS))
        assert (answer.status_code, code_of(answer)) == (405, "method_not_allowed")
        assert there <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("path", ["", "nothing", "tools/ada", "runs/1/nothing", "%00", "../api/x"])
def test_what_is_no_route_is_not_found(ada: Person, path: str) -> None:
    assert ada.ask("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("nothing=1", "value_invalid"),
        ("limit=5&limit=6", "value_invalid"),
        ("limit=0", "value_invalid"),
        ("limit=-1", "value_invalid"),
        ("limit=1.0", "value_invalid"),
        ("limit=99999999999999999999", "value_invalid"),
        ("scope=yours", "value_invalid"),
        ("status=asleep", "value_invalid"),
        ("since=yesterday", "value_invalid"),
        ("since=9999-12-31T23:59:59-12:00", "value_invalid"),
        ("text=%00", "value_invalid"),
        ("text=%ff", "value_invalid"),
        ("cursor=abc", "cursor_invalid"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(ada: Person, query: str, code: str) -> None:
    answer = ada.ask("GET", f"runs?{query}")
    assert answer.status_code == (400 if code == "cursor_invalid" else 422), answer.text
    assert code_of(answer) == code


def test_a_cursor_that_was_altered_is_refused(ada: Person, written: int) -> None:
    ada.finished(ada.run("hello"))
    cursor = ada.ask("GET", "runs?limit=1").json()["next_cursor"]
    assert ada.ask("GET", "runs", params={"cursor": cursor}).json()["items"]
    for altered in (cursor[:-2], cursor[::-1], cursor.swapcase()):
        answer = ada.ask("GET", "runs", params={"cursor": altered})
        assert (answer.status_code, code_of(answer)) == (400, "cursor_invalid")


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if "{number}" in route.path and route.kind is not Kind.DOCUMENT],
    ids=named,
)
def test_the_run_of_another_is_like_one_that_is_not_there(
    grace: Person, written: int, route: Route
) -> None:
    def told(number: int) -> tuple[int, str]:
        body = None if route.body is None else b"{}"
        headers = {"Content-Type": "application/json"}
        where = place(route, number=str(number))
        answer = grace.ask(route.method, where, content=body, headers=headers)
        return answer.status_code, answer.text.replace(str(number), "N")

    assert told(written) == told(10**9)
    assert told(written)[0] == 404


def test_a_cookie_alone_changes_nothing(ada: Person, server: Server, written: int) -> None:
    with httpx.Client(timeout=60) as browser:
        browser.get(f"{server.url}api/me?token=ada-token").raise_for_status()
        assert browser.cookies
        assert browser.get(f"{ada.server.api}/runs/{written}").status_code == 200
        for method, path in (("POST", f"runs/{written}/rerun"), ("DELETE", f"runs/{written}")):
            answer = browser.request(method, f"{server.api}/{path}")
            assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    assert ada.ask("GET", f"runs/{written}").status_code == 200


def test_a_tool_that_was_changed_meanwhile_is_not_changed(ada: Person) -> None:
    seen = ada.ask("GET", "tools/ada/probe")
    tag = seen.headers["ETag"]
    first = ada.ask(
        "PATCH", "tools/ada/probe", json={"description": "one"}, headers={"If-Match": tag}
    )
    assert first.status_code == 200
    second = ada.ask(
        "PATCH", "tools/ada/probe", json={"description": "two"}, headers={"If-Match": tag}
    )
    assert (second.status_code, code_of(second)) == (412, "stale")
    assert ada.ask("GET", "tools/ada/probe").json()["tool"]["description"] == "one"
    again = {"If-Match": first.headers["ETag"]}
    third = ada.ask("PATCH", "tools/ada/probe", json={"description": "three"}, headers=again)
    assert third.status_code == 200


def test_who_changes_a_tool_at_the_same_time_undoes_nothing(ada: Person) -> None:
    tag = ada.ask("GET", "tools/ada/probe").headers["ETag"]

    def change(index: int) -> int:
        headers = {"If-Match": tag} if index < 4 else {}
        what = {"output": "both"} if index == 4 else {"description": f"by {index}"}
        return ada.ask("PATCH", "tools/ada/probe", json=what, headers=headers).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(change, range(4))) == [200, 412, 412, 412]
        assert set(threads.map(change, range(4, 8))) == {200}
    assert ada.ask("GET", "tools/ada/probe").json()["tool"]["output"] == "both"
    ada.ask("PATCH", "tools/ada/probe", json={"output": "stdout"}).raise_for_status()


NASTY = "<script>alert(1)</script>\"'\x1b]0;owned\x07\x1b[31m&\u202e"


def test_what_people_write_comes_back_as_it_was_and_as_json(ada: Person, grace: Person) -> None:
    answer = ada.ask("PATCH", "tools/ada/probe", json={"description": NASTY})
    assert answer.json()["description"] == NASTY
    number = ada.run(NASTY, label=NASTY)
    ada.finished(number)
    for path in (f"runs/{number}", "runs", "tools", "tools/ada/probe"):
        told = ada.ask("GET", path)
        assert told.headers["Content-Type"] == "application/json"
        assert (
            NASTY
            in json.dumps(told.json(), ensure_ascii=False)
            .encode()
            .decode("unicode_escape", "ignore")
            or json.dumps(NASTY)[1:-1] in told.text
        )
    missing = ada.ask("GET", "lookup", params={"tool": "<script>alert(1)</script>"})
    assert (missing.status_code, code_of(missing)) == (404, "not_found")


def test_folders_of_the_servers_machine_are_for_its_own_user(
    start_server: Any, tmp_path: Any
) -> None:
    person = Person(start_server(users={"t": {"name": "ada"}}), "t")
    for source in (str(tmp_path), f"file://{tmp_path}", "~", "./x", f"git+file://{tmp_path}"):
        answer = person.ask("POST", "tools", json={"source": source})
        assert answer.status_code == 422
        assert re.match("source_", code_of(answer))
    assert person.ask("POST", "tools", json={"source": str(tmp_path)}).json()["error"]["code"] == (
        "source_local"
    )
    person.http.close()
