"""`deskhand report`: figures that add up, from live, damaged and long journals, and a page that runs nothing."""

from __future__ import annotations

import html
import json
import re
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.events import (
    ApprovalReviewed,
    Compacted,
    ModelAnswered,
    ModelDropped,
    ModelRetrying,
    SessionEnded,
    TurnEnded,
    TurnStarted,
)
from agent.journal import read_journal
from agent.session import Session
from agent.spending import Ledger, spent_in_days
from agent.values import Usage
from tests.support.homes import USAGE, make_session, turn_of
from tests.ui.story import Story, draw, eventful
from ui.cli import main
from ui.report import cached_share, read_report
from ui.service.view import View
from ui.summary import summarize
from ui.timeline import Timeline

HOSTILE = "</title></style><script>document.title='owned'</script><img src=x onerror=alert(1)> \udc80 \x1b[2J"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def story(home: Path, task: str = "Make a budget") -> Session:
    """Three turns, one of them tried twice, and a conversation made shorter before the third."""
    told = Story(home, task)
    told.begin(draw(0))
    for number in (1, 2):
        told.write(TurnStarted(number, number))
        if number == 2:
            told.write(ModelDropped(2, "cut", usage=Usage(100, output_tokens=5, cost_usd=0.001)))
            told.write(ModelRetrying(2, 1, "503", 1.0))
        told.write(ModelAnswered(number, "r", (), (), "words", False, Usage(1000, 500, 0, 20, 0, 0.01), 2.0))
        told.write(TurnEnded(number, 5.0, 1.0))
    told.write(ApprovalReviewed("a", "m", "allow", "low", "fine", Usage(10, cost_usd=0.002)))
    usage = Usage(2000, 1900, output_tokens=100, cost_usd=0.02)
    told.write(Compacted(2, "model", "it had 2,000 tokens", "stands", "sum", before=2000, after=300, usage=usage))
    told.write(TurnStarted(3, 3), ModelAnswered(3, "r", (), (), "Done.", True, Usage(300, 0, 0, 10, 0, 0.003), 1.0))
    told.write(TurnEnded(3, 1.5, 0.5), SessionEnded("done", "Done.", 3, 11.5, Usage(cost_usd=0.046), "Done."))
    return told.session


def test_the_figures_are_those_of_the_journal(home: Path) -> None:
    report = read_report(story(home))
    assert (report.state, report.model) == ("done", "gpt-6.1-terra")
    assert [turn.input_tokens for turn in report.turns] == [1000, 1100, 300]
    assert [turn.images for turn in report.turns] == [1, 0, 0]
    assert [(turn.retries, turn.dropped) for turn in report.turns] == [(0, 0), (1, 1), (0, 0)]
    assert [(turn.model, turn.ours, turn.waiting) for turn in report.turns] == [(2, 1, 2), (2, 1, 2), (1, 0.5, 0)]
    assert cached_share(report.turns[0]) == 0.5
    assert [(made.turn, made.by, made.before, made.after) for made in report.compactions] == [(3, "model", 2000, 300)]
    whole = report.sum
    assert whole.cost_usd == pytest.approx(0.046), "nothing that was spent is left out"
    assert whole.input_tokens == 1000 + 1100 + 300 + 2000 + 10


def test_the_table_says_it_and_a_chart_shows_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story(home)
    assert main(["report", "last"]) == 0
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    assert ["1", "1,000", "50%", "20", "$0.0100", "1", "0", "2.0s", "1.0s", "2.0s"] in rows
    assert next(row for row in rows if row[:1] == ["sum"])[4] == "$0.0460"
    assert re.search("^[▁-█]{3}$", out, re.MULTILINE)
    assert "before turn 3 made shorter: about 2,000 to 300 tokens by a summary, $0.0200" in out
    assert "1 retries, 1 answers dropped" in out


