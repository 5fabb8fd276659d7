"""Operations on an open presentation. What they take are those of `agent/office/slides/operations.py`.

LibreOffice cannot take back what programs do to a slide, but that one slide took another's place: so a copy of each
slide that is changed takes its place first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from . import placing
from .link import Fault, Office, each, graphic, own_size, struct
from .placing import BODIES, TITLES, kind
from .shapes import fill, fill_table, look, sought, words, write
from .slide_view import SlideView
from .tables import lay_out

Operation = dict[str, Any]
SHAPES = {
    "rectangle": "rectangle", "rounded_rectangle": "round-rectangle", "oval": "ellipse",
    "triangle": "isosceles-triangle",
    "diamond": "diamond", "right_arrow": "right-arrow", "left_arrow": "left-arrow", "up_arrow": "up-arrow",
    "down_arrow": "down-arrow", "chevron": "chevron", "pentagon": "pentagon", "hexagon": "hexagon", "star": "star5",
    "callout": "rectangular-callout", "cloud": "cloud",
}  # fmt: skip


class Impress:
    """One presentation, for one call."""

    LASTING: ClassVar[frozenset[str]] = frozenset()  # what Ctrl+Z does not take back

    def __init__(self, office: Office, document: Any) -> None:
        self.office, self.document = office, document
        self._view = SlideView(office, document)
        self._last: Any = None
        self._touched: Any = None
        self._fresh: list[Any] = []

    def begin(self, asked: Operation) -> None:
        """Before the first operation."""
        for operation in asked["operations"]:
            if operation["do"] not in self.KNOWN and operation["do"] != "set_properties":
                raise Fault(f"{operation['do']} cannot be done in an open presentation. Nothing was changed")
        self._view.check()

    def in_order(self, operations: list[Operation]) -> list[tuple[int, Operation]]:
        """The operations with their numbers, as they are carried out."""
        return list(enumerate(operations, 1))

    def end(self) -> None:
        """After the last one, or the one that failed."""

    def carry_out(self, _: Any, operation: Operation) -> str:
        """One operation; what was done."""
        return self.KNOWN[operation["do"]](self, operation)

    def show(self) -> None:
        """Bring the slide that was changed to the front."""
        if self._touched is not None:
            self._view.show(self._touched)

    def errors(self) -> list[str]:
        """Of formulas; slides have none."""
        return []

    # Places ----------------------------------------------------------------------------------------------------------

    def slide(self, number: int | None) -> Any:
        """A slide by its number from 1; None for the one that was added last."""
        pages = list(each(self.document.DrawPages))
        if number is None:
            if self._last is None:
                raise Fault("no slide has been added in this call; give its number")
            return self._last
        if not 1 <= number <= len(pages):
            raise Fault(f"there is no slide {number}; there are {len(pages)}")
        return pages[number - 1]

    def changing(self, operation: Operation) -> Any:
        """The slide that an operation changes."""
        self._touched = self._own(self.slide(operation["slide"]))
        return self._touched

    def _own(self, page: Any) -> Any:
        """A copy in the place of a slide."""
        if page in self._fresh:
            return page
        name, copy = page.Name, self._view.duplicate(page)
        if page == self._last:
            self._last = copy
        self._view.remove(page)
        copy.Name = name
        self._fresh.append(copy)
        return copy

    def shape(self, slide: Any, told: str, operation: Operation | None = None) -> Any:
        """A shape: "title", "body 2", "picture", "@3" (the third one), or its name."""
        shapes = list(each(slide))
        if match := re.fullmatch(r"@(\d+)", told):
            return self._counted(shapes, int(match[1]), operation)
        if match := re.fullmatch(r"(title|subtitle|body|picture)(?: (\d+))?", told):
            kinds = {"title": TITLES, "subtitle": BODIES, "body": BODIES, "picture": ("GraphicObjectShape",)}[match[1]]
            fitting = [one for one in shapes if kind(one) in kinds]
            if len(fitting) >= int(match[2] or 1):
                return fitting[int(match[2] or 1) - 1]
        for one in shapes:
            if one.Name == told:
                return one
        there = ", ".join(one.Name or kind(one) for one in shapes)
        raise Fault(f"there is no shape {told!r} on the slide; there are: {there or 'none'}")

    def _counted(self, shapes: list[Any], at: int, operation: Operation | None) -> Any:
        """The shape at a place, if it is what was seen there."""
        told = operation or {}
        if len(shapes) == told.get("count"):
            found = shapes[at]
            seen = told.get("expected")
            if seen is None or (hasattr(found, "getString") and words(found.getString()) == words(seen)):
                return found
        raise Fault("the shape cannot be told apart while the presentation is open; name it otherwise")

    # Slides ----------------------------------------------------------------------------------------------------------

    def add_slide(self, operation: Operation) -> str:
        """A new slide: like one that is there with the same places for text, else of a built-in layout."""
        pages = self.document.DrawPages
        at = pages.Count if operation["at"] is None else max(0, min(operation["at"] - 1, pages.Count))
        if (pattern := self._pattern(operation)) is not None:
            page = self._view.move(self._emptied(self._view.duplicate(pattern)), at + 1)
        else:
            page = self._view.move(self._view.insert(pages.getByIndex(max(0, at - 1))), at + 1)
            fitting = "title only" if operation["body"] is None else "title, content"
            placing.set_layout(self.document, page, operation["layout"] or fitting)
        self._last = self._touched = page
        self._fresh.append(page)
        for field, name in (("title", "title"), ("body", "body")):
            if operation[field] is not None:
                write(self.shape(page, name), operation[field])
        if operation["notes"] is not None:
            self._write_notes(page, operation["notes"])
        return f"slide {page.Number} added"

    def _pattern(self, operation: Operation) -> Any:
        """The last slide with the places that are needed; a file's own look is in its slides, not in its layouts."""
        wanted = [kinds for field, kinds in (("title", TITLES), ("body", BODIES)) if operation[field] is not None]
        for page in reversed(list(each(self.document.DrawPages))):
            there = [kind(one) for one in each(page)]
            fitting = [one for one in there if one in (*TITLES, *BODIES)]
            same = operation["layout"] is None or page.MasterPage.Name.lower() == operation["layout"].lower()
            if same and len(fitting) == len(wanted) and all(any(one in kinds for one in there) for kinds in wanted):
                return page
        return None

    def _emptied(self, page: Any) -> Any:
        """Of all but its places for text, which are about to be written and keep their look."""
        for shape in list(each(page)):
            if kind(shape) not in (*TITLES, *BODIES):
                page.remove(shape)
        page.Visible = True
        self._write_notes(page, "", needed=False)
        return page

    def delete_slides(self, operation: Operation) -> str:
        """Take slides out."""
        chosen = [self.slide(number) for number in sorted(set(operation["slides"]), reverse=True)]
        if len(chosen) >= self.document.DrawPages.Count:
            raise Fault("a presentation must keep one slide")
        for page in chosen:
            self._view.remove(page)
        self._touched = None
        return f"{len(chosen)} slides deleted"

    def move_slide(self, operation: Operation) -> str:
        """Move a slide."""
        self.slide(operation["to"])
        page = self._touched = self.slide(operation["slide"])
        before = page.Number
        self._view.move(page, operation["to"])
        return f"slide {before} moved to {operation['to']}"

    def duplicate_slide(self, operation: Operation) -> str:
        """Copy a slide."""
        self._last = self._touched = copy = self._view.duplicate(self.slide(operation["slide"]))
        self._fresh.append(copy)
        if operation["to"] is not None:
            self._view.move(copy, operation["to"])
        return f"copied as slide {copy.Number}"

    def set_slide(self, operation: Operation) -> str:
        """Layout of a slide, and whether it is shown."""
        page = self.changing(operation)
        if operation["layout"] is not None:
            placing.set_layout(self.document, page, operation["layout"])
        if operation["hidden"] is not None:
            page.Visible = not operation["hidden"]
        return f"slide {page.Number} set"

    def set_notes(self, operation: Operation) -> str:
        """Notes for the speaker."""
        self._write_notes(self.changing(operation), operation["text"])
        return "notes set"

    def _write_notes(self, page: Any, text: str, *, needed: bool = True) -> None:
        for shape in each(page.NotesPage):
            if shape.ShapeType.endswith("NotesShape"):
                shape.setString(text)
                return
        if needed:
            raise Fault("the slide has no place for notes")

    # Shapes ----------------------------------------------------------------------------------------------------------

    def set_text(self, operation: Operation) -> str:
        """Text of a shape, which keeps its look."""
        shape = self.shape(self.changing(operation), operation["shape"], operation)
        if not hasattr(shape, "getString"):
            raise Fault(f"{operation['shape']} holds no text")
        write(shape, operation["text"])
        return f"text of {operation['shape']} set"

    def add_text(self, operation: Operation) -> str:
        """A text box."""
        shape = self._new("drawing.TextShape", operation, height=1_500)
        write(shape, operation["text"])
        look(shape, operation["look"])
        return "text box added"

    def _new(self, service: str, operation: Operation, *, width: float | None = None, height: float) -> Any:
        """A shape in its box, or below the title."""
        page = self.changing(operation)
        left, top, wide, _ = placing.content_area(page)
        return self._add(
            page, service, operation, placing.wanted_area(operation["box"], (left, top, width or wide, height))
        )

    def _add(self, page: Any, service: str, operation: Operation, area: placing.Area) -> Any:
        shape = self.document.createInstance(f"com.sun.star.{service}")
        page.add(shape)
        placing.put(shape, area)
        if operation.get("name"):
            shape.Name = operation["name"]
        return shape

    def add_shape(self, operation: Operation) -> str:
        """A drawn shape."""
        if operation["kind"] == "line":
            shape = self._new("drawing.LineShape", operation, width=5_000, height=0)
            fill(shape, None, operation["line"] or operation["fill"])
            return "line added"
        shape = self._new("drawing.CustomShape", operation, width=5_000, height=3_000)
        area = placing.area_of(shape)
        geometry = struct("beans.PropertyValue", Name="Type", Value=SHAPES[operation["kind"]])
        shape.CustomShapeGeometry = (geometry,)
        fill(shape, operation["fill"], operation["line"] or "none")
        if operation["text"] is not None:
            shape.setString(operation["text"])
        look(shape, operation["look"])
        placing.put(shape, area)  # its form may have changed it
        return f"{operation['kind']} added"

    def add_picture(self, operation: Operation) -> str:
        """A picture of a file, whole within its box or cropped to fill it."""
        picture, page = graphic(self.office, operation["picture"]), self.changing(operation)
        size = own_size(picture)
        ratio = size.Height / size.Width
        if operation["into"] is not None:
            old = self.shape(page, operation["into"], operation)
            area = placing.area_of(old)
            page.remove(old)
        else:
            area = self._picture_area(page, operation["box"], ratio)
        made = self._add(page, "drawing.GraphicObjectShape", operation, area)
        made.Graphic, made.Description = picture, operation["alt"]
        placing.put(made, area if operation["fit"] == "fill" else placing.fitted(area, ratio))
        if operation["fit"] == "fill":
            made.GraphicCrop = placing.crop(size, area)
        return "picture added"

    def _picture_area(self, page: Any, box: Operation | None, ratio: float) -> placing.Area:
        left, top, width, height = placing.take_place(page, box)
        if box and box["width"] is not None and box["height"] is None:
            height = width * ratio
        elif box and box["height"] is not None and box["width"] is None:
            width = height / ratio
        return left, top, width, height

    def add_table(self, operation: Operation) -> str:
        """A table."""
        rows: list[list[str]] = operation["rows"]
        page, wide = self.changing(operation), max(map(len, rows))
        left, top, width, height = placing.take_place(page, operation["box"])
        if operation["box"] is None or operation["box"]["height"] is None:
            height = min(height, len(rows) * 1_000)
        with self._view.elsewhere(page):
            shape = self._add(page, "drawing.TableShape", operation, (left, top, width, height))
            table = shape.Model
            table.Columns.insertByIndex(0, wide - table.Columns.Count)
            table.Rows.insertByIndex(0, len(rows) - table.Rows.Count)
            lay_out(self.document, shape, rows, page)
        return f"table of {len(rows)} x {wide} added"

    def set_cells(self, operation: Operation) -> str:
        """Cells of a table."""
        page = self.changing(operation)
        shape = self.shape(page, operation["shape"], operation)
        if kind(shape) != "TableShape":
            raise Fault(f"{operation['shape']} is no table")
        table, rows, top = shape.Model, operation["rows"], operation["row"] - 1
        if (more := top + len(rows) - table.Rows.Count) > 0:
            table.Rows.insertByIndex(table.Rows.Count, more)
        if operation["column"] - 1 + max(map(len, rows)) > table.Columns.Count:
            raise Fault(f"the table has {table.Columns.Count} columns")
        with self._view.elsewhere(page):
            fill_table(table, rows, top, operation["column"] - 1)
        return f"{sum(map(len, rows))} cells set"

    def set_shape(self, operation: Operation) -> str:
        """Place and look of a shape."""
        shape = self.shape(self.changing(operation), operation["shape"], operation)
        if operation["box"] is not None:
            placing.put(shape, placing.wanted_area(operation["box"], placing.area_of(shape)))
        fill(shape, operation["fill"], operation["line"])
        look(shape, operation["look"])
        for field, name in (("name", "Name"), ("alt", "Description")):
            if operation[field] is not None:
                setattr(shape, name, operation[field])
        if operation["order"] is not None:
            shape.ZOrder = 0 if operation["order"] == "back" else self._touched.Count - 1
        return f"{operation['shape']} set"

    def delete_shape(self, operation: Operation) -> str:
        """Take a shape away."""
        slide = self.changing(operation)
        slide.remove(self.shape(slide, operation["shape"], operation))
        return f"{operation['shape']} deleted"

    def replace_text(self, operation: Operation) -> str:
        """Find and replace, which keeps the look."""
        numbers = operation["slides"] or range(1, self.document.DrawPages.Count + 1)
        found = 0
        for page in list(map(self.slide, numbers)):
            if any(holder.findFirst(sought(holder, operation)) for holder in (page, page.NotesPage)):
                self._touched = own = self._own(page)
                found += sum(holder.replaceAll(sought(holder, operation)) for holder in (own, own.NotesPage))
        return f"{found} places replaced"

    KNOWN: ClassVar[dict[str, Callable[[Any, Operation], str]]] = {
        "add_slide": add_slide, "delete_slides": delete_slides, "move_slide": move_slide,
        "duplicate_slide": duplicate_slide, "set_slide": set_slide, "set_notes": set_notes, "set_text": set_text,
        "add_text": add_text, "add_shape": add_shape, "add_picture": add_picture, "add_table": add_table,
        "set_cells": set_cells, "set_shape": set_shape, "delete_shape": delete_shape, "replace_text": replace_text,
    }  # fmt: skip
