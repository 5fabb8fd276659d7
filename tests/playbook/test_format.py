"""The format of playbooks: what is right is read, what is wrong is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import UserFault
from agent.playbook import Place, aimed_at, filled, known, load_playbook
from perception.screenshot import Region

HEAD = 'title = "a test"\ndone = "Done: {file}."\n[parameters]\nfile = "x.txt"\n'
STEP = '[[steps]]\nname = "press it"\nfind = [{ text = "OK" }]\ndo = [{ type = "click" }]\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["budget", "deck"])
def test_the_playbooks_that_come_with_it_are_right(name: str) -> None:
    book = load_playbook(name)
    assert book.name == name
    assert name in known()
    assert book.interruptions
    assert book.parameters["workspace"] == ""


@pytest.mark.parametrize("name", ["budget", "deck"])
def test_pointing_steps_look_for_what_they_point_at(name: str) -> None:
    for step in load_playbook(name).steps:
        if any(action["type"] in ("click", "double_click", "drag") for action in step.do):
            assert step.find, step.name


def test_a_small_playbook(tmp_path: Path) -> None:
    book = load_playbook(written(tmp_path, HEAD + STEP))
    assert book.steps[0].find[0].text == "OK"
    assert book.filled_in({"file": "y.txt"}).done == "Done: y.txt."


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (STEP.replace("find", "fnd"), "step 'press it': fnd"),
        (STEP.replace('find = [{ text = "OK" }]', ""), "points at something"),
        (STEP.replace('"click"', '"clack"'), "unknown action type 'clack'"),
        (STEP.replace('"click"', '"drag"'), "step 'press it': action 1 .drag. needs 'by'"),
        (STEP.replace('"click"', '"type", text = "{nme}"'), "{nme} is not among the parameters"),
        (STEP.replace('"click"', '"keypress", keys = ["hyperdrive"]'), "hyperdrive"),
        (STEP.replace('"OK" }', '"OK", in = ["attic"] }'), "there is no place 'attic'"),
        (STEP.replace('text = "OK"', 'text = "OK", colour = "#ff0000"'), "exactly one of"),
        (STEP.replace('text = "OK"', 'picture = "ok.png"'), "no picture 'ok.png'"),
        (STEP.replace('"OK"', '"OK", pick = "prettiest"'), "step 'press it': find: 0: pick"),
        (STEP.replace('name = "press it"\n', ""), "step number 1: name"),
        (
            "[places.bar]\nanchor = 'menu'\nbox = [0, 0, 9, 9]\n" + STEP.replace('"OK"', '"OK", in = ["bar"]'),
            "needs 'menu'",
        ),
        ("[places.bar]\nanchor = 'menu'\n" + STEP, "either `anchor` and `box`, or `part`"),
        ("[places.bar]\npart = [0, 0, 2, 1]\n" + STEP, "places: bar: part"),
        (STEP + "as = 3\n", "step 'press it': as"),
        ('steps = []\ntitle = "t"\ndone = "d"\n', "steps"),
        ("", "steps"),
        ("[[", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(UserFault, match=complaint) as error:
        load_playbook(written(tmp_path, text if text.startswith("steps") else HEAD + text))
    assert str(error.value).startswith("playbook mine.toml")
    assert "\n" not in str(error.value)


def test_a_playbook_that_is_not_there() -> None:
    with pytest.raises(UserFault, match="budget, deck"):
        load_playbook("bugdet")
    with pytest.raises(UserFault, match="no playbook"):
        load_playbook("/nowhere/at/all.toml")


def test_filling_in_leaves_other_braces_alone() -> None:
    assert filled("{a}/{b} {} {1} {c", {"a": "x", "1": "y"}) == "x/{b} {} y {c"


def test_where_a_place_is() -> None:
    screen = Region(0, 0, 1000, 500)
    assert Place(part=(0.1, 0.2, 0.5, 1.0)).region(screen, {}) == Region(100, 100, 400, 400)
    beside = Place(anchor="menu", box=(-10, 20, 300, 40))
    assert beside.region(screen, {}) is None
    assert beside.region(screen, {"menu": Region(50, 60, 9, 9)}) == Region(40, 80, 300, 40)


def test_aiming() -> None:
    assert aimed_at({"type": "click", "at": [3, -4]}, 100, 50) == {"type": "click", "x": 103, "y": 46}
    assert aimed_at({"type": "type", "text": "a"}, 100, 50) == {"type": "type", "text": "a"}
    drag = aimed_at({"type": "drag", "by": [-10, 20]}, 100, 50)
    assert drag["path"] == [{"x": 100, "y": 50}, {"x": 90, "y": 70}]
