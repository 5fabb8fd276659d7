"""Text on X11, exactly: pasted through our own selection where possible, as keys where that is better.

Why pasting: programs alter what is typed key by key (AutoCorrect, AutoComplete), and layouts lack most of Unicode. Why
only CLIPBOARD and Ctrl+V: taking PRIMARY away makes GTK and Tk drop the selected text that is about to be replaced, and
Shift+Insert pastes PRIMARY in some toolkits. Terminals are the exception: they get keys, and what the layout lacks by
Shift+Insert from either selection.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Literal, TypeAlias

from actuators.backends import Pause
from actuators.backends.x11_display import Focus, XDisplay
from actuators.backends.x11_keyboard import Keyboard
from actuators.errors import CannotType
from actuators.selection import Offer, Selection

Way: TypeAlias = Literal["paste", "terminal", "keys"]

# Words in the WM_CLASS of programs that want keys: Ctrl+V means something else there.
TERMINALS = re.compile(
    r"terminal|konsole|xterm|rxvt|kitty|alacritty|foot|wezterm|ghostty|tilix|terminator|guake|yakuake|tilda|"
    r"st-256color|^st$|console|terminology|^hyper$|sakura|roxterm|cool-retro-term|contour|emacs|gvim|neovide"
)
# The text would have to cross into another system, whose clipboard follows in its own time.
ELSEWHERE = re.compile(r"virt-viewer|remote-viewer|remmina|vncviewer|tigervnc|xfreerdp|virtualbox|qemu|vmware|\.exe$")

PULSE = 0.02  # seconds between looks at whether we are to stop
FETCH_AFTER_PONG = 0.6  # a program that answers pings and has not fetched after this does not paste here
FETCH_UNPINGED = 1.2  # the same for programs that do not answer pings
FROZEN = 8.0  # no sign of life for so long: not answering
DIGEST = 12.0  # longest wait for a program to work off what it got
COLLECT_UNPINGED = 0.2  # longest wait for a program without pings to take the text out of the property


class Writer:
    """Enters text on one display."""

    def __init__(self, display: XDisplay, keyboard: Keyboard) -> None:
        self._display = display
        self._keyboard = keyboard
        self._selection: Selection | None = None
        self._refused = 0  # the window that did not take a paste in the text at hand

    def type_text(self, text: str, pause: Pause) -> None:
        """Enter `text`, whose only control characters are newline (Enter) and tab (Tab).

        Raises:
            CannotType: with the characters that did not arrive.
        """
        self._refused = 0
        try:
            for run in runs(text, paragraphs=keeps_paragraphs(self._display.focus())):
                pause(0)
                if run == "\n":
                    self._keyboard.chord("enter")
                elif run == "\t":
                    self._keyboard.chord("tab")
                else:
                    self._enter(run, pause)
        finally:
            if self._selection is not None:
                self._selection.give_back()

    def close(self) -> None:
        """Give the clipboard back."""
        if self._selection is not None:
            self._selection.close()

    def _enter(self, run: str, pause: Pause) -> None:
        focus = self._display.focus()
        match way_into(focus):
            case "paste":
                if len(run) == 1 and self._keyboard.has_key(run):
                    self._keyboard.type_keys(run, pause)
                elif focus.window == self._refused or not self._paste(run, focus, pause):
                    self._refused = focus.window
                    self._keys(run, focus, pause)
            case "terminal":
                for piece, has_keys in self._by_keys(run):
                    if has_keys:
                        self._keyboard.type_keys(piece, pause)
                    elif not self._paste(piece, focus, pause, terminal=True):
                        self._keys(piece, focus, pause)
            case "keys":
                self._keys(run, focus, pause)

    def _by_keys(self, run: str) -> Iterator[tuple[str, bool]]:
        """The run in pieces, each wholly on the keyboard layout or wholly not."""
        lacking = self._keyboard.lacking(run)
        start = 0
        for end in range(1, len(run) + 1):
            if end == len(run) or (run[end] in lacking) != (run[start] in lacking):
                yield run[start:end], run[start] not in lacking
                start = end

    def _keys(self, run: str, focus: Focus, pause: Pause) -> None:
        if self._selection is not None:
            self._selection.give_back()  # a paste that comes late after all must not bring the text again
        for piece in runs(run):
            if piece == "\n":
                self._keyboard.chord("enter")
            else:
                self._keyboard.type_anything(piece, pause, lambda: self._await_digested(focus, pause))

    def _paste(self, run: str, focus: Focus, pause: Pause, *, terminal: bool = False) -> bool:
        """Paste, and return once the program has it; False when it does not fetch."""
        selection = self._open_selection()
        by_insert = terminal or not self._keyboard.has_key("v")
        offer = selection.offer(run, ("CLIPBOARD", "PRIMARY") if by_insert else ("CLIPBOARD",))
        self._await_settled(offer, focus, pause)
        self._keyboard.chord(*(("shift", "insert") if by_insert else ("ctrl", "v")))
        if not self._await_fetch(offer, focus, run, pause):
            return False
        self._await_collected(offer, focus, pause)
        self._await_settled(offer, focus, pause)
        return True

    def _await_fetch(self, offer: Offer, focus: Focus, run: str, pause: Pause) -> bool:
        selection, started = self._open_selection(), time.monotonic()
        ping = selection.ping(focus.toplevel) if focus.toplevel else None
        answered: float | None = None
        while not offer.fetched_by(focus.client):
            now = time.monotonic()
            if answered is None and ping is not None and offer.answered(ping):
                answered = now
            if answered is not None and now - answered > FETCH_AFTER_PONG:
                return False
            if ping is None and now - started > FETCH_UNPINGED:
                return False
            if now - started > FROZEN:
                raise CannotType(run, "the program with the focus does not answer, and may still take the text")
            pause(0)
            offer.wait(PULSE)
        return True

    def _await_settled(self, offer: Offer, focus: Focus, pause: Pause) -> None:
        """Until the program has nothing more to ask about the selection and is back in its main loop.

        Before pasting: LibreOffice, on losing the clipboard, asks for the new owner's formats in a nested loop, and a
        Ctrl+V that gets into that loop still pastes what LibreOffice itself had copied. After pasting: a program may
        fetch more than once, and must not see Enter before. A question always arrives here before the answer to a later
        ping, hence: no question between two pings, no question open.
        """
        if not focus.toplevel:
            return
        deadline = time.monotonic() + DIGEST
        asked = -1
        while asked != offer.requests() and time.monotonic() < deadline:
            asked = offer.requests()
            self._await_pong(offer, focus, deadline, pause)

    def _await_collected(self, offer: Offer, focus: Focus, pause: Pause) -> None:
        """Until the text is out of the property that it was handed over in."""
        deadline = time.monotonic() + (DIGEST if focus.toplevel else COLLECT_UNPINGED)
        while not offer.collected() and time.monotonic() < deadline:
            pause(0)
            offer.wait(PULSE)

    def _await_digested(self, focus: Focus, pause: Pause) -> None:
        """Until the program has worked off its keys; without pings the keyboard's own pause has to do."""
        if focus.toplevel:
            self._await_pong(self._open_selection().silent(), focus, time.monotonic() + DIGEST, pause)

    def _await_pong(self, offer: Offer, focus: Focus, deadline: float, pause: Pause) -> None:
        ping = self._open_selection().ping(focus.toplevel)
        while not offer.answered(ping) and time.monotonic() < deadline:
            pause(0)
            offer.wait(PULSE)

    def _open_selection(self) -> Selection:
        if self._selection is None:
            self._selection = Selection(self._display.name)
        return self._selection


def runs(text: str, *, paragraphs: bool = False) -> Iterator[str]:
    """The text in pieces: each newline and tab by itself, and what is between them.

    With `paragraphs`, newlines that have text on both sides stay inside it.
    """
    inner = r"(?:\n+[^\n\t]+)*" if paragraphs else ""
    return (match[0] for match in re.finditer(rf"[\n\t]|[^\n\t]+{inner}", text))


def keeps_paragraphs(focus: Focus) -> bool:
    """Whether a pasted newline is a new paragraph here, as Enter is, but without Enter's AutoCorrect.

    Not in dialogs, where Enter means "do it", and not in spreadsheets, where it asks how to import.
    """
    return not focus.is_dialog and "libreoffice-writer" in focus.wm_class


def way_into(focus: Focus) -> Way:
    """How text gets into the program that has the focus."""
    if any(ELSEWHERE.search(name) for name in focus.wm_class) or not focus.window:
        return "keys"
    if any(TERMINALS.search(name) for name in focus.wm_class):
        return "terminal"
    return "paste"
