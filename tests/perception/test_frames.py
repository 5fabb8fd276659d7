"""Comparing frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perception import frames
from perception.frames import CARET_HEIGHT, CARET_WIDTH, Frame
from perception.screenshot import Region

WIDTH, HEIGHT = 200, 120


def _blank() -> Frame:
    return np.zeros((HEIGHT, WIDTH, 4), np.uint8)


def _with(*regions: Region, value: tuple[int, int, int, int] = (0, 0, 255, 0)) -> Frame:
    frame = _blank()
    for region in regions:
        frames.cut(frame, region)[:] = value
    return frame


@st.composite
def _regions(draw: st.DrawFn) -> Region:
    left, top = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    return Region(left, top, draw(st.integers(1, WIDTH - left)), draw(st.integers(1, HEIGHT - top)))


@given(_regions())
def test_one_change_is_found_to_the_pixel(region: Region) -> None:
    assert frames.changes(_blank(), _with(region)) == (region,)
    expected = 0.0 if frames.is_caret(region) else region.width * region.height / (WIDTH * HEIGHT)
    assert frames.share_changed(_blank(), _with(region)) == pytest.approx(expected)


@given(_regions(), _regions())
def test_every_changed_pixel_lies_in_a_reported_change(one: Region, other: Region) -> None:
    found = frames.changes(_blank(), _with(one, other))
    assert frames.bounding(found) == frames.bounding([one, other])
    rest = _with(one, other)
    for change in found:
        frames.cut(rest, change)[:] = 0
    assert not rest.any()


def test_neighbours_are_one_change_and_distant_ones_are_not() -> None:
    near = _with(Region(10, 10, 2, 12), Region(16, 10, 2, 12))
    far = _with(Region(10, 10, 2, 12), Region(60, 10, 2, 12))
    assert frames.changes(_blank(), near) == (Region(10, 10, 8, 12),)
    assert set(frames.changes(_blank(), far)) == {Region(10, 10, 2, 12), Region(60, 10, 2, 12)}


def test_the_fourth_channel_means_nothing() -> None:
    assert frames.changes(_blank(), _with(Region(0, 0, 50, 50), value=(0, 0, 0, 255))) == ()


def test_a_caret_is_left_out_of_the_share_and_a_typed_letter_is_not() -> None:
    caret = Region(40, 40, CARET_WIDTH, CARET_HEIGHT)
    button = Region(100, 40, 20, 20)
    assert frames.share_changed(_blank(), _with(caret)) == 0
    assert frames.share_changed(_blank(), _with(caret, button)) == pytest.approx(400 / (WIDTH * HEIGHT))
    # The letter l, narrow as a caret, between where the caret was and where it is now.
    before, after = _with(Region(40, 40, 1, 15)), _with(Region(40, 42, 2, 11), Region(45, 40, 1, 15))
    assert frames.share_changed(before, after) > 0


def test_frames_of_different_sizes_have_nothing_in_common() -> None:
    assert frames.share_changed(_blank(), _blank()[:-1]) == 1


@given(_regions(), _regions())
def test_the_overlap_is_what_both_contain(one: Region, other: Region) -> None:
    common = _with(one) & _with(other)
    shared = frames.overlap(one, other)
    assert np.count_nonzero(common) == (0 if shared is None else shared.width * shared.height)
    if shared is not None:
        assert frames.cut(common, shared)[:, :, 2].all()


def _noise(seed: int) -> Frame:
    return np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 4), np.uint8)


@pytest.mark.parametrize("lines", [-30, -1, 1, 30])
def test_what_has_moved_up_or_down_has_scrolled(lines: int) -> None:
    assert frames.has_scrolled(_noise(1), np.roll(_noise(1), lines, axis=0))


def test_other_pictures_have_not_scrolled() -> None:
    assert not frames.has_scrolled(_noise(1), _noise(2))
    assert not frames.has_scrolled(_noise(1), _noise(1))
    assert not frames.has_scrolled(_blank(), _with(Region(10, 10, 50, 50)))


def test_plain_frames() -> None:
    assert frames.is_plain(_blank())
    assert not frames.is_plain(_with(Region(10, 10, 1, 1)))


@given(_regions())
def test_changed_pixels_are_counted(region: Region) -> None:
    assert frames.count_changed(_blank(), _with(region)) == region.width * region.height
