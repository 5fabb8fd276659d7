"""The approval policy: does one action, or one call of a tool, right before it happens, need the user's own yes?

Rules are data, shipped in `agent/policy.toml` and in the user's own file; `agent/rules.py` reads them. What the screen
says can make an action need a yes; only the user's own words can make it need none (promise 9).
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from actuators.actions import (
    Action,
    Click,
    DoubleClick,
    Drag,
    Keypress,
    Move,
    Scroll,
    TakeScreenshot,
    TripleClick,
    Type,
    Wait,
)
from actuators.errors import InvalidAction
from actuators.keys import parse_chord
from agent import consent, sensitive
from perception.target import Target

Kind: TypeAlias = Literal["hand_off", "confirm", "pre_approved", "none"]
Pattern: TypeAlias = Callable[[str], bool]
Chord: TypeAlias = frozenset[str]

PRESS = "press"  # whatever sets a button off: a left click, a drag from it, Enter or Space while it has the focus
USE = "use"  # what a call of a tool does, and no action of the screen
TOUCHING = frozenset({"click", "double_click", "triple_click", "drag", "keypress", "type"})
STRICTEST_FIRST: tuple[Kind, ...] = ("hand_off", "confirm", "pre_approved", "none")
MAX_NAME = 300  # characters of a name or a title that are looked at
MAX_RECIPIENT = 200  # characters
MOST_ADDRESSES = 5  # of a command that are told

_PRESSING: tuple[Chord, ...] = tuple(
    frozenset({key, *held}) for key in ("enter", "space") for held in ((), ("ctrl",), ("shift",), ("ctrl", "shift"))
)
_TYPED_KEYS = {"\n": frozenset({"enter"}), "\r": frozenset({"enter"}), "\t": frozenset({"tab"})}
_SHORTCUT = re.compile(r"\s*\([^()]*\b(?:ctrl|strg|control|cmd|alt|shift|enter|⌘)[^()]*\)$", re.IGNORECASE)
_TRIMMED = " .…!*›»→➤➜✉▶"  # around a name they say nothing: "Delete…", "➤ Send"


@dataclass(frozen=True, slots=True)
class Deed:
    """What is about to be done.

    Attributes:
        action: in pixels of the image that it was decided on.
        target: what it would reach, or what has the focus; None where nobody tells.
        computer: `here`, `desktop` or `vm`.
        granted: what the user said, oldest first: task, corrections, answers, and nothing else.
    """

    action: Action
    target: Target | None
    computer: str
    granted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Use:
    """A call of a tool beside the screen that is about to be carried out.

    Attributes:
        tool: its name; of an MCP server's, as the server calls it.
        words: all of it, for who has to say yes to it.
        arguments: as a JSON object, with a space after each comma and colon.
        command: what a shell is given, or its terminal is typed.
        server: of MCP.
        sandbox: whether its command runs in one; None where there is no command, as for `network`.
        network: whether its command can reach it.
        ask_before: whether the settings of its server want a yes; None where there is no server.
        computer, granted: as of a `Deed`.
    """

    tool: str = ""
    words: str = ""
    arguments: str = ""
    command: str = ""
    server: str = ""
    sandbox: bool | None = None
    network: bool | None = None
    ask_before: bool | None = None
    computer: str = ""
    granted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a deed, or the use of a tool, needs.

    Attributes:
        kind: `hand_off`: the user must do it themselves. `confirm`: a yes right before. `pre_approved`: the user's own
            words have said yes already. `none`: nothing.
        rule: name of the rule that says so; "" for `none`.
        risk: for the user to read.
        recipient: who gets it, as far as the screen or the call tells.
    """

    kind: Kind
    rule: str = ""
    risk: str = ""
    recipient: str = ""