def test_json_holds_every_turn(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = story(home)
    assert main(["report", "last", "--json"]) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    [one] = data["sessions"]
    assert one["session"] == session.id
    assert [turn["turn"] for turn in one["turns"]] == [1, 2, 3]
    assert one["sum"]["cost_usd"] == pytest.approx(0.046)
    assert one["compactions"][0]["after"] == 300


def test_several_sessions_and_what_the_days_have_cost(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = story(home), story(home)
    Ledger(home).book(first.id, 0.75)
    Ledger(home).book(second.id, 0.5)
    assert main(["report"]) == 0
    out = capsys.readouterr().out
    assert first.id in out and second.id in out
    assert next(line for line in out.splitlines() if line.startswith("sum")).split()[1] == "6"
    assert f"{datetime.now():%Y-%m-%d}    $1.2500" in out  # noqa: DTZ005
    assert main(["report", first.id, second.id, first.id, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sessions"]) == 2, "each once"


def test_without_sessions_it_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--days", "1"]) == 0
    assert capsys.readouterr().out == "There was no session today.\n"
    assert main(["report", "nothing"]) == 2


def test_older_sessions_are_left_out(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_session(home, "20261101-080000-abcdef", 3)  # on the first of November 2026
    recent = story(home)
    assert main(["report", "--days", "2", "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert recent.id in [one["session"] for one in told["sessions"]]
    assert list(told["days"]) == list(spent_in_days(home, 2)) and len(told["days"]) == 2
    since = datetime.now(UTC) - datetime(2026, 11, 1, tzinfo=UTC)
    assert (len(told["sessions"]) == 1) == (since.days >= 2)


def test_damage_is_counted_and_left_out(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = story(home)
    lines = session.events.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if b'"model.answered"' in line)
    lines[at] = lines[at].replace(b"words", b"wards")
    session.events.write_bytes(b"".join(lines) + b'{"v":1,"seq":')  # and a torn end
    report = read_report(session)
    assert report.damages == 1
    assert [turn.input_tokens for turn in report.turns] == [0, 1100, 300]
    assert main(["report", "last"]) == 0
    assert "1 lines of the journal are damaged and left out" in capsys.readouterr().out
    session.events.write_bytes(b"nonsense\n" * 5)
    assert main(["report", "last"]) == 2
    assert main(["report"]) == 0, "one bad journal does not hide the others"


def test_a_working_session_is_told_as_far_as_it_is(home: Path) -> None:
    told = Story(home)
    told.begin(draw(0))
    told.write(TurnStarted(1, 1))
    with told.session.locked():
        report = read_report(told.session)
    assert report.state == "working"
    assert len(report.turns) == 1


@pytest.mark.parametrize("write", [story, eventful])
def test_the_page_runs_nothing_and_loads_nothing(home: Path, write: Any, capsys: pytest.CaptureFixture[str]) -> None:
    session = write(home)
    path = home / "report.html"
    assert main(["report", session.id, "-o", str(path)]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text(encoding="utf-8")
    assert "default-src &#x27;none&#x27;" in text and "<script" not in text and "://" not in text
    assert text.count("<svg") >= 2


def test_what_others_wrote_stays_text_in_the_page(home: Path) -> None:
    told = Story(home, HOSTILE.replace("\udc80", ""))
    told.begin(draw(0))
    told.write(*turn_of(1))
    path = home / "report.html"
    assert main(["report", "last", "-o", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text and "<img" not in text
    assert html.escape("<img src=x") in text


def test_half_surrogates_and_escapes_harm_no_terminal(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story(home, HOSTILE)
    assert main(["report", "last"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert main(["report", "last", "-o", str(home / "r.html")]) == 0


def test_the_page_cannot_be_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story(home)
    assert main(["report", "last", "-o", str(home)]) == 2
    assert "is not a file that can be written" in capsys.readouterr().err


def test_a_long_journal_is_quick_and_its_table_short(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_session(home, "20261101-080000-abcdef", 1000)
    began = time.perf_counter()
    assert main(["report", "last"]) == 0
    assert time.perf_counter() - began < 10.0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 60
    assert f"{1000 * USAGE.input_tokens:,}" in out


def test_the_other_faces_tell_of_a_shorter_conversation(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = story(home)
    assert main(["show", "last"]) == 0
    told = "the conversation was made shorter by a summary of the model: about 2,000 to 300 tokens"
    assert told in capsys.readouterr().out
    blocks = Timeline(*read_journal(session), live=False).as_data()["blocks"]
    [one] = [item for block in blocks for item in block["items"] if item["text"] == told]
    assert one["more"] == "Because it had 2,000 tokens.\n\nstands\n\nsum"


def test_what_it_cost_counts_for_sessions_that_have_not_ended(home: Path) -> None:
    told = Story(home)
    told.write(Compacted(2, "model", "why", "stands", usage=Usage(10, cost_usd=0.25)))
    assert summarize(told.session).cost_usd == 0.25
    assert View.of(read_journal(told.session)[0]).usage.cost_usd == 0.25
