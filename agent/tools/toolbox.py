"""The tools of a session, and the use of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.errors import ToolFault
from agent.policy import Use, as_json
from agent.tools.ask_user import ASK_USER
from agent.tools.base import Context, Reply, Room, Tool
from agent.tools.give_up import GIVE_UP
from agent.tools.plan import PLAN
from agent.values import FunctionCall, Word

ALWAYS: tuple[Tool, ...] = (GIVE_UP, ASK_USER, PLAN)
"""What needs nothing but the session itself."""


class Toolbox:
    """Tools by name.

    Args:
        offered: as the journal has them, where they were offered before: what a model was told stays so.
        room: what the tools share; None where there are none but `ALWAYS`.
        left_out: names of those that the model has no room for.
    """

    def __init__(
        self,
        tools: Sequence[Tool] = ALWAYS,
        *,
        room: Room | None = None,
        offered: Sequence[Word] | None = None,
        left_out: Sequence[str] = (),
    ) -> None:
        self.room = room
        self.left_out = tuple(left_out)
        self.offers = tuple(offered or (tool.offer for tool in tools))
        told = {offer["name"] for offer in self.offers}
        self._tools = {tool.name: tool for tool in tools if tool.name in told}

    def looks_only(self, call: FunctionCall) -> bool:
        """Whether a call may be carried out beside others that only look, and again after an interruption."""
        tool = self._tools.get(call.name)
        return tool is not None and tool.reads_only

    def has_own_event(self, call: FunctionCall) -> bool:
        """Whether the journal will say by itself what a call does."""
        tool = self._tools.get(call.name)
        return tool is None or tool.own_event

    def in_words(self, call: FunctionCall) -> str:
        """A call, for people."""
        tool = self._tools.get(call.name)
        try:
            words = tool.in_words(tool.read(call)) if tool else ""
        except ToolFault:
            words = ""
        return words or call.name

    def use_of(self, call: FunctionCall) -> Use | None:
        """A call as the rules of approval judge it.

        None for one that they have no say in: it cannot be carried out anyway, or reaches nothing but the user.
        """
        tool = self._tools.get(call.name)
        if tool is None or tool in ALWAYS:
            return None
        try:
            arguments = tool.read(call)
            use = tool.use(arguments)
        except ToolFault:
            return None
        if use is None:
            return None
        told = as_json(arguments)
        words = use.words or f"{self.in_words(call)}, with {told}"
        return replace(use, tool=use.tool or tool.name, words=words, arguments=told)

    async def use(self, call: FunctionCall, context: Context) -> Reply:
        """The reply to a call, whatever the model wrote into it.

        Raises:
            Stop: the session ends with it.
        """
        tool = self._tools.get(call.name)
        if tool is None:
            return Reply(f"There is no tool {call.name!r} here; there are {', '.join(self._tools)}.", failed=True)
        try:
            reply = await self._run(tool, call, context)
        except ToolFault as fault:
            return Reply(str(fault), failed=True)
        return Reply(reply) if isinstance(reply, str) else reply

    async def _run(self, tool: Tool, call: FunctionCall, context: Context) -> str | Reply:
        arguments = tool.read(call)
        files = self.room.files if self.room and tool.touches_files else None
        if files is None:
            return await tool.run(arguments, context)
        await files.sync()
        try:
            return await tool.run(arguments, context)
        finally:
            await files.sync()

    @property
    def going_on(self) -> list[str]:
        """What tools have started and goes on by itself, in words."""
        return self.room.news.going_on if self.room else []

    async def aclose(self) -> None:
        """End whatever tools have started."""
        if self.room:
            await self.room.closing.aclose()