NOTHING = Ruling("none")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be asked. Every condition that is not None must hold; what is unknown fulfils none.

    Attributes:
        name, kind, risk, recipient: see `agent.rules.RuleData`, where the file's format is told.
        does: action types, `press`, or `use` for a call of a tool.
        computers: where it holds.
        target, role, window, application, text: of what is pointed at or typed into, and what is typed.
        keys: chords, in canonical names.
        holds: kinds of sensitive data in what is typed.
        tool, server, command, arguments, sandbox, network, ask_before: of a tool's call; see `Use`.
        granted_by: sentences of the user that make a `pre_approved` deed need no further yes.
        names_window: they must also name the site or the window.
    """

    name: str
    kind: Kind
    risk: str
    recipient: str
    does: frozenset[str]
    computers: frozenset[str] | None = None
    target: Pattern | None = None
    role: Pattern | None = None
    window: Pattern | None = None
    application: Pattern | None = None
    text: Pattern | None = None
    keys: frozenset[Chord] | None = None
    holds: tuple[str, ...] = ()
    tool: Pattern | None = None
    server: Pattern | None = None
    command: Pattern | None = None
    arguments: Pattern | None = None
    sandbox: bool | None = None
    network: bool | None = None
    ask_before: bool | None = None
    granted_by: Pattern | None = None
    names_window: bool = False

    def matches(self, facts: Facts) -> bool:
        """Whether every condition holds."""
        return (
            not self.does.isdisjoint(facts.does)
            and (self.computers is None or facts.computer in self.computers)
            and (self.keys is None or not self.keys.isdisjoint(facts.chords))
            and _fulfils(self.target, facts.name)
            and _fulfils(self.role, facts.role)
            and _fulfils(self.window, facts.window)
            and _fulfils(self.application, facts.application)
            and _fulfils(self.text, facts.text)
            and _fulfils(self.tool, facts.tool)
            and _fulfils(self.server, facts.server)
            and _fulfils(self.command, facts.command)
            and _fulfils(self.arguments, facts.arguments)
            and self.sandbox in (None, facts.sandbox)
            and self.network in (None, facts.network)
            and self.ask_before in (None, facts.ask_before)
            and (not self.holds or any(sensitive.holds(what, facts.text) for what in self.holds))
        )

    def granted(self, words: Sequence[str], facts: Facts) -> bool:
        """Whether the user's own words allow what this rule is about."""
        if self.granted_by is None or not consent.allowed(words, self.granted_by):
            return False
        return not self.names_window or consent.named(facts.window, words)


@dataclass(frozen=True, slots=True)
class Facts:
    """A deed or a use, taken apart once for all rules. Texts are "" where they are unknown."""

    does: frozenset[str]
    computer: str
    chords: frozenset[Chord] = frozenset()
    name: str = ""
    role: str = ""
    window: str = ""
    application: str = ""
    text: str = ""
    tool: str = ""
    server: str = ""
    command: str = ""
    arguments: str = ""
    sandbox: bool | None = None
    network: bool | None = None
    ask_before: bool | None = None


class Policy:
    """Rules, asked before each action. Stateless: the same deed always gets the same ruling."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(sorted(rules, key=lambda rule: STRICTEST_FIRST.index(rule.kind)))

    @classmethod
    def load(cls, own: Path | None = None) -> Policy:
        """The rules that come with Deskhand, with the user's own on top of them.

        Args:
            own: the user's file. It may be missing; then there are only the shipped rules.

        Raises:
            UserFault: a file cannot be used; one line with file, rule and what to mend.
        """
        from agent.rules import load_rules

        return cls(load_rules(own))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, strictest first."""
        return self._rules

    def judge(self, deed: Deed | Use) -> Ruling:
        """What an action, or a call of a tool, needs; the strictest rule that matches decides. Never raises."""
        facts = facts_of(deed)
        allowed: Ruling | None = None
        for rule in self._rules:
            if rule.kind == "none" or not rule.matches(facts):
                continue
            if rule.kind != "pre_approved":
                return _ruling(rule, rule.kind, facts)
            if not rule.granted(deed.granted, facts):
                return _ruling(rule, "confirm", facts)
            allowed = allowed or _ruling(rule, "pre_approved", facts)
        return allowed or NOTHING


NO_RULES = Policy(())


def facts_of(deed: Deed | Use) -> Facts:
    """Take a deed apart. Names come without decoration, texts as valid Unicode."""
    if isinstance(deed, Use):
        return _facts_of_use(deed)
    target, action = deed.target or Target(), deed.action
    name, window = tidy(target.name), tidy(target.window)
    return Facts(
        does=_does(action),
        chords=_chords(action),
        name=name,
        role=tidy(target.role) or ("unknown" if name else ""),
        window=window,
        application=tidy(target.application) or window,  # most titles end with the program's name
        text=_valid(action.text) if isinstance(action, Type) else "",
        computer=deed.computer,
    )


