"""A deck that has grown over years, each slide in a look of its own, is brought to the brand of its club."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.shapes import MSO_SHAPE
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Emu, Pt

from agent.office.xml import etree
from tests.jobs.house import HEIGHT, WIDTH, boxes, opened, retheme
from tests.jobs.job import Check, Job
from tests.jobs.looking import Pages, Pixels, Word, astray, fonts, printed, share

BRAND = {
    "dk1": "1B1F23", "lt1": "FFFFFF", "dk2": "0B2545", "lt2": "E8F0F4", "accent1": "E4572E", "accent2": "6A994E",
    "accent3": "3E92CC", "accent4": "C58F12", "accent5": "5C6B73", "accent6": "7F4F7B", "hlink": "1F6FA3",
}  # fmt: skip
HEADINGS, TEXT = "Liberation Serif", "Liberation Sans"
RULES = """\
# How Vellamo Rowing Club looks

| Colour     | Code    | In the theme | For                       |
|------------|---------|--------------|---------------------------|
| Ink        | #1B1F23 | dark 1       | text                      |
| Paper      | #FFFFFF | light 1      | background of every slide |
| Deep water | #0B2545 | dark 2       | titles                    |
| Mist       | #E8F0F4 | light 2      | quiet surfaces            |
| Buoy       | #E4572E | accent 1     | what matters most         |
| Reed       | #6A994E | accent 2     |                           |
| Sky        | #3E92CC | accent 3     |                           |
| Brass      | #C58F12 | accent 4     |                           |
| Slate      | #5C6B73 | accent 5     |                           |
| Plum       | #7F4F7B | accent 6     |                           |
| Current    | #1F6FA3 | links        |                           |

There are no other colours. Photographs stay as they are.

Headings: Liberation Serif. Everything else: Liberation Sans. There are no other fonts.

