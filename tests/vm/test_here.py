"""The user's own desktop: what is said where there is none, and what is opened on it."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

from agent.errors import UserFault
from tests.support.xserver import xserver
from vm.here import default_computer, environment_for, open_here


@pytest.fixture(autouse=True)
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)


def refusal(display: str | None = None) -> str:
    with pytest.raises(UserFault) as caught:
        anyio.run(open_here, display)
    assert "\n" not in str(caught.value)
    assert "--computer desktop" in str(caught.value)
    return str(caught.value)


def test_without_a_display() -> None:
    assert "DISPLAY is not set" in refusal()


@pytest.mark.parametrize("display", [":987", "nonsense", ":1:2:3"])
def test_with_a_display_that_does_not_exist(display: str) -> None:
    assert display in refusal(display)


def test_with_a_display_of_the_environment_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    assert ":987" in refusal()


def test_in_a_wayland_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert "Wayland" in refusal()


def test_where_to_work_when_nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_computer() == "desktop"
    monkeypatch.setenv("DISPLAY", ":0")
    assert default_computer() == "here"
    monkeypatch.setenv("XDG_SESSION_TYPE", "wayland")
    assert default_computer() == "desktop"


def test_programs_get_the_users_environment_without_keys() -> None:
    users = {"HOME": "/home/me", "OPENAI_API_KEY": "sk-1", "DESKHAND_HOME": "/d", "GH_TOKEN": "t", "DISPLAY": ":0"}
    users["QT_QPA_PLATFORM_PLUGIN_PATH"] = "/lib/site-packages/cv2/qt/plugins"
    assert environment_for(":5", users) == {"HOME": "/home/me", "DISPLAY": ":5"}
    assert environment_for(None, users) == {"HOME": "/home/me", "DISPLAY": ":0"}


def test_what_is_opened_is_the_users_and_stays(tmp_path: Path) -> None:
    async def main(display: str) -> None:
        here = await open_here(display)
        await here.open(f"sh -c 'echo $$ > {tmp_path}/pid; exec xterm'")
        await here.aclose()

    with xserver() as server:
        anyio.run(main, server.display)
        pid = int((tmp_path / "pid").read_text())
        assert Path(f"/proc/{pid}").exists()
        os.kill(pid, 15)


def test_what_cannot_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(display: str) -> None:
        here = await open_here(display)
        for target, words in {
            "no-such-program": "cannot start no-such-program",
            "sh -c 'echo bad luck >&2; exit 3'": "exit status 3: bad luck",
            "'": "cannot read the command",
        }.items():
            with pytest.raises(UserFault, match=words):
                await here.open(target)
        await here.aclose()

    with xserver() as server:
        anyio.run(main, server.display)


def test_a_file_goes_to_the_desktops_own_opener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/told\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "a letter.odt").touch()

    async def main(display: str) -> None:
        here = await open_here(display)
        await here.open(str(tmp_path / "a letter.odt"))
        await here.aclose()

    with xserver() as server:
        anyio.run(main, server.display)
    assert (tmp_path / "told").read_text() == f"{tmp_path}/a letter.odt\n"
