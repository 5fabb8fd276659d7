"""Budgets: turns, minutes, money. Pure functions of the state."""

from __future__ import annotations

from datetime import UTC, datetime

from agent.errors import Stop
from agent.state import State

WARN_AT = 0.8  # share of a budget at which the model is told to come to an end


def spent(state: State) -> dict[str, tuple[float, float]]:
    """What is used of each budget that has a limit: name in words -> (used, limit)."""
    used = {
        "turns": (float(state.turns), state.budgets.turns),
        "minutes": (state.elapsed(datetime.now(UTC)) / 60, state.budgets.minutes),
        "US dollars": (state.usage.cost_usd or 0.0, state.budgets.cost_usd),
    }
    return {kind: (amount, float(limit)) for kind, (amount, limit) in used.items() if limit is not None}


def check(state: State) -> None:
    """Raise `Stop` where a budget is used up."""
    for kind, (used, limit) in spent(state).items():
        if used >= limit:
            raise Stop("out_of_budget", f"the budget of {limit:g} {kind} is used up")


def near_the_end(state: State) -> list[tuple[str, float, float]]:
    """Budgets of which most is used and that the model was not told of yet."""
    return [
        (kind, used, limit)
        for kind, (used, limit) in spent(state).items()
        if kind not in state.warned and (used >= WARN_AT * limit or (kind == "turns" and limit - used <= 1 < limit))
    ]


def seconds_left(state: State) -> float:
    """Until the budget of minutes is used up; infinite without one."""
    minutes = spent(state).get("minutes")
    return float("inf") if minutes is None else max(0.0, (minutes[1] - minutes[0]) * 60)
