"""Jobs done with tools beside the screen, as a model would that knows them well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs import clean_table, merge, rename
from tests.jobs.working import done_by_tools, use


def test_two_hundred_pages_are_renamed(tmp_path: Path) -> None:
    moves = [{"do": "move", "path": f"scans/{old}", "to": f"scans/{new}"} for old, new in rename.plan() if old != new]
    done_by_tools(
        rename.JOB,
        tmp_path,
        use("list_files", path="scans", pattern=None, depth=None, hidden=None),
        use("read_file", path="names.csv", start=None, lines=None, at_byte=None, encoding=None),
        use("change_files", operations=moves),
        use("list_files", path="scans", pattern=None, depth=None, hidden=None),
    )


@pytest.mark.slow
def test_five_thousand_orders_are_put_in_order(tmp_path: Path) -> None:
    rows = clean_table.ROWS + clean_table.TWICE + 1
    done_by_tools(
        clean_table.JOB,
        tmp_path,
        use("inspect", path="orders.xlsx", part=None, detail=None),
        use("inspect", path="orders.xlsx", part="Orders", detail=None),
        use(
            "spreadsheet",
            path="orders.xlsx",
            operations=[
                {"do": "clean", "sheet": "Orders", "cells": f"C1:C{rows}", "header": True, "trim": True},
                {"do": "clean", "sheet": "Orders", "cells": f"B1:B{rows}", "header": True, "parse": "date"},
                {"do": "clean", "sheet": "Orders", "cells": f"D1:D{rows}", "header": True, "parse": "currency"},
                {"do": "format", "sheet": "Orders", "cells": f"B2:B{rows}", "look": {"number_format": "yyyy-mm-dd"}},
                {"do": "remove_duplicates", "sheet": "Orders", "cells": f"A1:E{rows}", "header": True},
            ],
        ),
        use("inspect", path="orders.xlsx", part="Orders", detail=None),
    )


@pytest.mark.slow
def test_three_workbooks_become_one(tmp_path: Path) -> None:
    rows = [
        [branch, f"{day:%Y-%m-%d}", product, pieces, price]
        for branch in merge.BRANCHES
        for day, product, pieces, price in merge.sales(branch)
    ]
    last = len(rows) + 1
    header = ["Branch", "Date", "Product", "Pieces", "Price", "Total"]
    done_by_tools(
        merge.JOB,
        tmp_path,
        *(use("inspect", path=f"{branch}.xlsx", part="A1:D200", detail="values") for branch in merge.BRANCHES),
        use(
            "spreadsheet",
            path="all.xlsx",
            operations=[
                {"do": "change_sheet", "sheet": "Sheet1", "name": "All"},
                {"do": "set_cells", "sheet": "All", "at": "A1", "rows": [header]},
                {
                    "do": "set_cells", "sheet": "All", "at": "A2", "rows": rows,
                    "types": ["text", "date", "text", "number", "number"],
                },
                {"do": "set_formula", "sheet": "All", "cells": f"F2:F{last}", "formula": "=D2*E2"},
                {
                    "do": "sort", "sheet": "All", "cells": f"A1:F{last}", "header": True,
                    "keys": [{"column": "Date", "descending": False}],
                },
                {"do": "set_cells", "sheet": "All", "at": f"A{last + 1}", "rows": [["Sum"]]},
                {"do": "set_formula", "sheet": "All", "cells": f"F{last + 1}", "formula": f"=SUM(F2:F{last})"},
            ],
        ),
        use("render", path="all.xlsx", pages=[1], width=None),
    )  # fmt: skip
