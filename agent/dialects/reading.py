"""A model's answer, read: its thoughts, calls and words, or what was wrong with it, as the journal keeps it.

The item that is kept holds what is sent back as the model's own, word for word, and beside it what Deskhand has to say
to it: `replies` to calls of the server's `tool_calls` that need no more than that, the names of other calls
(`called`), what is held in the meantime (`hand`), whether it is nothing but words (`plain`), and a `note`. So a fault
is told once, right after the answer that it belongs to, and every later request tells it in the same words.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from agent.dialects.code import read_code
from agent.dialects.dialect import Dialect
from agent.dialects.errors import Unreadable
from agent.dialects.hand import Hand
from agent.dialects.meaning import Meaning, Ways
from agent.dialects.points import Frame
from agent.dialects.schemas import arguments_for
from agent.dialects.syntax import Command, Reader, load, read_objects
from agent.dialects.tagged import read_tagged
from agent.dialects.thoughts import Shown, without_thoughts
from agent.dialects.written import read_written
from agent.values import Call, FunctionCall, ScreenCall, Word

LONGEST_KEPT = 2_000  # characters of an answer that could not be read
Numbered: TypeAlias = "tuple[str, Called]"
READERS: Mapping[str, Reader] = {
    "calls": read_written,
    "tags": read_tagged,
    "code": read_code,
    "objects": read_objects,
}
NOT_READ = "This answer could not be carried out, and nothing of it was done: "
LOOK_FIRST = (
    "You said that this is the end together with calls. They come first: look at the result, and say it again on its "
    "own if it is so."
)
HELD = "This is remembered, and takes effect with what is done next: nothing is held down in between."
NOTED, DONE = "Noted.", "Done."
TOGETHER = "Done together with the next call."
_LABEL = re.compile(r"^\W*thought\W*:\W*", re.IGNORECASE)
ASK, GIVE_UP = "ask_user", "give_up"


@dataclass(frozen=True, slots=True)
class Called:
    """One of the server's `tool_calls`: `arguments` is JSON as it came."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Said:
    """What came of one answer.

    Attributes:
        content: the text, thoughts that stand in it included.
        thoughts: that came beside it.
        cut: why it is not whole, for the model; "" where it is.
    """

    content: str
    thoughts: str = ""
    calls: tuple[Called, ...] = ()
    cut: str = ""


@dataclass(frozen=True)
class Understood:
    """What it means.

    Attributes:
        item: as the journal keeps it.
        fault: why nothing of it can be carried out, or "".
    """

    item: Word
    calls: tuple[Call, ...] = ()
    words: str = ""
    final: bool = False
    fault: str = ""


@dataclass
class Reading:
    """Reads the answers of one dialect.

    Args:
        tools: the offers, by name.
        frame: the newest screenshot; None where there is none.
        hand: as the last answer left it.
    """

    dialect: Dialect
    tools: Mapping[str, Word]
    frame: Frame | None
    hand: Hand
    new_id: Callable[[], str] = field(default=lambda: f"c{secrets.token_hex(4)}")

    def read(self, said: Said) -> Understood:
        """Understand an answer. Never raises for what a model can write."""
        shown = without_thoughts(said.content, self.dialect.thinking)
        kept = said.content if self.dialect.keeps_thinking else shown
        native = [(self.new_id(), call) for call in said.calls]  # servers count theirs anew with each answer
        try:
            if said.cut:
                raise Unreadable(said.cut)
            commands = self._commands(shown, native)
            beside = shown if native else ""  # else the calls themselves stand in the text
            return self._understood(self._item(kept, said, native), shown, beside, commands)
        except Unreadable as fault:
            return self._faulty(kept, said, native, str(fault))
        except RecursionError:
            return self._faulty(kept, said, native, "it is nested too deeply")

    def spoken(self, said: Said) -> str:
        """The words of an answer that was to hold nothing else; some models wrap them in an end all the same."""
        understood = self.read(said)
        return understood.words if understood.final else without_thoughts(said.content, self.dialect.thinking)

    def _commands(self, text: str, native: Sequence[Numbered]) -> list[Command]:
        if native:
            return [_loaded(*each) for each in native]
        names = self.dialect.names(frozenset(self.tools))
        for syntax in self.dialect.syntax:
            if commands := READERS[syntax](text, names):
                return commands
        if not self.dialect.native or not text.strip():
            raise Unreadable("there is no call in it")
        return []

    def _understood(self, item: Word, text: str, words: str, commands: Sequence[Command]) -> Understood:
        if not commands:
            return Understood(item | {"plain": True}, words=text.strip(), final=True)
        taken = _Taken(self, item)
        for command in commands:
            taken.take(command)
        return taken.finish(words, self._prose(text))

    def _prose(self, text: str) -> str:
        """What stands before the calls, for an end that has no words of its own."""
        shown = Shown(self.dialect.hidden_from, ())
        return _LABEL.sub("", shown.feed(text) + shown.rest()).strip()

    def _item(self, content: str, said: Said, native: Sequence[Numbered]) -> Word:
        item: Word = {"type": "chat", "content": content}
        if said.thoughts and self.dialect.keeps_thinking:
            item["reasoning_content"] = said.thoughts
        if native:
            item["tool_calls"] = [_kept(*each) for each in native]
        return item

    def _faulty(self, content: str, said: Said, native: Sequence[Numbered], fault: str) -> Understood:
        told = f"{NOT_READ}{fault}. {self.example}"
        item = self._item(_cut(content), said, native) | {"fault": fault}
        if native:
            item["replies"] = {identity: told for identity, _ in native}
        else:
            item["note"] = told
        return Understood(item | _kept_hand(self.hand), fault=fault)

    @property
    def example(self) -> str:
        """What would be right."""
        return f"A right answer looks like this:\n{self.dialect.example}" if self.dialect.example else ""


