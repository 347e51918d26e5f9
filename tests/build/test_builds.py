"""From a link to a tool that answers, with no option given; and what happens when it cannot be."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tooinstance_jupyter.build.base import Completed
from tooinstance_jupyter.build.check import Verdict, judge
from tooinstance_jupyter.build.diagnose import cause
from tooinstance_jupyter.records import VersionStatus

Repository = Callable[..., Path]

CLICK_LIKE = """
import argparse
def main():
    parser = argparse.ArgumentParser(prog="frobnicate", description="Frobnicates things.")
    parser.add_argument("--times", type=int, default=1)
    print("frobnicated", parser.parse_args().times)
if __name__ == "__main__":
    main()
"""
PACKAGE = {"frobnicate/__init__.py": "", "frobnicate/cli.py": CLICK_LIKE}
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'

# kind: (files, the entry point that is found, the runtime)
KINDS: dict[str, tuple[Mapping[str, str | bytes], str, str]] = {
    "PEP 621": (
        {
            **PACKAGE,
            "pyproject.toml": SETUPTOOLS + '[project]\nname = "frobnicate"\nversion = "1"\n'
            '[project.scripts]\nfrobnicate = "frobnicate.cli:main"\n'
            'other = "frobnicate.cli:main"\n',
        },
        "frobnicate",
        "python",
    ),
    "PEP 621 with a src layout": (
        {
            **{f"src/{name}": content for name, content in PACKAGE.items()},
            "pyproject.toml": SETUPTOOLS + '[project]\nname = "frobnicate"\nversion = "1"\n'
            '[project.scripts]\nfrob = "frobnicate.cli:main"\n',
        },
        "frob",
        "python",
    ),
    "Poetry without [project]": (
        {
            **PACKAGE,
            "pyproject.toml": '[build-system]\nrequires = ["poetry-core"]\n'
            'build-backend = "poetry.core.masonry.api"\n'
            '[tool.poetry]\nname = "frobnicate"\nversion = "1"\ndescription = ""\nauthors = []\n'
            '[tool.poetry.scripts]\nfrobnicate = "frobnicate.cli:main"\n',
        },
        "frobnicate",
        "python",
    ),
    "setup.cfg": (
        {
            **PACKAGE,
            "setup.py": "from setuptools import setup\nsetup()\n",
            "setup.cfg": "[metadata]\nname = frobnicate\nversion = 1\n[options]\npackages = find:\n"
            "[options.entry_points]\nconsole_scripts =\n    frobnicate = frobnicate.cli:main\n",
        },
        "frobnicate",
        "python",
    ),
    "setup.py": (
        {
            **PACKAGE,
            "setup.py": "from setuptools import setup\nsetup(name='frobnicate', version='1', "
            "packages=['frobnicate'], "
            "entry_points={'console_scripts': ['frobnicate=frobnicate.cli:main']})\n",
        },
        "frobnicate",
        "python",
    ),
    "setup.py that computes its commands": (
        {
            **PACKAGE,
            "setup.py": "from setuptools import setup\nname = 'frob' + 'nicate'\n"
            "setup(name=name, version='1', packages=[name], "
            "entry_points={'console_scripts': [name + '=frobnicate.cli:main']})\n",
        },
        "frobnicate",
        "python",
    ),
    "a package with __main__": (
        {"frobnicate/__init__.py": "", "frobnicate/__main__.py": CLICK_LIKE},
        "-m frobnicate",
        "python",
    ),
    "a script with requirements.txt": (
        {
            "frobnicate.py": "import six\n" + CLICK_LIKE,
            "requirements.txt": "six==1.17.0\n",
            "README.md": "",
        },
        "frobnicate.py",
        "python",
    ),
    "a script with imports only": (
        {"main.py": "import yaml\nimport local\n" + CLICK_LIKE, "local.py": "x = 1\n"},
        "main.py",
        "python",
    ),
    "a script with inline metadata": (
        {
            "go.py": "# /// script\n# dependencies = ['six']\n# ///\nimport six\n" + CLICK_LIKE,
            "util.py": "",
        },
        "go.py",
        "python",
    ),
    "a Python script without a suffix": (
        {"frobnicate": "#!/usr/bin/env python3\n" + CLICK_LIKE, "Makefile": "install:\n"},
        "frobnicate",
        "python",
    ),
    "shell": (
        {
            "frobnicate": "#!/usr/bin/env bash\n[[ $1 == --help ]] && echo Usage: frobnicate\n"
            "echo frobnicated ${2:-1}\n",
            "Makefile": "install:\n\tcp frobnicate /usr/bin\n",
        },
        "frobnicate",
        "script",
    ),
    "Perl": (
        {
            "frobnicate.pl": "#!/usr/bin/perl\nuse strict; use Getopt::Long;\nmy $times = 1;\n"
            "GetOptions('times=i' => \\$times, 'help' => sub { print \"Usage\\n\"; exit 0 });\n"
            'print "frobnicated $times\\n";\n'
        },
        "frobnicate.pl",
        "script",
    ),
    "Node": (
        {
            "package.json": json.dumps(
                {"name": "@ada/frobnicate", "version": "1.0.0", "bin": "cli.js"}
            ),
            "cli.js": "#!/usr/bin/env node\nconst a = process.argv;\n"
            "const said = `frobnicated ${a[3] || 1}`;\n"
            "console.log(a[2] === '--help' ? 'Usage: frobnicate' : said);\n",
        },
        "frobnicate",
        "node",
    ),
    "Node that must be built": (
        {
            "package.json": json.dumps(
                {
                    "name": "frobnicate",
                    "version": "1.0.0",
                    "bin": {"frobnicate": "dist/cli.js"},
                    "scripts": {"build": "mkdir -p dist && cp source.js dist/cli.js"},
                }
            ),
            "source.js": "#!/usr/bin/env node\nconst a = process.argv;\n"
            'console.log("frobnicated " + (a[3] || 1));\n',
        },
        "frobnicate",
        "node",
    ),
}


@pytest.mark.registry
@pytest.mark.parametrize("kind", KINDS)
def test_a_repository_becomes_a_tool_with_no_option_given(
    workshop: Any, repository: Repository, kind: str
) -> None:
    files, entry_point, runtime = KINDS[kind]

    version = workshop.build(repository(files))

    assert version.status is VersionStatus.READY, (version.failure, workshop.log(version))
    assert (version.entry_point, version.runtime) == (entry_point, runtime)
    assert version.steps_done == version.steps_total > 0
    run, stdout = workshop.run("frobnicate", "--times", "3")
    assert (run.exit_code, stdout) == (0, "frobnicated 3\n")


def test_a_file_that_cannot_be_compiled_ahead_is_named_and_fails_no_build(
    workshop: Any, repository: Repository
) -> None:
    files = {"frobnicate.py": CLICK_LIKE, "of_python_2.py": 'print "hello"\n'}
    version = workshop.build(repository(files))
    assert version.status is VersionStatus.READY, version.failure
    told = [line for line in workshop.log(version).splitlines() if "Not compiled ahead" in line]
    assert [line.rpartition("/")[2] for line in told] == ["of_python_2.py"]


@pytest.mark.registry
def test_a_lock_file_that_fits_no_more_fails_no_build(
    workshop: Any, repository: Repository
) -> None:
    package = json.loads(str(KINDS["Node that must be built"][0]["package.json"]))
    files = {
        **KINDS["Node that must be built"][0],
        "package.json": json.dumps({**package, "dependencies": {"ms": "2.1.3"}}),
        "package-lock.json": json.dumps(
            {"name": "frobnicate", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {}}}
        ),
    }
    version = workshop.build(repository(files))
    assert version.status is VersionStatus.READY, (version.failure, workshop.log(version))
    assert "without the lock file" in workshop.log(version)


GUESSED = {
    "frobnicate.py": "import os\nimport six\nif os.environ.get('ZQ'):\n"
    "    import no_such_package_zq\n" + CLICK_LIKE
}
OLD = {
    "frobnicate/__init__.py": "",
    "frobnicate/cli.py": "import pkg_resources\n" + CLICK_LIKE,
    "setup.py": "import pkg_resources\nfrom setuptools import setup\nsetup(name='frobnicate', "
    "version='1', packages=['frobnicate'], "
    "entry_points={'console_scripts': ['frobnicate=frobnicate.cli:main']})\n",
}


@pytest.mark.registry
def test_a_guessed_package_that_cannot_be_had_is_named_and_fails_no_build(
    workshop: Any, repository: Repository
) -> None:
    version = workshop.build(repository(GUESSED))
    assert version.status is VersionStatus.READY, (version.failure, workshop.log(version))
    assert "Goes on without no_such_package_zq" in workshop.log(version)
    assert workshop.run("frobnicate", "--times", "3")[1] == "frobnicated 3\n"


@pytest.mark.registry
def test_a_tool_that_needs_pkg_resources_to_build_and_to_run_gets_it(
    workshop: Any, repository: Repository
) -> None:
    version = workshop.build(repository(OLD))
    assert version.status is VersionStatus.READY, (version.failure, workshop.log(version))
    assert workshop.run("frobnicate", "--times", "3")[1] == "frobnicated 3\n"


# source: the entry point that is found (real tools, of several kinds and sizes)
REAL = {
    "pypi:sherlock-project": "sherlock",
    "pypi:csvkit": "csvcut",
    "pypi:httpie": "httpie",
    "pypi:pycowsay": "pycowsay",
    "pypi:ruff": "ruff",
    "pypi:sqlite-utils": "sqlite-utils",
    "pypi:yt-dlp": "yt-dlp",
    "pypi:lizard": "lizard",
    "pypi:black": "black",
    "pypi:codespell": "codespell",
    "npm:cowsay": "cowsay",
    "npm:prettier": "prettier",
    "npm:json": "json",
    "npm:svgo": "svgo",
}


@pytest.mark.registry
@pytest.mark.parametrize("source", REAL)
def test_a_real_tool_goes_from_its_package_to_its_help(workshop: Any, source: str) -> None:
    version = workshop.build(source, name="tool")
    assert version.status is VersionStatus.READY, (version.failure, workshop.log(version))
    assert version.entry_point == REAL[source]
    run, stdout = workshop.run("tool", "--help")
    assert run.exit_code == 0
    assert len(stdout) > 20


def test_the_same_commit_is_built_once_for_all_tools(workshop: Any, repository: Repository) -> None:
    folder = repository(KINDS["shell"][0])
    first = workshop.build(folder)
    second = workshop.build(folder, name="again")
    assert first.environment_id == second.environment_id
    assert "Already built" in workshop.log(second)


@pytest.mark.registry
def test_one_environment_serves_all_commands_of_a_package(workshop: Any) -> None:
    first = workshop.build("pypi:csvkit")
    second = workshop.build("pypi:csvkit", name="stat", entry_point="csvstat")
    assert second.entry_point == "csvstat"
    assert first.environment_id == second.environment_id
    assert "csvlook" in {candidate.entry_point for candidate in first.candidates}


def test_a_source_that_only_its_owner_may_read_is_checked_as_any_other(
    workshop: Any, repository: Repository
) -> None:
    folder = repository({"frobnicate": "#!/bin/sh\necho Usage: frobnicate\n"})
    (folder / "frobnicate").chmod(0o700)
    folder.chmod(0o700)

    version = workshop.build(str(folder))

    assert version.status is VersionStatus.READY, version.failure
    assert "Usage: frobnicate" in workshop.log(version)


def test_two_builds_of_the_same_at_once_make_one_environment(
    workshop: Any, repository: Repository
) -> None:
    folder = repository(KINDS["shell"][0])
    versions: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=n: versions.append(workshop.build(folder, name=f"t{n}")))
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {version.status for version in versions} == {VersionStatus.READY}
    assert len({version.environment_id for version in versions}) == 1


def test_a_half_made_environment_is_wiped_and_built_again(
    workshop: Any, repository: Repository
) -> None:
    folder = repository(KINDS["shell"][0])
    first = workshop.build(folder)
    place = Path(workshop.client._installation.store.get_environment(first.environment_id).location)
    place.with_name(f"{place.name}.json").unlink()
    (place / "half-made").touch()

    second = workshop.build(folder, name="again")

    assert second.status is VersionStatus.READY
    assert not (place / "half-made").exists()


def test_the_newest_ready_version_runs_unless_another_is_named(
    workshop: Any, repository: Repository, git: Callable[..., str]
) -> None:
    folder = repository({"frobnicate": "#!/bin/sh\necho one\n"})
    git(folder, "tag", "v1")
    workshop.build(folder)
    (folder / "frobnicate").write_text("#!/bin/sh\necho two\n")
    git(folder, "commit", "-am", "Second")
    second = workshop.finish(workshop.client.build("frobnicate"))
    third = workshop.finish(workshop.client.build("frobnicate", ref="v1"))
    assert (second.number, third.number) == (2, 3)
    assert workshop.run("frobnicate@1")[1] == "one\n"
    assert workshop.run("frobnicate@2")[1] == "two\n"
    assert workshop.run("frobnicate")[1] == "one\n"


def test_among_several_candidates_the_user_decides(workshop: Any, repository: Repository) -> None:
    folder = repository(
        {"frobnicate": "#!/bin/sh\necho main\n", "bin/other": "#!/bin/sh\necho other\n"}
    )
    assert workshop.build(folder).entry_point == "frobnicate"
    other = workshop.build(folder, name="other", entry_point="bin/other")
    assert other.entry_point == "bin/other"
    assert workshop.run("other")[1] == "other\n"
    wrong = workshop.build(folder, name="wrong", entry_point="bin/othr")
    assert wrong.status is VersionStatus.FAILED
    assert "bin/other" in wrong.failure.message + wrong.failure.hint


def test_a_candidate_that_does_not_start_makes_room_for_the_next_and_it_is_said(
    workshop: Any, repository: Repository
) -> None:
    folder = repository(
        {"frobnicate": "#!/bin/sh\nno-such-program\n", "frobnicate.sh": "#!/bin/sh\necho second\n"}
    )
    version = workshop.build(folder)
    assert version.status is VersionStatus.READY, version.failure
    assert version.entry_point == "frobnicate.sh"
    assert any("Left aside: frobnicate" in note for note in version.notes)


def test_a_program_that_does_not_start_is_not_replaced_by_what_is_beside_it(
    workshop: Any, repository: Repository
) -> None:
    version = workshop.build(
        repository(
            {
                "frobnicate": "#!/no/such/interpreter\n",
                "bin/second": "#!/bin/sh\necho second\n",
                "release.sh": "#!/bin/sh\necho released\n",
            }
        )
    )
    assert version.status is VersionStatus.FAILED
    assert version.failure.code == "interpreter_missing", version.failure


# kind: (files, code, what the message or hint says)
FAILURES: dict[str, tuple[Mapping[str, str | bytes], str, str]] = {
    "nothing": ({"README.md": "hello"}, "no_entry_point", "--entry-point"),
    "only notebooks": ({"a.ipynb": "{}"}, "no_entry_point", "--entry-point"),
    "autotools": ({"configure.ac": "", "main.c": ""}, "needs_docker_engine", "docker engine"),
    "make and C": ({"Makefile": "", "main.c": ""}, "needs_docker_engine", "docker engine"),
    "Go": ({"go.mod": "module x", "main.go": ""}, "needs_docker_engine", "Go"),
    "Rust with helper scripts": (
        {"Cargo.toml": "", "scripts/release.sh": "#!/bin/sh\n", "bench.py": "if __name__ == "
         "'__main__': pass"},
        "needs_docker_engine",
        "Rust",
    ),
    "a Dockerfile": ({"Dockerfile": "FROM x"}, "needs_docker_engine", "Dockerfile"),
    "a Python that is not there": (
        {
            **PACKAGE,
            "pyproject.toml": SETUPTOOLS + '[project]\nname="frobnicate"\nversion="1"\n'
            'requires-python=">=3.99"\n[project.scripts]\nfrobnicate="frobnicate.cli:main"\n',
        },
        "python_missing",
        "3.99",
    ),
    "a module that is not declared": (
        {
            "frobnicate": "#!/usr/bin/env python3\nimport no_such_module_zq\n",
            "requirements.txt": "",
        },
        "check_failed",
        "No module named 'no_such_module_zq'",
    ),
    "a Perl module that is missing": (
        {"frobnicate": "#!/usr/bin/perl\nuse No::Such::Module;\n"},
        "check_failed",
        "No/Such/Module.pm",
    ),
    "an interpreter that is missing": (
        {"frobnicate": "#!/usr/bin/env no-such-interpreter\n"},
        "interpreter_missing",
        "no-such-interpreter",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FAILURES)
def test_a_repository_that_cannot_become_a_tool_says_why_and_what_to_do(
    workshop: Any, repository: Repository, kind: str
) -> None:
    files, code, told = FAILURES[kind]
    version = workshop.build(repository(files))
    assert version.status is VersionStatus.FAILED
    assert version.failure.code == code, version.failure
    assert told in version.failure.message + version.failure.hint
    left = [p.name for p in workshop.client._config.environments_path.glob("*") if p.is_dir()]
    assert left == []


@pytest.mark.registry
@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("no-such-package-of-anybody-zq", "no-such-package-of-anybody-zq"),
        ("six==99", "six==99"),
        ("--help", "Unexpected '-'"),
    ],
)
def test_a_dependency_that_does_not_exist_is_the_first_thing_said(
    workshop: Any, repository: Repository, requirement: str, told: str
) -> None:
    files = {"frobnicate.py": CLICK_LIKE, "requirements.txt": f"{requirement}\n"}
    version = workshop.build(repository(files))
    assert version.status is VersionStatus.FAILED
    assert told in version.failure.message


HOSTILE_SETUP = """
import os, pathlib, subprocess, sys
from setuptools import setup
{}
setup(name='frobnicate', version='1', entry_points={{'console_scripts': ['frobnicate=x:y']}})
"""


def test_a_setup_script_that_never_ends_is_ended(
    workshop: Any, repository: Repository, config: Any
) -> None:
    config.build_timeout_s = 4
    setup = HOSTILE_SETUP.format("import time; print('looping', flush=True); time.sleep(1000)")
    version = workshop.build(repository({"setup.py": setup, "x.py": ""}))
    assert version.status is VersionStatus.FAILED
    assert version.failure.code == "limit_time"


@pytest.mark.registry
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = []\nwhile 1: x.append(bytearray(10_000_000))", "limit_memory"),
        ("open('/tmp/x', 'wb').write(b'x')\nfor n in range(90): "
         "open(f'{sys.prefix}/x{n}', 'wb').write(b'x' * 10_000_000)", None),
        ("while 1:\n    try: os.fork()\n    except OSError: pass", "limit_pids"),
    ],
)  # fmt: skip
def test_a_setup_script_that_eats_the_machine_is_ended(
    workshop: Any, repository: Repository, config: Any, code: str, expected: str | None
) -> None:
    config.build_memory_bytes = (500 if expected == "limit_memory" else 4000) * 2**20
    config.build_disk_bytes = 300 * 2**20
    version = workshop.build(repository({"setup.py": HOSTILE_SETUP.format(code), "x.py": ""}))
    assert version.status is VersionStatus.FAILED
    assert expected is None or version.failure.code == expected


@pytest.mark.registry
def test_a_setup_script_finds_no_secret_of_the_user(
    workshop: Any, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PUBLISH_TOKEN", "s3cret")
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "secret").chmod(0o644)
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    look = (
        f"secret = {str(tmp_path / 'secret')!r}\n"
        "tokens = [os.environ.get(name) for name in ('MY_TOKEN', 'UV_PUBLISH_TOKEN')]\n"
        "print('FOUND', os.path.exists(secret), tokens, os.getuid() == 0, "
        "os.path.exists('/root/.bashrc'), file=sys.stderr); sys.exit(1)"
    )
    version = workshop.build(repository({"setup.py": HOSTILE_SETUP.format(look), "x.py": ""}))
    assert "FOUND False [None, None] False False" in workshop.log(version)


def test_a_tool_that_eats_the_machine_when_it_starts_is_given_up(
    workshop: Any, repository: Repository
) -> None:
    bomb = (
        "#!/usr/bin/env python3\nimport os\n"
        "while 1:\n    try: os.fork()\n    except OSError: pass\n"
    )
    version = workshop.build(repository({"frobnicate": bomb}))
    assert version.status is VersionStatus.FAILED
    assert version.failure.code == "limit_pids"


def test_a_tool_whose_start_hangs_is_given_up(
    workshop: Any, repository: Repository, config: Any
) -> None:
    config.check_timeout_s = 1
    version = workshop.build(repository({"frobnicate": "#!/bin/sh\nsleep 1000\n"}))
    assert version.failure.code == "check_timeout"


def test_a_build_that_is_cancelled_leaves_nothing(
    workshop: Any, repository: Repository, config: Any
) -> None:
    _, version = workshop.client.create(
        _source(repository({"frobnicate": "#!/bin/sh\nsleep 99\n"}))
    )
    for event in workshop.client.follow_build(version.id):
        if getattr(event, "status", None) is VersionStatus.CHECKING:
            break
    ended = workshop.client.cancel_build(version.id)
    assert ended.status is VersionStatus.CANCELLED
    assert not (config.builds_path / version.id / "source").exists()


def _source(folder: Path) -> Any:
    from tooinstance_jupyter.requests import NewTool

    return NewTool(source=f"file://{folder}")


HOSTILE_FILES: dict[str, Mapping[str, str | bytes]] = {
    "pyproject.toml that is nested deeply": {"pyproject.toml": "a = " + "[" * 100_000},
    "pyproject.toml that is no text": {"pyproject.toml": os.urandom(10_000)},
    "pyproject.toml of other types": {
        "pyproject.toml": "project = 1\ntool = []\nbuild-system = 'x'\n"
    },
    "package.json that is nested deeply": {"package.json": '{"bin":' * 100_000},
    "package.json of other types": {"package.json": '{"bin": [1], "scripts": 3}'},
    "bin that leads out": {"package.json": '{"name": "x", "bin": {"../../x": "../../etc/passwd"}}'},
    "setup.py that is nested deeply": {"setup.py": "(" * 100_000},
    "setup.cfg that is none": {"setup.cfg": "[[[\n=\n%(x)s\n[options.entry_points\n"},
    "names with line breaks and dashes": {"-x": "#!/bin/sh\n", "a\nb.sh": "#!/bin/sh\n"},
}


@pytest.mark.parametrize("kind", HOSTILE_FILES)
def test_files_that_make_no_sense_are_no_tool_and_break_nothing(
    workshop: Any, repository: Repository, kind: str
) -> None:
    version = workshop.build(repository(HOSTILE_FILES[kind]))
    assert version.status is VersionStatus.FAILED
    assert version.failure.code in ("no_entry_point", "build_failed"), version.failure


@pytest.mark.parametrize(
    ("exit_code", "output", "verdict"),
    [
        (0, "", Verdict.WORKS),
        (2, "usage: x", Verdict.WORKS),
        (1, "Traceback …\nModuleNotFoundError: No module named 'x'", Verdict.CRASHED),
        (1, "Error: Cannot find module 'x'", Verdict.CRASHED),
        (2, "Can't locate X.pm in @INC (you may need", Verdict.CRASHED),
        (127, "sh: 1: gawk: not found", Verdict.CRASHED),
        (126, "", Verdict.CRASHED),
        (2, "frobnicate: 2: Cannot fork", Verdict.CRASHED),
        (139, "", Verdict.CRASHED),
        (1, "no such file: --help", Verdict.UNSURE),
    ],
)
def test_a_start_is_judged_by_what_it_says(exit_code: int, output: str, verdict: Verdict) -> None:
    assert judge(Completed(exit_code=exit_code, output=output)) is verdict


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("x.c:1:10: fatal error: libpq-fe.h: No such file or directory", "libpq-fe.h"),
        ("error: command 'gcc' failed: No such file or directory", "gcc"),
        ("/usr/bin/ld: cannot find -lxml2: No such file", "xml2"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("  Because no-such was not found in the package registry and", "no-such"),
        ("npm error code 127\nnpm error sh: 1: rollup: not found", "rollup"),
        ("npm error code E404\nnpm error 404 Not Found", "does not exist"),
        ("error: Failed to fetch: `x`", "could not be reached"),
        ("Traceback\nKeyError: 'a'\nValueError: version 3 is odd", "version 3 is odd"),
        ("", "nothing"),
    ],
)
def test_the_cause_is_found_in_a_log(log: str, told: str) -> None:
    assert told in cause(log).message


@pytest.mark.registry
def test_a_setup_script_cannot_make_us_write_elsewhere_nor_pose_as_complete(
    workshop: Any, repository: Repository, tmp_path: Path, config: Any
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    plant = (
        "import re\n"
        "mounts = open('/proc/self/mountinfo').read()\n"
        "target = re.search(r'(\\S+/environments/\\w{32}) ', mounts)[1]\n"
        "for name in ('.environment.json', 'environment.json', target + '.json'):\n"
        f"    try: os.symlink({str(victim)!r}, os.path.join(target, name))\n"
        "    except OSError: pass\n"
        "print('PLANTED', os.listdir(target), file=sys.stderr); sys.exit(1)"
    )
    version = workshop.build(repository({"setup.py": HOSTILE_SETUP.format(plant), "x.py": ""}))
    assert "PLANTED" in workshop.log(version)
    assert victim.read_text() == "precious"
    assert [path for path in config.environments_path.iterdir() if path.is_dir()] == []


@pytest.mark.registry
def test_one_source_cannot_change_what_another_installs(
    workshop: Any, repository: Repository
) -> None:
    tool = {"frobnicate.py": "import six\n" + CLICK_LIKE, "requirements.txt": "six==1.17.0\n"}
    poison = (
        "import glob\n"
        "for path in glob.glob(os.environ['UV_CACHE_DIR'] + '/**/six.py', recursive=True):\n"
        "    open(path, 'a').write('print(666)\\n')\n"
        "print('POISONED', file=sys.stderr); sys.exit(1)"
    )
    workshop.build(repository(tool))
    evil = workshop.build(
        repository({"setup.py": HOSTILE_SETUP.format(poison), "x.py": ""}, "evil")
    )
    assert "POISONED" in workshop.log(evil)
    workshop.build(repository(tool, "again"))
    assert workshop.run("again")[1] == "frobnicated 1\n"


def test_a_forced_build_that_fails_leaves_what_was_working(
    workshop: Any, repository: Repository, config: Any
) -> None:
    workshop.build(repository({"frobnicate": "#!/bin/sh\nsleep 0.3; echo works\n"}))
    config.check_timeout_s = 0.1
    again = workshop.finish(workshop.client.build("frobnicate", force=True))
    assert again.status is VersionStatus.FAILED
    assert workshop.run("frobnicate")[1] == "works\n"


def test_a_build_that_waits_for_another_of_the_same_can_be_cancelled(
    workshop: Any, repository: Repository
) -> None:
    folder = repository({"frobnicate": "#!/bin/sh\nsleep 99\n"})
    _, first = workshop.client.create(_source(folder))
    for event in workshop.client.follow_build(first.id):
        if getattr(event, "status", None) is VersionStatus.CHECKING:
            break
    second = workshop.client.build("frobnicate")
    for event in workshop.client.follow_build(second.id):
        if "Waiting for another build" in getattr(event, "text", ""):
            break
    assert workshop.client.cancel_build(second.id).status is VersionStatus.CANCELLED
    assert workshop.client.cancel_build(first.id).status is VersionStatus.CANCELLED
