"""What programs of a private desktop see of this machine, and what happens where they cannot be shut in."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import anyio
import openpyxl
import pytest

from actuators.actions import Keypress, Type
from agent.errors import UserFault
from tests.support.command import wait_until
from tests.support.desk import desk
from vm import warden
from vm.desktop import PrivateDesktop, open_desktop
from vm.image.store import find_image
from vm.sandbox import accounts, bubblewrap

SIZE = (1280, 800)
SECRET = "nobody-else-may-read-this"


def can_be() -> bool:
    tried = ("bwrap", "--unshare-user", "--ro-bind", "/", "/", "true")
    return bool(shutil.which("bwrap")) and subprocess.run(tried, capture_output=True, check=False).returncode == 0


walled = pytest.mark.skipif(not can_be(), reason="there can be no sandbox here: see `deskhand doctor`")


def said(desktop: PrivateDesktop, script: str) -> str:
    """What a shell script in there prints."""
    stage = desktop._stage  # pyright: ignore[reportPrivateUsage]
    log = stage.place.log(secrets.token_hex(4))
    pid = stage.programs.spawn(["sh", "-c", script], environment=stage.environment, cwd=desktop.workspace, log=log)
    wait_until(lambda: stage.programs.status(pid) is not None, "the script to end", 20)
    return log.read_text()


@walled
def test_programs_see_their_home_and_the_workspace_and_nothing_else_of_the_user(tmp_path: Path) -> None:
    hidden, work = tmp_path / "hidden", tmp_path / "work"
    hidden.write_text(SECRET)
    work.mkdir()
    (work / "mine.txt").write_text("visible")
    with desk(work, shared=()) as desktop:
        assert desktop.doubt == ""
        places = f"{hidden} {Path.home()} /home /root /etc/shadow /etc/ssl/private /var/log /proc/{os.getpid()}"
        told = said(desktop, f"cat ~/Documents/mine.txt; for p in {places}; do ls $p && cat $p; done; ls -a ~ /tmp")
        assert told.startswith("visible") and SECRET not in told
        assert f"cannot access '{hidden}'" in told and "cannot access '/var/log'" in told
        assert f"cannot access '/proc/{os.getpid()}'" in told, "other processes have their environment there"
        assert "root:" not in told and ":$" not in told, "nothing of /etc/shadow"
        if not (entry := Path.home()).is_relative_to(tmp_path):
            assert f"cannot access '{entry}'" in told
        for place in ("/usr/bin", "/etc", "/opt"):
            assert "Read-only" in said(desktop, f"touch {place}/deskhand-was-here"), place
        assert said(desktop, "mkdir -p ~/a /tmp/b && echo made > /tmp/b/c && cat /tmp/b/c") == "made\n"
        assert not Path("/tmp/b").exists()
    assert not list(Path("/usr/bin").glob("deskhand-was-here"))


@walled
def test_processes_memory_and_host_name_are_their_own(tmp_path: Path) -> None:
    with desk(tmp_path) as desktop:
        theirs = {
            name: said(desktop, f"readlink /proc/self/ns/{name}").strip() for name in ("pid", "ipc", "uts", "mnt")
        }
        for name, space in theirs.items():
            assert space.startswith(f"{name}:") and space != str(Path(f"/proc/self/ns/{name}").readlink()), name
        assert said(desktop, "hostname; ls /proc | grep -c '^[0-9]'").split()[0] == "desktop"
        assert "NoNewPrivs:\t1" in said(desktop, "grep NoNewPrivs /proc/self/status")
        rights = int(said(desktop, "sed -n 's/^CapEff:\t//p' /proc/self/status"), 16)
        assert rights & (1 << 21) == 0, "no CAP_SYS_ADMIN, with which mounts could be undone"
        shared = "import ctypes; print(ctypes.CDLL(None).shmget(0, 4096, 0o1600))"
        assert said(desktop, f'/usr/bin/python3 -c "{shared}"') == "-1\n", "the X server would take it for one of ours"


@walled
def test_without_a_network_there_is_none_and_the_screen_works(tmp_path: Path) -> None:
    desktop = anyio.run(lambda: open_desktop((800, 600), workspace=tmp_path, network=False))
    try:
        devices = [line.split(":")[0].strip() for line in said(desktop, "cat /proc/net/dev").splitlines()[2:]]
        assert devices == ["lo"]
        assert "@" not in said(desktop, "cat /proc/net/unix"), "no socket of outside that has no file"
        assert any("no network" in note for note in desktop.notes)
        before = anyio.run(desktop.screenshot).sha256
        anyio.run(desktop.open, "xterm")
        assert anyio.run(desktop.screenshot).sha256 != before
    finally:
        anyio.run(desktop.aclose)


@walled
def test_what_open_names_and_what_is_shared_is_seen_and_the_rest_is_said(tmp_path: Path) -> None:
    work, other, folder = tmp_path / "work", tmp_path / "other", tmp_path / "folder"
    for place in (work, other, folder):
        place.mkdir()
    letter, more = other / "letter.txt", other / "more.txt"
    letter.write_text("Dear")
    more.write_text("hidden")
    with desk(work, f'sh -c \'cat "$0"; echo Sir >> "$0"\' {letter}', shared=(folder,)) as desktop:
        wait_until(lambda: letter.read_text() == "DearSir\n", "the file to be changed in its place", 10)
        assert said(desktop, f"ls {other}; echo kept > {folder}/new") == "letter.txt\n", "not what lies beside it"
        assert (folder / "new").read_text() == "kept\n"
        with pytest.raises(UserFault, match=r"more.txt cannot be seen.*put it into .*work"):
            anyio.run(desktop.open, str(more))
        with pytest.raises(UserFault, match="cannot be seen"):
            anyio.run(desktop.open, f"cat {more}")


@walled
@pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")
def test_a_file_outside_the_workspace_is_edited_in_its_place(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    table = other / "table.xlsx"
    openpyxl.Workbook().save(table)
    with desk(tmp_path / "work", str(table)) as desktop:
        shot = anyio.run(desktop.screenshot)
        for action in (Type("42\n"), Keypress(("CTRL", "S"))):
            anyio.run(desktop.perform, action, shot.space)
        wait_until(lambda: _first_cell(table) == 42, "the file to be saved", 20)
    assert [path.name for path in other.iterdir()] == ["table.xlsx"]


def _first_cell(path: Path) -> object:
    try:
        sheet = openpyxl.load_workbook(path).active
    except Exception:  # half written
        return None
    return None if sheet is None else sheet["A1"].value


@walled
def test_no_program_outlives_the_sandbox(tmp_path: Path) -> None:
    with desk(tmp_path, "sh -c 'setsid sleep 600 & sleep 0'") as desktop:
        run = Path(desktop.environment["HOME"]).parent.name
        assert any(b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in warden.marked(run))
    assert warden.marked(run) == set()


@pytest.mark.parametrize("reason", ["missing", "forbidden"])
def test_where_there_can_be_none_the_desktop_works_and_the_user_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    _without_bubblewrap(tmp_path / "bin", monkeypatch, reason)
    told: list[str] = []
    desktop = anyio.run(lambda: open_desktop((800, 600), workspace=tmp_path / "work", say=told.append))
    try:
        words = {"missing": "bubblewrap is not installed", "forbidden": "setting up uid map: Permission denied"}[reason]
        assert desktop.doubt == words and len(told) == 1 and words in told[0] and "see all your files" in told[0]
        assert not any("sandbox" in note or words in note for note in desktop.notes), "that is not the model's affair"
        anyio.run(desktop.reset)
        assert said(desktop, "echo works") == "works\n"
    finally:
        anyio.run(desktop.aclose)


@pytest.mark.parametrize("reason", ["missing", "forbidden"])
def test_what_needs_a_sandbox_is_refused_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    _without_bubblewrap(tmp_path / "bin", monkeypatch, reason)
    before = warden.descendants()
    with pytest.raises(UserFault, match=r"without a network needs a sandbox.*deskhand doctor"):
        anyio.run(lambda: open_desktop((800, 600), workspace=tmp_path / "work", network=False))
    assert warden.descendants() == before


def _without_bubblewrap(folder: Path, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """A PATH with everything but a bwrap that works."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin", "/usr/local/bin"):
        for program in Path(place).iterdir():
            if program.name != "bwrap" and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)
    if reason == "forbidden":
        (folder / "bwrap").write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
        (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.vm
@walled
def test_a_desktop_with_the_programs_of_an_image(tmp_path: Path) -> None:
    opened = lambda: open_desktop(SIZE, workspace=tmp_path, image="office", network=False)  # noqa: E731
    desktop = anyio.run(opened)
    try:
        image = find_image("office")
        listed = {tuple(line.split()[:2]) for line in image.packages.read_text().splitlines()}
        there = said(desktop, "dpkg-query -W -f '${Package} ${Version}\\n'").splitlines()
        assert {tuple(line.split()) for line in there} == listed, "one package list, two places"
        anyio.run(desktop.open, "localc")
        shot = anyio.run(desktop.screenshot)
        anyio.run(desktop.perform, Type("42\n"), shot.space)
        assert anyio.run(desktop.screenshot).sha256 != shot.sha256
        with pytest.raises(UserFault, match="no program 'gnome-nothing'"):
            anyio.run(desktop.open, "gnome-nothing")
    finally:
        anyio.run(desktop.aclose)


def test_accounts_are_the_systems_and_ones_own(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    rows = ["root:x:0:0:root:/root:/bin/bash", "daemon:x:1:1::/:/x", "ann:x:1000:1000:Ann:/home/ann:/bin/sh", "broken"]
    rows += ["nobody:x:65534:65534::/:/x", f"me:x:{os.getuid()}:5::/home/me:/bin/sh"]
    (tmp_path / "etc/passwd").write_text("\n".join(rows))
    found = accounts(tmp_path, Path("/a/home")).splitlines()
    names = [row.split(":")[0] for row in found]
    assert "ann" not in names and {"daemon", "nobody"} < set(names)
    assert found[0].split(":")[2] == str(os.getuid()) and found[0].split(":")[5] == "/a/home"
    assert len([row for row in found if row.split(":")[2] == str(os.getuid())]) == 1


def _pairs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + 3]) for at, word in enumerate(words) if word in ("--bind", "--ro-bind")]


def test_what_is_closed_in_etc_is_closed_for_root_too(tmp_path: Path) -> None:
    from vm.sandbox import View

    etc = tmp_path / "root/etc"
    (etc / "keys").mkdir(parents=True)
    (etc / "fonts").mkdir()
    (etc / "secret").write_text(SECRET)
    (etc / "fonts/key").write_text(SECRET)
    for path, mode in ((etc / "keys", 0o700), (etc / "secret", 0o640), (etc / "fonts/key", 0o600)):
        path.chmod(mode)
    (etc / "link").symlink_to("secret")
    words = bubblewrap(View(tmp_path / "root", tmp_path, (), (), (), {}, network=False))
    assert ("--ro-bind", "/dev/null", "/etc/secret") in _pairs(words)
    assert ("--ro-bind", "/dev/null", "/etc/fonts/key") in _pairs(words)
    assert words[words.index("/etc/keys") - 1] == "--tmpfs"
    assert "/etc/link" not in words and "--unshare-net" in words
