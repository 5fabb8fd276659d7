"""Playing a playbook on drawn screens: what it does, what it refuses to do, and that it holds no state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.conversation import Answer, FromUser, FunctionReply, ScreenReply
from agent.errors import ModelFault
from agent.values import FunctionCall, ImageRef, ScreenCall
from agent.wording import restarted as restarted_note
from agent.wording import tool_halted
from tests.support.playing import (
    BAR,
    BOOK,
    EMPTY,
    FINISHED,
    MENU,
    TIP,
    Game,
    Screen,
    actions,
    kinds,
    play_until_it_ends,
    reason,
)

POINTING = {"click", "double_click", "triple_click", "drag", "move", "scroll"}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The playbook on disk."""
    path = tmp_path / "test.toml"
    path.write_text(BOOK, encoding="utf-8")
    return path


@pytest.fixture
def game(book: Path) -> Game:
    """A conversation that has not begun."""
    return Game(book)


def test_it_plays_from_beginning_to_end(game: Game) -> None:
    (click,) = actions(game.start(BAR))
    assert click["type"] == "click"
    assert abs(click["x"] - 82) <= 4
    assert abs(click["y"] - 28) <= 4
    second = actions(game.show(MENU))
    assert [action["type"] for action in second] == ["click", "keypress", "type"]
    assert abs(second[0]["x"] - 97) <= 5
    assert second[2]["text"] == "x.txt"
    answer = game.show(FINISHED)
    assert answer.final
    assert answer.calls == ()
    assert answer.words == "Saved /home/me/files/x.txt."
    assert answer.usage.cost_usd == 0.0
    assert answer.usage.input_tokens == answer.usage.output_tokens == 0
    said = [thought.text for thought in game.thoughts]
    assert any("I open the menu. I see it at" in text for text in said)
    assert said[-1] == answer.words


def test_the_same_conversation_gives_the_same_answer(game: Game) -> None:
    game.start(BAR)
    game.items.append(ScreenReply(game.last.calls[0].id, game.image(MENU)))
    assert game.ask() == game.ask() == game.respond()


def test_a_target_that_stands_elsewhere_is_found_at_the_second_look(game: Game) -> None:
    low = Screen(("Insert", 300, 330))
    assert kinds(game.start(low)) == ["wait"]
    (click,) = actions(game.show(low))
    assert abs(click["x"] - 322) <= 4
    assert abs(click["y"] - 338) <= 4


def test_what_moved_meanwhile_is_found_again(game: Game) -> None:
    game.start(BAR)
    moved = Screen(("Insert", 260, 220), ("Picture", 270, 260))
    assert kinds(game.show(moved)) == ["wait"]
    second = actions(game.show(moved))
    assert second[0]["type"] == "click"
    assert abs(second[0]["x"] - 297) <= 5


def test_a_late_dialog_is_waited_for(game: Game) -> None:
    game.start(BAR)
    game.show(MENU)
    for _ in range(4):
        assert kinds(game.show(MENU)) == ["wait"]
    assert game.show(FINISHED).final


def test_an_absent_target_ends_honestly_and_without_a_click(game: Game) -> None:
    game.start(EMPTY)
    answer, seen = play_until_it_ends(game, EMPTY)
    assert set(seen) == {"wait"}
    assert len(seen) == 6
    assert "step 1 of 2 (open the menu)" in reason(answer)
    assert "«Insert» is not on the screen" in reason(answer)
    assert not answer.final


def test_an_expectation_that_is_not_met_ends_honestly(game: Game) -> None:
    game.start(BAR)
    game.show(MENU)
    answer, seen = play_until_it_ends(game, MENU)
    assert not POINTING & set(seen[3:])
    assert "(choose): «Finished» did not appear" in reason(answer)


def test_a_step_that_may_be_done_again_is_done_again_once(game: Game) -> None:
    game.start(BAR)
    answer, seen = play_until_it_ends(game, BAR)
    assert seen.count("click") == 2
    assert "did not appear" in reason(answer)


def test_a_known_interruption_is_dealt_with(game: Game) -> None:
    game.start(BAR)
    assert kinds(game.show(TIP)) == ["wait"]
    assert actions(game.show(TIP)) == [{"type": "keypress", "keys": ["Escape"]}]
    assert kinds(game.show(MENU)) == ["click", "keypress", "type"]


def test_an_interruption_is_not_dealt_with_for_ever(game: Game) -> None:
    game.start(BAR)
    _, seen = play_until_it_ends(game, TIP, most=60)
    assert seen.count("keypress") == 3


