"""A run's directory: its layout, the input files put there, the output files found there.

Running is left to ``engines``, keeping the record to ``store``. A tool's files are hostile: links
are never followed, and names are only looked up beneath the working directory.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import foreign_files
from .config import TooInstance
from .errors import InvalidValueError, NotFoundError, StorageError, full_disk_in_words
from .foreign_files import open_beneath, open_folder
from .records import (
    BEYOND_SIZE,
    HARD_LINK,
    MORE_FILES,
    SPECIAL_FILE,
    SYMBOLIC_LINK,
    InputFile,
    Limits,
    OutputFile,
    Run,
)

_CHUNK_BYTES = 2**20
_MOST_LEVELS = 64


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Where one run keeps its files."""

    path: Path

    @classmethod
    def of(cls, config: TooInstance, run: Run) -> RunDirectory:
        """Return where a run keeps its files in the home of `config`."""
        return cls(config.runs_path / run.id)

    @property
    def work(self) -> Path:
        """The working directory: what the tool writes there is its output."""
        return self.path / "work"

    @property
    def stdin(self) -> Path:
        """What the tool reads as its standard input, where there is any."""
        return self.path / "stdin"

    def stream(self, name: str) -> Path:
        """Return the file of ``"stdout"`` or ``"stderr"``."""
        if name not in ("stdout", "stderr"):
            raise InvalidValueError(f"{name!r} is not a stream of a run.", "stdout or stderr.")
        return self.path / name

    def create(
        self, inputs: Sequence[Path] = (), stdin: bytes | Path | None = None
    ) -> tuple[InputFile, ...]:
        """Make the directory with its input files; on an error nothing of it stays.

        Raises
        ------
        InvalidValueError
            If an input is missing, no regular file, or has the name of another one.
        StorageError
            If the disk is full, or the directory cannot be made.
        """
        check_inputs(inputs)
        check_inputs([stdin] if isinstance(stdin, Path) else [])
        try:
            with full_disk_in_words(self.path.parent):
                self.path.mkdir(parents=True, mode=0o700)
                self.work.mkdir()
                placed = tuple(_place(source, self.work / source.name) for source in inputs)
                if isinstance(stdin, bytes):
                    self.stdin.write_bytes(stdin)
                elif stdin is not None:
                    _copy(stdin, self.stdin)
        except OSError as error:
            self.remove()
            if error.filename is not None and Path(error.filename).is_relative_to(self.path.parent):
                raise StorageError(
                    f"No run can be kept in {self.path.parent}: {error.strerror}.",
                    "Set TOOINSTANCE_HOME to a folder of your own.",
                ) from error
            raise InvalidValueError(
                f"An input file cannot be read: {error}.", code="input_unreadable"
            ) from error
        except BaseException:
            self.remove()
            raise
        return placed

    def collect(self, limits: Limits, inputs: Sequence[InputFile]) -> tuple[OutputFile, ...]:
        """Return what the tool left in its working directory; call it once the tool is dead.

        Inputs that are unchanged are not outputs. What is beyond the limits, is no regular file,
        or leads out of the directory is listed as skipped.
        """
        given = {file.path: file.sha256 for file in inputs}
        found: list[OutputFile] = []
        kept_bytes = 0
        for path, status, skipped in _walk(self.work, opens_closed=True):
            if len(found) >= limits.output_files:
                found.append(OutputFile(path="…", size_bytes=0, skipped=MORE_FILES))
                break
            size_bytes = 0 if status is None else status.st_size
            sha256 = None
            if skipped is None and kept_bytes + size_bytes > limits.output_bytes:
                skipped = BEYOND_SIZE
            if skipped is None:
                try:
                    with open_beneath(self.work, path) as file:
                        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                except OSError as error:
                    skipped = f"it cannot be read: {error.strerror}"
            if skipped is not None:
                found.append(
                    OutputFile(path=_printable(path), size_bytes=size_bytes, skipped=skipped)
                )
                continue
            if given.get(path) == sha256:
                continue
            kept_bytes += size_bytes
            found.append(
                OutputFile(
                    path=path,
                    size_bytes=size_bytes,
                    sha256=sha256,
                    media_type=mimetypes.guess_type(path)[0] or "application/octet-stream",
                )
            )
        return tuple(found)

    def open_stream(self, name: str) -> io.BufferedReader:
        """Open ``"stdout"`` or ``"stderr"`` for reading; raises `FileNotFoundError`."""
        return open_beneath(self.path, self.stream(name).name)

    def open_output(self, path: str) -> io.BufferedReader:
        """Open a file beneath the working directory for reading, through no link.

        Raises
        ------
        NotFoundError
            If there is no such regular file.
        PermissionError
            If this UNIX user may not read it.
        """
        try:
            return open_beneath(self.work, path)
        except (FileNotFoundError, ValueError) as error:
            raise NotFoundError(
                f"The run has no file {path!r} any more.", "`%tooi files N` lists what there is."
            ) from error

    def output_path(self, path: str) -> Path:
        """Return the place of an output file, once sure that no part of it is a link.

        A tool that still runs may change that; `open_output` is safe from it.

        Raises
        ------
        NotFoundError, PermissionError
            As `open_output`.
        """
        self.open_output(path).close()
        return self.work / path

    def files_now(self, limits: Limits) -> tuple[OutputFile, ...]:
        """Return what there is in the working directory while the tool still runs, unhashed."""
        found: list[OutputFile] = []
        kept_bytes = 0
        for path, status, skipped in _walk(self.work, opens_closed=False):
            if len(found) >= limits.output_files:
                break
            size_bytes = 0 if status is None else status.st_size
            if skipped is None and kept_bytes + size_bytes > limits.output_bytes:
                skipped = BEYOND_SIZE
            kept_bytes += 0 if skipped else size_bytes
            found.append(OutputFile(path=_printable(path), size_bytes=size_bytes, skipped=skipped))
        return tuple(found)

    def may_remove(self) -> bool:
        """Tell whether this UNIX user may delete the directory, or nothing is there to delete."""
        try:
            owner = self.path.lstat().st_uid
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return os.access(self.path.parent, os.W_OK | os.X_OK) and os.geteuid() in (0, owner)

    def remove(self) -> bool:
        """Delete the directory, also where the tool took away its own permissions.

        Returns
        -------
        bool
            Whether nothing of it is left.
        """
        return foreign_files.remove(self.path)


