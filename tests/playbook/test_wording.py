"""What Deskhand tells a model after a turn, in its own words, is what the playbook model reads in it."""

from __future__ import annotations

from agent import wording
from agent.models.playbook import CUT_SHORT, FAILED, REFUSED, WORKSPACE
from agent.state import Turn
from agent.values import ScreenCall

CALL = ScreenCall("c", ({"type": "click", "x": 1, "y": 2}, {"type": "wait"}, {"type": "wait"}))


def told(done: dict[tuple[str, int], str], halted: str = "", fault: str = "") -> str:
    turn = Turn(1, (CALL,), done=done, started={key: {} for key in done})
    return wording.outcome_of(turn, halted, {"c": fault} if fault else {})


def test_a_batch_that_was_cut_short() -> None:
    found = CUT_SHORT.search(told({("c", 0): "", ("c", 1): ""}, halted="the user paused"))
    assert found and found[1] == "2"


def test_an_action_that_failed() -> None:
    found = FAILED.search(told({("c", 0): "", ("c", 1): "no such key"}))
    assert found and (found[1], found[2].startswith("no such key")) == ("2", True)


def test_a_batch_that_was_refused() -> None:
    found = REFUSED.search(told({}, fault="Nothing was carried out: action 1 of 3: unknown."))
    assert found and "action 1 of 3" in found[1]


def test_a_batch_that_was_carried_out_needs_no_words() -> None:
    assert told({("c", 0): "", ("c", 1): "", ("c", 2): ""}) == ""


def test_the_workspace() -> None:
    found = WORKSPACE.search(wording.INSTRUCTIONS + wording.workspace_note("/some where/files"))
    assert found and found[1] == "/some where/files"
