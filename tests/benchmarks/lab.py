"""Measure the front end in a real JupyterLab and Chromium: its start, its lists, fast output.

The peer of the start is the same JupyterLab without the extension; the others have goals.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from bench import Row, medians, ms, ratio
from catalogue import fill
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from servers import TOKEN, Server, start_server

# what is measured is the front end
os.environ["TOOINSTANCE_ENGINE"] = "process"
TOOLS, RUNS = 10_000, 100_000
OUTPUT_BYTES = 100 * 2**20
ROW = "#tooinstance-panel .jp-TooInstance-row"
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
_WATCH_LONG_TASKS = """
window.longest = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
}).observe({ type: 'longtask' });
"""
# from the command to the frame after the first rows are there
_FIRST_PAINT = """
async row => {
  const began = performance.now();
  jupyterapp.shell.activateById('tooinstance-panel');
  const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
  while (![...document.querySelectorAll(row)].some(one => one.offsetHeight > 0)) {
    if (performance.now() - began > 30_000) throw new Error('no row is drawn');
    await frame();
  }
  await frame();
  return performance.now() - began;
}
"""
_SCROLL = """
async selector => {
  const list = document.querySelector(selector);
  for (let step = 0; step < 200; step += 1) {
    list.scrollBy(0, 400);
    await new Promise(resolve => requestAnimationFrame(resolve));
  }
  return list.scrollTop;
}
"""


def start() -> Iterator[Row]:
    """JupyterLab from the address to the end of its splash, with and without the extension."""
    with (
        browsing() as browser,
        lab(browser) as (ours, page),
        lab(browser, without=True) as (peer, other),
    ):
        taken, bare = medians(9, lambda: opened(page, ours), lambda: opened(other, peer))
    yield (
        "JupyterLab's start in the browser, added by the extension (goal < 100 ms)",
        ms(taken - bare),
        f"JupyterLab without it {ms(bare)}",
        ratio(taken, bare),
    )


def panel() -> Iterator[Row]:
    """The side panel's first paint, and scrolling through the history."""
    with tempfile.TemporaryDirectory() as home:
        fill(f"sqlite:///{home}/tooinstance.sqlite", tools=TOOLS, runs=RUNS)
        more = {
            "users": {TOKEN: {"name": "ada"}},
            # or its old runs would be deleted meanwhile
            "config": {"TooInstance": {"run_retention_days": 0}},
        }
        with browsing() as browser, lab(browser, home=Path(home), **more) as (server, page):
            painted = []
            for _ in range(5):
                opened(page, server)
                painted.append(page.evaluate(_FIRST_PAINT, ROW))
            page.evaluate(_WATCH_LONG_TASKS)
            scrolled = page.evaluate(_SCROLL, "#tooinstance-runs .jp-TooInstance-list")
            longest = page.evaluate("window.longest")
    yield (
        f"first paint of the panel with {TOOLS:,} tools (goal < 200 ms)",
        f"{sorted(painted)[2]:.0f} ms",
        "",
        "",
    )
    yield (
        f"longest task while {RUNS:,} runs are scrolled by {scrolled:,.0f} pixels (goal < 50 ms)",
        told(longest),
        "",
        "",
    )


def output() -> Iterator[Row]:
    """A run that writes 100 MB as fast as it can, followed in its document."""
    with (
        tempfile.TemporaryDirectory() as folder,
        browsing() as browser,
        lab(browser) as (server, page),
    ):
        tool = Path(folder) / "flood"
        tool.mkdir()
        script = tool / "flood"
        script.write_text(
            "#!/bin/sh\nsleep 3\nyes 'a line of some sixty bytes, as many tools write them' "
            f"| head -c {OUTPUT_BYTES}\n"
        )
        script.chmod(0o755)
        headers = {"Authorization": f"token {server.token}"}
        with httpx.Client(base_url=server.api, headers=headers, timeout=120) as api:
            made = api.post("/tools", json={"source": str(tool)}).raise_for_status().json()
            while not is_over(api.get(f"/versions/{made['version']['id']}").json()):
                pass
            opened(page, server)
            name = f"{made['tool']['owner']}/{made['tool']['name']}"
            number = api.post("/runs", json={"tool": name}).raise_for_status().json()["number"]
        page.evaluate(_WATCH_LONG_TASKS)
        page.evaluate(
            "number => { void jupyterapp.commands.execute('tooinstance:open-run', { number }); }",
            number,
        )
        page.locator(f'#tooinstance-run\\:{number} [data-status="succeeded"]').first.wait_for(
            timeout=120_000
        )
        longest = page.evaluate("window.longest")
        run = httpx.get(f"{server.api}/runs/{number}", headers=headers).json()
    yield (
        f"longest task while {run['stdout']['total_bytes'] / 1e6:.0f} MB of output are followed "
        "(goal < 50 ms)",
        told(longest),
        "",
        "",
    )


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run a browser."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def lab(
    browser: Browser, *, without: bool = False, home: Path | None = None, **more: Any
) -> Iterator[tuple[Server, Page]]:
    """Serve JupyterLab and open a page of it, so that the browser's cache has what it needs."""
    with tempfile.TemporaryDirectory() as folder:
        if without:
            settings = Path(folder) / "config/labconfig/page_config.json"
            settings.parent.mkdir(parents=True)
            settings.write_text(json.dumps({"disabledExtensions": {"tooinstance-jupyter": True}}))
        server = start_server(Path(folder), home=home, local_sources=True, lab=True, **more)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            opened(page, server)
            yield server, page
        finally:
            server.stop()


def opened(page: Page, server: Server) -> float:
    """Open JupyterLab; return how long it took (seconds)."""
    page.goto(f"{server.url}lab?reset&token={server.token}", wait_until="commit")
    page.wait_for_selector("#jp-main-dock-panel .jp-Launcher", timeout=60_000)
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    return float(page.evaluate("performance.now()")) / 1000


def is_over(version: dict[str, Any]) -> bool:
    """Tell whether a build has ended well; raise if it has not."""
    if version["status"] == "failed":
        raise RuntimeError(version["failure"]["message"])
    return bool(version["status"] == "ready")


def told(milliseconds: float) -> str:
    """Return the length of the longest task; those under 50 ms are not reported by the browser."""
    return f"{milliseconds:.0f} ms" if milliseconds else "none over 50 ms"


ALL: tuple[Callable[[], Iterator[Row]], ...] = (start, panel, output)
