"""A thread that works for others, who wait no longer than they want to."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vm.guest.wire import Refused

_T = TypeVar("_T")


@dataclass(slots=True)
class _Job:
    call: Callable[[], Any]
    deadline: float
    answer: list[Any] = field(default_factory=list[Any])
    failure: list[BaseException] = field(default_factory=list[BaseException])
    done: threading.Event = field(default_factory=threading.Event)


class Worker:
    """Does one thing after the other, in the order in which they were asked for.

    What hangs (a frozen X server) costs those who asked their time, but never more.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def do(self, call: Callable[[], _T], seconds: float) -> _T:
        """What the call returns, or raises.

        Raises:
            Refused: it was not over in time; then it may still be at work.
        """
        job = _Job(call, time.monotonic() + seconds)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True, name=f"deskhand-{self._name}")
                self._thread.start()
        self._jobs.put(job)
        if not job.done.wait(seconds):
            raise Refused(504, "timeout", f"the {self._name} did not answer within {seconds:g} s")
        if job.failure:
            raise job.failure[0]
        return job.answer[0]

    def close(self) -> None:
        """End the thread once it has nothing to do."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if time.monotonic() < job.deadline:
                try:
                    job.answer.append(job.call())
                except BaseException as error:
                    job.failure.append(error)
            else:
                job.failure.append(Refused(504, "timeout", f"the {self._name} had no time"))
            job.done.set()
