"""Cells copied with all that belongs to them: formulas that follow, looks, merges, rules, links, notes."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from agent.errors import ToolFault
from agent.office.spreadsheets.areas import clear_area
from agent.office.spreadsheets.cells import Area, areas_of, cell_name, read_area
from agent.office.spreadsheets.comments import comments_of, remove_comments, set_comment
from agent.office.spreadsheets.edit_cells import check_room, tell_merged
from agent.office.spreadsheets.formulas import translated
from agent.office.spreadsheets.job import Job, row_cells
from agent.office.spreadsheets.markup import R_ID, children, m, sub
from agent.office.spreadsheets.operations import CopyCells
from agent.office.spreadsheets.sheet import Sheet
from agent.office.spreadsheets.values import EMPTY, formula_of
from agent.office.xml import Element

_MOST: Final = 10_000  # merged ranges, rules, links and notes that one copy makes


@dataclass(frozen=True)
class _Copy:
    """From where to where; the target holds the source as often as it fits."""

    job: Job
    source: Sheet
    area: Area
    target: Sheet
    to: Area
    what: str

    def tiles(self, part: Area) -> list[Area]:
        """Where a part of the source comes to."""
        down, right = self.to.top - self.area.top, self.to.left - self.area.left
        found = [
            part.moved(down + rows, right + columns)
            for rows in range(0, self.to.height, self.area.height)
            for columns in range(0, self.to.width, self.area.width)
        ]
        return [cut for each in found if (cut := each.common(self.to)) is not None]


def copy_cells(job: Job, op: CopyCells) -> str:
    """Copies, filled over the target."""
    source, name = job.book.sheet(op.sheet), op.to_sheet or op.sheet
    target = job.book.sheet(name)
    area, to = source.within(op.cells), read_area(op.to)
    to = _filled(area, Area(to.top, to.left, min(to.bottom, 1 << 20), to.right), target)
    check_room(to.top, to.left, to.height, to.width)
    copy = _Copy(job, source, area, target, to, op.what)
    _check_arrays(copy)
    source.unshare()
    brought = _along(copy)
    _copy_block(copy)
    told = f" with {brought}" if brought else ""
    return f"{op.sheet}!{area} copied to {name}!{to}{told}"


def _filled(area: Area, to: Area, target: Sheet) -> Area:
    cut = target.cut(to)
    height, width = max(cut.height, area.height), max(cut.width, area.width)
    return Area(cut.top, cut.left, cut.top + height - 1, cut.left + width - 1)


def _check_arrays(copy: _Copy) -> None:
    for array, _, _ in copy.source.arrays() if copy.what in ("all", "formulas") else ():
        if array.meets(copy.area) and array not in copy.area and array.height * array.width > 1:
            raise ToolFault(f"{array} is one array formula; copy it as a whole, or its values. Nothing was changed.")


def _copy_block(copy: _Copy) -> None:
    area, to = copy.area, copy.to
    block = [
        {at: deepcopy(cell) for at, cell in row_cells(copy.source.rows.get(row)).items() if area.has(row, at)}
        for row in area.rows()
    ]
    arrays = [array for array, _, _ in copy.source.arrays() if array.height * array.width > 1]
    for row in to.rows():
        for column in to.columns():
            at = area.top + (row - to.top) % area.height, area.left + (column - to.left) % area.width
            cell = block[at[0] - area.top].get(at[1])
            filled = any(array.has(*at) and at != (array.top, array.left) for array in arrays)
            if not filled or copy.what in ("values", "formats"):
                _copy_one(copy, cell, at, (row, column))
        if row % 500 == 0:
            copy.target.rows.settle()


def _copy_one(copy: _Copy, cell: Element | None, source: tuple[int, int], to: tuple[int, int]) -> None:
    job, target = copy.job, copy.target
    if cell is None:
        if copy.what != "formats":
            job.put(target, *to, EMPTY)
        elif target.cell(*to) is not None:
            target.make_cell(*to).attrib.pop("s", None)
        return
    if copy.what != "formats":
        _copy_content(copy, cell, source, to)
    if copy.what in ("all", "formats"):
        target.make_cell(*to).set("s", cell.get("s") or "0")


def _copy_content(copy: _Copy, cell: Element, source: tuple[int, int], to: tuple[int, int]) -> None:
    job, target = copy.job, copy.target
    formula = None if copy.what == "values" else formula_of(cell)
    if formula is None or not formula.text:
        job.put_copy(target, *to, cell)
        return
    rows, columns = to[0] - source[0], to[1] - source[1]
    text = translated(formula.text, rows, columns)
    if formula.get("t") != "array":
        job.put_raw_formula(target, *to, text)
        return
    filled = read_area(formula.get("ref") or cell_name(*source)).moved(rows, columns)
    job.put_array(target, Area(*to, *to) if cell.get("cm") else filled, text)
    if cell.get("cm"):
        target.make_cell(*to).set("cm", cell.get("cm"))


def _along(copy: _Copy) -> str:
    """What is not in the cells themselves; in words."""
    told: dict[str, int] = {}
    if copy.what in ("all", "formats"):
        told["merged ranges"] = _merges(copy)
        told["conditional formats"] = _rules(copy, "conditionalFormatting")
    if copy.what == "all":
        told["validations"] = _rules(copy, "dataValidations")
        told["links"] = _links(copy)
        told["notes"] = _notes(copy)
    return ", ".join(f"{count} {kind[:-1] if count == 1 else kind}" for kind, count in told.items() if count)


def _bounded(copy: _Copy, parts: list[Area]) -> list[list[Area]]:
    tiles = [copy.tiles(part) for part in parts]
    if sum(len(each) for each in tiles) > _MOST:
        raise ToolFault(f"That would copy merged ranges, rules or notes more than {_MOST} times. Nothing was changed.")
    return tiles


def _merges(copy: _Copy) -> int:
    there = children(copy.target.frame.find(m("mergeCells")), "mergeCell")
    merged = children(copy.source.frame.find(m("mergeCells")), "mergeCell")
    parts = [each for each in (read_area(one.get("ref", "A1")) for one in merged) if each in copy.area]
    new = [tile for tiles in _bounded(copy, parts) for tile in tiles if tile.height * tile.width > 1]
    for each in there:
        old = read_area(each.get("ref", "A1"))
        if old.meets(copy.to) and old not in new:
            if old not in copy.to:
                raise ToolFault(f"{copy.to} meets the merged range {old}; undo that first. Nothing was changed.")
            each.getparent().remove(each)
        elif old in new:
            new.remove(old)
    for area in new:
        sub(copy.target.child("mergeCells"), "mergeCell", ref=str(area))
    if there or new:
        tell_merged(copy.target)
    return len(new)


def _rules(copy: _Copy, name: str) -> int:
    """Conditional formats or validations: the same ones for the copies, their formulas moved along."""
    frame = copy.source.frame
    found = (
        children(frame, name) if name == "conditionalFormatting" else children(frame.find(m(name)), "dataValidation")
    )
    made = [rule for each in found for rule in _rule_copies(copy, each)]
    clear_area(copy.target, name, copy.to)
    if not made:
        return 0
    priority = max((int(each.get("priority") or 0) for each in copy.target.frame.iter(m("cfRule"))), default=0)
    holder = None if name == "conditionalFormatting" else copy.target.child(name)
    for number, each in enumerate((each for rule in made for each in rule.iter(m("cfRule"))), priority + 1):
        each.set("priority", str(number))
    for rule in made:
        copy.target.put_child(rule) if holder is None else holder.append(rule)
    if holder is not None:
        holder.set("count", str(len(holder)))
    return len(made)


def _rule_copies(copy: _Copy, rule: Element) -> list[Element]:
    areas = areas_of(rule.get("sqref") or "")
    parts = [part for area in areas if (part := area.common(copy.area)) is not None]
    made: list[Element] = []
    for tiles in _bounded(copy, parts):
        new = deepcopy(rule)
        new.set("sqref", " ".join(str(tile) for tile in tiles))
        for each in list(new.iter(m("extLst"))):
            each.getparent().remove(each)  # it names a part of the original that there is only once
        for each in new.iter(m("formula"), m("formula1"), m("formula2")):
            each.text = translated(each.text or "", tiles[0].top - areas[0].top, tiles[0].left - areas[0].left)
        made.append(new)
    return made


def _links(copy: _Copy) -> int:
    job, source, target = copy.job, copy.source, copy.target
    links = children(source.frame.find(m("hyperlinks")), "hyperlink")
    inside = [(each, at) for each in links if (at := read_area(each.get("ref", "A1"))) in copy.area]
    kept = [
        (deepcopy(each), tiles)
        for (each, _), tiles in zip(inside, _bounded(copy, [at for _, at in inside]), strict=True)
    ]
    clear_area(target, "hyperlinks", copy.to)
    outside = {each.id: each.target for each in job.book.relations(source.part) if each.type == "hyperlink"}
    for each, tiles in kept:
        for tile in tiles:
            new = deepcopy(each)
            new.set("ref", str(tile))
            if source is not target and new.get(R_ID) in outside:
                new.set(R_ID, job.book.relate(target.part, "hyperlink", outside[new.get(R_ID)], external=True))
            target.child("hyperlinks").append(new)
    return sum(len(tiles) for _, tiles in kept)


def _notes(copy: _Copy) -> int:
    book = copy.job.book
    notes = [
        (at, author, text)
        for ref, author, text in comments_of(book, copy.source)
        if (at := read_area(ref)) in copy.area
    ]
    plain = [each for each in notes if not each[1].startswith("tc=")]
    if len(plain) < len(notes):
        copy.job.note(f"{len(notes) - len(plain)} threads of comments stay with the original.")
    tiles = _bounded(copy, [at for at, _, _ in plain])
    remove_comments(book, copy.target, copy.to)
    for (_, author, text), places in zip(plain, tiles, strict=True):
        for place in places:
            set_comment(book, copy.target, place.top, place.left, text, author)
    return sum(len(each) for each in tiles)
