"""What is written where: OCR of a region with Tesseract, in this process.

Reading a menu bar takes 30 ms, a dialog 100 ms, a whole screen of 1920×1080 more than a second: say where to look.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from perception.errors import CannotRead
from perception.find import Found, Picture, crop, whole
from perception.frames import overlap
from perception.screenshot import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tesserocr import PyTessBaseAPI

Layout: TypeAlias = Literal["sparse", "block", "line", "word"]
"""How the text lies in its region: scattered over a window, lines of one paragraph, one line, one word."""

Ink: TypeAlias = Literal["any", "light"]
"""What counts as letters: whatever differs from its surroundings, or only what is lighter (a title bar, say, where a
shadow goes with each letter)."""

INKS: tuple[Ink, ...] = ("any", "light")  # in the order in which they are tried
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
SURE = 0.8  # the share of its letters that must be right where a text counts as found
SURROUNDINGS = 21  # pixels; a letter must be thinner than half of it
NEAR = 31  # the same in the enlarged picture, for light ink
CONTRAST = 1.6
FAINT = 8  # grey levels; fainter marks are not ink
WIDEST_GAP = 3  # times the height of the letters: what may lie between two words of one line
SHORT = 4  # letters up to which a text must be read exactly
SIMILAR = str.maketrans({"0": "o", "|": "l", "1": "l", "i": "l"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was read; `confidence` is the reader's own, 0 to 1."""

    text: str
    region: Region
    confidence: float


def read_text(
    picture: Picture, *, region: Region | None = None, layout: Layout = "sparse", ink: Ink = "any"
) -> tuple[Word, ...]:
    """Every word in a region; regions of the words are in pixels of the whole picture.

    Raises:
        CannotRead: OCR does not work here; the message has the cure.
    """
    area = overlap(region or whole(picture), whole(picture))
    if area is None:
        return ()
    scale = 3 if area.width * area.height <= SMALL else 2
    return _reader().read(_printed(crop(picture, area), scale, ink), layout, area, scale)


def find_text(
    picture: Picture,
    wanted: str,
    *,
    region: Region | None = None,
    layout: Layout = "sparse",
    min_confidence: float = SURE,
) -> Found | None:
    """Look for a text, in any ink. Returns the place where it reads most like `wanted`, or None.

    Raises:
        CannotRead: OCR does not work here; the message has the cure.
    """
    for ink in INKS:
        words = read_text(picture, region=region, layout=layout, ink=ink)
        if places := match_text(words, wanted, min_confidence=min_confidence):
            return places[0]
    return None


def match_text(words: Sequence[Word], wanted: str, *, min_confidence: float = SURE) -> tuple[Found, ...]:
    """Every place among words that were read where `wanted` stands, the best first; then from the top left on.

    Case, spaces, punctuation and characters that look alike to a reader (0 and O, 1 and l) make no difference.
    Texts of up to four letters and texts with digits must be right; longer words may be a little off.
    """
    target = _plain(wanted)
    if not target:
        return ()
    exact = len(target) <= SHORT or any(char.isdigit() for char in wanted)
    least = 1.0 if exact else min_confidence
    found: list[Found] = []
    for line in _lines(word for word in words if _plain(word.text)):
        found += _in_line(line, target, len(wanted.split()), least)
    found.sort(key=lambda place: (-round(place.confidence, 2), place.region.top, place.region.left))
    return tuple(
        Found(place.region, place.confidence, place.text, max((o.confidence for o in found if o != place), default=0.0))
        for place in found
    )


def lines_of(words: Sequence[Word]) -> tuple[Found, ...]:
    """The lines that the words make up, from top to bottom; the confidence is that of the least sure word."""
    lines = _lines(word for word in words if _plain(word.text))
    found = [
        Found(_around(line), min(word.confidence for word in line), " ".join(word.text for word in line))
        for line in lines
    ]
    return tuple(sorted(found, key=lambda line: (line.region.top, line.region.left)))