def test_a_restarted_computer_starts_the_playbook_again(game: Game) -> None:
    game.start(BAR)
    game.show(MENU)
    game.note(restarted_note(()), BAR)
    assert kinds(game.respond()) == ["click"]
    assert actions(game.last)[0]["y"] < 40


@pytest.mark.parametrize(
    ("done", "left"), [(0, ["click", "keypress", "type"]), (1, ["keypress", "type"]), (2, ["type"])]
)
def test_what_a_pause_cut_short_is_carried_on(game: Game, done: int, left: list[str]) -> None:
    game.start(BAR)
    game.show(MENU)
    game.items.append(ScreenReply(game.last.calls[0].id, game.image(MENU)))
    game.note(f"The user paused: {done} of 3 actions were carried out. The other {3 - done} were not carried out.")
    assert kinds(game.respond()) == left
    if done == 1:
        game.items.append(ScreenReply(game.last.calls[0].id, game.image(MENU)))
        game.note("The user paused: 1 of 2 actions were carried out. The last action was not carried out.")
        assert kinds(game.respond()) == ["type"]
    assert game.show(FINISHED).final


def test_a_wait_that_was_cut_short_loses_nothing(game: Game) -> None:
    game.start(BAR)
    game.show(BAR)
    game.items.append(ScreenReply(game.last.calls[0].id, game.image(MENU)))
    game.note("The user paused: 0 of 1 actions were carried out. The last action was not carried out.")
    assert kinds(game.respond()) == ["click", "keypress", "type"]


@pytest.mark.parametrize(
    "note",
    ["Action 3 of 3 failed: could not type 'x' (U+0078): it went wrong.", "Nothing was carried out: no such key."],
)
def test_a_failed_action_ends_it(game: Game, note: str) -> None:
    game.start(BAR)
    game.show(MENU)
    game.items.append(ScreenReply(game.last.calls[0].id, game.image(MENU)))
    game.note(note)
    assert "step 2 (choose)" in reason(game.respond())


def test_the_users_words_are_answered_and_it_goes_on(game: Game) -> None:
    game.start(BAR)
    game.items.append(ScreenReply(game.last.calls[0].id, game.image(MENU)))
    game.items.append(FromUser("A correction: blue, please"))
    assert kinds(game.respond()) == ["click", "keypress", "type"]
    assert any("cannot take corrections" in thought.text for thought in game.thoughts if thought.kind == "words")


def edited(book: Path, old: str, new: str) -> Game:
    assert old in BOOK
    book.write_text(BOOK.replace(old, new, 1), encoding="utf-8")
    return Game(book)


def test_a_step_that_is_not_needed_is_passed_over(book: Path) -> None:
    game = edited(book, 'say = "I open', 'unless = [{ text = "Finished" }]\nsay = "I open')
    assert kinds(game.start(Screen(("Insert", 60, 20), ("Finished", 200, 300)))) == ["wait"]
    assert game.last.output[0]["step"] == 1


def test_nothing_points_off_the_screen(book: Path) -> None:
    game = edited(book, "at = [2, 3]", "at = [-200, 0]")
    game.start(BAR)
    assert "off the screen" in reason(game.show(MENU))


