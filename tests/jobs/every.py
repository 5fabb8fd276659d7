"""All jobs, by name."""

from __future__ import annotations

from tests.jobs import clean_table, merge, rename
from tests.jobs.job import Job

JOBS: dict[str, Job] = {module.JOB.name: module.JOB for module in (clean_table, merge, rename)}
