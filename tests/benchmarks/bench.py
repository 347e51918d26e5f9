"""Measure the product against its peers in the same run, and print the table for the README.

    python tests/benchmarks/bench.py [NAME …]

Ratios hold between machines; times do not. Every number is the median of several rounds, in which
the contestants take turns. A command of ours is compared with a command, a call in a running
process with a call or with the bare process; each row says what both sides include. All of them may
write bytecode, which a variable of the environment would forbid.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uv

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.containers import daemon
from tooinstance_jupyter.records import (
    Run,
    RunStatus,
    Version,
    VersionStatus,
    now,
)
from tooinstance_jupyter.requests import NewRun, NewTool, Output, RunFilter
from tooinstance_jupyter.store import schema, search
from tooinstance_jupyter.store.rows import as_row

PACKAGE, COMMAND = "sherlock-project==0.16.0", "sherlock"
UV = uv.find_uv_bin()
TOOI = str(Path(sys.executable).with_name("tooi"))
Row = tuple[str, str, str, str]


def main(names: list[str]) -> int:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    own = (imports, commands, cold, existing, warm, echo, in_process, following, listing)
    all_of_them = (*own, *of_containers(), *of_servers(), *of_the_front_end())
    benchmarks = {function.__name__: function for function in all_of_them}
    print("| what | ours | peer | ratio |\n|---|---|---|---|")
    for name in names or benchmarks:
        for row in benchmarks[name]():
            print("| " + " | ".join(row) + " |", flush=True)
    return 0


def of_containers() -> tuple[Callable[[], Iterator[Row]], ...]:
    """Return those that need a container engine, where there is one."""
    if not daemon.is_there():
        return ()
    import containers

    return containers.ALL


def of_servers() -> tuple[Callable[[], Iterator[Row]], ...]:
    """Return those of the server extension."""
    import serving

    return serving.ALL


def of_the_front_end() -> tuple[Callable[[], Iterator[Row]], ...]:
    """Return those of the extension of JupyterLab."""
    import lab

    return lab.ALL


def imports() -> Iterator[Row]:
    """`%load_ext` beyond IPython's own start, against `import IPython`."""
    alone = "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()"
    loaded = alone + "; s.run_line_magic('load_ext', 'tooinstance_jupyter')"
    python = [sys.executable, "-c"]
    ours, peer, bare = medians(
        15,
        lambda: run([*python, loaded]),
        lambda: run([*python, alone]),
        lambda: run([*python, "import IPython"]),
    )
    yield (
        "`%load_ext` (goal: < 150 ms)",
        f"what it adds to IPython's start {ms(ours - peer)}",
        f"whole process of `import IPython` {ms(bare)}",
        ratio(ours - peer, bare),
    )


def commands() -> Iterator[Row]:
    """What a command that runs no tool takes, against the start of Python."""
    with home() as environment:
        tooi(environment, "runs")
        version, runs, bare = medians(
            9,
            lambda: tooi(environment, "--version"),
            lambda: tooi(environment, "runs"),
            lambda: run([sys.executable, "-c", "pass"]),
        )
    for name, ours in (("--version", version), ("runs", runs)):
        yield (
            f"a command that runs no tool: `tooi {name}`",
            f"whole process {ms(ours)}",
            f"whole process of `python -c pass` {ms(bare)}",
            ratio(ours, bare),
        )


def cold() -> Iterator[Row]:
    """Create and first run, with nothing in any cache, against uvx."""

    def ours() -> float:
        with home() as environment:
            return create(environment) + tool(environment)

    def uvx() -> float:
        with tempfile.TemporaryDirectory() as cache:
            return run_uvx(cache)

    first, second = medians(3, ours, uvx)
    yield (
        "from nothing to the first result: sherlock",
        f"`tooi create` (build, start checked, options read) and `tooi run` (sandbox, record), "
        f"two whole processes {seconds(first)}",
        f"`uvx`, whole process, empty cache {seconds(second)}",
        ratio(first, second),
    )


