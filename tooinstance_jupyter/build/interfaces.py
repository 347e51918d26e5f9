"""Learns what a tool can be given from its help, and from the helps of its subcommands.

What a help says is left to ``options``, how a command is started to who passes that in.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence

from ..errors import BuildCancelledError
from ..records import Interface, Subcommand
from .base import Completed
from .options import read_help

_logger = logging.getLogger(__name__)
MOST_SUBCOMMANDS = 24
_MOST_OPTIONS = 2_000
_BUDGET_S = 6.0
_AT_ONCE = 4


def learn(
    command: Sequence[str],
    help_text: str,
    start: Callable[[Sequence[str], float], Completed],
    *,
    budget_s: float = _BUDGET_S,
) -> Interface | None:
    """Return what a tool can be given, ``None`` where its help does not say.

    Parameters
    ----------
    command
        The argv that starts it.
    help_text
        What it said to ``--help``.
    start
        Runs an argv for at most so many seconds; several may run at once.
    budget_s
        How long the helps of subcommands may take together; those that are not read by then are
        known by name only.

    Raises
    ------
    BuildCancelledError
        If the build is cancelled meanwhile; nothing else that goes wrong matters.
    """
    interface = _read(help_text)
    if interface is None or not 0 < len(interface.subcommands) <= MOST_SUBCOMMANDS:
        return interface
    until = time.monotonic() + budget_s
    waiting = iter(interface.subcommands)
    turn = threading.Lock()
    described: dict[str, Subcommand] = {}
    cancelled: list[BuildCancelledError] = []

    def work() -> None:
        while not cancelled and (left := until - time.monotonic()) > 0:
            with turn:
                subcommand = next(waiting, None)
            if subcommand is None:
                return
            try:
                completed = start([*command, subcommand.name, "--help"], left)
            except BuildCancelledError as error:
                cancelled.append(error)
            except Exception as error:  # noqa: BLE001 (whatever it is, the tool runs without)
                _logger.info("no help of a subcommand name=%s reason=%s", subcommand.name, error)
            else:
                described[subcommand.name] = _with_help(subcommand, completed, of_tool=help_text)

    # not by an executor, which takes nothing more once the program is ending
    threads = [threading.Thread(target=work) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if cancelled:
        raise cancelled[0]
    subcommands = [described.get(one.name, one) for one in interface.subcommands]
    return dataclasses.replace(interface, subcommands=_within_bounds(subcommands))


def _read(help_text: str) -> Interface | None:
    try:
        return read_help(help_text)
    except Exception:
        # no help that anybody writes is a reason for a tool not to be built
        _logger.exception("a help cannot be read size=%s", len(help_text))
        return None


def _with_help(subcommand: Subcommand, completed: Completed, *, of_tool: str) -> Subcommand:
    # what does not know the subcommand shows the tool's own help
    if completed.timed_out or completed.output.strip() == of_tool.strip():
        return subcommand
    own = _read(completed.output)
    if own is None or (completed.exit_code != 0 and not own.options):
        return subcommand
    return dataclasses.replace(
        subcommand, options=own.options, arguments=own.arguments, is_read=True
    )


def _within_bounds(subcommands: Sequence[Subcommand]) -> tuple[Subcommand, ...]:
    """Return subcommands of which those after too many options are known by name only."""
    kept: list[Subcommand] = []
    count = 0
    for subcommand in subcommands:
        count += len(subcommand.options)
        is_within = count <= _MOST_OPTIONS
        kept.append(subcommand if is_within else _by_name_only(subcommand))
    return tuple(kept)


def _by_name_only(subcommand: Subcommand) -> Subcommand:
    return Subcommand(name=subcommand.name, help=subcommand.help)
