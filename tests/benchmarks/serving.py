"""Measure the server extension: a large catalogue under load, the way of an event, the start.

The peers stand on the same server or do the same job: Jupyter's own `/api/status`, `tail -f`, and a
server without the extension.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from bench import Row, ms, ratio
from catalogue import fill, names_seen

sys.path.insert(0, str(Path(__file__).parents[1]))
from postgresql import PostgreSQL
from servers import Server, start_server

from tooinstance_jupyter.records import Principal

TOOLS, RUNS = 100_000, 1_000_000
RATE, SECONDS = 50, 20
TOKEN = "bench"


def catalogue() -> Iterator[Row]:
    """List, search and show at 50 requests a second, on SQLite and on PostgreSQL."""
    for name, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        with tempfile.TemporaryDirectory() as home, database(Path(home)) as url:
            fill(url, tools=TOOLS, runs=RUNS)
            SEEN[:] = names_seen(url, Principal(name="ada"))
            with serving(Path(home), database_url=url) as server:
                peer = asyncio.run(load(server, {"status": lambda: "/api/status"}))["status"]
                taken = asyncio.run(load(server, REQUESTS))
        everything = [taken_s for each in taken.values() for taken_s in each]
        for what, each in [*taken.items(), ("all of these", everything)]:
            yield (
                f"{name}, {TOOLS:,} tools, {RUNS:,} runs, {RATE} requests/s: {what}, "
                "p50 / p99 (goal: p99 < 50 ms)",
                f"{ms(quantile(each, 50))} / {ms(quantile(each, 99))}",
                f"`/api/status` {ms(quantile(peer, 50))} / {ms(quantile(peer, 99))}",
                ratio(quantile(each, 50), quantile(peer, 50)),
            )


WORDS = ("sequence", "table", "image", "graph", "convert", "align", "sherlock", "conver")
API = "/tooinstance/api"
REQUESTS: dict[str, Callable[[], str]] = {
    "list tools": lambda: f"{API}/tools?scope={random.choice(('mine', 'public', 'all'))}&limit=20",
    "search tools": lambda: f"{API}/tools?text={random.choice(WORDS)}&limit=20",
    "show a tool": lambda: f"{API}/tools/{random_tool()}",
    "list runs": lambda: f"{API}/runs?limit=20",
    "search runs": lambda: f"{API}/runs?text={random.choice(WORDS)}&limit=20",
    "show a run": lambda: f"{API}/runs/{random.randint(1, RUNS)}",
}


SEEN: list[str] = []


def random_tool() -> str:
    """Return the full name of one of the tools that the user may see."""
    return random.choice(SEEN)


async def load(server: Server, requests: dict[str, Callable[[], str]]) -> dict[str, list[float]]:
    """Send requests at a steady rate, whether or not earlier ones are answered; seconds by kind."""
    taken: dict[str, list[float]] = {name: [] for name in requests}
    headers = {"Authorization": f"token {TOKEN}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:

        async def send(name: str) -> None:
            began = time.perf_counter()
            answer = await client.get(requests[name]().removeprefix("/"))
            assert answer.status_code in (200, 404), answer.text
            taken[name].append(time.perf_counter() - began)

        for name in requests:
            await send(name)  # what is only done once is not measured
            taken[name].clear()
        begin, tasks = time.perf_counter(), []
        for index in range(RATE * SECONDS):
            await asyncio.sleep(max(0, begin + index / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(send(list(requests)[index % len(requests)])))
        await asyncio.gather(*tasks)
    return taken


def events() -> Iterator[Row]:
    """From a tool's write to its listener, against `tail -f`."""
    rounds = 200
    script = (
        "#!/usr/bin/env python3\nimport sys, time\n"
        "if '--help' in sys.argv: sys.exit(print('usage: ticks'))\n"
        f"for _ in range({rounds}):\n"
        "    print(time.time(), flush=True)\n    time.sleep(0.02)\n"
    )
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "ticks")
        source.mkdir()
        (source / "ticks.py").write_text(script)
        with (
            serving(Path(place, "home")) as server,
            httpx.Client(headers={"Authorization": f"token {TOKEN}"}, timeout=60) as client,
        ):
            api = server.url.rstrip("/") + API
            new = {"source": str(source), "name": "ticks", "engine": "process"}
            made = client.post(api + "/tools", json=new).json()
            followed(client, f"{api}/versions/{made['version']['id']}/events")
            run = client.post(api + "/runs", json={"tool": "ticks"}).json()
            ours = followed(client, f"{api}/runs/{run['number']}/events")
        peer = tailed(source / "ticks.py", rounds)
    for percent in (50, 99):
        goal = " (goal: < 20 ms)" if percent == 50 else ""
        yield (
            f"event, from a tool's write to its listener, p{percent}{goal}",
            ms(quantile(ours, percent)),
            f"`tail -f` {ms(quantile(peer, percent))}",
            ratio(quantile(ours, percent), quantile(peer, percent)),
        )