def existing() -> Iterator[Row]:
    """Create and run where the environment exists, against uvx with a warm cache."""
    with home() as environment, tempfile.TemporaryDirectory() as cache:
        create(environment)
        run_uvx(cache)
        count = iter(range(100))

        def ours() -> float:
            name = f"again-{next(count)}"
            return create(environment, name=name) + tool(environment, name)

        first, second = medians(5, ours, lambda: run_uvx(cache))
    yield (
        "another tool of an environment that exists",
        f"`tooi create` and `tooi run`, two whole processes {seconds(first)}",
        f"`uvx`, whole process, warm {seconds(second)}",
        ratio(first, second),
    )


def warm() -> Iterator[Row]:
    """A run of a tool that is there, by the command, against uvx."""
    with home() as environment, tempfile.TemporaryDirectory() as cache:
        create(environment)
        tool(environment)
        run_uvx(cache)
        ours, uvx = medians(9, lambda: tool(environment), lambda: run_uvx(cache))
    yield (
        "a tool that is there: `sherlock --version`",
        f"`tooi run`, whole process, sandbox and record included {ms(ours)}",
        f"`uvx`, whole process, warm {ms(uvx)}",
        ratio(ours, uvx),
    )


def echo() -> Iterator[Row]:
    """A run of the least that a tool can be, in a pipe."""
    script = '#!/bin/sh\necho "usage: echoes"\n'
    with home() as environment, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "echoes")
        path.write_text(script)
        path.chmod(0o755)
        tooi(environment, "create", folder, "--name", "echoes")
        ours, bare = medians(9, lambda: tool(environment, "echoes"), lambda: run([str(path)]))
    yield (
        "an `echo` in a pipe",
        f"`tooi run`, whole process, sandbox and record included {ms(ours)}",
        f"the script alone, not confined {ms(bare)}",
        ratio(ours, bare),
    )


def in_process() -> Iterator[Row]:
    """A run of a tool that is there, from a Python process that has us loaded."""
    with fresh_client() as client:
        create_and_run(client)
        command = list(client.tool(COMMAND).versions[0].command)
        bare, ours = medians(
            15,
            lambda: run([*command, "--version"]),
            lambda: elapsed(lambda: run_tool(client, COMMAND)),
        )
        isolation = client.describe()["isolation"]
    yield (
        "`sherlock --version` from a kernel that has us loaded (goal: < 60 ms more)",
        f"a call, to the end of the run ({isolation}, record) {ms(ours)}",
        f"the tool's own process, not confined, no record {ms(bare)}",
        ratio(ours, bare),
    )


