"""A report as one HTML file with charts: no script, nothing loaded, opened from disk."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UserFault
from ui.replay import ASSETS, sha256_source, write_whole
from ui.report import Report, Turn, added
from ui.report_text import FIGURES, figures, grouped, shorter_in_words
from ui.summary import local_time

TALL = 100  # units of a chart's height
MOST_BARS = 240


@dataclass(frozen=True, slots=True)
class _Chart:
    """Stacked bars: for each turn one number a part, the lowest first."""

    title: str
    top: str
    parts: tuple[tuple[str, str], ...]  # class, what it means
    values: tuple[tuple[float, ...], ...]
    marks: tuple[int, ...] = ()


def write_page(reports: Sequence[Report], days: Mapping[str, float], output: Path) -> Path:
    """Write the page, readable by its owner only, and return where it is.

    Raises:
        UserFault: it cannot be written.
    """
    path = output.expanduser().resolve()
    if path.exists() and not path.is_file():
        raise UserFault(f"{path} is not a file that can be written; name another with --output")
    write_whole(path, page(reports, days))
    return path


def page(reports: Sequence[Report], days: Mapping[str, float]) -> Iterator[str]:
    """The page in pieces. What users, models and screens wrote is only ever text in it."""
    style = (ASSETS / "report.css").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src {sha256_source(style)}; base-uri 'none'; form-action 'none'"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<title>Report · Deskhand</title>\n'
    yield f"<style>{style}</style>\n</head>\n<body>\n<h1>What sessions have used</h1>\n"
    if len(reports) != 1:
        yield _overview(reports, days)
    for report in reports:
        yield _session(report)
    yield "</body>\n</html>\n"


def _overview(reports: Sequence[Report], days: Mapping[str, float]) -> str:
    rows = [(report.session, report.sum) for report in reports]
    told = "1 session" if len(rows) == 1 else f"{len(rows)} sessions"
    chart = _Chart(
        "US dollars a day", _top(days.values()), (("cost", "spent"),), tuple((usd,) for usd in days.values())
    )
    spent = _svg(chart) + f'<p class="soft">{html.escape(_span(list(days)))}</p>' if any(days.values()) else ""
    return f"<section><h2>{told}</h2>{_table('session', rows)}{spent}</section>\n"


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _session(report: Report) -> str:
    count = len(report.turns)
    facts = [report.state, report.model, local_time(report.started), f"{count} turn{'s' * (count != 1)}"]
    shorter = "".join(f'<p class="soft">{html.escape(shorter_in_words(made))}</p>' for made in report.compactions)
    charts = "".join(map(_svg, _charts(report)))
    damaged = f'<p class="soft">{report.damages} lines of the journal are damaged and left out</p>'
    return (
        f"<section><h2>{html.escape(report.session)}</h2><p>{html.escape(_safe(report.task[:500]))}</p>"
        f'<p class="soft">{html.escape(" · ".join(filter(None, facts)))}</p>{charts}{shorter}'
        f"{damaged if report.damages else ''}{_table('turn', grouped(report.turns), report.sum)}</section>\n"
    )


def _safe(text: str) -> str:
    """Half surrogates are in no encoding."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _charts(report: Report) -> list[_Chart]:
    size = -(-len(report.turns) // MOST_BARS) or 1
    groups = [report.turns[start : start + size] for start in range(0, len(report.turns), size)]
    widest = [max(group, key=lambda turn: turn.input_tokens) for group in groups]
    sums = [added(group) for group in groups]
    first = report.turns[0].turn if report.turns else 0
    marks = tuple((made.turn - first) // size for made in report.compactions)
    tokens = tuple((float(turn.cached_tokens), float(turn.input_tokens - turn.cached_tokens)) for turn in widest)
    times = tuple((turn.model, turn.ours, turn.waiting) for turn in sums)
    costs = tuple((turn.cost_usd or 0.0,) for turn in sums)
    charts = [
        _Chart("Input tokens per turn", _top(map(sum, tokens), "{:,.0f}"), _TOKENS, tokens, marks),
        _Chart("US dollars per turn", _top(map(sum, costs)), (("cost", "cost"),), costs, marks),
        _Chart("Seconds per turn", _top(map(sum, times), "{:.1f} s"), _TIMES, times),
    ]
    return [chart for chart in charts if any(map(sum, chart.values))]


_TOKENS = (("cached", "cached"), ("fresh", "sent for the first time"))
_TIMES = (("model", "the model"), ("ours", "Deskhand"), ("waiting", "waiting for you or the provider"))


def _top(values: Iterable[float], form: str = "${:.4f}") -> str:
    return form.format(max(values, default=0.0))


def _svg(chart: _Chart) -> str:
    most = max((sum(bar) for bar in chart.values), default=0.0) or 1.0
    bars = "".join(_bar(at, bar, chart, most) for at, bar in enumerate(chart.values))
    marks = "".join(f'<line class="mark" x1="{at}" x2="{at}" y1="0" y2="{TALL}"/>' for at in chart.marks)
    key = "".join(f'<span><b class="{name}"></b>{html.escape(told)}</span>' for name, told in chart.parts)
    key += '<span><b class="mark"></b>made shorter</span>' if chart.marks else ""
    return (
        f"<h3>{html.escape(chart.title)}, at most {html.escape(chart.top)}</h3>"
        f'<svg viewBox="0 0 {max(1, len(chart.values))} {TALL}" preserveAspectRatio="none" role="img" '
        f'aria-label="{html.escape(chart.title)}, at most {html.escape(chart.top)}">{bars}{marks}</svg>'
        f'<p class="key">{key}</p>'
    )


def _bar(at: int, bar: Sequence[float], chart: _Chart, most: float) -> str:
    pieces: list[str] = []
    upto = float(TALL)
    for (name, _), value in zip(chart.parts, bar, strict=True):
        tall = TALL * max(0.0, value) / most
        upto -= tall
        if tall:
            pieces.append(f'<rect class="{name}" x="{at + 0.06:.2f}" y="{upto:.2f}" width="0.88" height="{tall:.2f}"/>')
    return "".join(pieces)


def _table(first: str, rows: Sequence[tuple[str, Turn]], whole: Turn | None = None) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in (first, *FIGURES))
    last = whole or (added(turn for _, turn in rows) if len(rows) > 1 else None)
    body = "".join(f"<tr>{_cells(name, turn)}</tr>" for name, turn in rows)
    total = f'<tr class="sum">{_cells("sum", last)}</tr>' if last else ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}{total}</tbody></table></div>'


def _cells(name: str, turn: Turn) -> str:
    return "".join(f"<td>{html.escape(cell)}</td>" for cell in (name, *figures(turn)))
