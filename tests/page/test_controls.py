"""Every control posts the right word into the session's inbox, and what comes of it is shown."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Watched
from tests.page.working import Troupe, Working


@pytest.fixture(params=[pytest.param("page", marks=pytest.mark.slow), "overlay"])
def shown(request: pytest.FixtureRequest, actors: Troupe, watched: Watched) -> tuple[Working, Page]:
    """A session at work, on its own page and in the overlay: both have all controls."""
    session = actors.start()
    session.plan("done", "in_progress", "pending", "pending", "pending")
    session.about_to()
    page = watched.session(session.id) if request.param == "page" else watched.overlay(session.id)
    return session, page


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(rf"^{name}")).click()


def test_pause_and_resume(shown: tuple[Working, Page]) -> None:
    session, page = shown
    expect(page.locator(".state").first).to_have_text("acting")
    press(page, "Pause")
    session.hear("pause")
    session.pause()
    expect(page.locator(".state").first).to_have_text("paused")
    page.keyboard.press("Alt+p")
    session.hear("resume")
    session.unpause()
    expect(page.get_by_role("button", name=re.compile("^Pause"))).to_be_visible()
    press(page, "Stop")
    session.hear("stop")


def test_take_the_mouse_and_hand_it_back_with_a_note(shown: tuple[Working, Page]) -> None:
    session, page = shown
    press(page, "Take the mouse")
    session.hear("take")
    session.taken()
    expect(page.locator(".state").first).to_have_text("you have the mouse")
    page.get_by_label("A note to the agent").fill("I have logged in.")
    press(page, "Hand back")
    assert session.hear("resume").text == "I have logged in."
    session.handed_back("I have logged in.")
    expect(page.get_by_role("button", name=re.compile("^Take the mouse"))).to_be_visible()
    page.keyboard.press("Alt+t")
    session.hear("take")


def test_a_correction_and_its_receipts(shown: tuple[Working, Page]) -> None:
    session, page = shown
    field = page.get_by_label("A correction to the session")
    field.fill("Use euros.")
    field.press("Enter")
    said = session.hear("steer")
    assert (said.text, said.now) == ("Use euros.", False)
    expect(field).to_have_value("")
    receipt = page.locator(".receipt-list li")
    expect(receipt).to_have_attribute("data-state", "queued")
    session.queue(said)
    session.deliver(said)
    expect(receipt).to_have_attribute("data-state", "delivered")
    session.apply(said)
    expect(receipt).to_have_attribute("data-state", "applied")
    expect(page.locator("#said-polite")).to_contain_text("correction applied")
    field.fill("Stop typing")
    field.press("Shift+Enter")
    field.press_sequentially("at once")
    field.press("Control+Enter")
    said = session.hear("steer")
    assert (said.text, said.now) == ("Stop typing\nat once", True)


def test_an_approval_shows_what_risk_and_recipient_and_is_not_armed_at_once(shown: tuple[Working, Page]) -> None:
    session, page = shown
    session.ask()
    box = page.locator(".ask")
    expect(box).to_contain_text("click “Send” in the window “New message”")
    expect(box).to_contain_text("cannot be called back")
    expect(box).to_contain_text("anna@example.org")
    expect(page.locator("#said-assertive")).to_contain_text("Your approval is needed")
    expect(page.locator(".state").first).to_have_text("waiting for you")
    approve = page.get_by_role("button", name=re.compile("^Approve"))
    expect(approve).to_be_enabled()
    assert page.evaluate("document.activeElement.textContent") != "Approve"
    approve.click()
    assert session.hear("approve").target == "a1"
    session.answered()
    expect(box).to_have_count(0)


def test_half_a_second_passes_before_a_question_can_be_answered(shown: tuple[Working, Page]) -> None:
    session, page = shown
    page.evaluate(_WATCH_APPROVE)
    session.ask()
    expect(page.get_by_role("button", name=re.compile("^Approve"))).to_be_enabled()
    session.ask(again=1)
    expect(page.locator(".ask")).to_contain_text("the screen has changed")
    expect(page.get_by_role("button", name=re.compile("^Approve"))).to_be_enabled()
    waits = page.evaluate("window.armed")
    assert len(waits) == 2, waits
    assert min(waits) >= 490, waits
    assert session.hears_nothing()


_WATCH_APPROVE = """() => {
  window.armed = [];
  const seen = new Map();
  new MutationObserver(() => {
    const button = document.querySelector('.ask .yes');
    if (!button) return;
    if (!seen.has(button)) {
      seen.set(button, performance.now());
      button.click(); // what a stray press would do
      document.dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyY', altKey: true, key: 'y'}));
    } else if (!button.disabled && seen.get(button)) {
      window.armed.push(performance.now() - seen.get(button));
      seen.set(button, 0);
    }
  }).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ['disabled']});
}"""


def test_deny_by_key_and_a_hand_off(shown: tuple[Working, Page]) -> None:
    session, page = shown
    session.ask()
    expect(page.get_by_role("button", name=re.compile("^Deny"))).to_be_enabled()
    page.keyboard.press("Alt+n")
    assert session.hear("deny").target == "a1"
    session.answered(approved=False)
    session.ask("h1", kind="hand_off")
    done = page.get_by_role("button", name=re.compile("^Done"))
    expect(done).to_be_enabled()
    expect(page.locator(".ask")).to_contain_text("Do this yourself")
    done.click()
    assert session.hear("approve").target == "h1"


def test_two_approvals_are_not_answered_by_a_key(shown: tuple[Working, Page]) -> None:
    session, page = shown
    session.ask("a1")
    session.ask("a2", again=1)
    buttons = page.get_by_role("button", name=re.compile("^Approve"))
    expect(buttons).to_have_count(2)
    expect(buttons.last).to_be_enabled()
    page.keyboard.press("Alt+y")
    expect(page.locator("#said-assertive")).to_contain_text("more than one question")
    assert session.hears_nothing()


def test_a_question_by_choice_and_in_words(shown: tuple[Working, Page]) -> None:
    session, page = shown
    session.question("q1", "budget-2025.xlsx", "budget-final.xlsx")
    expect(page.locator("#said-polite")).to_contain_text("Which of the two budgets")
    page.get_by_role("button", name="budget-final.xlsx").click()
    said = session.hear("answer")
    assert (said.target, said.text) == ("q1", "budget-final.xlsx")
    session.told("q1", said.text)
    session.question("q2")
    field = page.get_by_label("Your answer")
    expect(page.get_by_role("button", name="Answer")).to_be_enabled()
    field.fill("The green one.")
    field.press("Enter")
    said = session.hear("answer")
    assert (said.target, said.text) == ("q2", "The green one.")


def test_what_the_server_refuses_is_said_and_the_words_are_kept(shown: tuple[Working, Page], watched: Watched) -> None:
    session, page = shown
    watched.expect("409|422")
    page.route("**/words", lambda route: route.fulfill(status=409, json={"error": "the session is ending; wait"}))
    press(page, "Pause")
    expect(page.locator(".controls .error")).to_have_text("the session is ending; wait")
    field = page.get_by_label("A correction to the session")
    field.fill("Use euros.")
    field.press("Enter")
    expect(page.locator(".steer .error")).to_have_text("the session is ending; wait")
    expect(field).to_have_value("Use euros.")
    page.unroute("**/words")
    press(page, "Pause")
    session.hear("pause")


def test_keys_do_nothing_while_somebody_types(shown: tuple[Working, Page]) -> None:
    session, page = shown
    session.ask()
    expect(page.get_by_role("button", name=re.compile("^Approve"))).to_be_enabled()
    field = page.get_by_label("A correction to the session")
    field.press_sequentially("n?/c y")
    expect(field).to_have_value("n?/c y")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert session.hears_nothing()
