"""The board: every session in its place, new ones, the search, and what it says where there is nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.page.conftest import Watched, Windows
from tests.page.serving import serving
from tests.page.working import Troupe, troupe
from tests.ui.story import Story, draw, eventful


def column(page: Page, name: str) -> list[str]:
    """The sessions in a column, from top to bottom."""
    nodes = page.locator(f"section.{name} article.card").all()
    return [str(node.get_attribute("data-session")) for node in nodes]


def settled(page: Page, name: str, wanted: list[str]) -> None:
    expect(page.locator(f"section.{name} article.card")).to_have_count(len(wanted))
    assert column(page, name) == wanted


def test_every_session_is_in_its_column_and_moves_when_its_state_does(windows: Windows, tmp_path: Path) -> None:
    with serving(tmp_path) as server, troupe(tmp_path) as actors:
        watched = Watched(windows, server)
        page = watched.open()
        expect(page.get_by_role("heading", name="Nothing has been done here yet")).to_be_visible()
        page.locator(".welcome").get_by_role("button", name="New session").click()
        expect(page.get_by_role("dialog", name="New session")).to_be_visible()
        page.keyboard.press("Escape")
        _through_the_columns(page, actors)
        watched.close()


def _through_the_columns(page: Page, actors: Troupe) -> None:
    ended = eventful(actors.home).id
    first, second, third = (actors.start(f"Task {number}") for number in (1, 2, 3))
    third.about_to()
    dead = actors.start_and_die("Copy the addresses").id
    settled(page, "needs-you", [dead])
    settled(page, "working", sorted([first.id, second.id, third.id]))
    settled(page, "done", [ended])
    expect(page).to_have_title("(1) Deskhand")
    card = page.locator(f'[data-session="{third.id}"]')
    expect(card).to_contain_text('click "Save" (push button) in "Save As"')
    second.ask()
    settled(page, "needs-you", sorted([dead, second.id]))
    expect(page).to_have_title("(2) Deskhand")
    expect(page.locator("#said-assertive")).to_contain_text("Your approval is needed")
    first.pause()
    settled(page, "paused", [first.id])
    expect(page.locator("#said-polite")).to_contain_text("Task 1: paused")
    second.answered()
    settled(page, "working", sorted([second.id, third.id]))


def test_what_needs_the_user_is_answered_on_its_card(actors: Troupe, watched: Watched) -> None:
    asking, choosing = actors.start("Send the minutes"), actors.start("Which budget?")
    asking.ask()
    choosing.question("q1", "the old one", "the new one")
    page = watched.board()
    card = page.locator(f'[data-session="{asking.id}"]')
    card.get_by_role("button", name=re.compile("^Approve")).click()
    assert asking.hear("approve").target == "a1"
    page.get_by_role("button", name="the new one").click()
    assert choosing.hear("answer").text == "the new one"
    asking.answered()
    card.get_by_role("button", name=re.compile("^Pause")).click()
    asking.hear("pause")
    card.get_by_role("link", name="Send the minutes").focus()
    asking.pause()
    expect(card.get_by_role("button", name="Resume")).to_be_visible()
    page.keyboard.press("Alt+p")
    asking.hear("resume")
    card.get_by_role("button", name=re.compile("^Stop")).click()
    asking.hear("stop")


def test_no_card_moves_from_under_a_hand(actors: Troupe, watched: Watched) -> None:
    session = actors.start("Task 1")
    page = watched.board()
    card = page.locator(f'[data-session="{session.id}"]')
    box = card.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    session.pause()
    expect(card.locator(".state")).to_have_text("paused")
    assert session.id in column(page, "working")
    page.mouse.move(5, 5)
    settled(page, "paused", [session.id])


def test_an_ended_session_goes_on_and_one_out_of_budget_asks_for_limits(actors: Troupe, watched: Watched) -> None:
    dead = actors.start_and_die("Copy the addresses").id
    page = watched.board()
    said: list[Any] = []

    def answer(route: Route) -> None:
        said.append(route.request.post_data_json)
        route.fulfill(status=202, json={"session": dead})

    page.route("**/go_on", answer)
    page.locator(f'[data-session="{dead}"]').get_by_role("button", name="Resume").click()
    expect(page.locator("#said-polite")).to_contain_text("going on")
    assert said == [{}]
    story = Story(actors.home, "Sort the invoices")
    story.begin(draw(1))
    spent = story.end("out_of_budget", "50 of 50 turns are used up").id
    page.locator(f'[data-session="{spent}"]').get_by_role("button", name="Go on…").click()
    dialog = page.get_by_role("dialog", name="Go on with this session")
    expect(dialog).to_contain_text("50 of 50 turns are used up")
    expect(dialog.get_by_label("Turns")).to_have_value("50")
    dialog.get_by_label("Turns").fill("80")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog).to_have_count(0)
    assert said[1:] == [{"words": "", "max_turns": 80}]


def test_the_search_finds_past_sessions(actors: Troupe, watched: Watched) -> None:
    eventful(actors.home)
    actors.start("Water the plants")
    page = watched.board()
    page.keyboard.press("/")
    page.keyboard.type("quarterly")
    expect(page.locator(".found h2")).to_contain_text("with “quarterly”")
    expect(page.locator(".found article.card").first).to_contain_text("Make a quarterly budget")
    expect(page.locator("section.working")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("section.working")).to_be_visible()
    page.keyboard.type("nobody has ever said this")
    expect(page.locator(".found h2")).to_contain_text("No session has")


def test_a_new_session_is_started_with_what_was_chosen(actors: Troupe, watched: Watched) -> None:
    session = actors.start("Started from the page")
    page = watched.board()
    said: list[Any] = []

    def answer(route: Route) -> None:
        said.append(route.request.post_data_json)
        route.fulfill(status=201, json={"session": session.id})

    page.route("**/api/sessions", answer)
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New session")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_role("alert")).to_have_text("Say what is to be done.")
    dialog.get_by_label("Task").fill("Sort the invoices")
    dialog.get_by_label("Model").fill("gpt-6.1-terra")
    dialog.get_by_label("Screen size").fill("1440 × 900")
    dialog.get_by_label("When a yes is needed").select_option("never")
    dialog.get_by_text("Files, limits and the model's server").click()
    dialog.get_by_label("API").select_option("responses")
    expect(dialog.get_by_label("Dialect")).to_be_disabled()
    dialog.get_by_label("API").select_option("chat")
    dialog.get_by_label("Dialect").select_option("qwen3-vl")
    dialog.get_by_label("Server").fill("http://localhost:8000/v1")
    dialog.get_by_label("Open at the start").fill("~/a.ods\n\n~/b.ods")
    dialog.get_by_label("Turns").fill("many")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Turns must be a whole number above 0")
    dialog.get_by_label("Turns").fill("40")
    dialog.get_by_label("US dollars").fill("1,50")
    dialog.get_by_label("US dollars").press("Control+Enter")
    page.wait_for_selector(".session-both:not([hidden])")
    expect(page.locator("h1.task")).to_have_text("Started from the page")
    wanted = {"task": "Sort the invoices", "computer": "desktop", "model": "gpt-6.1-terra", "size": "1440x900"}
    wanted |= {"api": "chat", "dialect": "qwen3-vl", "base_url": "http://localhost:8000/v1"}
    assert said == [wanted | {"approve": "never", "open": ["~/a.ods", "~/b.ods"], "max_turns": 40, "max_cost": 1.5}]
    page.keyboard.press("n")
    again = page.get_by_role("dialog", name="New session")
    expect(again.get_by_label("Model")).to_have_value("gpt-6.1-terra")
    expect(again.get_by_label("Turns")).to_have_value("40")
    expect(again.get_by_label("Dialect")).to_have_value("qwen3-vl")
    expect(again.get_by_label("Task")).to_have_value("")


def test_what_the_server_says_against_a_new_session_is_shown(actors: Troupe, watched: Watched) -> None:
    actors.start()
    watched.expect("40[0-9]|422")
    page = watched.board()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="New session")
    dialog.get_by_label("Task").fill("Sort the invoices")
    dialog.get_by_label("Screen size").fill("99999x100")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_role("alert")).to_contain_text("99999x100")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
