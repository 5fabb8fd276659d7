"""Charts on slides: native ones, with their numbers in a workbook inside."""

from __future__ import annotations

import math
from typing import Any

from agent.errors import ToolFault
from agent.office.grids import Grid
from agent.office.slides import operations as do
from agent.office.slides.content import content_box, name_shape, take_place
from agent.office.slides.deck import Deck, find_shape
from agent.office.slides.structure import make_room
from agent.office.xml import local

MOST_POINTS = 20_000
_KINDS = {
    "column": "COLUMN_CLUSTERED", "stacked_column": "COLUMN_STACKED", "bar": "BAR_CLUSTERED",
    "stacked_bar": "BAR_STACKED",
    "line": "LINE_MARKERS", "area": "AREA_STACKED", "pie": "PIE", "doughnut": "DOUGHNUT", "scatter": "XY_SCATTER",
}  # fmt: skip
_ROUND = ("pie", "doughnut")


def add_chart(deck: Deck, operation: do.AddChart) -> str:
    """A chart of numbers, or of cells of a workbook."""
    from pptx.enum.chart import XL_CHART_TYPE

    slide = deck.slide(operation.slide)
    make_room(deck, slide)
    data = data_of(deck, operation.data, operation.cells)
    kind = getattr(XL_CHART_TYPE, _KINDS[operation.kind])
    filled = (
        _as_xy(data, operation.number_format)
        if operation.kind == "scatter"
        else _as_categories(data, operation.number_format)
    )
    frame = slide.shapes.add_chart(kind, *deck.box(operation.box, content_box(deck, slide)), filled)
    take_place(slide, operation.box)
    _dress(frame.chart, operation, len(data.series))
    return (
        f"slide {deck.number(slide)}: chart {name_shape(frame, operation.name)} added, "
        f"{len(data.series)} series of {len(data.categories)}"
    )


def data_of(deck: Deck, data: do.ChartData | None, cells: Any) -> do.ChartData:
    """Numbers of a chart.

    Raises:
        ToolFault: there are none, they do not fit together, or are too many.
    """
    found = _from_grid(deck.materials.grids[cells]) if cells is not None else data
    if found is None or not found.series or not found.categories:
        raise ToolFault(
            "a chart needs data or cells: a header row, and numbers beside the categories. Nothing was changed."
        )
    if any(len(series.values) != len(found.categories) for series in found.series):
        raise ToolFault(f"each series must have as many values as there are categories ({len(found.categories)}).")
    if len(found.series) * len(found.categories) > MOST_POINTS:
        raise ToolFault(
            f"a chart of more than {MOST_POINTS} points cannot be read. Nothing was changed; sum them up first."
        )
    return found


def _from_grid(grid: Grid) -> do.ChartData | None:
    """The first row names the series, the first column the categories."""
    if len(grid.values) < 2 or len(grid.values[0]) < 2:
        return None
    body = grid.values[1:]
    series = [
        do.Series(name=grid.texts[0][column] or f"Series {column}", values=[_number(row[column]) for row in body])
        for column in range(1, len(grid.values[0]))
        if any(_number(row[column]) is not None for row in body)
    ]
    return do.ChartData(categories=[row[0] for row in grid.texts[1:]], series=series)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _as_categories(data: do.ChartData, number_format: str | None) -> Any:
    from pptx.chart.data import CategoryChartData

    filled: Any = CategoryChartData(number_format or "General")
    filled.categories = data.categories
    for series in data.series:
        filled.add_series(series.name, series.values)
    return filled


def _as_xy(data: do.ChartData, number_format: str | None) -> Any:
    from pptx.chart.data import XyChartData

    filled: Any = XyChartData(number_format or "General")
    try:
        across = [float(text.replace(",", "")) for text in data.categories]
    except ValueError:
        raise ToolFault("the categories of a scatter chart must be numbers. Nothing was changed.") from None
    for series in data.series:
        held: Any = filled.add_series(series.name)
        for x, y in zip(across, series.values, strict=True):
            if y is not None:
                held.add_data_point(x, y)
    return filled


