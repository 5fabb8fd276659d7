"""The format of a playbook: a task that was done once, written down so that it can be done again without a model.

A playbook is a TOML file. The docstrings of the classes here are its reference; `agent/playbooks/` holds examples, and
`agent/models/playbook.py` plays them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from actuators.actions import parse_action
from actuators.errors import InvalidAction
from agent.errors import UserFault
from perception.screenshot import Region
from perception.text import Layout

SCREEN = "screen"  # the place that is everywhere
POINTING = ("click", "double_click", "triple_click", "move", "scroll")

Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Place(_Part):
    """`[places.NAME]`: a part of the screen that is looked at by itself, because reading all of it takes long.

    Attributes:
        anchor: name of something found before (a step's `as`); without it the place is a part of the screen.
        box: with an anchor: left, top, width, height in pixels, counted from the anchor's upper left corner.
        part: without an anchor: left, top, right, bottom as shares of the screen, 0 to 1.
    """

    anchor: str = ""
    box: tuple[int, int, int, int] | None = None
    part: tuple[Share, Share, Share, Share] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if bool(self.anchor) != (self.box is not None) or bool(self.anchor) == (self.part is not None):
            raise ValueError("a place has either `anchor` and `box`, or `part`")
        return self

    def region(self, screen: Region, anchors: Mapping[str, Region]) -> Region | None:
        """Where it is on a screen, in pixels; None while its anchor has not been found."""
        if self.part:
            left, top, right, bottom = self.part
            x, y = round(left * screen.width), round(top * screen.height)
            return Region(x, y, round(right * screen.width) - x, round(bottom * screen.height) - y)
        anchor = anchors.get(self.anchor)
        if anchor is None or self.box is None:
            return None
        left, top, width, height = self.box
        return Region(anchor.left + left, anchor.top + top, width, height)


class Target(_Part):
    """What to look for. One of `text`, `picture`, `colour`.

    Attributes:
        text: words as they stand on the screen; small misreadings are forgiven, the less the shorter they are.
        picture: file name of a PNG beside the playbook.
        colour: "#rrggbb"; the largest patch of it is meant.
        places: `in = [...]`, where it is expected, in this order. "screen" is the whole screen and is tried from the
            second look on, since it takes a second or more.
        pick: which one, if it is seen more than once.
        layout: of the text: "sparse" for scattered words, "block" for lines, "line", "word".
        alike: how sure it must be, 0 to 1. Default: 0.8 for text, 0.85 for pictures.
        pixels: what a patch of colour must measure at least.
    """

    text: str = ""
    picture: str = ""
    colour: str = Field("", pattern=r"^(#[0-9a-fA-F]{6})?$")
    places: tuple[str, ...] = Field((SCREEN,), alias="in", min_length=1)
    pick: Literal["best", "lowest", "highest", "rightmost", "leftmost"] = "best"
    layout: Layout = "sparse"
    alike: float | None = Field(None, gt=0, le=1)
    pixels: int = Field(100, ge=1)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(map(bool, (self.text, self.picture, self.colour))) != 1:
            raise ValueError("a target has exactly one of `text`, `picture`, `colour`")
        return self

    def __str__(self) -> str:
        return f"«{self.text}»" if self.text else self.picture or f"a patch of {self.colour}"


class Step(_Part):
    """`[[steps]]`: look for something, do something there, see that it worked.

    Attributes:
        name: for people: what this step is.
        say: what is thought aloud while doing it.
        find: alternatives; the first one that is seen is what the actions point at. None: nothing need be found.
        name_as: `as = "NAME"`: remember where it was, as an anchor for places and for later steps.
        do: actions as a model writes them, without coordinates. Pointing actions go to the middle of what was found,
            or `at = [dx, dy]` pixels off it; a drag goes from there `by = [dx, dy]`. `{parameters}` are filled in.
        use: tools beside the screen in place of actions: `{ tool = "spreadsheet", path = "a.xlsx", … }`, each with its
            own arguments. All of one step are asked for together; one that fails ends the playbook.
        unless: alternatives; if one of them is seen at the first look, the step is not needed and passed over.
        expect: alternatives; one of them must be seen before the next step begins.
        patience: how many looks to wait, for `find` and for `expect`; a look comes with each change of the screen,
            after two seconds at the latest.
        retry: how often to do it again if what is expected does not come. Only for steps that do no harm twice.
    """

    name: str = Field(min_length=1)
    say: str = ""
    find: tuple[Target, ...] = ()
    name_as: str = Field("", alias="as")
    do: tuple[dict[str, Any], ...] = ()
    use: tuple[dict[str, Any], ...] = ()
    unless: tuple[Target, ...] = ()
    expect: tuple[Target, ...] = ()
    patience: int = Field(12, ge=1, le=28)
    retry: int = Field(0, ge=0, le=5)

    @model_validator(mode="after")
    def _actions_make_sense(self) -> Self:
        if self.name_as and not self.find:
            raise ValueError("`as` names what was found, but the step does not look for anything")
        if self.use and (self.do or self.find):
            raise ValueError("a step has either `use`, or `find` and `do`; make two of it")
        if not all(isinstance(use.get("tool"), str) for use in self.use):
            raise ValueError("each of `use` names its `tool`")
        for number, action in enumerate(self.do, start=1):
            _check_action(number, action, aimed=bool(self.find))
        return self


class Interruption(_Part):
    """`[[interruptions]]`: something that may come between at any time, how it is known, and how to get past it.

    Attributes:
        name, say, do: as of a step.
        when: alternatives; one of them must be seen besides. None: `find` alone tells.
        find: alternatives; what the actions point at.
        at_most: how often it is dealt with in one playing.
    """

    name: str = Field(min_length=1)
    say: str = ""
    when: tuple[Target, ...] = ()
    find: tuple[Target, ...] = Field(min_length=1)
    do: tuple[dict[str, Any], ...] = Field(min_length=1)
    at_most: int = Field(3, ge=1)

    @model_validator(mode="after")
    def _actions_make_sense(self) -> Self:
        for number, action in enumerate(self.do, start=1):
            _check_action(number, action, aimed=True)
        return self


class Playbook(_Part):
    """A whole file.

    Attributes:
        title: the task, in a few words.
        done: the last words when all went well.
        parameters: names and defaults of what is filled in as `{NAME}`; an empty default must be given by the player.
        places, steps, interruptions: see there.
        folder: where the file and its pictures are.
    """

    title: str
    done: str
    parameters: dict[str, str] = Field(default_factory=dict[str, str])
    places: dict[str, Place] = Field(default_factory=dict[str, Place])
    steps: tuple[Step, ...] = Field(min_length=1)
    interruptions: tuple[Interruption, ...] = ()
    name: str = ""
    folder: Path = Path()

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        anchors: set[str] = set()
        for step in self.steps:
            self._check_targets(step.name, (*step.find, *step.unless), anchors)
            anchors.add(step.name_as)
            self._check_targets(step.name, step.expect, anchors)
            self._check_texts(step.name, step.do)
        for interruption in self.interruptions:
            self._check_targets(interruption.name, (*interruption.find, *interruption.when), anchors)
            self._check_texts(interruption.name, interruption.do)
        return self

    def anchors_of(self, targets: Sequence[Target]) -> set[str]:
        """The anchors on which it depends where these are looked for, directly or by other anchors."""
        names: set[str] = set()
        for target in targets:
            anchors = {self.places[name].anchor for name in target.places if name != SCREEN} - {""} - names
            names |= anchors
            for step in self.steps:
                if step.name_as in anchors:
                    names |= self.anchors_of([t for t in step.find if t != target])
        return names

    def filled_in(self, values: Mapping[str, str]) -> Playbook:
        """The same with its parameters replaced wherever they stand: in what is typed, looked for and said."""

        def fill(part: Any) -> Any:
            if isinstance(part, str):
                return filled(part, values)
            if isinstance(part, dict):
                return {key: fill(value) for key, value in part.items()}  # pyright: ignore[reportUnknownVariableType]
            if isinstance(part, tuple | list):
                return [fill(value) for value in part]  # pyright: ignore[reportUnknownVariableType]
            return part

        return Playbook.model_validate(fill(self.model_dump(exclude={"parameters"})))

    def _check_targets(self, step: str, targets: Sequence[Target], anchors: set[str]) -> None:
        for target in targets:
            for name in target.places:
                place = self.places.get(name)
                if place is None and name != SCREEN:
                    raise ValueError(f"step {step!r}: there is no place {name!r}")
                if place and place.anchor and place.anchor not in anchors:
                    raise ValueError(
                        f"step {step!r}: place {name!r} needs {place.anchor!r}, which no earlier step finds"
                    )
            if target.picture and not (self.folder / target.picture).is_file():
                raise ValueError(f"step {step!r}: there is no picture {target.picture!r} beside the playbook")

    def _check_texts(self, step: str, actions: Sequence[Mapping[str, Any]]) -> None:
        for action in actions:
            for name in re.findall(r"\{(\w+)\}", str(action.get("text", ""))):
                if name not in self.parameters:
                    raise ValueError(f"step {step!r}: {{{name}}} is not among the parameters")


def filled(text: str, parameters: Mapping[str, str]) -> str:
    """The text with each `{NAME}` of the parameters replaced; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda match: parameters.get(match[1], match[0]), text)


