"""A contract is changed with every change recorded, so that the other side sees what has been done to it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from docx import Document

from tests.jobs.job import Check, Job

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
TITLE = "Agreement on the Supply of Translations"
PARTIES = "between Østergaard & Søn Skriverstue, Aarhus (“Customer”), and Kowalčík Übersetzungen, Brno (“Supplier”)"
CLAUSES = (
    ("1. Subject", "The Supplier translates the texts that the Customer orders, from Danish into Czech and German."),
    ("2. Orders", "Each order is made in writing. The Supplier confirms it within two working days."),
    (
        "3. Delivery",
        "Translations are delivered as files. Delays are told at once; the Customer may then set a new day.",
    ),
    ("4. Prices", "The prices of the table below hold until 31 December 2025. Value added tax is added to them."),
    (
        "5. Payment",
        "Invoices are due within thirty (30) days of receipt. Part payments are due within thirty (30) days.",
    ),
    ("6. Confidence", "The Supplier keeps secret what it learns, for five years after the end of this agreement."),
    ("7. Exclusivity", "The Customer orders translations from nobody else while this agreement lasts."),
    ("8. Liability", "Liability for slight negligence ends at EUR 10,000 a year, whatever the reason may be."),
    ("9. End", "Either side may end this agreement with three months’ notice to the end of a quarter."),
)
PRICES = (("Kind of text", "EUR per line"), ("General", "1.10"), ("Law and contracts", "1.65"), ("In a hurry", "2.20"))
SWAPS = (("thirty (30) days", "fourteen (14) days"), ("31 December 2025", "30 June 2026"))
DROPPED = "7. Exclusivity"
ADDED = ("10. Law", "Danish law applies. The courts of Aarhus decide.")


def make(folder: Path) -> None:
    """The contract: a title, nine clauses with headings, a table of prices after the fourth, and a foot line."""
    document = Document()
    document.add_heading(TITLE, 0)
    document.add_paragraph(PARTIES)
    for heading, text in CLAUSES:
        document.add_heading(heading, 2)
        document.add_paragraph(text)
        if heading.startswith("4."):
            table = document.add_table(len(PRICES), 2, "Table Grid")
            for row, prices in zip(table.rows, PRICES, strict=True):
                for cell, price in zip(row.cells, prices, strict=True):
                    cell.text = price
    document.sections[0].footer.paragraphs[0].text = "Draft of 3 March 2025"
    document.save(str(folder / "contract.docx"))


def half(folder: Path) -> None:
    """The words are exchanged, and nobody can see where."""
    document = Document(str(folder / "contract.docx"))
    for paragraph in document.paragraphs:
        for old, new in SWAPS:
            if old in paragraph.text:
                paragraph.text = paragraph.text.replace(old, new)
    document.save(str(folder / "contract.docx"))


def before() -> list[str]:
    """All paragraphs of the body as they were, cells of the table among them."""
    found = [TITLE, PARTIES]
    for heading, text in CLAUSES:
        found += [heading, text]
        if heading.startswith("4."):
            found += [cell for row in PRICES for cell in row]
    return found


def after() -> list[str]:
    """The same as it was wanted."""
    found = before()
    at = found.index(DROPPED)
    del found[at : at + 2]
    for old, new in SWAPS:
        found = [text.replace(old, new) for text in found]
    return [*found, *ADDED]


def grade(folder: Path) -> Sequence[Check]:
    """All changes refused, it is the old contract; all accepted, it is the new one."""
    body, settings, footers = _parts(folder / "contract.docx")
    refused, accepted = list(_told(body, accept=False)), list(_told(body, accept=True))
    changes = [each for each in body.iter() if each.tag in (W + "ins", W + "del")]
    unsigned = [each for each in changes if not each.get(W + "author")]
    struck = "".join(each.text or "" for each in body.iter(W + "delText"))
    headings = {heading for heading, _ in (*CLAUSES, ADDED)}
    enough = sum(len(old) * "".join(before()).count(old) for old, _ in SWAPS) + sum(len(t) for t in _dropped())
    return [
        Check("with all changes refused it is the old contract", refused == before(), _differing(refused, before())),
        Check("with all accepted it is as wanted", accepted == after(), _differing(accepted, after())),
        Check("no more is struck out than need be", 0 < len(struck) <= enough, f"{len(struck)} letters of {enough}"),
        Check("every change says who made it", bool(changes) and not unsigned, f"{len(changes)} changes"),
        Check("changes go on being recorded", settings.find(W + "trackRevisions") is not None),
        Check("the table is a table", len(list(body.iter(W + "tbl"))) == 1),
        Check("the foot line is untouched", "Draft of 3 March 2025" in footers, str(footers)),
        Check("all headings are headings", headings == _headings(folder), str(headings ^ _headings(folder))),
    ]


def _dropped() -> tuple[str, str]:
    return next(clause for clause in CLAUSES if clause[0] == DROPPED)


def _parts(path: Path) -> tuple[ElementTree.Element, ElementTree.Element, list[str]]:
    """Body, settings, and what the foot lines say."""
    with zipfile.ZipFile(path) as package:
        footers = [ElementTree.fromstring(package.read(n)) for n in package.namelist() if re.match("word/footer", n)]
        body = ElementTree.fromstring(package.read("word/document.xml"))
        settings = ElementTree.fromstring(package.read("word/settings.xml"))
    return body, settings, ["".join(each.text or "" for each in footer.iter(W + "t")) for footer in footers]


def _told(body: ElementTree.Element, *, accept: bool) -> Iterator[str]:
    """The paragraphs that are left when all changes are accepted, or all are refused, empty ones too."""
    gone, mark = (W + "del", W + "del") if accept else (W + "ins", W + "ins")
    text = ""
    for paragraph in body.iter(W + "p"):
        text += "".join(_run_texts(paragraph, gone))
        if paragraph.find(f"{W}pPr/{W}rPr/{mark}") is not None:
            continue  # its end is gone, so the next one goes on where it stops
        yield text
        text = ""
    if text:
        yield text


def _run_texts(element: ElementTree.Element, gone: str) -> Iterator[str]:
    for child in element:
        if child.tag in (W + "t", W + "delText"):
            yield child.text or ""
        elif child.tag not in (gone, W + "pPr"):
            yield from _run_texts(child, gone)


def _differing(found: list[str], wanted: list[str]) -> str:
    pairs: Any = zip(found, wanted, strict=False)
    first = next((pair for pair in pairs if pair[0] != pair[1]), None)
    return f"{first or ''} {len(found)} paragraphs of {len(wanted)}"


def _headings(folder: Path) -> set[str]:
    """All that look like the headings of clauses, the one that is struck out and the one that is new among them."""
    paragraphs: Any = Document(str(folder / "contract.docx")).paragraphs
    found = [each._p for each in paragraphs if each.style.name == "Heading 2"]
    return {"".join(part.text or "" for part in each.iter(W + "t", W + "delText")) for each in found} - {""}


JOB = Job(
    "contract",
    "contract.docx goes back to the other side. Change it with every change recorded, and leave the recording on: "
    "invoices and part payments are due within fourteen (14) days instead of thirty (30) days; the prices hold until "
    "30 June 2026; clause 7 goes out altogether, heading and text; and at the end comes a clause “10. Law”: Danish law "
    "applies. The courts of Aarhus decide. Change nothing else, and do not number anything anew. Save it as it is.",
    make,
    half,
    grade,
)
