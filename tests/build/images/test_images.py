"""Sources of many kinds become images and run, on a real engine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.engines.docker.engine import DockerEngine
from tooinstance_jupyter.home import home_id
from tooinstance_jupyter.records import Source, SourceKind, Version, VersionStatus
from tooinstance_jupyter.requests import NewRun, NewTool

pytestmark = pytest.mark.registry

BASE = "tooinstance-test/debian"
BUILDPACKS = {
    point.name: point.load() for point in entry_points(group="tooinstance_jupyter.image_buildpacks")
}
FROB = "import sys\ndef main():\n    import colorama\n    print('{mark}', *sys.argv[1:])\n"
BUILD_SYSTEM = "[build-system]\nrequires = ['{0}']\nbuild-backend = '{1}'\n"
PACKAGINGS = {
    "PEP 621": {
        "pyproject.toml": BUILD_SYSTEM.format("hatchling", "hatchling.build")
        + "[project]\nname = 'frob'\nversion = '1'\ndependencies = ['colorama']\n"
        "[project.scripts]\nfrob = 'frob:main'\n",
        ".dockerignore": "*\n",
    },
    "Poetry": {
        "pyproject.toml": BUILD_SYSTEM.format("poetry-core", "poetry.core.masonry.api")
        + "[tool.poetry]\nname = 'frob'\nversion = '1'\ndescription = ''\nauthors = []\n"
        "[tool.poetry.dependencies]\npython = '^3.9'\ncolorama = '*'\n"
        "[tool.poetry.scripts]\nfrob = 'frob:main'\n",
    },
    "setup.cfg": {
        "setup.py": "from setuptools import setup\nsetup()\n",
        "setup.cfg": "[metadata]\nname = frob\nversion = 1\n[options]\npy_modules = frob\n"
        "install_requires = colorama\n"
        "[options.entry_points]\nconsole_scripts =\n    frob = frob:main\n",
    },
    "setup.py": {
        "setup.py": "from setuptools import setup\nsetup(name='frob', version='1', "
        "py_modules=['frob'], install_requires=['colorama'], "
        "entry_points={'console_scripts': ['frob = frob:main']})\n",
    },
}
C = """#include <stdio.h>
#include <zlib.h>
int main(int c, char **v) { printf("{mark} %s\\n", zlibVersion() ? v[1] : ""); return 0; }
"""
SCRIPT = "import sys\n{imports}\nprint('{mark}', *sys.argv[1:])\n"
KINDS: dict[str, tuple[str, Mapping[str, str]]] = {
    **{
        f"Python, {name}": ("python", {**files, "frob.py": FROB})
        for name, files in PACKAGINGS.items()
    },
    "Python script with requirements": (
        "python",
        {
            "frobnicate.py": SCRIPT.replace("{imports}", "import docopt, colorama"),
            # docopt has no wheel
            "requirements.txt": "docopt\n-r more.txt\n",
            "more.txt": "colorama\n",
        },
    ),
    "Python script with requirements of its own folder": (
        "python",
        {
            "frobnicate.py": SCRIPT.replace("{imports}", "import frob"),
            "requirements.txt": "./lib\n",
            "lib/setup.py": "from setuptools import setup\nsetup(name='x', py_modules=['frob'])\n",
            "lib/frob.py": "",
        },
    ),
    "Python script with imports only": (
        *("python", {"frobnicate.py": SCRIPT.replace("{imports}", "import yaml")}),
    ),
    "Python script with inline metadata": (
        "python",
        {
            "frobnicate.py": "# /// script\n# dependencies = ['colorama']\n# ///\n"
            + SCRIPT.replace("{imports}", "import colorama")
        },
    ),
    "Python script alone": ("python", {"frobnicate.py": SCRIPT.replace("{imports}", "")}),
    "Python package with __main__": (
        *("python", {"frobnicate/__main__.py": SCRIPT.replace("{imports}", "import frobnicate")}),
    ),
    "Node without a lock": (
        "node",
        {
            "package.json": '{"name": "x", "bin": {"frob": "x.js"}, "dependencies": '
            '{"picocolors": "^1"}}',
            "x.js": "#!/usr/bin/env node\nrequire('picocolors');\n"
            "console.log('{mark}', ...process.argv.slice(2));\n",
        },
    ),
    "Node with a lock": (
        "node",
        {
            "package.json": '{"name": "x", "bin": "x.js", "dependencies": {"picocolors": "1.0.0"}}',
            "package-lock.json": json.dumps(
                {
                    "name": "x",
                    "lockfileVersion": 3,
                    "packages": {
                        "": {"name": "x", "dependencies": {"picocolors": "1.0.0"}},
                        "node_modules/picocolors": {"version": "1.0.0"},
                    },
                }
            ),
            "x.js": "if (require('picocolors/package.json').version == '1.0.0')\n"
            "  console.log('{mark}', ...process.argv.slice(2));\n",
        },
    ),
    "Node built by a script": (
        "node",
        {
            "package.json": '{"name": "x", "bin": "dist/x.js", "scripts": {"build": '
            '"mkdir -p dist && nanoid --size 1 && cp x.js dist"}, '
            '"devDependencies": {"nanoid": "3.3.7"}}',
            "x.js": "console.log('{mark}', ...process.argv.slice(2));\n",
        },
    ),
    "shell": ("script", {"frobnicate": '#!/bin/bash\necho "{mark} $(jq -n 1 >&2)$1"\n'}),
    "Perl script": (
        "script",
        {"frobnicate": '#!/usr/bin/env perl\nuse Text::CSV;\nprint "{mark} @ARGV\\n";\n'},
    ),
    "Perl distribution": (
        "perl",
        {
            "Makefile.PL": "use ExtUtils::MakeMaker;\nWriteMakefile(NAME => 'Frob', VERSION => 1,"
            " EXE_FILES => ['bin/frob'], PREREQ_PM => {'Text::CSV' => 0});\n",
            "bin/frob": '#!/usr/bin/perl\nuse Frob;\nprint Frob::hi(@ARGV), "\\n";\n',
            "lib/Frob.pm": 'package Frob;\nuse Text::CSV;\nsub hi { return "{mark} @_" }\n1;\n',
        },
    ),
    "Ruby gem": (
        "ruby",
        {
            "frob.gemspec": "Gem::Specification.new do |s|\n  s.name = 'frob'\n"
            "  s.version = '1'\n  s.summary = 'x'\n  s.authors = ['a']\n"
            "  s.files = `git ls-files`.split\n  s.bindir = 'exe'\n"
            "  s.executables = ['frob']\n  s.add_dependency 'rainbow'\nend\n",
            "exe/frob": "#!/usr/bin/env ruby\nrequire 'frob'\nputs hi(ARGV)\n",
            "lib/frob.rb": "require 'rainbow'\ndef hi(a) '{mark} ' + a.join(' ') end\n",
        },
    ),
    "C, make without an installation": (
        *("make", {"Makefile": "frob: frob.c\n\tcc -o frob frob.c -lz\n", "frob.c": C}),
    ),
    "C, autotools": (
        "autotools",
        {
            "configure.ac": "AC_INIT([frob], [1])\nAM_INIT_AUTOMAKE([foreign])\nAC_PROG_CC\n"
            "AC_CHECK_LIB([z], [zlibVersion])\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n",
            "Makefile.am": "bin_PROGRAMS = frob\nfrob_SOURCES = frob.c\n",
            "frob.c": C,
        },
    ),
    "C, CMake with a library of its own": (
        "cmake",
        {
            "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(frob C)\n"
            "find_package(ZLIB REQUIRED)\nadd_library(own SHARED own.c)\n"
            "add_executable(frob frob.c)\ntarget_link_libraries(frob own ZLIB::ZLIB)\n"
            "install(TARGETS frob own)\n",
            "own.c": "int own(void) { return 1; }\n",
            "frob.c": C.replace("zlibVersion()", "zlibVersion() && own()").replace(
                "int main", "int own(void);\nint main"
            ),
        },
    ),
    "Go": (
        "go",
        {
            "go.mod": "module e.example/frob\n\ngo 1.18\n",
            "main.go": 'package main\n\nimport ("fmt"; "os")\n\n'
            'func main() { fmt.Println("{mark}", os.Args[1]) }\n',
        },
    ),
    "Rust": (
        "rust",
        {
            "Cargo.toml": "[package]\nname = 'frob'\nversion = '1.0.0'\nedition = '2021'\n",
            "src/main.rs": 'fn main() { println!("{mark} {}", '
            "std::env::args().nth(1).unwrap()); }\n",
        },
    ),
    "Dockerfile": (
        "dockerfile",
        {
            "Dockerfile": "# syntax=docker/dockerfile:1\nFROM tooinstance-test/debian\n"
            'COPY x.sh /\nENTRYPOINT ["sh", "/x.sh"]\n',
            "x.sh": 'echo "{mark} $1"\n',
        },
    ),
}


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True, timeout=120
    ).stdout


def marked(files: Mapping[str, str], mark: str) -> dict[str, str]:
    """Return files that were never built before."""
    return {name: text.replace("{mark}", mark) for name, text in files.items()}


@pytest.fixture(scope="module")
def client(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClient]:
    """A client of the docker engine, whose builds share their caches as one user's do.

    Its home is that of all workers, so that none gets what another has got.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    users = shared / "image-users"
    users.mkdir(exist_ok=True)
    lock = FileLock(shared / "image-users.lock")
    config = TooInstance(home=str(shared / "image-home"), engine="docker", armed_containers=0)
    config.base_images = dict.fromkeys(config.base_images, BASE)
    me = users / str(os.getpid())
    with lock:
        me.touch()
        opened = LocalClient(config)
    yield opened
    opened.close()
    with lock:
        me.unlink()
        if not list(users.iterdir()):
            asyncio.run(DockerEngine(config).shut_down())
            label = f"label=org.tooinstance.installation={home_id(config)}"
            if made := docker("images", "--quiet", "--filter", label).split():
                docker("rmi", "--force", *dict.fromkeys(made))


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_of_each_kind_goes_from_link_to_output_with_no_option_given(
    client: LocalClient, repository: Callable[..., Path], kind: str
) -> None:
    runtime, files = KINDS[kind]
    mark = uuid.uuid4().hex
    link = f"file://{repository(marked(files, mark), 'frobnicate')}"
    tool, version = client.create(NewTool(source=link, name=f"t{mark}"))
    for event in client.follow_build(version.id):
        version = event if isinstance(event, Version) else version
    assert version.status is VersionStatus.READY, client.build_log(version.id)[-6000:]
    assert version.runtime == runtime, version.notes
    ran = client.wait(client.run(NewRun(tool=tool.name, arguments=["you"])).number)
    assert client.read_output(ran.number, "stdout") == f"{mark} you\n".encode(), ran


