"""What is sent to the server and what it answers, for checking and for `/openapi.json`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from agent.inbox import Kind
from ui.service.cards import Card, Detail

MAX_TEXT = 50_000  # characters; more belongs into a file of the workspace
Line = Annotated[str, StringConstraints(max_length=4_000)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Budget(_Body):
    """What a session may use up; what is left out is as configured, or as it was."""

    max_turns: int | None = Field(None, gt=0)
    max_minutes: float | None = Field(None, gt=0, allow_inf_nan=False)
    max_cost: float | None = Field(None, gt=0, allow_inf_nan=False)


class NewSession(Budget):
    """A new session; what is left out is as configured for `deskhand run`."""

    task: Text
    computer: Line | None = None
    model: Line | None = None
    api: Line | None = Field(None, examples=["responses", "chat"])
    dialect: Line | None = Field(None, examples=["qwen3-vl", "json"])
    base_url: Line | None = Field(None, examples=["http://localhost:8000/v1"])
    size: Line | None = Field(None, examples=["1440x900"])
    open: list[Line] = Field(default_factory=list[str], max_length=100)
    workspace: Line | None = None
    approve: Line | None = Field(None, examples=["ask", "never"])


class GoOn(Budget):
    """A session goes on in a new process, with a word for it."""

    words: Text = ""


class Said(_Body):
    """A word to a session.

    `text` is the correction, the answer, or for `resume` what the user did with the computer; `target` the question's
    id, which may be left out where only one is open; `now` cuts the model's answer short; `id` is the word's own,
    chosen by whoever says it.
    """

    kind: Kind
    text: Text = ""
    target: Annotated[str, StringConstraints(max_length=200)] = ""
    now: bool = False
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None


class Reached(_Body):
    """An action of the user's own hands on a session's screen, its points pixels of a picture of this size."""

    action: dict[str, Any]
    size: tuple[Annotated[int, Field(gt=0, le=20_000)], Annotated[int, Field(gt=0, le=20_000)]]


class CommonLimits(BaseModel):
    """What holds for all sessions together; None where it is not known, or without limit."""

    agents: int | None
    running: int | None
    queued: int | None
    daily_cost: float | None
    spent_today: float | None


class Spoken(BaseModel):
    """A dialect, and the models that speak it."""

    name: str
    about: str


class Defaults(BaseModel):
    """What a new session begins with; `key` is whether there is one for the provider, `dialects` what there is."""

    model: str
    api: str
    dialect: str
    base_url: str
    dialects: list[Spoken]
    computer: str
    computers: list[str]
    key: bool
    problem: str = ""


class Board(BaseModel):
    """Everything at a glance, newest first."""

    sessions: list[Card]
    limits: CommonLimits
    defaults: Defaults


class Found(BaseModel):
    """Past sessions, newest first."""

    sessions: list[Card]
    more: bool


class Started(BaseModel):
    """The id of the new session."""

    session: str


class Posted(BaseModel):
    """The word's id; `kept` says that it waits for the session to go on."""

    id: str
    kept: bool


class Image(BaseModel):
    """A picture, by its SHA-256."""

    media_type: str
    width: int
    height: int


class Blocks(BaseModel):
    """What the page draws of some chunks of a journal; each block has `kind`, `key`, `chunk`, `items` and `views`."""

    model_config = ConfigDict(populate_by_name=True)
    chunks: int
    first: int = Field(alias="from")
    to: int
    blocks: list[dict[str, Any]]
    images: dict[str, Image]


class Lines(BaseModel):
    """Entries of a journal as they are on disk, and the number of the last one."""

    entries: list[dict[str, Any]]
    last: int


class Fault(BaseModel):
    """Why not, and what to do, in one line."""

    error: str


__all__ = [
    "Blocks",
    "Board",
    "Budget",
    "CommonLimits",
    "Defaults",
    "Detail",
    "Fault",
    "Found",
    "GoOn",
    "Image",
    "Lines",
    "NewSession",
    "Posted",
    "Reached",
    "Said",
    "Started",
]
