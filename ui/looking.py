"""Looking at a screen for a person: which screen, what is on it, and where things are.

Everything is in pixels of the photograph that was taken.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from agent.codec import decode as decode_entry
from agent.errors import UserFault
from agent.events import SessionStarted
from agent.session import Session, data_home, find_session
from perception.errors import CannotRead, PerceptionError
from perception.find import Found, Picture, decode, find_picture, whole
from perception.frames import overlap
from perception.matching import Hit, match_elements, nearest, parse, title
from perception.screenshot import Region, Space
from perception.tree import Element, Reading, on_image, open_tree

PATIENCE = 2.0  # seconds that the screen may go on moving before it is photographed all the same
MOST = 10  # places that are told
SURE = 0.6  # confidence from which a place counts as checked
LEGIBLE = 0.4  # confidence of a word; below that it is mostly an icon that was taken for letters
CLOSE = 0.95  # share of the best confidence from which the runner-up may as well be meant
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})

Kind: TypeAlias = Literal["element", "text", "picture"]


@dataclass(frozen=True, slots=True)
class Sight:
    """A photograph of a screen.

    Attributes:
        name: of the screen, for people.
        display: its X display; None where there is only one screen.
        picture: its pixels, blue first.
        moving: what was still changing, in pixels of the picture.
        window: title of the active window; "" if nobody says.
    """

    name: str
    display: str | None
    picture: Picture
    space: Space
    settled: bool
    moving: Region | None
    window: str
    notes: tuple[str, ...]

    @property
    def whole(self) -> Region:
        """All of it."""
        return whole(self.picture)

    @property
    def scale(self) -> float:
        """Pixels of the picture for one unit in which the pointer moves."""
        return self.space.width / self.space.region.width


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that is to be seen.

    Attributes:
        label: what is written on it, or what it is called.
        element: what its program says about it, where a program was asked.
        depth: how far to the right it is listed.
    """

    kind: Kind
    label: str
    region: Region | None
    confidence: float
    element: Element | None = None
    depth: int = 0

    @property
    def sure(self) -> bool:
        """Whether its place can be relied upon."""
        return self.confidence >= SURE


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, the best first; where nothing was, names that are like it; and what could not be asked."""

    things: tuple[Thing, ...]
    nearest: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the second best may as well be meant."""
        first, second = [thing.confidence for thing in (*self.things, *self.things)[:2]] or (1.0, 0.0)
        return len(self.things) > 1 and second >= CLOSE * first


def choose_screen(name: str | None) -> tuple[str, str | None]:
    """A screen's name for people and its display: the user's own, or that of a running session.

    Raises:
        UserFault: there is no such screen; says what would help.
    """
    if name is None:
        return _own_screen()
    session = find_session(data_home(), name)
    if not session.is_live():
        raise UserFault(
            f"session {session.id} is not running, so it has no screen; see it with `deskhand replay {name}`"
        )
    started = _started(session)
    if started.place == "here":
        return _own_screen()
    if started.place == "vm":
        raise UserFault(f"session {session.id} works in a virtual machine; its pictures are in `deskhand show {name}`")
    from vm.running import display_of

    display = display_of(Path(started.workspace))
    if display is None:
        raise UserFault(f"the private desktop of session {session.id} is not there yet, or not any more; try again")
    return f"{display}, of session {session.id}", display


def take(name: str, display: str | None) -> Sight:
    """Photograph a screen.

    Raises:
        UserFault: it cannot be photographed.
    """
    from perception.eyes import open_eyes

    try:
        with open_eyes(display) as eyes:
            shot, notes = eyes.look(PATIENCE), eyes.notes
    except PerceptionError as error:
        raise UserFault(f"screen {name} cannot be photographed: {error}") from None
    window = ""
    if display:
        from perception.backends.xactive import active_title

        window = active_title(display)
    return Sight(name, display, decode(shot.image), shot.space, shot.settled, shot.moving, window, tuple(notes))


def read_tree(sight: Sight, region: Region) -> Answer:
    """What programs say is on the screen, in a region: named things, and those that can be acted upon.

    Raises:
        UserFault: no program says anything here.
    """
    try:
        reading = _tree(sight)
    except CannotRead as error:
        raise UserFault(str(error)) from None
    return Answer(tuple(_outline(reading, sight, region)), notes=reading.notes)


def read_lines(sight: Sight, region: Region) -> Answer:
    """Every line of text in a region.

    Raises:
        UserFault: text cannot be read on this machine.
    """
    from perception.text import lines_of, read_text

    try:
        words = read_text(sight.picture, region=region)
    except CannotRead as error:
        raise UserFault(str(error)) from None
    legible = [word for word in words if word.confidence >= LEGIBLE]
    return Answer(tuple(_written(line) for line in lines_of(legible)))


