"""What is written where: OCR of a region with Tesseract, in this process.

Reading a menu bar takes 30 ms, a dialog 100 ms, a whole screen of 1920×1080 more than a second: say where to look.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from perception.errors import CannotRead
from perception.find import Found, Picture, clip, crop, whole
from perception.screenshot import Region

if TYPE_CHECKING:
    from tesserocr import PyTessBaseAPI

Layout: TypeAlias = Literal["sparse", "block", "line", "word"]
"""How the text lies in its region: scattered over a window, lines of one paragraph, one line, one word."""

LANGUAGE = "eng"
DATA_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
CURE = (
    "install it with `sudo apt-get install tesseract-ocr-eng`, or set TESSDATA_PREFIX to the folder of eng.traineddata"
)
SMALL = 250_000  # pixels up to which a region is enlarged three times, else twice
MARGIN = 12  # pixels of border around the enlarged region: text at the very edge is not read
SURE = 0.8  # how alike two texts must be to count as the same
SHORT = 4  # letters up to which a text must be read exactly
SIMILAR = str.maketrans({"0": "o", "|": "l", "1": "l", "i": "l", "…": ".", "’": "'", "–": "-", "—": "-"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was read. `line` numbers the lines of the region; `confidence` is the reader's own, 0 to 1."""

    text: str
    region: Region
    confidence: float
    line: int


def read_text(picture: Picture, *, region: Region | None = None, layout: Layout = "sparse") -> tuple[Word, ...]:
    """Every word in a region, line after line; regions of the words are in pixels of the whole picture.

    Raises:
        CannotRead: OCR does not work here; the message has the cure.
    """
    area = clip(region or whole(picture), whole(picture))
    if area is None:
        return ()
    scale = 3 if area.width * area.height <= SMALL else 2
    return _reader().read(_enlarged(crop(picture, area), scale), layout, area, scale)


def find_text(
    picture: Picture,
    wanted: str,
    *,
    region: Region | None = None,
    layout: Layout = "sparse",
    min_confidence: float = SURE,
) -> Found | None:
    """Look for a text. Returns the place where it reads most like `wanted`, or None.

    Raises:
        CannotRead: OCR does not work here; the message has the cure.
    """
    places = match_text(read_text(picture, region=region, layout=layout), wanted, min_confidence=min_confidence)
    return places[0] if places else None


def match_text(words: Sequence[Word], wanted: str, *, min_confidence: float = SURE) -> tuple[Found, ...]:
    """Every place among words that were read where `wanted` stands, the best first; then from the top left on.

    Case, spaces and characters that look alike to a reader (0 and O, 1 and l) make no difference. Up to
    four letters must be right; longer texts may be a little off.
    """
    target = _plain(wanted)
    if not target:
        return ()
    least = max(min_confidence, 1.0) if len(target) <= SHORT else min_confidence
    found: list[Found] = []
    for line in _lines(words):
        found += _in_line(line, target, len(wanted.split()), least)
    found.sort(key=lambda place: (-round(place.confidence, 2), place.region.top, place.region.left))
    return tuple(
        Found(place.region, place.confidence, place.text, max((o.confidence for o in found if o != place), default=0.0))
        for place in found
    )


def _in_line(line: Sequence[Word], target: str, count: int, least: float) -> list[Found]:
    """The places in one line: runs of about as many words as are wanted, that do not overlap, the best first."""
    runs: list[tuple[float, int, int]] = []
    for start in range(len(line)):
        for stop in range(start + 1, min(len(line), start + count + 2) + 1):
            likeness = _likeness(_plain("".join(word.text for word in line[start:stop])), target)
            if likeness >= least:
                runs.append((likeness, start, stop))
    chosen: list[tuple[float, int, int]] = []
    for run in sorted(runs, key=lambda run: (-run[0], run[1])):
        if all(run[2] <= start or run[1] >= stop for _, start, stop in chosen):
            chosen.append(run)
    return [
        Found(_around(line[start:stop]), likeness, " ".join(word.text for word in line[start:stop]))
        for likeness, start, stop in chosen
    ]


