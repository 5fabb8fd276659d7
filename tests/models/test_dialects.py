"""Every dialect with answers as its models write them, whole and broken, and what all dialects have in common."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actuators.actions import describe, parse_action
from agent import wording
from agent.dialects.dialect import Dialect, dialect, dialect_for, dialects, parsed
from agent.dialects.errors import Unreadable
from agent.dialects.hand import Hand, hand_of
from agent.dialects.points import Fit, Frame
from agent.dialects.prompt import OTHERWISE, offered, system_prompt
from agent.dialects.reading import Called, Reading, Said, Understood
from agent.values import FunctionCall, ScreenCall, Word
from tests.models.reference_resize import smart_resize

FOLDER = Path(__file__).with_name("dialects")
SCREENS = {"pixels": (1008, 1008), "0-1000": (1001, 1001), "0-999": (1000, 1000), "0-1": (1001, 1001)}
"""Where one unit is one pixel, or a thousandth of one unit is."""
NULLABLE = ["integer", "null"]
TOOLS: dict[str, Word] = {
    "inspect": {"path": {"type": "string"}, "rows": {"type": NULLABLE}},
    "spreadsheet": {"path": {"type": "string"}, "operations": {"type": "array"}},
    "give_up": {"reason": {"type": "string"}},
    "ask_user": {"question": {"type": "string"}, "choices": {"type": "array"}, "wait": {"type": "boolean"}},
}
OFFERS: list[Word] = [
    {"name": name, "description": f"Does {name}.", "parameters": {"type": "object", "properties": properties}}
    for name, properties in TOOLS.items()
]
ALL = [each.name for each in dialects()]


def reading(name: str, hand: Hand | None = None, screen: tuple[int, int] | None = None) -> Reading:
    """A reader on a screen where coordinates are pixels."""
    ways = dialect(name)
    size = screen or SCREENS[ways.units]
    frame = Frame(size, ways.fit.size(*size) if screen else size, ways.units)
    ids = iter(range(1000))
    return Reading(ways, {offer["name"]: offer for offer in OFFERS}, frame, hand or Hand(), lambda: f"c{next(ids)}")


def means(understood: Understood) -> list[str]:
    """What an answer asks for, in short."""
    told: list[str] = []
    for call in understood.calls:
        match call:
            case ScreenCall():
                told += [describe(parse_action(action)) for action in call.actions]
            case FunctionCall():
                told.append(f"{call.name} {call.arguments}")
    return told + ([f"done: {understood.words}"] if understood.final else [])


def cases(kind: str) -> list[Any]:
    """The answers of all dialects."""
    found: list[Any] = []
    for name in ALL:
        data = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
        found += [pytest.param(name, case, id=f"{name}-{number}") for number, case in enumerate(data[kind])]
    return found


def test_every_dialect_has_its_answers() -> None:
    for name in ALL:
        data = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
        assert len(data["good"]) >= 8 and len(data["broken"]) >= 6, name


@pytest.mark.parametrize(("name", "case"), cases("good"))
def test_an_answer_is_understood(name: str, case: dict[str, Any]) -> None:
    understood = reading(name).read(Said(case["text"]))
    assert (understood.fault, means(understood)) == ("", [_spoken(each) for each in case["means"]])


def _spoken(told: str) -> str:
    """Keys as Deskhand names them."""
    return told.replace("page down", "page_down")


@pytest.mark.parametrize(("name", "case"), cases("broken"))
def test_a_broken_answer_is_told_precisely_and_nothing_of_it_is_done(name: str, case: dict[str, Any]) -> None:
    understood = reading(name).read(Said(case["text"]))
    assert case["says"] in understood.fault
    assert (understood.calls, understood.final) == ((), False)
    note = understood.item["note"]
    assert understood.fault in note and dialect(name).example.strip() in note
    assert note.count(understood.fault) == 1


@pytest.mark.parametrize("name", ALL)
def test_the_example_of_a_dialect_is_right(name: str) -> None:
    screen = (1008, 1008) if dialect(name).units == "pixels" else None
    understood = reading(name, screen=screen).read(Said(dialect(name).example))
    assert understood.fault == "" and means(understood)[0].startswith("click (1")


@pytest.mark.parametrize("name", [each.name for each in dialects() if each.native])
def test_calls_of_the_server_are_read_and_answered_by_id(name: str) -> None:
    ways = dialect(name)
    click = {"qwen3.5": {"action": "left_click", "coordinate": [120, 340]}}.get(
        name, {ways.selector: "click", "x": 120, "y": 340}
    )
    write = {"qwen3.5": {"action": "type", "text": "Ada"}}.get(
        name, {ways.selector: "write" if name == "holo3.1" else "type", "text": "Ada"}
    )
    made = [
        Called(ways.function, _json(click)),
        Called(ways.function, _json(write)),
        Called("inspect", '{"path": "a"}'),
    ]
    understood = reading(name).read(Said("I write the name.", calls=tuple(made)))
    assert means(understood) == ["click (120, 340)", "type 'Ada'", 'inspect {"path": "a", "rows": null}']
    assert understood.words == "I write the name."
    ids = [call["id"] for call in understood.item["tool_calls"]]
    assert [call.id for call in understood.calls] == ids[1:], "two calls on one screen are one, and have one answer"
    assert list(understood.item["replies"]) == ids[:1]


@pytest.mark.parametrize("name", [each.name for each in dialects() if each.native])
@pytest.mark.parametrize(
    ("calls", "says"),
    [
        ([Called("computer", '{"action": "click", "x": 1')], "JSON in it is broken"),
        ([Called("inspect", '["a"]')], "no JSON object"),
        ([Called("teleport", "{}")], "there is no action 'teleport'"),
        (
            [Called("inspect", '{"path": "a"}'), Called("spreadsheet", '{"operations": "x"}')],
            "operations must be array",
        ),
    ],
)
def test_a_broken_call_of_the_server_is_answered_with_the_fault(name: str, calls: list[Called], says: str) -> None:
    understood = reading(name).read(Said("", calls=tuple(calls)))
    assert says in understood.fault and understood.calls == ()
    assert [says in told for told in understood.item["replies"].values()] == [True] * len(calls)
    for call in understood.item["tool_calls"]:
        assert isinstance(_loaded(call["arguments"]), dict), "what is sent back must be fit for any template"


def test_an_end_together_with_actions_is_not_yet_one() -> None:
    understood = reading("ui-tars-1.5").read(Said("Action: hotkey(key='ctrl s')\nfinished(content='Saved.')"))
    assert means(understood) == ["press ctrl+s"] and not understood.final
    assert "look at the result" in understood.item["note"]


def test_keys_and_buttons_in_halves_take_effect_when_the_other_half_is_there() -> None:
    def one(hand: Hand, **arguments: Any) -> tuple[list[str], Hand, str]:
        call = {"name": "computer_use", "arguments": arguments}
        understood = reading("evocua", hand).read(Said(f"<tool_call>{_json(call)}</tool_call>"))
        assert understood.fault == ""
        return means(understood), hand_of(understood.item.get("hand", {})), understood.item.get("note", "")

    told, hand, note = one(Hand(), action="key_down", keys=["ctrl"])
    assert told == ["screenshot"] and hand.held == ("ctrl",) and "nothing is held down" in note
    told, hand, _ = one(hand, action="left_click", coordinate=[10, 20])
    assert told == ["ctrl+click (10, 20)"] and hand.at == (10, 20)
    told, hand, _ = one(hand, action="left_click_drag", coordinate=[30, 40])
    assert told == ["ctrl+drag (10, 20) to (30, 40)"]
    told, hand, note = one(hand, action="key_up", keys=["ctrl"])
    assert told == ["screenshot"] and hand.held == () and note == ""
    told, hand, _ = one(Hand(), action="key_down", keys=["alt"])
    assert one(hand, action="key_up", keys=["alt"])[0] == ["press alt"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ui-tars-1.5", "Action: mail-find_all(query='x')"),
        ("kimi", "## Code:\n```python\ntools.mail_find_all(query='x')\n```"),
        ("qwen3-vl", '<tool_call>{"name": "mail-find_all", "arguments": {"query": "x"}}</tool_call>'),
        (
            "ui-tars-2",
            "<seed:tool_call><function=mail-find_all><parameter=query>x</parameter></function></seed:tool_call>",
        ),
        ("json", '{"thought": "x", "actions": [{"type": "mail-find_all", "arguments": {"query": "x"}}]}'),
    ],
)
def test_tools_of_others_may_have_hyphens_in_their_names(name: str, text: str) -> None:
    reader = reading(name)
    offer: Word = {"name": "mail-find_all", "description": "Finds.", "parameters": {"type": "object", "properties": {}}}
    reader.tools = {"mail-find_all": offer}
    assert means(reader.read(Said(text))) == ['mail-find_all {"query": "x"}']
    told = system_prompt(reader.dialect, "", [offer], None, native=False)
    assert ("- mail_find_all:" if name == "kimi" else "- mail-find_all:") in told


def test_a_pointer_that_is_no_longer_on_the_screen_is_not_used() -> None:
    call = {"name": "computer_use", "arguments": {"action": "left_click"}}
    understood = reading("qwen3-vl", Hand(at=(5000, 10))).read(Said(f"<tool_call>{_json(call)}</tool_call>"))
    assert "does not say where" in understood.fault


@settings(max_examples=30)
@given(
    st.text(max_size=300)
    | st.text("Action:click(start_box='\")<>{}[]\\n,/=tool_call function0123456789 ", max_size=200)
)
def test_no_text_breaks_a_reader(text: str) -> None:
    for name in ALL:
        understood = reading(name).read(Said(text))
        assert understood.fault or understood.calls or understood.final


def test_long_nonsense_is_read_in_good_time() -> None:
    for text in (
        "{" * 100_000,
        '{"a":' * 30_000,
        "Action: click(" * 30_000,
        "<tool_call>" * 30_000,
        "'" * 100_000,
        "(" * 50_000,
    ):
        for name in ("ui-tars-1.5", "qwen3-vl", "kimi", "json", "ui-tars-2"):
            assert len(_json(reading(name).read(Said(text)).item)) < 20_000


# ---- pictures and points


@given(st.integers(64, 8000), st.integers(64, 8000), st.sampled_from(ALL))
def test_the_servers_own_resizing_changes_nothing(width: int, height: int, name: str) -> None:
    fit = dialect(name).fit
    sent = fit.size(width, height)
    assert smart_resize(*sent, factor=fit.factor, least=fit.least, most=fit.most) == sent
    small = width * height < fit.least * 1.5 or min(width, height) < fit.factor
    if not small:
        assert sent[0] <= width and sent[1] <= height, "never larger than it was"
        stretch = (sent[0] / sent[1]) / (width / height)
        assert abs(math.log(stretch)) < 1.5 * fit.factor / min(sent)


@pytest.mark.parametrize(
    ("factor", "size", "sent"),
    [
        (28, (1920, 1080), (1904, 1064)),
        (32, (1920, 1080), (1920, 1056)),
        (28, (1440, 900), (1428, 896)),
        (28, (3840, 2160), (1904, 1064)),
    ],
)
def test_usual_screens(factor: int, size: tuple[int, int], sent: tuple[int, int]) -> None:
    fitted = Fit(factor).size(*size)
    assert fitted == sent


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(["pixels", "0-1", "0-999", "0-1000"]), st.data())
def test_points_are_on_the_screen_or_are_refused(width: int, height: int, units: Any, data: st.DataObject) -> None:
    frame = Frame((width, height), Fit().size(width, height), units)
    x, y = (data.draw(st.floats(-2000, 4000)) for _ in range(2))
    try:
        pixel = frame.pixel(x, y)
    except Unreadable as fault:
        assert "from 0 to" in str(fault)
    else:
        assert 0 <= pixel[0] < width and 0 <= pixel[1] < height


@pytest.mark.parametrize("units", ["pixels", "0-1", "0-999", "0-1000"])
def test_the_corners_are_the_corners(units: Any) -> None:
    frame = Frame((1920, 1080), (1904, 1064), units)
    top = {"pixels": (1903, 1063), "0-1": (1, 1), "0-999": (999, 999), "0-1000": (1000, 1000)}[units]
    assert (frame.pixel(0, 0), frame.pixel(*top)) == ((0, 0), (1919, 1079))
    for wrong in ((-0.01, 0), (0, top[1] + 0.5)):
        with pytest.raises(Unreadable):
            frame.pixel(*wrong)


# ---- which dialect, and what is told


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("ByteDance-Seed/UI-TARS-1.5-7B", "ui-tars-1.5"),
        ("ui-tars:latest", "ui-tars-1.5"),
        ("UI-TARS-72B-DPO", "ui-tars-1"),
        ("UI-TARS-2B-SFT", "ui-tars-1"),
        ("doubao-1-5-ui-tars-250428", "ui-tars-1"),
        ("ui-tars-2", "ui-tars-2"),
        ("qwen2.5vl:7b", "qwen2.5-vl"),
        ("Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "qwen2.5-vl"),
        ("qwen3-vl:8b-instruct", "qwen3-vl"),
        ("Qwen/Qwen3.8-27B", "qwen3.5"),
        ("qwen3.5:35b-a3b", "qwen3.5"),
        ("Hcompany/Holo1.5-7B", "holo1"),
        ("Holo2-30B-A3B", "holo2"),
        ("holo3-35b-a3b", "holo2"),
        ("Hcompany/Holo3.1-9B-GGUF", "holo3.1"),
        ("holo3-1-35b-a3b", "holo3.1"),
        ("zai-org/GLM-4.5V", "glm-v"),
        ("glm-4.6v-flash", "glm-v"),
        ("xlangai/OpenCUA-32B", "opencua"),
        ("kimi-k2.6", "kimi"),
        ("moonshotai/Kimi-K3", "kimi"),
        ("meituan/EvoCUA-32B-20260105", "evocua"),
        ("gpt-6.1-terra", None),
        ("gpt-5.6-luna-2026-03-01", None),
        ("qwen3:8b", None),
        ("gemma3:27b", None),
    ],
)
def test_a_model_gets_the_dialect_of_its_family(model: str, name: str | None) -> None:
    found = dialect_for(model)
    assert (found.name if found else None) == name


@pytest.mark.parametrize("name", ALL)
def test_the_prompt_tells_the_orders_the_actions_and_the_tools(name: str) -> None:
    ways = dialect(name)
    native = system_prompt(ways, wording.INSTRUCTIONS, OFFERS, (1288, 784), native=True)
    text = system_prompt(ways, wording.INSTRUCTIONS, OFFERS, (1288, 784), native=False)
    assert "Whose word counts" in text and "[User]" in text and "ask_user" in text
    assert "Does inspect." in text and "Does inspect." not in native
    assert ("1288" in text) == (ways.units == "pixels")
    assert not re.search(r"\{(width|height|actions|calling)\}", text)
    for others in OTHERWISE:
        assert others.strip() in wording.INSTRUCTIONS and others.strip() not in text


@pytest.mark.parametrize("name", [each.name for each in dialects() if each.native])
def test_functions_are_offered_as_the_server_wants_them(name: str) -> None:
    ways = dialect(name)
    screen, *rest = offered(ways, [offer | {"strict": True, "builtin": "shell"} for offer in OFFERS])
    assert screen["function"]["name"] == ways.function
    assert set(screen["function"]["parameters"]["properties"][ways.selector]["enum"]) <= set(ways.actions)
    assert [each["function"]["name"] for each in rest] == list(TOOLS)
    assert all(set(each["function"]) == {"name", "description", "parameters"} for each in (screen, *rest))


@pytest.mark.parametrize(
    "change",
    [
        {"actions": {"fly": "levitate"}},
        {"units": "furlongs"},
        {"syntax": ["morse"]},
        {"models": ["("]},
        {"pictuers": 3},
    ],
)
def test_a_file_that_cannot_be_right_is_refused(change: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "about": "x", "models": [], "prompt": "x", "example": "x", "calling": "x", "actions": {}, "syntax": ["calls"],
    }  # fmt: skip
    assert isinstance(parsed("x", good), Dialect)
    with pytest.raises((TypeError, ValueError, re.error)):
        parsed("x", good | change)


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _loaded(text: str) -> Any:
    import json

    return json.loads(text)
