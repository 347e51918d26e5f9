"""Chooses the version of Python or Node that an image is made with, by what its source asks for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ..buildpacks import files
from .dockerfile import config_folder

PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8")
NODES = ("24", "22", "20", "18")
# of majors only, so a range that ends or begins within one takes it in
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    **{sign: lambda major, asked: major >= asked for sign in (">=", ">")},
    "=": lambda major, asked: major == asked,
    **{sign: lambda major, asked: major <= asked for sign in ("<=", "<")},
}


def python(folder: Path, asked: str) -> str:
    """Return the newest Python that fits ``runtime.txt`` or a specifier; nothing if none does."""
    named = re.match(r"python-(3\.\d+)", files.text(config_folder(folder) / "runtime.txt"))
    if named:
        return named[1]
    try:
        specifier = SpecifierSet(asked)
    except InvalidSpecifier:
        specifier = SpecifierSet()  # what cannot be read excludes nothing
    # the newest patch of a minor is what images have
    fitting = (version for version in PYTHONS if specifier.contains(f"{version}.99"))
    exact = (version for version in PYTHONS if re.search(rf"==\s*{version}\.\d", asked))
    return next(fitting, next(exact, ""))


def node(folder: Path, asked: str) -> str:
    """Return the newest Node that fits ``.nvmrc`` or a range of npm's; the newest if none does."""
    named = re.match(r"v?(\d+)", files.text(folder / ".nvmrc").strip())
    if named and not asked:
        return named[1]
    alternatives = [
        re.findall(r"(>=|>|<=|<)?[\^~=v\s]*(\d+)[\w.-]*", one) for one in asked.split("||")
    ]

    def fits(major: int) -> bool:
        return any(
            all(_COMPARISONS[sign or "="](major, int(number)) for sign, number in comparisons)
            for comparisons in alternatives
        )

    return next((version for version in NODES if fits(int(version))), NODES[0])
