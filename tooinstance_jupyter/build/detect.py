"""Chooses how a source is run among the ways that the buildpacks found.

Finding them is left to the buildpacks, trying them to ``builder``.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..containers import daemon
from ..errors import DetectionError
from ..records import Candidate
from . import kinds
from .base import AS_ASKED, Checkout
from .buildpacks.files import shebang, text
from .evidence import plain
from .maker import Finder

_NAMED_LIKE_THE_SOURCE = 30
_ONLY_FOR_DOCKER = {
    "environment.yml": "a conda environment",
    "Gemfile": "Ruby",
    "Makefile": "made by a Makefile",
    "Dockerfile": "made by a Dockerfile",
}
_LOOKED_FOR = (
    "a console script in pyproject.toml, setup.cfg or setup.py; `bin` in package.json; a package "
    "with __main__.py; a Python, shell or Perl script at the top or in bin/"
)
_LOOKED_FOR_IN_IMAGES = (
    "; a Dockerfile; what Make, CMake, autotools, Go, Cargo, Maven, Gradle, R or Julia build"
)


def candidates(checkout: Checkout, buildpacks: Sequence[Finder]) -> list[Candidate]:
    """Return the ways to run a checkout, the best first."""
    found = {
        (candidate.runtime, candidate.entry_point): candidate
        for buildpack in buildpacks
        for candidate in sorted(buildpack.detect(checkout), key=lambda c: c.rank)
    }
    ranked = [
        dataclasses.replace(candidate, rank=candidate.rank + _bonus(candidate, checkout.name))
        for candidate in found.values()
    ]
    return sorted(
        ranked, key=lambda c: (-c.rank, -_similarity(c.entry_point, checkout.name), c.entry_point)
    )


def choose(
    found: Sequence[Candidate],
    checkout: Checkout,
    *,
    runtime: str | None = None,
    entry_point: str | None = None,
    environments: str = "folder",
) -> list[Candidate]:
    """Return what to try, in order, with what a user said about it.

    Parameters
    ----------
    environments
        ``"image"`` where anything can be compiled, else ``"folder"``.

    Raises
    ------
    DetectionError
        If there is nothing, with what was looked for and what can be passed.
    """
    fitting = [c for c in found if runtime in (None, c.runtime)]
    if entry_point is not None:
        exact = [c for c in fitting if c.entry_point == entry_point]
        # what is only known once it is installed may have it
        later = [
            dataclasses.replace(c, entry_point=entry_point) for c in fitting if not c.entry_point
        ]
        if not exact and not later:
            later = _taken_at_word(checkout, entry_point, runtime)
        if not exact and not later:
            raise no_such_entry_point(entry_point, [c.entry_point for c in fitting], checkout.name)
        return exact + later
    if runtime is None:
        kind = kinds.recognise(checkout)
        fitting = kinds.candidates_of(kind, found, checkout)
        what = kind.what.what if kind.what is not None else ""
        is_built = kind.what is not None and bool(kind.what.runtimes)
    else:
        what, is_built = "", False
    if fitting:
        return fitting
    if runtime is not None and found:
        there = ", ".join(sorted({c.runtime for c in found}))
        raise DetectionError(
            f"{checkout.name} has nothing to run with the runtime {runtime!r}.",
            f"There is something for {there}: leave --runtime out.",
        )
    needed = what if is_built else _only_for_docker(checkout.folder)
    if environments != "image" and needed:
        raise DetectionError(
            f"{checkout.name} is {needed}, which needs the docker engine.",
            "`--engine docker` builds it."
            if daemon.is_there()
            else "The process engine builds Python, Node, shell and Perl; with a script in the "
            "repository pass --entry-point PATH.",
            code="needs_docker_engine",
        )
    if what:
        raise DetectionError(
            f"{checkout.name} is {what}, and no way to run it was found.", _way_out(found)
        )
    looked_for = _LOOKED_FOR + (_LOOKED_FOR_IN_IMAGES if environments == "image" else "")
    raise DetectionError(
        f"{checkout.name} does not look like a command-line tool: there is neither {looked_for}.",
        "If it is one, pass --entry-point PATH/TO/SCRIPT (or '-m PACKAGE'); if the tool is in a "
        "folder of it, #subdirectory=FOLDER at the end of the link.",
    )


def pick(commands: Mapping[str, tuple[str, ...]], entry_point: str, name: str) -> str:
    """Return which of the commands that a build made is meant.

    Raises
    ------
    DetectionError
        If there is none, or none of that name.
    """
    if entry_point in commands:
        return entry_point
    if entry_point or not commands:
        raise no_such_entry_point(entry_point, list(commands), name)
    return min(commands, key=lambda command: (-_similarity(command, name), command))


def no_such_entry_point(wanted: str, there: Sequence[str], name: str) -> DetectionError:
    """Return the error that names what there is instead."""
    known = [entry_point for entry_point in there if entry_point]
    if not known:
        return DetectionError(
            f"{name} installs no command."
            if not wanted
            else f"{name} has no entry point {wanted!r}.",
            "It may be a library; pass --entry-point '-m PACKAGE' or a script's path if not.",
        )
    near = difflib.get_close_matches(wanted, known, n=1)
    return DetectionError(
        f"{name} has no entry point {wanted!r}." + (f" Did you mean {near[0]!r}?" if near else ""),
        f"There is: {', '.join(sorted(known)[:30])}.",
        code="entry_point_not_found",
    )


def _taken_at_word(checkout: Checkout, entry_point: str, runtime: str | None) -> list[Candidate]:
    """Return a script or package that no buildpack thought of, if it is there."""
    if module := re.fullmatch(r"-m\s+([A-Za-z_][\w.]*)", entry_point):
        return [Candidate(runtime="python", entry_point=f"-m {module[1]}", reason=AS_ASKED, rank=1)]
    path = checkout.folder / entry_point
    try:
        inside = path.resolve().is_relative_to(checkout.folder.resolve()) and path.is_file()
    except (OSError, ValueError):
        inside = False
    if not inside:
        return []
    program = Path((shebang(text(path)) or [""])[0]).name
    is_python = path.suffix == ".py" or program.startswith("python")
    guessed = runtime or ("python" if is_python else "script")
    return [Candidate(runtime=guessed, entry_point=entry_point, reason=AS_ASKED, rank=1)]


def _way_out(found: Sequence[Candidate]) -> str:
    beside = [candidate.entry_point for candidate in found if candidate.entry_point]
    if beside:
        return (
            "What else is there is not that program; --entry-point takes one of it all the same: "
            f"{', '.join(beside[:10])}."
        )
    return "A Dockerfile of its own would do; or pass --entry-point PATH/TO/SCRIPT."


def _only_for_docker(folder: Path) -> str:
    found = [what for name, what in _ONLY_FOR_DOCKER.items() if (folder / name).is_file()]
    return found[0] if found else ""


def _bonus(candidate: Candidate, name: str) -> int:
    return _NAMED_LIKE_THE_SOURCE if plain(candidate.entry_point) == plain(name) else 0


def _similarity(entry_point: str, name: str) -> float:
    return difflib.SequenceMatcher(None, plain(entry_point), plain(name)).ratio()
