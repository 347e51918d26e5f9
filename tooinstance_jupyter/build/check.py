"""Tries an entry point before anybody waits for it, to see that it starts at all.

It is run confined and without a network; how is left to the shell that is passed in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from enum import StrEnum

from ..errors import BuildError
from .base import Completed

_ATTEMPTS: tuple[tuple[str, ...], ...] = (("--help",), ("--version",), ("-h",), ())
_CRASHES = (
    re.compile(r"^(?:\w+\.)*(?:ModuleNotFoundError|ImportError|SyntaxError): .*", re.MULTILINE),
    re.compile(r"^.*: No module named \S+$", re.MULTILINE),
    re.compile(r"^.*Cannot find (?:module|package) .*", re.MULTILINE),
    re.compile(r"^.*error while loading shared libraries: .*", re.MULTILINE),
    re.compile(r"^Can't locate \S+ in @INC.*", re.MULTILINE),
    re.compile(r"^.*: (?:command )?not found$", re.MULTILINE),
    re.compile(r"^.*: failed to execute .*", re.MULTILINE),
    # the init process of a container
    re.compile(r"^\[FATAL tini [^\n]*exec .*", re.MULTILINE),
    re.compile(r"^.*catatonit: .*", re.MULTILINE),
    re.compile(r"^.*(?:cannot fork|Resource temporarily unavailable).*", re.M | re.IGNORECASE),
    re.compile(r"^.*: syntax error.*", re.MULTILINE),
    re.compile(r"^\S*sh: .*cannot open .*", re.MULTILINE),
    re.compile(r"^Can't open perl script .*", re.MULTILINE),
    re.compile(r"^\S+: can't open file .*", re.MULTILINE),
)
_SIGNALS = {128 + 4: "an illegal instruction", 128 + 7: "a bus error", 128 + 11: "a crash"}


class Verdict(StrEnum):
    """What one start of an entry point says."""

    WORKS = "works"
    CRASHED = "crashed"
    UNSURE = "unsure"


def judge(completed: Completed) -> Verdict:
    """Tell what the end of one start means; pure."""
    if completed.timed_out:
        return Verdict.UNSURE
    if completed.exit_code == 0:
        return Verdict.WORKS
    if cause_of_crash(completed):
        return Verdict.CRASHED
    # a usage text with exit code 1 or 2 is how many tools answer what they do not know
    looks_like_usage = re.search(r"\busage\b|\boptions?\b", completed.output, re.IGNORECASE)
    return Verdict.WORKS if looks_like_usage else Verdict.UNSURE


def cause_of_crash(completed: Completed) -> str:
    """Return the line that says why an entry point cannot start, or nothing if it can."""
    if completed.exit_code in _SIGNALS:
        return f"It ended in {_SIGNALS[completed.exit_code]}."
    for pattern in _CRASHES:
        if found := pattern.search(completed.output):
            return found[0].strip()
    return f"It cannot be executed ({completed.exit_code})." if completed.exit_code == 126 else ""


def check(
    command: Sequence[str],
    start: Callable[[Sequence[str], float], Completed],
    *,
    timeout_s: float,
) -> str:
    """Start a command with ``--help``, then more modestly; return its help text.

    Parameters
    ----------
    command
        The argv that a run's arguments are appended to.
    start
        Runs an argv for at most so many seconds.
    timeout_s
        For all attempts together.

    Raises
    ------
    BuildError
        ``check_failed`` with the cause, if it cannot start; ``check_timeout`` if it never answers.
    """
    until = time.monotonic() + timeout_s
    answered = False
    help_text = ""
    for extra in _ATTEMPTS:
        left = until - time.monotonic()
        if left <= 0:
            break
        completed = start([*command, *extra], min(left, timeout_s / 2) if extra else left)
        answered = answered or not completed.timed_out
        match judge(completed):
            case Verdict.WORKS:
                return completed.output if extra in (("--help",), ("-h",)) else help_text
            case Verdict.CRASHED:
                raise BuildError(
                    f"It was built, and does not start: {cause_of_crash(completed)}",
                    "Something that it needs is not declared; --entry-point may choose another "
                    "way to start it.",
                    code="check_failed",
                )
            case Verdict.UNSURE:
                help_text = help_text or completed.output
    if not answered:
        raise BuildError(
            f"It was built, and does not answer --help within {timeout_s:.0f} s.",
            "Is it a command-line tool? TooInstance.check_timeout_s gives it longer.",
            code="check_timeout",
        )
    return help_text
