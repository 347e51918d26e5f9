"""What the end of a run means, and what limits one may have: pure."""

from __future__ import annotations

import dataclasses

from ..engines.base import Exit, ExitReason
from ..errors import InvalidValueError
from ..records import Failure, Limits, Run, RunStatus
from ..requests import NewRun


def lowered(limits: Limits, new: NewRun) -> Limits:
    """Return the limits with what a user gave up of them."""
    if new.timeout_s is not None:
        if not 0 < new.timeout_s <= limits.timeout_s:
            raise _out_of_range("timeout", f"{new.timeout_s:g} s", f"{limits.timeout_s:g} s")
        limits = dataclasses.replace(limits, timeout_s=new.timeout_s)
    if new.memory_bytes is not None:
        if not 2**20 <= new.memory_bytes <= limits.memory_bytes:
            most = f"{limits.memory_bytes / 2**20:.0f}M"
            raise _out_of_range("memory", f"{new.memory_bytes} bytes", most)
        limits = dataclasses.replace(limits, memory_bytes=new.memory_bytes)
    if new.network is not None:
        if new.network and not limits.network:
            raise InvalidValueError(
                "Runs have no network here.", "It is an administrator's choice."
            )
        limits = dataclasses.replace(limits, network=new.network)
    return limits


def _out_of_range(what: str, given: str, most: str) -> InvalidValueError:
    return InvalidValueError(
        f"A {what} of {given} cannot be had.",
        f"At most {most}: `%tooi status` shows the limits, TooInstance.run_… sets them.",
        code="limit_out_of_range",
    )


def verdict(run: Run, ended: Exit) -> tuple[RunStatus, str, Failure | None]:
    """Return what an exit means: the status, a sentence, and the failure if it is not the tool's.

    A tool's exit code is the tool's word, so it makes no `Failure`.
    """
    limits = run.limits
    match ended.reason:
        case ExitReason.EXITED if ended.exit_code == 0:
            return RunStatus.SUCCEEDED, "Done", None
        case ExitReason.EXITED:
            detail = f" ({ended.detail})" if ended.detail else ""
            return RunStatus.FAILED, f"Ended with exit code {ended.exit_code}{detail}", None
        case ExitReason.CANCELLED:
            return RunStatus.CANCELLED, "Cancelled", None
        case ExitReason.TIMED_OUT:
            message = f"Stopped after {limits.timeout_s:g} s, its limit of time"
            hint = "Give it longer with --timeout SECONDS, up to TooInstance.run_timeout_s."
            failure = Failure(code="timed_out", message=message, hint=hint)
            return RunStatus.TIMED_OUT, message, failure
        case ExitReason.LIMIT_MEMORY:
            message = (
                f"Stopped: it needed more than {limits.memory_bytes / 2**20:,.0f} MiB of memory"
            )
            hint = "Raise TooInstance.run_memory_bytes, or give it less to do."
        case ExitReason.LIMIT_PROCESSES:
            message = f"Stopped: it started more than {limits.processes} processes"
            hint = "Raise TooInstance.run_processes if that is what the tool needs."
        case ExitReason.LIMIT_OUTPUT:
            message = (
                f"Stopped: it wrote more than {limits.output_bytes / 2**20:,.0f} MiB "
                f"or {limits.output_files:,} files"
            )
            hint = "Raise TooInstance.run_output_bytes or run_output_files; what it wrote is kept."
        case ExitReason.NOT_STARTED:
            message = ended.detail or "It could not be started"
            hint = "`%tooi build` builds the tool again."
        case ExitReason.LOST:
            message = ended.detail or "What ran it died, so its end is not known"
            failure = Failure(code="lost", message=message, hint=f"`%tooi rerun {run.number}`")
            return RunStatus.LOST, message, failure
    failure = Failure(code=ended.reason.value, message=message, hint=hint)
    return RunStatus.FAILED, message, failure
