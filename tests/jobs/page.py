"""Makes docs/jobs.md and its pictures of what the jobs' tests have left and how long they took.

pytest -m "" tests/jobs --basetemp=FOLDER --junitxml=FOLDER.xml
python -m tests.jobs.page FOLDER FOLDER.xml
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageDraw, ImageFont

from tests.jobs import deck, restyle
from tests.jobs.every import JOBS
from tests.jobs.looking import printed

DOCS = Path(__file__).parents[2] / "docs"
GREY, EDGE, GAP, SLIDE, LARGEST = "#e4e7ea", "#9aa3ab", 14, (400, 225), 200_000
ROWS = (  # job, what it is, how it is done, its test
    ("budget", "A CSV of spending becomes a budget: formulas, formats, a chart", "mouse",
     "test_a_table_becomes_a_budget"),
    ("clean-table", "5,180 orders typed by five people: real dates and amounts, no duplicates", "tools",
     "test_five_thousand_orders_are_put_in_order"),
    ("pivot", "A pivot table and a chart of a year's sales", "mouse", "test_sales_get_a_pivot_table_and_a_chart"),
    ("merge", "Three branches' workbooks, each in another shape, become one", "tools",
     "test_three_workbooks_become_one"),
    ("letters", "Twelve letters of a template and a list with names in three alphabets, as PDFs and all in one",
     "tools", "test_members_get_their_letters"),
    ("deck", "Ten slides of an outline, with the house's template", "tools", "test_an_outline_becomes_ten_slides"),
    ("table-and-chart", "A table and a chart of a workbook go into a deck that is open on the screen", "both",
     "test_a_table_and_a_chart_come_into_an_open_deck"),
    ("restyle", "A deck in which each slide looks different is brought to a brand", "tools",
     "test_a_deck_is_brought_to_its_brand"),
    ("report", "A draft becomes a report: headings, contents, figures, captions", "mouse",
     "test_a_draft_becomes_a_report"),
    ("contract", "A contract is changed with every change tracked", "mouse", "test_changes_in_a_contract_are_recorded"),
    ("form", "A PDF form is filled in", "mouse", "test_a_form_is_filled_in"),
    ("rename", "200 scanned pages get the names that a list gives them", "tools",
     "test_two_hundred_pages_are_renamed"),
)  # fmt: skip
TEXT = """\
<!-- Made by tests/jobs/page.py from the jobs' tests; changes here are overwritten. -->
# Twelve jobs

What people hand over at a desk, done end to end by the real `deskhand run` on a private desktop, and graded from the
files that are left. Who does nothing fails every grader, and so does who stops halfway (`tests/jobs/test_graders.py`).

| job | what | how | seconds |
|---|---|---|---:|
{table}

*How*: **mouse**: a playbook that finds what it clicks by its text on the screen, and the keyboard. **tools**: the
tools beside the screen (`slides`, `spreadsheet`, `document`, `pdf`, files, shell), called by a model whose answers are
scripted, over the real protocol. **both**: in turn, on the same file. No job asks a model of a provider, so the seconds
are Deskhand's and the programs' own, from the start of the command to the end of the grading, measured on 2 cores that
had other work as well.

The graders work out what is right from the inputs, not from a recorded result. They also look at what must not have
changed, and print results by LibreOffice: no page is blank, no word lies outside its place, nothing is cut off, text
stands out from its ground.

    make test                                  the quick ones
    .venv/bin/pytest -m "" tests/jobs          all

## Ten slides of an outline

The outline on the left names a slide by `#`; the template brings master, theme and layouts. The tool `slides` adds all
of them with one operation (`add_outline`), and nothing on them has a font or a colour of its own.

![An outline, and six of the ten slides made of it in the look of the house](images/jobs-deck.png)

## A deck brought to its brand

Above as it was handed over, below after one `restyle`: theme, masters, charts, tables and drawn shapes follow the
brand, the logo is on the master, and words, figures, notes, animations and the photograph are what they were.

![Four slides, loud before, of one kind after: two fonts and the colours of the brand](images/jobs-restyled.png)

## A table and a chart, with screen and tools

The deck is open. Mouse and keyboard change its title; the tool puts the table in where the deck is open, beside what
is not saved yet (left). Ctrl+S and Ctrl+W, and the tool adds a native chart to the file, one with its figures in it, so
that it can be edited. Then the deck is opened again by a click and shown (right).

