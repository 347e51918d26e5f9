"""Go programs as images: modules in a layer of their own, then programs without anything else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files
from .. import dockerfile
from ..base import Recipe
from ..dockerfile import TOOL, run

_MODULE = re.compile(r"(?m)^module\s+\"?([^\s\"]+)")
_MAIN = re.compile(r"(?m)^package\s+main\b")
_MOST_FILES = 500


class GoBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "go"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the main packages at the top and in ``cmd/``."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        return [
            Candidate(runtime=self.runtime, entry_point=name, reason="main package of Go", rank=88)
            for name in _programs(checkout.folder)
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        programs = _programs(checkout.folder)
        programs.setdefault(candidate.entry_point, candidate.entry_point)
        commands = {name: (f"{TOOL}/bin/{name}",) for name in programs}
        builds = " && ".join(
            f"go build -trimpath -buildvcs=false -ldflags='-s -w' "
            f"-o {shlex.quote(f'{TOOL}/bin/{name}')} ./{shlex.quote(path)}"
            for name, path in programs.items()
        )
        sums = [name for name in ("go.mod", "go.sum") if files.text(checkout.folder / name)]
        needs_modules = "require" in files.text(checkout.folder / "go.mod")
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime), "build"),
                *dockerfile.install(
                    ["golang-go", "ca-certificates", "git"],
                    title="Getting Go",
                    unless="command -v go",
                ),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                *(dockerfile.copy(name, f"/source/{name}") for name in sums),
                run("Downloading modules", "cd /source", "go mod download || :")
                if needs_modules
                else [],
                dockerfile.copy(".", "/source"),
                run(
                    f"Compiling {checkout.name}",
                    "cd /source",
                    # without C the program needs no library at all
                    f"{{ export CGO_ENABLED=0; {builds}; }} || {{ export CGO_ENABLED=1; "
                    f"{dockerfile.retried(builds, dockerfile.COMPILERS)}; }}",
                ),
                dockerfile.from_(dockerfile.base(self._config, "debian")),
                *dockerfile.install(
                    ["ca-certificates"],
                    title="Getting certificates",
                    unless="test -e /etc/ssl/certs/ca-certificates.crt",
                ),
                *dockerfile.install(
                    [name for name in dockerfile.apt_packages(checkout) if name[-4:] != "-dev"]
                ),
                dockerfile.copy(f"{TOOL}/bin", f"{TOOL}/bin", stage="build"),
                *dockerfile.end(command=commands[candidate.entry_point], path=f"{TOOL}/bin"),
            ),
            commands=commands,
        )


def _programs(folder: Path) -> dict[str, str]:
    """Return name and folder of each main package."""
    module = _MODULE.search(files.text(folder / "go.mod"))
    if module is None:
        return {}
    found: dict[str, str] = {}
    own = re.sub(r"/v\d+$", "", module[1]).rpartition("/")[2]
    if _is_main(folder) and re.fullmatch(r"\w[\w.-]*", own):
        found[own] = ""
    commands = folder / "cmd"
    if commands.is_dir() and not commands.is_symlink():
        for place in sorted(commands.iterdir())[:_MOST_FILES]:
            if re.fullmatch(r"\w[\w.-]*", place.name) and _is_main(place):
                found.setdefault(place.name, f"cmd/{place.name}")
        if _is_main(commands):
            found.setdefault(own, "cmd")
    return found


def _is_main(folder: Path) -> bool:
    paths = sorted(folder.glob("*.go"))[:_MOST_FILES] if folder.is_dir() else []
    return any(
        _MAIN.search(files.text(path)) for path in paths if not path.name.endswith("_test.go")
    )
