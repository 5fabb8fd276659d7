"""With OpenCV and without it the eyes see the same: regions, counts and pictures."""

from __future__ import annotations

from functools import partial
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from perception import frames, pixels
from perception.find import decode
from perception.stale import has_changed

SIZES = st.tuples(st.integers(1, 60), st.integers(1, 60))
SEEDS = st.integers(0, 2**32 - 1)
without_opencv = partial(patch.object, pixels, "has_opencv", lambda: False)


def noise(seed: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@settings(deadline=None)
@given(SIZES, SEEDS, st.sampled_from([0.002, 0.01, 0.05, 0.3, 1.0]), st.integers(0, 5))
def test_same_groups(size: tuple[int, int], seed: int, density: float, join: int) -> None:
    mask = (np.random.default_rng(seed).random(size) < density).astype(np.uint8) * 255
    mask[seed % size[0], seed % size[1]] = 255
    assert sorted(pixels.groups_by_numpy(mask, join)) == sorted(pixels.groups(mask, join))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 79), st.integers(0, 59), st.integers(1, 12), st.integers(1, 70)), max_size=6))
def test_same_changes(boxes: list[tuple[int, int, int, int]]) -> None:
    before = np.zeros((60, 80, 4), np.uint8)
    after = before.copy()
    for left, top, width, height in boxes:
        after[top : top + height, left : left + width] ^= 0x3C
    found = frames.changes(before, after), frames.share_changed(before, after), frames.count_changed(before, after)
    with without_opencv():
        again = frames.changes(before, after), frames.share_changed(before, after), frames.count_changed(before, after)
    assert (sorted(map(str, found[0])), *found[1:]) == (sorted(map(str, again[0])), *again[1:])


@settings(deadline=None)
@given(SEEDS)
def test_same_doubts(seed: int) -> None:
    before, after = noise(seed, (40, 50, 4)), noise(seed, (40, 50, 4))
    after[10:20, 10:20] += 5 + seed % 8
    found = has_changed(before, after, 15, 15), pixels.most_apart(before, after)
    with without_opencv():
        again = has_changed(before, after, 15, 15), pixels.most_apart(before, after)
    assert found[0] == again[0] and np.array_equal(found[1], again[1])


@settings(max_examples=20, deadline=None)
@given(SIZES, SEEDS)
def test_same_colours_in_png(size: tuple[int, int], seed: int) -> None:
    frame = noise(seed, (*size, 4))
    for data in (pixels.png(frame, (size[1], size[0])), pixels.png_by_pillow(frame, (size[1], size[0]))):
        assert np.array_equal(decode(data), frame[:, :, :3])


def test_scaled_alike() -> None:
    frame = np.repeat(np.repeat(noise(7, (40, 60, 4)), 4, axis=0), 4, axis=1)
    one, other = (decode(data) for data in (pixels.png(frame, (60, 40)), pixels.png_by_pillow(frame, (60, 40))))
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 1
