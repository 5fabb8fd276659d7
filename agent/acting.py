"""The hands' side of a turn: carry out what was asked for, one primitive action at a time, at most once each."""

from __future__ import annotations

import itertools
import time
import traceback
from collections.abc import Callable, Iterator, Sequence

import anyio

from actuators.actions import Action, parse_action, to_dict
from actuators.errors import ActuatorError
from agent import wording
from agent.approving import Approving, Rules
from agent.attention import Attention
from agent.errors import DeskhandError, Stop, UserFault, for_the_model
from agent.events import (
    ActionDone,
    ActionStarted,
    BugFound,
    CallAnswered,
    ModelAnswered,
    ScreenshotTaken,
    ToolStarted,
)
from agent.phrasing import in_words
from agent.ports import Computer
from agent.recorder import Recorder
from agent.tools.base import Context, Reply
from agent.tools.toolbox import Toolbox
from agent.values import Call, FunctionCall, ImageRef, ScreenCall
from perception.errors import PerceptionError
from perception.screenshot import Region, Screenshot, Space
from perception.target import Target

MAX_BATCH = 200  # actions in one call


class Acting:
    """Carries out the calls of an answer on a computer.

    Attributes:
        faults: calls of the present turn that were refused as a whole, and why.
        unsettled: what to tell the model about a screen that did not come to rest, or "".
        approving: gets the yes that an answer, or an action, needs.
    """

    def __init__(
        self, computer: Computer, toolbox: Toolbox, recorder: Recorder, attention: Attention, rules: Rules
    ) -> None:
        self.faults: dict[str, str] = {}
        self.unsettled = ""
        self._computer = computer
        self._toolbox = toolbox
        self._recorder = recorder
        self._state = recorder.state
        self._attention = attention
        self._patience = rules.patience
        self.approving = Approving(rules, recorder, attention, self._photograph)

    async def carry_out(self, answer: ModelAnswered) -> None:
        """Do what an answer asks for, and answer each of its calls."""
        self.faults = {}
        self.unsettled = ""
        for beside in together(answer.calls, self._is_free):
            match beside:
                case [ScreenCall() as call]:
                    await self._act(call)
                    await self._attention.until_handed_back()
                    self.answer(call, await self._attention.unless_stopped(self.look()), Reply(""))
                case [FunctionCall() as call]:
                    self.answer(call, None, await self.use(call))
                case _:
                    await self._use_together([call for call in beside if isinstance(call, FunctionCall)])

    def answer(self, call: Call, image: ImageRef | None, reply: Reply) -> None:
        """The reply that the model waits for: the screen as it is now, or what a tool says."""
        if isinstance(call, ScreenCall):
            self._recorder.record(CallAnswered(call.id, "screen", image, acknowledged=call.checks))
            return
        images = tuple(
            self._recorder.keep_picture(picture.data, picture.media_type, picture.width, picture.height)
            for picture in reply.pictures
        )
        by_parts = call.form == "shell" and bool(reply.parts)
        self._recorder.record(
            CallAnswered(
                call.id,
                "function",
                text="" if by_parts else reply.text,
                images=images,
                parts=reply.parts if by_parts else (),
                form=call.form,
                echo=call.echo,
                failed=reply.failed,
            )
        )

    async def look(self) -> ImageRef:
        """A settled screenshot, kept and noted."""
        return self._keep(*await self._see())

    async def _photograph(self) -> Screenshot:
        shot, seconds = await self._attention.unless_stopped(self._see())
        self._keep(shot, seconds)
        return shot

    async def _see(self) -> tuple[Screenshot, float]:
        began = time.monotonic()
        try:
            shot = await self._computer.screenshot()
        except (PerceptionError, ActuatorError) as error:
            raise UserFault(str(for_the_model(error))) from error
        return shot, time.monotonic() - began

    def _keep(self, shot: Screenshot, seconds: float) -> ImageRef:
        image = self._recorder.keep(shot)
        self._recorder.record(_taken(shot, image, seconds))
        self.unsettled = "" if shot.settled else wording.still_moving(shot.moving, responding=shot.responding)
        return image

    async def _use_together(self, calls: Sequence[FunctionCall]) -> None:
        """Calls that only look, at once; answered in their order."""
        replies: dict[str, Reply] = {}
        ends: list[Stop | UserFault] = []

        async def use(call: FunctionCall) -> None:
            try:
                replies[call.id] = await self._used(call)
            except (Stop, UserFault) as end:  # not by way of the group, which would wrap it up
                ends.append(end)
                tasks.cancel_scope.cancel()

        if halted := self._attention.gate():
            replies = {call.id: Reply(wording.tool_halted(halted), failed=True) for call in calls}
        else:
            for call in calls:
                self._tell(call)
            async with anyio.create_task_group() as tasks:
                for call in calls:
                    tasks.start_soon(use, call)
        if ends:
            raise ends[0]
        for call in calls:
            self.answer(call, None, replies[call.id])

    async def use(self, call: FunctionCall) -> Reply:
        """One call of a tool, written down before anything of it is done (promise 3)."""
        if why := self._attention.gate() or await self._obstacle(call) or self._attention.gate():
            return Reply(wording.tool_halted(why), failed=True)
        self._tell(call)
        return await self._used(call)

    async def _obstacle(self, call: FunctionCall) -> str:
        return await self.approving.use(call, lambda: self._toolbox.use_of(call), self._toolbox.in_words(call))

    def _is_free(self, call: FunctionCall) -> bool:
        """Whether a call may be carried out beside others: it only looks, and nobody need be asked."""
        if not self._toolbox.looks_only(call):
            return False
        use = self._toolbox.use_of(call)
        return use is None or not self.approving.asks(use)

    def _tell(self, call: FunctionCall) -> None:
        if not self._toolbox.has_own_event(call):
            words, looks = self._toolbox.in_words(call), self._toolbox.looks_only(call)
            self._recorder.record(ToolStarted(self._state.turn.number, call.id, call.name, words, looks))

    async def _used(self, call: FunctionCall) -> Reply:
        context = Context(self._recorder, self._attention, call.id, self._patience)
        try:
            return await self._attention.unless_stopped(self._toolbox.use(call, context))
        except DeskhandError:
            raise
        except Exception as bug:  # one tool less: the session has others
            self._recorder.record(BugFound(f"{type(bug).__name__}: {bug}", traceback.format_exc()))
            return Reply(wording.tool_broken(call.name, bug), failed=True)

    async def _act(self, call: ScreenCall) -> None:
        space = self._state.shown
        assert space, "a model acts on a screenshot that it was shown"
        try:
            actions = _plan(call, space)
        except (ActuatorError, PerceptionError) as error:
            self.faults[call.id] = f"Nothing was carried out: {error}."
            return
        for index, action in enumerate(actions):
            if self._attention.gate():
                return
            target = await self._computer.target(action, space)
            if obstacle := await self.approving.deed(call, action, target):
                self._attention.halted = obstacle
                return
            if self._attention.gate() or not await self._primitive(call, index, action, space, target):
                return

    async def _primitive(
        self, call: ScreenCall, index: int, action: Action, space: Space, target: Target | None
    ) -> bool:
        """One action, written down before it is sent (promise 3). False when it failed."""
        turn = self._state.turn.number
        self._recorder.record(ActionStarted(turn, call.id, index, to_dict(action), in_words(action, target)))
        began = time.monotonic()
        error = ""
        try:
            await self._attention.unless_stopped(self._computer.perform(action, space))
        except (ActuatorError, PerceptionError) as raised:
            fault = for_the_model(raised)
            if isinstance(fault, UserFault):
                raise fault from raised
            error = str(fault)
        self._recorder.record(ActionDone(turn, call.id, index, round(time.monotonic() - began, 3), error))
        return not error


