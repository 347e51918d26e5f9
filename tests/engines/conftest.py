"""The engines that the conformance suite runs against, and what a test needs to run one."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.engines.base import Engine, Exit, Handle, RunSpec
from tooinstance_jupyter.engines.process import ProcessEngine
from tooinstance_jupyter.records import Environment, Limits
from tooinstance_jupyter.run_directory import RunDirectory

KINDS = ("process-bubblewrap", "process-none")


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


@pytest.fixture
def make_bench(require: Callable[[str, str], None]) -> Iterator[Callable[[str], Bench]]:
    """Return a function that makes an engine of a kind; what it started is ended afterwards."""
    benches: list[Bench] = []
    homes: list[Path] = []

    def make(kind: str) -> Bench:
        sandbox = kind.removeprefix("process-")
        if sandbox == "bubblewrap":
            require("bwrap", "apt-get install bubblewrap")
        require("python3", "apt-get install python3")
        home = Path(tempfile.mkdtemp(prefix="tooinstance-test-"))
        homes.append(home)
        home.chmod(0o711)  # as root, tools run as other users
        config = TooInstance(home=str(home), sandbox=sandbox, cancel_grace_s=0.3)
        config.runs_path.mkdir(mode=0o711)
        environment_folder = home / "environments" / "e"
        environment_folder.mkdir(parents=True)
        (environment_folder / "data").write_text("of the environment")
        bench = Bench(
            kind=kind,
            engine=ProcessEngine(config),
            config=config,
            environment=Environment(
                id="e",
                engine="process",
                location=str(environment_folder),
                commit="c",
                recipe_hash="r",
                path=(str(environment_folder / "bin"),),
                variables={"FROM_ENVIRONMENT": "yes"},
            ),
        )
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        asyncio.run(bench.engine.reap([]))
    for home in homes:
        shutil.rmtree(home)


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, make_bench: Callable[[str], Bench]) -> Bench:
    """Give each engine in turn."""
    return make_bench(request.param)


@pytest.fixture
def isolated(make_bench: Callable[[str], Bench]) -> Bench:
    """Give an engine that isolates."""
    return make_bench("process-bubblewrap")
