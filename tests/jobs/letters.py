"""A club writes to its members: one letter each, as PDFs, and all of them in one file for the print shop."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Cm, Pt, RGBColor
from pypdf import PdfReader

from tests.jobs.job import Check, Job
from tests.jobs.looking import Pages, ink

HEADER = ("Number", "Salutation", "Name", "Street", "Place", "Country", "Fee", "Due", "Status")
MEMBERS = (
    ("0107", "Dear Ms Müller-Lüdenscheidt", "Zoë Müller-Lüdenscheidt", "Am Kälberanger 4", "80331 München", "Germany"),
    ("0112", "Dear Mr O’Connor", "Seán O’Connor", "“The Elms”, 3 Church Lane", "Cork T12 X7F2", "Ireland"),
    ("0118", "Dear Łukasz", "Łukasz Żółciński", "ul. Świętego Krzyża 8/12", "31-028 Kraków", "Poland"),
    ("0121", "Dear Ms Nguyễn", "Nguyễn Thị Ánh Nguyệt", "12 ngõ 5; phố Hàng Bạc", "Hà Nội 100000", "Vietnam"),
    ("0125", "Dear Professor Παπαδοπούλου", "Ελένη Παπαδοπούλου", "Οδός Ερμού 27", "105 63 Αθήνα", "Greece"),
    ("0126", "Dear Mr Smith", "John Smith", "1 Station Road", "Leeds LS1 4DY", "United Kingdom"),
    ("0127", "Dear Mr Smith", "John Smith", "99 Harbour Street <rear>", "Hull HU1 1AA", "United Kingdom"),
    ("0133", "Dear Mr García", "José María García & Sons", "Calle de la Cruz, 4, 2º izq.", "28012 Madrid", "Spain"),
    ("0140", "Dear Ms Čapková", "Žofie Čapková", "Na Příkopě 14", "110 00 Praha 1", "Czechia"),
    ("0141", "Dear Ms Åkerlund", "Märta Åkerlund", "Västra Hamngatan 21 B", "411 17 Göteborg", "Sweden"),
    ("0150", "Dear Mr İnönü", "Ömer İnönü", "Çınarlı Sokağı 6", "34710 İstanbul", "Türkiye"),
    ("0152", "Dear Ms Þorsteinsdóttir", "Guðrún Þorsteinsdóttir", "Laugavegur 77", "101 Reykjavík", "Iceland"),
    ("0160", "Dear Ms Jansen", "Ilse Jansen", "Prinsengracht 263", "1016 GV Amsterdam", "Netherlands"),
    ("0171", "Dear Mr Петров", "Иван Петров", "ул. Граф Игнатиев 5", "1000 София", "Bulgaria"),
)
FEES = ("€60.00", "€60.00", "€1,240.50", "€35.00", "€60.00")
LEFT = ("0126", "0160")  # are no longer members
TABLE = (("What for", "Fee", "Due on"), ("Membership 2026, number {{Number}}", "{{Fee}}", "{{Due}}"))
CLUB = "Society for Old Maps and Globes"
BODY = (
    "{{Salutation}},",
    "thank you for another year with us. In 2026 we move the reading room to the old customs house, and 214 maps that "
    "were in boxes until now will hang where everybody can see them. You are invited to the opening on 18 April.",
    "Your fee for the coming year is {{Fee}}. Please pay it by {{Due}}, with your number {{Number}}:",
    "If this letter and your payment have crossed, or if you would rather pay in two parts, just tell us.",
    "With kind regards",
    "Birgitta Öström, treasurer",
)
ADDRESS = ("{{Name}}", "{{Street}}", "{{Place}}", "{{Country}}")


def rows() -> list[dict[str, str]]:
    """All of the list, those who have left too."""
    found: list[dict[str, str]] = []
    for number, member in enumerate(MEMBERS):
        status = "left" if member[0] in LEFT else "member"
        found.append(dict(zip(HEADER, (*member, FEES[number % 5], "31 March 2026", status), strict=True)))
    return found


def wanted() -> list[dict[str, str]]:
    """Those who get a letter, in the order of the list."""
    return [row for row in rows() if row["Status"] == "member"]


def name(row: dict[str, str]) -> str:
    """Of a letter."""
    return f"{row['Number']} {row['Name']}.pdf"


def listed() -> bytes:
    """The list as a spreadsheet program of the continent writes it."""
    held = io.StringIO()
    writer = csv.writer(held, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(row.values() for row in rows())
    return held.getvalue().encode("utf-8-sig")


def make(folder: Path) -> None:
    """The list, and the letter with its fields."""
    (folder / "members.csv").write_bytes(listed())
    letter().save(str(folder / "letter.docx"))


def letter() -> Any:
    """A letter on the society's paper. Word has parted some of the fields into several runs."""
    document: Any = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    document.styles["Normal"].font.name, document.styles["Normal"].font.size = "Liberation Serif", Pt(12.5)
    head = section.header.paragraphs[0]
    _run(head, CLUB, 20, "7A2E1D", bold=True)
    _line(head, "7A2E1D")
    document.add_paragraph().paragraph_format.space_after = Pt(18)
    for text in ADDRESS:
        _parted(document.add_paragraph(), text).paragraph_format.space_after = Pt(0)
    date = document.add_paragraph("Visby, 2 February 2026")
    date.alignment, date.paragraph_format.space_before = WD_ALIGN_PARAGRAPH.RIGHT, Pt(30)
    subject = document.add_paragraph()
    _run(subject, "Your membership in 2026", 14, "7A2E1D", bold=True)
    for number, text in enumerate(BODY):
        paragraph = _parted(document.add_paragraph(), text)
        paragraph.paragraph_format.space_after = Pt(36 if text.startswith("With") else 10)
        if number == 2:
            _table(document)
    foot = section.footer.paragraphs[0]
    _line(foot, "B99A6B", "top")
    _run(foot, f"{CLUB} · Donners plats 1 · 621 57 Visby · maps@globes.example", 9, "6B5B45", bold=False)
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    return document


