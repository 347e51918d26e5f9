"""Somebody with an installation, and what must not leave with an export."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tooinstance_jupyter import commands
from tooinstance_jupyter.cli import Terminal
from tooinstance_jupyter.client.base import Client
from tooinstance_jupyter.commands import Outcome
from tooinstance_jupyter.records import Run

PLANTED = {
    "variable": "v4riable-s3cret",
    "link": "l1nk-passw0rd",
    "query": "qu3ry-t0ken",
    "secret": "asked-f0r-s3cret",
    "home": "/home/grace",
    "friend": "friend-of-ada",
}


def make_script(folder: Path, name: str, text: str) -> Path:
    """Make the folder of a tool that is one shell script, and return that."""
    source = folder / name
    source.mkdir()
    script = source / name
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return source


@dataclass
class Person:
    """Somebody who types commands."""

    client: Client
    stack: ExitStack

    def __call__(self, *words: str) -> Outcome:
        return commands.execute(
            commands.words_of_argv(words),
            prefix="tooi",
            connect=lambda: self.client,
            ui=Terminal(self.stack),
        )

    def run(self, *words: str) -> Run:
        """Run something to its end."""
        result = self("run", *words).value
        return result.run  # type: ignore[attr-defined,no-any-return]
