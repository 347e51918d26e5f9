"""Finds a Python that fits what a source asks for, or has uv download one where that is allowed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import uv
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ...errors import BuildError
from .. import error_lines


def interpreter(asked: str, downloads: Path | None = None) -> str:
    """Return the path of an interpreter that fits, the one that runs this if it does.

    Parameters
    ----------
    asked
        A version specifier (PEP 440); empty for any version.
    downloads
        The folder to download one into when there is none; ``None`` if that is not allowed.

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
    return _find(str(specifier), downloads)


@cache
def base_prefix(python: str) -> str:
    """Return the folder that an interpreter is installed in."""
    return _ask(python, "sys.base_prefix")


@cache
def version_of(python: str) -> str:
    """Return the name and version of an interpreter, for people."""
    return "Python " + _ask(python, "'.'.join(map(str, sys.version_info[:3]))")


@cache
def _find(specifier: str, downloads: Path | None) -> str:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    # those that pyenv has not switched on
    others = sorted(map(str, pyenv.glob("versions/*/bin")), reverse=True)
    environment = {**os.environ, "PATH": os.pathsep.join([os.environ["PATH"], *others])}
    if downloads is not None:
        environment["UV_PYTHON_INSTALL_DIR"] = str(downloads)

    def ask_uv(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [uv.find_uv_bin(), "python", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    find = ("find", "--no-python-downloads", "--no-project", specifier)
    found = ask_uv(*find)
    if found.returncode != 0 and downloads is not None:
        installed = ask_uv("install", "--no-bin", specifier)
        if installed.returncode != 0:
            raise BuildError(
                f"It needs Python {specifier}, which cannot be downloaded: "
                f"{error_lines.find(installed.stderr).line}",
                "Is there a network, and is there such a Python?",
                code="python_missing",
            )
        found = ask_uv(*find)
    if found.returncode != 0:
        listing = ask_uv("list", "--only-installed", "--output-format", "json").stdout
        there = sorted({python["version"] for python in json.loads(listing or "[]")})
        raise BuildError(
            f"It needs Python {specifier}; here there is {', '.join(there)}.",
            "Install such a Python (apt, conda, pyenv, uv), or set TooInstance.python_downloads "
            "to True; then build it again.",
            code="python_missing",
        )
    return found.stdout.strip()


def _ask(python: str, expression: str) -> str:
    if python in (sys.executable, getattr(sys, "_base_executable", "")):
        return str(eval(expression, {"sys": sys}))  # noqa: S307 a constant of this module
    return subprocess.run(
        [python, "-I", "-c", f"import sys; print({expression})"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