def _run(paragraph: Any, text: str, size: float, colour: str, *, bold: bool) -> None:
    made: Any = RGBColor
    run = paragraph.add_run(text)
    run.font.size, run.font.bold, run.font.color.rgb = Pt(size), bold, made.from_string(colour)


def _parted(paragraph: Any, text: str) -> Any:
    """Fields over three runs, the middle one with a look of its own where money is named."""
    for piece in re.split(r"(\{\{\w+\}\})", text):
        if piece.startswith("{{"):
            for part in (piece[:3], piece[3:-1], piece[-1:]):
                paragraph.add_run(part).font.bold = True if piece == "{{Fee}}" else None
        elif piece:
            paragraph.add_run(piece)
    return paragraph


def _line(paragraph: Any, colour: str, side: str = "bottom") -> None:
    paragraph._p.get_or_add_pPr().append(
        parse_xml(
            f'<w:pBdr {nsdecls("w")}><w:{side} w:val="single" w:sz="12" w:space="6" w:color="{colour}"/></w:pBdr>'
        )
    )


def _table(document: Any) -> None:
    table = document.add_table(len(TABLE), 3, "Light List Accent 2")
    table.autofit = False
    for column, width in zip(table.columns, (9.0, 3.0, 4.0), strict=True):
        column.width = Cm(width)
    for row, texts in zip(table.rows, TABLE, strict=True):
        for cell, text, width in zip(row.cells, texts, (9.0, 3.0, 4.0), strict=True):
            cell.width = Cm(width)
            _parted(cell.paragraphs[0], text)
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def half(folder: Path) -> None:
    """The first five letters, as documents."""
    (folder / "letters").mkdir()
    for row in wanted()[:5]:
        document = letter()
        for paragraph in document.paragraphs:
            paragraph.text = filled(paragraph.text, row)
        document.save(str(folder / "letters" / name(row).replace(".pdf", ".docx")))


def filled(text: str, row: dict[str, str]) -> str:
    """A text of the letter for a member."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: row[match[1]], text)


def words(row: dict[str, str], *, down: bool = False) -> str:
    """Everything that a member's letter says, in the order of the page; the table by rows, or down its columns."""
    table = zip(*TABLE, strict=True) if down else TABLE
    parts = [CLUB, *ADDRESS, "Visby, 2 February 2026", "Your membership in 2026", *BODY[:3]]
    parts += [text for texts in table for text in texts]
    parts += [*BODY[3:], f"{CLUB} · Donners plats 1 · 621 57 Visby · maps@globes.example"]
    return " ".join(filled(part, row) for part in parts)


def grade(folder: Path) -> Sequence[Check]:
    """Each letter says what it must to whom it must, on one page that can be printed."""
    there = sorted(path.name for path in (folder / "letters").iterdir())
    missing = sorted({*map(name, wanted())} - {*there}), sorted({*there} - {*map(name, wanted())})
    held = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    checks = [
        Check("a letter for each, named as asked, and none else", missing == ([], []), str(missing)),
        Check("nothing else is left", held == ["all.pdf", "letter.docx", "letters", "members.csv"], str(held)),
        Check("the list is untouched", (folder / "members.csv").read_bytes() == listed()),
        Check("the letter is untouched", _texts(Document(str(folder / "letter.docx"))) == _texts(letter())),
    ]
    if all(check.ok for check in checks):
        checks += _looks(folder)
    return checks


def _texts(document: Any) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def _looks(folder: Path) -> list[Check]:
    counts = {path.name: len(PdfReader(path).pages) for path in (folder / "letters").iterdir()}
    pages = Pages((folder / "all.pdf").read_bytes())
    single = [Pages((folder / "letters" / name(row)).read_bytes()).texts for row in wanted()]
    wrong = [row["Number"] for row, texts in zip(wanted(), single, strict=True) if not _is(" ".join(texts), row)]
    order = [_is(page, row) for page, row in zip(pages.texts, wanted(), strict=False)]
    cut = [
        number
        for number, page in enumerate(pages.words, 1)
        if min(word.left for word in page) < 0.05 or max(word.right for word in page) > 0.95
    ]
    blank = [number for number, pixels in enumerate(pages.pictures(30), 1) if ink(pixels) < 0.02]
    return [
        Check("each letter is one page", {*counts.values()} == {1}, str(counts)),
        Check("each says what the template says, to its member", not wrong, str(wrong)),
        Check("all.pdf has each page, in the order of the list", len(pages.texts) == len(order) and all(order)),
        Check("all.pdf has one page for each", len(pages.texts) == len(wanted()), str(len(pages.texts))),
        Check("nothing is cut off", not cut, str(cut)),
        Check("no page is blank", not blank, str(blank)),
    ]


def _plain(text: str) -> str:
    """Without blanks, which a PDF has where the font changes too, and with one way to write accents."""
    return "".join(unicodedata.normalize("NFC", text).split())


def _is(page: str, row: dict[str, str]) -> bool:
    return _plain(page) in (_plain(words(row)), _plain(words(row, down=True)))


JOB = Job(
    "letters",
    "Write to our members: make a PDF of letter.docx for each line of members.csv, but not for those who have left "
    "(see Status). Put them into a folder letters, named with number and name, like “0118 Łukasz Żółciński.pdf”, and "
    "put all of them into one file all.pdf for the print shop too, in the order of the list. One page each. Leave the "
    "letter and the list as they are, and nothing else behind.",
    make,
    half,
    grade,
)
