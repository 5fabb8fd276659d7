"""The plain interface as OSWorld's host side asks it: windows, eyes and hands."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pytest
from PIL import Image

from tests.support.osworld_client import PREFIX
from tests.support.osworld_places import SELDOM, SIZE, GuestWindow, Place, front, place_of, shows

ODD = 'one <two> & "three"\n\tfür 東京 €\n<'
"""Text that OSWorld's own way of typing loses."""
SHOWN = "Grüße, 東京 <&>"
"""In the one-line field of the window."""
SPACES = "https://accessibility.ubuntu.example.org/ns/"
STATE, PLACE, VALUE = (f"{{{SPACES}{name}}}" for name in ("state", "component", "value"))


@pytest.fixture(scope="module", params=SELDOM)
def place(request: pytest.FixtureRequest) -> Generator[Place]:
    with place_of(request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def window(place: Place) -> Generator[GuestWindow]:
    with place.window("Notes of the guest", "guestnotes") as shown:
        yield shown


def array(png: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"-?\d+", text)]


# Windows


def test_a_window_has_a_size_by_its_class(place: Place, window: GuestWindow) -> None:
    for name in ("Guestnotes", "guestnotes"):
        answer = place.guest.post_form("/window_size", app_class_name=name)
        assert answer.status == 200
        assert [answer.json["width"], answer.json["height"]] == window.told()["size"]
    unknown = place.guest.post_form("/window_size", app_class_name="Nobody")
    assert unknown.status in (404, 500) and unknown.type == "application/json"
    assert place.guest.post_form("/window_size").status >= 400


def test_windows_come_to_the_front_by_title_and_by_class(place: Place, window: GuestWindow) -> None:
    with place.window("Notes, second page", "othernotes") as other:
        assert front(place) == other.title

        def comes(title: str, name: str, **how: bool) -> None:
            answer = place.guest.window("activate", name, **how)
            assert answer.status == 200
            place.eventually(f"{title} in front by {name} {how}", lambda: front(place) == title)

        comes(window.title, "of the GUEST")  # part of the title, letters as they come
        comes(other.title, "Notes, second page", strict=True)
        comes(window.title, "guestnotes", by_class=True)
        comes(other.title, "othernotes.Othernotes", by_class=True, strict=True)
        for name, how in (("Notes of", {"strict": True}), ("guestnotes", {"strict": True, "by_class": True})):
            assert place.guest.window("activate", name, **how).status == 200  # none is called exactly so
            assert front(place) == other.title
        assert place.guest.window("activate", "No such window").status == 200
        assert place.guest.window("close", "Notes, second", strict=True).status == 200
        assert place.guest.window("close", "Othernotes", strict=True).status == 200
        assert shows(place, other.title)


@pytest.mark.slow
def test_windows_close_by_part_of_the_title_and_by_class(place: Place) -> None:
    for name, how in (("first to GO", {}), ("guestgone", {"by_class": True})):
        with place.window("The first to go", "guestgone") as gone:
            assert place.guest.window("close", name, **how).status == 200
            place.eventually("the window gone", lambda: not shows(place, gone.title))


def test_opening_a_file_waits_for_its_window(place: Place) -> None:
    if place.kind == "desktop":
        _notepad(place)
        path = f"{place.home}/Documents/zettel.txt"
        place.guest.upload(path, b"text")
    else:
        path = f"{place.home}/Documents/zettel.xlsx"
        place.guest.upload(path, _workbook())
    answer = place.guest.post_json("/setup/open_file", {"path": path})
    assert answer.status == 200
    assert path.rpartition("/")[2] in front(place)
    place.guest.window("close", path.rpartition("/")[2])


def _workbook() -> bytes:
    made = io.BytesIO()
    openpyxl.Workbook().save(made)
    return made.getvalue()


def _notepad(place: Place) -> None:
    """Make the window of ours the program for plain text."""
    entry = "[Desktop Entry]\nType=Application\nName=Zettel\nMimeType=text/plain;\nExec=/usr/bin/python3 "
    entry += f"{place.home}/guest_window.py zettel.txt zettel {place.home}/zettel.json %f\n"
    with place.window("Only to put the script there", "once"):
        pass
    place.guest.output("mkdir -p ~/.local/share/applications ~/.config", shell=True)
    place.guest.upload("~/.local/share/applications/zettel.desktop", entry.encode())
    place.guest.upload("~/.config/mimeapps.list", b"[Default Applications]\ntext/plain=zettel.desktop\n")


def test_opening_what_is_not_there_is_an_error_soon(place: Place) -> None:
    answer = place.guest.post_json("/setup/open_file", {"path": "/no/such/file.odt"})
    assert 400 <= answer.status < 600 and "/no/such/file.odt" in answer.text


# Eyes


