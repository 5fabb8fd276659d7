"""The X server goes, and comes back: this server lives on, says so, and works again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.guest import await_desktop, guest, until
from tests.support.xserver import end, openbox, xserver


def test_answers_before_and_after_there_is_a_desktop(tmp_path: Path) -> None:
    with xserver(800, 600) as first, guest(tmp_path, first.display) as server:
        with openbox(first.display):
            await_desktop(server)
            assert server.ask("GET", "/v2/screenshot?settle=0").status == 200
            end(first)
        for method, path in (("GET", "/v2/screenshot"), ("GET", "/v2/front"), ("GET", "/screenshot")):
            assert server.ask(method, path).status == 503
        answer = server.ask("POST", "/v2/actions", {"actions": [{"type": "click", "x": 5, "y": 5}]})
        assert answer.status == 503 and answer.error == "lost" and first.display in answer.json["error"]["message"]
        assert server.ask("POST", "/v2/execute", {"command": "echo there"}).json["output"] == "there\n"
        health = server.ask("GET", "/v2/health").json
        assert (health["ok"], health["desktop"], health["size"]) == (True, False, [0, 0])

        again = subprocess.Popen(
            ["Xvfb", first.display, "-screen", "0", "1024x768x24", "-noreset", "-nolisten", "tcp"],
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: Path(f"/tmp/.X11-unix/X{first.display[1:]}").exists())
            with openbox(first.display):
                await_desktop(server)
                assert server.ask("GET", "/v2/health").json["size"] == [1024, 768]
                assert server.act({"type": "click", "x": 900, "y": 700})["done"] == 1
                assert server.ask("GET", "/v2/screenshot?settle=1").status == 200
                kinds = {event["type"] for event in server.ask("GET", "/v2/events").json["events"]}
                assert {"desktop.ready", "desktop.lost"} <= kinds
        finally:
            end(again)


@pytest.mark.slow
def test_a_frozen_x_server_costs_bounded_time(tmp_path: Path) -> None:
    with xserver(800, 600) as x, openbox(x.display), guest(tmp_path, x.display) as server:
        await_desktop(server)
        server.ask("GET", "/v2/screenshot?settle=0")
        os.kill(x.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert server.ask("GET", "/v2/front").status in (503, 504)
            assert server.ask("GET", "/v2/health").json["desktop"] is False
            assert server.ask("GET", "/platform").status == 200
            assert time.monotonic() - began < 20
        finally:
            os.kill(x.pid, signal.SIGCONT)
        await_desktop(server)
        assert server.ask("GET", "/v2/front").status == 200
