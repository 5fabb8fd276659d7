"""`deskhand sessions`: every session in one line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from agent.session import data_home, list_sessions
from ui.summary import Summary, local_time, one_line, printable, summarize, tolerate_encoding

TASK_WIDTH = 60  # columns of the task where nobody knows how wide the reader is
LEAST_TASK_WIDTH = 12
GAP = "  "
HEADINGS = ("session", "when", "state", "turns", "cost", "task")
RIGHT = (3, 4)  # columns of numbers
STATE = 2  # the column of the state
STYLES = {
    "done": "green",
    "working": "cyan",
    "paused": "yellow",
    "needs you": "bold yellow",
    "out of budget": "yellow",
    "failed": "red",
    "damaged": "red",
    "unreadable": "red",
}


def sessions(flags: argparse.Namespace) -> int:
    """List the sessions, the newest last."""
    found = [summarize(session) for session in list_sessions(data_home())]
    tolerate_encoding()
    if flags.json:
        for summary in found:
            print(json.dumps(asdict(summary)))
    elif not found:
        print('There are no sessions yet; start one with `deskhand run "TASK"` or `deskhand demo`.')
    else:
        _print_table(found, styled=sys.stdout.isatty())
    return 0


def _print_table(found: Sequence[Summary], *, styled: bool) -> None:
    """Aligned columns; on a terminal in colours and no wider than it is. A cut id could not be copied, so only the
    task is ever cut, which rich's own tables do not promise."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    rows = [HEADINGS[:-1], *(_cells(summary) for summary in found)]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    taken = sum(widths) + len(GAP) * len(widths)
    width = max(LEAST_TASK_WIDTH, console.width - taken) if styled else TASK_WIDTH
    tasks = [HEADINGS[-1], *(one_line(summary.task, width) for summary in found)]
    styles = ["bold", *(STYLES.get(summary.state, "") for summary in found)]
    for row, task, style in zip(rows, tasks, styles, strict=True):
        cells = [
            text.rjust(width) if column in RIGHT else text + " " * (width - cell_len(text))
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = Text(GAP.join((*cells, task)).rstrip())
        if styled:
            line.stylize(style, *((0,) if row is rows[0] else _span(widths)))
        console.print(line)


def _span(widths: Sequence[int]) -> tuple[int, int]:
    """Where the state stands in a line."""
    start = sum(widths[:STATE]) + len(GAP) * STATE
    return start, start + widths[STATE]


def _cells(summary: Summary) -> tuple[str, ...]:
    return (
        printable(summary.session),
        local_time(summary.started),
        summary.state,
        "" if summary.turns is None else str(summary.turns),
        "" if summary.cost_usd is None else f"${summary.cost_usd:.4f}",
    )
