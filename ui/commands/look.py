"""`deskhand look`: what is on a screen, and where, for a person; as a picture, too."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.errors import UserFault
from perception.frames import overlap
from perception.screenshot import Region
from perception.tree import Element
from ui.boxes import Box, drawn, save
from ui.looking import Answer, Sight, Thing, choose_screen, find, read_lines, read_tree, take
from ui.summary import one_line, printable, tolerate_encoding

PICTURE = "look.png"
LINES = 150  # of a tree or of text that are printed; `--json` has them all
WIDTH = 60  # columns of a name
TELLING = ("focused", "checked", "pressed", "selected", "expanded", "editable", "busy")


def look(flags: argparse.Namespace) -> int:
    """Photograph a screen, and say what is found on it; 0 if something was, 1 if not."""
    tolerate_encoding()
    sight = take(*choose_screen(flags.session))
    region = _region(flags.region, sight)
    answers = _answers(flags, sight, region)
    things = [thing for answer in answers.values() for thing in answer.things]
    path = _write(sight, things, flags.output or PICTURE)
    if flags.json:
        print(json.dumps(_report(sight, answers, path), ensure_ascii=False))
    else:
        _tell(sight, answers, path, flags.find)
    return 0 if things or not answers else 1


def _answers(flags: argparse.Namespace, sight: Sight, region: Region) -> dict[str, Answer]:
    """What was asked for, by its name in the report."""
    answers: dict[str, Answer] = {}
    if flags.find is not None:
        answers["found"] = find(sight, flags.find, region, _progress)
    if flags.tree:
        answers["elements"] = read_tree(sight, region)
    if flags.text:
        if region == sight.whole:
            _progress("reading the whole screen, which takes a few seconds; --region X,Y,W,H is quicker")
        answers["text"] = read_lines(sight, region)
    return answers


def _region(asked: Region | None, sight: Sight) -> Region:
    region = overlap(asked, sight.whole) if asked else sight.whole
    if region is None:
        raise UserFault(f"that region is not on the screen, which is {sight.space.width}×{sight.space.height} pixels")
    return region


def _write(sight: Sight, things: Sequence[Thing], output: str) -> Path:
    boxes = [Box(n, thing.region, thing.sure) for n, thing in enumerate(things, 1) if thing.region and _boxed(thing)]
    path = Path(output).expanduser().absolute()
    try:
        save(drawn(sight.picture, boxes), str(path))
    except OSError as error:
        raise UserFault(f"cannot write {path} ({error.strerror}); name another file with -o") from None
    return path


def _boxed(thing: Thing) -> bool:
    """Windows and what merely holds other things would hide what is in them."""
    return thing.element is None or thing.element.acts or not thing.element.role.endswith(("frame", "panel", "pane"))


# For people --------------------------------------------------------------------------------------------------------


def _tell(sight: Sight, answers: dict[str, Answer], path: Path, wanted: str | None) -> None:
    number = 1
    for name, answer in answers.items():
        for line in _lines(answer, number):
            print(line)
        number += len(answer.things)
        if name == "found":
            _tell_outcome(answer, wanted or "")
        elif not answer.things:
            print("Nothing was found." if name == "elements" else "Nothing is written there that can be read.")
    still = "still" if sight.settled else f"still moving{_at(sight.moving)}"
    scale = "" if sight.scale == 1 else f", {sight.scale:.2f} pixels for each of the screen's own"
    print(f"Screen {sight.name}: {sight.space.width}×{sight.space.height} pixels{scale}; {still}.")
    if sight.window:
        print(f"Active window: {one_line(sight.window, 100)}")
    print(f"Picture: {printable(str(path))}")
    for note in _notes(sight, answers):
        print(f"deskhand: note: {printable(note)}", file=sys.stderr)


def _tell_outcome(answer: Answer, wanted: str) -> None:
    if not answer.things:
        like = " or ".join(f'"{one_line(name, WIDTH)}"' for name in answer.nearest)
        print(f'Nothing like "{one_line(wanted, WIDTH)}" was found{f"; did you mean {like}?" if like else "."}')
    elif answer.ambiguous:
        print(f"Ambiguous: {len(answer.things)} places fit, and the best is no better than the next.")
    if any(thing.element and not thing.sure for thing in answer.things):
        print("A place marked ? is what its program says; the picture does not bear it out, so do not click on it.")


def _lines(answer: Answer, first: int) -> list[str]:
    lines = [_line(number, thing) for number, thing in enumerate(answer.things[:LINES], first)]
    if (more := len(answer.things) - LINES) > 0:
        lines.append(f"… and {more} more; --json has them all, --region X,Y,W,H takes a part")
    return lines


def _line(number: int, thing: Thing) -> str:
    """Its number in the picture, what it is, where, and how sure that is."""
    words = [f"{number:>4} {'  ' * thing.depth}"]
    element = thing.element
    if element is not None:
        words.append(f"{element.role} ")
    words.append(f'"{one_line(thing.label, WIDTH)}"' if thing.label else "(no name)")
    if element is not None and (said := _states(element)):
        words.append(f" [{', '.join(said)}]")
    if element is not None and element.value is not None:
        words.append(f" = {element.value:g}")
    place = _at(thing.region)
    return "".join(words) + f"{place}, {thing.confidence:.2f}{'' if thing.sure else ' ?'}"


def _states(element: Element) -> list[str]:
    said = [state for state in TELLING if state in element.states]
    off = element.acts and not {"enabled", "sensitive"} & element.states
    return [*said, "disabled"] if off else said


def _at(region: Region | None) -> str:
    return "" if region is None else f" at ({region.left}, {region.top}), {region.width}×{region.height}"


def _progress(message: str) -> None:
    print(f"deskhand: {message} …", file=sys.stderr, flush=True)


def _notes(sight: Sight, answers: dict[str, Answer]) -> list[str]:
    return list(dict.fromkeys((*sight.notes, *(note for answer in answers.values() for note in answer.notes))))


# For programs ------------------------------------------------------------------------------------------------------


def _report(sight: Sight, answers: dict[str, Answer], path: Path) -> dict[str, Any]:
    report: dict[str, Any] = {
        "display": sight.display,
        "width": sight.space.width,
        "height": sight.space.height,
        "scale": sight.scale,
        "settled": sight.settled,
        "moving": asdict(sight.moving) if sight.moving else None,
        "window": sight.window,
        "picture": str(path),
        "notes": _notes(sight, answers),
    }
    number = 1
    for name, answer in answers.items():
        report[name] = [_as_json(thing, n) for n, thing in enumerate(answer.things, number)]
        number += len(answer.things)
        if name == "found":
            report |= {"ambiguous": answer.ambiguous, "nearest": list(answer.nearest)}
    return report


def _as_json(thing: Thing, number: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "number": number,
        "kind": thing.kind,
        "label": thing.label,
        "region": asdict(thing.region) if thing.region else None,
        "confidence": round(thing.confidence, 3),
        "sure": thing.sure,
    }
    if (element := thing.element) is not None:
        said |= {
            "role": element.role,
            "name": element.name,
            "description": element.description,
            "states": sorted(element.states),
            "text": element.text,
            "value": element.value,
            "application": element.application,
            "window": element.window,
            "depth": thing.depth,
        }
    return said
