"""What an image starts, from its ENTRYPOINT and CMD in whichever form."""

from __future__ import annotations

import pytest

from tooinstance_jupyter.build.images.commands import start_of
from tooinstance_jupyter.errors import BuildError

FILES = {"/app/app.py", "/app/bin/tool", "/app/serve"}


@pytest.mark.parametrize(
    ("entrypoint", "command", "argv", "name"),
    [
        (["tool"], None, ("tool",), "tool"),
        (["python", "app.py"], ["--help"], ("python", "/app/app.py"), "app.py"),
        (None, ["./bin/tool"], ("/app/bin/tool",), "tool"),
        (["python3", "-m", "frob"], None, ("python3", "-m", "frob"), "-m frob"),
        (["/bin/sh", "-c", "exec python app.py"], None, ("python", "/app/app.py"), "app.py"),
        (["/bin/sh", "-c", "tool --color 'never ever'"], None, None, "tool"),
        (["serve"], None, ("serve",), "serve"),
        (["bash", "other.sh"], None, ("bash", "other.sh"), "other.sh"),
        (["python"], ["app.py"], ("python", "/app/app.py"), "app.py"),
        (["python"], ["-m", "frob"], ("python", "-m", "frob"), "-m frob"),
        (["/bin/tini", "--"], ["frobd"], ("/bin/tini", "--", "frobd"), "frobd"),
        (["/bin/tini", "--", "frobd"], ["x"], ("/bin/tini", "--", "frobd"), "frobd"),
    ],
)
def test_an_images_own_start_is_an_argv_that_works_in_any_directory(
    entrypoint: list[str] | None,
    command: list[str] | None,
    argv: tuple[str, ...] | None,
    name: str,
) -> None:
    start = start_of(entrypoint, command, workdir="/app", exists=FILES.__contains__)
    assert start.name == name
    assert start.argv == (argv or ("tool", "--color", "never ever"))
    is_shell = "-c" in (entrypoint or ())
    assert ("shell form" in start.note) == is_shell, "what was interpreted is said"


@pytest.mark.parametrize(
    "script", ["tool | cat", "tool $X", "A=1 tool", "tool; true", "tool > f", "", "tool 'x"]
)
def test_a_shell_script_as_entrypoint_is_refused_with_the_way_out(script: str) -> None:
    with pytest.raises(BuildError) as caught:
        start_of(["/bin/sh", "-c", script], None)
    assert "--entry-point" in caught.value.hint


def test_an_image_that_starts_nothing_is_refused_with_the_way_out() -> None:
    with pytest.raises(BuildError) as caught:
        start_of((), ())
    assert "--entry-point" in caught.value.hint


@pytest.mark.parametrize(
    ("entrypoint", "command"),
    [
        (None, ["python3"]),
        (None, ["/bin/bash"]),
        (["bash"], ["--login"]),
        (["/bin/tini", "--"], None),
        (["node"], None),
        (None, ["make", "test"]),
        (None, ["npm", "start"]),
        (None, ["sleep", "infinity"]),
    ],
)
def test_what_a_base_image_or_a_developer_starts_is_no_tool(
    entrypoint: list[str] | None, command: list[str] | None
) -> None:
    with pytest.raises(BuildError) as caught:
        start_of(entrypoint, command)
    assert "--entry-point" in caught.value.hint
