"""The routes: what can be asked and said over HTTP. `security` decides before who may."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPBearer
from starlette.background import BackgroundTask

from agent.errors import UserFault
from agent.inbox import Message
from agent.session import Session
from agent.values import Budgets
from ui.service import files
from ui.service.bodies import Blocks, Board, Fault, Found, GoOn, Lines, NewSession, Posted, Reached, Said, Started
from ui.service.cards import Card, Detail
from ui.service.feed import Feed
from ui.service.following import FIRST, MOST, Following
from ui.service.live import BOUNDARY, MACHINE, LiveScreens, part
from ui.service.search import search
from ui.service.stream import Stream
from ui.service.wire import card_data, detail_json, to_json
from ui.service.words import NotNow, say
from vm.places import DESKTOP_SIZE, place_of

FOUND = 200  # sessions in one answer
LINES = 2000  # entries of a journal in one answer


class Starter(Protocol):
    """Starts sessions in processes of their own, which outlive this one."""

    def start(self, request: NewSession) -> str:
        """Start one and return its id. Raises UserFault."""
        ...

    def go_on(self, session: str, words: str, budgets: Budgets) -> None:
        """Go on with one that does not run. Raises UserFault."""
        ...


class Hands(Protocol):
    """The user's own hands on the screen of a session."""

    def act(self, session: Session, raw: dict[str, Any], size: tuple[int, int], screen: tuple[int, int]) -> None:
        """Carry out one action. Raises UserFault."""
        ...

    def let_go(self, session: Session) -> None:
        """The screen is the session's again."""
        ...


class Common(Protocol):
    """What holds for all sessions."""

    def limits(self) -> dict[str, Any]:
        """See `bodies.CommonLimits`."""
        ...

    def defaults(self) -> dict[str, Any]:
        """See `bodies.Defaults`."""
        ...


@dataclass(frozen=True)
class Service:
    """What the routes work with. `display_of` finds the X display of a private desktop by its workspace."""

    feed: Feed
    live: LiveScreens
    common: Common
    starter: Starter
    hands: Hands
    display_of: Callable[[Path], str | None]
    only: str | None = None

    def board(self) -> dict[str, Any]:
        """Everything at a glance."""
        cards = [card_data(item.card()) for item in self.feed.board()]
        return {"sessions": cards, "limits": self.common.limits(), "defaults": self.common.defaults()}


class NotHere(UserFault):
    """This server serves one session only."""


_FAULTS: dict[int | str, dict[str, Any]] = {
    401: {"model": Fault, "description": "the token is missing or wrong"},
    403: {"model": Fault, "description": "another origin asks"},
    404: {"model": Fault, "description": "there is no such thing"},
    421: {"model": Fault, "description": "this server is not known by that name"},
    422: {"model": Fault, "description": "the request makes no sense"},
}
_NOT_NOW: dict[int | str, dict[str, Any]] = {409: {"model": Fault, "description": "it makes no sense now"}}
SessionId = str


def _json(data: object, status: int = 200) -> Response:
    return Response(to_json(data), status, media_type="application/json")


def _answers(model: type, status: int = 200) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": model}}


def _content(kind: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {kind: {}}}}


def make_router(service: Service) -> APIRouter:
    """All routes of the API."""
    router = APIRouter(
        prefix="/api", responses=_FAULTS, dependencies=[Depends(HTTPBearer(auto_error=False, description="the token"))]
    )
    _board(router, service)
    _session(router, service)
    _kept(router, service)
    _said(router, service)
    _streams(router, service)
    return router


def _board(router: APIRouter, service: Service) -> None:
    @router.get("/board", responses=_answers(Board))
    def board() -> Response:
        """All sessions at work and the newest others, newest first; limits; what a new session begins with."""
        return _json(service.board())

    @router.get("/sessions", responses=_answers(Found))
    def sessions(
        q: Annotated[str, Query(max_length=1000)] = "",
        before: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=FOUND)] = 50,
    ) -> Response:
        """Search past sessions: task, last words, outcome, names of files, what the user said; newest first."""
        service.feed.sessions.refresh()
        cards, more = search(service.feed.sessions.newest_first(), q, before=before, limit=limit)
        return _json({"sessions": [card_data(card) for card in cards], "more": more})

    @router.post("/sessions", status_code=201, responses=_answers(Started, 201))
    def start(body: NewSession) -> Response:
        """Start a session in a process of its own."""
        if service.only:
            raise NotHere("this window is for one session; start others on the page of `deskhand serve`")
        return _json({"session": service.starter.start(body)}, 201)


def _session(router: APIRouter, service: Service) -> None:
    @router.get("/sessions/{name}", responses=_answers(Detail))
    def detail(name: SessionId) -> Response:
        """One session in detail."""
        return Response(detail_json(service.feed.now(name)), media_type="application/json")

    @router.get("/sessions/{name}/blocks", responses=_answers(Blocks))
    def blocks(
        name: SessionId,
        first: Annotated[int, Query(alias="from", description="negative: counted from the end")] = -FIRST,
        to: int | None = None,
    ) -> Response:
        """What a timeline shows of some chunks of the journal, both ends included, 60 at most."""
        item = service.feed.now(name)
        return _json(_blocks(item, first, to))

    @router.get("/sessions/{name}/journal", responses=_answers(Lines))
    def journal(
        name: SessionId,
        after: Annotated[int, Query(description="negative: counted from the end")] = 0,
        limit: Annotated[int, Query(ge=1, le=LINES)] = 500,
    ) -> Response:
        """Lines of the journal as they are on disk."""
        item = service.feed.now(name)
        after = max(0, item.lines + after) if after < 0 else after
        entries = _readable(item, lambda: item.entries(after, limit))
        return _json({"entries": entries, "last": entries[-1]["seq"] if entries else after})


