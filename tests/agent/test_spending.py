"""The budget that all sessions share: nothing lost, nothing twice, and what is torn or strange counts for nothing."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from agent.errors import Stop, UserFault
from agent.events import Entry, Event, ModelAnswered, ModelDropped, ModelSaid
from agent.spending import Ledger
from agent.values import Usage

# Forks, so that twenty processes book at once: each a cent, many times over.
BOOKERS = """
import os, sys
from pathlib import Path
from agent.spending import Ledger

children = []
for number in range(20):
    pid = os.fork()
    if pid == 0:
        ledger = Ledger(Path(sys.argv[1]))
        for _ in range(int(sys.argv[2])):
            ledger.book(f"20261121-064812-{number:06}", 0.01)
        os._exit(0)
    children.append(pid)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
"""


def the_file(home: Path) -> Path:
    [path] = (home / "spending").glob("*.jsonl")
    return path


def test_twenty_processes_that_book_at_once_lose_nothing(tmp_path: Path) -> None:
    reader = Ledger(tmp_path)
    with subprocess.Popen([sys.executable, "-c", BOOKERS, str(tmp_path), "250"]) as bookers:
        seen = [0.0]
        while bookers.poll() is None:
            seen.append(reader.spent())
    assert bookers.returncode == 0
    assert round(reader.spent(), 6) == round(Ledger(tmp_path).spent(), 6) == 50.0
    assert seen == sorted(seen)
    assert stat.S_IMODE(the_file(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(the_file(tmp_path).parent.stat().st_mode) == 0o700


def test_check_says_so_in_words_once_it_is_used_up(tmp_path: Path) -> None:
    mine, other = Ledger(tmp_path, 5), Ledger(tmp_path, 5)
    assert mine.left() == 5 and mine.spent() == 0
    mine.check()
    other.book("s-other", 4.5)
    mine.check()
    assert mine.left() == pytest.approx(0.5)
    mine.book("s-mine", 0.75)
    assert mine.left() == 0 and other.spent() == pytest.approx(5.25)
    with pytest.raises(Stop, match="the shared budget of 5 US dollars a day is used up") as stop:
        other.check()
    assert stop.value.outcome == "out_of_budget"
    without = Ledger(tmp_path)
    without.check()
    assert without.left() is None


def test_what_is_torn_or_strange_counts_for_nothing_and_costs_no_other_booking(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, 10)
    ledger.book("s1", 1)
    reader = Ledger(tmp_path)
    with the_file(tmp_path).open("ab") as file:
        file.write(b'{"at":"2026-11-21T10:00:00","session":"s2","usd":0.')  # the machine stopped here
    assert reader.spent() == 1
    ledger.book("s3", 2)
    assert reader.spent() == 3
    with the_file(tmp_path).open("ab") as file:
        for line in (
            b"[]",
            b"\0\0\0",
            b"7",
            b'{"usd":NaN}',
            b'{"usd":-4}',
            b'{"usd":"9"}',
            b'{"usd":1e999}',
            b"{",
            b"",
        ):
            file.write(line + b"\n")
    ledger.book("s3", 4)
    assert reader.spent() == ledger.spent() == 7


def test_a_new_day_begins_with_nothing_spent(tmp_path: Path) -> None:
    times = [datetime(2026, 11, 21, 23, 59), datetime(2026, 11, 22, 0, 1)]  # noqa: DTZ001 (local, as people count days)
    now = times[0]
    ledger = Ledger(tmp_path, 1, now=lambda: now)
    ledger.book("s", 1)
    with pytest.raises(Stop):
        ledger.check()
    now = times[1]
    ledger.check()
    ledger.book("s", 0.25)
    assert ledger.spent() == 0.25
    assert sorted(path.name for path in (tmp_path / "spending").iterdir()) == ["2026-11-21.jsonl", "2026-11-22.jsonl"]


def test_answers_are_booked_as_they_come_and_only_those(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    see = ledger.observer("s")
    events: list[Event] = [
        ModelSaid(1, "Hello"),
        ModelAnswered(1, "r", (), (), "", final=False, usage=Usage(cost_usd=0.5), seconds=1),
        ModelDropped(2, "cut short", usage=Usage(cost_usd=0.125, estimated=True)),
        ModelDropped(3, "not approved", withdrawn=True),
        ModelAnswered(4, "r", (), (), "", final=True, usage=Usage(input_tokens=7), seconds=1),
    ]
    for number, event in enumerate(events):
        see(Entry(number, "2026-11-21T06:48:12.000Z", event=event), b"")
    assert ledger.spent() == 0.625 and the_file(tmp_path).read_text().count("\n") == 2


def test_it_is_quick_with_a_day_of_a_hundred_thousand_answers(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.book("s", 1)
    path = the_file(tmp_path)
    path.write_bytes(path.read_bytes() * 100_000)
    began = time.perf_counter()
    assert ledger.spent() == 100_000
    first = time.perf_counter()
    for _ in range(20):
        ledger.book("s", 1)
        ledger.spent()
    assert first - began < 8 and time.perf_counter() - first < 1


def test_a_file_in_the_way_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "spending").write_text("")
    with pytest.raises(UserFault, match=r"cannot write to .*; make it writable"):
        Ledger(tmp_path).book("s", 1)
    with pytest.raises(UserFault, match=r"cannot read .*; make it readable"):
        Ledger(tmp_path).spent()
    answered = ModelAnswered(1, "r", (), (), "", final=False, usage=Usage(cost_usd=0.5), seconds=1)
    entry = Entry(1, "2026-11-21T06:48:12.000Z", event=answered)
    Ledger(tmp_path).observer("s")(entry, b"")
    with pytest.raises(UserFault):
        Ledger(tmp_path, 5).observer("s")(entry, b"")
