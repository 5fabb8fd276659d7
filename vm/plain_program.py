"""Carries out one action inside a machine that has nothing of ours: its text is sent there and run by its Python.

The order is JSON in base64: `action`, `kit` (a zip of our hands, brought there before), `stop` (a file that ends it),
`keys` (as pyautogui spells them). One line of JSON on standard output tells what became of it. Where our hands cannot
be opened, pyautogui does what it does exactly. It must run under Python 3.8.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import string
import subprocess
import sys
import threading
import time
import typing
import zipfile
from functools import partial
from typing import Any, Callable, Optional  # noqa: UP035 (Python 3.8)

BUTTONS = {"left": "left", "right": "right", "wheel": "middle"}
NOTCH = 120  # pixels of scrolling
ASCII = frozenset(string.ascii_letters + string.digits + string.punctuation + " \n\t") - {"<", ">"}
FAULTS = {
    "InvalidAction": "invalid",
    "NotSupported": "unsupported",
    "DisplayLost": "lost",
    "Interrupted": "interrupted",
    "Stopped": "interrupted",
}

Held = typing.List[Callable[[], object]]  # noqa: UP006 (Python 3.8)
Pause = Callable[[float], None]


class Refused(Exception):
    """What pyautogui cannot do exactly."""


class Stopped(Exception):
    """Told to end."""


def main(text: str) -> dict[str, Any]:
    order: dict[str, Any] = json.loads(base64.b64decode(text))
    try:
        hands, parse = open_ours(order["kit"])
    except Exception as error:  # an older Python, no python-xlib, no X11: whatever it is, there is another way
        return by_pyautogui(order, f"our hands cannot be opened there: {error}")
    try:
        if os.access(order["stop"], os.F_OK):
            raise Stopped("cut short: the hands were told to let go")
        watch(order["stop"], hands.release)
        hands.perform(parse(order["action"]))
    except Exception as error:
        return refusal(error)
    finally:
        hands.close()
    return {"done": True}


def open_ours(kit: str) -> tuple[Any, Any]:
    if not hasattr(typing, "assert_never"):  # Python 3.10
        setattr(typing, "assert_never", None)  # noqa: B010
    sys.path.insert(0, unpacked(kit))
    hands = importlib.import_module("actuators.hands")
    parse = importlib.import_module("actuators.actions").parse_action
    slowness = importlib.import_module("actuators.slowness")
    if slowness.is_emulated():
        slowness.be_patient()
    return hands.open_hands(None, backend="x11"), parse


def unpacked(kit: str) -> str:
    """Where the kit is as files: Python keeps what it has compiled beside those, which halves the time of a start."""
    folder = kit + ".d"
    if not os.access(folder, os.F_OK):
        fresh = f"{folder}-{os.getpid()}"
        zipfile.ZipFile(kit).extractall(fresh)
        os.rename(fresh, folder)  # noqa: PTH104 (as quick as can be)
    return folder


def watch(stop: str, act: Callable[[], object]) -> None:
    """Call `act` once the file `stop` is there, and again: what was not yet under way is to end as well."""

    def look() -> None:
        while True:
            if os.access(stop, os.F_OK):
                act()
            time.sleep(0.02)

    threading.Thread(target=look, daemon=True).start()


def refusal(error: Exception) -> dict[str, Any]:
    kind = FAULTS.get(type(error).__name__, "refused")
    return {"done": False, "error": {"type": kind, "message": str(error) or type(error).__name__}}


# ---- with pyautogui


def by_pyautogui(order: dict[str, Any], why: str) -> dict[str, Any]:
    try:
        gui: Any = importlib.import_module("pyautogui")
    except Exception as error:
        lacking = f"{why}, and there is no pyautogui ({error or type(error).__name__})"
        return {"done": False, "error": {"type": "unsupported", "message": lacking}}
    gui.FAILSAFE, gui.PAUSE = False, 0
    held: list[Callable[[], object]] = []
    stopped = threading.Event()
    watch(order["stop"], stopped.set)

    def pause(seconds: float) -> None:
        if stopped.wait(seconds):
            raise Stopped("cut short: the hands were told to let go")

    try:
        pause(0)
        for key in order["keys"]:
            held.append(partial(gui.keyUp, key))
            gui.keyDown(key)
        act(gui, order["action"], held, pause)
    except Exception as error:
        return refusal(error)
    finally:
        for undo in reversed(held):
            undo()
    return {"done": True}


def act(gui: Any, action: dict[str, Any], held: Held, pause: Pause) -> None:
    kind = action["type"]
    if kind == "type":
        type_text(gui, action["text"], pause)
    elif kind == "drag":
        drag(gui, [(point["x"], point["y"]) for point in action["path"]], held, pause)
    elif kind == "scroll":
        gui.moveTo(action["x"], action["y"])
        scroll(gui, action, pause)
    elif kind == "keypress":
        pause(0.012)
    else:
        gui.moveTo(action["x"], action["y"])
        for number in range({"click": 1, "double_click": 2, "triple_click": 3}.get(kind, 0)):
            pause(0.045 if number else 0)
            press(gui, action.get("button", "left"), held, lambda: pause(0.012))


def press(gui: Any, button: str, held: Held, meanwhile: Callable[[], object]) -> None:
    if button not in BUTTONS:
        raise Refused(f"pyautogui has no button {button!r}")

    def up() -> None:
        gui.mouseUp(button=BUTTONS[button])

    held.append(up)
    gui.mouseDown(button=BUTTONS[button])
    meanwhile()
    held.remove(up)
    up()


def drag(gui: Any, path: list[tuple[int, int]], held: Held, pause: Pause) -> None:
    gui.moveTo(*path[0])

    def along() -> None:
        pause(0.05)
        for (x0, y0), (x1, y1) in zip(path, path[1:]):  # noqa: B905, RUF007 (Python 3.8)
            steps = max(1, min(40, int(max(abs(x1 - x0), abs(y1 - y0)) / 12)))
            for step in range(1, steps + 1):
                gui.moveTo(x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps))
                pause(0.008)
        pause(0.05)

    press(gui, "left", held, along)


def scroll(gui: Any, action: dict[str, Any], pause: Pause) -> None:
    for pixels, turn, sign in (
        (action.get("scroll_x", 0), gui.hscroll, 1),
        (action.get("scroll_y", 0), gui.vscroll, -1),
    ):
        notches = max(1, abs(pixels) // NOTCH) if pixels else 0
        for _ in range(notches):
            turn(sign if pixels > 0 else -sign)
            pause(0.002)


def type_text(gui: Any, text: str, pause: Pause) -> None:
    """Keys as far as pyautogui has them right, and the clipboard for the rest."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or (text[end] in ASCII) != (text[start] in ASCII):
            piece, start = text[start:end], end
            if piece[0] in ASCII:
                for character in piece:
                    pause(0.004)
                    gui.write(character)
            else:
                paste(gui, piece, pause)


def paste(gui: Any, text: str, pause: Pause) -> None:
    try:
        before = clipboard(["-o"])
    except OSError:
        raise Refused(f"could not type {text!r}: there is no xclip, and pyautogui cannot") from None
    clipboard([], text.encode())
    try:
        if clipboard(["-o"]) != text.encode():
            raise Refused(f"could not type {text!r}: the clipboard did not take it")
        gui.hotkey("ctrl", "v")
        pause(0.5)  # until the program has fetched it, which nobody tells
    finally:
        clipboard([], before or b"")


def clipboard(options: list[str], text: Optional[bytes] = None) -> bytes:  # noqa: UP045 (Python 3.8)
    words = ["xclip", "-selection", "clipboard", *options]
    if text is None:
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5).stdout
    # Its child keeps the clipboard, and would keep a pipe open as well.
    subprocess.run(words, input=text, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=5)
    return b""


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[-1])))  # noqa: T201
