"""Where shapes of an open presentation are put, in hundredths of a millimetre, and what layouts are called."""

from __future__ import annotations

from typing import Any

from .link import Fault, each, struct

Operation = dict[str, Any]
Area = tuple[float, float, float, float]  # left, top, width, height
TITLES = ("TitleTextShape",)
BODIES = ("OutlinerShape", "SubtitleShape")
GAP = 500
LAYOUTS = {
    "title slide": 0, "title, content": 1, "title, 2 content": 3, "title content and 2 content": 12,
    "title, content over content": 14, "title, 2 content and content": 15, "title, 2 content over content": 16,
    "title, 4 content": 18, "title only": 19, "blank slide": 20, "centered text": 32, "title, 6 content": 34,
    "title and content": 1, "two content": 3, "comparison": 3, "section header": 0, "blank": 20,
}  # fmt: skip


def kind(shape: Any) -> str:
    """Of a shape: "TitleTextShape"."""
    return str(shape.ShapeType).rpartition(".")[2]


def set_layout(document: Any, page: Any, name: str) -> None:
    """Give a slide another layout: one of LibreOffice's, or a master, as it makes of each layout of a .pptx."""
    masters = {master.Name.casefold(): master for master in each(document.MasterPages)}
    wanted = name.strip().casefold()
    number = LAYOUTS.get(wanted)
    if wanted in masters:
        page.MasterPage = masters[wanted]
        like = next((one for one in each(document.DrawPages) if one != page and one.MasterPage.Name == name), None)
        number = like.Layout if like is not None and number is None else number
    elif number is None:
        there = ", ".join((*(one.Name for one in masters.values()), *(one.title() for one in LAYOUTS)))
        raise Fault(f"there is no layout {name!r}; there are {there}")
    if number is not None and page.Layout != number:
        page.Layout = number
        _without_strangers(page)


def _without_strangers(page: Any) -> None:
    """Empty places for text that the new layout has no room for lie over the others."""
    titles = [one for one in each(page) if kind(one) in TITLES]
    for shape in titles[1:] if page.Layout != LAYOUTS["blank slide"] else titles:
        if shape.IsEmptyPresentationObject:
            page.remove(shape)


def take_place(page: Any, box: Operation | None) -> Area:
    """The same; an empty place for a body goes, unless it is said where else to put what comes."""
    for shape in each(page):
        if box is None and kind(shape) in (*BODIES, "ObjectShape") and shape.IsEmptyPresentationObject:
            area = area_of(shape)
            page.remove(shape)
            return area
    return wanted_area(box, content_area(page))


def content_area(page: Any) -> Area:
    """What is free below the title."""
    side, top = page.Width / 20, page.Height / 10
    title = next((one for one in each(page) if kind(one) in TITLES), None)
    if title is not None:
        side, top = title.Position.X, title.Position.Y + title.Size.Height + GAP
    return side, top, page.Width - 2 * side, max(page.Height - top - page.Height / 20, page.Height / 10)


def wanted_area(told: Operation | None, usual: Area) -> Area:
    """A box in centimetres as an area; what it leaves open is as usual."""
    box: Operation = told or {}
    left, top, width, height = (
        other if box.get(name) is None else box[name] * 1000
        for name, other in zip(("left", "top", "width", "height"), usual, strict=True)
    )
    return left, top, width, height


def put(shape: Any, area: Area) -> None:
    """Position and size of a shape."""
    left, top, width, height = map(round, area)
    shape.setSize(struct("awt.Size", Width=width, Height=height))
    shape.setPosition(struct("awt.Point", X=left, Y=top))


def area_of(shape: Any) -> Area:
    """Where a shape is."""
    return shape.Position.X, shape.Position.Y, shape.Size.Width, shape.Size.Height


def fitted(area: Area, ratio: float) -> Area:
    """The largest area of a height-to-width ratio within another one, in its middle."""
    left, top, width, height = area
    wide, high = (width, width * ratio) if width * ratio <= height else (height / ratio, height)
    return left + (width - wide) / 2, top + (height - high) / 2, wide, high


def crop(size: Any, area: Area) -> Any:
    """What to cut off a picture of some size, so that it fills an area."""
    across = min(area[2] / area[3] * size.Height / size.Width, 1.0)
    down = min(area[3] / area[2] * size.Width / size.Height, 1.0)
    side, end = round((1 - across) / 2 * size.Width), round((1 - down) / 2 * size.Height)
    return struct("text.GraphicCrop", Left=side, Right=side, Top=end, Bottom=end)
