"""The cause comes first: what the end of a log, taken from builds that failed, is said to mean."""

from __future__ import annotations

import time

import pytest

from tooinstance_jupyter.build.base import Completed
from tooinstance_jupyter.build.check import judge
from tooinstance_jupyter.build.diagnose import cause


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (
            "npm error 404  The requested resource 'zq@1' could not be found or you do not",
            "The package zq@1 does not exist",
        ),
        (
            "npm error code ETARGET\nnpm error notarget No matching version found for cow@999.0.0.",
            "There is no such version: cow@999.0.0.",
        ),
        ("> tsc -p .\n\nsh: 1: tsc: not found\n", "calls tsc"),
        (
            "npm error command failed\nnpm error command sh -c node x\nnpm error\n"
            "npm error Error: boom 7\nnpm error     at [eval]:1:7\n",
            "Error: boom 7",
        ),
        (
            "error: Failed to build `python-ldap==3.4.3`\n  cause: The build backend returned an "
            "error\n  Modules/common.h:15:10: fatal error: lber.h: No such file or directory\n",
            "python-ldap==3.4.3 cannot be built. A C header is missing: lber.h",
        ),
        (
            "error: Couldn't parse requirement in `requirements.txt` at position 0\n"
            "  cause: Expected one of `@`, found `i`\n         this is !! not a requirement\n",
            "this is !! not a requirement",
        ),
        (
            "error: No solution found when resolving dependencies\n  cause: Because botocore==1.30"
            " depends on urllib3<1.27 and you require urllib3==2.5, it is not possible.\n",
            "fit together: Because botocore",
        ),
        (
            "  cause: Git operation failed\n         fatal: unable to access 'https://e.example/'",
            "cannot be fetched",
        ),
    ],
)
def test_the_cause_is_said_with_what_it_is_about(log: str, told: str) -> None:
    assert told in cause(log).message


@pytest.mark.parametrize(
    "piece", ["\n   ", "needs Python <", "npm error 404 ", "fatal: ", "a.", "xError: a\n", "E: "]
)
def test_no_log_keeps_the_search_for_its_cause_busy(piece: str) -> None:
    start = time.process_time()
    cause(piece * (65_536 // len(piece)))
    judge(Completed(exit_code=1, output=piece * (262_144 // len(piece))))
    assert time.process_time() - start < 2
