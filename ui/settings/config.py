"""Where a setting comes from: the configuration file, the environment, and the order in which they are asked."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from agent.errors import UserFault
from agent.mcp.config import ServerConfig, chosen, read_servers
from ui.settings.kinds import server_names

T = TypeVar("T")
D = TypeVar("D")
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


def _warn_of_readers(path: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        print(f"deskhand: {path} holds a key and others can read it; run: chmod 600 {path}", file=sys.stderr)
