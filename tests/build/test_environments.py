"""One environment for all that is the same, which nothing can change once it is made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.build.buildpacks.interpreters import interpreter
from tooinstance_jupyter.build.buildpacks.node import find_node
from tooinstance_jupyter.errors import BuildError
from tooinstance_jupyter.records import Version, VersionStatus

Repository = Callable[..., Path]

SCRIPT = "import six, sys\nprint(six.__version__, sys.version_info[:2])\n"
PINNED = {"requirements.txt": "six==1.17.0\n"}


def location(workshop: Any, version: Version) -> Path:
    assert version.status is VersionStatus.READY, (version.failure, workshop.log(version))
    return Path(
        workshop.client._installation.store.get_environment(version.environment_id).location
    )


@pytest.mark.registry
@pytest.mark.parametrize(
    ("files", "first", "second"),
    [
        ({"one.py": SCRIPT, "two.py": SCRIPT + "if __name__ == '__main__':\n    pass\n"}
         | {"main.py": SCRIPT} | PINNED, "main.py", "two.py"),
        ({"src/frob/__init__.py": "def main(): print('usage')\n",
          "src/frob/__main__.py": "print('usage')\n",
          "pyproject.toml": "[build-system]\nrequires = ['setuptools']\n"
          "build-backend = 'setuptools.build_meta'\n[project]\nname = 'frob'\nversion = '1'\n"
          "[project.scripts]\nfrob = 'frob:main'\n"}, "frob", "-m frob"),
    ],
)  # fmt: skip
def test_another_entry_point_of_what_is_built_needs_no_second_build(
    workshop: Any, repository: Repository, files: Mapping[str, str], first: str, second: str
) -> None:
    folder = repository(files)
    one = workshop.build(folder, entry_point=first)
    other = workshop.build(folder, name="other", entry_point=second)
    assert location(workshop, one) == location(workshop, other)
    assert workshop.run("other")[0].exit_code == 0


def test_a_script_asked_for_by_path_does_not_spoil_what_is_built(
    workshop: Any, repository: Repository
) -> None:
    folder = repository({"frobnicate": "#!/bin/sh\necho a\n", "deep/b": "#!/bin/sh\necho b\n"})
    workshop.build(folder)
    asked = workshop.build(folder, name="asked", entry_point="deep/b")
    assert asked.status is VersionStatus.READY, asked.failure
    assert workshop.run("asked")[1] == "b\n"


@pytest.mark.registry
def test_a_file_named_like_a_console_script_is_not_taken_for_it(
    workshop: Any, repository: Repository
) -> None:
    files = {
        "frob": "#!/usr/bin/env python3\nimport no_such_module_zq\n",
        "src/frobber.py": "def main(): print('console script')\n",
        "pyproject.toml": "[project]\nname = 'frob'\nversion = '1'\n"
        "[project.scripts]\nfrob = 'frobber:main'\n",
    }
    location(workshop, workshop.build(repository(files)))
    assert workshop.run("frobnicate")[1] == "console script\n"


@pytest.mark.registry
def test_no_build_changes_what_another_made_not_even_through_the_cache(
    workshop: Any, repository: Repository
) -> None:
    made = location(workshop, workshop.build(repository({"main.py": SCRIPT} | PINNED, "victim")))
    [module] = made.glob("venv/lib/python*/site-packages/six.py")
    before = module.read_bytes()
    hostile = (
        "import os, pathlib\nfrom setuptools import setup\n"
        "for path in pathlib.Path(os.environ['UV_CACHE_DIR']).rglob('six.py'):\n"
        "    try:\n        path.open('a').write('raise SystemExit(66)')\n"
        "    except OSError as error:\n        print(error)\n"
        f"try:\n    open({str(module)!r}, 'a').write('x')\nexcept OSError:\n    pass\n"
        "setup(name='hostile', version='1', py_modules=['x'],"
        " entry_points={'console_scripts': ['hostile=x:main']})\n"
    )
    files = {"setup.py": hostile, "x.py": "def main(): print('usage')\n"}
    workshop.build(repository(files, "hostile"))
    assert module.read_bytes() == before
    assert workshop.run("victim")[0].exit_code == 0


@pytest.mark.registry
def test_a_run_cannot_change_its_environment(workshop: Any, repository: Repository) -> None:
    attack = (
        "import pathlib, sys, six\nif '--help' in sys.argv: raise SystemExit\n"
        "for path in (six.__file__, __file__, sys.prefix + '/new'):\n"
        "    try:\n        pathlib.Path(path).open('a').write('x')\n"
        "    except OSError:\n        continue\n    print('WROTE', path)\n"
    )
    version = workshop.build(repository({"main.py": attack} | PINNED))
    location(workshop, version)
    if workshop.client.describe()["isolation"] == "none" and os.getuid() != 0:
        pytest.skip("without isolation a tool is as mighty as its user")
    assert workshop.run("frobnicate")[1] == ""


@pytest.mark.registry
def test_what_runs_import_is_compiled(workshop: Any, repository: Repository) -> None:
    files = {"main.py": "import local\n" + SCRIPT, "local.py": ""} | PINNED
    made = location(workshop, workshop.build(repository(files)))
    assert list(made.glob("venv/lib/python*/site-packages/__pycache__/six.*.pyc"))
    assert list(made.glob("source/__pycache__/local.*.pyc"))


@pytest.mark.registry
def test_the_python_that_a_source_asks_for_is_taken_where_there_is_one(
    workshop: Any, repository: Repository
) -> None:
    own = sys.version_info[:2]
    minors = [f"3.{minor}" for minor in range(9, 15) if (3, minor) != own]
    for there in minors:
        try:
            interpreter(f"=={there}.*")
        except BuildError:
            continue
        break
    else:
        pytest.skip("there is no second Python here")
    script = f"# /// script\n# requires-python = '=={there}.*'\n# ///\nimport sys\n"
    version = workshop.build(
        repository({"frobnicate.py": script + "print('%d.%d' % sys.version_info[:2])\n"})
    )
    location(workshop, version)
    assert workshop.run("frobnicate")[1] == f"{there}\n"


BUILD = """
import sys
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.requests import NewTool
client = LocalClient(TooInstance(home=sys.argv[1]))
_, version = client.create(NewTool(source=sys.argv[2]))
for event in client.follow_build(version.id):
    print(event, flush=True)
