"""What a benchmark has found: a row of the table that `make bench` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of this machine.

    Attributes:
        name: what was measured.
        value: what came out, with its unit.
        target: what was to be reached, or "".
        reached: whether it was; None where there is no target.
        note: how it was measured, or why it is as it is.
    """

    name: str
    value: str
    target: str = ""
    reached: bool | None = None
    note: str = ""


def show(figures: list[Figure]) -> None:
    """Print figures as a table."""
    for figure in figures:
        mark = {True: "ok", False: "NOT", None: ""}[figure.reached]
        target = f"  (to reach: {figure.target})" if figure.target else ""
        print(f"{figure.name:58} {figure.value:>24}  {mark:3}{target}  {figure.note}".rstrip())