![LibreOffice Impress with the new table on its slide; the slide show at the new chart](images/jobs-both.png)
"""


def main(folder: Path, report: Path) -> None:
    """Write the page and those pictures whose results are there."""
    page = DOCS / "jobs.md"
    took = _before(page) | _seconds(report)
    assert {row[0] for row in ROWS} == JOBS.keys()
    table = "\n".join(f"| {job} | {what} | {how} | {took.get(job, '')} |" for job, what, how, _ in ROWS)
    page.write_text(TEXT.format(table=table), encoding="utf-8")
    for name, draw in (("deck", _deck), ("restyled", _restyled), ("both", _both)):
        _save(draw(folder), DOCS / "images" / f"jobs-{name}.png")


def _before(page: Path) -> dict[str, str]:
    """What the page says already; tests that were not run keep their seconds."""
    lines = page.read_text("utf-8").splitlines() if page.is_file() else []
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row[3] for row in cells if row[0] in JOBS and row[3]}


def _seconds(report: Path) -> dict[str, str]:
    cases = {case.attrib["name"]: case for case in ElementTree.parse(report).iter("testcase") if not len(case)}
    return {job: f"{float(cases[test].attrib['time']):.0f}" for job, *_, test in ROWS if test in cases}


def _work(folder: Path, test: str) -> Path:
    return next(folder.glob(f"{test[:30]}*0"))


def _slides(path: Path, numbers: Sequence[int]) -> list[Image.Image]:
    pages = printed(path).pictures(110)
    return [Image.fromarray(pages[number - 1]).resize(SLIDE, Image.Resampling.LANCZOS) for number in numbers]


def _sheet(rows: Sequence[Sequence[Image.Image]], left: Image.Image | None = None) -> Image.Image:
    """Pictures of one size in rows, each with a thin edge, and perhaps one more at their left over all rows."""
    wide, high = rows[0][0].size
    start = left.width + GAP if left else 0
    size = (start + GAP + len(rows[0]) * (wide + GAP), GAP + len(rows) * (high + GAP))
    sheet = Image.new("RGB", size, GREY)
    pen = ImageDraw.Draw(sheet)
    placed = [(left, GAP, GAP)] if left else []
    for down, row in enumerate(rows):
        placed += [(each, start + GAP + at * (wide + GAP), GAP + down * (high + GAP)) for at, each in enumerate(row)]
    for picture, x, y in placed:
        sheet.paste(picture, (x, y))
        pen.rectangle((x - 1, y - 1, x + picture.width, y + picture.height), outline=EDGE)
    return sheet


def _deck(folder: Path) -> Image.Image:
    path = _work(folder, "test_an_outline_becomes_ten_slides") / "work" / "kickoff.pptx"
    first, second = _slides(path, (1, 2, 3)), _slides(path, (5, 7, 9))
    return _sheet((first, second), _paper(deck.OUTLINE, (300, 2 * SLIDE[1] + GAP)))


def _paper(text: str, size: tuple[int, int]) -> Image.Image:
    """The beginning of a text as an editor shows it."""
    paper = Image.new("RGB", size, "#ffffff")
    pen, font = ImageDraw.Draw(paper), ImageFont.truetype("LiberationMono-Regular.ttf", 11)
    most = (size[1] - 16) // 15
    for number, line in enumerate(text.splitlines()[:most]):
        shown = line if len(line) <= 42 else f"{line[:41]}…"
        pen.text((10, 8 + 15 * number), shown, "#0f4c4a" if line.startswith("#") else "#333333", font)
    return paper


def _restyled(folder: Path) -> Image.Image:
    numbers = (3, 4, 5, 6)
    path = _work(folder, "test_a_deck_is_brought_to_its_brand") / "work" / "pitch.pptx"
    with tempfile.TemporaryDirectory() as scratch:
        restyle.make(Path(scratch))
        before = _slides(Path(scratch) / "pitch.pptx", numbers)
    return _sheet((before, _slides(path, numbers)))


def _both(folder: Path) -> Image.Image:
    """Two of the pictures that the model was shown: the first ones with the table and with the chart on them."""
    home = _work(folder, "test_a_table_and_a_chart_come_into_an_open_deck") / "home"
    session = next((home / "data" / "sessions").iterdir())
    shown = re.findall(r'"screenshot\.taken".*?"sha256":\s?"(\w+)"', (session / "events.jsonl").read_text("utf-8"))
    answers = (session / "events.jsonl").read_text("utf-8").splitlines()
    after_table = next(at for at, line in enumerate(answers) if "was edited there" in line)
    table = next(_image(line) for line in answers[after_table:] if "screenshot.taken" in line)
    full = [name for name in dict.fromkeys(shown) if _is_show(session / "images" / f"{name}.png")]
    pictures = [Image.open(session / "images" / f"{name}.png").convert("RGB") for name in (table, full[-1])]
    return _sheet([[each.resize((720, 450), Image.Resampling.LANCZOS) for each in pictures]])


def _image(line: str) -> str:
    found = re.search(r'"sha256":\s?"(\w+)"', line)
    assert found
    return found[1]


def _is_show(path: Path) -> bool:
    """Slides of 16:9 on a screen of 16:10 have black above."""
    with Image.open(path) as image:
        return image.convert("RGB").getpixel((image.width // 2, 5)) == (0, 0, 0)


def _save(picture: Image.Image, path: Path) -> None:
    """With as many colours as 200 kB have room for."""
    for colours in (256, 128, 64):
        picture.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < LARGEST:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