The logo (logo.png) stands in the top right corner of every slide, never stretched.
"""
OLD = ("FF0000", "800080", "0000FF", "00B050", "FFFF00", "000080")  # what must be seen nowhere
SEASONS = ("2022", "2023", "2024", "2025")
MEMBERS = (("Adults", (112, 131, 140, 158)), ("Juniors", (38, 41, 57, 74)))
COSTS = (
    ("Boat", "Age", "Repairs"),
    ("Ahti, eight", "21 years", "€3,140"),
    ("Näkki, four", "9 years", "€820"),
    ("Ilmatar, double", "14 years", "€1,465"),
)
_P = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
_TIMING = f"""<p:timing {_P}><p:tnLst><p:par><p:cTn id="1" dur="indefinite" restart="never" nodeType="tmRoot">
<p:childTnLst><p:seq concurrent="1" nextAc="seek"><p:cTn id="2" dur="indefinite" nodeType="mainSeq"/>
<p:prevCondLst><p:cond evt="onPrev" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:prevCondLst>
<p:nextCondLst><p:cond evt="onNext" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:nextCondLst></p:seq>
</p:childTnLst></p:cTn></p:par></p:tnLst></p:timing>"""


def original() -> Any:
    """The deck as it is handed over."""
    deck: Any = Presentation()
    deck.slide_width, deck.slide_height = Emu(WIDTH), Emu(HEIGHT)
    for owner in (deck.slide_masters[0], *deck.slide_layouts):
        for name, attribute in (("a:off", "x"), ("a:ext", "cx")):
            for held in owner._element.iter(qn(name)):
                if held.get(attribute):
                    held.set(attribute, str(int(held.get(attribute)) * WIDTH // 9_144_000))
    for build in (_title, _points, _chart, _table, _boats, _hidden, _thanks):
        build(deck)
    return deck


def _slide(deck: Any, layout: int, title: str, font: str, colour: str) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[layout])
    slide.shapes.title.text = title
    _ink(slide.shapes.title, font, colour)
    return slide


def _rgb(colour: str) -> Any:
    made: Any = RGBColor
    return made.from_string(colour)


def _ink(shape: Any, font: str, colour: str, size: float | None = None) -> None:
    for paragraph in shape.text_frame.paragraphs:
        for run in paragraph.runs:
            run.font.name, run.font.color.rgb = font, _rgb(colour)
            run.font.size = Pt(size) if size else None


def _title(deck: Any) -> None:
    slide = _slide(deck, 0, "A new boathouse for Vellamo", "Comic Sans MS", "800080")
    slide.placeholders[1].text = "For the city’s sports committee\nIida Mäkelä, Þórður Jónsson"
    _ink(slide.placeholders[1], "Courier New", "FF0000")


def _points(deck: Any) -> None:
    slide = _slide(deck, 1, "Why the old one will not do", "Times New Roman", "FF0000")
    slide.placeholders[
        1
    ].text = (
        "Built in 1961 for 60 members; we are 232\nThe roof leaks over the juniors’ boats\nNo way in with a wheelchair"
    )
    _ink(slide.placeholders[1], "Courier New", "000080")
    strong = slide.placeholders[1].text_frame.paragraphs[0].add_run()
    strong.text = " today"
    strong.font.bold, strong.font.color.rgb, strong.font.name = True, _rgb("FF0000"), "Impact"
    slide.notes_slide.notes_text_frame.text = "Show the photograph of the roof.\nDo not mention the insurance."
    slide._element.append(parse_xml(_TIMING))


def _chart(deck: Any) -> None:
    slide = _slide(deck, 5, "More of us every year", "Comic Sans MS", "0000FF")
    data: Any = CategoryChartData()
    data.categories = SEASONS
    for name, values in MEMBERS:
        data.add_series(name, values)
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.COLUMN_CLUSTERED, Emu(900_000), Emu(1_750_000), Emu(10_300_000), Emu(4_450_000), data
    )
    frame.name = "Members"
    frame.chart.has_legend = True
    frame.chart.font.name, frame.chart.font.size = "Comic Sans MS", Pt(16)
    for series, colour in zip(frame.chart.plots[0].series, ("FF0000", "0000FF"), strict=True):
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = _rgb(colour)


def _table(deck: Any) -> None:
    slide = _slide(deck, 5, "What repairs have cost", "Times New Roman", "800080")
    place = Emu(900_000), Emu(1_900_000), Emu(10_300_000), Emu(2_600_000)
    frame = slide.shapes.add_table(len(COSTS), len(COSTS[0]), *place)
    frame.name = "Repairs"
    for row, texts in zip(frame.table.rows, COSTS, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
            cell.fill.solid()
            cell.fill.fore_color.rgb = _rgb("00B050" if texts == COSTS[0] else "FFFFFF")
            _ink(cell, "Courier New", "FFFFFF" if texts == COSTS[0] else "000080", 20)


def _boats(deck: Any) -> None:
    slide = _slide(deck, 5, "Where it would stand", "Comic Sans MS", "FF0000")
    picture = slide.shapes.add_picture(io.BytesIO(_photograph()), Emu(900_000), Emu(1_850_000), Emu(6_300_000))
    picture.name, picture.crop_left = "Shore", 0.1
    for number, words in enumerate(("Water: 4 m to the jetty", "Road: 30 m", "Power: there already")):
        place = Emu(7_700_000), Emu(1_850_000 + number * 1_400_000), Emu(3_500_000), Emu(1_100_000)
        shape = slide.shapes.add_shape(MSO_SHAPE.ROUNDED_RECTANGLE, *place)
        shape.name, shape.text_frame.text = f"Point {number + 1}", words
        shape.fill.solid()
        shape.fill.fore_color.rgb = _rgb(("800080", "00B050", "0000FF")[number])
        shape.line.color.rgb = _rgb("FFFF00")
        _ink(shape, "Comic Sans MS", "FFFFFF", 20)


def _hidden(deck: Any) -> None:
    slide = _slide(deck, 1, "In case they ask: money", "Impact", "00B050")
    slide.placeholders[1].text = "Own savings: €86,000\nGrant: €240,000\nLoan: €120,000 over 15 years"
    slide._element.set("show", "0")


def _thanks(deck: Any) -> None:
    slide = _slide(deck, 1, "Thank you", "Comic Sans MS", "FFFF00")
    slide.placeholders[1].text = "Come and row with us: Saturdays, 10 o’clock\nboathouse@vellamo.example"
    _ink(slide.placeholders[1], "Comic Sans MS", "FFFFFF")
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = _rgb("000080")


def _photograph() -> bytes:
    """A shore in the evening."""
    down, across = np.mgrid[0:420, 0:640].astype(float)
    sky = np.stack([150 + down / 6, 160 + down / 9, 190 - down / 10], axis=2)
    sea = np.stack([60 + 20 * np.sin(down / 3 + across / 60), 95 + 0 * down, 110 + 0 * down], axis=2)
    shore = (down > 235 + 12 * np.sin(across / 90))[..., None]
    held = io.BytesIO()
    Image.fromarray(np.where(shore, sea, sky).clip(0, 255).astype(np.uint8)).save(held, "PNG")
    return held.getvalue()


def logo() -> bytes:
    """A buoy on deep water, twice as wide as it is high."""
    image = Image.new("RGB", (400, 200), "#0B2545")
    pen = ImageDraw.Draw(image)
    pen.ellipse((30, 30, 170, 170), fill="#E4572E")
    pen.ellipse((75, 75, 125, 125), fill="#FFFFFF")
    for top in (60, 100, 140):
        pen.line([(200 + 8 * step, top + (8 if step % 4 in (1, 2) else -8)) for step in range(22)], "#E8F0F4", 9)
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def make(folder: Path) -> None:
    """The deck, the rules and the logo."""
    original().save(str(folder / "pitch.pptx"))
    (folder / "brand.md").write_text(RULES, encoding="utf-8")
    (folder / "logo.png").write_bytes(logo())


def half(folder: Path) -> None:
    """The theme has the colours and fonts, and the slides do as they please."""
    deck = opened(folder / "pitch.pptx")
    retheme(deck.slide_masters[0], BRAND, (HEADINGS, TEXT))
    deck.save(str(folder / "pitch.pptx"))


def grade(folder: Path) -> Sequence[Check]:
    """All of it in the brand, nothing of what it says or shows changed."""
    deck, before = opened(folder / "pitch.pptx"), original()
    theme = etree.fromstring(deck.slide_masters[0].part.part_related_by(RELATIONSHIP_TYPE.THEME).blob)
    colours = {slot: theme.find(f".//{qn('a:clrScheme')}/{qn(f'a:{slot}')}")[0].get("val") for slot in BRAND}
    families = [theme.find(f".//{qn(tag)}/{qn('a:latin')}").get("typeface") for tag in ("a:majorFont", "a:minorFont")]
    roots = list(_roots(deck))
    strange = {each.get("val").upper() for root in roots for each in root.iter(qn("a:srgbClr"))} - {*BRAND.values()}
    foreign = {each.get("typeface") for root in roots for each in root.iter(qn("a:latin"))}
    foreign -= {"+mj-lt", "+mn-lt", HEADINGS, TEXT}
    logos = [each for each in deck.slide_masters[0].shapes if each.shape_type == 13]
    checks = [
        Check("the theme has the brand's colours", colours == BRAND, str(colours)),
        Check("the theme has the brand's fonts", families == [HEADINGS, TEXT], str(families)),
        Check("there is no other colour", not strange, str(sorted(strange))),
        Check("there is no other font", not foreign, str(sorted(foreign))),
        Check("the logo is on the master, not stretched", len(logos) == 1 and _is_logo(logos[0]), str(len(logos))),
        Check("nothing it says has changed", _told(deck) == _told(before), _differing(_told(deck), _told(before))),
        Check("brand and logo are untouched", (folder / "logo.png").read_bytes() == logo()),
    ]
    if all(check.ok for check in checks):
        checks += _looks(printed(folder / "pitch.pptx"), deck)
    return checks


def _looks(pages: Pages, deck: Any) -> list[Check]:
    shown = [slide for slide in deck.slides if slide._element.get("show") != "0"]
    pictures = pages.pictures(80)
    stray = [
        (number, words)
        for number, (slide, page) in enumerate(zip(shown, pages.words, strict=False), 1)
        if (words := astray(page, [*boxes(slide, deck)]))
    ]
    faint = [
        (number, word.text)
        for number, (page, pixels) in enumerate(zip(pages.words, pictures, strict=True), 1)
        for word in page
        if _contrast(word, pixels) < 80
    ]
    old = [(number, each) for number, pixels in enumerate(pictures, 1) for each in OLD if share(pixels, each) > 1e-4]
    bare = [number for number, pixels in enumerate(pictures, 1) if share(_corner(pixels), BRAND["accent1"]) < 0.02]
    used = {name.partition("+")[2].partition("-")[0] or name for name in fonts(pages.pdf)}
    known = {font.replace(" ", "") for font in (HEADINGS, TEXT)} | {"OpenSymbol"}
    return [
        Check("six pages", len(pictures) == len(shown) == 6, str(len(pictures))),
        Check("the logo is seen on each", not bare, str(bare)),
        Check("no old colour is seen", not old, str(old)),
        Check("no text is outside its place", not stray, str(stray)),
        Check("all text can be read", not faint, str(faint[:10])),
        Check("only the brand's fonts are used", {name.split("-")[0] for name in used} <= known, str(used)),
    ]


def _corner(pixels: Pixels) -> Pixels:
    height, width, _ = pixels.shape
    return pixels[: height // 6, width * 4 // 5 :]


def _contrast(word: Word, pixels: Pixels) -> float:
    """Between the lightest and the darkest pixel of a word, 0 to 255."""
    height, width, _ = pixels.shape
    rows = slice(int(word.top * height), int(word.bottom * height) + 1)
    part = pixels[rows, int(word.left * width) : int(word.right * width) + 1].astype(float) @ (0.299, 0.587, 0.114)
    return float(part.max() - part.min()) if part.size else 0.0


def _is_logo(shape: Any) -> bool:
    right = shape.left + shape.width > WIDTH * 0.9 and shape.top + shape.height < HEIGHT * 0.25
    return shape.image.blob == logo() and abs(shape.width / shape.height - 2) < 0.03 and right


def _roots(deck: Any) -> Iterator[Any]:
    yield from (each._element for each in (*deck.slide_masters, *deck.slide_layouts, *deck.slides))
    for slide in deck.slides:
        yield from (shape.chart._chartSpace for shape in slide.shapes if getattr(shape, "has_chart", False))


def _told(deck: Any) -> list[tuple[object, ...]]:
    """Whatever a look is not: words, numbers, pictures, notes, animations, what is hidden."""
    found: list[tuple[object, ...]] = []
    for number, slide in enumerate(deck.slides, 1):
        notes = slide.notes_slide.notes_text_frame.text if slide.has_notes_slide else ""
        timing = slide._element.find(qn("p:timing"))
        moves = b"" if timing is None else etree.tostring(timing, method="c14n")
        found.append((number, slide.slide_layout.name, slide._element.get("show"), notes, len(moves)))
        found += [(number, shape.name, *_content(shape)) for shape in slide.shapes]
    return found


def _content(shape: Any) -> Iterator[object]:
    if shape.has_text_frame:
        yield from (paragraph.text for paragraph in shape.text_frame.paragraphs)
        yield from (run.text for each in shape.text_frame.paragraphs for run in each.runs if run.font.bold)
    if getattr(shape, "has_chart", False):
        plot = shape.chart.plots[0]
        yield tuple(plot.categories), tuple((each.name, tuple(each.values)) for each in plot.series)
    if getattr(shape, "has_table", False):
        yield tuple(tuple(cell.text for cell in row.cells) for row in shape.table.rows)
    if shape.shape_type == 13:
        yield shape.image.blob, shape.crop_left, shape.left, shape.top, shape.width, shape.height


def _differing(found: Sequence[object], wanted: Sequence[object]) -> str:
    pairs = zip(found, wanted, strict=False)
    return next((f"{one} in place of {other}"[:300] for one, other in pairs if one != other), "more or less of it")


JOB = Job(
    "restyle",
    "Bring pitch.pptx to our brand: brand.md says colours, fonts and where the logo (logo.png) goes. It must hold in "
    "the theme and the master, for charts, tables and shapes too, so that new slides come out right. Do not change "
    "what the slides say or show, nor the photograph. Everything must be easy to read.",
    make,
    half,
    grade,
)