def followed(client: httpx.Client, url: str) -> list[float]:
    """Return the seconds between the moments that a run writes and their arrival."""
    taken = []
    with client.stream("GET", url) as answer:
        for line in answer.iter_lines():
            arrived = time.time()
            if line.startswith("data:") and '"data"' in line:
                text = base64.b64decode(json.loads(line[5:])["data"]).decode()
                taken += [arrived - float(moment) for moment in text.split()]
    return taken


def tailed(script: Path, rounds: int) -> list[float]:
    """Return the same for a file that is followed by `tail -f`."""
    log = script.with_suffix(".log")
    log.touch()
    taken: list[float] = []
    with subprocess.Popen(["tail", "-f", str(log)], stdout=subprocess.PIPE, text=True) as tail:
        with log.open("w") as target:
            writer = subprocess.Popen([sys.executable, str(script)], stdout=target)
        assert tail.stdout is not None
        for line in tail.stdout:
            taken.append(time.time() - float(line))
            if len(taken) == rounds:
                break
        writer.wait()
        tail.kill()
    return taken


def start_up() -> Iterator[Row]:
    """What the extension adds to the start of a server, until that answers."""
    with_it, without = [], []
    for _ in range(7):
        with_it.append(started(enabled=True))
        without.append(started(enabled=False))
    ours, peer = statistics.median(with_it), statistics.median(without)
    yield (
        "server start, added by the extension (goal: < 300 ms)",
        ms(ours - peer),
        f"a server without it {ms(peer)}",
        ratio(ours - peer, peer),
    )


def started(*, enabled: bool) -> float:
    """Return the seconds from the start of a server to its first answer."""
    with tempfile.TemporaryDirectory() as place:
        extensions = f"--ServerApp.jpserver_extensions={{'tooinstance_jupyter': {enabled}}}"
        port = 20_000 + os.getpid() % 10_000
        environment = {
            **os.environ,
            **{
                f"JUPYTER_{name}_DIR": str(Path(place, name.lower()))
                for name in ("CONFIG", "DATA", "RUNTIME")
            },
            "JUPYTER_NO_CONFIG": "1",
            "TOOINSTANCE_HOME": str(Path(place, "home")),
        }
        began = time.perf_counter()
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *(extensions, f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
                *(f"--ServerApp.root_dir={place}", f"--IdentityProvider.token={TOKEN}"),
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            while True:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/api", timeout=5).raise_for_status()
                    break
                except httpx.TransportError:
                    time.sleep(0.005)
            taken = time.perf_counter() - began
            server.terminate()
        return taken


@contextmanager
def serving(home: Path, **more: str) -> Iterator[Server]:
    """Run a server."""
    server = start_server(
        home / "server", home=home, users={TOKEN: {"name": "ada"}}, local_sources=True, **more
    )
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def sqlite(home: Path) -> Iterator[str]:
    """Give a SQLite database."""
    yield f"sqlite:///{home / 'tooinstance.sqlite'}"


@contextmanager
def postgresql(home: Path) -> Iterator[str]:
    """Give a database of a PostgreSQL of its own."""
    server = PostgreSQL()
    try:
        yield server()
    finally:
        server.remove()


def quantile(values: list[float], percent: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


ALL: tuple[Callable[[], Iterator[Row]], ...] = (start_up, events, catalogue)
