"""File names that come from a tool, made harmless for folders, archives and object stores."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

_MAX_NAME_BYTES = 200
# S3 takes keys of 1,024 bytes, most file systems names of 255
_MAX_OBJECT_PART = 200
_MAX_OBJECT_NAME = 800


def harmless_name(name: str) -> str:
    r"""Return a file name that no shell, terminal or file system takes for something else.

    Examples
    --------
    >>> harmless_name("-rf"), harmless_name(".."), harmless_name("a\nb")
    ('_-rf', '__', 'a_b')
    """
    kept = "".join(
        "_" if unicodedata.category(char)[0] == "C" or char in "/\\" else char for char in name
    )
    if kept in (".", ".."):
        return "_" * len(kept)
    if kept.startswith("-"):
        kept = "_" + kept
    return kept.encode()[:_MAX_NAME_BYTES].decode("utf-8", "ignore") if len(kept) > 60 else kept


def harmless_paths(paths: Sequence[str], *, reserved: Iterable[str] = ()) -> list[str]:
    """Return relative paths of harmless names, a different one for each different path.

    None is a folder of another one, unless it was before; none is one of the reserved ones.
    """
    chosen: dict[tuple[str, ...], PurePosixPath] = {(): PurePosixPath()}
    taken = {PurePosixPath(path) for path in reserved}
    for path in paths:
        parts = _parts(path)
        for end in range(1, len(parts) + 1):
            if parts[:end] in chosen:
                continue
            plain = chosen[parts[: end - 1]] / harmless_name(parts[end - 1])
            place, count = plain, 1
            while place in taken:
                count += 1
                place = plain.with_name(f"{plain.stem}-{count}{plain.suffix}")
            taken.add(place)
            chosen[parts[:end]] = place
    return [str(chosen[_parts(path)]) for path in paths]


def object_name(path: str) -> str:
    """Return the name of a file in an object store: of letters, digits and ``-._%/`` only.

    ``urllib.parse.unquote`` gives the path back. One that is too long for an object store or for
    a file system becomes ``~`` and its SHA-256; the record of its run has the path.

    Examples
    --------
    >>> object_name("plots/a b?.png"), object_name("../~x")
    ('plots/a%20b%3F.png', '%2E%2E/%7Ex')
    """
    parts = [
        part.replace(".", "%2E")
        if part in ("", ".", "..")
        else quote(part, safe="", errors="surrogatepass").replace("~", "%7E")
        for part in path.split("/")
    ]
    name = "/".join(parts)
    is_plain = all(0 < len(part) <= _MAX_OBJECT_PART for part in parts)
    if is_plain and len(name) <= _MAX_OBJECT_NAME:
        return name
    return "~" + hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in PurePosixPath(path).parts if part.strip("/")) or ("_",)
