"""The docker engine against its peers: building images, starting containers, taking their output.

What is cold starts from a base image that nobody has seen, so that no layer and no cache can help,
and nothing of the machine's own caches has to be removed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from bench import TOOI, Row, elapsed, medians, ms, ratio, ready, run, run_uvx, seconds
from docker.types import LogConfig

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.engines.base import Exit, RunSpec
from tooinstance_jupyter.engines.docker.engine import DockerEngine
from tooinstance_jupyter.records import Environment, Limits
from tooinstance_jupyter.requests import NewRun, NewTool
from tooinstance_jupyter.run_directory import RunDirectory

BASE = "tooinstance-test/debian"
PROJECT, COMMAND = "sherlock-project==0.16.0", "sherlock"
CA = "/etc/ssl/certs/ca-certificates.crt"
HAND_WRITTEN = """FROM {base}
COPY . /source
RUN python3 -m venv /opt/tool && /opt/tool/bin/pip install --quiet /source
ENTRYPOINT ["/opt/tool/bin/sherlock"]
"""
SECOND = """[project]
name = "second"
version = "1"
dependencies = ["requests", "pandas", "openpyxl"]
[project.scripts]
second = "second:main"
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
STOCK = """
import sys
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks.base import BaseImage
class Stock(BaseImage):
    def detect(self): return True
    def get_base_packages(self): return super().get_base_packages() | {"python3", "python3-venv"}
    def get_assemble_scripts(self):
        return [("${NB_USER}", "python3 -m venv /home/${NB_USER}/tool && "
                 "/home/${NB_USER}/tool/bin/pip install --quiet ${REPO_DIR}")]
app = Repo2Docker(repo=sys.argv[1], output_image_spec=sys.argv[2], base_image=sys.argv[3],
                  buildpacks=[Stock], user_id=1000, user_name="jovyan", run=False)
app.initialize()
app.build()
"""


def images() -> Iterator[Row]:
    """Builds of a real Python tool, and the size of what comes out."""
    with workplace() as place, client(place) as ours:
        source = fetched(place)
        link = f"file://{source}"
        cold = elapsed(lambda: ready(ours, NewTool(source=link, name="cold", engine="docker")))
        first = ours.tool("cold").versions[0]
        hand = elapsed(lambda: place.build(HAND_WRITTEN, source, "hand"))
        stock = elapsed(lambda: place.stock(source))
        cached = elapsed(lambda: ready(ours, NewTool(source=link, name="again", engine="docker")))
        hand_cached = elapsed(lambda: place.build(HAND_WRITTEN, source, "hand"))
        change(source)
        changed = elapsed(lambda: ours_again(ours, "cold"))
        hand_changed = elapsed(lambda: place.build(HAND_WRITTEN, source, "hand"))
        second = place.repository(
            "second", {"pyproject.toml": SECOND, "second.py": "def main(): 0\n"}
        )
        shared = elapsed(
            lambda: ready(ours, NewTool(source=f"file://{second}", name="second", engine="docker"))
        )
        environment = ours._installation.store.get_environment(first.environment_id or "")
        assert environment is not None
        base, our_size, stock_size, hand_size = map(
            size, (place.base, environment.location, place.name("stock"), place.name("hand"))
        )
    yield (
        "image of sherlock, cold",
        f"a call: fetch, build, start checked, options read {seconds(cold)}",
        f"whole process of repo2docker with its stock template {seconds(stock)}",
        ratio(cold, stock),
    )
    yield "", "", f"`docker buildx build`, hand-written {seconds(hand)}", ratio(cold, hand)
    yield (
        "image, all there already",
        f"the same call {seconds(cached)}",
        f"`docker buildx build`, hand-written {seconds(hand_cached)}",
        ratio(cached, hand_cached),
    )
    yield (
        "image, source-only change (goal: ≤ 0.25 of cold)",
        f"the same call {seconds(changed)}",
        f"our cold {seconds(cold)}",
        ratio(changed, cold),
    )
    yield (
        "",
        "",
        f"`docker buildx build`, hand-written {seconds(hand_changed)}",
        ratio(changed, hand_changed),
    )
    yield (
        "image, second tool with shared dependencies",
        f"the same call {seconds(shared)}",
        f"our cold {seconds(cold)}",
        ratio(shared, cold),
    )
    yield (
        "image size (goal: ≤ 0.6)",
        megabytes(our_size),
        f"stock template {megabytes(stock_size)}",
        ratio(our_size, stock_size),
    )
    for name, peer_size in (("stock template", stock_size), ("hand-written", hand_size)):
        yield (
            f"image size beyond the base's {megabytes(base)}",
            megabytes(our_size - base),
            f"{name} {megabytes(peer_size - base)}",
            ratio(our_size - base, peer_size - base),
        )


