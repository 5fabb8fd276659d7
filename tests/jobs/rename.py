"""Two hundred scanned pages get the names that a list gives them."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path

from tests.jobs.job import Check, Job

COUNT = 200
STREETS = ("Ahornweg", "Bäckerstraße", "Côte d’Or", "Dorfplatz", "Elm Street", "Rua São João", "Východní", "Østergade")
KINDS = ("Invoice", "Reminder", "Lease", "Offer", "Delivery note")


def plan() -> list[tuple[str, str]]:
    """Old and new name of each page. Two pairs change places, and a page keeps its name."""
    chance = random.Random(12)
    names = [f"scan{number:04}.txt" for number in range(1, COUNT + 1)]
    wanted = [
        f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} {chance.choice(KINDS)} "
        f"{chance.choice(STREETS)} {number}.txt"
        for number in range(1, COUNT + 1)
    ]
    pairs = dict(zip(names, wanted, strict=True))
    for one, other in ((3, 17), (44, 45)):
        pairs[names[one]], pairs[names[other]] = names[other], names[one]
    pairs[names[99]] = names[99]
    return list(pairs.items())


def content(old: str) -> str:
    """What is on a page."""
    return f"This was {old}.\n"


def make(folder: Path) -> None:
    """The pages, some that are on no list, and the list in another order."""
    (folder / "scans").mkdir()
    for old, _ in plan():
        (folder / "scans" / old).write_text(content(old), encoding="utf-8")
    (folder / "scans" / "notes.md").write_text("not on the list\n", encoding="utf-8")
    rows = plan()
    random.Random(5).shuffle(rows)
    with (folder / "names.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([("Scan", "Name"), *((old, new) for old, new in rows)])


def half(folder: Path) -> None:
    """The first half of the list."""
    for old, new in plan()[COUNT // 2 + 1 :]:
        (folder / "scans" / old).rename(folder / "scans" / new)


def grade(folder: Path) -> Sequence[Check]:
    """Each page is what it was, under its new name."""
    found = {path.name: path.read_text(encoding="utf-8") for path in (folder / "scans").iterdir() if path.is_file()}
    wrong = [new for old, new in plan() if found.get(new) != content(old)]
    extra = found.keys() - {new for _, new in plan()} - {"notes.md"}
    return [
        Check("every page has its name", not wrong, f"{len(wrong)} have not, {wrong[:3]}"),
        Check("nothing else is in the folder", not extra, str(sorted(extra)[:3])),
        Check("what is on no list is untouched", found.get("notes.md") == "not on the list\n"),
        Check("the list is as it was", (folder / "names.csv").is_file()),
    ]


JOB = Job(
    "rename",
    "Rename the pages in the folder scans as names.csv says: the first column is the present name, the second the new "
    "one. Leave everything else as it is.",
    make,
    half,
    grade,
)
