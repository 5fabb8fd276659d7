"""QEMU tells when a machine shows something new: a line into a FIFO for each time."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.command import wait_until
from vm.qemu.pictures import Painted

LINES = b"virtio_gpu_cmd_res_flush res 0x2, w 1920, h 1080, x 0, y 0\n" * 1000


@pytest.fixture
def told(tmp_path: Path) -> Generator[Painted]:
    """Of a QEMU that is known to write."""
    painted = Painted(tmp_path / "painted", sure=True)
    assert painted.anything(), "nothing is known before the first look"
    yield painted
    painted.close()
    painted.close()


def write(path: Path, data: bytes) -> None:
    with path.open("wb", buffering=0) as line:
        line.write(data)


def test_each_line_counts_once(told: Painted, tmp_path: Path) -> None:
    assert not told.anything()
    write(tmp_path / "painted", LINES[:60])
    assert told.anything()
    assert not told.anything()


def test_whoever_writes_never_waits_for_a_reader(told: Painted, tmp_path: Path) -> None:
    with (tmp_path / "painted").open("wb", buffering=0) as line:
        os.set_blocking(line.fileno(), False)
        for _ in range(60):  # some 3.5 MB, while nobody asks
            wait_until(lambda: line.write(LINES) == len(LINES), "room for the next lines", 10)
    assert told.anything()


def test_silence_means_nothing_before_the_first_line(tmp_path: Path) -> None:
    painted = Painted(tmp_path / "painted", sure=False)
    assert painted.anything() and painted.anything() and not painted.sure
    write(tmp_path / "painted", LINES[:60])
    assert painted.anything() and painted.sure
    assert not painted.anything()
    painted.close()
