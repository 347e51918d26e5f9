"""Takes runs of an export into the history of whoever imports it.

What an export is, and that it is what it says, is left to ``export.reading``.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .. import arguments
from ..config import TooInstance
from ..errors import InvalidValueError, full_disk_in_words
from ..export import pinning
from ..export.package import Package
from ..export.record import ExportedFile, ExportedRun
from ..file_names import harmless_paths
from ..records import (
    InputFile,
    OutputFile,
    Principal,
    Run,
    StreamSize,
    Tool,
    Version,
    now,
)
from ..run_directory import RunDirectory
from ..store.repository import Store
from .outputs import Outputs
from .presence import Presence
from .room import Room

_MOST_TEXT = 10_000
_MOST_WORD = 64
_FIRST_YEAR = 1980
_MOST_STREAM_BYTES = 2**50


@dataclass(frozen=True, slots=True)
class Imports:
    """Imported runs of one home.

    Parameters
    ----------
    home
        The id of the home.
    find
        Returns a tool and version by name, as a principal may see them.
    """

    config: TooInstance
    store: Store
    outputs: Outputs
    room: Room
    presence: Presence
    home: str
    find: Callable[[Principal, str], tuple[Tool, Version]]

    def add(self, principal: Principal, archive: Path, tool: str) -> Run:
        """Keep the one run of an exported archive as a principal's, under a number of its own.

        Parameters
        ----------
        tool
            The version that it is said to be a run of (``name@number``); empty for none.

        Raises
        ------
        InvalidValueError
            If the archive is no export of one run that has ended, or has more output than is kept
            of a run.
        NotFoundError
            If there is no such version for the principal.
        StorageError
            If there is no room for it.
        """
        from ..export import reading

        self.room.check()
        with self.config.scratch() as folder:
            limits = self.config.limits()
            most_bytes = limits.output_bytes + 2 * limits.log_bytes
            package = reading.read(archive, Path(folder), most_bytes=most_bytes)
            if len(package.export.runs) != 1:
                raise InvalidValueError("One run is imported at a time.", code="export_invalid")
            return self._add(principal, package, package.export.runs[0], tool)

    def _add(self, principal: Principal, package: Package, exported: ExportedRun, tool: str) -> Run:
        run = self._record(principal, package, exported, tool)
        directory = RunDirectory.of(self.config, run)
        with self.presence.creating(), full_disk_in_words(self.config.runs_path):
            try:
                run = self._filled(run, directory, package, exported)
                run = self.store.add_run(run)
            except BaseException:
                directory.remove()
                raise
        self.outputs.hand_over(run)
        return run

    def _record(
        self, principal: Principal, package: Package, exported: ExportedRun, name: str
    ) -> Run:
        if not exported.status.is_final:
            raise InvalidValueError(f"Run {exported.number} of the export has not ended.")
        described = package.export.tool(exported.tool)
        latest = now()
        finished_at = exported.finished_at or package.export.made_at
        run = Run(
            owner=principal.name,
            tool_id=None,
            tool_name=f"{principal.name}/{described.name}",
            version_id=None,
            version_number=described.version_number,
            environment_id=None,
            arguments=arguments.from_value(list(exported.arguments)),
            label=_text(exported.label),
            variables={
                _text(name): _text(value) for name, value in exported.plain_variables.items()
            },
            secrets=tuple(map(_text, exported.secrets)),
            limits=self.config.limits(),
            engine=_text(exported.engine)[:_MOST_WORD],
            isolation=_text(exported.isolation)[:_MOST_WORD],
            output=described.output,
            status=exported.status,
            message=f"{_text(exported.message)}, imported".lstrip(", "),
            exit_code=exported.exit_code,
            home=self.home,
            started_at=_moment(exported.started_at, latest),
            finished_at=_moment(finished_at, latest) or latest,
        )
        if not name:
            return run
        tool, version = self.find(principal, name)
        if not pinning.is_same(version, described):
            raise InvalidValueError(
                f"{name} was not built from what the export says of {described.name}.",
                "Import it without a tool, or make the tool first.",
                code="tool_differs",
            )
        return dataclasses.replace(
            run,
            tool_id=tool.id,
            tool_name=tool.full_name,
            version_id=version.id,
            version_number=version.number,
            environment_id=version.environment_id,
            command=version.command,
        )

    def _filled(
        self, run: Run, directory: RunDirectory, package: Package, exported: ExportedRun
    ) -> Run:
        directory.create()
        limits = self.config.limits()
        files, inputs = exported.files, exported.inputs
        written = sum(file.size_bytes for file in (*files, *inputs) if file.place is not None)
        if (
            len(files) + len(inputs) > limits.output_files
            or written > limits.output_bytes
            or max(exported.stdout.size_bytes, exported.stderr.size_bytes) > limits.log_bytes
        ):
            raise InvalidValueError(
                f"Run {exported.number} of the export has more output than is kept of a run here.",
                code="too_large",
            )
        for stream in (exported.stdout, exported.stderr):
            target = directory.stream("stdout" if stream is exported.stdout else "stderr")
            if stream.place is None:
                target.touch()
            else:
                shutil.copyfile(package.folder / stream.place, target)
        if exported.stdin is not None and exported.stdin.place is not None:
            shutil.copyfile(package.folder / exported.stdin.place, directory.stdin)
        # an input that the run changed is among what it wrote
        unchanged = {file.path for file in inputs} - {file.path for file in files}
        placed = self._placed(
            directory, package, [*files, *(file for file in inputs if file.path in unchanged)]
        )
        return dataclasses.replace(
            run,
            stdin="stdin" if directory.stdin.exists() else None,
            stdout=_size(directory.stream("stdout"), exported.stdout),
            stderr=_size(directory.stream("stderr"), exported.stderr),
            files=tuple(
                OutputFile(
                    path=file.path,
                    size_bytes=file.size_bytes,
                    sha256=file.sha256,
                    media_type=file.media_type,
                    skipped=None if file.place is not None else file.note or "not in the export",
                )
                for file in placed[: len(files)]
            ),
            inputs=tuple(
                InputFile(path=file.path, size_bytes=file.size_bytes, sha256=file.sha256)
                for file in placed[len(files) :]
                if file.sha256 is not None and file.place is not None
            ),
        )

    def _placed(
        self, directory: RunDirectory, package: Package, files: Sequence[ExportedFile]
    ) -> list[ExportedFile]:
        placed = []
        for file, path in zip(files, harmless_paths([f.path for f in files]), strict=True):
            if file.place is not None:
                target = directory.work / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(package.folder / file.place, target)
            placed.append(dataclasses.replace(file, path=path))
        return placed


def _text(text: str) -> str:
    """Return a text that a database holds."""
    return text[:_MOST_TEXT].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _moment(at: datetime | None, latest: datetime) -> datetime | None:
    """Return a time that calendars and archives hold, and that is not to come."""
    if at is None or at.year < _FIRST_YEAR:
        return None
    return min(at if at.tzinfo is not None else at.replace(tzinfo=UTC), latest)


def _size(path: Path, stream: ExportedFile) -> StreamSize:
    """Return how much of a stream is here, of how much there was: the rest is not in an export."""
    size = path.stat().st_size
    of = max(size, stream.size_bytes) + min(stream.cut_bytes, _MOST_STREAM_BYTES)
    return StreamSize(total_bytes=of, kept_bytes=size)
