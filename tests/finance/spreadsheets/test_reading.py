"""Files are read within limits, and hostile ones end in one line."""

from __future__ import annotations

import datetime
import io
import zipfile

import pytest
from openpyxl import Workbook

from engine.documents import InputError
from engine.text import LANGUAGES
from finance.spreadsheets import reading
from finance.spreadsheets.reading import read_table, table_of_text


def xlsx(rows: list[list[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def repacked(raw: bytes, changes: dict[str, bytes]) -> bytes:
    """Return a zip file with some of its parts replaced or added."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(raw)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name not in changes:
                new.writestr(name, old.read(name))
        for name, content in changes.items():
            new.writestr(name, content)
    return file.getvalue()


def refused(raw: bytes, name: str) -> str:
    with pytest.raises(InputError) as raised:
        read_table(raw, name)
    for language in LANGUAGES:
        assert "\n" not in raised.value.in_language(language)
    return raised.value.rule


GOOD = xlsx([["Role", "Salary"], ["Engineer", 120_000], [None, None], ["Sales", 90_000.5]])


def test_csv_and_xlsx_give_the_same_table() -> None:
    text = "Role;Salary\nEngineer;120000\n;\nSales;90000.5\n"
    table = read_table(text.encode(), "team.csv")
    assert table == read_table(GOOD, "team.xlsx")
    assert table.columns == ("Role", "Salary")
    assert table.rows == (("Engineer", "120000"), ("Sales", "90000.5"))
    assert table.numbers == (2, 4)


def test_rows_above_the_header_and_unnamed_columns_are_allowed() -> None:
    table = table_of_text("Hiring plan\n\nRole\t\tSalary\nEngineer\tBerlin\t120000\n", "pasted")
    assert table.columns == ("Role", "#2", "Salary")
    assert table.rows == (("Engineer", "Berlin", "120000"),)
    assert table.numbers == (4,)


def test_chinese_csv_of_excel_and_dates_of_a_sheet() -> None:
    table = read_table("岗位,年薪\n算法工程师,60万\n".encode("gb18030"), "人员.csv")
    assert table.rows == (("算法工程师", "60万"),)
    dated = xlsx([["Role", "Start"], ["Engineer", datetime.datetime(2027, 3, 1, 9)]])
    assert read_table(dated, "a.xlsx").rows == (("Engineer", "2027-03-01"),)


def test_a_formula_counts_by_its_stored_value_only() -> None:
    table = read_table(xlsx([["Role", "Salary"], ["Engineer", "=1+1"]]), "a.xlsx")
    assert table.rows == (("Engineer", ""),)  # a file from a program that computed nothing


@pytest.mark.parametrize(
    ("raw", "name", "rule"),
    [
        (b"", "a.csv", "some_rows"),
        (b"Role,Salary\n", "a.csv", "some_rows"),
        (b"\xff\xfe\x00\x01\x02", "a.csv", "spreadsheet"),
        (b"a,b\n\x00,1\n", "a.csv", "spreadsheet"),
        (b"PK\x03\x04broken", "a.xlsx", "spreadsheet"),
        (b"not a zip", "a.xlsx", "spreadsheet"),
        (b"x" * (reading.MAX_FILE_BYTES + 1), "a.csv", "too_large"),
        (b"a,b\n" + b"1,2\n" * (reading.MAX_ROWS + 1), "a.csv", "too_many_rows"),
        (b",".join([b"a"] * 200) + b"\n1,2\n", "a.csv", "too_many_columns"),
        (b'a,b\n"' + b"x" * 200_000 + b'",1\n', "a.csv", "spreadsheet"),
    ],
)
def test_files_that_are_refused(raw: bytes, name: str, rule: str) -> None:
    assert refused(raw, name) == rule


def test_a_zip_bomb_is_refused_by_its_stated_size() -> None:
    bomb = repacked(GOOD, {"xl/media/bomb.bin": b"0" * (reading.MAX_UNPACKED_BYTES + 1)})
    assert len(bomb) < 100_000
    assert refused(bomb, "a.xlsx") == "too_large"


def test_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = repacked(GOOD, {"xl/styles.xml": b" " * 10_000_000})
    lying = bomb.replace((10_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != bomb
    assert refused(lying, "a.xlsx") == "spreadsheet"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_entities_are_refused(encoding: str) -> None:
    evil = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY b "x">'
        '<!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    )
    raw = repacked(GOOD, {"xl/sharedStrings.xml": evil.encode(encoding)})
    assert refused(raw, "a.xlsx") == "spreadsheet"


def test_a_part_that_is_no_xml_is_refused() -> None:
    raw = repacked(GOOD, {"xl/workbook.xml": b"<workbook"})
    assert refused(raw, "a.xlsx") == "spreadsheet"


def test_a_sheet_that_states_a_million_rows_is_read_within_the_limit() -> None:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<dimension ref="A1:XFD1048576"/><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>Role</t></is></c>'
        b'<c r="B1" t="inlineStr"><is><t>Salary</t></is></c></row>'
        b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    rule = refused(repacked(GOOD, {"xl/worksheets/sheet1.xml": sheet}), "a.xlsx")
    assert rule in ("too_many_rows", "some_rows")
