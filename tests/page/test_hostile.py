"""What models, screens and files say is shown as text, whatever it is."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from agent.events import ApprovalRequested, FileMade, PlanChanged, QuestionAsked
from agent.values import PlanStep
from tests.page.conftest import Watched
from tests.page.working import Troupe, Working

MARKUP = "<img src=x onerror=\"window.hacked='yes'\"><script>window.hacked='yes'</script></script><b>bold</b>"
LINK = "javascript:window.hacked='yes'"
TURNED = "\u202egnp.exe\u2066 \u0000\u001b[31m \ud83d"
ENDLESS = "x" * 100_000


def _say_it_all(session: Working, words: str) -> None:
    call = session.answer({"type": "type", "text": words[:3000]}, words=words, thought=words)
    session.act(call)
    session.write(PlanChanged((PlanStep(words[:2000], "in_progress"), PlanStep(MARKUP, "pending"))))
    session.write(FileMade(str(session.session.files / MARKUP.replace("/", "_")[:80]), 12))
    session.write(ApprovalRequested("a1", call.id, words, words, words[:500], "confirm", "rule", words[:200]))
    session.write(QuestionAsked("q1", call.id, words, (words[:300], MARKUP)))


def _nothing_happened(page: Page) -> None:
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img[src='x'], main script, main b:text-is('bold')").count() == 0
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} pixels wider than the window"


def test_it_is_shown_as_text_everywhere(actors: Troupe, watched: Watched) -> None:
    sessions = {words: actors.start(words) for words in (MARKUP, LINK + TURNED, ENDLESS)}
    for words, session in sessions.items():
        _say_it_all(session, words)
    board = watched.board()
    for words, session in sessions.items():
        expect(board.locator(f'[data-session="{session.id}"] .ask').first).to_contain_text(words[:40])
    _nothing_happened(board)
    overlay = watched.overlay(sessions[MARKUP].id)
    expect(overlay.locator(".ask .what").first).to_contain_text(MARKUP)
    _nothing_happened(overlay)
    for words, session in sessions.items():
        page = watched.session(session.id)
        expect(page.locator(".ask .what").first).to_contain_text(words[:40])
        expect(page.get_by_role("region", name="Timeline")).to_contain_text(words[:40])
        _nothing_happened(page)
    for tab in ("Journal", "Files", "Replay"):
        board.evaluate(f"location.hash = '#/session/{sessions[MARKUP].id}/{tab.lower()}'")
        expect(board.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        _nothing_happened(board)
