"""Names of places, as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UserFault
from vm.places import Place, host_and_port, parse_place, place_of, usual_size


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("here", Place("here")),
        ("desktop", Place("desktop")),
        ("desktop:office", Place("desktop", "office")),
        ("vm", Place("vm")),
        ("vm:full", Place("vm", "full")),
        ("vm:/disks/Ubuntu.qcow2", Place("vm", "/disks/Ubuntu.qcow2")),
        ("osworld:127.0.0.1:5000", Place("osworld", "127.0.0.1:5000")),
        ("osworld:[::1]:5000", Place("osworld", "[::1]:5000")),
    ],
)
def test_a_place_is_read_and_written_back(text: str, place: Place) -> None:
    assert parse_place(text) == place
    assert str(place) == text


def test_a_disk_of_others_gets_its_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_place("vm:disks/a.qcow2").disk == tmp_path / "disks/a.qcow2"
    assert parse_place("vm:office").disk is None


def test_an_address_is_split() -> None:
    assert host_and_port(parse_place("osworld:10.0.0.7:15000")) == ("10.0.0.7", 15000)
    assert host_and_port(parse_place("osworld:[fe80::1]:5000")) == ("fe80::1", 5000)


@pytest.mark.parametrize(
    "text",
    [
        *("", "there", "vm:", "here:x", "vm:../x", "vm:a/b", "desktop:-rf"),
        *("osworld", "osworld:host", "osworld:host:0", "osworld:host:70000", "osworld:a b:1", "osworld:http://x:1"),
    ],
)
def test_what_names_no_place_is_refused_with_what_would(text: str) -> None:
    with pytest.raises(ValueError, match=r"vm:IMAGE|osworld:HOST:PORT|deskhand vm list"):
        parse_place(text)
    with pytest.raises(UserFault):
        place_of(text)


@given(st.text())
def test_whatever_is_read_is_written_back_the_same(text: str) -> None:
    try:
        place = parse_place(text)
    except ValueError:
        return
    assert parse_place(str(place)) == place


def test_only_screens_of_our_own_have_a_usual_size() -> None:
    sizes = {text: usual_size(parse_place(text)) for text in ("here", "desktop", "vm", "vm:/a.qcow2", "osworld:h:1")}
    assert sizes == {"here": None, "desktop": (1440, 900), "vm": (1920, 1080), "vm:/a.qcow2": None, "osworld:h:1": None}
