"""The task's folder and its twin in another machine."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

import vm.remote_files
from agent.errors import UserFault
from vm.guest_client import GuestFault, GuestFile
from vm.line import GuestGone
from vm.remote_files import RemoteFiles, safe_path


class FolderStore:
    """Another machine's files, in a folder of this one."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.extra: list[GuestFile] = []  # listed as if they were in ~/Documents
        self.gone = False

    def put_file(self, path: str, data: bytes, seconds: float = 0.0) -> None:
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def get_file(self, path: str, seconds: float = 0.0) -> bytes:
        if not self._place(path).is_file():
            raise GuestFault("missing", f"there is no {path}")
        return self._place(path).read_bytes()

    def delete_file(self, path: str) -> None:
        self._place(path).unlink()

    def list_folders(self, paths: Iterable[str], seconds: float = 0.0) -> Mapping[str, Sequence[GuestFile]]:
        if self.gone:
            raise GuestGone("the machine does not answer")
        return {path: self._listed(path) for path in paths}

    def _listed(self, path: str) -> Sequence[GuestFile]:
        folder = self._place(path)
        found = [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []
        listed = [GuestFile(str(f.relative_to(folder)), f.stat().st_size, f.stat().st_mtime) for f in found]
        return [*listed, *(self.extra if path == "~/Documents" else [])]

    def _place(self, path: str) -> Path:
        return self.home / path.removeprefix("~/")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "there")


def test_the_folder_is_brought_there_but_nothing_that_is_linked_from_it(work: Path, store: FolderStore) -> None:
    (work / "a.txt").write_text("a")
    (work / "Desktop").mkdir()
    (work / "Desktop" / "b.txt").write_text("b")
    (work / "secret").symlink_to("/etc/passwd")
    (work / "etc").symlink_to("/etc", target_is_directory=True)
    (work / ".~lock.a.txt#").write_text("me")
    assert RemoteFiles(store, work).push() == ()
    brought = sorted(str(file.relative_to(store.home)) for file in store.home.rglob("*") if file.is_file())
    assert brought == ["Desktop/b.txt", "Documents/a.txt"]


def test_what_is_too_much_is_named(work: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm.remote_files, "MAX_PUSH", 1000)
    (work / "film.mkv").write_bytes(bytes(2000))
    (work / "small.txt").write_text("small")
    (note,) = RemoteFiles(store, work).push()
    assert "film.mkv" in note and "small.txt" not in note
    assert (store.home / "Documents" / "small.txt").exists()


def test_only_what_has_changed_comes_home_and_nothing_is_deleted(work: Path, store: FolderStore) -> None:
    for name in ("same.txt", "changed.txt", "deleted.txt"):
        (work / name).write_text(name)
    store.put_file("~/Desktop/icon.desktop", b"was there before")
    files = RemoteFiles(store, work)
    files.push()
    before = (work / "same.txt").stat()
    store.put_file("~/Documents/changed.txt", b"changed there")
    store.put_file("~/Documents/new/deep/report.txt", b"new")
    store.put_file("~/Downloads/found.pdf", b"pdf")
    (store.home / "Documents" / "deleted.txt").unlink()
    assert files.pull(last=True) == ()
    assert (work / "changed.txt").read_text() == "changed there"
    assert (work / "new" / "deep" / "report.txt").read_text() == "new"
    assert (work / "Downloads" / "found.pdf").read_text() == "pdf"
    assert (work / "deleted.txt").exists()
    assert (work / "same.txt").stat() == before
    assert not (work / "Desktop").exists()


def test_a_file_that_is_being_written_is_left_until_it_is_twice_the_same(work: Path, store: FolderStore) -> None:
    files = RemoteFiles(store, work)
    files.push()
    store.put_file("~/Documents/log.txt", b"one")
    assert files.pull() == ("~/Documents/log.txt",)
    store.put_file("~/Documents/log.txt", b"one and two")
    assert files.pull() == ("~/Documents/log.txt",)
    assert not (work / "log.txt").exists()
    assert files.pull() == ()
    assert (work / "log.txt").read_text() == "one and two"


@pytest.mark.parametrize(
    "name",
    ["../up.txt", "a/../../up.txt", "/etc/cron.d/x", "a//b", "a\\b", "new\nline", "nul\0", ".", "", "x" * 300, "a/.."],
)
def test_names_that_lead_elsewhere_are_left_alone(name: str, work: Path, store: FolderStore) -> None:
    assert safe_path(name) is None
    files = RemoteFiles(store, work)
    files.push()
    store.extra = [GuestFile(name, 3, 1.0)]
    assert files.pull(last=True) == ()
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("name", [".~lock.x.ods#", "lu4711abc.tmp", "film.mkv.part", ".x.swp"])
def test_what_is_there_for_a_moment_only_stays_there(name: str) -> None:
    assert safe_path(f"folder/{name}") is None


