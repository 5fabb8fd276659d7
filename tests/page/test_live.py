"""The live screen: what happens on a private desktop is seen, and the user's own hands reach it."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Watched
from tests.page.working import Troupe, Working
from tests.support.command import wait_until
from tests.support.window import EventWindow, Seen, event_window
from tests.support.xserver import xvfb
from tests.ui.story import BACKGROUND, SIZE

_HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture(scope="module")
def desktop() -> Generator[tuple[str, EventWindow]]:
    with xvfb(*SIZE) as display, event_window(display) as window:
        yield display, window


@pytest.fixture
def session(desktop: tuple[str, EventWindow], actors: Troupe) -> Working:
    working = actors.start("Log in")
    (working.session.files / ".display").write_text(desktop[0])
    return working


def is_live(page: Page) -> None:
    expect(page.locator(".how")).to_have_text("live")
    expect(page.locator(".screen canvas")).to_be_visible()


def on_page(page: Page, x: int, y: int) -> tuple[float, float]:
    """Where a pixel of the screen is on the page."""
    box = page.locator(".screen canvas").bounding_box()
    assert box
    return box["x"] + (x + 0.5) * box["width"] / SIZE[0], box["y"] + (y + 0.5) * box["height"] / SIZE[1]


def test_the_screen_is_shown_live_and_not_while_nobody_looks(session: Working, watched: Watched) -> None:
    page = watched.session(session.id)
    is_live(page)
    session.about_to()
    expect(page.locator(".screen .mark b")).to_have_text('click "Save" (push button) in "Save As"')
    box, ring = page.locator(".screen canvas").bounding_box(), page.locator(".screen .mark .dot").bounding_box()
    assert box and ring
    assert abs((ring["x"] + ring["width"] / 2 - box["x"]) / box["width"] - 640.5 / SIZE[0]) < 0.003
    with page.expect_event("requestfailed", lambda request: "/live?" in request.url):
        page.evaluate(_HIDE, True)
    with page.expect_request(re.compile(r"/live\?")):
        page.evaluate(_HIDE, False)
    is_live(page)


def test_a_card_and_the_overlay_show_it_too(session: Working, watched: Watched) -> None:
    overlay = watched.overlay(session.id)
    is_live(overlay)
    board = watched.board()
    card = board.locator(f'[data-session="{session.id}"]')
    expect(card.locator("canvas")).to_be_visible()
    watched.expect("willReadFrequently")
    wait_until(
        lambda: tuple(board.evaluate(_CORNER, session.id)) != BACKGROUND, "another picture than the stored one", 10
    )


_CORNER = """(id) => {
  const canvas = document.querySelector(`[data-session="${id}"] canvas`);
  const { width, height } = canvas;
  return [...canvas.getContext('2d').getImageData(width - 3, height - 3, 1, 1).data].slice(0, 3);
}"""


def test_the_users_hands_reach_it_while_they_have_the_mouse(
    session: Working, watched: Watched, desktop: tuple[str, EventWindow]
) -> None:
    _, window = desktop
    page = watched.session(session.id)
    is_live(page)
    page.mouse.click(*on_page(page, 200, 150))
    session.taken()
    expect(page.locator(".reach")).to_contain_text("Click and type in the picture")
    window.events()
    page.mouse.click(*on_page(page, 200, 150))
    seen: list[Seen] = []
    wait_until(lambda: bool(seen.extend(window.clicks()) or seen), "the click", 10)
    assert len(seen) == 1, "only the click that was made with the mouse in the user's hands"
    assert abs(seen[0].x - 200) <= 1 and abs(seen[0].y - 150) <= 1
    page.keyboard.type("Ab")
    page.keyboard.press("Enter")
    keys: list[str] = []

    def typed() -> bool:
        keys.extend(event.key for event in window.events() if event.type == "key_down" and "Shift" not in event.key)
        return len(keys) >= 3

    wait_until(typed, "the keys", 10)
    assert keys == ["a", "b", "Return"]  # the window names keys, and leaves out Shift
    page.keyboard.press("Shift+Escape")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    session.handed_back()
    expect(page.locator(".reach")).to_be_hidden()
