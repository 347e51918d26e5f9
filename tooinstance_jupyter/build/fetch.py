"""Fetches a source into a folder: packages, folders, and what repo2docker's providers know.

Git links are left to ``git``, what is done with the files to ``detect`` and the buildpacks.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shlex
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import uv

from .. import foreign_files
from ..config import TooInstance
from ..errors import SourceError, SourceForbiddenError
from ..records import Source, SourceKind
from . import error_lines, git
from .base import Checkout
from .sources import ParsedSource, suggested_name

_LOOK_UP_TIMEOUT_S = 60
_MOST_LEVELS = 200
# what is made from a source is not the source
_NOT_COPIED = shutil.ignore_patterns(
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "__pycache__",
    "node_modules",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
)
_PROVIDERS = (
    "Zenodo",
    "Figshare",
    "Dataverse",
    "Hydroshare",
    "Swhid",
    "CKAN",
    "Mercurial",
)


def fetch(
    parsed: ParsedSource,
    into: Path,
    *,
    config: TooInstance,
    log: Callable[[str], None],
    cancelled: Callable[[], bool],
    npm: Callable[[], Sequence[str]],
) -> Checkout:
    """Fetch a source.

    Parameters
    ----------
    parsed
        The source, with the credential of its link if it had one.
    into
        A folder that does not exist yet; on an error it does not exist afterwards.
    config
        Limits, tokens.
    log
        Takes what there is to tell, without credentials.
    cancelled
        Asked now and then; once it says so, `BuildCancelledError` is raised.
    npm
        Returns the command of npm, installed first if it has to be.

    Raises
    ------
    SourceError
        If it is not there, cannot be reached, or is too large.
    """
    source = parsed.source
    try:
        match source.kind:
            case SourceKind.GIT:
                commit = git.fetch(parsed, into, config=config, log=log, cancelled=cancelled)
            case SourceKind.PYPI:
                into.mkdir(parents=True)
                commit = _pypi_version(source)
            case SourceKind.NPM:
                into.mkdir(parents=True)
                commit = _npm_version(source, npm())
            case SourceKind.FOLDER:
                commit = _copy(source, into, config)
            case SourceKind.ARCHIVE:
                into.mkdir(parents=True)
                commit = _provided(source, into, log)
        folder = into
        if source.subdirectory is not None:
            folder = into / source.subdirectory
            if not folder.is_dir() or not folder.resolve().is_relative_to(into.resolve()):
                raise SourceError(
                    f"{source.location} has no folder {source.subdirectory!r}.",
                    "Give the folder that holds the tool, relative to the top.",
                    code="subdirectory_not_found",
                )
        if foreign_files.is_deeper_than(into, _MOST_LEVELS):
            raise SourceError(
                f"{source.location} has folders that are nested more than {_MOST_LEVELS} deep.",
                "No tool needs that; take them out, or name the tool's own folder.",
                code="source_too_deep",
            )
    except BaseException:
        foreign_files.remove(into)
        raise
    return Checkout(source=source, folder=folder, commit=commit, name=suggested_name(source))


def _pypi_version(source: Source) -> str:
    """Return the version that uv would install, without fetching the package."""
    wanted = source.location + (f"=={source.ref}" if source.ref else "")
    found = _asked(
        [
            *(uv.find_uv_bin(), "pip", "compile", "-", "--no-deps", "--no-header"),
            *("--no-annotate", "--quiet", "--color", "never"),
        ],
        wanted,
        wanted,
    )
    lines = [line for line in found.stdout.splitlines() if "==" in line]
    if found.returncode == 0 and lines:
        return lines[-1].split("==", 1)[1].split()[0].strip()
    name = source.location
    complaint = " ".join(found.stderr.split())
    if "not found in the package registry" in complaint:
        raise SourceError(
            f"PyPI has no package {name!r}.", "Check how it is spelled.", code="source_not_found"
        )
    if "no version" in complaint or "no solution" in complaint.lower():
        raise SourceError(
            f"PyPI has no {wanted} that fits here: {_cause(found.stderr)}",
            f"Leave the version out, pypi:{name}, for the newest.",
            code="ref_not_found",
        )
    raise SourceError(
        f"The package index cannot be asked for {name}: {_cause(found.stderr)}",
        "Is there a network? UV_INDEX_URL and the proxy variables are honoured.",
        code="source_unreachable",
    )


def _npm_version(source: Source, npm: Sequence[str]) -> str:
    wanted = source.location + (f"@{source.ref}" if source.ref else "")
    found = _asked([*npm, "view", "--json", "--", wanted, "version"], "", wanted)
    try:
        told = json.loads(found.stdout or "null")
    except ValueError:
        told = None
    if found.returncode == 0 and told:
        # a range names several versions, the newest last
        return str(told[-1] if isinstance(told, list) else told)
    if found.returncode == 0 or "E404" in found.stdout + found.stderr:
        raise SourceError(
            f"npm has no package {wanted!r}.",
            "Check how it is spelled; without @VERSION the newest is taken.",
            code="source_not_found",
        )
    raise SourceError(
        f"The npm registry cannot be asked for {wanted}: {_cause(found.stderr)}",
        "Is there a network? npm's own settings are honoured.",
        code="source_unreachable",
    )


def _asked(argv: Sequence[str], text: str, what: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv,
            input=text,
            capture_output=True,
            text=True,
            timeout=_LOOK_UP_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(
            f"The index did not answer within {_LOOK_UP_TIMEOUT_S} s when asked for {what}.",
            "Try again; is a proxy or another index set?",
            code="source_unreachable",
        ) from error


def _cause(complaint: str) -> str:
    return error_lines.find(complaint).line or "it said nothing."


def folder_of(source: Source) -> Path:
    """Return the folder that a source is.

    Raises
    ------
    SourceError
        If it is not there.
    SourceForbiddenError
        If this UNIX user may not read it.
    """
    folder = Path(source.location)
    with suppress(OSError):
        try:
            is_folder = stat.S_ISDIR(folder.stat().st_mode)
        except PermissionError:
            raise _forbidden(folder) from None
        if is_folder and not os.access(folder, os.R_OK | os.X_OK):
            raise _forbidden(folder)
        if is_folder:
            return folder
    raise SourceError(
        f"There is no folder {source.location}.", "Check the path.", code="source_not_found"
    )


def _forbidden(place: Path, others: int = 0) -> SourceForbiddenError:
    more = f", and on {others} more" if others else ""
    return SourceForbiddenError(
        f"Permission denied on {place}{more}: this UNIX user may not read it.",
        f"`chmod -R a+rX {shlex.quote(str(place))}` by its owner lets everybody read it; or copy "
        "the folder, or give a git link.",
    )


def _copy(source: Source, into: Path, config: TooInstance) -> str:
    """Copy a folder and return the digest of what was copied."""
    folder = folder_of(source)
    size = 0

    def copy(path: str, target: str) -> None:
        nonlocal size
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return  # a pipe or a socket would block
        size += status.st_size
        if size > config.source_max_bytes:
            raise SourceError(
                f"{source.location} holds more than {config.source_max_bytes / 2**20:.0f} MiB.",
                "Give the folder of the tool alone, or raise TooInstance.source_max_bytes.",
                code="source_too_large",
            )
        shutil.copy2(path, target)

    def ignore(parent: str, names: list[str]) -> set[str]:
        ignored = set(_NOT_COPIED(parent, names))
        for name in names:
            path = Path(parent, name)
            leads_out = path.is_symlink() and not path.resolve().is_relative_to(folder.resolve())
            if leads_out or (path / "pyvenv.cfg").exists():
                ignored.add(name)
        return ignored

    try:
        shutil.copytree(folder, into, symlinks=True, ignore=ignore, copy_function=copy)
    except shutil.Error as error:
        # one entry for each file: path, target and reason; the first says enough
        [(path, _, reason), *others] = error.args[0]
        if "Permission denied" in str(reason):
            raise _forbidden(Path(path), len(others)) from error
        raise SourceError(f"{path} cannot be copied: {reason}", code="source_unreadable") from error
    except PermissionError as error:
        raise _forbidden(Path(error.filename or folder)) from error
    except OSError as error:
        raise SourceError(
            f"{source.location} cannot be copied: {error}", code="source_unreadable"
        ) from error
    return digest(into)


def digest(folder: Path) -> str:
    """Return the SHA-256 of a folder's names, kinds and contents, as ``sha256:…``."""
    total = hashlib.sha256()
    for parent, names, files in os.walk(folder):
        names.sort()
        for name in sorted(files + [name for name in names if Path(parent, name).is_symlink()]):
            path = Path(parent, name)
            if path.is_symlink():
                kind, content = "link", os.fsencode(path.readlink())
            else:
                kind = "program" if os.access(path, os.X_OK) else "file"
                with path.open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").digest()
            relative = os.fsencode(path.relative_to(folder))
            for part in (kind.encode(), relative, content):
                total.update(len(part).to_bytes(8) + part)
    return f"sha256:{total.hexdigest()}"


def _provided(source: Source, into: Path, log: Callable[[str], None]) -> str:
    """Fetch with the content providers of repo2docker."""
    providers = importlib.import_module("repo2docker.contentproviders")
    asked: list[str] = []
    problem: Exception | None = None
    for name in _PROVIDERS:
        try:
            # some look things up when they are made, and fail without a network
            provider = getattr(providers, name)()
            spec = provider.detect(source.location, ref=source.ref)
            if spec is None:
                asked.append(name)
                continue
            for line in provider.fetch(spec, str(into), yield_output=True):
                log(line)
            return provider.content_id or digest(into)
        except Exception as error:  # noqa: BLE001 providers raise what they like
            problem = problem or error
    if problem is not None:
        raise SourceError(
            f"{source.location} cannot be fetched: {problem}",
            "Is there a network, and does the link open in a browser?",
            code="source_unreachable",
        ) from problem
    raise SourceError(
        f"Nobody knows how to fetch {source.location}.",
        f"Asked were {', '.join(asked)}; a git link always works.",
        code="source_invalid",
    )