def following() -> Iterator[Row]:
    """100 MB of stdout written to its file and followed live."""
    megabytes = 100
    with fresh_client() as client, tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "flood")
        script.write_text(f'#!/bin/sh\n[ -n "$1" ] || head -c {megabytes}000000 /dev/zero\n')
        script.chmod(0o755)
        ready(client, NewTool(source=folder, name="flood"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        def ours() -> float:
            start = time.perf_counter()
            started = client.run(NewRun(tool="flood"))
            followed = sum(
                len(event.data)
                for event in client.follow(started.number)
                if isinstance(event, Output)
            )
            took = time.perf_counter() - start
            assert followed == megabytes * 10**6, followed
            return took

        def peer() -> float:
            with tempfile.TemporaryFile() as file:
                return elapsed(lambda: subprocess.run([str(script)], stdout=file, check=True))

        first, second = medians(5, ours, peer)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield (
        "100 MB of stdout, followed live (goal: ≥ 100 MB/s)",
        f"a call, from the run's start until all is read {megabytes / first:.0f} MB/s, "
        f"memory +{grown:.0f} MiB",
        f"the tool's own process, into a file {megabytes / second:.0f} MB/s",
        ratio(first, second),
    )


def listing() -> Iterator[Row]:
    """Listing and searching 100,000 runs."""
    with fresh_client() as client:
        fill(client, 100_000)
        page = client.runs(RunFilter(limit=20))
        deep = client.runs(RunFilter(limit=20, cursor=page.next_cursor))
        assert len(deep.items) == 20
        asked = {
            "newest 20": RunFilter(limit=20),
            "next 20": RunFilter(limit=20, cursor=page.next_cursor),
            "by text, one hit": RunFilter(text="needle"),
            "by text, 50,000 hits": RunFilter(text="even"),
            "by tool and status": RunFilter(tool="t10", status=RunStatus.FAILED),
        }
        for name, which in asked.items():
            assert client.runs(which).items, name
            [took] = medians(20, lambda which=which: elapsed(lambda: client.runs(which)))
            yield f"100,000 runs, {name} (goal: < 30 ms)", f"a call {ms(took)}", "", ""


def fill(client: LocalClient, count: int) -> None:
    """Put runs into the store in one transaction: one for each would take minutes."""
    owner = client.principal.name
    with client._installation.store._database.writing() as connection:
        for number in range(1, count + 1):
            run = Run(
                number=number,
                owner=owner,
                tool_id=None,
                tool_name=f"{owner}/t{number % 50}",
                version_id=None,
                version_number=1,
                environment_id=None,
                arguments=("--number", str(number), "odd" if number % 2 else "even")
                + (("needle",) if number == 777 else ()),
                status=RunStatus.SUCCEEDED if number % 10 else RunStatus.FAILED,
                finished_at=now(),
            )
            connection.execute(schema.runs.insert().values(as_row(run)))
            search.index_runs(connection, [run])


@contextmanager
def fresh_client() -> Iterator[LocalClient]:
    with tempfile.TemporaryDirectory() as home:
        client = LocalClient(TooInstance(home=home, engine="process"))
        try:
            yield client
        finally:
            client.close()


def ready(client: LocalClient, new: NewTool) -> None:
    _, version = client.create(new)
    for event in client.follow_build(version.id):
        if isinstance(event, Version):
            version = event
    assert version.status is VersionStatus.READY, (version.failure, client.build_log(version.id))


def create_and_run(client: LocalClient, name: str = COMMAND) -> None:
    ready(client, NewTool(source=f"pypi:{PACKAGE}", name=name))
    run_tool(client, name)


def run_tool(client: LocalClient, name: str) -> None:
    ended = client.wait(client.run(NewRun(tool=name, arguments=["--version"])).number)
    assert ended.status is RunStatus.SUCCEEDED, ended


def run_uvx(cache: str) -> float:
    return run([UV, "tool", "run", "--from", PACKAGE, COMMAND, "--version"], UV_CACHE_DIR=cache)


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """Yield the variables by which commands work on a home of their own, by processes."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"TOOINSTANCE_HOME": folder, "TOOINSTANCE_ENGINE": "process"}


def tooi(environment: dict[str, str], *arguments: str) -> float:
    return run([TOOI, *arguments], **environment)


def create(environment: dict[str, str], name: str = COMMAND) -> float:
    return tooi(environment, "create", f"pypi:{PACKAGE}", "--name", name)


def tool(environment: dict[str, str], name: str = COMMAND) -> float:
    return tooi(environment, "run", name, "--version")


def run(argv: list[str], **variables: str) -> float:
    return elapsed(
        lambda: subprocess.run(
            argv, check=True, capture_output=True, env={**os.environ, **variables}
        )
    )


def elapsed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def medians(rounds: int, *contestants: Callable[[], float]) -> list[float]:
    times: list[list[float]] = [[] for _ in contestants]
    for _ in range(rounds):
        for taken, contestant in zip(times, contestants, strict=True):
            taken.append(contestant())
    return [statistics.median(taken) for taken in times]


def ms(value: float) -> str:
    return f"{value * 1000:.1f} ms"


def seconds(value: float) -> str:
    return f"{value:.2f} s"


def ratio(ours: float, peer: float) -> str:
    return f"{ours / peer:.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
