"""Charts of an open workbook; `book` is a `calc.Calc`."""

from __future__ import annotations

from typing import Any

from .link import Fault, colour, constant, enum, number_format, struct

Operation = dict[str, Any]
CHARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "column": ("Column", {}), "stacked_column": ("Column", {"Stacked": True}),
    "percent_column": ("Column", {"Percent": True}), "bar": ("Bar", {"Vertical": True}),
    "stacked_bar": ("Bar", {"Vertical": True, "Stacked": True}), "line": ("Line", {}), "area": ("Area", {}),
    "stacked_area": ("Area", {"Stacked": True}), "pie": ("Pie", {}), "doughnut": ("Donut", {}),
    "scatter": ("XY", {"SymbolType": -1, "Lines": False}), "scatter_line": ("XY", {"Lines": True}),
    "radar": ("Net", {}),
}  # fmt: skip
LEGENDS = {"right": "RIGHT", "bottom": "BOTTOM", "top": "TOP", "left": "LEFT"}


def add_chart(book: Any, operation: Operation) -> str:
    """A chart of ranges of cells."""
    if not operation["series"]:
        raise Fault("a chart needs a series")
    if operation["kind"] not in CHARTS or any(one["kind"] or one["second_axis"] for one in operation["series"]):
        raise Fault("charts of mixed kinds and bubble charts cannot be made in an open workbook")
    cell = book.changing(operation, "at").getCellByPosition(0, 0)
    charts = cell.getSpreadsheet().Charts
    free = next(label for number in range(1, 10_000) if not charts.hasByName(label := f"Chart {number}"))
    width, height = round((operation["width"] or 16) * 1000), round((operation["height"] or 9) * 1000)
    place = struct("awt.Rectangle", X=cell.Position.X, Y=cell.Position.Y, Width=width, Height=height)
    seed = book.area(*_split(book, operation["series"][0]["values"])).getRangeAddress()
    charts.addNewByName(free, place, (seed,), False, False)
    _fill_chart(book, charts.getByName(free).EmbeddedObject, operation)
    return f"{free} ({operation['kind']}) at {operation['at']}"


def _fill_chart(book: Any, chart: Any, operation: Operation) -> None:
    service, look = CHARTS[operation["kind"]]
    chart.setDiagram(chart.createInstance(f"com.sun.star.chart.{service}Diagram"))
    for field, value in look.items():
        chart.Diagram.setPropertyValue(field, value)
    provider, inner = chart.getDataProvider(), chart.getFirstDiagram()
    kind = inner.getCoordinateSystems()[0].getChartTypes()[0]
    made = [_series(book, provider, one, by_x=service == "XY") for one in operation["series"]]
    for old in kind.getDataSeries():
        kind.removeDataSeries(old)
    for one in made:
        kind.addDataSeries(one)
    if operation["series"] and operation["series"][0]["categories"] and service != "XY":
        axis = inner.getCoordinateSystems()[0].getAxisByDimension(0, 0)
        told = axis.getScaleData()
        told.Categories = _labelled(
            book, provider, _range(book, operation["series"][0]["categories"]), "", "categories"
        )
        axis.setScaleData(told)
    _decorate(book, chart, operation)


def _series(book: Any, provider: Any, told: Operation, *, by_x: bool) -> Any:
    series = book.office.make("chart2.DataSeries")
    label = told["name"] or ""
    label = _range(book, label.removeprefix("=")) if label.startswith("=") else f'"{label}"' if label else ""
    sequences = [_labelled(book, provider, _range(book, told["values"]), label, "values-y")]
    if by_x and told["categories"]:
        sequences.append(_labelled(book, provider, _range(book, told["categories"]), "", "values-x"))
    series.setData(tuple(sequences))
    if told["colour"] is not None:
        series.setPropertyValue("Color", colour(told["colour"]))
    return series


def _labelled(book: Any, provider: Any, cells: str, label: str, role: str) -> Any:
    sequence = provider.createDataSequenceByRangeRepresentation(cells)
    sequence.Role = role
    made = book.office.make("chart2.data.LabeledDataSequence")
    made.setValues(sequence)
    if label:
        named = provider.createDataSequenceByRangeRepresentation(label)
        named.Role = "label"
        made.setLabel(named)
    return made


def _range(book: Any, text: str) -> str:
    """ "$Data.$B$2:$B$13" of "Data!B2:B13"."""
    return str(book.area(*_split(book, text)).AbsoluteName)


def _split(book: Any, text: str) -> tuple[Any, str]:
    where, _, cells = text.removeprefix("=").rpartition("!")
    if not where:
        raise Fault(f"{text} names no sheet; write it like Data!B2:B13")
    return book.sheet(where.strip("'").replace("''", "'")), cells


def _decorate(book: Any, chart: Any, operation: Operation) -> None:
    if operation["title"] is not None:
        chart.HasMainTitle = True
        chart.Title.String = operation["title"]
    chart.HasLegend = operation["legend"] != "none" and (
        operation["legend"] is not None or len(operation["series"]) > 1
    )
    if chart.HasLegend:
        chart.Legend.FillStyle = enum("drawing.FillStyle", "NONE")
        chart.Legend.LineStyle = enum("drawing.LineStyle", "NONE")
    if chart.HasLegend and operation["legend"] is not None:
        chart.Legend.Alignment = enum("chart.ChartLegendPosition", LEGENDS[operation["legend"]])
    if hasattr(chart.Diagram, "Wall"):
        chart.Diagram.Wall.FillStyle = enum("drawing.FillStyle", "NONE")
    if operation["labels"] not in (None, "none"):
        captions = {"value": "VALUE", "percent": "PERCENT", "category": "TEXT"}[operation["labels"]]
        chart.Diagram.DataCaption = constant(f"chart.ChartDataCaption.{captions}")
    for field, letter in (("x_axis", "X"), ("y_axis", "Y")):
        if operation[field] is not None:
            _axis(book, chart.Diagram, letter, operation[field])


def _axis(book: Any, diagram: Any, letter: str, told: Operation) -> None:
    if not hasattr(diagram, f"get{letter}Axis"):
        raise Fault("a chart of this kind has no axes")
    axis = getattr(diagram, f"get{letter}Axis")()
    if told["title"] is not None:
        setattr(diagram, f"Has{letter}AxisTitle", True)
        getattr(diagram, f"{letter}AxisTitle").String = told["title"]
    if told["minimum"] is not None:
        axis.Min = told["minimum"]
    if told["maximum"] is not None:
        axis.Max = told["maximum"]
    if told["gridlines"] is not None:
        setattr(diagram, f"Has{letter}AxisGrid", told["gridlines"])
    if told["number_format"] is not None:
        axis.NumberFormat = number_format(book.document, told["number_format"])
        axis.LinkNumberFormatToSource = False
