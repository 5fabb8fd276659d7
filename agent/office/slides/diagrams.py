"""SmartArt: what it says is kept in parts of its own, once as data and once as it was drawn last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.office.slides.copying import relations
from agent.office.xml import Element, parse, q, to_bytes

_DATA, _DRAWN = "/diagramData", "/diagramDrawing"


def words_of(shape: Any) -> list[str]:
    """The texts of a SmartArt, one for each of its points; none of other shapes."""
    held = shape._element.xpath(".//@*[local-name()='dm']")
    relation = relations(shape.part).get(str(held[0])) if held else None
    if relation is None or relation.is_external or (root := _root(relation.target_part)) is None:
        return []
    points = (each for each in root.iter() if isinstance(each.tag, str) and each.tag.endswith("}pt"))
    return [words for each in points if (words := "".join(leaf.text or "" for leaf in each.iter(q("a:t"))).strip())]


class Diagrams:
    """The SmartArt of a slide as XML that can be changed; `keep` puts it back."""

    def __init__(self, slide: Any) -> None:
        found = {
            each.target_part: each.reltype
            for each in relations(slide.part).values()
            if not each.is_external and each.reltype.endswith((_DATA, _DRAWN))
        }
        self._parts = [(part, root, kind) for part, kind in found.items() if (root := _root(part)) is not None]

    @property
    def data(self) -> Iterator[Element]:
        """What the diagrams say."""
        return (root for _, root, kind in self._parts if kind.endswith(_DATA))

    @property
    def drawn(self) -> Iterator[Element]:
        """The same, as it was drawn."""
        return (root for _, root, kind in self._parts if kind.endswith(_DRAWN))

    def keep(self) -> None:
        """Put the XML back into its parts."""
        for part, root, _ in self._parts:
            part._blob = to_bytes(root)


def _root(part: Any) -> Element | None:
    try:
        return parse(part.blob)
    except ValueError:
        return None
