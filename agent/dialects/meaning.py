"""What commands mean: actions in pixels of the screenshot, calls of tools, or the end.

`VERBS` is the closed list of what an action of any dialect can mean; the dialects' files map their names to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from actuators.actions import Button, parse_action, to_dict
from actuators.errors import InvalidAction
from agent.dialects import arguments as given
from agent.dialects.errors import Unreadable
from agent.dialects.hand import Hand, Pixel
from agent.dialects.points import Frame
from agent.dialects.syntax import Command
from agent.dialects.written import unescaped
from agent.values import Word

NOTCH = 120  # pixels, as in actuators.actions.Scroll
MOST_PRESSES = 100  # of one key in one command
BUTTONS: Mapping[str, Button] = {"left": "left", "right": "right", "middle": "wheel", "wheel": "wheel"}


@dataclass(frozen=True, slots=True)
class Ways:
    """What of a dialect the meaning of a command depends on; see `agent.dialects.dialect.Dialect`."""

    notches: int = 50
    step: int = 5
    unescape: bool = False


@dataclass
class Meaning:
    """What the commands so far have come to.

    Attributes:
        actions: since the last call of a tool.
        words: said at the end.
        end: "" while there is none, "done" or "fail".
        asks: a question to the user.
    """

    frame: Frame
    ways: Ways
    hand: Hand
    actions: list[Word] = field(default_factory=list[Word])
    words: list[str] = field(default_factory=list[str])
    end: str = ""
    asks: str = ""

    def take(self, verb: str, command: Command) -> None:
        """Take in one command.

        Raises:
            Unreadable: it says too little, or what cannot be done.
        """
        if self.hand.path and verb not in ("move", "mouse_up", "wait", "look"):
            raise Unreadable(
                f"{command.name} comes while the mouse button is held down; only moves and the release can follow"
            )
        VERBS[verb](self, command)

    # ---- the pointer

    def click(self, command: Command, button: str = "left", count: int = 1) -> None:
        """As often, and with the button, that it says."""
        button = str(command.arguments.get("button") or button).lower().removesuffix("_click")
        if button not in BUTTONS:
            raise Unreadable(f"there is no mouse button {button!r}; there are left, right and middle")
        count = given.whole(command, ("clicks", "num_clicks", "count"), count)
        if count not in (1, 2, 3):
            raise Unreadable(f"{command.name} says {count} clicks; one, two or three can be made")
        at = self._place(command)
        kind = "click" if button != "left" else ("click", "double_click", "triple_click")[count - 1]
        repeated = count if button != "left" else 1
        for _ in range(repeated):
            self._pointer_act(kind, at, command, {"button": BUTTONS[button]} if kind == "click" else {})

    def move(self, command: Command) -> None:
        """To a place; with the button down it lengthens the drag."""
        at = self._place(command, pointer=False)
        if self.hand.path:
            self.hand = replace(self.hand, at=at, path=(*self.hand.path, at))
        else:
            self._pointer_act("move", at, command, {})

    def drag(self, command: Command) -> None:
        """From one place to another, or from where the pointer is."""
        ends = given.place(command, given.TO)
        start = given.place(command, given.FROM if ends is None else given.FROM + given.AT)
        if ends is None:
            ends = given.place(command, given.AT)
        if ends is None:
            raise Unreadable(f"{command.name} does not say where to")
        button = str(command.arguments.get("button") or "left").lower()
        if button != "left":
            raise Unreadable(f"{command.name} with the {button} button: only the left one can drag here")
        begin = self.frame.pixel(*start) if start else self._pointer(command)
        self._drag((begin, self.frame.pixel(*ends)))

    def mouse_down(self, command: Command) -> None:
        """The first half of a drag."""
        button = str(command.arguments.get("button") or "left").lower()
        if button != "left":
            raise Unreadable(f"the {button} button cannot be held down here; click with it instead")
        at = self._place(command)
        self.hand = replace(self.hand, at=at, path=(at,))

    def mouse_up(self, command: Command) -> None:
        """The second half."""
        if not self.hand.path:
            raise Unreadable(f"{command.name} comes without a button that is held down")
        at = given.place(command, given.AT)
        path = (*self.hand.path, self.frame.pixel(*at)) if at else self.hand.path
        self.hand = replace(self.hand, path=())
        if len(set(path)) == 1:
            self._pointer_act("click", path[0], command, {"button": "left"})
        else:
            self._drag(tuple(step for index, step in enumerate(path) if index == 0 or step != path[index - 1]))

    def scroll(self, command: Command, sideways: bool = False) -> None:
        """By notches or pixels, where it says, or where the pointer is, or in the middle."""
        at = given.place(command, given.AT)
        width, height = self.frame.screen
        spot = self.frame.pixel(*at) if at else self.hand.at or ((width - 1) // 2, (height - 1) // 2)
        across, down = given.scrolled(command, sideways=sideways, notches=self.ways.notches, step=self.ways.step)
        self._pointer_act("scroll", spot, command, {"scroll_x": across, "scroll_y": down})

    # ---- the keyboard

    def keypress(self, command: Command) -> None:
        """One chord."""
        chord = given.chord(command)
        self._act({"type": "keypress", "keys": [*self.hand.held, *chord]})
        self.hand = self.hand.used()

    def press(self, command: Command) -> None:
        """One key after the other, as often as it says."""
        times = given.whole(command, ("presses", "times"), 1)
        keys = given.sequence(command)
        if not 1 <= times * len(keys) <= MOST_PRESSES:
            raise Unreadable(f"{command.name} presses {times * len(keys)} keys; 1 to {MOST_PRESSES} are possible")
        for chord in keys * times:
            self._act({"type": "keypress", "keys": [*self.hand.held, *chord]})
        self.hand = self.hand.used()

    def key_down(self, command: Command) -> None:
        """A key that is to be held with what follows."""
        fresh = [key for key in given.chord(command) if key not in self.hand.held]
        self.hand = replace(self.hand, keys=(*self.hand.keys, *((key, False) for key in fresh)))

    def key_up(self, command: Command) -> None:
        """It comes up; where nothing was done with it, it is pressed now."""
        chord = given.chord(command)
        if missing := [key for key in chord if key not in self.hand.held]:
            raise Unreadable(f"{command.name}: the key {missing[0]} is not held down")
        if not any(used for key, used in self.hand.keys if key in chord):
            self._act({"type": "keypress", "keys": list(self.hand.held)})
            self.hand = self.hand.used()
        self.hand = replace(self.hand, keys=tuple(pair for pair in self.hand.keys if pair[0] not in chord))

    def type(self, command: Command, *, enter: bool = False) -> None:
        """Text; first a click where it says a place, and Enter after it where it says so."""
        text = given.text(command)
        if text is None:
            raise Unreadable(f"{command.name} has no text")
        if self.hand.held:
            raise Unreadable(f"text cannot be typed while {' and '.join(self.hand.held)} is held down")
        if given.place(command, given.AT):
            self.click(replace(command, arguments=_without_text(command.arguments)))
        if given.is_so(command, ("clear", "overwrite", "clear_first", "replace")):
            self._act({"type": "keypress", "keys": ["ctrl", "a"]})
        text = unescaped(text) if self.ways.unescape else text
        enter = enter or given.is_so(command, ("enter", "press_enter", "submit"))
        text += "\n" if enter and not text.endswith("\n") else ""
        if text:
            self._act({"type": "type", "text": text})

    # ---- neither

    def wait(self, _: Command) -> None:
        """Until something changes."""
        self._act({"type": "wait"})

    def look(self, _: Command) -> None:
        """Nothing but a screenshot."""
        self._act({"type": "screenshot"})

    def done(self, command: Command) -> None:
        """The task is finished."""
        self.end = self.end or "done"
        if words := given.text(command):
            self.words.append(words.strip())

    def fail(self, command: Command) -> None:
        """The task cannot be done."""
        self.end = "fail"
        if words := given.text(command):
            self.words.append(words.strip())

    def ended(self, command: Command) -> None:
        """One or the other, as it says."""
        status = str(command.arguments.get("status") or "success").lower()
        if status.startswith("succ") or status in ("done", "complete", "completed"):
            self.done(command)
        elif status.startswith("fail") or status in ("infeasible", "impossible"):
            self.fail(command)
        else:
            raise Unreadable(f"{command.name} has the status {status!r}; it must be success or failure")

    def ask(self, command: Command) -> None:
        """A question to the user."""
        self.asks = (given.text(command) or "").strip() or "What should I do here?"

    # ---- in common

    def _place(self, command: Command, *, pointer: bool = True) -> Pixel:
        at = given.place(command, given.BARE)
        if at is not None:
            return self.frame.pixel(*at)
        if not pointer:
            raise Unreadable(f"{command.name} does not say where")
        return self._pointer(command)

    def _pointer(self, command: Command) -> Pixel:
        at, (width, height) = self.hand.at, self.frame.screen
        if at is None or not (at[0] < width and at[1] < height):
            raise Unreadable(f"{command.name} does not say where, and the pointer has not been put anywhere yet")
        return at

    def _pointer_act(self, kind: str, at: Pixel, command: Command, more: Word) -> None:
        keys = [*self.hand.held, *(key for key in given.modifiers(command) if key not in self.hand.held)]
        self._act({"type": kind, "x": at[0], "y": at[1], **more, **({"keys": keys} if keys else {})})
        self.hand = replace(self.hand.used(), at=at)

    def _drag(self, path: tuple[Pixel, ...]) -> None:
        if len(set(path)) == 1:
            raise Unreadable("a drag must end somewhere else than it begins")
        keys = {"keys": list(self.hand.held)} if self.hand.held else {}
        self._act({"type": "drag", "path": [{"x": x, "y": y} for x, y in path], **keys})
        self.hand = replace(self.hand.used(), at=path[-1])

    def _act(self, raw: Word) -> None:
        try:
            self.actions.append(to_dict(parse_action(raw)))
        except InvalidAction as error:
            raise Unreadable(str(error)) from None


def _without_text(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if key not in given.TEXT}


def _clicks(button: str, count: int) -> Callable[[Meaning, Command], None]:
    return lambda meaning, command: meaning.click(command, button, count)


VERBS: Mapping[str, Callable[[Meaning, Command], None]] = {
    "click": _clicks("left", 1),
    "right_click": _clicks("right", 1),
    "middle_click": _clicks("middle", 1),
    "double_click": _clicks("left", 2),
    "triple_click": _clicks("left", 3),
    "move": Meaning.move,
    "drag": Meaning.drag,
    "mouse_down": Meaning.mouse_down,
    "mouse_up": Meaning.mouse_up,
    "scroll": Meaning.scroll,
    "hscroll": lambda meaning, command: meaning.scroll(command, sideways=True),
    "keypress": Meaning.keypress,
    "press": Meaning.press,
    "key_down": Meaning.key_down,
    "key_up": Meaning.key_up,
    "type": Meaning.type,
    "type_enter": lambda meaning, command: meaning.type(command, enter=True),
    "wait": Meaning.wait,
    "look": Meaning.look,
    "done": Meaning.done,
    "fail": Meaning.fail,
    "ended": Meaning.ended,
    "ask": Meaning.ask,
}
