"""Says which argv starts what an image holds: its ENTRYPOINT and CMD, in whichever form. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from ...errors import BuildError

_SHELLS = ("sh", "bash", "ash", "dash")
_INITS = ("tini", "dumb-init", "catatonit")
_SHELL_SYNTAX = re.compile(r"[|&;<>()$`\\\n*?\[\]#~{}!]|(?:^|\s)\w+=")
_INTERPRETERS = re.compile(
    r"(?:python|pypy|perl|ruby|node|nodejs|bash|sh|Rscript|julia|php|lua|java|deno|bun)[\d.]*"
)

# what an image for developers starts
_FOR_DEVELOPERS = re.compile(
    r"make|ninja|npm|npx|yarn|pnpm|bundle|rake|cargo|go|mvn|gradle|pytest|tox|nox|sleep|tail"
)


class Start(NamedTuple):
    """How an image starts: a name for people, the argv that arguments are added to, and why."""

    name: str
    argv: tuple[str, ...]
    note: str = ""


def start_of(
    entrypoint: Sequence[str] | None,
    command: Sequence[str] | None,
    *,
    workdir: str = "/",
    exists: Callable[[str], bool] = lambda path: False,
) -> Start:
    """Return what an image's own configuration starts.

    Parameters
    ----------
    entrypoint, command
        ENTRYPOINT and CMD, as the image has them: the shell form is ``["/bin/sh", "-c", "words"]``.
    workdir
        The directory that relative paths are meant from.
    exists
        Whether there is a file of an absolute path in the image.

    Raises
    ------
    BuildError
        If it starts nothing that arguments could be added to, with the way out.
    """
    named = "ENTRYPOINT" if entrypoint else "CMD"
    # what CMD adds to an ENTRYPOINT are arguments for when there are none
    given = tuple(entrypoint or command or ())
    if entrypoint and command and _needs_a_program(given) and not command[0].startswith("--"):
        given = (*given, *command)
    if not given:
        raise BuildError(
            "The image has neither an ENTRYPOINT nor a CMD.",
            'Say what starts it: --entry-point "python app.py".',
            code="entry_point_not_found",
        )
    note = ""
    if _is_shell_form(given):
        words = _words(given[2], named)
        note = f"Its {named} is in shell form; its words are taken as they are: {given[2].strip()}"
        given = words
    argv = absolute(given, workdir=workdir, exists=exists)
    if not _is_tool(argv):
        raise BuildError(
            f"The image starts {' '.join(argv)[:200]}, which is no tool of its own.",
            'Say what starts it: --entry-point "python app.py".',
            code="entry_point_not_found",
        )
    return Start(name_of(argv), argv, note)


def absolute(
    argv: Sequence[str], *, workdir: str, exists: Callable[[str], bool]
) -> tuple[str, ...]:
    """Return an argv whose relative paths of files in the image are absolute.

    The first word is looked for there only if it has a slash, as a shell would.
    """
    found: list[str] = []
    for at, word in enumerate(argv):
        is_path = not word.startswith(("/", "-")) and word not in ("", ".", "..")
        if is_path and (at > 0 or "/" in word):
            # PurePosixPath keeps `..`, which the image's links may make mean anything
            path = str(PurePosixPath(workdir or "/") / word)
            found.append(path if exists(path) else word)
        else:
            found.append(word)
    return tuple(found)


def name_of(argv: Sequence[str]) -> str:
    """Return what people call an argv: its program, or the script that its interpreter runs."""
    program = PurePosixPath(argv[0]).name
    if program in _INITS:
        words = [at for at, word in enumerate(argv) if at and not word.startswith("-")]
        return name_of(argv[words[0] :]) if words else program
    if _INTERPRETERS.fullmatch(program):
        if len(argv) > 2 and argv[1] == "-m":
            return f"-m {argv[2]}"
        script = next((word for word in argv[1:] if not word.startswith("-")), "")
        return PurePosixPath(script).name or program
    return program


def _is_tool(argv: Sequence[str]) -> bool:
    """Tell whether an argv starts a program, and not what a base image or a developer starts."""
    program = PurePosixPath(argv[0]).name
    if _FOR_DEVELOPERS.fullmatch(program):
        return False
    return not _needs_a_program(argv)


def _needs_a_program(argv: Sequence[str]) -> bool:
    """Tell whether an argv is an interpreter or an init process, and says not of what."""
    program = PurePosixPath(argv[0]).name
    if program in _INITS:
        return all(word.startswith("-") for word in argv[1:])
    is_bare = len(argv) == 1 or tuple(argv[1:]) in (("-i",), ("-l",), ("-c",))
    return is_bare and (program in _SHELLS or bool(_INTERPRETERS.fullmatch(program)))


def _is_shell_form(argv: Sequence[str]) -> bool:
    return len(argv) == 3 and PurePosixPath(argv[0]).name in _SHELLS and argv[1] == "-c"


def _words(script: str, named: str) -> tuple[str, ...]:
    plain = script.strip().removeprefix("exec ").strip()
    try:
        words = tuple(shlex.split(plain))
    except ValueError:
        words = ()
    if not words or _SHELL_SYNTAX.search(plain):
        raise BuildError(
            f"The image's {named} is a shell script, which takes no arguments: {script[:200]}",
            "Say what starts the tool in it, without a shell: "
            '--entry-point "python app.py", or a path.',
            code="entry_point_shell",
        )
    return words
