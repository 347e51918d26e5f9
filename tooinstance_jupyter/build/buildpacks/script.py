"""Shell, Perl and other scripts, run as they are by what their first line names."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ...config import TooInstance
from ...errors import BuildError
from ...records import Candidate, Runtime, SourceKind
from ..base import Built, Checkout, Site
from . import files

_BY_SUFFIX = {".sh": "sh", ".bash": "bash", ".pl": "perl"}
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "fish")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class ScriptBuildpack:
    """See `build.base.Buildpack`."""

    runtime: ClassVar[str] = Runtime.SCRIPT

    def __init__(self, config: TooInstance) -> None:
        """Need no setting."""

    def detect(self, checkout: Checkout) -> Sequence[Candidate]:
        """Return the scripts whose interpreter is known; Python's are another buildpack's."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        found: list[Candidate] = []
        for path, content in files.scripts(checkout.folder):
            words = interpreter_of(path, content)
            name = Path(words[0]).name if words else ""
            if name in _SHELLS:
                found.append(self._candidate(path, "shell script", 40))
            elif name == "perl":
                found.append(self._candidate(path, "Perl script", 40))
            elif name and not name.startswith(("python", "node")):
                found.append(self._candidate(path, f"{name} script", 35))
        return found

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Mapping[str, str]:
        """Return what decides what is built: the files alone."""
        return {"kind": "copy"}

    def steps(self, checkout: Checkout, candidate: Candidate) -> int:
        """Return how many steps `build` takes."""
        return 1

    def build(self, checkout: Checkout, candidate: Candidate, site: Site) -> Built:
        """Copy the source, and name every script in it."""
        site.step(f"Copying {checkout.name}")
        source = site.target / "source"
        shutil.copytree(
            checkout.folder, source, symlinks=True, ignore=shutil.ignore_patterns(".git")
        )
        site.adopt(source)
        paths = {c.entry_point for c in self.detect(checkout)} | {candidate.entry_point}
        commands: dict[str, tuple[str, ...]] = {}
        for path in sorted(paths):
            words = interpreter_of(path, files.text(source / path)) or ["/bin/sh"]
            program = shutil.which(Path(words[0]).name, path=_SYSTEM_PATH)
            if program is not None:
                commands[path] = (program, *words[1:], str(source / path))
            elif path == candidate.entry_point:
                raise BuildError(
                    f"{path} is a {Path(words[0]).name} script, and there is no "
                    f"{Path(words[0]).name} on this machine.",
                    "Install it, or use the docker engine.",
                    code="interpreter_missing",
                )
        return Built(commands=commands, path=(str(source),))

    def _candidate(self, path: str, reason: str, rank: int) -> Candidate:
        return Candidate(runtime=self.runtime, entry_point=path, reason=reason, rank=rank)


def interpreter_of(path: str, content: str) -> list[str]:
    """Return what a script is run with, by its first line or else its name; nothing if unknown."""
    by_suffix = _BY_SUFFIX.get(Path(path).suffix)
    return files.shebang(content) or ([by_suffix] if by_suffix else [])
