"""How soon a private desktop has a LibreOffice Calc that can be used: from nothing, made anew, and several at once.

`python -m tests.bench.bench_desktop [ROUNDS]`. Usable: its window is there and painted, and a key that is pressed shows
in the cell. Without and with a sandbox, with a profile that is made at its first start and with a ready one.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import numpy as np
from anyio import to_thread

from actuators.actions import Keypress
from actuators.hands import open_hands
from perception.frames import Frame
from perception.screen import Screen, open_screen
from tests.bench.figure import Figure, show
from vm import profiles, sandbox, warden
from vm.desktop import PrivateDesktop, open_desktop

ROUNDS = 10
COLD_ROUNDS = 3
AT_ONCE = (1, 2, 4, 8)
SIZE = (1920, 1080)
PATIENCE = 60.0
KEY_SECONDS = 0.3  # until a key that was pressed is pressed again: the first may come before the window has the focus
POLL = 0.005
COLOURS = 40  # of a Calc that is painted, at least
CELL = 0.005  # of the screen, at most, changes with one digit
TO_REACH = {False: 1.2, True: 2.0}


def figures(rounds: int = ROUNDS) -> list[Figure]:
    """Measure everything, in some minutes."""
    with tempfile.TemporaryDirectory(prefix="bench-desktop-") as home, _home(Path(home)):
        anyio.run(_make_profile)  # and everything has been read from disk once
        found: list[Figure] = []
        for walled in (False, True):
            with _sandboxes(walled):
                found += _starts(rounds, walled)
        return [*found, *_cold(), *_at_once()]


def _starts(rounds: int, walled: bool) -> list[Figure]:
    where = "in a sandbox" if walled else "without a sandbox"
    ready = [_one() for _ in range(rounds)]
    with _without_profiles():
        first = [_one() for _ in range(rounds)]
    again = _resets(rounds)
    limit = TO_REACH[walled]
    return [
        _figure(f"nothing → usable Calc, ready profile, {where}", ready, limit),
        _figure(f"nothing → usable Calc, new profile, {where}", first),
        _figure(f"reset → usable Calc, {where}", again, limit),
    ]


def _cold() -> Iterator[Figure]:
    """With nothing of it in memory; only root can bring that about."""
    if os.geteuid() != 0:
        return
    seconds: list[float] = []
    for _ in range(COLD_ROUNDS):
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        seconds.append(_one())
    yield _figure("the same with cold files", seconds)


def _at_once() -> Iterator[Figure]:
    for count in AT_ONCE:
        seconds, bytes_each = anyio.run(_several, count)
        value = f"{seconds:.2f} s, {bytes_each / 1e6:.0f} MB each"
        yield Figure(f"{count} at once, all with a usable Calc", value, note="proportional share of memory, X included")


async def _make_profile() -> None:
    with tempfile.TemporaryDirectory() as folder:
        desktop = await open_desktop(SIZE, workspace=Path(folder))
        try:
            await desktop.open("localc")
            if maker := desktop._maker:  # pyright: ignore[reportPrivateUsage]
                await to_thread.run_sync(maker.wait)
        finally:
            await desktop.aclose()
    if not any(profiles.profiles_home().iterdir()):
        raise RuntimeError("no ready profile was made")


def _one() -> float:
    """Seconds from nothing to a Calc that can be used."""

    async def main() -> float:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            desktop = await open_desktop(SIZE, workspace=Path(folder))
            try:
                return await to_thread.run_sync(_usable, desktop) - began
            finally:
                await desktop.aclose()

    return anyio.run(main)


def _resets(rounds: int) -> list[float]:
    async def main() -> list[float]:
        seconds: list[float] = []
        with tempfile.TemporaryDirectory() as folder:
            desktop = await open_desktop(SIZE, workspace=Path(folder))
            try:
                await to_thread.run_sync(_usable, desktop)
                for _ in range(rounds):
                    began = time.monotonic()
                    await desktop.reset()
                    seconds.append(await to_thread.run_sync(_usable, desktop) - began)
            finally:
                await desktop.aclose()
        return seconds

    return anyio.run(main)


async def _several(count: int) -> tuple[float, float]:
    """Seconds until all are usable, and bytes that each takes then."""
    desktops: list[PrivateDesktop] = []

    async def one(folder: Path) -> None:
        desktop = await open_desktop(SIZE, workspace=folder)
        desktops.append(desktop)
        await to_thread.run_sync(_usable, desktop)

    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        try:
            async with anyio.create_task_group() as tasks:
                for number in range(count):
                    tasks.start_soon(one, Path(folder, str(number)))
            seconds = time.monotonic() - began
            return seconds, statistics.mean(_bytes(desktop) for desktop in desktops)
        finally:
            for desktop in desktops:
                await desktop.aclose()


def _usable(desktop: PrivateDesktop) -> float:
    """Start Calc; the moment at which a key showed in its cell."""
    stage = desktop._stage  # pyright: ignore[reportPrivateUsage]
    words = ["localc", "--norestore", "--nologo", "--nofirststartwizard"]
    log = stage.place.log("calc")
    stage.programs.spawn(words, environment=stage.environment, cwd=desktop.workspace, log=log)
    deadline = time.monotonic() + PATIENCE
    with open_screen(desktop.display) as screen, open_hands(desktop.display) as hands:
        while time.monotonic() < deadline:
            before = screen.grab()
            if _painted(before):
                hands.perform(Keypress(("7",)))
                if _shows(screen, before):
                    return time.monotonic()
            time.sleep(POLL)
    raise TimeoutError("LibreOffice Calc cannot be used")


def _painted(frame: Frame) -> bool:
    blue, green, red = (frame[::4, ::4, channel].astype(np.int64) for channel in range(3))
    return len(np.unique(blue + 256 * green + 65536 * red)) >= COLOURS


def _shows(screen: Screen, before: Frame) -> bool:
    """Whether, soon, a little and only a little has changed, and not what LibreOffice itself is still painting."""
    until = time.monotonic() + KEY_SECONDS
    while time.monotonic() < until:
        changed = np.count_nonzero(screen.grab()[:, :, 1] != before[:, :, 1]) / before[:, :, 1].size
        if changed >= CELL:
            return False
        if changed > 0:
            return True
        time.sleep(POLL)
    return False


def _bytes(desktop: PrivateDesktop) -> float:
    total = 0
    for pid in warden.marked(Path(desktop.environment["HOME"]).parent.name):
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return float(total)


@contextmanager
def _home(folder: Path) -> Generator[None]:
    before = os.environ.get("DESKHAND_HOME")
    os.environ["DESKHAND_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DESKHAND_HOME"]
        else:
            os.environ["DESKHAND_HOME"] = before


@contextmanager
def _sandboxes(wanted: bool) -> Generator[None]:
    usual: Callable[[], str] = sandbox.why_not
    sandbox.why_not = usual if wanted else lambda: "not wanted"
    try:
        yield
    finally:
        sandbox.why_not = usual


@contextmanager
def _without_profiles() -> Generator[None]:
    usual = profiles.key_of
    profiles.key_of = _no_key
    try:
        yield
    finally:
        profiles.key_of = usual


def _no_key(root: Path) -> str:
    return ""


def _figure(name: str, seconds: Sequence[float], limit: float | None = None) -> Figure:
    median = statistics.median(seconds)
    note = f"median of {len(seconds)}, {min(seconds):.2f} to {max(seconds):.2f}"
    if limit is None:
        return Figure(name, f"{median:.2f} s", note=note)
    return Figure(name, f"{median:.2f} s", f"{limit:g} s", median <= limit, note)


if __name__ == "__main__":
    show(figures(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
