"""An honest end."""

from __future__ import annotations

from agent.errors import Stop
from agent.tools.base import Arguments, Context, Tool, text_of


async def _run(arguments: Arguments, context: Context) -> str:
    raise Stop("gave_up", text_of(arguments["reason"], "reason"))


GIVE_UP = Tool(
    "give_up",
    "End the task because it cannot be done, or not without something that only the user has. "
    "Say what was done, what stands in the way and what would help.",
    {"reason": {"type": "string", "description": "For the user, in one to three sentences."}},
    _run,
    own_event=True,
)