def together(calls: Sequence[Call], looks_only: Callable[[FunctionCall], bool]) -> Iterator[list[Call]]:
    """Calls in their order; neighbours that only look are one group. The screen is never shared."""
    for beside, group in itertools.groupby(calls, lambda call: isinstance(call, FunctionCall) and looks_only(call)):
        if beside:
            yield list(group)
        else:
            yield from ([call] for call in group)


def _plan(call: ScreenCall, space: Space) -> list[Action]:
    """Every action of a call, checked before the first is carried out: a wrong batch does nothing.

    Raises:
        InvalidAction, OffImage: saying which action, and why.
    """
    if len(call.actions) > MAX_BATCH:
        from actuators.errors import InvalidAction

        raise InvalidAction(f"a call may hold at most {MAX_BATCH} actions, this one has {len(call.actions)}")
    actions: list[Action] = []
    for number, raw in enumerate(call.actions, start=1):
        try:
            action = parse_action(raw)
            _check_points(action, space)
        except (ActuatorError, PerceptionError) as error:
            raise type(error)(f"action {number} of {len(call.actions)}: {error}") from None
        actions.append(action)
    return actions


def _check_points(action: Action, space: Space) -> None:
    from actuators.actions import located

    located(action, space.to_screen)


def _taken(shot: Screenshot, image: ImageRef, seconds: float) -> ScreenshotTaken:
    return ScreenshotTaken(
        image=image,
        region=_numbers(shot.space.region),
        settled=shot.settled,
        changed=shot.changed,
        seconds=round(seconds, 3),
        moving=_numbers(shot.moving) if shot.moving else None,
    )


def _numbers(region: Region) -> tuple[int, int, int, int]:
    return (region.left, region.top, region.width, region.height)
