"""`deskhand look` at real programs on a real private desktop."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from actuators.xlibfix import open_display
from agent.events import SessionStarted
from agent.journal import FileJournal
from agent.session import create_session
from perception.find import Picture
from perception.screenshot import Region
from tests.support.desk import FORM, desk
from tests.support.xserver import xvfb
from ui.boxes import SURE, UNSURE, Box, drawn
from ui.cli import main
from vm.desktop import PrivateDesktop


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrivateDesktop]:
    with desk(tmp_path_factory.mktemp("look"), FORM) as opened:
        yield opened


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desktop: PrivateDesktop) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DISPLAY", desktop.display)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def looked(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    assert main(["look", "--json", *arguments]) == status
    return json.loads(capsys.readouterr().out)


def picture_in(path: Path) -> Picture:
    pixels = cv2.imread(str(path))
    assert pixels is not None
    return pixels.astype(np.uint8, copy=False)


def test_the_screen_is_photographed_and_described(
    desktop: PrivateDesktop, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["look"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Screen {desktop.display}: 1280×800 pixels; still.",
        "Active window: Form",
        f"Picture: {tmp_path / 'look.png'}",
    ]
    assert picture_in(tmp_path / "look.png").shape == (800, 1280, 3)
    report = looked(capsys, "-o", "other.png")
    assert (report["width"], report["height"], report["scale"], report["settled"]) == (1280, 800, 1.0, True)
    assert report["picture"] == str(tmp_path / "other.png")


def test_an_element_is_found_checked_and_marked_in_the_picture(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["look", "--find", "button:Open"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith('   1 push button "Open" [focused] at (')
    assert first.endswith("0.98")
    report = looked(capsys, "--find", "button:Open")
    [found] = report["found"]
    assert found["sure"] and not report["ambiguous"]
    region = Region(**found["region"])
    marked = picture_in(tmp_path / "look.png")
    middle = region.center
    for x, y in ((middle.x, region.top), (middle.x, region.bottom - 1), (region.left, middle.y + 8)):
        assert tuple(marked[y, x]) == SURE


def test_several_that_fit_are_listed_the_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    report = looked(capsys, "--find", "save")
    assert [thing["label"] for thing in report["found"]] == ["Save", "Save As…"]
    assert not report["ambiguous"]
    report = looked(capsys, "--find", "entry:")
    assert report["ambiguous"]
    assert main(["look", "--find", "entry:"]) == 0
    assert "Ambiguous: " in capsys.readouterr().out


def test_what_no_program_tells_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    tree = looked(capsys, "--tree")
    window = next(Region(**e["region"]) for e in tree["elements"] if e["role"] == "frame")
    title_bar = f"{window.left},{window.top},{window.width},20"
    [line] = looked(capsys, "--text", "--region", title_bar)["text"]
    assert line["label"] == "Form"


def test_nothing_found_is_status_1_with_what_is_like_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["look", "--find", "Remembre me", "--region", "0,0,1279,799"]) == 1
    assert 'Nothing like "Remembre me" was found; did you mean "Remember me"?' in capsys.readouterr().out
    report = looked(capsys, "--find", "button:Remembre", status=1)
    assert report["found"] == []


def test_the_tree_is_listed_and_passwords_are_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["look", "--tree"]) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[0].startswith('   1 frame "Form" at (')
    assert lines[1].startswith('   2   push button "Open" [focused] at (')
    assert any('push button "Locked" [disabled]' in line for line in lines)
    assert any('text "Grüße, 東京" [' in line for line in lines)
    assert any("= 42 at" in line for line in lines)
    assert "hunter2" not in said
    report = looked(capsys, "--tree", "--region", "0,0,2,2", status=1)
    assert report["elements"] == []


def test_a_picture_is_found_in_the_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = Region(**looked(capsys, "--find", "button:Save", "-o", "a.png")["found"][0]["region"])
    assert main(["look", "-o", "plain.png"]) == 0
    capsys.readouterr()
    screen = picture_in(tmp_path / "plain.png")
    middle = screen[place.top + 4 : place.bottom - 4, place.left + 180 : place.right - 180]
    cv2.imwrite("save.png", middle)
    cv2.imwrite("huge.png", cv2.resize(screen, None, fx=3, fy=3))
    cv2.imwrite("flat.png", np.full((20, 20, 3), 9, np.uint8))
    [found] = looked(capsys, "--find", "save.png")["found"]
    assert abs(found["region"]["left"] - place.left - 180) <= 1
    assert abs(found["region"]["top"] - place.top - 4) <= 1
    assert looked(capsys, "--find", "huge.png", status=1)["found"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--find", "flat.png"], "flat.png cannot be looked for: a picture of one flat colour"),
        (["--find", "empty.png"], "not a picture that can be read"),
        (["--find", "gone.png"], "gone.png cannot be read (No such file or directory)"),
        (["--find", "  "], "nothing to look for"),
        (["--region", "2000,0,5,5"], "not on the screen, which is 1280×800"),
        (["-o", "no/such/folder.png"], "cannot write"),
        (["nobody"], "there are no sessions yet"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite("flat.png", np.full((20, 20, 3), 9, np.uint8))
    Path("empty.png").touch()
    assert main(["look", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("region", ["1,2,3", "a,b,c,d", "0,0,0,9", "0,0,9,-9"])
def test_regions_that_are_none(region: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["look", "--region", region])
    assert ended.value.code == 2
    assert "region" in capsys.readouterr().err


def test_no_screen_comes_with_the_cure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("DISPLAY")
    assert main(["look"]) == 2
    assert "DISPLAY is not set); name a running session: `deskhand look last`" in capsys.readouterr().err
    monkeypatch.setenv("DISPLAY", ":9999")
    assert main(["look"]) == 2
    assert "screen :9999 cannot be photographed" in capsys.readouterr().err


def test_a_screen_without_programs_has_no_tree_but_can_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with xvfb(320, 200) as bare:
        connection = open_display(bare)
        monkeypatch.setenv("DISPLAY", bare)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
        assert main(["look", "--tree"]) == 2
        assert "at-spi2-core" in capsys.readouterr().err
        assert main(["look", "--find", "anything"]) == 1
        told = capsys.readouterr()
        assert "Nothing like" in told.out
        assert "note: display" in told.err
        connection.close()


def test_the_screen_of_a_running_session_is_shown(
    home: Path, desktop: PrivateDesktop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY")
    session = create_session(home)
    journal = FileJournal(session)
    workspace = str(desktop.workspace)
    journal.append(SessionStarted(session.id, "Work", "scripted", "desktop", "orders", workspace=workspace))
    journal.close()
    assert main(["look", "last"]) == 2
    assert "is not running" in capsys.readouterr().err
    with session.locked():
        report = looked(capsys, "last", "--find", "button:Save")
        assert report["display"] == desktop.display
        assert report["found"][0]["label"] == "Save"


def test_a_session_whose_desktop_is_not_there_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    session = create_session(home)
    with session.locked():
        assert main(["look", "last"]) == 2
        assert "does not begin with its task" in capsys.readouterr().err
        journal = FileJournal(session)
        journal.append(SessionStarted(session.id, "Work", "scripted", "desktop", "orders", workspace=str(tmp_path)))
        journal.close()
        assert main(["look", "last"]) == 2
        assert "is not there yet, or not any more" in capsys.readouterr().err


def test_numbers_stand_beside_their_boxes_and_on_the_page() -> None:
    page = np.full((120, 200, 3), 255, np.uint8)
    boxes = [Box(1, Region(0, 0, 60, 40)), Box(2, Region(150, 90, 50, 30), sure=False), Box(3, Region(0, 0, 200, 120))]
    marked = drawn(page, boxes)
    assert marked.shape == page.shape
    assert (page == 255).all(), "the picture itself stays as it was"
    colours = {tuple(pixel) for pixel in marked.reshape(-1, 3).tolist()}
    assert {SURE, UNSURE} <= colours
