"""A playbook played on drawn screens, with no computer and no loop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
from PIL import Image, ImageDraw, ImageFont

from agent.conversation import Answer, FromDeskhand, FromModel, FromUser, Item, Request, ScreenReply, Thought
from agent.models.playbook import PlaybookModel
from agent.values import FunctionCall, ImageRef, ScreenCall
from agent.wording import workspace_note

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
BOOK = """
title = "a test"
done = "Saved {workspace}/{file}."

[parameters]
workspace = ""
file = "x.txt"

[places.upper]
part = [0, 0, 1, 0.5]

[places.below]
anchor = "menu"
box = [-20, 15, 200, 120]

[[steps]]
name = "open the menu"
say = "I open the menu."
find = [{ text = "Insert", in = ["upper", "screen"] }]
as = "menu"
do = [{ type = "click" }]
expect = [{ text = "Picture", in = ["below"] }]
patience = 6
retry = 1

[[steps]]
name = "choose"
find = [{ text = "Picture", in = ["below"] }]
do = [{ type = "click", at = [2, 3] }, { type = "keypress", keys = ["ctrl", "a"] }, { type = "type", text = "{file}" }]
expect = [{ text = "Finished", in = ["screen"] }]
patience = 4

[[interruptions]]
name = "a tip"
find = [{ text = "Tip of the Day" }]
do = [{ type = "keypress", keys = ["Escape"] }]
"""


class Screen:
    """A drawn screen: words and where they begin."""

    def __init__(self, *words: tuple[str, int, int], width: int = 600, height: int = 400) -> None:
        self.words, self.size = words, (width, height)

    def encoded(self) -> bytes:
        """As PNG."""
        import io

        image = Image.new("RGB", self.size, "#f6f5f4")
        draw, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, 14)
        for word, left, top in self.words:
            draw.text((left, top), word, fill="black", font=font)
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()


EMPTY = Screen()
BAR = Screen(("Insert", 60, 20))
MENU = Screen(("Insert", 60, 20), ("Picture", 70, 60))
FINISHED = Screen(("Finished", 200, 300))
TIP = Screen(("Insert", 60, 20), ("Tip of the Day", 200, 200))


class Game:
    """A conversation with the model; every answer comes from a model that has just been made."""

    def __init__(self, path: Path, *, instructions: str | None = None) -> None:
        self._path = path
        self._images: dict[str, bytes] = {}
        self._instructions = workspace_note("/home/me/files") if instructions is None else instructions
        self.items: list[Item] = []
        self.thoughts: list[Thought] = []

    def image(self, screen: Screen) -> ImageRef:
        """Keep a screen as the journal would."""
        name = f"{len(self._images):064}"
        self._images[name] = screen.encoded()
        return ImageRef(name, "image/png", *screen.size)

    def keep(self, reference: ImageRef, encoded: bytes) -> None:
        """Other bytes for a picture."""
        self._images[reference.sha256] = encoded

    def start(self, screen: Screen) -> Answer:
        """Give the task."""
        self.items.append(FromUser("do it", self.image(screen)))
        return self.respond()

    def show(self, screen: Screen) -> Answer:
        """The screen after the last call."""
        call = json.loads(json.dumps(self.last.calls[0].id))
        self.items.append(ScreenReply(call, self.image(screen)))
        return self.respond()

    def note(self, text: str, screen: Screen | None = None) -> None:
        """A word of Deskhand's."""
        self.items.append(FromDeskhand(text, self.image(screen) if screen else None))

    def respond(self) -> Answer:
        """Ask a new model, with what a journal would have kept of the old one."""
        self.last = self.ask()
        output = tuple(json.loads(json.dumps(item)) for item in self.last.output)
        self.items.append(FromModel(output))
        return self.last

    def ask(self) -> Answer:
        """The answer to the conversation so far, without going on with it."""
        model = PlaybookModel(f"playbook:{self._path}")
        request = Request("s", self._instructions, tuple(self.items), lambda ref: self._images[ref.sha256])

        async def collect() -> list[Any]:
            return [piece async for piece in model.respond(request)]

        *thoughts, answer = anyio.run(collect)
        self.thoughts += thoughts
        assert isinstance(answer, Answer)
        return answer


def actions(answer: Answer) -> list[dict[str, Any]]:
    return [action for call in answer.calls if isinstance(call, ScreenCall) for action in call.actions]


def kinds(answer: Answer) -> list[str]:
    return [str(action["type"]) for action in actions(answer)]


def reason(answer: Answer) -> str:
    (call,) = answer.calls
    assert isinstance(call, FunctionCall)
    assert call.name == "give_up"
    return str(json.loads(call.arguments)["reason"])


def play_until_it_ends(game: Game, screen: Screen, most: int = 40) -> tuple[Answer, list[str]]:
    """Show the same screen again and again; the last answer, and every kind of action that was asked for."""
    seen: list[str] = []
    answer = game.last
    while isinstance(answer.calls[0], ScreenCall):
        seen += kinds(answer)
        most -= 1
        assert most, "it goes on for ever"
        answer = game.show(screen)
    return answer, seen
