"""`deskhand replay`: one private file, where it is told, with each picture once and nothing from outside."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from agent.errors import UserFault
from tests.ui.story import HOSTILE, Story, draw, eventful
from ui.cli import main
from ui.replay import safe_json, write_replay


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_it_writes_one_private_file_and_prints_its_path(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = eventful(home)
    assert main(["replay", "last"]) == 0
    path = session.folder / "replay.html"
    assert capsys.readouterr().out.strip() == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in session.folder.iterdir() if "replay" in p.name) == ["replay.html"]


def test_it_writes_where_it_is_told(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    eventful(home)
    target = tmp_path / "look back.html"
    assert main(["replay", "last", "-o", str(target), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(target)}
    assert target.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("target", ["", "missing/folder/replay.html"])
def test_a_place_that_cannot_be_written_is_one_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    eventful(home)
    assert main(["replay", "last", "-o", str(tmp_path / target)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "--output" in said


def test_an_empty_journal_is_one_line(home: Path) -> None:
    session = eventful(home)
    session.events.write_bytes(b"")
    with pytest.raises(UserFault, match="is empty"):
        write_replay(session)


def test_each_picture_is_in_the_page_once(home: Path) -> None:
    story = Story(home)
    story.begin(draw(1))
    for number in range(6):
        story.step(draw(number % 2), {"type": "click", "x": 5, "y": 5})
    text = write_replay(story.end()).read_text()
    assert len(re.findall(r'<script type="text/plain" id="image-\d+">', text)) == 2


def test_nothing_in_it_points_outside(home: Path) -> None:
    text = write_replay(eventful(home)).read_text()
    outside = {url for url in re.findall(r"https?://[^\s\"'<>]+", text) if url != "http://www.w3.org/2000/svg"}
    assert not outside
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"\son\w+\s*=\s*[\"']", text), "no inline event handler"


def test_json_for_a_script_element_is_inert() -> None:
    text = safe_json({HOSTILE: [HOSTILE]})
    assert text.isascii() and not set("<>&") & set(text)
    assert json.loads(text) == {HOSTILE: [HOSTILE]}
