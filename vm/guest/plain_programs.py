"""The plain interface: running programs in the guest."""

from __future__ import annotations

import os
import shlex
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from vm.guest.book import Book, matching
from vm.guest.running import Outcome, reap, run, start
from vm.guest.state import Guest, flag, has, number, text
from vm.guest.wire import Answer, Refused, Request, as_json, as_text

EXECUTE_SECONDS = 120.0
PYTHON_SECONDS = 30.0
SCRIPT_SECONDS = 100.0
MOST_SECONDS = 3600.0
CHECK_SECONDS = 5.0  # for one command that verifies another

_T = TypeVar("_T")


def execute(_: Guest, request: Request) -> Answer:
    """Run a command to its end."""
    return as_json(_success(_run(request.json())))


def execute_with_verification(guest: Guest, request: Request) -> Answer:
    """Run a command, then wait until it has had the effect that it is for."""
    data = request.json()
    wanted: Any = data.get("verification") or {}
    longest = number(data, "max_wait_time", 10, most=MOST_SECONDS)
    pause = number(data, "check_interval", 1, least=0.01, most=MOST_SECONDS)
    if not isinstance(wanted, Mapping):
        raise Refused(400, "invalid", "verification must be an object")
    answer = _success(_run(data))
    began = time.monotonic()
    while not _verified(guest, cast("Mapping[str, Any]", wanted)):
        if time.monotonic() - began >= longest:
            message = f"the command was run, but what it is for was not seen within {longest:g} s"
            return as_json({**answer, "status": "verification_failed", "message": message}, 500)
        time.sleep(min(pause, max(0.01, began + longest - time.monotonic())))  # the pace is the caller's
    return as_json({**answer, "verification": "passed", "wait_time": time.monotonic() - began})


def launch(_: Guest, request: Request) -> Answer:
    """Start a program and leave it running."""
    data = request.json()
    words = _words(data)
    if not flag(data, "shell") and words[0] == "google-chrome" and not has("google-chrome") and has("chromium"):
        words = ["chromium", *words[1:]]
    process = _failing_as_500(lambda: start(words))
    reap(process)
    command = data.get("command")
    said = command if isinstance(command, str) else " ".join(words)
    return as_text(f"{said} launched successfully")


def run_python(_: Guest, request: Request) -> Answer:
    """Run a program in Python."""
    code = text(request.json(), "code")
    with tempfile.TemporaryDirectory(prefix="deskhand-") as folder:
        program = Path(folder) / "program.py"
        program.write_text(code, "utf-8", "surrogateescape")
        done = _failing_as_500(lambda: run(["/usr/bin/python3", str(program)], seconds=PYTHON_SECONDS))
    if done.timed_out:
        message = f"Execution timed out after {PYTHON_SECONDS:g} seconds"
        return as_json(_python("error", message, done, -1), 500)
    said = "\n".join(part for part in (done.output, done.error) if part)
    if done.status:
        return as_json(_python("error", said or f"Process exited with code {done.status}", done, done.status))
    return as_json(_python("success", said, done, 0))


def run_bash_script(_: Guest, request: Request) -> Answer:
    """Run a script of the shell; what it says on both outputs comes in the order in which it was said."""
    data = request.json()
    script = text(data, "script")
    seconds = number(data, "timeout", SCRIPT_SECONDS, least=0.1, most=MOST_SECONDS)
    folder = text(data, "working_dir", "") if data.get("working_dir") is not None else ""
    with tempfile.TemporaryDirectory(prefix="deskhand-") as kept:
        program = Path(kept) / "script.sh"
        program.write_text(script, "utf-8", "surrogateescape")
        words = ["/bin/bash", "-c", 'exec /bin/bash "$0" 2>&1', str(program)]
        done = _failing_as_500(lambda: run(words, seconds=seconds, cwd=folder or None))
    if done.timed_out:
        said = f"Script execution timed out after {seconds:g} seconds"
        output = f"{done.output}\n{said}" if done.output else said
        return as_json({"status": "error", "output": output, "error": "", "returncode": -1}, 500)
    status = "success" if done.status == 0 else "error"
    return as_json({"status": status, "output": done.output, "error": "", "returncode": done.status})


def _run(data: Mapping[str, Any]) -> Outcome:
    words = _words(data)
    done = _failing_as_500(lambda: run(words, seconds=EXECUTE_SECONDS))
    if done.timed_out:
        raise Refused(500, "timeout", f"the command did not end within {EXECUTE_SECONDS:g} s, and was killed")
    return done


def _words(data: Mapping[str, Any]) -> Sequence[str]:
    """The command of a request as a list of words."""
    command: Any = data.get("command", "" if flag(data, "shell") else [])
    if isinstance(command, str):
        if flag(data, "shell"):
            return ["/bin/sh", "-c", command]
        try:
            command = shlex.split(command)
        except ValueError as error:
            raise Refused(500, "invalid", f"the command cannot be taken apart: {error}") from None
    if not isinstance(command, list) or not command:
        raise Refused(500, "invalid", "command must be a line of text or a list of words")
    items = cast("list[Any]", command)
    if not all(isinstance(item, str | int | float) for item in items):
        raise Refused(500, "invalid", "a command is a list of texts")
    words = [os.path.expanduser(word) if word.startswith("~/") else word for word in map(str, items)]  # noqa: PTH111
    return ["/bin/sh", "-c", *words] if flag(data, "shell") else words


def _success(done: Outcome) -> dict[str, Any]:
    return {"status": "success", "output": done.output, "error": done.error, "returncode": done.status}


def _python(status: str, message: str, done: Outcome, code: int | None) -> dict[str, Any]:
    error = done.error or ("" if status == "success" else message)
    said = {"output": done.output, "error": error, "return_code": code}
    return {"status": status, "message": message, "need_more": False, **said}


def _verified(guest: Guest, wanted: Mapping[str, Any]) -> bool:
    if name := wanted.get("window_exists"):
        windows = guest.desk.desktop.watcher.ask(Book.windows)
        if matching(windows, str(name), strict=False, by_class=False) is None:
            return False
    if command := wanted.get("command_success"):
        words = ["/bin/sh", "-c", command] if isinstance(command, str) else [str(word) for word in command]
        return run(words, seconds=CHECK_SECONDS).status == 0
    return True


def _failing_as_500(call: Callable[[], _T]) -> _T:
    """What cannot be run is answered as host code expects it."""
    try:
        return call()
    except Refused as refused:
        raise Refused(500, refused.kind, str(refused)) from None
