"""The list of tools."""

from __future__ import annotations

from agent.tools.ask_user import ASK_USER
from agent.tools.base import Context, Tool
from agent.tools.give_up import GIVE_UP
from agent.tools.plan import PLAN
from agent.values import FunctionCall

TOOLS: tuple[Tool, ...] = (GIVE_UP, ASK_USER, PLAN)
BY_NAME = {tool.name: tool for tool in TOOLS}


async def use(call: FunctionCall, context: Context) -> str:
    """The reply to a function call.

    Raises:
        Stop: the session ends with it.
    """
    tool = BY_NAME.get(call.name)
    if tool is None:
        return f"There is no function {call.name!r}; there are {', '.join(BY_NAME)}."
    return await tool.call(call, context)
