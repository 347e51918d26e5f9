"""What a user holds after a run: its state, its output and its files, read when they are asked for.

How it is shown is left to ``display``, where it comes from to ``client``.
"""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from . import cuts
from .client.base import Client
from .cuts import OutputCutWarning as OutputCutWarning
from .errors import ConflictError, InvalidValueError
from .records import OutputFile, Run, RunStatus, files_cut, stream_cut
from .requests import Arguments, NewRun, StreamName
from .terminal import visible

if TYPE_CHECKING:
    import pandas as pd


class MissingFileError(KeyError):
    """A run has no such output file."""

    def __str__(self) -> str:
        return str(self.args[0])


class ResultFile:
    """A file that a run wrote; usable wherever a path is, as in ``open(file)``."""

    def __init__(self, client: Client, run_number: int, record: OutputFile) -> None:
        self._client = client
        self._run_number = run_number
        self._record = record

    @property
    def name(self) -> str:
        """Its path in the run's working directory."""
        return self._record.path

    @property
    def size_bytes(self) -> int:
        """Its size."""
        return self._record.size_bytes

    @property
    def sha256(self) -> str | None:
        """The digest of its content, ``None`` if it was not kept."""
        return self._record.sha256

    @property
    def media_type(self) -> str | None:
        """Its media type, as far as its name tells."""
        return self._record.media_type

    @property
    def path(self) -> Path:
        """Where it can be read on this machine.

        Raises
        ------
        ConflictError
            If it was not kept.
        """
        if self._record.skipped is not None:
            raise ConflictError(
                f"{self.name!r} of run {self._run_number} was not kept: {self._record.skipped}.",
                "Let the tool write a regular file within the limits.",
                code="file_skipped",
            )
        return self._client.file_path(self._run_number, self.name)

    def __fspath__(self) -> str:
        return str(self.path)

    def bytes(self) -> bytes:
        """Return its content."""
        return self.path.read_bytes()

    def text(self, encoding: str = "utf-8") -> str:
        """Return its content as text.

        Raises
        ------
        InvalidValueError
            If it is no text in this encoding.
        """
        try:
            return self.bytes().decode(encoding)
        except UnicodeDecodeError as error:
            raise InvalidValueError(
                f"{self.name!r} is no {encoding} text: byte {error.start} cannot be read.",
                'Try `.text("latin-1")`, or `.bytes()`.',
                code="not_text",
            ) from error

    def lines(self) -> list[str]:
        """Return its lines without their ends."""
        return _split_lines(self.text())

    def json(self) -> Any:
        """Return its content read as JSON.

        Raises
        ------
        InvalidValueError
            With the place where it is none.
        """
        return _read_json(self.text("utf-8-sig"), repr(self.name))

    def df(self, **options: Any) -> pd.DataFrame:
        """Return its content as a pandas data frame, read by what its name says that it is.

        Parameters
        ----------
        **options
            For pandas' reader, such as ``sep=";"``.

        Raises
        ------
        InvalidValueError
            If there is no pandas, or no reader for this kind of file.
        """
        return _read_table(self.path, self.name, self.media_type, options)

    def __repr__(self) -> str:
        return f"<file {self.name!r} of run {self._run_number}, {self.size_bytes} bytes>"


class ResultFiles(Mapping[str, ResultFile]):
    """A run's output files by path."""

    def __init__(self, client: Client, run: Run) -> None:
        self._run = run
        self._cut = files_cut(run.files)
        self._files = {file.path: ResultFile(client, run.number, file) for file in run.files}

    def __getitem__(self, path: str) -> ResultFile:
        try:
            return self._files[path]
        except KeyError:
            near = difflib.get_close_matches(str(path), self._files, n=1, cutoff=0.4)
            there = f"Did you mean {near[0]!r}?" if near else self._summary()
            if self._cut:
                there = f"Of what it wrote: {self._cut}. {there}"
            raise MissingFileError(
                f"Run {self._run.number} has no file {path!r}. {there}".strip()
            ) from None

    def __iter__(self) -> Iterator[str]:
        if self._cut:
            cuts.warn(cuts.warning(self._run, self._cut))
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        lines = [f"{file.size_bytes:>12,}  {visible(path)}" for path, file in self._files.items()]
        return "\n".join(filter(None, (self._cut, *lines))) or "no files"

    def _summary(self) -> str:
        names = [repr(path) for path in list(self._files)[:5]]
        more = ", …" if len(self._files) > 5 else ""
        return f"It has {', '.join(names)}{more}." if names else "It wrote none."


