"""Sessions started for the page: processes of their own, which outlive the service.

What the user says goes by standard input, and keys by the environment: other users of the machine can read neither, but
they can read the arguments of a process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from agent.errors import UserFault
from agent.session import Session
from agent.values import NO_LIMITS, Budgets
from ui.settings.config import Values
from ui.settings.kinds import address, computer_name, parse_size, positive, positive_int
from ui.settings.options import ASKED_HERE
from ui.settings.words import check_task, read_words

T = TypeVar("T")
PATIENCE = 60.0  # seconds until the first event; a second on an idle machine, twenty where twenty start at once
APPROVALS = ("ask", "never")
APIS = ("responses", "chat")
ON_HOST = (None, "", "here", "desktop")  # computers that have this machine's programs
LONGEST_NAME = 200  # characters of a model's name


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A new session, as the page asks for it. What is None is as in `deskhand run` without that flag.

    Attributes:
        api, dialect, base_url: how the model is spoken to, and where.
        size: of a private desktop's screen, like "1440x900".
        open: files, addresses or commands.
        workspace: a folder's whole path, or one that begins with ~.
        approve: "ask" or "never"; "always" is given at a terminal only.
    """

    task: str
    computer: str | None = None
    model: str | None = None
    api: str | None = None
    dialect: str | None = None
    base_url: str | None = None
    size: str | None = None
    open: tuple[str, ...] = ()
    workspace: str | None = None
    approve: str | None = None
    max_turns: int | None = None
    max_minutes: float | None = None
    max_cost: float | None = None


def start_session(home: Path, request: StartRequest) -> str:
    """Start a session and return its id. Blocks for about a second; safe from any thread.

    Raises:
        UserFault: the request makes no sense, or the session could not be started; nothing was made.
    """
    task = check_task(request.task)
    flags = [*_flags(request), *_budget_flags(Budgets(request.max_turns, request.max_minutes, request.max_cost))]
    first = _start(home, ["run", "-", *flags], task)
    return str(json.loads(first)["session"])


def resume_session(home: Path, session: str, words: str = "", budgets: Budgets = NO_LIMITS) -> None:
    """Go on with a session that has ended or was interrupted. Blocks as `start_session` does.

    Args:
        session: its whole id.
        words: something to tell it, or "".
        budgets: those that are not None are set anew.

    Raises:
        UserFault: there is no such session, or it cannot go on.
    """
    if not session or Path(session).name != session or not (home / "sessions" / session).is_dir():
        raise UserFault(f"there is no session {session!r}; reload the page")
    if Session(home / "sessions" / session).is_live():
        raise UserFault(f"session {session} is being worked on; tell it what you have to say")
    said = read_words(words) if words else ""
    _start(home, ["resume", session, *(["-"] if said else []), *_budget_flags(budgets)], said)


def _start(home: Path, arguments: Sequence[str], said: str) -> bytes:
    """Start `deskhand` with these arguments and return its first event; from then on it is on its own."""
    patience = Values(argparse.Namespace()).pick("approval_timeout", positive, ASKED_HERE)  # somebody is at the page
    words = [sys.executable, "-P", "-m", "ui.cli", *arguments, "--json", "--no-overlay"]
    words.append(f"--approval-timeout={patience:g}")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write(said.encode())
        given.seek(0)
        process = subprocess.Popen(
            words,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=home,
            env={**os.environ, "DESKHAND_HOME": str(home)},
            start_new_session=True,
            creationflags=_detached(),
        )
        first = _first_line(process)
        # Waits for its end, so that no zombie stays; it keeps nobody from ending.
        threading.Thread(target=process.wait, daemon=True, name=f"deskhand-reaper-{process.pid}").start()
        if not first:
            raise UserFault(_complaint(errors))
    return first


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """The first event, or b"" from a process that has ended or had to be ended without one."""
    assert process.stdout
    too_late = threading.Timer(PATIENCE, process.kill)
    too_late.daemon = True
    too_late.start()
    try:
        with process.stdout as events:
            line = events.readline()
    finally:
        too_late.cancel()
    if not line.endswith(b"\n"):
        process.wait()
        return b""
    return line


