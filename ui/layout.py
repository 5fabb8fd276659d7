"""The blocks that a session's page is made of, and where the next item or picture goes."""

from __future__ import annotations

from typing import Any

from agent.values import ImageRef
from ui.blocks import Beginning, Block, Item


class Layout:
    """The blocks, as they grow.

    Attributes:
        images: each picture once; views point into it.
        touched: the chunks of the journal whose blocks may have changed.
        at: when what is put now has happened.
        shown: the picture that the model saw last.
        fresh: where the answer that is being streamed begins among the items of the open turn.
    """

    def __init__(self) -> None:
        self.images: list[ImageRef] = []
        self.blocks: list[Block] = []
        self.touched: set[int] = set()
        self.at = ""
        self.shown: int | None = None
        self.fresh = 0
        self._known: dict[tuple[str, ...], Item] = {}
        self._where: dict[tuple[str, ...], int] = {}
        self._numbers: dict[str, int] = {}
        self._chunk = 0

    def go_on_from(self, beginning: Beginning) -> None:
        """Begin in the middle of a journal."""
        self._chunk = beginning.chunk
        if beginning.shown:
            self.shown = self.number(beginning.shown)

    def enter(self, chunk: int) -> None:
        """What comes now belongs to this chunk of the journal."""
        self.touched |= {self._chunk, chunk}  # the last picture of the one before may go to this one's turn
        self._chunk = chunk

    def touch(self) -> None:
        """The blocks of the present chunk may have changed."""
        self.touched.add(self._chunk)

    # ---- blocks

    @property
    def here(self) -> Block:
        """The open turn, else the present stretch between turns."""
        if not self.blocks or not self.blocks[-1].open:
            self.blocks.append(Block("aside", self.at, chunk=self._chunk))
        return self.blocks[-1]

    def turn(self, number: int) -> Block:
        """The open turn of this number; its beginning may be missing from the journal."""
        last = self.blocks[-1] if self.blocks else None
        if last and last.open and last.kind == "turn" and last.turn == number:
            return last
        return self.begin(number)

    def begin(self, number: int) -> Block:
        """A new turn, with the picture that it is decided on."""
        last = self.blocks[-1] if self.blocks else None
        if last and last.kind == "aside" and last.views and last.views[-1]["image"] == self.shown:
            last.views.pop()  # it is the picture of this turn
            if not last.items:
                self.blocks.pop()
        block = Block("turn", self.at, number, chunk=self._chunk)
        if self.shown is not None:
            block.views.append({"image": self.shown, "label": "seen", "marks": []})
        self.close()
        self.blocks.append(block)
        self.fresh = 0
        return block

    def end(self, number: int, seconds: float, ours: float) -> None:
        """The turn of this number is over."""
        for block in reversed(self.blocks):
            if block.kind == "turn" and block.turn == number:
                block.seconds, block.ours, block.open = seconds, ours, False
                self.touched.add(block.chunk)
                return

    def close(self) -> None:
        """Nothing more goes into the last block."""
        if self.blocks:
            self.blocks[-1].open = False

    # ---- items

    def add(self, kind: str, text: str = "", **more: Any) -> Item:
        """One more item, here and now."""
        item: Item = {"kind": kind, "text": text, "at": self.at} | more
        self.here.items.append(item)
        return item

    def remember(self, key: tuple[str, ...], item: Item) -> Item:
        """Keep an item that will be changed; `recall` finds it."""
        self._known[key], self._where[key] = item, self._chunk
        return item

    def knows(self, key: tuple[str, ...]) -> bool:
        """Whether there is such an item."""
        return key in self._known

    def recall(self, key: tuple[str, ...]) -> Item:
        """An item that is about to be changed; an empty one where the journal does not have it."""
        if key in self._where:
            self.touched.add(self._where[key])
        return self._known.get(key, {})

    # ---- pictures

    def number(self, image: ImageRef) -> int:
        """Its place in `images`."""
        if image.sha256 not in self._numbers:
            self._numbers[image.sha256] = len(self.images)
            self.images.append(image)
        return self._numbers[image.sha256]

    def view(self, image: ImageRef, label: str, moving: tuple[int, int, int, int] | None = None) -> None:
        """A picture to look at, here and now. `moving` is the part of it that had not come to rest."""
        self.here.views.append({"image": self.number(image), "label": label, "moving": moving})

    def show(self, image: ImageRef) -> None:
        """The model sees a picture; it stands here once, though it was taken right before."""
        self.shown = self.number(image)
        last = self.here.views[-1] if self.here.views else {}
        if (last.get("image"), last.get("label")) != (self.shown, "result"):
            self.view(image, "result")
