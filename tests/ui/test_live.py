"""The live picture of a session's desktop: real X servers, frames when something changes, and an end with the last
viewer."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from Xlib.display import Display

from agent.events import SessionStarted
from agent.journal import FileJournal
from agent.session import create_session
from tests.support.command import wait_until
from tests.support.desk import desk
from tests.support.serving import Client, serving
from tests.support.xserver import XServer, xserver
from ui.service.live import LiveScreens

COLOURS = (0xD02020, 0x20D020, 0x2020D0)


@contextmanager
def painted(display: str) -> Generator[Painter]:
    connection = Display(display)
    try:
        yield Painter(connection)
    finally:
        connection.close()


class Painter:
    """One window that fills the screen, in one colour."""

    def __init__(self, connection: Display) -> None:
        screen = connection.screen()
        self._connection = connection
        size = screen.width_in_pixels, screen.height_in_pixels
        self._window = screen.root.create_window(0, 0, *size, 0, screen.root_depth, override_redirect=True)
        self._window.map()
        self.paint(0)

    def paint(self, colour: int) -> None:
        self._window.change_attributes(background_pixel=colour)
        self._window.clear_area()
        self._connection.sync()


def middle(jpeg: bytes) -> tuple[int, tuple[int, ...]]:
    """How wide a picture is, and its colour in the middle, red first."""
    picture = Image.open(BytesIO(jpeg)).convert("RGB")
    colour = picture.getpixel((picture.width // 4, picture.height // 2))
    assert isinstance(colour, tuple)
    return picture.width, tuple(int(value) for value in colour)


def near(colour: tuple[int, ...], wanted: int) -> bool:
    return all(abs(value - (wanted >> shift & 255)) < 12 for value, shift in zip(colour, (16, 8, 0), strict=True))


@pytest.fixture
def server() -> Generator[XServer]:
    with xserver(1280, 800) as found:
        yield found


async def _until(frames: AsyncGenerator[bytes], colour: int) -> tuple[int, int]:
    """How many frames until this colour is seen, and how wide they are."""
    count = 0
    async for jpeg in frames:
        count += 1
        width, seen = middle(jpeg)
        if near(seen, colour):
            return count, width
    raise AssertionError("the stream has ended")


def live_threads() -> int:
    return sum(thread.name == "deskhand-live" for thread in threading.enumerate())


def test_a_frame_comes_when_something_has_changed_and_only_then(server: XServer) -> None:
    async def look() -> None:
        live = LiveScreens()
        async with aclosing(live.frames(server.display, 960, 5.0)) as frames:
            await _until(frames, 0)
            for colour in COLOURS:
                painter.paint(colour)
                count, width = await _until(frames, colour)
                assert count <= 2 and width == 960
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(frames), 0.8)

    with painted(server.display) as painter:
        asyncio.run(look())
    wait_until(lambda: live_threads() == 0, "the thread to end with its viewer", 5)


def test_viewers_share_one_reader_and_each_has_its_width(server: XServer) -> None:
    async def look() -> None:
        live = LiveScreens()
        one, two = live.frames(server.display, 960, 5.0), live.frames(server.display, 300, 1.0)
        assert [middle(await anext(viewer))[0] for viewer in (one, two)] == [960, 320]
        assert live_threads() == 1
        await one.aclose()
        painter.paint(COLOURS[0])
        assert (await _until(two, COLOURS[0]))[1] == 320
        assert live_threads() == 1
        await two.aclose()
        three = live.frames(server.display, 9000, 5.0)
        assert middle(await anext(three))[0] == 1280  # never more than there is
        await three.aclose()

    with painted(server.display) as painter:
        asyncio.run(look())
    wait_until(lambda: live_threads() == 0, "the thread to end with its last viewer", 5)


def test_a_slow_viewer_gets_the_newest_frame(server: XServer) -> None:
    async def look() -> None:
        live = LiveScreens()
        async with aclosing(live.frames(server.display, 320, 5.0)) as frames:
            await anext(frames)
            for number in range(40):
                painter.paint(0x010101 * number)
                await asyncio.sleep(0.02)
            painter.paint(COLOURS[1])
            await asyncio.sleep(0.5)
            assert (await _until(frames, COLOURS[1]))[0] <= 2

    with painted(server.display) as painter:
        asyncio.run(look())


def test_the_death_of_the_screen_ends_the_stream_and_nothing_else(server: XServer) -> None:
    async def look() -> None:
        live = LiveScreens()
        frames = live.frames(server.display, 960, 5.0)
        await anext(frames)
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        with pytest.raises(StopAsyncIteration):
            while True:
                await asyncio.wait_for(anext(frames), 5)
        async with aclosing(live.frames(":64999", 960, 5.0)) as none:
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(none), 5)

    asyncio.run(look())
    wait_until(lambda: live_threads() == 0, "the thread to end", 5)


def test_the_desktop_of_a_session_is_seen_by_whoever_has_the_token(tmp_path: Path) -> None:
    """A real private desktop, found by its workspace as another process finds it."""
    home, workspace = tmp_path / "home", tmp_path / "work"
    workspace.mkdir()
    session = create_session(home)
    journal = FileJournal(session)
    journal.append(SessionStarted(session.id, "Work", "m", "desktop", "", workspace=str(workspace)))
    path = f"/api/sessions/{session.id}/live"
    with serving(home) as (_, client):
        refused = client.get(path)
        assert refused.status == 409 and "does not run" in refused.data["error"]
        with session.locked():
            refused = client.get(path)
            assert refused.status == 409 and "not there" in refused.data["error"]
            with desk(workspace, size=(1024, 768)) as desktop, painted(desktop.display) as painter:
                assert client.get(f"/api/sessions/{session.id}").data["screen"] is True
                painter.paint(COLOURS[2])
                _see(client, path, painter)
    wait_until(lambda: live_threads() == 0, "the thread to end with the connection", 5)
    journal.close()


def _see(client: Client, path: str, painter: Painter) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=10)
    connection.request("GET", f"{path}?width=640&fps=5", headers={"Authorization": f"Bearer {client.token}"})
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
    assert answer.headers["Content-Security-Policy"]
    for colour in (COLOURS[2], COLOURS[0]):
        painter.paint(colour)
        deadline = time.monotonic() + 5
        while not near((found := middle(_part(answer)))[1], colour):
            assert time.monotonic() < deadline
        assert found[0] == 640
    answer.close()
    connection.close()


def _part(answer: http.client.HTTPResponse) -> bytes:
    """The next frame of a multipart stream."""
    assert answer.readline() == b"--frame\r\n" and answer.readline() == b"Content-Type: image/jpeg\r\n"
    length = int(answer.readline().removeprefix(b"Content-Length: "))
    assert answer.readline() == b"\r\n"
    jpeg = answer.read(length)
    assert answer.readline() == b"\r\n"
    return jpeg
