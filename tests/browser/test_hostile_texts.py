"""No text of a tool or a user is anything but text: nothing in it runs, loads or leads away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect

from tests.servers import Server

BAIT = '<img src="http://attacker.example/x" onerror="window.__pwned=1"><script>__pwned=1</script>'
ATTACKER = "<img src=x onerror=window.__pwned=1>"
TOKENS = {"ada": "token-of-ada", ATTACKER: "token-of-the-attacker"}
HOSTILE = f"""
import argparse, sys

BAIT = {BAIT!r}
MARKDOWN = BAIT + "\\n\\n![pixel](http://attacker.example/pixel.png) [go](javascript:__pwned=1)\\n"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="window.__pwned=1">'
    '<script>top.__pwned=1</script>'
    '<image href="http://attacker.example/x.png"/><circle r="9"/></svg>'
)
parser = argparse.ArgumentParser(prog="probe", description="Of " + BAIT)
parser.add_argument("word", nargs="*", help="help " + BAIT, metavar="<b>WORD")
parser.add_argument("--choice", choices=["plain", "<b>bold"], default=BAIT, help=BAIT)
given = parser.parse_args()
for stream in (sys.stdout, sys.stderr):
    print(BAIT, *given.word, file=stream)
for name, content in {{
    "page.html": "<h1>title</h1>" + BAIT,
    "notes.md": MARKDOWN,
    "table.csv": "name,value\\n" + BAIT.replace('"', "'") + ",=HYPERLINK('http://attacker.example')\\n",
    "image.svg": SVG,
    "plain.txt": BAIT,
    "<img src=x onerror=window.__pwned=1>.txt": "named badly",
}}.items():
    open(name, "w").write(content)
"""


class Watch:
    """What happens in a page that no text may bring about."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self._seen: list[str] = []
        own = urlsplit(lab.server.url).netloc
        page = lab.page
        page.on("dialog", lambda dialog: self._see(f"a dialog: {dialog.message}"))
        page.context.on("page", lambda other: self._see(f"a window: {other.url}"))
        page.on(
            "request",
            lambda request: (
                self._see(f"a request to {request.url}")
                if urlsplit(request.url).scheme in ("http", "https")
                and (urlsplit(request.url).netloc != own or request.url.endswith("/x"))
                else None
            ),
        )

    def _see(self, what: str) -> None:
        self._seen.append(what)

    def check(self) -> None:
        """Fail if anything has happened."""
        for frame in self.lab.page.frames:
            if frame.evaluate("typeof window.__pwned") != "undefined":
                self._see(f"a script in {frame.url}")
        assert self._seen == []


@pytest.fixture(scope="module")
def server(start_server: Callable[..., Server]) -> Server:
    users = {token: {"name": name} for name, token in TOKENS.items()}
    return start_server(users=users, local_sources=True, lab=True)


@pytest.fixture(scope="module")
def attacker(server: Server, visit: Any) -> Any:
    return visit(server, TOKENS[ATTACKER])


@pytest.fixture(scope="module")
def tool(attacker: Any, script_tool: Any) -> str:
    source = script_tool(HOSTILE)
    return str(attacker.make_tool(source, visibility="public", description=BAIT))


@pytest.fixture
def watched(server: Server, open_lab: Any) -> Iterator[Any]:
    """The page of a user whom others write to; nothing of that may have happened at the end."""
    lab = open_lab(server, token=TOKENS["ada"])
    watch = Watch(lab)
    yield lab
    watch.check()


def is_seen(place: Locator, text: str = BAIT) -> None:
    """Expect a text to be read, as text."""
    expect(place).to_contain_text(text)
    expect(place.locator("script")).to_have_count(0)
    expect(place.locator('img[src*="attacker"]')).to_have_count(0)


