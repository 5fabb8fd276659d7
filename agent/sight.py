"""What a playbook sees on one screenshot: its targets, each looked for where it is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from agent.playbook import SCREEN, Playbook, Target
from perception.find import Found, Picture, decode, find_colour, find_picture, whole
from perception.frames import overlap
from perception.screenshot import Region
from perception.text import SMALL, SURE, Ink, Layout, Word, match_text, read_text

Looked: TypeAlias = tuple[str, Region, Layout, Ink]
"""A picture by its hash, where in it, and how."""

GROWTH = 8  # pixels
KEPT = 64  # regions whose words are remembered


@dataclass
class Memory:
    """What was read on earlier screenshots, so that an unchanged one costs nothing. Holds nothing that decides."""

    words: dict[Looked, tuple[Word, ...]] = field(default_factory=dict[Looked, tuple[Word, ...]])

    def keep(self, key: Looked, words: tuple[Word, ...]) -> None:
        """Remember, and forget the oldest."""
        while len(self.words) >= KEPT:
            del self.words[next(iter(self.words))]
        self.words[key] = words


class Sight:
    """Looks at one screenshot through the eyes of a playbook.

    Raises, from every look:
        CannotRead: the picture is broken, or OCR does not work here.
    """

    def __init__(self, image: bytes, sha256: str, playbook: Playbook, memory: Memory) -> None:
        self.picture: Picture = decode(image)
        self.screen = whole(self.picture)
        self._sha256 = sha256
        self.playbook = playbook
        self._memory = memory

    def first(self, targets: Sequence[Target], anchors: Mapping[str, Region], *, wide: bool) -> Found | None:
        """The first of several alternatives that is seen.

        Args:
            wide: look everywhere too, where the target allows it, which takes long.
        """
        for target in targets:
            for region in self._regions(target, anchors, wide=wide):
                if found := self._look(target, region):
                    return found
        return None

    def _regions(self, target: Target, anchors: Mapping[str, Region], *, wide: bool) -> list[Region]:
        regions: list[Region] = []
        for name in target.places:
            if name == SCREEN:
                region = self.screen if wide or target.places == (SCREEN,) else None
            else:
                region = self.playbook.places[name].region(self.screen, anchors)
            if region and (part := overlap(region, self.screen)):
                regions.append(part)
        return [*regions, *(self._grown(region) for region in regions if wide and region != self.screen)]

    def _grown(self, region: Region) -> Region:
        """A little more: what was cut through at an edge, or misread for its surroundings, reads differently."""
        more = Region(region.left - GROWTH, region.top - GROWTH, region.width + 2 * GROWTH, region.height + 2 * GROWTH)
        return overlap(more, self.screen) or region

    def _look(self, target: Target, region: Region) -> Found | None:
        if target.text:
            return self._look_for_text(target, region)
        if target.colour:
            channels = (int(target.colour[i : i + 2], 16) for i in (1, 3, 5))
            red, green, blue = channels
            return find_colour(self.picture, (red, green, blue), region=region, min_pixels=target.pixels)
        wanted = decode((self.playbook.folder / target.picture).read_bytes())
        return find_picture(self.picture, wanted, region=region, min_confidence=target.alike or 0.85)

    def _look_for_text(self, target: Target, region: Region) -> Found | None:
        for layout, ink in _readings(target, region):
            words = self._words(region, layout, ink)
            places = match_text(words, target.text, min_confidence=target.alike or SURE)
            if places:
                return (
                    places[0] if target.pick == "best" else max(places, key=lambda place: _rank(target, place.region))
                )
        return None

    def _words(self, region: Region, layout: Layout, ink: Ink) -> tuple[Word, ...]:
        key = (self._sha256, region, layout, ink)
        if key not in self._memory.words:
            self._memory.keep(key, read_text(self.picture, region=region, layout=layout, ink=ink))
        return self._memory.words[key]


def _readings(target: Target, region: Region) -> Sequence[tuple[Layout, Ink]]:
    """How a region is read for a target. A small one in several ways, since one reading in fifty goes wrong."""
    if region.width * region.height > SMALL:
        return ((target.layout, "any"),)
    return ((target.layout, "any"), (target.layout, "light"), ("block", "any"))


def _rank(target: Target, region: Region) -> int:
    match target.pick:
        case "lowest":
            return region.top
        case "highest":
            return -region.top
        case "rightmost":
            return region.left
        case "leftmost":
            return -region.left
        case "best":
            return 0
