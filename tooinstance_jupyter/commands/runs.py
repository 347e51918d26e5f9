"""The commands about runs: run a tool, run it again, look at runs and their output.

Carrying them out is left to the client; copying output files, to ``files``.
"""

from __future__ import annotations

import os
import shlex
import signal
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import cuts, display
from ..build import sources
from ..client.base import Client
from ..errors import ConflictError, InvalidValueError, NotFoundError, TooInstanceError
from ..live import Interrupted, RunInterrupted
from ..records import Run, RunStatus, files_cut, stream_cut
from ..requests import Arguments, BuildLog, NewRun, NewTool, RunFilter, StreamName
from ..results import RunResult
from ..suggestions import forgotten_file
from . import inputs, panels
from .base import Command, Outcome, Parser, Rest, Ui, UsageError, run_number
from .tools import create_and_follow

_CHUNK_BYTES = 2**20
_NOT_WHOLE = 125
_PANEL = "--panel"
_EXIT_CODES = {
    RunStatus.SUCCEEDED: 0,
    RunStatus.TIMED_OUT: 124,
    RunStatus.CANCELLED: 128 + signal.SIGINT,
    RunStatus.LOST: 125,
}


class RunFailedError(TooInstanceError):
    """A run with ``--check`` did not succeed, or not all of its output is there."""

    code = "run_failed"

    def __init__(self, run: Run, missing: str) -> None:
        is_cut_only = run.status is RunStatus.SUCCEEDED
        super().__init__(
            f"Run {run.number} of {run.tool_name}: "
            + "; ".join(filter(None, ("" if is_cut_only else run.message, missing)))
            + ".",
            f"{cuts.advice(run)} Without --check it goes on with what is kept.".strip()
            if is_cut_only
            else f"`%tooi logs {run.number} --stderr` shows what it wrote to stderr.",
        )
        self.exit_code = exit_code(run) or _NOT_WHOLE


def check(ended: Run, *, is_passed_whole: bool = False) -> None:
    """Raise `RunFailedError` unless a run succeeded, and all that it wrote is there.

    Parameters
    ----------
    is_passed_whole
        Whether its streams have been passed on whole, so that it does not matter where what is
        kept of them ends; files count all the same.
    """
    missing = files_cut(ended.files) if is_passed_whole else ended.cut
    if missing or ended.status is not RunStatus.SUCCEEDED:
        raise RunFailedError(ended, missing)


