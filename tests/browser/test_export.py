"""What leaves a run's document, and how it looks where there is no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, expect

from tests.servers import Server

FORMS = ("Notebook", "Web Page", "Archive", "Research Object")


def save(lab: Any, button: Locator, form: str, folder: Path) -> Path:
    """Choose a form in the menu of a button; return where it was saved, under its own name."""
    button.click()
    with lab.page.expect_download() as download:
        lab.page.get_by_role("menuitem", name=form).click()
    path = folder / str(download.value.suggested_filename)
    download.value.save_as(path)
    return path


def test_a_run_is_saved_in_each_form(
    server: Server, open_lab: Callable[..., Any], me: Any, tool: str, tmp_path: Path
) -> None:
    number = me.run(tool, "hello", "--file", "note.txt")
    lab = open_lab(server)
    button = lab.show_run(number).get_by_test_id("tooi-run-export")
    names = [save(lab, button, form, tmp_path).name for form in FORMS]
    suffixes = (".ipynb", ".html", ".zip", ".crate.zip")
    name = tool.rpartition("/")[2]
    assert names == [f"{name}-run-{number}{suffix}" for suffix in suffixes]
    made = nbformat.read(tmp_path / names[0], 4)
    nbformat.validate(made)
    assert "hello" in str([cell.get("outputs") for cell in made.cells])
    archive = save(lab, button, "Output and Files Only", tmp_path)
    assert archive.read_bytes().startswith(b"PK")


def test_a_tool_is_saved_as_a_notebook_that_makes_it(
    server: Server, open_lab: Callable[..., Any], tool: str, tmp_path: Path
) -> None:
    lab = open_lab(server)
    lab.execute("tooinstance:open-tool", tool=tool)
    path = save(lab, lab.by("tooi-tool-export"), "Notebook", tmp_path)
    assert "probe" in nbformat.read(path, 4).cells[0].source


def test_an_exported_page_shows_everything_without_a_network(
    server: Server, me: Any, script_tool: Any, browser: Browser, tmp_path: Path
) -> None:
    text = """
import base64, pathlib
print("\\x1b[31mred\\x1b[0m <script>document.title = 'owned'</script>")
pathlib.Path("table.csv").write_text("city,n\\nUppsala,1\\nLund,2\\n")
pathlib.Path("plot.png").write_bytes(base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mP8z8BQz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC"
))
"""
    tool = me.make_tool(script_tool(text, name="painter"))
    number = me.run(tool)
    page_file = tmp_path / "run.html"
    page_file.write_text(me.ask("GET", f"runs/{number}/export", params={"format": "html"}))
    context = browser.new_context(offline=True, accept_downloads=True)
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(page_file.as_uri())
    expect(page.get_by_role("heading", name=f"painter: run {number}")).to_be_visible()
    expect(page.locator("pre", has_text="<script>document.title")).to_be_visible()
    page.locator("summary", has_text="table.csv").click()
    expect(page.get_by_role("cell", name="Uppsala")).to_be_visible()
    image = page.locator(".output_png img")
    assert image.evaluate("image => image.naturalWidth") == 10
    with page.expect_download() as download:
        page.get_by_role("link", name="table.csv").click()
    saved = tmp_path / "saved.csv"
    download.value.save_as(saved)
    assert saved.read_text() == "city,n\nUppsala,1\nLund,2\n"
    assert page.title() == f"painter: run {number}"
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert troubles == []
    context.close()
