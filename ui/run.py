"""Putting a session together: model, computer, journal, inbox and face, and running the loop over them."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import FrameType

import anyio

from agent.approving import Rules
from agent.errors import Outcome, UserFault
from agent.events import Entry, SessionEnded, SessionStarted
from agent.inbox import FileInbox, Message, drop_commands, post
from agent.journal import FileJournal, reopen
from agent.loop import Loop, Setting
from agent.policy import Policy
from agent.ports import Computer, Model
from agent.session import Session, create_session, data_home, find_session
from agent.spending import Ledger
from agent.state import State
from agent.values import Budgets
from agent.wording import INSTRUCTIONS, workspace_note
from agent.workspace import files_made
from ui import tools
from ui.models import dialect_of, make_model
from ui.service.running import find_service
from ui.settings.config import config_path
from ui.settings.options import ResumeOptions, RunOptions, SessionOptions
from ui.terminal import make_face
from ui.workspace import bring_files, check_files
from vm.places import Place, Wishes, check_place, folder_inside, open_place, place_of, usual_size
from vm.slots import Slots

EXIT_STATUS: dict[Outcome, int] = {
    "done": 0,
    "gave_up": 1,
    "failed": 1,
    "out_of_budget": 3,
    "needs_user": 4,
    "stopped": 130,
}


def run_task(options: RunOptions) -> tuple[int, Session]:
    """Start a session and work on it until it ends: the exit status of `deskhand run`, and the session."""
    place = place_of(options.computer)
    if options.approve == "always" and place.kind == "here":
        raise UserFault(
            "--approve always is for isolated computers, and this is your own screen; use --computer desktop, or leave "
            "it out to be asked each time"
        )
    dialect = dialect_of(options.model, options.provider)
    model = make_model(options.model, options.provider, dialect)
    _check(place, options.senses.monitor)
    check_files(options.files, options.workspace)
    _confirm_always(options)
    rules = _rules(options)  # a policy that cannot be used is said before anything is made
    _check_budgets(options, options.model, options.provider.prices)
    session = create_session(data_home())
    workspace = options.workspace or session.files
    _make_workspace(workspace)
    bring_files(options.files, workspace)
    started = SessionStarted(
        session=session.id,
        task=options.task,
        model=model.name,
        computer=options.computer,
        instructions=_instructions(place, workspace),
        budgets=options.budgets,
        approve=options.approve,
        size=options.size or usual_size(place),
        workspace=str(workspace),
        open=options.open,
        network=options.network,
        version=version("deskhand"),
        dialect=dialect,
    )
    with session.locked():
        journal = FileJournal(session)
        return _work(session, journal, [], started, model, rules, options), session


def resume_session(options: ResumeOptions) -> int:
    """Go on with a session that has ended or was interrupted; the exit status of `deskhand resume`."""
    session = find_session(data_home(), options.session)
    with session.locked():
        entries, journal = reopen(session, repair=options.repair)
        state = State.of(entries)
        if state.started is None:
            raise UserFault(f"the journal of session {session.id} does not begin with its task; it cannot be resumed")
        if state.ended and state.ended.outcome == "done" and not options.words:
            raise UserFault(
                f'session {session.id} is done; to go on with it, say what: `deskhand resume {session.id} "WORDS"`'
            )
        model = make_model(state.started.model, options.provider, state.started.dialect)
        _check(place_of(state.started.computer), options.senses.monitor)
        rules = _rules(options)
        _make_workspace(Path(state.started.workspace))
        drop_commands(session.inbox)
        if options.words:
            post(session.inbox, Message("steer", options.words))
        return _work(session, journal, entries, None, model, rules, options)


def _check(place: Place, monitor: int) -> None:
    """Raise `UserFault` where there can be no such computer, before a session is made for it."""
    if place.kind != "here" or Slots(data_home()).is_free("here"):  # the pointer may be another session's just now
        check_place(place, monitor)


def _opener(
    state: State, model: Model, options: SessionOptions, say: Callable[[str], None]
) -> Callable[[], Awaitable[Computer]]:
    async def open_computer() -> Computer:
        assert state.started
        if prepare := getattr(model, "prepare", None):  # the client library takes most of a second to load
            threading.Thread(target=prepare, daemon=True).start()
        threading.Thread(target=tools.prepare, daemon=True).start()
        place, started, senses = place_of(state.started.computer), state.started, options.senses
        if state.waiting and place.kind == "here":  # the screen was not free to be checked before
            await anyio.to_thread.run_sync(check_place, place, senses.monitor)
        wishes = Wishes(
            Path(started.workspace), started.size, started.network, senses, say, started.open, options.share
        )
        return await open_place(place, wishes)

    return open_computer


def _work(
    session: Session,
    journal: FileJournal,
    entries: list[Entry],
    first: SessionStarted | None,
    model: Model,
    rules: Rules,
    options: SessionOptions,
) -> int:
    state = State.of(entries)
    face = make_face(session, state, json=options.json)
    with face, _signals_stop(session):
        journal.subscribe(face)
        if first:
            state.advance(journal.append(first))
        if service := find_service(data_home()):
            face.say(f"watch and steer it at {service.url}#/session/{session.id}")
        if options.overlay:
            threading.Thread(target=_show_overlay, args=(session, face.say), daemon=True).start()
        end = anyio.run(_loop, session, journal, state, model, rules, options, face.say)
        journal.close()
        if options.tells_the_end:
            face.end(end)
    return EXIT_STATUS[end.outcome]


def _show_overlay(session: Session, say: Callable[[str], None]) -> None:
    """Beside the session, which does not wait for it, and outlived by it: it tells how the session ended."""
    from ui.overlay import open_overlay

    try:
        open_overlay(session.id).leave()
    except UserFault as fault:
        say(str(fault))


async def _loop(
    session: Session,
    journal: FileJournal,
    state: State,
    model: Model,
    rules: Rules,
    options: SessionOptions,
    say: Callable[[str], None],
) -> SessionEnded:
    assert state.started
    started, workspace, began = state.started, Path(state.started.workspace), time.time()
    home, computer = data_home(), state.started.place
    slots, ledger = Slots(home, options.together.agents), Ledger(home, options.together.daily_cost)
    journal.subscribe(ledger.observer(session.id))
    setting = Setting(
        rules=rules,
        admit=lambda told: slots.wait(computer, session.id, told),
        spending=ledger,
        budgets=_extended(state.budgets, options.budgets),
        files=lambda: files_made(workspace, began),
        hand_back_after=options.hand_back_after,
        compact_at=options.compact_at,
        open_tools=lambda computer, offered: tools.open_tools(
            computer, offered, model, session, started, options.mcp, options.tools, say
        ),
    )
    loop = Loop(
        model=model,
        open_computer=_opener(state, model, options, say),
        journal=journal,
        inbox=FileInbox(session.inbox),
        state=state,
        setting=setting,
    )
    try:
        return await loop.run()
    finally:
        if aclose := getattr(model, "aclose", None):
            await aclose()


def _rules(options: SessionOptions) -> Rules:
    """What needs the user's yes, and who looks at it first."""
    policy = Policy.load(config_path().with_name("policy.toml"))
    if not options.reviewer:
        return Rules(policy, options.approval_timeout)
    from agent.reviewer import Reviewer

    provider = options.provider
    if not provider.api_key:
        raise UserFault("there is no API key for --reviewer: set OPENAI_API_KEY to yours, or leave out --reviewer")
    reviewer = Reviewer(options.reviewer, api_key=provider.api_key, base_url=provider.base_url, prices=provider.prices)
    return Rules(policy, options.approval_timeout, reviewer)


