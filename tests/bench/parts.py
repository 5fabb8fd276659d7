"""The parts of `make bench`, each run in a process of its own.

In one process they would disturb each other: pyautogui and pynput keep to the first display that they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature

from tests.bench import bench_side
from tests.bench.bench_side import Outcome
from tests.bench.figure import Figure

PARTS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "bench_overhead": ("Beside the waiting", {"steps": 8}),
    "bench_capture": ("Capture and encoding", {"rounds": 15}),
    "bench_turn": ("A whole session", {"turns": 10}),
    "bench_hands": ("Hands", {"rounds": 1}),
    "bench_stale": ("Clicks on a screen that changes", {"clicks": 40}),
    "bench_guard": ("Takeover", {"takeovers": 20, "own_actions": 500}),
    "bench_tree": ("Accessibility tree", {"rounds": 5}),
    "bench_steer": ("Steering", {"times": 12}),
    "bench_page": ("The page", {"seconds": 5}),
    "bench_server": ("The page's server", {"seconds": 5}),
    "bench_overlay": ("The overlay", {"rounds": 20}),
    "bench_naming": ("Naming the target of an action", {"clicks": 8}),
    "bench_several": ("Several at once", {"sessions": 6}),
    "bench_long": ("A long session", {"turns": 60}),
}
"""Module, title, and how much of it is enough for a quick look."""


def side(rounds: int | None) -> Outcome:
    """The loops side by side; prints its tables."""
    outcome = bench_side.measure(rounds or bench_side.ROUNDS)
    print("\n".join([*bench_side.table(outcome), "", *bench_side.by_action(outcome)]), flush=True)
    return outcome


def run(name: str, quick: bool) -> list[Figure]:
    """The figures of one module. Raises ModuleNotFoundError where there is none."""
    figures: Callable[..., list[Figure]] = import_module(f"tests.bench.{name}").figures
    known = signature(figures).parameters
    less: Mapping[str, int] = PARTS[name][1] if quick else {}
    return figures(**{key: value for key, value in less.items() if key in known})