def test_a_screenshot_is_a_picture_of_the_screen_with_the_pointer(place: Place) -> None:
    pictures: list[Any] = []
    for x, y in ((300, 900), (1500, 900)):
        place.guest.act(f"pyautogui.moveTo({x}, {y})")
        assert place.guest.cursor() == (x, y)
        answer = place.guest.screenshot()
        assert (answer.status, answer.type) == (200, "image/png")
        assert Image.open(io.BytesIO(answer.body)).size == SIZE
        pictures.append(array(answer.body))
    changed = np.argwhere((pictures[0] != pictures[1]).any(axis=2))
    assert len(changed) > 40
    near = [(abs(changed - (900, x)).max(axis=1) < 40).sum() for x in (300, 1500)]
    assert min(near) > 20 and sum(near) > len(changed) * 0.9


def test_the_place_of_the_pointer_is_a_list_of_two_numbers(place: Place) -> None:
    place.guest.act("pyautogui.moveTo(17, 1003)")
    answer = place.guest.get("/cursor_position")
    assert answer.json == [17, 1003]


def test_a_terminals_text(place: Place) -> None:
    nothing = place.guest.terminal()
    assert (nothing.status, nothing.json) == (200, {"output": None, "status": "success"})
    with place.window("Terminal", "gnome-terminal-server", "terminal"):
        told: list[Any] = [None]

        def read() -> bool:
            told[0] = place.guest.terminal().json
            return told[0]["output"] is not None

        place.eventually("the terminal's text", read)
        assert told[0]["status"] == "success" and "echo terminal text\nterminal text" in told[0]["output"]


# The tree


def test_the_tree_is_xml_in_their_namespaces(place: Place, window: GuestWindow) -> None:
    answer = place.guest.get("/accessibility")
    assert answer.status == 200 and list(answer.json) == ["AT"]
    text = answer.json["AT"]
    assert text.lstrip().startswith("<desktop-frame ")
    spaces = dict(re.findall(r'xmlns:(\w+)="([^"]+)"', text))
    wanted = {"st": "state", "attr": "attributes", "cp": "component", "txt": "text", "val": "value", "act": "action"}
    assert {prefix: spaces.get(prefix) for prefix in ("st", "cp")} == {p: SPACES + wanted[p] for p in ("st", "cp")}
    assert {prefix: SPACES + wanted[prefix] for prefix in spaces if prefix in wanted}.items() <= spaces.items()
    root = ElementTree.fromstring(text)
    assert root.tag == "desktop-frame"
    applications = [element.get("name") for element in root.findall("application")]
    assert "guestnotes" in applications
    assert all(re.fullmatch(r"[a-z-]+", element.tag) for element in root.iter()), {e.tag for e in root.iter()}


def test_elements_have_names_states_places_and_texts(place: Place, window: GuestWindow) -> None:
    application = _application(place)
    frame = application.find("frame")
    assert frame is not None and frame.get("name") == window.title
    assert _size(frame)[0] >= window.told()["size"][0] and frame.get(STATE + "showing") == "true"
    button = _element(application, "push-button", "Press me")
    states = {key.removeprefix(STATE) for key, value in button.items() if key.startswith(STATE) and value == "true"}
    assert {"enabled", "showing", "visible", "focusable"} <= states and "focused" not in states
    assert re.fullmatch(r"\(\d+, \d+\)", button.get(PLACE + "screencoord", ""))
    assert re.fullmatch(r"\(\d+, \d+\)", button.get(PLACE + "size", ""))
    assert [key for key in button.attrib if re.fullmatch(re.escape(f"{{{SPACES}action}}") + r"\w+_(desc|kb)", key)]
    shown = [element for element in application.iter() if (element.text or "").strip() == SHOWN]
    assert [element.tag for element in shown] in (["text"], ["entry"])
    number = _element(application, "spin-button", "")
    value = {key.removeprefix(VALUE): float(number.get(key, "")) for key in number.attrib if key.startswith(VALUE)}
    assert value == {"value": 42, "min": 0, "max": 100, "step": 1}
    assert number.text == "42"


def test_elements_are_where_the_tree_says(place: Place, window: GuestWindow) -> None:
    presses = window.told()["presses"]
    button = _element(_application(place), "push-button", "Press me")
    (left, top), (width, height) = _place(button), _size(button)
    place.guest.act(f"pyautogui.click({left + width // 2}, {top + height // 2})")
    window.wait_for("presses", presses + 1)
    place.guest.act(f"pyautogui.click({left + 3}, {top + height - 4})")
    window.wait_for("presses", presses + 2)


