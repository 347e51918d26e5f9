"""Python: packages of an index, sources with packaging metadata, and plain scripts.

What the files say is read by ``python_files``; uv finds interpreters and installs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from configparser import ConfigParser
from functools import cache
from pathlib import Path
from typing import ClassVar

import uv
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from ...errors import BuildError
from ...records import Candidate, Runtime, SourceKind
from ..base import Built, Checkout, Site
from . import python_files

_VENV, _SOURCE = "venv", "source"


class PythonBuildpack:
    """See `build.base.Buildpack`."""

    runtime: ClassVar[str] = Runtime.PYTHON

    def detect(self, checkout: Checkout) -> Sequence[Candidate]:
        """Return the ways to run a checkout with Python."""
        if checkout.source.kind is SourceKind.PYPI:
            # which commands a package has shows once it is installed
            return [self._candidate("", "package of PyPI", 100)]
        if checkout.source.kind is SourceKind.NPM:
            return []
        folder = checkout.folder
        found: list[Candidate] = []
        if python_files.is_installable(folder):
            declared = list(python_files.console_scripts(folder))
            found += [self._candidate(*script) for script in declared]
            if not declared and python_files.has_dynamic_scripts(folder):
                found.append(self._candidate("", "commands that setup.py computes", 90))
        found += [
            self._candidate(f"-m {package}", f"package {package} with __main__.py", 70)
            for package in python_files.main_packages(folder)
        ]
        found += [
            self._candidate(path, reason, rank)
            for path, reason, rank in python_files.scripts(folder, checkout.name)
        ]
        return found

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Mapping[str, str]:
        """Return what decides what is built."""
        kind = self._kind(checkout, candidate)
        recipe = {"python": interpreter(self._requires_python(checkout, candidate)), "kind": kind}
        if kind == "files":
            needs, _ = python_files.requirements(checkout.folder, _script(candidate))
            recipe["requirements"] = "\n".join(needs)
        if kind == "index":
            recipe["name"] = checkout.source.location
        return recipe

    def steps(self, checkout: Checkout, candidate: Candidate) -> int:
        """Return how many steps `build` takes."""
        return 2

    def build(self, checkout: Checkout, candidate: Candidate, site: Site) -> Built:
        """Make a virtual environment with the source and what it needs."""
        python = interpreter(self._requires_python(checkout, candidate))
        prefix = base_prefix(python)
        venv = site.target / _VENV
        readable = (Path(uv.find_uv_bin()).parent, Path(prefix))
        site.step(f"Making an environment with {version_of(python)}")
        site.shell(
            [uv.find_uv_bin(), "venv", "--quiet", "--python", python, str(venv)],
            cwd=site.target,
            readable=readable,
            network=False,
        )
        kind = self._kind(checkout, candidate)
        source = checkout.folder
        if kind == "files":
            source = site.target / _SOURCE
            shutil.copytree(checkout.folder, source, symlinks=True, ignore=_leads_out(checkout))
            needs, where = python_files.requirements(source, _script(candidate))
            site.step(f"Installing what {where} names" if needs else "It needs no packages")
            if needs:
                self._install(site, venv, _as_arguments(needs), cwd=source, readable=readable)
            commands = _commands_of_files(venv, source, candidate)
        else:
            is_index = kind == "index"
            what = f"{checkout.source.location}=={checkout.commit}" if is_index else str(source)
            site.step(f"Installing {checkout.name} and what it needs")
            self._install(site, venv, ["--", what], cwd=source, readable=readable)
            commands = _commands_of(venv, checkout)
            if candidate.entry_point.startswith("-m "):
                module = candidate.entry_point.removeprefix("-m ")
                commands[candidate.entry_point] = (str(venv / "bin" / "python"), "-m", module)
        _compile(site, venv, source if kind == "files" else None, readable)
        is_package_run = kind == "files" and candidate.entry_point.startswith("-m ")
        return Built(
            commands=commands,
            path=(str(venv / "bin"),),
            variables={
                "VIRTUAL_ENV": str(venv),
                "PYTHONUNBUFFERED": "1",  # so that its output can be followed as it comes
                "PYTHONDONTWRITEBYTECODE": "1",
                **({"PYTHONPATH": _import_path(source)} if is_package_run else {}),
            },
            readable=(prefix,),
        )

    def _install(
        self,
        site: Site,
        venv: Path,
        what: Sequence[str],
        *,
        cwd: Path,
        readable: Sequence[Path],
    ) -> None:
        site.shell(
            [
                *(uv.find_uv_bin(), "pip", "install", "--python", str(venv / "bin" / "python")),
                # an environment that shared its files with the cache could be changed through it
                *("--link-mode", "copy", "--no-compile-bytecode", "--no-progress"),
                *what,
            ],
            cwd=cwd,
            writable=(site.target, site.cache),
            readable=readable,
            variables={
                "UV_CACHE_DIR": str(site.cache / "uv"),
                "UV_PYTHON_DOWNLOADS": "never",
                "UV_NO_CONFIG": "1",
                "VIRTUAL_ENV": str(venv),
            },
        )

    def _kind(self, checkout: Checkout, candidate: Candidate) -> str:
        if checkout.source.kind is SourceKind.PYPI:
            return "index"
        is_script = (
            _script(candidate) is not None and (checkout.folder / candidate.entry_point).is_file()
        )
        if python_files.is_installable(checkout.folder) and not is_script:
            return "package"
        return "files"

    def _requires_python(self, checkout: Checkout, candidate: Candidate) -> str:
        if checkout.source.kind is SourceKind.PYPI:
            return ""
        return python_files.requires_python(checkout.folder, _script(candidate))

    def _candidate(self, entry_point: str, reason: str, rank: int) -> Candidate:
        return Candidate(runtime=self.runtime, entry_point=entry_point, reason=reason, rank=rank)


def interpreter(asked: str) -> str:
    """Return the path of an interpreter that fits, the one that runs this if it does.

    Raises
    ------
    BuildError
        With the code `python_missing`, if none on this machine fits.
    """
    try:
        specifier = SpecifierSet(asked)
    except InvalidSpecifier:
        specifier = SpecifierSet()  # what cannot be read excludes nothing
    own = ".".join(map(str, sys.version_info[:3]))
    if specifier.contains(own, prereleases=True):
        return getattr(sys, "_base_executable", None) or sys.executable
    return _find(str(specifier))


@cache
def _find(specifier: str) -> str:
    found = subprocess.run(
        [uv.find_uv_bin(), "python", "find", "--no-python-downloads", "--no-project", specifier],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        listing = subprocess.run(
            [uv.find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        there = sorted({python["version"] for python in json.loads(listing.stdout or "[]")})
        raise BuildError(
            f"It needs Python {specifier}; here there is {', '.join(there)}.",
            "Install such a Python (uv python install, apt, conda), then build it again.",
            code="python_missing",
        )
    return found.stdout.strip()


@cache
def base_prefix(python: str) -> str:
    """Return the folder that an interpreter is installed in."""
    return _ask(python, "sys.base_prefix")


@cache
def version_of(python: str) -> str:
    """Return the name and version of an interpreter, for people."""
    return "Python " + _ask(python, "'.'.join(map(str, sys.version_info[:3]))")


def _ask(python: str, expression: str) -> str:
    if python in (sys.executable, getattr(sys, "_base_executable", "")):
        return str(eval(expression, {"sys": sys}))  # noqa: S307 a constant of this module
    return subprocess.run(
        [python, "-I", "-c", f"import sys; print({expression})"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def _compile(site: Site, venv: Path, source: Path | None, readable: Sequence[Path]) -> None:
    """Compile what runs may import; the tests of packages are often most of their files."""
    folders = [str(path) for path in venv.glob("lib/python*/site-packages")]
    site.shell(
        [
            *(str(venv / "bin" / "python"), "-m", "compileall", "-q", "-q", "-j", "0"),
            *("-x", r"[/\\]tests?[/\\]", *folders, *([str(source)] if source else [])),
        ],
        cwd=site.target,
        readable=readable,
        network=False,
        check=False,  # old files that cannot be compiled are nobody's loss
    )


def _script(candidate: Candidate) -> str | None:
    """Return the path of the script that a candidate runs, if it is one."""
    entry_point = candidate.entry_point
    is_path = entry_point.endswith(".py") or "/" in entry_point
    return entry_point if is_path or "script" in candidate.reason.split()[:2] else None


def _as_arguments(needs: Sequence[str]) -> list[str]:
    if needs == ["-r requirements.txt"]:
        return ["-r", "requirements.txt"]
    return ["--", *needs]


def _leads_out(checkout: Checkout) -> Callable[[str, list[str]], set[str]]:
    root = checkout.folder.resolve()

    def ignore(parent: str, names: list[str]) -> set[str]:
        return {
            name
            for name in names
            if name == ".git"
            or (
                (path := Path(parent, name)).is_symlink()
                and not path.resolve().is_relative_to(root)
            )
        }

    return ignore


def _import_path(source: Path) -> str:
    return f"{source}:{source / 'src'}"


def _commands_of_files(
    venv: Path, source: Path, candidate: Candidate
) -> dict[str, tuple[str, ...]]:
    python = str(venv / "bin" / "python")
    entry_point = candidate.entry_point
    if entry_point.startswith("-m "):
        return {entry_point: (python, "-m", entry_point.removeprefix("-m "))}
    return {entry_point: (python, str(source / entry_point))}


def _commands_of(venv: Path, checkout: Checkout) -> dict[str, tuple[str, ...]]:
    """Return the commands that the distribution made from the checkout installed."""
    wanted = canonicalize_name(checkout.source.location.partition("[")[0])
    for metadata in _distributions(venv):
        name = canonicalize_name(metadata.name.partition("-")[0])
        is_ours = (
            name == wanted
            if checkout.source.kind is SourceKind.PYPI
            else _made_from(metadata, checkout.folder)
        )
        if is_ours:
            return {
                command: (str(venv / "bin" / command),)
                for command in _declared(metadata)
                if (venv / "bin" / command).exists()
            }
    return {}


def _distributions(venv: Path) -> Iterator[Path]:
    return venv.glob("lib/python*/site-packages/*.dist-info")


def _made_from(metadata: Path, folder: Path) -> bool:
    try:
        url = str(json.loads((metadata / "direct_url.json").read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return url == folder.as_uri()


def _declared(metadata: Path) -> list[str]:
    # names keep their case
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    path = metadata / "entry_points.txt"
    if path.is_file():
        parser.read_string(path.read_text("utf-8", "replace"))
    names = list(parser["console_scripts"]) if parser.has_section("console_scripts") else []
    for line in (metadata / "RECORD").read_text("utf-8", "replace").splitlines():
        place = line.split(",", 1)[0]
        if place.startswith("../../../bin/") and place.count("/") == 4:
            names.append(place.rsplit("/", 1)[-1])
    gui = set(parser["gui_scripts"]) if parser.has_section("gui_scripts") else set()
    return [name for name in dict.fromkeys(names) if name not in gui]
