"""What is typed for a run's inputs, variables, limits and times, as values.

That input files are regular and have names of their own is checked again by ``run_directory``,
which copies them.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..errors import InvalidValueError
from .base import UsageError

_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>ms|s|m|h|d|w)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[kmgt]?)(?:i?b)?", re.IGNORECASE)
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def files(patterns: Iterable[str]) -> list[Path]:
    """Return the input files that paths and globs name, in order, each once.

    Raises
    ------
    InvalidValueError
        If one is missing, a folder, a device, a pipe, or a link that leads out of its folder.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        expanded = os.path.expanduser(pattern)  # noqa: PTH111 (pathlib changes "./x" and "//x")
        if "\0" in expanded:
            raise _refused(pattern, "has a NUL in its name.", code="input_name")
        if os.path.lexists(expanded):
            found[_regular(Path(expanded))] = None
            continue
        matches = glob.glob(expanded, recursive=True) if glob.has_magic(expanded) else []  # noqa: PTH207
        taken = [Path(match) for match in sorted(matches) if not Path(match).is_dir()]
        if not taken:
            raise InvalidValueError(
                f"There is no input file {pattern!r}.",
                f"Paths start from {str(Path.cwd())!r}; globs such as 'data/*.csv' are expanded.",
                code="input_missing",
            )
        found.update((_regular(path), None) for path in taken)
    return list(found)


def file(text: str) -> Path:
    """Return the one input file that a path names; see `files`."""
    taken = files([text])
    if len(taken) > 1:
        raise _refused(text, f"names {len(taken)} files; one is needed.", code="input_name")
    return taken[0]


def document(name: str) -> Path:
    """Return the file that a command itself reads.

    Raises
    ------
    InvalidValueError
        If there is none, or if it is no regular file.
    """
    path = Path(name).expanduser()
    try:
        if path.is_file():
            return path
        if path.is_dir():
            what = "is a folder"
        else:
            what = "is no regular file" if path.exists() else "is not there"
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    raise InvalidValueError(
        f"The file {name!r} {what}.", f"Paths start from {str(Path.cwd())!r}.", code="file_missing"
    )


def _regular(path: Path) -> Path:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        what = "is a link to nothing" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise _refused(str(path), f"{what}.", code="input_missing") from error
    if stat.S_ISDIR(mode):
        raise _refused(
            str(path), "is a folder.", f"Pass its files: -i '{path}/*'.", code="input_folder"
        )
    if not stat.S_ISREG(mode):
        raise _refused(str(path), "is a device, pipe or socket, not a file.", code="input_special")
    here = Path.cwd()
    given = Path(os.path.normpath(here / path))
    folder = here if given.is_relative_to(here) else given.parent
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _refused(
            str(path),
            f"is a link that leads out of {str(folder)!r}.",
            f"Pass the file itself if you mean it: -i {str(path.resolve())!r}.",
            code="input_link",
        )
    return path


def _refused(path: str, why: str, hint: str = "", *, code: str) -> InvalidValueError:
    return InvalidValueError(f"The input {path!r} {why}", hint, code=code)


def variables(pairs: Iterable[str]) -> Mapping[str, str]:
    """Read ``NAME=value`` pairs."""
    read: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not _VARIABLE.fullmatch(name):
            raise InvalidValueError(
                f"{pair!r} is not an environment variable.",
                "Write -e NAME=value; a secret goes with --secret NAME.",
                code="variable_invalid",
            )
        read[name] = value
    return read


def secrets(names: Sequence[str], ask: Callable[[str], str]) -> Mapping[str, str]:
    """Return secrets from this process's environment, or from a person."""
    values: dict[str, str] = {}
    for name in names:
        if not _VARIABLE.fullmatch(name):
            # what stands there may be the secret itself, so it is not repeated
            raise InvalidValueError(
                "--secret takes the name of an environment variable, never the value.",
                "--secret API_KEY reads it from the environment, or asks for it.",
                code="secret_name",
            )
        value = os.environ.get(name)
        values[name] = ask(name) if value is None else value
    return values


def seconds(text: str) -> float:
    """Read ``90``, ``1.5``, ``2m``, ``1h``, ``3d`` as seconds."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a time.", "Write seconds, or 500ms, 2m, 1h, 3d.")
    return float(match["number"]) * _SECONDS[match["unit"] or "s"]


def count(text: str) -> int:
    """Read a number of things to list."""
    if not text.isdecimal() or not 1 <= int(text[:9]) <= 1_000:
        raise UsageError(f"{text!r} is not a number of things to list.", "Write 1 to 1000.")
    return int(text)


def size_bytes(text: str) -> int:
    """Read ``512M``, ``2G``, ``1.5GiB`` or a number of bytes."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is not a size.", "Write bytes, or 512M, 2G.")
    return int(float(match["number"]) * _BYTES[match["unit"].lower()])


def moment(text: str) -> datetime:
    """Read ``2h`` (ago) or a date, with or without a time; without a zone it is local."""
    match = _DURATION.fullmatch(text.strip())
    if match and match["unit"]:
        try:
            return datetime.now(UTC) - timedelta(seconds=seconds(text))
        except OverflowError as error:
            raise UsageError(f"{text!r} is before all dates.", "Write 2h, 3d, 1w.") from error
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is not a time.", "Write 2h, 3d, 1w, or 2026-01-31, 2026-01-31T14:00."
        ) from error
