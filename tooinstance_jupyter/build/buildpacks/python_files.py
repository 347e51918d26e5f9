"""What the files of a Python source say: its commands, scripts, dependencies. Nothing is run."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import files, imports

_PEP_723 = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_MAIN_GUARD = re.compile(r"(?m)^if\s+__name__\s*==\s*['\"]__main__['\"]\s*:")
_COMMAND = re.compile(r"[A-Za-z0-9_][\w.+-]*")
_MAIN_NAMES = ("main.py", "cli.py", "app.py", "run.py")
_MOST_FILES = 2_000


def console_scripts(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Yield name, where it stands, and rank of each command that packaging metadata declares."""
    pyproject = toml(folder / "pyproject.toml")
    declared = (
        (table(pyproject, "project", "scripts"), "console script in pyproject.toml", 100),
        (table(pyproject, "tool", "poetry", "scripts"), "Poetry script in pyproject.toml", 98),
        (table(pyproject, "tool", "flit", "scripts"), "Flit script in pyproject.toml", 98),
        (_script_files(pyproject), "script-files in pyproject.toml", 96),
        (_setup_cfg(folder).commands, "console script in setup.cfg", 95),
        (_setup_py(folder).commands, "console script in setup.py", 93),
    )
    for names, reason, rank in declared:
        for name in names:
            # what is no plain name could lead out of the folder of commands
            if _COMMAND.fullmatch(name):
                yield name, reason, rank


def program_files(folder: Path) -> list[str]:
    """Return the files that packaging metadata names as programs, or as the module of one."""
    pyproject = toml(folder / "pyproject.toml")
    in_cfg, in_setup = _setup_cfg(folder), _setup_py(folder)
    targets = [
        target
        for path in (("project",), ("tool", "poetry"), ("tool", "flit"))
        for target in table(pyproject, *path, "scripts").values()
        if isinstance(target, str)
    ]
    modules = [target.partition(":")[0].strip() for target in (*targets, *in_cfg.targets)]
    modules += [target.partition(":")[0].strip() for target in in_setup.targets]
    paths = strings(table(pyproject, "tool", "setuptools").get("script-files"))
    paths += [*in_cfg.files, *in_setup.files]
    return [*paths, *(f"{module}.py" for module in modules if module.isidentifier())]


def distribution_name(folder: Path) -> str:
    """Return the name of the package in a folder, as far as it is written literally."""
    pyproject = toml(folder / "pyproject.toml")
    for path in (("project",), ("tool", "poetry")):
        if isinstance(name := table(pyproject, *path).get("name"), str):
            return name
    for file in ("setup.cfg", "setup.py"):
        match = re.search(r"(?m)^\s*name\s*=\s*['\"]?([\w.-]+)", files.text(folder / file))
        if match:
            return match[1]
    return ""


def is_installable(folder: Path) -> bool:
    """Tell whether the folder can be installed as a package."""
    pyproject = toml(folder / "pyproject.toml")
    return (
        (folder / "setup.py").is_file()
        or bool(table(pyproject, "build-system"))
        or bool(table(pyproject, "tool", "poetry").get("name"))
        or bool(table(pyproject, "project", "scripts"))
        or (
            bool(files.text(folder / "setup.cfg"))
            and "[metadata]" in files.text(folder / "setup.cfg")
        )
    )


def has_dynamic_scripts(folder: Path) -> bool:
    """Tell whether only an installation shows the commands: its metadata is computed."""
    dynamic = table(toml(folder / "pyproject.toml"), "project").get("dynamic")
    if not {"scripts", "entry-points"}.isdisjoint(strings(dynamic)):
        return True
    setup = files.text(folder / "setup.py")
    return "entry_points" in setup or "scripts" in setup


def main_packages(folder: Path) -> Iterator[str]:
    """Yield the packages that ``python -m`` can run."""
    for place in (folder, folder / "src"):
        if not place.is_dir():
            continue
        for package in sorted(place.iterdir())[:_MOST_FILES]:
            if package.name.isidentifier() and files.text(package / "__main__.py"):
                yield package.name


def scripts(folder: Path, name: str) -> Iterator[tuple[str, str, int]]:
    """Yield path, reason and rank of each script that can be run by itself."""
    found = [
        (path, content)
        for path, content in files.scripts(folder)
        if path.endswith(".py")
        or (files.shebang(content) or [""])[0].endswith(("python", "python3"))
    ]
    for path, content in found:
        stem = Path(path).stem.lower()
        if inline_metadata(content) is not None:
            yield path, "script with inline metadata (PEP 723)", 60
        elif stem == name.lower():
            yield path, "script named like the source", 50
        elif Path(path).name in _MAIN_NAMES:
            yield path, "script by its usual name", 48
        elif files.shebang(content) or _MAIN_GUARD.search(content):
            yield path, "script that can be run", 32 if path.startswith("scripts/") else 42
        elif len(found) == 1:
            yield path, "the only script", 30