def _complaint(errors: IO[bytes]) -> str:
    """The last line of what it said, which names the cause and the cure."""
    errors.seek(0)
    lines = [line.strip() for line in errors.read().decode(errors="replace").splitlines()]
    said = next((line for line in reversed(lines) if line), "")
    return said.removeprefix("deskhand: ") or f"the session did not start within {PATIENCE:g} s; try again"


def _detached() -> int:
    if sys.platform == "win32":
        return subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


# What is asked for, checked before anything is made ------------------------------------------------------------------


def _flags(request: StartRequest) -> Iterator[str]:
    """The arguments that say the same as the request.

    Raises:
        UserFault: something of it makes no sense.
    """
    from agent.dialects.dialect import dialects

    if request.computer:
        yield f"--computer={_parsed(computer_name, request.computer, '')}"
    if request.model:
        yield f"--model={_model(request.model)}"
    if request.api:
        yield f"--api={_one_of(APIS, request.api, 'the API')}"
    if request.dialect:
        yield f"--dialect={_one_of([each.name for each in dialects()], request.dialect, 'the dialect')}"
    if request.base_url:
        yield f"--base-url={_address(request.base_url)}"
    if request.size:
        width, height = _parsed(parse_size, request.size, "")
        yield f"--size={width}x{height}"
    if request.approve:
        yield f"--approve={_approval(request.approve)}"
    folder = _workspace(request.workspace) if request.workspace else None
    if folder:
        yield f"--workspace={folder}"
    for target in request.open:
        yield f"--open={_openable(target, folder or Path.home(), elsewhere=request.computer not in ON_HOST)}"


def _budget_flags(budgets: Budgets) -> Iterator[str]:
    if budgets.turns is not None:
        yield f"--max-turns={_parsed(positive_int, str(budgets.turns), 'the budget of turns: ')}"
    if budgets.minutes is not None:
        yield f"--max-minutes={_parsed(positive, str(budgets.minutes), 'the budget of minutes: ')}"
    if budgets.cost_usd is not None:
        yield f"--max-cost={_parsed(positive, str(budgets.cost_usd), 'the budget of US dollars: ')}"


def _parsed(parse: Callable[[str], T], text: str, what: str) -> T:
    try:
        return parse(text)
    except argparse.ArgumentTypeError as error:
        raise UserFault(f"{what}{error}") from None


def _one_of(choices: Sequence[str], text: str, what: str) -> str:
    if text not in choices:
        raise UserFault(f"{what} {text!r} is not known; it must be one of {', '.join(choices)}")
    return text


def _approval(text: str) -> str:
    if text == "always":
        raise UserFault("a yes to everything cannot be given on this page; use --approve always at a terminal")
    return _one_of(APPROVALS, text, "the answer to approvals")


def _model(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise UserFault(f"{name[:40]!r} is no name of a model; leave it out for the usual one")
    return name.strip()


def _address(text: str) -> str:
    try:
        return address(text.strip())
    except ValueError as error:
        raise UserFault(f"{text[:80]!r} is no address of a server: {error}") from None


def _workspace(text: str) -> Path:
    try:
        folder = Path(text).expanduser()
        if not folder.is_absolute():
            raise UserFault(f"the workspace {text!r} is no whole path; write one like ~/Documents")
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise UserFault(f"the workspace {folder} is no folder that can be written to; choose another")
    except (OSError, RuntimeError, ValueError):  # too long for a name, no such user's home, a NUL
        raise UserFault(f"the workspace {text[:80]!r} is no path; write one like ~/Documents") from None
    return folder


def _openable(target: str, folder: Path, *, elsewhere: bool) -> str:
    """A target as the session will find it, wherever it is started: files by their whole path.

    Args:
        elsewhere: programs are not this machine's, so whether there is such a one is found out later.

    Raises:
        UserFault: there is no such file or program.
    """
    from vm.programs import command_for

    if not target.strip() or "\0" in target:
        raise UserFault("there is nothing to open in an empty line; give a file, an address or a command")
    try:
        expanded = Path(target).expanduser()
        for file in (folder / expanded, expanded.absolute()):
            if file.is_file():
                return str(file)
    except (OSError, RuntimeError, ValueError):  # too long for a name, no such user's home
        pass
    if sys.platform.startswith("linux") and not elsewhere:
        command_for(target, folder=folder, path=os.environ.get("PATH", os.defpath))
    return target
