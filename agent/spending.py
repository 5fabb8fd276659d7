"""What all sessions together spend in a day: one budget that many processes share.

<home>/spending/2026-11-21.jsonl    one line a booking: {"at":"…","session":"…","usd":0.0132}; the day is the local one
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from agent.errors import Stop, UserFault
from agent.events import ApprovalReviewed, Compacted, Entry, ModelAnswered, ModelDropped


class Ledger:
    """The bookings of today. For one thread at a time; any number of processes."""

    def __init__(self, home: Path, limit: float | None = None, *, now: Callable[[], datetime] = datetime.now) -> None:
        """Read nothing yet.

        Args:
            home: where all state lives.
            limit: US dollars that all sessions together may spend in a day; None for no limit.
            now: the local time.
        """
        self.limit = limit
        self._folder = home / "spending"
        self._now = now
        self._path = Path()
        self._offset, self._sum = 0, 0.0

    def book(self, session: str, usd: float) -> None:
        """Add what an answer has cost, the moment it has come. Nothing is lost where many book at once.

        Raises:
            UserFault: it cannot be written down.
        """
        now = self._now()
        line = json.dumps({"at": now.isoformat(timespec="seconds"), "session": session, "usd": round(usd, 9)})
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _append(self._file(now), f"{line}\n".encode())
        except OSError as error:
            raise UserFault(
                f"cannot write to {self._folder} ({error.strerror}); make it writable, or free some space"
            ) from None

    def spent(self) -> float:
        """US dollars of today, of all sessions. Reads only what was added since it was last asked.

        Raises:
            UserFault: the bookings cannot be read.
        """
        path = self._file(self._now())
        if path != self._path:
            self._path, self._offset, self._sum = path, 0, 0.0
        try:
            with path.open("rb") as file:
                file.seek(self._offset)
                whole, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return self._sum
        except OSError as error:
            raise UserFault(f"cannot read {path} ({error.strerror}); make it readable") from None
        self._offset += len(whole) + len(newline)
        self._sum += sum(map(_amount, whole.splitlines()))
        return self._sum

    def left(self) -> float | None:
        """US dollars that may still be spent today, never below 0; None without a limit."""
        return None if self.limit is None else max(0.0, self.limit - self.spent())

    def check(self) -> None:
        """Raise `Stop` where the shared budget is used up."""
        if self.left() == 0:
            raise Stop("out_of_budget", f"the shared budget of {self.limit:g} US dollars a day is used up")

    def observer(self, session: str) -> Callable[[Entry, bytes], None]:
        """What a journal tells its entries, so that each answer is booked once, as it comes.

        What a resumed session reads of its past does not come by here. Where there is no limit to keep, a booking that
        cannot be written is let go; else `UserFault` ends the session.
        """

        def see(entry: Entry, _line: bytes) -> None:
            event = entry.event
            if isinstance(event, ModelAnswered | ModelDropped | ApprovalReviewed | Compacted) and event.usage.cost_usd:
                with suppress(*(() if self.limit else (UserFault,))):
                    self.book(session, event.usage.cost_usd)

        return see

    def _file(self, now: datetime) -> Path:
        return self._folder / f"{now:%Y-%m-%d}.jsonl"


def spent_in_days(home: Path, days: int, *, now: Callable[[], datetime] = datetime.now) -> dict[str, float]:
    """US dollars of each of the last days, today last, by date. A day that cannot be read has cost nothing."""
    dates = [f"{now() - timedelta(days=before):%Y-%m-%d}" for before in reversed(range(days))]
    return {date: round(sum(map(_amount, _lines(home / "spending" / f"{date}.jsonl"))), 6) for date in dates}


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError:
        return []


def _amount(line: bytes) -> float:
    """Of a booking; 0 for what is none. What was torn stands before the next booking, on the same line."""
    try:
        found: Any = json.loads(line[max(0, line.rfind(b"{")) :])
    except ValueError:
        return 0.0
    usd = cast("dict[str, Any]", found).get("usd") if isinstance(found, dict) else None
    return float(usd) if isinstance(usd, float | int) and math.isfinite(usd) and usd > 0 else 0.0


def _append(path: Path, line: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        with _alone(path):
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(fd)


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """Elsewhere the system itself puts one line behind the other; on Windows two may end up in the same place."""
    if sys.platform != "win32":
        yield
        return
    from filelock import FileLock

    with FileLock(path.with_suffix(".lock")):
        yield
