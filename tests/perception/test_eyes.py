"""Eyes on real X servers, with real programs painting."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from actuators.xlibfix import open_display
from perception.errors import ScreenLost
from perception.eyes import Eyes, open_eyes
from perception.screenshot import Region, Screenshot, Space
from tests.perception.painter import BLACK, BLUE, GREEN, RED, Painter, meanwhile, painter
from tests.support.xserver import xserver, xvfb

pytestmark = pytest.mark.alone

WIDTH, HEIGHT = 800, 600
SLACK = 0.15  # seconds that a busy machine may add
AT_ONCE = 0.05 + SLACK
LARGE, SMALL, CARET = Region(100, 100, 400, 300), Region(600, 20, 24, 24), Region(50, 500, 1, 15)


@contextmanager
def _watching(*, extra: tuple[str, ...] = ()) -> Generator[tuple[Eyes, Painter], None, None]:
    """Eyes that have looked, on a screen of a program."""
    with (
        xserver(WIDTH, HEIGHT, *extra) as server,
        painter(server.display) as program,
        open_eyes(server.display) as eyes,
    ):
        eyes.look()
        yield eyes, program


def _picture(screenshot: Screenshot) -> Image.Image:
    return Image.open(io.BytesIO(screenshot.image)).convert("RGB")


def _timed(began: float) -> float:
    return time.monotonic() - began


def test_a_still_screen_is_seen_at_once() -> None:
    with xvfb(WIDTH, HEIGHT) as display, painter(display), open_eyes(display) as eyes:
        assert (eyes.region, eyes.notes) == (Region(0, 0, WIDTH, HEIGHT), ())
        first = eyes.look()
        assert first.space == Space(eyes.region, WIDTH, HEIGHT)
        assert (first.settled, first.moving, first.changed, first.media_type) == (True, None, 1.0, "image/png")
        assert abs(first.taken_at - time.time()) < 5
        began = time.monotonic()
        second = eyes.look()
        assert _timed(began) < AT_ONCE
        assert (second.sha256, second.changed, second.settled) == (first.sha256, 0.0, True)


def test_what_changed_long_ago_is_no_reason_to_wait() -> None:
    with _watching() as (eyes, program):
        program.paint(LARGE)
        began = time.monotonic()
        seen = eyes.look()
        assert _timed(began) < AT_ONCE
        assert seen.changed == pytest.approx(400 * 300 / (WIDTH * HEIGHT))
        assert _picture(seen).getpixel((200, 200)) == (255, 0, 0)


def _learn(eyes: Eyes, times: int = 2) -> None:
    """Let the eyes see that an input has no effect."""
    for _ in range(times):
        eyes.mark()
        assert eyes.settle().seconds >= 0.9


def test_an_input_without_effect_soon_costs_no_more_than_the_time_to_react() -> None:
    with _watching() as (eyes, _):
        _learn(eyes)
        eyes.mark()
        settled = eyes.settle()
        assert settled.settled
        assert 0.05 <= settled.seconds < 0.15 + SLACK
        began = time.monotonic()
        assert eyes.look().changed == 0
        assert _timed(began) < AT_ONCE


def test_the_picture_shows_the_end_of_what_an_input_began() -> None:
    colours = [RED, GREEN, BLUE] * 3
    with _watching() as (eyes, program):
        eyes.mark()
        # Between the mark and the look is where a slow input would be: what happens meanwhile is not lost.
        shown = iter(colours)
        with meanwhile(lambda _: program.paint(LARGE, next(shown, BLUE)), every=0.06):
            seen = eyes.look()
        assert seen.settled
        assert _picture(seen).getpixel((200, 200)) == (0, 0, 255)


def test_repainting_the_same_is_no_change() -> None:
    with _watching() as (eyes, program), meanwhile(lambda _: program.paint(LARGE, BLACK), every=0.02):
        _learn(eyes)
        eyes.mark()
        settled = eyes.settle()
        assert settled.settled
        assert settled.seconds < 0.15 + 2 * SLACK


def test_a_blinking_caret_holds_nothing_up_and_is_no_change() -> None:
    colours = cycle([RED, BLACK])
    with _watching() as (eyes, program), meanwhile(lambda _: program.paint(CARET, next(colours)), every=0.02):
        for _ in range(3):
            eyes.mark()
            seen = eyes.look()
            assert (seen.settled, seen.changed) == (True, 0.0)
        assert not eyes.wait_for_change(0.3)


def test_a_spinner_is_recognised() -> None:
    colours = cycle([RED, GREEN, BLUE])
    with _watching() as (eyes, program), meanwhile(lambda _: program.paint(SMALL, next(colours)), every=0.02):
        eyes.mark()
        first = eyes.settle()
        assert first.settled
        assert 0.6 <= first.seconds < 1.0 + 2 * SLACK
        _learn(eyes, 1)
        eyes.mark()
        second = eyes.settle()
        assert second.settled
        assert second.seconds < 0.15 + 2 * SLACK
        assert not eyes.wait_for_change(0.3)


def test_what_keeps_moving_is_named_at_the_cap() -> None:
    colours = cycle([RED, GREEN, BLUE])
    with _watching() as (eyes, program), meanwhile(lambda _: program.paint(LARGE, next(colours)), every=0.02):
        eyes.mark()
        settled = eyes.settle(cap=0.5)
        assert (settled.settled, settled.moving, settled.responding) == (False, LARGE, True)
        assert 0.5 <= settled.seconds < 0.5 + SLACK
        seen = eyes.look(cap=0.3)
        assert (seen.settled, seen.moving) == (False, LARGE)


def test_a_film_holds_up_the_first_look_for_a_while_and_others_not_at_all() -> None:
    colours = cycle([RED, GREEN, BLUE])
    with _watching() as (eyes, program), meanwhile(lambda _: program.paint(LARGE, next(colours)), every=0.02):
        eyes.mark()
        first = eyes.settle()
        assert (first.settled, first.moving, first.responding) == (False, LARGE, True)
        assert 1.4 <= first.seconds < 3.0
        eyes.look()
        eyes.mark()
        began = time.monotonic()
        seen = eyes.look()
        assert (seen.settled, seen.moving) == (False, LARGE)
        assert _timed(began) < 1.0 + SLACK


def test_what_changes_after_the_picture_is_told() -> None:
    with _watching() as (eyes, program):
        assert eyes.late() is None
        program.paint(CARET)
        assert eyes.late() is None
        began = time.monotonic()
        time.sleep(0.3)
        program.paint(LARGE)
        time.sleep(0.3)
        late = eyes.late()
        assert late is not None
        assert late.place == LARGE
        assert late.share == pytest.approx(400 * 300 / (WIDTH * HEIGHT))
        assert late.after is not None
        assert 0.25 < late.after < _timed(began) - 0.2
        assert eyes.look().changed == pytest.approx(late.share, rel=1e-3)
        assert eyes.late() is None


def test_the_known_frame_is_that_of_the_mark_and_of_the_end_of_the_wait() -> None:
    with _watching() as (eyes, program):
        eyes.mark()
        before = eyes.frame
        program.paint(LARGE)
        eyes.settle()
        assert tuple(before[200, 200, :3]) == (0, 0, 0)
        assert tuple(eyes.frame[200, 200, :3]) == (0, 0, 255)


def test_a_pointer_that_asks_to_wait_is_heeded() -> None:
    with _watching() as (eyes, program):
        _learn(eyes)
        program.show_cursor("watch")
        eyes.mark()
        threading.Timer(0.6, program.show_cursor, ["left_ptr"]).start()
        assert 0.55 <= eyes.settle().seconds < 0.9 + SLACK


def test_a_large_screen_is_scaled_and_what_moves_is_told_in_its_pixels() -> None:
    part, colours = Region(1001, 401, 801, 401), cycle([RED, GREEN])
    with (
        xvfb(2000, 1000) as display,
        painter(display) as program,
        open_eyes(display, max_size=(1000, 1000)) as eyes,
        meanwhile(lambda _: program.paint(part, next(colours)), every=0.02),
    ):
        eyes.mark()
        seen = eyes.look(cap=0.4)
    assert seen.space == Space(Region(0, 0, 2000, 1000), 1000, 500)
    assert _picture(seen).size == (1000, 500)
    assert seen.moving == Region(500, 200, 401, 201)


def test_waiting_for_a_change() -> None:
    with _watching() as (eyes, program):
        began = time.monotonic()
        assert not eyes.wait_for_change(0.3)
        assert 0.3 <= _timed(began) < 0.3 + SLACK
        began = time.monotonic()
        threading.Timer(0.2, program.paint, [SMALL]).start()
        assert eyes.wait_for_change(5.0)
        assert _timed(began) < 0.2 + SLACK


def test_after_a_change_that_was_waited_for_the_rest_is_waited_for_too() -> None:
    with _watching() as (eyes, program):
        shown = iter([RED, GREEN, BLUE] * 3)
        with meanwhile(lambda _: program.paint(LARGE, next(shown, BLUE)), every=0.06):
            assert eyes.wait_for_change(2.0)
            assert _picture(eyes.look()).getpixel((200, 200)) == (0, 0, 255)


@pytest.mark.parametrize("call", ["settle", "look", "wait_for_change"])
def test_every_call_can_be_interrupted(call: str) -> None:
    colours = cycle([BLACK] if call == "wait_for_change" else [RED, GREEN, BLUE])
    with _watching() as (eyes, program), meanwhile(lambda _: program.paint(LARGE, next(colours)), every=0.02):
        interrupted: list[float] = []

        def interrupt() -> None:
            interrupted.append(time.monotonic())
            eyes.interrupt()

        eyes.mark()
        threading.Timer(0.4, interrupt).start()
        result: Any = getattr(eyes, call)(20.0)
        assert _timed(interrupted[0]) < AT_ONCE
        assert not getattr(result, "settled", result)


def test_an_interrupt_that_comes_too_early_counts_for_one_call() -> None:
    with _watching() as (eyes, _):
        eyes.interrupt()
        began = time.monotonic()
        assert not eyes.wait_for_change(5.0)
        assert _timed(began) < AT_ONCE
        assert eyes.look().settled
        eyes.interrupt()
        eyes.mark()  # the user has let the work go on
        assert eyes.settle().settled


def test_a_busy_program_is_waited_for() -> None:
    with _watching() as (eyes, program):
        program.promise_answers()

        def work(second: float) -> None:
            if second > 0.5:
                program.answer()
                program.paint(LARGE, BLUE)

        eyes.mark()
        with meanwhile(work, every=0.01):
            seen = eyes.look()
        assert seen.settled
        assert _picture(seen).getpixel((200, 200)) == (0, 0, 255)


def test_a_program_that_stops_answering_is_told_from_one_that_is_done() -> None:
    with _watching() as (eyes, program):
        program.promise_answers()
        with meanwhile(lambda _: program.answer(), every=0.01):
            eyes.mark()
            assert eyes.settle().responding
        eyes.mark()
        settled = eyes.settle(cap=0.5)
        assert (settled.settled, settled.moving, settled.responding) == (False, None, False)


def test_a_program_that_has_never_answered_costs_its_patience_once() -> None:
    with _watching() as (eyes, program):
        program.promise_answers()
        eyes.mark()
        first = eyes.settle()
        assert first.settled
        assert first.seconds > 1.5
        _learn(eyes, 1)
        eyes.mark()
        assert eyes.settle().seconds < 0.15 + SLACK


def test_a_server_without_damage_is_watched_by_comparing_frames() -> None:
    with _watching(extra=("-extension", "DAMAGE")) as (eyes, program):
        assert len(eyes.notes) == 1
        assert "DAMAGE" in eyes.notes[0]
        eyes.mark()
        shown = iter([RED, GREEN, BLUE] * 3)
        with meanwhile(lambda _: program.paint(LARGE, next(shown, BLUE)), every=0.06):
            seen = eyes.look()
        assert seen.settled
        assert _picture(seen).getpixel((200, 200)) == (0, 0, 255)
        assert eyes.look().changed == 0
        threading.Timer(0.1, program.paint, [SMALL]).start()
        assert eyes.wait_for_change(3.0)


@pytest.mark.parametrize("extra", [(), ("-extension", "DAMAGE")])
def test_a_screen_that_changes_its_size_is_seen_in_its_new_size(extra: tuple[str, ...]) -> None:
    with xserver(WIDTH, HEIGHT, *extra) as server, open_eyes(server.display) as eyes:
        assert eyes.look().space.width == WIDTH
        connection: Any = open_display(server.display)
        root = connection.screen().root
        resources = root.xrandr_get_screen_resources()
        connection.xrandr_set_crtc_config(resources.crtcs[0], resources.config_timestamp, 0, 0, 0, 1, [])
        for width, height in ((640, 480), (WIDTH, HEIGHT), (320, 200)):
            eyes.mark()
            root.xrandr_set_screen_size(width, height, 300, 200)
            connection.sync()
            seen = eyes.look()
            assert seen.space == Space(Region(0, 0, width, height), width, height)
            assert eyes.region == seen.space.region
            assert seen.changed == 1.0
        connection.close()


@pytest.mark.parametrize("call", ["settle", "look", "wait_for_change", "mark"])
def test_a_server_that_is_killed(call: str) -> None:
    with xserver(WIDTH, HEIGHT) as server, open_eyes(server.display) as eyes:
        eyes.look()
        if call == "mark":
            server.kill()
            server.wait()
        else:
            eyes.mark()
            threading.Timer(0.05, server.kill).start()
        began = time.monotonic()
        with pytest.raises(ScreenLost) as caught:
            getattr(eyes, call)()
        assert "\n" not in str(caught.value)
        assert _timed(began) < 2.0
        with pytest.raises(ScreenLost):
            eyes.look()


def test_a_display_that_does_not_exist() -> None:
    with pytest.raises(ScreenLost, match=":98765"):
        open_eyes(":98765")


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_closing_ends_the_call_under_way_and_leaves_nothing_open() -> None:
    with xvfb(WIDTH, HEIGHT) as display:
        open_eyes(display).close()
        before = _open_files()
        eyes = open_eyes(display)
        threading.Timer(0.2, eyes.close).start()
        began = time.monotonic()
        assert not eyes.wait_for_change(10.0)
        assert _timed(began) < 0.2 + AT_ONCE
        eyes.close()
        eyes.interrupt()
        with pytest.raises(ScreenLost, match="closed"):
            eyes.look()
        assert _open_files() == before
