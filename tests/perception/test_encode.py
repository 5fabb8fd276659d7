"""Frames to bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from perception.encode import Encoder, encode, fitted
from perception.errors import ScreenLost
from perception.frames import Frame

_sides = st.integers(1, 10_000)


def _noise(width: int, height: int) -> Frame:
    return np.random.default_rng(7).integers(0, 256, (height, width, 4), np.uint8)


def _decoded(image: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(image))
    picture.load()
    return picture


def test_the_picture_is_lossless_and_loses_the_channel_that_means_nothing() -> None:
    frame = _noise(321, 123)
    encoded = encode(frame)
    assert (encoded.media_type, encoded.width, encoded.height) == ("image/png", 321, 123)
    picture = _decoded(encoded.image)
    assert (picture.format, picture.mode) == ("PNG", "RGB")
    assert np.array_equal(np.asarray(picture), frame[:, :, 2::-1])


@pytest.mark.parametrize("max_size", [(1920, 1080), (160, 90)])
def test_the_same_pixels_give_the_same_bytes(max_size: tuple[int, int]) -> None:
    frame, other = _noise(300, 200), _noise(300, 200)
    other[:, :, 3] = 255 - other[:, :, 3]
    assert encode(frame, max_size=max_size) == encode(other, max_size=max_size)


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        ((1920, 1080), (1920, 1080)),
        ((1280, 800), (1280, 800)),
        ((2560, 1440), (1920, 1080)),
        ((3840, 2160), (1920, 1080)),
        ((1080, 2160), (540, 1080)),
        ((5120, 1440), (1920, 540)),
    ],
)
def test_only_what_is_too_large_is_scaled(size: tuple[int, int], sent: tuple[int, int]) -> None:
    encoded = encode(np.zeros((size[1], size[0], 4), np.uint8))
    assert (encoded.width, encoded.height) == sent == _decoded(encoded.image).size


def test_scaling_averages_the_pixels() -> None:
    frame = np.zeros((100, 200, 4), np.uint8)
    frame[:, ::2] = (40, 80, 120, 0)  # every other column
    assert set(np.asarray(_decoded(encode(frame, max_size=(100, 50)).image)).reshape(-1, 3).max(axis=0)) == {60, 40, 20}


@given(_sides, _sides, _sides, _sides)
def test_a_fitted_size_fits_and_keeps_its_shape(width: int, height: int, most_wide: int, most_high: int) -> None:
    wide, high = fitted((width, height), (most_wide, most_high))
    assert 1 <= wide <= min(width, most_wide)
    assert 1 <= high <= min(height, most_high)
    assert abs(wide * height - high * width) <= max(width, height)  # half a pixel of rounding; one at the least size


def test_the_same_content_is_encoded_once() -> None:
    encoder = Encoder((160, 90))
    frame, other = _noise(300, 200), _noise(300, 200)
    other[:, :, 3] = 255 - other[:, :, 3]
    first = encoder.encode(frame)
    assert first == encode(frame, max_size=(160, 90))
    assert encoder.encode(other) is first and encoder.encode(frame) is first
    other = frame.copy()
    other[199, 299, 0] ^= 1
    assert encoder.encode(other) is not first
    assert encoder.encode(frame[:100]).height != first.height, "another size is another picture"
    assert encoder.encode(frame) == first


@pytest.mark.parametrize("shape", [(0, 0, 4), (0, 10, 4), (10, 0, 4)])
def test_a_picture_without_pixels(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ScreenLost, match=r"^[^\n]+without pixels[^\n]+$"):
        encode(np.zeros(shape, np.uint8))


def test_a_picture_can_be_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was begun ahead is what comes, and only for the same pixels."""
    frame, other = np.zeros((40, 50, 4), np.uint8), np.full((40, 50, 4), 200, np.uint8)
    made = Encoder()
    try:
        made.prepare(frame)
        made.prepare(frame)
        wanted = encode(frame).image
        with monkeypatch.context() as patched:
            patched.delattr("perception.encode.encode")  # it is not needed any more
            assert made.encode(frame.copy()).image == wanted
        made.prepare(other)
        assert made.encode(frame).image == encode(frame).image
        assert made.encode(other).image == encode(other).image
    finally:
        made.close()
