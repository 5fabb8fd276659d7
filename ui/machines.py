"""What `deskhand vm list` shows: images, prepared snapshots, and machines that run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vm.image.store import Image
    from vm.keeper import Kept

COLUMNS = "  {:<14} {:<12} {:>9}  {}"


@dataclass(frozen=True, slots=True)
class Machines:
    """Everything of virtual machines that this user has."""

    images: tuple[Image, ...]
    running: tuple[Kept, ...]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "images": [_image(image) for image in self.images],
            "machines": [as_json(kept) for kept in self.running],
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        if not self.images:
            yield "no images yet; `deskhand vm build office` makes one"
        else:
            yield "Images:"
        for image in self.images:
            yield COLUMNS.format(image.name, image.layers[-1], _megabytes(sum(image.bytes.values())), image.folder)
        if self.running:
            yield "Machines:"
        for kept in self.running:
            minutes = (time.time() - kept.started) / 60
            yield COLUMNS.format(kept.name, kept.image, f"{minutes:.0f} min", "  ".join(addresses(kept)))


def describe() -> Machines:
    """Look at what there is."""
    from vm.image.store import images
    from vm.keeper import machines

    return Machines(tuple(images()), tuple(machines()))


def as_json(kept: Kept) -> dict[str, Any]:
    """A machine for programs; its token is theirs to use, and nobody else's."""
    return {
        "name": kept.name,
        "image": kept.image,
        "state": kept.state,
        "pid": kept.pid,
        "host": kept.guest.host,
        "ports": {str(guest): host for guest, host in kept.ports.items()},
        "token": kept.guest.token,
        "started": kept.started,
    }


def addresses(kept: Kept) -> Iterator[str]:
    """Where its ports are on this machine."""
    yield from (f"{guest} → {kept.guest.host}:{host}" for guest, host in kept.ports.items())


def _image(image: Image) -> dict[str, Any]:
    return {
        "name": image.name,
        "layers": list(image.layers),
        "folder": str(image.folder),
        "bytes": sum(image.bytes.values()),
    }


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
