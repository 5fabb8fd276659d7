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
