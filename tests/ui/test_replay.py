"""The replay page: in a real browser, from disk; marks where the clicks were, and text that stays text."""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.errors import UserFault
from agent.events import (
    ActionStarted,
    BugFound,
    CallAnswered,
    Event,
    ModelAnswered,
    ModelDropped,
    ModelRefused,
    NoteAdded,
    SessionResumed,
    SteerApplied,
    TurnEnded,
    TurnStarted,
)
from agent.journal import read_journal
from agent.session import Session
from agent.values import FunctionCall, Usage
from tests.ui.browser import Page, browser
from tests.ui.story import SIZE, Story, draw, eventful
from ui.cli import main
from ui.replay import safe_json, write_replay
from ui.timeline import Timeline

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<!--<script>\u2028\u2029'\"`${document.title='owned'} &lt;b&gt; \udc80 </style></textarea>"
)

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


def blocks_of(session: Session, *, live: bool = False) -> list[dict[str, Any]]:
    return Timeline(*read_journal(session), live=live).as_data()["blocks"]


def items(blocks: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [item for block in blocks for item in block["items"] if item["kind"] == kind]


# ---- the command


def test_it_writes_one_private_file_and_prints_its_path(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = eventful(home)
    assert main(["replay", "last"]) == 0
    path = session.folder / "replay.html"
    assert capsys.readouterr().out.strip() == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in session.folder.iterdir() if "replay" in p.name) == ["replay.html"]


def test_it_writes_where_it_is_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eventful(home)
    target = tmp_path / "look back.html"
    assert main(["replay", "last", "-o", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(target)}
    assert target.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("target", ["", "missing/folder/replay.html"])
def test_a_place_that_cannot_be_written_is_one_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    eventful(home)
    assert main(["replay", "last", "-o", str(tmp_path / target)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "--output" in said


def test_an_empty_journal_is_one_line(home: Path) -> None:
    session = eventful(home)
    session.events.write_bytes(b"")
    with pytest.raises(UserFault, match="is empty"):
        write_replay(session)


def test_each_picture_is_in_the_page_once(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    for number in range(6):
        story.step(draw(number % 2), {"type": "click", "x": 5, "y": 5})
    text = write_replay(story.end()).read_text()
    assert len(re.findall(r'<script type="text/plain" id="image-\d+">', text)) == 2


def test_nothing_in_it_points_outside(home: Path) -> None:
    text = write_replay(eventful(home)).read_text()
    outside = {url for url in re.findall(r"https?://[^\s\"'<>]+", text) if url != "http://www.w3.org/2000/svg"}
    assert not outside
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"\son\w+\s*=\s*[\"']", text), "no inline event handler"


def test_json_for_a_script_element_is_inert() -> None:
    text = safe_json({HOSTILE: [HOSTILE]})
    assert text.isascii() and not set("<>&") & set(text)
    assert json.loads(text) == {HOSTILE: [HOSTILE]}


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


def test_any_line_may_be_missing(home: Path) -> None:
    session = eventful(home)
    entries, _ = read_journal(session)
    for missing in range(len(entries)):
        data = Timeline([e for e in entries if e is not entries[missing]], [], live=False).as_data()
        assert data["blocks"]
    for entry in entries:
        Timeline([entry], [], live=False).as_data()


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


def test_a_resumed_session_closes_the_turn_that_was_open(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    call = story.answer({"type": "click", "x": 9, "y": 9})
    image = story.look(draw(2))
    events: list[Event] = [SessionResumed(), CallAnswered(call.id, "screen", image), TurnEnded(1, 4.0, 1.0)]
    story.write(*events, NoteAdded("This is the screen now.", image))
    story.answer(words="Done.", final=True)
    blocks = blocks_of(story.end())
    turns = [block for block in blocks if block["kind"] == "turn"]
    assert [(turn["turn"], turn["seconds"]) for turn in turns] == [(1, 4.0), (2, None)]
    assert turns[1]["views"][0] == {"image": 1, "label": "seen", "marks": []}


# ---- the fold


def test_points_belong_to_the_picture_before_the_answer(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    story.step(draw(2), {"type": "click", "x": 1, "y": 2}, {"type": "click", "x": SIZE[0], "y": 2})
    story.step(draw(3), {"type": "move", "x": 3, "y": 4})
    first, second = (block for block in blocks_of(story.end()) if block["kind"] == "turn")
    assert [(view["label"], view["image"]) for view in first["views"]] == [("seen", 0), ("result", 1)]
    assert [mark["points"] for mark in first["views"][0]["marks"]] == [[(1, 2)]], "outside is not drawn"
    assert second["views"][0]["image"] == 1
    assert second["views"][0]["marks"] == [{"number": 1, "kind": "move", "points": [(3, 4)]}]


def test_streamed_words_are_told_once(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    story.answer(words="Hello there, I begin.", thought="I think about it.")
    blocks = blocks_of(story.end())
    assert [item["text"] for item in items(blocks, "words")] == ["Hello there, I begin."]
    assert [item["text"] for item in items(blocks, "thought")] == ["I think about it."]


def test_reasoning_that_was_not_streamed_is_found_in_the_answer(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    output = ({"type": "reasoning", "summary": [{"text": "First."}, "?", {"text": "Then."}]}, {"type": "reasoning"})
    story.write(TurnStarted(1, 1), ModelAnswered(1, "r", output, (), "Yes.", True, Usage(), 1.0))
    assert [item["text"] for item in items(blocks_of(story.end()), "thought")] == ["First.\n\nThen."]


def test_a_withdrawn_answer_is_struck_out(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    story.answer({"type": "keypress", "keys": ["ctrl", "s"]}, words="I save it.")
    story.write(ModelDropped(1, "not approved", "I save it.", withdrawn=True))
    blocks = blocks_of(story.end("stopped", "by the user"))
    assert [item["dropped"] for item in items(blocks, "words") + items(blocks, "actions")] == [True, True]


def test_receipts_follow_their_correction(home: Path) -> None:
    (steer,) = items(blocks_of(eventful(home)), "steer")
    assert steer["text"] == "Please use euros, not dollars."
    assert [receipt["name"] for receipt in steer["receipts"]] == ["queued", "delivered", "applied"]
    story = Story(home)
    story.write(SteerApplied("lost", 3))
    assert [item["receipts"][0]["name"] for item in items(blocks_of(story.end()), "steer")] == ["applied"]


def test_time_in_a_pause_does_not_count(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = iter(f"2026-11-21T07:00:{second:02}.000Z" for second in (0, 1, 3, 13, 14, 14))
    monkeypatch.setattr("agent.journal._now", lambda: next(stamps))
    from agent.events import Paused, Unpaused

    story = Story(home)
    story.write(Paused(), Unpaused(), NoteAdded("on"))
    session = story.end()
    assert Timeline(*read_journal(session), live=False).as_data()["seconds"] == 4.0
