"""Whether a screenshot still shows what an earlier one showed."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from perception.compare import still_the_same
from perception.screenshot import Region, Screenshot, Space

WIDTH, HEIGHT = 800, 600


def shot(*spots: tuple[int, int, int, int], moving: Region | None = None, width: int = WIDTH) -> Screenshot:
    picture = np.full((HEIGHT, width, 3), 90, np.uint8)
    for left, top, w, h in spots:
        picture[top : top + h, left : left + w] = 255
    image = bytes(cv2.imencode(".png", picture)[1])
    return Screenshot(image, "image/png", Space(Region(0, 0, width, HEIGHT), width, HEIGHT), time.time(), moving=moving)


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (shot(), True),
        (shot((300, 300, 1, 15)), True),  # a caret, at the very place
        (shot((310, 310, 12, 12)), False),  # some pixels beside the target
        (shot((700, 20, 12, 12)), True),  # a clock
        (shot((500, 100, 150, 12)), False),  # a line of text elsewhere
        (shot((500, 100, 150, 12), moving=Region(490, 90, 200, 40)), True),  # a film elsewhere
        (shot((310, 310, 12, 12), moving=Region(250, 250, 100, 100)), False),  # a film under the target
        (shot(width=900), False),
    ],
)
def test_what_counts_as_changed(now: Screenshot, same: bool) -> None:
    assert still_the_same(shot(), now, [(300, 300)]) is same


def test_on_the_users_own_screen_what_is_far_away_may_change() -> None:
    terminal = shot((20, 20, 150, 40))
    assert not still_the_same(shot(), terminal, [(600, 450)])
    assert still_the_same(shot(), terminal, [(600, 450)], shared=True)
    assert still_the_same(shot(), terminal, [], shared=True)  # keys: the stale guard knows the window in front
    assert not still_the_same(shot(), shot((500, 250, 150, 12)), [(600, 450)], shared=True)
    assert not still_the_same(shot(), shot((610, 460, 12, 12)), [(600, 450)], shared=True)


def test_without_a_point_the_whole_picture_counts() -> None:
    assert still_the_same(shot(), shot((310, 310, 12, 12)), [])
    assert not still_the_same(shot(), shot((310, 310, 120, 12)), [])


def test_points_at_the_edge() -> None:
    assert still_the_same(shot(), shot((700, 20, 12, 12)), [(0, 0), (WIDTH - 1, HEIGHT - 1), (5000, 5000)])
