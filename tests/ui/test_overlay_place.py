"""Where the overlay's window is put, and when it goes by itself."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest

import ui.overlay
from tests.support.homes import make_session
from ui.window.place import BAR, MARGIN, SIZE, Area, Place, recall, remember

MAIN: Area = (0, 27, 1920, 1053)
LEFT: Area = (-1280, 0, 1280, 1024)


def test_the_first_time_it_is_in_the_corner_of_the_work_area(tmp_path: Path) -> None:
    assert recall(tmp_path, [MAIN]) == Place(1920 - SIZE[0] - MARGIN, 27 + MARGIN)
    assert recall(tmp_path, [(0, 0, 300, 200)]) == Place(0, MARGIN), "on a tiny screen its title can be seen"


@pytest.mark.parametrize("place", [Place(100, 200), Place(-900, 40, collapsed=True), Place(1920 - BAR[0], 1042, True)])
def test_it_is_where_it_was_left(tmp_path: Path, place: Place) -> None:
    remember(tmp_path, place)
    assert recall(tmp_path, [MAIN, LEFT]) == place
    assert [path.name for path in tmp_path.iterdir()] == ["overlay.json"]


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (Place(-900, 40), Place(0, 40)),  # its monitor has gone
        (Place(1800, 1000), Place(1560, 560)),  # the screen has become smaller
        (Place(100, 0), Place(100, 27)),  # a panel has come
    ],
)
def test_it_is_never_out_of_reach(tmp_path: Path, place: Place, found: Place) -> None:
    remember(tmp_path, place)
    assert recall(tmp_path, [MAIN]) == found


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"x": "left", "y": 3}', '{"x": null, "y": 1}', "\x00"])
def test_a_note_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "overlay.json").write_text(text)
    assert recall(tmp_path, [MAIN]) == recall(tmp_path / "none", [MAIN])


@pytest.mark.parametrize("ended", [True, False])
def test_it_goes_some_time_after_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: bool) -> None:
    monkeypatch.setattr(ui.overlay, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(ui.overlay, "LOOK_SECONDS", 0.05)
    session = make_session(tmp_path, "20261101-080000-abcdef", 2, ended=ended)
    closed = Event()
    Thread(target=ui.overlay.end_some_day, args=(closed.set, session), daemon=True).start()
    assert closed.wait(5 if ended else 0.5) == ended