def _extended(before: Budgets, new: Budgets) -> Budgets:
    """The budgets of a session that goes on: those that were named anew, and the old ones."""
    return Budgets(
        turns=new.turns if new.turns is not None else before.turns,
        minutes=new.minutes if new.minutes is not None else before.minutes,
        cost_usd=new.cost_usd if new.cost_usd is not None else before.cost_usd,
    )


def _check_budgets(options: RunOptions, model: str, prices: Path | None) -> None:
    """A budget of money can be kept only where the price is known."""
    from agent.models.pricing import Prices

    limits = {"--max-cost": options.budgets.cost_usd, "daily_cost": options.together.daily_cost}
    limited = next((name for name, limit in limits.items() if limit is not None), None)
    if limited and not model.startswith("playbook:") and Prices.load(prices).of(model) is None:
        raise UserFault(
            f"no price is known for {model}, so {limited} cannot be kept; "
            "name its price in the file of `prices`, or use --max-turns or --max-minutes"
        )


def _confirm_always(options: RunOptions) -> None:
    """A yes to everything, given beforehand, is typed, so that no slip gives it."""
    if options.approve != "always":
        return
    print(
        "Everything that this task would have to ask you for will be done without asking: sending, deleting, paying. "
        "Type always and Enter to confirm: ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    typed = sys.stdin.readline() if sys.stdin else ""  # pyright: ignore[reportUnnecessaryComparison]
    if typed.strip().lower() != "always":
        raise UserFault(
            "--approve always was not confirmed, so nothing was started; type always when asked (a script can write it "
            "to standard input), or leave it out"
        )


def _instructions(place: Place, workspace: Path) -> str:
    """What the model is told for the whole session: our own, where files go, and what the folder's owner advises."""
    from agent.instructions import instructions_of

    theirs = instructions_of(workspace, config_path().parent, say=lambda text: print(text, file=sys.stderr))
    return INSTRUCTIONS + workspace_note(folder_inside(place, workspace)) + theirs


def _make_workspace(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserFault(f"the workspace {folder} cannot be made ({error.strerror}); choose another folder") from None


@contextmanager
def _signals_stop(session: Session) -> Generator[None]:
    """Ctrl-C and a polite kill stop the session as `deskhand stop` does; a second Ctrl-C ends the process at once."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def stop(number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        signal.signal(signal.SIGINT, signal.default_int_handler)
        post(session.inbox, Message("stop", f"stopped by {name}", by=name))

    before = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
