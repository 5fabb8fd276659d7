"""The tools of a session, and the use of one."""

from __future__ import annotations

from collections.abc import Sequence

from agent.errors import ToolFault
from agent.tools.ask_user import ASK_USER
from agent.tools.base import Context, Reply, Risk, Room, Tool
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
    """

    def __init__(
        self, tools: Sequence[Tool] = ALWAYS, *, room: Room | None = None, offered: Sequence[Word] | None = None
    ) -> None:
        self.room = room
        self.offers = tuple(offered or (tool.offer for tool in tools))
        told = {offer["name"] for offer in self.offers}
        self._tools = {tool.name: tool for tool in tools if tool.name in told}

    def looks_only(self, call: FunctionCall) -> bool:
        """Whether a call may be carried out beside others that only look."""
        tool = self._tools.get(call.name)
        return tool is not None and tool.reads_only and not self.risk(call)

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

    def risk(self, call: FunctionCall) -> Risk | None:
        """Why a call needs the user's yes; None where it does not, or cannot be carried out anyway."""
        tool = self._tools.get(call.name)
        try:
            return tool.risk(tool.read(call)) if tool else None
        except ToolFault:
            return None

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
