"""Twenty sessions at work, five events a second each: what happens is seen at once, and the board stays quick."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest

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


def test_an_event_is_visible_within_a_tenth_of_a_second(actors: Troupe, watched: Watched) -> None:
    sessions = [actors.start(f"Task {number}") for number in range(SESSIONS)]
    page = watched.board(size=(1920, 1080))
    page.wait_for_function(f"document.querySelectorAll('section.working article.card').length >= {SESSIONS}")
    page.evaluate(_WATCH)
    thread = threading.Thread(target=_work, args=(sessions, time.monotonic() + SECONDS))
    thread.start()
    while thread.is_alive():
        page.wait_for_timeout(200)
    page.wait_for_timeout(300)
    seen: list[list[int]] = page.evaluate("window.seen")
    first = {sent: now for sent, now in reversed(seen)}  # noqa: C416 (the pairs are lists)
    delays = sorted((now - sent) / 1000 for sent, now in first.items())
    p95, longest = statistics.quantiles(delays, n=20)[-1], page.evaluate("window.longest")
    print(
        f"{len(delays)} events seen: median {statistics.median(delays) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, "
        f"longest task {longest:.0f} ms"
    )
    assert len(delays) > SESSIONS * RATE * SECONDS * 0.5
    assert p95 < 3 * GOAL  # other tests may be at work on this machine; alone, it holds the goal
