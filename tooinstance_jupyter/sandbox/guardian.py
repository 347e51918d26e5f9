"""Watches over one command: starts it, keeps its output, holds it to its limits, ends all of it.

Run as ``python -I -S guardian.py FOLDER`` with the secrets as JSON on standard input, it outlives
whoever started it. It imports little, since its start is part of every run's. How a command is
confined is decided before, by ``plan``; the folder's files are written and read by ``launch``.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import select
import signal
import sys
import time

CHUNK_BYTES = 1 << 20
SAMPLE_S = 0.05
LEFTOVER_S = 2.0
F_SETPIPE_SZ = 1031
PASSAGE = "passing"
READER = "reader"
TOTALS = "ended"
SEGMENT_BYTES = 4 << 20
PASSAGE_BYTES = 64 << 20
READER_AWAY_S = 30.0
READER_LATE_S = 600.0
PASSED_POLL_S = 0.01


class Passage:
    """What is beyond the limit of an output, on its way to the one who passes it on.

    Its folder is made by whoever asks for it. What comes is in files there, each named after its
    output and its first byte's place, which the reader deletes behind itself; it holds a lock on
    ``reader`` meanwhile. When all has come, ``ended`` says how much; the reader who has it all
    removes the folder. Without a reader for a while, all is removed and nothing more is taken; nor
    is a reader waited for endlessly once the tool has ended.
    """

    def __init__(self, folder: str) -> None:
        self.is_open = os.path.isdir(folder)
        self.is_bounded = True
        self._folder = folder
        self._files: dict[str, tuple[int, int]] = {}
        self._away_since: float | None = None
        self._over_at: float | None = None

    def has_room(self) -> bool:
        """Tell whether more is taken, or nothing at all, so that there is nothing to wait for."""
        if not self.is_open or not self.is_bounded or self._size() < PASSAGE_BYTES:
            return True
        return not self._is_read()

    def end_of(self, name: str) -> int:
        """Return how far an output has come here; 0 if nothing of it has."""
        return max((start + size for start, size in self._segments(name)), default=0)

    def file(self, name: str, place: int) -> tuple[int, int]:
        """Return the file for what comes at a place of an output, and how much it takes."""
        descriptor, end = self._files.get(name, (-1, 0))
        if descriptor < 0 or place >= end:
            if descriptor >= 0:
                del self._files[name]
                os.close(descriptor)
            path = os.path.join(self._folder, segment_name(name, place))
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            end = place + SEGMENT_BYTES
            self._files[name] = descriptor, end
        return descriptor, end - place

    def write(self, name: str, place: int, data: memoryview) -> None:
        """Take what comes at a place of an output."""
        try:
            while data and self.is_open:
                file, room = self.file(name, place)
                written = os.write(file, data[:room])
                place += written
                data = data[written:]
        except OSError:  # the disk is full, or the run was deleted
            self.close()

    def is_over(self, totals: dict[str, int], patience_s: float) -> bool:
        """Tell whether all has been read, so much of each output, or nobody does in so long."""
        if self.is_open and not any(self._segments(name) for name in totals):
            self.close()
        if self.is_open and not os.path.exists(os.path.join(self._folder, TOTALS)):
            try:
                write_json(self._folder, TOTALS, totals)
            except OSError:
                self.close()
        now = time.monotonic()
        self._over_at = self._over_at or now + max(patience_s, READER_LATE_S)
        return not self.is_open or now > self._over_at or not self._is_read()

    def close(self) -> None:
        """Take nothing more, and remove what is there."""
        self.is_open = False
        for descriptor, _ in self._files.values():
            os.close(descriptor)
        self._files.clear()
        remove_passage(self._folder)

    def _is_read(self) -> bool:
        """Tell whether somebody reads, or did a moment ago; close else."""
        try:
            with open(os.path.join(self._folder, READER), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._away_since = None
            return True
        except OSError:  # it has been removed
            self.close()
            return False
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since > READER_AWAY_S:
            self.close()
        return self.is_open

    def _size(self) -> int:
        return sum(size for name in ("stdout", "stderr") for _, size in self._segments(name))

    def _segments(self, name: str) -> list[tuple[int, int]]:
        found = []
        for start, path in segments(self._folder, name):
            try:
                found.append((start, os.path.getsize(path)))
            except OSError:
                continue  # it has just been read
        return found


def segment_name(name: str, place: int) -> str:
    return f"{name}.{place:020d}"


def segments(folder: str, name: str) -> list[tuple[int, str]]:
    """Return the files of an output in a passage, in order: the place that each begins at."""
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    own = sorted(one for one in found if one.startswith(f"{name}."))
    return [(int(one.rpartition(".")[2]), os.path.join(folder, one)) for one in own]


def remove_passage(folder: str) -> None:
    """Remove a passage, whoever may be about to do the same."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for remove, path in (
        *((os.unlink, os.path.join(folder, name)) for name in names),
        (os.rmdir, folder),
    ):
        try:
            remove(path)
        except OSError:
            continue


