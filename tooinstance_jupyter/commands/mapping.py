"""The command that runs one tool over many inputs, and gives back a table.

Which values a variable holds is left to ``tables``, what stands for them in the arguments to
``placeholders``, running to ``tooinstance_jupyter.mapping``.
"""

from __future__ import annotations

import difflib
import glob
import os
import signal
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .. import display
from ..build import sources
from ..client.base import Client
from ..errors import InvalidValueError
from ..live import Interrupted
from ..mapping import MOST_JOBS, NOT_STARTED, MappedRun, Progress, ToolMap
from ..placeholders import Template
from ..requests import NewRun
from ..tables import Items, check_count, earlier, items_of, plain_items, result_of
from . import inputs, runs
from .base import Command, Outcome, Parser, Ui, UsageError

_JOBS = 4


def map_(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """Run a tool over many inputs, so many at a time."""
    runs.check_variable(args)
    items, before = _items(args, ui)
    new = runs.new_run(args, ui)
    if _are_lines(args) and args.stdin is None:
        new = replace(new, stdin=None)
    template = Template.read(new.arguments, items.columns)
    tool = args.tool
    if sources.looks_like_source(tool):
        tool = runs.tool_of(client, tool, args.engine, ui)
    new = replace(new, tool=_of_one_version(client, tool, args.engine), passes=ui.is_for_programs)
    places = [place for place, one in enumerate(before) if not one.ok]
    mapping = ToolMap(
        client, [_order(new, template, items.rows[place]) for place in places], jobs=args.jobs
    )
    shown_name = new.tool.rpartition("/")[2]
    is_whole = _follow(mapping, shown_name, ui)
    ended = list(before)
    for place, one in zip(places, mapping.results(), strict=True):
        ended[place] = one
    bundle = display.mapping_bundle(
        shown_name,
        _at_its_end(ended, mapping.progress().seconds),
        items.rows,
        ended,
        has_all=not ui.shows_in_place,
    )
    ui.show_in_place(bundle, "", is_last=True)
    result = result_of(items, ended)
    if cut := sum(bool(one.output_cut) for one in ended):
        ui.warn(f"The output of {cut:,} of {len(ended):,} is cut: column output_cut says how.")
    if args.output_variable is not None:
        ui.assign(args.output_variable, result)
    return Outcome(
        bundle=bundle,
        value=result,
        exit_code=_exit_code(ended) if is_whole else 128 + signal.SIGINT,
        is_shown=ui.shows_in_place,
        used=(new.tool,),
        interruption=None if is_whole else _interruption(ended, args.output_variable),
    )


def _follow(mapping: ToolMap, tool: str, ui: Ui) -> bool:
    """Show a mapping until nothing of it is under way; tell whether nobody interrupted it."""
    try:
        for progress in mapping.follow():
            ui.show_in_place(
                display.mapping_bundle(tool, progress), display.progress_line(tool, progress)
            )
    except KeyboardInterrupt:
        if ui.is_closing():
            mapping.stop("Not begun: the kernel was shut down")
            raise
        mapping.cancel()
        return False
    except BaseException:
        mapping.cancel()
        raise
    return True


def _interruption(ended: Sequence[MappedRun], variable: str | None) -> Interrupted:
    well = sum(one.ok for one in ended)
    result = variable or "_"
    return Interrupted(
        f"Interrupted. {well} of {len(ended)} succeeded; `{result}` has what there is.",
        f"`%tooi map --retry {result} TOOL ARGS…` runs the others.",
    )


def _at_its_end(ended: Sequence[MappedRun], seconds: float) -> Progress:
    return Progress(
        total=len(ended),
        ended=sum(one.status != NOT_STARTED for one in ended),
        failed=sum(not one.ok for one in ended),
        seconds=seconds,
        is_over=True,
    )


def _exit_code(ended: Sequence[MappedRun]) -> int:
    return 0 if all(one.ok for one in ended) else 1


def _order(new: NewRun, template: Template, row: Mapping[str, object]) -> Callable[[], NewRun]:
    def order() -> NewRun:
        filled = template.fill(row)
        files = [file for file in filled.files if file not in new.inputs]
        return replace(new, arguments=filled.argv, inputs=[*new.inputs, *files])

    return order


def _of_one_version(client: Client, tool: str, engine: str | None) -> str:
    """Return a tool with the version that all runs are of, whatever is built meanwhile."""
    _, at, number = tool.rpartition("@")
    if at and number.isdecimal():
        return tool
    detail = client.tool(tool)
    ready = detail.ready if engine is None else detail.ready_on(engine)
    return tool if ready is None else f"{detail.tool.full_name}@{ready.number}"


def _are_lines(args: Namespace) -> bool:
    return args.over is None and args.retry is None


def _items(args: Namespace, ui: Ui) -> tuple[Items, list[MappedRun]]:
    """Return what the tool is run over, and what is known of each: nothing, but for a retry."""
    if args.retry is not None:
        if args.over is not None:
            raise UsageError("There are --over and --retry.", "Keep one of them.")
        return earlier(_variable(args.retry, ui), args.retry)
    items = _items_of_lines(args, ui) if args.over is None else _items_over(args.over, ui)
    return items, [MappedRun()] * len(items.rows)


def _items_of_lines(args: Namespace, ui: Ui) -> Items:
    if args.arguments == "-":
        raise UsageError(
            "The lines cannot be both the items and the arguments.", "Give the items with --over."
        )
    text = ui.read_body()
    if text is None:
        raise UsageError(
            "There is nothing to run it over.",
            "`%tooi map --over VARIABLE TOOL`, or `%%tooi map TOOL` with an item on each line.",
        )
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return _counted(plain_items(line for line in lines if line.strip()))


def _items_over(what: str, ui: Ui) -> Items:
    """Return the items of a variable, else the files of a folder or a glob."""
    if what in ui.variables:
        return items_of(ui.variables[what], what)
    place = os.path.expanduser(what)  # noqa: PTH111 (as in `inputs.files`)
    if os.path.lexists(place):
        if not Path(place).is_dir():
            return plain_items(inputs.files([what]))
        return _counted(plain_items(_files_of_folder(Path(place))))
    if glob.has_magic(place):
        return _counted(plain_items(inputs.files([what])))
    raise _unknown(what, ui, "variable, folder or file")


def _files_of_folder(folder: Path) -> list[Path]:
    found = sorted(
        path for path in folder.iterdir() if not path.name.startswith(".") and not path.is_dir()
    )
    if not found:
        raise InvalidValueError(f"There is no file in {str(folder)!r}.", code="input_missing")
    return inputs.files(map(str, found))


def _counted(items: Items) -> Items:
    check_count(len(items.rows))
    return items


def _variable(name: str, ui: Ui) -> object:
    if name not in ui.variables:
        raise _unknown(name, ui, "variable")
    return ui.variables[name]


def _unknown(name: str, ui: Ui, what: str) -> UsageError:
    near = difflib.get_close_matches(name, list(ui.variables), n=1, cutoff=0.6)
    return UsageError(
        f"There is no {what} {name!r}.",
        f"Did you mean {near[0]}?"
        if near
        else "--over takes a variable's name, a folder, or a glob such as 'data/*.csv'.",
    )


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_JOBS:
        raise UsageError(f"{text!r} is not a number of runs.", f"Write 1 to {MOST_JOBS}.")
    return int(text)


def _options(parser: Parser) -> None:
    parser.add_argument(
        "tool",
        metavar="TOOL[@N]|LINK",
        help="all after it goes to the tool; {} is the item, {.column} a column of its row",
    )
    parser.add_argument(
        "--over",
        metavar="WHAT",
        help="a variable (list, Series, data frame, …), a folder or a glob; else lines",
    )
    parser.add_argument(
        "--jobs", type=_jobs, default=_JOBS, metavar="N", help=f"at once, {_JOBS} if not given"
    )
    parser.add_argument(
        "--retry", metavar="VAR", help="only what did not succeed in this earlier result"
    )
    runs.run_options(parser)


COMMANDS = (
    Command(
        name="map",
        summary="Run a tool over many inputs: a list, files, or the rows of a data frame",
        handler=map_,
        options=_options,
        examples=(
            "tooi map --over 'data/*.csv' csvstat --csv {}",
            "tooi map --over cities -o found sherlock --timeout {.patience} {.name}",
            "tooi map --retry found sherlock --timeout 60 {.name}",
            "tooi map sherlock --timeout 1\ngoogle\njupyter",
        ),
        is_verbatim=True,
    ),
)
