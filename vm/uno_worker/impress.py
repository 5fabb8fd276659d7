"""Operations on an open presentation. What they take are those of `agent/office/slides/operations.py`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, ClassVar

from .link import Fault, Office, box, each, graphic, struct
from .shapes import fill, fill_table, layout, look, sought, words, write
from .tables import lay_out

Operation = dict[str, Any]
TRIES, TRY_SECONDS = 6, 0.1
TITLES = ("TitleTextShape",)
BODIES = ("OutlinerShape", "SubtitleShape")
SHAPES = {
    "rectangle": "rectangle", "rounded_rectangle": "round-rectangle", "oval": "ellipse",
    "triangle": "isosceles-triangle",
    "diamond": "diamond", "right_arrow": "right-arrow", "left_arrow": "left-arrow", "up_arrow": "up-arrow",
    "down_arrow": "down-arrow", "chevron": "chevron", "pentagon": "pentagon", "hexagon": "hexagon", "star": "star5",
    "callout": "rectangular-callout", "cloud": "cloud",
}  # fmt: skip


class Impress:
    """One presentation, for one call."""

    UNSEEN = False  # commands of the view are needed, which then do nothing

    def __init__(self, office: Office, document: Any) -> None:
        self.office, self.document = office, document
        self._last: Any = None
        self._touched: Any = None
        self._fresh: list[Any] = []
        self._made: list[Any] = []
        self._backups: list[tuple[Any, Any]] = []
        self.lasting = False

    def begin(self, asked: Operation) -> None:
        """Before the first operation."""
        for operation in asked["operations"]:
            if operation["do"] not in self.KNOWN and operation["do"] != "set_properties":
                raise Fault(f"{operation['do']} cannot be done in an open presentation. Nothing was changed")

    def end(self) -> None:
        """After the last one, or the one that failed."""

    def carry_out(self, _: Any, operation: Operation) -> str:
        """One operation; what was done."""
        if self._backups and (operation.get("at") is not None or operation.get("to") is not None):
            raise Fault("the view of slides is busy; add and move slides in a call of their own")  # backups count, too
        return self.KNOWN[operation["do"]](self, operation)

    def show(self) -> None:
        """Bring the slide that was changed to the front."""
        view = self.document.CurrentController
        if self._touched is not None and hasattr(view, "setCurrentPage"):
            view.setCurrentPage(self._touched)

    def errors(self) -> list[str]:
        """Of formulas; slides have none."""
        return []

    # Places ----------------------------------------------------------------------------------------------------------

    def slide(self, number: int | None) -> Any:
        """A slide by its number from 1; None for the one that was added last."""
        backups = [backup for _, backup in self._backups]
        pages = [page for page in each(self.document.DrawPages) if page not in backups]
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
        """A copy in the place of a slide. LibreOffice can take back that one slide took another's place, but not what
        is done to a slide in this way."""
        if page in self._fresh:
            return page
        name = page.Name
        if (copy := self._command(page, ".uno:DuplicatePage")) is None:
            self._backups.append((page, self._locked(lambda: self.document.duplicate(page))))
            self._fresh.append(page)
            return page
        was_last = page == self._last
        self.document.DrawPages.remove(page)
        copy.Name = name
        self._fresh.append(copy)
        self._last = copy if was_last else self._last
        return copy

    def shape(self, slide: Any, told: str, operation: Operation | None = None) -> Any:
        """A shape: "title", "body 2", "picture", "@3" (the third one), or its name."""
        shapes = list(each(slide))
        if match := re.fullmatch(r"@(\d+)", told):
            return self._counted(shapes, int(match[1]), operation)
        if match := re.fullmatch(r"(title|subtitle|body|picture)(?: (\d+))?", told):
            kinds = {"title": TITLES, "subtitle": BODIES, "body": BODIES, "picture": ("GraphicObjectShape",)}[match[1]]
            fitting = [one for one in shapes if one.ShapeType.rpartition(".")[2] in kinds]
            if len(fitting) >= int(match[2] or 1):
                return fitting[int(match[2] or 1) - 1]
        for one in shapes:
            if one.Name == told:
                return one
        there = ", ".join(one.Name or one.ShapeType.rpartition(".")[2] for one in shapes)
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

    def _place(self, shape: Any, told: Operation | None, *, width: float = 12, height: float = 3) -> None:
        """Position and size, in centimetres; what is not given is kept, or put in the middle."""
        told = told or {}
        size = shape.Size
        wide, high = told.get("width"), told.get("height")
        wide = wide * 1000 if wide is not None else size.Width or width * 1000
        high = high * 1000 if high is not None else size.Height or height * 1000
        shape.setSize(struct("awt.Size", Width=round(wide), Height=round(high)))
        left, top, page = told.get("left"), told.get("top"), self._touched
        fresh = not size.Width
        x = left * 1000 if left is not None else (page.Width - wide) / 2 if fresh else shape.Position.X
        y = top * 1000 if top is not None else (page.Height - high) / 2 if fresh else shape.Position.Y
        shape.setPosition(struct("awt.Point", X=round(x), Y=round(y)))

    # Slides ----------------------------------------------------------------------------------------------------------

    def add_slide(self, operation: Operation) -> str:
        """A new slide: like one that is there with the same places for text, else of a built-in layout."""
        pages = self.document.DrawPages
        at = pages.Count if operation["at"] is None else max(0, min(operation["at"] - 1, pages.Count))
        if (pattern := self._pattern(operation)) is not None:
            page = self._moved(self._emptied(self._duplicate(pattern)), at + 1)
        else:
            page = self._new_page(at)
            page.Layout = layout(operation)
        self._last = self._touched = page
        self._fresh.append(page)
        for field, name in (("title", "title"), ("body", "body")):
            if operation[field] is not None:
                write(self.shape(page, name), operation[field])
        if operation["notes"] is not None:
            self._write_notes(page, operation["notes"])
        return "slide added" if self._backups else f"slide {page.Number} added"

    def _pattern(self, operation: Operation) -> Any:
        """The last slide with the places that are needed; a file's own look is in its slides, not in its layouts."""
        wanted = [kind for field, kind in (("title", TITLES), ("body", BODIES)) if operation[field] is not None]
        for page in reversed(list(each(self.document.DrawPages))):
            there = [one.ShapeType.rpartition(".")[2] for one in each(page)]
            fitting = [one for one in there if one in (*TITLES, *BODIES)]
            same = operation["layout"] is None or page.MasterPage.Name.lower() == operation["layout"].lower()
            if same and len(fitting) == len(wanted) and all(any(one in kind for one in there) for kind in wanted):
                return page
        return None

    def _duplicate(self, page: Any) -> Any:
        """A copy right after a slide."""
        return self._command(page, ".uno:DuplicatePage") or self._unrecorded(lambda: self.document.duplicate(page))

    def _command(self, page: Any, command: str) -> Any:
        """A new slide after one by the view's command, which can be taken back; None where the view does not do it, as
        happens while it is busy with slides that have come and gone."""
        pages, view = self.document.DrawPages, self.document.CurrentController
        count, after = pages.Count, page.Number
        for _ in range(TRIES):
            view.setCurrentPage(page)
            self.office.dispatch(self.document, command)
            if pages.Count == count + 1:
                return pages.getByIndex(after)
            time.sleep(TRY_SECONDS)
        return None

    def _unrecorded(self, make: Callable[[], Any]) -> Any:
        """A new slide by the document's own call, whose undo LibreOffice does not know."""
        made = self._locked(make)
        self._made.append(made)
        return made

    def _locked(self, work: Callable[[], Any]) -> Any:
        undo = self.document.getUndoManager()
        undo.lock()
        try:
            return work()
        finally:
            undo.unlock()

    def settle(self, *, done: bool) -> None:
        """Take away what was only needed to go back, or go back where that is not LibreOffice's to do."""
        remove = self.document.DrawPages.remove
        for page, backup in self._backups:
            self._locked(lambda unwanted=backup if done else page: remove(unwanted))
        for page in () if done else self._made:
            self._locked(lambda unwanted=page: remove(unwanted))
        self.lasting = bool(self._backups or self._made)

    def _emptied(self, page: Any) -> Any:
        """Of all but its places for text, which are about to be written and keep their look."""
        for shape in list(each(page)):
            if shape.ShapeType.rpartition(".")[2] not in (*TITLES, *BODIES):
                page.remove(shape)
        page.Visible = True
        self._write_notes(page, "", needed=False)
        return page

    def _new_page(self, at: int) -> Any:
        """LibreOffice inserts after a slide; a first one is moved there."""
        pages = self.document.DrawPages
        after = max(0, at - 1)
        page = self._command(pages.getByIndex(after), ".uno:InsertPage")
        page = page or self._unrecorded(lambda: pages.insertNewByIndex(after))
        return page if at else self._moved(page, 1)

    def _moved(self, page: Any, to: int) -> Any:
        """Slides have no call to be moved with; the view's commands do it."""
        view = self.document.CurrentController
        view.setCurrentPage(page)
        for _ in range(self.document.DrawPages.Count):
            if page.Number == to:
                return page
            self.office.dispatch(self.document, ".uno:MovePageUp" if page.Number > to else ".uno:MovePageDown")
        raise Fault(f"the slide could not be moved to {to}")

    def delete_slides(self, operation: Operation) -> str:
        """Take slides out."""
        chosen = [self.slide(number) for number in sorted(set(operation["slides"]), reverse=True)]
        if len(chosen) >= self.document.DrawPages.Count - len(self._backups):
            raise Fault("a presentation must keep one slide")
        for page in chosen:
            self.document.DrawPages.remove(page)
        self._touched = None
        return f"{len(chosen)} slides deleted"

    def move_slide(self, operation: Operation) -> str:
        """Move a slide."""
        self.slide(operation["to"])
        page = self._touched = self.slide(operation["slide"])
        before = page.Number
        self._moved(page, operation["to"])
        return f"slide {before} moved to {operation['to']}"

    def duplicate_slide(self, operation: Operation) -> str:
        """Copy a slide."""
        self._last = self._touched = copy = self._duplicate(self.slide(operation["slide"]))
        self._fresh.append(copy)
        if operation["to"] is not None:
            self._moved(copy, operation["to"])
        return f"copied as slide {copy.Number}"

    def set_slide(self, operation: Operation) -> str:
        """Whether a slide is shown."""
        if operation["layout"] is not None:
            raise Fault("the layout of a slide cannot be changed while it is open")
        page = self.changing(operation)
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
        shape = self._new("drawing.TextShape", operation)
        self._place(shape, operation["box"])
        write(shape, operation["text"])
        look(shape, operation["look"])
        return "text box added"

    def _new(self, service: str, operation: Operation) -> Any:
        shape = self.document.createInstance(f"com.sun.star.{service}")
        self.changing(operation).add(shape)
        if operation.get("name"):
            shape.Name = operation["name"]
        return shape

    def add_shape(self, operation: Operation) -> str:
        """A drawn shape."""
        if operation["kind"] == "line":
            raise Fault("lines cannot be drawn in an open presentation")
        shape = self._new("drawing.CustomShape", operation)
        self._place(shape, operation["box"], width=5)
        kind = struct("beans.PropertyValue", Name="Type", Value=SHAPES[operation["kind"]])
        shape.CustomShapeGeometry = (kind,)
        fill(shape, operation["fill"], operation["line"] or "none")
        if operation["text"] is not None:
            shape.setString(operation["text"])
        look(shape, operation["look"])
        return f"{operation['kind']} added"

    def add_picture(self, operation: Operation) -> str:
        """A picture of a file."""
        if operation["into"] is not None or operation["fit"] == "fill":
            raise Fault("into a placeholder, or cropped, a picture cannot be put while the presentation is open")
        picture = graphic(self.office, operation["picture"])
        told: Operation = operation["box"] or {}
        shape = self._new("drawing.GraphicObjectShape", operation)
        shape.Graphic, shape.Description = picture, operation["alt"]
        size = box(picture, told.get("width"), told.get("height") if told.get("width") is None else None, 20)
        self._place(shape, {**told, "width": size.Width / 1000, "height": size.Height / 1000})
        return "picture added"

    def add_table(self, operation: Operation) -> str:
        """A table."""
        rows: list[list[str]] = operation["rows"]
        shape = self._new("drawing.TableShape", operation)
        self._place(shape, operation["box"], width=22, height=len(rows))
        table, wide = shape.Model, max(map(len, rows))
        table.Columns.insertByIndex(0, wide - table.Columns.Count)
        table.Rows.insertByIndex(0, len(rows) - table.Rows.Count)
        lay_out(self.document, shape, rows, self._touched)
        return f"table of {len(rows)} x {wide} added"

    def set_cells(self, operation: Operation) -> str:
        """Cells of a table."""
        shape = self.shape(self.changing(operation), operation["shape"], operation)
        if not shape.ShapeType.endswith("TableShape"):
            raise Fault(f"{operation['shape']} is no table")
        table, rows, top = shape.Model, operation["rows"], operation["row"] - 1
        if (more := top + len(rows) - table.Rows.Count) > 0:
            table.Rows.insertByIndex(table.Rows.Count, more)
        if operation["column"] - 1 + max(map(len, rows)) > table.Columns.Count:
            raise Fault(f"the table has {table.Columns.Count} columns")
        fill_table(table, rows, top, operation["column"] - 1)
        return f"{sum(map(len, rows))} cells set"

    def set_shape(self, operation: Operation) -> str:
        """Place and look of a shape."""
        shape = self.shape(self.changing(operation), operation["shape"], operation)
        if operation["box"] is not None:
            self._place(shape, operation["box"])
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
        numbers = operation["slides"] or range(1, self.document.DrawPages.Count - len(self._backups) + 1)
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
