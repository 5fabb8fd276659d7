"""`deskhand doctor` on a machine that has everything, on one that lacks things, and with checks that break."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actuators.hands import Hands
from tests.support.command import Deskhand
from tests.support.xserver import xvfb
from ui.commands.doctor import examine, guarded, usable
from ui.doctor import desktop, machine
from ui.doctor.report import Check

SECRET = "sk-very-secret"


def examined(deskhand: Deskhand, status: int = 0) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What `doctor --json` says: all of it, and its checks by name."""
    ran = deskhand("doctor", "--json")
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    said = json.loads(ran.stdout)
    return said, {check["name"]: check for check in said["checks"]}


def test_a_machine_that_has_everything(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path, OPENAI_API_KEY=SECRET, OPENAI_BASE_URL="https://me:word@host/v1?key=word")
    began = time.monotonic()
    ran = deskhand("doctor")
    seconds = time.monotonic() - began
    lines = ran.stdout.splitlines()
    assert ran.returncode == 0 and ran.stderr == ""
    assert lines[-1] == "Tasks can be done on the private desktop."
    assert [line for line in lines[:-1] if line[0] not in "✓–"] == []
    assert "✓ pointer: “screen”, 640×480 at (0, 0): 9 of 9 marks, off by 0 pixels at most" in lines
    assert "✓ X extensions: MIT-SHM, DAMAGE, XTEST, XInputExtension, Composite" in lines
    assert "✓ OpenAI: a key is set, at https://host/v1; it was not tried" in lines
    assert SECRET not in ran.stdout and "word" not in ran.stdout
    assert seconds < 12, "it takes one second on an idle machine"
    assert deskhand.leftovers == [] and list((deskhand.scratch).glob("deskhand-doctor-*")) == []


def test_a_machine_that_has_nothing(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path, PATH=str(tmp_path))
    said, checks = examined(deskhand, 1)
    assert (said["ok"], said["desktop"], said["here"]) == (False, False, False)
    packages = {
        "Xvfb": "xvfb",
        "openbox": "openbox",
        "dbus-daemon": "dbus",
        "LibreOffice": "libreoffice-calc",
    }
    for name, package in packages.items():
        assert checks[name]["status"] == "failed" and package in checks[name]["cure"]
    assert checks["private desktop"]["status"] == "skipped"
    assert deskhand("doctor").stdout.splitlines()[-1] == "No task can be done on this machine yet."