def _dress(chart: Any, operation: do.AddChart, count: int) -> None:
    """Make it look well: sizes, a legend where it says something, thin grey lines."""
    from pptx.enum.chart import XL_LEGEND_POSITION
    from pptx.util import Pt

    chart.font.size = Pt(14)
    chart.has_title = bool(operation.title)
    if operation.title:
        chart.chart_title.text_frame.text = operation.title
        run = chart.chart_title.text_frame.paragraphs[0].runs[0]
        run.font.size, run.font.bold = Pt(18), True
    chart.has_legend = count > 1 or operation.kind in _ROUND
    if chart.has_legend:
        chart.legend.position = XL_LEGEND_POSITION.RIGHT if operation.kind in _ROUND else XL_LEGEND_POSITION.BOTTOM
        chart.legend.include_in_layout = False
    _dress_plot(chart, operation)
    if operation.kind not in _ROUND:
        _dress_axes(chart, operation)


def _dress_plot(chart: Any, operation: do.AddChart) -> None:
    plot = chart.plots[0]
    if operation.kind in _ROUND:
        plot.vary_by_categories = True
    elif hasattr(plot, "vary_by_categories"):
        plot.vary_by_categories = False
    if hasattr(plot, "gap_width"):
        plot.gap_width = 60
    if operation.labels:
        plot.has_data_labels = True
        plot.data_labels.number_format = operation.number_format or "General"
        plot.data_labels.number_format_is_linked = False
        plot.data_labels.show_value = True
        if operation.kind == "pie":
            plot.data_labels.position = _outside()
            plot.data_labels.font.size = chart.font.size
            plot.data_labels._element.xpath("./c:txPr/a:bodyPr")[0].set("wrap", "none")


def _dress_axes(chart: Any, operation: do.AddChart) -> None:
    from pptx.enum.dml import MSO_THEME_COLOR

    axis = chart.value_axis
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1
    axis.major_gridlines.format.line.color.brightness = -0.15
    axis.format.line.fill.background()
    if operation.number_format:
        axis.tick_labels.number_format = operation.number_format
        axis.tick_labels.number_format_is_linked = False
    if operation.kind in ("bar", "stacked_bar"):
        chart.category_axis.reverse_order = True  # the first on top, as in the table
        axis.tick_label_position = _high()


def _outside() -> Any:
    from pptx.enum.chart import XL_DATA_LABEL_POSITION

    return XL_DATA_LABEL_POSITION.OUTSIDE_END


def _high() -> Any:
    from pptx.enum.chart import XL_TICK_LABEL_POSITION

    return XL_TICK_LABEL_POSITION.HIGH


def chart_of(slide: Any, name: str) -> Any:
    """The shape of a chart. Raises ToolFault."""
    shape = find_shape(slide, name)
    if not getattr(shape, "has_chart", False):
        raise ToolFault(f"shape #{shape.shape_id} is no chart that can be read here. Nothing was changed.")
    return shape


def set_chart_data(deck: Deck, operation: do.SetChartData) -> str:
    """Other numbers for a chart."""
    slide = deck.slide(operation.slide)
    shape = chart_of(slide, operation.shape)
    data = data_of(deck, operation.data, operation.cells)
    deck.lost += _losses(shape)
    chart = shape.chart
    format_now = _format_now(chart)
    scatter = local(chart.plots[0]._element) == "scatterChart"
    chart.replace_data(_as_xy(data, format_now) if scatter else _as_categories(data, format_now))
    size = f"{len(data.series)} series of {len(data.categories)}"
    return f"slide {deck.number(slide)}: numbers of chart #{shape.shape_id} set, {size}"


def _format_now(chart: Any) -> str | None:
    found = chart._chartSpace.xpath(".//c:ser/c:val/c:numRef/c:numCache/c:formatCode/text()")
    return str(found[0]) if found else None


def _losses(shape: Any) -> list[str]:
    """What setting a chart's numbers would lose: the workbook inside is written anew."""
    part = shape.chart.part.chart_workbook.xlsx_part
    if part is None:
        return [f"the link of chart #{shape.shape_id} to its workbook"] if _linked(shape) else []
    return [f"{what} in the workbook inside chart #{shape.shape_id}" for what in _beyond_values(part.blob)]


def _linked(shape: Any) -> bool:
    return bool(shape.chart._chartSpace.xpath("./c:externalData"))


def _beyond_values(blob: bytes) -> list[str]:
    import re
    import zipfile
    from io import BytesIO

    try:
        with zipfile.ZipFile(BytesIO(blob)) as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
            formulas = any(
                re.search(rb"<f[ >]", book.read(name)) for name in sheets[:8] if book.getinfo(name).file_size < 1 << 24
            )
    except (zipfile.BadZipFile, OSError, RuntimeError):
        return []
    return ["other sheets"] * (len(sheets) > 1) + ["formulas"] * formulas
