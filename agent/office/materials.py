"""What operations on a document take from other files of the task's folder, read before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread

from agent.errors import ToolFault
from agent.office import pictures
from agent.office.formats import FAMILY, examine
from agent.office.grids import Grid, read_grid
from agent.office.libreoffice import Office
from agent.office.pictures import Image
from agent.office.ranges import CellRange
from agent.tools.base import Room
from agent.tools.strict import Part

_PICTURES = ("picture", "logo")
_DECKS = ("template", "source")


@dataclass(frozen=True)
class Materials:
    """Files by the names that the operations give them."""

    pictures: Mapping[str, Image] = field(default_factory=dict[str, Image])
    grids: Mapping[CellRange, Grid] = field(default_factory=dict[CellRange, Grid])
    decks: Mapping[str, Path] = field(default_factory=dict[str, Path])


async def gather(room: Room, office: Office, operations: Sequence[Part]) -> Materials:
    """Read what the operations name.

    Raises:
        ToolFault: one of the files is missing, or is not what it should be. Nothing was changed.
    """
    images: dict[str, Image] = {}
    grids: dict[CellRange, Grid] = {}
    decks: dict[str, Path] = {}
    for operation in operations:
        for name in type(operation).model_fields:
            value: Any = getattr(operation, name)
            if isinstance(value, CellRange):
                grids[value] = await _grid(room, office, value)
            elif name in _PICTURES and isinstance(value, str):
                images[value] = await anyio.to_thread.run_sync(_picture, room, value)
            elif name in _DECKS and isinstance(value, str):
                decks[value] = await _deck(room, office, value)
    return Materials(images, grids, decks)


def _picture(room: Room, name: str) -> Image:
    path = room.folder.resolve(name, there=True)
    image = pictures.load(path, room.folder.name(path))
    room.folder.note(path)
    return image


async def _grid(room: Room, office: Office, cells: CellRange) -> Grid:
    path = room.folder.resolve(cells.workbook, there=True)
    grid = await read_grid(office, path, room.folder.name(path), cells)
    room.folder.note(path)
    return grid


async def _deck(room: Room, office: Office, name: str) -> Path:
    path = room.folder.resolve(name, there=True)
    kind = await anyio.to_thread.run_sync(examine, path, room.folder.name(path))
    if FAMILY[kind] != "slides":
        raise ToolFault(f"{room.folder.name(path)} is no presentation. Nothing was changed.")
    room.folder.note(path)
    return await as_modern(office, path, kind, "pptx")


async def as_modern(office: Office, path: Path, kind: str, suffix: str) -> Path:
    """The file itself where it is of a kind that is edited directly, else a copy of it in the scratch folder."""
    if kind not in ("ppt", "odp", "otp", "doc", "odt", "ott", "rtf"):
        return path
    target = office.scratch / f"{path.stem[:60]}.{kind}.{suffix}"
    await office.convert(path, target)
    return target
