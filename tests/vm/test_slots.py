"""Who may start: never too many, in the order of arrival, whoever is killed whenever."""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest

from agent.errors import UserFault
from tests.support.waiting import until
from vm.slots import Limits, Slots, agents_by_memory

News: TypeAlias = list[tuple[str, int]]
PATIENCE = 10.0

# Forks, so that thirty processes start at once; each appends lines to one log: what, who, when, which ticket.
CROWD = """
import json, os, random, sys, time
from pathlib import Path
import anyio, filelock
from vm.slots import Slots

home, count, limit, seconds = Path(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
out = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(what, ticket=""):
    os.write(out, (json.dumps([what, os.getpid(), time.monotonic(), ticket]) + "\\n").encode())

async def work(name):
    slot = await Slots(home, limit).wait("desktop", name, lambda reason, ahead: note("waits"))
    note("starts", slot._ticket.path.name)
    await anyio.sleep(random.Random(name).uniform(0.5, 1.0) * seconds)
    note("ends")
    slot.release()

children = []
for number in range(count):
    pid = os.fork()
    if pid == 0:
        anyio.run(work, f"s{number}")
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
"""


def crowd(home: Path, log: Path, *, count: int, limit: int, seconds: float) -> subprocess.Popen[bytes]:
    arguments = [str(home), str(log), str(count), str(limit), str(seconds)]
    return subprocess.Popen([sys.executable, "-c", CROWD, *arguments])


