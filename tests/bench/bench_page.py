"""The page: how soon an event is visible on the board, with twenty sessions at work.

`python -m tests.bench.bench_page [SECONDS]`. The server is a process of its own, the browser a real Chromium; a time
stamp goes into the journal as the session's words, and comes out where the page has put them.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bench.figure import Figure, show
from tests.page.serving import serving
from tests.page.test_pace import GOAL, RATE, SESSIONS, all_at_work, delays
from tests.page.working import troupe

SECONDS = 20


def figures(seconds: int = SECONDS) -> list[Figure]:
    """One run."""
    with tempfile.TemporaryDirectory(prefix="dh-") as folder, sync_playwright() as playwright:
        home = Path(folder)
        path = shutil.which("chromium")
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        with serving(home) as server, troupe(home) as actors:
            page.goto(server.address())
            found = delays(all_at_work(actors, page), page, seconds)
            browser.close()
    p50, p95 = statistics.median(found), statistics.quantiles(found, n=20)[-1]
    note = f"{SESSIONS} sessions with {RATE} events a second each; median of {len(found)}: {1000 * p50:.0f} ms"
    value, target = f"{1000 * p95:.0f} ms", f"≤ {1000 * GOAL:.0f} ms"
    return [Figure("event → visible on the page, p95", value, target, p95 <= GOAL, note)]


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
