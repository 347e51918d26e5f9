"""Reads what the builder prints (BuildKit's ``--progress plain``) as steps, and as a log to read.

Pure: what becomes of a step is left to ``maker``. The format is that of
https://github.com/moby/buildkit/blob/master/util/progress/progressui/printer.go: lines of one step
begin with its number, ``#6 0.25 text``; steps that run at the same time take turns.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

_LINE = re.compile(r"#(\d+) (.*)")
_STEP = re.compile(r"\[(?:(?P<stage>[^\]\s]+) +)?(?:(?P<number>\d+)/\d+)\] (?P<what>.*)")
_TIMED = re.compile(r"\d+(?:\.\d+)? ?(.*)")
_DONE = re.compile(r"DONE (\d+(?:\.\d+)?)s")
_EXIT = re.compile(r"(?:exit code: |did not complete successfully: exit code: )(\d+)$")
_COPY = re.compile(r"(?:COPY|ADD) \[(.+), ([^,\]]+)\]")
_TITLE = re.compile(r""":\s+(?:"((?:[^"\\]|\\.)+)"|'([^']+)')""")
_TRANSFER = re.compile(
    r"(?:sha256:[0-9a-f]{64}|extracting |transferring |resolve |naming to |writing )"
)
_COUNTED = re.compile(r"(?:Installed|Prepared|Resolved) (\d+) packages?|(?:added) (\d+) packages?")
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f]"
)
_OPTIONS = re.compile(r"^([A-Z]+)((?:\s+--[a-z-]+(?:=\S*)?)+)\s+")
_MOST_TITLE_CHARS = 80
_MOST_LINES = 400
_MOST_LINE_CHARS = 4_000


@dataclass(slots=True, kw_only=True)
class Step:
    """One instruction at work.

    ``what`` is the instruction as the builder shows it; ``output`` its last lines.
    """

    title: str
    what: str
    is_over: bool = False
    is_cached: bool = False
    has_failed: bool = False
    seconds: float | None = None
    output: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))


class Steps:
    """The steps of one build as far as it has told.

    Parameters
    ----------
    total
        How many there will be, as far as is known.
    """

    def __init__(self, total: int = 0) -> None:
        self._total = total
        self._steps: dict[int, Step] = {}
        self._partial = ""
        self._shown: int | None = None
        self._current: int | None = None
        self._is_over = False
        self._last: deque[str] = deque(maxlen=_MOST_LINES)

    @property
    def total(self) -> int:
        """How many steps there are, never fewer than were seen."""
        return max(self._total, len(self._steps))

    @property
    def done(self) -> int:
        """How many steps are over."""
        return sum(step.is_over for step in self._steps.values())

    @property
    def message(self) -> str:
        """What is being done, for people."""
        step = self._steps.get(self._current) if self._current is not None else None
        if step is None:
            return "Preparing the build"
        return step.title

    @property
    def failed(self) -> Step | None:
        """The step that failed."""
        return next((step for step in self._steps.values() if step.has_failed), None)

    @property
    def tail(self) -> str:
        """The last lines that belong to no step, such as the builder's own error."""
        return "\n".join(self._last)

    def feed(self, text: str) -> str:
        """Take a piece of what the builder prints; return what belongs in the log of it."""
        *lines, self._partial = (self._partial + text).split("\n")
        if len(self._partial) > _MOST_LINE_CHARS:
            lines.append(self._partial)
            self._partial = ""
        return "".join(self._line(_clean(line)) for line in lines)

    def end(self) -> str:
        """Take what is left once the builder has ended. See `feed`."""
        return self.feed("\n") if self._partial else ""

    def _line(self, line: str) -> str:
        match = _LINE.fullmatch(line)
        if match is None:
            return self._outside(line)
        number, rest = int(match[1]), match[2]
        step = self._steps.get(number)
        if step is None:
            begun = _STEP.fullmatch(rest)
            if begun is None:
                # the builder's own work: loading the Dockerfile, sending the context, exporting
                return self._outside(rest) if rest.startswith(("ERROR", "WARN")) else ""
            step = Step(title=title_of(begun["what"]), what=begun["what"])
            self._steps[number] = step
            self._current = self._shown = number
            return f"[{len(self._steps)}/{self.total}] {step.title}\n"
        return self._of_step(number, step, rest)

    def _of_step(self, number: int, step: Step, rest: str) -> str:
        if rest == "CACHED":
            step.is_over = step.is_cached = True
            return self._under(number, "cached")
        if done := _DONE.fullmatch(rest):
            step.seconds = float(done[1])
            step.is_over = True
            return self._under(number, f"done in {step.seconds:.1f} s")
        if rest.startswith("ERROR"):
            step.has_failed = True
            # the rest is the instruction once more
            code = _EXIT.search(rest)
            said = f"failed with exit code {code[1]}" if code else rest
            return self._under(number, said)
        if rest in ("CANCELED", "...") or _STEP.fullmatch(rest) or _TRANSFER.match(rest):
            return ""
        timed = _TIMED.fullmatch(rest)
        said = timed[1] if timed else rest
        step.output.append(said)
        self._current = number
        if counted := _COUNTED.search(said):
            number_of = counted[1] or counted[2]
            step.title = f"Installing {number_of} package{'' if number_of == '1' else 's'}"
        return self._under(number, said)

    def _under(self, number: int, text: str) -> str:
        """Return a line of a step, after its title where another step had the word before."""
        head = ""
        if number != self._shown:
            head = f"… {self._steps[number].title}\n"
            self._shown = number
        return f"{head}    {text}\n"

    def _outside(self, line: str) -> str:
        if line.startswith("------"):
            # from here on the builder repeats the step that failed
            self._is_over = True
        if not line.strip() or line.startswith(("------", "#")):
            return ""
        self._last.append(line)
        if self._is_over and (self.failed is not None or not line.startswith("ERROR")):
            return ""
        return f"{line}\n"


def title_of(what: str) -> str:
    """Return the title of an instruction: its first no-op says it, else it is shortened."""
    named = _TITLE.search(what) if what.startswith("RUN") else None
    if named:
        return (named[1] or named[2]).replace('\\"', '"')[:_MOST_TITLE_CHARS]
    plain = " ".join(_OPTIONS.sub(r"\1 ", what).split())
    if copied := _COPY.fullmatch(plain):
        return f"Copying {copied[1]} to {copied[2]}"[:_MOST_TITLE_CHARS]
    if plain.startswith("FROM "):
        return "Starting from " + plain[5:].partition("@sha256:")[0][:_MOST_TITLE_CHARS]
    return plain if len(plain) <= _MOST_TITLE_CHARS else plain[: _MOST_TITLE_CHARS - 1] + "…"


def _clean(line: str) -> str:
    """Return a line as a terminal leaves it: without controls, the last of what is overwritten."""
    shown = line.rstrip("\r")
    prefix = re.match(r"#\d+ (?:\d+\.\d+ )?", shown)
    start = prefix[0] if prefix else ""
    if "\r" in shown:
        shown = start + shown.rsplit("\r", 1)[1]
    return _CONTROL.sub("", shown)[:_MOST_LINE_CHARS]
