"""When cells move, everything that refers to them follows, wherever it stands; when they are copied, so does what
belongs to them."""

from __future__ import annotations

import re
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ToolFault
from agent.office.package import Package
from agent.office.spreadsheets.book import Book
from agent.office.spreadsheets.cells import Area
from agent.office.spreadsheets.editing import edit
from agent.office.spreadsheets.formulas import for_file
from agent.office.spreadsheets.job import Job
from agent.office.spreadsheets.operations import SpreadsheetRequest
from agent.office.spreadsheets.references import Reference, any_reference, quoted
from agent.office.spreadsheets.shifting import Shift, deleted, follow, inserted
from agent.office.spreadsheets.tokens import tokens
from agent.tools.folder import Folder
from agent.tools.strict import parsed
from tests.office.workbooks import do, key, loaded

ODD = "R&D 'x' <24>"  # a name that files hold as 'R&amp;D ''x'' &lt;24&gt;'!


def made(path: Path) -> Any:
    """A workbook to be filled."""
    return import_module("xlsxwriter").Workbook(str(path))


def carry_out(path: Path, *operations: dict[str, Any], accept: bool = False) -> Job:
    """Operations on a file, without working anything out."""
    told = {"path": path.name, "source": None, "accept_loss": None, "operations": list(operations)}
    out = path.with_name(f"{path.name}.new")
    with Package.open(path, path.name) as package:
        job = Job(Book(package), Folder(path.parent), accept_loss=accept)
        edit(job, parsed(SpreadsheetRequest, told).operations)
        job.book.save(out)
    out.replace(path)
    return job


def parts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name).decode("utf-8", "replace") for name in file.namelist()}


