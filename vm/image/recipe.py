"""The recipe of the images, read from plain files in `recipe/`.

recipe/trim.txt               paths of packages that are left out
recipe/figures.toml           what each image cost when it was measured
recipe/LAYER/packages.txt     `name   # reason`, a package a line
recipe/LAYER/overlay/…        files for the guest, as they lie below /
recipe/LAYER/customize.sh     run at the end inside the guest's tree
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UserFault
from vm.image.store import LAYERS

RECIPE = Path(__file__).with_name("recipe")
SUITE = "bookworm"
ARCHITECTURE = "amd64"


@dataclass(frozen=True, slots=True)
class Package:
    """A package that is asked for by name, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What a build cost when it was measured: megabytes and seconds, to be said before it begins."""

    packages: int
    download_mb: int
    disk_mb: int
    image_mb: int
    seconds: int


def layers_of(name: str) -> tuple[str, ...]:
    """The layers of an image, from the lowest.

    Raises:
        UserFault: there is no recipe of that name.
    """
    if name not in LAYERS:
        raise UserFault(f"there is no recipe for an image {name!r}; there are {', '.join(LAYERS)}")
    return LAYERS[: LAYERS.index(name) + 1]


def packages(layer: str, recipe: Path = RECIPE) -> list[Package]:
    """What a layer adds, in the order of its file."""
    lines = (recipe / layer / "packages.txt").read_text("utf-8").splitlines()
    parts = (line.partition("#") for line in lines if line.strip() and not line.startswith("#"))
    return [Package(name.strip(), reason.strip()) for name, _, reason in parts]


def trims(recipe: Path = RECIPE) -> list[str]:
    """Options of dpkg that leave out paths; the last one that matches a path decides."""
    lines = (line.strip() for line in (recipe / "trim.txt").read_text("utf-8").splitlines())
    kept = (line for line in lines if line and not line.startswith("#"))
    return [f"path-include={line[1:]}" if line.startswith("+") else f"path-exclude={line}" for line in kept]


def figures(name: str, recipe: Path = RECIPE) -> Figures:
    """What building an image cost when it was last measured."""
    return Figures(**tomllib.loads((recipe / "figures.toml").read_text("utf-8"))[name])


def fingerprint(name: str, recipe: Path = RECIPE) -> str:
    """SHA-256 over everything in the recipe that makes this image, in hex."""
    digest = hashlib.sha256()
    files = [recipe / "trim.txt"]
    for layer in layers_of(name):
        files += sorted(path for path in (recipe / layer).rglob("*") if path.is_file())
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(recipe).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
