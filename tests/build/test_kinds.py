"""Kinds of repositories: each is built as the program that it is, never as a helper beside it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tooinstance_jupyter.build import detect, kinds
from tooinstance_jupyter.build.base import Checkout
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.errors import DetectionError
from tooinstance_jupyter.records import Candidate, Source, SourceKind

NAME = "frobnicate"
SHELL = "#!/bin/sh\necho helped\n"
PYTHON = "#!/usr/bin/env python3\nif __name__ == '__main__':\n    print(1)\n"
MAIN_C = "#include <stdio.h>\nint\nmain(int argc, char **argv) { puts(argv[0]); return 0; }\n"
LIBRARY_C = "int frobnicate(int x) { return x; }\n"
BUILD_SYSTEM = "[build-system]\nrequires = ['setuptools']\n"
PROJECT = BUILD_SYSTEM + f"[project]\nname = '{NAME}'\nversion = '1'\n"
SETUP = "from setuptools import setup, Extension\n"


def checkout(folder: Path, files: Mapping[str, str]) -> Checkout:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    source = Source(kind=SourceKind.GIT, location=f"https://e.example/ada/{NAME}")
    return Checkout(source=source, folder=folder, commit="0" * 40, name=NAME)


def tried(there: Checkout, environments: str = "image") -> list[str]:
    """Return what would be tried, in order, as ``runtime:entry point``."""
    group = "image_buildpacks" if environments == "image" else "buildpacks"
    config = TooInstance(home=str(there.folder))
    finders = [point.load()(config) for point in entry_points(group=f"tooinstance_jupyter.{group}")]
    found = detect.candidates(there, finders)
    chosen = detect.choose(found, there, environments=environments)
    return [f"{candidate.runtime}:{candidate.entry_point}" for candidate in chosen]


# what is in the repository: (its files, all that is tried, in order)
IMAGES: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "autotools with scripts for its release": (
        {
            "configure.ac": "AC_INIT([frobnicate])\n",
            "Makefile.am": "bin_PROGRAMS = frobnicate\n",
            "src/main.c": MAIN_C,
            "scripts/version": SHELL,
            "scripts/gen_tables.py": PYTHON,
            "compile-ios.sh": SHELL,
            "sanitize.sh": SHELL,
        },
        ["autotools:"],
    ),
    "autotools with a Dockerfile of its own": (
        {
            "configure.ac": "AC_INIT([frobnicate])\n",
            "src/main.c": MAIN_C,
            "Dockerfile": "FROM debian\n",
            "release.sh": SHELL,
        },
        ["autotools:", "dockerfile:"],
    ),
    "CMake and make, of one program": (
        {
            "CMakeLists.txt": "project(frobnicate)\n",
            "Makefile": "frobnicate:\n",
            "main.c": MAIN_C,
            "run.sh": SHELL,
            "scripts/gen-ids.py": PYTHON,
        },
        ["cmake:", "make:"],
    ),
    "make, with the sources in a folder": (
        {"Makefile": "all:\n", "programs/frobnicatecli.c": MAIN_C, "lib/frob.c": LIBRARY_C},
        ["make:"],
    ),
    "Go with its ancestor in PHP": (
        {
            "go.mod": "module e.example/frobnicate\n",
            "main.go": "package main\n",
            "original-frobnicate.php": "<?php echo 1;\n",
        },
        ["go:frobnicate"],
    ),
    "Go with the recipe of a package manager": (
        {
            "go.mod": "module e.example/frobnicate\n",
            "main.go": "package main\n",
            "frobnicate.rb": "class Frobnicate < Formula\nend\n",
        },
        ["go:frobnicate"],
    ),
    "Rust with a script of its name": (
        {
            "Cargo.toml": "[package]\nname = 'frobnicate'\n",
            "src/main.rs": "fn main() {}\n" * 20,
            "frobnicate.sh": SHELL,
        },
        ["rust:frobnicate"],
    ),
    "C with bindings for Python": (
        {
            "Makefile": "PROG=frobnicate\n",
            "main.c": MAIN_C * 20,
            "setup.py": SETUP + "setup(name='frobpy', scripts=['python/frobnicate.py'],\n"
            "    ext_modules=[Extension('frobpy', sources=['python/frobpy.pyx'])])\n",
            "python/frobnicate.py": PYTHON,
        },
        ["make:"],
    ),
    "C with a Python package beside it": (
        {
            "CMakeLists.txt": "project(frobnicate)\n",
            "src/main.cpp": MAIN_C * 50,
            "pyproject.toml": PROJECT.replace(NAME, "pyfrob")
            + "[project.scripts]\npyfrob-show = 'pyfrob:main'\n",
            "pyfrob/__init__.py": "def main(): pass\n",
        },
        ["cmake:"],
    ),
    "Python with parts in C": (
        {
            "Makefile": "test:\n",
            "pyproject.toml": PROJECT + "[project.scripts]\nfrobnicate = 'frobnicate:main'\n",
            "frobnicate/__init__.py": "",
            "src/speedups.c": LIBRARY_C * 500,
            "release.py": PYTHON,
        },
        ["python:frobnicate"],
    ),
    "Python built by a compiler of Rust": (
        {
            "Cargo.toml": "[package]\nname = 'frobnicate'\n",
            "src/main.rs": "fn main() {}\n" * 200,
            "pyproject.toml": PROJECT.replace("setuptools", "maturin>=1")
            + "[project.scripts]\nfrob = 'x:y'\n",
        },
        ["python:frob"],
    ),
    "Python whose setup computes its commands": (
        {
            "setup.py": SETUP + "entry_points = {'console_scripts': [n + '=a:b' for n in 'xy']}\n"
            "setup(name='frobnicate', entry_points=entry_points)\n",
            "release.py": PYTHON,
            "fastentrypoints.py": PYTHON,
        },
        ["python:"],
    ),
    "Python that names scripts as its commands": (
        {
            "pyproject.toml": PROJECT + "[tool.setuptools]\n"
            "script-files = ['tools/frob2txt.py', 'tools/frobdump.py']\n",
            "tools/frob2txt.py": PYTHON,
            "tools/frobdump.py": PYTHON,
            "tools/convert_frobs.py": PYTHON,
        },
        [
            f"python:{place}{name}.py"
            for place in ("", "tools/")
            for name in ("frob2txt", "frobdump")
        ],
    ),
    "Python whose command is a module at the top": (
        {
            "pyproject.toml": PROJECT + "[project.scripts]\nfrob = 'frob:main'\n",
            "frob.py": PYTHON,
            "bump.py": PYTHON,
        },
        ["python:frob", "python:frob.py"],
    ),
    "Python with a script that starts the same as its command": (
        {
            "pyproject.toml": PROJECT + "[project.scripts]\nfrob = 'core.app:main'\n",
            "core/app.py": "def main(): pass\n",
            "frob.py": PYTHON,
            "release.py": PYTHON,
        },
        ["python:frob", "python:frob.py"],
    ),
    "Python without a command, and the script that it is": (
        {"setup.py": SETUP, "frobnicate.py": PYTHON, "deploy.py": PYTHON},
        ["python:frobnicate.py"],
    ),
    "Python without a command, and its only script": (
        {"setup.py": SETUP, "nest/__init__.py": "", "go_nest.py": PYTHON, "release.py": PYTHON},
        ["python:go_nest.py"],
    ),
    "Python with tests that can be run": (
        {"frob.py": PYTHON, "tests/__main__.py": PYTHON},
        ["python:frob.py"],
    ),
    "an npm package with scripts": (
        {
            "package.json": '{"name": "frobnicate", "bin": "cli.js"}',
            "cli.js": "#!/usr/bin/env node\n",
            "build.sh": SHELL,
            "update-deps.sh": SHELL,
        },
        ["node:frobnicate"],
    ),
    "an npm package whose command is made from a script of its name": (
        {
            "package.json": '{"name": "frobnicate", "bin": {"frobnicate": "dist/frobnicate"}}',
            "frobnicate": "#!/usr/bin/perl\n",
            "frobnicate.rb": "class Frobnicate < Formula\nend\n",
        },
        ["node:frobnicate", "script:frobnicate"],
    ),
    "a Perl distribution with its script at the top": (
        {
            "Makefile.PL": "WriteMakefile(EXE_FILES => [ 'frob' ]);\n",
            "frob": "#!/usr/bin/perl\n",
            "tack": SHELL,
        },
        ["perl:frob", "script:frob"],
    ),
    "a PHP package": (
        {
            "composer.json": '{"bin": ["bin/frob"]}',
            "bin/frob": "#!/usr/bin/env php\n",
            "bootstrap.php": "<?php\n",
            "src/Runner.php": "<?php\n",
        },
        ["script:bin/frob"],
    ),
    "a gem with a script for its developers": (
        {
            "frob.gemspec": "Gem::Specification.new { |s| s.executables = ['frob'] }\n",
            "bin/frob": "#!/usr/bin/env ruby\n",
            "bin/console": "#!/usr/bin/env ruby\n",
            "release.rb": "#!/usr/bin/env ruby\n",
        },
        ["ruby:frob", "script:bin/frob"],
    ),
    "shell with an installation by autotools": (
        {"configure.ac": "AC_INIT\n", "frobnicate": SHELL * 99, "src/wait.c": MAIN_C},
        ["autotools:", "script:frobnicate"],
    ),
    "a shell script with helpers": (
        {
            "frobnicate": SHELL,
            "src/frobnicate.helper.py": PYTHON,
            "scripts/gen.sh": SHELL,
            "bin/other": SHELL,
        },
        ["script:frobnicate"],
    ),
    "scripts of which none has its name": (
        {"frob.sh": SHELL, "other.sh": SHELL, "GEN-VERSION-FILE": SHELL, "tools/x.sh": SHELL},
        ["script:frob.sh", "script:other.sh"],
    ),
    "the only script, wherever it is": ({"scripts/fetch.sh": SHELL}, ["script:scripts/fetch.sh"]),
    "Haskell with a Dockerfile": (
        {"stack.yaml": "", "app/Main.hs": "main = 1\n", "Dockerfile": "FROM x\n", "b.sh": SHELL},
        ["dockerfile:"],
    ),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_a_repository_is_tried_as_the_program_that_it_is(tmp_path: Path, kind: str) -> None:
    files, expected = IMAGES[kind]
    assert tried(checkout(tmp_path, files)) == expected


# what is in the repository: (its files, the code of the failure, what it says)
REFUSED: dict[str, tuple[str, Mapping[str, str], str, str]] = {
    "C with helpers, where nothing compiles": (
        "folder",
        {"configure.ac": "AC_INIT\n", "main.c": MAIN_C, "scripts/version": SHELL},
        "needs_docker_engine",
        "autotools",
    ),
    "C with bindings, where nothing compiles": (
        "folder",
        {
            "Makefile": "PROG=frobnicate\n",
            "main.c": MAIN_C,
            "setup.py": SETUP + "setup(scripts=['python/frobnicate.py'])\n",
            "python/frobnicate.py": PYTHON,
        },
        "needs_docker_engine",
        "C or C++",
    ),
    "Haskell with helpers": (
        "image",
        {"frob.cabal": "", "app/Main.hs": "main = 1\n", "scripts/release": SHELL, "ghci.sh": SHELL},
        "no_entry_point",
        "Haskell",
    ),
    "a Python library with scripts for its developers": (
        "image",
        {"pyproject.toml": PROJECT, "release.py": PYTHON, "tools/convert.py": PYTHON},
        "no_entry_point",
        "tools/convert.py",
    ),
    "nothing but helpers": (
        "image",
        {"release.sh": SHELL, "scripts/lint.sh": SHELL, "gen-docs.py": PYTHON},
        "no_entry_point",
        "--entry-point",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_program_that_cannot_be_built_is_not_its_helper_instead(
    tmp_path: Path, kind: str
) -> None:
    environments, files, code, told = REFUSED[kind]
    with pytest.raises(DetectionError) as raised:
        tried(checkout(tmp_path, files), environments)
    assert raised.value.error_code == code
    assert told in raised.value.message + raised.value.hint


@pytest.mark.parametrize("asked", ["scripts/version", "sanitize.sh"])
def test_a_helper_is_run_where_a_user_asks_for_it(tmp_path: Path, asked: str) -> None:
    there = checkout(tmp_path, {"Cargo.toml": "", asked: SHELL})
    found = [Candidate(runtime="script", entry_point=asked, reason="shell script", rank=40)]
    assert [c.entry_point for c in detect.choose(found, there, entry_point=asked)] == [asked]
    assert [c.entry_point for c in detect.choose(found, there, runtime="script")] == [asked]


def test_the_ways_of_another_packages_buildpack_are_all_tried(tmp_path: Path) -> None:
    there = checkout(tmp_path, {"Cargo.toml": "", "src/main.rs": "fn main() {}"})
    own = Candidate(runtime="from-elsewhere", entry_point="", reason="its own", rank=1)
    assert detect.choose([own], there) == [own]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(
        ["composer.json", "Makefile.PL", "x.gemspec", "setup.cfg", "setup.py", "Makefile", "a.c"]
    ),
    content=st.text(alphabet="[]{}=\"'#!/ \n:,.*\\binEXE_FILESmain(scripts>%w", max_size=200),
)
def test_no_file_whatever_it_holds_breaks_the_kind(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    there = checkout(folder, {"Makefile": "x:\n", "main.c": "", name: content})
    assert kinds.recognise(there).family in kinds.Family


def test_a_long_line_in_a_source_takes_no_time(tmp_path: Path) -> None:
    files = {"Makefile": "x:\n", "a.c": "*" * 900_000, "b.c": "a" * 900_000, "c.c": " " * 900_000}
    assert kinds.recognise(checkout(tmp_path, files)).family is kinds.Family.SCRIPT
