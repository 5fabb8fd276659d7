"""The accessibility tree: real programs on a real private desktop, whose places are proven by clicks."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest

from actuators.actions import Click
from perception.backends import atspi
from perception.backends.atspi_nodes import CORRECTED, GUESSED, Node, elements_of
from perception.checking import checked
from perception.errors import CannotRead
from perception.find import decode
from perception.matching import find_element, match_elements
from perception.screenshot import Region, Space
from perception.tree import DOUBTFUL, TRUSTED, Element, Reading, Tree, on_image, open_tree
from tests.support.command import wait_until
from tests.support.desk import FORM, desk, process_of, write_book
from tests.support.names import LONG
from tests.support.xserver import xvfb
from vm.desktop import PrivateDesktop

pytestmark = pytest.mark.alone

office = pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrivateDesktop]:
    with desk(tmp_path_factory.mktemp("form"), FORM) as desktop:
        yield desktop


@pytest.fixture(scope="module")
def calc(tmp_path_factory: pytest.TempPathFactory) -> Generator[PrivateDesktop]:
    folder = tmp_path_factory.mktemp("calc")
    write_book(folder)
    with desk(folder, "book.xlsx") as desktop:
        yield desktop


@pytest.fixture
def tree(form: PrivateDesktop) -> Generator[Tree]:
    with open_tree(form.display) as opened:
        yield opened


def the(reading: Reading, role: str, name: str = "") -> Element:
    [element] = [e for e in reading.showing if e.role == role and (not name or e.name == name)]
    return element


def click(desktop: PrivateDesktop, element: Element) -> None:
    """Click where the element says that it is."""
    assert element.region is not None
    middle = element.region.center
    shot = anyio.run(desktop.screenshot)
    anyio.run(desktop.perform, Click(middle.x, middle.y), shot.space)


def test_a_window_is_told_with_all_that_is_on_it(tree: Tree) -> None:
    reading = tree.read()
    assert reading.notes == ()
    window = the(reading, "frame", "Form")
    assert (window.parent, window.depth) == ("", 0)
    save = the(reading, "push button", "Save")
    assert save.application == "form.py"
    assert save.window == "Form"
    assert save.depth == 2
    assert reading.by_id[save.parent].parent == window.id
    assert {"enabled", "visible"} <= save.states
    assert save.confidence == TRUSTED
    assert save.region is not None and window.region is not None
    assert window.region.contains(save.region.left, save.region.top)


def test_states_texts_and_values(tree: Tree) -> None:
    reading = tree.read()
    entry = next(e for e in reading.showing if e.text.startswith("Gr"))
    assert entry.text == "Grüße, 東京"
    assert entry.description == "Greeting"
    assert "editable" in entry.states
    assert not {"enabled", "sensitive"} & the(reading, "push button", "Locked").states
    assert the(reading, "spin button").value == 42.0


def test_passwords_are_not_read(tree: Tree) -> None:
    reading = tree.read()
    assert the(reading, "password text").text == ""
    assert "hunter2" not in repr(reading)


def test_a_click_on_its_region_hits_it(form: PrivateDesktop, tree: Tree) -> None:
    before = the(tree.read(), "check box", "Remember me")
    click(form, before)
    wait_until(lambda: the(tree.read(), "check box").states ^ before.states >= {"checked"}, "the box to change", 10)


def test_what_can_be_done_is_told(tree: Tree) -> None:
    reading = tree.read()
    assert [action.lower() for action in tree.actions(the(reading, "push button", "Save"))] == ["click"]
    assert tree.actions(the(reading, "frame")) == ()
    assert tree.actions(Element(":9.9/nowhere", "", 0, "push button", "x", acts=True), 0.5) == ()


def test_what_is_read_of_one_program_is_bounded_and_said(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atspi, "MAX_NODES", 3)
    cut = tree.read()
    assert len(cut.elements) == 3
    assert "more on its windows" in cut.notes[0]


def test_a_program_that_hangs_is_named_and_the_others_are_read(form: PrivateDesktop, tmp_path: Path) -> None:
    anyio.run(form.open, f"{FORM} Other")
    pid = process_of(form, "form.py Other")
    try:
        with open_tree(form.display) as tree:
            wait_until(lambda: any(e.name == "Other" for e in tree.read().elements), "the other window", 10)
            os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            reading = tree.read(1.0)
            assert time.monotonic() - began < 1.5
            assert the(reading, "push button", "Save").window == "Form"
            [note] = reading.notes
            assert f"process {pid}" in note and "did not answer" in note
            os.kill(pid, signal.SIGCONT)
            wait_until(lambda: tree.read().notes == (), "it to come back", 10)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_programs_on_other_displays_of_the_same_bus_are_not_ours(form: PrivateDesktop) -> None:
    with xvfb(640, 480) as other, open_tree(other) as there, open_tree(form.display) as here:
        anyio.run(form.open, f"sh -c 'DISPLAY={other} {FORM} Elsewhere &'")
        wait_until(lambda: any(e.name == "Elsewhere" for e in _read(there)), "the window on the other display", 15)
        assert {e.window for e in there.read().elements} == {"Elsewhere"}
        assert "Elsewhere" not in {e.window for e in here.read().elements}


def _read(tree: Tree) -> tuple[Element, ...]:
    try:
        return tree.read().elements
    except CannotRead:  # its bus is known from its programs, and there is none yet
        return ()


def test_a_bus_that_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    with desk(tmp_path, FORM) as desktop:
        tree = open_tree(desktop.display)
        assert tree.read().elements
        os.kill(process_of(desktop, "dbus-daemon --config-file"), signal.SIGKILL)
        os.kill(process_of(desktop, "dbus-daemon --session"), signal.SIGKILL)
        with pytest.raises(CannotRead, match=r"at-spi2-core|is gone"):
            tree.read()
    began = time.monotonic()
    with pytest.raises(CannotRead, match="at-spi2-core"):
        tree.read()
    assert time.monotonic() - began < 3


def test_without_a_display_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(CannotRead, match="set DISPLAY"):
        open_tree().read()


# LibreOffice -------------------------------------------------------------------------------------------------------


@office
def test_a_click_on_what_libreoffice_draws_hits_it(calc: PrivateDesktop) -> None:
    with open_tree(calc.display) as tree:
        where = lambda: the(tree.read(LONG), "toggle button", "Bold")  # noqa: E731
        wait_until(lambda: where().confidence == CORRECTED, "a place for bold", 15)
        click(calc, where())
        wait_until(lambda: "checked" in the(tree.read(), "toggle button", "Bold").states, "bold to be on", 10)


@office
def test_gtk_widgets_amid_what_libreoffice_draws_stay_where_they_are(calc: PrivateDesktop) -> None:
    with open_tree(calc.display) as tree:
        cell = next(e for e in tree.read().showing if e.role == "text" and e.text == "A1")
        click(calc, cell)
        wait_until(lambda: "focused" in tree.read().by_id[cell.id].states, "the name box to have the focus", 10)
    assert cell.confidence >= CORRECTED


@office
def test_the_picture_bears_out_the_corrected_places_and_no_others(calc: PrivateDesktop) -> None:
    shot = anyio.run(calc.screenshot)
    picture = decode(shot.image)
    with open_tree(calc.display) as tree:
        reading = tree.read()
    buttons = [e for e in reading.showing if e.window and e.confidence == CORRECTED and e.role.endswith("button")]
    assert len(buttons) > 20
    proven = [e for e in buttons if checked(e, picture, shot.space).confidence > TRUSTED]
    assert len(proven) >= 0.9 * len(buttons)
    for wrong in (-25, -12, 12):
        moved = [_moved(element, wrong) for element in buttons]
        fooled = [e for e in moved if checked(e, picture, shot.space).confidence > DOUBTFUL]
        assert len(fooled) <= 0.03 * len(buttons)


def _moved(element: Element, down: int) -> Element:
    from dataclasses import replace

    assert element.region is not None
    region = element.region
    return replace(element, region=Region(region.left, region.top + down, region.width, region.height))


@office
def test_the_whole_office_is_read_and_no_sheet_is_gone_through(calc: PrivateDesktop) -> None:
    with open_tree(calc.display) as tree:
        tree.read()
        seconds = min(tree.read().seconds for _ in range(3))
        reading = tree.read()
    assert seconds < 0.8  # 0.1 on an idle machine
    assert 100 < len(reading.elements) < 1000
    assert reading.notes == ()
    assert [e.name for e in reading.showing if e.role == "menu"].count("File") == 1, "not the shadow of the menu bar"


# Regions and queries -----------------------------------------------------------------------------------------------


def nodes(*told: tuple[str, str, str, Region]) -> dict[str, Node]:
    """Made-up nodes: path, parent, role, region."""
    made = {path: Node(path, parent, number, role=role) for number, (path, parent, role, _) in enumerate(told)}
    for path, _, _, region in told:
        made[path].region, made[path].showing, made[path].states = region, True, frozenset({"showing"})
    return made


def office_window(native: int) -> list[tuple[str, str, str, Region]]:
    """A window with a pane that its program draws, and two native widgets in it, told `native` pixels lower."""
    return [
        ("/w", "/root", "frame", Region(0, 0, 800, 720)),
        ("/panel", "/w", "panel", Region(0, 20 + native, 800, 670)),
        ("/pane", "/panel", "root pane", Region(0, 20, 800, 670)),
        ("/a", "/pane", "panel", Region(10, 50, 200, 30)),
        ("/b", "/pane", "panel", Region(300, 90, 120, 24)),
        ("/x", "/pane", "push button", Region(500, 40, 30, 30)),
        ("/na", "/a", "viewport", Region(10, 50 + native, 200, 30)),
        ("/nb", "/b", "viewport", Region(300, 90 + native, 120, 25)),
        ("/ne", "/na", "entry", Region(12, 52 + native, 190, 26)),
    ]


def told(made: dict[str, Node], toolkit: str = "gtk") -> dict[str, Element]:
    found = elements_of(bus_name=":1.1", root="/root", application="soffice", toolkit=toolkit, nodes=made)
    return {element.id.removeprefix(":1.1"): element for element in found}


@pytest.mark.parametrize("error", [0, 25, 31])
def test_the_error_of_drawn_widgets_is_measured(error: int) -> None:
    found = told(nodes(*office_window(error)))
    assert found["/x"].region == Region(500, 40 + error, 30, 30)
    assert found["/x"].confidence == CORRECTED
    assert found["/ne"].region == Region(12, 52 + error, 190, 26)
    assert found["/ne"].confidence == (TRUSTED if error else CORRECTED)


@pytest.mark.parametrize("missing", [("/na", "/nb", "/ne"), ("/panel", "/nb")])
def test_an_error_that_shows_at_one_place_only_is_a_guess(missing: tuple[str, ...]) -> None:
    found = told(without(missing))
    assert found["/x"].region == Region(500, 65, 30, 30)
    assert found["/x"].confidence == GUESSED


def without(missing: tuple[str, ...]) -> dict[str, Node]:
    """The window without some of its widgets."""
    made = nodes(*[row for row in office_window(25) if row[0] not in missing])
    for node in made.values():
        node.parent = "/w" if node.parent in missing else node.parent
    return made


def test_an_error_that_cannot_be_measured_is_marked() -> None:
    lonely = ("/na", "/nb", "/ne", "/panel")
    found = told(without(lonely))
    assert found["/x"].region == Region(500, 40, 30, 30)
    assert found["/x"].confidence == DOUBTFUL
    assert told(without(lonely), toolkit="J2SE-access-bridge")["/x"].confidence == TRUSTED


def test_a_tree_that_bites_its_tail_ends() -> None:
    place = Region(0, 0, 10, 10)
    made = nodes(("/w", "/root", "frame", place), ("/a", "/b", "panel", place), ("/b", "/a", "panel", place))
    assert set(told(made)) == {"/w"}


def test_regions_on_a_screenshot() -> None:
    space = Space(Region(100, 0, 400, 200), 800, 400)
    assert on_image(Region(150, 10, 20, 10), space) == Region(100, 20, 40, 20)
    assert on_image(Region(90, -10, 20, 20), space) == Region(0, 0, 20, 20)
    assert on_image(Region(0, 0, 100, 10), space) is None


def element(role: str, name: str, left: int = 10, **more: object) -> Element:
    made = Element(
        f"/{role}/{name}/{left}", "", 1, role, name, region=Region(left, 10, 50, 20), confidence=TRUSTED, acts=True
    )
    from dataclasses import replace

    return replace(made, **{"states": frozenset({"showing"}), **more})


DESK = (
    element("push button", "Save As…", 10),
    element("push button", "Save", 70),
    element("label", "Save", 130, acts=False),
    element("menu item", "save", 190),
    element("entry", "", 250, text="unsaved"),
    element("push button", "Autosave", 310),
    element("push button", "Save", 370, states=frozenset({"visible"})),
    element("push button", "Save", 430, region=None),
)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Save", ["push button Save", "label Save", "menu item save", "push button Save As…", "push button Autosave"]),
        ("button:save as", ["push button Save As…"]),
        ("menu:save", ["menu item save"]),
        ("entry:", ["entry "]),
        ("field: saved", ["entry "]),
        ("Note: Save", []),
        ("nothing", []),
        ("…", []),
        ("", []),
    ],
)
def test_queries(query: str, names: list[str]) -> None:
    found = [f"{hit.element.role} {hit.element.name}" for hit in match_elements(DESK, query)]
    assert found[: len(names)] == names
    assert bool(found) == bool(names)


def test_what_is_found_has_a_region_on_the_picture_and_a_runner_up() -> None:
    found = find_element(DESK, "button:Save", Space(Region(0, 0, 500, 100), 1000, 200))
    assert found is not None
    assert found.region == Region(140, 20, 100, 40)
    assert found.confidence == TRUSTED
    assert 0 < found.runner_up < found.confidence
    assert find_element(DESK, "button:Save", Space(Region(600, 0, 500, 100), 1000, 200)) is None


def test_the_active_window_goes_first() -> None:
    back = element("frame", "Back")
    front = element("frame", "Front", states=frozenset({"showing", "active"}))
    behind = element("push button", "OK", 10, parent=back.id, depth=2)
    before = element("push button", "OK", 90, parent=front.id, depth=2)
    assert [hit.element for hit in match_elements([back, behind, front, before], "OK")] == [before, behind]


def test_what_merely_holds_a_hit_is_left_out() -> None:
    outer = element("panel", "Styles", acts=False)
    inner = element("push button", "Styles", 12, parent=outer.id)
    assert [hit.element for hit in match_elements([outer, inner], "Styles")] == [inner]
