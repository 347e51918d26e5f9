"""Says what kind of program a checkout is, and which candidates are that program.

A compiled or packaged program is never run as something else that lies beside it: a script that
helps with a release, bindings for another language, a recipe for a package manager. Reading a
checkout is left to ``evidence``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..records import Candidate, SourceKind
from . import evidence
from .base import Checkout
from .buildpacks import files, python_files
from .buildpacks.python import script_of
from .evidence import BESIDE, C_RUNTIMES, PLACES_OF_HELPERS, Evidence, Sources, is_helper, plain

_NATIVE_BACKENDS = re.compile(r"maturin|meson|scikit.build|setuptools.rust|cmake", re.IGNORECASE)
# a candidate of another package's runtime is taken as it is
_OUR_RUNTIMES = frozenset(
    {"binder", "go", "java", "julia", "node", "perl", "python", "r", "ruby", "rust", "script"}
)
_RUN_FILES = ("binder", "julia", "python", "r", "ruby", "script")


class Family(StrEnum):
    """How a program comes to be."""

    COMPILED = "compiled"
    PACKAGED = "packaged"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class ProgramKind:
    """What kind of program a checkout is; `what` is the evidence for it, none for scripts."""

    family: Family
    what: Evidence | None = None


def recognise(checkout: Checkout) -> ProgramKind:
    """Return what kind of program a checkout is, from its build files, packaging and sources."""
    sources = evidence.sources_of(checkout.folder)
    packaged = evidence.packaged(checkout, sources)
    compiled = evidence.compiled(checkout, sources)
    if packaged and not (compiled and _is_rather_compiled(compiled, packaged, checkout, sources)):
        return ProgramKind(Family.PACKAGED, packaged)
    if compiled and not _is_rather_a_script(compiled, checkout, sources):
        return ProgramKind(Family.COMPILED, compiled)
    if library := evidence.library(checkout):
        return ProgramKind(Family.PACKAGED, library)
    return ProgramKind(Family.SCRIPT)


def candidates_of(
    kind: ProgramKind, found: Sequence[Candidate], checkout: Checkout
) -> list[Candidate]:
    """Return the candidates that are the program itself, in their order.

    Parameters
    ----------
    found
        All candidates, the best first.
    """
    if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
        return list(found)
    if kind.what is None:
        fitting = _main_scripts([c for c in found if not _is_of_tests(c)], checkout)
    else:
        fitting = [c for c in found if not _is_of_tests(c) and _fits(kind.what, c, checkout)]
    # where one is named like the source, those of other names are other programs
    if any(_is_command(c) and _is_named(c, checkout) for c in fitting):
        return [c for c in fitting if not _is_command(c) or _is_named(c, checkout)]
    return fitting


def _is_rather_compiled(
    compiled: Evidence, packaged: Evidence, checkout: Checkout, sources: Sources
) -> bool:
    """Tell whether a checkout with both a compiled program and a package is the former."""
    if packaged.is_bindings:
        return True
    system = python_files.table(
        python_files.toml(checkout.folder / "pyproject.toml"), "build-system"
    )
    backend = " ".join(python_files.strings(system.get("requires")))
    is_part = packaged.language == "python" and _NATIVE_BACKENDS.search(backend)
    if is_part or not compiled.has_program:
        return False
    # a package of npm is also a usual way to hand out a compiled program
    if packaged.is_named and packaged.language != "node":
        return False
    if packaged.is_named != compiled.is_named:
        return compiled.is_named
    return sources.size_bytes[compiled.language] > sources.size_bytes[packaged.language]


def _is_rather_a_script(compiled: Evidence, checkout: Checkout, sources: Sources) -> bool:
    """Tell whether what is compiled only helps a script that has the name of the source."""
    size = max(
        (
            len(content)
            for path, content in files.scripts(checkout.folder)
            if plain(path) == plain(checkout.name) and not path.startswith(PLACES_OF_HELPERS)
        ),
        default=0,
    )
    is_larger = size > sources.size_bytes[compiled.language]
    return size > 0 and (is_larger or not compiled.has_program)


def _fits(what: Evidence, candidate: Candidate, checkout: Checkout) -> bool:
    runtime, entry_point = candidate.runtime, candidate.entry_point
    if runtime not in _OUR_RUNTIMES | C_RUNTIMES:
        return True
    if entry_point.startswith("-m "):
        return "python" in what.runtimes
    if runtime in ("r", "julia"):
        return runtime in what.runtimes
    if _is_file(candidate, checkout):
        return entry_point in what.programs
    return runtime in what.runtimes


def _main_scripts(found: Sequence[Candidate], checkout: Checkout) -> list[Candidate]:
    """Return the candidates without scripts that only help with a source of scripts."""
    main = [
        candidate
        for candidate in found
        if not _is_file(candidate, checkout)
        or _is_named(candidate, checkout)
        or not is_helper(candidate.entry_point)
    ]
    return main or (list(found) if len({c.entry_point for c in found}) == 1 else [])


def _is_of_tests(candidate: Candidate) -> bool:
    return candidate.entry_point.removeprefix("-m ") in BESIDE


def _is_file(candidate: Candidate, checkout: Checkout) -> bool:
    """Tell whether a candidate is a file of the checkout that is run as it is."""
    if candidate.runtime == "python":
        return script_of(checkout, candidate) is not None
    if candidate.runtime == "ruby":
        return "/" in candidate.entry_point or candidate.entry_point.endswith(".rb")
    return candidate.runtime in _RUN_FILES


def _is_command(candidate: Candidate) -> bool:
    """Tell whether a candidate has a name of its own, and not that of what it is built from."""
    return bool(candidate.entry_point) and not candidate.entry_point.startswith("-m ")


def _is_named(candidate: Candidate, checkout: Checkout) -> bool:
    return plain(candidate.entry_point) == plain(checkout.name)
