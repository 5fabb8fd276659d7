"""A font of the system for letters that a form's own font lacks, embedded with those letters only."""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.office.pdfs.cff import Cff
from agent.office.pdfs.sfnt import Sfnt

_SECONDS = 20.0
_MOST_LETTERS = 1_500  # different ones of a text
_TRIED = 12  # fonts
_FIRST = 0x21  # code of the first letter
_LIKED: Final = ("Liberation Sans", "Arial", "DejaVu Sans", "Noto Sans", "Carlito", "Segoe UI")
_PLAIN: Final = ("Regular", "Book", "Normal", "Medium")
_SHAPED: Final = ((0x0900, 0x109F), (0x1780, 0x17FF), (0x1A00, 0x1AFF), (0xA800, 0xABFF), (0x1F1E6, 0x1F1FF))


@dataclass(frozen=True)
class Face:
    """An embedded font: `resource` is its dictionary in the PDF, `codes` the code of each letter."""

    resource: Any
    codes: Mapping[str, int]

    def written(self, text: str) -> str:
        """Text as it stands in a page's content: hexadecimal digits."""
        return "".join(f"{self.codes[char]:04x}" for char in text)


class Faces:
    """The fonts that one change of a PDF embeds.

    Args:
        texts: all that may need one; they share one where a font has all their letters.
    """

    def __init__(self, writer: Any, texts: Iterable[str]) -> None:
        self._writer = writer
        self._all = set[str]().union(*(_letters(each) for each in texts if not _is_shaped(each)))
        self._made: list[Face] = []

    def of(self, text: str) -> Face | None:
        """A font with all letters of a text; None where there is none, or letters that must be joined to be read."""
        wanted = _letters(text)
        for face in self._made:
            if wanted <= face.codes.keys():
                return face
        if not _is_shaped(text) and len(wanted) <= _MOST_LETTERS and (face := self._embedded(wanted)) is not None:
            self._made.append(face)
            return face
        return None

    def _embedded(self, wanted: set[str]) -> Face | None:
        """One that has these, with all of the others that it has too."""
        for path, index in _candidates("".join(sorted(wanted))):
            try:
                font = Sfnt.read(path, index)
                glyphs = font.glyphs(sorted(wanted | set(sorted(self._all)[:_MOST_LETTERS])))
                if wanted <= glyphs.keys():
                    return _embed(self._writer, font, glyphs)
            except (OSError, ValueError):
                continue
        return None


