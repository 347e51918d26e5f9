"""A build that failed says why, and what to do where there is an image to change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.build.images.failures import cause_in_image, error_of
from tooinstance_jupyter.build.images.progress import Step


def step(said: str, title: str = "Building the package", what: str = "RUN x") -> Step:
    made = Step(title=title, what=what)
    made.output.extend(said.splitlines())
    return made


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        ("x.c:3:10: fatal error: libpq-fe.h: No such file or directory", "libpq-fe.h", "libpq-dev"),
        ("fatal error: 'zlib.h' file not found", "zlib.h", "`zlib1g-dev`"),
        ("x.c:1: fatal error: odd/thing.h: No such file", "odd/thing.h", "packages.debian.org"),
        ("/usr/bin/ld: cannot find -lssl: No such file or directory", "ssl", "libssl-dev"),
        ("collect2: error: cannot find -lodd\n", "odd", "apt.txt"),
        ("tool: error while loading shared libraries: libx.so.1: cannot", "libx.so.1", "apt.txt"),
        ("error: command 'gcc' failed: No such file or directory", "compiler", "build-essential"),
        ("Error: pg_config executable not found.", "pg_config", "libpq-dev"),
        ("error: the package requires a different Python: 3.11 not in '>=3.13'", "3.13", "runtime"),
        ("E: Unable to locate package libfoo9", "libfoo9", "apt.txt"),
        ("fatal: could not read Username for 'https://github.com'", "private", "no credentials"),
        ("curl: (6) Could not resolve host: e.example", "network", "ca_bundle"),
        ("ssl.SSLError: CERTIFICATE_VERIFY_FAILED", "certificate", "ca_bundle"),
        ("Because nosuch was not found in the package registry", "nosuch does not", "UV_INDEX"),
        ("sh: 1: cmake: not found", "cmake", "`cmake`"),
        ("ValueError: its own", "ValueError: its own", "log"),
    ],
)
def test_the_cause_comes_with_the_way_out(said: str, message: str, hint: str) -> None:
    error = error_of("", step(f"before\n{said}\nafter"), "", has_folder_kind=True)
    assert error.message.startswith("Building the package failed: ")
    assert message in error.message
    assert hint in error.hint
    assert error.error_code == "build_failed"


@pytest.mark.parametrize(
    ("tail", "image", "why"),
    [
        (
            "ERROR: failed to solve: debian:12: failed to do request: Head "
            '"https://registry-1.docker.io/v2/library/debian/manifests/12": dial tcp: lookup '
            "registry-1.docker.io: no such host",
            "debian:12",
            "cannot be reached",
        ),
        (
            "ERROR: failed to solve: python:3: failed to resolve source metadata for "
            "docker.io/library/python:3: toomanyrequests: You have reached your pull rate limit",
            "python:3",
            "limit of pulls",
        ),
        (
            "ERROR: failed to solve: no/such: pull access denied, repository does not exist or may "
            "require authorization: server message: insufficient_scope: authorization failed",
            "no/such",
            "login",
        ),
        (
            "ERROR: failed to solve: quay.io/a/b:1: quay.io/a/b:1: not found",
            "quay.io/a/b:1",
            "none of that name",
        ),
        ("ERROR: failed to solve: x: no match for platform in manifest", "x", "platform"),
    ],
)
def test_a_base_image_that_cannot_be_had_is_named_with_the_settings_that_help(
    tail: str, image: str, why: str
) -> None:
    error = error_of("", None, tail, has_folder_kind=True)
    assert error.error_code == "base_missing"
    assert f"The base image {image} cannot be had" in error.message
    assert why in error.message
    assert "TooInstance.registry_mirror" in error.hint
    assert "--engine process" in error.hint
    assert "--engine process" not in error_of("", None, tail, has_folder_kind=False).hint


def test_a_full_disk_is_told_from_a_mistake_of_the_source() -> None:
    error = error_of("", step("write error: No space left on device"), "", has_folder_kind=False)
    assert error.error_code == "disk_full"
    assert "gc" in error.hint


def test_a_mistake_in_the_dockerfile_is_said_in_the_builders_words() -> None:
    tail = "ERROR: failed to solve: dockerfile parse error line 2: unknown instruction: FROB"
    error = error_of("", None, tail, has_folder_kind=False)
    assert error.error_code == "build_failed"
    assert "unknown instruction: FROB" in error.message


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_was_said_there_is_an_answer(said: str, tail: str) -> None:
    assert cause_in_image(said).message
    assert error_of(said, step(said), tail, has_folder_kind=True).message
    assert error_of(said, None, tail, has_folder_kind=True).message
