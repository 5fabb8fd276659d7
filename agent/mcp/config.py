"""What the user has configured: the `[mcp.NAME]` tables of config.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args
from urllib.parse import urlsplit

AskBefore: TypeAlias = Literal["every call", "changes", "nothing"]
MOST = 16  # servers of one session
LONGEST_WAIT = 24 * 3600.0  # seconds that a limit of time may be set to
_NAME = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_LONGEST_NAME = 24
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One server.

    Attributes:
        command, args: the program that is started; `{workspace}` in an argument stands for the task's folder.
        env: names of variables of the environment that the program gets, besides PATH, HOME and the like.
        set: variables that it gets besides, with their values; secret.
        cwd: where the program runs; None for an empty folder of the session. Never the task's folder by itself, as
            programs take modules and settings from where they run.
        url: of a server that speaks streamable HTTP, in place of a program.
        token_from: name of the variable whose value is sent as `Authorization: Bearer …`.
        headers_from: names of variables whose values are sent as headers.
        headers: headers with their values; secret.
        tools: the only tools that are offered; None for all of them.
        ask_before: what the user is asked before: "every call"; "changes", which takes the server's word for which of
            its tools only read; or "nothing".
        without_asking: tools that may be called without asking in any case.
        start_seconds: for starting, and for telling its tools.
        call_seconds: for a call, from the last sign of progress.
        longest_seconds: for a call, however much progress it tells of.
        enabled: whether sessions use it.
    """

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: Path | None = None
    url: str = ""
    token_from: str = ""
    headers_from: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    tools: tuple[str, ...] | None = None
    ask_before: AskBefore = "every call"
    without_asking: tuple[str, ...] = ()
    start_seconds: float = 30.0
    call_seconds: float = 120.0
    longest_seconds: float = 1800.0
    enabled: bool = True

    @property
    def holds_secrets(self) -> bool:
        """Whether values stand in the file itself, which then should be private."""
        return bool(self.set or self.headers)

    @property
    def tells_secrets_openly(self) -> bool:
        """Whether a secret is sent to another machine unencrypted."""
        where = urlsplit(self.url)
        local = (where.hostname or "") in ("localhost", "127.0.0.1", "::1")
        return where.scheme == "http" and not local and bool(self.token_from or self.headers_from or self.headers)


def read_servers(tables: object) -> tuple[ServerConfig, ...]:
    """The servers of `[mcp.NAME]` tables, as TOML gives them.

    Raises:
        ValueError: a table is wrong; one line with its key, and what would be right.
    """
    if not isinstance(tables, dict):
        raise ValueError("mcp must hold tables, like [mcp.files]")
    named = cast("dict[str, object]", tables)
    if len(named) > MOST:
        raise ValueError(f"there are {len(named)} servers below mcp; at most {MOST} can be used")
    return tuple(_server(name, table) for name, table in named.items())


def chosen(servers: tuple[ServerConfig, ...], names: tuple[str, ...] | None) -> tuple[ServerConfig, ...]:
    """The servers of a session: those that are enabled, or those that the user names for it.

    Raises:
        ValueError: one is named that is not configured.
    """
    if names is None:
        return tuple(server for server in servers if server.enabled)
    known = {server.name: server for server in servers}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"there is no MCP server {unknown[0]!r}; configured are {', '.join(known) or 'none'}")
    return tuple(known[name] for name in dict.fromkeys(names))


def _server(name: str, table: object) -> ServerConfig:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise ValueError(f"mcp.{name}: a server's name has up to {_LONGEST_NAME} letters and digits, and single - or _")
    if not isinstance(table, dict):
        raise ValueError(f"mcp.{name} must be a table: [mcp.{name}]")
    given = cast("dict[str, object]", table)
    if unknown := sorted(set(given) - set(_READERS)):
        raise ValueError(f"mcp.{name} has an unknown key {unknown[0]!r}; the keys are {', '.join(_READERS)}")
    values: dict[str, Any] = {}
    for key, value in given.items():
        try:
            values[key] = _READERS[key](value)
        except ValueError as error:
            raise ValueError(f"mcp.{name}.{key} {error}") from None
    server = ServerConfig(name, **values)
    _check(server)
    return server


