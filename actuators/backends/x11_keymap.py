"""Keyboard layouts of X11 as data: which key, with which modifiers, gives a character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

NO_SYMBOL = 0
SHIFT, ALT_GR = 0xFFE1, 0xFE03  # Shift_L, ISO_Level3_Shift
UNICODE = 0x01000000  # keysyms from here on are code points
# Keysyms 0x1xx to 0xdxx are bytes of old character sets.
_OLD_SETS = {
    0x1: "iso8859_2",
    0x2: "iso8859_3",
    0x3: "iso8859_4",
    0x5: "iso8859_6",
    0x6: "koi8_u",
    0x7: "iso8859_7",
    0xC: "iso8859_8",
    0xD: "iso8859_11",
}
_ODD_ONES = {
    0x7D2: "Σ", 0x7F2: "σ", 0x7F3: "ς", 0x7A1: "Ά", 0x7A2: "Έ", 0x7A3: "Ή", 0x7A4: "Ί", 0x7A5: "Ϊ", 0x7A7: "Ό",
    0x7A8: "Ύ", 0x7A9: "Ϋ", 0x7AB: "Ώ", 0x7AE: "΅", 0x7AF: "―", 0x7B1: "ά", 0x7B2: "έ", 0x7B3: "ή", 0x7B4: "ί",
    0x7B5: "ϊ", 0x7B6: "ΐ", 0x7B7: "ό", 0x7B8: "ύ", 0x7B9: "ϋ", 0x7BA: "ΰ", 0x7BB: "ώ",
    0x6A1: "ђ", 0x6A2: "ѓ", 0x6A5: "ѕ", 0x6A8: "ј", 0x6A9: "љ", 0x6AA: "њ", 0x6AB: "ћ", 0x6AC: "ќ", 0x6AE: "ў",
    0x6AF: "џ", 0x6B0: "№", 0x6B1: "Ђ", 0x6B2: "Ѓ", 0x6B5: "Ѕ", 0x6B8: "Ј", 0x6B9: "Љ", 0x6BA: "Њ", 0x6BB: "Ћ",
    0x6BC: "Ќ", 0x6BE: "Ў", 0x6BF: "Џ", 0x13BC: "Œ", 0x13BD: "œ", 0x13BE: "Ÿ", 0x20AC: "€", 0xAA9: "—", 0xAAA: "–",
    0xAD0: "‘", 0xAD1: "’", 0xAD2: "“", 0xAD3: "”", 0xAFD: "‚", 0xAFE: "„", 0xAE6: "•", 0xAAE: "…", 0xAC9: "™",
}  # fmt: skip
_NAMES = {
    "ctrl": 0xFFE3, "shift": SHIFT, "alt": 0xFFE9, "alt_gr": ALT_GR, "super": 0xFFEB, "enter": 0xFF0D,
    "escape": 0xFF1B, "tab": 0xFF09, "space": 0x20, "backspace": 0xFF08, "delete": 0xFFFF, "insert": 0xFF63,
    "home": 0xFF50, "end": 0xFF57, "page_up": 0xFF55, "page_down": 0xFF56, "up": 0xFF52, "down": 0xFF54,
    "left": 0xFF51, "right": 0xFF53, "caps_lock": 0xFFE5, "num_lock": 0xFF7F, "scroll_lock": 0xFF14,
    "print_screen": 0xFF61, "pause": 0xFF13, "menu": 0xFF67, "help": 0xFF6A, "volume_up": 0x1008FF13,
    "volume_down": 0x1008FF11, "volume_mute": 0x1008FF12, "play_pause": 0x1008FF14, "next_track": 0x1008FF17,
    "previous_track": 0x1008FF16, "browser_back": 0x1008FF26, "browser_forward": 0x1008FF27,
    "browser_refresh": 0x1008FF29, "kp_enter": 0xFF8D, "kp_add": 0xFFAB, "kp_subtract": 0xFFAD,
    "kp_multiply": 0xFFAA, "kp_divide": 0xFFAF, "kp_decimal": 0xFFAE,
    **{f"kp_{digit}": 0xFFB0 + digit for digit in range(10)},
    **{f"f{number}": 0xFFBD + number for number in range(1, 25)},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stroke:
    """A key and what must be held with it."""

    keycode: int
    shift: bool = False
    alt_gr: bool = False


@dataclass(frozen=True)
class Keymap:
    """A snapshot of the server's core keyboard mapping.

    Attributes:
        first: the lowest keycode.
        rows: per keycode its keysyms: group 1 plain and shifted, group 2 plain and shifted, then the same with AltGr.
    """

    first: int
    rows: tuple[tuple[int, ...], ...]

    def character(self, character: str, group: int = 0) -> Stroke | None:
        """How the layout's active group gives a character, with the fewest modifiers; None if it does not."""
        return self._characters(group).get(character)

    def keysym(self, keysym: int) -> Stroke | None:
        """The key that has a keysym in any group, unshifted ones first."""
        levels = [(column, row) for column in range(8) for row in range(len(self.rows))]
        for column, row in levels:
            if self.rows[row][column : column + 1] == (keysym,):
                return Stroke(self.first + row, shift=column % 2 == 1)
        return None

    def gives_only(self, keycode: int, character: str) -> bool:
        """Whether a keycode means this character at every level, as those that were borrowed for it do."""
        return set(self.rows[keycode - self.first]) - {NO_SYMBOL} == {keysym_of(character)}

    def spare(self) -> range:
        """The longest run of keycodes that mean nothing."""
        best = range(0)
        start = self.first
        for keycode, row in enumerate((*self.rows, (1,)), self.first):
            if any(row):
                best = max(best, range(start, keycode), key=len)
                start = keycode + 1
        return best

    def _characters(self, group: int) -> dict[str, Stroke]:
        cache: dict[int, dict[str, Stroke]] = self.__dict__.setdefault("_cache", {})
        if group not in cache:
            cache[group] = self._read_group(min(group, 1))
        return cache[group]

    def _read_group(self, group: int) -> dict[str, Stroke]:
        table: dict[str, Stroke] = {}
        has_alt_gr = self.keysym(ALT_GR) is not None
        for level, column in enumerate((2 * group, 2 * group + 1, 4 + 2 * group, 5 + 2 * group)):
            if level >= 2 and not has_alt_gr:
                break
            for keycode, row in enumerate(self.rows, self.first):
                character = character_of(row[column]) if column < len(row) else None
                if character is not None:
                    table.setdefault(character, Stroke(keycode, level % 2 == 1, level >= 2))
        return table


def keysym_named(name: str) -> int:
    """The keysym of a canonical key name."""
    return _NAMES[name] if name in _NAMES else keysym_of(name)


def keysym_of(character: str) -> int:
    """A keysym that means a character, whatever the layout."""
    code = ord(character)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else UNICODE | code


@cache
def character_of(keysym: int) -> str | None:
    """The character that a keysym enters, None where it enters none (or one that we do not know)."""
    if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF:
        return chr(keysym)
    if UNICODE + 0xA0 <= keysym <= UNICODE + 0x10FFFF:
        return chr(keysym - UNICODE)
    if keysym in _ODD_ONES:
        return _ODD_ONES[keysym]
    charset = _OLD_SETS.get(keysym >> 8)
    if charset is None or keysym & 0xFF < 0xA1:
        return None
    return bytes([keysym & 0xFF]).decode(charset, errors="ignore") or None


def rows_for(characters: Sequence[str], width: int) -> list[tuple[int, ...]]:
    """Rows of a mapping that give these characters at every level."""
    return [(keysym_of(character),) * width for character in characters]
