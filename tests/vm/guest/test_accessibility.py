"""The tree that programs tell, as elements and as the XML of OSWorld's server, inside a desktop with a session bus."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Generator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perception.backends.atspi import Detail
from perception.screenshot import Region
from perception.tree import Element
from tests.support.desk import FORM, desk
from tests.support.guest import Guest, await_desktop, guest, until
from vm.guest.accessibility import as_xml

NS = "https://accessibility.ubuntu.example.org/ns/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Guest]:
    """A server on a private desktop with a form on it."""
    work = tmp_path_factory.mktemp("work")
    with desk(work, f"{FORM} 'A form'") as desktop:
        bus, display = (desktop.environment[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY"))
        with guest(tmp_path_factory.mktemp("guest"), display, bus=bus) as running:
            await_desktop(running)
            yield running


def test_elements(server: Guest) -> None:
    told = server.ask("GET", "/v2/tree").json["elements"]
    button = next(one for one in told if one["name"] == "Save")
    assert (button["role"], button["window"], button["acts"]) == ("push button", "A form", True)
    assert len(button["region"]) == 4 and "showing" in button["states"]
    assert {one["text"] for one in told if one["role"] == "text"} >= {"Grüße, 東京"}
    assert {one["window"] for one in told} == {"A form"}
    assert len(server.ask("GET", "/v2/tree?window=all").json["elements"]) >= len(told)


def test_target_knows_the_button(server: Guest) -> None:
    server.ask("POST", "/v2/target", {"front": True})  # connects
    told = server.ask("GET", "/v2/tree").json["elements"]
    left, top, width, height = next(one["region"] for one in told if one["name"] == "Save")
    place = {"x": left + width // 2, "y": top + height // 2}
    found = server.ask("POST", "/v2/target", place).json
    assert (found["role"], found["name"], found["window"]) == ("push button", "Save", "A form")


def test_xml(server: Guest) -> None:
    root = ET.fromstring(server.ask("GET", "/accessibility").json["AT"])
    assert root.tag == "desktop-frame"
    (program,) = [one for one in root if one.get("name") == "form.py"]
    assert program.tag == "application"
    button = next(one for one in program.iter("push-button") if one.get("name") == "Save")
    assert button.get(f"{{{NS}state}}showing") == "true" and button.get(f"{{{NS}state}}enabled") == "true"
    assert str(button.get(f"{{{NS}component}}screencoord")).startswith("(")
    assert str(button.get(f"{{{NS}component}}size")).endswith(")")
    assert button.get(f"{{{NS}action}}click_desc") is not None
    assert button.get(f"{{{NS}attributes}}toolkit") == "gtk"
    assert next(one for one in program.iter("spin-button")).get(f"{{{NS}value}}value") == "42"
    assert any(one.text == "Grüße, 東京" for one in program.iter("text"))


def test_no_terminal_no_text(server: Guest) -> None:
    until(lambda: server.ask("GET", "/terminal").status == 200)
    assert server.ask("GET", "/terminal").json == {"output": None, "status": "success"}


words = st.text(max_size=8)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), words, words, words), max_size=8))
def test_whatever_programs_say_it_is_xml(rows: list[tuple[int, str, str, str]]) -> None:
    elements: list[Element] = []
    parents = [""]
    for number, (depth, role, name, text) in enumerate(rows):
        depth = min(depth, len(parents) - 1)
        element = Element(f":1.{number if not depth else 0}/{number}", parents[depth], depth, role, name, text=text)
        parents = [*parents[: depth + 1], element.id]
        elements.append(element)
    details = {
        one.id: Detail({name: text}, ((name, text, role),))
        for one, (_, role, name, text) in zip(elements, rows, strict=True)
    }
    root = ET.fromstring(as_xml(elements, details))
    assert sum(1 for _ in root.iter()) - 1 - len([one for one in root if one.tag == "application"]) == len(elements)


def test_places_and_values() -> None:
    states = frozenset({"multi line"})
    element = Element(":1.1/a", "", 0, "slider", "a<b", states=states, region=Region(1, 2, 3, 4), value=0.5)
    text = as_xml([element], {})
    assert 'name="a&lt;b" st:multi_line="true" cp:screencoord="(1, 2)" cp:size="(3, 4)" val:value="0.5"' in text