def starts() -> Iterator[Row]:
    """First byte and end of a run of `echo`, against `docker run --rm`."""
    argv = ("/bin/echo", "x")
    with workplace() as place:
        peer = [docker_run(place.base, argv) for _ in range(9)]
        floor = [sdk_run(place.base, argv) for _ in range(9)]
        cold = timed_runs(place, argv, armed=False)
        armed = timed_runs(place, argv, armed=True)
    peer_first, peer_total = map(median, zip(*peer, strict=True))
    for name, times, goals in (
        ("container, nothing ahead", cold, ("", " (goal: ≤ 0.35)")),
        ("container that waited", armed, (" (goal: ≤ 0.02)", " (goal: ≤ 0.25)")),
    ):
        first, total = map(median, zip(*times, strict=True))
        yield (
            f"{name}: first byte{goals[0]}",
            f"a call of the engine {ms(first)}",
            f"whole process of `docker run` {ms(peer_first)}",
            f"{first / peer_first:.3f}",
        )
        yield (
            f"{name}: end{goals[1]}",
            f"a call of the engine {ms(total)}",
            f"whole process of `docker run` {ms(peer_total)}",
            ratio(total, peer_total),
        )
    yield (
        "container, nothing ahead: end",
        f"a call of the engine {ms(median(tuple(total for _, total in cold)))}",
        f"calls of the SDK: create, start, wait; nothing confined {ms(median(tuple(floor)))}",
        ratio(median(tuple(total for _, total in cold)), median(tuple(floor))),
    )


def tools() -> Iterator[Row]:
    """A run of a real tool, from the client, against `docker run` and `uvx`."""
    with workplace() as place, client(place) as ours, tempfile.TemporaryDirectory() as cache:
        ready(ours, NewTool(source=f"pypi:{PROJECT}", name=COMMAND, engine="docker"))
        environment = ours._installation.store.get_environment(
            ours.tool(COMMAND).versions[0].environment_id or ""
        )
        assert environment is not None
        command = ours.tool(COMMAND).versions[0].command
        peer_argv = ["docker", "run", "--rm", "--entrypoint", *command, environment.location]
        run_uvx(cache)
        ours.wait(ours.run(NewRun(tool=COMMAND, arguments=["--version"])).number)

        def call() -> float:
            time.sleep(3)  # as a person would
            return elapsed(
                lambda: ours.wait(ours.run(NewRun(tool=COMMAND, arguments=["--version"])).number)
            )

        def command_line() -> float:
            time.sleep(3)
            return run([TOOI, "run", COMMAND, "--version"], TOOINSTANCE_HOME=ours._config.home)

        called, mine, peer, uvx = medians(
            7,
            call,
            command_line,
            lambda: run([*peer_argv, "--version"]),
            lambda: run_uvx(cache),
        )
    told = f"whole process of `docker run` {ms(peer)}"
    yield (
        "`sherlock --version` in a container",
        f"`tooi run`, whole process, record included {ms(mine)}",
        told,
        ratio(mine, peer),
    )
    yield "", "", f"`uvx`, whole process, warm, not confined {ms(uvx)}", ratio(mine, uvx)
    yield (
        "the same from a kernel that has us loaded",
        f"a call, record included {ms(called)}",
        told,
        ratio(called, peer),
    )


def output() -> Iterator[Row]:
    """How fast what a container prints arrives."""
    many = 500
    with workplace() as place:
        limits = dataclasses.replace(Limits(), log_bytes=2 * 10**9)
        argv = ("/usr/bin/head", "-c", f"{many}000000", "/dev/zero")
        with engine(place, armed=True) as (config, own):
            asyncio.run(one_run(config, own, place.base, argv, limits))
            before = peak_kib(config)
            took = min(
                asyncio.run(one_run(config, own, place.base, argv, limits))[1] for _ in range(3)
            )
            grown = (peak_kib(config) - before) / 1024
        peer = json_file_rate(place.base)
    mine = many / took
    yield (
        "container's stdout into the run's file (goal: ≥ 20)",
        f"from start to end of the run {mine:.0f} MB/s, memory +{grown:.0f} MiB",
        f"from start to end of the SDK's `logs(follow=True)`, json-file {peer:.0f} MB/s",
        f"{mine / peer:.0f}",
    )


