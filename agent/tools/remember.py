"""Notes: for the rest of the session, whatever is left out of the conversation, and with the user's yes for later ones.

What is to last is put before the user word for word; only their own yes keeps it, or takes it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio

from agent import memory
from agent.errors import ToolFault, UserFault
from agent.events import MemoryChanged, QuestionAsked
from agent.session import data_home
from agent.state import State
from agent.tools.base import Arguments, Context, Room, Tool, text_of
from agent.values import Note

MOST = 60  # notes of one session
YES = "Yes"
_YESES = frozenset({"yes", "yes please", "y", "ok", "okay", "sure", "ja", "ja bitte", "oui", "sí", "si"})

_PARAMETERS = {
    "note": {
        "type": ["string", "null"],
        "description": f"One fact in a sentence, at most {memory.LONGEST} characters; null to forget `replaces`.",
    },
    "lasting": {
        "type": "boolean",
        "description": "True to keep (or forget) it for later sessions too, where that is of use; the user is asked.",
    },
    "replaces": {
        "type": ["string", "null"],
        "description": "Number of the note whose place it takes: `2` of this session, `L2` of earlier ones.",
    },
}


def memory_tools(room: Room, home: Path | None = None) -> tuple[Tool, ...]:
    """The tool `remember`.

    Args:
        room: not needed, as notes are the session's own.
        home: the folder of all state; None for the usual one.
    """
    del room
    return (
        Tool(
            "remember",
            "Keep a note of what you must not lose in a long task: decisions, names, amounts, where things are, what "
            "the user likes. Notes stay before you when older parts of the conversation are left out. Never note "
            "passwords, keys, card or account numbers.",
            _PARAMETERS,
            partial(_remember, home=home or data_home()),
            in_words=_in_words,
            own_event=True,
        ),
    )


async def _remember(arguments: Arguments, context: Context, home: Path) -> str:
    state, lasting = context.recorder.state, arguments["lasting"] is True
    note, replaced = _note(arguments["note"], lasting=lasting), _replaced(arguments["replaces"], state)
    if note is None and replaced is None:
        raise ToolFault("There is nothing to do: give a note, or in `replaces` the number of one to forget.")
    if replaced and replaced.lasting and not lasting:
        raise ToolFault("That note is a lasting one. Nothing was changed; set `lasting` to change it for good.")
    notes = _changed(state.notes, note, replaced)
    if lasting:
        await _agree(note, replaced, context)
        await _keep(home, note, replaced)
    context.recorder.record(MemoryChanged(notes))
    done = "Noted" if note else "Forgotten"
    return f"{done}{', for later sessions too, as the user agreed' if lasting else ''}.\n{_listed(notes)}"


def _note(text: object, *, lasting: bool) -> Note | None:
    if text is None:
        return None
    words = memory.one_line(text_of(text, "note", memory.LONGEST))
    if memory.holds_secret(words):
        raise ToolFault(
            "This looks like a password, a key, or the number of a card or an account, which are never noted. Nothing "
            "was kept; note where it is to be found, or ask the user when you need it."
        )
    return Note(words, lasting)


def _replaced(number: object, state: State) -> Note | None:
    if number is None:
        return None
    wanted = str(number).strip().upper()
    known = {str(place): note for place, note in enumerate(state.notes, 1)}
    instructions = state.started.instructions if state.started else ""
    known |= {place: Note(text, lasting=True) for place, text in memory.told_in(instructions).items()}
    if wanted not in known:
        there = f"there are {', '.join(known)}" if known else "there are none yet"
        raise ToolFault(f"There is no note {number!r}; {there}. Nothing was changed.")
    return known[wanted]


def _changed(before: Sequence[Note], note: Note | None, replaced: Note | None) -> tuple[Note, ...]:
    """The notes of the session, each once. A forgotten one of earlier sessions was told already, which is noted."""
    told_before = replaced is not None and replaced not in before
    if note is None and replaced and told_before:
        note = Note(f"No longer true: {replaced.text}")
    after = list[Note]()
    for each in before:
        if note and each == replaced:
            after.append(note)
        elif each != replaced and not (note and each.text == note.text):
            after.append(each)
    if note and note not in after:
        after.append(note)
    if len(after) > MOST:
        raise ToolFault(f"There are {MOST} notes already, and no more fit. Nothing was kept; replace or forget one.")
    return tuple(after)


async def _agree(note: Note | None, replaced: Note | None, context: Context) -> None:
    """Ask the user.

    Raises:
        ToolFault: they do not want it.
        Stop: nobody answered, or the user stopped the session.
    """
    setting = context.recorder.state.started.approve if context.recorder.state.started else "ask"
    if setting == "always":
        return
    answer = "" if setting == "never" else await _answer(note, replaced, context)
    if answer.strip(" .!").replace(",", "").casefold() not in _YESES:
        said = f": they say «{answer}»" if answer else " (--approve never)"
        raise ToolFault(
            f"The user did not agree to this for later sessions{said}. Nothing was changed; what you need for this "
            "session only can be noted without `lasting`."
        )


async def _answer(note: Note | None, replaced: Note | None, context: Context) -> str:
    old = f"«{replaced.text}»" if replaced else ""
    if note is None:
        text = f"May I forget this for later sessions? {old}"
    else:
        text = f"May I remember this for later sessions? «{note.text}»{f' (in place of {old})' if old else ''}"
    asked = QuestionAsked(context.call, context.call, text, (YES, "No"))
    context.recorder.record(asked)
    return await context.user.answer_to(asked.id, context.patience)


async def _keep(home: Path, note: Note | None, replaced: Note | None) -> None:
    def edit(notes: list[str]) -> list[str]:
        if note is None:
            return [each for each in notes if not replaced or each != replaced.text]
        return memory.added(notes, note.text, replaced.text if replaced else None)

    try:
        await anyio.to_thread.run_sync(memory.change, home, edit)
    except UserFault as fault:
        raise ToolFault(f"It could not be kept for later sessions: {fault}. Nothing was changed.") from None


def _listed(notes: Sequence[Note]) -> str:
    lines = (f"{number}. {note.text}{' (lasting)' if note.lasting else ''}" for number, note in enumerate(notes, 1))
    return "\n".join(lines) or "There are no notes."


def _in_words(arguments: Arguments) -> str:
    note = arguments.get("note")
    return f"note: {memory.one_line(str(note))}" if note else f"forget note {arguments.get('replaces')}"
