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
from .crashes import Crash, crash_in

_ATTEMPTS: tuple[tuple[str, ...], ...] = (("--help",), ("--version",), ("-h",), ())
_SIGNALS = {
    128 + 4: "an illegal instruction",
    128 + 6: "an abort",
    128 + 7: "a bus error",
    128 + 8: "an arithmetic error",
    128 + 11: "a crash",
}
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127


class Verdict(StrEnum):
    """What one start of an entry point says."""

    WORKS = "works"
    CRASHED = "crashed"
    UNSURE = "unsure"


def judge(completed: Completed, given: Sequence[str] = ()) -> Verdict:
    """Tell what the end of one start with the arguments `given` means; pure."""
    if completed.timed_out:
        return Verdict.UNSURE
    if crash_of(completed, given):
        return Verdict.CRASHED
    if completed.exit_code == 0:
        return Verdict.WORKS
    # a usage text with exit code 1 or 2 is how many tools answer what they do not know
    looks_like_usage = re.search(r"\busage\b|\boptions?\b", completed.output, re.IGNORECASE)
    return Verdict.WORKS if looks_like_usage else Verdict.UNSURE


def crash_of(completed: Completed, given: Sequence[str] = ()) -> Crash | None:
    """Return why a start was none, or ``None`` if it may have been one; pure."""
    crash = crash_in(completed.output, exit_code=completed.exit_code, given=given)
    if completed.exit_code in _SIGNALS:
        ended = f"It ended in {_SIGNALS[completed.exit_code]}."
        return Crash(f"{crash.cause} ({ended})" if crash else ended, is_final=True)
    if crash is None and completed.exit_code == _NOT_EXECUTABLE:
        return Crash(f"It cannot be executed ({_NOT_EXECUTABLE}).", is_final=True)
    if crash is None and completed.exit_code == _NOT_FOUND:
        said = completed.output.strip().splitlines() or ["A program that it calls is missing"]
        return Crash(f"{said[-1][:300]} ({_NOT_FOUND})", is_final=True)
    return crash


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
    answered = is_alive = False
    first_crash: Crash | None = None
    help_text = ""
    for extra in _ATTEMPTS:
        left = until - time.monotonic()
        if left <= 0:
            break
        completed = start([*command, *extra], min(left, timeout_s / 2) if extra else left)
        answered = answered or not completed.timed_out
        crash = None if completed.timed_out else crash_of(completed, extra)
        if crash is not None:
            if crash.is_final:
                first_crash = crash
                break
            first_crash = first_crash or crash
            continue
        is_alive = True
        if judge(completed, extra) is Verdict.WORKS:
            return completed.output if extra in (("--help",), ("-h",)) else help_text
        help_text = help_text or completed.output
    if first_crash is not None and (first_crash.is_final or not is_alive):
        raise BuildError(
            f"It was built, and does not start: {first_crash.cause}",
            "Something that it needs is not declared; --entry-point may choose another "
            "way to start it.",
            code="check_failed",
        )
    if not answered:
        raise BuildError(
            f"It was built, and does not answer --help within {timeout_s:.0f} s.",
            "Is it a command-line tool? TooInstance.check_timeout_s gives it longer.",
            code="check_timeout",
        )
    return help_text
