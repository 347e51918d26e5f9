"""What must not leave with an export is taken out, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.export.scrub import Scrubber, secret_names, without_secret_options

TOKEN = "x" * 36


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://me:pass@example.org/x", "https://***@example.org/x"),
        ("https://tok3n@example.org/x", "https://***@example.org/x"),
        ("postgresql://me:p%40ss@db/x", "postgresql://***@db/x"),
        ("see ssh://git@example.org/x", "see ssh://git@example.org/x"),
        ("GET /a?b=1&access_token=abc&c=2", "GET /a?b=1&access_token=***&c=2"),
        ("/file?key=abc#x", "/file?key=***#x"),
        ("Authorization: Bearer abcdefghijklmnopqrst", "Authorization: Bearer ***"),
        (f"ghp_{TOKEN} and hf_{TOKEN}", "*** and ***"),
        ("AKIAABCDEFGHIJKLMNOP", "***"),
        ("/home/grace/data/x.csv", "~/data/x.csv"),
        ("/Users/Grace Hopper", "~ Hopper"),
        (r"C:\Users\grace\x", r"~\x"),
        ("/srv/own/x and /srv/owner", "~/x and /srv/owner"),
        (f"/srv/t/runs/{'0' * 32}/work/x", "./x"),
        ("the secret is open-sesame.", "the secret is ***."),
        ("/homework and token=1 at key=2", "/homework and token=1 at key=2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "***"),
    ],
)
def test_what_must_not_leave_is_taken_out(text: str, left: str) -> None:
    scrubber = Scrubber(homes=["/srv/own/"], secrets=["open-sesame", "at"])
    assert scrubber.text(text) == left
    assert scrubber.finds_in(text.encode()) is (text != left)


@pytest.mark.parametrize("piece", [b"-eyJ", b"/", b"eyJ.", b"-----BEGIN PRIVATE KEY-----", b"a:b@"])
def test_a_megabyte_of_near_hits_holds_nobody_up(piece: bytes) -> None:
    data = piece * (2**20 // len(piece))
    assert Scrubber(homes=["/srv/own"]).data(data)


def test_values_of_options_that_look_secret_are_masked() -> None:
    argv = [
        "--token=abcd",
        "--password",
        "hunter2",
        "-x",
        "--keyboard",
        "qwerty",
        "--api-key",
        "-y",
    ]
    masked = ["--token=***", "--password", "***", "-x", "--keyboard", "qwerty", "--api-key", "-y"]
    assert without_secret_options(argv) == (masked, ["abcd", "hunter2"])


@given(st.text())
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    scrubber = Scrubber(homes=["/srv/own"])
    once = scrubber.data(text.encode("utf-8", "surrogatepass"))
    assert scrubber.data(once) == once


@given(st.text(st.characters(categories=["L", "N", "Zs"])))
def test_words_are_left_as_they_are(text: str) -> None:
    assert Scrubber(homes=["/srv/own"], secrets=["\u2603\u2603\u2603\u2603"]).text(text) == text


def test_variables_that_look_like_secrets_are_known_by_their_names() -> None:
    names = ["API_TOKEN", "github-pat", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "apikey", "KEY"]
    plain = ["PATH", "KEYBOARD", "MONKEY", "LANG", "AUTHOR", "PATTERN"]
    assert secret_names(dict.fromkeys([*names, *plain], "")) == names
