"""Reads and removes what foreign code could write: checkouts, environments, directories of runs.

Nothing here follows a link, waits for a pipe, reads more than it was asked for, or ends at a depth.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

_MOST_BYTES = 1_000_000
_MOST_NAMES = 10_000
# what the system says of links, sockets and names that no file can have
_NO_FILE = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENAMETOOLONG})


def open_beneath(
    folder: Path, path: str, *, allows_public_hard_links: bool = False
) -> io.BufferedReader:
    """Open a regular file beneath a folder for reading.

    Each part is looked up in the one before it, as it was opened, so that nothing is gained by
    putting a link in its place in between.

    Parameters
    ----------
    allows_public_hard_links
        Whether a file with several names will do where everybody may read it.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is none, or a part of it is a link.
    """
    *folders, name = _parts(path)
    try:
        parent = open_folder(folder, folders, opens_closed=False)
        try:
            # a pipe in the file's place must not block
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=parent)
        finally:
            os.close(parent)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise _no_file(path) from error
        raise
    try:
        state = os.fstat(descriptor)
        is_public = allows_public_hard_links and state.st_mode & stat.S_IROTH
        if not stat.S_ISREG(state.st_mode) or (state.st_nlink > 1 and not is_public):
            raise _no_file(path)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def text(folder: Path, path: str, *, most_bytes: int = _MOST_BYTES) -> str:
    """Return the beginning of a file beneath a folder as text; nothing where there is none.

    What is not valid UTF-8 in it is replaced.
    """
    try:
        with open_beneath(folder, path, allows_public_hard_links=True) as file:
            return file.read(most_bytes).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def names(folder: Path, path: str = "", *, most: int = _MOST_NAMES) -> list[str]:
    """Return the names in a folder beneath another one, sorted; none where there is no such folder.

    Of more than `most`, those that come first are looked at.
    """
    try:
        descriptor = open_folder(folder, _parts(path) if path else (), opens_closed=False)
    except (OSError, ValueError):
        return []
    found: list[str] = []
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if len(found) >= most:
                    break
                found.append(entry.name)
    finally:
        os.close(descriptor)
    return sorted(found)


def is_there(folder: Path, path: str) -> bool:
    """Tell whether there is something of a name beneath a folder, be it a link."""
    try:
        *folders, name = _parts(path)
        parent = open_folder(folder, folders, opens_closed=False)
        try:
            os.stat(name, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)
    except (OSError, ValueError):
        return False
    return True


def open_folder(top: Path, names: Sequence[str], *, opens_closed: bool) -> int:
    """Return a descriptor of a folder beneath another one, through no link.

    ``opens_closed`` gives back the permission to enter where foreign code took it away.
    """
    here = _enter(top, None, opens_closed=opens_closed)
    for name in names:
        try:
            inner = _enter(name, here, opens_closed=opens_closed)
        finally:
            os.close(here)
        here = inner
    return here


def remove(folder: Path) -> bool:
    """Delete a folder with all beneath it, however deep, also where permissions were taken away.

    Returns
    -------
    bool
        Whether nothing of it is left.
    """
    if not _is_anything(folder):
        return True
    # unlike shutil, it stops neither at a thousand levels nor at a path of 4096 bytes
    _run("rm", "-rf", "--", str(folder))
    if _is_anything(folder):
        _run("chmod", "-R", "u+rwx", "--", str(folder))
        _run("rm", "-rf", "--", str(folder))
    return not _is_anything(folder)


def chown(uid: int, *folders: Path) -> None:
    """Make folders and all beneath them a user's own, however deep; links are not followed."""
    for folder in folders:
        _run("chown", "-R", "-h", "-P", f"{uid}:{uid}", "--", str(folder))


def seal(folder: Path) -> None:
    """Make a folder and all beneath it root's own, for everybody to read and nobody to change."""
    chown(0, folder)
    _run("chmod", "-R", "u-s,g-s,-t,u+rw,go=u,go-w", "--", str(folder))


def size_of(folder: Path) -> int:
    """Return how much of a disk a folder with all beneath it takes (bytes)."""
    said = _run("du", "-s", "-k", "--", str(folder))
    return int(said.split()[0]) * 1024 if said else 0


def is_deeper_than(folder: Path, levels: int) -> bool:
    """Tell whether something beneath a folder is nested in more than so many others."""
    level = str(levels + 1)
    return bool(_run("find", "-P", str(folder), "-mindepth", level, "-maxdepth", level))


def _run(*argv: str) -> str:
    """Run a program of the system, which climbs trees without a limit to their depth."""
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout


def _is_anything(path: Path) -> bool:
    """Tell whether there is something, or nothing can be told of it."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _parts(path: str) -> Sequence[str]:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise _no_file(path)
    return parts


def _no_file(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _enter(name: str | Path, parent: int | None, *, opens_closed: bool) -> int:
    flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    if opens_closed and hasattr(os, "O_PATH"):
        place = os.open(name, os.O_PATH | flags, dir_fd=parent)
        try:
            with suppress(OSError):
                Path(f"/proc/self/fd/{place}").chmod(0o700)
        finally:
            os.close(place)
    elif opens_closed:  # macOS
        with suppress(OSError):
            os.chmod(name, 0o700, dir_fd=parent, follow_symlinks=False)
    return os.open(name, os.O_RDONLY | flags, dir_fd=parent)
