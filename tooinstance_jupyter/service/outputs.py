"""Where the output of runs is read, packed and kept: run directories first, blobs behind them.

How a directory is laid out is left to ``run_directory``, speaking to S3 and the like to
``store.blobs``. A run's output is handed over once the run is final, and only then recorded as
stored, so that whoever is killed in between begins again. What of it stays on this machine is left
to ``output_cache``.
"""

from __future__ import annotations

import io
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

from .. import archives
from ..archives import ArchiveFormat, Entry
from ..config import TooInstance
from ..errors import (
    ConflictError,
    DeletionError,
    NotFoundError,
    OutputElsewhereError,
    OutputForbiddenError,
    OutputMissingError,
    OutputsUnavailableError,
    TooInstanceError,
    UnreadableOutputError,
)
from ..file_names import harmless_paths, object_name
from ..records import InputFile, OutputFile, Run, RunStatus, now, stream_cut
from ..requests import StreamName
from ..run_directory import RunDirectory, hash_file, owner_of
from ..store.blobs import Blobs, public_url
from ..store.repository import Store
from .output_cache import OutputCache

_logger = logging.getLogger(__name__)
_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
_SKIPPED = "SKIPPED.txt"
_GONE = "it is gone"
# a home hands over what its runs wrote as they end
_HANDED_OVER_S = 60.0
_SHORTEST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


