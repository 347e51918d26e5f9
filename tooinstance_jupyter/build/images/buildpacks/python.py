"""Python as an image: a virtual environment in a layer of its own, the source above it.

What the files say is read by the buildpack for folders; uv installs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from ....config import TooInstance
from ....errors import BuildError
from ....records import Candidate, Runtime
from ...base import Checkout
from ...buildpacks import old_modules, python_files
from ...buildpacks.python import PythonBuildpack, kind_of, script_of
from .. import dockerfile, requirements, versions, virtualenv
from ..base import Recipe
from ..dockerfile import ADDED, COMMANDS, SOURCE, added, bound, inside, run
from ..virtualenv import BYTECODE, COMPILE, NO_CACHE, OLD_MODULES, PYTHON, VENV

_PROGRAMS = {
    "bytecode.py": inside("bytecode.py"),
    "uv.sh": inside("uv.sh"),
    "old_modules.py": Path(old_modules.__file__).read_text("utf-8"),
}


class PythonImageBuildpack:
    """See `build.images.base.ImageBuildpack`."""

    runtime: ClassVar[str] = Runtime.PYTHON

    def __init__(self, config: TooInstance) -> None:
        self._config = config
        self._found = PythonBuildpack(config)

    def detect(self, checkout: Checkout) -> list[Candidate]:
        """Return the ways to run a checkout with Python."""
        return list(self._found.detect(checkout))

    def recipe(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        """Return how the candidate becomes an image."""
        match kind_of(checkout, candidate):
            case "index":
                return self._package_of_index(checkout, candidate)
            case "package":
                return self._package(checkout, candidate)
            case _:
                return self._files(checkout, candidate)

    def _package_of_index(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        name = checkout.source.location
        return Recipe(
            dockerfile=dockerfile.text(
                *self._first_stages(checkout, ""),
                *virtualenv.dependencies(added("requirements.txt"), f"{ADDED}/requirements.txt"),
                "FROM runtime",
                dockerfile.copy(VENV, VENV, stage="dependencies"),
                run(
                    "Listing its commands",
                    f"python3 {ADDED}/python_commands.py {VENV} {name.partition('[')[0]} "
                    f">{COMMANDS}",
                    mounts=[added("python_commands.py")],
                ),
                *_end(candidate, {}),
            ),
            files={
                "requirements.txt": f"{name}=={checkout.commit}\n",
                **_PROGRAMS,
                "python_commands.py": inside("python_commands.py"),
            },
            commands=_modules([], candidate),
            commands_at=COMMANDS,
        )

    def _package(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        system = python_files.table(
            python_files.toml(checkout.folder / "pyproject.toml"), "build-system"
        )
        to_build = python_files.strings(system.get("requires")) or ["setuptools", "wheel"]
        has_git = (checkout.folder / ".git").exists()
        return Recipe(
            dockerfile=dockerfile.text(
                *self._first_stages(checkout, python_files.requires_python(checkout.folder)),
                *virtualenv.wheel(checkout.name, to_build, has_git=has_git),
                *virtualenv.dependencies(
                    bound("/requirements.txt", "/requirements.txt", stage="wheel"),
                    "/requirements.txt",
                ),
                "FROM runtime",
                dockerfile.copy(VENV, VENV, stage="dependencies"),
                run(
                    f"Installing {checkout.name}",
                    NO_CACHE,
                    "export PATH=/opt/uv/bin:$PATH",
                    f"uv pip install --quiet --no-deps --offline --python {PYTHON} /wheels/*.whl",
                    f"python3 -I -S {ADDED}/python_commands.py {VENV} /wheels/*.whl >{COMMANDS}",
                    virtualenv.brought_back(),
                    f"{COMPILE} {VENV}/lib || :",
                    mounts=[
                        BYTECODE,
                        OLD_MODULES,
                        bound("/wheels", "/wheels", stage="wheel"),
                        bound("/opt/uv", "/opt/uv", stage="uv"),
                        added("python_commands.py"),
                    ],
                ),
                *_end(candidate, {}),
            ),
            files={
                "build-requires.txt": _lines(to_build),
                "wheel.py": inside("wheel.py"),
                **_PROGRAMS,
                "python_commands.py": inside("python_commands.py"),
            },
            ignored=(),  # some packages take their version from git
            commands=_modules(list(python_files.main_packages(checkout.folder)), candidate),
            commands_at=COMMANDS,
        )

    def _files(self, checkout: Checkout, candidate: Candidate) -> Recipe:
        folder, script = checkout.folder, script_of(checkout, candidate)
        needs = python_files.requirements(folder, script)
        is_file = needs.lines == ["-r requirements.txt"]
        flat = requirements.flat(folder) if is_file else list(needs.lines)
        also = sorted(old_modules.in_folders([folder]))
        files = {"requirements.txt": _lines(flat or []), **_PROGRAMS}
        has_venv = bool(flat or also) or flat is None
        python = PYTHON if has_venv else "python3"
        commands = self._commands_of_files(checkout, candidate, python)
        if flat is None:
            dependencies = virtualenv.dependencies_beside_source(also)
        elif needs.are_guessed and has_venv:
            files["guessed.sh"] = inside("guessed.sh")
            dependencies = virtualenv.guessed(also)
        elif has_venv:
            dependencies = virtualenv.dependencies(
                added("requirements.txt"), f"{ADDED}/requirements.txt", needs.where, also
            )
        else:
            dependencies = []
        is_module = candidate.entry_point.startswith("-m ")
        return Recipe(
            dockerfile=dockerfile.text(
                *self._first_stages(checkout, python_files.requires_python(folder, script)),
                *dependencies,
                "FROM runtime AS source",
                dockerfile.copy(".", SOURCE),
                run(
                    f"Compiling {checkout.name}",
                    f"rm -rf {SOURCE}/.tooinstance",
                    f"{COMPILE} {SOURCE} || :",
                    mounts=[BYTECODE],
                ),
                "FROM runtime",
                dockerfile.copy(VENV, VENV, stage="dependencies") if has_venv else [],
                dockerfile.copy(SOURCE, SOURCE, stage="source"),
                dockerfile.env(PYTHONPATH=f"{SOURCE}:{SOURCE}/src") if is_module else [],
                *_end(candidate, commands),
            ),
            files=files,
            commands=commands,
        )

    def _first_stages(self, checkout: Checkout, asked: str) -> list[str]:
        version = versions.python(checkout.folder, asked)
        if not version and "{version}" in self._config.base_images.get(self.runtime, ""):
            raise BuildError(
                f"It needs Python {asked}, and there is no image of such a Python.",
                f"There is {', '.join(versions.PYTHONS)}; an administrator can name another image "
                "in TooInstance.base_images.",
                code="python_missing",
            )
        base = dockerfile.base(self._config, self.runtime, version)
        return virtualenv.first_stages(base, dockerfile.apt_packages(checkout))

    def _commands_of_files(
        self, checkout: Checkout, candidate: Candidate, python: str
    ) -> dict[str, tuple[str, ...]]:
        """Return every way to run the files, since one image may serve several tools."""
        alike = [
            other.entry_point
            for other in (*self.detect(checkout), candidate)
            if other.entry_point and kind_of(checkout, other) == "files"
        ]
        return {
            entry_point: (python, *entry_point.split())
            if entry_point.startswith("-m ")
            else (python, f"{SOURCE}/{entry_point}")
            for entry_point in alike
        }


def _modules(packages: list[str], candidate: Candidate) -> dict[str, tuple[str, ...]]:
    named = [f"-m {package}" for package in packages]
    named += [candidate.entry_point] if candidate.entry_point.startswith("-m ") else []
    return {name: (PYTHON, *name.split()) for name in named}


def _end(candidate: Candidate, commands: Mapping[str, tuple[str, ...]]) -> list[str]:
    entry_point = candidate.entry_point
    command = commands.get(entry_point) or _modules([], candidate).get(entry_point)
    if command is None and entry_point:
        command = (f"{VENV}/bin/{entry_point}",)
    return [
        dockerfile.env(PYTHONUNBUFFERED="1", PYTHONDONTWRITEBYTECODE="1"),
        *dockerfile.end(command=command or (), path=f"{VENV}/bin"),
    ]


def _lines(words: list[str]) -> str:
    return "".join(f"{word}\n" for word in words if "\n" not in word and "\r" not in word)
