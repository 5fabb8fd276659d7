"""The rest of pyautogui, which few programs use: names of keys, ways of moving the pointer, pictures."""
# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import sys
import time

from pyautogui import ImageNotFoundException, __version__, _ask, size

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


def screenshot(imageFilename=None, region=None, allScreens=False):
    """A picture of the screen as a `PIL.Image`, also written to a file if one is named."""
    import tempfile

    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        picture = Image.open(_ask("picture", path=f"{folder}/screen.png")).convert("RGB")
    if region is not None:
        left, top, width, height = (int(number) for number in region)
        picture = picture.crop((left, top, left + width, top + height))
    if imageFilename is not None:
        picture.save(imageFilename)
    return picture


def pixel(x, y):
    """The colour of a point."""
    return screenshot().getpixel((int(x), int(y)))


def pixelMatchesColor(x, y, expectedRGBColor, tolerance=0):
    """Whether a point has a colour, or nearly."""
    found = pixel(x, y)
    return all(abs(one - other) <= tolerance for one, other in zip(found, expectedRGBColor, strict=False))


def countdown(seconds):
    """Wait, and count."""
    for left in range(seconds, 0, -1):
        sys.stdout.write(f"{left} ")
        sys.stdout.flush()
        time.sleep(1)
    sys.stdout.write("\n")


def getInfo():
    """About this machine."""
    import platform

    return platform.platform(), platform.python_version(), __version__, sys.executable, size(), time.ctime()


def locateOnScreen(*args, **options):
    """Pictures are not looked for here."""
    raise ImageNotFoundException("pictures are not looked for in this machine")


locateCenterOnScreen = locateAllOnScreen = locate = locateOnScreen
