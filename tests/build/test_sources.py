"""What users type as a source, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.build.sources import (
    looks_like_source,
    parse,
    suggested_name,
    validate_name,
)
from tooinstance_jupyter.errors import InvalidValueError, SourceError, TooInstanceError
from tooinstance_jupyter.records import Source, SourceKind

GIT, PYPI, NPM = SourceKind.GIT, SourceKind.PYPI, SourceKind.NPM


def source(
    kind: SourceKind, location: str, ref: str | None = None, sub: str | None = None
) -> Source:
    return Source(kind=kind, location=location, ref=ref, subdirectory=sub)


HOST = "https://github.com/o/r"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HOST, source(GIT, HOST)),
        (f"{HOST}/", source(GIT, HOST)),
        (f"{HOST}.git", source(GIT, HOST)),
        (f"git+{HOST}", source(GIT, HOST)),
        ("github.com/o/r", source(GIT, HOST)),
        (f"{HOST}@v1.0", source(GIT, HOST, "v1.0")),
        (f"{HOST}@feature/x", source(GIT, HOST, "feature/x")),
        (f"{HOST}#subdirectory=a/b", source(GIT, HOST, None, "a/b")),
        (f"{HOST}@v1#egg=x&subdirectory=a", source(GIT, HOST, "v1", "a")),
        (f"{HOST}/tree/v2/a/b", source(GIT, HOST, "v2", "a/b")),
        ("https://gitlab.com/o/g/r/-/tree/main", source(GIT, "https://gitlab.com/o/g/r", "main")),
        ("git@github.com:o/r.git", source(GIT, "ssh://git@github.com/o/r")),
        ("git@host.example:o/r@v1", source(GIT, "ssh://git@host.example/o/r", "v1")),
        ("ssh://git@host.example:2222/o/r", source(GIT, "ssh://git@host.example:2222/o/r")),
        ("https://host.example:8443/r.git", source(GIT, "https://host.example:8443/r.git")),
        ("http://[::1]:80/r", source(GIT, "http://[::1]:80/r")),
        ("file:///srv/r@main", source(GIT, "file:///srv/r", "main")),
        ("pypi:Sherlock_Project", source(PYPI, "sherlock-project")),
        ("pypi:csvkit==2.0", source(PYPI, "csvkit", "2.0")),
        ("pypi:httpie[socks]", source(PYPI, "httpie[socks]")),
        ("npm:cowsay", source(NPM, "cowsay")),
        ("npm:@scope/name@1.2", source(NPM, "@scope/name", "1.2")),
        ("doi:10.5281/zenodo.1234", source(SourceKind.ARCHIVE, "doi:10.5281/zenodo.1234")),
        ("/srv/tool", source(SourceKind.FOLDER, "/srv/tool")),
    ],
)
def test_a_source_is_read_as_its_user_means_it(text: str, expected: Source) -> None:
    assert parse(text).source == expected
    assert parse(str(expected)).source == expected


def test_a_folder_may_be_relative_or_at_home() -> None:
    assert parse("./x").source.location == str(Path.cwd() / "x")
    assert parse("~/x").source.location == str(Path.home() / "x")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "source_invalid"),
        ("ext::sh -c touch% /tmp/x", "source_scheme"),
        ("fd::17", "source_scheme"),
        ("javascript://x/y", "source_scheme"),
        ("--upload-pack=touch /tmp/x", "source_invalid"),
        ("-oProxyCommand=x", "source_invalid"),
        ("https://host/o/r\nx", "source_invalid"),
        ("https://host/o/r\0", "source_invalid"),
        ("https://host/" + "x" * 2_100, "source_invalid"),
        ("https://", "source_invalid"),
        ("https://host:port/x", "source_invalid"),
        ("ssh://-oProxyCommand=x/y", "source_invalid"),
        ("sherlock", "source_invalid"),
        (f"{HOST}@--upload-pack=x", "ref_invalid"),
        (f"{HOST}@a..b", "ref_invalid"),
        (f"{HOST}@a b", "ref_invalid"),
        (f"{HOST}#subdirectory=../x", "source_invalid"),
        (f"{HOST}#subdirectory=%2Fetc", "source_invalid"),
        ("pypi:--help", "source_invalid"),
        ("pypi:a @ https://x/y", "source_invalid"),
        ("pypi:a>=1", "source_invalid"),
        ("npm:--help@", "source_invalid"),
        ("npm:../x", "source_invalid"),
        ("npm:git+ssh://x", "source_invalid"),
    ],
)
def test_what_is_no_safe_source_is_refused_with_a_code(text: str, code: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(text)
    assert caught.value.error_code == code


def test_two_refs_that_differ_are_refused() -> None:
    assert parse(f"{HOST}@v1", ref="v1").source.ref == "v1"
    with pytest.raises(SourceError, match="v2"):
        parse(f"{HOST}@v1", ref="v2")


@pytest.mark.parametrize(
    "link", ["https://ada:s3cret@host.example/o/r", "https://s3cret@host.example/o/r@v1"]
)
def test_a_credential_is_taken_out_of_the_link_and_shown_nowhere(link: str) -> None:
    parsed = parse(link)
    assert parsed.credential is not None
    assert parsed.credential.password == "s3cret"
    assert "s3cret" not in f"{parsed} {parsed!r} {parsed.source} {parsed.credential}"


@pytest.mark.parametrize(
    "link",
    [
        "https://user:s3cret@github.com:99999/a/b",
        "https://user:s3/cret@github.com/a/b",
        "user:s3cret@github.com/o/r",
        "https://user:s3cret@h.example/a\nb",
        "https://user:s3cret@hydroshare.org/x/y",
        "weird://user:s3cret@h.example/a",
    ],
)
def test_no_error_repeats_a_credential(link: str) -> None:
    try:
        told = str(parse(link).source)
    except SourceError as error:
        told = str(error)
    assert "s3" not in told


@given(st.text(max_size=80))
def test_any_text_is_a_source_or_a_clear_error(text: str) -> None:
    try:
        parsed = parse(text)
    except TooInstanceError:
        return
    validate_name(suggested_name(parsed.source))


LINKS = st.builds(
    "{}://{}/{}/{}{}{}".format,
    st.sampled_from(["https", "ssh", "http", "git"]),
    st.from_regex(r"[a-z]{1,8}\.example(:[1-9][0-9]{0,3})?", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._~-]{1,10}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,10}", fullmatch=True),
    st.one_of(st.just(""), st.from_regex(r"@[A-Za-z0-9_]{1,8}", fullmatch=True)),
    st.one_of(
        st.just(""), st.from_regex(r"#subdirectory=[a-z]{1,8}(/[a-z]{1,4})?", fullmatch=True)
    ),
)


@given(LINKS)
def test_what_is_shown_of_a_source_is_read_as_the_same_source(link: str) -> None:
    first = parse(link).source
    assert parse(str(first)).source == first


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"{HOST}.git", "r"),
        ("https://h.example/o/My Tool!", "my-tool"),
        ("npm:@scope/Name", "name"),
        ("pypi:httpie[socks]", "httpie-socks"),
        (f"{HOST}#subdirectory=a/inner", "inner"),
        ("/srv/---", "tool"),
    ],
)
def test_a_name_is_suggested(text: str, name: str) -> None:
    assert suggested_name(parse(text).source) == name


@pytest.mark.parametrize("name", ["", "A", "-x", "a b", "a/b", "x" * 65, "a\n", "../x", "ü"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        validate_name(name)
    assert caught.value.error_code == "name_invalid"


@pytest.mark.parametrize(
    ("text", "is_source"),
    [
        ("sherlock", False),
        ("ada/sherlock", False),
        ("sherlock@2", False),
        (HOST, True),
        ("github.com/o/r", True),
        ("git@h.example:o/r", True),
        ("pypi:x", True),
        ("./x", True),
    ],
)
def test_a_source_is_told_from_the_name_of_a_tool(text: str, is_source: bool) -> None:
    assert looks_like_source(text) is is_source