def _facts_of_use(use: Use) -> Facts:
    command, arguments = _valid(use.command), _valid(use.arguments)
    return Facts(
        does=frozenset({USE}),
        computer=use.computer,
        text=f"{command}\n{arguments}",
        tool=_valid(use.tool),
        server=use.server,
        command=command,
        arguments=arguments,
        sandbox=use.sandbox,
        network=use.network,
        ask_before=use.ask_before,
    )


@lru_cache(maxsize=512)
def tidy(name: str) -> str:
    """A name as it is compared: one line, compatible characters made equal, without shortcuts and ornaments."""
    plain = unicodedata.normalize("NFKC", _valid(name[:MAX_NAME]))
    visible = "".join(letter for letter in plain if unicodedata.category(letter) != "Cf")
    line = _SHORTCUT.sub("", " ".join(visible.split()))
    return line.strip(_TRIMMED) or line


def _valid(text: str) -> str:
    """Lone surrogates are no characters, and patterns take none."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _does(action: Action) -> frozenset[str]:
    return _WITH_PRESS[action.type] if _presses(action) else _ALONE[action.type]


_ALONE = {kind: frozenset({kind}) for kind in (*TOUCHING, "move", "scroll", "wait", "screenshot")}
_WITH_PRESS = {kind: frozenset({kind, PRESS}) for kind in _ALONE}


def _presses(action: Action) -> bool:
    """Whether it would set off the button that it points at, or that has the focus."""
    match action:
        case Click():
            return action.button == "left"
        case DoubleClick() | TripleClick() | Drag():
            return True
        case Keypress():
            return _chord(action.keys) in _PRESSING
        case Type():
            return any(key in action.text for key in " \n\r")
        case Move() | Scroll() | Wait() | TakeScreenshot():
            return False


def _chords(action: Action) -> frozenset[Chord]:
    match action:
        case Keypress():
            chord = _chord(action.keys)
            return frozenset({chord}) if chord else frozenset()
        case Type():
            return frozenset(chord for sign, chord in _TYPED_KEYS.items() if sign in action.text)
        case _:
            return frozenset()


@lru_cache(maxsize=512)
def _chord(keys: tuple[str, ...]) -> Chord:
    """The keys in canonical names, both Enter keys as one; empty for what cannot be pressed."""
    try:
        return canonical(keys)
    except InvalidAction:
        return frozenset()


def canonical(keys: Sequence[str] | str) -> Chord:
    """A chord in any spelling as it is compared.

    Raises:
        InvalidAction: there is no such chord.
    """
    return frozenset("enter" if key == "kp_enter" else key for key in parse_chord(keys))


def _fulfils(pattern: Pattern | None, text: str) -> bool:
    return pattern is None or (text != "" and pattern(text))


def _ruling(rule: Rule, kind: Kind, facts: Facts) -> Ruling:
    return Ruling(kind, rule.name, rule.risk, filled(rule.recipient, facts) if rule.recipient else "")


def filled(template: str, facts: Facts) -> str:
    """The recipient in words; of what is unknown nothing is said."""
    told = {
        "target": facts.name,
        "window": facts.window,
        "application": facts.application,
        "computer": facts.computer,
        "tool": facts.tool,
        "server": facts.server,
        "address": ", ".join(addresses(facts.command)) if facts.command else "",
    }
    line = re.sub(r"\{(\w+)\}", lambda match: told.get(match[1], match[0]), template).strip()
    return line if len(line) <= MAX_RECIPIENT else f"{line[: MAX_RECIPIENT - 1]}…"


RECIPIENT_PARTS = ("target", "window", "application", "computer", "tool", "server", "address")


def as_json(arguments: Mapping[str, Any]) -> str:
    """Arguments of a call, as rules see them; those that are null are left out."""
    return json.dumps({name: value for name, value in arguments.items() if value is not None}, ensure_ascii=False)


def addresses(command: str) -> list[str]:
    """The hosts and people that a command names, each once, without anybody's password; the first few of them."""
    found = (host or person for host, person in _ADDRESS.findall(command))
    return list(itertools.islice(dict.fromkeys(found), MOST_ADDRESSES))


_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{0,20}://(?:[^\s/@'\"]{0,200}@)?(\[[0-9a-f:.]{2,45}\]|[^\s/:@'\"?#<>|;&()]{1,255})"
    r"|\b([\w.+-]{1,64}@[\w.-]{1,253}\w)",
    re.IGNORECASE,
)
