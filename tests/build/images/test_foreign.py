"""A stranger's Dockerfile is read before it is built."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.build.images import foreign, instructions
from tooinstance_jupyter.errors import BuildError


def examine(text: str, ours: tuple[str, ...] = (), **arguments: str) -> foreign.Examined:
    return foreign.examine(text, arguments, is_ours=lambda name: name in ours)


def code_of(text: str, ours: tuple[str, ...] = (), **arguments: str) -> str:
    with pytest.raises(BuildError) as caught:
        examine(text, ours, **arguments)
    assert caught.value.hint, "every refusal says the way out"
    return caught.value.error_code


@pytest.mark.parametrize(
    "text",
    [
        "# syntax=evil/frontend:1\nFROM debian\n",
        "\ufeff#syntax = evil/frontend\nFROM debian",
        "# escape=`\n# SYNTAX=docker.io/evil/dockerfile\nFROM debian",
        "# a comment\n#syntax=docker/dockerfile-upstream\nFROM debian",
        "// syntax=evil/frontend\nFROM debian",
        '{"syntax": "evil"}',
        "FROM debian\nRUN --security=insecure mount",
        "FROM debian\nRUN --network=host curl x",
        "FROM debian\nRUN --mount=type=ssh git clone x",
        "FROM debian\nRUN \\\n --network=host \\\n curl x",
        "FROM debian\nONBUILD RUN --network=host curl x",
        "FROM debian\nrun\t--network=host curl",
    ],
)
def test_what_would_leave_the_confinement_of_a_build_is_refused(text: str) -> None:
    assert code_of(text) == "build_option"


@pytest.mark.parametrize(
    "text",
    [
        "FROM tooinstance/0123456789abcdef0123456789abcdef:0123",
        "FROM docker.io/tooinstance/0123",
        "FROM sha256:" + "0" * 64,
        "FROM 65a3ca205c72",
        "FROM private",
        "ARG B=tooinstance/0123\nFROM $B",
        "ARG A=tooinstance\nARG B=${A}/0123\nFROM ${B}",
        "FROM debian\nCOPY --from=tooinstance/0123 / /",
        "FROM debian\nRUN --mount=from=private,target=/x cp -r /x /y",
        "FROM debian AS x\nONBUILD COPY --from=private / /\nFROM x",
        'FROM "tooinstance/0123"',
        "FROM tooin\\stance/0123",
        "FROM debian\nCOPY --from=${X} a b",
        # engines that know no here-documents take this for an instruction
        "FROM debian\nRUN <<EOF\nFROM private\nEOF\n",
        "FROM debian\x0b\nFROM\x0bprivate",
        "# escape=`\nFROM debian\nRUN x `\n  y\nFROM private",
    ],
)
def test_an_image_that_is_somebodys_tool_is_no_base(text: str) -> None:
    assert code_of(text, ("private",)) == "base_refused"


def test_stages_and_numbers_are_not_images() -> None:
    examine(
        "FROM debian AS private\nFROM private\nCOPY --from=private a b\nCOPY --from=0 a b\n",
        ("private",),
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ARG V\nFROM python:$V", "V"),
        ("FROM debian\nARG V=\nRUN pip install sherlock-project==$V", "V"),
        ("FROM debian\nARG V\nADD https://e.example/${V}/x.tar.gz /", "V"),
        ("FROM debian\nARG A\nARG B\nCOPY app-$A.jar /\nRUN x@${B}", "A, B"),
        ("FROM debian\nARG V\nRUN echo ${V:?needed}", "V"),
    ],
)
def test_a_value_that_nobody_gave_is_asked_for_before_the_build(text: str, names: str) -> None:
    with pytest.raises(BuildError) as caught:
        examine(text)
    assert caught.value.error_code == "build_argument_missing"
    assert names in caught.value.message
    assert f"--build-arg {names.split(', ')[0]}=VALUE" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "ARG V=3\nFROM python:$V",
        "ARG V=3\nFROM debian\nARG V\nRUN x==$V",
        "FROM debian\nARG TARGETARCH\nRUN curl x/$TARGETARCH/y",
        "FROM debian\nARG HTTP_PROXY\nRUN curl x/$HTTP_PROXY",
        "FROM debian\nARG FLAGS\nRUN make $FLAGS",
        'FROM debian\nARG V\nRUN if [ -n "$V" ]; then pip install x==$V; fi',
        "FROM debian\nARG V\nRUN pip install x==${V:-1}",
        "FROM debian\nARG V\nENV V=1\nRUN pip install x==$V",
        "FROM debian AS unused\nARG V\nRUN x==$V\nFROM debian\nRUN y",
    ],
)
def test_a_value_that_can_be_done_without_is_not_asked_for(text: str) -> None:
    examine(text)


def test_a_value_that_was_given_is_used() -> None:
    examine("ARG V\nFROM python:$V\nARG W\nRUN x==$W", V="3", W="1")
    assert code_of("ARG V\nFROM $V", ("private",), V="private") == "base_refused"


def test_dockers_own_frontend_is_not_fetched_where_the_engines_own_does() -> None:
    examined = examine("# syntax=docker/dockerfile:1\nFROM debian\nRUN x")
    assert "syntax" not in examined.text
    assert examined.notes
    kept = "# syntax=docker/dockerfile:1\nFROM debian\nRUN <<EOF\nx\nEOF"
    assert examine(kept).text == kept


def test_base_images_come_from_the_mirror_that_is_set() -> None:
    text = "ARG V=3\nFROM --platform=linux/amd64 python:$V \\\n  AS x\nFROM scratch\nFROM x\nRUN y"
    examined = foreign.examine(
        text, {}, is_ours=lambda name: False, in_registry=lambda image: f"mirror.example/{image}"
    )
    assert examined.text == (
        "ARG V=3\nFROM --platform=linux/amd64 mirror.example/python:3 AS x\n\n"
        "FROM scratch\nFROM x\nRUN y"
    )


def test_arguments_without_a_value_are_told_for_the_step_that_failed() -> None:
    text = "FROM debian\nARG A\nARG B=1\nRUN make $A $B \\\n  all"
    assert foreign.missing_in(text, "RUN make $A $B all", {}) == ["A"]
    assert foreign.missing_in(text, "RUN make  1 all", {}) == ["A"], "some show the values"
    assert foreign.missing_in(text, "RUN make $A $B   all", {"A": "x"}) == []


@given(st.text(alphabet="FROMRUNCOPY #=-$<>{}\\`\"'\n\tabc:/", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    instructions.count_steps(text)
    with contextlib.suppress(BuildError):
        examine(text)
