"""The generated pages say what the code says."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from actuators.actions import ACTION_TYPES
from agent.events import EVENT_CLASSES
from ui import reference
from ui.cli import MODULES


def test_the_pages_in_the_repository_are_up_to_date() -> None:
    assert reference.main(["--check"]) == 0, "run `make docs`"


def test_a_page_that_drifted_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--docs", str(tmp_path)]) == 0
    assert reference.main(["--docs", str(tmp_path), "--check"]) == 0
    (tmp_path / "events.md").write_text((tmp_path / "events.md").read_text().replace("steer.queued", "steer"))
    (tmp_path / "errors.md").unlink()
    assert reference.main(["--docs", str(tmp_path), "--check"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert "events.md" in said[0] and "errors.md" in said[1]
    assert not (tmp_path / "errors.md").exists(), "a check writes nothing"


def test_nothing_is_left_out() -> None:
    commands, events, actions = (reference.PAGES[name]() for name in ("commands.md", "events.md", "actions.md"))
    assert all(f"\n## deskhand {name}\n" in commands for name in MODULES)
    assert all(f"\n## {cls.__dataclass_fields__['type'].default}\n" in events for cls in EVENT_CLASSES)
    assert all(f"\n## {name}\n" in actions for name in ACTION_TYPES)
    assert "deskhand tell SESSION WORDS [--now] [--wait]" in commands
    assert "| `task` | `str` |" in events
    assert "| `CannotType` | `ActuatorError` |" in reference.PAGES["errors.md"]()


def test_the_terminal_does_not_change_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = {name: make() for name, make in reference.PAGES.items()}
    monkeypatch.setenv("COLUMNS", "40")
    assert {name: make() for name, make in reference.PAGES.items()} == pages


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (int, "int"),
        (str | None, "str | None"),
        (tuple[str, ...], "tuple[str, …]"),
        (Literal["a", 1], '"a" | 1'),
        (dict[str, tuple[int, int]], "dict[str, tuple[int, int]]"),
    ],
)
def test_types_are_written_as_people_read_them(hint: object, name: str) -> None:
    assert reference.type_name(hint) == name
