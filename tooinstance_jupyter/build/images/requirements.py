"""Reads requirements files for builds that see nothing of a source but these lines.

What the lines mean is left to uv.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..buildpacks import files

_DEEPEST = 5
_INCLUDED = re.compile(r"(?:-r\s*|--requirement[\s=]+)(?P<path>\S+)")
_ABOUT_INDEXES = re.compile(
    r"(-i|-f|--(extra-)?index-url|--find-links|--no-index|--pre|--trusted-host|--prefer-binary"
    r"|--no-binary|--only-binary)\b"
)
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*\s*(\[[^]]*\])?\s*($|[=<>!~;@(]|--hash)")


def flat(folder: Path, name: str = "requirements.txt", depth: int = 0) -> list[str] | None:
    """Return a file's lines with those of the files that it includes.

    Returns
    -------
    list[str] | None
        ``None`` if only the whole source will do: lines that name folders, or anything unknown.
    """
    if depth > _DEEPEST or not _is_inside(folder, name):
        return None
    lines: list[str] = []
    for line in re.sub(r"\\\r?\n", " ", files.text(folder / name)).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if included := _INCLUDED.fullmatch(line):
            path = (Path(name).parent / included["path"]).as_posix()
            more = flat(folder, path, depth + 1)
            if more is None:
                return None
            lines += more
        elif line and not _ABOUT_INDEXES.match(line) and not _is_named(line):
            return None
        elif line:
            lines.append(line)
    return lines


def _is_named(line: str) -> bool:
    """Tell whether a line names a package of an index or a link, rather than a file."""
    return _NAMED.match(line) is not None and "file:" not in line


def _is_inside(folder: Path, name: str) -> bool:
    path = folder / name
    return path.is_file() and path.resolve().is_relative_to(folder.resolve())
