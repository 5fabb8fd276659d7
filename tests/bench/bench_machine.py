"""Virtual machines: resets, many from one snapshot, pictures of the screen, and a long row of resets under use."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.errors import UserFault
from perception.encode import encode
from perception.frames import Frame, share_changed
from tests.bench.figure import Figure, show
from vm.guest_client import GuestClient
from vm.image.store import Image, find_image
from vm.machine import SAME, Machine, Pool, open_machine
from vm.qemu import snapshot as snapshots
from vm.qemu.arguments import SIZE
from vm.qemu.pictures import to_frame
from vm.qemu.source import Source

SCREEN_SECONDS, ANSWER_SECONDS = 0.25, 0.5
PICTURE_MS, AGAIN_MS = 35.0, 10.0
ALL_SECONDS, OWN_MB = 6.0, 300.0
LEAST_FREE_MB = 2048  # of the host's memory; with less, no further machines are forked
USE = (
    "head -c 4000000 /dev/urandom > /tmp/used; cp /tmp/used /var/tmp/used; sync; "
    "ls -lR /etc /usr/share/applications | tail -n 1"
)


def figures(rounds: int = 10, most: int = 16, soak: int = 300, image: Image | Source | None = None) -> list[Figure]:
    """Medians of `rounds`; up to `most` machines at once; `soak` resets in a row."""
    chosen = image or find_image()
    with open_machine(chosen, say=print) as machine:
        how = f"{machine.source.name}, {machine.accelerator}, load {os.getloadavg()[0]:.1f}"
        print(f"   {how}", flush=True)
        found = [*_resets(machine, rounds), *_pictures(machine, rounds), _soak(machine, soak)]
    found += _swaps(chosen, rounds)
    found += _curve(chosen, most)
    return found


def _resets(machine: Machine, rounds: int) -> list[Figure]:
    screens, answers = _times(machine, rounds)
    return [
        _seconds("reset: the right desktop on the screen, checked", screens, SCREEN_SECONDS),
        _seconds("reset: the guest answers, with an identity of its own", answers, ANSWER_SECONDS),
    ]


def _times(machine: Machine, rounds: int, before: Callable[[], object] = lambda: None) -> tuple[list[float], ...]:
    """Of each reset of a used machine: seconds to the screen, and to the answer."""
    screens: list[float] = []
    answers: list[float] = []
    for _ in range(rounds):
        _use(machine)
        before()
        machine.reset()
        screens.append(machine.times.screen)
        answers.append(machine.times.answered)
    return screens, answers


def _swaps(image: Image | Source, rounds: int) -> list[Figure]:
    """The same, where the next machine is forked ahead."""
    with Pool(image) as pool:
        pool.wait(60)
        machine = pool.take()
        screens, answers = _times(machine, rounds, lambda: pool.wait(60))
    return [
        _seconds("the same, the next one forked ahead", screens, SCREEN_SECONDS),
        _seconds("the same, the guest answers", answers, ANSWER_SECONDS),
    ]


def _use(machine: Machine) -> None:
    with GuestClient(machine.guest) as client:
        client.execute(USE, seconds=60)


def _pictures(machine: Machine, rounds: int) -> list[Figure]:
    taken = [_milliseconds(lambda: encode(_anew(machine), max_size=SIZE)) for _ in range(rounds)]
    again = [_milliseconds(machine.picture) for _ in range(rounds)]
    return [
        _milli("screenshot 1920×1080 on the host, as PNG", taken, PICTURE_MS),
        _milli("screenshot of a screen that has not changed", again, AGAIN_MS),
    ]


def _anew(machine: Machine) -> Frame:
    """The screen as if it had changed."""
    return to_frame(machine._emulator().pictures.raw())  # pyright: ignore[reportPrivateUsage]


def _curve(image: Image | Source, most: int) -> list[Figure]:
    """1, 2, 4, … machines at once from one snapshot."""
    found: list[Figure] = []
    count = 1
    while count <= most and _free_mb() > LEAST_FREE_MB:
        with Pool(image, ahead=0) as pool, ThreadPoolExecutor(count) as threads:
            started = time.monotonic()
            machines = list(threads.map(Pool.take, [pool] * count))
            seconds = time.monotonic() - started
            fresh = statistics.median(_memory(machine.pid)["Private_Dirty"] for machine in machines)
            list(threads.map(_use, machines))
            used = [_memory(machine.pid) for machine in machines]
        own = statistics.median(memory["Private_Dirty"] for memory in used)
        shared = statistics.median(memory["Pss"] for memory in used)
        note = f"each {fresh:.0f} MB of its own, after use {own:.0f} MB (PSS {shared:.0f} MB)"
        last = count == most
        target = f"≤ {ALL_SECONDS:g} s, ≤ {OWN_MB:g} MB each" if last else ""
        reached = (seconds <= ALL_SECONDS and own <= OWN_MB) if last else None
        found.append(Figure(f"{count} from one snapshot, all answering", f"{seconds:.2f} s", target, reached, note))
        count *= 2
    return found


def _soak(machine: Machine, rounds: int) -> Figure:
    """Resets in a row under use: wrong desktops, changed files, and what has grown."""
    folder = _snapshot(machine)
    machine.reset()
    wanted, before, kept = machine.screendump(), _sums(folder), _held(machine)
    wrong = 0
    for _ in range(rounds):
        with GuestClient(machine.guest) as client:
            client.execute("head -c 3000000 /dev/urandom > /var/tmp/soak; sync", seconds=60)
        machine.reset()
        wrong += share_changed(wanted, machine.screendump()) >= SAME
    grown = {name: now - kept[name] for name, now in _held(machine).items()}
    same = _sums(folder) == before
    good = not wrong and same and grown["descriptors"] <= 0 and grown["folders"] <= 0 and grown["MB"] < 50
    note = f"files {'identical' if same else 'CHANGED'}; " + ", ".join(f"{n} {v:+d}" for n, v in grown.items())
    return Figure(
        f"{rounds} resets in a row under use", f"{rounds - wrong} right", f"{rounds} right, no leak", good, note
    )


def _snapshot(machine: Machine) -> Path:
    for folder in snapshots.snapshots_home().glob("[!.]*"):
        if snapshots.in_use(folder) and f'"image": "{machine.source.name}"' in (folder / "manifest.json").read_text():
            return folder
    raise UserFault("the machine's snapshot is not to be found")


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: snapshots.checksum(path) for path in sorted(folder.iterdir())}


def _held(machine: Machine) -> dict[str, int]:
    """What this process and the run's directory hold."""
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "MB": round(_memory(os.getpid())["Private_Dirty"]),
        "folders": len(list(machine.run.iterdir())),
    }


def _memory(pid: int) -> dict[str, float]:
    """MB of a process, by the kernel's names."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}


def _free_mb() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("MemAvailable:"))


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _seconds(name: str, taken: list[float], target: float) -> Figure:
    median = statistics.median(taken)
    return Figure(name, f"{median:.2f} s", f"≤ {target:g} s", median <= target, f"worst {max(taken):.2f} s")


def _milli(name: str, taken: list[float], target: float) -> Figure:
    median = statistics.median(taken)
    return Figure(name, f"{median:.1f} ms", f"≤ {target:g} ms", median <= target, f"worst {max(taken):.1f} ms")


if __name__ == "__main__":
    show(figures())
