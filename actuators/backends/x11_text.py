"""Text on X11, exactly: pasted through our own selection where possible, as keys where that is better.

Why pasting: programs alter what is typed key by key (AutoCorrect, AutoComplete), and layouts lack most of Unicode. Why
only CLIPBOARD and Ctrl+V: taking PRIMARY away makes GTK and Tk drop the selected text that is about to be replaced, and
Shift+Insert pastes PRIMARY in some toolkits. Terminals are the exception: they get keys, and what the layout lacks by
Shift+Insert from either selection. So are old toolkits, known by not answering pings (Tk, Motif): they get keys as far
as the layout goes, since pasting there does not replace selected text and does not tell when it is over.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from typing import Literal, TypeAlias

from actuators.backends import Pause
from actuators.backends.x11_display import Focus, XDisplay, is_chromium
from actuators.backends.x11_keyboard import Keyboard
from actuators.errors import CannotType
from actuators.selection import Offer, Selection

Way: TypeAlias = Literal["paste", "mixed", "keys"]

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
QUIET = 0.07  # no question from Chromium for so long: it has the text; without, 6 of 20 pastes came out empty
FROZEN = 8.0  # no sign of life for so long: not answering
DIGEST = 12.0  # longest wait for a program to work off what it got
MAX_TURNS = 8  # between keys and pasting in one run for a terminal; each costs 6 ms
MAX_TURNS_ELSEWHERE = 3  # where we do not know when a paste is over: each costs 0.2 s
MAX_KEYS = 1000  # characters in one run; pasting is quicker for more
COLLECT_UNPINGED = 0.2  # longest wait for a program without pings to take the text out of the property


class Writer:
    """Enters text on one display."""

    def __init__(self, display: XDisplay, keyboard: Keyboard) -> None:
        self._display = display
        self._keyboard = keyboard
        self._selection: Selection | None = None
        self._refused = 0  # the window that did not take a paste in the text at hand
        self._mute: set[int] = set()  # windows that left a ping unanswered in the text at hand

    def type_text(self, text: str, pause: Pause) -> None:
        """Enter `text`, whose only control characters are newline (Enter) and tab (Tab).

        Raises:
            CannotType: with the characters that did not arrive.
        """
        self._refused = 0
        self._mute.clear()
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
                if len(run) == 1 and self._keyboard.has_key(run) and not corrects(focus):
                    self._keyboard.type_keys(run, pause)
                else:
                    self._paste_or_keys(run, focus, pause)
            case "mixed":
                for piece, has_keys in self._in_turns(run, MAX_TURNS if is_terminal(focus) else MAX_TURNS_ELSEWHERE):
                    if has_keys:
                        self._keyboard.type_keys(piece, pause)
                    else:
                        self._paste_or_keys(piece, focus, pause)
            case "keys":
                self._keys(run, focus, pause)

    def _paste_or_keys(self, run: str, focus: Focus, pause: Pause) -> None:
        if focus.window == self._refused or not self._paste(run, focus, pause):
            self._refused = focus.window
            self._keys(run, focus, pause)

    def _in_turns(self, run: str, most: int) -> list[tuple[str, bool]]:
        """Keys as far as the layout goes, but one paste where the two would take turns too often."""
        pieces = list(itertools.islice(self._by_keys(run), most + 1))
        return pieces if len(pieces) <= most and len(run) <= MAX_KEYS else [(run, False)]

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

    def _paste(self, run: str, focus: Focus, pause: Pause) -> bool:
        """Paste, and return once the program has it; False when it does not fetch."""
        terminal = is_terminal(focus)
        by_insert = terminal or (bool(focus.toplevel) and not self._keyboard.has_key("v"))
        offer = self._open_selection().offer(run, ("CLIPBOARD", "PRIMARY") if terminal else ("CLIPBOARD",))
        self._await_settled(offer, focus, pause)
        pause(0)  # the last moment to turn back
        before = offer.fetched_by(focus.client)  # some have a look at whatever is offered
        self._keyboard.chord(*(("shift", "insert") if by_insert else ("ctrl", "v")))
        if not self._await_fetch(offer, before, focus, run, pause):
            return False
        if is_chromium(focus):
            self._await_quiet(offer, pause)
        self._await_collected(offer, focus, pause)
        self._await_settled(offer, focus, pause)
        return True

    def _await_fetch(self, offer: Offer, before: int, focus: Focus, run: str, pause: Pause) -> bool:
        selection, started = self._open_selection(), time.monotonic()
        ping = selection.ping(focus.toplevel) if focus.toplevel else None
        answered: float | None = None
        while offer.fetched_by(focus.client) == before:
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

    def _await_quiet(self, offer: Offer, pause: Pause) -> None:
        """Until nothing has been asked for a while: Chromium's windows answer for processes that are still at work."""
        quiet_since, asked = time.monotonic(), offer.requests()
        while time.monotonic() - quiet_since < QUIET:
            pause(0)
            offer.wait(PULSE)
            if offer.requests() != asked:
                quiet_since, asked = time.monotonic(), offer.requests()

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
        if focus.toplevel in self._mute:
            return
        ping = self._open_selection().ping(focus.toplevel)
        while not offer.answered(ping):
            if time.monotonic() > deadline:
                self._mute.add(focus.toplevel)  # waiting so long for it once is enough
                return
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


def corrects(focus: Focus) -> bool:
    """Whether even a single letter is corrected here when it is typed: Calc makes "I" of a cell with "i"."""
    return not focus.is_dialog and any("libreoffice" in name for name in focus.wm_class)


def way_into(focus: Focus) -> Way:
    """How text gets into the program that has the focus."""
    if any(ELSEWHERE.search(name) for name in focus.wm_class) or not focus.window:
        return "keys"
    return "mixed" if is_terminal(focus) or not focus.toplevel else "paste"


def is_terminal(focus: Focus) -> bool:
    """Whether Ctrl+V means something else than pasting here."""
    return any(TERMINALS.search(name) for name in focus.wm_class)
