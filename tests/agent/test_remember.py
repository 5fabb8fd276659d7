"""Notes of a session, and those that outlive it with the user's yes."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import anyio
import pytest

from agent import memory
from agent.codec import decode, encode
from agent.errors import ToolFault, UserFault
from agent.events import MemoryChanged, QuestionAsked, SessionStarted
from agent.recorder import Recorder
from agent.state import State
from agent.testing import MemoryJournal
from agent.tools.base import Context, Reply, Tool
from agent.tools.remember import memory_tools
from agent.values import Note
from tests.support.room import QuietUser, call, room


class Session:
    """A session that notes things."""

    def __init__(self, tmp_path: Path, *answers: str, instructions: str = "", approve: str = "ask") -> None:
        self.home = tmp_path / "home"
        self.journal = MemoryJournal()
        self.user = QuietUser(list(answers))
        self.recorder = Recorder(self.journal, State())
        started = SessionStarted("s", "a task", "m", "desktop", instructions, approve=approve)
        self.recorder.record(started)
        (self.tool,) = memory_tools(room(tmp_path / "work"), self.home)

    def note(self, note: str | None, *, lasting: bool = False, replaces: str | None = None) -> Reply:
        return anyio.run(_call, self.tool, self, note, lasting, replaces)

    @property
    def notes(self) -> list[str]:
        return [note.text for note in self.recorder.state.notes]

    @property
    def questions(self) -> list[str]:
        return [entry.event.text for entry in self.journal.entries if isinstance(entry.event, QuestionAsked)]


async def _call(tool: Tool, session: Session, note: str | None, lasting: bool, replaces: str | None) -> Reply:
    context = Context(session.recorder, session.user, "c1", 1.0)
    return await call(tool, context, note=note, lasting=lasting, replaces=replaces)


def test_notes_are_kept_replaced_and_forgotten(tmp_path: Path) -> None:
    session = Session(tmp_path)
    assert session.note("The invoice\nnumber is 4711.").text == "Noted.\n1. The invoice number is 4711."
    session.note("Ask Ms Weber about the rest.")
    assert "1. It is 4712." in session.note("It is 4712.", replaces="1").text
    assert session.notes == ["It is 4712.", "Ask Ms Weber about the rest."]
    session.note("It is 4712.")
    assert session.notes == ["Ask Ms Weber about the rest.", "It is 4712."]
    assert session.note(None, replaces="1").text == "Forgotten.\n1. It is 4712."
    assert not memory.file_of(session.home).exists() and not session.questions


def test_what_cannot_be_noted(tmp_path: Path) -> None:
    session = Session(tmp_path)
    for fault, given in (
        ("There is nothing to do", (None, None)),
        ("There is no note '7'; there are none yet", ("x", "7")),
        ("note must be a text that is not empty", ("  ", None)),
        ("at most 500 fit", ("x" * 501, None)),
    ):
        reply = session.note(given[0], replaces=given[1])
        assert reply.failed and fault in reply.text
    for number in range(60):
        assert not session.note(f"fact {number}").failed
    assert "There are 60 notes already" in session.note("one more").text and len(session.notes) == 60
    assert not session.note("instead", replaces="60").failed


@pytest.mark.parametrize(
    "text",
    [
        "The password is hunter2",
        "Passwort: geheim",
        "PIN = 4711",
        "the API key is `abc`",
        "mot de passe : abricot",
        "Card 4111 1111 1111 1111",
        "pays from DE89 3704 0044 0532 0130 00",
        "use sk-abcdefghijklmnopqrstuvwxyz",
        "it needs Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA",
    ],
)
def test_secrets_are_never_noted(tmp_path: Path, text: str) -> None:
    session = Session(tmp_path, "Yes")
    reply = session.note(text, lasting=True)
    assert reply.failed and "never noted" in reply.text
    assert not session.notes and not session.questions and not memory.file_of(session.home).exists()


@pytest.mark.parametrize(
    "text",
    [
        "The password is in the safe of Ms Weber.",
        "Dates are written 31.12.2026, amounts with a comma.",
        "Invoices are in /home/anna/Documents/Invoices2026/Berlin-Office/final_version.ods",
        "The order has number 4500017263 and was placed on 2026-11-21.",
        "Reports go to anna.weber@example.com on the first of the month.",
        "Compass headings are in degrees; the pinboard is on the left.",
    ],
)
def test_ordinary_facts_are_no_secrets(text: str) -> None:
    assert not memory.holds_secret(text)


def test_a_lasting_note_needs_the_users_yes_to_its_very_words(tmp_path: Path) -> None:
    session = Session(tmp_path, "No", "rather not, thanks", "Yes, please.")
    for _ in range(2):
        reply = session.note("Amounts have two decimals.", lasting=True)
        assert reply.failed and "did not agree" in reply.text and "Nothing was changed" in reply.text
    assert not session.notes and not memory.file_of(session.home).exists()
    assert "as the user agreed" in session.note("Amounts have two decimals.", lasting=True).text
    assert session.questions[-1] == "May I remember this for later sessions? «Amounts have two decimals.»"
    assert memory.read(session.home) == ["Amounts have two decimals."]
    assert stat.S_IMODE(memory.file_of(session.home).stat().st_mode) == 0o600
    assert session.recorder.state.notes == (Note("Amounts have two decimals.", lasting=True),)


def test_it_goes_on_in_later_sessions(tmp_path: Path) -> None:
    Session(tmp_path, "Yes").note("Amounts have two decimals.", lasting=True)
    Session(tmp_path, "Yes").note("The boss is Anna.", lasting=True)
    told = memory.section(memory.read(tmp_path / "home"))
    assert "L1. Amounts have two decimals.\nL2. The boss is Anna.\n" in told and "permit" in told

    later = Session(tmp_path, "Yes", "Yes", instructions=f"Do your best.\n{told}")
    assert "set `lasting`" in later.note("The boss is Maria.", replaces="L2").text
    assert not later.note("The boss is Maria.", lasting=True, replaces="L2").failed
    assert later.questions[-1].endswith("«The boss is Maria.» (in place of «The boss is Anna.»)")
    assert memory.read(later.home) == ["Amounts have two decimals.", "The boss is Maria."]
    assert not later.note(None, lasting=True, replaces="L1").failed
    assert later.questions[-1] == "May I forget this for later sessions? «Amounts have two decimals.»"
    assert memory.read(later.home) == ["The boss is Maria."]
    assert later.notes == ["The boss is Maria.", "No longer true: Amounts have two decimals."]


def test_the_sessions_setting_answers_in_the_users_place(tmp_path: Path) -> None:
    assert "--approve never" in Session(tmp_path, approve="never").note("A fact.", lasting=True).text
    assert not memory.file_of(tmp_path / "home").exists()
    assert not Session(tmp_path, approve="always").note("A fact.", lasting=True).failed


def test_the_event_survives_the_journal() -> None:
    recorder = Recorder(MemoryJournal(), State())
    entry = recorder.record(MemoryChanged((Note("a"), Note("b", lasting=True))))
    assert decode(encode(entry)).event == entry.event
    assert recorder.state.notes == (Note("a"), Note("b", lasting=True))


def test_people_may_change_the_file(tmp_path: Path) -> None:
    memory.file_of(tmp_path).write_bytes(
        b"# Mine\n\n* one\n  and more\n\nnot a note\n- two \x1b[2J\n-nothing\n" + b"- caf\xe9\n"
    )
    assert memory.read(tmp_path) == ["one and more", "two [2J", "caf�"]
    memory.change(tmp_path, lambda notes: [*notes, "four"])
    assert memory.read(tmp_path)[-1] == "four"


def test_limits_of_the_file(tmp_path: Path) -> None:
    full = [f"note {number}" for number in range(memory.MOST)]
    with pytest.raises(ToolFault, match="no room for another lasting note"):
        memory.added(full, "one more", None)
    assert memory.added(full, "instead", "note 3")[3] == "instead"
    long = ["x" * 500 for _ in range(60)]
    assert len(memory.section(long)) < memory.ALL + 1000
    memory.file_of(tmp_path).write_bytes(b"- x\n" * 1_000_000)
    with pytest.raises(UserFault, match="shorten it, or move it away"):
        memory.read(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="a folder that even root cannot write to")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match=r"cannot be (written|read)"):
        memory.change(Path("/proc/self/nowhere"), lambda notes: [*notes, "x"])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from ui.cli import main

    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path))
    assert main(["memory"]) == 0 and "Nothing is remembered" in capsys.readouterr().out
    memory.change(tmp_path, lambda _: ["one", "two"])
    assert main(["memory"]) == 0 and capsys.readouterr().out == "  1  one\n  2  two\n"
    assert main(["memory", "forget", "3"]) == 2 and "there is no note 3" in capsys.readouterr().err
    assert main(["memory", "forget", "1"]) == 0 and "Forgotten: one" in capsys.readouterr().out
    assert main(["memory", "--json"]) == 0 and json.loads(capsys.readouterr().out) == ["two"]
    assert main(["memory", "path"]) == 0 and capsys.readouterr().out.strip() == str(tmp_path / "memory.md")