class Stream:
    """One output of the command, on its way to a file: cut at a limit, secrets masked.

    What is beyond the limit goes to the passage, if there is one.
    """

    def __init__(
        self, path: str, limit: int, secrets: list[bytes], passage: Passage | None = None
    ) -> None:
        self.total = self.kept = 0
        self._name = os.path.basename(path)
        self._passage = passage
        self._limit = limit
        self._secrets = sorted((s for s in secrets if s), key=len, reverse=True)
        self._held = b""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def has_room(self) -> bool:
        """Tell whether more is taken; a tool that writes on meanwhile waits for its reader."""
        return self.kept < self._limit or self._passage is None or self._passage.has_room()

    def take(self, data: bytes) -> None:
        if self._secrets:
            data = self._masked(self._held + data)
        self._write(data)

    def close(self) -> None:
        for secret in self._secrets:
            self._held = self._held.replace(secret, b"***")
        self._write(self._held)
        os.close(self._file)

    def _masked(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, b"***")
        # an end that may be the beginning of a secret waits for what follows
        held = 0
        for secret in self._secrets:
            for size in range(min(len(secret) - 1, len(data)), held, -1):
                if data.endswith(secret[:size]):
                    held = size
                    break
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view and self.kept < self._limit:
            try:
                written = os.write(self._file, view[: self._limit - self.kept])
            except OSError:  # the disk is full: what is there is kept, the rest is not
                self._limit = self.kept
                break
            self.kept += written
            self.total += written
            view = view[written:]
        if view and self._passage is not None:
            self._passage.write(self._name, self.total, view)
        self.total += len(view)


