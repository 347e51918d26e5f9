"""The builder's output becomes steps for people, whatever it holds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.build.images.instructions import count_steps
from tooinstance_jupyter.build.images.progress import Steps, title_of

PLAIN = """\
#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 472B done
#1 DONE 0.0s

#4 [base 1/2] FROM docker.io/library/debian:12@sha256:0123
#4 sha256:0123456789012345678901234567890123456789012345678901234567890123 1MB / 2MB 0.1s
#4 CACHED

#6 [base 2/2] RUN --mount=type=cache,target=/x : "Getting Python";     set -eu
#6 0.250 hello
#6 0.260 50%\r100%\r
#6 DONE 1.3s

#9 [stage-1 1/2] RUN --mount=type=secret,id=ca : "Installing the packages that it needs"; uv pip
#9 0.100 Installed 23 packages in 95ms

#10 [stage-1 2/2] COPY a.txt /a.txt
#10 DONE 0.1s

#9 4.100  + click==8.5.1
#9 DONE 4.2s
"""
FAILED = """\
#5 [1/2] FROM docker.io/library/debian
#5 DONE 0.0s

#6 [2/2] RUN : "Building" && false
#6 0.1 one
#6 0.2 two
#6 ERROR: executor failed running [/bin/sh -c : "Building" && false]: exit code: 3
------
 > [2/2] RUN : "Building" && false:
0.1 one
0.2 two
------
ERROR: failed to solve: executor failed running [/bin/sh -c : "Building" && false]: exit code: 3
"""


def test_a_log_tells_each_step_with_its_title_its_output_and_how_long_it_took() -> None:
    steps = Steps(4)
    log = steps.feed(PLAIN) + steps.end()
    assert log == (
        "[1/4] Starting from docker.io/library/debian:12\n"
        "    cached\n"
        "[2/4] Getting Python\n"
        "    hello\n"
        "    100%\n"
        "    done in 1.3 s\n"
        "[3/4] Installing the packages that it needs\n"
        "    Installed 23 packages in 95ms\n"
        "[4/4] COPY a.txt /a.txt\n"
        "    done in 0.1 s\n"
        "… Installing 23 packages\n"
        "     + click==8.5.1\n"
        "    done in 4.2 s\n"
    )
    assert (steps.done, steps.total, steps.message) == (4, 4, "Installing 23 packages")


def test_the_step_that_failed_is_known_with_its_own_output() -> None:
    steps = Steps()
    log = steps.feed(FAILED)
    assert steps.failed is not None
    assert steps.failed.title == "Building"
    assert list(steps.failed.output) == ["one", "two"]
    assert log.endswith("    two\n    failed with exit code 3\n"), "nothing is said twice"


def test_what_fails_before_any_step_is_kept_as_the_builders_own_words() -> None:
    steps = Steps(2)
    log = steps.feed("#3 [internal] load metadata for docker.io/library/x:latest\n#3 ERROR: gone\n")
    assert log == "ERROR: gone\n"
    assert steps.tail == "ERROR: gone"
    assert steps.failed is None


@given(st.text(), st.lists(st.integers(0, 400), max_size=6))
def test_it_does_not_matter_where_the_output_is_cut(text: str, cuts: list[int]) -> None:
    whole, parts = Steps(3), Steps(3)
    text = PLAIN + text + "\n" + FAILED
    expected = whole.feed(text) + whole.end()
    places = [0, *sorted(cuts), len(text)]
    got = "".join(parts.feed(text[a:b]) for a, b in itertools.pairwise(places))
    assert got + parts.end() == expected
    assert (parts.done, parts.total) == (whole.done, whole.total)


@given(st.lists(st.text(alphabet="#0123456789 []/.:DONECACHEDRUNFROM\r\n\x1b\"'x", max_size=60)))
def test_any_output_is_taken(lines: list[str]) -> None:
    steps = Steps(1)
    log = steps.feed("\n".join(lines)) + steps.end()
    assert steps.done <= steps.total
    assert "\x1b" not in log


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    steps = Steps()
    steps.feed("#6 [1/1] RUN x\n#6 0.1 ")
    for _ in range(200):
        steps.feed("x" * 10_000)
    step = next(iter(steps._steps.values()))
    assert sum(map(len, step.output)) < 4_000_000


@pytest.mark.parametrize(
    ("instruction", "title"),
    [
        ('RUN --mount=type=cache,target=/a : "Getting pip"; set -eu', "Getting pip"),
        ("RUN : 'Compiling' && make", "Compiling"),
        ("RUN make   install", "RUN make install"),
        ("COPY --from=x --chown=1:1 a b", "COPY a b"),
        ("COPY [., /source]", "Copying . to /source"),
        ("FROM docker.io/library/a:1@sha256:00", "Starting from docker.io/library/a:1"),
        ("RUN " + "x" * 200, "RUN " + "x" * 75 + "…"),
    ],
)
def test_a_steps_title_is_what_people_can_read(instruction: str, title: str) -> None:
    assert title_of(instruction) == title


def test_steps_are_counted_over_the_stages_that_are_needed() -> None:
    text = """
FROM debian AS base
RUN a \\
  # a comment inside
  && b
FROM base AS unused
RUN c
FROM base AS dist
WORKDIR /work
COPY a b
ENV X=1
FROM scratch
COPY --from=dist /a /b
"""
    assert count_steps(text) == 5