@pytest.mark.parametrize(
    ("kind", "name", "version", "runtime"),
    [(SourceKind.PYPI, "cowsay", "6.1", "python"), (SourceKind.NPM, "cowsay", "1.6.0", "node")],
)
def test_a_package_of_an_index_runs_by_its_commands(
    bench: Any,
    build: Callable[..., Any],
    node_image: str,
    kind: SourceKind,
    name: str,
    version: str,
    runtime: str,
) -> None:
    bench.config.base_images["node"] = node_image
    there = bench.checkout({}, source=Source(kind=kind, location=name), commit=version)
    image = build(there, bench.recipe(there, BUILDPACKS[runtime]))
    commands = image.commands()
    assert name in commands, f"there is {list(commands)}"
    words = ("-t", "moo") if kind is SourceKind.PYPI else ("moo",)
    assert "moo" in image.run(*words, argv=commands[name])


@pytest.mark.parametrize(
    ("kind", "dependencies"),
    [
        ("Python, PEP 621", "/opt/tool/venv"),
        ("Python script with requirements", "/opt/tool/venv"),
        ("Node without a lock", "/opt/tool/node_modules"),
    ],
)
def test_a_source_only_change_keeps_the_dependency_layer(
    bench: Any, build: Callable[..., Any], node_image: str, kind: str, dependencies: str
) -> None:
    bench.config.base_images["node"] = node_image
    runtime, files = KINDS[kind]
    before, after = (
        build(there, bench.recipe(there, BUILDPACKS[runtime]))
        for there in (bench.checkout(marked(files, uuid.uuid4().hex)) for _ in range(2))
    )
    step = f'COPY --from=dependencies ["{dependencies}", "{dependencies}"]'
    last_stage = before.recipe.dockerfile.split("\nFROM ")[-1]
    assert last_stage.splitlines()[1] == step
    later = [
        line for line in last_stage.splitlines()[2:] if line.startswith(("COPY", "RUN", "WOR"))
    ]
    kept = len(before.layers()) - len(later)
    assert before.layers()[:kept] == after.layers()[:kept]
    assert before.layers()[kept] != after.layers()[kept], "the source is not in its layer"


