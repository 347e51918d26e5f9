"""Julia scripts of a project as images: its packages in a layer of their own, compiled ahead."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, SourceKind
from ...base import Checkout
from ...buildpacks import files
from .. import dockerfile
from ..base import Recipe
from ..dockerfile import SOURCE, TOOL, run

_DEPOT = f"{TOOL}/julia"
_USUAL = ("main.jl", "cli.jl", "run.jl", "app.jl")
_PROJECT = ("Project.toml", "Manifest.toml")


class JuliaBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "julia"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the scripts, by their first line or their usual names."""
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        return [
            Candidate(runtime=self.runtime, entry_point=path, reason="Julia script", rank=46)
            for path, content in files.scripts(checkout.folder, (".jl", ""))
            if (files.shebang(content) or [""])[0].endswith("julia")
            or (path.endswith(".jl") and Path(path).name.lower() in _USUAL)
            or (path.endswith(".jl") and Path(path).stem.lower() == checkout.name.lower())
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        paths = {c.entry_point for c in self.detect(checkout)} | {candidate.entry_point}
        julia = ("julia", f"--project={SOURCE}", "--startup-file=no")
        commands = {path: (*julia, f"{SOURCE}/{path}") for path in sorted(paths)}
        project = [name for name in _PROJECT if files.text(checkout.folder / name)]
        install = f"{' '.join(julia)} -e 'using Pkg; Pkg.instantiate()'"
        # what is not compiled ahead only makes starts slower
        ahead = (
            f"{{ {' '.join(julia)} -e 'using Pkg; Pkg.precompile()' || "
            "echo 'Not all of it was compiled ahead, which only makes starts slower.'; }"
        )
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime), "runtime"),
                *dockerfile.install(["julia"], title="Getting Julia", unless="command -v julia"),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                "FROM runtime AS dependencies",
                dockerfile.env(JULIA_DEPOT_PATH=_DEPOT),
                *(dockerfile.copy(name, f"{SOURCE}/{name}") for name in project),
                run(
                    "Installing the packages that it needs",
                    f"mkdir -p {_DEPOT}",
                    # a project that is a package needs its own source, which comes later
                    f"{install} && {ahead} || :",
                ),
                "FROM dependencies AS source",
                dockerfile.copy(".", SOURCE),
                run(
                    f"Compiling {checkout.name}",
                    f"rm -rf {SOURCE}/.tooinstance",
                    *([install, ahead] if project else []),
                ),
                "FROM runtime",
                dockerfile.copy(_DEPOT, _DEPOT, stage="source"),
                dockerfile.copy(SOURCE, SOURCE, stage="source"),
                # what a run compiles goes to its own folder, ahead of the one that it only reads
                dockerfile.env(JULIA_DEPOT_PATH=f"/tmp/julia:{_DEPOT}"),  # noqa: S108 a container's
                *dockerfile.end(command=commands[candidate.entry_point]),
            ),
            commands=commands,
        )
