"""The lock file: the tools of a notebook, pinned, in a file of its own or in a notebook's metadata.

Whoever wrote a lock is not trusted: what is read here is of the right form, and each source is of
the kind that it says. Making its tools again is left to ``restore``.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import (
    ConflictError,
    InvalidValueError,
    full_disk_in_words,
)
from ..whole_files import written_whole
from ..wire import adapter, from_json
from . import pinning
from .record import ExportedTool

if TYPE_CHECKING:
    from nbformat import NotebookNode

KIND = "tooinstance-lock"
SCHEMA_VERSION = 1
FILE_NAME = "tooi.lock.json"
METADATA = "tooinstance_lock"
"""Where a notebook's metadata hold its lock."""

_DIGEST = "sha256"
_MOST_BYTES = 4 * 2**20
_MOST_NOTEBOOK_BYTES = 256 * 2**20
_MOST_TOOLS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Tools as they were used; the same tools give the same lock.

    Parameters
    ----------
    generator
        The program that made it, with its version.
    python
        The version of Python that it ran on.
    """

    kind: str = KIND
    schema_version: int = SCHEMA_VERSION
    generator: str = ""
    python: str = ""
    tools: tuple[ExportedTool, ...] = ()


def as_json(lock: Lock) -> dict[str, Any]:
    """Return a lock as JSON, with the digest of what it says."""
    told: dict[str, Any] = adapter(Lock).dump_python(lock, mode="json")
    return {**told, _DIGEST: _digest(told)}


def of_json(told: object, name: str) -> Lock:
    """Return the lock that JSON holds.

    Parameters
    ----------
    name
        What it was read from, for people.

    Raises
    ------
    InvalidValueError
        If it is none, was changed, or holds what cannot be the description of a tool.
    """
    if not isinstance(told, dict) or told.get("kind") != KIND:
        raise _refused(name, "it holds no lock.")
    if told.get("schema_version") != SCHEMA_VERSION:
        raise InvalidValueError(
            f"{name!r} is a lock of version {told.get('schema_version')!r}, which is not known "
            "here.",
            "A newer tooinstance-jupyter may read it.",
            code="lock_version",
        )
    said = {key: value for key, value in told.items() if key != _DIGEST}
    # it shows what an editor or a merge did; whoever means harm can write the digest, too
    if told.get(_DIGEST) != _digest(said):
        raise InvalidValueError(
            f"{name!r} was changed after it was written: it is not what its digest says.",
            "Take an unchanged copy, or write it again with `%tooi freeze`.",
            code="lock_changed",
        )
    try:
        lock = from_json(Lock, json.dumps(said), strict=True)
    except InvalidValueError as error:
        raise _refused(name, error.message) from error
    if len(lock.tools) > _MOST_TOOLS:
        raise _refused(name, f"it has {len(lock.tools)} tools; {_MOST_TOOLS} are allowed.")
    for tool in lock.tools:
        if why := pinning.problem(tool):
            raise _refused(name, f"{tool.name[:80]!r} of it: {why}")
    names = Counter(tool.name for tool in lock.tools)
    double = [one for one, count in names.items() if count > 1]
    if double:
        raise _refused(name, f"it has two tools named {double[0]!r}.")
    return lock


def read(path: Path) -> Lock:
    """Read a lock file, or the lock of a notebook.

    Raises
    ------
    InvalidValueError
        If it cannot be read, or is no lock; see `of_json`.
    """
    told = _object(path, _MOST_NOTEBOOK_BYTES if _is_notebook(path) else _MOST_BYTES)
    if "nbformat" not in told:
        return of_json(told, path.name)
    metadata = told.get("metadata")
    record = metadata.get(METADATA) if isinstance(metadata, dict) else None
    if record is None:
        raise InvalidValueError(
            f"{path.name!r} holds no lock.",
            f"`%tooi freeze --notebook {path.name}` puts one into it.",
            code="lock_missing",
        )
    return of_json(record, path.name)


def write(lock: Lock, path: Path) -> None:
    """Write a lock file, which is there whole or not at all; an older lock is replaced.

    Raises
    ------
    ConflictError
        If something else is there.
    InvalidValueError
        If it cannot be written.
    """
    if path.exists() and not _holds_lock(path):
        raise ConflictError(
            f"{str(path)!r} is there already, and is no lock.",
            "Choose another name; a notebook is given with --notebook.",
            code="file_exists",
        )
    _replace(path, json.dumps(as_json(lock), indent=2, ensure_ascii=False) + "\n")


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook that a lock can be put into.

    Raises
    ------
    InvalidValueError
        If it is no valid notebook of nbformat 4.
    """
    # it takes seconds to import
    import nbformat

    told = _object(path, _MOST_NOTEBOOK_BYTES)
    if told.get("nbformat") != 4 or not isinstance(told.get("nbformat_minor"), int):
        raise _no_notebook(path, f"its nbformat is {told.get('nbformat')!r}, and 4 is needed.")
    notebook: NotebookNode = nbformat.from_dict(told)
    try:
        # it only looks: other ways to validate mend what they find
        problem = next(nbformat.validator.iter_validate(notebook), None)
    except (nbformat.ValidationError, ValueError, RecursionError) as error:
        raise _no_notebook(path, f"{error}".splitlines()[0]) from error
    if problem is not None:
        raise _no_notebook(path, str(problem).splitlines()[0])
    return notebook


def write_into(lock: Lock, notebook: NotebookNode, path: Path) -> None:
    """Put a lock into a notebook's metadata, and write the notebook whole or not at all.

    Raises
    ------
    InvalidValueError
        If it cannot be written.
    """
    import nbformat

    notebook.metadata[METADATA] = nbformat.from_dict(as_json(lock))
    text = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
    _replace(path, text if text.endswith("\n") else text + "\n")


def _digest(told: dict[str, Any]) -> str:
    try:
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise _refused("the lock", f"{error}.") from error
    return hashlib.sha256(text.encode()).hexdigest()


def _is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb"


def _holds_lock(path: Path) -> bool:
    try:
        return _object(path, _MOST_BYTES).get("kind") == KIND
    except InvalidValueError:
        return False


def _object(path: Path, most_bytes: int) -> dict[str, Any]:
    try:
        if path.stat().st_size > most_bytes:
            raise _refused(path.name, "it is too large.")
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _refused(path.name, f"it cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise _refused(path.name, f"it is no JSON: {error}.") from error
    if not isinstance(told, dict):
        raise _refused(path.name, "it is no object of JSON.")
    return told


def _replace(path: Path, text: str) -> None:
    # a link stays one
    path = path.resolve()
    try:
        with full_disk_in_words(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = path.stat().st_mode & 0o777 if path.exists() else None
            with written_whole(path, mode=mode) as file:
                file.write(text.encode())
    except OSError as error:
        raise InvalidValueError(
            f"{str(path)!r} cannot be written: {error.strerror or error}.",
            "Choose another folder.",
            code="folder_unwritable",
        ) from error


def _no_notebook(path: Path, why: str) -> InvalidValueError:
    return InvalidValueError(
        f"{path.name!r} is no valid notebook: {why}",
        "Open it in Jupyter and save it, then freeze it again.",
        code="notebook_invalid",
    )


def _refused(name: str, why: str) -> InvalidValueError:
    return InvalidValueError(
        f"{name!r} cannot be taken as a lock: {why}",
        "`%tooi freeze` writes one that can.",
        code="lock_invalid",
    )