def test_several_playbooks_are_played_one_after_the_other(book: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(
        'title = "more"\ndone = "And more."\n[[steps]]\nname = "press"\nfind = [{ text = "Finished" }]\n'
        'do = [{ type = "click" }]\n',
        encoding="utf-8",
    )
    game = Game(Path(f"{book},{other}"))
    game.start(BAR)
    game.show(MENU)
    assert kinds(game.show(FINISHED)) == ["click"]
    assert game.show(FINISHED).words == "Saved /home/me/files/x.txt. And more."


def test_after_a_restart_only_the_playbook_under_way_starts_again(book: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(book.read_text(encoding="utf-8").replace("Picture", "Chart"), encoding="utf-8")
    game = Game(Path(f"{book},{other}"))
    game.start(BAR)
    game.show(MENU)
    game.show(Screen(("Finished", 200, 300), ("Insert", 60, 20)))
    game.note(restarted_note(()), BAR)
    assert game.respond().output[0]["playbook"] == "other"
    assert game.show(Screen(("Insert", 60, 20), ("Chart", 70, 60))).output[0]["step"] == 1


def test_pictures_and_colours_are_targets_too(book: Path) -> None:
    import cv2
    import numpy as np

    from perception.find import decode

    cv2.imwrite(str(book.parent / "insert.png"), decode(BAR.encoded())[12:42, 50:115])
    game = edited(book, '{ text = "Insert", in = ["upper", "screen"] }', '{ picture = "insert.png", in = ["upper"] }')
    (click,) = actions(game.start(BAR))
    assert abs(click["x"] - 82) <= 2
    game = edited(book, '{ text = "Insert", in = ["upper", "screen"] }', '{ colour = "#ff420e", in = ["upper"] }')
    painted = decode(BAR.encoded())
    painted[100:120, 300:340] = (14, 66, 255)
    reference = game.image(BAR)
    game.items.append(FromUser("do it", reference))
    game.keep(reference, cv2.imencode(".png", painted.astype(np.uint8))[1].tobytes())
    (click,) = actions(game.respond())
    assert (click["x"], click["y"]) == (319, 109)


def test_a_missing_workspace_is_said(book: Path) -> None:
    game = Game(book, instructions="")
    with pytest.raises(ModelFault, match="workspace"):
        game.start(BAR)


def test_a_broken_picture_is_said(game: Game) -> None:
    broken = ImageRef("0" * 64, "image/png", 1, 1)
    game.items.append(FromUser("do it", broken))
    game.keep(broken, b"junk")
    with pytest.raises(ModelFault, match="not a picture"):
        game.respond()


def steps_of(answers: Sequence[Answer]) -> list[int]:
    return [int(answer.output[0]["step"]) for answer in answers]


def test_the_position_stands_in_the_output(game: Game) -> None:
    assert steps_of([game.start(BAR), game.show(MENU)]) == [0, 1]
    assert set(game.last.output[0]["anchors"]) == {"menu"}


WITH_TOOLS = """
title = "a test"
done = "Made."

[[steps]]
name = "two tools"
use = [
    { tool = "spreadsheet", path = "a.xlsx", operations = [{ do = "set", at = "A1" }] },
    { tool = "inspect", path = "a.xlsx" },
]

[[steps]]
name = "look"
find = [{ text = "Insert" }]
do = [{ type = "click" }]
"""


@pytest.fixture
def tooled(tmp_path: Path) -> Path:
    path = tmp_path / "tooled.toml"
    path.write_text(WITH_TOOLS, encoding="utf-8")
    return path


def replied(game: Game, *failures: str) -> Answer:
    """Answer each call, with "" for one that went well."""
    for call, failure in zip(game.last.calls, failures, strict=True):
        game.items.append(FunctionReply(call.id, failure or "well", failed=bool(failure)))
    return game.respond()


def test_tools_of_a_step_are_used_together_and_the_next_step_follows(tooled: Path) -> None:
    game = Game(tooled)
    first, second = game.start(BAR).calls
    assert isinstance(first, FunctionCall) and isinstance(second, FunctionCall)
    assert (first.name, second.name) == ("spreadsheet", "inspect")
    assert json.loads(first.arguments) == {"path": "a.xlsx", "operations": [{"do": "set", "at": "A1"}]}
    assert first.id != second.id
    [click] = replied(game, "", "").calls
    assert isinstance(click, ScreenCall) and click.actions[0]["type"] == "click"


def test_a_tool_that_fails_ends_the_playbook_with_its_words(tooled: Path) -> None:
    game = Game(tooled)
    game.start(BAR)
    [end] = replied(game, "a.xlsx is open in LibreOffice.", "").calls
    assert isinstance(end, FunctionCall) and end.name == "give_up"
    assert "two tools" in end.arguments and "open in LibreOffice" in end.arguments


def test_tools_that_the_user_held_back_are_used_again(tooled: Path) -> None:
    game = Game(tooled)
    game.start(BAR)
    again = replied(game, tool_halted("the user paused"), tool_halted("the user paused"))
    assert [call.name for call in again.calls if isinstance(call, FunctionCall)] == ["spreadsheet", "inspect"]


def test_a_screen_that_changed_in_the_last_moment_is_looked_at_again(book: Path) -> None:
    game = Game(book)
    game.start(BAR)
    game.show(MENU)
    game.items.append(ScreenReply(game.last.calls[0].id, game.image(MENU)))
    game.note("Action 2 of 3 failed: another window is in front now; nothing was done, look again. The last …")
    [call] = game.respond().calls
    assert isinstance(call, ScreenCall)
    assert [action["type"] for action in call.actions] == ["keypress", "type"], "the click was carried out"
