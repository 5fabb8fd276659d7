"""Asking Windows for real pixels, with what Windows answers put in its place: it was never tried on a real one."""

from __future__ import annotations

import ctypes
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from actuators import dpi


class Windows:
    """As much of its libraries as is asked."""

    def __init__(self, *, newest: bool | None, decided: int = 0, shcore: bool = True) -> None:
        self.calls: list[str] = []
        self._decided, self._newest = decided, newest
        self.user32: Any = SimpleNamespace(SetProcessDPIAware=lambda: self.calls.append("one scale"))
        if newest is not None:
            self.user32.SetProcessDpiAwarenessContext = _Function(self._set_context)
        self.shcore: Any = SimpleNamespace()
        if shcore:
            self.shcore.SetProcessDpiAwareness = self._set
            self.shcore.GetProcessDpiAwareness = self._get

    def _set_context(self, context: ctypes.c_void_p) -> bool:
        self.calls.append(f"context {ctypes.c_ssize_t(context.value or 0).value}")
        return bool(self._newest)

    def _set(self, awareness: int) -> int:
        self.calls.append(f"awareness {awareness}")
        return 0

    def _get(self, _process: None, answer: Any) -> int:
        answer._obj.value = self._decided
        return 0


class _Function:
    def __init__(self, call: Any) -> None:
        self.argtypes: list[Any] = []
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)


@pytest.fixture(autouse=True)
def anew() -> None:
    dpi.see_real_pixels.cache_clear()


def asked(windows: Windows, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", windows, raising=False)
    try:
        return dpi.see_real_pixels()
    finally:
        dpi.see_real_pixels.cache_clear()


def test_the_newest_way_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(newest=True)
    assert asked(windows, monkeypatch) == ""
    assert windows.calls == ["context -4"]


@pytest.mark.parametrize("newest", [None, False])
def test_an_older_way(monkeypatch: pytest.MonkeyPatch, newest: bool | None) -> None:
    windows = Windows(newest=newest, decided=2)
    assert asked(windows, monkeypatch) == ""
    assert windows.calls[-1] == "awareness 2"


def test_what_was_decided_before_us_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "clicks on other monitors may miss" in asked(Windows(newest=False, decided=1), monkeypatch)


def test_the_oldest_way(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows(newest=None, shcore=False)
    assert asked(windows, monkeypatch) == ""
    assert windows.calls == ["one scale"]


def test_elsewhere_there_is_nothing_to_ask() -> None:
    assert sys.platform == "win32" or dpi.see_real_pixels() == ""
