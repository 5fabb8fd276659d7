"""Doing a job through the whole of Deskhand: the command, a private desktop, and a model that answers by a script."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.jobs.job import Job
from tests.support.command import Deskhand
from tests.support.openai_script import Item, Reply, final, function
from tests.support.openai_server import openai_server

PLAYBOOKS = Path(__file__).with_name("playbooks")


def use(name: str, **arguments: Any) -> Reply:
    """A call of a tool."""
    return function(name, arguments)


def done_by_tools(job: Job, home: Path, *steps: Reply, timeout: float = 90.0) -> Path:
    """Have a model do these steps and say that it is finished: the folder, graded."""
    folder = home / "work"
    folder.mkdir(parents=True)
    job.make(folder)
    with openai_server([*steps, final("It is done.")]) as server:
        deskhand = Deskhand(home / "home", OPENAI_API_KEY=server.key, OPENAI_BASE_URL=server.url)
        ran = deskhand("run", job.task, "--workspace", str(folder), "--json", timeout=timeout)
        assert ran.returncode == 0, ran.stderr[-2000:]
        assert server.refusals == server.rewrites == []
        replies = [item for item in server.requests[-1]["input"] if item.get("type") == "function_call_output"]
    faults = [event["text"] for event in events(ran.stdout) if event["type"] == "call.answered" and event["failed"]]
    assert not faults, faults
    assert job.missed(folder) == [], [told(reply)[:600] for reply in replies]
    return folder


def done_by_mouse(job: Job, home: Path, opened: str, *, timeout: float) -> Path:
    """Have the playbook of this name do a job on a private desktop: the folder, graded.

    Args:
        opened: what is on the screen at the beginning; `{folder}` is the folder of the job.
    """
    folder = home / "work"
    folder.mkdir(parents=True)
    job.make(folder)
    playbook = PLAYBOOKS / f"{job.name}.toml"
    ran = Deskhand(home / "home")(
        "run", job.task, "--computer", "desktop", "--model", f"playbook:{playbook}", "--workspace", str(folder),
        "--open", opened.format(folder=folder), "--json", timeout=timeout,
    )  # fmt: skip
    assert ran.returncode == 0, [ran.stderr[-2000:], ran.stdout[-2000:]]
    assert job.missed(folder) == []
    return folder


def events(out: str) -> Sequence[dict[str, Any]]:
    """What `--json` has printed."""
    return [json.loads(line) for line in out.splitlines()]


def told(reply: Item) -> str:
    """The text of a tool's reply."""
    output = reply["output"]
    return output if isinstance(output, str) else str(output[0]["text"])
