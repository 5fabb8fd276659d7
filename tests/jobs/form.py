"""A PDF form is filled in: texts, a box that is ticked, a choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pypdf import PdfReader, PdfWriter

from tests.jobs.job import Check, Job
from tests.support.pdfs import Form

FILLED = {
    "name": "Zoë Kowalčíková",
    "street": "Hauptstraße 12",
    "town": "Östersund",
    "nights": "4",
    "remarks": "Arrival after 22:00, no nuts please",
}
LABELS = ("Name of the guest", "Street and number", "Town", "Nights", "Remarks", "Breakfast", "Office use only")
HEADING = "Guest registration"


def make(folder: Path) -> None:
    """Five fields for text, a box to tick, and a field that is for others."""
    form = Form(HEADING)
    for name in FILLED:
        form.text(name)
    form.check("breakfast")
    form.text("office", value="R-0417")
    page = form.page
    content = page["/Contents"].get_object()
    told = [f"BT /F1 11 Tf 340 {705 - 36 * at} Td ({label}) Tj ET" for at, label in enumerate(LABELS)]
    content.set_data("\n".join([content.get_data().decode("latin-1"), *told]).encode("latin-1"))
    form.write(folder / "form.pdf")


def half(folder: Path) -> None:
    """The first two fields, and no more."""
    writer = PdfWriter(clone_from=folder / "form.pdf")
    writer.update_page_form_field_values(writer.pages[0], {name: FILLED[name] for name in ("name", "street")})
    writer.write(folder / "filled.pdf")


def grade(folder: Path) -> Sequence[Check]:
    """Every field of the new file, what is printed on its page, and the empty form beside it."""
    filled, empty = PdfReader(folder / "filled.pdf"), PdfReader(folder / "form.pdf")
    fields = filled.get_fields() or {}
    found = {name: str(field.value or "") for name, field in fields.items()}
    wrong = {name: found.get(name) for name, value in FILLED.items() if found.get(name) != value}
    blank = {str(field.value or "") for name, field in (empty.get_fields() or {}).items() if name in FILLED}
    return [
        Check("every text is in its field", not wrong, str(wrong)),
        Check("breakfast is ticked", found.get("breakfast") == "/Yes", str(found.get("breakfast"))),
        Check("the field for others is as it was", found.get("office") == "R-0417", str(found.get("office"))),
        Check("it is still a form of one page", len(filled.pages) == 1 and len(found) == 7, str(found)),
        Check("its words are as they were", HEADING in filled.pages[0].extract_text()),
        Check("the empty form is still empty", blank == {""}, str(blank)),
    ]


JOB = Job(
    "form",
    "Fill in form.pdf and save it as filled.pdf; form.pdf itself stays empty. The guest is Zoë Kowalčíková, "
    "Hauptstraße 12, Östersund; four nights (write 4), with breakfast. Remarks: Arrival after 22:00, no nuts please. "
    "The last field is not ours.",
    make,
    half,
    grade,
)
