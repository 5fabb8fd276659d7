"""The names of keys: whatever a model, a person or a tool calls a key, it gets one canonical name here.

Canonical names are either single characters ("a", "+", "é") or lower-case words: the modifiers "ctrl",
"shift", "alt", "alt_gr", "super", and the rest of `NAMED_KEYS` ("enter", "page_down", "f5", "kp_7", …).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache

from actuators.errors import InvalidAction

MODIFIERS = ("ctrl", "shift", "alt", "alt_gr", "super")
MAX_CHORD = 8  # keys in one chord; hands have ten fingers

# canonical name: other spellings. Case, "_", "-" and spaces do not count in a spelling.
_WORDS: dict[str, str] = {
    "ctrl": "control ⌃",
    "shift": "⇧",
    "alt": "option opt ⌥",
    "alt_gr": "iso_level3_shift alt_graph mode_switch",
    "super": "cmd command meta win windows os mod4 hyper ⌘",
    "enter": "return ret linefeed newline ⏎ ↵",
    "escape": "esc",
    "tab": "iso_left_tab",
    "space": "spacebar",
    "backspace": "bksp back_space ⌫",
    "delete": "del forward_delete kp_delete num_delete ⌦",
    "insert": "ins kp_insert num_insert",
    "home": "begin kp_home num_home",
    "end": "kp_end num_end",
    "page_up": "pgup prior kp_page_up kp_prior num_page_up ⇞",
    "page_down": "pgdn pgdown next kp_page_down kp_next num_page_down ⇟",
    "up": "arrow_up up_arrow kp_up ↑",
    "down": "arrow_down down_arrow kp_down ↓",
    "left": "arrow_left left_arrow kp_left ←",
    "right": "arrow_right right_arrow kp_right →",
    "caps_lock": "caps capital ⇪",
    "num_lock": "",
    "scroll_lock": "",
    "print_screen": "print prtsc prtscr prt_scr prntscrn snapshot sys_rq sys_req",
    "pause": "break",
    "menu": "apps context_menu application",
    "help": "",
    "volume_up": "audio_volume_up audio_raise_volume",
    "volume_down": "audio_volume_down audio_lower_volume",
    "volume_mute": "mute audio_mute audio_volume_mute",
    "play_pause": "media_play_pause audio_play audio_pause",
    "next_track": "media_next_track audio_next",
    "previous_track": "prev_track media_previous_track audio_prev",
    "browser_back": "xf86_back",
    "browser_forward": "xf86_forward",
    "browser_refresh": "xf86_refresh xf86_reload",
    "kp_enter": "numpad_enter num_enter",
    "kp_add": "numpad_add num_add kp_plus add",
    "kp_subtract": "numpad_subtract num_subtract kp_minus subtract",
    "kp_multiply": "numpad_multiply num_multiply multiply",
    "kp_divide": "numpad_divide num_divide divide",
    "kp_decimal": "numpad_decimal num_decimal decimal",
    **{f"kp_{digit}": f"numpad_{digit} num_{digit}" for digit in range(10)},
    **{f"f{number}": "" for number in range(1, 25)},
}
# Words for keys that are a character.
_SIGNS: dict[str, str] = {
    "+": "plus",
    "-": "minus hyphen dash",
    "=": "equal equals kp_equal",
    ",": "comma",
    ".": "period dot full_stop",
    "/": "slash forward_slash",
    "\\": "backslash",
    ";": "semicolon",
    ":": "colon",
    "'": "apostrophe quote single_quote",
    '"': "quotedbl double_quote",
    "`": "grave backtick backquote",
    "[": "bracket_left left_bracket open_bracket",
    "]": "bracket_right right_bracket close_bracket",
    "{": "brace_left left_brace",
    "}": "brace_right right_brace",
    "(": "paren_left left_paren",
    ")": "paren_right right_paren",
    "<": "less less_than",
    ">": "greater greater_than",
    "|": "bar pipe",
    "_": "underscore",
    "?": "question question_mark",
    "!": "exclam exclamation_mark",
    "@": "at",
    "#": "numbersign hash number_sign",
    "$": "dollar",
    "%": "percent",
    "^": "asciicircum caret",
    "&": "ampersand",
    "*": "asterisk star",
    "~": "asciitilde tilde",
    **{str(digit): f"digit_{digit}" for digit in range(10)},
    **{letter: f"key_{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"},
}
_SIDED = {"ctrl": "ctrl control", "shift": "shift", "alt": "alt option", "super": "super meta win windows cmd command"}
_SIDES = ("{0}_l", "{0}_r", "{0}_left", "{0}_right", "l{0}", "r{0}", "left_{0}", "right_{0}")
_GLYPHS = "⌃⇧⌥⌘"  # stand before the key without a joiner
_CONTROLS = {
    " ": "space",
    "\n": "enter",
    "\r": "enter",
    "\t": "tab",
    "\x1b": "escape",
    "\b": "backspace",
    "\x7f": "delete",
}

NAMED_KEYS: tuple[str, ...] = tuple(_WORDS)


def parse_chord(keys: Sequence[str] | str) -> tuple[str, ...]:
    """Read a chord in any spelling: `["CTRL", "SHIFT", "t"]`, `"ctrl+shift+t"`, `"Ctrl-C"`, `"<Control>c"`, `"⌘C"`.

    Letters stand for their keys, so `C` is the key "c" and CTRL+C holds no shift.

    Returns:
        Canonical names, modifiers first, otherwise in the order given. Parsing them again changes nothing.

    Raises:
        InvalidAction: an unknown key (named, with the nearest ones), one key twice, two chords in one, or more than
            `MAX_CHORD` keys.
    """
    parts = [keys] if isinstance(keys, str) else list(keys)
    names = [name for part in parts for name in _read(part)]
    _check_single(names)
    modifiers = list(dict.fromkeys(name for name in names if name in MODIFIERS))
    others = [name for name in names if name not in MODIFIERS]
    for name in others:
        if others.count(name) > 1:
            raise InvalidAction(f"the key {name!r} is in one chord twice; press it again with a second keypress action")
    chord = (*modifiers, *others)
    if len(chord) > MAX_CHORD:
        raise InvalidAction(f"a chord of {len(chord)} keys; at most {MAX_CHORD} go down together, use `type` for text")
    return chord


def _check_single(names: Sequence[str]) -> None:
    """A modifier again, after a key that is none, begins a second chord."""
    for index, name in enumerate(names):
        if name in MODIFIERS and any(other not in MODIFIERS for other in names[:index]) and name in names[:index]:
            raise InvalidAction("these are two chords; press them one after the other with two keypress actions")


def _read(text: str) -> Iterator[str]:
    """The keys of one string, which is a key or a chord joined by "+", "-", spaces, "," or "_"."""
    whole = _lookup(text)
    if whole is not None:
        yield whole
        return
    if wrapped := _WRAPPED.fullmatch(text.strip()):
        name, rest = wrapped["name"] or wrapped["glyph"], wrapped["rest"]
        if (first := _lookup(name)) is not None:
            yield first
            if rest:
                yield from _read(rest)
            return
    if call := _CALL.fullmatch(text.strip()):
        yield from _read(call[1])
        return
    for joiner in ("+", "-", " ", ",", "_"):
        head, _, rest = text.strip().partition(joiner)
        first = _lookup(head.strip())
        if first is not None and rest:
            yield first
            yield from _read(rest.strip())
            return
    raise InvalidAction(_unknown(text))


_WRAPPED = re.compile(rf"(?:[<{{\[](?P<name>\w+)[>}}\]]|(?P<glyph>[{_GLYPHS}]))(?:\s*\+)?\s*(?P<rest>.*)", re.DOTALL)
_CALL = re.compile(r"(?:hotkey|press)[ (]\s*['\"]?([^'\"]+?)['\"]?\s*\)?", re.IGNORECASE)


def _lookup(text: str) -> str | None:
    character = unicodedata.normalize("NFC", text)
    if len(character) == 1:
        return _spellings().get(character) or _CONTROLS.get(character) or _character(character)
    folded = _folded(text)
    return _spellings().get(folded) or _spellings().get(folded.removeprefix("xf86"))


def _character(character: str) -> str | None:
    if unicodedata.category(character) in ("Cc", "Cs", "Cn", "Zl", "Zp"):
        return None
    lower = character.lower()
    return lower if len(lower) == 1 else character


def _folded(spelling: str) -> str:
    """Case and inner separators dropped; outer ones are keys of their own ("ctrl--" is Ctrl and minus)."""
    return re.sub(r"(?<=[^\W_])[\s_-](?=[^\W_])", "", spelling.strip()).lower()


@cache
def _spellings() -> dict[str, str]:
    table = {_folded(name): name for name in NAMED_KEYS}
    for name, others in (_WORDS | _SIGNS).items():
        table.update((_folded(other), name) for other in others.split())
    for name, words in _SIDED.items():
        table.update((_folded(side.format(word)), name) for word in words.split() for side in _SIDES)
    return table


def _unknown(text: str) -> str:
    known = _spellings()
    near = get_close_matches(_folded(text), known, n=3, cutoff=0.6)
    names = ", ".join(dict.fromkeys(known[spelling] for spelling in near))
    hint = (
        f"; did you mean {names}?" if names else "; keys are single characters or names like enter, page_down, f5, ctrl"
    )
    return f"there is no key {text[:60]!r}{hint}"
