"""What tells Python and commands that output is missing: the warning, and the limits to raise."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

from .records import BEYOND_SIZE, MORE_FILES, Run
from .sizes import size

# what goes through a mapping of ours is called by that of the standard library
_NOT_THE_USERS = ("tooinstance_jupyter", "IPython", "collections")


class OutputCutWarning(UserWarning):
    """What was read of a run is not all that the tool wrote.

    Examples
    --------
    >>> warnings.simplefilter("error", OutputCutWarning)  # doctest: +SKIP
    """


def warn(message: str) -> None:
    """Warn at the line of the user's code that led here."""
    frame: FrameType | None = sys._getframe()
    level = 1
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
        level += 1
    warnings.warn(message, OutputCutWarning, stacklevel=level)


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _NOT_THE_USERS


def warning(run: Run, cut: str) -> str:
    """Return what to say of what is cut of a run."""
    return f"Run {run.number}: {cut}. {advice(run)}".strip()


def limits_reached(run: Run) -> list[str]:
    """Return the settings that cut a run's output, each with its value for that run."""
    limits = run.limits
    reasons = {file.skipped for file in run.files}
    return [
        f"TooInstance.{name} (now {value})"
        for name, value, is_reached in (
            ("run_log_bytes", size(limits.log_bytes), run.stdout.is_cut or run.stderr.is_cut),
            ("run_output_bytes", size(limits.output_bytes), BEYOND_SIZE in reasons),
            ("run_output_files", f"{limits.output_files:,}", MORE_FILES in reasons),
        )
        if is_reached
    ]


def advice(run: Run) -> str:
    """Return which limits to raise so that all of a run is kept; empty if that would not do."""
    limits = limits_reached(run)
    return f"Raise {' and '.join(limits)} to keep more." if limits else ""
