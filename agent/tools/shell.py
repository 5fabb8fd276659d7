"""Commands beside the screen: run one after the other, left running where they take long, and fed where they ask."""

from __future__ import annotations

import re
import signal
from typing import Annotated, Literal, cast

import anyio
from anyio import to_thread
from pydantic import Field

from agent.errors import ToolFault
from agent.events.work import printed
from agent.policy import Use
from agent.tools.base import Arguments, Context, Reply, Room, Tool
from agent.tools.jobs import Job, how, short
from agent.tools.shell_script import MOST_STATES, script_of
from agent.tools.strict import Part, parameters_of, parsed
from agent.tools.terminals import Terminals, wait
from agent.values import Word

YIELD_SECONDS, LONGEST_YIELD_SECONDS = 10.0, 300.0
WAIT_SECONDS, LONGEST_WAIT_SECONDS = 600.0, 6 * 3600.0
TYPED_SECONDS = 3.0  # for what comes of something that was typed
TAKING_SECONDS = 3.0  # for any of it to be taken
OUTPUT, MOST_OUTPUT = 10_000, 20_000  # characters of one command
ALL_OUTPUT = 30_000  # of all commands of a call
MOST_COMMANDS = 20
TYPED_LINE_BYTES = 4000  # a terminal drops what goes beyond 4095 in one line
SHORTEST_SECRET = 4

_SIGNALS = {b"\x03": signal.SIGINT, b"\x1c": signal.SIGQUIT}
_KEY = re.compile(r"\^([A-Z@\[\\\]^_])")


class ShellCall(Part):
    commands: Annotated[list[str], Field(min_length=1, max_length=MOST_COMMANDS)] = Field(
        description="Commands for bash, run one after the other. Each is a script of its own, of any number of lines."
    )
    timeout_ms: int | None = Field(
        description="How long to wait for all of them, in milliseconds; null for 10,000, at most 300,000. What takes "
        "longer is not ended: it goes on in its terminal."
    )
    max_output_length: int | None = Field(
        description="Characters of each command's output to give back, from its beginning and its end; null for 10,000."
    )


class TerminalCall(Part):
    do: Literal["read", "write", "wait", "end", "list"] = Field(
        description="read: what it has printed since you last looked. write: type `text`, then read. wait: until the "
        "command has ended or asks for input, then read; costs nothing meanwhile. end: end it, and all that it "
        "started. list: all terminals."
    )
    id: str | None = Field(description="Which terminal, like t1; null for list.")
    text: str | None = Field(
        description="What to type. A line ends with \\n. A single ^C, ^D, ^Z or ^[ is that key. Null unless you write."
    )
    seconds: float | None = Field(
        description="At most how long to wait; null for 600 with wait, 3 with write. At most 21,600."
    )


def shell_tools(room: Room) -> tuple[Tool, ...]:
    """`shell` and `terminal`."""
    session = _Shell(room)
    return (
        Tool(
            "shell",
            "Run commands with bash, one after the other. `terminal` says where and how they run.",
            parameters_of(ShellCall),
            session.run,
            builtin="shell",
            in_words=_shell_in_words,
            use=lambda arguments: _running(room, arguments),
            touches_files=True,
        ),
        Tool(
            "terminal",
            "Look after a command that was left running by `shell`: read, type, wait, end. You are told by itself when "
            "such a command ends; there is no need to look again and again. Where it asks for a password or for "
            f"something only the user knows, ask them with ask_user; never guess.\n{_about_shell(room)}",
            parameters_of(TerminalCall),
            session.terminal,
            in_words=_terminal_in_words,
            use=session.typing,
            touches_files=True,
        ),
    )


def _about_shell(room: Room) -> str:
    """Told by the other tool: OpenAI's own `shell` takes no description."""
    programs = room.programs
    where = (
        "in a sandbox that shows the system's programs, the task's folder and a home and /tmp of its own, and nothing "
        "else of the user's"
        if not programs.confined
        else "on the user's machine, without a sandbox"
    )
    network = "The network can be reached." if programs.network or programs.confined else "There is no network."
    return (
        f"`shell` runs commands {where}. They start in the task's folder; the directory, variables, functions and "
        "aliases that a command ends with are those that the next one begins with, but not `set` options. "
        f"{network} There is no screen. What a command leaves in the background runs until the session ends. "
        "A command that takes longer than timeout_ms (10 s unless you say otherwise) is not ended: it goes on in a "
        "terminal of its own. Output and errors come together, without colours."
    )


