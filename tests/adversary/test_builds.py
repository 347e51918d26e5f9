"""Attacks by builds on the server, which reads and removes their files with more rights."""

from __future__ import annotations

import dataclasses
import os
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tooinstance_jupyter import foreign_files
from tooinstance_jupyter.records import VersionStatus
from tooinstance_jupyter.service import builds

Repository = Callable[..., Path]

SECRET = "[hush-hush\nonly = for root"
# where a package's set-up finds the environment that it is to be installed in
FIND = """
lines = [open(path, "rb").read() for path in glob.glob("/proc/[0-9]*/cmdline")]
words, *_ = [line.decode().split("\\0") for line in lines if b"--python" in line]
venv = words[words.index("--python") + 1].removesuffix("/bin/python")
"""
# what a package's set-up does in its own build, where it may write to the environment
SET_UP = """
import glob, os, sys
from setuptools import setup

def leave_behind():
    FIND
    [site] = glob.glob(venv + "/lib/python*/site-packages")
    # many, for nothing says in which order they are found
    for number in range(20):
        made = f"{site}/{number}_frobnicate-1.dist-info"
        os.mkdir(made)
        open(made + "/direct_url.json", "w").write('{"url": "file://' + os.getcwd() + '"}')
        open(made + "/RECORD", "w").write("")
        for file in "FILES".split():
            path = made + "/" + file
            if os.path.lexists(path):
                os.unlink(path)
            WAY

if "bdist_wheel" in sys.argv:
    leave_behind()
setup(name="other", version="1", py_modules=[])
"""
WAYS = {
    "a link to a secret": "os.symlink('SECRET', path)",
    "a pipe": "os.mkfifo(path)",
    "a link to a pipe": "os.mkfifo(path + '.pipe'); os.symlink(path + '.pipe', path)",
    "a link to an endless device": "os.symlink('/dev/zero', path)",
    "a link to itself": "os.symlink(path, path)",
    "a folder": "os.mkdir(path)",
    "a large file": "open(path, 'w').truncate(2**28)",
    "no valid text": "open(path, 'wb').write(os.urandom(100_000))",
    "deeply nested": "open(path, 'w').write('[' * 100_000)",
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("files", ["direct_url.json", "entry_points.txt RECORD"])
@pytest.mark.parametrize("way", WAYS)
def test_metadata_that_a_build_wrote_is_neither_followed_nor_waited_for_nor_quoted(
    workshop: Any, repository: Repository, config: Any, secret: Path, way: str, files: str
) -> None:
    # what reads a pipe in its own build waits as long as a build may
    config.build_timeout_s = 12
    written = (
        SET_UP.replace("FIND", textwrap.indent(FIND, "    ").strip())
        .replace("WAY", WAYS[way])
        .replace("FILES", files)
    )
    folder = repository(
        {
            "setup.py": written.replace("SECRET", str(secret)),
            "pyproject.toml": "[build-system]\nrequires = ['setuptools']\n"
            "build-backend = 'setuptools.build_meta'\n"
            "[project]\nname = 'other'\nversion = '1'\n[project.scripts]\nfrob = 'frob:main'\n",
        }
    )
    began = time.monotonic()
    version = workshop.build(folder)
    assert version.status is VersionStatus.FAILED
    assert time.monotonic() - began < 100
    told = repr(version) + workshop.log(version)
    assert "hush-hush" not in told
    assert "only = for root" not in told


@pytest.fixture
def home(config: Any) -> Iterator[Path]:
    """The home of the workshop, which may come to be deeper than pytest can remove."""
    yield config.home_path
    foreign_files.remove(config.home_path)
    assert not config.home_path.exists()


@pytest.mark.usefixtures("home")
def test_what_a_build_nests_beyond_all_paths_is_sealed_counted_and_removed(
    workshop: Any, repository: Repository, config: Any
) -> None:
    nests = (
        f"import glob, os\nfrom setuptools import setup\n{FIND}here = os.getcwd()\n"
        "os.chdir(venv)\n"
        "for _ in range(1_500):\n    os.makedirs('nested', exist_ok=True); os.chdir('nested')\n"
        "os.chdir(here)\n"
        "setup(name='frob', version='1', py_modules=['frob'])\n"
    )
    folder = repository(
        {
            "setup.py": nests,
            "frob.py": "def main():\n    print('works')\n",
            "pyproject.toml": "[build-system]\nrequires = ['setuptools']\n"
            "build-backend = 'setuptools.build_meta'\n"
            "[project]\nname = 'frob'\nversion = '1'\n[project.scripts]\nfrob = 'frob:main'\n",
        }
    )
    version = workshop.build(folder)
    assert version.status in (VersionStatus.READY, VersionStatus.FAILED)
    assert version.failure is None or version.failure.code != "internal"
    assert not (config.builds_path / version.id / "scratch").exists()
    assert not version.environment_id or foreign_files.size_of(config.environments_path) > 2**20
    workshop.client.delete("frobnicate")
    workshop.client.collect_garbage(dry_run=False)
    assert [path for path in config.environments_path.iterdir() if path.is_dir()] == []


def test_a_checkout_that_is_nested_beyond_reason_is_refused(
    workshop: Any, repository: Repository
) -> None:
    folder = repository({"/".join(["a"] * 300) + "/b": "x", "frobnicate": "#!/bin/sh\necho\n"})
    version = workshop.build(folder)
    assert version.failure.code == "source_too_deep"


def test_a_folder_with_a_pipe_is_built_without_it(workshop: Any, tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "odd").write_text("#!/bin/sh\necho works\n")
    for name in ("package.json", "setup.py", "README.md"):
        os.mkfifo(tmp_path / "odd" / name)
    assert workshop.build(str(tmp_path / "odd")).status is VersionStatus.READY
    assert workshop.run("odd")[1] == "works\n"


# it writes to each folder that it can write to, and says in which it found what another one wrote
POISONS = """
import os, sys
from setuptools import setup
SYSTEM = ("proc", "sys", "dev", "usr", "opt", "root")
found = []
for top, folders, names in os.walk("/"):
    # what is the system's is read-only, and takes long
    folders[:] = [name for name in folders if top != "/" or name not in SYSTEM]
    if "poison-OTHER" in names:
        found.append(top)
    if os.access(top, os.W_OK):
        try:
            open(top + "/poison-NAME", "w").write("hostile")
        except OSError:
            continue
        for name in names:
            if name.endswith((".whl", ".py", ".http", ".msgpack", ".tgz")) and top != os.getcwd():
                open(top + "/" + name, "a").write("# hostile")
open("frob.py", "w").write(f"def main():\\n    print({found})\\n")
setup(name="frob", version="1", py_modules=["frob"])
"""


def test_what_one_build_can_write_no_other_build_reads(
    workshop: Any, repository: Repository, git: Any
) -> None:
    package = (
        "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"
        "[project]\nname = 'frob'\nversion = '1'\n[project.scripts]\nfrob = 'frob:main'\n"
    )
    hostile = POISONS.replace("NAME", "first").replace("OTHER", "second")
    folder = repository({"pyproject.toml": package, "setup.py": hostile, "frob.py": ""})
    git(folder, "tag", "v1")
    other = POISONS.replace("NAME", "second").replace("OTHER", "first")
    (folder / "setup.py").write_text(other)
    git(folder, "commit", "--quiet", "--all", "--message", "Second")
    git(folder, "tag", "v2")
    workshop.build(f"file://{folder}@v1", name="one")
    again = workshop.build(f"file://{folder}@v2", name="two")
    assert again.status is VersionStatus.READY, workshop.log(again)
    assert workshop.run("two")[1] == "[]\n"


@pytest.fixture
def held() -> Iterator[Callable[[Path], None]]:
    """Return a function that holds a lock until the test is over."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def hold(path: Path) -> None:
        is_held = threading.Event()

        def keep() -> None:
            with FileLock(path, thread_local=False):
                is_held.set()
                over.wait()

        threads.append(threading.Thread(target=keep))
        threads[-1].start()
        is_held.wait()

    yield hold
    over.set()
    for thread in threads:
        thread.join()


def test_cancelling_a_build_that_does_not_stop_comes_back(
    workshop: Any,
    repository: Repository,
    config: Any,
    held: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(builds, "_MOST_CANCEL_S", 0.5)
    version = workshop.build(repository({"frobnicate": "#!/bin/sh\necho works\n"}))
    stuck = version.id + "-stuck"
    store = workshop.client._installation.store
    store.add_version(
        dataclasses.replace(version, id=stuck, number=2, status=VersionStatus.BUILDING)
    )
    (config.builds_path / stuck).mkdir()
    held(config.builds_path / stuck / "alive")
    began = time.monotonic()
    assert workshop.client.cancel_build(stuck).status is VersionStatus.BUILDING
    assert time.monotonic() - began < 30
