"""Every spelling of a chord that the field uses, and what is no key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actuators.errors import InvalidAction
from actuators.keys import MAX_CHORD, MODIFIERS, NAMED_KEYS, parse_chord


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["CTRL", "SHIFT", "T"], ("ctrl", "shift", "t")),
        ("ctrl+shift+t", ("ctrl", "shift", "t")),
        (["Control", "C"], ("ctrl", "c")),
        ("Ctrl-C", ("ctrl", "c")),
        ("ctrl c", ("ctrl", "c")),
        ("ctrl + c", ("ctrl", "c")),
        (["ctrl+c"], ("ctrl", "c")),
        (["c", "CTRL"], ("ctrl", "c")),
        (["META", "SPACE"], ("super", "space")),
        (["cmd", "WIN", "l"], ("super", "l")),
        (["OPTION", "F4"], ("alt", "f4")),
        (["AltGr", "q"], ("alt_gr", "q")),
        ("ctrl++", ("ctrl", "+")),
        ("ctrl--", ("ctrl", "-")),
        ("ctrl+plus", ("ctrl", "+")),
        (["CTRL", "+"], ("ctrl", "+")),
        (["ArrowUp"], ("up",)),
        (["UP"], ("up",)),
        (["PageDown"], ("page_down",)),
        (["page_down"], ("page_down",)),
        ("Ctrl-Page-Down", ("ctrl", "page_down")),
        (["Page Up"], ("page_up",)),
        (["ESC"], ("escape",)),
        (["RETURN"], ("enter",)),
        (["DEL"], ("delete",)),
        (["BackSpace"], ("backspace",)),
        (["F24"], ("f24",)),
        (["/"], ("/",)),
        (["\\"], ("\\",)),
        (["backslash"], ("\\",)),
        (["é"], ("é",)),
        (["É"], ("é",)),
        (["e\u0301"], ("é",)),
        (["Ж"], ("ж",)),
        (["中"], ("中",)),
        ([" "], ("space",)),
        (["\n"], ("enter",)),
        (["KP_Enter"], ("kp_enter",)),
        (["numpad_7"], ("kp_7",)),
        (["KP_Page_Up"], ("page_up",)),
        (["Prior"], ("page_up",)),
        (["prntscrn"], ("print_screen",)),
        (["XF86AudioRaiseVolume"], ("volume_up",)),
        (["XF86Back"], ("browser_back",)),
        (["ShiftRight", "lctrl", "KeyA"], ("shift", "ctrl", "a")),
        (["left_meta", "Digit1"], ("super", "1")),
        ("hotkey ctrl c", ("ctrl", "c")),
        ("hotkey('ctrl+c')", ("ctrl", "c")),
        ("ctrl, shift, t", ("ctrl", "shift", "t")),
        ("ctrl_c", ("ctrl", "c")),
        ("ctrl+,", ("ctrl", ",")),
        ("<Control><Shift>t", ("ctrl", "shift", "t")),
        ("<ctrl>+c", ("ctrl", "c")),
        ("{ENTER}", ("enter",)),
        ("[", ("[",)),
        ("⌘C", ("super", "c")),
        ("⌃⌥+Del", ("ctrl", "alt", "delete")),
        ([], ()),
    ],
)
def test_spellings(written: list[str] | str, meant: tuple[str, ...]) -> None:
    assert parse_chord(written) == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (["pagdown"], "page_down"),
        (["ctlr", "c"], "ctrl"),
        ("ctrl+foo", "'foo'"),
        (["F25"], "f24"),
        ([""], "''"),
        ("ctrl+", "ctrl+"),
        ("PgDwn", "page_down"),
        ("<hyperspace>c", "<hyperspace>"),
        ("ctrl+k ctrl+s", "two chords"),
        (["ctrl+c", "ctrl+v"], "two chords"),
        (["\0"], "\\x00"),
        (["\ud800"], "\\ud800"),
        (["DOWN", "ArrowDown"], "twice"),
        (list("abcdefghij"), "at most 8"),
        (["x" * 10_000], "'" + "x" * 60 + "'"),
    ],
)
def test_no_such_chord(written: list[str] | str, said: str) -> None:
    with pytest.raises(InvalidAction) as caught:
        parse_chord(written)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_every_named_key_is_its_own_name() -> None:
    for name in NAMED_KEYS:
        assert parse_chord([name]) == (name,)
        assert parse_chord([name.upper()]) == (name,)
        assert parse_chord(f"ctrl+{name}") == (("ctrl", name) if name != "ctrl" else ("ctrl",))


@given(st.lists(st.sampled_from(NAMED_KEYS) | st.characters(), max_size=MAX_CHORD, unique=True))
def test_parsing_again_changes_nothing(keys: list[str]) -> None:
    try:
        chord = parse_chord(keys)
    except InvalidAction:
        return
    assert parse_chord(chord) == chord
    held = [name in MODIFIERS for name in chord]
    assert held == sorted(held, reverse=True)


@given(st.text())
def test_anything_is_a_chord_or_a_clear_error(text: str) -> None:
    try:
        parse_chord(text)
    except InvalidAction as error:
        assert str(error)
