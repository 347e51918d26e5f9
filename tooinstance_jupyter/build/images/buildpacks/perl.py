"""Perl distributions as an image: modules from Debian where it has them, else from CPAN."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files
from ...evidence import perl_programs
from .. import dockerfile
from ..base import Recipe
from ..dockerfile import ADDED, SOURCE, TOOL, added, inside, run

_METADATA = ("cpanfile", "Makefile.PL", "Build.PL", "dist.ini")
_PLACES = ("bin", "script", "scripts")
_LIBRARY = f"{TOOL}/perl"
_MODULE = r"[A-Za-z_]\w*(?:::\w+)*"
_USED = re.compile(rf"(?m)^\s*(?:use|require)\s+(?:if\s.*?,\s*)?['\"]?({_MODULE})")
_REQUIRED = re.compile(rf"['\"]({_MODULE})['\"]\s*(?:=>|,|;)")
_DEFINED = re.compile(rf"(?m)^\s*package\s+({_MODULE})")
_MOST_FILES = 500
_MOST_MODULES = 300


class PerlBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "perl"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the scripts of a distribution, as it would install them."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        return [
            Candidate(
                runtime=self.runtime,
                entry_point=name,
                reason="script of a Perl distribution",
                rank=82,
            )
            for name in _scripts(checkout.folder)
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        folder = checkout.folder
        sources = [files.text(folder / name) for name in _METADATA]
        code = [files.text(path) for path in sorted(folder.rglob("*.pm"))[:_MOST_FILES]]
        code += [files.text(folder / path) for path in _scripts(folder).values()]
        named = modules(folder, code, sources)
        is_installed = any(files.text(folder / name) for name in ("Makefile.PL", "Build.PL"))
        commands = {
            name: ("perl", f"{_LIBRARY}/bin/{name}")
            if is_installed
            else ("perl", f"-I{SOURCE}/lib", f"{SOURCE}/{path}")
            for name, path in _scripts(folder).items()
        }
        commands.setdefault(candidate.entry_point, ("perl", f"{SOURCE}/{candidate.entry_point}"))
        needed = ["make", "cpanminus", "libmodule-build-perl", "libmodule-install-perl"]
        cpanm = f"cpanm --quiet --notest --local-lib {_LIBRARY}"
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime), "runtime"),
                # there may be no more than perl-base
                *dockerfile.install(["perl"], title="Getting Perl", unless="perl -MPod::Usage -e1"),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                dockerfile.install_listed(
                    f"sh {ADDED}/perl_packages.sh {' '.join(named)}",
                    title="Installing Perl modules",
                    mounts=[added("perl_packages.sh")],
                ),
                "FROM runtime AS build",
                *dockerfile.install(needed, title="Getting what builds Perl modules"),
                dockerfile.copy(".", SOURCE),
                run(
                    f"Installing {checkout.name} and modules from CPAN",
                    f"mkdir -p {_LIBRARY}",
                    f"cd {SOURCE}",
                    "rm -rf .tooinstance",
                    dockerfile.retried(f"{cpanm} --installdeps .", dockerfile.COMPILERS),
                    *(
                        [dockerfile.retried(f"{cpanm} .", dockerfile.COMPILERS)]
                        if is_installed
                        else []
                    ),
                ),
                "FROM runtime",
                dockerfile.copy(_LIBRARY, _LIBRARY, stage="build"),
                dockerfile.copy(SOURCE, SOURCE, stage="build"),
                dockerfile.env(PERL5LIB=f"{_LIBRARY}/lib/perl5"),
                *dockerfile.end(command=commands[candidate.entry_point], path=f"{_LIBRARY}/bin"),
            ),
            files={"perl_packages.sh": inside("perl_packages.sh")},
            commands=commands,
        )


def modules(folder: Path, code: Iterable[str], metadata: Iterable[str] = ()) -> list[str]:
    """Return the modules that code uses or metadata requires, and the source does not have."""
    code = list(code)
    used = {name for text in code for name in _USED.findall(text)}
    used |= {name for text in metadata for name in _REQUIRED.findall(text)}
    own = {name for text in code for name in _DEFINED.findall(text)}
    return sorted(
        name
        for name in used - own
        if name[0].isupper()
        and not any(
            (folder / place / f"{name.replace('::', '/')}.pm").is_file() for place in ("", "lib")
        )
    )[:_MOST_MODULES]


def _scripts(folder: Path) -> dict[str, str]:
    """Return name and path of each script of a distribution."""
    if not any(files.text(folder / name) for name in _METADATA):
        return {}
    found = {
        PurePosixPath(path).name: path
        for path in perl_programs(files.text(folder / "Makefile.PL"))
        if ".." not in path and files.text(folder / path)
    }
    for place in _PLACES:
        parent = folder / place
        if parent.is_symlink() or not parent.is_dir():
            continue
        for path in sorted(parent.iterdir())[:_MOST_FILES]:
            first = files.shebang(files.text(path))
            if first and first[0].endswith("perl") and re.fullmatch(r"\w[\w.+-]*", path.name):
                found.setdefault(path.name, f"{place}/{path.name}")
    return found
