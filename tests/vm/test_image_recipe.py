"""The recipe of the images, as plain files that people read and change."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import chain, pairwise
from pathlib import Path

import pytest

from agent.errors import UserFault
from vm.image import recipe
from vm.image.recipe import RECIPE, figures, fingerprint, layers_of, packages, trims
from vm.image.store import LAYERS


def test_each_image_holds_those_before_it() -> None:
    assert [layers_of(name) for name in LAYERS] == [("base",), ("base", "office"), ("base", "office", "full")]
    with pytest.raises(UserFault, match=r"no recipe for an image 'gnome'; there are base, office, full"):
        layers_of("gnome")


def test_every_package_is_named_once_and_has_a_reason() -> None:
    listed = list(chain.from_iterable(packages(layer) for layer in LAYERS))
    assert [package.name for package in listed if not package.reason] == []
    names = [package.name for package in listed]
    assert len(names) == len(set(names)) > 60
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name) for name in names)


def test_what_is_left_out_is_said_to_dpkg_in_order(tmp_path: Path) -> None:
    (tmp_path / "trim.txt").write_text("# why\n/usr/share/man/*\n\n+/usr/share/man/man1/*\n")
    assert trims(tmp_path) == ["path-exclude=/usr/share/man/*", "path-include=/usr/share/man/man1/*"]
    real = trims()
    virtio, drivers = (f"/lib/modules/*/kernel/drivers/{name}*" for name in ("virtio/", ""))
    assert real.index(f"path-include={virtio}") > real.index(f"path-exclude={drivers}")


def test_the_fingerprint_is_of_all_that_makes_an_image(tmp_path: Path) -> None:
    copy = tmp_path / "recipe"
    shutil.copytree(RECIPE, copy)
    assert fingerprint("office", copy) == fingerprint("office") != fingerprint("base")
    (copy / "full" / "packages.txt").write_text("")
    assert fingerprint("office", copy) == fingerprint("office")
    assert fingerprint("full", copy) != fingerprint("full")
    unit = copy / "base/overlay/etc/systemd/system/desktop.service"
    unit.rename(unit.with_name("other.service"))
    assert fingerprint("office", copy) != fingerprint("office")


def test_figures_grow_with_the_layers() -> None:
    known = [figures(name) for name in LAYERS]
    for less, more in pairwise(known):
        assert less.packages < more.packages and less.download_mb < more.download_mb and less.disk_mb < more.disk_mb
    assert known[-1].image_mb <= 900


@pytest.mark.parametrize("path", sorted(RECIPE.rglob("*.sh")), ids=lambda path: str(path.relative_to(RECIPE)))
def test_scripts_are_shell(path: Path) -> None:
    subprocess.run(["sh", "-n", str(path)], check=True)


def test_units_start_what_the_overlay_has() -> None:
    overlay = RECIPE / "base" / "overlay"
    started = re.findall(
        r"^ExecStart(?:Pre)?=(/usr/lib/deskhand/\S+)",
        "\n".join(unit.read_text() for unit in (overlay / "etc/systemd/system").glob("*.service")),
        re.MULTILINE,
    )
    assert len(started) >= 4
    made_executable = (RECIPE / "base" / "customize.sh").read_text()
    for program in started:
        assert (overlay / program.lstrip("/")).read_text().startswith("#!/bin/sh\n")
        assert program in made_executable


def test_no_archive_is_named_anywhere() -> None:
    texts = [path.read_text("utf-8") for path in RECIPE.parent.rglob("*") if path.suffix in (".py", ".sh", ".txt")]
    assert len(texts) > 15
    assert [text for text in texts if re.search(r"(deb|snapshot|security)\.debian\.org", text)] == []


def test_everything_is_in_the_package() -> None:
    import tomllib

    project = tomllib.loads((Path(recipe.__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert "recipe/**/*" in project["tool"]["setuptools"]["package-data"]["vm.image"]
