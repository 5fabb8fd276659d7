"""Points of an image and of the screen behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actuators.actions import Point
from perception.encode import fitted
from perception.errors import OffImage
from perception.screenshot import Region, Space

_sizes = st.tuples(st.integers(1, 8000), st.integers(1, 8000))
_origins = st.tuples(st.integers(-8000, 8000), st.integers(-8000, 8000))


@st.composite
def _spaces(draw: st.DrawFn, *, downscaled: bool = True) -> Space:
    width, height = draw(_sizes)
    image = fitted((width, height), draw(_sizes)) if downscaled else draw(_sizes)
    return Space(Region(*draw(_origins), width, height), *image)


@st.composite
def _spaces_and_pixels(draw: st.DrawFn) -> tuple[Space, int, int]:
    space = draw(_spaces())
    return space, draw(st.integers(0, space.width - 1)), draw(st.integers(0, space.height - 1))


@given(_spaces_and_pixels())
def test_a_pixel_of_a_downscaled_image_goes_to_the_screen_and_back(given: tuple[Space, int, int]) -> None:
    space, x, y = given
    point = space.to_screen(x, y)
    assert space.region.contains(point.x, point.y)
    assert space.to_image(point) == Point(x, y)


@given(_spaces(), st.data())
def test_a_point_of_the_screen_is_found_within_one_image_pixel(space: Space, data: st.DataObject) -> None:
    region = space.region
    point = Point(
        data.draw(st.integers(region.left, region.right - 1)), data.draw(st.integers(region.top, region.bottom - 1))
    )
    seen = space.to_image(point)
    back = space.to_screen(seen.x, seen.y)
    assert abs(back.x - point.x) * space.width <= region.width
    assert abs(back.y - point.y) * space.height <= region.height


@given(_spaces(downscaled=False), st.integers(-9000, 9000), st.integers(-9000, 9000))
def test_a_pixel_off_the_image_is_an_error_never_clamped(space: Space, x: int, y: int) -> None:
    if 0 <= x < space.width and 0 <= y < space.height:
        assert space.region.contains(space.to_screen(x, y).x, space.to_screen(x, y).y)
    else:
        with pytest.raises(OffImage, match=f"{space.width}×{space.height}"):
            space.to_screen(x, y)


@given(_spaces(downscaled=False), st.integers(-17000, 17000), st.integers(-17000, 17000))
def test_a_point_that_the_image_does_not_show_is_an_error(space: Space, x: int, y: int) -> None:
    if not space.region.contains(x, y):
        with pytest.raises(OffImage):
            space.to_image(Point(x, y))


@given(_spaces(), st.integers(1, 4), st.data())
def test_a_picture_of_more_pixels_than_points_shows_every_point(space: Space, scale: int, data: st.DataObject) -> None:
    """HiDPI on macOS: the picture has two pixels or more for each point, in both directions."""
    region = space.region
    sharp = Space(region, region.width * scale, region.height * scale)
    x, y = data.draw(st.integers(0, sharp.width - 1)), data.draw(st.integers(0, sharp.height - 1))
    assert sharp.to_screen(x, y) == Point(region.left + x // scale, region.top + y // scale)
    point = sharp.to_screen(x, y)
    seen = sharp.to_image(point)
    assert sharp.to_screen(seen.x, seen.y) == point


def test_a_monitor_to_the_left_of_and_above_the_main_one() -> None:
    space = Space(Region(-1920, -200, 1920, 1080), 960, 540)
    assert space.to_screen(0, 0) == Point(-1919, -199)
    assert space.to_screen(959, 539) == Point(-1, 879)
    assert space.to_image(Point(-1, 879)) == Point(959, 539)
    with pytest.raises(OffImage):
        space.to_image(Point(0, 0))
