"""A tool from a git repository, people on installations of their own, and a run with secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.export.people import PLANTED, Person
from tooinstance_jupyter.client.local import LocalClient
from tooinstance_jupyter.config import TooInstance
from tooinstance_jupyter.records import Principal, Run

SCRIPT = r"""#!/usr/bin/env python3
import base64, os, pathlib, sys
words = sys.argv[1:]
if words[:1] == ["--help"]:
    print("usage: probe [WORD ...]")
    sys.exit()
print("\x1b[32mhello\x1b[0m", *words)
print(sys.stdin.read().upper(), end="")
for name in sorted(pathlib.Path().glob("*.csv")):
    print(name, len(name.read_bytes()))
told = [os.environ.get(name, "") for name in ("API_TOKEN", "ASKED")]
print("cloned https://ada:LINK@example.org/x?token=QUERY in HOME/work", *told, file=sys.stderr)
pathlib.Path("table.tsv").write_text("city\tn\nUppsala\t1\nLund\t2\n")
pathlib.Path("sub").mkdir()
pathlib.Path("sub/note.txt").write_text("in HOME/work with " + told[0] + "\n")
pathlib.Path("binary.bin").write_bytes(b"\0" + told[0].encode())
pathlib.Path("<b>.txt").write_text("<script>alert(1)</script>\n")
pathlib.Path("plot.png").write_bytes(base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mP8z8BQz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
))
if "--random" in words:
    print(os.urandom(8).hex())
if "--fail" in words:
    sys.exit(3)
"""


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The link of a git repository with the tool."""
    folder = tmp_path_factory.mktemp("git") / "probe"
    folder.mkdir()
    script = SCRIPT.replace("LINK", PLANTED["link"]).replace("QUERY", PLANTED["query"])
    (folder / "probe").write_text(script.replace("HOME", PLANTED["home"]))
    (folder / "probe").chmod(0o755)
    for words in (
        ("init", "--quiet"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "Begin"),
    ):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return f"file://{folder}"


@pytest.fixture(scope="module", autouse=True)
def nobody_types() -> Iterator[None]:
    """Commands are typed, and nothing is piped into them."""
    with pytest.MonkeyPatch.context() as patch, Path(os.devnull).open() as nothing:
        patch.setattr(sys, "stdin", nothing)
        yield


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Person]]:
    """Return a function that gives somebody an installation, or lets them into one."""
    with ExitStack() as stack:

        def make(name: str, settings: TooInstance | None = None) -> Person:
            home = tmp_path_factory.mktemp("home")
            config = settings or TooInstance(home=str(home), cancel_grace_s=0.2)
            client = LocalClient(config, Principal(name=name))
            stack.callback(client.close)
            return Person(client, stack)

        yield make


@pytest.fixture(scope="module")
def ada(person: Callable[..., Person], repository: str) -> Person:
    """Who made the tool."""
    ada = person("ada")
    ada("create", repository, "--name", "probe", "--description", "It *does* <b>things</b>")
    ada("share", "probe", PLANTED["friend"])
    return ada


@pytest.fixture(scope="module")
def given(ada: Person, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with all that can be given to one, and with what must not leave."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "data.csv").write_text("a,b\n1,2\n")
    (folder / "odd.csv").write_bytes(b"\xff\r\n")
    (folder / "typed").write_text("typed\n")
    run = ada.run(
        *("-i", str(folder / "data.csv"), "-i", str(folder / "odd.csv")),
        *("--stdin", str(folder / "typed"), "-e", f"API_TOKEN={PLANTED['variable']}"),
        *("-e", "PLAIN=as it is", "--name", "a *label*", "--no-network"),
        *("probe", "two words", "it's", "{x}", "$HOME", "--", "-x"),
    )
    assert run.status == "succeeded", run
    ada("share", str(run.number), PLANTED["friend"])
    return run