def drawable(text: str) -> str:
    """A text as it is drawn: letters and their accents in one, without what cannot be seen."""
    joined = unicodedata.normalize("NFC", text)
    return "".join(char for char in joined if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf"))


def _letters(text: str) -> set[str]:
    return {*drawable(text), " "} - {"\n"}


def _is_shaped(text: str) -> bool:
    """Whether it is written from the right, or in letters that change beside each other."""
    return any(
        unicodedata.bidirectional(char) in ("R", "AL") or any(low <= ord(char) <= high for low, high in _SHAPED)
        for char in text
    )


def _candidates(letters: str) -> Iterator[tuple[Path, int]]:
    """Font files that fontconfig says to have all of the letters, the best suited first."""
    codes = " ".join(f"{ord(char):x}" for char in letters)
    command = ["fc-list", "-f", "%{file}\t%{index}\t%{family}\t%{style}\n", f":charset={codes}"]
    try:
        told = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return
    found = [line.split("\t") for line in told.decode("utf-8", "replace").splitlines() if line.count("\t") == 3]
    plain = [each for each in found if each[0].lower().endswith((".ttf", ".ttc", ".otf")) and each[1].isdigit()]
    for file, index, *_ in sorted(plain, key=_rank)[:_TRIED]:
        if int(index) < 256:  # larger ones are variants of one font
            yield Path(file), int(index)


def _rank(told: list[str]) -> tuple[bool, int, bool, str]:
    file, _, family, style = told
    names = family.split(",")
    liked = min((_LIKED.index(name) for name in names if name in _LIKED), default=len(_LIKED))
    odd = any(word in family for word in ("Mono", "Serif", "Condensed", "Narrow", "Math", "Light", "Emoji"))
    return not any(each in _PLAIN for each in style.split(",")), liked, odd, file


def _embed(writer: Any, font: Sfnt, glyphs: Mapping[str, int]) -> Face:
    """Raises ValueError where the font cannot be embedded."""
    from pypdf.generic import ArrayObject, NameObject, NumberObject

    codes = _codes(font, glyphs)
    up, down = font.heights
    name = NameObject("/DHXAAA+DeskhandLetters")
    numbers = {"Flags": 4, "ItalicAngle": 0, "Ascent": up, "Descent": down, "CapHeight": 700, "StemV": 80}
    outlines = _stream(writer, font.subset(glyphs.values()), "CIDFontType0C" if font.postscript else "")
    descriptor = _dictionary(
        Type=NameObject("/FontDescriptor"), FontName=name,
        FontBBox=ArrayObject(NumberObject(each) for each in (0, down, 1000, up)),
        **{key: NumberObject(value) for key, value in numbers.items()},
        **{"FontFile3" if font.postscript else "FontFile2": outlines},
    )  # fmt: skip
    widths: Any = ArrayObject()
    for char, code in codes.items():
        widths += [NumberObject(code), ArrayObject([NumberObject(font.width(glyphs[char]))])]
    below = _dictionary(
        Type=NameObject("/Font"), Subtype=NameObject(f"/CIDFontType{0 if font.postscript else 2}"), BaseFont=name,
        FontDescriptor=writer._add_object(descriptor), CIDSystemInfo=_system(), DW=NumberObject(600), W=widths,
    )  # fmt: skip
    if not font.postscript:
        below[NameObject("/CIDToGIDMap")] = _stream(writer, _places(codes, glyphs))
    resource = _dictionary(
        Type=NameObject("/Font"), Subtype=NameObject("/Type0"), BaseFont=name, Encoding=NameObject("/Identity-H"),
        DescendantFonts=ArrayObject([writer._add_object(below)]), ToUnicode=_stream(writer, _meanings(codes)),
    )  # fmt: skip
    writer._add_object(resource)
    return Face(resource, codes)


def _codes(font: Sfnt, glyphs: Mapping[str, int]) -> dict[str, int]:
    """The codes of letters: by their order, but in fonts of PostScript, where codes are glyphs. Raises ValueError."""
    if not font.postscript:
        return {char: _FIRST + number for number, char in enumerate(glyphs)}
    names = Cff(font.tables["CFF "]).names(glyphs.values())
    codes = {char: names[glyph] for char, glyph in glyphs.items()}
    if any(0xD800 <= code < 0xE000 for code in codes.values()):
        raise ValueError("pypdf cannot write codes that are half of a letter elsewhere")
    return codes


def _places(codes: Mapping[str, int], glyphs: Mapping[str, int]) -> bytes:
    """The glyph of each code."""
    made = bytearray(2 * (_FIRST + len(codes)))
    for char, code in codes.items():
        made[2 * code : 2 * code + 2] = glyphs[char].to_bytes(2, "big")
    return bytes(made)


def _system() -> Any:
    from pypdf.generic import NumberObject, TextStringObject

    named = {"Registry": TextStringObject("Adobe"), "Ordering": TextStringObject("Identity")}
    return _dictionary(**named, Supplement=NumberObject(0))


def _dictionary(**told: Any) -> Any:
    from pypdf.generic import DictionaryObject, NameObject

    return DictionaryObject({NameObject(f"/{key}"): value for key, value in told.items()})


def _stream(writer: Any, data: bytes, kind: str = "") -> Any:
    from pypdf.generic import DecodedStreamObject, NameObject, NumberObject

    made = DecodedStreamObject()
    made.set_data(data)
    packed = made.flate_encode()
    packed[NameObject("/Length1")] = NumberObject(len(data))
    if kind:
        packed[NameObject("/Subtype")] = NameObject(f"/{kind}")
    return writer._add_object(packed)


def _meanings(codes: Mapping[str, int]) -> bytes:
    """What each code means, so that the text can be copied and searched."""
    lines = [f"<{code:04x}> <{char.encode('utf-16-be').hex()}>" for char, code in codes.items()]
    blocks = [lines[at : at + 100] for at in range(0, len(lines), 100)]
    listed = "\n".join(f"{len(each)} beginbfchar\n" + "\n".join(each) + "\nendbfchar" for each in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /Adobe-Identity-UCS def\n"
        "/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        f"{listed}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
