"""The process behind the docker engine: it keeps the containers of one installation.

Run as ``python -m tooinstance_jupyter.engines.docker.keeper`` with the settings as JSON on standard
input. It outlives whoever started it, answers on a socket that only its user can open, and ends by
itself when there has been nothing to do for a while. A new one takes over what an old one left.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from ...config import TooInstance
from ...containers import confinement, daemon
from ...errors import EngineError, TooInstanceError
from ...home import home_id
from ...sandbox.command import give_to
from ...sandbox.guardian import PASSAGE, remove_passage
from ...sandbox.launch import Detached
from ..checks import RUN_VARIABLE
from . import address, attached, holder
from .life import Life, Piped, hold_alive
from .network import Networks, Sandbox
from .order import Order, Place, place_from
from .pool import Pool
from .streams import STREAMS, Output, open_pipe, outputs_in
from .waiting import Maker, NotSharedError, Waiting, image_is_gone, script

_logger = logging.getLogger(__name__)
_THREADS = 16
_SWEEP_S = 5.0
_AGAIN_S = 0.5
_REARM_S = 2.0
_SEEN_S = 10.0
_OLD_S = 3600.0
_TELL_S = 10.0
_MOST_REQUEST_BYTES = 2**24


class Keeper:
    """Keeps the containers of one installation."""

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._installation = home_id(config)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")
        self._client = daemon.connect()
        self._daemon = daemon.describe(self._client)
        self._networks = Networks(self._client, config, self._installation)
        self._shares_files = self._daemon.shares_files
        self._maker = Maker(self._client, config, self._installation, self._networks)
        self._pool = Pool(self._maker, config, self._call)
        self._lives: dict[str, Life] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._exits: dict[str, asyncio.Future[int | None]] = {}
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._seen: dict[str, float] = {}
        self._filtered = ""
        self._busy_at = time.monotonic()
        self._holder = Detached(
            [sys.executable, "-I", "-S", holder.__file__, str(address.lock_path(config))],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop

    async def serve(self, path: Path) -> None:
        """Answer until there is nothing more to do."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(_THREADS))
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop.set)
        self._maker.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        threading.Thread(target=self._listen, daemon=True).start()
        await self._take_over()
        server = await asyncio.start_unix_server(
            self._answer, path=str(path), limit=_MOST_REQUEST_BYTES, backlog=512
        )
        async with server:
            while not self._stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _SWEEP_S)
                await self._sweep()
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        await self._pool.close(for_good=True)
        ending = [task for key, task in self._tasks.items() if self._lives[key].exited.done()]
        await asyncio.gather(*ending, return_exceptions=True)
        while self._chores:
            await asyncio.wait(self._chores)
        await self._call(self._networks.close)
        # what still runs goes on, and is left to the next keeper
        self._threads.shutdown()

    # what is asked of it

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if not line:  # somebody looked whether we are there
            writer.close()
            return
        self._busy_at = time.monotonic()
        try:
            told = json.loads(line)
            with daemon.in_words():
                answer: Mapping[str, Any] = {"done": await self._do(told)}
        except TooInstanceError as error:
            answer = {"code": error.error_code, "message": error.message, "hint": error.hint}
        except Exception as error:
            _logger.exception("request failed")
            answer = {"code": "engine_failed", "message": f"{type(error).__name__}: {error}"}
        with contextlib.suppress(OSError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            writer.close()

    async def _do(self, told: Mapping[str, Any]) -> object:
        match told["do"]:
            case "prepare":
                return await self._isolation(told["image"], network=told["network"])
            case "start":
                await self._start(Path(told["directory"]), told["secrets"])
            case "poke":
                if life := self._lives.get(told["directory"]):
                    life.poke()
                return life is not None or told["directory"] in self._starting
            case "warm":
                self._pool.arm(place_from(told["place"]))
            case "has":
                image = told["image"]
                return self._has_lately(image) or await self._call(self._has, image)
            case "pull":
                return await self._call(self._pull, told["image"])
            case "remove":
                await self._pool.forget_image(told["image"])
                return await self._call(self._remove_image, told["image"])
            case "stop":
                self._stop.set()
        return None

    async def _isolation(self, image: str, *, network: bool) -> str:
        """Return what the record of a run says, once sure that it can be had."""
        if not (self._has_lately(image) or await self._call(self._has, image)):
            raise image_is_gone()
        if not network:
            return "container"
        # found once, it does not change
        if not self._filtered:
            self._filtered = str(await self._call(lambda: self._networks.isolation))
        return self._filtered

    async def _start(self, directory: Path, secrets: Mapping[str, str]) -> None:
        key = str(directory)
        if key in self._lives or (directory / "exit.json").exists():
            return
        if key not in self._starting:
            self._starting[key] = asyncio.ensure_future(self._begin(directory, secrets))
        try:
            await asyncio.shield(self._starting[key])
        finally:
            self._starting.pop(key, None)

    async def _begin(self, directory: Path, secrets: Mapping[str, str]) -> None:
        order = Order.read(directory)
        alive = hold_alive(directory)
        try:
            if (directory / "cancel").exists():
                write_end(directory, "cancelled")
                return
            waiting = self._pool.take(order.place)
            if waiting is not None and await self._gave(waiting, directory, order, secrets, alive):
                return
            waiting = await self._made(order.place)
            if waiting is None:
                await self._attach(directory, order, secrets, alive)
            elif not await self._gave(waiting, directory, order, secrets, alive):
                raise EngineError(
                    "The container ended before it was told what to run, or does not listen.",
                    "Is the image's /bin/sh a shell? `%tooi build` builds it again.",
                    code="container_not_started",
                )
        except Exception as error:
            # nothing has begun: whoever asks for its end need not wait to be sure of that
            with contextlib.suppress(FileNotFoundError):
                write_end(directory, "not_started", str(error))
            raise
        finally:
            if str(directory) not in self._lives:
                os.close(alive)

    async def _made(self, place: Place) -> Waiting | None:
        """Return a fresh container that waits, ``None`` where none can."""
        if not self._shares_files or self._maker.has_shell(place.image) is False:
            return None
        try:
            made: Waiting | None = await self._call(self._maker.make, place)
        except NotSharedError:
            self._shares_files = False
            return None
        return made

    async def _gave(
        self,
        waiting: Waiting,
        directory: Path,
        order: Order,
        secrets: Mapping[str, str],
        alive: int,
    ) -> bool:
        """Give a waiting container its run; tell whether it took it. Else nothing has begun."""
        values = list(secrets.values())
        began_at = time.time()
        # from here on whoever takes over from us goes on with this container and starts no other
        note = {"directory": str(directory), "began_at": began_at, "secret": bool(values)}
        text = script(order.argv, {**order.variables, **secrets, RUN_VARIABLE: order.run_id})
        try:
            _write(waiting.folder / "run.json", note)
            self._hold(waiting.folder)
            waiting.hand_over(directory, stdin=directory / "stdin" if order.has_stdin else None)
            await waiting.tell(text, timeout_s=_TELL_S)
        except OSError as error:
            _logger.warning("a container did not take its run run=%s: %s", order.run_id, error)
            await self._call(self._clear, waiting)
            return False
        outputs = outputs_in(directory, order.place.limits.log_bytes, values)
        pipes, waiting.pipes = waiting.pipes, {}
        self._watch(
            directory,
            order,
            Piped(waiting.id, pipes, outputs, self._loop),
            outputs,
            alive,
            began_at,
            lambda: self._clear(waiting),
        )
        self._pool.arm(order.place, after_s=_REARM_S)
        return True

    def _hold(self, folder: Path, *, on: bool = True) -> None:
        """Have the pipes of a container held open beside us, or no longer."""
        assert self._holder.stdin is not None  # noqa: S101 it was asked for
        sign = "+" if on else "-"
        lines = "".join(f"{sign}{folder / 'control' / name}\n" for name in STREAMS)
        with contextlib.suppress(BrokenPipeError):
            self._holder.stdin.write(os.fsencode(lines))
            self._holder.stdin.flush()

    def _clear(self, waiting: Waiting) -> None:
        self._hold(waiting.folder, on=False)
        self._maker.discard(waiting)

    def _let_go(self, container: str, sandbox: Sandbox | None, folder: Path) -> None:
        """Remove a container that an earlier keeper made, with what belongs to it."""
        self._hold(folder, on=False)
        self._drop(container, sandbox, folder)

    async def _attach(
        self, directory: Path, order: Order, secrets: Mapping[str, str], alive: int
    ) -> None:
        place = order.place
        values = list(secrets.values())
        sandbox = await self._call(
            lambda: self._networks.acquire(place.owner, network=place.limits.network)
        )
        container = ""
        try:
            volumes = await self._call(self._maker.volumes, place.image)
            uid = confinement.uid_for(order.run_id)
            if self._shares_files and uid != os.getuid():
                await self._call(give_to, uid, directory / "work")
            container = await self._call(
                lambda: attached.create(
                    self._client,
                    self._config,
                    order,
                    directory,
                    installation=self._installation,
                    secrets=secrets,
                    sandbox=sandbox,
                    volumes=volumes,
                    uid=uid,
                    shares_files=self._shares_files,
                )
            )
            outputs = outputs_in(directory, place.limits.log_bytes, values)
            stdin = directory / "stdin" if order.has_stdin else None
            connection = await self._call(
                attached.Attached, self._client, container, outputs, stdin
            )
            self._exit_of(container)
            began_at = time.time()
            try:
                await self._call(self._client.start, container)
            except Exception as error:  # noqa: BLE001 whatever the engine says, it has not started
                write_end(directory, "not_started", f"{order.argv[0]} cannot be started: {error}")
                await self._call(self._drop, container, sandbox)
                return
        except BaseException:
            await self._call(self._drop, container, sandbox)
            raise
        self._watch(
            directory,
            order,
            connection,
            outputs,
            alive,
            began_at,
            lambda: self._drop(container, sandbox),
            bring_back=not self._shares_files,
        )

    def _watch(
        self,
        directory: Path,
        order: Order,
        container: Any,
        outputs: Mapping[str, Output],
        alive: int,
        began_at: float,
        tidy: Callable[[], None],
        *,
        bring_back: bool = False,
    ) -> None:
        key = str(directory)
        life = Life(
            directory=directory,
            order=order,
            container=container,
            outputs=outputs,
            client=self._client,
            call=self._call,
            exited=self._exit_of(container.id),
            began_at=began_at,
            is_local=self._daemon.has_cgroups_here,
            before_end=(lambda: self._fetch_work(life)) if bring_back else None,
        )
        self._lives[key] = life

        async def whole() -> None:
            try:
                await life.live()
            except Exception:
                _logger.exception("run cannot be watched over directory=%s", directory)
                write_end(directory, "lost", "What watched over it failed; see its log.")
            finally:
                container.close()
                self._lives.pop(key, None)
                self._tasks.pop(key, None)
                self._exits.pop(container.id, None)
                os.close(alive)
            self._chore(self._call(tidy))
            self._pool.arm(order.place)

        self._tasks[key] = asyncio.ensure_future(whole())

    def _fetch_work(self, life: Life) -> None:
        attached.fetch_work(
            self._client,
            life.container.id,
            life.directory,
            life.order.place.limits.output_bytes,
        )

    # what an earlier keeper left

    async def _take_over(self) -> None:
        """Go on with the containers of this installation that have a run; remove the others."""
        client = self._client
        label = f"{confinement.INSTALLATION}={self._installation}"
        found = await self._call(lambda: client.containers(all=True, filters={"label": label}))
        kept: set[str] = set()
        for told in found:
            folder = self._folder_of(told)
            if told["Labels"].get(confinement.KIND) == "run" and folder is not None:
                try:
                    kept |= await self._go_on(told["Id"], folder)
                except (OSError, ValueError, KeyError, TooInstanceError, DockerException):
                    _logger.exception("container cannot be taken over container=%s", told["Id"])
        for told in found:
            kind, run_id = (told["Labels"].get(n) for n in (confinement.KIND, confinement.RUN))
            # a build that goes on beside us has young ones of other kinds
            is_left = kind in ("run", "network") or time.time() - told["Created"] > _OLD_S
            if told["Id"] in kept or not is_left:
                continue
            if run_id:
                self._end_attached(self._config.runs_path / run_id)
            folder = self._folder_of(told)
            self._chore(self._call(self._drop, told["Id"], None, folder))

    def _folder_of(self, told: Mapping[str, Any]) -> Path | None:
        """Return the folder of a container that waited for a run and was given one."""
        name = str(told["Names"][0]).removeprefix("/tooinstance-") if told["Names"] else ""
        folder = self._maker.root / name
        return folder if name and folder.is_dir() else None

    def _end_attached(self, directory: Path) -> None:
        """Write down the end of a run whose output went to the keeper that died."""
        if not is_over(directory):
            write_end(directory, "lost", "What watched over it was killed.")

    async def _go_on(self, container: str, folder: Path) -> set[str]:
        """Watch over a container that an earlier keeper gave a run; return what is to stay."""
        if not (folder / "run.json").exists():
            return set()
        note = json.loads((folder / "run.json").read_text())
        directory = Path(note["directory"])
        if is_over(directory):
            return set()
        if note["secret"]:
            # it could print them, and nobody is left who knows what to mask
            write_end(
                directory, "lost", "What watched over it was killed, and knew the secrets to mask."
            )
            return set()
        alive = hold_alive(directory)
        order = Order.read(directory)
        told = await self._call(self._client.inspect_container, container)
        sandbox = self._networks.taken_over(
            told["HostConfig"]["NetworkMode"], order.place.owner, network=order.place.limits.network
        )
        outputs = outputs_in(directory, order.place.limits.log_bytes, ())
        self._hold(folder)
        pipes = {name: open_pipe(folder / "control" / name) for name in STREAMS}
        self._watch(
            directory,
            order,
            Piped(container, pipes, outputs, self._loop),
            outputs,
            alive,
            note["began_at"],
            lambda: self._let_go(container, sandbox, folder),
        )
        life = self._lives[str(directory)]
        life.has_surely_begun = False
        await life.ask()
        return {container, *([sandbox.container] if sandbox is not None else [])}

    # what happens meanwhile

    def _listen(self) -> None:
        """Hear of containers that end; on a thread of its own, for as long as the process lives."""
        was_gone = False
        while True:
            try:
                client = daemon.connect(timeout_s=None)
                if was_gone:
                    self._loop.call_soon_threadsafe(self._engine_is_back)
                    was_gone = False
                filters = {
                    "event": ["die"],
                    "label": f"{confinement.INSTALLATION}={self._installation}",
                }
                for event in client.events(decode=True, filters=filters):
                    code = event["Actor"]["Attributes"].get("exitCode")
                    self._loop.call_soon_threadsafe(self._died, event["Actor"]["ID"], code)
                raise EngineError("The engine ended the connection.")
            except RuntimeError:
                return  # the loop is closed: so is the process
            except Exception as error:  # noqa: BLE001 whatever it is, it is tried again
                _logger.warning("the engine is gone reason=%s", error)
                was_gone = True
                time.sleep(_AGAIN_S)

    def _died(self, container: str, code: str | None) -> None:
        exited = self._exits.get(container)
        if exited is not None and not exited.done():
            if code is not None:
                exited.set_result(int(code))
            for life in self._lives.values() if code is None else ():
                if life.container.id == container:
                    self._chore(life.ask())
        elif exited is None:
            self._chore(self._pool.forget(container))

    def _engine_is_back(self) -> None:
        """Look what became of the runs while the engine was gone."""
        for life in list(self._lives.values()):
            life.engine_was_gone = True
            self._chore(life.ask())
        self._chore(self._forget_all())

    async def _forget_all(self) -> None:
        await self._pool.close()
        await self._call(self._networks.close)

    def _exit_of(self, container: str) -> asyncio.Future[int | None]:
        return self._exits.setdefault(container, self._loop.create_future())

    async def _sweep(self) -> None:
        if not self._config.home_path.exists():
            for task in list(self._tasks.values()):
                task.cancel()
            self._stop.set()
            return
        age_s = self._config.armed_age_s
        try:
            await self._pool.expire()
            await self._call(self._networks.expire, age_s)
        except Exception as error:  # noqa: BLE001 the engine may be gone for a while
            _logger.warning("what waits cannot be cleared up reason=%s", error)
        if self._lives or self._starting:
            self._busy_at = time.monotonic()
        elif time.monotonic() - self._busy_at > age_s:
            self._stop.set()

    def _chore(self, work: Any) -> None:
        async def done() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 nobody waits for it
                _logger.warning("clearing up failed reason=%s", error)

        task = asyncio.ensure_future(done())
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    def _drop(self, container: str, sandbox: Sandbox | None, folder: Path | None = None) -> None:
        if container:
            with contextlib.suppress(NotFound):
                self._client.remove_container(container, force=True, v=True)
        if sandbox is not None:
            self._networks.release(sandbox)
        if folder is not None and folder.parent == self._maker.root:
            shutil.rmtree(folder, ignore_errors=True)

    # images

    def _has(self, image: str) -> bool:
        try:
            self._client.inspect_image(image)
        except ImageNotFound:
            return False
        self._seen[image] = time.monotonic()
        return True

    def _has_lately(self, image: str) -> bool:
        """Tell without asking whether an image was there a moment ago; a run finds out the rest."""
        return time.monotonic() - self._seen.get(image, -_SEEN_S) < _SEEN_S

    def _pull(self, image: str) -> str:
        """Pull an image by its digest, and return how much there is of it now (bytes)."""
        with daemon.in_words():
            for line in self._client.pull(image, stream=True, decode=True):
                if "error" in line:
                    raise EngineError(
                        f"{image} cannot be pulled: {line['error']}",
                        "Is the registry reachable, and is `docker login` needed?",
                        code="pull_failed",
                    )
            return str(self._client.inspect_image(image)["Size"])

    def _remove_image(self, image: str) -> bool:
        self._seen.pop(image, None)
        try:
            # one that was pushed has a name more than one that was only built
            self._client.remove_image(self._client.inspect_image(image)["Id"], force=True)
        except ImageNotFound:
            return False
        except APIError as error:
            raise EngineError(f"The image cannot be removed: {error.explanation}") from error
        return True

    async def _call(self, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Call a function that blocks, on another thread."""
        return await self._loop.run_in_executor(self._threads, lambda: function(*given, **named))


def is_over(directory: Path) -> bool:
    """Tell whether nobody waits for a run any more: it has ended, or somebody deleted it."""
    return (directory / "exit.json").exists() or not directory.exists()


def write_end(directory: Path, reason: str, detail: str = "") -> None:
    """Write down the end of a run that never was, or whose end is not known."""
    remove_passage(str(directory / PASSAGE))
    sizes = {}
    for name in STREAMS:
        with contextlib.suppress(FileNotFoundError):
            sizes[name] = [(directory / name).stat().st_size] * 2
    now = time.time()
    _write(
        directory / "exit.json",
        {
            "reason": reason,
            "exit_code": None,
            "detail": detail,
            "started_at": None,
            "finished_at": now,
            "streams": sizes,
            "peak_memory_bytes": 0,
            "cpu_s": 0.0,
            "node": os.uname().nodename,
        },
    )


def _write(path: Path, told: Mapping[str, object]) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(json.dumps(told))
    temporary.rename(path)


def main() -> int:
    """Keep the containers of the installation that the settings on standard input name."""
    config = TooInstance(**json.loads(sys.stdin.read()))
    # whoever started it looks at what it says here until it says that it is ready
    try:
        with address.taken(config) as path:
            keeper = Keeper(config)
            logging.basicConfig(
                filename=config.home_path / "keeper.log",
                level=logging.INFO,
                format="%(asctime)s %(levelname)s %(name)s %(message)s",
            )
            asyncio.run(keeper.serve(path))
    except address.TakenError:
        return 0
    except TooInstanceError as error:
        address.write_problem(config, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