def _check(server: ServerConfig) -> None:
    where = f"mcp.{server.name}"
    if bool(server.command) == bool(server.url):
        raise ValueError(f"{where} needs either a command or a url")
    mine, others = ("command", ("token_from", "headers_from", "headers")) if server.command else ("url", _OF_PROGRAMS)
    if wrong := [key for key in others if getattr(server, key)]:
        raise ValueError(f"{where}.{wrong[0]} does not go with {mine}")
    if server.longest_seconds < server.call_seconds:
        raise ValueError(f"{where}.longest_seconds must not be less than call_seconds")


_OF_PROGRAMS = ("args", "env", "set", "cwd")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("must be a text that is not empty")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError('must be a list of texts, like ["one", "two"]')
    items = cast("list[object]", value)
    if not all(isinstance(item, str) and "\0" not in item for item in items):
        raise ValueError("must hold nothing but texts")
    return tuple(cast("list[str]", items))


def _variable(value: object) -> str:
    name = _text(value)
    if not _VARIABLE.fullmatch(name):
        raise ValueError("must be the name of a variable of the environment, not its value")
    return name


def _variables(value: object) -> tuple[str, ...]:
    return tuple(_variable(name) for name in _texts(value))


def _table(key: Callable[[str], bool], what: str, value: Callable[[object], str]) -> Callable[[object], dict[str, str]]:
    def read(raw: object) -> dict[str, str]:
        if not isinstance(raw, dict):
            raise ValueError(f"must be a table of {what}")
        table = cast("dict[str, object]", raw)
        if wrong := [name for name in table if not key(name)]:
            raise ValueError(f"has {wrong[0]!r}, which is none of {what}")
        return {name: value(item) for name, item in table.items()}

    return read


def _header_value(value: object) -> str:
    text = _text(value)
    if not text.isascii() or not text.isprintable():
        raise ValueError("has a value with characters that no header can have")
    return text


def _url(value: object) -> str:
    text = _text(value)
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname:
        raise ValueError("must begin with https:// or http:// and name a host")
    if urlsplit(text).username or urlsplit(text).password:
        raise ValueError("must not hold a name or a password; use token_from or headers_from")
    return text


def _folder(value: object) -> Path:
    path = Path(_text(value)).expanduser()
    if not path.is_absolute():
        raise ValueError("must be an absolute path")
    return path


def _asks(value: object) -> AskBefore:
    if value not in get_args(AskBefore):
        raise ValueError(f"must be one of {', '.join(map(repr, get_args(AskBefore)))}")
    return cast("AskBefore", value)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_WAIT:
        raise ValueError(f"must be a number of seconds above 0, at most {LONGEST_WAIT:.0f}")
    return float(value)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _is_header(name: str) -> bool:
    return bool(_HEADER.fullmatch(name))


def _is_variable(name: str) -> bool:
    return bool(_VARIABLE.fullmatch(name))


_READERS: Mapping[str, Callable[[object], Any]] = {
    "command": _text,
    "args": _texts,
    "env": _variables,
    "set": _table(_is_variable, "variables", lambda value: _text(value)),
    "cwd": _folder,
    "url": _url,
    "token_from": _variable,
    "headers_from": _table(_is_header, "headers", _variable),
    "headers": _table(_is_header, "headers", _header_value),
    "tools": _texts,
    "ask_before": _asks,
    "without_asking": _texts,
    "start_seconds": _seconds,
    "call_seconds": _seconds,
    "longest_seconds": _seconds,
    "enabled": _switch,
}
assert set(_READERS) == {each.name for each in fields(ServerConfig)} - {"name"}
