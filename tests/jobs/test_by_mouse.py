"""Jobs done with mouse and keyboard in real programs on a private desktop, step by step as a playbook says.

What is clicked is found by its text on the screen each time; nothing is where it is by number. Most take a minute.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.jobs.every import JOBS
from tests.jobs.working import done_by_mouse

pytestmark = pytest.mark.skipif(shutil.which("localc") is None, reason="LibreOffice is not installed")
LONG = 600.0


@pytest.mark.slow
@pytest.mark.timeout(LONG + 60)
def test_changes_in_a_contract_are_recorded(tmp_path: Path) -> None:
    done_by_mouse(JOBS["contract"], tmp_path, "{folder}/contract.docx", timeout=LONG)


@pytest.mark.slow
@pytest.mark.timeout(LONG + 60)
def test_a_table_becomes_a_budget(tmp_path: Path) -> None:
    done_by_mouse(JOBS["budget"], tmp_path, "libreoffice --calc {folder}/spending.csv", timeout=LONG)


@pytest.mark.slow
@pytest.mark.timeout(LONG + 60)
def test_sales_get_a_pivot_table_and_a_chart(tmp_path: Path) -> None:
    done_by_mouse(JOBS["pivot"], tmp_path, "{folder}/sales.xlsx", timeout=LONG)


@pytest.mark.slow
@pytest.mark.timeout(LONG + 60)
def test_a_draft_becomes_a_report(tmp_path: Path) -> None:
    done_by_mouse(JOBS["report"], tmp_path, "{folder}/report.docx", timeout=LONG)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
@pytest.mark.timeout(LONG + 60)
def test_a_form_is_filled_in(tmp_path: Path) -> None:
    done_by_mouse(JOBS["form"], tmp_path, "{folder}/form.pdf", timeout=LONG)