"""


@pytest.mark.registry
def test_a_build_whose_process_is_killed_leaves_nothing_running_and_can_be_done_again(
    workshop: Any,
    repository: Repository,
    git: Callable[..., str],
    config: Any,
    tmp_path: Path,
) -> None:
    setup = (
        "import os, time\nfrom setuptools import setup\n"
        "while os.path.exists('wait'): time.sleep(0.1)\n"
        "setup(name='frobnicate', version='1', py_modules=['x'],"
        " entry_points={'console_scripts': ['frobnicate=x:main']})\n"
    )
    files = {"setup.py": setup, "x.py": "def main(): print('usage')\n", "wait": ""}
    folder = repository(files)
    log = tmp_path / "log"
    with log.open("w") as output:
        builder = subprocess.Popen(
            [sys.executable, "-c", BUILD, config.home, f"file://{folder}"],
            stdout=output,
            start_new_session=True,
        )
    eventually(lambda: "Using Python" in log.read_text(), "the set-up script starts")
    builder.send_signal(signal.SIGKILL)
    builder.wait()

    eventually(lambda: not processes_of(config.home), "the set-up script is dead")
    [version] = workshop.client.tool("frobnicate").versions
    version = workshop.finish(version)
    assert version.status is VersionStatus.FAILED
    assert version.failure.code == "build_interrupted"
    left = {path.name for path in (config.builds_path / version.id).iterdir()}
    assert left.isdisjoint({"source", "scratch"})

    (folder / "wait").unlink()
    git(folder, "commit", "--all", "--quiet", "--message", "Go on")
    again = workshop.finish(workshop.client.build("frobnicate"))
    assert again.status is VersionStatus.READY, (again.failure, workshop.log(again))


def processes_of(home: str) -> list[str]:
    listing = subprocess.run(["ps", "-Aww", "-o", "args="], capture_output=True, text=True).stdout
    return [line for line in listing.splitlines() if home in line]


def eventually(condition: Callable[[], object], what: str, timeout_s: float = 60) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"expected that {what}"
        time.sleep(0.02)


def test_an_npm_that_is_no_script_of_node_is_left_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, toolchains = tmp_path / "bin", tmp_path / "toolchains"
    programs.mkdir()
    (programs / "node").write_text("#!/bin/sh\necho v24.0.0\n")
    (programs / "npm").write_text("#!/usr/bin/env python3\nimport sys\n")
    script = tmp_path / "lib" / "npm-cli.js"
    script.parent.mkdir()
    script.write_text("// npm\n")
    script.chmod(0o755)
    for program in programs.iterdir():
        program.chmod(0o755)
    (toolchains / "node").mkdir(parents=True)
    (toolchains / "node" / "ready").touch()
    monkeypatch.setenv("PATH", str(programs))
    assert find_node(toolchains).node.is_relative_to(toolchains)
    (programs / "npm").unlink()
    (programs / "npm").symlink_to(script)
    assert find_node(toolchains).npm == (str(programs / "node"), str(script))
