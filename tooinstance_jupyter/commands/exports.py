"""The commands that take runs out of an installation, check them, and bring them into another.

How an export looks is left to ``export``.
"""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .. import display, export
from ..client.base import Client
from ..display.markup import size
from ..errors import TooInstanceError
from ..export import comparison, reading, redo
from ..export.comparison import Finding, Side, Verdict
from ..export.gather import Wish, gather
from ..export.package import Package, pack
from ..export.record import ExportedRun
from ..live import wait_for_run
from ..results import RunResult
from . import inputs
from .base import Command, Outcome, Parser, Ui, UsageError, run_number, text_bundle
from .tools import creator

_DEFAULT = "ipynb"


def export_(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Export runs or tools to a file."""
    subjects, place = _subjects(args.subjects)
    numbers = [run_number(one) for one in subjects if _is_number(one)]
    tools = [one for one in subjects if not _is_number(one)]
    wish = Wish(
        runs=tuple(dict.fromkeys(numbers)),
        tools=tuple(dict.fromkeys(tools)),
        with_name=args.with_name,
        with_all_files=args.with_all_files,
    )
    target = Path(place).expanduser() if place else Path()
    format_ = args.format or _format_of(target)
    written = export.write(client, wish, format_, target, replaces=args.force)
    line = f"{written.file} ({size(written.file.stat().st_size)})"
    if written.folder is not None:
        line += f", and what is large in {written.folder}, which goes with it"
    missing = [f"{written.missing[:1].upper()}{written.missing[1:]}:"] if written.missing else []
    told = {
        "path": str(written.file),
        "folder": written.folder and str(written.folder),
        "format": format_,
        "missing": written.missing,
    }
    return Outcome(bundle=text_bundle(*missing, line, json=told), value=written.file)


def _subjects(words: Sequence[str]) -> tuple[list[str], str]:
    """Return what is to be exported, and where to: the last word, if it is no run and no tool."""
    *before, last = words
    is_place = "/" in last or "." in last or last.startswith("~")
    if before and not _is_number(last) and (is_place or all(map(_is_number, before))):
        return before, last
    return [*words], ""


def _format_of(target: Path) -> str:
    """Return the form that a file's name says, or else the usual one."""
    found = export.exporter_of(target.name)
    if found is None and target.suffix and not target.is_dir():
        suffixes = ", ".join(export.exporter(name).suffix for name in export.formats())
        raise UsageError(
            f"Nothing is exported as {target.suffix!r}.", f"Name it {suffixes}, or say -f."
        )
    return found or _DEFAULT


def _is_number(word: str) -> bool:
    return word.removeprefix("#").isdecimal()


def verify(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Make and run again what a file holds, and tell what is the same."""
    findings: list[Finding] = []
    notes: list[str] = []
    with _read(args.file) as package:
        for run in package.export.runs:
            prefix = f"run {run.number}: " if len(package.export.runs) > 1 else ""
            try:
                found, note = _verified(client, package, run, ui)
            except TooInstanceError as error:
                found = [_not_checked(error)]
                note = error.hint
            findings += [replace(one, what=prefix + one.what) for one in found]
            notes += [prefix + note] if note else []
        if not package.export.runs:
            for tool in package.export.tools:
                try:
                    redo.tool_again(client, tool, creator(client, ui))
                    findings.append(Finding(what=tool.name, verdict=Verdict.SAME, detail="builds"))
                except TooInstanceError as error:
                    findings.append(_not_checked(error))
        title = f"{Path(args.file).name}: {package.export.title}"
    verdict = comparison.verdict_of(findings)
    return Outcome(
        bundle=display.comparison_bundle(title, findings, notes),
        value=findings,
        exit_code={Verdict.SAME: 0, Verdict.DIFFERENT: 1, Verdict.UNKNOWN: 2}[verdict],
    )


def _not_checked(error: TooInstanceError) -> Finding:
    return Finding(what="the run", verdict=Verdict.UNKNOWN, detail=error.message)


def _verified(
    client: Client, package: Package, run: ExportedRun, ui: Ui
) -> tuple[list[Finding], str]:
    tool = package.export.tool(run.tool)
    name = redo.tool_again(client, tool, creator(client, ui))
    with tempfile.TemporaryDirectory(prefix="tooinstance-verify-") as folder:
        given, gathered = Path(folder, "given"), Path(folder, "gathered")
        given.mkdir()
        gathered.mkdir()
        new = redo.run_again(
            package,
            run,
            name,
            most=client.default_limits,
            folder=given,
            ask_secret=lambda secret: inputs.secrets([secret], ui.ask_secret)[secret],
        )
        ended = wait_for_run(client, lambda: client.run(new), ui.is_closing)
        wish = Wish(runs=(ended.number,), with_all_files=True, hidden=tuple(new.secrets.values()))
        again = gather(client, wish, gathered)
        before, after = Side(package, run), Side(again, again.export.runs[0])
        findings = comparison.compare(before, after, has_inputs=False)
        one, other = before.given()["recipe"], after.given()["recipe"]
        # another engine builds the same in another way
        if run.engine == ended.engine and one and other and one != other:
            findings.append(
                Finding(what="recipe", verdict=Verdict.DIFFERENT, detail=f"{one} → {other}")
            )
    note = f"It was run again as run {ended.number}: `%tooi run-show {ended.number}`"
    if run.engine != ended.engine:
        note += f", by the {ended.engine} engine instead of {run.engine}"
    return findings, f"{note}."


def diff(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Tell how two runs differ."""
    numbers = [run_number(args.before), run_number(args.after)]
    with tempfile.TemporaryDirectory(prefix="tooinstance-diff-") as folder:
        sides = []
        for place, number in enumerate(numbers):
            own = Path(folder, str(place))
            own.mkdir()
            package = gather(client, Wish(runs=(number,), with_all_files=True), own)
            sides.append(Side(package, package.export.runs[0]))
        findings = comparison.compare(*sides)
    return Outcome(
        bundle=display.comparison_bundle(f"run {numbers[0]} and run {numbers[1]}", findings),
        value=findings,
        exit_code=0 if comparison.verdict_of(findings) is Verdict.SAME else 1,
    )


def import_(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Bring exported tools and runs into one's own."""
    lines: list[str] = []
    imported: list[RunResult] = []
    with _read(args.file) as package:
        names: dict[str, str] = {}
        for tool in package.export.tools:
            try:
                names[tool.name] = redo.tool_again(client, tool, creator(client, ui))
                lines.append(f"{tool.name} is {names[tool.name]} here.")
            except TooInstanceError as error:
                lines.append(f"{tool.name} could not be made: {error.message}")
        for run in package.export.runs:
            archive = package.folder / "import.zip"
            pack(Package(package.folder, replace(package.export, runs=(run,))), archive)
            brought = client.import_run(archive, tool=names.get(run.tool, ""))
            archive.unlink()
            imported.append(RunResult(client, brought))
            lines.append(f"Run {run.number} is run {brought.number} here.")
    return Outcome(
        bundle=text_bundle(*lines, json={"tools": names, "runs": [one.number for one in imported]}),
        value=imported,
        exit_code=0 if len(names) == len(package.export.tools) else 1,
    )


@contextmanager
def _read(name: str) -> Iterator[Package]:
    file = inputs.document(name)
    with tempfile.TemporaryDirectory(prefix="tooinstance-read-") as folder:
        yield reading.read(file, Path(folder), looks_beside=True)


def _export_options(parser: Parser) -> None:
    parser.add_argument(
        "subjects",
        nargs="+",
        metavar="N|TOOL",
        help="runs by their numbers, or tools; a file or folder to write to may follow",
    )
    parser.add_argument(
        "-f",
        "--format",
        choices=export.formats(),
        help="by the file's name, else a notebook",
    )
    parser.add_argument("--force", action="store_true", help="replace what is there")
    parser.add_argument("--with-name", action="store_true", help="say who ran it")
    parser.add_argument(
        "--with-all-files",
        action="store_true",
        help="also files of runs that were given secrets, which may hold them",
    )


def _file_option(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="what `%%tooi export` made")


def _diff_options(parser: Parser) -> None:
    parser.add_argument("before", metavar="N", help="a run's number")
    parser.add_argument("after", metavar="N", help="another's")


COMMANDS = (
    Command(
        name="export",
        summary="Write runs or tools as a notebook, page, archive or research object",
        handler=export_,
        options=_export_options,
        examples=(
            "tooi export 12",
            "tooi export 12 13 report.html",
            "tooi export 12 -f crate results/",
        ),
    ),
    Command(
        name="verify",
        summary="Make and run again what an export holds, and tell what is the same",
        handler=verify,
        options=_file_option,
        examples=("tooi verify sherlock-run-12.ipynb",),
    ),
    Command(
        name="import",
        summary="Bring exported tools and runs into your own",
        handler=import_,
        options=_file_option,
        examples=("tooi import sherlock-run-12.zip",),
    ),
    Command(
        name="diff",
        summary="Tell how two runs differ",
        handler=diff,
        options=_diff_options,
        examples=("tooi diff 12 13",),
    ),
)
