"""A dialect: how one family of models is shown the screen and told of tools, and how it writes what it wants done.

Each is a file of data beside this one; `like` in it names another whose values hold where it has none of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, cast, get_args

from agent.dialects.meaning import VERBS
from agent.dialects.points import Fit, Units
from agent.dialects.syntax import Names

PLAIN = "json"
"""The dialect of a chat model that no other knows."""
SYNTAXES = ("calls", "tags", "code", "objects")


@dataclass(frozen=True)
class Dialect:
    """One family's ways.

    Attributes:
        about: the family, for people.
        models: patterns of the names that it is chosen for.
        order: where two know a name, the lower one has it.
        prompt: how to act, in our words; `{width}` and `{height}` are those of the pictures that the model gets.
        example: one right answer, told where one was wrong.
        calling: how a tool beside the screen is called, told with the tools.
        actions: what each action's name means, one of `agent.dialects.meaning.VERBS`.
        syntax: the notations that an answer is read by, in the order in which they are tried.
        native: whether functions go through `tools` of the request, where the server takes them.
        function: of which the actions are calls, its argument `selector` naming the action; "" where there is none.
        schema: JSON Schema of that function's arguments.
        units: of coordinates.
        fit: sizes of pictures.
        pictures: how many the model takes; None for all that fit.
        notches: amounts of a scroll up to this count notches of a wheel, larger ones pixels.
        step: notches of a scroll that names no amount.
        unescape: whether typed text is written with escapes in it, like Python's.
        sampling: temperature and others, as the request has them.
        longest: tokens of an answer.
        thinking: what encloses thoughts in the text.
        keeps_thinking: whether thoughts are sent back with the answer that they belong to.
        hidden_from: in streamed text, what begins the part that is for Deskhand and not for people.
        observation: texts before and after a screenshot.
    """

    name: str
    about: str
    models: tuple[str, ...]
    prompt: str
    example: str
    calling: str
    actions: Mapping[str, str]
    syntax: tuple[str, ...]
    order: int = 50
    native: bool = False
    function: str = ""
    selector: str = "action"
    schema: Mapping[str, Any] = field(default_factory=dict[str, Any])
    units: Units = "0-1000"
    fit: Fit = field(default_factory=Fit)
    pictures: int | None = None
    notches: int = 50
    step: int = 5
    unescape: bool = False
    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    longest: int = 8_192
    thinking: tuple[tuple[str, str], ...] = (("<think>", "</think>"),)
    keeps_thinking: bool = False
    hidden_from: tuple[str, ...] = ()
    observation: tuple[str, str] = ("", "")

    def knows(self, model: str) -> bool:
        """Whether a model's name is one of this family's."""
        return any(re.search(pattern, model, re.IGNORECASE) for pattern in self.models)

    def names(self, tools: Names) -> Names:
        """Every name that a call may have."""
        return tools.union(self.actions, [self.function] if self.function else [])


def dialects() -> tuple[Dialect, ...]:
    """All of them, in the order in which a model's name is held against them."""
    return tuple(sorted(_read().values(), key=lambda dialect: (dialect.order, dialect.name)))


def dialect(name: str) -> Dialect:
    """The dialect of a name.

    Raises:
        KeyError: there is none.
    """
    return _read()[name]


def dialect_for(model: str) -> Dialect | None:
    """The dialect whose patterns know a model's name."""
    return next((each for each in dialects() if each.knows(model)), None)


@cache
def _read() -> dict[str, Dialect]:
    raw = {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
        for file in resources.files("agent.dialects").iterdir()
        if file.name.endswith(".toml")
    }
    return {name: parsed(name, _whole(name, raw)) for name in raw}


def _whole(name: str, raw: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    own = raw[name]
    if "like" not in own:
        return own
    inherited = _whole(own["like"], raw)
    left_out = ("like", "actions")
    rest = {key: value for key, value in own.items() if key not in left_out}
    actions: dict[str, str] = inherited["actions"] | own.get("actions", {})
    alone: dict[str, Any] = {"models": [], "actions": actions}
    return inherited | alone | rest


def parsed(name: str, data: Mapping[str, Any]) -> Dialect:
    """A dialect from its file's data.

    Raises:
        TypeError, ValueError: the data is not as it must be.
    """
    values = {key: _frozen(value) for key, value in data.items()}
    values["fit"] = Fit(**cast("dict[str, int]", data.get("fit", {})))
    values["actions"] = {str(key): str(verb) for key, verb in data["actions"].items()}
    values["schema"] = data.get("schema", {})
    made = Dialect(name=name, **values)
    if wrong := [verb for verb in made.actions.values() if verb not in VERBS]:
        raise ValueError(f"{name}: there is no action {wrong[0]!r}")
    if made.units not in get_args(Units) or not set(made.syntax) <= set(SYNTAXES):
        raise ValueError(f"{name}: units or syntax are none that there are")
    for pattern in made.models:
        re.compile(pattern)
    return made


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in cast("list[Any]", value)) if isinstance(value, list) else value
