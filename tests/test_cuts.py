"""A run says in words what of its output is not kept, however it was made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tooinstance_jupyter.commands.runs import RunFailedError, check
from tooinstance_jupyter.records import (
    HARD_LINK,
    MORE_FILES,
    SPECIAL_FILE,
    SYMBOLIC_LINK,
    OutputFile,
    Run,
    RunStatus,
    StreamSize,
)
from tooinstance_jupyter.wire import from_json, to_json

RUN = Run(
    owner="ada", tool_id=None, tool_name="ada/probe", version_id=None, version_number=1,
    environment_id=None,
)  # fmt: skip
CUT = StreamSize(total_bytes=200_000_000, kept_bytes=100_000_000)


def skipped(*reasons: str | None) -> tuple[OutputFile, ...]:
    return tuple(OutputFile(path="f", size_bytes=1, skipped=reason) for reason in reasons)


def test_a_run_whose_output_is_all_kept_says_nothing() -> None:
    whole = StreamSize(total_bytes=5, kept_bytes=5)
    assert replace(RUN, stdout=whole, stderr=whole, files=skipped(None)).cut == ""


def test_a_stream_that_reached_its_limit_says_where_and_of_how_much() -> None:
    assert replace(RUN, stdout=CUT).cut == "stdout cut at 100 MB of 200 MB"
    assert replace(RUN, stderr=CUT).cut == "stderr cut at 100 MB of 200 MB"


def test_sizes_that_look_the_same_are_told_in_bytes() -> None:
    stream = StreamSize(total_bytes=104_857_601, kept_bytes=104_857_600)
    assert replace(RUN, stdout=stream).cut == "stdout cut at 104,857,600 of 104,857,601 bytes"


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["beyond the size that is kept of a run"], "1 file not kept"),
        (["beyond the size that is kept of a run", "it cannot be read: no"], "2 files not kept"),
        ([None, None, MORE_FILES], "files after the first 2 not kept"),
        (["too large", None, MORE_FILES], "1 file not kept, files after the first 2 not kept"),
        ([SYMBOLIC_LINK, HARD_LINK, SPECIAL_FILE, None], ""),
    ],
)
def test_files_that_are_missed_are_counted_and_links_and_devices_are_not(
    reasons: list[str | None], words: str
) -> None:
    assert replace(RUN, files=skipped(*reasons)).cut == words


def test_what_is_cut_survives_the_way_to_a_client_and_to_a_list_without_files() -> None:
    run = replace(RUN, stdout=CUT, files=skipped("too large"))
    words = "stdout cut at 100 MB of 200 MB, 1 file not kept"
    assert from_json(Run, to_json(Run, run)).cut == words
    assert replace(run, files=()).cut == words


def test_streams_that_were_passed_on_whole_do_not_fail_a_check_and_files_do() -> None:
    ended = replace(RUN, status=RunStatus.SUCCEEDED, stdout=CUT, exit_code=0)
    check(ended, is_passed_whole=True)
    with pytest.raises(RunFailedError, match="stdout cut at"):
        check(ended)
    with pytest.raises(RunFailedError, match="1 file not kept") as failure:
        check(replace(ended, files=skipped("too large")), is_passed_whole=True)
    assert failure.value.exit_code == 125