def crowd() -> Iterator[Row]:
    """200 runs held at once."""
    many = 200
    with workplace() as place, engine(place, armed=False) as (config, own):
        limits = dataclasses.replace(Limits(), network=False, memory_bytes=2**26)
        argv = ("/bin/sh", "-c", "while ! [ -e go ]; do sleep 1; done")

        async def hold() -> tuple[float, float]:
            specs = [spec(config, place.base, argv, limits) for _ in range(many)]
            began = time.perf_counter()
            handles = await asyncio.gather(*(own.prepare(each) for each in specs))
            await asyncio.gather(*(own.start(handle) for handle in handles))
            held = time.perf_counter() - began
            for each in specs:
                (each.directory / "work" / "go").touch()
            ends = await asyncio.gather(*(own.wait(handle) for handle in handles))
            assert {end.exit_code for end in ends} == {0}
            return held, time.perf_counter() - began

        held, ended = asyncio.run(hold())
    yield (
        f"{many} runs in containers, all held at once",
        f"calls of the engine, until all run {seconds(held)}",
        f"until all ended {seconds(ended)}",
        "",
    )


@dataclasses.dataclass
class Workplace:
    """A base image that nobody has seen, and a folder; both are gone afterwards."""

    folder: Path
    mark: str

    @property
    def base(self) -> str:
        return self.name("base")

    def name(self, what: str) -> str:
        return f"tooinstance-bench-{self.mark}/{what}"

    def build(self, dockerfile: str, context: Path, name: str) -> None:
        path = self.folder / f"{name}.Dockerfile"
        path.write_text(dockerfile.format(base=self.base))
        quiet("docker", "buildx", "build", "--load", "-f", path, "-t", self.name(name), context)

    def stock(self, source: Path) -> None:
        quiet(sys.executable, "-c", STOCK, source, self.name("stock"), self.base)

    def repository(self, name: str, files: dict[str, str]) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for path, text in files.items():
            (folder / path).write_text(text)
        commit(folder)
        return folder


@contextmanager
def workplace() -> Iterator[Workplace]:
    with tempfile.TemporaryDirectory(prefix="tooinstance-bench-") as folder:
        place = Workplace(Path(folder), uuid.uuid4().hex[:12])
        context = Path(folder, "base")
        context.mkdir()
        shutil.copyfile(CA, context / "ca.crt")
        # the peers have no way to be handed the machine's certificates
        (context / "Dockerfile").write_text(
            f"FROM {BASE}\nCOPY ca.crt {CA}\nRUN echo {place.mark} > /mark\nENV PIP_CERT={CA}\n"
        )
        quiet("docker", "buildx", "build", "--load", "-t", place.base, context)
        try:
            yield place
        finally:
            for name in ("base", "hand", "stock"):
                subprocess.run(
                    ["docker", "image", "rm", "-f", place.name(name)],
                    check=False,
                    capture_output=True,
                )


def settings(place: Workplace, *, armed: bool) -> TooInstance:
    config = TooInstance(home=str(place.folder / f"home-{uuid.uuid4().hex[:6]}"), engine="docker")
    config.base_images = dict.fromkeys(config.base_images, place.base)
    config.armed_containers = 4 if armed else 0
    config.runs_path.mkdir(parents=True)
    return config


@contextmanager
def engine(place: Workplace, *, armed: bool) -> Iterator[tuple[TooInstance, DockerEngine]]:
    config = settings(place, armed=armed)
    own = DockerEngine(config)
    try:
        yield config, own
    finally:
        asyncio.run(own.shut_down())


@contextmanager
def client(place: Workplace) -> Iterator[LocalClient]:
    config = settings(place, armed=True)
    opened = LocalClient(config)
    try:
        yield opened
    finally:
        installation = opened._installation
        for environment in installation.store.list_environments():
            installation.wait_for(installation.engines("docker").remove(environment))
        opened.close()
        asyncio.run(DockerEngine(config).shut_down())


def spec(config: TooInstance, image: str, argv: tuple[str, ...], limits: Limits) -> RunSpec:
    run_id = uuid.uuid4().hex
    directory = RunDirectory(config.runs_path / run_id)
    directory.create()
    environment = Environment(id="e", engine="docker", location=image, commit="c", recipe_hash="r")
    return RunSpec(
        run_id=run_id,
        owner="bench",
        directory=directory.path,
        environment=environment,
        argv=argv,
        limits=limits,
    )


