"""Hands on an emulated machine wait longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from actuators import slowness
from actuators.backends import x11_text


@pytest.mark.parametrize(
    ("model", "emulated"),
    [("QEMU TCG CPU version 2.5+", True), ("QEMU Virtual CPU version 2.5+", True), ("Intel(R) Xeon(R)", False)],
)
def test_the_processor_tells(tmp_path: Path, model: str, emulated: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nmodel name\t: {model}\n")
    assert slowness.is_emulated(tmp_path / "cpuinfo") is emulated
    assert not slowness.is_emulated(tmp_path / "missing")


def test_every_wait_for_a_program_is_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in slowness.WAITS:
        monkeypatch.setattr(x11_text, name, getattr(x11_text, name))  # so that it is as it was afterwards
    before = x11_text.FROZEN
    slowness.be_patient()
    assert before * slowness.FACTOR == x11_text.FROZEN
