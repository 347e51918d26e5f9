"""What a terminal would show is shown, and nothing steers the reader's terminal or browser."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter.terminal import to_html, to_text, visible


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("10%\r20%\r100%\ndone", "100%\ndone"),
        ("long line\rshort", "shortline"),
        ("long line\r\x1b[Kshort", "short"),
        ("abc\x1b[2K\rx", "x"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("ab\x08c", "ac"),
        ("abc\x1b[1Gx", "xbc"),
        ("\x1b]0;title\x07x\x1b]2;t\x1b\\y", "xy"),
        ("\x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;ZWNobw==\x07x", "x"),
        ("\x1bP+q544e\x1b\\x\x1b^y\x1b\\", "x"),
        ("\x1b[2J\x1b[10;10H\x1b[?1049hx\x1b[5Ay\x1bc\x1b(B", "xy"),
        ("\x9b31mx\x9d0;t\x9cy", "xy"),
        ("\x1b]0;never ended\nkept", "0;never ended\nkept"),
        ("a\x00b\x07c\x7fd", "abcd"),
        ("a\tb", "a\tb"),
        ("x\u202egnp.exe", "x\\u202egnp.exe"),
        ("\x1b", ""),
        ("a\x1b[", "a"),
        ("a\x1b[31", "a"),
    ],
)
def test_a_line_is_what_a_terminal_leaves(written: str, shown: str) -> None:
    assert to_text(written) == shown


@pytest.mark.parametrize(
    ("codes", "css"),
    [
        ("31", "color:#dc322f"),
        ("1;92", "color:#48ac48;font-weight:bold"),
        ("38;5;196", "color:#ff0000"),
        ("38;5;255", "color:#eeeeee"),
        ("38:5:1", "color:#dc322f"),
        ("48;2;1;2;3", "background-color:#010203"),
        ("3;4", "font-style:italic;text-decoration:underline"),
        ("7;31", "color:#fff;background-color:#dc322f"),
    ],
)
def test_colours_become_styles(codes: str, css: str) -> None:
    assert to_html(f"\x1b[{codes}mx\x1b[0my") == f'<span style="{css}">x</span>y'


@pytest.mark.parametrize("codes", ["38;5;999", "38;2;1", "38", "99999", "1;x", "?25", "31;39", "<"])
def test_colours_that_are_none_are_dropped(codes: str) -> None:
    assert "color" not in to_html(f"\x1b[{codes}mx")


def test_web_addresses_become_links_without_the_full_stop_after_them() -> None:
    html = to_html('see https://x.org/a?b=1&c="2". javascript:alert(1)')
    assert 'href="https://x.org/a?b=1&amp;c="' in html
    assert html.count("<a ") == 1


@given(st.text(st.sampled_from("\x1b[]0123;mKGPX\\\x07\r\n\x08\tab\x9b\x9d\x9c") | st.characters()))
def test_no_control_character_is_left(written: str) -> None:
    control = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
    assert not control.search(to_text(written))
    assert not control.search(to_html(written))
    assert not re.search(r"[\n\t]", visible(written))
    assert not control.search(visible(written))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\n")))
def test_plain_text_stays_as_it_is(written: str) -> None:
    assert to_text(written) == written
