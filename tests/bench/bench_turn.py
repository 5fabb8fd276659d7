"""What is ours of a turn: everything but the model, over a session of clicks and texts on a real private desktop."""

from __future__ import annotations

import shlex
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.support.command import Deskhand
from tests.support.openai_script import Body, Scripted, actions, final
from tests.support.openai_server import openai_server

TURNS = 40
TARGETS = Path(__file__).parents[1] / "support" / "targets.py"


def main() -> None:
    """Run one session and print the figures."""
    answered: list[float] = []

    def script(body: Body) -> Scripted:
        answered.append(time.monotonic())
        calls = sum(item.get("type") == "computer_call" for item in body["input"])
        click = {"type": "click", "x": 40 + 31 * calls, "y": 60 + 17 * calls, "button": "left"}
        return final("ok") if calls == TURNS else actions(click)

    with tempfile.TemporaryDirectory() as home, openai_server(script) as server:
        deskhand = Deskhand(Path(home), OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(TARGETS), str(Path(home, "hits")), "7"])
        began = time.monotonic()
        ran = deskhand("run", "Click", "--size", "1920x1080", "--open", program)
        assert ran.returncode == 0, ran.stderr
        ended = [line["ours"] for line in deskhand.journal if line["type"] == "turn.ended"]
    ours = sorted(seconds for seconds in ended if seconds > 0.02)  # the last turn does nothing
    print(f"command to first request      {answered[0] - began:.2f} s, desktop, program and client library included")
    print(
        f"ours per turn with one click  {statistics.median(ours):.3f} s median, {ours[-1]:.3f} s slowest of {len(ours)}"
    )


if __name__ == "__main__":
    main()