class RunResult:
    """A run that goes on or has ended; its properties follow it.

    Its output is text (``r.stdout``, ``r.lines()``), JSON (``r.json()``) or a table (``r.df()``);
    the files that it wrote are in ``r.files``, as ``r.files["summary.csv"].df()``. What a run
    reads goes before the tool: ``r = %tooi run -i table.csv csvstat --csv table.csv``.
    """

    def __init__(self, client: Client, run: Run) -> None:
        self._client = client
        self._run = run

    @property
    def run(self) -> Run:
        """The record as it stands now."""
        if not self._run.status.is_final:
            self._run = self._client.get_run(self._run.number)
        return self._run

    @property
    def number(self) -> int:
        """What the run is called in ``%tooi runs``."""
        return self._run.number

    @property
    def status(self) -> RunStatus:
        """Its state."""
        return self.run.status

    @property
    def message(self) -> str:
        """Its state as a sentence."""
        return self.run.message

    @property
    def ok(self) -> bool:
        """Whether it has ended with exit code 0."""
        return self.status is RunStatus.SUCCEEDED

    @property
    def exit_code(self) -> int | None:
        """The tool's exit code, ``None`` if it has none (yet)."""
        return self.run.exit_code

    @property
    def argv(self) -> tuple[str, ...]:
        """The arguments that the tool was given."""
        return self._run.arguments

    @property
    def cut(self) -> str:
        """What of its output is not kept, in words; empty if all is."""
        return self.run.cut

    @property
    def stdout_bytes(self) -> bytes:
        """What is kept of its standard output.

        Warns
        -----
        OutputCutWarning
            If the tool wrote more; as all does that reads a stream, or goes through the files.
        """
        return self._read("stdout")

    @property
    def stderr_bytes(self) -> bytes:
        """What is kept of its standard error."""
        return self._read("stderr")

    @property
    def stdout(self) -> str:
        """Its standard output; what is no UTF-8 is replaced."""
        return self.stdout_bytes.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """Its standard error; what is no UTF-8 is replaced."""
        return self.stderr_bytes.decode("utf-8", "replace")

    @property
    def files(self) -> ResultFiles:
        """Its output files by path."""
        return ResultFiles(self._client, self.run)

    def lines(self) -> list[str]:
        """Return the lines of its standard output without their ends."""
        return _split_lines(self.stdout)

    def json(self) -> Any:
        """Return its standard output read as JSON.

        Raises
        ------
        InvalidValueError
            With the place where it is none.
        """
        return _read_json(self.stdout, f"The standard output of run {self.number}")

    def df(self, **options: Any) -> pd.DataFrame:
        """Return its standard output as a pandas data frame, read as CSV.

        Parameters
        ----------
        **options
            For ``pandas.read_csv``, such as ``sep=";"``.

        Raises
        ------
        InvalidValueError
            If there is no pandas.
        """
        what = f"The standard output of run {self.number}"
        return _read_table(io.BytesIO(self.stdout_bytes), what, "text/csv", options)

    def refresh(self) -> RunResult:
        """Look at its state again."""
        self._run = self._client.get_run(self.number)
        return self

    def wait(self, timeout: float | None = None) -> RunResult:
        """Wait for its end, at most `timeout` seconds; an interrupt leaves the run going on."""
        self._run = self._client.wait(self.number, timeout)
        return self

    def cancel(self) -> RunResult:
        """Stop it with all its children."""
        self._run = self._client.cancel(self.number)
        return self

    def rerun(self, arguments: Arguments | None = None) -> RunResult:
        """Start it again with the same inputs, and the same arguments if none are given."""
        changes = None if arguments is None else NewRun(tool="", arguments=arguments)
        return RunResult(self._client, self._client.rerun(self.number, changes))

    def _read(self, stream: StreamName) -> bytes:
        data = self._client.read_output(self.number, stream)
        run = self.run
        if cut := stream_cut(stream, run.stdout if stream == "stdout" else run.stderr):
            cuts.warn(cuts.warning(run, cut))
        return data

    def __repr__(self) -> str:
        run = self.run
        cut = f"{run.cut}; " if run.cut else ""
        name = f"{run.tool_name}@{run.version_number}"
        return visible(f"<{cut}run {run.number} of {name}: {run.message}>")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from .display import run_bundle

        return run_bundle(self._client, self.run)


def _split_lines(text: str) -> list[str]:
    # unlike str.splitlines, not at form feeds and Unicode's separators
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _read_json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = (text.split("\n")[error.lineno - 1 : error.lineno] or [""])[0]
        shown = line[max(error.colno - 40, 0) : error.colno + 40].strip()
        raise InvalidValueError(
            f"{what} is no JSON at line {error.lineno}, column {error.colno}: {error.msg}"
            + (f", in {shown!r}." if shown else "."),
            "An option of the tool such as --json may help." if error.pos == 0 else "",
            code="not_json",
        ) from error
    except RecursionError as error:
        raise InvalidValueError(f"{what} is nested too deeply.", code="not_json") from error


_READERS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "json",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def _read_table(
    content: Path | io.BytesIO, name: str, media_type: str | None, options: Mapping[str, Any]
) -> pd.DataFrame:
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    while suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    kind = _READERS.get(suffixes[-1] if suffixes else "") or _READERS.get(media_type or "")
    if kind is None:
        raise InvalidValueError(
            f"{name!r} does not say that it is a table ({media_type or 'unknown kind'}).",
            "Read it yourself, for example with `pandas.read_csv(file)`.",
            code="not_a_table",
        )
    try:
        import pandas as pd

        readers: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
            "csv": (pd.read_csv, {}),
            "tsv": (pd.read_csv, {"sep": "\t"}),
            "json": (pd.read_json, {}),
            "jsonl": (pd.read_json, {"lines": True}),
            "parquet": (pd.read_parquet, {}),
            "xlsx": (pd.read_excel, {}),
        }
        reader, defaults = readers[kind]
        frame: pd.DataFrame = reader(content, **{**defaults, **options})
    except ImportError as error:
        package = error.name or {"parquet": "pyarrow", "xlsx": "openpyxl"}.get(kind, "pandas")
        raise InvalidValueError(
            f"Reading {name!r} as a table needs {package}.",
            f"`%pip install {package}` installs it.",
            code="package_missing",
        ) from error
    return frame