class Needs(NamedTuple):
    """What a source that is not a package needs: lines of a requirements file, and whence.

    What is only ``guessed`` may be had or not: the build goes on without.
    """

    lines: list[str]
    where: str
    are_guessed: bool = False


def requirements(folder: Path, script: str | None) -> Needs:
    """Return what a source that is not a package needs, and where that stands."""
    content = files.text(folder / script) if script is not None else ""
    metadata = inline_metadata(content)
    if metadata is not None:
        return Needs(strings(metadata.get("dependencies")), "its inline metadata")
    if (folder / "requirements.txt").is_file():
        return Needs(["-r requirements.txt"], "requirements.txt")
    project = table(toml(folder / "pyproject.toml"), "project")
    if "dependencies" in project:
        return Needs(strings(project["dependencies"]), "pyproject.toml")
    return Needs(imports.packages(folder, script), "its imports", are_guessed=True)


def requires_python(folder: Path, script: str | None = None) -> str:
    """Return the versions of Python that a source asks for, empty for any."""
    metadata = inline_metadata(files.text(folder / script)) if script else None
    if metadata is not None and isinstance(metadata.get("requires-python"), str):
        return str(metadata["requires-python"])
    pyproject = toml(folder / "pyproject.toml")
    asked = table(pyproject, "project").get("requires-python")
    if isinstance(asked, str):
        return asked
    asked = table(pyproject, "tool", "poetry", "dependencies").get("python")
    if isinstance(asked, str):
        return _from_poetry(asked)
    match = re.search(r"python_requires\s*=\s*['\"]?([^'\"\n]+)", files.text(folder / "setup.cfg"))
    match = match or re.search(
        r"python_requires\s*=\s*['\"]([^'\"\n]+)['\"]", files.text(folder / "setup.py")
    )
    return match[1].strip() if match else ""


def inline_metadata(content: str) -> Mapping[str, Any] | None:
    """Return a script's own metadata (PEP 723), or ``None`` without any."""
    match = _PEP_723.search(content.replace("\r\n", "\n"))
    if match is None:
        return None
    lines = (
        line[2:] if line.startswith("# ") else line[1:] for line in match["content"].splitlines()
    )
    try:
        return tomllib.loads("\n".join(lines))
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def toml(path: Path) -> Mapping[str, Any]:
    """Return a TOML file's content; nothing where it cannot be read."""
    try:
        return tomllib.loads(files.text(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def table(content: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return a table inside a TOML file; an empty one where there is something else."""
    for key in path:
        inner = content.get(key)
        if not isinstance(inner, Mapping):
            return {}
        content = inner
    return content


def strings(value: object) -> list[str]:
    """Return the strings of what should be a list of them."""
    items = value if isinstance(value, list | tuple | set) else []
    return [item for item in items if isinstance(item, str)]


class _Declared(NamedTuple):
    """The commands that metadata declares: names with what they call, and files."""

    entries: Sequence[str] = ()
    files: Sequence[str] = ()

    @property
    def commands(self) -> list[str]:
        """The names that are installed."""
        named = [entry.split("=", 1)[0].strip() for entry in self.entries if "=" in entry]
        return named + [Path(path).name for path in self.files]

    @property
    def targets(self) -> list[str]:
        """What the entry points call, in the form ``module:function``."""
        return [entry.split("=", 1)[1].strip() for entry in self.entries if "=" in entry]


def _script_files(pyproject: Mapping[str, Any]) -> list[str]:
    paths = strings(table(pyproject, "tool", "setuptools").get("script-files"))
    return _Declared(files=paths).commands


def _setup_cfg(folder: Path) -> _Declared:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string(files.text(folder / "setup.cfg"))
        lines = parser.get("options.entry_points", "console_scripts", fallback="").splitlines()
        scripts = parser.get("options", "scripts", fallback="").split()
    except configparser.Error:
        return _Declared()
    return _Declared(lines, scripts)


def _setup_py(folder: Path) -> _Declared:
    """Return the commands that setup.py names literally."""
    try:
        tree = ast.parse(files.text(folder / "setup.py"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Declared()
    entries: list[str] = []
    paths: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg not in ("entry_points", "scripts"):
                continue
            try:
                value = ast.literal_eval(keyword.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                continue
            if keyword.arg == "scripts":
                paths += strings(value)
                continue
            if isinstance(value, dict):
                value = value.get("console_scripts")
            entries += value.splitlines() if isinstance(value, str) else strings(value)
    return _Declared(entries, paths)


def _from_poetry(asked: str) -> str:
    """Return Poetry's ``^3.9`` and ``~3.9`` in the notation of the standard (PEP 440)."""
    asked = re.sub(r"\^\s*(\d+)([\d.]*)", lambda m: f">={m[1]}{m[2]},<{int(m[1]) + 1}", asked)
    return re.sub(
        r"~\s*(\d+)\.(\d+)([\d.]*)",
        lambda m: f">={m[1]}.{m[2]}{m[3]},<{m[1]}.{int(m[2]) + 1}",
        asked,
    )
