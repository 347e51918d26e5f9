"""Every display is safe in HTML and in a terminal, small, and says what matters."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tooinstance_jupyter import display
from tooinstance_jupyter.access import run_as_seen
from tooinstance_jupyter.display import Excerpt, RunOutput, excerpts
from tooinstance_jupyter.display.markup import duration, size
from tooinstance_jupyter.errors import TooInstanceError
from tooinstance_jupyter.records import (
    Failure,
    Interface,
    Option,
    OptionKind,
    OutputFile,
    OutputKind,
    Page,
    Principal,
    RunStatus,
    StreamSize,
    VersionStatus,
    Visibility,
)
from tooinstance_jupyter.requests import Removal, ToolDetail

ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    'https://x.org/"onclick="alert(1)',
    "https://x.org/'><svg onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "</pre></details></div><iframe srcdoc='x'>",
    "<!--",
    "<![CDATA[",
    "&lt;b&gt;&#x3c;script&#x3e;",
    "{0} {} {0.__class__} %s",
    "\x1b]0;title\x07\x1b]8;;javascript:alert(1)\x1b\\x\x1b]8;;\x1b\\",
    "\x1b]52;c;ZWNobw==\x07\x1b[2J\x1b[31;<b>m\x9b31m\x90x\x9c",
    "\x1b[38;5;1;<script>m\x1b[38;2;999;1;1mx",
    "a\nb\rc\x00d\x08\x7f\u202egnp.exe\u2066\u2028\ud800",
]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50
Bundle = dict[str, Any]


def all_bundles(samples: Any, text: str) -> Iterator[tuple[str, Bundle]]:
    raw = text.encode("utf-8", "replace")
    output = RunOutput(
        stdout=Excerpt.of(raw),
        stderr=Excerpt.of(raw),
        contents={text: raw, text + ".csv": b"a,b\n" + raw + b",c\n", "missing": raw},
        problems=[TooInstanceError(text, text)],
    )
    run = samples.run(text)
    yield "run", display.render_run(run, output)
    yield "run", display.render_run(replace(run, status=RunStatus.FAILED), output)
    yield "runs", display.runs_bundle(Page(items=[run], next_cursor=text))
    tool, version = samples.tool(text), samples.version(text)
    failed = replace(
        version,
        status=VersionStatus.FAILED,
        failure=Failure(code=text, message=text, hint=text),
    )
    building = replace(version, status=VersionStatus.BUILDING, steps_done=1, steps_total=3)
    yield "tool", display.tool_bundle(ToolDetail(tool=tool, versions=(failed, version)))
    yield (
        "tools",
        display.tools_bundle(
            Page(items=[ToolDetail(tool=tool, versions=(version,))], next_cursor=text)
        ),
    )
    for each in (version, failed, building):
        yield "version", display.version_bundle(tool, each, text)
    yield "error", display.error_bundle(TooInstanceError(text, text, code=text))
    removal = Removal(kind=text, name=text, reason=text, size_bytes=1, problem=text)
    yield "removals", display.removals_bundle([removal], dry_run=True)


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_becomes_markup_or_a_control_sequence(samples: Any, text: str) -> None:
    for kind, bundle in all_bundles(samples, text):
        assert set(bundle) == {
            "text/plain", "text/html", f"application/vnd.tooinstance.{kind}.v1+json",
        }  # fmt: skip
        checked = samples.check_html(bundle["text/html"])
        assert not any("alert" in link for link in checked.links)
        samples.check_text(bundle["text/plain"])
        json.dumps(bundle, allow_nan=False).encode()
        bundle["text/html"].encode()
        bundle["text/plain"].encode()


@given(st.text(st.sampled_from("<>&\"'\x1b[]\\0138;m\x07\r\nabc:/\u202e") | st.characters()))
def test_whatever_is_written_the_html_stays_whole(samples: Any, text: str) -> None:
    for _, bundle in all_bundles(samples, text):
        samples.check_html(bundle["text/html"])
        samples.check_text(bundle["text/plain"])


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 5_000_000,
        b"line\n" * 1_000_000,
        b'"' * 1_000_000,
        b"<&>'\n" * 300_000,
        b"\x1b[31mx\x1b[32my" * 300_000,
        b"https://a.bc " * 300_000,
        "é😀".encode() * 300_000,
        b"\0\xff" * 500_000,
    ],
)
def test_a_bundle_stays_small_whatever_is_written(samples: Any, data: bytes) -> None:
    output = RunOutput(stdout=Excerpt.of(data), stderr=Excerpt.of(data))
    files = tuple(OutputFile(path=f"{'x' * 200}{i}", size_bytes=1) for i in range(10_000))
    run = samples.run(
        "t", arguments=("y" * 100_000,) * 10, variables={"A": "z" * 100_000}, files=files
    )
    for output_kind in OutputKind:
        bundle = display.render_run(replace(run, output=output_kind), output)
        samples.check_html(bundle["text/html"])
        assert sum(len(str(form).encode()) for form in bundle.values()) < 200_000


def test_of_a_long_output_the_first_and_the_last_lines_are_shown_whole(samples: Any) -> None:
    data = b"".join(b"line %d\n" % number for number in range(100_000))
    bundle = display.render_run(samples.run("t", files=()), RunOutput(stdout=Excerpt.of(data)))
    for form in ("text/plain", "text/html"):
        shown = bundle[form]
        assert "line 0\n" in shown
        assert "line 99999" in shown
        assert "left out" in shown
        lines = [part for part in shown.splitlines() if part.startswith("line ")]
        assert all(int(line[5:].partition("<")[0]) < 100_000 for line in lines)


def test_an_output_that_reached_the_limit_says_so(samples: Any) -> None:
    run = samples.run("t", stdout=StreamSize(total_bytes=9_000_000, kept_bytes=3))
    bundle = display.render_run(run, RunOutput(stdout=Excerpt.of(b"abc")))
    assert "3 B of 9.0 MB are kept" in bundle["text/plain"]
    assert "3 B of 9.0 MB are kept" in bundle["text/html"]


def test_binary_output_is_named_and_not_shown(samples: Any) -> None:
    bundle = display.render_run(
        samples.run("t"), RunOutput(stdout=Excerpt.of(bytes(range(256)) * 400))
    )
    assert "Binary output, 102 kB" in bundle["text/plain"]
    assert "Binary output, 102 kB" in bundle["text/html"]


@pytest.mark.parametrize(("status", "is_open"), [("failed", True), ("succeeded", False)])
def test_stderr_is_open_when_a_run_failed(samples: Any, status: str, is_open: bool) -> None:
    run = samples.run("t", status=RunStatus(status), files=())
    html = display.render_run(run, RunOutput(stderr=Excerpt.of(b"oh\n")))["text/html"]
    assert ("<details open>" in html) is is_open


@pytest.mark.parametrize(("kind", "first"), [("stdout", "HELLO"), ("files", "made.txt")])
def test_the_tools_output_kind_decides_what_comes_first(
    samples: Any, kind: str, first: str
) -> None:
    run = samples.run(
        "t", output=OutputKind(kind), files=(OutputFile(path="made.txt", size_bytes=1),)
    )
    html = display.render_run(run, RunOutput(stdout=Excerpt.of(b"HELLO")))["text/html"]
    assert min(("HELLO", "made.txt"), key=html.index) == first


def test_a_run_without_isolation_says_so(samples: Any) -> None:
    run = samples.run("t", isolation="none", engine="process")
    bundle = display.render_run(run, RunOutput())
    for form in ("text/plain", "text/html"):
        assert "process, not isolated" in bundle[form]


def test_a_coloured_output_that_is_cut_keeps_its_colours_and_links(samples: Any) -> None:
    line = b"\x1b[92mGitHub\x1b[0m: https://www.example.org/google\n"
    output = RunOutput(stdout=Excerpt.of(line * 480))
    html = display.render_run(samples.run("t", files=()), output)["text/html"]
    assert html.count("<a ") > 100
    assert "left out" in html


def test_images_are_shown_only_if_they_are_what_they_say(samples: Any) -> None:
    def shown(path: str, media_type: str, data: bytes) -> list[str]:
        file = OutputFile(path=path, size_bytes=len(data), media_type=media_type)
        output = RunOutput(contents={path: data})
        bundle = display.render_run(samples.run("t", files=(file,)), output)
        return samples.check_html(bundle["text/html"]).tags

    assert "img" in shown("a.png", "image/png", PNG)
    assert "img" not in shown("a.png", "image/png", b"<svg onload=alert(1)>")
    assert "img" not in shown("a.svg", "image/svg+xml", b"<svg/>")
    assert "img" not in shown("a.png", "image/png", PNG + b"\0" * 400_000)


def test_the_first_rows_of_a_csv_are_shown_as_a_table(samples: Any) -> None:
    data = b"name,count\n" + b"".join(b"n%d,%d\n" % (i, i) for i in range(100))
    file = OutputFile(path="t.csv", size_bytes=len(data), media_type="text/csv")
    bundle = display.render_run(
        samples.run("t", files=(file,)), RunOutput(contents={"t.csv": data})
    )
    assert ">n5<" in bundle["text/html"]
    assert ">n6<" not in bundle["text/html"]
    assert "more rows" in bundle["text/html"]


def test_a_build_shows_its_step_and_a_failed_one_its_cause_then_its_log(samples: Any) -> None:
    tool = samples.tool()
    building = samples.version(
        status=VersionStatus.BUILDING, message="Installing", steps_done=4, steps_total=7
    )
    going = display.version_bundle(tool, building)
    assert '<progress value="4" max="7">' in going["text/html"]
    assert "step 4 of 7" in going["text/plain"]
    failure = Failure(code="build_failed", message="THE CAUSE", hint="THE HINT")
    failed = display.version_bundle(
        tool, samples.version(status=VersionStatus.FAILED, failure=failure), "first\nTHE END\n"
    )
    for form in ("text/plain", "text/html"):
        places = [failed[form].index(word) for word in ("THE CAUSE", "THE HINT", "THE END")]
        assert places == sorted(places)


def test_only_links_of_the_web_become_links(samples: Any) -> None:
    def links(location: str) -> list[str]:
        tool = samples.tool(source=replace(samples.tool().source, location=location))
        return samples.check_html(display.tool_bundle(ToolDetail(tool=tool))["text/html"]).links

    assert links("https://example.org/x") == ["https://example.org/x"]
    assert links("javascript:alert(1)") == []
    assert links("git@example.org:x/y") == []


@pytest.mark.parametrize(
    "bundle",
    [
        lambda samples: display.runs_bundle(Page(items=[])),
        lambda samples: display.tools_bundle(Page(items=[])),
        lambda samples: display.removals_bundle([], dry_run=False),
        lambda samples: display.tool_bundle(
            ToolDetail(tool=samples.tool(visibility=Visibility.PUBLIC))
        ),
    ],
)
def test_what_is_empty_says_so(samples: Any, bundle: Callable[[Any], Bundle]) -> None:
    made = bundle(samples)
    assert made["text/plain"]
    samples.check_html(made["text/html"])


def test_a_tool_shows_what_it_can_be_given_folded_away(samples: Any) -> None:
    level = Option(names=("-l", "--level"), kind=OptionKind.INTEGER, metavar="N", default="3")
    colour = Option(names=("--colour",), kind=OptionKind.FLAG, opposite="--no-colour")
    place = Option(metavar="PLACE", help="Where.", is_required=True)
    interface = Interface(options=(level, colour), arguments=(place,))
    version = samples.version("v", interface=interface)
    shown = display.tool_bundle(ToolDetail(tool=samples.tool("t"), versions=(version,)))
    assert "<details><summary>Options</summary>" in shown["text/html"]
    for part in ("-l, --level", "--colour / --no-colour", "required. Where."):
        assert part in shown["text/html"]
        assert part in shown["text/plain"]
    [kind] = [name for name in shown if name.endswith("+json")]
    assert shown[kind]["versions"][0]["interface"]["options"][0]["names"] == ["-l", "--level"]
    unknown = samples.version("v", interface=None)
    without = display.tool_bundle(ToolDetail(tool=samples.tool("t"), versions=(unknown,)))
    assert "Options" not in without["text/html"]


@pytest.mark.parametrize(
    ("viewer", "others", "said"),
    [
        (Principal(name="ada"), (), "only you"),
        (Principal(name="ada"), ("bob", "group:lab"), "you, bob, group:lab"),
        (Principal(name="bob"), (), "shared with you by ada"),
        (Principal(name="root", is_admin=True), (), "only ada"),
        (Principal(name="root", is_admin=True), ("bob",), "ada, bob"),
    ],
)
def test_a_tool_says_who_has_access_as_far_as_the_viewer_may_know(
    samples: Any, viewer: Principal, others: tuple[str, ...], said: str
) -> None:
    tool = samples.tool("t", owner="ada", visibility=Visibility.PRIVATE, access=others)
    shown = display.tool_bundle(ToolDetail(tool=tool), viewer=viewer)
    [line] = [line for line in shown["text/plain"].splitlines() if "access" in line]
    assert line.split(None, 1)[1] == said
    assert said in shown["text/html"]


def test_a_run_says_who_shared_it_and_not_with_whom_else(samples: Any) -> None:
    run = samples.run("t", owner="ada", access=("bob", "carol"))

    def shown(viewer: Principal) -> str:
        seen = run_as_seen(viewer, run)
        return str(display.render_run(seen, RunOutput(), viewer=viewer)["text/plain"])

    assert "shared with you by ada" in shown(Principal(name="bob"))
    assert "carol" not in shown(Principal(name="bob"))
    assert "shared with bob, carol" in shown(Principal(name="ada"))
    assert "by ada" in shown(Principal(name="root", is_admin=True))


def test_of_many_options_the_first_are_shown(samples: Any) -> None:
    options = tuple(Option(names=(f"--o{number}",), kind=OptionKind.FLAG) for number in range(500))
    version = samples.version("v", interface=Interface(options=options))
    shown = display.tool_bundle(ToolDetail(tool=samples.tool("t"), versions=(version,)))
    assert "350 more are left out here" in shown["text/html"]
    assert "… and 488 more" in shown["text/plain"]


def test_the_json_is_the_record(samples: Any) -> None:
    record = display.render_run(samples.run("t"), RunOutput())[
        "application/vnd.tooinstance.run.v1+json"
    ]
    assert record["schema_version"] == 1
    assert record["number"] == 12
    assert record["status"] == "succeeded"
    assert record["arguments"] == ["t", "b"]
    assert record["started_at"].endswith("+00:00")


@given(st.integers(0, 10**16), st.floats(0, 10**7))
def test_sizes_and_durations_are_short(size_bytes: int, seconds: float) -> None:
    assert len(size(size_bytes)) <= 8
    assert len(duration(seconds)) <= 13


CUT = StreamSize(total_bytes=200_000_000, kept_bytes=100_000_000)


def test_a_run_that_is_cut_says_so_before_its_output_and_is_not_green(samples: Any) -> None:
    run = samples.run("t", stdout=CUT, files=(), failure=None)
    bundle = display.render_run(run, RunOutput(stdout=Excerpt.of(b"abc")))
    words = "stdout cut at 100 MB of 200 MB"
    assert words in bundle["text/plain"].splitlines()[0]
    checked = samples.check_html(bundle["text/html"])
    shown = "".join(checked.shown)
    assert shown.index(words) < shown.index("run 12") < shown.index("abc")
    assert 'class="tooi tooi-warn"' in bundle["text/html"]
    assert f'<span class="tooi-alert">{words}</span>' in bundle["text/html"]
    assert "tooi-ok" not in bundle["text/html"].partition("</style>")[2]
    assert bundle["application/vnd.tooinstance.run.v1+json"]["cut"] == words


def test_the_limit_is_told_before_and_after_what_is_kept(samples: Any) -> None:
    run = samples.run("t", stdout=CUT, files=())
    bundle = display.render_run(run, RunOutput(stdout=Excerpt.of(b"abc")))
    shown = "".join(samples.check_html(bundle["text/html"]).shown)
    for form in (bundle["text/plain"], shown):
        before, _, after = form.partition("abc")
        assert "100 MB of 200 MB are kept" in before
        assert "the end of what is kept" in after


def test_a_list_marks_each_run_that_is_cut_with_how(samples: Any) -> None:
    whole = samples.run("whole", files=())
    cut = samples.run("t", stderr=CUT, files=())
    failed = samples.run("t", stdout=CUT, files=(), status=RunStatus.FAILED, message="sorry")
    bundle = display.runs_bundle(Page(items=[whole, cut, failed]))
    samples.check_html(bundle["text/html"])
    [first, second, third] = bundle["text/html"].partition("<tbody>")[2].split("</tr>")[:3]
    assert "cut" not in first
    for row, tone, words in (
        (second, "warn", "stderr cut at 100 MB of 200 MB"),
        (third, "bad", "stdout cut at 100 MB of 200 MB; sorry"),
    ):
        assert f"tooi-mark tooi-{tone}" in row
        assert '<span class="tooi-alert">cut</span>' in row
        assert words in row
    lines = bundle["text/plain"].splitlines()
    assert "✓ cut" in lines[2]
    assert "✗ cut" in lines[3]
    items = bundle["application/vnd.tooinstance.runs.v1+json"]["items"]
    assert [bool(item["cut"]) for item in items] == [False, True, True]


def test_an_excerpt_says_what_it_is_of_before_it(samples: Any) -> None:
    data = b"".join(b"line %d\n" % number for number in range(100_000))
    files = tuple(OutputFile(path=f"f{number}", size_bytes=1) for number in range(60))
    bundle = display.render_run(samples.run("t", files=files), RunOutput(stdout=Excerpt.of(data)))
    shown = "".join(samples.check_html(bundle["text/html"]).shown)
    for form in (bundle["text/plain"], shown):
        assert "The first 8.0 kB and the last 16" in form.partition("line 0\n")[0]
        assert "first 50 of 60 files" in form.partition("f0")[0]


@pytest.mark.parametrize(
    ("rows", "columns", "told"),
    [
        (6, 8, ""),
        (7, 8, "The first 6 of 7 rows"),
        (6, 9, "The first 8 of 9 columns"),
        (2_000, 9, "The first 6 rows of more and the first 8 of 9 columns"),
    ],
)
def test_a_preview_of_a_table_says_first_what_it_leaves_out(
    samples: Any, rows: int, columns: int, told: str
) -> None:
    line = ",".join(f"c{number}" for number in range(columns))
    content = "\n".join([line] * (rows + 1)).encode()
    file = OutputFile(path="t.csv", size_bytes=len(content), media_type="text/csv")
    bundle = display.render_run(
        samples.run("t", files=(file,)),
        RunOutput(contents={"t.csv": content[: excerpts.TEXT_BYTES]}),
    )
    before, _, _ = bundle["text/html"].partition("</style>")[2].partition("c0")
    assert (told in before) if told else ("first" not in before)


def test_a_preview_of_a_text_says_first_how_much_it_is(samples: Any) -> None:
    file = OutputFile(path="t.txt", size_bytes=9_000, media_type="text/plain")
    bundle = display.render_run(
        samples.run("t", files=(file,)), RunOutput(contents={"t.txt": b"abc\n" * 1000})
    )
    assert "The first 4.0 kB of 9.0 kB" in bundle["text/html"].partition("abc")[0]
