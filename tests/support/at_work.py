"""Sessions that have begun, and that a process is at work on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent.events import Event, SessionStarted
from agent.journal import FileJournal, reopen
from agent.session import Session, create_session


@contextmanager
def working(session: Session, *events: Event) -> Generator[FileJournal]:
    """A session that a process works on."""
    with session.locked():
        entries, journal = reopen(session)
        assert entries
        for event in events:
            journal.append(event)
        yield journal
        journal.close()


def started(home: Path, *, computer: str = "desktop", workspace: Path | None = None) -> Session:
    session = create_session(home)
    journal = FileJournal(session)
    folder = workspace or session.files
    journal.append(SessionStarted(session.id, "Work", "gpt-6.1-terra", computer, "", workspace=str(folder)))
    journal.close()
    return session
