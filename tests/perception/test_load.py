"""Whether a process is at work, told from its processor time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from perception.load import BUSY, Load, Work
from tests.support.xserver import end

pytestmark = [pytest.mark.alone, pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows it")]
_BURN = "print(flush=True)\nwhile True: pass"
_SLEEP = "import time\nprint(flush=True)\ntime.sleep(60)"
# In a thread of its own: that of the window may well be waiting for it.
_THREAD = (
    f"import threading, time\nthreading.Thread(target=lambda: exec({_BURN!r}), daemon=True).start()\ntime.sleep(60)"
)


@contextmanager
def _process(program: str) -> Generator[subprocess.Popen[bytes], None, None]:
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        end(process)


@pytest.mark.parametrize("program", [_BURN, _THREAD])
def test_a_process_that_calculates_is_told_from_one_that_sleeps(program: str) -> None:
    with _process(program) as busy, _process(_SLEEP) as idle:
        loads = Load(busy.pid), Load(idle.pid)
        time.sleep(0.2)
        assert loads[0].recent() > 0.2  # it shares the machine with other tests
        assert loads[1].recent() < 0.1


def test_a_process_that_ends_or_never_was_is_not_busy() -> None:
    with _process(_SLEEP) as process:
        load = Load(process.pid)
    assert load.recent() == 0.0
    assert Load(process.pid).recent() == 0.0
    assert Load(None).recent() == 0.0
    assert not Work().busy()


def test_what_is_always_at_work_does_not_count() -> None:
    with _process(_BURN) as process:
        work = Work()
        work.follow(process.pid)
        _until_busy(process.pid, 0.3)
        assert work.busy()
        _until_busy(process.pid, Work.sample)
        work.follow(process.pid)
        _until_busy(process.pid, 0.1)
        assert not work.busy()


def _until_busy(pid: int, seconds: float) -> None:
    """Until it has had its share of a crowded machine for so long."""
    deadline = time.monotonic() + 10
    load = Load(pid)
    while time.monotonic() < deadline:
        time.sleep(seconds)
        if load.recent() > BUSY + 0.2:
            return
    pytest.skip("the machine is too busy to tell")
