"""The command that lists a run's output files and copies them out.

File names come from a tool and are hostile: what is written stays beneath the chosen folder.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..client.base import Client
from ..display import excerpts
from ..errors import ConflictError, InvalidValueError, NotFoundError, TooInstanceError
from ..file_names import harmless_paths
from ..records import OutputFile, files_cut
from ..whole_files import written_whole
from .base import Command, MimeBundle, Outcome, Parser, Ui, did_you_mean, run_number, text_bundle


def files(client: Client, args: Namespace, ui: Ui) -> Outcome:
    """List a run's output files, or copy them out."""
    run = client.get_run(run_number(args.number))
    chosen = _chosen(run.number, run.files, args.pattern)
    cut = files_cut(chosen)
    if args.to is None:
        problem = excerpts.problem(client, run) if chosen else None
        return Outcome(bundle=_bundle(run.number, chosen, cut, problem), value=list(chosen))
    kept = [file for file in chosen if file.skipped is None]
    sources = [client.file_path(run.number, file.path) for file in kept]
    targets = copy_out(
        [(source, file.path) for source, file in zip(sources, kept, strict=True)],
        Path(args.to).expanduser(),
        force=args.force,
    )
    copied = [f"{file.path!r} -> {target}" for file, target in zip(kept, targets, strict=True)]
    return Outcome(
        bundle=text_bundle(
            *_as_line(cut),
            *(copied or ["There is nothing to copy."]),
            json={"cut": cut, "files": [str(target) for target in targets]},
        ),
        value=targets,
    )


def _as_line(cut: str) -> list[str]:
    return [f"{cut[:1].upper()}{cut[1:]}:"] if cut else []


def _bundle(
    number: int, files: Sequence[OutputFile], cut: str, problem: TooInstanceError | None
) -> MimeBundle:
    lines = [
        f"{file.size_bytes:>12,}  {file.path}"
        + (f"  (not kept: {file.skipped})" if file.skipped else "")
        for file in files
    ]
    lines = [*_as_line(cut), *lines] or [f"Run {number} wrote no files."]
    told = None
    if problem is not None:
        lines += [problem.message, problem.hint]
        told = {"code": problem.error_code, "message": problem.message, "hint": problem.hint}
    return text_bundle(
        *lines,
        json={
            "run": number,
            "cut": cut,
            "files": [asdict(file) for file in files],
            "problem": told,
        },
    )


def _chosen(number: int, files: Sequence[OutputFile], pattern: str | None) -> Sequence[OutputFile]:
    if pattern is None:
        return files
    chosen = [
        file for file in files if file.path == pattern or fnmatch.fnmatchcase(file.path, pattern)
    ]
    if not chosen:
        raise NotFoundError(
            f"Run {number} has no file {pattern!r}.",
            did_you_mean(pattern, [file.path for file in files])
            or f"`%tooi files {number}` lists what there is.",
        )
    return chosen


def copy_out(files: Sequence[tuple[Path, str]], folder: Path, *, force: bool) -> list[Path]:
    """Copy files into a folder under their own names, made harmless.

    Parameters
    ----------
    files
        Where each can be read, and its path in the run's working directory.
    folder
        Made if it is not there.
    force
        Whether to replace what is there already.

    Returns
    -------
    list of Path
        Where each was written.

    Raises
    ------
    ConflictError
        If something is there already, without `force`; nothing is written then.
    InvalidValueError
        If the folder cannot be written to.
    """
    targets = [folder / path for path in harmless_paths([path for _, path in files])]
    taken = [target for target in targets if os.path.lexists(target)]
    if taken and not force:
        raise ConflictError(
            f"{str(taken[0])!r} is there already"
            + (f", and {len(taken) - 1} more." if len(taken) > 1 else "."),
            "Choose another folder, or replace it with --force.",
            code="file_exists",
        )
    try:
        for (source, _), target in zip(files, targets, strict=True):
            _make_folders(target.parent, folder)
            _copy(source, target)
    except OSError as error:
        raise InvalidValueError(
            f"The files cannot be copied to {str(folder)!r}: {error.strerror}.",
            "Choose another folder.",
            code="folder_unwritable",
        ) from error
    return targets


def _make_folders(parent: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    parent.mkdir(parents=True, exist_ok=True)
    if not parent.resolve().is_relative_to(folder.resolve()):
        raise InvalidValueError(
            f"{str(parent)!r} is a link that leads out of {str(folder)!r}.",
            "Choose another folder.",
            code="folder_link",
        )


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that it is there whole or not at all; a link at its place is replaced."""
    with written_whole(target) as writer:
        reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(reading, "rb") as reader:
            shutil.copyfileobj(reader, writer, 2**20)


def _options(parser: Parser) -> None:
    parser.add_argument("number", metavar="N", help="a run's number")
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="a path or a glob")
    parser.add_argument("--to", metavar="FOLDER", help="copy them there")
    parser.add_argument("--force", action="store_true", help="replace what is there")


COMMANDS = (
    Command(
        name="files",
        summary="List the files that a run wrote, or copy them out",
        handler=files,
        options=_options,
        examples=("tooi files 12", "tooi files 12 '*.csv' --to results"),
    ),
)
