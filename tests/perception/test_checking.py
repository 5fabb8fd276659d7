"""Elements held against drawn pictures: right places are borne out, wrong ones are not."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from perception.checking import READ, STANDS, checked, stands
from perception.find import Picture
from perception.screenshot import Region, Space
from perception.tree import DOUBTFUL, TRUSTED, Element

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
SPACE = Space(Region(0, 0, 400, 200), 400, 200)
BUTTON, ICON, FIELD, MENU = (
    Region(20, 20, 90, 30),
    Region(150, 60, 36, 36),
    Region(20, 120, 200, 28),
    Region(250, 10, 50, 25),
)


@pytest.fixture(scope="module")
def picture() -> Picture:
    page = Image.new("RGB", (400, 200), "#f6f5f4")
    draw, font = ImageDraw.Draw(page), ImageFont.truetype(FONT, 13)
    draw.rectangle((20, 20, 109, 49), outline="#aaaaaa")
    draw.text((46, 27), "Close", fill="#2e3436", font=font)
    draw.ellipse((158, 68, 177, 87), fill="#3465a4")
    draw.rectangle((20, 120, 219, 147), outline="#888888", fill="#ffffff")
    draw.text((260, 14), "Edit", fill="#2e3436", font=font)
    return np.asarray(page)[:, :, ::-1].copy()


def thing(role: str, name: str, region: Region | None) -> Element:
    return Element("/x", "", 1, role, name, states=frozenset({"showing"}), region=region, confidence=TRUSTED)


@pytest.mark.parametrize(
    ("element", "confidence"),
    [
        (thing("push button", "Close", BUTTON), READ),
        (thing("menu", "Edit", MENU), READ),
        (thing("toggle button", "Record", ICON), STANDS),
        (thing("entry", "", FIELD), STANDS),
    ],
)
def test_what_is_there_is_borne_out(picture: Picture, element: Element, confidence: float) -> None:
    assert checked(element, picture, SPACE).confidence == confidence
    for down in (-15, 14, 25):
        assert element.region
        region = Region(element.region.left, element.region.top + down, element.region.width, element.region.height)
        assert checked(replace(element, region=region), picture, SPACE).confidence <= DOUBTFUL, down


def test_other_words_than_its_own_do_not_bear_it_out(picture: Picture) -> None:
    assert checked(thing("menu", "View", Region(250, 4, 50, 37)), picture, SPACE).confidence != READ


def test_of_windows_a_picture_cannot_tell(picture: Picture) -> None:
    window = thing("frame", "Form", Region(0, 0, 400, 200))
    assert checked(window, picture, SPACE) == window


def test_what_is_not_on_the_picture_has_no_confidence(picture: Picture) -> None:
    assert checked(thing("push button", "OK", Region(500, 0, 50, 20)), picture, SPACE).confidence == 0.0
    assert checked(thing("push button", "OK", None), picture, SPACE).confidence == 0.0


def test_regions_are_converted_to_the_picture(picture: Picture) -> None:
    large = cv2.resize(picture, (800, 400), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    space = Space(Region(100, 50, 400, 200), 800, 400)
    moved = Region(ICON.left + 100, ICON.top + 50, ICON.width, ICON.height)
    assert checked(thing("toggle button", "Record", moved), large, space).confidence == STANDS


@pytest.mark.parametrize("region", [Region(390, 190, 30, 30), Region(0, 0, 3, 3), Region(-5, 0, 20, 20)])
def test_slivers_and_places_half_off_the_picture_stand_nowhere(picture: Picture, region: Region) -> None:
    assert not stands(picture, region)


def test_empty_places_and_noise_stand_nowhere(picture: Picture) -> None:
    assert not stands(picture, Region(300, 100, 40, 30))
    noise = np.random.default_rng(5).integers(0, 255, (200, 400, 3)).astype(np.uint8)
    assert not stands(noise, Region(100, 100, 40, 30))
