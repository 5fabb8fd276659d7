"""Machines in the background: what is written down of them, and what happens to them."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from agent.errors import UserFault
from tests.support.tinyvm import tiny_image_in
from tests.support.waiting import until
from vm import keeper
from vm.keeper import Kept, console, machines, shot, start_keeper, stop_machine


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with no machine."""
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    return tmp_path


def test_no_machine_of_that_name_says_which_there_are(empty: Path) -> None:
    assert machines() == []
    for ask in (shot, stop_machine, console):
        with pytest.raises(UserFault, match=r"no machine calc is running \(running: none\)"):
            ask("calc")


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "a b"])
def test_name_that_is_none_is_refused(empty: Path, name: str) -> None:
    with pytest.raises(UserFault, match="is no name for a machine"):
        start_keeper("office", name=name)


def test_what_a_killed_keeper_has_left_is_removed(empty: Path) -> None:
    home = keeper.machines_home()
    home.mkdir()
    (home / "old.json").write_text(json.dumps({"image": "office", "pid": 1}))
    (home / "old.lock").touch()
    assert machines() == []
    assert not list(home.iterdir())


def test_missing_image_is_one_clear_line(empty: Path) -> None:
    with pytest.raises(UserFault, match="there is no image 'nowhere'"):
        start_keeper("nowhere")
    assert machines() == []
    assert not list(keeper.machines_home().iterdir())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path, None, None]:
    folder = tmp_path_factory.mktemp("home")
    tiny_image_in(folder / "images" / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESKHAND_HOME", str(folder))
        yield folder


@pytest.fixture
def kept(home: Path) -> Generator[Kept, None, None]:
    started = start_keeper("tiny", name="one")
    yield started
    if machines():
        stop_machine("one")
    assert until(lambda: not started.socket.parent.exists()), "its run's directory is still there"
    assert not machines()
    assert not list(keeper.machines_home().iterdir())


def plain(kept: Kept) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{kept.ports[5000]}/platform", timeout=30) as answer:
        return answer.read()


def found(name: str) -> Kept | None:
    return next((kept for kept in machines() if kept.name == name), None)


def qemu_of(kept: Kept) -> int:
    """The process that has the machine's folder as its own."""
    folder = str(kept.console.parent)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str((entry / "cwd").readlink()) == folder:
                return int(entry.name)
        except OSError:
            continue
    raise AssertionError("no QEMU")


@pytest.mark.vm
@pytest.mark.timeout(600)
def test_machine_in_the_background(kept: Kept) -> None:
    assert (kept.name, kept.image, kept.state) == ("one", "tiny", "idle")
    assert found("one") == kept
    assert plain(kept) == b"Linux"
    assert shot("one").startswith(b"\x89PNG")
    record = keeper.machines_home() / "one.json"
    assert record.stat().st_mode & 0o777 == 0o600
    assert kept.guest.token in record.read_text()
    assert kept.guest.token not in Path(f"/proc/{kept.pid}/cmdline").read_text()
    with pytest.raises(UserFault, match="a machine one is running already"):
        start_keeper("tiny", name="one")
    with closing(socket.socket(socket.AF_UNIX)) as line:
        line.settimeout(30)
        line.connect(str(console("one")))
        line.sendall(b"echo $((6 * 7)) of them\n")
        said = b""
        while b"42 of them" not in said:
            said += line.recv(4096)


@pytest.mark.vm
@pytest.mark.timeout(600)
def test_lost_machine_is_replaced_at_the_same_ports(kept: Kept) -> None:
    os.kill(qemu_of(kept), signal.SIGKILL)

    def replaced() -> bool:
        now = found("one")
        return now is not None and now.replaced[0] == 1 and now.guest.token != kept.guest.token

    assert until(replaced, 60)
    now = found("one")
    assert now is not None
    assert "killed by signal 9" in now.replaced[1]
    assert now.ports == kept.ports
    assert plain(now) == b"Linux"


@pytest.mark.vm
@pytest.mark.timeout(600)
def test_killed_keeper_leaves_nothing(kept: Kept) -> None:
    pid = qemu_of(kept)
    os.kill(kept.pid, signal.SIGKILL)
    assert until(lambda: not Path(f"/proc/{pid}").exists())
    assert machines() == []
