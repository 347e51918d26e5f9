"""R as an image: packages with programs in ``exec/``, and scripts; packages from Debian or CRAN."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files
from .. import dockerfile
from ..base import Recipe
from ..dockerfile import ADDED, SOURCE, TOOL, added, inside, run

_LIBRARY = f"{TOOL}/library"
_NAME = r"[A-Za-z][A-Za-z0-9.]*"
_FIELD = re.compile(r"(?m)^(?:Depends|Imports|LinkingTo):((?:.|\n[ \t])*)")
_USED = re.compile(rf"(?:library|require|requireNamespace)\(\s*['\"]?({_NAME})|\b({_NAME}):::?\w")
_WITH_R = {
    *("R", "base", "compiler", "datasets", "graphics", "grDevices", "grid", "methods", "parallel"),
    *("splines", "stats", "stats4", "tcltk", "tools", "utils"),
}
_USUAL = ("main.r", "cli.r", "run.r", "app.r")
_INSTALL = (
    "wanted <- commandArgs(TRUE); "
    "missing <- setdiff(wanted, rownames(installed.packages())); "
    "options(repos = Sys.getenv('R_REPOSITORY', 'https://cloud.r-project.org')); "
    "if (length(missing)) install.packages(missing, lib = .libPaths()[1]); "
    "quit(status = as.integer(!all(wanted %in% rownames(installed.packages()))))"
)


class RBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "r"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the programs of a package, and the scripts."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        found = [
            Candidate(runtime=self.runtime, entry_point=path, reason="exec of a package", rank=74)
            for path in _programs(checkout.folder)
        ]
        for path, content in files.scripts(checkout.folder, (".R", ".r", "")):
            named = Path(path).stem.lower() == checkout.name.lower()
            is_usual = named or path.lower() in _USUAL
            if (files.shebang(content) or [""])[0].endswith("Rscript") or (
                is_usual and path[-2:] in (".R", ".r")
            ):
                found.append(
                    Candidate(runtime=self.runtime, entry_point=path, reason="R script", rank=45)
                )
        return found

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        folder = checkout.folder
        description = files.text(folder / "DESCRIPTION")
        paths = {c.entry_point for c in self.detect(checkout)} | {candidate.entry_point}
        commands = {path: ("Rscript", f"{SOURCE}/{path}") for path in sorted(paths)}
        needs = _needs(description, [files.text(folder / path) for path in sorted(paths)])
        debian = [f"r-cran-{name.lower()}" for name in needs]
        install = f'Rscript -e "{_INSTALL}" {" ".join(needs)}'
        config = dockerfile.config_folder(folder).relative_to(folder)
        steps = [install] if needs else []
        steps += (
            [f"Rscript ./{config}/install.R"] if files.text(folder / config / "install.R") else []
        )
        steps += ["R CMD INSTALL ."] if description else []
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime), "runtime"),
                *dockerfile.install(
                    ["r-base-core"], title="Getting R", unless="command -v Rscript"
                ),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                dockerfile.install_listed(
                    f"sh {ADDED}/known_packages.sh {' '.join(debian)}",
                    title="Installing R packages of Debian",
                    mounts=[added("known_packages.sh")],
                )
                if debian
                else [],
                dockerfile.env(R_LIBS=_LIBRARY),
                "FROM runtime AS build",
                dockerfile.copy(".", SOURCE),
                run(
                    f"Installing {checkout.name} and R packages of CRAN",
                    f"mkdir -p {_LIBRARY}",
                    f"cd {SOURCE}",
                    "rm -rf .tooinstance",
                    *(
                        dockerfile.retried(step, (*dockerfile.COMPILERS, "gfortran", "r-base-dev"))
                        for step in steps
                    ),
                ),
                "FROM runtime",
                dockerfile.copy(_LIBRARY, _LIBRARY, stage="build"),
                dockerfile.copy(SOURCE, SOURCE, stage="build"),
                *dockerfile.end(command=commands[candidate.entry_point]),
            ),
            files={"known_packages.sh": inside("known_packages.sh")} if debian else {},
            commands=commands,
        )


def _programs(folder: Path) -> list[str]:
    place = folder / "exec"
    if not files.text(folder / "DESCRIPTION") or place.is_symlink() or not place.is_dir():
        return []
    return [
        f"exec/{path.name}"
        for path in sorted(place.iterdir())[:500]
        if re.fullmatch(r"\w[\w.-]*", path.name) and files.text(path)
    ]


def _needs(description: str, code: list[str]) -> list[str]:
    """Return the packages that a DESCRIPTION or code names, without those that R has."""
    declared = ",".join(_FIELD.findall(description))
    names = {re.sub(r"\(.*?\)", "", word).strip() for word in declared.split(",")}
    names |= {first or second for text in code for first, second in _USED.findall(text)}
    own = re.search(rf"(?m)^Package:\s*({_NAME})", description)
    names -= {own[1]} if own else set()
    return sorted(name for name in names - _WITH_R if re.fullmatch(_NAME, name))
