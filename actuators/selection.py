"""Our own X selection: offer text to be pasted, know who has fetched it, and give back what was there before.

The X server tells the owner of a selection about each request for it, so that pasting is not a matter of waiting and
hoping: `Offer.fetched_by` says when the program has the text. Everything runs on one thread with a connection of its
own, since the old content must be served long after the typing is over.
"""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from typing import Any, TypeVar

from actuators.backends.x11_display import Client, XDisplay
from actuators.errors import DisplayLost
from actuators.selection_content import NO_HISTORY, Content, Keeper, Value, text_content

CALL_SECONDS = 12.0  # for anything asked of the thread; longer than the X server may take to answer
FAREWELL_SECONDS = 0.5  # for a clipboard manager to take over what we kept
INPUT_ONLY = 2  # window class
PROPERTY_CHANGES = 1 << 22  # event mask PropertyChange
PONGS = 1 << 19 | 1 << 17  # event masks SubstructureNotify, and StructureNotify, by which Qt sends its pongs

T = TypeVar("T")


class Offer:
    """Text on offer, and who has fetched it so far."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._fetches: list[Client] = []
        self._collected = 0
        self._requests = 0
        self._pongs: set[int] = set()
        self.failure: DisplayLost | None = None

    def fetched_by(self, client: Client) -> int:
        """How many times the program of `client` has been given the text."""
        with self._changed:
            return sum(fetch.same_program(client) for fetch in self._fetches)

    def collected(self) -> bool:
        """Whether everybody who was given the text has taken it out of the property that it was handed over in."""
        with self._changed:
            return self._collected >= len(self._fetches)

    def answered(self, ping: int) -> bool:
        """Whether a ping was answered."""
        with self._changed:
            return ping in self._pongs

    def requests(self) -> int:
        """How many questions about the selection there have been so far, by anyone, about any format."""
        with self._changed:
            return self._requests

    def wait(self, seconds: float) -> None:
        """Sleep until something happens, at most so long.

        Raises:
            DisplayLost: the connection that serves the text is gone.
        """
        with self._changed:
            if self.failure is None:
                self._changed.wait(seconds)
            if self.failure is not None:
                raise self.failure

    def note_request(self) -> None:
        """Called by the serving thread."""
        with self._changed:
            self._requests += 1

    def note_fetch(self, client: Client) -> None:
        """Called by the serving thread."""
        with self._changed:
            self._fetches.append(client)
            self._changed.notify_all()

    def note_collected(self) -> None:
        """Called by the serving thread."""
        with self._changed:
            self._collected += 1
            self._changed.notify_all()

    def note_pong(self, ping: int) -> None:
        """Called by the serving thread."""
        with self._changed:
            self._pongs.add(ping)
            self._changed.notify_all()

    def fail(self, failure: DisplayLost) -> None:
        """Called by the serving thread when it ends."""
        with self._changed:
            self.failure = failure
            self._changed.notify_all()


class Selection:
    """The clipboard of one display in our hands, for as long as typing needs it."""

    def __init__(self, display: str | None) -> None:
        self._display = XDisplay(display)
        self._x = self._display.x
        self._window: Any = self._display.root.create_window(-1, -1, 1, 1, 0, 0, window_class=INPUT_ONLY)
        self._window.change_attributes(event_mask=PROPERTY_CHANGES)
        self._display.root.change_attributes(event_mask=PONGS)
        self._keeper = Keeper(self._display, self._window, self._pump)
        self._served: dict[int, Content] = {}  # selection atom: what we serve for it
        self._kept: dict[int, Content] = {}  # selection atom: what was there before
        self._offer = Offer()
        self._offered: set[int] = set()
        self._handed: set[tuple[int, int]] = set()  # windows and properties that hold offered text right now
        self._pings = 0
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        self._closing = False
        self._lost: DisplayLost | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="deskhand-selection")
        self._thread.start()

    def offer(self, text: str, names: Sequence[str] = ("CLIPBOARD",)) -> Offer:
        """Own the named selections with `text`; what they held is kept for `give_back`.

        Raises:
            DisplayLost: the display is gone.
        """
        return self._call(lambda: self._own(text, names))

    def ping(self, toplevel: int) -> int:
        """Ask a window for a sign of life; the number by which `Offer.pong` knows the answer."""
        return self._call(lambda: self._ping(toplevel))

    def silent(self) -> Offer:
        """The offer that is, or was last, out: what answers to pings are noted on."""
        return self._offer

    def give_back(self) -> None:
        """Serve again what the selections held before they were offered."""
        self._call(self._give_back)

    def close(self) -> None:
        """Give back, leave what is kept to a clipboard manager if there is one, and end. Safe to call twice."""
        if self._thread.is_alive():
            with suppress(DisplayLost):
                self._call(self._farewell)
            self._thread.join(CALL_SECONDS)
        self._display.close()

    def _call(self, work: Callable[[], T]) -> T:
        """Run `work` on the serving thread."""
        if self._lost is not None:
            raise self._lost
        future: Future[T] = Future()
        self._calls.put(lambda: self._fulfil(future, work))
        with suppress(OSError):  # the thread has just ended: the future says so
            os.write(self._wake_write, b"!")
        try:
            return future.result(CALL_SECONDS)
        except FutureTimeout:
            raise self._lost or DisplayLost(f"display {self._display.name} does not answer") from None

    def _run(self) -> None:
        try:
            with self._display.mapped():
                while not self._closing:
                    self._pump(None)
        except DisplayLost as error:
            self._lost = error
        finally:
            self._lost = self._lost or DisplayLost("the clipboard was given back")
            self._offer.fail(self._lost)
            while not self._calls.empty():
                self._calls.get()()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _pump(self, seconds: float | None) -> None:
        """Handle what has come; wait for more when there was nothing."""
        if self._events():
            return
        sources = [self._x.fileno()] if seconds is not None else [self._x.fileno(), self._wake_read]
        ready, _, _ = select.select(sources, [], [], seconds)
        if self._wake_read in ready:  # calls do not nest
            os.read(self._wake_read, 1)
            self._calls.get()()
        self._events()

    def _events(self) -> bool:
        from Xlib import X

        with self._display.asking():
            self._x.flush()
            count = self._x.pending_events()
        for _ in range(count):
            event = self._x.next_event()
            if event.type == X.SelectionRequest:
                self._serve(event)
            elif event.type == X.SelectionClear:
                self._forget(event.atom)
            elif event.type == X.ClientMessage:
                self._hear(event)
            elif event.type == X.PropertyNotify and event.window != self._window:
                self._collect(event)
            else:
                self._keeper.see(event)
        return count > 0

    def _own(self, text: str, names: Sequence[str]) -> Offer:
        content = text_content(self._x, text)
        atoms = [self._x.intern_atom(name) for name in names]
        for atom in atoms:
            if atom not in self._kept:
                self._kept[atom] = self._served[atom] if atom in self._served else self._keeper.read(atom)
        self._offer, self._offered = Offer(), {atom for atom, value in content.items() if value.data != NO_HISTORY}
        self._handed.clear()
        for atom in atoms:
            self._served[atom] = content
            self._window.set_selection_owner(atom, 0)
        self._display.sync()
        return self._offer

    def _give_back(self) -> None:
        self._offered = set()
        for atom, kept in list(self._kept.items()):
            if kept:
                self._served[atom] = kept
            else:
                self._disown(atom)
        self._kept.clear()
        self._display.sync()

    def _disown(self, atom: int) -> None:
        from Xlib.protocol import request

        if self._served.pop(atom, None) is not None:
            request.SetSelectionOwner(display=self._x.display, onerror=None, window=0, selection=atom, time=0)

    def _forget(self, atom: int) -> None:
        """Somebody else has taken the selection: theirs is the newer content."""
        self._served.pop(atom, None)
        self._kept.pop(atom, None)

    def _ping(self, toplevel: int) -> int:
        from Xlib.protocol import event

        self._pings += 1
        window = self._x.create_resource_object("window", toplevel)
        protocols, ping = self._x.intern_atom("WM_PROTOCOLS"), self._x.intern_atom("_NET_WM_PING")
        data = (32, [ping, self._pings, toplevel, 0, 0])
        window.send_event(event.ClientMessage(window=window, client_type=protocols, data=data))
        return self._pings

    def _hear(self, event: Any) -> None:
        format_, data = event.data
        if format_ == 32 and data[0] == self._x.intern_atom("_NET_WM_PING"):
            self._offer.note_pong(data[1])

    def _serve(self, request: Any) -> None:
        from Xlib.protocol import event

        content = self._served.get(request.selection, {})
        property_ = request.property or request.target  # obsolete clients name no property
        offered = request.target in self._offered and request.target in content
        if offered:
            request.requestor.change_attributes(event_mask=PROPERTY_CHANGES)
            self._handed.add((request.requestor.id, property_))
        done = self._put(request.requestor, property_, request.target, content)
        request.requestor.send_event(
            event.SelectionNotify(
                requestor=request.requestor,
                selection=request.selection,
                target=request.target,
                property=property_ if done else 0,
                time=request.time,
            )
        )
        self._x.flush()
        self._offer.note_request()
        if offered:
            self._offer.note_fetch(self._display.client(request.requestor.id))

    def _put(self, window: Any, property_: int, target: int, content: Content) -> bool:
        value = content.get(target)
        if target == self._x.intern_atom("TARGETS"):
            value = Value(4, 32, [target, *content])  # type ATOM
        if value is None:
            return False
        value.write(window, property_)
        return True

    def _collect(self, event: Any) -> None:
        from Xlib import X

        place = (event.window.id, event.atom)
        if event.state == X.PropertyDelete and place in self._handed:
            self._handed.discard(place)
            self._offer.note_collected()

    def _farewell(self) -> None:
        self._give_back()
        clipboard = self._x.intern_atom("CLIPBOARD")
        if self._served.get(clipboard):
            self._keeper.save(clipboard, time.monotonic() + FAREWELL_SECONDS)
        self._closing = True

    def _fulfil(self, future: Future[T], work: Callable[[], T]) -> None:
        try:
            with self._display.mapped():
                future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
