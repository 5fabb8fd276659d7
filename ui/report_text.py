"""A report for the terminal: a table, and a small chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ui.report import Report, Shorter, Turn, added, cached_share
from ui.summary import local_time, one_line, printable

ROWS = 40  # of a table; more turns than that share a row
CHART = 72  # columns
BARS = "▁▂▃▄▅▆▇█"
FIGURES = ("input", "cached", "output", "cost", "images", "actions", "model", "ours", "waiting")
LEGEND = (
    "input: tokens sent, of which the provider had kept the share cached and charges little for it; images: new ones;",
    "model: the time until its answer was there; ours: Deskhand's own; waiting: for you, a computer, or a new try",
)
BY = {"provider": "the provider", "model": "a summary", "deskhand": "the journal's record"}


def lines_of(report: Report) -> list[str]:
    """A session: its turns, or groups of them, their sum, and how its context grew."""
    turns, whole = report.turns, report.sum
    told = f"{printable(report.session)}  {report.state}, {printable(report.model)}, {local_time(report.started)}"
    lines = [told, one_line(report.task, 100), "", *_table([*grouped(turns), ("sum", whole)])]
    lines += ["", *_chart(report)] if len(turns) > 1 else []
    lines += map(shorter_in_words, report.compactions)
    if whole.retries or whole.dropped:
        lines.append(f"{whole.retries} retries, {whole.dropped} answers dropped")
    if report.damages:
        lines.append(f"{report.damages} lines of the journal are damaged and left out")
    return [*lines, "", *LEGEND]


def shorter_in_words(made: Shorter) -> str:
    """What became of a conversation that was too long."""
    cost = f", {money(made.cost_usd)}" if made.cost_usd is not None else ""
    by = f"by {BY.get(made.by, made.by)}{cost}"
    return f"before turn {made.turn} made shorter: about {made.before:,} to {made.after:,} tokens {by}"


def lines_of_many(reports: Sequence[Report], days: Mapping[str, float]) -> list[str]:
    """Sessions, one a row, their sum, and what each day has cost all of them together."""
    width = max([len("session"), *(len(printable(report.session)) for report in reports)])
    rows = [(printable(report.session), report.sum) for report in reports]
    rows = [*rows, ("sum", added([whole for _, whole in rows]))] if len(rows) > 1 else rows
    lines = _table(rows, "session".ljust(width), [len(report.turns) for report in reports])
    return [*lines, *_days(days), *(["", *LEGEND] if reports else [])]


def _days(days: Mapping[str, float]) -> list[str]:
    most = max(days.values(), default=0.0)
    if not most:
        return []
    first = next(day for day, spent in days.items() if spent)  # nothing is said of the days before
    days = {day: spent for day, spent in days.items() if day >= first}
    bars = {day: "█" * max(1, round(24 * spent / most)) if spent else "" for day, spent in days.items()}
    return ["", "spent a day", *(f"{day}  {money(spent):>9}  {bars[day]}".rstrip() for day, spent in days.items())]


def grouped(turns: Sequence[Turn]) -> list[tuple[str, Turn]]:
    """Turns, or groups of them where there are many."""
    size = math.ceil(len(turns) / ROWS)
    if size <= 1:
        return [(str(turn.turn), turn) for turn in turns]
    groups = [turns[start : start + size] for start in range(0, len(turns), size)]
    return [(f"{group[0].turn}-{group[-1].turn}", added(group)) for group in groups]


def _table(rows: Sequence[tuple[str, Turn]], first: str = "", turns: Sequence[int] = ()) -> list[str]:
    headings = (first or "turn", *(("turns",) if turns else ()), *FIGURES)
    counts = [*map(str, turns), str(sum(turns))]
    cells = [headings, *(_cells(name, turn, counts[at] if turns else "") for at, (name, turn) in enumerate(rows))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    align = [str.ljust if first and not column else str.rjust for column in range(len(headings))]
    return [
        "  ".join(put(text, width) for put, text, width in zip(align, row, widths, strict=True)).rstrip()
        for row in cells
    ]


def figures(turn: Turn) -> tuple[str, ...]:
    """What is told of a turn, in the order of `FIGURES`."""
    return (
        f"{turn.input_tokens:,}",
        f"{cached_share(turn):.0%}",
        f"{turn.output_tokens:,}",
        money(turn.cost_usd),
        str(turn.images),
        str(turn.deeds),
        *(duration(seconds) for seconds in (turn.model, turn.ours, turn.waiting)),
    )


def _cells(name: str, turn: Turn, count: str) -> tuple[str, ...]:
    return (name, *((count,) if count else ()), *figures(turn))


def _chart(report: Report) -> list[str]:
    """Input tokens over the turns, and below where the conversation was made shorter."""
    values = [turn.input_tokens for turn in report.turns]
    size = math.ceil(len(values) / CHART)
    columns = [max(values[start : start + size]) for start in range(0, len(values), size)]
    top = max(columns)
    if not top:
        return []
    bars = "".join(BARS[min(len(BARS) - 1, int(len(BARS) * value / top))] for value in columns)
    first = report.turns[0].turn
    places = {(made.turn - first) // size for made in report.compactions}
    marks = "".join("^" if column in places else " " for column in range(len(columns))).rstrip()
    told = f"input tokens per turn, at most {top:,}{'; ^ made shorter' if marks else ''}"
    return [bars, *([marks] if marks else []), told]


def money(cost: float | None) -> str:
    """US dollars; nothing where no price is known."""
    return "" if cost is None else f"${cost:.4f}"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    return f"{whole // 60}m{whole % 60:02}s" if whole < 3600 else f"{whole // 3600}h{whole % 3600 // 60:02}m"
