"""`deskhand report`: what sessions have used: tokens, money, pictures, time."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.errors import UserFault
from agent.session import Session, data_home, find_session, list_sessions
from agent.spending import spent_in_days
from ui.report import Report, read_report
from ui.report_text import lines_of, lines_of_many
from ui.summary import summarize, tolerate_encoding

DAYS = 7  # where neither sessions nor days are named


def report(flags: argparse.Namespace) -> int:
    """Add up the journals, and print or write what they say.

    Raises:
        UserFault: there is no such session, or its journal cannot be read.
    """
    days = flags.days or (1 if flags.sessions else DAYS)
    reports = _named(flags.sessions) if flags.sessions else _recent(days)
    spent = spent_in_days(data_home(), days)
    tolerate_encoding()
    if flags.output:
        from ui.report_page import write_page

        path = write_page(reports, spent, Path(flags.output))
        print(json.dumps({"path": str(path)}) if flags.json else path)
    elif flags.json:
        print(json.dumps({"sessions": [one.as_data() for one in reports], "days": spent}))
    else:
        print("\n".join(_text(reports, spent, days)))
    return 0


def _text(reports: Sequence[Report], spent: dict[str, float], days: int) -> list[str]:
    if not reports:
        when = "today" if days == 1 else f"in the last {days} days"
        return [f"There was no session {when}.", *lines_of_many([], spent)[1:]]
    if len(reports) == 1:
        return lines_of(reports[0])
    return lines_of_many(reports, spent)


def _named(names: Sequence[str]) -> list[Report]:
    sessions = [find_session(data_home(), name) for name in names]
    return [read_report(session) for session in {session.id: session for session in sessions}.values()]


def _recent(days: int) -> list[Report]:
    """Sessions that began in the last days; one that cannot be read is said and left out."""
    since = datetime.now(UTC) - timedelta(days=days)
    found: list[Report] = []
    for session in list_sessions(data_home()):
        if _began(session) < since:
            continue
        try:
            found.append(read_report(session))
        except UserFault as fault:
            print(f"deskhand: {fault}", file=sys.stderr)
    return found


def _began(session: Session) -> datetime:
    """When a session began; now, where its journal does not tell, so that it is not passed over silently."""
    try:
        return datetime.fromisoformat(summarize(session).started)
    except ValueError:
        return datetime.now(UTC)