async def one_run(
    config: TooInstance, own: DockerEngine, image: str, argv: tuple[str, ...], limits: Limits
) -> tuple[float, float]:
    """Return the seconds to the first byte in the run's file and to the run's end."""
    order = spec(config, image, argv, limits)
    stdout = order.directory / "stdout"
    began = time.perf_counter()
    handle = await own.prepare(order)
    await own.start(handle)
    ending = asyncio.ensure_future(own.wait(handle))
    first = await asyncio.to_thread(first_byte, stdout, ending) - began
    ended: Exit = await ending
    assert ended.exit_code == 0, ended
    return first, time.perf_counter() - began


def first_byte(stdout: Path, ending: asyncio.Future[Exit]) -> float:
    while not (stdout.exists() and stdout.stat().st_size) and not ending.done():
        time.sleep(0.0002)
    return time.perf_counter()


def timed_runs(
    place: Workplace, argv: tuple[str, ...], *, armed: bool
) -> list[tuple[float, float]]:
    with engine(place, armed=armed) as (config, own):
        asyncio.run(one_run(config, own, place.base, argv, Limits()))

        async def rounds() -> list[tuple[float, float]]:
            times = []
            for _ in range(9):
                await asyncio.sleep(3)
                times.append(await one_run(config, own, place.base, argv, Limits()))
            return times

        return asyncio.run(rounds())


def docker_run(image: str, argv: tuple[str, ...]) -> tuple[float, float]:
    began = time.perf_counter()
    with subprocess.Popen(["docker", "run", "--rm", image, *argv], stdout=subprocess.PIPE) as ran:
        assert ran.stdout is not None
        ran.stdout.read(1)
        first = time.perf_counter() - began
        ran.stdout.read()
    return first, time.perf_counter() - began


def sdk_run(image: str, argv: tuple[str, ...]) -> float:
    """Return the seconds that the engine itself takes for a container with no settings."""
    api = docker.APIClient()
    config = api.create_host_config(network_mode="none", log_config=LogConfig(type="none"))
    began = time.perf_counter()
    container = api.create_container(image, list(argv), host_config=config)["Id"]
    api.start(container)
    api.wait(container)
    took = time.perf_counter() - began
    api.remove_container(container)
    api.close()
    return took


def json_file_rate(image: str) -> float:
    """Return the MB/s that the SDK gives of a container's log while it is written."""
    many = 50
    api = docker.from_env()
    container = api.containers.create(
        image,
        ["/bin/sh", "-c", f"yes 0123456789012345678901234567890123456789 | head -c {many}000000"],
        log_config=LogConfig(type="json-file"),
    )
    try:
        began = time.perf_counter()
        container.start()
        came = sum(len(piece) for piece in container.logs(stream=True, follow=True))
        took = time.perf_counter() - began
        assert came == many * 10**6, came
    finally:
        container.remove(force=True)
        api.close()
    return many / took


def fetched(place: Workplace) -> Path:
    """Return the source of a real tool as a repository."""
    quiet(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"),
        *("--dest", place.folder, PROJECT),
    )
    [archive] = place.folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(place.folder / "unpacked", filter="data")
    [folder] = (place.folder / "unpacked").iterdir()
    folder = folder.rename(place.folder / "sherlock")
    commit(folder)
    return folder


def change(source: Path) -> None:
    [module] = source.rglob("sherlock.py")
    module.write_text(module.read_text() + "\n# changed\n")
    commit(source)


def commit(folder: Path) -> None:
    if not (folder / ".git").exists():
        quiet("git", "-C", folder, "init", "--quiet")
    quiet("git", "-C", folder, "add", "--all")
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@e.example")
    quiet("git", "-C", folder, *who, "commit", "--quiet", "--message", "Change")


def ours_again(ours: LocalClient, name: str) -> None:
    version = ours.build(name)
    for _ in ours.follow_build(version.id):
        pass
    built = ours.tool(name).versions[0]
    assert built.status == "ready", built


def size(image: str) -> int:
    told = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Size}}", image],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(told.stdout)


def peak_kib(config: TooInstance) -> int:
    from tooinstance_jupyter.engines.docker import address

    lines = Path(f"/proc/{address.keeper_pid(config)}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def quiet(*argv: object) -> None:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (argv, done.stdout[-2000:], done.stderr[-2000:])


def median(values: tuple[float, ...]) -> float:
    return sorted(values)[len(values) // 2]


def megabytes(count: float) -> str:
    return f"{count / 1e6:.0f} MB"


ALL: tuple[Callable[[], Iterator[Row]], ...] = (images, starts, tools, output, crowd)
