"""From a link to an image that is ready to run, on a real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.engines.docker import address
from tooinstance_jupyter.home import home_id
from tooinstance_jupyter.records import Principal, Version, VersionStatus
from tooinstance_jupyter.requests import NewTool

BASE = "tooinstance-test/debian"
RUNTIMES = ("debian", "python", "node", "go", "java", "julia", "perl", "r", "ruby", "rust")
SCRIPT = '#!/usr/bin/env python3\nimport sys\nprint("usage: frobnicate", *sys.argv[1:])\n'
DOCKERFILE = f"""\
FROM {BASE}
WORKDIR /app
COPY app.py .
ENTRYPOINT ["python3", "app.py"]
"""

GROUP = """\
#!/usr/bin/env python3
import argparse
parser = argparse.ArgumentParser(prog="frobnicate")
parser.add_argument("--level", type=int, metavar="N")
command = parser.add_subparsers().add_parser
for name in ("go", "stop"):
    command(name, help=f"to {name}").add_argument("--to", metavar="DIR")
parser.parse_args()
"""

pytestmark = pytest.mark.usefixtures("engine")


class Workshop(Protocol):
    client: LocalClient

    def build(self, source: str | Path, **given: object) -> Version: ...
    def finish(self, version: Version) -> Version: ...
    def log(self, version: Version) -> str: ...


Repository = Callable[..., Path]


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=True, timeout=120
    ).stdout.strip()


def ours(kind: str, config: TooInstance) -> list[str]:
    label = f"label=org.tooinstance.installation={home_id(config)}"
    return docker(kind, "ls", "--all", "--quiet", "--filter", label).split()


def location(workshop: Workshop, version: Version) -> str:
    assert version.environment_id is not None
    environment = workshop.client._installation.store.get_environment(version.environment_id)
    assert environment is not None
    return environment.location


def sh(image: str, script: str) -> str:
    return docker("run", "--rm", "--network=none", "--entrypoint=sh", image, "-c", script)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[TooInstance]:
    """Settings with a home of their own, whose images go with the test."""
    home = str(tmp_path / "home")
    made = TooInstance(
        home=home, engine="docker", armed_containers=0, base_images=dict.fromkeys(RUNTIMES, BASE)
    )
    yield made
    if (keeper := address.keeper_pid(made)) is not None:
        os.kill(keeper, signal.SIGTERM)
        address.wait_for_end(made)
    containers = ours("container", made)
    if containers:
        docker("rm", "--force", *containers)
    assert not containers, "a build leaves no container"
    if images := ours("image", made):
        docker("image", "rm", "--force", *dict.fromkeys(images))


def ready(version: Version) -> Version:
    assert version.status is VersionStatus.READY, version.failure
    return version


def failure(version: Version) -> tuple[str, str, str]:
    assert version.status is VersionStatus.FAILED, version.status
    assert version.failure is not None
    return version.failure.code, version.failure.message, version.failure.hint


def test_the_helps_of_a_tool_and_its_subcommands_are_read_also_of_an_image_that_was_there(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    link = repository({"Dockerfile": DOCKERFILE, "app.py": GROUP})
    first = ready(workshop.build(link))
    again = ready(workshop.finish(workshop.client.build("frobnicate")))
    for version in (first, again):
        interface = workshop.client._installation.store.interface_of(version.id)
        assert interface is not None
        assert [option.key for option in interface.options] == ["--level"]
        found = {one.name: [option.key for option in one.options] for one in interface.subcommands}
        assert found == {"go": ["--to"], "stop": ["--to"]}


def test_a_dockerfile_becomes_a_tool_and_is_not_built_twice(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    link = repository({"Dockerfile": DOCKERFILE, "app.py": SCRIPT})
    first = ready(workshop.build(link))
    assert first.command == ("python3", "/app/app.py"), "it can start in any directory"
    assert first.entry_point == "app.py"
    assert first.runtime == "dockerfile"
    image = location(workshop, first)
    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", image))
    assert labels["org.tooinstance.commit"] == first.commit
    assert labels["org.tooinstance.recipe"] == first.recipe_hash
    assert labels["org.tooinstance.environment"] == first.environment_id
    log = workshop.log(first)
    assert "WORKDIR /app" in log
    assert "[internal]" not in log, "the builder's own work is no step of the tool's"
    again = ready(workshop.finish(workshop.client.build("frobnicate")))
    assert again.environment_id == first.environment_id
    assert "Already built" in workshop.log(again)
    assert location(workshop, again) == image
    anew = ready(workshop.finish(workshop.client.build("frobnicate", force=True)))
    assert "Already built" not in workshop.log(anew)
    assert len(ours("image", config)) == 1, "what was built anew takes the place of the old"


@pytest.mark.registry
def test_a_python_repository_goes_from_link_to_image_with_no_option_given(
    workshop: Workshop, repository: Repository
) -> None:
    link = repository(
        {
            "pyproject.toml": '[build-system]\nrequires=["setuptools"]\n'
            'build-backend="setuptools.build_meta"\n[project]\nname="frobnicate"\nversion="1"\n'
            'dependencies=["click"]\n[project.scripts]\nfrobnicate="frobnicate:main"\n',
            "frobnicate/__init__.py": "import click\n@click.command()\ndef main(): 'It frobs.'\n",
            # needs an argument that nobody gives: the packaging metadata is preferred
            "Dockerfile": "FROM no/such\nARG V\nRUN pip install x==$V\n",
        }
    )
    messages: set[str] = set()
    _, version = workshop.client.create(NewTool(source=f"file://{link}"))
    for event in workshop.client.follow_build(version.id):
        if isinstance(event, Version):
            version = event
            messages.add(event.message)
            assert event.steps_done <= event.steps_total or not event.steps_total
    assert ready(version).entry_point == "frobnicate"
    assert any("Installing" in message for message in messages), messages
    image = location(workshop, version)
    assert "secrets" not in docker("history", "--no-trunc", "--format", "{{.Comment}}", image)
    leftovers = sh(image, "ls -A /run/secrets 2>/dev/null; env; cat /etc/pip.conf 2>/dev/null; :")
    assert "CERT" not in leftovers, "nothing of the settings stays"


@pytest.mark.registry
def test_a_file_that_cannot_be_compiled_ahead_fails_no_image_and_is_named(
    workshop: Workshop, repository: Repository
) -> None:
    link = repository(
        {
            "pyproject.toml": '[build-system]\nrequires=["setuptools"]\n'
            'build-backend="setuptools.build_meta"\n[project]\nname="frobnicate"\nversion="1"\n'
            '[project.scripts]\nfrobnicate="frobnicate:main"\n',
            "frobnicate/__init__.py": "def main(): print('usage: frobnicate')\n",
            "frobnicate/of_python_2.py": 'print "hello"\n',
        }
    )
    version = ready(workshop.build(link))
    told = [line for line in workshop.log(version).splitlines() if "Not compiled ahead" in line]
    assert [line.rpartition("/")[2] for line in told] == ["of_python_2.py"]


@pytest.mark.registry
def test_a_guessed_package_that_cannot_be_had_fails_no_image_and_is_named(
    workshop: Workshop, repository: Repository
) -> None:
    guesses = "import os\nimport six\nif os.environ.get('ZQ'):\n    import no_such_package_zq\n"
    version = ready(workshop.build(repository({"frobnicate.py": guesses + SCRIPT})))
    assert "Goes on without no_such_package_zq" in workshop.log(version)
    assert "six" in sh(location(workshop, version), "ls /opt/tool/venv/lib/python3*/site-packages")


@pytest.mark.registry
def test_an_image_of_what_needs_pkg_resources_to_build_and_to_run_has_it(
    workshop: Workshop, repository: Repository
) -> None:
    link = repository(
        {
            "setup.py": "import pkg_resources\nfrom setuptools import setup\n"
            "setup(name='frobnicate', version='1', py_modules=['frob'], "
            "entry_points={'console_scripts': ['frobnicate=frob:main']})\n",
            "frob.py": "import pkg_resources\ndef main(): print('usage: frobnicate')\n",
        }
    )
    assert ready(workshop.build(link)).entry_point == "frobnicate"


_SCRIPTS = "".join(f'frob{number} = "frob:main"\n' for number in range(5))
_PROJECT = f'[project]\nname = "frobnicate"\nversion = "1"\n[project.scripts]\n{_SCRIPTS}'


def test_a_base_image_that_cannot_be_had_leaves_the_other_ways_and_is_said(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    config.base_images = {**config.base_images, "python": "tooinstance-test/no-such"}
    files = {"pyproject.toml": _PROJECT, "Dockerfile": DOCKERFILE, "app.py": SCRIPT}
    version = ready(workshop.build(repository(files)))
    assert version.runtime == "dockerfile"
    assert any("base image tooinstance-test/no-such" in note for note in version.notes)
    assert workshop.log(version).count("Left aside") == 1, "each base image is asked for once"


def test_where_no_base_image_can_be_had_the_first_of_them_is_the_cause(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    config.base_images = {**config.base_images, "python": "tooinstance-test/no-such"}
    files = {"pyproject.toml": _PROJECT, "Dockerfile": "FROM tooinstance-test/nor-this\n"}
    code, message, _ = failure(workshop.build(repository(files)))
    assert (code, "tooinstance-test/no-such" in message) == ("base_missing", True), message


def test_what_fails_makes_room_for_the_next_candidate_and_is_said(
    workshop: Workshop, repository: Repository
) -> None:
    link = repository(
        {"Dockerfile": f"FROM {BASE}\nRUN echo no good >&2; exit 3\n", "tool": SCRIPT}
    )
    version = ready(workshop.build(link))
    assert version.entry_point == "tool"
    assert any("Left aside" in note and "Dockerfile" in note for note in version.notes)
    assert any("Taken: tool" in note for note in version.notes)
    assert "failed with exit code 3" in workshop.log(version)


@pytest.mark.parametrize(
    ("files", "given", "code", "said", "hint"),
    [
        (
            {
                "Dockerfile": f'FROM {BASE}\nRUN : "Compiling"; echo "x.c:1: fatal error: ffi.h: '
                'No such file or directory"; exit 1\n'
            },
            {},
            "build_failed",
            "Compiling failed: A header file is missing: ffi.h.",
            "libffi-dev",
        ),
        (
            {"Dockerfile": f"FROM {BASE}\nARG WHO\nRUN test $WHO = Ada\n"},
            {},
            "build_argument_missing",
            "WHO",
            "--build-arg WHO=VALUE",
        ),
        (
            {"Dockerfile": "FROM tooinstance-test/no-such-image\nRUN x\n"},
            {},
            "base_missing",
            "tooinstance-test/no-such-image",
            "registry_mirror",
        ),
        (
            {"Dockerfile": f"FROM {BASE}\nRUN --network=host x\n"},
            {},
            "build_option",
            "--network=host",
            "--runtime",
        ),
        (
            {
                "Dockerfile": f"FROM {BASE}\nRUN python3 -c 'import socket; "
                'socket.getaddrinfo("no-such.invalid", 1)\'\n'
            },
            {},
            "build_failed",
            "no network",
            "online",
        ),
        (
            {"Dockerfile": f"FROM {BASE}\nCMD exec python3 /app.py | cat\n"},
            {},
            "entry_point_shell",
            "shell script",
            "--entry-point",
        ),
        (
            {"Dockerfile": f'FROM {BASE}\nENTRYPOINT ["no-such-program"]\n'},
            {},
            "check_failed",
            "does not start",
            "--entry-point",
        ),
        (
            {"Dockerfile": f'FROM {BASE}\nENTRYPOINT ["python3", "-c", "import nothing_there"]\n'},
            {},
            "check_failed",
            "No module named 'nothing_there'",
            "",
        ),
        (
            {"Dockerfile": f"FROM {BASE}\nFROBNICATE all\n"},
            {},
            "build_failed",
            "unknown instruction: FROBNICATE",
            "log",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value else "",
)
def test_a_build_that_fails_says_why_and_what_to_do(
    workshop: Workshop,
    repository: Repository,
    config: TooInstance,
    files: Mapping[str, str],
    given: Mapping[str, object],
    code: str,
    said: str,
    hint: str,
) -> None:
    version = workshop.build(repository(files), **given)
    got_code, message, got_hint = failure(version)
    assert (got_code, said in message, hint in got_hint) == (code, True, True), (message, got_hint)
    assert not ours("image", config), "nothing half-made is left"


def test_build_arguments_reach_a_dockerfile(workshop: Workshop, repository: Repository) -> None:
    link = repository(
        {
            "Dockerfile": f"FROM {BASE}\nARG WHO\nRUN echo x==$WHO >/who\n"
            'ENTRYPOINT ["cat", "/who"]\n'
        }
    )
    version = ready(workshop.build(link, build_arguments={"WHO": "Ada Lovelace"}))
    assert sh(location(workshop, version), "cat /who") == "x==Ada Lovelace"


@pytest.mark.parametrize(
    ("end", "command"),
    [
        ('ENTRYPOINT ["/app/app.py"]', ("/app/app.py",)),
        ('CMD ["./app.py"]', ("/app/app.py",)),
        ("ENTRYPOINT exec python3 app.py", ("python3", "/app/app.py")),
    ],
)
def test_whatever_starts_an_image_is_kept(
    workshop: Workshop, repository: Repository, end: str, command: tuple[str, ...]
) -> None:
    dockerfile = f"FROM {BASE}\nWORKDIR /app\nCOPY app.py .\n{end}\n"
    version = ready(workshop.build(repository({"Dockerfile": dockerfile, "app.py": SCRIPT})))
    assert version.command == command
    said = any("shell form" in note for note in version.notes)
    assert said == ("exec" in end), "what was interpreted is said"


def test_what_starts_only_in_its_own_directory_is_started_there(
    workshop: Workshop, repository: Repository
) -> None:
    script = SCRIPT + 'open("data.txt")\n'
    link = repository({"Dockerfile": DOCKERFILE, "app.py": script, "other.py": "import x"})
    # a module that is found from the image's own directory only
    dockerfile = f'FROM {BASE}\nWORKDIR /app\nCOPY app.py .\nENTRYPOINT ["python3", "-m", "app"]\n'
    link = repository({"Dockerfile": dockerfile, "app.py": SCRIPT}, name="other")
    version = ready(workshop.build(link, runtime="dockerfile"))
    assert version.environment_id is not None
    environment = workshop.client._installation.store.get_environment(version.environment_id)
    assert environment is not None
    assert environment.workdir == "/app"
    assert any("/app" in note for note in version.notes)


def test_a_tool_that_asks_who_runs_it_starts(workshop: Workshop, repository: Repository) -> None:
    script = (
        "import getpass, os, pwd\nassert getpass.getuser() == pwd.getpwuid(os.getuid()).pw_name\n"
    )
    link = repository({"Dockerfile": DOCKERFILE, "app.py": script})
    ready(workshop.build(link, runtime="dockerfile"))


def test_an_image_that_starts_what_its_base_starts_is_no_tool(
    workshop: Workshop, repository: Repository
) -> None:
    link = repository({"Dockerfile": f'FROM {BASE}\nRUN true\nCMD ["python3"]\n'})
    code, message, _ = failure(workshop.build(link))
    assert (code, "python3" in message) == ("entry_point_not_found", True), message


def test_an_entry_point_that_was_asked_for_is_started_in_the_image(
    workshop: Workshop, repository: Repository
) -> None:
    dockerfile = f"FROM {BASE}\nWORKDIR /app\nCOPY app.py .\nCMD a | b\n"
    link = repository({"Dockerfile": dockerfile, "app.py": SCRIPT})
    version = ready(workshop.build(link, runtime="dockerfile", entry_point="python3 app.py"))
    assert version.command == ("python3", "/app/app.py")


def test_an_image_without_a_shell_works(workshop: Workshop, repository: Repository) -> None:
    dockerfile = f"""\
