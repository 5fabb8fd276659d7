"""PDFs for tests, written with pypdf: pages of text, and forms with every kind of field."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

A4 = (595.0, 842.0)


def names(**told: Any) -> DictionaryObject:
    """A dictionary of PDF objects; plain strings are names."""
    made = DictionaryObject()
    for key, value in told.items():
        made[NameObject(f"/{key}")] = NameObject(f"/{value}") if type(value) is str else value
    return made


def text(value: str) -> TextStringObject:
    return TextStringObject(value)


def array(*values: Any) -> ArrayObject:
    return ArrayObject(FloatObject(each) if isinstance(each, int | float) else each for each in values)


def stream(content: str, **told: Any) -> DecodedStreamObject:
    made = DecodedStreamObject()
    made.set_data(content.encode("latin-1"))
    made.update(names(**told))
    return made


def pages_pdf(path: Path, pages: Sequence[str], *, title: str = "", outline: bool = False) -> Path:
    """A PDF with one page for each text."""
    writer = PdfWriter()
    for content in pages:
        add_page(writer, content)
    if outline:
        for number, content in enumerate(pages):
            writer.add_outline_item(title=content, page_number=number)
    if title:
        writer.add_metadata({"/Title": title})
    return written(writer, path)


def add_page(writer: PdfWriter, content: str) -> Any:
    """One more page, with this text near its top."""
    page: Any = writer.add_blank_page(*A4)
    font = writer._add_object(names(Type="Font", Subtype="Type1", BaseFont="Helvetica"))  # pyright: ignore[reportPrivateUsage]
    page[NameObject("/Resources")] = names(Font=names(F1=font))
    made = stream(f"BT /F1 24 Tf 72 770 Td ({content}) Tj ET")
    page[NameObject("/Contents")] = writer._add_object(made)  # pyright: ignore[reportPrivateUsage]
    return page


def written(writer: PdfWriter, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer.write(file)
    return path


class Form:
    """A form that grows downwards on one page."""

    def __init__(self, heading: str = "Form") -> None:
        self.writer = PdfWriter()
        self.page = add_page(self.writer, heading)
        self.page[NameObject("/Annots")] = ArrayObject()
        self.fields = ArrayObject()
        self.y = 720.0
        font = self.add(names(Type="Font", Subtype="Type1", BaseFont="Helvetica", Encoding="WinAnsiEncoding"))
        self.form = names(Fields=self.fields, DR=names(Font=names(Helv=font)), DA=text("/Helv 12 Tf 0 g"))
        self.writer.root_object[NameObject("/AcroForm")] = self.add(self.form)

    def add(self, made: Any) -> Any:
        return self.writer._add_object(made)  # pyright: ignore[reportPrivateUsage]

    def widget(self, made: DictionaryObject, *, width: float = 250.0, height: float = 22.0, left: float = 72.0) -> Any:
        """Put an annotation on the page, and below the one before."""
        made.update(names(Type="Annot", Subtype="Widget", F=NumberObject(4)))
        made[NameObject("/Rect")] = array(left, self.y - height, left + width, self.y)
        made[NameObject("/MK")] = names(BC=array(0, 0, 0.6), BG=array(0.95, 0.95, 1))
        self.y -= height + 14
        reference = self.add(made)
        self.page["/Annots"].append(reference)
        return reference

    def text(
        self, name: str, *, flags: int = 0, most: int = 0, value: str = "", height: float = 22.0, **more: Any
    ) -> None:
        made = names(FT="Tx", T=text(name), Ff=NumberObject(flags), V=text(value), **more)
        if most:
            made[NameObject("/MaxLen")] = NumberObject(most)
        self.fields.append(self.widget(made, height=height))

    def below(self, group: str, *kinds: str) -> None:
        """Text fields "group.kind", which inherit what they are."""
        parent = names(FT="Tx", T=text(group), Ff=NumberObject(2))
        reference = self.add(parent)
        kids = [self.widget(names(T=text(kind), Parent=reference)) for kind in kinds]
        parent[NameObject("/Kids")] = ArrayObject(kids)
        self.fields.append(reference)

    def check(self, name: str, state: str = "Yes", *, drawn: bool = True) -> None:
        made = names(FT="Btn", T=text(name), V="Off", AS="Off")
        if drawn:
            made[NameObject("/AP")] = names(N=self._states(state, "4"))
        self.fields.append(self.widget(made, width=18, height=18))

    def radio(self, name: str, *states: str, labels: Sequence[str] = ()) -> None:
        parent = names(FT="Btn", T=text(name), Ff=NumberObject(1 << 15), V="Off")
        if labels:
            parent[NameObject("/Opt")] = ArrayObject(text(label) for label in labels)
        reference = self.add(parent)
        kids: list[Any] = []
        for at, state in enumerate(states):
            kids.append(
                self.widget(
                    names(Parent=reference, AS="Off", AP=names(N=self._states(state, "l"))),
                    width=18,
                    height=18,
                    left=72 + 40 * at,
                )
            )
            self.y += 32
        self.y -= 32
        parent[NameObject("/Kids")] = ArrayObject(kids)
        self.fields.append(reference)

    def choice(self, name: str, *options: str | tuple[str, str], flags: int = 1 << 17, height: float = 22.0) -> None:
        listed = ArrayObject(
            text(each) if isinstance(each, str) else ArrayObject([text(each[0]), text(each[1])]) for each in options
        )
        made = names(FT="Ch", T=text(name), Ff=NumberObject(flags), Opt=listed)
        self.fields.append(self.widget(made, height=height))

    def signature(self, name: str, *, signed: bool) -> None:
        made = names(FT="Sig", T=text(name))
        if signed:
            made[NameObject("/V")] = names(Type="Sig", Filter="Adobe.PPKLite", Name=text("Ada"))
        self.fields.append(self.widget(made))

    def _states(self, state: str, mark: str) -> DictionaryObject:
        fonts = names(Font=names(ZaDb=names(Type="Font", Subtype="Type1", BaseFont="ZapfDingbats")))
        box = array(0, 0, 18, 18)
        on = stream(
            f"q BT 0 g /ZaDb 14 Tf 3 4 Td ({mark}) Tj ET Q", Type="XObject", Subtype="Form", BBox=box, Resources=fonts
        )
        off = stream("", Type="XObject", Subtype="Form", BBox=box)
        return DictionaryObject({NameObject(f"/{state}"): self.add(on), NameObject("/Off"): self.add(off)})

    def write(self, path: Path) -> Path:
        return written(self.writer, path)


def application(path: Path) -> Path:
    """A form with every kind of field."""
    form = Form("Application")
    form.text("name", most=40, flags=2, TU=text("Full name"))
    form.text("code", most=6, flags=1 << 24)
    form.text("remarks", flags=1 << 12, height=70)
    form.text("total", AA=names(C=names(S="JavaScript", JS=text("event.value = 1;"))))
    form.text("number", flags=1, value="A-17")
    form.below("address", "street", "town")
    form.check("agree")
    form.check("bare", drawn=False)
    form.radio("size", "S", "M", "L", labels=("Small", "Medium", "Large"))
    form.choice("country", ("DE", "Germany"), ("PL", "Poland"), ("FR", "France"))
    form.choice("colour", "red", "green", flags=1 << 17 | 1 << 18)
    form.choice("languages", ("de", "German"), ("pl", "Polish"), ("fr", "French"), flags=1 << 21, height=60)
    form.signature("sign", signed=False)
    return form.write(path)