class Guardian:
    """The life of one command."""

    def __init__(self, folder: str, secrets: dict[str, str]) -> None:
        with open(os.path.join(folder, "spec.json"), "rb") as file:
            self.spec = json.load(file)
        self.folder = folder
        self.environment = {**self.spec["env"], **secrets}
        values = [os.fsencode(value) for value in secrets.values()]
        limit = self.spec["log_bytes"]
        self.passage = Passage(os.path.join(folder, PASSAGE))
        self.streams = {
            name: Stream(self.spec[name], limit, values, self.passage)
            for name in ("stdout", "stderr")
            if self.spec[name]
        }
        self.reason = "exited"
        self.detail = ""
        self.started_at: float | None = None
        self.peak_memory = 0
        self.cpu_s = 0.0
        self.exit_code: int | None = None
        self.child = 0
        self.is_wrapped = self.spec["is_wrapped"]
        self._kill_at: float | None = None
        self._next_count = 0.0

    def run(self) -> None:
        wake, wake_in = os.pipe()
        for end in (wake, wake_in):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)
        write_json(self.folder, "guardian.json", {"pid": os.getpid()})
        # room for the last word, in case the disk is full by then
        with open(os.path.join(self.folder, ".exit.json"), "w") as file:
            file.write(" " * 4096)
        if self._is_cancelled():
            self.reason = "cancelled"
        else:
            readers = self._start()
            if readers is not None:
                self._watch(readers, wake)
        self._end()

    def _start(self) -> dict[int, Stream] | None:
        """Start the command; return the ends of its pipes with where they go."""
        spec = self.spec
        # the one process without a sandbox that dies with us must be told so by the kernel
        call_prctl(36, 1) if not self.is_wrapped else None
        pipes = {name: os.pipe() for name in self.streams}
        if spec["uid"] is not None and sys.platform == "linux":
            for _, end in pipes.values():
                # there, to open /dev/stdout is to open the pipe anew, as its owner only may
                os.fchown(end, spec["uid"], spec["uid"])
        broken, broken_in = os.pipe()
        most = self._most_processes()
        self.started_at = time.time()
        self._deadline = time.monotonic() + spec["timeout_s"]
        self.child = os.fork()
        if self.child == 0:
            try:
                self._become(pipes, most)
            except BaseException as error:  # noqa: BLE001 the child must not go on as a guardian
                os.write(broken_in, f"{type(error).__name__}: {error}"[:1000].encode())
            finally:
                os._exit(127)
        os.close(broken_in)
        for _, end in pipes.values():
            os.close(end)
        problem = os.read(broken, 1000)
        os.close(broken)
        if problem:
            os.waitpid(self.child, 0)
            self.child = 0
            self.reason = "not_started"
            self.detail = f"{spec['argv'][0]} cannot be started: {problem.decode()}"
            return None
        for end, _ in pipes.values():
            os.set_blocking(end, False)
            try:
                fcntl.fcntl(end, F_SETPIPE_SZ, CHUNK_BYTES)
            except OSError:
                pass  # not Linux, or the user's pipes are all in use: only slower
        return {pipes[name][0]: stream for name, stream in self.streams.items()}

    def _become(self, pipes: dict[str, tuple[int, int]], most_processes: int | None) -> None:
        """Turn the forked child into the command."""
        spec = self.spec
        os.setsid()
        signal.set_wakeup_fd(-1)
        # Python ignores two signals from its start, and what is ignored stays so in the command
        for number in (
            *(signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT),
            *(signal.SIGPIPE, signal.SIGXFSZ),
        ):
            signal.signal(number, signal.SIG_DFL)
        stdin = os.open(spec["stdin"] or os.devnull, os.O_RDONLY)
        stdout = pipes["stdout"][1]
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.dup2(pipes["stderr"][1] if "stderr" in pipes else stdout, 2)
        os.chdir(spec["cwd"])
        memory = spec["memory_bytes"]
        # what is resident is sampled; this stops what grows faster than that. Never RLIMIT_AS:
        # V8 and others reserve far more addresses than they use.
        for name, value in (
            ("RLIMIT_CORE", 0),
            ("RLIMIT_DATA", 2 * memory),
            ("RLIMIT_FSIZE", spec["output_bytes"]),
            ("RLIMIT_NPROC", most_processes),
        ):
            if value is not None and hasattr(resource, name):
                lower_limit(getattr(resource, name), value)
        if not self.is_wrapped:
            call_prctl(1, signal.SIGKILL)
            if spec["uid"] is not None:
                os.setgroups([])
                os.setgid(spec["uid"])
                os.setuid(spec["uid"])
            call_prctl(38, 1)
        os.execve(spec["argv"][0], spec["argv"], self.environment)

    def _most_processes(self) -> int | None:
        """Return RLIMIT_NPROC for a process without a sandbox: it counts per user."""
        if self.is_wrapped:
            return None  # set inside, where the user's other processes do not count
        limit: int = self.spec["processes"]
        if self.spec["uid"] is not None:
            return limit
        return limit + sum(threads_of(pid) for pid in process_ids() if owner_of(pid) == os.getuid())

    def _watch(self, readers: dict[int, Stream], wake: int) -> None:
        """Take the output and hold to the limits until the command and all of it has ended."""
        poll = select.poll()
        for descriptor in (*readers, wake):
            poll.register(descriptor, select.POLLIN)
        next_sample = time.monotonic() + 0.01
        alive = True
        give_up_at: float | None = None
        full: set[int] = set()
        while alive or readers:
            for descriptor in [one for one in full if readers[one].has_room()]:
                poll.register(descriptor, select.POLLIN)
                full.remove(descriptor)
            pause_s = max(0.0, next_sample - time.monotonic())
            for descriptor, _ in poll.poll(1000 * min(pause_s, PASSED_POLL_S if full else pause_s)):
                if descriptor == wake:
                    os.read(wake, 4096)
                elif not readers[descriptor].has_room():
                    poll.unregister(descriptor)
                    full.add(descriptor)
                elif not self._transfer(descriptor, readers[descriptor]):
                    poll.unregister(descriptor)
                    os.close(descriptor)
                    del readers[descriptor]
            now = time.monotonic()
            if alive and self._reaped():
                alive = False
                self.passage.is_bounded = False  # what is still in the pipes is little
                self._kill_all()
                give_up_at = now + LEFTOVER_S
            if give_up_at is not None and now > give_up_at:
                return
            if alive:
                self._hold_to_time(now)
            if now >= next_sample:
                if alive:
                    self._hold_to_size(now)
                next_sample = now + SAMPLE_S

    def _transfer(self, descriptor: int, stream: Stream) -> bool:
        """Move what a pipe holds to its file; return whether more may come."""
        try:
            data = os.read(descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return True
        if not data:
            return False
        stream.take(data)
        return True

    def _reaped(self) -> bool:
        """Reap what has ended; return whether the command itself has."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            if pid != self.child:
                continue
            self.cpu_s = usage.ru_utime + usage.ru_stime
            if os.WIFSIGNALED(status):
                number = os.WTERMSIG(status)
                self.exit_code = 128 + number
            else:
                self.exit_code = os.WEXITSTATUS(status)
                number = self.exit_code - 128 if self.is_wrapped else 0
            if 0 < number < 65:
                try:
                    self.detail = f"ended by signal {signal.Signals(number).name}"
                except ValueError:
                    pass
            return True

    def _hold_to_time(self, now: float) -> None:
        if self._kill_at is not None:
            if now >= self._kill_at:
                self._kill_all()
        elif self._is_cancelled():
            self._stop("cancelled", now)
        elif now >= self._deadline:
            self._stop("timed_out", now)

    def _stop(self, reason: str, now: float) -> None:
        """Ask the command to end; it is killed when its grace is over."""
        self.reason = reason
        told = read(os.path.join(self.folder, "cancel"))
        self._kill_at = now + (float(told) if told else self.spec["grace_s"])
        for pid in descendants():
            # bubblewrap would take the command down with it at once
            if not self.is_wrapped or name_of(pid) not in ("bwrap", "setpriv", "prlimit"):
                send(pid, signal.SIGTERM)

    def _hold_to_size(self, now: float) -> None:
        pids = descendants()
        memory = sum(resident_bytes(pid) for pid in pids)
        if memory > self.spec["memory_bytes"]:
            # pages that processes share count once
            memory = sum(proportional_bytes(pid) for pid in pids)
        self.peak_memory = max(self.peak_memory, memory)
        if memory > self.spec["memory_bytes"]:
            self._exceeded("limit_memory")
        elif sum(threads_of(pid) for pid in pids) >= self.spec["processes"]:
            self._exceeded("limit_pids")
        elif now >= self._next_count:
            if self._wrote_too_much():
                self._exceeded("limit_output")
            # counting a large folder must not become the machine's main work
            self._next_count = now + max(0.25, 20 * (time.monotonic() - now))

    def _wrote_too_much(self) -> bool:
        return holds_more(
            self.spec["watched"], self.spec["output_bytes"], self.spec["output_files"]
        )

    def _exceeded(self, reason: str) -> None:
        if self._kill_at is None:
            self.reason = reason
        self._kill_all()

    def _kill_all(self) -> None:
        """Kill all that came of the command, until nothing of it is left."""
        until = time.monotonic() + 5
        while (pids := descendants()) and time.monotonic() < until:
            for pid in pids:
                send(pid, signal.SIGKILL)
            if pids == [self.child]:
                return  # it is reaped with its exit status
            for pid in pids:
                if pid != self.child:
                    try:
                        os.waitpid(pid, os.WNOHANG)
                    except ChildProcessError:
                        continue
            time.sleep(0.002)

    def _is_cancelled(self) -> bool:
        if os.path.exists(os.path.join(self.folder, "cancel")):
            return True
        # an orphan has another parent
        return self.spec["starter"] is not None and os.getppid() != self.spec["starter"]

    def _end(self) -> None:
        """Write how it ended: the last thing, and all at once."""
        finished_at = time.time()
        for stream in self.streams.values():
            stream.close()
        self._await_reader()
        # SIGXFSZ: one file grew to the limit before it was counted
        if self.reason == "exited" and (
            self.exit_code == 128 + signal.SIGXFSZ or self._wrote_too_much()
        ):
            self.reason = "limit_output"
        if self.reason not in ("exited", "not_started"):
            self.detail = ""
        write_json(
            self.folder,
            "exit.json",
            {
                "reason": self.reason,
                "exit_code": self.exit_code if self.reason == "exited" else None,
                "detail": self.detail,
                "started_at": self.started_at,
                "finished_at": finished_at,
                "streams": {name: [s.total, s.kept] for name, s in self.streams.items()},
                "peak_memory_bytes": self.peak_memory,
                "cpu_s": self.cpu_s,
                "node": os.uname().nodename,
            },
        )

    def _await_reader(self) -> None:
        """Let what is beyond the limits be read, unless nobody waits for it."""
        totals = {name: stream.total for name, stream in self.streams.items()}
        patience_s = self.spec["timeout_s"]
        while not self.passage.is_over(totals, patience_s) and not self._is_cancelled():
            time.sleep(PASSED_POLL_S)
        self.passage.close()


def write_json(folder: str, name: str, value: object) -> None:
    """Write a file that is either there as a whole or not at all."""
    temporary = os.path.join(folder, f".{name}")
    text = json.dumps(value).encode()
    with open(temporary, "r+b" if os.path.exists(temporary) else "wb") as file:
        file.write(text)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, os.path.join(folder, name))


def holds_more(folders: list[str], most_bytes: int, most_files: int) -> bool:
    """Tell whether folders hold so much, or more files than that; links are not followed.

    What cannot be looked into may hold anything, so it counts as too much.
    """
    files = size = 0
    folders = list(folders)
    while folders:
        try:
            entries = list(os.scandir(folders.pop()))
        except PermissionError:
            return True
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
            except OSError:
                continue
            files += 1
            if files > most_files or size >= most_bytes:
                return True
    return False


def lower_limit(kind: int, value: int) -> None:
    """Set a resource limit, where it is not lower already."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def call_prctl(option: int, value: int) -> None:
    """Call prctl(2): 36 adopts orphans, 1 is the signal at our death, 38 forbids new privileges."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def descendants() -> list[int]:
    """Return all processes that came of this one and live, nearest first."""
    found: list[int] = []
    todo = [os.getpid()]
    if sys.platform == "linux":
        while todo:
            pid = todo.pop(0)
            for path in thread_paths(pid):
                for child in read(f"{path}/children").split():
                    if not is_zombie(int(child)):
                        found.append(int(child))
                    todo.append(int(child))
        return found
    children: dict[int, list[int]] = {}
    with os.popen("ps -A -o pid=,ppid=,stat=") as table:
        for line in table:
            pid_text, parent, state = line.split()
            if not state.startswith("Z"):
                children.setdefault(int(parent), []).append(int(pid_text))
    while todo:
        more = children.get(todo.pop(0), [])
        found += more
        todo += more
    return found


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def thread_paths(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/task/{thread}" for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def process_ids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()] if on_proc() else []


def on_proc() -> bool:
    return os.path.isdir("/proc/self/task")


def owner_of(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def threads_of(pid: int) -> int:
    return len(thread_paths(pid)) or 1


def is_zombie(pid: int) -> bool:
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in (["Z"], ["X"], [])


def name_of(pid: int) -> str:
    return read(f"/proc/{pid}/comm").strip()


def resident_bytes(pid: int) -> int:
    fields = read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * resource.getpagesize() if len(fields) > 1 else 0


def proportional_bytes(pid: int) -> int:
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return resident_bytes(pid)


def main() -> int:
    """Watch over the command of the folder that the command line names."""
    secrets = json.loads(sys.stdin.buffer.read() or b"{}")
    # the lock on ``alive`` came with us; the command must not have it, or it would seem to be us
    for descriptor in os.listdir("/dev/fd"):
        if int(descriptor) > 2:
            try:
                os.set_inheritable(int(descriptor), False)
            except OSError:
                continue
    Guardian(sys.argv[1], secrets).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
