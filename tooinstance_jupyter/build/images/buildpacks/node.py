"""Node as an image: the packages that a source needs in a layer of their own, the source above."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import ClassVar

from ....config import TooInstance
from ....records import Candidate, Runtime, SourceKind
from ...base import Checkout
from ...buildpacks import files
from ...buildpacks.node import NodeBuildpack, commands, package_json
from .. import dockerfile, node_modules, versions
from ..base import Recipe
from ..dockerfile import ADDED, COMMANDS, SOURCE, TOOL, added, inside, run
from ..node_modules import CACHE, COMPILERS, NPM, WITH_CACHE

_NEEDS = (
    *("dependencies", "devDependencies", "optionalDependencies"),
    *("peerDependencies", "peerDependenciesMeta", "overrides"),
)


class NodeImageBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = Runtime.NODE

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._found = NodeBuildpack(config)

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the commands that package.json declares."""
        return list(self._found.detect(checkout))

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        if checkout.source.kind is SourceKind.NPM:
            return self._package(checkout)
        package = package_json(checkout.folder)
        known = _commands(checkout, package, candidate)
        added_files = {
            "package.json": json.dumps(
                {"name": "needs", **{key: package[key] for key in _NEEDS if key in package}},
                indent=1,
                sort_keys=True,
            )
        }
        if _needs_whole(package):
            stages = node_modules.whole(checkout, package)
            above: list[str] = []
        else:
            stages = node_modules.layered(checkout, package)
            above = [
                dockerfile.copy(
                    f"{TOOL}/node_modules", f"{TOOL}/node_modules", stage="dependencies"
                )
            ]
        return Recipe(
            dockerfile=dockerfile.text(
                *self._stages(checkout, package),
                *stages,
                "FROM runtime",
                *above,
                dockerfile.copy(SOURCE, SOURCE, stage="source"),
                dockerfile.env(NODE_ENV="production"),
                *dockerfile.end(command=known[candidate.entry_point]),
            ),
            files=added_files,
            commands=known,
        )

    def _package(self, checkout: Checkout) -> Recipe:
        name = checkout.source.location
        what = shlex.quote(f"{name}@{checkout.commit}")
        install = f"{NPM} install --global --prefix {TOOL} --omit=dev"
        again = dockerfile.retried(f"{install} -- {what}", COMPILERS)
        return Recipe(
            dockerfile=dockerfile.text(
                *self._stages(checkout, {}),
                "FROM npm AS dependencies",
                run(
                    f"Installing {name} and what it needs",
                    f"{WITH_CACHE} {install} --ignore-scripts -- {what} || touch /opt/failed",
                    caches=[CACHE],
                ),
                run(
                    "Running the set-up scripts of packages",
                    f"[ ! -e /opt/failed ] || {{ {again}; }}",
                    node_modules.rebuilt(f"{TOOL}/lib/node_modules", f"--global --prefix {TOOL}"),
                    f"node {ADDED}/node_commands.js {TOOL} {shlex.quote(name)} >{COMMANDS}",
                    mounts=[added("node_commands.js")],
                ),
                "FROM runtime",
                dockerfile.copy(TOOL, TOOL, stage="dependencies"),
                dockerfile.env(NODE_ENV="production"),
                *dockerfile.end(path=f"{TOOL}/bin"),
            ),
            files={"node_commands.js": inside("node_commands.js")},
            commands_at=COMMANDS,
        )

    def _stages(self, checkout: Checkout, package: Mapping[str, object]) -> list[str]:
        """Return the stages that the others begin with: ``runtime``, and ``npm`` to build with."""
        engines = package.get("engines")
        asked = str(engines.get("node") or "") if isinstance(engines, dict) else ""
        version = versions.node(checkout.folder, asked)
        return [
            dockerfile.from_(dockerfile.base(self._config, self.runtime, version), "runtime"),
            *dockerfile.install(["nodejs"], title="Getting Node", unless="command -v node"),
            *dockerfile.install(dockerfile.apt_packages(checkout)),
            "FROM runtime AS npm",
            *dockerfile.install(["npm"], title="Getting npm", unless="command -v npm"),
        ]


def _needs_whole(package: Mapping[str, object]) -> bool:
    """Tell whether a package needs folders of the source, as in a repository of several."""
    needs = [value for key in _NEEDS if isinstance(value := package.get(key), dict)]
    local = ("file:", "link:", "workspace:", ".", "/", "~/")
    return "workspaces" in package or any(
        isinstance(version, str) and version.startswith(local)
        for versions_ in needs
        for version in versions_.values()
    )


def _commands(
    checkout: Checkout, package: Mapping[str, object], candidate: Candidate
) -> dict[str, tuple[str, ...]]:
    paths = {name: PurePosixPath(path) for name, path in commands(package).items()}
    paths.setdefault(candidate.entry_point, PurePosixPath(candidate.entry_point))
    found: dict[str, tuple[str, ...]] = {}
    for name, path in paths.items():
        words = files.shebang(files.text(checkout.folder / path)) or ["node"]
        own = words[1:] if words[0].endswith("node") else []
        program = "node" if words[0].endswith("node") else words[0]
        found[name] = (program, *own, f"{SOURCE}/{path}")
    return found
