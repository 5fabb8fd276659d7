"""Finding pictures and colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from perception.errors import CannotRead
from perception.find import Picture, decode, find_colour, find_picture, whole
from perception.frames import overlap
from perception.screenshot import Region


def desk(width: int = 400, height: int = 300) -> Picture:
    """Noise that looks like nothing."""
    return np.random.default_rng(7).integers(90, 110, (height, width, 3)).astype(np.uint8)


def badge(size: int = 24) -> Picture:
    """A small picture with a shape of its own."""
    picture = np.full((size, size, 3), 230, np.uint8)
    cv2.circle(picture, (size // 3, size // 2), size // 4, (40, 40, 200), -1)
    cv2.line(picture, (0, 0), (size - 1, size // 2), (0, 0, 0), 2)
    return picture


def put(picture: Picture, part: Picture, left: int, top: int) -> None:
    picture[top : top + part.shape[0], left : left + part.shape[1]] = part


def test_a_picture_is_found_where_it_is() -> None:
    picture = desk()
    put(picture, badge(), 211, 87)
    found = find_picture(picture, badge())
    assert found is not None
    assert found.region == Region(211, 87, 24, 24)
    assert found.confidence > 0.99
    assert found.runner_up < 0.8


@pytest.mark.parametrize("scale", [0.8, 1.25, 1.5, 2.0])
def test_a_picture_of_another_size_is_found(scale: float) -> None:
    picture, side = desk(), round(24 * scale)
    put(picture, cv2.resize(badge(), (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8), 100, 60)
    found = find_picture(picture, badge())
    assert found is not None
    assert abs(found.region.center.x - (100 + side // 2)) <= 2
    assert abs(found.region.center.y - (60 + side // 2)) <= 2


def test_what_is_not_there_is_not_found() -> None:
    assert find_picture(desk(), badge()) is None


def test_it_is_not_found_outside_the_region() -> None:
    picture = desk()
    put(picture, badge(), 300, 200)
    assert find_picture(picture, badge(), region=Region(0, 0, 200, 200)) is None
    found = find_picture(picture, badge(), region=Region(250, 150, 150, 150))
    assert found is not None
    assert (found.region.left, found.region.top) == (300, 200)


def test_two_of_them_are_told_by_the_runner_up() -> None:
    picture = desk()
    put(picture, badge(), 40, 40)
    put(picture, badge(), 240, 180)
    found = find_picture(picture, badge())
    assert found is not None
    assert found.runner_up > 0.95


def test_a_picture_larger_than_the_screen_is_not_found() -> None:
    assert find_picture(desk(60, 40), badge(80), scales=(1.0,)) is None


def test_a_region_off_the_picture_holds_nothing() -> None:
    assert find_picture(desk(), badge(), region=Region(500, 0, 50, 50)) is None
    assert find_colour(desk(), (255, 0, 0), region=Region(-60, -60, 50, 50)) is None


def test_one_flat_colour_cannot_be_looked_for() -> None:
    with pytest.raises(CannotRead, match="flat"):
        find_picture(desk(), np.full((20, 20, 3), 128, np.uint8))


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 20, 3), (20, 0, 3)])
def test_a_picture_without_pixels_cannot_be_looked_for(shape: tuple[int, int, int]) -> None:
    with pytest.raises(CannotRead, match="without pixels"):
        find_picture(desk(), np.zeros(shape, np.uint8))


def test_nothing_is_found_on_a_screen_without_pixels() -> None:
    assert find_picture(np.zeros((0, 0, 3), np.uint8), badge()) is None
    assert find_colour(np.zeros((0, 0, 3), np.uint8), (255, 0, 0)) is None


@pytest.mark.parametrize("shape", [(900, 20), (20, 900), (900, 900)])
def test_a_picture_larger_than_the_screen_is_not_found_at_any_scale(shape: tuple[int, int]) -> None:
    large = np.random.default_rng(3).integers(0, 255, (*shape, 3)).astype(np.uint8)
    assert find_picture(desk(), large) is None


def test_the_largest_patch_of_a_colour_is_found() -> None:
    picture = desk()
    picture[10:20, 10:20] = (14, 66, 255)  # blue first
    picture[100:140, 200:230] = (14, 66, 255)
    found = find_colour(picture, (255, 66, 14))
    assert found is not None
    assert found.region == Region(200, 100, 30, 40)
    assert found.confidence == 1.0
    assert 0 < found.runner_up < 0.1


def test_too_little_of_a_colour_is_not_found() -> None:
    picture = desk()
    picture[10:19, 10:20] = (14, 66, 255)
    assert find_colour(picture, (255, 66, 14), min_pixels=91) is None
    assert find_colour(picture, (255, 66, 14), min_pixels=90) is not None
    assert find_colour(picture, (255, 120, 14), min_pixels=1) is None


def test_encoded_pictures_are_read_and_junk_is_not() -> None:
    picture = desk()
    assert np.array_equal(decode(cv2.imencode(".png", picture)[1].tobytes()), picture)
    for junk in (b"", b"not a picture"):
        with pytest.raises(CannotRead):
            decode(junk)


def test_clipping() -> None:
    assert whole(desk(40, 30)) == Region(0, 0, 40, 30)
    assert overlap(Region(-5, -5, 20, 20), Region(0, 0, 40, 30)) == Region(0, 0, 15, 15)
    assert overlap(Region(40, 0, 5, 5), Region(0, 0, 40, 30)) is None
