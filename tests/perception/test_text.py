"""Reading and finding text, in pictures that are drawn for the purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from perception import text
from perception.errors import CannotRead
from perception.find import Picture
from perception.screenshot import Region
from perception.text import Word, find_text, lines_of, match_text, read_text

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
MENU = ("File", "Edit", "View", "Insert", "Format", "Slide", "Slide Show", "Tools")


class Sheet:
    """A screen to write on."""

    def __init__(self, width: int = 700, height: int = 300, paper: str = "#f6f5f4") -> None:
        self.image = Image.new("RGB", (width, height), paper)
        self.draw = ImageDraw.Draw(self.image)

    def write(self, words: str, left: int, top: int, ink: str = "#2e3436", size: int = 13) -> Region:
        """Write, and return where it stands."""
        font = ImageFont.truetype(FONT, size)
        self.draw.text((left, top), words, fill=ink, font=font)
        box = self.draw.textbbox((left, top), words, font=font)
        return Region(int(box[0]), int(box[1]), int(box[2] - box[0]), int(box[3] - box[1]))

    @property
    def picture(self) -> Picture:
        """The pixels, blue first."""
        return np.asarray(self.image)[:, :, ::-1].copy()


def menu_bar(sheet: Sheet, left: int = 10, top: int = 8) -> dict[str, Region]:
    places: dict[str, Region] = {}
    for name in MENU:
        places[name] = sheet.write(name, left, top)
        left = places[name].right + 20
    return places


def close(one: Region, other: Region) -> bool:
    return max(abs(one.center.x - other.center.x), abs(one.center.y - other.center.y)) <= 3


@pytest.mark.parametrize("name", MENU)
def test_each_entry_of_a_menu_bar_is_found_where_it_is(name: str) -> None:
    sheet = Sheet()
    places = menu_bar(sheet)
    found = find_text(sheet.picture, name, region=Region(0, 0, 700, 30))
    assert found is not None
    assert close(found.region, places[name])
    assert found.confidence >= 0.8


def test_words_that_stand_side_by_side_are_one_text() -> None:
    sheet = Sheet()
    places = menu_bar(sheet, left=160, top=120)
    found = find_text(sheet.picture, "File Edit View")
    assert found is not None
    assert abs(found.region.left - places["File"].left) <= 3
    assert abs(found.region.right - places["View"].right) <= 3


def test_a_text_with_a_word_missing_is_another_text() -> None:
    sheet = Sheet()
    sheet.write("Edit   View   Insert", 10, 8)
    assert find_text(sheet.picture, "File Edit View") is None


def test_words_far_apart_are_not_one_text() -> None:
    sheet = Sheet()
    sheet.write("Save", 10, 40)
    sheet.write("As", 400, 40)
    assert find_text(sheet.picture, "Save As") is None


@pytest.mark.parametrize(("paper", "ink"), [("#3584e4", "#ffffff"), ("#e01b24", "#ffffff"), ("#f6f5f4", "#8b8e8f")])
def test_any_ink_on_any_paper_is_read(paper: str, ink: str) -> None:
    sheet = Sheet(paper=paper)
    place = sheet.write("Presentation", 40, 60, ink)
    found = find_text(sheet.picture, "Presentation")
    assert found is not None
    assert close(found.region, place)


def test_light_letters_with_a_shadow_on_a_title_bar_are_read() -> None:
    sheet = Sheet(700, 60)
    for row in range(24):
        sheet.draw.line([(0, row), (700, row)], fill=(160 - row, 187 - row, 227 - row))
    sheet.write("budget.xlsx - LibreOffice Calc", 251, 6, "#55749e", size=11)
    place = sheet.write("budget.xlsx", 250, 5, "#ffffff", size=11)
    sheet.write("budget.xlsx - LibreOffice Calc", 250, 5, "#ffffff", size=11)
    found = find_text(sheet.picture, "budget.xlsx", region=Region(0, 0, 700, 24))
    assert found is not None
    assert close(found.region, place)


def test_digits_must_be_right() -> None:
    sheet = Sheet()
    sheet.write("Slide 2 of 3", 10, 100)
    sheet.write("$509,700.00", 300, 100)
    assert find_text(sheet.picture, "Slide 2 of 3") is not None
    assert find_text(sheet.picture, "$509,700.00") is not None
    for other in ("Slide 1 of 3", "Slide 2 of 5", "$509,400.00"):
        assert find_text(sheet.picture, other) is None


def test_short_words_must_be_right() -> None:
    sheet = Sheet()
    sheet.write("Tile", 10, 100)
    assert find_text(sheet.picture, "File") is None
    assert find_text(sheet.picture, "Tile") is not None


def test_every_place_is_found() -> None:
    sheet = Sheet()
    upper, lower = sheet.write("Operations", 20, 40), sheet.write("Operations", 300, 200)
    places = match_text(read_text(sheet.picture), "Operations")
    assert len(places) == 2
    assert close(places[0].region, upper)
    assert close(places[1].region, lower)
    assert places[0].runner_up == places[1].confidence


def test_words_are_joined_to_lines_from_top_to_bottom() -> None:
    sheet = Sheet()
    lower, upper = sheet.write("Carried over", 300, 200), sheet.write("Total amount due", 20, 40)
    lines = lines_of(read_text(sheet.picture))
    assert [line.text for line in lines] == ["Total amount due", "Carried over"]
    assert close(lines[0].region, upper)
    assert close(lines[1].region, lower)
    assert all(line.confidence > 0.5 for line in lines)
    assert lines_of(()) == ()


def test_only_the_region_is_read() -> None:
    sheet = Sheet()
    sheet.write("Cancel", 20, 40)
    place = sheet.write("Cancel", 300, 200)
    found = find_text(sheet.picture, "Cancel", region=Region(200, 150, 400, 100))
    assert found is not None
    assert close(found.region, place)
    assert read_text(sheet.picture, region=Region(900, 0, 50, 50)) == ()
    assert read_text(sheet.picture, region=Region(0, 250, 200, 40)) == ()


def test_nothing_is_found_for_nothing() -> None:
    sheet = Sheet()
    sheet.write("Cancel", 20, 40)
    assert find_text(sheet.picture, " … ") is None


def test_missing_language_data_comes_with_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(text, "DATA_FOLDERS", (str(tmp_path),))
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    with pytest.raises(CannotRead, match="tesseract-ocr-eng"):
        text.data_folder()
    (tmp_path / "tessdata").mkdir()
    (tmp_path / "tessdata" / "eng.traineddata").touch()
    assert text.data_folder() == tmp_path / "tessdata"


def spread(words: list[str]) -> list[Word]:
    """The words side by side on one line."""
    return [Word(word, Region(10 + 60 * number, 20, 50, 12), 0.9) for number, word in enumerate(words)]


@given(st.lists(st.sampled_from(["alpha", "bravo", "12:30", "OK", "Save", "as"]), min_size=1, max_size=6), st.data())
def test_what_was_read_is_found_again(words: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(words) - 1))
    stop = data.draw(st.integers(start + 1, len(words)))
    places = match_text(spread(words), " ".join(words[start:stop]))
    assert places
    assert places[0].confidence == 1.0


@given(st.text("ABCDEFGH", min_size=10, max_size=14), st.integers(0, 9))
def test_one_wrong_letter_in_ten_is_forgiven_and_lowers_the_confidence(word: str, position: int) -> None:
    misread = word[:position] + "x" + word[position + 1 :]
    (place,) = match_text(spread([misread]), word)
    assert 0.8 <= place.confidence < 1.0