class _Shell:
    """The commands of a session."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._terminals = Terminals.of(room)
        self._count = 0
        self._states: list[int] = []  # of those that ended while somebody waited, the last first

    async def run(self, arguments: Arguments, context: Context) -> Reply:
        """One call of `shell`."""
        call = parsed(ShellCall, arguments)
        for command in call.commands:
            script_of(command, 0, ())  # all of them can be run, or none is
        most = _between(call.max_output_length, OUTPUT, 0, MOST_OUTPUT)
        most = min(most, ALL_OUTPUT // len(call.commands))
        seconds = _between(call.timeout_ms, YIELD_SECONDS * 1000, 0, LONGEST_YIELD_SECONDS * 1000) / 1000
        deadline = anyio.current_time() + seconds
        parts: list[Word] = []
        for index, command in enumerate(call.commands):
            left = max(0.0, deadline - anyio.current_time())
            try:
                part, stopped = await self._one(command, left, int(most), context)
            except ToolFault as fault:
                if not parts:
                    raise
                part, stopped = _part(f"[{fault}]", None), True
            parts.append(part)
            if stopped and index + 1 < len(call.commands):
                said = "[not run, because the one before it has not ended]"
                parts += [_part(said, None)] * (len(call.commands) - index - 1)
                break
        return Reply(_text_of(call.commands, parts), parts=tuple(parts))

    async def _one(self, command: str, seconds: float, most: int, context: Context) -> tuple[Word, bool]:
        """Run one command; its part of the reply, and whether it goes on."""
        self._count += 1
        number = self._count
        job = await self._terminals.start(script_of(command, number, self._states), command)
        try:
            waited = await wait(job, seconds, context)
        except BaseException:
            self._terminals.name(job)
            raise
        if waited != "ended":
            self._terminals.name(job)
            text = job.take(most)
            return _part(f"{text}\n{await _going_on(job, waited)}".lstrip("\n"), None), True
        self._states = [number, *self._states][:MOST_STATES]
        text = job.take(most)
        if await to_thread.run_sync(job.terminal.left_running):
            name = self._terminals.name(job)
            text = f"{text}\n[what it started goes on in terminal {name}]".lstrip("\n")
        return _part(text, job), False

    async def terminal(self, arguments: Arguments, context: Context) -> str:
        """One call of `terminal`."""
        call = parsed(TerminalCall, arguments)
        if call.do == "list":
            lines = await to_thread.run_sync(lambda: [_line(job) for job in self._terminals.all])
            return "\n".join(lines) or "There are no terminals."
        job = self._terminals.find(call.id)
        waited: str = "time"
        match call.do:
            case "end":
                await self._terminals.end(job)
            case "wait":
                seconds = _between(call.seconds, WAIT_SECONDS, 0, LONGEST_WAIT_SECONDS)
                waited = await wait(job, seconds, context)
            case "write":
                await _type(job, call.text)
                seconds = _between(call.seconds, TYPED_SECONDS, 0, LONGEST_WAIT_SECONDS)
                waited = await wait(job, seconds, context)
            case _:
                await to_thread.run_sync(job.drain)
        return await self._report(job, waited)

    def typing(self, arguments: Arguments) -> Use | None:
        """What is typed, as the rules of approval see it; a password is not told. Takes some milliseconds."""
        text = _typed(arguments)
        if text is None:
            return Use()
        job = self._terminals.find(arguments.get("id"))
        if not job.runs:
            return None
        asked = job.asks()
        where = f"into terminal {job.id}, where this runs: {short(job.command)}"
        where += f", which asks: «{job.last(1, 200).strip()}»" if asked else ""
        if asked == "password":
            return _use(self._room, "", f"type a password of {len(text)} characters {where}")
        return _use(self._room, text, f"type {where}\n{text}")

    async def _report(self, job: Job, waited: str) -> str:
        text = job.take(OUTPUT) or "[nothing new was printed]"
        if job.runs:
            return f"{text}\n{await _going_on(job, waited)}"
        self._terminals.told(job)
        left = await to_thread.run_sync(job.terminal.left_running)
        return f"{text}\n[{how(job)}, {job.seconds:.1f} s{'; what it started goes on' if left else ''}]"


async def _going_on(job: Job, waited: str) -> str:
    """What is said of a command that has not ended."""
    asked = await to_thread.run_sync(job.asks)
    job.noticed = bool(asked)
    prompt = job.last(1, 200).strip()
    if asked == "password":
        return (
            f"[it asks for a password in terminal {job.id}: «{prompt}». Ask the user with ask_user, never guess; then "
            "`terminal` write, or end]"
        )
    if asked:
        what = (
            f"for input: «{prompt}»" if asked == "input" and prompt else "for input" if asked == "input" else "for keys"
        )
        return f"[it waits {what} in terminal {job.id}: `terminal` write, or end; what only the user knows, ask_user]"
    spoken = "; you were called back because the user said something" if waited == "word" else ""
    return f"[it goes on in terminal {job.id} after {job.seconds:.1f} s{spoken}; you are told when it ends]"


async def _type(job: Job, text: str | None) -> None:
    """Type what was asked for; all of it, or a `ToolFault` says how much."""
    if not text:
        raise ToolFault("text says what to type; it was empty. Nothing was typed.")
    data = _bytes_of(text)
    asked = await to_thread.run_sync(job.asks)
    if asked != "keys" and max(map(len, data.split(b"\n"))) > TYPED_LINE_BYTES:
        raise ToolFault(
            f"A terminal takes lines of at most {TYPED_LINE_BYTES} bytes. Nothing was typed; put it into a file."
        )
    if asked == "password" and len(text.strip()) >= SHORTEST_SECRET:
        job.hide(text.strip())
    try:
        done = await _typed_of(job, data)
    except OSError:
        raise ToolFault(
            f"It has ended: {how(job)}. Nothing was typed; `terminal` read shows what it printed."
        ) from None
    if not done and data in _SIGNALS:  # it would have become one, had there been room for it
        job.terminal.signal(_SIGNALS[data])
    elif done < len(data):
        raise ToolFault(f"Only {done} of {len(data)} bytes were taken: the command does not read what is typed.")


async def _typed_of(job: Job, data: bytes) -> int:
    """How many bytes were taken before no more were."""
    done, until = 0, anyio.current_time() + TAKING_SECONDS
    while done < len(data) and anyio.current_time() < until:
        if taken := job.type(data[done:]):
            done, until = done + taken, anyio.current_time() + TAKING_SECONDS
        else:
            await anyio.sleep(0.02)
    return done


def _bytes_of(text: str) -> bytes:
    if key := _KEY.fullmatch(text.strip()):
        return bytes([ord(key[1]) ^ 0x40])
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ToolFault("The text holds half a character (a lone surrogate). Nothing was typed.") from None


def _part(text: str, job: Job | None) -> Word:
    """What OpenAI's `shell` has for one command; it knows no signals, and shells have numbers for them."""
    if job is None or job.status is None:
        return {"stdout": text, "stderr": "", "outcome": {"type": "timeout"}}
    code = job.status if job.status >= 0 else 128 - job.status
    said = text if job.status >= 0 else f"{text}\n[{how(job)}]".lstrip("\n")
    return {"stdout": said, "stderr": "", "outcome": {"type": "exit", "exit_code": code}}


