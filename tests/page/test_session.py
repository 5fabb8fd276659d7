"""A session's page: its timeline, however long, its journal, its files and its replay."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from agent.codec import encode
from agent.events import (
    ActionStarted,
    CallAnswered,
    Compacted,
    Entry,
    Event,
    FileMade,
    ModelAnswered,
    ToolsOffered,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from agent.values import FunctionCall, ImageRef, ScreenCall
from tests.page.conftest import Watched
from tests.page.working import Troupe, Working
from tests.ui.story import SIZE, USAGE, Story, draw, eventful

LONG = 10_000  # turns


@pytest.fixture(scope="module")
def long(home: Path) -> str:
    """A session of 10,000 turns that has ended; its twenty pictures come round again."""
    story = Story(home, "Go through the archive")
    story.begin(draw(1))
    images: list[ImageRef] = []
    for number in range(20):
        png = draw(number, (300 + 10 * number, 300))
        image = ImageRef(hashlib.sha256(png).hexdigest(), "image/png", *SIZE)
        (story.session.images / f"{image.sha256}.png").write_bytes(png)
        images.append(image)
    seq = len(story.session.events.read_bytes().splitlines())
    lines: list[bytes] = []
    for turn in range(1, LONG + 1):
        for event in _turn(turn, images[turn % 20]):
            seq += 1
            lines.append(encode(Entry(seq, "2026-11-21T06:48:12.000Z", event=event)))
    with story.session.events.open("ab") as file:
        file.write(b"".join(lines))
    return story.session.id


def _turn(turn: int, image: ImageRef) -> list[Event]:
    call = ScreenCall(f"call_{turn}", ({"type": "click", "x": 300, "y": 260},))
    return [
        TurnStarted(turn, 2 * turn),
        ModelAnswered(turn, f"resp_{turn}", (), (call,), "", False, USAGE, 2.4),
        ActionStarted(turn, call.id, 0, call.actions[0], f"click the corner of page {turn}"),
        CallAnswered(call.id, "screen", image),
        TurnEnded(turn, 3.1, 0.7),
    ]


def at_the_end(page: Page) -> bool:
    """Whether the newest of the timeline is in view."""
    return bool(
        page.evaluate(
            "(() => { const s = document.querySelector('.timeline .scroll');"
            " return s.scrollHeight - s.scrollTop - s.clientHeight < 50; })()"
        )
    )


def test_ten_thousand_turns_open_at_once_and_can_be_gone_through(long: str, watched: Watched) -> None:
    page = watched.open()
    page.wait_for_selector("article.card")
    seconds = page.evaluate(_OPEN, long)
    print(f"a session of {LONG} turns: {seconds:.2f} s")
    assert seconds < 5, "under a second on an idle machine"
    assert at_the_end(page)
    expect(page.locator(".jump .dim").last).to_have_text("of 10,000")
    scroll = page.get_by_role("region", name="Timeline")
    scroll.hover()
    _scroll_up_to(page, 9_930)
    assert page.locator(".chunk").count() <= 150
    where = page.get_by_label("Go to turn")
    where.fill("4312")
    where.press("Enter")
    expect(page.locator('[data-chunk="4312"]')).to_be_in_viewport()
    expect(page.locator('[data-chunk="4312"]')).to_contain_text("click the corner of page 4312")
    expect(page.locator('[data-chunk="4312"] img').first).to_have_js_property("complete", True)
    assert page.locator(".chunk").count() <= 150
    page.get_by_role("button", name="Newest").click()
    expect(page.locator('[data-chunk="10000"]')).to_be_in_viewport()
    assert at_the_end(page)


_OPEN = """async (id) => {
  const start = performance.now();
  location.hash = `#/session/${id}`;
  await new Promise((done) => {
    const look = () => (document.querySelector('[data-chunk="10000"] .actions') ? done() : requestAnimationFrame(look));
    look();
  });
  return (performance.now() - start) / 1000;
}"""


def _scroll_up_to(page: Page, wanted: int) -> None:
    """Turn the wheel until an early turn is in view; what is in view never jumps."""
    deadline = time.monotonic() + 20
    while int(page.locator(".chunk").first.get_attribute("data-chunk") or 0) > wanted:
        assert time.monotonic() < deadline
        page.mouse.wheel(0, -3000)
        page.wait_for_timeout(30)


def test_the_timeline_follows_and_does_not_fight_the_reader(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    for number in range(8):
        session.step(draw(number), {"type": "click", "x": 300, "y": 260}, words=f"Step {number}.")
    page = watched.session(session.id)
    expect(page.get_by_text("Step 7.", exact=True).first).to_be_visible()
    session.step(draw(9), {"type": "click", "x": 300, "y": 260}, words="One more.")
    expect(page.locator('[data-chunk="9"]')).to_contain_text("One more.")
    page.wait_for_timeout(50)
    assert at_the_end(page)
    page.get_by_role("region", name="Timeline").hover()
    page.mouse.wheel(0, -1500)
    page.wait_for_timeout(100)
    top = _top(page)
    session.step(draw(10), {"type": "click", "x": 300, "y": 260}, words="And another.")
    expect(page.locator('[data-chunk="10"]')).to_contain_text("And another.")
    assert abs(_top(page) - top) < 2
    page.get_by_role("button", name="Newest").click()
    expect(page.locator('[data-chunk="10"]')).to_be_in_viewport()


def _top(page: Page) -> float:
    return float(page.evaluate("document.querySelector('.timeline .scroll').scrollTop"))


def test_reasoning_streams_in_place(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    session.think("I look at ")
    page = watched.session(session.id)
    thought = page.locator(".block.turn .thought")
    expect(thought).to_have_text("I look at ")
    page.evaluate("window.node = document.querySelector('.block.turn .thought')")
    session.think("the first sheet.", turn=False)
    expect(thought).to_have_text("I look at the first sheet.")
    assert page.evaluate("window.node === document.querySelector('.block.turn .thought')")
    expect(page.locator("#said-polite")).not_to_contain_text("I look at")


def test_everything_that_happens_is_drawn(actors: Troupe, watched: Watched) -> None:
    page = watched.session(eventful(actors.home).id)
    timeline = page.get_by_role("region", name="Timeline")
    for words in (
        "The sheet is empty.",
        "I enter the departments",
        "Please use euros",
        "overloaded",
        "cut short",
        "double click",
        "the key 'b' could not be sent",
        "paused",
        "A yes was needed",
        "This may overwrite a file",
        "approved by user",
        "The budget is saved",
    ):
        expect(timeline).to_contain_text(words)
    expect(page.locator(".receipts")).to_contain_text("applied")
    assert page.locator(".picture .mark").count() >= 6
    stage = page.get_by_role("button", name="Show this picture large").first
    stage.scroll_into_view_if_needed()
    stage.click()
    large = page.get_by_role("dialog", name="The picture, large")
    expect(large.locator("img")).to_have_js_property("naturalWidth", SIZE[0])
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()


def test_tools_are_drawn_with_what_was_asked_and_what_came_back(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    page = watched.session(session.id)
    timeline = page.get_by_role("region", name="Timeline")
    last = timeline.locator(".block.turn").last
    _use(session, "shell", {"commands": ["seq 400", "false"]}, "run seq 400 (and 1 more)")
    expect(last).to_contain_text("under way")
    lines = "\n".join(map(str, range(1, 401)))
    session.write(CallAnswered("f_1", "function", text=f"$ seq 400\n{lines}\n[exit 0]\n$ false\n[exit 1]"))
    expect(last).not_to_contain_text("under way")
    expect(last.locator(".output.bad")).to_contain_text("[exit 1]")
    expect(last.locator(".output")).not_to_contain_text("200")
    last.get_by_role("button", name="show all 404 lines").click()
    expect(last.locator(".output")).to_contain_text("200")
    last.get_by_text("the commands").click()
    expect(last.locator("details pre")).to_have_text("seq 400\nfalse")
    expect(last.locator(".picture.small")).to_have_count(1)
    _use(
        session, "apply_patch", {"operation": {"type": "update_file", "path": "a.md", "diff": "@@\n-old\n+new"}}, "edit"
    )
    session.write(CallAnswered("f_2", "function", text="a.md does not exist.", failed=True))
    expect(last.locator(".error")).to_have_text("a.md does not exist.")
    last.get_by_text("the change").click()
    expect(last.locator(".diff .added")).to_have_text("+new\n")
    _use(session, "render", {"path": "budget.xlsx"}, "look at budget.xlsx")
    session.write(CallAnswered("f_3", "function", text="budget.xlsx: 1 page", images=(session.look(draw(3)),)))
    expect(last.get_by_role("button", name="Page")).to_have_attribute("aria-pressed", "true")
    _use(session, "update_plan", {"steps": []}, "")
    session.plan("done", "in_progress")
    expect(last.locator(".plan-item")).to_be_visible()
    expect(last.locator(".call")).to_be_hidden()


def _use(session: Working, tool: str, arguments: dict[str, object], words: str) -> None:
    number = session.turn + 1
    session.answer(functions=(FunctionCall(f"f_{number}", tool, json.dumps(arguments)),))
    if words:
        session.write(ToolStarted(session.turn, f"f_{number}", tool, words))


def test_how_full_the_model_is_and_what_was_done_about_it(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    session.write(ToolsOffered((), 32_000, ("spreadsheet", "pdf")))
    page = watched.session(session.id)
    context = page.locator(".meter", has_text="context")
    expect(context).to_be_hidden()
    session.answer(words="I look.")
    expect(context).to_contain_text(f"{round(100 * USAGE.input_tokens / 32_000)} %")
    expect(context).to_have_attribute("title", re.compile(f"{USAGE.input_tokens:,} of 32,000 tokens"))
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline).to_contain_text("not offered to a model of 32,000 tokens: spreadsheet, pdf")
    session.write(Compacted(1, "model", "it had 30,000 tokens", "stands", "sum", before=30_000, after=3_200))
    expect(context).to_contain_text("10 %")
    expect(timeline).to_contain_text(
        "the conversation was made shorter by a summary of the model: about 30,000 to 3,200 tokens"
    )


def test_the_journal_grows_and_the_earlier_entries_can_be_had(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    image = session.look(draw(1))
    for number in range(130):
        session.write(*_turn(number + 1, image)[:3])
    page = watched.session(session.id, "journal")
    rows = page.locator(".entry")
    expect(rows.last).to_contain_text("click the corner of page 130")
    session.pause()
    expect(rows.last).to_contain_text("session.paused")
    assert rows.count() < 320
    first = rows.first.locator(".seq").inner_text()
    page.get_by_role("button", name="earlier entries").click()
    expect(rows.first.locator(".seq")).not_to_have_text(first)
    expect(rows.first).to_contain_text("session.started")
    rows.first.locator("summary").click()
    expect(rows.first.locator("pre")).to_contain_text('"task": "Make a quarterly budget"')


def test_files_are_downloaded_as_they_are(actors: Troupe, watched: Watched) -> None:
    session = actors.start()
    page = watched.session(session.id)
    made = session.session.files / "bud get.html"
    made.write_bytes(b"<script>alert(1)</script>")
    session.write(FileMade(str(made), 25))
    page.get_by_role("tab", name="Files (1)").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download bud get.html").click()
    assert download.value.suggested_filename == "bud get.html"
    assert Path(download.value.path()).read_bytes() == b"<script>alert(1)</script>"


def test_a_replay_is_played_stepped_and_steered_by_keys(actors: Troupe, watched: Watched) -> None:
    page = watched.session(eventful(actors.home).id, "replay")
    place, words = page.locator(".replay > .dim"), page.locator(".replay-words")
    expect(place).to_have_text("Turn 1 · what it saw")
    expect(words).to_have_text("I enter the departments and their figures.")
    page.get_by_role("button", name="Step ▸").click()
    expect(place).to_have_text("Turn 1 · action 1")
    expect(words).to_have_text("click (300, 260)")
    expect(page.locator(".replay-stage .mark")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(place).to_have_text("Turn 1 · action 2")
    page.keyboard.press("ArrowLeft")
    expect(place).to_have_text("Turn 1 · action 1")
    page.get_by_label("Speed").select_option("8")
    page.get_by_role("button", name="Play").click()
    expect(place).to_contain_text("Turn 4")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.get_by_role("slider", name="Turn").last.fill("1")
    expect(place).to_have_text("Turn 1 · what it saw")


def test_a_session_that_died_says_so_and_offers_to_go_on(home: Path, watched: Watched) -> None:
    from tests.page.working import session_alone

    with session_alone(home, "Copy the addresses") as session:
        session.begin(draw(2))
        pages = [watched.session(session.id), watched.overlay(session.id)]
        expect(pages[1].get_by_role("button", name="Pause")).to_be_visible()
    for page in pages:
        expect(page.locator(".state").first).to_have_text("interrupted")
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(pages[1].locator(".banner")).to_contain_text("has died")
    assert isinstance(session, Working)
