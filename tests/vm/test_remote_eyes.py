"""Eyes on another machine: they ask who is at work, and never hang on a machine that does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import cast

import numpy as np
import pytest

import vm.remote_eyes
from perception.errors import ScreenLost
from perception.eyes import Eyes
from perception.frames import Frame
from perception.screen import Screen
from perception.screenshot import Region
from perception.settle import Tempo
from vm.guest_client import GuestClient, GuestWindow, InFront, Pong
from vm.line import GuestGone
from vm.remote_eyes import SLOW, MachineBackend, watching
from vm.remote_windows import RemoteLayout

QUIET = InFront("Calc", "Untitled 1", busy=False, cursor_busy=False, fresh=())
BUSY = InFront("Calc", "Untitled 1", busy=True, cursor_busy=False, fresh=())


class Machine:
    """Its screen, and what its server says."""

    def __init__(self) -> None:
        self.frame: Frame = np.zeros((300, 400, 4), np.uint8)
        self.in_front = QUIET
        self.windows: tuple[GuestWindow, ...] = (GuestWindow(1, Region(0, 0, 400, 20), active=False),)
        self.ponging = threading.Event()
        self.ponging.set()
        self.pong = Pong(asked=True, answered=True, moved_on=False)
        self.pings = 0
        self.lost = ""
        self.deaf = False

    def screendump(self) -> Frame:
        self.check()
        return self.frame

    def check(self) -> None:
        if self.lost:
            raise ScreenLost(self.lost)

    def close(self) -> None:
        pass

    def front(self) -> InFront:
        if self.deaf:
            raise GuestGone("the machine does not answer")
        return self.in_front

    def layout(self) -> tuple[GuestWindow, ...]:
        return self.windows

    def ping(self, seconds: float) -> Pong:
        self.pings += 1
        if self.deaf:
            raise GuestGone("the machine does not answer")
        answered = self.ponging.wait(min(seconds, 0.3))
        return self.pong if answered else Pong(asked=True, answered=False, moved_on=False)

    def paint(self, top: int = 0, height: int = 300) -> None:
        """Another colour in some rows."""
        fresh = self.frame.copy()
        fresh[top : top + height] ^= 0x55
        self.frame = fresh


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def eyes(machine: Machine) -> Generator[Eyes, None, None]:
    with eyes_on(machine) as eyes:
        yield eyes


def eyes_on(machine: Machine, tempo: Tempo = SLOW) -> Eyes:
    client = cast("GuestClient", machine)
    layout = RemoteLayout(client)
    return Eyes(Screen(MachineBackend(machine)), partial(watching, client, layout), layout=layout, tempo=tempo)


def after(seconds: float, work: object) -> threading.Timer:
    timer = threading.Timer(seconds, work)  # pyright: ignore
    timer.start()
    return timer


def test_a_program_that_does_not_answer_yet_is_waited_for(machine: Machine, eyes: Eyes) -> None:
    eyes.look()
    eyes.mark("click")
    machine.ponging.clear()

    def react() -> None:
        machine.paint()
        machine.ponging.set()

    after(1.6, react)
    shot = eyes.look(cap=10)
    assert shot.settled and shot.changed == 1.0


def test_a_program_at_work_is_waited_for_although_nothing_moves(machine: Machine, eyes: Eyes) -> None:
    eyes.look()
    eyes.mark("keypress ctrl s")
    machine.in_front = BUSY

    def react() -> None:
        machine.paint()
        machine.in_front = QUIET

    after(1.7, react)
    assert eyes.look(cap=10).changed == 1.0


def test_a_new_window_that_is_not_painted_yet_is_waited_for(
    machine: Machine, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vm.remote_eyes, "PATIENCE", 0.1)
    eyes.look()
    eyes.mark("click")
    machine.windows = (GuestWindow(2, Region(0, 0, 400, 300), active=True), *machine.windows)
    after(1.6, machine.paint)
    assert eyes.look(cap=15).changed == 1.0


def test_a_program_that_never_answers_is_given_up_once(machine: Machine) -> None:
    eyes = eyes_on(machine, replace(SLOW, answer=1.5))
    machine.ponging.clear()
    eyes.mark("click")
    began = time.monotonic()
    assert not eyes.settle(0.5).responding
    eyes.mark("click")
    assert eyes.settle(20.0).settled
    assert time.monotonic() - began < 10
    pings = machine.pings
    eyes.mark("click")
    assert eyes.settle(5.0).settled
    assert machine.pings == pings
    eyes.close()


def test_without_its_server_the_picture_is_still_taken(machine: Machine, eyes: Eyes) -> None:
    machine.deaf = True
    eyes.mark("click")
    assert eyes.look(cap=5).settled


def test_an_unchanged_screen_costs_next_to_nothing(machine: Machine, eyes: Eyes) -> None:
    first = eyes.look()
    times: list[float] = []
    for _ in range(20):
        began = time.monotonic()
        assert eyes.look().image is first.image
        times.append(time.monotonic() - began)
    assert sorted(times)[5] < 0.05


def test_a_machine_that_is_gone_is_a_lost_screen(machine: Machine, eyes: Eyes) -> None:
    eyes.look()
    machine.lost = "the machine office: QEMU was killed"
    with pytest.raises(ScreenLost, match="QEMU was killed"):
        eyes.look()


def test_another_size_is_taken_in_stride(machine: Machine, eyes: Eyes) -> None:
    eyes.look()
    machine.frame = np.zeros((200, 500, 4), np.uint8)
    shot = eyes.look()
    assert (shot.space.width, shot.space.height) == (500, 200)


def test_closing_ends_the_thread_that_asks(machine: Machine) -> None:
    with eyes_on(machine) as eyes:
        eyes.mark("click")
        eyes.settle(1)
    assert not [thread for thread in threading.enumerate() if thread.name == "deskhand-ping"]
