"""Twenty sessions at work, five events a second each: what happens is seen at once, and the board stays quick."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Watched
from tests.page.serving import Server, serving
from tests.page.working import Troupe, Working

SESSIONS = 20
RATE = 5  # events a second of each
SECONDS = 4.0
GOAL = 0.1  # seconds, for 95 of 100

_WATCH = """() => {
  window.seen = [];
  const board = document.querySelector('.columns-of-cards');
  new MutationObserver((changes) => {
    const now = Date.now();
    for (const { target } of changes) {
      const line = (target.nodeType === 3 ? target.parentNode : target).closest?.('.last');
      const sent = line && [...line.textContent.matchAll(/@(\\d+)@/g)].at(-1);
      if (sent) window.seen.push([Number(sent[1]), now]);
    }
  }).observe(board, {subtree: true, childList: true, characterData: true});
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
  }).observe({type: 'longtask', buffered: false});
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this module alone: what others have left would be in the way."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path) -> Generator[Server]:
    with serving(home) as running:
        yield running


def _work(sessions: list[Working], until: float) -> None:
    """Each thinks aloud, `RATE` times a second, the time of it in its words."""
    step = 1 / RATE / len(sessions)
    due, number = time.monotonic(), 0
    while time.monotonic() < until:
        sessions[number % len(sessions)].think(f" @{time.time_ns() // 1_000_000}@", turn=number < len(sessions))
        number += 1
        due += step
        time.sleep(max(0.0, due - time.monotonic()))


def delays(sessions: list[Working], page: Page, seconds: float = SECONDS) -> list[float]:
    """Seconds from when an event is written to when it is in the page, sorted."""
    page.evaluate(_WATCH)
    thread = threading.Thread(target=_work, args=(sessions, time.monotonic() + seconds))
    thread.start()
    while thread.is_alive():
        page.wait_for_timeout(200)
    page.wait_for_timeout(300)
    seen: list[list[int]] = page.evaluate("window.seen")
    first = {sent: now for sent, now in reversed(seen)}  # noqa: C416 (the pairs are lists)
    return sorted((now - sent) / 1000 for sent, now in first.items())


def all_at_work(actors: Troupe, page: Page) -> list[Working]:
    """Sessions at work, each with its card on the board that is open in `page`."""
    sessions = [actors.start(f"Task {number}") for number in range(SESSIONS)]
    expect(page.locator("section.working article.card")).to_have_count(SESSIONS)
    return sessions


@pytest.mark.slow
def test_an_event_is_visible_within_a_tenth_of_a_second(actors: Troupe, watched: Watched) -> None:
    page = watched.open(size=(1920, 1080))
    found = delays(all_at_work(actors, page), page)
    p95, longest = statistics.quantiles(found, n=20)[-1], page.evaluate("window.longest")
    print(f"{len(found)} events: median {statistics.median(found):.3f} s, p95 {p95:.3f} s, longest task {longest} ms")
    assert len(found) > SESSIONS * RATE * SECONDS * 0.5
    assert p95 < 3 * GOAL  # other tests may be at work on this machine; `make bench` holds it against the goal
