"""What other packages can add: engines and buildpacks, found through entry points."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from .errors import InvalidValueError


@cache
def names(kind: str) -> tuple[str, ...]:
    """Return the names that are registered as ``"engines"`` or ``"buildpacks"``."""
    return tuple(sorted(entry_points(group=f"tooinstance_jupyter.{kind}").names))


@cache
def load(kind: str, name: str) -> type:
    """Import and return what is registered under a name.

    Raises
    ------
    InvalidValueError
        If nothing is.
    """
    found = entry_points(group=f"tooinstance_jupyter.{kind}", name=name)
    if not found:
        there = ", ".join(names(kind)) or "none"
        noun = kind.removesuffix("s")
        raise InvalidValueError(
            f"There is no {noun} {name!r} here.", f"There is: {there}.", code=f"{noun}_unknown"
        )
    loaded: type = next(iter(found)).load()
    return loaded
