"""Ready profiles of LibreOffice: made once, right, and never fatal."""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import anyio
import pytest

from tests.support.desk import desk
from vm import profiles
from vm.libreoffice import PROFILE, SETTINGS, seed_profile

KEY = "0123456789abcdef"
DOCUMENTS = Path("/somewhere/a & b")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "data"))
    (tmp_path / "data/cache/profiles").mkdir(parents=True)
    return tmp_path / "data/cache/profiles"


@pytest.fixture
def kept(tmp_path: Path, home: Path) -> Path:
    """A profile that is kept, with a lock and a spare copy that should not be."""
    seed_profile(tmp_path / "made", DOCUMENTS)
    made = tmp_path / "made" / PROFILE
    (made / "extensions").mkdir()
    (made / "extensions/buildid").write_text("abc")
    (made / ".lock").write_text("locked")
    (made / "pack").mkdir()
    profiles.keep(KEY, made, DOCUMENTS)
    return home / KEY


def test_what_is_kept_is_copied_with_the_folder_put_in(kept: Path, tmp_path: Path) -> None:
    assert profiles.take(KEY, tmp_path / "config", Path("/work/c < d"))
    copy = tmp_path / "config" / PROFILE
    assert sorted(path.name for path in copy.rglob("*")) == ["buildid", "extensions", SETTINGS]
    settings = (copy / SETTINGS).read_text()
    assert "file:///work/c%20%3C%20d" in settings and "somewhere" not in settings and "@WORK@" not in settings
    assert "somewhere" not in (kept / "user" / SETTINGS).read_text()


@pytest.mark.parametrize("damage", ["manifest", "no manifest", "cut", "missing", "surplus", "no place", "a file"])
def test_one_that_is_damaged_is_removed_and_not_used(kept: Path, tmp_path: Path, damage: str) -> None:
    settings = kept / "user" / SETTINGS
    match damage:
        case "manifest":
            (kept / "manifest.json").write_text('{"files"')
        case "no manifest":
            (kept / "manifest.json").unlink()
        case "cut":
            settings.write_text(settings.read_text()[:-10])
        case "missing":
            (kept / "user/extensions/buildid").unlink()
        case "surplus":
            (kept / "user/other").write_text("x")
        case "no place":
            settings.write_text(settings.read_text().replace("@WORK@", "@KROW@"))
        case _:
            shutil.rmtree(kept)
            kept.write_text("x")
    assert not profiles.take(KEY, tmp_path / "config", DOCUMENTS)
    assert not (tmp_path / "config" / PROFILE).exists() and not kept.exists()
    assert list(kept.parent.iterdir()) == []


def test_each_desktop_has_a_pipe_of_its_own(kept: Path, tmp_path: Path) -> None:
    def pipe(folder: Path) -> str:
        return re.findall(r"<value>pipe,name=([^;]*);urp</value>", (folder / SETTINGS).read_text())[0]

    assert pipe(kept / "user") == "@PIPE@"
    assert profiles.take(KEY, tmp_path / "config", DOCUMENTS, "deskhand-7")
    seed_profile(tmp_path / "seeded", DOCUMENTS, "deskhand-8")
    assert (pipe(tmp_path / "config" / PROFILE), pipe(tmp_path / "seeded" / PROFILE)) == ("deskhand-7", "deskhand-8")


def test_two_that_keep_it_at_once_do_not_meet(kept: Path, tmp_path: Path) -> None:
    made = tmp_path / "made" / PROFILE
    threads = [threading.Thread(target=profiles.keep, args=(KEY, made, DOCUMENTS)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(8):
        assert profiles.take(KEY, tmp_path / f"config{number}", DOCUMENTS)
    for thread in threads:
        thread.join()
    assert [path.name for path in kept.parent.iterdir()] == [KEY]


def test_only_so_many_are_kept(kept: Path, tmp_path: Path, home: Path) -> None:
    for number in range(profiles.KEPT + 3):
        profiles.keep(f"key{number}", tmp_path / "made" / PROFILE, DOCUMENTS)
    assert len(list(home.iterdir())) == profiles.KEPT


def test_the_key_follows_what_is_installed(tmp_path: Path) -> None:
    office = tmp_path / "usr/lib/libreoffice"
    assert profiles.key_of(tmp_path) == ""
    (office / "program").mkdir(parents=True)
    (office / "share/registry").mkdir(parents=True)
    seen = {profiles.key_of(tmp_path)}
    (office / "program/versionrc").write_text("[Version]\nbuildid=1\n")
    seen.add(profiles.key_of(tmp_path))
    (office / "program/versionrc").write_text("[Version]\nbuildid=2\n")
    seen.add(profiles.key_of(tmp_path))
    (office / "share/registry/impress.xcd").write_text("x")
    seen.add(profiles.key_of(tmp_path))
    assert len(seen) == 4 and "" not in seen and seen == {*seen, profiles.key_of(tmp_path)}


@pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")
def test_the_first_use_makes_one_and_the_next_desktop_has_it(tmp_path: Path, home: Path) -> None:
    with desk(tmp_path / "work", "localc") as desktop:
        maker = desktop._maker  # pyright: ignore[reportPrivateUsage]
        assert maker is not None and maker.wait()
        [made] = [path for path in home.iterdir() if path.is_dir()]
        assert made.name == profiles.key_of(Path("/"))
        files = json.loads((made / "manifest.json").read_text())["files"]
        assert any(name.startswith("extensions/") for name in files), "LibreOffice itself has been at work"
        assert str(tmp_path) not in "".join((made / "user" / name).read_text(errors="replace") for name in files)
        anyio.run(desktop.reset)
        profile = Path(desktop.environment["XDG_CONFIG_HOME"]) / PROFILE
        assert (profile / "extensions/buildid").exists()
        anyio.run(desktop.open, "localc")
        assert desktop._maker is None  # pyright: ignore[reportPrivateUsage]
