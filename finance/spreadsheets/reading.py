"""Read a CSV or XLSX file into rows of text; its limits hold before anything is unpacked."""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from engine.documents import InputError

MAX_FILE_BYTES = 5_000_000
"""Largest file that is read, in bytes."""
MAX_UNPACKED_BYTES = 20_000_000
"""Largest size of an XLSX file after it is unpacked, in bytes."""
MAX_PARTS = 2_000
"""Largest number of files in an XLSX file."""
MAX_ROWS = 2_000
MAX_COLUMNS = 100
MAX_CELL_CHARS = 500

_ENCODINGS = ("utf-8-sig", "gb18030")
"""Encodings of CSV files; the second is what Excel writes in China."""
_SAMPLE_CHARS = 4_000
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a spreadsheet below its header, as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Cells of each row, as many as there are columns; rows without any text are left out."""
    numbers: tuple[int, ...]
    """Number of each row in the file, counted from 1 as spreadsheets do."""


def read_table(raw: bytes, name: str) -> Table:
    """Read the first sheet of a file. Its first row with two texts or more is the header.

    Raises
    ------
    InputError
        If the file is too large, no CSV or XLSX file, or has no row below its header.
    """
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(name, f"{len(raw)} bytes", "too_large", limit=MAX_FILE_BYTES)
    suffix = PurePath(name).suffix.lower()
    if raw[:4] == b"PK\x03\x04" or suffix == ".xlsx":
        rows = _xlsx_rows(raw, name)
    else:
        rows = _csv_rows(raw, name)
    return _table(rows, name)


def table_of_text(text: str, name: str) -> Table:
    """Read rows that were copied from a spreadsheet, with tabs or commas between the cells."""
    return read_table(text.encode(), f"{name}.csv")


def _table(rows: Iterable[tuple[str, ...]], name: str) -> Table:
    header: tuple[str, ...] | None = None
    found: list[tuple[str, ...]] = []
    numbers: list[int] = []
    for number, row in enumerate(rows, 1):
        if not any(row):
            continue
        if header is None:
            if sum(bool(cell) for cell in row) >= 2:
                header = _unique(row)
            continue
        if len(found) == MAX_ROWS:
            raise InputError(name, f"row {number}", "too_many_rows", limit=MAX_ROWS)
        cells = (*row, *[""] * len(header))[: len(header)]
        found.append(cells)
        numbers.append(number)
    if header is None or not found:
        raise InputError(name, "—", "some_rows")
    return Table(header, tuple(found), tuple(numbers))


def _unique(row: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns; empty ones get a number and repeated ones too."""
    named: list[str] = []
    for number, cell in enumerate(row, 1):
        label = cell or f"#{number}"
        named.append(label if label not in named else f"{label} #{number}")
    while named and named[-1].startswith("#"):
        named.pop()
    return tuple(named)


def _csv_rows(raw: bytes, name: str) -> list[tuple[str, ...]]:
    text = None
    for encoding in _ENCODINGS:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None or "\x00" in text:
        raise InputError(name, "—", "spreadsheet")
    rows: list[tuple[str, ...]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
            rows.append(_cells(row, name))
            if len(rows) > 2 * MAX_ROWS:
                raise InputError(name, f"row {len(rows)}", "too_many_rows", limit=MAX_ROWS)
    except csv.Error:
        raise InputError(name, "—", "spreadsheet") from None
    return rows


def _delimiter(text: str) -> str:
    """Return the delimiter that most lines contain, and of these the most frequent one.

    ``csv.Sniffer`` takes other letters for delimiters in short tables.
    """
    lines = text[:_SAMPLE_CHARS].splitlines()
    return max(
        _DELIMITERS,
        key=lambda sign: (
            sum(sign in line for line in lines),
            sum(line.count(sign) for line in lines),
        ),
    )


def _xlsx_rows(raw: bytes, name: str) -> list[tuple[str, ...]]:
    _check_package(raw, name)
    # Loading this package takes longer than drawing most pages.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    rows = []
    try:
        book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            for row in sheet.iter_rows(
                max_row=2 * MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True
            ):
                rows.append(_cells(row, name))
                if len(rows) > 2 * MAX_ROWS:
                    raise InputError(name, f"row {len(rows)}", "too_many_rows", limit=MAX_ROWS)
        finally:
            book.close()
    except InputError:
        raise
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        IndexError,
        AttributeError,
        SyntaxError,  # invalid XML
        OSError,
        EOFError,
    ):
        raise InputError(name, "—", "spreadsheet") from None
    return rows


def _check_package(raw: bytes, name: str) -> None:
    """Refuse an XLSX file that would unpack to too much, or that declares XML entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            parts = package.infolist()
            if len(parts) > MAX_PARTS:
                raise InputError(name, f"{len(parts)} parts", "spreadsheet")
            total = sum(part.file_size for part in parts)
            if total > MAX_UNPACKED_BYTES:
                raise InputError(name, f"{total} bytes", "too_large", limit=MAX_UNPACKED_BYTES)
            for part in parts:
                if not part.filename.endswith((".xml", ".rels")):
                    continue
                # zipfile reads no more than the stated size, even if more bytes follow.
                content = package.read(part)
                if b"<!" in content.replace(b"<!--", b"").replace(b"<![CDATA[", b"") or (
                    b"\x00" in content
                ):
                    raise InputError(name, part.filename, "spreadsheet")
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        NotImplementedError,  # an unknown compression
        RuntimeError,  # an encrypted part
        OSError,
        EOFError,
    ):
        raise InputError(name, "—", "spreadsheet") from None


def _cells(row: Iterable[object], name: str) -> tuple[str, ...]:
    cells = tuple(_text(cell) for cell in row)
    if len(cells) > MAX_COLUMNS:
        raise InputError(name, f"{len(cells)} columns", "too_many_columns", limit=MAX_COLUMNS)
    return cells


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return f"{cell:.12g}" if abs(cell) < 1e15 else repr(cell)
    text = " ".join(str(cell).split())
    return text[:MAX_CELL_CHARS]
