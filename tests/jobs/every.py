"""All jobs, by name."""

from __future__ import annotations

from tests.jobs import budget, clean_table, contract, deck, form, insert, letters, merge, pivot, rename, report, restyle
from tests.jobs.job import Job

JOBS: dict[str, Job] = {
    module.JOB.name: module.JOB
    for module in (clean_table, merge, rename, letters, deck, insert, restyle, budget, pivot, report, contract, form)
}
