"""The replay page in a real browser, from disk; marks where the clicks were, and text that stays text."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.events import (
    ActionStarted,
    BugFound,
    CallAnswered,
    Compacted,
    MemoryChanged,
    ModelRefused,
    NoteAdded,
    PlanChanged,
    QuestionAnswered,
    QuestionAsked,
    ToolsOffered,
    ToolStarted,
)
from agent.values import FunctionCall, Note, PlanStep
from tests.ui.browser import Page, browser
from tests.ui.story import HOSTILE, SIZE, Story, draw, eventful
from ui.replay import write_replay

BOX = "({x, y, width, height}) => [x, y, width, height]"
MARK = (229, 25, 79)  # of the light page


@pytest.fixture(scope="module")
def page() -> Generator[Page]:
    with browser() as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# ---- in the browser


def test_it_tells_the_whole_story_without_a_complaint(page: Page, home: Path) -> None:
    page.complaints.clear()
    page.open(write_replay(eventful(home)))
    text = page.js("document.body.innerText")
    for words in (
        "Make a quarterly budget of four departments,\nwith totals",
        "The sheet is empty. I click the first cell",
        "I enter the departments and their figures.",
        "double click (700, 420)",
        "Please use euros, not dollars.",
        "queued",
        "delivered",
        "applied",
        "answer dropped: cut short by the user's correction",
        "the service is overloaded (503); trying again in 2 s",
        "the key 'b' could not be sent",
        "not carried out",
        "approved by user",
        "This may overwrite a file",
        "paused",
        "The budget is saved as budget.xlsx, in euros.",
        "/home/me/files/budget.xlsx",
        "3.1 s, ours 0.70 s",
        "12,220 tokens (90 % of input cached)",
        "61,100 tokens",
        "$0.0615",
    ):
        assert words.lower() in text.lower(), words
    card = page.js("document.querySelector('.approval').innerText").split("\n\n")
    assert card == ["A yes was needed", "keypress", "This may overwrite a file", "approved by user"]
    assert page.complaints == []


@pytest.mark.parametrize("size", [SIZE, (1920, 1080)])
def test_marks_are_on_the_pixels_that_were_meant(page: Page, home: Path, size: tuple[int, int]) -> None:
    """Each target is a yellow pixel in a black square; the ring's middle must be the square's, on the shown page."""
    targets = [(200, 300), (size[0] - 9, size[1] - 9), (640, 420)]
    story = Story(home, size=size)
    story.begin(draw(1, *targets, size=size))
    story.step(draw(2, size=size), *({"type": "click", "x": x, "y": y} for x, y in targets))
    page.open(write_replay(story.end()), size=(1400, 900))
    page.press("j")
    page.until("document.querySelector('.frame img').naturalWidth > 0")
    frame = page.js(
        "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('img').getBoundingClientRect())"
    )
    without = page.js("document.querySelectorAll('.mark').forEach((mark) => mark.hidden = true)") or page.picture()
    squares = [_middle_of_black(without, frame, target, size) for target in targets]
    page.js("document.querySelectorAll('.mark').forEach((mark) => mark.hidden = false)")
    rings = page.js(
        f"[...document.querySelectorAll('.mark .ring')].map((ring) => ring.getBoundingClientRect()).map({BOX})"
        ".map(([x, y, width, height]) => [x + width / 2, y + height / 2])"
    )
    assert len(rings) == 3
    for (ring_x, ring_y), (x, y) in zip(rings, squares, strict=True):
        assert abs(ring_x - x) <= 1 and abs(ring_y - y) <= 1
    shown = page.picture()
    assert all(_is_near(shown, x, y, MARK) for x, y in rings), "the dots are seen"


def _middle_of_black(
    picture: NDArray[np.int_], frame: list[float], target: tuple[int, int], size: tuple[int, int]
) -> tuple[float, float]:
    """Where the page shows a target: the middle of the black pixels around where it is expected."""
    scale = frame[2] / size[0]
    left, top = (max(0, round(frame[axis] + target[axis] * scale) - 8) for axis in (0, 1))
    rows, columns = np.nonzero(picture[top : top + 17, left : left + 17].max(axis=2) < 120)
    assert rows.size, "the target is on the page"
    return left + (columns.min() + columns.max() + 1) / 2, top + (rows.min() + rows.max() + 1) / 2


def _is_near(picture: NDArray[np.int_], x: float, y: float, colour: tuple[int, int, int]) -> bool:
    around = picture[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3]
    return bool((np.abs(around - colour).sum(axis=2) < 30).any())


def test_every_kind_of_mark_is_drawn(page: Page, home: Path) -> None:
    page.open(write_replay(eventful(home)))
    classes = page.js("[...document.querySelectorAll('.mark')].map((mark) => mark.className)")
    assert classes == [
        "mark click", "mark double_click", "mark start", "mark drag", "mark scroll", "mark click ghost",
    ]  # fmt: skip
    assert (
        page.js("document.querySelector('.path .line').getAttribute('points')") == "300.5,260.5 520.5,330.5 900.5,520.5"
    )
    assert page.js("[...document.querySelectorAll('.mark b')].map((b) => b.textContent)") == [
        "1",
        "3",
        "1",
        "2",
        "4 right",
    ]


def test_what_was_still_moving_is_framed(page: Page, home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    call = story.answer({"type": "click", "x": 9, "y": 9})
    story.act(call)
    story.look(draw(2), moving=(320, 200, 640, 400))
    page.open(write_replay(story.end()))
    page.press("j")
    page.press("r")
    style = page.js("document.querySelector('.moving').getAttribute('style')")
    assert style == "left: 25%; top: 25%; width: 50%; height: 50%;"


def test_plans_questions_and_tools_are_told_and_shown(page: Page, home: Path) -> None:
    """Every kind of item that the timeline makes must be one that this page draws."""
    story = Story(home)
    story.begin(draw(1))
    story.answer(functions=(FunctionCall("f1", "render", '{"path": "a.xlsx"}'),))
    story.write(ToolStarted(1, "f1", "render", "look at a.xlsx"))
    story.write(CallAnswered("f1", "function", text="a.xlsx: 1 page", images=(story.look(draw(2)),)))
    story.write(PlanChanged((PlanStep("Look", "done"), PlanStep("Write", "in_progress"))))
    story.write(QuestionAsked("q1", "f2", "Euros or dollars?", ("Euros",)), QuestionAnswered("q1", "Euros"))
    story.write(MemoryChanged((Note("In thousands."),)), ToolsOffered((), 32_000, ("pdf",)))
    story.write(Compacted(1, "model", "it had 30,000 tokens", "stands", "sum", before=30_000, after=3_200))
    story.answer(words="It is written.", final=True)
    page.complaints.clear()
    page.open(write_replay(story.end()))
    text = page.js("document.body.innerText")
    for words in (
        "look at a.xlsx",
        "a.xlsx: 1 page",
        "Write",
        "Euros or dollars?",
        "Euros",
        "not offered to a model of 32,000 tokens: pdf",
        "about 30,000 to 3,200 tokens",
        "It is written.",
    ):
        assert words.lower() in text.lower(), words
    assert page.js("document.querySelector('section.turn .tab[aria-pressed=true]').innerText") == "Page"
    assert page.complaints == []


def test_hostile_text_stays_text(page: Page, home: Path) -> None:
    story = Story(home, task=HOSTILE)
    story.begin(draw(1))
    call = story.answer(
        {"type": "type", "text": HOSTILE},
        {"type": HOSTILE},
        words=HOSTILE,
        thought=HOSTILE,
        functions=(FunctionCall("f1", HOSTILE, HOSTILE),),
    )
    story.write(ActionStarted(1, call.id, 0, call.actions[0]), CallAnswered("f1", "function", text=HOSTILE))
    story.write(NoteAdded(HOSTILE), BugFound(HOSTILE, HOSTILE), ModelRefused(1, HOSTILE, HOSTILE, {HOSTILE: HOSTILE}))
    session = story.end("failed", HOSTILE)
    page.complaints.clear()
    page.open(write_replay(session))
    assert page.js("document.title") == f"{session.id} · Deskhand"
    assert page.js("document.querySelectorAll('main script, main img[src=x], main b b').length") == 0
    assert page.js("document.querySelector('.task').textContent") == HOSTILE
    assert page.js("document.querySelector('.thought').textContent") == HOSTILE
    assert page.js("[...document.querySelectorAll('.note p')][0].textContent") == HOSTILE
    assert page.js("document.querySelector('.action details pre').textContent") == HOSTILE
    assert page.complaints == []


def test_the_keyboard_moves_through_the_turns(page: Page, home: Path) -> None:
    page.open(write_replay(eventful(home)))
    place = "document.querySelector('.place').textContent"
    assert page.js(place) == "5 turns"
    heading = "document.querySelector('.turn.current h2').textContent"
    for key, where in (("j", "1 of 5"), ("ArrowRight", "2 of 5"), ("ArrowDown", "3 of 5"), ("k", "2 of 5")):
        page.press(key)
        assert page.js(place) == where
    page.press("End")
    assert page.js(place) == "5 of 5" and page.js(heading) == "Turn 4"
    top = page.js("document.querySelector('.turn.current').getBoundingClientRect().top")
    assert 40 <= top <= 80, "the turn is under the bar"
    page.press("ArrowLeft")
    page.press("ArrowLeft")
    page.press("r")
    pressed = "document.querySelector('.turn.current .tab[aria-pressed=true]').textContent"
    assert page.js(pressed) == "Result"
    page.press("f")
    assert page.js("document.querySelector('dialog').open && document.querySelector('dialog img') !== null")
    page.press("f")
    assert not page.js("document.querySelector('dialog').open")
    page.press("m")
    assert page.js("document.querySelector('.mark').checkVisibility()") is False
    page.press("m")
    assert page.js("document.querySelector('.mark').checkVisibility()") is True
    page.press("Home")
    assert page.js("window.scrollY") == 0


def test_light_and_dark(page: Page, home: Path) -> None:
    path = write_replay(eventful(home))
    brightness: list[float] = []
    for dark in (False, True):
        page.open(path, dark=dark)
        brightness.append(float(page.picture().mean()))
    assert brightness[0] > 200 and brightness[1] < 90


def test_three_hundred_turns_open_quickly(page: Page, home: Path) -> None:
    story = Story(home, size=(640, 400))
    story.begin(draw(0, size=story.size))
    for number in range(1, 301):
        story.step(
            draw(number, size=story.size),
            {"type": "click", "x": number, "y": 99},
            thought="hm " * 60,
            words="I go on. " * 9,
        )
    path = write_replay(story.end())
    began = time.monotonic()
    page.open(path)
    assert time.monotonic() - began < 5
    assert page.js("document.querySelectorAll('.turn').length") == 300
    assert page.js("[...document.images].filter((img) => img.src).length") < 20, "pictures are made when they are near"
    page.press("End")
    page.until("[...document.querySelectorAll('.turn')].at(-1).querySelector('img').naturalWidth > 0")
    for _ in range(20):
        page.press("k")
    assert page.js("document.querySelector('.place').textContent") == "280 of 300", "however quick the keys"


@pytest.mark.slow
def test_thousands_of_turns_can_be_walked(page: Page, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", id)  # the disk is not what is tested
    story, picture = Story(home), draw(1)
    story.begin(picture)
    for _ in range(1200):
        story.step(picture, {"type": "click", "x": 640, "y": 99})
    page.open(write_replay(story.end()))
    page.press("End")
    for _ in range(10):
        page.press("k")
    page.until("document.querySelector('.turn.current img').naturalWidth > 0")
    assert page.js("document.querySelector('.place').textContent") == "1190 of 1200"
    assert 40 <= page.js("document.querySelector('.turn.current').getBoundingClientRect().top") <= 80


def test_a_picture_that_was_changed_or_lost_is_not_shown(page: Page, home: Path) -> None:
    session = eventful(home)
    changed, lost, *_ = sorted(session.images.iterdir())
    changed.write_bytes(draw(77))
    lost.unlink()
    path = write_replay(session)
    assert path.read_text().count('id="image-') == 2
    page.complaints.clear()
    page.open(path)
    for _ in range(5):
        page.press("j")
    page.until("document.querySelectorAll('.frame.missing').length >= 2")
    assert page.complaints == []


# ---- unfinished and damaged sessions


def test_damaged_lines_are_named_and_the_rest_is_shown(page: Page, home: Path) -> None:
    session = eventful(home)
    lines = session.events.read_bytes().splitlines(keepends=True)
    for number in (1, 8, 15):
        lines[number - 1] = lines[number - 1].replace(b'"type"', b'"tyqe"')
    session.events.write_bytes(b"".join(lines)[:-9])
    page.complaints.clear()
    page.open(write_replay(session))
    warned = page.js("[...document.querySelectorAll('.top .damage')].map((p) => p.textContent)")
    found = [re.search(r"\d+", words) for words in warned]
    assert [int(match[0]) for match in found if match] == [1, 8, 15, len(lines)]
    assert "cut short" in warned[-1]
    assert "The budget is saved as budget.xlsx" in page.js("document.body.innerText")
    assert page.js("document.querySelectorAll('main > :not(.top) .damage').length") == 4, "and each at its place"
    assert page.complaints == []


def test_a_session_that_was_cut_off_says_so(page: Page, home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    call = story.answer({"type": "click", "x": 9, "y": 9}, {"type": "wait"})
    story.write(ActionStarted(1, call.id, 0, call.actions[0]))
    story.journal.close()
    page.open(write_replay(story.session))
    text = page.js("document.body.innerText")
    assert "unfinished" in text and "may or may not have happened" in text and "not carried out" in text


def test_a_session_at_work_is_not_called_unfinished(page: Page, home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    call = story.answer({"type": "click", "x": 9, "y": 9}, {"type": "wait"})
    story.write(ActionStarted(1, call.id, 0, call.actions[0]))
    with story.session.locked():
        page.open(write_replay(story.session))
    story.journal.close()
    text = page.js("document.body.innerText")
    assert "at work" in text and "under way" in text and "to come" in text