def test_nothing_is_written_through_a_link(work: Path, store: FolderStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (work / "link").symlink_to(outside, target_is_directory=True)
    (work / "file").symlink_to(outside / "kept.txt")
    files = RemoteFiles(store, work)
    files.push()
    store.put_file("~/Documents/link/evil.txt", b"evil")
    store.put_file("~/Documents/file", b"evil")
    assert files.pull(last=True) == ("~/Documents/link/evil.txt",)
    assert sorted(outside.iterdir()) == [outside / "kept.txt"]
    assert (outside / "kept.txt").read_text() == "kept"
    assert not (work / "file").is_symlink()


def test_a_file_is_whole_or_not_there(work: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "report.txt").write_text("the old one")
    files = RemoteFiles(store, work)
    files.push()
    store.put_file("~/Documents/report.txt", b"the new one")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserFault, match=r"report.txt cannot be written \(No space left on device\)"):
        files.pull(last=True)
    assert [file.name for file in work.iterdir()] == ["report.txt"]
    assert (work / "report.txt").read_text() == "the old one"


def test_it_comes_home_in_the_background_and_at_the_end(
    work: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm.remote_files, "EVERY", 0.1)
    files = RemoteFiles(store, work)
    files.push()
    store.put_file("~/Documents/one.txt", b"1")
    began = time.monotonic()
    files.poke()
    assert time.monotonic() - began < 0.1
    deadline = time.monotonic() + 10
    while not (work / "one.txt").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    store.put_file("~/Documents/two.txt", b"2")
    assert files.close() == ()
    assert (work / "two.txt").read_text() == "2"
    assert not [thread for thread in threading.enumerate() if thread.name == "deskhand-files"]
    assert files.close() == ()


def test_a_machine_that_is_gone_at_the_end_is_said_and_nothing_more(work: Path, store: FolderStore) -> None:
    files = RemoteFiles(store, work)
    files.push()
    store.gone = True
    (missed,) = files.close()
    assert "does not answer" in missed


def test_a_full_disk_is_told_at_the_next_look(work: Path, store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vm.remote_files, "EVERY", 0.01)
    files = RemoteFiles(store, work)
    files.push()
    store.put_file("~/Documents/one.txt", b"1")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(vm.remote_files, "NamedTemporaryFile", full)
    deadline = time.monotonic() + 10
    with pytest.raises(UserFault, match="No space left"):
        while time.monotonic() < deadline:
            files.poke()
            time.sleep(0.02)


def test_a_file_of_elsewhere_is_brought_to_the_documents(work: Path, store: FolderStore, tmp_path: Path) -> None:
    (work / "sub").mkdir()
    (work / "sub" / "in.txt").write_text("in")
    (tmp_path / "other.txt").write_text("other")
    files = RemoteFiles(store, work)
    assert files.bring(work / "sub" / "in.txt") == "~/Documents/sub/in.txt"
    assert files.bring(tmp_path / "other.txt") == "~/Documents/other.txt"
    assert (store.home / "Documents" / "other.txt").read_text() == "other"


def test_both_folders_become_the_same(work: Path, store: FolderStore) -> None:
    documents = store.home / "Documents"
    for name in ("kept", "changed-here", "changed-there", "gone-here", "gone-there"):
        (work / name).write_text("old")
    files = RemoteFiles(store, work)
    files.push()
    (work / "changed-here").write_text("new from here")
    (work / "made-here").write_text("new")
    (work / "gone-here").unlink()
    (documents / "changed-there").write_text("new from there")
    (documents / "made-there").write_text("new")
    (documents / "gone-there").unlink()
    files.sync()
    here = {path.name: path.read_text() for path in work.iterdir()}
    there = {path.name: path.read_text() for path in documents.iterdir()}
    assert here == there | {"gone-there": "old"}
    assert there == {
        "kept": "old", "changed-here": "new from here", "changed-there": "new from there",
        "made-here": "new", "made-there": "new",
    }  # fmt: skip
    files.sync()
    assert {path.name for path in documents.iterdir()} == set(there)


def test_what_is_open_there_is_locked_here(work: Path, store: FolderStore) -> None:
    (work / "budget.xlsx").write_text("x")
    files = RemoteFiles(store, work)
    files.push()
    lock = store.home / "Documents" / ".~lock.budget.xlsx#"
    lock.write_text(",user,,,;")
    files.sync()
    assert (work / ".~lock.budget.xlsx#").exists()
    lock.unlink()
    files.sync()
    assert not (work / ".~lock.budget.xlsx#").exists()
    lock.write_text(",user,,,;")
    files.sync()
    files.close()
    assert not (work / ".~lock.budget.xlsx#").exists()
