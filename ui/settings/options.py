"""The options of a session: flags over environment over `config.toml`, merged once and then frozen."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.mcp.config import ServerConfig
from agent.values import NO_LIMITS, Budgets
from ui.settings.config import Values, mcp_servers
from ui.settings.kinds import (
    address,
    approve,
    chord,
    computer_name,
    context_tokens,
    expanded,
    monitor_number,
    one_of,
    parse_size,
    positive,
    positive_int,
    shared_paths,
    switch,
    tool_names,
)
from ui.settings.words import at_terminal, read_task, words_given
from vm.senses import AS_USUAL, SenseOptions

DEFAULT_MODEL = "gpt-6.1-terra"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """How to work on a session, whether it is new or goes on."""

    provider: Provider
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(SessionOptions):
    """A new session."""

    task: str
    computer: str
    model: str
    size: tuple[int, int] | None = None
    open: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    workspace: Path | None = None
    network: bool | None = None
    approve: str = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOptions(SessionOptions):
    """A session that goes on. Budgets that are None stay as they were."""

    session: str
    words: str = ""
    repair: bool = False


def run_options(flags: argparse.Namespace) -> RunOptions:
    """Options of `deskhand run`."""
    values = Values(flags)
    return RunOptions(
        task=read_task(flags.task),
        computer=values.pick("computer", computer_name, "") or _default_computer(),
        model=values.pick("model", str, DEFAULT_MODEL),
        size=values.pick("size", parse_size, None),
        open=tuple(flags.open or ()),
        files=tuple(Path(name).expanduser().absolute() for name in flags.file or ()),
        workspace=Path(flags.workspace).expanduser().absolute() if flags.workspace else None,
        network=values.pick("network", switch, None),
        approve=values.pick("approve", approve, "ask"),
        budgets=_budgets(values),
        tools=values.pick("tools", tool_names, None),
        **_of_both(values, flags),
    )


def resume_options(flags: argparse.Namespace) -> ResumeOptions:
    """Options of `deskhand resume`; budgets only where a flag names them."""
    values = Values(flags)
    return ResumeOptions(
        session=flags.session,
        words=words_given(flags.words),
        repair=flags.repair,
        budgets=Budgets(flags.max_turns, flags.max_minutes, flags.max_cost),
        **_of_both(values, flags),
    )


def _of_both(values: Values, flags: argparse.Namespace) -> dict[str, Any]:
    return {
        "provider": _provider(values),
        "approval_timeout": _approval_timeout(values),
        "reviewer": values.pick("reviewer", str, ""),
        "hand_back_after": values.pick("hand_back_after", positive, None),
        "compact_at": values.pick("compact_at", context_tokens, None),
        "senses": _senses(values),
        "together": together(values),
        "share": values.pick("share", shared_paths, ()),
        "mcp": mcp_servers(flags.mcp),
        "overlay": _overlay(values, json=flags.json),
        "json": flags.json,
    }


def together(values: Values) -> Together:
    """What holds for all sessions, by environment and configuration file."""
    return Together(
        agents=values.pick("max_agents", positive_int, None), daily_cost=values.pick("daily_cost", positive, None)
    )


def notifies() -> bool:
    """Whether the page's service tells the desktop when a session needs the user or ends."""
    return Values(argparse.Namespace()).pick("notify", switch, True)


def _provider(values: Values) -> Provider:
    return Provider(
        api_key=values.pick("api_key", str.strip, ""),
        base_url=values.pick("base_url", address, None),
        model_timeout=values.pick("model_timeout", positive, 180.0),
        prices=values.pick("prices", expanded, None),
        api=values.pick("api", one_of("responses", "chat"), ""),
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
        takeover=values.pick("takeover", switch, True),
        panic=values.pick("panic", chord, AS_USUAL.panic),
        monitor=values.pick("monitor", monitor_number, 0),
        cursor=values.pick("cursor", switch, False),
    )


def _overlay(values: Values, *, json: bool) -> bool:
    """By itself where somebody sits at a screen and a terminal; a program that reads events gets no window."""
    return values.pick("overlay", switch, at_terminal() and not json and _has_screen())


def _has_screen() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY"))


def _approval_timeout(values: Values) -> float:
    return values.pick("approval_timeout", positive, ASKED_HERE if at_terminal() else ASKED_AWAY)


def _default_computer() -> str:
    from vm.here import default_computer

    return default_computer()