class _Taken:
    """Commands on their way into calls."""

    def __init__(self, reading: Reading, item: Word) -> None:
        self._reading = reading
        self._item = item
        self._calls: list[Call] = []
        self._replies: dict[str, str] = {}
        self._called: dict[str, str] = {}
        self._waiting = ""  # the call of `tool_calls` that the actions so far belong to
        frame = reading.frame
        if frame is None:
            raise Unreadable("there is no screenshot yet that coordinates could belong to")
        dialect = reading.dialect
        ways = Ways(dialect.notches, dialect.step, dialect.unescape)
        self._meaning = Meaning(frame, ways, reading.hand)

    def take(self, command: Command) -> None:
        """One command; those of one call of `tool_calls` are one call of ours."""
        dialect, tools = self._reading.dialect, self._reading.tools
        name, inner = command.name, command
        if dialect.function and name == dialect.function:
            chosen = command.arguments.get(dialect.selector)
            if not isinstance(chosen, str):
                raise Unreadable(f"{name} needs {dialect.selector!r}, the name of an action")
            rest = {key: value for key, value in command.arguments.items() if key != dialect.selector}
            name, inner = chosen, Command(chosen, rest, command.id)
        if verb := dialect.actions.get(name):
            self._meaning.take(verb, inner)
            self._ended(command.id)
        elif tool := self._tool(name):
            self._flush()
            self._call(tool, arguments_for(tools[tool], inner.arguments), command.id)
        else:
            known = ", ".join([*dialect.actions, *tools])
            raise Unreadable(f"there is no action {name!r}; there are {known}")

    def _tool(self, name: str) -> str:
        """A tool's own name; where a notation has no hyphens, underscores stand for them."""
        tools = self._reading.tools
        return name if name in tools else next((each for each in tools if each.replace("-", "_") == name), "")

    def _ended(self, call: str) -> None:
        meaning = self._meaning
        if meaning.asks:
            self._flush()
            if ASK not in self._reading.tools:
                raise Unreadable("the user cannot be asked here; go on as far as you can")
            self._call(ASK, {"question": meaning.asks, "choices": [], "wait": True}, call)
            meaning.asks = ""
        elif call and meaning.end:
            self._replies.setdefault(call, NOTED)
        elif call:
            if self._waiting:
                self._replies[self._waiting] = TOGETHER
            self._waiting = call

    def finish(self, words: str, prose: str) -> Understood:
        """What all of them come to."""
        self._flush(always=not self._calls and not self._meaning.end)
        meaning, said = self._meaning, "\n".join(self._meaning.words)
        early = bool(meaning.end and self._calls)
        if meaning.end == "fail" and not early and GIVE_UP in self._reading.tools:
            call = next(iter(self._replies), "")
            self._replies.pop(call, None)
            self._call(GIVE_UP, {"reason": said or "The model says that it cannot be done."}, call)
        final = bool(meaning.end) and not self._calls
        notes = [LOOK_FIRST] if early else []
        notes += [HELD] if (meaning.hand.keys or meaning.hand.path) and not meaning.end else []
        item = self._item | _kept_hand(meaning.hand)
        item |= {"replies": self._replies} if self._replies else {}
        item |= {"called": self._called} if self._called else {}
        item |= {"note": " ".join(notes)} if notes else {}
        shown = "\n".join(part for part in (words, said if final else "") if part)
        return Understood(item, tuple(self._calls), shown or (prose or DONE if final else ""), final)

    def _flush(self, *, always: bool = False) -> None:
        """The actions so far become a call; one without actions only looks."""
        actions, self._meaning.actions = self._meaning.actions, []
        call, self._waiting = self._waiting, ""
        if actions or call or always:
            self._calls.append(ScreenCall(call or self._reading.new_id(), tuple(actions or [{"type": "screenshot"}])))

    def _call(self, name: str, arguments: Mapping[str, Any], call: str) -> None:
        identity = call or self._reading.new_id()
        self._calls.append(FunctionCall(identity, name, json.dumps(arguments, ensure_ascii=False)))
        if not call:
            self._called[identity] = name


def _kept_hand(hand: Hand) -> Word:
    word = hand.to_word()
    return {"hand": word} if word else {}


def _loaded(identity: str, call: Called) -> Command:
    """With its arguments read."""
    value: object = load(call.arguments) if call.arguments.strip() else {}
    if not isinstance(value, dict):
        raise Unreadable(f"the arguments of {call.name} are no JSON object")
    return Command(call.name, cast("dict[str, Any]", value), identity)


def _kept(identity: str, call: Called) -> Word:
    """As it is sent back: chat templates take only arguments that are a JSON object."""
    try:
        arguments: Mapping[str, Any] = _loaded(identity, call).arguments
    except Unreadable:
        arguments = {"unreadable": _cut(call.arguments)}
    return {"id": identity, "name": call.name, "arguments": json.dumps(arguments, ensure_ascii=False)}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_KEPT else f"{text[:LONGEST_KEPT]} … (cut)"
