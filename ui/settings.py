"""Settings: flags over environment over `config.toml`, merged once and then frozen."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from agent.errors import UserFault
from agent.mcp.config import ServerConfig, chosen, read_servers
from agent.values import NO_LIMITS, Budgets
from vm.senses import AS_USUAL, SenseOptions

T = TypeVar("T")
D = TypeVar("D")
DEFAULT_MODEL = "gpt-6.1-terra"
MAX_TASK = 50_000  # characters; more belongs into a file of the workspace
TOOL_NAMES = (
    *("shell", "apply_patch", "files", "inspect", "render", "spreadsheet", "slides", "document", "pdf"),
    *("remember", "skill"),
)
LEAST_CONTEXT = 40_000  # tokens: instructions and tools take more than half of that
MONITORS = 99  # nobody has more
SIDES = range(320, 7681)  # pixels of a private desktop's screen
ASKED_HERE = 900.0  # seconds that a question waits where somebody sits at the terminal
ASKED_AWAY = 120.0  # and where nobody does: the session can be resumed, and asks again


@dataclass(frozen=True, slots=True)
class Provider:
    """Where the model is, how long to wait for it, and how to speak to it: see `ui.models`."""

    api_key: str = ""
    base_url: str | None = None
    model_timeout: float = 180.0
    prices: Path | None = None
    api: str = ""
    dialect: str = ""

    def __repr__(self) -> str:
        return f"Provider(base_url={self.base_url!r})"  # never the key


@dataclass(frozen=True, slots=True)
class Together:
    """What holds for all sessions of this user.

    Attributes:
        agents: how many may work at once; None leaves it to the machine's memory.
        daily_cost: US dollars that they may cost together in a day; None for no limit.
    """

    agents: int | None = None
    daily_cost: float | None = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """A new session."""

    task: str
    computer: str
    model: str
    provider: Provider
    size: tuple[int, int] | None = None
    open: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    workspace: Path | None = None
    network: bool | None = None
    approve: str = "ask"
    approval_timeout: float = ASKED_AWAY
    reviewer: str = ""
    hand_back_after: float | None = None
    compact_at: int | None = None
    senses: SenseOptions = AS_USUAL
    budgets: Budgets = NO_LIMITS
    together: Together = Together()
    share: tuple[Path, ...] = ()
    tools: tuple[str, ...] | None = None
    mcp: tuple[ServerConfig, ...] = ()
    overlay: bool = False
    json: bool = False
    tells_the_end: bool = True


@dataclass(frozen=True, slots=True)
class ResumeOptions:
    """A session that goes on. Budgets that are None stay as they were."""

    session: str
    provider: Provider
    words: str = ""
    repair: bool = False
    approval_timeout: float = ASKED_AWAY
    reviewer: str = ""
    hand_back_after: float | None = None
    compact_at: int | None = None
    senses: SenseOptions = AS_USUAL
    budgets: Budgets = NO_LIMITS
    together: Together = Together()
    share: tuple[Path, ...] = ()
    tools: tuple[str, ...] | None = None
    mcp: tuple[ServerConfig, ...] = ()
    overlay: bool = False
    json: bool = False
    tells_the_end: bool = True


def run_options(flags: argparse.Namespace) -> RunOptions:
    """Options of `deskhand run`."""
    values = Values(flags)
    return RunOptions(
        task=read_task(flags.task),
        computer=values.pick("computer", computer_name, "") or _default_computer(),
        model=values.pick("model", str, DEFAULT_MODEL),
        provider=_provider(values),
        size=values.pick("size", parse_size, None),
        open=tuple(flags.open or ()),
        files=tuple(Path(name).expanduser().absolute() for name in flags.file or ()),
        workspace=Path(flags.workspace).expanduser().absolute() if flags.workspace else None,
        network=values.pick("network", _switch, None),
        approve=values.pick("approve", _approve, "ask"),
        approval_timeout=_approval_timeout(values),
        reviewer=values.pick("reviewer", str, ""),
        hand_back_after=values.pick("hand_back_after", positive, None),
        compact_at=values.pick("compact_at", context_tokens, None),
        senses=_senses(values),
        budgets=_budgets(values),
        together=together(values),
        share=values.pick("share", shared_paths, ()),
        tools=values.pick("tools", tool_names, None),
        mcp=mcp_servers(flags.mcp),
        overlay=_overlay(values, json=flags.json),
        json=flags.json,
    )


def resume_options(flags: argparse.Namespace) -> ResumeOptions:
    """Options of `deskhand resume`; budgets only where a flag names them."""
    values = Values(flags)
    return ResumeOptions(
        session=flags.session,
        provider=_provider(values),
        words=words_given(flags.words),
        repair=flags.repair,
        approval_timeout=_approval_timeout(values),
        reviewer=values.pick("reviewer", str, ""),
        hand_back_after=values.pick("hand_back_after", positive, None),
        compact_at=values.pick("compact_at", context_tokens, None),
        senses=_senses(values),
        budgets=Budgets(flags.max_turns, flags.max_minutes, flags.max_cost),
        together=together(values),
        share=values.pick("share", shared_paths, ()),
        mcp=mcp_servers(flags.mcp),
        overlay=_overlay(values, json=flags.json),
        json=flags.json,
    )


class Values:
    """Looks a setting up: flag, then the environment, then the configuration file."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self._flags = flags
        self._file = read_config()

    def pick(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        """The value of a setting, as the first place that has it says.

        Raises:
            UserFault: it cannot be read; says which place, and what would be right.
        """
        flag = getattr(self._flags, name, None)
        if flag is not None:
            return flag
        variable = variable_of(name)
        for place, raw in ((variable, os.environ.get(variable)), (f"{name} in {config_path()}", self._file.get(name))):
            if raw not in (None, ""):
                try:
                    return parse(str(raw))
                except (ValueError, argparse.ArgumentTypeError) as error:
                    raise UserFault(f"{place} is {raw!r}: {error}") from None
        return default


_TEXT, _NUMBER = (str,), (int, float)
KEYS: Mapping[str, tuple[type, ...]] = {
    "model": _TEXT,
    "api": _TEXT,
    "dialect": _TEXT,
    "computer": _TEXT,
    "size": _TEXT,
    "network": _TEXT,
    "share": _TEXT,
    "approve": _TEXT,
    "approval_timeout": _NUMBER,
    "reviewer": _TEXT,
    "overlay": _TEXT,
    "notify": _TEXT,
    "max_agents": (int,),
    "daily_cost": _NUMBER,
    "hand_back_after": _NUMBER,
    "takeover": _TEXT,
    "panic": _TEXT,
    "monitor": (int,),
    "cursor": _TEXT,
    "max_turns": (int,),
    "max_minutes": _NUMBER,
    "max_cost": _NUMBER,
    "compact_at": (int,),
    "model_timeout": _NUMBER,
    "api_key": _TEXT,
    "base_url": _TEXT,
    "prices": _TEXT,
    "tools": _TEXT,
    "mcp": (dict,),
}
"""What the configuration file may say, and as what."""

_NAMES = {str: "a text", int: "a whole number", float: "a number", dict: "a table"}


def variable_of(name: str) -> str:
    """The variable of the environment that holds a setting."""
    return f"OPENAI_{name.upper()}" if name in ("api_key", "base_url") else f"DESKHAND_{name.upper()}"


def config_path() -> Path:
    """`DESKHAND_CONFIG`, or config.toml in the platform's own configuration folder."""
    if path := os.environ.get("DESKHAND_CONFIG"):
        return Path(path).expanduser()
    from platformdirs import user_config_path

    return user_config_path("deskhand", appauthor=False) / "config.toml"


def read_config() -> Mapping[str, Any]:
    """The configuration file; empty where there is none.

    Raises:
        UserFault: it is no TOML, or has a key that means nothing or a value of the wrong type.
    """
    import tomllib

    path = config_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserFault(f"{path} cannot be read: {error}; correct it, or move it away") from None
    unknown = sorted(set(data) - set(KEYS))
    if unknown:
        raise UserFault(f"{path} has an unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    for key, value in data.items():
        if isinstance(value, bool) or not isinstance(value, KEYS[key]):
            raise UserFault(f"{key} in {path} is {value!r}; it must be {_NAMES[KEYS[key][-1]]}")
    if data.get("api_key"):
        _warn_of_readers(path)
    return data


def _warn_of_readers(path: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        print(f"deskhand: {path} holds a key and others can read it; run: chmod 600 {path}", file=sys.stderr)


def tool_names(text: str) -> tuple[str, ...]:
    """Tools beside the screen, as the user names them.

    Raises:
        ValueError: there is no such tool.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if names == ("none",):
        return ()
    if unknown := [name for name in names if name not in TOOL_NAMES]:
        raise argparse.ArgumentTypeError(f"there is no tool {unknown[0]!r}; there are {', '.join(TOOL_NAMES)}, or none")
    return names


def mcp_servers(names: tuple[str, ...] | None) -> tuple[ServerConfig, ...]:
    """The MCP servers of a session: those named by flag or environment, else those that the file enables.

    Raises:
        UserFault: one is configured wrongly, or not at all.
    """
    path, file = config_path(), read_config()
    try:
        servers = read_servers(file.get("mcp", {}))
    except ValueError as error:
        raise UserFault(f"{error} (in {path})") from None
    if any(server.holds_secrets for server in servers) and not file.get("api_key"):
        _warn_of_readers(path)
    variable = os.environ.get(variable_of("mcp"))
    if names is None and variable:
        names = server_names(variable)
    try:
        return chosen(servers, names)
    except ValueError as error:
        raise UserFault(f"{error}; `[mcp.NAME]` tables in {path} configure them") from None


def server_names(text: str) -> tuple[str, ...]:
    """Names of MCP servers, separated by commas; "off" is none of them."""
    return () if text == "off" else tuple(name.strip() for name in text.split(",") if name.strip())


def read_task(text: str) -> str:
    """The task as given, or from standard input for "-"; see `check_task`."""
    return check_task(_standard_input() if text == "-" else text)


def check_task(text: str) -> str:
    """The task as given.

    Raises:
        UserFault: there is none, it is too long, or no text.
    """
    task = _text_of(text, "the task")
    if not task.strip():
        raise UserFault('the task is empty; say what is to be done: deskhand run "TASK"')
    if len(task) > MAX_TASK:
        raise UserFault(
            f"the task has {len(task)} characters, at most {MAX_TASK} fit; "
            "put the text into a file of --workspace, and let the task name it"
        )
    return task


def read_words(text: str) -> str:
    """What a user says to a session.

    Raises:
        UserFault: nothing, too much, or no text.
    """
    words = _text_of(text, "what you say").strip()
    if not words:
        raise UserFault("there are no words to tell")
    if len(words) > MAX_TASK:
        raise UserFault(f"{len(words)} characters are too many, at most {MAX_TASK} fit; put the text into a file")
    return words


def words_given(text: str | None) -> str:
    """Words on a command line, or from standard input for "-"; "" where there are none."""
    return read_words(_standard_input() if text == "-" else text) if text else ""


def at_terminal() -> bool:
    """Whether somebody can be asked on standard input."""
    return sys.stdin is not None and sys.stdin.isatty()  # pyright: ignore[reportUnnecessaryComparison]  # None if closed


def _standard_input() -> str:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  # so it is where it was closed
        raise UserFault("the task is to be read from standard input, which is closed; write it in place of `-`")
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")


def _text_of(text: str, what: str) -> str:
    """Bytes that are no UTF-8 arrive as lone surrogates, which no model can be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserFault(f"{what} is not UTF-8 text; convert it, or write it anew") from None
    return text


def parse_size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT in pixels."""
    try:
        width, height = (int(part) for part in text.lower().replace("×", "x").split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"the size {text!r} is not WIDTHxHEIGHT, like 1440x900") from None
    if width not in SIDES or height not in SIDES:
        raise argparse.ArgumentTypeError(
            f"the size {text} is out of range; each side has {SIDES[0]} to {SIDES[-1]} pixels"
        )
    return width, height


def shared_paths(text: str) -> tuple[Path, ...]:
    """Files and folders that are there, separated as in PATH."""
    paths = tuple(Path(one).expanduser().absolute() for one in text.split(os.pathsep) if one)
    if missing := [path for path in paths if not path.exists()]:
        raise argparse.ArgumentTypeError(f"there is no {missing[0]}")
    return paths


def monitor_number(text: str) -> int:
    """0 for all monitors together, 1 for the first one, and so on."""
    if not text.isascii() or not text.isdigit() or int(text) > MONITORS:
        raise argparse.ArgumentTypeError(f"{text!r} is no monitor; `deskhand doctor` numbers them, 0 means all")
    return int(text)


def chord(text: str) -> str:
    """Keys that are pressed together, like "ctrl+escape"."""
    from actuators.errors import InvalidAction
    from actuators.keys import parse_chord

    try:
        parse_chord(text)
    except InvalidAction as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def positive_int(text: str) -> int:
    """A whole number above zero."""
    return int(_positive(text, int))


def positive(text: str) -> float:
    """A number above zero."""
    return _positive(text, float)


def context_tokens(text: str) -> int:
    """Tokens of a conversation: fewer would leave no room to work in."""
    if (tokens := positive_int(text)) < LEAST_CONTEXT:
        raise argparse.ArgumentTypeError(f"{tokens} tokens leave no room to work in; at least {LEAST_CONTEXT}")
    return tokens


def _positive(text: str, kind: Callable[[str], float]) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a {'whole ' if kind is int else ''}number above zero")
    return number


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"it must be one of {', '.join(choices)}")
        return text

    return parse


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    return text


def _file(text: str) -> Path:
    return Path(text).expanduser()


def _switch(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


def computer_name(text: str) -> str:
    """A computer as `vm.places` knows them; files get their whole path."""
    from vm.places import parse_place

    try:
        return str(parse_place(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_approve = _one_of("ask", "never", "always")


def _provider(values: Values) -> Provider:
    return Provider(
        api_key=values.pick("api_key", str.strip, ""),
        base_url=values.pick("base_url", _address, None),
        model_timeout=values.pick("model_timeout", positive, 180.0),
        prices=values.pick("prices", _file, None),
        api=values.pick("api", _one_of("responses", "chat"), ""),
        dialect=values.pick("dialect", str.strip, ""),
    )


def _budgets(values: Values) -> Budgets:
    return Budgets(
        turns=values.pick("max_turns", positive_int, 0) or None,
        minutes=values.pick("max_minutes", positive, 0.0) or None,
        cost_usd=values.pick("max_cost", positive, 0.0) or None,
    )


def _senses(values: Values) -> SenseOptions:
    return SenseOptions(
        takeover=values.pick("takeover", _switch, True),
        panic=values.pick("panic", chord, AS_USUAL.panic),
        monitor=values.pick("monitor", monitor_number, 0),
        cursor=values.pick("cursor", _switch, False),
    )


def together(values: Values) -> Together:
    """What holds for all sessions, by environment and configuration file."""
    return Together(
        agents=values.pick("max_agents", positive_int, None), daily_cost=values.pick("daily_cost", positive, None)
    )


def notifies() -> bool:
    """Whether the page's service tells the desktop when a session needs the user or ends."""
    return Values(argparse.Namespace()).pick("notify", _switch, True)


def _overlay(values: Values, *, json: bool) -> bool:
    """By itself where somebody sits at a screen and a terminal; a program that reads events gets no window."""
    return values.pick("overlay", _switch, at_terminal() and not json and _has_screen())


def _has_screen() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY"))


def _approval_timeout(values: Values) -> float:
    return values.pick("approval_timeout", positive, ASKED_HERE if at_terminal() else ASKED_AWAY)


def _default_computer() -> str:
    from vm.here import default_computer

    return default_computer()
