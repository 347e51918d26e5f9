"""Rust programs as images: built by Cargo in a stage that is thrown away."""

from __future__ import annotations

import re
import shlex
from pathlib import Path, PurePosixPath
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files
from ...buildpacks.python_files import strings, table, toml
from .. import dockerfile
from ..base import Recipe
from ..compiled import STAGE, installed, packages_needed
from ..dockerfile import COMMANDS, TOOL, inside, run

_NAME = re.compile(r"\w[\w.-]*")
_MOST_MEMBERS = 100


class RustBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "rust"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the programs of the package, or of those in its workspace."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        return [
            Candidate(runtime=self.runtime, entry_point=name, reason="program of Cargo", rank=90)
            for name in _programs(checkout.folder)
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        member = _programs(checkout.folder).get(candidate.entry_point, ".")
        locked = "--locked " if files.text(checkout.folder / "Cargo.lock") else ""
        build = f"cargo install {locked}--path {shlex.quote(member)} --root {STAGE}{TOOL}"
        libraries = ("pkg-config", "libssl-dev", "cmake", "git")
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime), "build"),
                *dockerfile.install(
                    ["cargo", "rustc", "gcc", "libc6-dev", "ca-certificates"],
                    title="Getting Rust",
                    unless="command -v cargo",
                ),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                dockerfile.copy(".", "/source"),
                run(
                    f"Compiling {checkout.name} and the crates that it needs",
                    "cd /source",
                    "rm -rf .tooinstance",
                    dockerfile.retried(build, libraries),
                    f"rm -f {STAGE}{TOOL}/.crates*",
                ),
                *installed("/source"),
                dockerfile.from_(dockerfile.base(self._config, "debian")),
                *packages_needed(),
                *dockerfile.install(
                    ["ca-certificates"],
                    title="Getting certificates",
                    unless="test -e /etc/ssl/certs/ca-certificates.crt",
                ),
                dockerfile.copy(f"{STAGE}/", "/", stage="build"),
                *dockerfile.end(
                    command=(f"{TOOL}/bin/{candidate.entry_point}",)
                    if candidate.entry_point
                    else (),
                    path=f"{TOOL}/bin",
                ),
            ),
            files={"installed.sh": inside("installed.sh")},
            commands_at=COMMANDS,
        )


def _programs(folder: Path) -> dict[str, str]:
    """Return name of each program, and the folder of the package that it is in."""
    manifest = toml(folder / "Cargo.toml")
    members = [PurePosixPath(".")]
    for pattern in strings(table(manifest, "workspace").get("members")):
        path = PurePosixPath(pattern)
        if path.is_absolute() or ".." in path.parts:
            continue
        try:
            found = sorted(folder.glob(pattern))[:_MOST_MEMBERS]
        except (ValueError, NotImplementedError):
            continue
        members += [PurePosixPath(place.relative_to(folder)) for place in found]
    programs: dict[str, str] = {}
    for member in members:
        for name in _of_package(folder / member):
            programs.setdefault(name, str(member))
    return programs


def _of_package(folder: Path) -> list[str]:
    manifest = toml(folder / "Cargo.toml")
    declared = manifest.get("bin")
    tables = (
        [entry for entry in declared if isinstance(entry, dict)]
        if isinstance(declared, list)
        else []
    )
    names = [name for entry in tables if isinstance(name := entry.get("name"), str)]
    own = table(manifest, "package").get("name")
    if isinstance(own, str) and files.text(folder / "src" / "main.rs"):
        names += [] if names else [own]
    names += [path.stem for path in sorted((folder / "src" / "bin").glob("*.rs"))[:_MOST_MEMBERS]]
    return [name for name in dict.fromkeys(names) if _NAME.fullmatch(name)]