def test_a_tool_of_an_attacker_is_listed_and_opened_as_text(watched: Any, tool: str) -> None:
    panel = watched.show_panel()
    panel.locator(".jp-AccordionPanel-title", has_text="Public").click()
    row = panel.get_by_test_id("tooi-tool-row")
    is_seen(row)
    is_seen(row, ATTACKER)
    row.get_by_role("button", expanded=False).first.click()
    is_seen(panel.get_by_test_id("tooi-tool-card"))
    watched.execute("tooinstance:open-tool", tool=tool)
    is_seen(watched.page.locator("#jp-main-dock-panel .jp-TooInstance"))


def test_the_options_of_a_tool_are_text(watched: Any, tool: str) -> None:
    form = watched.show_form(tool)
    is_seen(form)
    line = form.get_by_test_id("tooi-form-line")
    line.fill(f"'{BAIT}")
    expect(form.get_by_test_id("tooi-problem")).to_be_visible()
    line.fill(f"'{BAIT}'")
    is_seen(form.get_by_test_id("tooi-form-argv").first)


def test_arguments_output_labels_and_owners_of_a_run_are_text(
    watched: Any, attacker: Any, tool: str
) -> None:
    number = attacker.run(tool, BAIT, label=BAIT)
    attacker.ask("PATCH", f"runs/{number}", json={"access": ["ada"]})
    view = watched.show_run(number)
    is_seen(view.get_by_test_id("tooi-run-line"))
    is_seen(view.get_by_test_id("tooi-log-stdout"))
    is_seen(view.get_by_test_id("tooi-peek"))
    is_seen(view.get_by_test_id("tooi-run-facts"), ATTACKER)
    is_seen(view.locator(".jp-TooInstance-run-label"))
    view.get_by_test_id("tooi-tab-stderr").click()
    is_seen(view.get_by_test_id("tooi-log-stderr"))
    is_seen(watched.show_panel().get_by_test_id("tooi-run-row"))


def test_what_a_user_typed_wrongly_is_said_as_text(watched: Any) -> None:
    watched.execute("tooinstance:create")
    watched.by("tooi-create-source").fill(ATTACKER)
    watched.by("tooi-create-submit").click()
    problem = watched.by("tooi-create").get_by_test_id("tooi-problem")
    is_seen(problem, ATTACKER)


def test_why_a_build_failed_is_said_as_text(
    watched: Any, server: Server, visit: Any, script_tool: Any
) -> None:
    ada = visit(server, TOKENS["ada"])
    source = str(script_tool(name="broken"))
    ada.ask("POST", "tools", json={"source": source, "entry_point": ATTACKER})
    watched.execute("tooinstance:open-tool", tool="ada/broken")
    is_seen(watched.by("tooi-build-failure"), ATTACKER)


def test_files_of_an_attacker_are_shown_and_neither_run_nor_load_anything(
    watched: Any, attacker: Any, tool: str
) -> None:
    number = attacker.run(tool)
    attacker.ask("PATCH", f"runs/{number}", json={"access": ["ada"]})
    view = watched.show_run(number)
    view.get_by_test_id("tooi-tab-files").click()
    files = view.get_by_test_id("tooi-file")

    def choose(name: str) -> None:
        files.filter(has_text=name).click()
        expect(view.get_by_role("region", name="Preview of")).to_contain_text(name)

    choose("page.html")
    frame = view.get_by_test_id("tooi-file-page")
    expect(frame).to_have_attribute("sandbox", "")
    expect(frame.content_frame.get_by_role("heading")).to_have_text("title")
    choose("notes.md")
    is_seen(view.get_by_test_id("tooi-file-text"))
    choose("table.csv")
    expect(view.get_by_test_id("tooi-file-table")).to_contain_text("<img src=")
    choose("image.svg")
    image = view.get_by_test_id("tooi-file-image")
    expect(image).to_have_js_property("naturalWidth", 40)
    choose("plain.txt")
    is_seen(view.get_by_test_id("tooi-file-text"))
    choose("<img src=x onerror=window.__pwned=1>.txt")
    expect(view.get_by_test_id("tooi-file-text")).to_have_text("named badly")
