"""What is ours of a turn: everything but the model, over a session of clicks on a real private desktop.

`python -m tests.bench.bench_turn [TURNS]`. The program that is clicked on changes at once; the journal is written, the
pictures are kept, and the requests go to a server on this machine that checks them.
"""

from __future__ import annotations

import shlex
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figure import Figure, show
from tests.support.command import Deskhand
from tests.support.openai_script import Body, Scripted, actions, final
from tests.support.openai_server import openai_server

TURNS = 40
TARGETS = Path(__file__).parents[1] / "support" / "targets.py"
IDLE = 0.02  # seconds; a turn that took less did nothing


def figures(turns: int = TURNS) -> list[Figure]:
    """Run one session."""
    answered: list[float] = []

    def script(body: Body) -> Scripted:
        answered.append(time.monotonic())
        calls = sum(item.get("type") == "computer_call" for item in body["input"])
        click = {"type": "click", "x": 40 + 31 * calls, "y": 60 + 17 * calls, "button": "left"}
        return final("ok") if calls == turns else actions(click)

    with tempfile.TemporaryDirectory() as home, openai_server(script) as server:
        deskhand = Deskhand(Path(home), OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        program = shlex.join([sys.executable, str(TARGETS), str(Path(home, "hits")), "7"])
        began = time.monotonic()
        ran = deskhand("run", "Click", "--size", "1920x1080", "--open", program)
        if ran.returncode:
            raise RuntimeError(f"the session failed: {ran.stderr}")
        ended = [line["ours"] for line in deskhand.journal if line["type"] == "turn.ended"]
    ours = sorted(seconds for seconds in ended if seconds > IDLE)
    note = f"journal, pictures and waiting included; slowest of {len(ours)}: {ours[-1]:.2f} s"
    return [
        Figure(
            "command → first request", f"{answered[0] - began:.2f} s", note="desktop, program and libraries included"
        ),
        Figure("ours of a turn with one click, median", f"{statistics.median(ours):.3f} s", note=note),
    ]


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else TURNS))