def find(sight: Sight, wanted: str, region: Region, progress: Callable[[str], None]) -> Answer:
    """Where something is: a picture if `wanted` is the file of one, else an element, else words that can be read.

    Args:
        progress: is told what takes long.

    Raises:
        UserFault: the picture cannot be read, or there is nothing to look for.
    """
    if not wanted.strip():
        raise UserFault('there is nothing to look for; say what: deskhand look --find "WORDS"')
    if Path(wanted).is_file() or Path(wanted).suffix.lower() in PICTURES:
        return _find_picture(sight, Path(wanted), region)
    notes: tuple[str, ...] = ()
    alike: list[str] = []
    try:
        reading = _tree(sight)
        notes = reading.notes
        if things := tuple(_elements(reading, wanted, sight, region)):
            return Answer(things, notes=notes)
        alike = nearest(reading, wanted)
    except CannotRead as error:
        notes = (str(error),)
    if region == sight.whole:
        progress("no program has it by that name; reading the whole screen, which takes a few seconds")
    return _find_words(sight, wanted, region, alike, notes)


def _find_words(sight: Sight, wanted: str, region: Region, alike: Sequence[str], notes: tuple[str, ...]) -> Answer:
    from perception.text import INKS, match_text, read_text

    try:
        for ink in INKS:
            words = read_text(sight.picture, region=region, ink=ink)
            if places := match_text(words, parse(wanted)[1]):
                return Answer(tuple(_written(place) for place in places[:MOST]), notes=notes)
    except CannotRead as error:
        notes += (str(error),)
    return Answer((), tuple(alike), notes)


def _find_picture(sight: Sight, file: Path, region: Region) -> Answer:
    try:
        found = find_picture(sight.picture, decode(file.read_bytes()), region=region)
    except OSError as error:
        raise UserFault(f"the picture {file} cannot be read ({error.strerror}); name a file that is there") from None
    except CannotRead as error:
        raise UserFault(f"{file} cannot be looked for: {error}") from None
    if found is None:
        return Answer(())
    thing = Thing("picture", file.name, found.region, found.confidence)
    if found.runner_up < CLOSE * found.confidence:
        return Answer((thing,))
    return Answer((thing,), notes=(f"another place is almost as like it ({found.runner_up:.2f})",))


def _tree(sight: Sight) -> Reading:
    with open_tree(sight.display) as tree:
        return tree.read()


def _elements(reading: Reading, wanted: str, sight: Sight, region: Region) -> Iterator[Thing]:
    """The elements that may be meant, each held against the picture."""
    from perception.checking import checked

    hits = [hit for hit in match_elements(reading.elements, wanted) if _place(hit.element, sight, region)][:MOST]
    proven = [Hit(checked(hit.element, sight.picture, sight.space), hit.likeness) for hit in hits]
    for hit in sorted(proven, key=lambda hit: -hit.confidence):
        yield Thing("element", title(hit.element), _place(hit.element, sight, region), hit.confidence, hit.element)


def _outline(reading: Reading, sight: Sight, region: Region) -> Iterator[Thing]:
    """What a person would call things, nested: nameless boxes within boxes are left out."""
    depths: dict[str, int] = {}
    for element in reading.showing:
        depth = depths.get(element.parent, -1) + 1
        place = _place(element, sight, region)
        named = bool(title(element)) or element.acts or element.value is not None or "focused" in element.states
        told = place is not None and (named or not element.parent) and element.role not in ("separator", "filler")
        depths[element.id] = depth if told else depth - 1
        if told:
            yield Thing("element", title(element), place, element.confidence, element, depth)


def _place(element: Element, sight: Sight, region: Region) -> Region | None:
    place = None if element.region is None else on_image(element.region, sight.space)
    return place if place and overlap(place, region) else None


def _written(line: Found) -> Thing:
    return Thing("text", line.text, line.region, line.confidence)


def _own_screen() -> tuple[str, str | None]:
    if not sys.platform.startswith("linux"):
        return "your own", None
    display = os.environ.get("DISPLAY")
    if not display:
        raise UserFault("there is no screen here (DISPLAY is not set); name a running session: `deskhand look last`")
    return display, display


def _started(session: Session) -> SessionStarted:
    try:
        with session.events.open("rb") as file:
            event = decode_entry(file.readline()).event
    except (OSError, ValueError, LookupError):
        event = None
    if not isinstance(event, SessionStarted):
        raise UserFault(f"the journal of session {session.id} does not begin with its task, so its screen is unknown")
    return event
