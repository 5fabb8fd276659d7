"""Editing workbooks: made, or changed in place, with everything else in them left as it is."""

from __future__ import annotations

from agent.office.schemas import definitions, parameters
from agent.tools.base import Arguments, Context, Room, Tool
from agent.tools.office import edit_in_words

_ABOUT = """\
Make a workbook, or edit one in place (.xlsx, .xlsm, .xltx; .xls and .ods by way of LibreOffice; .csv and .tsv, values \
only). All operations are \
carried out in order, or none. Formulas are worked out afterwards and errors reported by cell. What you do not touch \
stays as it is: charts, pictures, pivot tables, macros (which are never run). Look with `inspect` first, and with \
`render` at the result. `sheet` is a name, `cells` a range without the sheet. null: as it is, or what is usual. Places \
count from 1; lengths are centimetres, sizes of type points. For many cells use ranges, `set_formula`, `clean`, \
`import_csv` rather than single cells."""


def spreadsheet_tools(room: Room) -> tuple[Tool, ...]:
    """`spreadsheet`."""

    async def run(arguments: Arguments, _: Context) -> str:
        from agent.office.spreadsheets.operations import SpreadsheetRequest
        from agent.office.spreadsheets.saving import carry_out
        from agent.tools.strict import parsed

        return await carry_out(room, parsed(SpreadsheetRequest, arguments))

    return (
        Tool(
            "spreadsheet",
            _ABOUT,
            parameters("spreadsheet"),
            run,
            definitions=definitions("spreadsheet"),
            in_words=edit_in_words,
            touches_files=True,
        ),
    )