def _application(place: Place) -> ElementTree.Element:
    found: list[ElementTree.Element] = []

    def look() -> bool:
        root = ElementTree.fromstring(place.guest.accessibility())
        found[:] = [element for element in root.findall("application") if element.get("name") == "guestnotes"]
        return bool(found) and found[0].find(".//push-button") is not None

    place.eventually("the window's application in the tree", look)
    return found[0]


def _element(application: ElementTree.Element, tag: str, name: str) -> ElementTree.Element:
    found = [element for element in application.iter(tag) if element.get("name", "") == name]
    assert len(found) == 1, [(element.tag, element.get("name")) for element in application.iter()]
    return found[0]


def _place(element: ElementTree.Element) -> list[int]:
    return numbers(element.get(PLACE + "screencoord", ""))


def _size(element: ElementTree.Element) -> list[int]:
    return numbers(element.get(PLACE + "size", ""))


# Hands, in the way of OSWorld


def test_text_arrives_as_it_was_written(place: Place, window: GuestWindow) -> None:
    for call in ("typewrite({})", "write({}, interval=0.001)"):
        _empty(place, window)
        place.guest.act(f"pyautogui.{call.format(repr(ODD))}")
        window.wait_for("text", ODD)


def test_keys(place: Place, window: GuestWindow) -> None:
    _empty(place, window)
    code = "pyautogui.press('<'); pyautogui.hotkey('shift', ','); pyautogui.press(['a', 'enter'], presses=2); "
    code += "pyautogui.keyDown('shift'); pyautogui.press('b'); pyautogui.keyUp('shift'); pyautogui.press('c'); "
    place.guest.act(code + "pyautogui.typewrite(['d', 'space', 'E', 'left', 'backspace'])")
    window.wait_for("text", "<<a\na\nBcdE")


def test_mouse(place: Place, window: GuestWindow) -> None:
    x, y = _text_area(place)
    steps = {
        f"pyautogui.click({x}, {y}); time.sleep(0.3)": [["down", 1, x, y], ["up", 1, x, y]],
        f"pyautogui.rightClick({x}, {y})": [["down", 3, x, y], ["up", 3, x, y]],
        f"pyautogui.moveTo({x}, {y}); pyautogui.dragTo({x + 90}, {y + 9}, duration=0.2, button='left')": [
            ["down", 1, x, y],
            ["up", 1, x + 90, y + 9],
        ],
        "pyautogui.scroll(-2)": [["scroll", 5, x + 90, y + 9]] * 2,
        "pyautogui.scroll(1)": [["scroll", 4, x + 90, y + 9]],
        "pyautogui.mouseDown(button='middle'); pyautogui.mouseUp(button='middle')": [
            ["down", 2, x + 90, y + 9],
            ["up", 2, x + 90, y + 9],
        ],
    }
    before = len(window.told()["events"])
    place.guest.act("; ".join(steps))
    wanted = list(itertools.chain.from_iterable(steps.values()))
    place.eventually("all events", lambda: len(window.told()["events"]) >= before + len(wanted))
    assert window.told()["events"][before:] == wanted


def test_code_that_fails_is_told(place: Place) -> None:
    told = place.guest.python("pyautogui.typewrite('a").json
    assert told["returncode"] == 1 and "SyntaxError" in told["error"]
    told = place.guest.python("WAIT").json  # the host's word, not the guest's
    assert told["returncode"] == 1 and "NameError" in told["error"]
    script = PREFIX + "print(pyautogui.size(), pyautogui.position())"
    printed = place.guest.output(["python3", "-c", script])
    assert re.findall(r"\d+", printed)[:2] == ["1920", "1080"]


def _empty(place: Place, window: GuestWindow) -> None:
    assert place.guest.window("activate", window.title, strict=True).status == 200
    x, y = _text_area(place)
    place.guest.act(f"pyautogui.click({x}, {y}); pyautogui.hotkey('ctrl', 'a'); pyautogui.press('delete')")
    window.wait_for("text", "")


def _text_area(place: Place) -> tuple[int, int]:
    """A point in the upper one of the fields."""
    left, top = min((_place(element) for element in _application(place).iter("text")), key=lambda spot: spot[1])
    return left + 60, top + 60


# Several at a time


def test_calls_do_not_wait_for_one_another(place: Place) -> None:
    with ThreadPoolExecutor(12) as pool:
        slow = pool.submit(place.guest.execute, "until test -e ~/go; do sleep 0.1; done", shell=True)
        shots = [pool.submit(place.guest.screenshot) for _ in range(4)]
        quick = [pool.submit(place.guest.execute, ["echo", str(number)]) for number in range(6)]
        assert [answer.result().json["output"] for answer in quick] == [f"{number}\n" for number in range(6)]
        assert {Image.open(io.BytesIO(shot.result().body)).size for shot in shots} == {SIZE}
        assert not slow.done()
        place.guest.upload("~/go", b"")
        assert slow.result().json["returncode"] == 0