def load_playbook(name: str | Path) -> Playbook:
    """Read a playbook: one that comes with Deskhand, by name, or a TOML file, by path.

    Raises:
        UserFault: it is not there, or what is wrong with it: one line, with the step's name.
    """
    path = Path(name) if str(name).endswith(".toml") else Path(str(files("agent") / "playbooks" / f"{name}.toml"))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserFault(
            f"there is no playbook {str(name)!r}; name one of {', '.join(known())}, or a .toml file"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserFault(f"playbook {path.name} cannot be read: {error}") from None
    try:
        return Playbook.model_validate(data | {"name": path.stem, "folder": path.parent})
    except ValidationError as error:
        raise UserFault(f"playbook {path.name}: {_first_problem(error, data)}") from None


def known() -> list[str]:
    """The playbooks that come with Deskhand."""
    folder = Path(str(files("agent") / "playbooks"))
    return sorted(path.stem for path in folder.glob("*.toml"))


def _first_problem(error: ValidationError, data: Mapping[str, Any]) -> str:
    """One line: in which step, at which key, what."""
    first = error.errors()[0]
    where = list(first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    if len(where) > 1 and where[0] in ("steps", "interruptions") and isinstance(where[1], int):
        part: Any = data[str(where[0])][where[1]]
        name = part.get("name") if isinstance(part, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        kind = str(where[0]).removesuffix("s")
        where[:2] = [f"{kind} {name!r}" if name else f"{kind} number {where[1] + 1}"]
    return ": ".join([*(str(part) for part in where), what])


def _check_action(number: int, action: Mapping[str, Any], *, aimed: bool) -> None:
    """Is it one that can be carried out, once its coordinates are known?"""
    kind = action.get("type")
    if kind in (*POINTING, "drag") and not aimed:
        raise ValueError(f"action {number} ({kind}) points at something, but the step does not look for anything")
    try:
        parse_action(aimed_at(action, 0, 0))
    except KeyError as error:
        raise ValueError(f"action {number} ({kind}) needs {error}") from None
    except (InvalidAction, TypeError, ValueError) as error:
        raise ValueError(f"action {number}: {error}") from None


def aimed_at(action: Mapping[str, Any], x: int, y: int) -> dict[str, Any]:
    """A raw action with its coordinates filled in: pixels, with (x, y) the middle of what was found."""
    raw = dict(action)
    dx, dy = raw.pop("at", (0, 0))
    if raw.get("type") in POINTING:
        raw |= {"x": x + dx, "y": y + dy}
    elif raw.get("type") == "drag":
        by_x, by_y = raw.pop("by")
        start = {"x": x + dx, "y": y + dy}
        raw["path"] = [start, {"x": start["x"] + by_x, "y": start["y"] + by_y}]
    return raw
