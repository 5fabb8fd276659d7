"""Text in forms and on pages of PDFs: letters that a form's font lacks, and text that does not fit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from agent.office.pdfs import faces
from agent.office.pdfs.cff import Cff
from agent.office.pdfs.changing import change
from agent.office.pdfs.operations import Fill, Flatten, WriteText
from agent.office.pdfs.sfnt import Sfnt
from tests.support.pdfs import Form, application, names, text

pytestmark = pytest.mark.skipif(
    shutil.which("pdftotext") is None or shutil.which("fc-list") is None, reason="needs poppler-utils and fontconfig"
)


def filled(path: Path, *more: Any, **values: object) -> list[str]:
    fields = [{"name": name, "value": value} for name, value in values.items()]
    fill = Fill.model_validate({"do": "fill", "fields": fields})
    return change(path, path.name, path.with_name("made.pdf"), [fill, *more], {}, accept_loss=False)


def seen(path: Path) -> str:
    """What poppler reads on the pages, from what is drawn on them."""
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout


def font_files(path: Path) -> list[bytes]:
    """The fonts in a PDF, unpacked."""
    reader: Any = PdfReader(path)
    objects = [reader.get_object(number) for number in range(1, len(reader.xref[0]))]
    return [each["/FontFile2"].get_data() for each in objects if hasattr(each, "get") and "/FontFile2" in each]


def form_of(path: Path) -> Any:
    reader: Any = PdfReader(path)
    return reader.trailer["/Root"]["/AcroForm"]


def test_letters_that_the_font_of_the_form_lacks_are_drawn_with_another(tmp_path: Path) -> None:
    path, made = application(tmp_path / "form.pdf"), tmp_path / "made.pdf"
    told = "\n".join(
        filled(path, name="Дмитрий Łukasz Müller", code="ЖЯ12", remarks="Ελληνικά\nздесь", colour="жёлтый")
    )
    assert "name, code, remarks, colour: drawn with a font of this system" in told
    words = seen(made)
    assert "Дмитрий Łukasz Müller" in words and "Ελληνικά" in words and "жёлтый" in words and "?" not in words
    (font,) = font_files(made)
    assert len(font) < 60_000, "the whole font was embedded"
    fields: Any = PdfReader(made).get_fields()
    assert fields["name"]["/V"] == "Дмитрий Łukasz Müller"
    assert "/DeskhandLetters" not in str(form_of(made)["/DR"])
    assert "drawn with" not in "\n".join(filled(path, name="Łukasz Wójcik"))
    flat = filled(path, Flatten(do="flatten"), name="Дмитрий")
    assert "part of the pages" in "\n".join(flat) and "Дмитрий" in seen(made)


def test_letters_that_no_font_has_are_left_to_the_viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, made = application(tmp_path / "form.pdf"), tmp_path / "made.pdf"
    assert "from right to left" in "\n".join(filled(path, name="مرحبا"))

    def none(_: str) -> Iterator[tuple[Path, int]]:
        return iter(())

    monkeypatch.setattr(faces, "_candidates", none)
    assert "no font here has all its letters" in "\n".join(filled(path, name="Дмитрий"))
    form = form_of(made)
    assert form["/NeedAppearances"].value is True
    field: Any = next(each.get_object() for each in form["/Fields"] if each.get_object()["/T"] == "name")
    assert field["/V"] == "Дмитрий" and "/AP" not in field, "it would show what was never filled in"
    with pytest.raises(Exception, match="cannot be made part of the page"):
        filled(path, Flatten(do="flatten"), name="Дмитрий")


def test_a_text_is_broken_into_lines_and_what_does_not_fit_is_told(tmp_path: Path) -> None:
    form = Form()
    form.text("notes", flags=1 << 12, height=70)
    form.text("line")
    path, made = form.write(tmp_path / "form.pdf"), tmp_path / "made.pdf"
    words = "The tenant pays the rent on the third working day of each month without being asked."
    told = "\n".join(filled(path, notes=words))
    assert " ".join(seen(made).split()).endswith(words) and "lines of the text" not in told
    assert len([line for line in seen(made).splitlines() if line.strip()]) == 3, "no line was broken"
    told = "\n".join(filled(path, notes=words * 4 + "x" * 30_000, line=words))
    form.fields.append(form.add(names(FT="Tx", T=text("unseen"))))
    assert "unseen: kept" in "\n".join(filled(form.write(path), unseen="kept"))
    assert "notes: the field shows 4 of" in told and "line: the text is longer than the field shows" in told


def test_any_letters_are_written_on_a_page(tmp_path: Path) -> None:
    path, made = application(tmp_path / "form.pdf"), tmp_path / "made.pdf"
    operation = {"do": "write_text", "page": 1, "left": 20, "top": 270, "size": 14}
    wanted = WriteText.model_validate(operation | {"text": "Подпись: Иванов\nCafé"})
    change(path, "form.pdf", made, [wanted], {}, accept_loss=False)
    assert "Подпись: Иванов" in seen(made) and "Café" in seen(made)
    with pytest.raises(Exception, match="no font here has all its letters"):
        change(path, "form.pdf", made, [WriteText.model_validate(operation | {"text": "שלום"})], {}, accept_loss=False)


def fonts(suffix: str) -> list[Path]:
    told = subprocess.run(["fc-list", "-f", "%{file}\n"], capture_output=True, text=True, check=True).stdout
    return sorted({Path(line) for line in told.splitlines() if line.endswith(suffix)})


@pytest.mark.parametrize("suffix", [".ttf", ".otf"])
def test_a_font_of_few_letters_is_small_and_whole(suffix: str) -> None:
    if not (found := fonts(suffix)):
        pytest.skip(f"no {suffix} here")
    font = Sfnt.read(found[0], 0)
    glyphs = font.glyphs("Aé")
    made = font.subset(glyphs.values())
    if font.postscript:
        again, whole = Cff(made), Cff(font.tables["CFF "])
        assert again.names(glyphs.values()) == whole.names(glyphs.values())
        assert len(made) == len(font.tables["CFF "]) and made.count(0) > font.tables["CFF "].count(0)
    else:
        assert made[:4] == b"\0\1\0\0" and len(made) < found[0].stat().st_size


@pytest.mark.parametrize("cut", [0, 3, 40, 500, 5_000])
def test_a_broken_font_is_passed_over(tmp_path: Path, cut: int) -> None:
    for suffix in (".ttf", ".otf"):
        for path in fonts(suffix)[:2]:
            broken = tmp_path / path.name
            broken.write_bytes(path.read_bytes()[:cut])
            with pytest.raises(ValueError):
                font = Sfnt.read(broken, 0)
                font.subset(font.glyphs("A").values())
