"""Whether the demo did what it says: its files reopened from disk, value by value, and rendered to pictures."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUDGET, DECK = "budget.xlsx", "deck.pptx"
HEAD = ["Department", "Q1", "Q2", "Q3", "Q4", "Total"]
FIGURES = {
    "Engineering": [42000, 45500, 47200, 51000],
    "Marketing": [18500, 21000, 19750, 26400],
    "Operations": [23300, 22800, 24100, 25600],
    "Sales": [31000, 33400, 36900, 41250],
}
TOTAL = sum(map(sum, FIGURES.values()))
BULLETS = 3  # the second slide has at least so many points
RENDER_SECONDS = 120.0
RESOLUTION = 80  # dots per inch of the pictures
INK = 0.002  # share of a page's pixels that must differ from its background


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what, whether it is as it should be, and what was found."""

    name: str
    ok: bool
    detail: str


def check_files(folder: Path, *, render: bool = True) -> list[Check]:
    """Reopen both files in `folder`, compare them with what the demo builds, and render them to PNGs beside them."""
    checks = [
        *_reopened(folder / BUDGET, _check_budget),
        *_reopened(folder / DECK, _check_deck),
    ]
    if render:
        checks += _check_pictures(folder)
    return checks


def _reopened(path: Path, look: Callable[[Path], Iterator[Check]]) -> list[Check]:
    """The checks of one file; a file that is not there, or not what its name says, is one failed check."""
    from openpyxl.utils.exceptions import InvalidFileException
    from pptx.exc import PackageNotFoundError

    if not path.is_file():
        return [Check(path.name, False, "there is no such file")]
    try:
        return list(look(path))
    except (InvalidFileException, PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        return [Check(path.name, False, f"it cannot be reopened: {type(error).__name__}: {error}")]


# ---- the spreadsheet


def _check_budget(path: Path) -> Iterator[Check]:
    from openpyxl import load_workbook

    sheet: Any = load_workbook(path).active
    values: Any = load_workbook(path, data_only=True).active
    rows = [[cell.value for cell in row] for row in sheet["A1:F6"]]
    yield _equal("header", rows[0], HEAD)
    yield _equal("figures", {row[0]: row[1:5] for row in rows[1:5]}, FIGURES)
    yield _equal("sums of rows", [row[5] for row in rows[1:5]], [f"=SUM(B{n}:E{n})" for n in range(2, 6)])
    yield _equal("row of totals", rows[5], ["Total", *(f"=SUM({column}2:{column}5)" for column in "BCDEF")])
    yield _equal("the sum of all, as LibreOffice calculated it", values["F6"].value, TOTAL)
    yield _all("bold header and totals", [cell for row in (1, 6) for cell in sheet[row][:6]], lambda c: bool(c.font.b))
    figures = [cell for row in sheet["B2:F6"] for cell in row]
    yield _all("currency format", figures, lambda cell: "$" in str(cell.number_format))
    yield _check_chart(sheet)


def _check_chart(sheet: Any) -> Check:
    charts: list[Any] = sheet._charts  # openpyxl has no public list of a loaded sheet's charts
    series = [str(one.val.numRef.f).replace("$", "").rpartition(".")[2] for chart in charts for one in chart.ser]
    ranges = [reference.rpartition("!")[2] for reference in series]
    return _equal("chart of the quarters", ranges, [f"{column}2:{column}5" for column in "BCDE"])


# ---- the deck


def _check_deck(path: Path) -> Iterator[Check]:
    from pptx import Presentation

    slides: list[Any] = list(Presentation(str(path)).slides)
    yield _equal("number of slides", len(slides), 3)
    if len(slides) != 3:
        return
    first, second, third = slides
    yield Check("title slide", all(_texts(first)) and len(_texts(first)) >= 2, " | ".join(_texts(first)))
    points = [line for text in _texts(second)[1:] for line in text.splitlines() if line.strip()]
    enough = len(points) >= BULLETS and any(f"{TOTAL:,}" in point for point in points)
    yield Check("bullet slide", enough, f"{len(points)} points: {' | '.join(points)}")
    yield Check("title of the third slide", any(_texts(third)), " | ".join(_texts(third)))
    yield _check_chart_slide(third)


def _texts(slide: Any) -> list[str]:
    return [shape.text_frame.text.strip() for shape in slide.shapes if shape.has_text_frame]


def _check_chart_slide(slide: Any) -> Check:
    charts = [shape.chart for shape in slide.shapes if getattr(shape, "has_chart", False)]
    shown = [[list(series.values) for series in plot.series] for chart in charts for plot in chart.plots]
    columns = [[float(value) for value in column] for column in zip(*FIGURES.values(), strict=True)]
    return _equal("chart of the budget on the third slide", shown, [columns])


# ---- pictures


def _check_pictures(folder: Path) -> list[Check]:
    files = [path for path in (folder / BUDGET, folder / DECK) if path.is_file()]
    if not files:
        return [Check("rendered by LibreOffice", False, "there is nothing to render")]
    with tempfile.TemporaryDirectory(prefix="deskhand-render-") as scratch:
        try:
            _to_pdf(files, Path(scratch))
            pages = {path: _to_pictures(Path(scratch), path) for path in files}
        except (OSError, subprocess.SubprocessError) as error:
            return [Check("rendered by LibreOffice", False, str(error))]
    return [_check_pages(path, pages[path]) for path in files]


def _check_pages(path: Path, pages: list[Path]) -> Check:
    name = f"{path.name} rendered by LibreOffice"
    # A wide sheet may spill an empty page; slides are all looked at.
    looked_at = pages if path.suffix == ".pptx" else pages[:1]
    blank = [page.name for page in looked_at if ink(page) < INK]
    if blank or not pages:
        return Check(name, False, f"blank: {', '.join(blank)}" if blank else "no page came out")
    return Check(name, True, ", ".join(page.name for page in looked_at))


def ink(page: Path) -> float:
    """Share of a picture's pixels that differ from its commonest colour, 0 to 1."""
    from PIL import Image

    with Image.open(page) as picture:
        colours = picture.convert("RGB").getcolors(picture.width * picture.height) or []
        return 1 - max(count for count, _ in colours) / (picture.width * picture.height)


def _to_pdf(files: list[Path], scratch: Path) -> None:
    """Let LibreOffice print, in a throw-away profile of its own."""
    profile = (scratch / "profile").as_uri()
    words = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--norestore", "--convert-to", "pdf"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(scratch), "LANG": "C.UTF-8"}
    _run([*words, "--outdir", str(scratch), *map(str, files)], environment)


def _to_pictures(scratch: Path, path: Path) -> list[Path]:
    """One PNG a page, beside the file: budget-1.png, budget-2.png, …"""
    printed = scratch / f"{path.stem}.pdf"
    if not printed.is_file():
        return []
    for old in path.parent.glob(f"{path.stem}-*.png"):
        old.unlink()
    _run(["pdftoppm", "-r", str(RESOLUTION), "-png", str(printed), str(path.parent / path.stem)], dict(os.environ))
    return sorted(path.parent.glob(f"{path.stem}-*.png"))


def _run(words: list[str], environment: dict[str, str]) -> None:
    """Run a program to its end; it and its children are gone afterwards, whatever happens."""
    program = shutil.which(words[0])
    if program is None:
        raise FileNotFoundError(f"{words[0]} is not installed; run `make setup`")
    process = subprocess.Popen(
        [program, *words[1:]],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=RENDER_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode:
        said = output.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise subprocess.SubprocessError(f"{words[0]} ended with status {process.returncode}: {said[0]}")


# ---- comparing


def _equal(name: str, found: object, expected: object) -> Check:
    return Check(name, found == expected, str(found) if found == expected else f"{found}, expected {expected}")


def _all(name: str, cells: list[Any], right: Callable[[Any], bool]) -> Check:
    wrong = [str(cell.coordinate) for cell in cells if not right(cell)]
    return Check(name, not wrong, f"not in {', '.join(wrong)}" if wrong else f"{len(cells)} cells")
