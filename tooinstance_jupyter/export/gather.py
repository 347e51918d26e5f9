"""Collects what is exported of runs and tools, without what must not leave.

It asks a client, so that an export holds what whoever asks may see, from a server or without one.
"""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__, access
from ..build import sources
from ..client.base import Client
from ..errors import ConflictError, ForbiddenError, NotFoundError, OutputForbiddenError
from ..records import Run, Source, SourceKind, Tool, Version, VersionStatus
from ..requests import StreamName
from ..run_directory import hash_file
from .package import Package, places
from .pinning import PINNED_BY_REF, distinct_name
from .record import Export, ExportedFile, ExportedRun, ExportedTool
from .scrub import MASK, Scrubber, secret_names, without_secret_options

GENERATOR = f"tooinstance-jupyter {__version__}"
_CHUNK_BYTES = 2**20
_MOST_REWRITTEN_BYTES = 128 * 2**20
_TOLD_TOO_MUCH = "it held something secret or the path of a home folder"
_REWRITTEN = "what is secret, and paths of home folders, were taken out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to have exported.

    Parameters
    ----------
    runs, tools
        Numbers of runs, and names of tools (``name`` or ``name@version``).
    with_name
        Whether to say who ran them.
    with_all_files
        Whether to export also the files of runs that were given secrets, which may hold those.
    most_bytes
        What is larger is named, and not exported; ``None`` for no limit.
    hidden
        Values that must not leave, beside those that look like secrets.
    """

    runs: Sequence[int] = ()
    tools: Sequence[str] = ()
    with_name: bool = False
    with_all_files: bool = False
    most_bytes: int | None = None
    hidden: Sequence[str] = field(default=(), repr=False)


def gather(client: Client, wish: Wish, folder: Path) -> Package:
    """Collect what is wished for in an empty folder.

    Raises
    ------
    NotFoundError
        If there is no such run or tool for whoever asks.
    ConflictError
        If a run goes on, or a tool has never become ready.
    UnreadableOutputError
        If what a run wrote cannot be read here.
    """
    found = [access.run_as_seen(client.principal, client.get_run(number)) for number in wish.runs]
    for run in found:
        if not run.status.is_final:
            raise ConflictError(
                f"Run {run.number} goes on: it can be exported once it has ended.",
                f"`%tooi cancel {run.number}` ends it.",
                code="run_not_final",
            )
    collected = _Collected(client, wish, folder)
    for name in wish.tools:
        collected.add_tool(name)
    for run in found:
        collected.add_run(run)
    return collected.package()


class _Collected:
    def __init__(self, client: Client, wish: Wish, folder: Path) -> None:
        self._client = client
        self._wish = wish
        self._folder = folder
        self._homes = homes_of(client)
        self._tools: dict[tuple[str, int], ExportedTool] = {}
        self._runs: list[ExportedRun] = []

    def package(self) -> Package:
        export = Export(
            title=self._title(),
            made_at=datetime.now(UTC).replace(microsecond=0),
            generator=GENERATOR,
            tools=tuple(self._tools.values()),
            runs=tuple(self._runs),
        )
        return Package(self._folder, export)

    def add_tool(self, name: str) -> None:
        self._note_tool(*ready_version(self._client, name))

    def add_run(self, run: Run) -> None:
        tool = self._tool_of(run)
        hidden = secret_names(run.variables)
        secrets = sorted({*run.secrets, *hidden})
        argv, typed = without_secret_options(run.arguments)
        scrubber = Scrubber(
            homes=self._homes,
            secrets=[*self._wish.hidden, *typed, *(run.variables[name] for name in hidden)],
        )
        keep = _Keeper(self._folder, scrubber, self._wish.most_bytes)
        may_hold_secrets = bool(run.secrets) and not self._wish.with_all_files
        self._runs.append(
            ExportedRun(
                number=run.number,
                tool=tool.name,
                cut=scrubber.text(run.cut),
                arguments=tuple(map(scrubber.text, argv)),
                label=scrubber.text(run.label),
                stdin=self._stdin(run, keep),
                inputs=self._inputs(run, keep),
                variables={
                    name: MASK if name in hidden else scrubber.text(value)
                    for name, value in run.variables.items()
                },
                secrets=tuple(secrets),
                limits=run.limits,
                engine=run.engine,
                isolation=run.isolation,
                status=run.status,
                message=scrubber.text(run.message),
                exit_code=run.exit_code,
                started_at=run.started_at,
                finished_at=run.finished_at,
                stdout=self._stream(run, "stdout", keep),
                stderr=self._stream(run, "stderr", keep),
                files=self._files(run, keep, may_hold_secrets=may_hold_secrets),
                by=run.owner if self._wish.with_name else "",
            )
        )

    def _title(self) -> str:
        names = list(dict.fromkeys(tool.name for tool in self._tools.values()))
        title = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        match self._runs:
            case []:
                return title
            case [run]:
                return f"{title}: {run.label}" if run.label else f"{title}: run {run.number}"
        return f"{title}: {len(self._runs)} runs"

    def _tool_of(self, run: Run) -> ExportedTool:
        known = self._tools.get((run.tool_name, run.version_number))
        if known is not None:
            return known
        with suppress(NotFoundError):
            detail = self._client.tool(run.tool_name)
            for version in detail.versions:
                if detail.tool.id == run.tool_id and version.id == run.version_id:
                    return self._note_tool(detail.tool, version)
        name = run.tool_name.rpartition("/")[2]
        tool = ExportedTool(
            name=self._free_name(name, run.version_number),
            version_number=run.version_number,
            output=run.output,
            engine=run.engine,
            environment=run.environment_id,
        )
        self._tools[run.tool_name, run.version_number] = tool
        return tool

    def _note_tool(self, tool: Tool, version: Version) -> ExportedTool:
        exported = replace(
            pinned(tool, version, Scrubber(homes=self._homes)),
            name=self._free_name(tool.name, version.number),
        )
        self._tools[tool.full_name, version.number] = exported
        return exported

    def _free_name(self, name: str, number: int) -> str:
        return distinct_name(name, number, {tool.name for tool in self._tools.values()})

    def _stream(self, run: Run, name: StreamName, keep: _Keeper) -> ExportedFile:
        kept = run.stdout if name == "stdout" else run.stderr

        def pieces() -> Iterator[bytes]:
            offset = 0
            while data := self._client.read_output(
                run.number, name, offset=offset, size=_CHUNK_BYTES
            ):
                yield data
                offset += len(data)

        note = (
            f"cut at the limit: {kept.kept_bytes} of {kept.total_bytes} bytes were kept"
            if kept.is_cut
            else ""
        )
        file = ExportedFile(
            path=name,
            media_type="text/plain",
            note=note,
            cut_bytes=kept.total_bytes - kept.kept_bytes,
        )
        [place] = places(run.number, "", [name])
        self._client.output_size(run.number, name)  # an export without it would look complete
        return keep(file, place, lambda target: _write(target, pieces()), is_text=True)

    def _stdin(self, run: Run, keep: _Keeper) -> ExportedFile | None:
        if run.stdin is None:
            return None
        [place] = places(run.number, "", ["stdin"])
        file = ExportedFile(path="stdin")

        def copy(target: Path) -> None:
            shutil.copyfile(self._client.stdin_path(run.number), target)

        return keep(file, place, copy)

    def _inputs(self, run: Run, keep: _Keeper) -> tuple[ExportedFile, ...]:
        inputs = []
        for given, place in zip(
            run.inputs,
            places(run.number, "inputs", [keep.scrubbed(file.path) for file in run.inputs]),
            strict=True,
        ):
            file = ExportedFile(path=given.path, size_bytes=given.size_bytes, sha256=given.sha256)

            def copy(target: Path, path: str = given.path) -> None:
                shutil.copyfile(self._client.input_path(run.number, path), target)

            inputs.append(keep(file, place, copy))
        return tuple(inputs)

    def _files(
        self, run: Run, keep: _Keeper, *, may_hold_secrets: bool
    ) -> tuple[ExportedFile, ...]:
        files = []
        for written, place in zip(
            run.files,
            places(run.number, "files", [keep.scrubbed(file.path) for file in run.files]),
            strict=True,
        ):
            file = ExportedFile(
                path=written.path,
                size_bytes=written.size_bytes,
                sha256=written.sha256,
                media_type=written.media_type,
            )
            if written.skipped is not None:
                note = keep.scrubbed(written.skipped)
                files.append(replace(file, note=note, is_skipped=True))
            elif may_hold_secrets:
                note = "the run was given secrets, which its files may hold (--with-all-files)"
                files.append(replace(file, sha256=None, note=note))
            else:

                def copy(target: Path, path: str = written.path) -> None:
                    shutil.copyfile(self._client.file_path(run.number, path), target)

                files.append(keep(file, place, copy))
        return tuple(files)


class _Keeper:
    """Puts a content into the package, or says why it is not there."""

    def __init__(self, folder: Path, scrubber: Scrubber, most_bytes: int | None) -> None:
        self._folder = folder
        self._scrubber = scrubber
        self._most_bytes = most_bytes

    def scrubbed(self, text: str) -> str:
        """Return a text without what must not leave."""
        return self._scrubber.text(text)

    def __call__(
        self,
        file: ExportedFile,
        place: str,
        fetch: Callable[[Path], None],
        *,
        is_text: bool = False,
    ) -> ExportedFile:
        file = replace(file, path=self.scrubbed(file.path))
        too_large = "it is too large for this form of export"
        if self._most_bytes is not None and file.size_bytes > self._most_bytes:
            return replace(file, note=too_large)
        target = self._folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            fetch(target)
        except OutputForbiddenError:
            raise
        except ForbiddenError:
            return replace(file, note="it is not shared with whom exported this")
        except (NotFoundError, ConflictError, FileNotFoundError):
            target.unlink(missing_ok=True)
            return replace(file, sha256=None, note="it is gone")
        note = file.note
        if _tells(target, self._scrubber):
            is_large = target.stat().st_size > _MOST_REWRITTEN_BYTES
            if is_large or (not is_text and _is_binary(target)):
                target.unlink()
                return replace(file, sha256=None, note=_TOLD_TOO_MUCH)
            target.write_bytes(self._scrubber.data(target.read_bytes()))
            note = "; ".join(filter(None, (note, _REWRITTEN)))
        size = target.stat().st_size
        kept = replace(file, size_bytes=size, sha256=hash_file(target), note=note)
        if self._most_bytes is not None and size > self._most_bytes and not is_text:
            target.unlink()
            return replace(kept, note=too_large)
        return replace(kept, place=target.relative_to(self._folder).as_posix())


def homes_of(client: Client) -> list[str]:
    """Return the folders whose places must not leave."""
    return [str(Path.home()), *filter(None, [client.describe().get("home")])]


def version_number(name: str) -> int | None:
    """Return the version that a tool's name says, as ``name@number``; a link's ref is none."""
    number = name.rpartition("@")[2]
    is_version = number != name and number.isdecimal() and not sources.looks_like_source(name)
    return int(number[:9]) if is_version else None


def ready_version(client: Client, name: str) -> tuple[Tool, Version]:
    """Return a version that can be run, by ``name``, ``name@number`` or link.

    Raises
    ------
    NotFoundError
        If there is no such tool for whoever asks.
    ConflictError
        If nothing of it is ready.
    """
    number = version_number(name)
    detail = client.tool(name if number is None else name.rpartition("@")[0])
    for version in detail.versions:
        if version.status is VersionStatus.READY and number in (None, version.number):
            return detail.tool, version
    raise ConflictError(
        f"{name} has no version that is ready.", f"`%tooi build {detail.tool.name}` makes one."
    )


def pinned(tool: Tool, version: Version, scrubber: Scrubber) -> ExportedTool:
    """Return what makes a version of a tool again, without what must not leave."""
    hidden = secret_names(tool.build_arguments)
    return ExportedTool(
        name=tool.name,
        version_number=version.number,
        source=_pinned_source(version.source, version.commit, scrubber),
        commit=version.commit,
        description=scrubber.text(tool.description),
        runtime=version.runtime,
        entry_point=version.entry_point,
        build_arguments={
            name: MASK if name in hidden else scrubber.text(value)
            for name, value in tool.build_arguments.items()
        },
        output=tool.output,
        engine=version.engine,
        recipe=version.recipe_hash,
        environment=version.environment_id,
    )


def _pinned_source(source: Source, commit: str | None, scrubber: Scrubber) -> Source:
    if source.kind in PINNED_BY_REF and commit:
        source = replace(source, ref=commit)
    location = source.location
    if source.kind is SourceKind.FOLDER:
        location = Path(location).name  # where it is says something of a machine only
    return replace(source, location=scrubber.text(location))


def _tells(path: Path, scrubber: Scrubber) -> bool:
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return scrubber.finds_in(mapped)


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return mapped.find(b"\0") >= 0


def _write(target: Path, pieces: Iterator[bytes]) -> None:
    with target.open("wb") as file:
        for piece in pieces:
            file.write(piece)
