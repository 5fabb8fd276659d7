"""Names of pyautogui that few programs use: keys, and ways of moving the pointer."""
# pyright: basic

from __future__ import annotations

_SIGNS = "\t\n\r !\"#$%&'()*+,-./0123456789:;<=>?@[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
_WORDS = """
accept add alt altleft altright apps backspace browserback browserfavorites browserforward browserhome
browserrefresh browsersearch browserstop capslock clear convert ctrl ctrlleft ctrlright decimal del delete
divide down end enter esc escape execute f1 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f2 f20 f21 f22 f23 f24 f3
f4 f5 f6 f7 f8 f9 final fn hanguel hangul hanja help home insert junja kana kanji launchapp1 launchapp2
launchmail launchmediaselect left modechange multiply nexttrack nonconvert num0 num1 num2 num3 num4 num5 num6
num7 num8 num9 numlock pagedown pageup pause pgdn pgup playpause prevtrack print printscreen prntscrn prtsc
prtscr return right scrolllock select separator shift shiftleft shiftright sleep space stop subtract tab up
volumedown volumemute volumeup win winleft winright yen command option optionleft optionright
"""
KEY_NAMES = KEYBOARD_KEYS = [*_SIGNS, *_WORDS.split()]


def _easing(power):
    def ease_in(n):
        return n**power

    def ease_out(n):
        return 1 - (1 - n) ** power

    def ease_both(n):
        return (2 * n) ** power / 2 if n < 0.5 else 1 - (2 - 2 * n) ** power / 2

    return ease_in, ease_out, ease_both


easeInQuad, easeOutQuad, easeInOutQuad = _easing(2)
easeInCubic, easeOutCubic, easeInOutCubic = _easing(3)
easeInQuart, easeOutQuart, easeInOutQuart = _easing(4)
easeInQuint, easeOutQuint, easeInOutQuint = _easing(5)
easeInSine, easeOutSine, easeInOutSine = _easing(1.6)
easeInExpo, easeOutExpo, easeInOutExpo = _easing(7)
easeInCirc, easeOutCirc, easeInOutCirc = _easing(2)
easeInElastic, easeOutElastic, easeInOutElastic = _easing(3)
easeInBack, easeOutBack, easeInOutBack = _easing(3)
easeInBounce, easeOutBounce, easeInOutBounce = _easing(2)
