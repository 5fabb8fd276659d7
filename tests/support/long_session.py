"""A session of any number of turns against a server that speaks the Responses API, in a process of its own.

    python -m tests.support.long_session FOLDER URL KEY TURNS [--compact-at TOKENS] [--size WxH] [--resume]

The screen is drawn: a sheet in which each click changes a cell. At its end it prints one JSON object: how it ended, its
memory over the turns, and how long opening and resuming took. What the server has counted is in `Server.lengths`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from actuators.actions import Action, Click, located
from agent.events import Entry, SessionStarted, TurnEnded, TurnStarted
from agent.journal import FileJournal, reopen
from agent.loop import Loop, Setting
from agent.models.responses import ResponsesModel
from agent.session import Session, create_session, find_session
from agent.state import State
from agent.testing import FakeComputer, MemoryInbox
from agent.wording import INSTRUCTIONS
from perception.screenshot import Screenshot, Space
from tests.support.openai_script import Body, Scripted, actions, final
from tests.support.openai_server import Server

EVERY = 20  # turns between two looks at the memory
MODEL = "gpt-6.1-terra"
TASK = "Fill every cell of the sheet, row by row."
COLUMNS = 30
CELLS = 150  # that are painted: then the first ones again, so that pictures do not grow for ever


def script(turns: int) -> Callable[[Body], Scripted]:
    """As many clicks as turns, each at a place of its own; then the end."""
    count = 0

    def answer(body: Body) -> Scripted:
        nonlocal count
        if body.get("tool_choice") == "none":
            return final(f"{count} cells are filled, row by row. The next one comes after these. Nothing is saved yet.")
        count += 1
        if count > turns:
            return final("Every cell is filled.")
        place = {"x": 20 + count % COLUMNS * 30, "y": 40 + count // COLUMNS * 12, "button": "left"}
        return actions({"type": "click"} | place, reasoning=f"Cell {count} is empty; it is next. The row is half full.")

    return answer


def work(folder: Path, server: Server, turns: int, *options: str, timeout: float = 1800) -> dict[str, Any]:
    """Run a session of that many turns in a process of its own, to its end; what it prints."""
    module = [sys.executable, "-m", "tests.support.long_session"]
    command = [*module, str(folder), server.url, server.key, str(turns), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclass
class Sheet(FakeComputer):
    """A sheet on the screen; a click fills a cell."""

    width: int = 1440
    height: int = 900
    _picture: Any = field(default=None, repr=False)

    async def perform(self, action: Action, space: Space) -> None:
        """Fill a cell."""
        import cv2

        self.performed.append(located(action, space.to_screen))
        if isinstance(action, Click):
            number = len(self.performed)
            x, y = 20 + number % CELLS % COLUMNS * 30, 40 + number % CELLS // COLUMNS * 12
            shade = (37 * number % 256, 80, 160)
            cv2.rectangle(self._drawn(), (x, y), (x + 26, y + 9), shade, -1)
            cv2.putText(self._drawn(), f"{number}", (x, y + 9), 0, 0.3, (0, 0, 0))
        await anyio.lowlevel.checkpoint()

    async def screenshot(self) -> Screenshot:
        """The sheet as it is."""
        import cv2

        self.looks += 1
        data = cv2.imencode(".png", self._drawn(), [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
        return Screenshot(data, "image/png", self.space, time.time(), changed=0.01)

    def _drawn(self) -> Any:
        import cv2
        import numpy as np

        if self._picture is None:
            self._picture = np.full((self.height, self.width, 3), 246, np.uint8)
            for row in range(0, self.height, 24):
                cv2.putText(
                    self._picture, f"row {row} Quarter total of the region", (8, row + 18), 0, 0.4, (60, 60, 60)
                )
                cv2.line(self._picture, (0, row), (self.width, row), (210, 210, 210), 1)
        return self._picture


class Memory:
    """What a journal's observer notes: resident memory, every so many turns."""

    def __init__(self) -> None:
        self.megabytes: dict[int, float] = {}
        self.first_request = 0.0
        self._turn = 0

    def __call__(self, entry: Entry, _line: bytes) -> None:
        """An event was written down."""
        if isinstance(entry.event, TurnStarted) and not self.first_request:
            self.first_request = time.perf_counter()
        if isinstance(entry.event, TurnEnded):
            self._turn = entry.event.turn
            if self._turn % EVERY == 0:
                self.megabytes[self._turn] = resident()


def resident() -> float:
    """Megabytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def main() -> None:
    """Run a session to its end, or go on with one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("turns", type=int)
    parser.add_argument("--compact-at", type=int)
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--resume", action="store_true")
    flags = parser.parse_args()
    memory = Memory()
    began, busy = time.perf_counter(), time.process_time()
    session, journal, state = _opened(flags.folder, resume=flags.resume)
    opened, cpu = time.perf_counter(), time.process_time() - busy
    journal.subscribe(memory)
    end = anyio.run(_run, flags, journal, state)
    journal.close()
    told = {"outcome": end, "megabytes": memory.megabytes, "peak": _peak(), "items": len(state.items)}
    told |= {"turns": state.turns, "usage": state.usage.input_tokens, "compactions": state.length.compactions}
    told |= {
        "opened": round(opened - began, 3),
        "opened_cpu": round(cpu, 3),
        "resumed": round(memory.first_request - began, 3),
    }
    print(json.dumps(told | {"journal": session.events.stat().st_size, "session": session.id}))


def _opened(folder: Path, *, resume: bool) -> tuple[Session, FileJournal, State]:
    if resume:
        session = find_session(folder, "last")
        entries, journal = reopen(session)
        return session, journal, State.of(entries)
    session = create_session(folder)
    journal = FileJournal(session)
    started = SessionStarted(session.id, TASK, MODEL, "desktop", INSTRUCTIONS)
    return session, journal, State.of([journal.append(started)])


async def _run(flags: argparse.Namespace, journal: FileJournal, state: State) -> str:
    width, height = (int(side) for side in flags.size.split("x"))
    model = ResponsesModel(MODEL, api_key=flags.key, base_url=flags.url)

    async def open_computer() -> Sheet:
        return Sheet(width, height)

    try:
        loop = Loop(
            model=model,
            open_computer=open_computer,
            journal=journal,
            inbox=_Silent(),
            state=state,
            setting=Setting(compact_at=flags.compact_at),
        )
        return (await loop.run()).outcome
    finally:
        await model.aclose()


class _Silent(MemoryInbox):
    async def wait(self) -> None:
        """Nobody says anything."""
        await anyio.sleep_forever()


def _peak() -> float:
    """The most that this process ever had; `ru_maxrss` would count who started it."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1e3, 1)


if __name__ == "__main__":
    main()
