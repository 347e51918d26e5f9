"""The engines that the conformance suite runs against, and what a test needs to run one."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.engines.base import Engine, Exit, Handle, RunSpec
from tooinstance_jupyter.engines.docker import address
from tooinstance_jupyter.engines.docker.engine import DockerEngine
from tooinstance_jupyter.engines.process import ProcessEngine
from tooinstance_jupyter.passing import Passing
from tooinstance_jupyter.records import Environment, Limits
from tooinstance_jupyter.requests import StreamName
from tooinstance_jupyter.run_directory import RunDirectory

KINDS = ("process-bubblewrap", "process-none", "docker")
ISOLATED = ("process-bubblewrap", "docker")


@dataclass
class Bench:
    """One engine, with a home of its own."""

    kind: str
    engine: Engine
    config: TooInstance
    environment: Environment
    handles: list[Handle] = field(default_factory=list)

    @property
    def is_isolated(self) -> bool:
        return self.engine.capabilities().isolation != "none"

    @property
    def settings(self) -> dict[str, Any]:
        """What another process needs to make the same engine."""
        names = ("home", "sandbox", "base_images", "cancel_grace_s")
        return {name: getattr(self.config, name) for name in names}

    def watcher(self, spec: RunSpec) -> int | None:
        """The process that watches over a run, once there is one."""
        if self.kind == "docker":
            return address.keeper_pid(self.config)
        try:
            pid: int = json.loads((spec.directory / "guardian.json").read_text())["pid"]
        except FileNotFoundError:
            return None
        return pid

    def spec(
        self,
        *argv: str,
        inputs: Mapping[str, bytes] | None = None,
        stdin: bytes | None = None,
        variables: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        **limits: Any,
    ) -> RunSpec:
        run_id = uuid.uuid4().hex
        directory = RunDirectory(self.config.runs_path / run_id)
        directory.create(stdin=stdin)
        for name, content in (inputs or {}).items():
            (directory.work / name).write_bytes(content)
        return RunSpec(
            run_id=run_id,
            owner="ada",
            directory=directory.path,
            environment=self.environment,
            argv=argv,
            variables=variables or {},
            secrets=secrets or {},
            stdin=None if stdin is None else directory.stdin,
            limits=dataclasses.replace(Limits(timeout_s=60), **limits),
        )

    async def begin(self, spec: RunSpec) -> Handle:
        handle = await self.engine.prepare(spec)
        self.handles.append(handle)
        await self.engine.start(handle, secrets=spec.secrets)
        return handle

    def run(self, *argv: str, **given: Any) -> Ran:
        spec = self.spec(*argv, **given)

        async def whole() -> Exit:
            return await self.engine.wait(await self.begin(spec))

        return Ran(asyncio.run(whole()), spec.directory)

    def sh(self, script: str, **given: Any) -> Ran:
        return self.run("/bin/sh", "-c", script, **given)

    def python(self, code: str, **given: Any) -> Ran:
        return self.run("/usr/bin/python3", "-c", code, **given)


class Reader(threading.Thread):
    """Passes on all that a run writes, as far as it is let."""

    def __init__(self, directory: Path) -> None:
        super().__init__(daemon=True)
        self._directory = directory
        Passing.prepare(directory)
        self._passing = Passing(directory)
        self.read: dict[StreamName, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.start()

    def run(self) -> None:
        while not (self._directory / "exit.json").exists():
            self.may_go_on.wait()
            came = [self._take(stream) for stream in self.read]
            if not any(came):
                self._passing.release({name: len(read) for name, read in self.read.items()})
                time.sleep(0.005)
        for stream in self.read:
            while self._take(stream):
                pass
        self._passing.close()

    def leave(self) -> None:
        """Be gone, as one that was killed."""
        self.may_go_on.clear()
        self._passing.close()

    def _take(self, stream: StreamName) -> bool:
        place, data = len(self.read[stream]), b""
        with suppress(FileNotFoundError), (self._directory / stream).open("rb") as file:
            file.seek(place)
            data = file.read(2**20)
        data = data or self._passing.read(stream, place, 2**20)
        self.read[stream] += data
        return bool(data)


@dataclass
class Ran:
    """How a run ended, and what it left."""

    exit: Exit
    directory: Path

    @property
    def stdout(self) -> bytes:
        return (self.directory / "stdout").read_bytes()

    @property
    def stderr(self) -> bytes:
        return (self.directory / "stderr").read_bytes()

    @property
    def work(self) -> Path:
        return self.directory / "work"


def _processes(kind: str, home: Path) -> Bench:
    config = TooInstance(home=str(home), sandbox=kind.removeprefix("process-"), cancel_grace_s=0.3)
    folder = home / "environments" / "e"
    folder.mkdir(parents=True)
    (folder / "data").write_text("of the environment")
    environment = Environment(
        id="e",
        engine="process",
        location=str(folder),
        commit="c",
        recipe_hash="r",
        path=(str(folder / "bin"),),
        variables={"FROM_ENVIRONMENT": "yes"},
    )
    return Bench(kind, ProcessEngine(config), config, environment)


def _docker(home: Path, image: str) -> Bench:
    config = TooInstance(home=str(home), base_images={"debian": image}, cancel_grace_s=0.3)
    environment = Environment(
        id="e",
        engine="docker",
        location=image,
        commit="c",
        recipe_hash="r",
        variables={"FROM_ENVIRONMENT": "yes"},
    )
    return Bench("docker", DockerEngine(config), config, environment)


@pytest.fixture
def make_bench(
    require: Callable[[str, str], None], request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Bench]]:
    """Return a function that makes an engine of a kind; what it started is ended afterwards."""
    with ExitStack() as benches:

        def make(kind: str) -> Bench:
            image = request.getfixturevalue("base_image") if kind == "docker" else ""
            if kind == "process-bubblewrap":
                require("bwrap", "apt-get install bubblewrap")
            if kind != "docker":
                require("python3", "apt-get install python3")
            return benches.enter_context(_bench(kind, image))

        yield make


@contextmanager
def _bench(kind: str, image: str) -> Iterator[Bench]:
    home = Path(tempfile.mkdtemp(prefix="tooinstance-test-"))
    home.chmod(0o711)  # as root, tools run as other users
    bench = _docker(home, image) if kind == "docker" else _processes(kind, home)
    bench.config.runs_path.mkdir(mode=0o711)
    yield bench
    asyncio.run(bench.engine.reap([]))
    if isinstance(bench.engine, DockerEngine):
        asyncio.run(bench.engine.shut_down())
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def shared_docker(base_image: str) -> Iterator[Bench]:
    """A docker engine for all tests of a module: to start one for each takes seconds."""
    with _bench("docker", base_image) as bench:
        yield bench


def _give(
    kind: str, make_bench: Callable[[str], Bench], request: pytest.FixtureRequest
) -> Iterator[Bench]:
    if kind != "docker":
        yield make_bench(kind)
        return
    bench: Bench = request.getfixturevalue("shared_docker")
    yield bench
    asyncio.run(bench.engine.reap([]))


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, make_bench: Callable[[str], Bench]) -> Iterator[Bench]:
    """Give each engine in turn; docker's may have run other tests before."""
    yield from _give(request.param, make_bench, request)


@pytest.fixture(params=KINDS)
def fresh_bench(request: pytest.FixtureRequest, make_bench: Callable[[str], Bench]) -> Bench:
    """Give each engine in turn, which has run nothing before."""
    return make_bench(request.param)


@pytest.fixture(params=ISOLATED)
def isolated(request: pytest.FixtureRequest, make_bench: Callable[[str], Bench]) -> Iterator[Bench]:
    """Give each engine that isolates; docker's may have run other tests before."""
    yield from _give(request.param, make_bench, request)
