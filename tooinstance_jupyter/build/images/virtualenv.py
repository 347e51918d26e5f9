"""Stages of Python images: where uv comes from, the package's wheel, what it depends on.

Which of them a source needs is left to the buildpack.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..diagnose import AGAIN
from . import dockerfile
from .dockerfile import ADDED, SOURCE, TOOL, added, run

VENV = f"{TOOL}/venv"
"""The virtual environment, and `PYTHON`, its interpreter."""

PYTHON = f"{VENV}/bin/python"
_CACHE = "/var/cache/uv"
_UV_SETTINGS = dockerfile.env(
    UV_LINK_MODE="copy", UV_NO_CONFIG="1", UV_NO_PROGRESS="1", UV_PYTHON_DOWNLOADS="never"
)
_GET_UV = (
    # Debian keeps pip apart from Python, as a wheel, which runs as it is
    "pip='-m pip'",
    "python3 -m pip --version >/dev/null 2>&1 || pip=$(ls /usr/share/python-wheels/pip-*.whl)/pip",
    "python3 $pip install --quiet --no-cache-dir --only-binary :all: --target /opt/uv 'uv>=0.8'",
)
_HAS_PIP = "{ python3 -m pip --version || ls /usr/share/python-wheels/pip-*.whl; }"
_DEBIANS_OWN = '[ "$(command -v python3)" != /usr/bin/python3 ]'
_COMPILERS = (*dockerfile.COMPILERS, f"$({_DEBIANS_OWN} || echo python3-dev)")
# builds that take the version from git
_VERSIONED = re.compile(r"scm|vcs|versioneer|pbr|version(ing)?", re.IGNORECASE)
NO_CACHE = "export UV_NO_CACHE=1"
COMPILE = f"python3 -I -S {ADDED}/bytecode.py"
"""Compiles the folders that follow, with `BYTECODE` mounted; its failure must decide nothing."""

BYTECODE = added("bytecode.py")
OLD_MODULES = added("old_modules.py")
_UV = f"sh {ADDED}/uv.sh"
_NEW_VENV = f'uv venv --quiet --python "$(command -v python3)" {VENV}'


def first_stages(base: str, packages: list[str]) -> list[str]:
    """Return the stages that the others begin with: ``uv``, ``runtime`` and ``python``.

    Parameters
    ----------
    packages
        Debian packages for the runtime.
    """
    return [
        dockerfile.from_(base, "uv"),
        *dockerfile.install(["python3", "python3-pip-whl"], title="Getting pip", unless=_HAS_PIP),
        run("Getting uv", *_GET_UV),
        dockerfile.from_(base, "runtime"),
        *dockerfile.install(["python3"], title="Getting Python", unless="command -v python3"),
        *dockerfile.install(packages),
        "FROM runtime AS python",
        dockerfile.copy("/opt/uv/bin/uv", "/usr/local/bin/uv", stage="uv"),
        _UV_SETTINGS,
    ]


def wheel(name: str, requires: Sequence[str], *, has_git: bool) -> list[str]:
    """Return the stage that builds the package, and lists what it requires.

    It needs the files ``build-requires.txt`` and ``wheel.py`` in the context.

    Parameters
    ----------
    requires
        What builds it.
    has_git
        Whether the source has its history, which some packages take their version from.
    """
    is_versioned = any(_VERSIONED.search(requirement) for requirement in requires)
    build = f"{_UV} build --wheel --out-dir /wheels /source"
    return [
        "FROM python AS wheel",
        *(dockerfile.install(["git"], unless="command -v git") if is_versioned else []),
        # this cache is a layer of a stage that is thrown away: set-up scripts may see it
        dockerfile.env(UV_CACHE_DIR="/opt/uv-cache"),
        run(
            "Getting what builds the package",
            f"uv pip install --quiet --no-build --target /opt/unused "
            f"--requirements {ADDED}/build-requires.txt || :",
            mounts=[added("build-requires.txt")],
        ),
        dockerfile.copy(".", "/source"),
        *([] if has_git else [dockerfile.env(SETUPTOOLS_SCM_PRETEND_VERSION="0")]),
        run(
            f"Building the package {name}",
            dockerfile.retried(build, _COMPILERS),
            f"python3 -I {ADDED}/wheel.py /wheels/*.whl >/requirements.txt",
            mounts=[added("wheel.py"), added("uv.sh")],
        ),
    ]


def dependencies(
    mount: str, path: str, where: str = "its packaging metadata", also: Sequence[str] = ()
) -> list[str]:
    """Return the stage that installs what a requirements file names, cached by its content.

    Choosing versions may run set-up scripts of packages, so that happens without the shared cache,
    as does installing what has no wheel.

    Parameters
    ----------
    also
        Modules of `old_modules.REMOVED` that the source itself imports.
    """
    resolve = (
        f"{{ grep -E '^-' {path} >/opt/list.txt || :; }} && "
        f"{_UV} pip compile --no-header --no-annotate {path} >>/opt/list.txt"
    )
    install = f"{_UV} pip install --python {PYTHON} --no-deps --requirements /opt/list.txt"
    return [
        "FROM python AS list",
        run(
            f"Looking up what {Path(where).name} names",
            NO_CACHE,
            f"if grep -q -e --hash= {path}; then cp {path} /opt/list.txt; "
            f"else {dockerfile.retried(resolve, _COMPILERS)}; fi",
            mounts=[mount, added("uv.sh")],
        ),
        "FROM python AS dependencies",
        dockerfile.copy("/opt/list.txt", "/opt/list.txt", stage="list"),
        run(
            "Installing the packages that it needs",
            _NEW_VENV,
            f"UV_CACHE_DIR={_CACHE} {install} --no-build && touch /opt/installed || "
            "echo 'Not all of them are there as wheels.'",
            f"{COMPILE} {VENV}/lib || :",
            caches=[_CACHE],
            mounts=[BYTECODE, added("uv.sh")],
        ),
        run(
            "Building packages that have no wheel",
            NO_CACHE,
            f"[ -e /opt/installed ] || {{ {dockerfile.retried(install, _COMPILERS)}; "
            f"{COMPILE} {VENV}/lib || :; }}",
            brought_back(also),
            mounts=[BYTECODE, OLD_MODULES, added("uv.sh")],
        ),
    ]


def guessed(also: Sequence[str] = ()) -> list[str]:
    """Return the stage that installs those packages of a guess that can be had.

    It needs the files ``requirements.txt`` and ``guessed.sh`` in the context. See `dependencies`.
    """
    install = f"sh {ADDED}/guessed.sh"
    mounts = [added("requirements.txt"), added("guessed.sh"), BYTECODE]
    left, without = "/opt/left.txt", "/opt/without.txt"
    return [
        "FROM python AS dependencies",
        run(
            "Installing what its imports name",
            _NEW_VENV,
            f"UV_CACHE_DIR={_CACHE} {install} {ADDED}/requirements.txt {left} --python {PYTHON} "
            "--no-build",
            f"{COMPILE} {VENV}/lib || :",
            caches=[_CACHE],
            mounts=mounts,
        ),
        run(
            "Building packages that have no wheel",
            NO_CACHE,
            f"[ ! -s {left} ] || {install} {left} {without} --python {PYTHON}",
            f"[ ! -s {without} ] || {{ echo '{AGAIN} compilers.'; {dockerfile.apt(_COMPILERS)}; "
            f"{install} {without} {left} --python {PYTHON}; "
            f'for package in $(cat {left}); do echo "Goes on without $package, a guess from '
            'imports: it cannot be built."; done; }',
            brought_back(also),
            f"{COMPILE} {VENV}/lib || :",
            mounts=[*mounts, OLD_MODULES],
        ),
    ]


def brought_back(also: Sequence[str] = ()) -> str:
    """Return the command that installs what has modules that newer Pythons no longer have.

    `OLD_MODULES` and `BYTECODE` must be mounted. See `dependencies`.
    """
    find = f"python3 -I -S {ADDED}/old_modules.py {VENV} {' '.join(also)}"
    install = f"uv pip install --quiet --no-deps --python {PYTHON}"
    return (
        f"for package in $({find.strip()}); do "
        'echo "Installing $package: has what newer Pythons have no more"; '
        f'{install} -- "$package" || echo "Goes on without $package."; '
        f"{COMPILE} {VENV}/lib || :; done"
    )


def dependencies_beside_source(also: Sequence[str] = ()) -> list[str]:
    """Return the stage for requirements that name files of the source, whose code may run."""
    install = f"{_UV} pip install --python {PYTHON} --requirements requirements.txt"
    return [
        "FROM python AS dependencies",
        dockerfile.copy(".", SOURCE),
        run(
            "Installing what requirements.txt names",
            NO_CACHE,
            _NEW_VENV,
            f"cd {SOURCE}",
            dockerfile.retried(install, _COMPILERS),
            brought_back(also),
            f"{COMPILE} {VENV}/lib || :",
            mounts=[BYTECODE, OLD_MODULES, added("uv.sh")],
        ),
    ]
