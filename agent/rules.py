"""The file that approval rules are written in, and its examples, which are the rules' own unit tests.

`RuleData` is the reference of the format; `agent/policy.toml` holds the rules that come with Deskhand.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from actuators.actions import Action, Click, DoubleClick, Drag, Keypress, Move, Point, Scroll, TripleClick, Type
from actuators.errors import InvalidAction
from agent.errors import UserFault
from agent.patterns import joined, pattern_of
from agent.policy import (
    PRESS,
    RECIPIENT_PARTS,
    TOUCHING,
    USE,
    Chord,
    Deed,
    Kind,
    Rule,
    Use,
    as_json,
    canonical,
    facts_of,
)
from agent.sensitive import FINDERS
from perception.target import Target

SHIPPED = "policy.toml"


def _listed(value: object) -> object:
    return cast("object", value) if isinstance(value, list | tuple) else (value,)


Written: TypeAlias = Annotated[str, Field(min_length=1)]
Some: TypeAlias = Annotated[tuple[Written, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One text or a list of them; any of them will do."""

Doing: TypeAlias = Literal[
    "press", "click", "double_click", "triple_click", "move", "drag", "scroll", "keypress", "type"
]
Does: TypeAlias = Annotated[tuple[Doing, ...], BeforeValidator(_listed), Field(min_length=1)]
Computers: TypeAlias = Annotated[
    tuple[Literal["here", "desktop", "vm"], ...], BeforeValidator(_listed), Field(min_length=1)
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(_Part):
    """One situation, as `{ target = "Send", role = "push button" }` or `{ tool = "shell", command = "git push" }`.

    Attributes:
        does: the action. Default: `type` with a text, `keypress` with keys, else `click`.
        target, role, window, application: what it would reach.
        text, keys: what is typed or pressed.
        tool, server, command, sandbox, network, ask_before: of a tool's call. A command alone is one of the shell.
        arguments: of a tool's call, as a table.
        computer: where.
        granted: what the user has said; then the example is about these words as well.
    """

    does: Literal[
        "click", "right_click", "double_click", "triple_click", "move", "drag", "scroll", "keypress", "type"
    ] = "click"
    target: str = ""
    role: str = ""
    window: str = ""
    application: str = ""
    text: str = ""
    keys: str = ""
    tool: str = ""
    server: str = ""
    command: str = ""
    arguments: dict[str, Any] | None = None
    sandbox: bool | None = None
    network: bool | None = None
    ask_before: bool | None = None
    computer: Literal["here", "desktop", "vm"] = "desktop"
    granted: Some | None = None

    def deed(self) -> Deed | Use:
        """The situation as the policy is asked about it.

        Raises:
            InvalidAction: there are no such keys.
        """
        if self.model_fields_set & _OF_TOOLS:
            return self._use()
        told = (self.role, self.target, self.window, self.application)
        target = Target(*told) if any(told) else None
        return Deed(self._action(), target, self.computer, self.granted or ())

    def _use(self) -> Use:
        return Use(
            tool=self.tool or ("shell" if self.command else ""),
            arguments=as_json(self.arguments or {}),
            command=self.command,
            server=self.server,
            sandbox=self.sandbox,
            network=self.network,
            ask_before=self.ask_before,
            computer=self.computer,
            granted=self.granted or (),
        )

    def _action(self) -> Action:
        if self.text or self.does == "type":
            return Type(self.text)
        if self.keys or self.does == "keypress":
            return Keypress(tuple(sorted(canonical(self.keys))))
        return _POINTING[self.does]

    def __str__(self) -> str:
        told = self.model_dump(exclude_defaults=True)
        return ", ".join(f"{key} = {_toml(value)}" for key, value in told.items()) or "nothing"


def _toml(value: object) -> str:
    """A value as the file has it, more or less."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            parts = cast("dict[str, object]", value).items()
            return f"{{ {', '.join(f'{key} = {_toml(each)}' for key, each in parts)} }}"
        case _:
            return repr(value)


_POINTING: Mapping[str, Action] = {
    "click": Click(0, 0),
    "right_click": Click(0, 0, "right"),
    "double_click": DoubleClick(0, 0),
    "triple_click": TripleClick(0, 0),
    "move": Move(0, 0),
    "drag": Drag((Point(0, 0), Point(50, 0))),
    "scroll": Scroll(0, 0, 0, 120),
}


class RuleData(_Part):
    """`[[rules]]`: what an action, or a call of a tool beside the screen, looks like, and what it then needs.

    A rule is about the one or the other. All conditions that are given must hold. Patterns are regular expressions of
    the Rust dialect (no look-around, no back-references, and therefore no pattern that takes long), found anywhere,
    upper and lower case alike; of a list any one will do; `{NAME}` stands for a pattern of the table `[words]`. What is
    unknown fulfils no condition.

    Attributes:
        name: unique. A rule of your own file replaces the shipped one of the same name as a whole.
        kind: `hand_off`, `confirm`, `pre_approved`, or `none`, which switches a shipped rule off.
        risk: what the user reads when they are asked.
        recipient: who gets it; `{target}`, `{window}`, `{application}`, `{computer}`, `{tool}`, `{server}` and
            `{address}` (hosts and people that a command names) are filled in.
        does: action types, or `press` for whatever sets off a button: a left click, a drag from it, Enter or Space
            while it has the focus. Default: `press` where `target` or `role` is given without `text`, `keys` or
            `holds`, else every action that uses a button or a key.
        target: name of what is under the pointer, or has the focus.
        role: what that is, in the words of AT-SPI; "unknown" where only its name is told.
        window: title of its window.
        application: its program; the title of the window where the program is unknown.
        text: what is typed.
        keys: chords, in any spelling; a newline in typed text counts as Enter, a tab as Tab.
        holds: kinds of sensitive data in what is typed: "card number", "bank account", "private key", "access key",
            "social security number". With conditions for tools: in a call.
        tool: name of the tool that is called; of an MCP server's tool, as the server calls it.
        server: name of its MCP server.
        command: what the shell is to run, or what is typed into its terminal; several commands are several lines.
        arguments: of the call, as a JSON object with a space after each comma and colon.
        sandbox: whether the command runs in a sandbox.
        network: whether the command can reach the network.
        ask_before: whether the settings of the MCP server want a yes (`ask_before`, `without_asking`).
        computers: `here`, `desktop`, `vm`.
        granted_by: only for `pre_approved`: sentences of the user that are the yes.
        names_window: they must also name the site or the window: hold a word of its title, a browser's name aside.
        examples: situations in which the rule must match (and, with `granted`, must be allowed by these words).
        counterexamples: situations in which it must not (or must not be allowed by these words).
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    kind: Kind
    risk: str = ""
    recipient: str = ""
    does: Does | None = None
    target: Some | None = None
    role: Some | None = None
    window: Some | None = None
    application: Some | None = None
    text: Some | None = None
    keys: Some | None = None
    holds: Some | None = None
    tool: Some | None = None
    server: Some | None = None
    command: Some | None = None
    arguments: Some | None = None
    sandbox: bool | None = None
    network: bool | None = None
    ask_before: bool | None = None
    computers: Computers | None = None
    granted_by: Some | None = None
    names_window: bool = False
    examples: tuple[Example, ...] = ()
    counterexamples: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.kind == "none":
            return self
        if not self.risk.strip():
            raise ValueError("`risk` is missing; say what the user should know before a yes")
        if not (self.model_fields_set & _CONDITIONS):
            raise ValueError(f"there is no condition; give one of {', '.join(sorted(_CONDITIONS))}")
        if not self.examples:
            raise ValueError("`examples` is missing; give one situation at least in which the rule must match")
        if (one := self._given(_OF_SCREEN)) and (other := self._given(_OF_TOOLS)):
            raise ValueError(f"`{one}` is about the screen and `{other}` about tools; make two rules of it")
        if (self.kind == "pre_approved") != (self.granted_by is not None):
            raise ValueError("`granted_by` belongs to the kind pre_approved, and to no other")
        if self.names_window and self.granted_by is None:
            raise ValueError("`names_window` needs `granted_by`")
        for part in re.findall(r"\{(\w*)\}", self.recipient):
            if part not in RECIPIENT_PARTS:
                raise ValueError(f"`recipient` has {{{part}}}; it may have {', '.join(RECIPIENT_PARTS)}")
        for what in self.holds or ():
            if what not in FINDERS:
                raise ValueError(f"`holds` names {what!r}; it may name {', '.join(FINDERS)}")
        return self

    def _given(self, keys: frozenset[str]) -> str:
        return min(self.model_fields_set & keys, default="")

    def compiled(self, words: Mapping[str, str]) -> Rule:
        """The rule, ready to be asked.

        Raises:
            ValueError: a pattern, a chord or a word that does not exist.
        """
        return Rule(
            name=self.name,
            kind=self.kind,
            risk=self.risk,
            recipient=self.recipient,
            does=self._does(),
            computers=frozenset(self.computers) if self.computers else None,
            target=pattern_of("target", self.target, words),
            role=pattern_of("role", self.role, words),
            window=pattern_of("window", self.window, words),
            application=pattern_of("application", self.application, words),
            text=pattern_of("text", self.text, words),
            keys=frozenset(map(_chord, self.keys)) if self.keys else None,
            holds=self.holds or (),
            tool=pattern_of("tool", self.tool, words),
            server=pattern_of("server", self.server, words),
            command=pattern_of("command", self.command, words),
            arguments=pattern_of("arguments", self.arguments, words),
            sandbox=self.sandbox,
            network=self.network,
            ask_before=self.ask_before,
            granted_by=pattern_of("granted_by", self.granted_by, words),
            names_window=self.names_window,
        )

    def _does(self) -> frozenset[str]:
        if self._given(_OF_TOOLS):
            return frozenset({USE})
        if self.does:
            return frozenset(self.does)
        of_keys = self.text or self.keys or self.holds
        return frozenset({PRESS}) if (self.target or self.role) and not of_keys else TOUCHING


_OF_SCREEN = frozenset({"does", "target", "role", "window", "application", "text", "keys", "names_window"})
_OF_TOOLS = frozenset({"tool", "server", "command", "arguments", "sandbox", "network", "ask_before"})
_CONDITIONS = (_OF_SCREEN | _OF_TOOLS | {"holds", "computers"}) - {"names_window"}


class RuleFile(_Part):
    """A whole file: `[words]` names patterns for use in others, `[[rules]]` are the rules."""

    words: dict[Annotated[str, Field(pattern=r"^[a-z_]+$")], Some] = Field(default_factory=dict[str, Some])
    rules: tuple[RuleData, ...] = ()


def load_rules(own: Path | None = None) -> list[Rule]:
    """The user's own rules, then the shipped ones that they do not replace, all examples checked.

    Raises:
        UserFault: a file cannot be used; one line with file, rule and what to mend.
    """
    shipped = read_file(Path(str(files("agent") / SHIPPED)))
    mine = read_file(own) if own and own.is_file() else RuleFile()
    words = joined(shipped.words)
    own_rules = _compiled(mine, words | joined(mine.words), own)
    replaced = {rule.name for rule in own_rules}
    return own_rules + [rule for rule in _compiled(shipped, words, Path(SHIPPED)) if rule.name not in replaced]


def read_file(path: Path) -> RuleFile:
    """Read a file, without looking at its patterns and examples yet.

    Raises:
        UserFault: it is no TOML, or not of the format.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserFault(f"the rules in {path} cannot be read: {error}; correct the file, or move it away") from None
    try:
        read = RuleFile.model_validate(data)
    except ValidationError as error:
        raise UserFault(f"{path}: {_first_problem(error, data)}") from None
    names = [rule.name for rule in read.rules]
    for name in names:
        if names.count(name) > 1:
            raise UserFault(f"{path}: two rules are called {name!r}; give one of them another name")
    return read


def _compiled(read: RuleFile, words: Mapping[str, str], path: Path | None) -> list[Rule]:
    rules: list[Rule] = []
    for data in read.rules:
        try:
            rule = data.compiled(words)
            _check(rule, data)
        except ValueError as error:
            raise UserFault(f"{path}: rule {data.name!r}: {error}") from None
        rules.append(rule)
    return rules


def _check(rule: Rule, data: RuleData) -> None:
    """Hold a rule against its own examples.

    Raises:
        ValueError: with the first that it fails.
    """
    for key, examples, expected in (("example", data.examples, True), ("counterexample", data.counterexamples, False)):
        for number, example in enumerate(examples, start=1):
            if _holds(rule, example, f"{key} {number}") != expected:
                told = "is not matched" if expected else "is matched"
                if example.granted:
                    told = "is not allowed by these words" if expected else "is allowed by these words"
                raise ValueError(f"{key} {number} ({example}) {told}; mend the rule or the {key}")


def _holds(rule: Rule, example: Example, which: str) -> bool:
    try:
        deed = example.deed()
    except InvalidAction as error:
        raise ValueError(f"{which}: {error}") from None
    facts = facts_of(deed)
    return rule.matches(facts) and (not example.granted or rule.granted(deed.granted, facts))


def _chord(keys: str) -> Chord:
    try:
        return canonical(keys)
    except InvalidAction as error:
        raise ValueError(f"`keys`: {error}") from None


def _first_problem(error: ValidationError, data: Mapping[str, Any]) -> str:
    """One line: in which rule, at which key, what."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        what = "there is no such key; the format is told in docs/approvals.md"
    if len(where) > 1 and where[0] == "rules":
        where[:2] = [_rule_at(data, int(where[1]))]
    return ": ".join([*where, what])


def _rule_at(data: Mapping[str, Any], index: int) -> str:
    try:
        return f"rule {data['rules'][index]['name']!r}"
    except (KeyError, TypeError):
        return f"rule number {index + 1}"