def check_inputs(inputs: Sequence[Path]) -> None:
    """Raise unless all are regular files with names of their own."""
    names: set[str] = set()
    for path in inputs:
        try:
            mode = path.stat().st_mode
        except OSError as error:
            raise InvalidValueError(
                f"There is no input file {str(path)!r}.",
                "Check the path; it is relative to the notebook's folder.",
                code="input_missing",
            ) from error
        if stat.S_ISDIR(mode):
            raise InvalidValueError(
                f"{str(path)!r} is a folder.",
                f"Pass its files, for instance -i '{path}/*'.",
                code="input_folder",
            )
        if not stat.S_ISREG(mode):
            raise InvalidValueError(
                f"{str(path)!r} is a device, pipe or socket, not a file.", code="input_special"
            )
        if path.name in names:
            raise InvalidValueError(
                f"Two input files are named {path.name!r}.",
                "They would overwrite each other in the working directory: rename one.",
                code="input_name",
            )
        names.add(path.name)


def _place(source: Path, target: Path) -> InputFile:
    sha256 = _copy(source, target)
    return InputFile(path=target.name, size_bytes=target.stat().st_size, sha256=sha256)


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a regular file in hexadecimal digits; a link is not followed."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def owner_of(path: Path) -> str:
    """Return the name of the UNIX user that a file or folder belongs to; empty if unknown."""
    try:
        return path.owner()
    except KeyError:  # a number without a name
        return str(path.stat().st_uid)
    except (OSError, NotImplementedError):
        return ""


def _walk(
    work: Path, *, opens_closed: bool
) -> Iterator[tuple[str, os.stat_result | None, str | None]]:
    """Yield path, state and reason to skip of all beneath a folder but folders, in a stable order.

    Links are not followed. A tool may have nested its folders deeply and closed them: they are
    opened where that can be, and listed as skipped where not.
    """
    folders: list[tuple[str, ...]] = [()]
    while folders:
        names = folders.pop()
        try:
            descriptor = open_folder(work, names, opens_closed=opens_closed)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield "/".join(names), None, f"it cannot be opened: {error.strerror}"
            continue
        try:
            with os.scandir(descriptor) as found:
                entries = [(entry.name, _state(entry)) for entry in found]
        finally:
            os.close(descriptor)
        inner: list[tuple[str, ...]] = []
        for name, status in sorted(entries, key=lambda entry: entry[0]):
            path = "/".join((*names, name))
            if status is None:
                continue
            if not stat.S_ISDIR(status.st_mode):
                yield path, status, _reason_to_skip(path, status)
            elif len(names) < _MOST_LEVELS:
                inner.append((*names, name))
            else:
                yield path, None, "nested too deeply"
        folders.extend(reversed(inner))


def _state(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:  # gone meanwhile: the tool still runs
        return None


def _reason_to_skip(path: str, status: os.stat_result) -> str | None:
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return SYMBOLIC_LINK
    if not stat.S_ISREG(mode):
        return SPECIAL_FILE
    if status.st_nlink > 1:
        return HARD_LINK
    if path != _printable(path):
        return "its name is not valid UTF-8"
    return None


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