FROM {BASE} AS build
RUN mkdir /out && cp /usr/bin/env /out/ && for l in $(ldd /usr/bin/env | grep -o '/[^ ]*'); do \\
    mkdir -p /out$(dirname $l) && cp $l /out$l; done
FROM scratch
COPY --from=build /out /
ENTRYPOINT ["/env"]
"""
    version = ready(workshop.build(repository({"Dockerfile": dockerfile})))
    assert version.command == ("/env",)


def test_another_tools_image_is_no_base(workshop: Workshop, repository: Repository) -> None:
    private = ready(workshop.build(repository({"Dockerfile": DOCKERFILE, "app.py": SCRIPT})))
    image = location(workshop, private)
    docker("tag", image, f"private-{private.id}")
    try:
        for number, base in enumerate((image, image[7:19], f"private-{private.id}")):
            link = repository({"Dockerfile": f"FROM {base}\nRUN ls /app\n"}, name=f"thief{number}")
            assert failure(workshop.build(link))[0] == "base_refused", base
    finally:
        docker("rmi", f"private-{private.id}")


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until, f"waited in vain until {what}"
        time.sleep(0.05)


def sleeping(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"sleep\0{mark}\0".encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


SLOW = f'FROM {BASE}\nRUN : "Sleeping"; sleep %s\nENTRYPOINT ["true"]\n'


def test_a_cancelled_build_leaves_nothing_running_and_no_image(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    link = repository({"Dockerfile": SLOW % 98761})
    _, version = workshop.client.create(NewTool(source=f"file://{link}"))
    wait_until(lambda: bool(sleeping("98761")), "the step is at work")
    assert workshop.client.cancel_build(version.id).status is VersionStatus.CANCELLED
    wait_until(lambda: not sleeping("98761"), "the step is dead")
    assert not ours("image", config)


def test_a_build_that_takes_too_long_ends_and_says_at_which_step(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    config.build_timeout_s = 12
    code, message, hint = failure(workshop.build(repository({"Dockerfile": SLOW % 98762})))
    assert code == "limit_time"
    assert "Sleeping" in message
    assert "build_timeout_s" in hint
    wait_until(lambda: not sleeping("98762"), "the step is dead")


def test_a_build_that_fills_the_disk_is_ended(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    config.build_disk_bytes = 300 * 2**20
    dockerfile = f"FROM {BASE}\nRUN head -c 900M /dev/zero >/x && sync && sleep 98763\n"
    code, message, _ = failure(workshop.build(repository({"Dockerfile": dockerfile})))
    assert code == "limit_disk", message
    wait_until(lambda: not sleeping("98763"), "the step is dead")


def test_an_entry_point_that_never_answers_is_given_up(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    config.check_timeout_s = 3
    dockerfile = f'FROM {BASE}\nENTRYPOINT ["python3", "-c", "import time; time.sleep(999)"]\n'
    assert failure(workshop.build(repository({"Dockerfile": dockerfile})))[0] == "check_timeout"


def test_the_next_build_starts_clean_after_its_builder_was_killed(
    workshop: Workshop, repository: Repository, config: TooInstance, tmp_path: Path
) -> None:
    dockerfile = f'FROM {BASE}\nRUN test -e /there || sleep 98764\nENTRYPOINT ["true"]\n'
    link = repository({"Dockerfile": dockerfile})
    program = f"""
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.requests import NewTool
config = TooInstance(home={config.home!r}, engine="docker", armed_containers=0)
LocalClient(config).create(NewTool(source="file://{link}"))
"""
    builder = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: bool(sleeping("98764")), "the step is at work")
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    wait_until(lambda: not sleeping("98764"), "what it started is dead")
    [tool] = workshop.client.tools().items
    assert tool.versions[0].status in (VersionStatus.BUILDING, VersionStatus.FAILED)
    (link / "Dockerfile").write_text(DOCKERFILE)
    (link / "app.py").write_text(SCRIPT)
    subprocess.run(["git", "add", "-A"], cwd=link, check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@e.example", "commit", "-qm", "x"],
        cwd=link,
        check=True,
    )
    ready(workshop.finish(workshop.client.build("frobnicate")))


def test_an_image_that_was_built_and_not_recorded_is_taken_over(
    workshop: Workshop, repository: Repository
) -> None:
    link = repository({"Dockerfile": DOCKERFILE, "app.py": SCRIPT})
    first = ready(workshop.build(link))
    assert first.environment_id is not None
    workshop.client._installation.store.delete_environment(first.environment_id)
    again = ready(workshop.finish(workshop.client.build("frobnicate")))
    assert "Already built" in workshop.log(again)
    assert location(workshop, again)


def test_an_image_that_is_gone_is_built_again(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    link = repository({"Dockerfile": DOCKERFILE, "app.py": SCRIPT})
    first = ready(workshop.build(link))
    docker("image", "rm", "--force", *ours("image", config))
    again = ready(workshop.finish(workshop.client.build("frobnicate")))
    assert again.environment_id == first.environment_id
    assert "Already built" not in workshop.log(again)


def test_the_same_is_built_once_when_two_ask_at_once(
    workshop: Workshop, repository: Repository
) -> None:
    dockerfile = DOCKERFILE.replace("COPY", "RUN sleep 2\nCOPY")
    link = repository({"Dockerfile": dockerfile, "app.py": SCRIPT})
    made = [workshop.client.create(NewTool(source=f"file://{link}", name=name))[1] for name in "ab"]
    logs = [workshop.log(ready(workshop.finish(version))) for version in made]
    assert sum("Already built" in log for log in logs) == 1


def test_what_one_users_build_caches_never_reaches_anothers(
    workshop: Workshop, repository: Repository, config: TooInstance
) -> None:
    files = {
        "Dockerfile": f"FROM {BASE}\nARG N\nRUN --mount=type=cache,target=/cache : $N; "
        "ls /cache >/seen; touch /cache/planted\n"
        'ENTRYPOINT ["cat", "/seen"]\n'
    }
    link = repository(files)

    def seen(client: LocalClient, number: str) -> str:
        new = NewTool(source=f"file://{link}", name=f"t{number}", build_arguments={"N": number})
        version = client.create(new)[1]
        for event in client.follow_build(version.id):
            if isinstance(event, Version):
                version = event
        environment = client._installation.store.get_environment(
            ready(version).environment_id or ""
        )
        assert environment is not None
        return sh(environment.location, "cat /seen")

    mallory = LocalClient(config, Principal(name="mallory"))
    try:
        mark = str(time.time_ns())
        assert seen(mallory, f"1{mark}") == ""
        assert seen(mallory, f"2{mark}") == "planted", "one's own are kept"
        assert seen(workshop.client, f"3{mark}") == ""
    finally:
        mallory.close()


def test_a_source_cannot_keep_the_settings_of_a_build(
    workshop: Workshop,
    repository: Repository,
    config: TooInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UV_INDEX_URL", "https://ada:hunter2@index.e.example/simple")
    dockerfile = (
        f"FROM {BASE}\nRUN --mount=type=secret,id=settings --mount=type=secret,id=ca "
        "cp -r /run/secrets /kept 2>/dev/null; env >/env; ls -R /kept >>/env; :\n"
        'ENTRYPOINT ["cat", "/env"]\n'
    )
    version = ready(workshop.build(repository({"Dockerfile": dockerfile})))
    kept = sh(location(workshop, version), "cat /env; grep -r hunter2 /kept /env; :")
    assert "hunter2" not in kept
    assert "settings" not in kept


def test_a_dockerignore_of_the_source_and_links_out_of_it_do_no_harm(
    workshop: Workshop, repository: Repository
) -> None:
    link = repository({".dockerignore": "*\n", "frobnicate": SCRIPT})
    (link / "out").symlink_to("/etc/passwd")
    subprocess.run(["git", "add", "-A"], cwd=link, check=True)
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@e.example", "commit", "-qm", "x"],
        cwd=link,
        check=True,
    )
    version = ready(workshop.build(link))
    listing = sh(
        location(workshop, version),
        "ls -A $(dirname $0 2>/dev/null); find / -name .git "
        "-not -path '/proc/*' 2>/dev/null; find /opt -type l -name out",
    )
    assert ".git" not in listing.splitlines()
    assert "/opt/tool/source/out" not in listing


def test_two_threads_of_output_do_not_end_a_build(
    workshop: Workshop, repository: Repository
) -> None:
    dockerfile = (
        f"FROM {BASE} AS a\nRUN head -c 3M /dev/zero | tr '\\0' a && touch /a\n"
        f"FROM {BASE} AS b\nRUN seq 20000 && touch /b\n"
        f'FROM {BASE}\nCOPY --from=a /a /\nCOPY --from=b /b /\nENTRYPOINT ["true"]\n'
    )
    version = ready(workshop.build(repository({"Dockerfile": dockerfile})))
    assert len(workshop.log(version)) < 8 * 2**20


def test_an_image_is_found_by_its_digest_where_it_was_pushed_to(
    workshop: Workshop, repository: Repository, config: TooInstance, registry: str
) -> None:
    config.registry = registry
    link = repository({"Dockerfile": DOCKERFILE, "app.py": SCRIPT})
    place = location(workshop, ready(workshop.build(link)))
    assert place.startswith(f"{registry}/")
    assert "@sha256:" in place
    docker("image", "rm", "--force", *ours("image", config))
    docker("pull", "--quiet", place)
    assert sh(place, "ls /app") == "app.py"
    docker("image", "rm", "--force", place)


def test_without_buildx_the_way_to_it_is_said(
    workshop: Workshop,
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(
        '#!/bin/sh\n[ "$1" = buildx ] && { echo "docker: \'buildx\' is not a docker command." >&2; '
        "exit 1; }\nexit 0\n"
    )
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    link = repository({"Dockerfile": DOCKERFILE, "app.py": SCRIPT})
    code, _, hint = failure(workshop.build(link, runtime="dockerfile"))
    assert code == "buildx_missing"
    assert "docker-buildx" in hint


def test_it_can_be_followed_by_two_at_once(workshop: Workshop, repository: Repository) -> None:
    link = repository({"Dockerfile": DOCKERFILE, "app.py": SCRIPT})
    _, version = workshop.client.create(NewTool(source=f"file://{link}"))
    ends: list[VersionStatus] = []
    thread = threading.Thread(target=lambda: ends.append(workshop.finish(version).status))
    thread.start()
    ends.append(workshop.finish(version).status)
    thread.join()
    assert ends == [VersionStatus.READY] * 2
