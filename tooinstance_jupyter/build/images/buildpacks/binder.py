"""Sources that are set up for repo2docker: its own buildpacks make the image.

What there is to run is found by the other buildpacks; here it only runs in that environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files, python_files
from ...buildpacks.script import interpreter_of
from .. import dockerfile
from ..base import Recipe

SOURCE = "/home/jovyan"
"""Where repo2docker puts the files of a source, as long as nothing else is set."""

# what our other buildpacks have no answer to
_CONFIGURATION = (
    *("environment.yml", "environment.yaml", "default.nix", "Pipfile", "Pipfile.lock"),
    *("install.R", "REQUIRE", "postBuild"),
)
_INTERPRETERS = {".jl": "julia", ".r": "Rscript", ".R": "Rscript", ".py": "python"}
_ABOVE_PLAIN = 10


class BinderBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "binder"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the scripts beside a configuration, ahead of running them without it."""
        folder = checkout.folder
        config = dockerfile.config_folder(folder)
        named = [name for name in _CONFIGURATION if files.text(config / name)]
        is_package = checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM)
        if is_package or not named or files.text(config / "Dockerfile"):
            return []
        reason = f"with {named[0]}, by repo2docker"
        found = [
            (path, f"{why} {reason}", rank + _ABOVE_PLAIN)
            for path, why, rank in python_files.scripts(folder, checkout.name)
        ]
        found += [
            (f"-m {package}", f"package {package} {reason}", 72)
            for package in python_files.main_packages(folder)
        ]
        found += [
            (path, f"script {reason}", 52)
            for path, content in files.scripts(folder, (*_INTERPRETERS, ".sh", ""))
            if not path.endswith(".py") and _command(path, content)
        ]
        return [
            Candidate(runtime=self.runtime, entry_point=path, reason=why, rank=rank)
            for path, why, rank in {entry[0]: entry for entry in reversed(found)}.values()
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return the commands in the image that repo2docker makes."""
        entry_points = {c.entry_point for c in self.detect(checkout)} | {candidate.entry_point}
        commands: dict[str, tuple[str, ...]] = {}
        for entry_point in sorted(entry_points):
            if entry_point.startswith("-m "):
                commands[entry_point] = ("python", *entry_point.split())
            else:
                content = files.text(checkout.folder / entry_point)
                words = _command(entry_point, content) or ["sh"]
                commands[entry_point] = (*words, f"{SOURCE}/{entry_point}")
        return Recipe(is_stock=True, commands=commands)


def _command(path: str, content: str) -> list[str]:
    """Return the interpreter of a script with its arguments, by name: conda has its own."""
    words = interpreter_of(path, content)
    if not words and (program := _INTERPRETERS.get(Path(path).suffix)):
        words = [program]
    return [Path(words[0]).name, *words[1:]] if words else []