class Outputs:
    """The output of runs.

    Parameters
    ----------
    config
        The settings.
    store
        Where it is recorded that an output is stored.
    home
        The id of the home: the directories of others' runs are in theirs.
    """

    def __init__(self, config: TooInstance, store: Store, *, home: str = "") -> None:
        self._config = config
        self._store = store
        self._home = home
        self._cache = OutputCache(config)
        self._known: dict[str, Blobs] = {}
        self._handed_over: set[str] = set()
        self._closing = threading.Event()
        self._pause_s = _SHORTEST_PAUSE_S

    def directory(self, run: Run) -> RunDirectory:
        """Return where a run keeps its files on the machine that ran it."""
        return RunDirectory.of(self._config, run)

    # reading

    def check(self, run: Run) -> None:
        """Raise unless what is kept of a run can be read here; single files may be missing.

        Raises
        ------
        UnreadableOutputError
            If all of it is in another home, has gone, or some may not be read by this UNIX user.
        OutputsUnavailableError
            If it is stored, and that does not answer.
        """
        kept = next((file.path for file in run.files if file.skipped is None), None)
        try:
            for stream in _STREAMS:
                self.open_stream(run, stream).close()
            if kept is not None:
                self._open(run, kept).close()
        except OutputMissingError:
            if not (run.stored_at or self.directory(run).path.exists()):
                raise

    def is_on_its_way(self, run: Run) -> bool:
        """Tell whether another home is about to put a run's output where it can be read here."""
        if self._is_ours(run) or run.stored_at or not self._config.outputs_url:
            return False
        return not run.status.is_final or _ended_s(run) < _HANDED_OVER_S

    def open_stream(self, run: Run, name: StreamName) -> BinaryIO:
        """Open what is kept of a stream; it can be sought in, and is empty if nothing was written.

        Raises
        ------
        UnreadableOutputError
            If something was written, and is in another home, may not be read by this UNIX user, or
            has gone.
        OutputsUnavailableError
            If it is stored, and that does not answer.
        """
        try:
            return self.directory(run).open_stream(name)
        except (FileNotFoundError, PermissionError) as error:
            reason = error
        if run.stored_at:
            with suppress(FileNotFoundError):
                return self._blobs(run).open(f"{run.id}/{name}")
        if self._wrote_nothing(run, name, reason):
            return io.BytesIO()
        what = "standard output" if name == "stdout" else "standard error"
        raise self._unreadable(run, f"The {what}", reason)

    def size_of_stream(self, run: Run, name: StreamName) -> int:
        """Return how much is kept of a stream (bytes); raises as `open_stream`."""
        with self.open_stream(run, name) as file:
            return file.seek(0, os.SEEK_END)

    def open_file(self, run: Run, path: str) -> BinaryIO:
        """Open an output file; it can be sought in.

        Raises
        ------
        NotFoundError
            If it is none of the run's, or was not kept.
        UnreadableOutputError, OutputsUnavailableError
            As `open_stream`.
        """
        _listed(run, path)
        return self._open(run, path)

    def open_file_now(self, run: Run, path: str) -> BinaryIO:
        """Open what a run that goes on has written to a file as yet.

        Raises
        ------
        NotFoundError
            If there is no such file yet.
        UnreadableOutputError
            As `open_stream`.
        """
        if not self._is_ours(run):
            raise self._unreadable(run, f"The file {path!r}", None)
        try:
            return self.directory(run).open_output(path)
        except PermissionError as error:
            raise self._unreadable(run, f"The file {path!r}", error) from error

    def local_path(self, run: Run, path: str) -> Path:
        """Return where an output file can be read on this machine, fetched first if need be.

        Raises
        ------
        NotFoundError, UnreadableOutputError, OutputsUnavailableError
            As `open_file`.
        """
        _listed(run, path)
        return self._local(run, f"files/{object_name(path)}", path)

    def input_path(self, run: Run, file: InputFile) -> Path:
        """Return where an input file of a run can be read, as it was before the run.

        Raises
        ------
        ConflictError
            If the run changed it, or it is gone.
        UnreadableOutputError, OutputsUnavailableError
            As `open_stream`.
        """
        gone = ConflictError(
            f"The input {file.path!r} of run {run.number} is not there as it was: the run changed "
            "it, or somebody deleted it.",
            "Run the tool anew, with -i.",
        )
        if Path(file.path).name != file.path:
            raise gone
        try:
            place = self._local(run, f"inputs/{object_name(file.path)}", file.path)
            if hash_file(place) == file.sha256:
                return place
        except OutputMissingError:
            raise gone from None
        except OSError as error:
            if isinstance(error, PermissionError):
                raise self._unreadable(run, f"The input {file.path!r}", error) from error
            raise gone from None
        raise gone

    def stdin_path(self, run: Run) -> Path | None:
        """Return where the standard input of a run can be read, if it had any.

        Raises
        ------
        UnreadableOutputError, OutputsUnavailableError
            As `open_stream`.
        """
        if run.stdin is None:
            return None
        place = self.directory(run).stdin
        try:
            place.open("rb").close()
        except (FileNotFoundError, PermissionError) as error:
            if not run.stored_at:
                raise self._unreadable(run, "The standard input", error) from error
            return self._fetched(run, "stdin", "stdin")
        return place

    def archive(self, run: Run, format_: ArchiveFormat) -> Iterator[bytes]:
        """Yield all that is kept of a run as an archive: its files, stdout and stderr.

        Names are made harmless. What is not kept is listed in its file ``SKIPPED.txt``. A run
        that goes on is packed as it stands.

        Raises
        ------
        UnreadableOutputError, OutputsUnavailableError
            As `check`, at once; later if something becomes shorter while it is packed.
        """
        self.check(run)
        files = run.files if run.status.is_final else self.files_now(run)
        entries = self._entries(run, files)
        return archives.stream(format_, entries, run.finished_at or run.created_at)

    def files_now(self, run: Run) -> tuple[OutputFile, ...]:
        """Return what a run that goes on has written as yet; what it was given is none of it.

        Raises
        ------
        UnreadableOutputError
            If its directory is in another home.
        """
        if not self._is_ours(run):
            raise self._unreadable(run, "The output", None)
        given = {file.path for file in run.inputs}
        found = self.directory(run).files_now(run.limits)
        return tuple(file for file in found if file.path not in given)

    def _entries(self, run: Run, files: Sequence[OutputFile]) -> Iterator[Entry]:
        kept = [file.path for file in files if file.skipped is None]
        missing = [
            (name, cut)
            for name, size in (("stdout", run.stdout), ("stderr", run.stderr))
            if (cut := stream_cut(name, size))
        ]
        missing += [(file.path, file.skipped) for file in files if file.skipped is not None]
        for stream in _STREAMS:
            try:
                file = self.open_stream(run, stream)
            except OutputMissingError:
                missing.append((stream, _GONE))
                continue
            yield Entry(stream, _size(file), file)
        for path, name in zip(
            kept, harmless_paths(kept, reserved=[*_STREAMS, _SKIPPED]), strict=True
        ):
            try:
                file = self._open(run, path)
            except OutputMissingError:
                missing.append((path, _GONE))
                continue
            except OutputForbiddenError:
                missing.append((path, "permission denied"))
                continue
            yield Entry(name, _size(file), file)
        if missing:
            names = harmless_paths([path for path, _ in missing])
            lines = [f"{name}: {why}\n" for name, (_, why) in zip(names, missing, strict=True)]
            text = "".join(lines).encode()
            yield Entry(_SKIPPED, len(text), io.BytesIO(text))

    def _open(self, run: Run, path: str) -> BinaryIO:
        try:
            return self.directory(run).open_output(path)
        except (NotFoundError, PermissionError) as error:
            if not run.stored_at:
                raise self._unreadable(run, f"The file {path!r}", error) from error
        try:
            return self._blobs(run).open(f"{run.id}/files/{object_name(path)}")
        except FileNotFoundError as error:
            raise self._unreadable(run, f"The file {path!r}", error) from error

    def _local(self, run: Run, name: str, path: str) -> Path:
        try:
            return self.directory(run).output_path(path)
        except (NotFoundError, PermissionError) as error:
            if not run.stored_at:
                raise self._unreadable(run, f"The file {path!r}", error) from error
        return self._fetched(run, name, path)

    def _is_ours(self, run: Run) -> bool:
        return run.home in ("", self._home)

    def _wrote_nothing(self, run: Run, name: StreamName, reason: OSError) -> bool:
        """Tell whether a stream that cannot be read is one to which nothing was written."""
        kept = run.stdout if name == "stdout" else run.stderr
        if run.status is RunStatus.QUEUED:
            return True
        if kept.kept_bytes:
            return False
        if run.stored_at or (run.status.is_final and run.status is not RunStatus.LOST):
            return True
        # of a run that goes on, or was lost, the record does not tell
        if not self._is_ours(run) or isinstance(reason, PermissionError):
            return False
        return run.status is RunStatus.STARTING or self.directory(run).path.exists()

    def _unreadable(self, run: Run, what: str, reason: Exception | None) -> UnreadableOutputError:
        """Say why something that a run wrote or was given cannot be read here."""
        subject = f"{what} of run {run.number}"
        if isinstance(reason, PermissionError):
            user = owner_of(self.directory(run).path)
            return OutputForbiddenError(
                f"{subject} cannot be read: permission denied"
                + (f", its files belong to the UNIX user {user}." if user else "."),
                "Ask for it who runs tools as that user, or "
                f"`%tooi rerun {run.number}` makes it again.",
            )
        if self._is_ours(run) or run.stored_at:
            return OutputMissingError(
                f"{subject} is missing: it was kept, and somebody deleted it.",
                f"`%tooi rerun {run.number}` makes it again.",
            )
        place = f"another home ({run.home[:8]}, where {run.owner} ran it)"
        if self.is_on_its_way(run):
            return OutputElsewhereError(
                f"{subject} is in {place}, and not stored for all yet.",
                "It comes once the run has ended: try again in a moment.",
            )
        return OutputElsewhereError(
            f"{subject} is in {place}, and not where all homes read it.",
            f"Look at it there, or `%tooi rerun {run.number}` makes it here. Where "
            "TooInstance.outputs_url is set, what runs write from then on can be read everywhere.",
        )

    def _not_deleted(self, run: Run) -> DeletionError:
        user = owner_of(self.directory(run).path)
        return DeletionError(
            f"The output of run {run.number} cannot be deleted, or not all of it"
            + (f": its files belong to the UNIX user {user}." if user else "."),
            "That user, or the administrator of this machine, can delete it.",
        )

    # keeping

    def hand_over(self, run: Run) -> None:
        """Have a final run's output kept where all servers read it, in the background.

        While that does not answer, it is tried again and again.
        """
        if self._config.outputs_url and run.id not in self._handed_over:
            self._handed_over.add(run.id)
            with suppress(RuntimeError):  # closed meanwhile: it is left to the next start
                self._threads.submit(self._keep_at_last, run)

    def keep(self, run: Run) -> Run:
        """Put a final run's output where all servers read it, and return the run with that noted.

        It may be repeated, also after it was interrupted: what is there already is left.

        Raises
        ------
        OutputsUnavailableError
            If that place does not answer; the run stays `pending`.
        """
        directory = self.directory(run)
        if not self._config.outputs_url or run.stored_at or not directory.path.is_dir():
            return run
        with FileLock(directory.path / "storing.lock"):
            stored = self._store.get_run_by_id(run.id)
            if stored is None or stored.stored_at:
                return stored or run
            blobs = self._blobs_at(self._config.outputs_url)
            there = blobs.sizes(run.id)
            size_bytes = 0
            for name, file in self._kept(run):
                with file:
                    size = _size(file)
                    size_bytes += size
                    if there.get(f"{run.id}/{name}") != size:
                        blobs.put(f"{run.id}/{name}", file, size)
            place = f"{blobs.public_url}/{run.id}"
            try:
                stored = self._store.set_stored_at(run.id, place)
            except NotFoundError:  # deleted meanwhile
                blobs.delete(run.id)
                raise
            self._cache.mark(directory, size_bytes)
        self._cache.trim()
        return stored

    def pending(self) -> list[Run]:
        """Return the final runs of this home whose output is not yet where all servers read it."""
        if not self._config.outputs_url:
            return []
        found = []
        for folder in self._config.runs_path.iterdir():
            if self._cache.is_marked(RunDirectory(folder)):
                continue
            run = self._store.get_run_by_id(folder.name)
            if run is not None and run.status.is_final and not run.stored_at:
                found.append(run)
        return found

    def check_deletion(self, run: Run) -> None:
        """Raise `DeletionError` unless this UNIX user may delete a run's directory."""
        if not self.directory(run).may_remove():
            raise self._not_deleted(run)

    def delete(self, run: Run) -> None:
        """Delete a run's output, wherever it is.

        Raises
        ------
        OutputsUnavailableError
            If some of it is elsewhere, and that does not answer; nothing is deleted then.
        DeletionError
            If its directory, or some of it, cannot be deleted.
        """
        if run.stored_at:
            self._blobs(run).delete(run.id)
        elif self._config.outputs_url and self.directory(run).path.is_dir():
            self._blobs_at(self._config.outputs_url).delete(run.id)
        self._cache.forget(run.id)
        if not self.directory(run).remove():
            raise self._not_deleted(run)

    def close(self) -> None:
        """Wait for what is being kept; what waits in line is left to the next start."""
        self._closing.set()
        if "_threads" in self.__dict__:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def _kept(self, run: Run) -> Iterator[tuple[str, BinaryIO]]:
        directory = self.directory(run)
        for stream in _STREAMS:
            with suppress(FileNotFoundError):
                yield stream, directory.open_stream(stream)
        for output in run.files:
            if output.skipped is None:
                try:
                    yield f"files/{object_name(output.path)}", directory.open_output(output.path)
                except NotFoundError:
                    _logger.warning("output is gone run=%s path=%r", run.id, output.path)
        changed = {output.path for output in run.files}
        for given in run.inputs:
            if given.path not in changed:
                with suppress(NotFoundError):
                    yield f"inputs/{object_name(given.path)}", directory.open_output(given.path)
        if run.stdin is not None:
            with suppress(FileNotFoundError):
                yield "stdin", directory.stdin.open("rb")

    def _keep_at_last(self, run: Run) -> None:
        try:
            self.keep(run)
        except OutputsUnavailableError as error:
            _logger.warning("output is not stored yet run=%s reason=%s", run.id, error)
            self._closing.wait(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            with suppress(RuntimeError):
                self._threads.submit(self._keep_at_last, run)  # behind those that wait
            return
        except TooInstanceError as error:
            _logger.warning("output is not stored run=%s reason=%s", run.id, error)
        except Exception:  # nobody waits for it, and the next start tries it again
            _logger.exception("output is not stored run=%s", run.id)
        self._pause_s = _SHORTEST_PAUSE_S
        self._handed_over.discard(run.id)

    def _fetched(self, run: Run, name: str, path: str) -> Path:
        place = Path(run.id, name)
        if name.startswith("inputs/"):
            # another run takes it by its own name
            place = place.with_name(path)
        try:
            return self._cache.fetch(str(place), lambda: self._blobs(run).open(f"{run.id}/{name}"))
        except FileNotFoundError as error:
            raise self._unreadable(run, f"The file {path!r}", error) from error

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(2, thread_name_prefix="tooinstance-outputs")

    def _blobs(self, run: Run) -> Blobs:
        """Return where a run's output is, also if the setting has become another one."""
        place = run.stored_at.rpartition("/")[0]
        own = self._config.outputs_url
        return self._blobs_at(own if own and public_url(own) == place else place)

    def _blobs_at(self, url: str) -> Blobs:
        if url not in self._known:
            self._known[url] = Blobs(url, self._config.outputs_options)
        return self._known[url]


def _listed(run: Run, path: str) -> OutputFile:
    for file in run.files:
        if file.path == path and file.skipped is None:
            return file
    raise NotFoundError(f"Run {run.number} has no file {path!r}.", f"`%tooi files {run.number}`.")


def _ended_s(run: Run) -> float:
    return (now() - (run.finished_at or run.created_at)).total_seconds()


def _size(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size
