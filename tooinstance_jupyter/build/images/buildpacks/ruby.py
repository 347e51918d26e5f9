"""Ruby as an image: gems with executables, and scripts with a Gemfile.

Gems come from Debian where it has them, else from rubygems.org.
"""

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

_GEMS = f"{TOOL}/gems"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_EXECUTABLES = re.compile(
    r"\.executables\s*(?:=|<<|\+=)\s*(?P<value>\[[^\]]*\]|%w.[^\]})>|]*|['\"][^'\"]+)"
)
_NEEDED = re.compile(
    r"(?:add_(?:runtime_)?dependency|^\s*gem)[\s(]+['\"]([\w.-]+)['\"]", re.MULTILINE
)
_COMPILERS = (*dockerfile.COMPILERS, "ruby-dev")
_FOR_DEVELOPERS = ("bundle", "console", "rake", "rspec", "rubocop", "setup", "test")


class RubyBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = "ruby"

    def __init__(self, config: TooInstance) -> None:
        self._config = config

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the executables of a gem, and the scripts beside a Gemfile."""
        folder = checkout.folder
        if checkout.source.kind in (SourceKind.PYPI, SourceKind.NPM):
            return []
        found = [(name, "executable of a gem", 92) for name in _executables(folder)]
        if files.text(folder / "Gemfile"):
            found += [(path, "Ruby script with a Gemfile", 55) for path in _scripts(folder)]
        return [
            Candidate(runtime=self.runtime, entry_point=name, reason=reason, rank=rank)
            for name, reason, rank in found
        ]

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        folder = checkout.folder
        executables = _executables(folder)
        is_gem = candidate.entry_point in executables
        needs = _NEEDED.findall("".join(map(files.text, _gemspecs(folder))))
        needs += [] if is_gem else _NEEDED.findall(files.text(folder / "Gemfile"))
        debian = sorted({f"ruby-{name.lower().replace('_', '-')}" for name in needs})
        commands: dict[str, tuple[str, ...]]
        if is_gem:
            commands = {name: (f"{TOOL}/bin/{name}",) for name in executables}
            build, bundler = _gem(checkout), []
        else:
            paths = {*_scripts(folder), candidate.entry_point}
            commands = {
                path: ("ruby", "-rbundler/setup", f"{SOURCE}/{path}") for path in sorted(paths)
            }
            build = _bundle(checkout)
            bundler = [dockerfile.copy(SOURCE, SOURCE, stage="build")]
            bundler += [dockerfile.env(BUNDLE_GEMFILE=f"{SOURCE}/Gemfile")]
        return Recipe(
            dockerfile=dockerfile.text(
                dockerfile.from_(dockerfile.base(self._config, self.runtime), "runtime"),
                *dockerfile.install(
                    ["ruby"] if is_gem else ["ruby", "bundler"],
                    title="Getting Ruby",
                    unless="command -v ruby" if is_gem else "command -v bundle",
                ),
                *dockerfile.install(dockerfile.apt_packages(checkout)),
                dockerfile.install_listed(
                    # an image with a Ruby of its own does not see Debian's gems
                    '[ "$(command -v ruby)" != /usr/bin/ruby ] || '
                    f"sh {ADDED}/known_packages.sh {' '.join(debian)}",
                    title="Installing gems of Debian",
                    mounts=[added("known_packages.sh")],
                )
                if debian
                else [],
                dockerfile.env(GEM_HOME=_GEMS),
                "FROM runtime AS build",
                *dockerfile.install(["git"], unless="command -v git"),
                *build,
                "FROM runtime",
                dockerfile.copy(TOOL, TOOL, stage="build"),
                *bundler,
                *dockerfile.end(command=commands[candidate.entry_point], path=f"{TOOL}/bin"),
            ),
            files={"known_packages.sh": inside("known_packages.sh")},
            ignored=() if is_gem else (".git",),  # gems list their files with git
            commands=commands,
        )


def _gem(checkout: Checkout) -> list[str]:
    get = f"gem install --no-document --bindir {TOOL}/bin /tool.gem"
    return [
        dockerfile.copy(".", "/source"),
        run(
            f"Installing {checkout.name} and the gems that it needs",
            "cd /source",
            "rm -rf .tooinstance",
            "[ -e .git ] || { git init --quiet && git add --all; }",
            "gem build --output /tool.gem ./*.gemspec",
            f"{get} --local || {dockerfile.retried(get, _COMPILERS)}",
        ),
    ]


def _bundle(checkout: Checkout) -> list[str]:
    get = "bundle install --quiet"
    return [
        dockerfile.copy(".", SOURCE),
        run(
            f"Installing the gems that {checkout.name} needs",
            f"cd {SOURCE}",
            f"rm -rf .tooinstance; mkdir -p {_GEMS}",
            f"{get} --local || {dockerfile.retried(get, _COMPILERS)}",
        ),
    ]


def _gemspecs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.gemspec"))


def _executables(folder: Path) -> list[str]:
    """Return the names of a gem's executables: as they are declared, or else its files."""
    texts = [text for path in _gemspecs(folder) if (text := files.text(path))]
    found = [
        name
        for text in texts
        for declared in _EXECUTABLES.finditer(text)
        for name in _NAME.findall(declared["value"].removeprefix("%w"))
    ]
    if found or not texts:
        return list(dict.fromkeys(found))
    place = next((p for name in ("exe", "bin") if (p := folder / name).is_dir()), folder / "exe")
    there = sorted(place.iterdir()) if place.is_dir() and not place.is_symlink() else []
    return [
        path.name
        for path in there
        if _NAME.fullmatch(path.name)
        and path.name not in _FOR_DEVELOPERS
        and files.shebang(files.text(path))[:1] not in (["/bin/sh"], ["bash"])
    ]


def _scripts(folder: Path) -> list[str]:
    return [
        path
        for path, content in files.scripts(folder, (".rb", ""))
        if path.endswith(".rb") or (files.shebang(content) or [""])[0].endswith("ruby")
    ]