def run(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Run a tool; a link makes the tool first."""
    number = None if args.inputs_of is None else run_number(args.inputs_of)
    passes = _passes(args, ui)
    new = replace(new_run(args, ui), tool=args.tool, inputs_of=number, passes=passes)
    check_variable(args)
    if sources.looks_like_source(args.tool):
        new = replace(new, tool=tool_of(client, args.tool, args.engine, ui))
    if args.panel:
        return _run_form(client, new)
    if ui.has_panels and _is_panel(args.rest) and not _has_panel_option(client, new.tool):
        return _run_form(client, replace(new, arguments=()))
    return _follow(client, args, ui, lambda: client.run(new))


def _run_form(client: Client, new: NewRun) -> Outcome:
    detail = client.tool(new.tool.partition("@")[0])
    return Outcome(
        bundle=display.tool_bundle(detail, viewer=client.principal),
        panel=lambda: panels.run_form(client, new),
    )


def _is_panel(rest: Rest) -> bool:
    return (rest.strip() if isinstance(rest, str) else " ".join(rest)) == _PANEL


def _has_panel_option(client: Client, tool: str) -> bool:
    """Tell whether a tool itself has an option of the name that opens its form."""
    ready = client.tool(tool.partition("@")[0]).ready
    interface = ready.interface if ready is not None else None
    return interface is not None and any(_PANEL in option.names for option in interface.options)


def rerun(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Run again what a run was, with other arguments if there are any."""
    number = run_number(args.number)
    changes = replace(new_run(args, ui), passes=_passes(args, ui))
    check_variable(args)
    return _follow(client, args, ui, lambda: client.rerun(number, changes))


def _passes(args: Namespace, ui: Ui) -> bool:
    return ui.passes_output and not args.detach


def _follow(client: Client, args: Namespace, ui: Ui, start: Any) -> Outcome:
    if args.detach:
        begun: Run = start()
        result = RunResult(client, begun)
        _assign(args, ui, result)
        return Outcome(bundle=display.run_bundle(client, begun), value=result)
    interruption: RunInterrupted | None = None
    try:
        ended = ui.follow_run(client, start)
    except RunInterrupted as error:
        ended, interruption = error.run, error
    if forgotten := _forgotten(ended):
        ui.remark(forgotten)
    result = RunResult(client, ended)
    _assign(args, ui, result)
    if args.check and interruption is None:
        check(ended, is_passed_whole=ui.passes_output)
    return Outcome(
        bundle=display.run_bundle(client, ended),
        value=result,
        exit_code=exit_code(ended),
        is_shown=True,
        interruption=interruption,
    )


def _forgotten(ended: Run) -> str:
    """Return what to say of a file that a run was told of, and did not get; empty if none."""
    if ended.status is not RunStatus.FAILED:
        return ""
    word = forgotten_file(ended.arguments, {file.path for file in ended.inputs})
    if word is None:
        return ""
    words = shlex.join(["-i", word, ended.tool_name.rpartition("/")[2]])
    return f"{word} is a file in your folder, which the tool was not given: `%tooi run {words} …`"


def exit_code(ended: Run) -> int:
    """Return what a shell is told about a run: the tool's own exit code where there is one."""
    if ended.status in _EXIT_CODES:
        return _EXIT_CODES[ended.status]
    return 125 if ended.exit_code is None else ended.exit_code


def new_run(args: Namespace, ui: Ui) -> NewRun:
    """Return what is to be run, but for the tool, as the options of `run_options` say."""
    files = inputs.files(args.input)
    stdin: bytes | Path | None = None
    if args.stdin is not None:
        stdin = b"" if args.stdin == os.devnull else inputs.file(args.stdin)
    arguments = _arguments(args.arguments, args.rest, ui)
    if stdin is None and args.arguments != "-":
        stdin = ui.body
        if args.no_final_newline and isinstance(stdin, bytes):
            stdin = stdin.removesuffix(b"\n")
    return NewRun(
        tool="",
        arguments=arguments,
        inputs=files,
        stdin=stdin,
        variables=inputs.variables(args.env),
        secrets=inputs.secrets(args.secret, ui.ask_secret),
        timeout_s=args.timeout,
        memory_bytes=args.memory,
        network=False if args.no_network else None,
        engine=args.engine,
        label=args.label or "",
    )


def _arguments(given: str | None, rest: Rest, ui: Ui) -> Arguments:
    if given is None:
        return rest
    if rest:
        raise UsageError(
            "There are arguments after the tool's name and in --arguments.", "Keep one of them."
        )
    if given == "-":
        text = ui.read_body()
        if text is None:
            raise UsageError(
                "There is no cell body to take the arguments from.",
                "`%%tooi run --arguments - TOOL` takes them from the lines below it.",
            )
        return text
    if given.startswith("@"):
        try:
            return inputs.file(given[1:]).read_text("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidValueError(f"{given[1:]!r} is not UTF-8 text.") from error
    return given


def check_variable(args: Namespace) -> None:
    """Raise unless what the result is to be called can be a variable's name."""
    if args.output_variable is not None and not args.output_variable.isidentifier():
        raise UsageError(f"{args.output_variable!r} is not a variable's name.", "Write -o result.")


def _assign(args: Namespace, ui: Ui, result: RunResult) -> None:
    if args.output_variable is not None:
        ui.assign(args.output_variable, result)


def tool_of(client: Client, link: str, engine: str | None, ui: Ui) -> str:
    """Return the tool of a link, built now if there is none that can be run."""
    try:
        detail = client.tool(link)
    except NotFoundError:
        detail = None
    if detail is not None and detail.ready is not None:
        return detail.tool.full_name
    name = None if detail is None else detail.tool.name
    tool, _ = create_and_follow(client, NewTool(source=link, name=name, engine=engine), ui)
    return tool.full_name


def runs(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """List runs, newest first."""
    which = RunFilter(
        scope=args.scope or "mine",
        tool=args.tool,
        status=None if args.status is None else RunStatus(args.status),
        text=args.text or "",
        since=args.since,
        until=args.until,
        limit=args.limit,
        cursor=args.cursor,
    )
    page = client.runs(which)
    return Outcome(
        bundle=display.runs_bundle(page, viewer=client.principal.name),
        value=[RunResult(client, item) for item in page.items],
        panel=lambda: panels.runs_table(client, which),
    )


def run_show(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Show a run as it stands."""
    found = client.get_run(run_number(args.number))
    return Outcome(bundle=display.run_bundle(client, found), value=RunResult(client, found))


def cancel(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Stop a run, or the build of a tool."""
    if args.subject.lstrip("#").isdecimal():
        before = client.get_run(run_number(args.subject))
        if before.status.is_final:
            raise ConflictError(
                f"Run {before.number} has ended: {before.message}.",
                f"`%tooi run-show {before.number}` shows it.",
            )
        ended = client.cancel(before.number)
        return Outcome(bundle=display.run_bundle(client, ended), value=RunResult(client, ended))
    detail = client.tool(args.subject)
    open_versions = [version for version in detail.versions if not version.status.is_final]
    if not open_versions:
        raise ConflictError(
            f"No build of {detail.tool.name} is under way.", "`%tooi runs` has the runs' numbers."
        )
    for version in open_versions:
        client.cancel_build(version.id)
    after = client.tool(detail.tool.full_name)
    return Outcome(bundle=display.tool_bundle(after, viewer=client.principal), value=after)


def logs(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Write what a run wrote, or the log of a tool's newest build."""
    if not args.subject.lstrip("#").isdecimal():
        return _build_log(client, args, ui)
    number = run_number(args.subject)
    stream: StreamName = "stderr" if args.stderr else "stdout"
    found = client.get_run(number)
    if cut := stream_cut(stream, found.stdout if stream == "stdout" else found.stderr):
        ui.warn(cuts.warning(found, cut))
    if args.follow:
        with _looking_ends():
            for event in client.follow(number):
                if not isinstance(event, Run) and event.stream == stream:
                    ui.write("stdout", event.data)
        return Outcome(is_shown=True)
    offset = 0
    while data := client.read_output(number, stream, offset=offset, size=_CHUNK_BYTES):
        ui.write("stdout", data)
        offset += len(data)
    return Outcome(is_shown=True)


def _build_log(client: Client, args: Namespace, ui: Ui) -> Outcome:
    detail = client.tool(args.subject)
    if not detail.versions:
        raise ConflictError(
            f"{detail.tool.name} has never been built.", f"`%tooi build {detail.tool.name}`."
        )
    version = detail.versions[0]
    if not args.follow or version.status.is_final:
        ui.write("stdout", client.build_log(version.id).encode())
        return Outcome(is_shown=True)
    with _looking_ends():
        for event in client.follow_build(version.id):
            if isinstance(event, BuildLog):
                ui.write("stdout", event.text.encode())
    return Outcome(is_shown=True)


@contextmanager
def _looking_ends() -> Iterator[None]:
    """Let an interrupt end looking at something, which itself goes on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("Interrupted. What was followed goes on.") from None


def run_options(parser: Parser) -> None:
    """Add what any way to run a tool takes: inputs, variables, limits, where it goes."""
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="FILE", help="input file or glob"
    )
    parser.add_argument("--stdin", metavar="FILE", help="standard input from a file")
    if parser.prog.startswith("%"):
        parser.add_argument(
            "--no-final-newline",
            action="store_true",
            help="standard input from the cell ends without the newline of its last line",
        )
    else:
        parser.set_defaults(no_final_newline=False)
    parser.add_argument(
        "-e", "--env", action="append", default=[], metavar="NAME=VALUE", help="variable"
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME",
        help="variable from your environment, or asked for; not stored, masked in the output",
    )
    parser.add_argument("--timeout", type=inputs.seconds, metavar="S", help="seconds, or 2m, 1h")
    parser.add_argument("--memory", type=inputs.size_bytes, metavar="SIZE", help="512M, 2G")
    parser.add_argument("--no-network", action="store_true", help="without the network")
    parser.add_argument("--engine", help="what runs it")
    parser.add_argument("--name", "--label", dest="label", metavar="TEXT", help="to find it by")
    if parser.prog.startswith("%"):
        parser.add_argument(
            "-o", "--out", dest="output_variable", metavar="VAR", help="Python variable"
        )
    else:
        parser.set_defaults(output_variable=None)
    parser.add_argument(
        "--arguments",
        metavar="TEXT|@FILE|-",
        help="a command line or JSON, from a file, or from the cell's body",
    )


def _follow_options(parser: Parser) -> None:
    run_options(parser)
    parser.add_argument("--detach", action="store_true", help="return at once")
    parser.add_argument("--check", action="store_true", help="an error unless it succeeds, whole")


def _run_options(parser: Parser) -> None:
    parser.add_argument("tool", metavar="TOOL[@N]|LINK", help="all after it goes to the tool")
    _follow_options(parser)
    parser.add_argument(
        "--inputs-of", metavar="N", help="input files and stdin of a run, where none are given"
    )
    if parser.prog.startswith("%"):
        parser.add_argument(
            _PANEL, action="store_true", help="a form for its options; also after the tool's name"
        )
    else:
        parser.set_defaults(panel=False)


def _rerun_options(parser: Parser) -> None:
    parser.add_argument("number", metavar="N", help="a run's number; arguments may follow")
    _follow_options(parser)


def _number_option(parser: Parser) -> None:
    parser.add_argument("number", metavar="N", help="a run's number")


def _runs_options(parser: Parser) -> None:
    parser.add_argument(
        "--scope", choices=["mine", "shared", "all"], help="your own, others' shared with you, both"
    )
    parser.add_argument("--tool", metavar="TOOL", help="of one tool")
    parser.add_argument("--status", choices=[status.value for status in RunStatus])
    parser.add_argument("--since", type=inputs.moment, metavar="TIME", help="2h, 3d, or a date")
    parser.add_argument("--until", type=inputs.moment, metavar="TIME", help="2h, 3d, or a date")
    parser.add_argument("--text", help="with some words in arguments or label")
    parser.add_argument(
        "-n", "--limit", type=inputs.count, default=20, metavar="N", help="at most so many"
    )
    parser.add_argument("--cursor", help="the part of the list after it")


def _logs_options(parser: Parser) -> None:
    parser.add_argument("subject", metavar="N|TOOL", help="a run's number, or a tool for its build")
    parser.add_argument("--stderr", action="store_true", help="stderr instead of stdout")
    parser.add_argument("-f", "--follow", action="store_true", help="until it ends")


def _cancel_options(parser: Parser) -> None:
    parser.add_argument("subject", metavar="N|TOOL", help="a run's number, or a tool for its build")


COMMANDS = (
    Command(
        name="run",
        summary="Run a tool; everything after its name goes to the tool as it is",
        handler=run,
        options=_run_options,
        examples=(
            "tooi run sherlock --timeout 1 google",
            "tooi run -i data.csv --timeout 2m csvstat data.csv",
            "tooi run csvstat\na,b\n1,2",
            'tooi run --arguments - sherlock\n["--timeout", "1", "google"]',
        ),
        is_verbatim=True,
    ),
    Command(
        name="rerun",
        summary="Run again with the same inputs and arguments, or with other arguments",
        handler=rerun,
        options=_rerun_options,
        examples=("tooi rerun 12", "tooi rerun 12 --timeout 5 google"),
        is_verbatim=True,
    ),
    Command(
        name="runs",
        summary="List runs, newest first",
        handler=runs,
        options=_runs_options,
        examples=(
            "tooi runs --tool sherlock --status failed --since 2h",
            "tooi runs --scope shared",
        ),
        aliases=("history",),
    ),
    Command(
        name="run-show",
        summary="Show a run",
        handler=run_show,
        options=_number_option,
        examples=("tooi run-show 12",),
    ),
    Command(
        name="logs",
        summary="Write what a run wrote, or the log of a tool's newest build",
        handler=logs,
        options=_logs_options,
        examples=("tooi logs 12 --stderr", "tooi logs sherlock -f"),
        aliases=("log",),
    ),
    Command(
        name="cancel",
        summary="Stop a run with all its children, or a build",
        handler=cancel,
        options=_cancel_options,
        examples=("tooi cancel 12",),
        aliases=("stop", "kill"),
    ),
)
