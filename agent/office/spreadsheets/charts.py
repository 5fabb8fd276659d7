"""Charts as parts of a workbook, built by openpyxl's chart classes, and changed in their XML."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from agent.errors import ToolFault
from agent.office.spreadsheets.looks import Axis, Series
from agent.office.spreadsheets.markup import CHART, A, drop
from agent.office.spreadsheets.operations import AddChart
from agent.office.spreadsheets.references import quoted, read_reference
from agent.office.spreadsheets.styles import rgb
from agent.office.xml import Element, etree, local

TYPE: Final = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
PALETTE: Final = ("4472C4", "ED7D31", "A5A5A5", "FFC000", "5B9BD5", "70AD47", "264478", "9E480E")
_C = f"{{{CHART}}}"
_LEGEND: Final = {"right": "r", "bottom": "b", "top": "t", "left": "l"}
_THEME: Final = {f"accent{n}": f"accent{n}" for n in range(1, 7)} | {
    "dark1": "tx1", "dark2": "tx2", "light1": "bg1", "light2": "bg2",
}  # fmt: skip


def chart_xml(op: AddChart, home: str) -> bytes:
    """The chart that was asked for.

    Args:
        home: name of the sheet that ranges without one are on.
    """
    if not op.series:
        raise ToolFault("A chart needs at least one series. Nothing was changed.")
    chart = _make(op.kind)
    first = [each for each in op.series if each.kind in (None, _plain(op.kind)) and not each.second_axis]
    others = [each for each in op.series if each not in first]
    if not first:
        raise ToolFault("At least one series must be of the chart's own kind, on its first axis. Nothing was changed.")
    for each in first:
        _add(chart, each, op.kind, home, op.series.index(each))
    _dress(chart, op)
    for extra in _extras(op, others, home):
        chart += extra
    return _written(chart)


def _plain(kind: str) -> str:
    return {"scatter_line": "scatter"}.get(kind, kind.removeprefix("stacked_").removeprefix("percent_"))


def _library(name: str) -> Any:
    """A module of openpyxl, whose types are not fit for building charts."""
    return import_module(name)


def _make(kind: str) -> Any:
    charts = _library("openpyxl.chart")
    makers: dict[str, Callable[[], Any]] = {
        "column": lambda: charts.BarChart(), "bar": lambda: charts.BarChart(barDir="bar"), "line": charts.LineChart,
        "area": charts.AreaChart, "pie": charts.PieChart, "doughnut": charts.DoughnutChart,
        "scatter": charts.ScatterChart, "bubble": charts.BubbleChart, "radar": charts.RadarChart,
    }  # fmt: skip
    chart = makers[_plain(kind)]()
    if kind.startswith("stacked_"):
        chart.grouping = "stacked"
    if kind.startswith("percent_"):
        chart.grouping = "percentStacked"
    if kind.startswith(("stacked_", "percent_")) and _plain(kind) in ("column", "bar"):
        chart.overlap = 100
    if _plain(kind) == "scatter":
        chart.style, chart.scatterStyle = None, "lineMarker"
    if kind == "doughnut":
        chart.holeSize = 55
    return chart


def _add(chart: Any, told: Series, kind: str, home: str, number: int) -> None:
    sources = _library("openpyxl.chart.data_source")
    factory = _library("openpyxl.chart.series_factory").SeriesFactory
    values = _range(told.values, home)
    plain = _plain(kind)
    if plain in ("scatter", "bubble"):
        if told.categories is None:
            raise ToolFault("Scatter and bubble charts need `categories`: the x values. Nothing was changed.")
        series = factory(_reference(values), xvalues=_reference(_range(told.categories, home)))
        if plain == "bubble":
            series.bubbleSize = sources.NumDataSource(numRef=sources.NumRef(f=values))
    else:
        series = factory(_reference(values))
        if told.categories is not None:
            series.cat = sources.AxDataSource(strRef=sources.StrRef(f=_range(told.categories, home)))
    if told.name is not None:
        is_cell = told.name.startswith("=")
        label = _library("openpyxl.chart.series").SeriesLabel
        told_by = sources.StrRef(f=_range(told.name, home)) if is_cell else None
        series.tx = label(strRef=told_by) if told_by else label(v=told.name)
    _colour(series, told, kind, number)
    chart.series.append(series)


def _colour(series: Any, told: Series, kind: str, number: int) -> None:
    plain = _plain(kind)
    if plain in ("pie", "doughnut") and told.colour is None:
        return
    colour = _drawing_colour(told.colour or PALETTE[number % len(PALETTE)])
    line = series.graphicalProperties.line
    if plain in ("line", "radar") or kind == "scatter_line":
        line.solidFill, line.width = colour, 28_575
        series.smooth = False
        if plain == "line" and hasattr(series, "marker"):
            _marker(series, "none", colour)
    elif plain == "scatter":
        line.noFill = True
        _marker(series, "circle", colour)
    else:
        series.graphicalProperties.solidFill = colour
        line.solidFill = colour


def _marker(series: Any, symbol: str, colour: Any) -> None:
    marker = _library("openpyxl.chart.marker").Marker(symbol=symbol)
    if symbol != "none":
        marker.graphicalProperties.solidFill = colour
        marker.graphicalProperties.line.solidFill = colour
    series.marker = marker


def _drawing_colour(colour: str) -> Any:
    choice = _library("openpyxl.drawing.colors").ColorChoice
    if theme := _THEME.get(colour.lower()):
        return choice(schemeClr=_library("openpyxl.drawing.colors").SchemeColor(val=theme))
    return choice(srgbClr=rgb(colour))


def _reference(text: str) -> Any:
    return _library("openpyxl.chart").Reference(range_string=text)


def _range(text: str, home: str) -> str:
    """ "Data!$B$2:$B$13" of what the model wrote. Raises ToolFault."""
    reference = read_reference(text.strip().removeprefix("="))
    if reference is None:
        raise ToolFault(f'{text!r} is no range; write it like "Data!B2:B13". Nothing was changed.')
    return f"{quoted(reference.sheet if reference.sheet is not None else home)}!{reference.area.absolute}"


def _extras(op: AddChart, others: list[Series], home: str) -> list[Any]:
    """Further charts within the chart: of another kind, or on the second axis."""
    groups: dict[tuple[str, bool], list[Series]] = {}
    for each in others:
        groups.setdefault((each.kind or _plain(op.kind), bool(each.second_axis)), []).append(each)
    made: list[Any] = []
    for (kind, second), series in groups.items():
        if _plain(op.kind) in ("pie", "doughnut", "radar", "bubble") or (kind == "scatter") != (
            _plain(op.kind) == "scatter"
        ):
            raise ToolFault(f"{kind} and {op.kind} do not go together in one chart. Nothing was changed.")
        extra = _make(kind)
        for each in series:
            _add(extra, each, kind, home, op.series.index(each))
        if second:
            extra.y_axis.axId = 200
            extra.y_axis.crosses = "max"
            _axis(extra.y_axis, op.second_axis)
            extra.y_axis.majorGridlines = None
        made.append(extra)
    return made


def _dress(chart: Any, op: AddChart) -> None:
    if op.title:
        _title(chart, op.title)
    else:
        chart.auto_title_deleted = True
    if op.legend == "none" or (
        op.legend is None and len(op.series) == 1 and _plain(op.kind) not in ("pie", "doughnut")
    ):
        chart.legend = None
    else:
        chart.legend.position = _LEGEND[op.legend or "bottom"]
        chart.legend.overlay = False
    if hasattr(chart, "x_axis"):
        _axis(chart.x_axis, op.x_axis)
        _axis(chart.y_axis, op.y_axis)
    if op.labels and op.labels != "none":
        labels = _library("openpyxl.chart.label").DataLabelList()
        labels.showVal, labels.showPercent = op.labels == "value", op.labels == "percent"
        labels.showCatName, labels.showSerName, labels.showLegendKey = op.labels == "category", False, False
        chart.dataLabels = labels


def _title(holder: Any, text: str) -> None:
    holder.title = text  # which the library makes an object of
    made: Any = getattr(holder, "title")  # noqa: B009
    made.overlay = False


def _axis(axis: Any, told: Axis | None) -> None:
    axis.delete = False
    if told is None:
        return
    if told.title:
        _title(axis, told.title)
    axis.scaling.min, axis.scaling.max = told.minimum, told.maximum
    if told.number_format:
        axis.number_format = told.number_format
    if told.gridlines is False:
        axis.majorGridlines = None


def _written(chart: Any) -> bytes:
    return _library("openpyxl.xml.functions").tostring(chart._write(), encoding="utf-8")


def set_title(root: Element, title: str) -> None:
    """Another title; the look of the old one stays where there is one."""
    chart = root.find(f"{_C}chart")
    old = chart.find(f"{_C}title")
    texts = [] if old is None else list(old.iter(f"{{{A}}}t"))
    if texts:
        texts[0].text = title
        for each in texts[1:]:
            each.text = ""
        return
    if old is not None:
        drop(old)
    made = etree.fromstring(
        f'<c:title xmlns:c="{CHART}" xmlns:a="{A}"><c:tx><c:rich><a:bodyPr/><a:p><a:r><a:t/></a:r></a:p></c:rich>'
        '</c:tx><c:overlay val="0"/></c:title>'
    )
    next(made.iter(f"{{{A}}}t")).text = title
    chart.insert(0, made)
    for each in chart.findall(f"{_C}autoTitleDeleted"):
        each.set("val", "0")


def set_series(root: Element, told: list[Series], home: str) -> None:
    """Other ranges for the series that are there. Raises ToolFault."""
    there = list(root.iter(f"{_C}ser"))
    if len(there) != len(told):
        raise ToolFault(f"The chart has {len(there)} series; you gave {len(told)}. Nothing was changed. Make it anew.")
    for element, series in zip(there, told, strict=True):
        for tags, text in ((("val", "yVal"), series.values), (("cat", "xVal"), series.categories)):
            if text is not None:
                _point(element, tags, _range(text, home))
        if series.name is not None and series.name.startswith("="):
            _point(element, ("tx",), _range(series.name, home))
        elif series.name is not None:
            _name(element, series.name)


def _point(series: Element, tags: tuple[str, ...], text: str) -> None:
    for child in series:
        if local(child) in tags:
            for formula in child.iter(f"{_C}f"):
                formula.text = text
            for cache in [each for each in child.iter() if local(each) in ("numCache", "strCache", "multiLvlStrCache")]:
                drop(cache)  # what was there is no longer true; programs fill it anew


def _name(series: Element, name: str) -> None:
    for old in series.findall(f"{_C}tx"):
        drop(old)
    made = etree.fromstring(f'<c:tx xmlns:c="{CHART}"><c:v/></c:tx>')
    made[0].text = name
    order = next((i for i, each in enumerate(series) if local(each) not in ("idx", "order")), len(series))
    series.insert(order, made)
