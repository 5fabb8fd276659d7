"""Chat models through the whole of Deskhand: what each family writes ends on the pixel that it saw."""

from __future__ import annotations

import base64
import io
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from PIL import Image, ImageChops

from tests.support.chat_server import Body, Completion, Failure, calls, chat_server, says, told
from tests.support.command import Deskhand

SUPPORT = Path(__file__).parents[1] / "support"
CLICKS = 3
Writes: TypeAlias = Callable[[float, float, tuple[int, int]], Completion]


def the_red_one(body: Body) -> tuple[float, float, tuple[int, int]]:
    """Where the target is on the newest picture, and how large that is."""
    parts = [part for message in body["messages"] if message["role"] == "user" for part in message["content"]]
    url = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"][-1]
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
        red, green, blue = picture.convert("RGB").split()
    excess = np.asarray(ImageChops.subtract(red, ImageChops.lighter(green, blue)), dtype=np.float64)
    rows, columns = np.nonzero(excess > 40)
    assert len(rows) > 1, "there is no target on the picture"
    weights = excess[rows, columns]
    return float(np.average(columns, weights=weights)), float(np.average(rows, weights=weights)), picture.size


def pixels_of_the_picture(x: float, y: float, _: tuple[int, int]) -> Completion:
    return says(f"Thought: The square is there.\nAction: click(start_box='({x:.0f},{y:.0f})')")


def thousandths_through_the_server(x: float, y: float, size: tuple[int, int]) -> Completion:
    point = [round(x * 1000 / (size[0] - 1)), round(y * 1000 / (size[1] - 1))]
    return calls(("computer_use", {"action": "left_click", "coordinate": point}), content="I click it.")


@pytest.mark.parametrize(
    ("model", "factor", "writes", "broken", "end", "near"),
    [
        (
            "UI-TARS-1.5-7B",
            28,
            pixels_of_the_picture,
            says("Action: click(start_box='(9999,5)')"),
            says("Thought: All hit.\nAction: finished(content='All hit.')"),
            1.5,
        ),
        pytest.param(
            *("Qwen3.8-27B", 32, thousandths_through_the_server, calls(("computer_use", "{")), says("All hit."), 1.5),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_it_sees_is_what_it_hits(
    tmp_path: Path, model: str, factor: int, writes: Writes, broken: Completion, end: Completion, near: float
) -> None:
    log = tmp_path / "home" / "hits"  # where programs of the private desktop may write

    def script(body: Body) -> Completion:
        """One answer that cannot be read, then one click after the other."""
        turn = sum(message["role"] == "assistant" for message in body["messages"])
        return broken if turn == 0 else end if turn > CLICKS else writes(*the_red_one(body))

    with chat_server(script, factor=factor) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(SUPPORT / "targets.py"), str(log), model])
        ran = deskhand("run", "Hit the red squares", "--model", model, "--size", "1366x768", "--open", program)
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert server.refusals == [] and server.rewrites == []
        assert sum("could not be carried out" in text for text in told(server.requests[-1])) == 1
        assert "[User] Hit the red squares\n" in told(server.requests[0])
    hits: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    errors = [max(abs(hit["hit"][axis] - hit["target"][axis]) for axis in (0, 1)) for hit in hits]
    assert len(errors) == CLICKS and max(errors) <= near, errors
    started, *_, ended = deskhand.journal
    assert started["dialect"] and (ended["outcome"], ended["reason"]) == ("done", "All hit.")
    assert ended["usage"]["cost_usd"] == 0.0
    assert deskhand.leftovers == []


@pytest.mark.slow
def test_the_dialect_that_a_session_began_with_stays(tmp_path: Path) -> None:
    """However the session is resumed; and what the user says goes on as theirs."""
    with chat_server(lambda body: says('{"thought": "x", "actions": [{"type": "done", "text": "ready"}]}')) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_BASE_URL=server.url)
        ran = deskhand("run", "Work", "--model", "house-model", "--dialect", "json-pixels", "--size", "800x600")
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert deskhand.journal[0]["dialect"] == "json-pixels"
        resumed = deskhand("resume", "last", "and now this")
        assert resumed.returncode == 0, resumed.stderr[-2000:]
        assert any("and now this" in text and text.startswith("[User]") for text in told(server.requests[-1]))
        assert server.refusals == [] and server.rewrites == []


@pytest.mark.slow
def test_a_conversation_that_has_become_too_long_for_a_small_model_goes_on(tmp_path: Path) -> None:
    summary = "The user wants clicks. Some were made on the empty desktop, and there is more to do."
    refusal = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens."
    asked: list[int] = []

    def script(body: Body) -> Completion | Failure:
        asked.append(len(asked))
        if len(asked) == 5:
            return Failure(400, {"error": {"message": refusal, "code": 400}})
        if len(asked) == 6:
            return says(f"Thought: x\nAction: finished(content='{summary}')")
        if len(asked) > 7:
            return says("Action: finished(content='ready')")
        return says(f"Action: click(start_box='({100 + 20 * len(asked)},50)')")

    with chat_server(script, factor=28) as server:
        deskhand = Deskhand(tmp_path / "home", OPENAI_BASE_URL=server.url)
        ran = deskhand("run", "Click", "--model", "ui-tars-1.5-7b", "--size", "800x600")
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert server.refusals == []
        assert any(summary in text for text in told(server.requests[-1]))
    [compacted] = [line for line in deskhand.journal if line["type"] == "compacted"]
    assert compacted["by"] == "model"
