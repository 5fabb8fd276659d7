"""How results look: laid out by LibreOffice, their words with their places, and their pages as pictures."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PATIENCE = 100.0
Pixels: TypeAlias = "NDArray[np.uint8]"  # (height, width, 3)


@dataclass(frozen=True)
class Word:
    """A word of a page; its sides as parts of the page's width and height, 0 to 1 from the top left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


class Pages:
    """The pages of a PDF."""

    def __init__(self, pdf: bytes) -> None:
        self.pdf = pdf

    @cached_property
    def words(self) -> list[list[Word]]:
        """Of each page, in the order of reading."""
        root = ElementTree.fromstring(_through(["pdftotext", "-bbox", "-", "-"], self.pdf))
        return [
            [_word(each, float(page.attrib["width"]), float(page.attrib["height"])) for each in page if each.text]
            for page in root.iter("{http://www.w3.org/1999/xhtml}page")
        ]

    @property
    def texts(self) -> list[str]:
        """What each page says, words parted by one blank."""
        return [" ".join(word.text for word in page) for page in self.words]

    def pictures(self, resolution: int = 60) -> list[Pixels]:
        """All pages as pixels."""
        found: list[Pixels] = []
        with tempfile.TemporaryDirectory(prefix="dh-look-") as scratch:
            _through(["pdftoppm", "-r", str(resolution), "-", f"{scratch}/page"], self.pdf)
            for path in sorted(Path(scratch).iterdir()):
                with Image.open(path) as image:
                    found.append(np.asarray(image.convert("RGB")))
        return found


def printed(path: Path) -> Pages:
    """A document as LibreOffice prints it. Raises subprocess.SubprocessError, OSError."""
    with tempfile.TemporaryDirectory(prefix="dh-look-") as scratch:
        profile = Path(scratch, "profile").as_uri()
        words = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", "pdf"]
        environment = {"PATH": os.environ["PATH"], "HOME": scratch, "LANG": "C.UTF-8"}
        subprocess.run(
            [*words, "--outdir", scratch, str(path)],
            env=environment, check=True, capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return Pages(Path(scratch, f"{path.stem}.pdf").read_bytes())


def fonts(pdf: bytes) -> set[str]:
    """Names of the fonts that a PDF uses, as it has them: "BAAAAA+LiberationSans-Bold"."""
    told = _through(["pdffonts", "-"], pdf).decode().splitlines()[2:]
    return {line.split()[0] for line in told if line.strip()}


def ink(pixels: Pixels) -> float:
    """Share of a picture's pixels that differ from its commonest colour, 0 to 1."""
    _, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    return 1 - float(counts.max()) / float(counts.sum())


def share(pixels: Pixels, colour: str, near: int = 12) -> float:
    """Share of the pixels that have a colour "RRGGBB", or nearly; 0 to 1."""
    wanted = np.array([int(colour[index : index + 2], 16) for index in (0, 2, 4)])
    return float((np.abs(pixels.astype(int) - wanted) <= near).all(axis=2).mean())


def astray(page: Sequence[Word], boxes: Sequence[tuple[float, float, float, float]], slack: float = 0.012) -> list[str]:
    """The words that lie in none of the boxes (left, top, right, bottom; as parts of the page)."""
    return [word.text for word in page if not any(_within(word, box, slack) for box in boxes)]


def _within(word: Word, box: tuple[float, float, float, float], slack: float) -> bool:
    left, top, right, bottom = box
    across = left - slack <= word.left and word.right <= right + slack
    down = slack + (word.bottom - word.top) / 4  # a font's height is more than its letters'
    return across and top - down <= word.top and word.bottom <= bottom + down


def _word(element: ElementTree.Element, width: float, height: float) -> Word:
    left, top, right, bottom = (float(element.attrib[name]) for name in ("xMin", "yMin", "xMax", "yMax"))
    return Word(element.text or "", left / width, top / height, right / width, bottom / height)


def _through(words: Sequence[str], data: bytes) -> bytes:
    return subprocess.run(words, input=data, check=True, capture_output=True, timeout=PATIENCE).stdout