def formulas(path: Path, sheet: str) -> list[object]:
    return [cell.value for row in loaded(path)[sheet].iter_rows() for cell in row if cell.value is not None]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Everything that may refer to a sheet with an odd name."""
    path = tmp_path / "odd.xlsx"
    book = made(path)
    data, use = book.add_worksheet(ODD), book.add_worksheet("Use")
    where = quoted(ODD)
    for row in range(9):
        data.write_row(row, 0, [row, row * 2])
    use.write_formula("A1", f"=SUM({where}!B1:B9)+Amount")
    use.write_formula("A2", f"={where}!B9:INDEX({where}!B:B,9)")
    use.conditional_format("C1:C9", {"type": "formula", "criteria": f"=C1>{where}!$B$5", "format": book.add_format()})
    use.data_validation("D1", {"validate": "list", "source": f"={where}!$A$2:$A$9"})
    use.write_url("A5", f"internal:{where}!B9")
    book.define_name("Amount", f"={where}!$B$9")
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": f"={where}!$B$2:$B$9"})
    use.insert_chart("F1", chart)
    use.insert_textbox("F20", "x", {"textlink": f"={where}!$A$9"})
    book.close()
    return path


def test_sheets_with_odd_names_are_followed_everywhere(odd: Path) -> None:
    carry_out(odd, do("insert", sheet=ODD, cells="3:4"))
    where, found = quoted(ODD), parts(odd)
    assert formulas(odd, "Use")[:2] == [f"=SUM({where}!B1:B11)+Amount", f"={where}!B11:INDEX({where}!B:B,9)"]
    use = loaded(odd)["Use"]
    rule: Any = use.conditional_formatting
    assert [each.formula for every in rule for each in every.rules] == [[f"C1>{where}!$B$7"]]
    assert use.data_validations.dataValidation[0].formula1 == f"{where}!$A$2:$A$11"
    link: Any = use["A5"].hyperlink
    assert link.location == f"{where}!B11"
    assert loaded(odd).defined_names["Amount"].attr_text == f"{where}!$B$11"
    assert "$B$2:$B$11</c:f>" in found["xl/charts/chart1.xml"] and "!$A$11" in found["xl/drawings/drawing1.xml"]


def test_a_new_name_reaches_everything_and_a_deleted_sheet_is_said_to_be_missed(odd: Path) -> None:
    with pytest.raises(ToolFault, match="2 formulas, 2 rules, 1 name, 1 chart and 1 shape refer to"):
        carry_out(odd, do("delete_sheet", sheet=ODD))
    carry_out(odd, do("change_sheet", sheet=ODD, name="Plain"))
    assert formulas(odd, "Use")[:2] == ["=SUM(Plain!B1:B9)+Amount", "=Plain!B9:INDEX(Plain!B:B,9)"]
    shown = ("docProps/app.xml", "xl/sharedStrings.xml")
    texts = [text for name, text in parts(odd).items() if name not in shown]
    assert "R&amp;D" not in re.sub(r' display="[^"]*"', "", "".join(texts))


def test_rules_keep_their_meaning_when_their_first_row_goes(tmp_path: Path) -> None:
    book = made(tmp_path / "a.xlsx")
    sheet, bold = book.add_worksheet("S"), book.add_format({"bold": True})
    sheet.write_row(0, 0, ["x", "y"])
    sheet.conditional_format("B2:B9", {"type": "formula", "criteria": "=$A2>$D$5", "format": bold})
    sheet.data_validation("A2:A9", {"validate": "custom", "value": "=A2>B1"})
    sheet.autofilter("A1:D9")
    sheet.filter_column("C", "x > 4")
    sheet.set_h_pagebreaks([5])
    book.close()
    carry_out(tmp_path / "a.xlsx", do("delete", sheet="S", cells="2:3"), do("insert", sheet="S", cells="B:B"))
    text = parts(tmp_path / "a.xlsx")["xl/worksheets/sheet1.xml"]
    assert re.findall(r'sqref="(?:C|A)2[^>]*>|<formula1?>[^<]*', text) == [
        'sqref="C2:C7">', "<formula>$A2&gt;$E$3", 'sqref="A2:A7">', "<formula1>A2&gt;C1",
    ]  # fmt: skip
    assert 'colId="3"' in text and '<autoFilter ref="A1:E7">' in text and '<brk id="3"' in text


def test_references_through_sheets_move_when_all_of_them_were_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = made(path)
    for name in ("Jan 24", "Feb", "Mar"):
        book.add_worksheet(name).write_column(0, 0, [1, 2, 3])
    book.add_worksheet("Year").write_formula("A1", "=SUM('Jan 24:Mar'!A3)+SUM(Feb:Mar!A1)")
    book.close()
    one = carry_out(path, do("insert", sheet="Feb", cells="2:2"))
    assert formulas(path, "Year") == ["=SUM('Jan 24:Mar'!A3)+SUM(Feb:Mar!A1)"]
    assert ["through the sheets" in each for each in one.notes] == [True, True]
    every = [do("insert", sheet=name, cells="1:2") for name in ("Jan 24", "Feb", "Mar")]
    assert not carry_out(path, *every).notes
    assert formulas(path, "Year") == ["=SUM('Jan 24:Mar'!A5)+SUM(Feb:Mar!A3)"]
    carry_out(path, do("change_sheet", sheet="Jan 24", name="Jan"), do("delete_sheet", sheet="Mar"), accept=True)
    assert formulas(path, "Year") == ["=SUM(Jan:Feb!A5)+SUM(Feb!A3)"]


def test_tables_are_renamed_and_copied_with_all_that_names_them(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = made(path)
    sheet, use = book.add_worksheet("T"), book.add_worksheet("Use")
    columns = [{"header": "Net"}, {"header": "Tax", "formula": "=[@Net]*2"}]
    sheet.add_table("A1:B3", {"name": "Sales", "columns": columns})
    sheet.print_area("A1:B3")
    use.write_formula("A1", "=SUM(Sales[Net])+ROWS(Sales)")
    book.define_name("All", "=Sales[[Net]:[Tax]]")
    book.close()
    carry_out(
        path, do("copy_sheet", sheet="T", name="T2"), do("change_table", table="Sales", name="Umsatz"),
        do("set_cells", sheet="T", at="A1", rows=[["Netto"]]),
    )  # fmt: skip
    assert formulas(path, "Use") == ["=SUM(Umsatz[Netto])+ROWS(Umsatz)"]
    assert loaded(path).defined_names["All"].attr_text == "Umsatz[[Netto]:[Tax]]"
    copy: Any = loaded(path)["T2"]
    assert copy.tables["Sales2"].ref == "A1:B3" and copy.print_area == "'T2'!$A$1:$B$3"
    assert loaded(path)["T"]["B2"].value == "=[[#This Row],Netto]*2" and copy["B2"].value == "=[[#This Row],Net]*2"


def test_cells_are_copied_with_merges_rules_links_notes_and_letters(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = made(path)
    sheet, bold = book.add_worksheet("S"), book.add_format({"bold": True})
    sheet.merge_range("A1:B1", "wide")
    sheet.write_rich_string("A2", "plain ", bold, "bold")
    sheet.write_array_formula("B2", "{=SUM(C1:C3*D1:D3)}")
    sheet.conditional_format("A2:A3", {"type": "formula", "criteria": "=A2>$F$1", "format": bold})
    sheet.data_validation("B3", {"validate": "integer", "criteria": ">", "value": "=A3"})
    sheet.write_url("A3", "https://example.org")
    sheet.write_comment("A2", "a note")
    book.add_worksheet("To")
    book.close()
    job = carry_out(path, do("copy_cells", sheet="S", cells="A1:B3", to_sheet="To", to="C11:D16", what="all"))
    to: Any = loaded(path)["To"]
    assert sorted(str(each) for each in to.merged_cells.ranges) == ["C11:D11", "C14:D14"]
    assert [(str(each.sqref), each.rules[0].formula) for each in to.conditional_formatting] == [
        ("C12:C13 C15:C16", ["C12>$F$1"])
    ]
    assert [(str(each.sqref), each.formula1) for each in to.data_validations.dataValidation] == [("D13 D16", "C13")]
    assert to["C16"].hyperlink.target.startswith("https://example.org") and to["C15"].comment.text == "a note"
    text = parts(path)["xl/worksheets/sheet2.xml"]
    assert '<f t="array" ref="D15">SUM(E14:E16*F14:F16)</f>' in text and re.search(r'<c r="C15"[^>]* t="s"', text)
    assert not job.notes


def test_sorted_rows_take_notes_and_array_formulas_along(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = made(path)
    data = book.add_worksheet("S")
    for row, name in enumerate("cab"):
        data.write_row(row, 0, [name, row])
        data.write_comment(row, 0, f"of {name}")
        data.write_array_formula(row, 2, row, 2, f"{{=SUM(B{row + 1}*2)}}")
    book.close()
    carry_out(path, do("sort", sheet="S", cells="A1:C3", keys=[key("A")], header=False))
    sheet: Any = loaded(path)["S"]
    assert [sheet.cell(row, 1).comment.text for row in (1, 2, 3)] == ["of a", "of b", "of c"]
    text = parts(path)["xl/worksheets/sheet1.xml"]
    assert re.findall(r'r="(C\d)"[^>]*><f t="array" ref="(C\d)">SUM\((B\d)', text) == [
        ("C1", "C1", "B1"), ("C2", "C2", "B2"), ("C3", "C3", "B3"),
    ]  # fmt: skip


def test_buttons_move_with_their_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = made(path)
    book.add_worksheet("S").insert_button("C5", {"macro": "go"})
    book.close()
    carry_out(path, do("insert", sheet="S", cells="2:3"), do("delete", sheet="S", cells="A:A"))
    assert "<x:Anchor>1, 0, 6, 0, 2, 0, 7, 0</x:Anchor>" in parts(path)["xl/drawings/vmlDrawing1.vml"]


def test_sheets_that_have_nothing_to_do_with_it_stay_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = made(path)
    book.add_worksheet("S").write_row(0, 0, [1, 2])
    book.add_worksheet("Other").write_formula("A1", "=B1*2")
    book.close()
    shared = '<f t="shared" ref="A1:A2" si="0">B1*2</f>'
    with zipfile.ZipFile(path) as file:
        sheet = file.read("xl/worksheets/sheet2.xml").replace(b"<f>B1*2</f>", shared.encode())
    with Package.open(path, "a") as package:
        package.save(tmp_path / "b.xlsx", {"xl/worksheets/sheet2.xml": sheet})
    before = parts(tmp_path / "b.xlsx")
    carry_out(tmp_path / "b.xlsx", do("insert", sheet="S", cells="1:1"))
    after = parts(tmp_path / "b.xlsx")
    assert [name for name in before if before[name] != after[name]] == ["xl/worksheets/sheet1.xml"]


@pytest.mark.parametrize(
    ("was", "now"),
    [('<c r="B2"', '<c r="B2" s="x"'), ('<row r="2"', '<row r="x2"'), ("<sheetData>", "<cols><col/></cols><sheetData>"),
     ("<v>4</v>", "<v>nan</v>"), ("<pageMargins", '<rowBreaks><brk id="?"/></rowBreaks><pageMargins'),
     ("<pageMargins", '<mergeCells><mergeCell ref="?"/></mergeCells><pageMargins'), ("</row>", "")],
)  # fmt: skip
def test_odd_files_end_in_a_word_to_the_model_or_in_nothing_bad(tmp_path: Path, was: str, now: str) -> None:
    path = tmp_path / "a.xlsx"
    book = made(path)
    book.add_worksheet("S").write_row(1, 0, [1, 4, "x"])
    book.close()
    sheet = parts(path)["xl/worksheets/sheet1.xml"]
    assert was in sheet
    with Package.open(path, "a") as package:
        package.save(tmp_path / "b.xlsx", {"xl/worksheets/sheet1.xml": sheet.replace(was, now).encode()})
    before = (tmp_path / "b.xlsx").read_bytes()
    fit = do("size", sheet="S", cells="A:D", fit=True)
    for operation in (do("insert", sheet="S", cells="1:1"), do("insert", sheet="S", cells="A:A"), fit):
        try:
            carry_out(tmp_path / "b.xlsx", operation)
        except ToolFault as fault:
            assert "Nothing was changed" in str(fault) or "no range" in str(fault)
            assert (tmp_path / "b.xlsx").read_bytes() == before
        before = (tmp_path / "b.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("formula", "in_file"),
    [
        ("=SUM({1;2}*A1)", "SUM({1;2}*A1)"), ("=SUM(A1#)", "SUM(_xlfn.ANCHORARRAY(A1))"), ("=@A1:A3", "A1:A3"),
        ("=LET(x,A1, x*Rate)", "_xlfn.LET(_xlpm.x,A1, _xlpm.x*Rate)"), ("=IF(A1>=-2,,\"a\")", 'IF(A1>=-2,,"a")'),
        ("=A1\n  +B1", "A1\n  +B1"),
    ],
)  # fmt: skip
def test_formulas_are_written_as_files_want_them(formula: str, in_file: str) -> None:
    assert for_file(formula) == in_file


@pytest.mark.parametrize(
    "formula", ["=1+", "=*A1", "=SUM(A1+)", "=5A1", "=A1|B1", "={1;2", "=#", "=A1;B1", "=" + "A" * 9000]
)
def test_formulas_that_programs_would_not_open_are_refused(formula: str) -> None:
    with pytest.raises(ToolFault, match="formula"):
        for_file(formula)


# The mover, against what a grid of cells says

_LAST = 9
_LINES = st.integers(1, _LAST)
_SHEETS = st.sampled_from(["", "S!", "s!", "'S'!", "Other!", "[1]S!", "'[b.xlsx]S'!"])


@st.composite
def _references(draw: st.DrawFn) -> str:
    top, bottom = sorted((draw(_LINES), draw(_LINES)))
    left, right = sorted((draw(_LINES), draw(_LINES)))
    marks = [draw(st.sampled_from(["", "$"])) for _ in range(4)]
    letters = "ABCDEFGHIJ"
    first = f"{marks[0]}{letters[left - 1]}{marks[1]}{top}"
    if draw(st.booleans()):
        return draw(_SHEETS) + first
    return f"{draw(_SHEETS)}{first}:{marks[2]}{letters[right - 1]}{marks[3]}{bottom}"


@given(st.lists(_references(), min_size=1, max_size=4), st.booleans(), st.booleans(), _LINES, st.integers(1, 4))
def test_references_lead_to_the_same_cells_afterwards(
    wanted: list[str], rows: bool, away: bool, at: int, count: int
) -> None:
    axis = "rows" if rows else "columns"
    where = deleted(axis, at, at + count - 1) if away else inserted(axis, at, count)
    joined = ' & "A1:B2" & '.join(f"SUM({each})" for each in wanted)
    after = [
        token.text for token in tokens(follow(joined, "S", Shift("S", where))) if token.kind in ("reference", "gone")
    ]
    assert len(after) == len(wanted)
    for old, new in zip(wanted, after, strict=True):
        before = any_reference(old)
        if before is None or (before.sheet or "S").casefold() != "s":
            assert new == old
            continue
        left = {moved for cell in _cells(before) if (moved := where(cell))}
        reference = any_reference(new)
        assert reference is not None if left else new.endswith("#REF!")
        if reference is not None:
            corners = {(each.top, each.left) for each in left}
            area = reference.area
            assert (area.top, area.left) == min(corners) and (area.bottom, area.right) == max(corners)
            assert reference.marks == before.marks and old.count("!") == new.count("!")


def _cells(reference: Reference) -> list[Area]:
    area = reference.area
    return [Area(row, column, row, column) for row in area.rows() for column in area.columns()]


@given(st.text(alphabet="AZaz19$:!'\"[]{}(),;#@&+-*. _\nÄß", max_size=40))
def test_no_text_is_lost_or_too_odd(text: str) -> None:
    try:
        assert "".join(token.text for token in tokens(text)) == text
        follow(text, "S", Shift("S", inserted("rows", 1, 1)))
        for_file(text)
    except ToolFault:
        pass
