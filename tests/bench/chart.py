"""The chart of the loops side by side, as PNG: drawn at twice its size, so that its edges are smooth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH = 1160  # pixels of the file
FINER = 2
PAPER, INK, FAINT, LINE = "#fbfaf7", "#23262b", "#71767f", "#dcd9d1"
OURS, OTHERS, TRUTH, BAD = "#2f7d6b", "#a9b0ba", "#d9c48f", "#b4452f"
LEFT, RIGHT, TOP, ROW, BAR = 250, 250, 112, 62, 30
FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")


@dataclass(frozen=True, slots=True)
class Bar:
    """One loop: how many seconds an action takes it on average, and what it gets wrong. `kind`: ours, truth, other."""

    name: str
    mean: float
    note: str
    kind: str = "other"
    wrong: bool = False


def draw(bars: Sequence[Bar], title: str, subtitle: str, footnote: str, path: Path) -> None:
    """Draw and write; on a paper of its own, so that it reads on light pages and on dark ones."""
    height = TOP + ROW * len(bars) + 78
    canvas = _Canvas(WIDTH, height)
    canvas.paper()
    canvas.text(36, 28, title, 25, bold=True)
    canvas.text(36, 66, subtitle, 16, FAINT)
    reach = WIDTH - LEFT - RIGHT
    end = max(bar.mean for bar in bars) * 1.02
    _axis(canvas, reach, end, TOP + ROW * len(bars))
    for number, bar in enumerate(bars):
        _row(canvas, bar, TOP + ROW * number, reach / end)
    canvas.text(WIDTH - 36, height - 26, footnote, 13, FAINT, anchor="rs")
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path)


def _axis(canvas: _Canvas, reach: int, end: float, bottom: int) -> None:
    step = 0.5
    ticks = int(end / step)
    for tick in range(ticks + 1):
        x = LEFT + tick * step * reach / end
        canvas.line(x, TOP - 6, x, bottom, LINE)
        canvas.text(x, bottom + 8, f"{tick * step:g} s", 14, FAINT, anchor="ma")


def _row(canvas: _Canvas, bar: Bar, top: int, scale: float) -> None:
    colour = {"ours": OURS, "truth": TRUTH}.get(bar.kind, OTHERS)
    middle = top + ROW / 2
    canvas.text(LEFT - 18, middle, bar.name, 17, bold=bar.kind == "ours", anchor="rm")
    canvas.bar(LEFT, middle - BAR / 2, LEFT + max(3.0, bar.mean * scale), middle + BAR / 2, colour)
    end = LEFT + bar.mean * scale + 12
    canvas.text(end, middle - 9, f"{bar.mean:.2f} s", 17, bold=True, anchor="lm")
    canvas.text(end, middle + 11, bar.note, 14, BAD if bar.wrong else FAINT, anchor="lm")


class _Canvas:
    """Draws in pixels of the file."""

    def __init__(self, width: int, height: int) -> None:
        self._image = Image.new("RGBA", (width * FINER, height * FINER), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._image)

    def paper(self) -> None:
        """A sheet with round corners and a thin edge."""
        width, height = self._image.size
        self._draw.rounded_rectangle(
            (0, 0, width - 1, height - 1), radius=14 * FINER, fill=PAPER, outline=LINE, width=FINER
        )

    def text(
        self, x: float, y: float, words: str, size: int, colour: str = INK, *, bold: bool = False, anchor: str = "la"
    ) -> None:
        """Anchors as Pillow has them."""
        font = ImageFont.truetype(FONTS[bold], size * FINER)
        place = (x * FINER, y * FINER)
        self._draw.text(place, words, colour, font, anchor, stroke_width=3 * FINER, stroke_fill=PAPER)
        self._draw.text(place, words, colour, font, anchor)

    def line(self, *ends: float | str) -> None:
        """From (x, y) to (x, y), in a colour."""
        *points, colour = ends
        self._draw.line([float(point) * FINER for point in points], str(colour), FINER)

    def bar(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """A solid bar."""
        box = (left * FINER, top * FINER, right * FINER, bottom * FINER)
        self._draw.rounded_rectangle(box, radius=4 * FINER, fill=colour)

    def save(self, path: Path) -> None:
        """In few colours: it is flat."""
        width, height = self._image.size
        self._image.resize((width // FINER, height // FINER), Image.Resampling.LANCZOS).save(path, optimize=True)