@pytest.mark.parametrize(("absent", "packages"), [("loimpress", "libreoffice-impress"), ("xauth", "xauth")])
def test_one_thing_is_missing_and_tasks_can_still_be_done(tmp_path: Path, absent: str, packages: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("Xvfb", "openbox", "dbus-daemon", "xkbcomp", "sh", "xauth", *desktop.OFFICE, "fc-list"):
        if name != absent and (path := shutil.which(name)):
            (tools / name).symlink_to(path)
    said, checks = examined(Deskhand(tmp_path / "home", PATH=str(tools)))
    name = "LibreOffice" if absent.startswith("lo") else absent
    assert said["desktop"] and checks[name]["status"] in ("failed", "skipped")
    assert checks[name]["cure"].endswith(f" {packages}")
    assert checks["pointer"]["status"] == "ok"


def test_an_x_server_that_does_not_start(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    broken = tools / "Xvfb"
    broken.write_text("#!/bin/sh\necho no colours left >&2\nexit 3\n")
    broken.chmod(0o755)
    deskhand = Deskhand(tmp_path / "home", PATH=f"{tools}:{os.environ['PATH']}")
    said, checks = examined(deskhand, 1)
    assert not said["ok"] and checks["private desktop"]["status"] == "failed"
    assert "no colours left" in checks["private desktop"]["detail"] and "pointer" not in checks
    assert deskhand.leftovers == []


def test_the_users_own_screen(tmp_path: Path) -> None:
    with xvfb(800, 600, window_manager=True) as display:
        said, checks = examined(Deskhand(tmp_path, DISPLAY=display))
    assert said["here"] and said["desktop"]
    assert checks["session"]["detail"] == f"Linux, X11 on display {display}"
    assert checks["your own screen"]["detail"].startswith("800×600, mouse and keyboard through x11")
    said, checks = examined(Deskhand(tmp_path, DISPLAY=":9871"))  # a number that no other test has
    assert not said["here"] and said["desktop"]
    assert checks["your own screen"]["status"] == "failed" and checks["your own screen"]["cure"]


def test_wayland_is_said_plainly(tmp_path: Path) -> None:
    said, checks = examined(Deskhand(tmp_path, WAYLAND_DISPLAY="wayland-0", DISPLAY=":0"))
    assert not said["here"] and said["desktop"]
    assert "cannot be seen or driven" in checks["session"]["detail"]
    assert "private desktop works" in checks["session"]["detail"]


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems_are_unverified(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    with xvfb(400, 300) as display:
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.setattr(sys, "platform", system)
        found = machine.check_session()
        assert found.status == "skipped" and "unverified" in found.detail


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    deskhand = Deskhand(tmp_path)
    (tmp_path / "config.toml").write_text("mode = 1\n")
    said, checks = examined(deskhand)
    assert said["ok"] and checks["OpenAI"]["status"] == "failed" and "unknown key" in checks["OpenAI"]["detail"]


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    said, checks = examined(Deskhand(tmp_path), 1)
    assert not said["ok"] and checks["data folder"]["status"] == "failed"
    assert "DESKHAND_HOME" in checks["data folder"]["cure"]


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    monkeypatch.setattr(machine, "LEAST_SPACE", 1 << 60)
    assert machine.check_data().status == "failed" and "MB left" in machine.check_data().detail


def test_text_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ok = machine.check_text()
    assert ok == Check("reading text", "ok", "Tesseract read “Deskhand”")
    monkeypatch.setattr("perception.text.DATA_FOLDERS", (str(tmp_path),))
    from perception import text

    text._reader.cache_clear()  # pyright: ignore[reportPrivateUsage]  # it was opened with the data that is gone now
    found = machine.check_text()
    text._reader.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert found.status == "failed" and found.cure == "sudo apt-get install tesseract-ocr-eng"


def test_the_wrong_xlib(monkeypatch: pytest.MonkeyPatch) -> None:
    import Xlib

    monkeypatch.setattr(Xlib, "__version__", (0, 15))
    found = machine.check_xlib()
    assert found.status == "failed" and "0.15" in found.detail and "python-xlib>=0.33" in found.cure
    assert not usable([found], "desktop") and not usable([found], "here")


def test_a_pointer_that_misses_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    from actuators.actions import Action, Click, Move

    perform = Hands.perform

    def shaky(self: Hands, action: Action) -> None:
        if isinstance(action, Move | Click):
            action = replace(action, x=action.x - 3, y=action.y - 2)
        perform(self, action)

    with xvfb(*desktop.SCREEN) as display:
        assert desktop.check_pointer(display).status == "ok"
        monkeypatch.setattr(Hands, "perform", shaky)
        found = desktop.check_pointer(display)
    assert found.status == "failed" and "3 pixels off" in found.detail and found.blocks == ("desktop",)


def test_capture_sees_what_was_painted_and_a_screen_of_another_size_is_told() -> None:
    with xvfb(*desktop.SCREEN) as display:
        assert desktop.check_capture(display).status == "ok"
        assert desktop.check_keyboard(display).status == "ok"
    with xvfb(800, 600) as display:
        assert desktop.check_capture(display).status == "failed"


def test_missing_extensions_are_named() -> None:
    from tests.support.xserver import xserver

    with xserver(640, 480, "-extension", "XTEST", "-extension", "Composite") as server:
        found = desktop.check_extensions(server.display)
    assert found.status == "failed" and "XTEST, Composite" in found.detail and found.blocks == ("desktop",)


def test_missing_fonts_are_optional() -> None:
    found = machine.check_font("Nothing", ":family=no such family of fonts", "fonts-nothing")
    assert found.status == "skipped" and "fonts-nothing" in found.cure


def test_a_check_that_breaks_is_a_failure_with_its_reason() -> None:
    def broken() -> Check:
        raise RuntimeError("first line\nsecond line")

    assert guarded("x", broken, ("here",)) == Check("x", "failed", "first line", blocks=("here",))
    assert guarded("x", lambda: [Check("y", "ok", "")][1]).detail == "list index out of range"


def test_a_check_that_hangs_is_left_alone() -> None:
    began = time.monotonic()
    found = guarded("x", lambda: time.sleep(1.5) or Check("x", "ok", ""), limit=0.2)
    assert found.detail == "no answer within 0.2 s" and time.monotonic() - began < 4
    time.sleep(1.5)  # its thread must not outlive the test


def test_every_check_has_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    found = list(examine())
    assert len(found) > 15
    assert not [check for check in found if "\n" in check.detail + check.cure or not check.detail]
