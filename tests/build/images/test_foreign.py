"""A stranger's Dockerfile is read before it is built."""

from __future__ import annotations

import contextlib
import time

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
        "FROM debian\nRUN --netw\\\nork=host curl",
        "FROM debian\nRUN --mount=type=SSH git clone x",
        "FROM debian\nRUN --mo\\unt=type=ssh git clone x",
        "FROM debian\nRUN --mount=type=$T git clone x",
    ],
)
def test_what_would_leave_the_confinement_of_a_build_is_refused(text: str) -> None:
    assert code_of(text) == "build_option"


@pytest.mark.parametrize(
    "text",
    [
        "FROM debian\nCOPY --f\\rom=private / /",
        'FROM debian\nCOPY --"from"=private / /',
        "FROM debian\nCOPY --from='private' / /",
        'FROM debian\nRUN --mount=type=bind,"from=private",target=/x y',
        # some builders take the second byte of à for a space
        "FROM debian\nCOPY --chown=0:0à--from=private / /",
        "FROM debian\nONBUILD COPY --f\\rom=private / /",
        "FROM debian\nRUN <<'E\\'\nx\nE\\\nCOPY --from=private / /",
        "FROM debian\nRUN <<'#'\nx \\\n#\nCOPY --from=private / /",
        'FROM debian\nRUN <<""\nx \\\n\nCOPY --from=private / /',
        "FROM debian\nRUN ${X:-<<'#'}\nx \\\n#\nCOPY --from=private / /",
        "FROM debian\nRUN ${X:-{<<'#'}\nx \\\n#\nCOPY --from=private / /",
        "FROM debian\nRUN ${X}<<''\nx \\\n\nCOPY --from=private / /",
        "FROM debian\nCOPY <<E-F /x\nE-F",
    ],
)
def test_options_and_here_documents_that_builders_read_differently_are_refused(text: str) -> None:
    assert code_of(text) == "build_option"


@pytest.mark.parametrize(
    "character", [*"\x00\x01\x0b\x0c\r\x1b\x1c\x7f\x85\xa0\u1680\u2003\u2028\u2029\u202f\u3000"]
)
def test_what_only_looks_like_a_space_or_the_end_of_a_line_is_refused(character: str) -> None:
    for text in (
        f"FROM debian\nRUN echo \\{character} \nCOPY --from=private / /",
        f"FROM debian\nRUN true{character}COPY --from=private / /",
        f"FROM debian{character}\nFROM{character}private",
        f"FROM debian\n{character}# x\nRUN y",
    ):
        with pytest.raises(BuildError) as caught:
            examine(text)
        assert caught.value.error_code == "build_option"
        assert f"U+{ord(character):04X}" in caught.value.message
        assert "in line " in caught.value.message
    examine(f"# a comment{character}\r\nFROM debian\r\n\t# another{character}\nRUN\tx\r\n")


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
        # an escaped backslash continues no line, nor does what is not the escape character
        "FROM debian\nRUN echo \\\\\nCOPY --from=private / /",
        "# escape=`\nFROM debian\nRUN echo ``\nCOPY --from=private / /",
        "# escape=`\nFROM debian\nRUN echo \\\nCOPY --from=private / /",
        # not the first directive, which some builders demand
        "# syntax=docker/dockerfile:1\n# escape=`\nFROM debian\nRUN x `\nCOPY --from=private / /",
        # a line goes on where the one before it ended, without a space
        "FROM debian\nCO\\\nPY --fr\\\nom=priv\\\nate / /",
        "FROM debian\nRUN --mount=type=bind,fr\\\n# x\n\nom=private,target=/x y",
        "FROM debian\nRUN x \\\n  # y\n\nCOPY z\nFROM private",
        "FROM debian\nONBU\u0130LD COPY --from=private / /",
        "FROM ${TARGETOS:+private} AS a",
        "FROM ${TARGETOS:-debian}",
        "FROM $BUILDPLATFORM",
        "ARG A=x\nFROM ${A:+debian}",
        "ARG A=\nFROM ${A-debian}private",
        "ARG A=${TARGETOS:+private}\nFROM ${A:-debian}",
        "ARG B=private\nARG A=x\\ B=debian\nFROM $B",
        "ARG A=debian\nFROM $A AS x\nFROM ''",
        "FROM debian\nRUN --mount=from=$X,target=/x y",
        "FROM 123456789012",
        "FROM debian\nCOPY --from=123456789012 / /",
        # a here-document that is none for us makes a stage which is none for the builder
        "FROM debian\nRUN x '\\\n <<Z '\nRUN <<E\nZ\nFROM debian AS private\nE\n"
        "COPY --from=private / /",
        "# escape=`\nFROM debian\nRUN x `\n  y\nFROM private",
    ],
)
def test_an_image_that_is_somebodys_tool_is_no_base(text: str) -> None:
    assert code_of(text, ("private",)) == "base_refused"


@pytest.mark.parametrize(
    "text",
    [
        "FROM debian\nRUN --mount=type=cache,id=x-$TARGETARCH,target=/root/.cache pip install x",
        "FROM --platform=$BUILDPLATFORM debian AS a\nFROM debian\nCOPY --from=a --link / /",
        'FROM debian\nHEALTHCHECK --interval=5s CMD x\nCMD ["--x"]\nRUN -- --x "y"',
        "FROM debian AS b\nRUN <<EOF cat <<-'E2' >x\nset --x=\"y\"\nEOF\n\tE2\n"
        "FROM x\nCOPY --from=b a b",
        "FROM debian\nRUN cat <<<x $((1<<2)) && y << z\nRUN grep 'ä' \\\n  # ö\n\n  && z",
        "ARG A=\"debian\" B='12'\nARG C=${A}:$B\nFROM ${C:-x}",
        "# escape=\\\nFROM debian\nRUN x \\\n y",
    ],
)
def test_what_every_builder_reads_alike_may_be_built(text: str) -> None:
    examine(text)


def test_a_directive_keeps_its_place_where_another_is_left_out() -> None:
    text = "# syntax=docker/dockerfile:1\n# escape=`\nFROM debian\nRUN x `\n  y"
    assert examine(text).text == text


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


@pytest.mark.parametrize(
    "text",
    [
        "RUN " + "${" * 400_000,
        "RUN " + "--a " * 200_000,
        "RUN " + "<<" * 400_000,
        "RUN x " + "\\" * 800_000,
        "RUN x \\\n" + "y \\\n" * 150_000,
        "RUN <<E <<" + "9" * 800_000,
    ],
)
def test_a_long_line_is_read_within_seconds(text: str) -> None:
    begin = time.process_time()
    with contextlib.suppress(BuildError):
        examine(f"ARG {'a=b ' * 100_000}\nFROM debian\n{text}")
    assert time.process_time() - begin < 20


@given(st.text(alphabet="FROMRUNCOPY #=-$<>{}\\`\"'\n\tabc:/", max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    instructions.count_steps(text)
    with contextlib.suppress(BuildError):
        examine(text)
