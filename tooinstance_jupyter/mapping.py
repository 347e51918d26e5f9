"""One tool over many inputs: begins the runs, so many at a time, and keeps how each ended.

Everything is asked of a client, on threads of its own, so that an interrupt never finds the
caller's inside it. What the inputs are is left to ``tables``, showing it to ``commands.mapping``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from .client.base import Client
from .errors import InvalidValueError, TooInstanceError, TooManyError
from .records import Run, RunStatus, StreamSize, cut_in_words, files_cut
from .requests import NewRun
from .sizes import part_of
from .terminal import to_text

T = TypeVar("T")

MOST_ITEMS = 10_000
"""How many inputs a tool is run over: more are a workflow, which wants to be planned."""
MOST_JOBS = 64
MOST_STDOUT_BYTES = 100_000
"""How much of each run's standard output is read, unless it is asked to be passed on whole."""
NOT_STARTED = "not_started"
"""The status of what has become no run."""

_UPDATE_S = 0.2
_CANCELLED_WITHIN_S = 30.0
_STDERR_BYTES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRun:
    """What became of one input.

    Parameters
    ----------
    run
        The run's number, ``None`` if there is no run.
    status
        The run's status, or `NOT_STARTED`.
    stdout
        The beginning of its standard output as text, without the last newline; ``None`` where it
        cannot be read.
    message
        Its state as a sentence, with the last line of its standard error if it failed, or why there
        is no run.
    output_cut
        What of its output was not kept, or is not in `stdout`, in words; empty if all is.
    """

    run: int | None = None
    status: str = NOT_STARTED
    exit_code: int | None = None
    duration_s: float | None = None
    stdout: str | None = ""
    message: str = ""
    output_cut: str = ""

    @property
    def ok(self) -> bool:
        """Whether it has ended with exit code 0."""
        return self.status == RunStatus.SUCCEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a mapping is: of `total` inputs so many have ended, and of those so many not well."""

    total: int
    ended: int = 0
    failed: int = 0
    under_way: int = 0
    seconds: float = 0.0
    is_over: bool = False


class ToolMap:
    """Runs over many inputs, at most so many at once.

    Parameters
    ----------
    client
        What runs the tool.
    orders
        Each returns what to run for one input, or raises `TooInstanceError` if nothing can be.
    jobs
        How many runs are under way at once; never more than the client's server allows.

    Examples
    --------
    >>> mapping = ToolMap(client, orders, jobs=4)        # doctest: +SKIP
    >>> for progress in mapping.follow():                # doctest: +SKIP
    ...     print(progress.ended, "of", progress.total)
    >>> mapping.results()                                # doctest: +SKIP
    """

    def __init__(
        self, client: Client, orders: Sequence[Callable[[], NewRun]], *, jobs: int
    ) -> None:
        self._client = client
        self._orders = orders
        most = client.usage().most_running
        self._jobs = min(jobs, most or jobs, len(orders))
        self._results: list[MappedRun | None] = [None] * len(orders)
        self._begun: dict[int, Run] = {}
        self._next = self._ended = self._failed = self._working = 0
        self._stopped = ""
        self._is_cancelled = False
        self._trouble: Exception | None = None
        self._changed = threading.Condition()
        self._since = time.monotonic()

    def follow(self) -> Iterator[Progress]:
        """Begin, and yield how far it is whenever that changes; end when nothing is under way.

        Raises
        ------
        TooInstanceError
            If not one run could be begun for a reason that has nothing to do with the inputs.
        """
        self._since = time.monotonic()
        for _ in range(self._jobs):
            with self._changed:
                self._working += 1
            threading.Thread(target=self._work, name="tooinstance-map", daemon=True).start()
        shown: tuple[int, ...] = ()
        while not self._is_over():
            progress = self.progress()
            counts = (progress.ended, progress.failed, progress.under_way)
            if counts != shown:
                yield progress
                shown = counts
            with self._changed:
                self._changed.wait_for(self._is_over, _UPDATE_S)
        if self._trouble is not None and (
            not self._begun or not isinstance(self._trouble, TooInstanceError)
        ):
            raise self._trouble

    def progress(self) -> Progress:
        """Return how far it is."""
        with self._changed:
            return Progress(
                total=len(self._orders),
                ended=self._ended,
                failed=self._failed,
                under_way=sum(self._results[place] is None for place in self._begun),
                seconds=time.monotonic() - self._since,
                is_over=self._is_over(),
            )

    def stop(self, why: str) -> None:
        """Begin nothing more; what is under way goes on."""
        with self._changed:
            self._stopped = self._stopped or why
            self._changed.notify_all()

    def cancel(self) -> None:
        """Begin nothing more, stop what is under way, and return once it is seen dead."""
        self.stop("Interrupted before it began")
        with self._changed:
            self._is_cancelled = True
            numbers = [
                run.number for place, run in self._begun.items() if self._results[place] is None
            ]
        if numbers:
            with ThreadPoolExecutor(len(numbers)) as pool:
                list(pool.map(self._cancel, numbers))
        with self._changed:
            self._changed.wait_for(self._is_over, _CANCELLED_WITHIN_S)

    def results(self) -> list[MappedRun]:
        """Return what has become of each input, in their order."""
        with self._changed:
            return [one or self._result_so_far(place) for place, one in enumerate(self._results)]

    def _result_so_far(self, place: int) -> MappedRun:
        run = self._begun.get(place)
        if run is None:
            return MappedRun(message=self._stopped)
        return MappedRun(run=run.number, status=run.status.value, message=run.message)

    def _is_over(self) -> bool:
        return self._working == 0

    def _work(self) -> None:
        try:
            while (place := self._take()) is not None:
                result = self._carried_out(place)
                with self._changed:
                    self._results[place] = result
                    self._ended += 1
                    self._failed += not result.ok
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 (raised by `follow`, on the caller's thread)
            self._trouble = error
            self.stop("Not begun after an error")
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _take(self) -> int | None:
        with self._changed:
            if self._stopped or self._next == len(self._orders):
                return None
            self._next += 1
            return self._next - 1

    def _carried_out(self, place: int) -> MappedRun:
        try:
            new = self._orders[place]()
        except TooInstanceError as error:
            return MappedRun(message=str(error))
        try:
            run = self._begin(new)
        except InvalidValueError as error:
            return MappedRun(message=str(error))
        except TooInstanceError as error:
            # whatever it is, the other inputs would meet it, too
            self._trouble = error
            self.stop(str(error))
            return MappedRun(message=str(error))
        if run is None:
            return MappedRun(message=self._stopped)
        with self._changed:
            self._begun[place] = run
        return self._seen_to_its_end(run, passes=new.passes)

    def _seen_to_its_end(self, run: Run, *, passes: bool) -> MappedRun:
        number = run.number
        if self._is_cancelled:
            self._cancel(number)
        try:
            if passes:
                run, data = _patiently(lambda: self._passed_on(number))
            else:
                run = _patiently(lambda: self._client.wait(number))
                data = _patiently(
                    lambda: self._client.read_output(number, "stdout", size=MOST_STDOUT_BYTES)
                )
            reason = self._reason(run) if run.status is RunStatus.FAILED else ""
        except TooInstanceError as error:
            return MappedRun(
                run=number,
                status=run.status.value,
                exit_code=run.exit_code,
                duration_s=run.duration_s,
                stdout=None,
                message=str(error),
            )
        message = run.message + reason
        size = run.stdout
        kept = StreamSize() if passes else size
        output_cut = cut_in_words(kept, run.stderr, files_cut(run.files))
        there = size.total_bytes if passes else size.kept_bytes
        if len(data) < there:
            here = f"stdout here {part_of(len(data), there)}"
            output_cut = ", ".join(filter(None, (output_cut, here)))
        if len(data) < size.total_bytes:
            message += (
                f"; of the {size.total_bytes:,} bytes of its output the first {len(data):,} are "
                f"here, `%tooi logs {number}` has {size.kept_bytes:,}"
            )
        return MappedRun(
            run=number,
            status=run.status.value,
            exit_code=run.exit_code,
            duration_s=run.duration_s,
            stdout=data.decode("utf-8", "replace").removesuffix("\n"),
            message=message,
            output_cut=output_cut,
        )

    def _passed_on(self, number: int) -> tuple[Run, bytes]:
        """Return a run at its end, with all that it wrote to its standard output."""
        data = bytearray()
        for event in self._client.follow(number, passes=True):
            if not isinstance(event, Run) and event.stream == "stdout":
                data += event.data
        return self._client.wait(number), bytes(data)

    def _reason(self, run: Run) -> str:
        """Return the last line of what a run wrote to its standard error: most say why there."""
        offset = max(run.stderr.kept_bytes - _STDERR_BYTES, 0)
        data = _patiently(lambda: self._client.read_output(run.number, "stderr", offset=offset))
        lines = to_text(data.decode("utf-8", "replace")).split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {last}" if last else ""

    def _begin(self, new: NewRun) -> Run | None:
        """Return a run that was begun, once a quota leaves room; ``None`` if it is too late."""
        while not self._stopped:
            try:
                return self._client.run(new)
            except TooManyError as error:
                self._wait_for_room(error)
        return None

    def _wait_for_room(self, error: TooManyError) -> None:
        with self._changed:
            ended = self._ended

            def may_be_room() -> bool:
                # a run that has ended leaves its place in the line, but no more of a rate
                is_freed = error.error_code == TooManyError.code and self._ended != ended
                return bool(self._stopped) or is_freed

            self._changed.wait_for(may_be_room, error.retry_after_s)

    def _cancel(self, number: int) -> None:
        # one that ended by itself, or is out of reach, is told by its own row
        with suppress(TooInstanceError):
            self._client.cancel(number)


def _patiently(ask: Callable[[], T]) -> T:
    """Ask about what is under way until there is an answer, whatever the rate allowed."""
    while True:
        try:
            return ask()
        except TooManyError as error:
            time.sleep(error.retry_after_s)
