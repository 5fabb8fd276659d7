"""A report from a draft without any form: headings, table of contents, figures with captions."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docx import Document
from PIL import Image, ImageColor, ImageDraw

from tests.jobs.job import Check, Job

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
TITLE = "Wells and Pipes of the Old Town"
LINE = (
    "The town of Żabno-Östra has drunk from three wells since 1874. Their water was measured every week of the year by "
    "Ms Šimková and Mr Ó Briain, always at the same hour, and compared with what the mains lost. "
)
DRAFT = (
    TITLE,
    "1 Why we looked",
    LINE + "In March the level of the northern well fell by half a metre within nine days.",
    "2 What we found",
    LINE * 2 + "What follows is told well by well, and then pipe by pipe.",
    "2.1 The wells",
    LINE * 3 + "The southern well has never been lower than 4.1 m.",
    "[wells.png]",
    "2.2 The pipes",
    LINE * 3 + "A third of all losses happen below Ropewalk Lane, where the pipes are oldest.",
    "[losses.png]",
    "3 What to do",
    LINE * 2 + "We propose to renew 240 m of pipe before the winter, for about € 86,500.",
)
CAPTIONS = {"wells.png": "Level of the three wells in 2025", "losses.png": "Losses of the mains by street"}
COLOURS = ("#2f6f9f", "#b5532a")
LEVEL = re.compile(r"(\d)(\.\d)? [A-Z]")


def level(text: str) -> int:
    """1 or 2 for what is to be a heading, else 0."""
    match = LEVEL.match(text)
    return 0 if match is None else 2 if match[2] else 1


def make(folder: Path) -> None:
    """The draft, all of it in one style, and two pictures."""
    document = Document()
    for text in DRAFT:
        document.add_paragraph(text)
    document.save(str(folder / "report.docx"))
    _bars((34, 58, 49), COLOURS[0]).save(folder / "wells.png")
    _bars((12, 66, 21, 30, 9), COLOURS[1]).save(folder / "losses.png")


def _bars(heights: Sequence[int], colour: str) -> Image.Image:
    picture = Image.new("RGB", (480, 240), "white")
    draw = ImageDraw.Draw(picture)
    wide = 400 // len(heights)
    for at, height in enumerate(heights):
        draw.rectangle((40 + at * wide, 210 - 2 * height, 20 + (at + 1) * wide, 210), fill=colour)
    draw.line((30, 210, 450, 210), fill="black", width=2)
    return picture


def half(folder: Path) -> None:
    """Only the headings are there."""
    document = Document(str(folder / "report.docx"))
    for paragraph in document.paragraphs:
        if level(paragraph.text):
            paragraph.style = f"Heading {level(paragraph.text)}"
    document.save(str(folder / "report.docx"))


def grade(folder: Path) -> Sequence[Check]:
    """Styles, table of contents, pictures and captions, and the text that must not have changed; then the pages."""
    document: Any = Document(str(folder / "report.docx"))
    styles = [
        (paragraph.text, str(paragraph.style.name if paragraph.style else "")) for paragraph in document.paragraphs
    ]
    body = list(_without_fallback(document.element.body))
    headings = [text for text in DRAFT if level(text)]
    found = [(text, name) for text, name in styles if name.startswith("Heading") and text.strip()]
    plain = [text for text, name in styles if name in ("Normal", "Body Text", "Text Body") and len(text) > len(LINE)]
    texts = "".join(each.text or "" for each in body if each.tag == W + "t")
    checks = [
        Check("the title is a title", (TITLE, "Title") in styles, str(styles[:2])),
        Check("headings", found == [(t, f"Heading {level(t)}") for t in headings], str(found)),
        Check("the text is untouched", plain == [t for t in DRAFT if len(t) > len(LINE)], str(len(plain))),
        Check("nothing stands for a figure any more", "[" not in texts, texts[-200:]),
        *_figures(folder, body),
    ]
    return [*checks, *_pages(folder, headings)] if all(check.ok for check in checks) else checks


def _without_fallback(element: Any) -> Iterator[Any]:
    """All elements in their order, but not what is told once more for old programs."""
    for child in element:
        if child.tag != FALLBACK:
            yield child
            yield from _without_fallback(child)


def _figures(folder: Path, body: list[Any]) -> list[Check]:
    with zipfile.ZipFile(folder / "report.docx") as package:
        media = {hashlib.sha256(package.read(n)).hexdigest(): n for n in package.namelist() if "media/" in n}
        relations = ElementTree.fromstring(package.read("word/_rels/document.xml.rels"))
    targets = {relation.get("Id"): f"word/{relation.get('Target')}" for relation in relations}
    embed = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"
    shown = [targets.get(each.get(embed)) for each in body if each.tag == A + "blip"]
    wanted = [media.get(hashlib.sha256((folder / name).read_bytes()).hexdigest()) for name in CAPTIONS]
    fields = " ".join(each.text or "" for each in body if each.tag == W + "instrText")
    captions = [
        "".join(e.text or "" for e in p.iter(W + "t")).strip() for p in body if _style(p) in ("Caption", "Figure")
    ]
    names = [f"Figure {number}: {text}" for number, text in enumerate(CAPTIONS.values(), start=1)]
    return [
        Check("both pictures are shown, in their order", shown == wanted and None not in wanted, f"{shown} {wanted}"),
        Check("figures are numbered by fields", fields.count("SEQ Figure") == 2, fields),
        Check("captions", list(dict.fromkeys(filter(None, captions))) == names, str(captions)),
    ]


def _style(element: Any) -> str:
    style = element.find(f"{W}pPr/{W}pStyle") if element.tag == W + "p" else None
    return "" if style is None else str(style.get(W + "val"))


def _pages(folder: Path, headings: list[str]) -> list[Check]:
    """As printed: the contents name every heading with the page on which it is."""
    with tempfile.TemporaryDirectory() as scratch:
        words = ["soffice", f"-env:UserInstallation=file://{scratch}/profile", "--headless", "--convert-to", "pdf"]
        words += ["--outdir", scratch, str(folder / "report.docx")]
        subprocess.run(words, check=True, capture_output=True, timeout=100)
        told = subprocess.run(
            ["pdftotext", "-layout", f"{scratch}/report.pdf", "-"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        shown = _whole(folder, Path(scratch))
    pages = told.rstrip("\f").split("\f")
    lines = [(at, line.strip()) for at, page in enumerate(pages, start=1) for line in page.splitlines()]
    wrong: list[str] = []
    for heading in headings:
        entry = [match[1] for _, line in lines if (match := re.fullmatch(re.escape(heading) + r"[ .]*?(\d+)", line))]
        place = [str(at) for at, line in lines if line == heading]
        if len(place) != 1 or entry != place:
            wrong.append(f"{heading}: {entry} {place}")
    missing = [text for text in CAPTIONS.values() if not any(line.endswith(text) for _, line in lines)]
    return [
        Check("the contents name every heading with its page", not wrong, str(wrong[:3])),
        Check("both captions are printed", not missing, f"not {missing}"),
        Check("both pictures are printed in full", shown, told[-300:]),
        Check("no page is empty", all(page.strip() for page in pages), f"{len(pages)} pages"),
        Check("the contents come before the text", told.find(headings[0]) < told.find(LINE[:40]), told[:200]),
    ]


def _whole(folder: Path, scratch: Path) -> bool:
    """Whether both pictures, which are alike in size, come out at the same scale: none is cut off or covered."""
    words = ["pdftoppm", "-r", "72", "-png", f"{scratch}/report.pdf", f"{scratch}/page"]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    pages = [Image.open(path) for path in sorted(scratch.glob("page*.png"))]
    scales: list[float] = []
    for name, colour in zip(CAPTIONS, COLOURS, strict=True):
        printed = sum(_of_colour(page, colour) for page in pages)
        scales.append(printed / _of_colour(Image.open(folder / name), colour))
    return min(scales) > 0.05 and max(scales) < 1.1 * min(scales)


def _of_colour(picture: Image.Image, colour: str) -> int:
    """How many pixels are so."""
    near = ImageColor.getrgb(colour)[:3]
    pixels = picture.convert("RGB").getcolors(picture.width * picture.height) or []
    return sum(n for n, found in pixels if all(abs(a - b) < 12 for a, b in zip(found, near, strict=True)))  # pyright: ignore


JOB = Job(
    "report",
    "report.docx is a draft without any form. Make a report of it: the first line is its title, lines with one number "
    "are headings of the first level, with two numbers of the second. A table of contents goes below the title. Where "
    "it says [wells.png] and [losses.png] put the picture in place of the words, with a numbered caption: “Level of "
    "the three wells in 2025” and “Losses of the mains by street”. Change none of the text. Save it as it is.",
    make,
    half,
    grade,
)