def _blocks(item: Following, first: int, to: int | None) -> dict[str, Any]:
    count = item.chunks
    first = max(0, count + first) if first < 0 else first
    last = min(count - 1 if to is None else to, count - 1, first + MOST - 1)
    found = _readable(item, lambda: item.blocks(first, last))
    return {"chunks": count, "from": first, "to": last} | found


def _readable(item: Following, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except OSError as error:
        raise files.Missing(
            f"the journal of session {item.session.id} cannot be read ({error.strerror}); look at its folder"
        ) from None


def _kept(router: APIRouter, service: Service) -> None:
    @router.get("/sessions/{name}/images/{sha256}", responses=_content("image/*"))
    def image(
        name: SessionId,
        sha256: str,
        width: Annotated[int | None, Query(ge=files.WIDTHS[0], le=files.WIDTHS[-1])] = None,
    ) -> Response:
        """A picture; with `width` a smaller one, as JPEG."""
        session = service.feed.sessions.get(name).session
        found = (files.smaller(session, sha256, width), "image/jpeg") if width else files.image(session, sha256)
        headers = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Authorization"}
        return Response(found[0], media_type=found[1], headers=headers)

    @router.get("/sessions/{name}/files/{number}", responses=_content("application/octet-stream"))
    def file(name: SessionId, number: int) -> Response:
        """A file that the session has made, by its place in the detail's `files`, to be saved and never shown."""
        item = service.feed.now(name)
        known = item.files()
        if not 0 <= number < len(known):
            raise files.Missing(f"session {name} has made {len(known)} files; there is none of number {number}")
        content, size = files.made(known[number], item.workspace)
        headers = {"Content-Length": str(size), "Content-Disposition": files.attachment(known[number].name)}
        return StreamingResponse(
            files.pieces(content, size),
            media_type="application/octet-stream",
            headers=headers,
            background=BackgroundTask(content.close),
        )


def _said(router: APIRouter, service: Service) -> None:
    @router.post("/sessions/{name}/words", status_code=202, responses=_answers(Posted, 202) | _NOT_NOW)
    def words(name: SessionId, body: Said) -> Response:
        """Say something to a session; answers as soon as the word is in its inbox."""
        item = service.feed.now(name)
        identity = body.id or uuid.uuid4().hex[:12]
        posted, kept = say(item, Message(body.kind, body.text, body.target, body.now, id=identity))
        if body.kind == "resume":
            service.hands.let_go(item.session)
        return _json({"id": posted, "kept": kept}, 202)

    @router.post("/sessions/{name}/go_on", status_code=202, responses=_answers(Started, 202) | _NOT_NOW)
    def go_on(name: SessionId, body: GoOn) -> Response:
        """Let a session that has ended or was interrupted go on in a new process."""
        item = service.feed.now(name)
        if item.live:
            raise NotNow("a process works on it already; tell it what you have to say")
        service.starter.go_on(name, body.words, Budgets(body.max_turns, body.max_minutes, body.max_cost))
        return _json({"session": name}, 202)

    @router.post("/sessions/{name}/hands", status_code=202, responses=_answers(Started, 202) | _NOT_NOW)
    def hands(name: SessionId, body: Reached) -> Response:
        """An action of the user's own hands on the session's private desktop, while it is in their hands."""
        item = service.feed.now(name)
        card = item.card()
        if card.state != "in your hands" or not card.screen:
            raise NotNow("its private desktop is not in your hands; take the mouse first")
        service.hands.act(item.session, body.action, body.size, item.size or DESKTOP_SIZE)
        return _json({"session": name}, 202)


def _streams(router: APIRouter, service: Service) -> None:
    @router.get("/sessions/{name}/live", responses=_content("multipart/x-mixed-replace") | _NOT_NOW)
    def live(
        name: SessionId, width: Annotated[int, Query(ge=16, le=8000)] = 960, fps: Annotated[float, Query(gt=0)] = 5.0
    ) -> Response:
        """The session's screen, live: JPEG frames, one when something has changed, at most five a second."""
        display = _display(service, service.feed.now(name).card(), name)
        frames = service.live.frames(display, width, fps)
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}"
        return StreamingResponse(_parts(frames), media_type=kind)

    @router.get("/stream", responses=_content("text/event-stream"))
    def stream(session: Annotated[str | None, Query(max_length=200)] = None) -> Response:
        """Everything that happens, as server-sent events: board, card, gone, limits; of one session detail, blocks."""
        listener = Stream(service.feed, service.board, session)
        return StreamingResponse(listener.messages(), media_type="text/event-stream")


async def _parts(frames: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        async for frame in frames:
            yield part(frame)
    finally:
        await frames.aclose()


def _display(service: Service, card: Card, name: str) -> str:
    """The X display of a session's private desktop.

    Raises:
        NotNow: it has none, or none that is there.
    """
    if not card.screen:
        why = "works on your own screen" if card.live and card.computer == "here" else "does not run"
        raise NotNow(f"the session {why}, so there is no screen of its own to look at; see its last screenshot")
    workspace = service.feed.sessions.get(name).workspace
    if place_of(card.computer).kind == "vm":
        return f"{MACHINE}{workspace}"
    try:
        display = service.display_of(workspace)
    except UserFault as fault:
        raise NotNow(str(fault)) from None
    if display is None:
        raise NotNow("its private desktop is not there, or not yet; see its last screenshot")
    return display
