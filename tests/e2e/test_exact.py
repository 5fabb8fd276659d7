"""Through the whole of Deskhand: every click on its pixel at every size, every character as it was given."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageChops

from perception.screen import open_screen
from tests.support.command import Deskhand, wait_until
from tests.support.openai_script import Body, Reply, Scripted, actions, final
from tests.support.openai_server import last_picture, openai_server
from tests.support.xserver import end, xvfb

SUPPORT = Path(__file__).parents[1] / "support"
CLICKS = 40  # at each of five sizes: 200
SIZES = [(1024, 768), (1366, 768), (1920, 1080), (2560, 1440), (3840, 2160)]
TEXT = (
    "The quick brown fox: \"double\" 'single' <angle> {brace} [bracket] \\back /slash |pipe ~tilde `tick` ^caret "
    "a@b.c #1 $2 %3 &4 *5 (6) _7 +8 =9 ;:,.?!-\n"
    "Ünïcödé: àéîõü ÀÉÎÕÜ ñ ç ß æ œ ø å đ ł ž š č ř ů ő ű ğ ı ş «guillemets» „quotes“ ‚single‘ — en–dash…\n"
    "\tTab\tseparated\tvalues\t1\t2\t3\n"
    "Ελληνικά Русский עברית العربية हिन्दी ไทย\n"
    "漢字かなカナ 한국어 中文，标点。「引号」\n"
    "Emoji: 😀 👍🏽 👩‍👩‍👧‍👦 🇩🇪 ❤️ ½ ² √ ∑ ≠ ≤ € £ ¥ © ® ™\n"
    'A last line with (parentheses), 50% & more -- dashes; "quotes" again.\n'
    "e\u0301 combining, no-break\u00a0space, zero\u200bwidth; 12345 67890 the end."
)


def the_red_one(body: Body) -> tuple[int, int]:
    """Where the target is, in pixels of the picture that the model was sent."""
    red, green, blue = last_picture(body).convert("RGB").split()
    excess = np.asarray(ImageChops.subtract(red, ImageChops.lighter(green, blue)), dtype=np.float64)
    rows, columns = np.nonzero(excess > 40)
    assert len(rows) > 1, "there is no target on the picture"
    weights = excess[rows, columns]
    return round(float(np.average(columns, weights=weights))), round(float(np.average(rows, weights=weights)))


@pytest.mark.timeout(240)
@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_every_click_lands_on_its_pixel(tmp_path: Path, size: tuple[int, int]) -> None:
    log = tmp_path / "home" / "hits"  # where programs of the private desktop may write

    def script(body: Body) -> Scripted:
        calls = sum(item.get("type") == "computer_call" for item in body["input"])
        if calls == CLICKS:
            return final("All hit.")
        x, y = the_red_one(body)
        return actions({"type": "click", "button": "left", "x": x, "y": y})

    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(SUPPORT / "targets.py"), str(log), f"{size}"])
        ran = deskhand("run", "Hit the red squares", "--size", f"{size[0]}x{size[1]}", "--open", program, timeout=200)
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert server.refusals == [] and server.rewrites == []
    hits: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    scale = max(size[0] / 1920, size[1] / 1080, 1.0)
    errors = [max(abs(hit["hit"][axis] - hit["target"][axis]) for axis in (0, 1)) / scale for hit in hits]
    assert len(errors) == CLICKS
    assert max(errors) <= 1.0, errors


@pytest.mark.slow
def test_on_the_users_own_screen_it_hits_and_leaves_their_windows(tmp_path: Path) -> None:
    log = tmp_path / "hits"

    def script(body: Body) -> Scripted:
        if sum(item.get("type") == "computer_call" for item in body["input"]) == 10:
            return final("All hit.")
        x, y = the_red_one(body)
        return actions({"type": "click", "button": "left", "x": x, "y": y})

    with xvfb(1280, 800, window_manager=True) as display, openai_server(script) as server:
        window = subprocess.Popen(
            [sys.executable, str(SUPPORT / "targets.py"), str(log), "here"], env={**os.environ, "DISPLAY": display}
        )
        try:
            deskhand = Deskhand(
                tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url, DISPLAY=display
            )
            wait_until(lambda: red_is_shown(display), "the window")
            ran = deskhand("run", "Hit the red squares")  # where there is a screen, that is the default
            assert ran.returncode == 0, ran.stderr[-2000:]
            assert window.poll() is None, "the user's own program is still there"
            assert deskhand.journal[0]["computer"] == "here"
        finally:
            end(window)
    hits = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(hits) == 10 and all(hit["hit"] == hit["target"] for hit in hits)


def red_is_shown(display: str) -> bool:
    with open_screen(display) as screen:
        return bool((screen.grab()[:, :, 2] > 200).any() and (screen.grab()[:, :, 0] < 50).any())


@pytest.mark.timeout(240)
@pytest.mark.slow
def test_five_hundred_characters_arrive_as_they_were_given(tmp_path: Path) -> None:
    runs = 20
    written = tmp_path / "home" / "written"  # where programs of the private desktop may write
    expected = [TEXT[: 500 - len(str(n))] + str(n) for n in range(runs)]
    seen: list[str] = []

    def script(body: Body) -> Reply:
        calls = sum(item.get("type") == "computer_call" for item in body["input"])
        if calls:
            wait_until(lambda: written.exists(), "the text field's file")
            seen.append(written.read_text(encoding="utf-8"))
        if calls == runs:
            return final("Typed.")
        keys = {"type": "keypress", "keys": ["CTRL", "A"]}
        return actions({"type": "click", "x": 300, "y": 300}, keys, {"type": "type", "text": expected[calls]})

    with openai_server(script) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join(["/usr/bin/python3", str(SUPPORT / "notepad.py"), str(written)])
        ran = deskhand("run", "Type", "--open", program, timeout=200)
        assert ran.returncode == 0, ran.stderr[-2000:]
    assert len(expected[0]) >= 480
    assert [one == two for one, two in zip(seen, expected, strict=True)] == [True] * runs
