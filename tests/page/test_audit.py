"""An accessibility audit of every page and state, light and dark, and a run by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import Watched
from tests.page.serving import Server, serving
from tests.page.working import Troupe, Working
from tests.ui.story import draw, eventful

TAGS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


COLOURS = {"runOnly": ["color-contrast"]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this module alone: what others have left would be in the way."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path) -> Generator[Server]:
    with serving(home) as running:
        yield running


def audit(page: Page, what: str) -> None:
    """Everything in light; in dark, what depends on it."""
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(Axe().axe_script)
    options = (COLOURS if dark else TAGS) | {"resultTypes": ["violations"]}
    found: list[Any] = page.evaluate("async (how) => (await axe.run(document, how)).violations", options)
    told = [f"{one['id']}: {node['target']} {node['any'][:1]}" for one in found for node in one["nodes"]]
    assert not told, f"{what}: " + "\n".join(told)


@pytest.fixture
def cast(actors: Troupe) -> dict[str, Working]:
    """Sessions in every state that a user meets."""
    eventful(actors.home)
    actors.start_and_die("Copy the addresses into the letter")
    names = ("work", "ask", "question", "hand off", "paused", "taken")
    sessions = {name: actors.start(f"Task of the one that is to {name}") for name in names}
    sessions["work"].plan("done", "in_progress", "pending")
    sessions["work"].step(draw(3), {"type": "click", "x": 300, "y": 260}, words="I go on.", thought="It is there.")
    sessions["work"].about_to()
    sessions["ask"].about_to()
    sessions["ask"].ask(again=1)
    sessions["question"].question("q1", "the old one", "the new one")
    sessions["hand off"].ask(kind="hand_off", what="run one after the other\n$ " + "make every file of it; " * 80)
    sessions["paused"].pause()
    sessions["taken"].taken()
    return sessions


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["light", "dark"])
def test_no_page_has_a_violation(cast: dict[str, Working], watched: Watched, *, dark: bool) -> None:
    page = watched.board(dark=dark)
    expect(page.locator(".ask .yes").first).to_be_enabled()
    audit(page, "board")
    page.keyboard.press("n")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Files, limits and the model's server").click()
    audit(page, "new session")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    audit(page, "help")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("Task")
    expect(page.locator(".found h2")).to_contain_text("with “Task”")
    audit(page, "search")
    for name in ("ask",) if dark else ("ask", "question", "taken"):
        _audit_session(page, cast[name], name)
    _audit_session(page, cast["work"], "work", "journal", "files", "replay")
    for name in ("work", "ask") if dark else ("work", "ask", "question", "hand off", "taken"):
        overlay = watched.overlay(cast[name].id, dark=dark)
        expect(overlay.locator(".asks button.yes:disabled")).to_have_count(0)
        audit(overlay, f"overlay: {name}")


def _audit_session(page: Page, session: Working, what: str, *tabs: str) -> None:
    for tab in ("timeline", *tabs):
        page.evaluate(f"location.hash = '#/session/{session.id}/{tab}'")
        expect(page.locator("h1.task")).to_have_text(f"Task of the one that is to {what}")
        expect(page.get_by_role("tab", name=re.compile(tab, re.IGNORECASE))).to_have_attribute("aria-selected", "true")
        expect(page.locator(".asks button:disabled")).to_have_count(0)
        audit(page, f"session: {what}, {tab}")


def _tab_to(page: Page, name: str, most: int = 60) -> None:
    """Press Tab until the focus is on the control of this name."""
    for _ in range(most):
        page.keyboard.press("Tab")
        label = page.evaluate(
            "(() => { const a = document.activeElement;"
            " return (a.getAttribute('aria-label') || a.textContent || a.placeholder || a.id || '').trim(); })()"
        )
        if str(label).startswith(name):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{name} has the focus, and nobody sees it"
            return
    raise AssertionError(f"no Tab leads to {name}")


def test_everything_is_done_by_keyboard_alone(actors: Troupe, watched: Watched, server: Server) -> None:
    session = actors.start("Send the minutes to Anna")
    page = watched.board()
    _tab_to(page, "Send the minutes to Anna")
    page.keyboard.press("Enter")
    page.wait_for_selector(".session-both:not([hidden])")
    page.keyboard.press("c")
    page.keyboard.type("Use euros.")
    page.keyboard.press("Control+Enter")
    assert session.hear("steer").now
    session.ask()
    expect(page.locator(".ask .yes")).to_be_enabled()
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"  # the focus stays where the user writes
    page.keyboard.press("Alt+y")
    session.hear("approve")
    session.answered()
    expect(page.locator(".ask")).to_have_count(0)
    session.ask("a2")
    expect(page.locator(".ask .yes")).to_be_enabled()
    page.keyboard.press("Shift+Tab")
    _tab_to(page, "Deny")
    page.keyboard.press("Enter")
    assert session.hear("deny").target == "a2"
    session.answered("a2", approved=False)
    expect(page.locator(".ask")).to_have_count(0)
    expect(page.locator("h1.task")).to_be_focused()  # neither lost, nor where one more Enter would do something
    _tab_to(page, "Pause")
    page.keyboard.press("Enter")
    session.hear("pause")
    session.pause()
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    _tab_to(page, "Timeline")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Journal")).to_be_focused()
    expect(page.locator(".entry").last).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Replay")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+p")
    session.hear("resume")
