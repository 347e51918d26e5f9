"""Lays out what the builder gets: a context with a recipe's files, and a Dockerfile beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .base import Recipe

ADDED = ".tooinstance"
"""The folder of the context that holds a recipe's files."""


def lay_out(folder: Path, recipe: Recipe, aside: Path) -> Path:
    """Make a checkout the context of a recipe, and return the path of the Dockerfile.

    Parameters
    ----------
    folder
        The checkout; it is this build's own copy.
    aside
        A folder to make for the Dockerfile. Outside of the context it cannot clash with a file of
        the source, and what is ignored is said beside it, where it counts more than the source's.
    """
    drop_links_out(folder)
    _make_way(folder / ADDED)
    for name, text in recipe.files.items():
        place = folder / ADDED / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    aside.mkdir()
    dockerfile = aside / "Dockerfile"
    dockerfile.write_text(recipe.dockerfile, "utf-8", "surrogateescape")
    if not recipe.is_foreign:
        (aside / "Dockerfile.dockerignore").write_text("\n".join(recipe.ignored) + "\n", "utf-8")
    else:
        own = folder / "Dockerfile.dockerignore"
        if own.is_file() and not own.is_symlink():
            shutil.copyfile(own, aside / "Dockerfile.dockerignore")
    return dockerfile


def drop_links_out(folder: Path) -> None:
    """Remove the symbolic links of a folder that lead out of it."""
    top = folder.resolve()
    for parent, names, files, descriptor in os.fwalk(folder):
        for name in (*names, *files):
            path = Path(parent, name)
            if path.is_symlink() and not _stays(path, top):
                os.unlink(name, dir_fd=descriptor)


def _stays(link: Path, top: Path) -> bool:
    try:
        return link.resolve().is_relative_to(top)
    except (OSError, RuntimeError):  # a circle
        return False


def _make_way(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    shutil.rmtree(path, ignore_errors=True)