def _text_of(commands: list[str], parts: list[Word]) -> str:
    """The same for models that know no such parts."""
    return printed(parts, [f"$ {short(command, 200)}" for command in commands] if len(commands) > 1 else ())


def _line(job: Job) -> str:
    state = f"runs for {job.seconds:.0f} s" if job.runs else f"{how(job)} after {job.seconds:.1f} s"
    left = "; what it started goes on" if not job.runs and job.terminal.left_running() else ""
    return f"{job.id}: {short(job.command)} ({state}{left})"


def _between(value: float | None, usual: float, least: float, most: float) -> float:
    return usual if value is None else min(max(value, least), most)


def _commands(arguments: Arguments) -> list[str]:
    """Those of a call that nobody has checked."""
    raw = arguments.get("commands")
    return [each for each in cast("list[object]", raw) if isinstance(each, str)] if isinstance(raw, list) else []


def _typed(arguments: Arguments) -> str | None:
    text = arguments.get("text")
    return text if arguments.get("do") == "write" and isinstance(text, str) else None


def _running(room: Room, arguments: Arguments) -> Use | None:
    """Commands as the rules of approval see them."""
    commands = _commands(arguments)
    if not any(command.strip() for command in commands):
        return None
    words = f"run {commands[0]}" if len(commands) == 1 else "\n$ ".join(("run one after the other", *commands))
    return _use(room, "\n".join(commands), words)


def _use(room: Room, command: str, words: str) -> Use:
    programs = room.programs
    unconfined = bool(programs.confined)
    return Use(words=words, command=command, sandbox=not unconfined, network=programs.network or unconfined)


def _shell_in_words(arguments: Arguments) -> str:
    commands = _commands(arguments)
    more = f" (and {len(commands) - 1} more)" if len(commands) > 1 else ""
    return f"run {short(commands[0], 120)}{more}" if commands else "run a command"


def _terminal_in_words(arguments: Arguments) -> str:
    """Never what is typed: it may be a password."""
    name = short(str(arguments.get("id") or ""), 10)
    match arguments.get("do"):
        case "write":
            return f"type into terminal {name}: {len(str(arguments.get('text') or ''))} characters"
        case "wait":
            return f"wait for terminal {name}"
        case "end":
            return f"end terminal {name}"
        case "read":
            return f"read terminal {name}"
        case _:
            return "list the terminals"