def lines(log: Path) -> list[tuple[str, int, float, str]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def most_at_once(log: Path, killed: dict[int, float]) -> int:
    """The most that held a slot at one time; one that was killed held it until then at the least."""
    changes: list[tuple[float, int]] = []
    ended = {pid: at for what, pid, at, _ in lines(log) if what == "ends"}
    for what, pid, at, _ in lines(log):
        if what == "starts":
            changes += [(at, 1), (min(ended.get(pid, float("inf")), killed.get(pid, float("inf"))), -1)]
    now = most = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


def tickets(home: Path) -> list[str]:
    return [path.name for path in home.glob("slots/*/*/[0-9]*")]


def test_thirty_that_start_at_once_get_through_three_at_a_time_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    held = [anyio.run(Slots(tmp_path, 3).wait, "desktop", name, never) for name in "abc"]
    with crowd(tmp_path, log, count=30, limit=3, seconds=0.12) as parent:
        assert until(lambda: len(lines(log)) >= 30)
        assert {what for what, *_ in lines(log)} == {"waits"}
        for slot in held:
            slot.release()
        assert parent.wait(60) == 0
    started = [ticket for what, _, _, ticket in sorted(lines(log), key=lambda line: line[2]) if what == "starts"]
    assert most_at_once(log, {}) == 3
    numbers = [int(ticket.partition("-")[0]) for ticket in started]
    assert sorted(numbers) == list(range(4, 34)), "no number twice"
    # Up to three may start within one poll, and each looks when its own poll comes.
    assert all(abs(number - place) <= 2 for place, number in enumerate(numbers, 4)), numbers
    assert tickets(tmp_path) == []


def test_whoever_is_killed_loses_slot_and_place_at_once(tmp_path: Path) -> None:
    log, chance, killed = tmp_path / "log", random.Random(11), dict[int, float]()
    with crowd(tmp_path, log, count=24, limit=3, seconds=0.5) as parent:
        assert until(lambda: len({pid for _, pid, *_ in lines(log)}) == 24)
        for _ in range(12):
            time.sleep(chance.uniform(0.02, 0.2))
            through = {pid for what, pid, *_ in lines(log) if what == "ends"}
            known = sorted({pid for _, pid, *_ in lines(log)} - through - set(killed))
            if known:
                victim = chance.choice(known)
                killed[victim] = time.monotonic()
                os.kill(victim, signal.SIGKILL)
        assert parent.wait(60) == 0
    started = {pid for what, pid, *_ in lines(log) if what == "starts"}
    waited_in_vain = {pid for _, pid, *_ in lines(log)} - started
    assert waited_in_vain <= set(killed), "nobody waits for a dead one"
    assert killed.keys() & started and killed.keys() - started, "those at work were killed, and those that waited"
    assert most_at_once(log, killed) == 3
    anyio.run(enter_and_leave, tmp_path)
    assert tickets(tmp_path) == [], "who comes next sweeps the tickets of the dead away"


async def enter_and_leave(home: Path) -> None:
    (await Slots(home, 3).wait("desktop", "next", print)).release()


def test_a_killed_holder_lets_the_next_one_in_within_a_moment(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with crowd(tmp_path, log, count=1, limit=1, seconds=60) as parent:
        assert until(lambda: any(what == "starts" for what, *_ in lines(log)))
        holder = lines(log)[0][1]

        async def wait() -> float:
            waiting = anyio.Event()
            took = 0.0

            async def next_one() -> None:
                nonlocal took
                with await Slots(tmp_path, 1).wait("vm", "next", lambda _, __: waiting.set()):
                    took = time.monotonic() - began

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(next_one)
                await waiting.wait()
                began = time.monotonic()
                os.kill(holder, signal.SIGKILL)
            return took

        assert anyio.run(wait) < 1.0
        parent.wait(5)


@pytest.mark.anyio
async def test_who_waits_is_told_for_what_and_again_when_that_changes(tmp_path: Path) -> None:
    slots, news = Slots(tmp_path, 2), dict[str, News]()
    first = [await slots.wait("desktop", name, never) for name in ("a", "b")]
    assert slots.limits() == Limits(agents=2, running=2, queued=0)

    async def wait(name: str, computer: str) -> None:
        with await slots.wait(computer, name, lambda why, ahead: news.setdefault(name, []).append((why, ahead))):
            order.append(name)

    order: list[str] = []
    async with anyio.create_task_group() as tasks:
        for name, computer in (("c", "desktop"), ("d", "vm"), ("e", "desktop")):
            tasks.start_soon(wait, name, computer)
            await told(news, name)
        assert slots.limits() == Limits(agents=2, running=2, queued=3)
        for slot in first:
            slot.release()
            slot.release()
    assert [ahead for _, ahead in news["c"]] == [0]
    assert news["e"][0][1] == 2 and len(set(news["e"])) == len(news["e"])
    assert {why for why, _ in news["e"]} == {"2 other sessions are at work, and no more may be at once (max_agents)"}
    assert sorted(order) == ["c", "d", "e"] and order[-1] == "e"
    assert slots.limits() == Limits(agents=2, running=0, queued=0) and tickets(tmp_path) == []


async def told(news: dict[str, News], name: str) -> None:
    with anyio.fail_after(PATIENCE):
        while name not in news:
            await anyio.sleep(0.01)


def never(why: str, ahead: int) -> None:
    raise AssertionError(f"it need not wait, but was told: {why}, {ahead}")


@pytest.mark.anyio
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="one screen a user elsewhere")
async def test_one_at_a_time_on_each_screen_and_desktops_go_on_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots, news = Slots(tmp_path, 1), dict[str, News]()
    monkeypatch.setenv("DISPLAY", ":7")
    assert slots.is_free("here") and slots.is_free("desktop")
    here = await slots.wait("here", "mine", never)
    assert not slots.is_free("here") and slots.is_free("desktop")

    async def wait(display: str) -> None:
        with await slots.wait("here", "next", lambda why, ahead: news.setdefault(display, []).append((why, ahead))):
            pass

    async with anyio.create_task_group() as tasks:
        monkeypatch.setenv("DISPLAY", "unix:7.0")  # the same screen by another name
        tasks.start_soon(wait, "unix:7.0")
        await told(news, "unix:7.0")
        monkeypatch.setenv("DISPLAY", ":8")
        assert slots.is_free("here")
        (await slots.wait("here", "elsewhere", never)).release()
        (await slots.wait("desktop", "private", never)).release()
        assert slots.limits() == Limits(agents=1, running=0, queued=1)
        here.release()
    assert news["unix:7.0"] == [("session mine works on your screen, and only one can at a time", 0)]


@pytest.mark.anyio
async def test_cancelled_at_any_time_it_leaves_the_queue(tmp_path: Path) -> None:
    slots, chance = Slots(tmp_path, 1), random.Random(5)
    with await slots.wait("desktop", "holder", never):
        for number in range(12):
            with anyio.move_on_after(chance.uniform(0.0, 0.15)):
                await slots.wait("desktop", f"w{number}", lambda _, __: None)
            assert len(tickets(tmp_path)) == 1, "only the holder's"
    assert tickets(tmp_path) == []


@pytest.mark.anyio
async def test_whoever_tells_may_fail_and_the_place_is_given_up(tmp_path: Path) -> None:
    def full(_why: str, _ahead: int) -> None:
        raise UserFault("the disk is full")

    slots = Slots(tmp_path, 1)
    with await slots.wait("desktop", "holder", never):
        with pytest.raises(UserFault, match="full"):
            await slots.wait("desktop", "next", full)
        assert len(tickets(tmp_path)) == 1


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("in the way")
    with pytest.raises(UserFault, match=r"cannot write to .*slots.*; make it writable"):
        await Slots(tmp_path, 1).wait("desktop", "s", never)


@pytest.mark.anyio
async def test_a_start_where_nobody_waits_costs_next_to_nothing(tmp_path: Path) -> None:
    took: list[float] = []
    held = [await Slots(tmp_path, 24).wait("desktop", f"s{number}", never) for number in range(20)]
    for _ in range(60):
        began = time.perf_counter()
        slot = await Slots(tmp_path, 24).wait("desktop", "s", never)
        took.append(time.perf_counter() - began)
        slot.release()
    for slot in held:
        slot.release()
    quick = statistics.quantiles(took)[0]  # of the quicker half, since the machine may have other things to do
    assert quick < 0.002, f"{1000 * quick:.2f} ms with 20 at work"


def test_the_limit_comes_from_the_memory_and_is_at_least_two(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 2 <= agents_by_memory() < 10_000
    monkeypatch.setattr("vm.slots._memory", lambda: 500_000_000)
    assert agents_by_memory() == 2
    monkeypatch.setattr("vm.slots._memory", lambda: 24_600_000_000)
    assert agents_by_memory() == 24


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
