"""The plan: steps with their state, shown by every face."""

from __future__ import annotations

from typing import Any, cast

from agent.errors import ToolFault
from agent.events import PlanChanged
from agent.tools.base import Arguments, Context, Tool, text_of
from agent.values import PlanStep

STATES = ("pending", "in_progress", "done")
MOST = 50  # steps; who needs more should write fewer, larger ones
LONGEST = 300  # characters of one step


async def _run(arguments: Arguments, context: Context) -> str:
    raw = arguments["steps"]
    if not isinstance(raw, list) or len(cast("list[Any]", raw)) > MOST:
        raise ToolFault(f"steps must be a list of at most {MOST}.")
    steps = tuple(_step(item) for item in cast("list[Any]", raw))
    context.recorder.record(PlanChanged(steps))
    done = sum(1 for step in steps if step.state == "done")
    return f"The plan is noted: {done} of {len(steps)} done. The user sees it."


def _step(item: Any) -> PlanStep:
    if not isinstance(item, dict):
        raise ToolFault('Each step must be an object with "step" and "state".')
    data = cast("dict[str, Any]", item)
    state = data.get("state")
    if state not in STATES:
        raise ToolFault(f"The state of a step must be one of {', '.join(STATES)}, not {state!r}.")
    return PlanStep(text_of(data.get("step"), "step", LONGEST), state)


PLAN = Tool(
    "update_plan",
    "Write down your plan for a task of several steps, and keep it true: call this again whenever a step begins or is "
    "done. The user watches it. Give the whole plan each time.",
    {
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "step": {"type": "string", "description": "A few words."},
                    "state": {"type": "string", "enum": list(STATES)},
                },
                "required": ["step", "state"],
                "additionalProperties": False,
            },
        }
    },
    _run,
    own_event=True,
)