def _likeness(read: str, target: str) -> float:
    if read == target:
        return 1.0
    if not read or abs(len(read) - len(target)) > max(len(read), len(target)) // 2:
        return 0.0
    return SequenceMatcher(None, read, target, autojunk=False).ratio()


def _plain(text: str) -> str:
    """Without what an OCR cannot be trusted with: case, spaces, dots at the end, characters that look alike."""
    return "".join(text.casefold().split()).translate(SIMILAR).strip(".:_-'\"")


def _lines(words: Iterable[Word]) -> list[list[Word]]:
    lines: dict[int, list[Word]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    return list(lines.values())


def _around(words: Sequence[Word]) -> Region:
    left, top = min(word.region.left for word in words), min(word.region.top for word in words)
    right, bottom = max(word.region.right for word in words), max(word.region.bottom for word in words)
    return Region(left, top, right - left, bottom - top)


def _enlarged(picture: Picture, scale: int) -> Picture:
    """Grey, enlarged, with a border of the colours at the edge: letters of ten pixels are too small to be read well."""
    import cv2
    import numpy as np

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    large = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(framed, np.uint8)


class _Reader:
    """Tesseract, opened once. Its handle is not made for two threads at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._api: PyTessBaseAPI | None = None

    def read(self, grey: Picture, layout: Layout, area: Region, scale: int) -> tuple[Word, ...]:
        """The words of an enlarged grey picture, placed where `area` lies in the whole one."""
        height, width = int(grey.shape[0]), int(grey.shape[1])
        with self._lock:
            api = self._api = self._api or _open()
            api.SetPageSegMode(_mode(layout))
            # The stub says str; the wrapper takes bytes.
            api.SetImageBytes(grey.tobytes(), width, height, 1, width)  # pyright: ignore[reportArgumentType]
            api.SetSourceResolution(300)
            api.Recognize()
            table = api.GetTSVText(0)
            api.Clear()
        rows = (row.split("\t") for row in table.splitlines())
        return tuple(_word(row, area, scale) for row in rows if row[0] == "5" and row[11].strip())


def _word(row: Sequence[str], area: Region, scale: int) -> Word:
    """A row of Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, conf, text."""
    block, paragraph, line = int(row[2]), int(row[3]), int(row[4])
    left, top = int(row[6]) - MARGIN, int(row[7]) - MARGIN
    right, bottom = left + int(row[8]), top + int(row[9])
    x, y = max(0, left // scale), max(0, top // scale)
    size = (max(1, -(-right // scale) - x), max(1, -(-bottom // scale) - y))
    return Word(
        row[11],
        Region(area.left + x, area.top + y, *size),
        max(0.0, float(row[10])) / 100,
        (block * 1000 + paragraph) * 1000 + line,
    )


def _mode(layout: Layout) -> Any:
    from tesserocr import PSM

    return {
        "sparse": PSM.SPARSE_TEXT,
        "block": PSM.SINGLE_BLOCK,
        "line": PSM.SINGLE_LINE,
        "word": PSM.SINGLE_WORD,
    }[layout]


def _open() -> PyTessBaseAPI:
    # More than one thread makes Tesseract two to five times slower as soon as anything else runs.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    try:
        from tesserocr import OEM, PyTessBaseAPI
    except ImportError as error:
        raise CannotRead(f"text cannot be read here: tesserocr does not load ({error}); reinstall deskhand") from None
    try:
        return PyTessBaseAPI(path=str(data_folder()), lang=LANGUAGE, oem=OEM.LSTM_ONLY)
    except RuntimeError as error:
        raise CannotRead(f"text cannot be read here: Tesseract does not start ({error}); {CURE}") from None


def data_folder() -> Path:
    """The folder with Tesseract's language data.

    Raises:
        CannotRead: there is none, with the cure.
    """
    prefix = os.environ.get("TESSDATA_PREFIX")
    folders = [Path(prefix), Path(prefix) / "tessdata"] if prefix else []
    folders += [Path(folder) for folder in DATA_FOLDERS]
    for folder in folders:
        if (folder / f"{LANGUAGE}.traineddata").is_file():
            return folder
    raise CannotRead(f"text cannot be read here: Tesseract's English data is missing; {CURE}")


@cache
def _reader() -> _Reader:
    return _Reader()
