"""What a job is: work that somebody hands over, with what they give along and a grader that reads the result from disk.

A grader recomputes what must come out from the inputs themselves, and looks at what must not have been touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """One thing that was asked for, and whether it is so; `detail` says what was found in its place."""

    name: str
    ok: bool
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.name}{f': {self.detail}' if self.detail and not self.ok else ''}"


@dataclass(frozen=True)
class Job:
    """Work for a folder.

    Attributes:
        task: in the words of whoever hands it over.
        make: writes the inputs, the same each time.
        half: leaves what somebody leaves who stops halfway; the inputs are there.
        grade: looks at the folder.
    """

    name: str
    task: str
    make: Callable[[Path], None]
    half: Callable[[Path], None]
    grade: Callable[[Path], Sequence[Check]]

    def missed(self, folder: Path) -> list[str]:
        """What is not as it should be; empty for a job well done."""
        try:
            return [str(check) for check in self.grade(folder) if not check.ok]
        except (OSError, KeyError, ValueError, IndexError, StopIteration) as error:  # a file that is missing or broken
            return [f"{type(error).__name__}: {error}"]
