"""Streams of events: exact, resumed, shared by many, and ended when they must be."""

from __future__ import annotations

import base64
import socket
import statistics
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.servers import Server

from .conftest import Person, output_of


def test_a_run_is_heard_byte_for_byte_and_can_be_resumed_from_any_event(ada: Person) -> None:
    number = ada.run("bytes")
    events = list(ada.events(f"runs/{number}/events"))
    assert (events[0].event, events[-1].event) == ("run", "run")
    assert events[-1].data["status"] == "succeeded"
    for stream, size in (("stdout", 300_000), ("stderr", 100_000)):
        kept = ada.ask("GET", f"runs/{number}/{stream}").content
        assert len(kept) == size
        assert output_of(events, stream) == kept
    half = next(event for event in events if event.event == "output")
    again = list(ada.events(f"runs/{number}/events", **{"Last-Event-ID": half.id}))
    stdout, stderr = map(int, half.id.split("."))
    rest = sum(len(one.data["data"]) * 3 // 4 for one in again if one.event == "output")
    assert abs(rest - (400_000 - stdout - stderr)) < 16


def test_what_a_tool_writes_is_heard_at_once(ada: Person) -> None:
    number = ada.run("tick")
    late = []
    for event in ada.events(f"runs/{number}/events"):
        if event.event == "output":
            text = output_of([event], "stdout") if not event.data["offset"] else b""
            if text:
                continue  # it may have been written before anybody listened
            written = float(base64.b64decode(event.data["data"]).split()[-1])
            late.append(event.at - written)
    assert len(late) >= 5
    # a machine that does other things too is given some room; the goal is 0.02, and what is told
    # at the end only would be half a second late
    assert statistics.median(late) < 0.25, late


def test_a_listener_that_takes_nothing_holds_nobody_up(ada: Person, server: Server) -> None:
    number = ada.run("wait")
    parts = urlsplit(server.url)
    stalled = []
    for _ in range(10):
        end = socket.create_connection((str(parts.hostname), int(parts.port or 0)))
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        end.sendall(
            f"GET {parts.path}tooinstance/api/runs/{number}/events HTTP/1.1\r\nHost: localhost\r\n"
            "Authorization: token ada-token\r\n\r\n".encode()
        )
        stalled.append(end)
    other = ada.run("bytes")
    events = list(ada.events(f"runs/{other}/events"))
    assert len(output_of(events, "stdout")) == 300_000
    for end in stalled:
        end.close()
    assert ada.ask("POST", f"runs/{number}/cancel").json()["status"] == "cancelled"


def test_a_stream_ends_when_access_is_taken_away(ada: Person, grace: Person) -> None:
    number = ada.run("wait")
    ada.ask("PATCH", f"runs/{number}", json={"access": ["grace"]}).raise_for_status()
    heard = threading.Event()
    ended_at: list[float] = []

    def listen() -> None:
        for _ in grace.events(f"runs/{number}/events"):
            heard.set()
        ended_at.append(time.monotonic())

    listening = threading.Thread(target=listen)
    listening.start()
    assert heard.wait(60)
    taken_at = time.monotonic()
    ada.ask("PATCH", f"runs/{number}", json={"access": []}).raise_for_status()
    listening.join(60)
    assert ended_at, "grace still listens"
    assert ended_at[0] - taken_at < 30
    assert grace.ask("GET", f"runs/{number}/events").status_code == 404
    ada.ask("POST", f"runs/{number}/cancel").raise_for_status()


def test_changes_are_heard_in_order_and_resumed(ada: Person, people: dict[str, Person]) -> None:
    number = ada.run("hello")
    ada.finished(number)

    def heard(who: str) -> list[Any]:
        found = []
        for event in people[who].events("changes", **{"Last-Event-ID": "0"}):
            assert int(event.id) == event.data["id"]
            found.append(event)
            if event.data["subject"] == str(number) and event.data["action"] == "succeeded":
                return found
        return found

    found = heard("ada")
    assert [int(event.id) for event in found] == sorted({int(event.id) for event in found})
    assert {event.data["kind"] for event in found} >= {"tool", "version", "run"}
    assert heard("root")[-1].data["owner"] == "ada"


@pytest.mark.parametrize("path", ["runs/{}/events", "changes"])
def test_an_id_that_no_event_has_is_refused(ada: Person, written: int, path: str) -> None:
    answer = ada.ask("GET", path.format(written), headers={"Last-Event-ID": "x.y"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