def _in_line(line: Sequence[Word], target: str, count: int, least: float) -> list[Found]:
    """The places in one line: runs of about as many words as are wanted, that do not overlap, the best first."""
    runs: list[tuple[float, int, int]] = []
    for start in range(len(line)):
        for stop in range(start + 1, min(len(line), start + count + 2) + 1):
            likeness = _likeness(_plain("".join(word.text for word in line[start:stop])), target, least)
            if likeness:
                runs.append((likeness, start, stop))
    chosen: list[tuple[float, int, int]] = []
    for run in sorted(runs, key=lambda run: (-run[0], run[1])):
        if all(run[2] <= start or run[1] >= stop for _, start, stop in chosen):
            chosen.append(run)
    return [
        Found(_around(line[start:stop]), likeness, " ".join(word.text for word in line[start:stop]))
        for likeness, start, stop in chosen
    ]


def _likeness(read: str, target: str, least: float) -> float:
    """1 less a part for each letter that is wrong, missing or too many; 0 where that is below `least`."""
    if read == target:
        return 1.0
    most = int((1 - least) * len(target))  # letters that may be off
    if most == 0 or abs(len(read) - len(target)) > most:
        return 0.0
    wrong = _edits(read, target)
    return 1 - wrong / len(target) if wrong <= most else 0.0


def _edits(one: str, other: str) -> int:
    """How many letters must be changed, left out or put in to make one text of the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def _plain(text: str) -> str:
    """Without what OCR cannot be trusted with: case, spaces, punctuation, and characters that look alike."""
    letters = "".join(char for char in text.casefold() if char.isalnum() or char == "|")
    return re.sub("l+", "l", letters.translate(SIMILAR))  # a 1 is often read as "l1"


def _lines(words: Iterable[Word]) -> list[list[Word]]:
    """The words that stand side by side, from left to right.

    By where they are: Tesseract often takes the words of a menu bar for as many columns of one line each.
    """
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.region.left):
        near = [line for line in lines if _continues(line[-1].region, word.region)]
        if near:
            max(near, key=lambda line: line[-1].region.right).append(word)
        else:
            lines.append([word])
    return lines


def _continues(last: Region, following: Region) -> bool:
    """Whether a word may follow another on its line: at the same height, and not too far away."""
    shared = min(last.bottom, following.bottom) - max(last.top, following.top)
    gap = following.left - last.right
    height = max(last.height, following.height)
    return 2 * shared >= min(last.height, following.height) and -height < gap <= WIDEST_GAP * height


def _around(words: Sequence[Word]) -> Region:
    left, top = min(word.region.left for word in words), min(word.region.top for word in words)
    right, bottom = max(word.region.right for word in words), max(word.region.bottom for word in words)
    return Region(left, top, right - left, bottom - top)


def _printed(picture: Picture, scale: int, ink: Ink) -> Picture:
    """Black on white, enlarged, with a border: how Tesseract reads best.

    Letters of ten pixels are too small to be read well. What differs from its surroundings is ink, be it white on a
    blue title bar or black on a grey button.
    """
    import cv2
    import numpy as np

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    if ink == "light":
        large = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        paper = _stretched(cv2.subtract(large, cv2.medianBlur(large, NEAR)))
    else:
        marks = cv2.absdiff(grey, cv2.medianBlur(grey, SURROUNDINGS))
        paper = cv2.bitwise_not(cv2.convertScaleAbs(marks, alpha=CONTRAST))
        paper = cv2.resize(paper, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(paper, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_CONSTANT, value=255)
    return np.ascontiguousarray(framed, np.uint8)


def _stretched(marks: NDArray[Any]) -> NDArray[np.uint8]:
    """Marks, however faint, as black on white."""
    import cv2
    import numpy as np

    visible = marks[marks > FAINT]
    black = max(2.0 * FAINT, float(np.percentile(visible, 95))) if visible.size else 255.0
    return cv2.bitwise_not(cv2.convertScaleAbs(marks, alpha=255.0 / black)).astype(np.uint8, copy=False)


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
    left, top = int(row[6]) - MARGIN, int(row[7]) - MARGIN
    right, bottom = left + int(row[8]), top + int(row[9])
    x, y = max(0, left // scale), max(0, top // scale)
    size = (max(1, -(-right // scale) - x), max(1, -(-bottom // scale) - y))
    return Word(
        row[11],
        Region(area.left + x, area.top + y, *size),
        max(0.0, float(row[10])) / 100,
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
