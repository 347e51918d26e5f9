"""Python: packages of an index, sources with packaging metadata, and plain scripts.

What the files say is read by ``python_files``, Pythons are found by ``interpreters``; uv installs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from importlib import resources
from pathlib import Path
from typing import ClassVar

import uv
from packaging.utils import canonicalize_name

from ... import foreign_files
from ...config import TooInstance
from ...errors import BuildError
from ...records import Candidate, Runtime, SourceKind
from ..base import Built, Checkout, Site
from ..diagnose import AGAIN, UNREACHABLE
from . import indexes, old_modules, python_files
from .interpreters import base_prefix, interpreter, version_of

_VENV, _SOURCE, _CONSTRAINTS = "venv", "source", "constraints.txt"
_MOST_RECORD = 20_000_000


class PythonBuildpack:
    """See `build.base.Buildpack`."""

    runtime: ClassVar[str] = Runtime.PYTHON

    def __init__(self, config: TooInstance) -> None:
        may = config.python_downloads
        self._downloads = config.home_path / "toolchains" / "python" if may else None

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
        kind = kind_of(checkout, candidate)
        python = self._interpreter(checkout, candidate)
        # the same path may lead to another Python after an upgrade of the machine
        recipe = {"python": f"{python} {version_of(python)}", "kind": kind}
        if kind == "files":
            needs = python_files.requirements(checkout.folder, script_of(checkout, candidate))
            recipe["requirements"] = "\n".join(needs.lines)
        if kind == "index":
            recipe["name"] = checkout.source.location
        return recipe

    def steps(self, checkout: Checkout, candidate: Candidate) -> int:
        """Return how many steps `build` takes."""
        return 2

    def build(self, checkout: Checkout, candidate: Candidate, site: Site) -> Built:
        """Make a virtual environment with the source and what it needs."""
        python = self._interpreter(checkout, candidate)
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
        # before anything of the source runs, which could plant a link in its place
        with (site.target / _CONSTRAINTS).open("x") as file:
            file.write("setuptools<81\n")
        kind = kind_of(checkout, candidate)
        source = checkout.folder
        if kind == "files":
            source = site.target / _SOURCE
            shutil.copytree(checkout.folder, source, symlinks=True, ignore=_leads_out(checkout))
            site.adopt(source)
            needs = python_files.requirements(source, script_of(checkout, candidate))
            named = f"Installing what {needs.where} names"
            site.step(named if needs.lines else "It needs no packages")
            if needs.are_guessed:
                self._install_guessed(site, venv, needs.lines, cwd=source, readable=readable)
            elif needs.lines:
                self._install(site, venv, _as_arguments(needs.lines), cwd=source, readable=readable)
            commands = self._commands_of_files(checkout, candidate, venv, source)
        else:
            is_index = kind == "index"
            what = f"{checkout.source.location}=={checkout.commit}" if is_index else str(source)
            site.step(f"Installing {checkout.name} and what it needs")
            self._install(site, venv, ["--", what], cwd=source, readable=readable)
            commands = _commands_of(venv, checkout)
            modules = [f"-m {name}" for name in python_files.main_packages(source)]
            for module in (*modules, candidate.entry_point):
                if module.startswith("-m "):
                    commands[module] = (str(venv / "bin" / "python"), *module.split())
        self._bring_back(site, venv, source if kind == "files" else None, readable=readable)
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
            beside_check=_compile(venv, source if kind == "files" else None),
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
        settings = indexes.from_pip()

        def install(variables: Mapping[str, str]) -> None:
            site.shell(
                [
                    *(uv.find_uv_bin(), "pip", "install", "--python", str(venv / "bin" / "python")),
                    *("--link-mode", "copy", "--no-compile-bytecode", "--no-progress"),
                    *what,
                ],
                cwd=cwd,
                writable=(site.target, site.cache),
                readable=(*readable, *settings.readable),
                variables={
                    **settings.variables,
                    "UV_CACHE_DIR": str(site.cache / "uv"),
                    "UV_PYTHON_DOWNLOADS": "never",
                    "UV_NO_CONFIG": "1",
                    "VIRTUAL_ENV": str(venv),
                    **variables,
                },
            )

        try:
            install({})
        except BuildError as error:
            if "No module named 'pkg_resources'" not in error.message:
                raise
            site.note(f"{AGAIN} an older setuptools: those of today have no pkg_resources")
            install({"UV_BUILD_CONSTRAINT": str(site.target / _CONSTRAINTS)})

    def _install_guessed(
        self,
        site: Site,
        venv: Path,
        packages: Sequence[str],
        *,
        cwd: Path,
        readable: Sequence[Path],
    ) -> None:
        """Install those packages that can be had: a guess decides nothing."""
        attempts = [list(packages), *([name] for name in packages)] if packages else []
        for number, attempt in enumerate(attempts):
            try:
                self._install(site, venv, ["--", *attempt], cwd=cwd, readable=readable)
            except BuildError as error:
                if error.error_code != "build_failed" or error.message == UNREACHABLE:
                    raise
                if number > 0:
                    site.note(
                        f"Goes on without {attempt[0]}, a guess from imports: {error.message}"
                    )
            else:
                if number == 0:
                    return

    def _bring_back(
        self, site: Site, venv: Path, source: Path | None, *, readable: Sequence[Path]
    ) -> None:
        """Install what has modules that were always there once, and that packages import still."""
        program = resources.files(__package__) / "old_modules.py"
        found = site.shell(
            [
                *(str(venv / "bin" / "python"), "-I", "-S", "-c", program.read_text("utf-8")),
                *(str(venv), *([str(source)] if source else [])),
            ],
            cwd=site.target,
            readable=readable,
            network=False,
            check=False,
        )
        packages = [line for line in found.output.splitlines() if line in old_modules.PACKAGES]
        if found.exit_code == 0 and packages:
            site.note(f"Installing {', '.join(packages)}: has what newer Pythons have no more")
            self._install_guessed(site, venv, packages, cwd=site.target, readable=readable)

    def _interpreter(self, checkout: Checkout, candidate: Candidate) -> str:
        if checkout.source.kind is SourceKind.PYPI:
            return interpreter("")
        asked = python_files.requires_python(checkout.folder, script_of(checkout, candidate))
        return interpreter(asked, self._downloads)

    def _commands_of_files(
        self, checkout: Checkout, candidate: Candidate, venv: Path, source: Path
    ) -> dict[str, tuple[str, ...]]:
        """Return every way to run the files, since one environment may serve several tools."""
        python = str(venv / "bin" / "python")
        alike = [
            other.entry_point
            for other in (*self.detect(checkout), candidate)
            if other.entry_point and kind_of(checkout, other) == "files"
        ]
        return {
            entry_point: (python, *entry_point.split())
            if entry_point.startswith("-m ")
            else (python, str(source / entry_point))
            for entry_point in alike
        }

    def _candidate(self, entry_point: str, reason: str, rank: int) -> Candidate:
        return Candidate(runtime=self.runtime, entry_point=entry_point, reason=reason, rank=rank)


def _compile(venv: Path, source: Path | None) -> tuple[str, ...]:
    """Return the command that compiles what runs may import."""
    program = resources.files("tooinstance_jupyter.build.images") / "inside" / "bytecode.py"
    folders = [str(venv / place) for place in _site_packages(venv)]
    return (
        *(str(venv / "bin" / "python"), "-I", "-S", "-c", program.read_text("utf-8")),
        *(*folders, *([str(source)] if source else [])),
    )


def kind_of(checkout: Checkout, candidate: Candidate) -> str:
    """Return how a candidate is installed: from an ``index``, as a ``package`` or as ``files``."""
    if checkout.source.kind is SourceKind.PYPI:
        return "index"
    is_installable = python_files.is_installable(checkout.folder)
    return "package" if is_installable and script_of(checkout, candidate) is None else "files"


def script_of(checkout: Checkout, candidate: Candidate) -> str | None:
    """Return the path of the script that a candidate runs, if it is one.

    A file at the top may have the name of a console script, and is not what is meant then.
    """
    entry_point = candidate.entry_point
    if not entry_point or not (checkout.folder / entry_point).is_file():
        return None
    if not python_files.is_installable(checkout.folder):
        return entry_point
    declared = {name for name, _, _ in python_files.console_scripts(checkout.folder)}
    return None if entry_point in declared else entry_point


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


def _commands_of(venv: Path, checkout: Checkout) -> dict[str, tuple[str, ...]]:
    """Return the commands that the distribution made from the checkout installed."""
    wanted = canonicalize_name(checkout.source.location.partition("[")[0])
    for place in _site_packages(venv):
        for name in foreign_files.names(venv, place):
            if not name.endswith(".dist-info"):
                continue
            metadata = f"{place}/{name}"
            is_ours = (
                canonicalize_name(name.partition("-")[0]) == wanted
                if checkout.source.kind is SourceKind.PYPI
                else _made_from(venv, metadata, checkout.folder)
            )
            if is_ours:
                return {
                    command: (str(venv / "bin" / command),)
                    for command in _declared(venv, metadata)
                    if foreign_files.is_there(venv, f"bin/{command}")
                }
    return {}


def _site_packages(venv: Path) -> list[str]:
    """Return where packages are in a virtual environment, relative to it."""
    return [
        f"lib/{name}/site-packages"
        for name in foreign_files.names(venv, "lib")
        if name.startswith("python")
    ]


def _made_from(venv: Path, metadata: str, folder: Path) -> bool:
    try:
        told = json.loads(foreign_files.text(venv, f"{metadata}/direct_url.json"))
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("url") == folder.as_uri()


def _declared(venv: Path, metadata: str) -> list[str]:
    # names keep their case
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(foreign_files.text(venv, f"{metadata}/entry_points.txt"))
    except ConfigParserError as error:
        # its words would quote the file
        raise BuildError(
            f"The entry points of {metadata.rpartition('/')[2]} cannot be read.",
            "They are made by the package's own set-up.",
            code="metadata_unreadable",
        ) from error
    names = list(parser["console_scripts"]) if parser.has_section("console_scripts") else []
    for line in foreign_files.text(
        venv, f"{metadata}/RECORD", most_bytes=_MOST_RECORD
    ).splitlines():
        place = line.split(",", 1)[0]
        if place.startswith("../../../bin/") and place.count("/") == 4:
            names.append(place.rsplit("/", 1)[-1])
    gui = set(parser["gui_scripts"]) if parser.has_section("gui_scripts") else set()
    return [name for name in dict.fromkeys(names) if name not in gui and "/" not in name]
