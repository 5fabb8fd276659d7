"""The model's side of a turn: one request, streamed, retried where that may help, cut short where the user says so."""

from __future__ import annotations

import time
from contextlib import aclosing

import anyio

from agent import budget
from agent.attention import Attention
from agent.conversation import Answer, Request, Thought
from agent.errors import Stop, Transient
from agent.events import ModelAnswered, ModelDropped, ModelRetrying, ModelSaid, ModelThought, TurnStarted
from agent.models.failures import BadAnswer
from agent.models.retry import Backoff
from agent.ports import Journal, Model
from agent.recorder import Recorder
from agent.values import Usage

FLUSH = 0.15  # seconds of streamed text in one event
ENDLESS = 100_000  # characters of one answer
CHARS_PER_TOKEN = 4  # for the estimate of a cut answer


class Thinking:
    """Asks the model what to do next."""

    def __init__(self, model: Model, journal: Journal, recorder: Recorder, attention: Attention) -> None:
        self._model = model
        self._journal = journal
        self._recorder = recorder
        self._state = recorder.state
        self._attention = attention
        self._backoff = Backoff()
        self._last_usage = Usage()

    async def decide(self) -> ModelAnswered | None:
        """The answer of this turn; None when the user's word cut it short.

        Raises:
            ModelFault: the provider refused for good.
            Stop: the user stopped, a budget ended, or the provider stayed out of reach.
        """
        turn = self._state.turns + 1
        self._recorder.record(TurnStarted(turn, len(self._state.items)))
        attempt = 0
        while True:
            try:
                return await self._ask(turn)
            except Transient as fault:
                attempt += 1
                await self._wait_out(fault, turn, attempt)
                if self._state.queued:
                    return None
                await self._attention.until_free()
                budget.check(self._state)

    async def _wait_out(self, fault: Transient, turn: int, attempt: int) -> None:
        seconds = self._backoff.next(fault)
        if seconds is None:
            raise Stop("failed", f"{fault}; it did not get better after {attempt - 1} retries")
        self._recorder.record(ModelRetrying(turn, attempt, str(fault), round(seconds, 2)))
        await self._attention.pause_for(seconds)

    async def _ask(self, turn: int) -> ModelAnswered | None:
        stream = _Stream(turn, self._recorder)
        deadline = anyio.current_time() + budget.seconds_left(self._state)
        began = time.monotonic()
        try:
            with (
                self._recorder.not_ours(),
                self._attention.interruptible(by_steer=True, deadline=deadline),
            ):
                await self._read(stream)
        except BadAnswer as fault:
            self._drop(stream, str(fault), fault.usage)
            raise
        except Transient as fault:
            self._drop(stream, str(fault), self._estimate(stream.text) if stream.text else None)
            raise
        if stream.answer is None:
            return self._cut_short(stream)
        self._backoff.succeeded()
        answered = _recorded(stream.answer, turn, time.monotonic() - began)
        self._last_usage = answered.usage
        self._recorder.record(answered)
        return answered

    async def _read(self, stream: _Stream) -> None:
        state = self._state
        assert state.started, "a journal begins with session.started"
        session, instructions, tools = state.started.session, state.started.instructions, state.tools or ()
        request = Request(session, instructions, tuple(state.items), self._journal.load, tools)
        async with aclosing(self._model.respond(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answer):
                    stream.answer = piece
                    break
                stream.add(piece)
        stream.flush()
        if stream.answer is None:
            raise Transient("the model's answer ended in the middle")

    def _cut_short(self, stream: _Stream) -> None:
        """Drop what has come of an answer that the user, or the budget of time, did not wait for."""
        reason = "cut short by the user's correction" if self._state.queued else "cut short"
        self._drop(stream, reason, self._estimate(stream.text))
        self._attention.hear()
        self._attention.cut = f"your answer, after it had begun: {stream.text[-300:]}" if stream.text else ""
        self._attention.raise_stop()
        budget.check(self._state)

    def _drop(self, stream: _Stream, reason: str, usage: Usage | None = None) -> None:
        stream.flush()
        self._recorder.record(ModelDropped(stream.turn, reason, stream.text, usage=usage or Usage()))

    def _estimate(self, text: str) -> Usage:
        """What a cut answer will have cost: the provider does not say."""
        tokens = self._last_usage.input_tokens + self._last_usage.output_tokens
        return Usage(input_tokens=tokens, output_tokens=len(text) // CHARS_PER_TOKEN, estimated=True)


class _Stream:
    """Text on its way into the journal, in pieces worth an event."""

    def __init__(self, turn: int, recorder: Recorder) -> None:
        self.turn = turn
        self.text = ""
        self.answer: Answer | None = None
        self._recorder = recorder
        self._kind = ""
        self._buffer = ""
        self._flushed = time.monotonic()

    def add(self, thought: Thought) -> None:
        """Take in a piece; long ones and old ones become events."""
        if thought.kind != self._kind:
            self.flush()
            self._kind = thought.kind
        self._buffer += thought.text
        self.text += thought.text
        if len(self.text) > ENDLESS:
            raise Transient(f"the model's answer has no end ({ENDLESS} characters and no action)")
        if time.monotonic() - self._flushed > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write down what has gathered."""
        if self._buffer:
            event = ModelThought if self._kind == "reasoning" else ModelSaid
            self._recorder.record(event(self.turn, self._buffer))
        self._buffer = ""
        self._flushed = time.monotonic()


def _recorded(answer: Answer, turn: int, seconds: float) -> ModelAnswered:
    return ModelAnswered(
        turn=turn,
        response=answer.id,
        output=answer.output,
        calls=answer.calls,
        words=answer.words,
        final=answer.final,
        usage=answer.usage,
        seconds=round(seconds, 3),
    )
