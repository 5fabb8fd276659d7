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
from agent.events import Budgets

T = TypeVar("T")
D = TypeVar("D")
DEFAULT_MODEL = "gpt-6.1-terra"
DEFAULT_SIZE = (1440, 900)
NO_LIMITS = Budgets()
MAX_TASK = 50_000  # characters; more belongs into a file of the workspace
SIDES = range(320, 7681)  # pixels of a private desktop's screen
ASKED_HERE = 900.0  # seconds that a question waits where somebody sits at the terminal
ASKED_AWAY = 120.0  # and where nobody does: the session can be resumed, and asks again


@dataclass(frozen=True, slots=True)
class Provider:
    """Where the model is, and how long to wait for it."""

    api_key: str = ""
    base_url: str | None = None
    model_timeout: float = 180.0
    prices: Path | None = None

    def __repr__(self) -> str:
        return f"Provider(base_url={self.base_url!r})"  # never the key


@dataclass(frozen=True, slots=True)
class RunOptions:
    """A new session."""

    task: str
    computer: str
    model: str
    provider: Provider
    size: tuple[int, int] = DEFAULT_SIZE
    open: tuple[str, ...] = ()
    workspace: Path | None = None
    approve: str = "ask"
    approval_timeout: float = ASKED_AWAY
    budgets: Budgets = NO_LIMITS
    json: bool = False


@dataclass(frozen=True, slots=True)
class ResumeOptions:
    """A session that goes on. Budgets that are None stay as they were."""

    session: str
    provider: Provider
    words: str = ""
    repair: bool = False
    approval_timeout: float = ASKED_AWAY
    budgets: Budgets = NO_LIMITS
    json: bool = False


def run_options(flags: argparse.Namespace) -> RunOptions:
    """Options of `deskhand run`."""
    values = Values(flags)
    return RunOptions(
        task=read_task(flags.task),
        computer=values.pick("computer", _computer, "") or _default_computer(),
        model=values.pick("model", str, DEFAULT_MODEL),
        provider=_provider(values),
        size=values.pick("size", parse_size, DEFAULT_SIZE),
        open=tuple(flags.open or ()),
        workspace=Path(flags.workspace).expanduser().absolute() if flags.workspace else None,
        approve=values.pick("approve", _approve, "ask"),
        approval_timeout=_approval_timeout(values),
        budgets=_budgets(values),
        json=flags.json,
    )


def resume_options(flags: argparse.Namespace) -> ResumeOptions:
    """Options of `deskhand resume`; budgets only where a flag names them."""
    values = Values(flags)
    return ResumeOptions(
        session=flags.session,
        provider=_provider(values),
        words=read_task(flags.words) if flags.words else "",
        repair=flags.repair,
        approval_timeout=_approval_timeout(values),
        budgets=Budgets(flags.max_turns, flags.max_minutes, flags.max_cost),
        json=flags.json,
    )


class Values:
    """Looks a setting up: flag, then `DESKHAND_NAME`, then the configuration file."""

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
        variable = f"DESKHAND_{name.upper()}"
        for place, raw in ((variable, os.environ.get(variable)), (f"{name} in {config_path()}", self._file.get(name))):
            if raw not in (None, ""):
                try:
                    return parse(str(raw))
                except (ValueError, argparse.ArgumentTypeError) as error:
                    raise UserFault(f"{place} is {raw!r}: {error}") from None
        return default


KEYS = (
    "model",
    "computer",
    "size",
    "approve",
    "approval_timeout",
    "max_turns",
    "max_minutes",
    "max_cost",
    "model_timeout",
    "api_key",
    "base_url",
    "prices",
)


def config_path() -> Path:
    """`DESKHAND_CONFIG`, or config.toml in the platform's own configuration folder."""
    if path := os.environ.get("DESKHAND_CONFIG"):
        return Path(path)
    from platformdirs import user_config_path

    return user_config_path("deskhand", appauthor=False) / "config.toml"


def read_config() -> Mapping[str, Any]:
    """The configuration file; empty where there is none.

    Raises:
        UserFault: it is no TOML, or has a key that means nothing.
    """
    import tomllib

    path = config_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserFault(f"{path} cannot be read: {error}") from None
    unknown = sorted(set(data) - set(KEYS))
    if unknown:
        raise UserFault(f"{path} has an unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}")
    if data.get("api_key") and os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        print(f"deskhand: {path} holds a key and others can read it; run: chmod 600 {path}", file=sys.stderr)
    return data


def read_task(text: str) -> str:
    """The task as given, or from standard input for "-".

    Raises:
        UserFault: there is none, or it is too long.
    """
    task = sys.stdin.read() if text == "-" else text
    if not task.strip():
        raise UserFault('the task is empty; say what is to be done: deskhand run "TASK"')
    if len(task) > MAX_TASK:
        raise UserFault(
            f"the task has {len(task)} characters, at most {MAX_TASK} fit; put the text into a file, name it with --open"
        )
    return task


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


def positive_int(text: str) -> int:
    """A whole number above zero."""
    return int(_positive(text, int))


def positive(text: str) -> float:
    """A number above zero."""
    return _positive(text, float)


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


_computer = _one_of("desktop", "here")
_approve = _one_of("ask", "never", "always")


def _provider(values: Values) -> Provider:
    key = os.environ.get("OPENAI_API_KEY") or values.pick("api_key", str, "")
    url = values.pick("base_url", str, "") or os.environ.get("OPENAI_BASE_URL") or None
    return Provider(key, url, values.pick("model_timeout", positive, 180.0), values.pick("prices", Path, None))


def _budgets(values: Values) -> Budgets:
    return Budgets(
        turns=values.pick("max_turns", positive_int, 0) or None,
        minutes=values.pick("max_minutes", positive, 0.0) or None,
        cost_usd=values.pick("max_cost", positive, 0.0) or None,
    )


def _approval_timeout(values: Values) -> float:
    return values.pick("approval_timeout", positive, ASKED_HERE if sys.stdin.isatty() else ASKED_AWAY)


def _default_computer() -> str:
    from vm.here import default_computer

    return default_computer()
