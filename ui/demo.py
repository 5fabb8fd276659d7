"""The main job on embedded defaults: no key, no screen, no network. `deskhand demo`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.errors import UserFault
from agent.events import ScreenshotTaken
from agent.journal import image_path, read_journal
from agent.session import Session
from agent.state import State
from ui.demo_check import BUDGET, DECK, Check, check_files
from ui.run import run_task
from ui.settings.options import Provider, RunOptions

TASK = (
    "Make a quarterly budget of four departments with sums, a bold header, currency and a chart, and save it as "
    f"{BUDGET}. Then make three slides from it, a title, the main points and the chart, and save them as {DECK}."
)
MODEL = "playbook:budget,deck"
OPEN = "libreoffice --calc"


def run_demo(*, size: tuple[int, int] | None = None, output: Path | None = None, json: bool = False) -> int:
    """Build a spreadsheet and a deck on a private desktop, check them, and say what came of it.

    Args:
        size: of the desktop's screen, in pixels.
        output: the folder for the files; the session's own if None.
        json: the journal's events go to standard output, and the words for people to standard error.

    Returns:
        The exit status: 0 only if everything was made and every check passed.
    """
    began = time.monotonic()
    status, session = run_task(_options(size, output, json=json))
    built = time.monotonic() - began
    state = State.of(read_journal(session)[0])
    folder = Path(state.started.workspace) if state.started else session.files
    checks = check_files(folder) if status == 0 else []
    seconds = built, time.monotonic() - began - built
    for line in report(session, state, folder, checks, seconds):
        print(line, file=sys.stderr if json else sys.stdout)
    return status or int(not all(check.ok for check in checks))


def report(
    session: Session, state: State, folder: Path, checks: Sequence[Check], seconds: tuple[float, float]
) -> Iterator[str]:
    """What was made and where, how it was checked, how long it took, and where the replay is: a few lines.

    Args:
        seconds: how long it took to build and to check.
    """
    failed = [check for check in checks if not check.ok]
    if not checks:
        ended = state.ended
        yield f"Not made: {ended.outcome.replace('_', ' ')}, {ended.reason}" if ended else "Not made."
        if picture := _last_picture(session):
            yield f"The last picture: {picture}"
    else:
        yield f"Made in {folder}:"
        yield f"  {BUDGET}  four departments by four quarters, SUM formulas, bold, currency, a chart"
        yield f"  {DECK}  three slides: a title, the main points, the chart"
        yield f"Checked: both reopened from disk and rendered by LibreOffice; {_count(checks)}."
    for check in failed:
        yield f"  WRONG: {check.name}: {check.detail}"
    yield f"Took {seconds[0]:.0f} s to build in {state.turns} turns and {seconds[1]:.0f} s to check."
    if replay := _replay(session):
        yield f"Replay: {replay}"


def _options(size: tuple[int, int] | None, output: Path | None, *, json: bool) -> RunOptions:
    return RunOptions(
        task=TASK,
        computer="desktop",
        model=MODEL,
        provider=Provider(),
        size=size,
        open=(OPEN,),
        workspace=output.expanduser().absolute() if output else None,
        json=json,
        tells_the_end=False,  # the report does
    )


def _count(checks: Sequence[Check]) -> str:
    good = sum(check.ok for check in checks)
    return (
        f"all {good} checks passed" if good == len(checks) else f"{len(checks) - good} of {len(checks)} checks failed"
    )


def _last_picture(session: Session) -> Path | None:
    """What the screen looked like when it ended."""
    taken = [entry.event.image for entry in read_journal(session)[0] if isinstance(entry.event, ScreenshotTaken)]
    return image_path(session, taken[-1]) if taken else None


def _replay(session: Session) -> Path | None:
    from ui.replay import write_replay

    try:
        return write_replay(session)
    except UserFault as fault:
        print(f"deskhand: no replay: {fault}", file=sys.stderr)
        return None
