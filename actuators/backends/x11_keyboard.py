"""Keys through XTEST: by name, or as text in whatever layout is in force."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby

from actuators.backends import Pause
from actuators.backends.x11_display import XDisplay, is_chromium
from actuators.backends.x11_keymap import ALT_GR, SHIFT, Keymap, Stroke, keysym_named, rows_for
from actuators.errors import CannotType, NotSupported

LOCK_BIT = 0x02  # CapsLock in the pointer state
GROUP_SHIFT = 13  # the layout group lives in bits 13 and 14
SYNC_EVERY = 32  # characters
PLACES = {  # keycodes by their signs on a US keyboard
    character: Stroke(first + number)
    for first, row in ((10, "1234567890-="), (24, "qwertyuiop[]"), (38, "asdfghjkl;'`"), (51, "\\zxcvbnm,./"))
    for number, character in enumerate(row)
}
DIGEST_SECONDS = 0.005  # a program needs up to 4 ms for a key; then the borrowed keycodes may change again


class Keyboard:
    """Presses keys on one display.

    Keycodes that mean nothing are borrowed for what the layout lacks: those for text until the text is in, one for each
    key of a chord (Ctrl+C on a Russian layout) until `close`, since every change of the map costs all programs a look.
    """

    def __init__(self, display: XDisplay) -> None:
        self._display = display
        self._map: Keymap | None = None
        self._down: dict[str, list[int]] = {}
        self._borrowed: dict[int, str] = {}  # for text: keycode to character
        self._kept: dict[int, str] = {}  # for chords

    @property
    def keymap(self) -> Keymap:
        """The layout in force, read again when the server has said that it changed."""
        from Xlib import X

        x = self._display.x
        with self._display.asking():
            for _ in range(x.pending_events()):
                if x.next_event().type == X.MappingNotify:
                    self._map = None
            if self._map is None:
                info = x.display.info
                rows = x.get_keyboard_mapping(info.min_keycode, info.max_keycode - info.min_keycode + 1)
                self._map = Keymap(info.min_keycode, tuple(tuple(row) for row in rows))
        return self._map

    @property
    def group(self) -> int:
        """The number of the layout group that is switched on."""
        return self._display.pointer_state() >> GROUP_SHIFT & 3

    def key(self, name: str, down: bool) -> None:
        """Press or release a key by canonical name; a shifted sign brings its Shift along."""
        if down:
            keycodes = self._keycodes(name)
            self._down[name] = keycodes
            for keycode in keycodes:
                self._send(keycode, True)
        else:
            for keycode in reversed(self._down.pop(name, [])):
                self._send(keycode, False)
        self._display.sync()

    def chord(self, *names: str) -> None:
        """Press and release keys together."""
        try:
            for name in names:
                self.key(name, True)
        finally:
            for name in reversed(names):
                self.key(name, False)

    def has_key(self, character: str) -> bool:
        """Whether the layout in force has a key for this character, in any group."""
        return self.keymap.character(character, self.group) is not None

    def lacking(self, text: str) -> set[str]:
        """The characters that the layout in force does not give."""
        keymap, group = self.keymap, self.group
        return {character for character in set(text) if keymap.character(character, group) is None}

    def type_keys(self, text: str, pause: Pause) -> None:
        """Type characters that the layout has; CapsLock does not touch them.

        Raises:
            CannotType: the layout was changed meanwhile, and some characters may have come out as others.
        """
        with self._caps_lock_off():
            for start in range(0, len(text), SYNC_EVERY):
                if start:
                    pause(0)
                self._type_some(text[start : start + SYNC_EVERY])

    def _type_some(self, text: str) -> None:
        strokes = self._strokes(text)
        for stroke in strokes:
            if stroke is not None:
                self._strike(stroke)
        self._display.sync()
        if None in strokes or self._strokes(text) != strokes:
            raise CannotType(text, "the keyboard layout was changed meanwhile; look at what has arrived")

    def _strokes(self, text: str) -> list[Stroke | None]:
        keymap, group = self.keymap, self.group
        return [keymap.character(character, group) for character in text]

    def type_anything(self, text: str, pause: Pause, digested: Callable[[], None]) -> None:
        """Type any characters, borrowing unused keycodes for those that the layout lacks.

        Args:
            digested: returns when the program has worked off its keys; the meaning of keycodes must not change before.

        Raises:
            CannotType: the layout has no unused keycode.
        """
        try:
            for piece, lacking in self._pieces(text):
                if lacking:
                    self._lend(lacking)
                self.type_keys(piece, pause)
                if lacking:
                    pause(DIGEST_SECONDS * len(piece))
                    digested()
        finally:
            self.restore()

    def close(self) -> None:
        """Give all borrowed keycodes back."""
        self.restore()
        self._give_back(self._kept)

    def restore(self) -> None:
        """Give back the keycodes that were borrowed for text."""
        self._give_back(self._borrowed)

    def _give_back(self, borrowed: dict[int, str]) -> None:
        """Neighbours in one go; what a new layout has meanwhile put on these keycodes stays."""
        keymap = self.keymap
        ours = [keycode for keycode, character in borrowed.items() if keymap.gives_only(keycode, character)]
        borrowed.clear()
        for _, group in groupby(enumerate(sorted(ours)), lambda pair: pair[1] - pair[0]):
            keycodes = [keycode for _, keycode in group]
            self._change(keycodes[0], [()] * len(keycodes))

    def _pieces(self, text: str) -> Iterator[tuple[str, list[str]]]:
        """The text in pieces that need no more borrowed keycodes than there are."""
        room, missing = len(self.keymap.spare()), self.lacking(text)
        if missing and not room:
            raise CannotType("".join(sorted(missing)), "the keyboard layout has neither these keys nor a spare one")
        start, lacking = 0, dict[str, None]()
        for end, character in enumerate(text):
            if character in missing and character not in lacking and len(lacking) == room:
                yield text[start:end], list(lacking)
                start, lacking = end, {}
            if character in missing:
                lacking[character] = None
        yield text[start:], list(lacking)

    def _lend(self, characters: Sequence[str]) -> None:
        """One change for all of them: each one costs every program, and the window manager, a new look at the map."""
        self.restore()
        spare = self.keymap.spare()[: len(characters)]
        width = len(self.keymap.rows[0])
        self._borrowed = dict(zip(spare, characters, strict=True))
        self._change(spare.start, rows_for(characters, max(2, width)))

    def _change(self, first: int, rows: Sequence[tuple[int, ...]]) -> None:
        width = max(1, max(map(len, rows)))
        self._display.x.change_keyboard_mapping(first, [row or (0,) * width for row in rows])
        self._display.sync()
        self._map = None

    def _keycodes(self, name: str) -> list[int]:
        stroke = self._character(name) if len(name) == 1 else None
        stroke = stroke or self.keymap.keysym(keysym_named(name))
        if stroke is None:
            raise NotSupported(f"this keyboard layout has no key {name!r}; use `type` to enter it as text")
        return self._with_modifiers(stroke)

    def _character(self, character: str) -> Stroke | None:
        """The key for a character; where the active group has none, whatever the program with the focus understands.

        In a chord, toolkits look through the other groups of the layout, Chromium besides at the place of the key and
        never at borrowed ones; xterm and Tk look at nothing but what the key enters.
        """
        stroke = self.keymap.character(character, self.group)
        if stroke is None and self._down.keys() & {"ctrl", "alt", "super"}:
            stroke = self._elsewhere(character)
        spare = self.keymap.spare()
        if stroke is None and spare:
            self._change(spare[-1], rows_for([character], max(2, len(self.keymap.rows[0]))))
            self._kept[spare[-1]] = character
            stroke = self.keymap.character(character, self.group)
        return stroke

    def _elsewhere(self, character: str) -> Stroke | None:
        """The key that a person presses for a chord when another script is switched on."""
        focus = self._display.focus()
        other_group = self.keymap.keysym(keysym_named(character)) if focus.toplevel else None
        if other_group is None and is_chromium(focus):
            return PLACES.get(character)
        return other_group

    def _with_modifiers(self, stroke: Stroke) -> list[int]:
        held = {code for codes in self._down.values() for code in codes}
        wanted = [(stroke.shift, SHIFT), (stroke.alt_gr, ALT_GR)]
        extra = [self._modifier(keysym) for needed, keysym in wanted if needed]
        return [*(code for code in extra if code not in held), stroke.keycode]

    def _modifier(self, keysym: int) -> int:
        stroke = self.keymap.keysym(keysym)
        if stroke is None:
            raise NotSupported("this keyboard layout has no Shift or AltGr key")
        return stroke.keycode

    def _strike(self, stroke: Stroke) -> None:
        keycodes = self._with_modifiers(stroke)
        for keycode in keycodes:
            self._send(keycode, True)
        for keycode in reversed(keycodes):
            self._send(keycode, False)

    def _send(self, keycode: int, down: bool) -> None:
        from Xlib import X
        from Xlib.ext.xtest import fake_input

        fake_input(self._display.x, X.KeyPress if down else X.KeyRelease, keycode)

    @contextmanager
    def _caps_lock_off(self) -> Generator[None, None, None]:
        """CapsLock would turn letters around: off for the moment, and on again."""
        caps = self.keymap.keysym(keysym_named("caps_lock"))
        if caps is None or not self._display.pointer_state() & LOCK_BIT:
            yield
            return
        self._strike(caps)
        try:
            yield
        finally:
            self._strike(caps)
            self._display.sync()