def test_an_image_of_a_compiled_extension_has_no_compiler(
    bench: Any, build: Callable[..., Any]
) -> None:
    files = {
        "setup.py": "from setuptools import Extension, setup\n"
        "setup(name='frob', version='1', py_modules=['frob'],\n"
        "    ext_modules=[Extension('own', ['own.c'])],\n"
        "    entry_points={'console_scripts': ['frob = frob:main']})\n",
        "frob.py": "import own\ndef main():\n    print(own.__name__)\n",
        "own.c": "#include <Python.h>\n"
        'static struct PyModuleDef own = {PyModuleDef_HEAD_INIT, "own", 0, -1, 0};\n'
        "PyMODINIT_FUNC PyInit_own(void) { return PyModule_Create(&own); }\n",
    }
    there = bench.checkout(files)
    image = build(there, bench.recipe(there, BUILDPACKS["python"]))
    assert image.run() == "own\n"
    assert image.shell("command -v cc gcc g++ make git || echo none") == "none"


def test_an_image_has_only_what_runs_need(bench: Any, build: Callable[..., Any]) -> None:
    there = bench.checkout(marked(KINDS["Python, PEP 621"][1], "x"))
    image = build(there, bench.recipe(there, BUILDPACKS["python"]))
    assert image.shell("command -v uv pip gcc || echo none") == "none"
    assert image.shell("ls -A /run/secrets 2>/dev/null") == ""
    assert image.shell("env | grep -e CERT -e /run/secrets || echo none") == "none"
    assert image.shell("ls /opt/tool") == "commands\nvenv"
    uncompiled = (
        "cd /opt/tool/venv/lib/python3*/site-packages; for f in frob.py colorama/*.py; do "
        "d=$(dirname $f)/__pycache__; ls $d/$(basename $f .py).*.pyc >/dev/null || echo $f; done"
    )
    assert image.shell(uncompiled) == ""
    assert image.shell("id -u; pwd; echo $HOME") == "1000\n/work\n/tmp"


def test_set_up_scripts_see_no_cache_that_other_tools_are_built_from(
    bench: Any, build: Callable[..., Any]
) -> None:
    looking = (
        "mounts = [line.split()[4] for line in open('/proc/self/mountinfo')]\n"
        "seen = [m for m in mounts if m.startswith('/var/')]\n"
        "open('frob.py', 'w').write(f'def main(): print({seen!r})')\n"
    )
    files = {**PACKAGINGS["setup.py"]}
    files["setup.py"] = looking + files["setup.py"]
    files["frob.py"] = f"# {uuid.uuid4().hex}\n"
    there = bench.checkout(files)
    image = build(there, bench.recipe(there, BUILDPACKS["python"]))
    assert image.run() == "[]\n"


def test_debian_packages_of_apt_txt_are_there_at_run_time(
    bench: Any, build: Callable[..., Any]
) -> None:
    files = {"frobnicate.py": "import subprocess\nsubprocess.run(['jq', '-n', '1 + 1'])\n"}
    there = bench.checkout({**files, "apt.txt": "jq  # to count\n"})
    image = build(there, bench.recipe(there, BUILDPACKS["python"]))
    assert image.run() == "2\n"
