"""What `deskhand vm list` shows: images, prepared snapshots, and machines that run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.image.store import Image
    from vm.keeper import Kept

COLUMNS = "  {:<14} {:<10} {:>9}  {}"


@dataclass(frozen=True, slots=True)
class Machines:
    """Everything of virtual machines that this user has."""

    images: tuple[Image, ...]
    running: tuple[Kept, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "images": [_image(image) for image in self.images],
            "machines": [kept.told() for kept in self.running],
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.images:
            yield "no images yet; `deskhand vm build office` makes one"
        else:
            yield "Images:"
        for image in self.images:
            yield COLUMNS.format(image.name, "+".join(image.layers)[-10:], _megabytes(image.bytes), image.folder)
        if self.running:
            yield "Machines:"
        for kept in self.running:
            minutes = (time.time() - kept.started) / 60
            yield COLUMNS.format(kept.name, kept.image, f"{minutes:.0f} min", "  ".join(kept.lines()))


def describe() -> Machines:
    """Look at what there is."""
    from vm.image.store import images
    from vm.keeper import machines

    return Machines(tuple(images()), tuple(machines()))


def _image(image: Image) -> dict[str, Any]:
    return {"name": image.name, "layers": list(image.layers), "folder": str(image.folder), "bytes": image.bytes}


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
