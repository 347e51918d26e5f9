"""What other packages can add: engines and buildpacks, found through entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from .errors import EngineError


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the names that are registered as ``"engines"`` or ``"buildpacks"``."""
    return tuple(sorted(entry_points(group=f"tooinstance_jupyter.{kind}").names))


@cache
def load(kind: str, name: str) -> type:
    """Import and return what is registered under a name.

    Raises
    ------
    EngineError
        If nothing is.
    """
    found = entry_points(group=f"tooinstance_jupyter.{kind}", name=name)
    if not found:
        there = ", ".join(names(kind)) or "none"
        raise EngineError(
            f"There is no {kind.removesuffix('s')} {name!r} here.", f"There is: {there}."
        )
    loaded: type = next(iter(found)).load()
    return loaded
