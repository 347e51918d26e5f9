"""Turns a source into an environment: fetch, detect, and make what works first.

What each step means is left to the modules beside this one, making and checking an environment to
the makers; what becomes of the outcome, to ``service``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..config import TooInstance
from ..errors import BuildCancelledError, TooInstanceError
from ..records import Candidate, VersionStatus
from . import detect
from .base import Checkout, Report
from .buildpacks.node import find_node
from .fetch import fetch
from .maker import Maker, Order, Outcome
from .sources import ParsedSource
from .work import SOURCE, Work, clear

_MOST_ATTEMPTS = 3


class Builder:
    """Builds sources into environments of one kind.

    Parameters
    ----------
    environments
        ``"folder"`` or ``"image"``, as the engine's capabilities say.
    """

    def __init__(self, config: TooInstance, environments: str = "folder") -> None:
        self._config = config
        self._maker = _maker(environments, config)

    def build(
        self,
        parsed: ParsedSource,
        *,
        runtime: str | None,
        entry_point: str | None,
        report: Report,
        folder: Path,
        order: Order | None = None,
    ) -> Outcome:
        """Build a source, or find that it is built already.

        Parameters
        ----------
        parsed
            The source, with the credential of its link if it had one.
        runtime, entry_point
            What the user decided; ``None`` leaves it to detection.
        report
            Told of each step; cancels by raising.
        folder
            Where this build may keep files while it lasts.
        order
            What else was asked for.

        Raises
        ------
        TooInstanceError
            If the source cannot be fetched, is no tool, or cannot be built.
        """
        work = self._maker.begin(report, folder)
        try:
            work.say(VersionStatus.FETCHING, f"Fetching {parsed.source}")
            checkout = fetch(
                parsed,
                folder / SOURCE,
                config=self._config,
                log=work.log,
                cancelled=work.is_cancelled,
                npm=lambda: find_node(self._config.home_path / "toolchains").npm,
            )
            work.say(VersionStatus.DETECTING, "Looking for a way to run it")
            found = detect.candidates(checkout, self._maker.finders)
            chosen = detect.choose(
                found,
                checkout,
                runtime=runtime,
                entry_point=entry_point,
                environments=self._maker.kind,
            )
            for candidate in chosen:
                work.log(f"Candidate: {shown(candidate)}\n")
            return self._first_that_works(checkout, chosen, found, work, order or Order())
        finally:
            clear(folder)

    def _first_that_works(
        self,
        checkout: Checkout,
        chosen: Sequence[Candidate],
        found: Sequence[Candidate],
        work: Work,
        order: Order,
    ) -> Outcome:
        notes: list[str] = []
        first_error: TooInstanceError | None = None
        attempts = 0
        without_base: set[str] = set()
        for candidate in chosen:
            # what starts from the same base image would fail in the same way
            if attempts == _MOST_ATTEMPTS or candidate.runtime in without_base:
                continue
            attempts += 1
            try:
                outcome = self._maker.make(checkout, candidate, work, order)
            except BuildCancelledError:
                raise
            except TooInstanceError as error:
                first_error = first_error or error
                if error.error_code == "base_missing":
                    without_base.add(candidate.runtime)
                notes.append(f"Left aside: {shown(candidate)}: {error.message}")
                work.log(notes[-1] + "\n")
                continue
            taken = outcome.candidate
            # what was found beforehand says more, but not of packages
            is_known = any(c.entry_point == taken.entry_point for c in found)
            others = found if is_known else outcome.candidates
            return dataclasses.replace(
                outcome,
                candidates=tuple(c for c in others if c.entry_point not in ("", taken.entry_point)),
                notes=(*notes, f"Taken: {shown(taken)}", *outcome.notes),
            )
        assert first_error is not None  # noqa: S101 there is always something to try
        raise first_error


def shown(candidate: Candidate) -> str:
    """Return a candidate for people."""
    return f"{candidate.entry_point or candidate.runtime} ({candidate.reason})"


def _maker(environments: str, config: TooInstance) -> Maker:
    if environments == "image":
        # whoever has no container engine does not wait for the import of what talks to one
        from .images.maker import ImageMaker

        return ImageMaker(config)
    from .folders import FolderMaker

    return FolderMaker(config)
