"""Graders are strict: who does nothing fails, who stops halfway fails, and the inputs are the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.every import JOBS
from tests.jobs.job import Job

EACH = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)


@EACH
def test_doing_nothing_fails(job: Job, tmp_path: Path) -> None:
    job.make(tmp_path)
    assert job.missed(tmp_path)


@EACH
def test_half_done_fails(job: Job, tmp_path: Path) -> None:
    job.make(tmp_path)
    before = job.missed(tmp_path)
    job.half(tmp_path)
    assert job.missed(tmp_path)
    assert job.missed(tmp_path) != before, "half of the work has made no difference at all"


def test_there_are_twelve() -> None:
    assert len(JOBS) == 12
