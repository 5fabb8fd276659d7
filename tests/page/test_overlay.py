"""The overlay: everything at a glance in 360 × 520, and what it asks of the window that it is in."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.page.conftest import Watched
from tests.page.working import Troupe

_WINDOW = """(small) => {
  window.asked = [];
  const note = (name) => (...words) => { window.asked.push([name, ...words]); return Promise.resolve(small); };
  const names = ['collapse', 'collapsed', 'close', 'keys_done'];
  window.pywebview = { api: Object.fromEntries(names.map((name) => [name, note(name)])) };
  window.dispatchEvent(new CustomEvent('pywebviewready'));
}"""


def test_it_shows_how_the_work_stands(actors: Troupe, watched: Watched) -> None:
    session = actors.start("Make a quarterly budget of four departments,\nwith totals, and save it as budget.xlsx")
    session.plan("done", "done", "in_progress", "pending", "pending")
    session.about_to()
    page = watched.overlay(session.id)
    task = page.locator("button.task")
    expect(task).to_have_text("Make a quarterly budget of four departments,")
    task.click()
    expect(task).to_contain_text("save it as budget.xlsx")
    expect(page.locator(".plan-line")).to_contain_text("2 of 5Add the totals")
    page.locator(".plan-line").click()
    expect(page.locator(".plan-steps li")).to_have_count(5)
    expect(page.locator(".reasoning")).to_have_text("The dialog is open, the name is right. I save it.")
    expect(page.locator(".next-row")).to_contain_text('click "Save" (push button) in "Save As"')
    expect(page.locator(".crop canvas")).to_be_visible()
    for words in ("turns1 / 50", "tokens12.2 k", "money$0.0123"):
        expect(page.locator(".meters")).to_contain_text(words)
    session.think("Now the totals.")
    expect(page.locator(".reasoning")).to_have_text("Now the totals.")
    expect(page.locator(".state").first).to_have_text("thinking")


def test_nothing_is_out_of_reach_in_the_small_window(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    session.plan("done", "in_progress", "pending")
    session.about_to()
    session.ask()
    page = watched.overlay(session.id)
    for place in (
        ".ask .yes",
        ".ask .no",
        ".controls [data-act=stop]",
        ".steer textarea",
        ".steer .now",
        ".title .icon",
    ):
        box = page.locator(place).first.bounding_box()
        assert box, place
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360, (place, box)
        assert box["y"] >= 0 and box["y"] + box["height"] <= 520, (place, box)


def test_it_speaks_to_its_window(actors: Troupe, watched: Watched) -> None:
    session, other = actors.start(), actors.start("Another one")
    other.ask()
    page = watched.overlay(session.id)
    expect(page.locator(".others")).to_contain_text("more need you")
    assert "pywebview-drag-region" in str(page.locator("header").get_attribute("class"))
    page.evaluate(_WINDOW, False)
    page.get_by_role("button", name="Make small").click()
    expect(page.locator(".middle")).to_be_hidden()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Alt+c")
    expect(page.locator(".middle")).to_be_visible()
    field = page.get_by_label("A correction to the session")
    field.fill("Use euros.")
    field.press("Enter")
    session.hear("steer")
    expect(field).not_to_be_focused()
    page.get_by_role("button", name="Close; the session goes on").click()
    asked = page.evaluate("window.asked")
    assert asked == [["collapsed"], ["collapse", True], ["collapse", False], ["keys_done"], ["close"]]


def test_a_window_that_was_left_small_is_small_again(actors: Troupe, watched: Watched) -> None:
    page = watched.overlay(actors.start().id)
    page.evaluate(_WINDOW, True)
    expect(page.locator(".middle")).to_be_hidden()


def test_without_a_session_or_a_folder_it_says_so(actors: Troupe, watched: Watched) -> None:
    watched.expect("404")
    page = watched.open("overlay")
    expect(page.get_by_role("heading", name="No session")).to_be_visible()
    page = watched.open("overlay?session=20200101-000000-abcdef", until=".over")
    expect(page.locator(".banner")).to_contain_text("there is no session")
