"""Numbers and tables that a command of finance reads, and the figures that it prints.

Every reader names the option or the place in the file in its error, so that bad input ends with
one line: the field, the value and what is allowed.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import quantities
from engine.cli.terminal import text
from engine.documents import InputError
from engine.reports.forecast_tables import print_table

MAX_TABLE_BYTES = 1_000_000
MAX_EXACT_CHARACTERS = 40

Json = Annotated[bool, typer.Option("--json", help=text("cli.json"))]


def number(field: str, typed: str) -> float:
    """Read a finite number, such as 0.05 or 12."""
    try:
        value = float(typed.replace(",", ""))
    except ValueError:
        raise InputError(field, typed, "number") from None
    if not math.isfinite(value):
        raise InputError(field, typed, "finite")
    return value


def share(field: str, typed: str) -> float:
    """Read a share or a rate, as 0.05 or as 5%."""
    if typed.rstrip().endswith("%"):
        return number(field, typed.rstrip()[:-1]) / 100
    return number(field, typed)


def amount(field: str, typed: str) -> float:
    """Read an amount, such as 1500.50, 20K or -1.2M."""
    plain = typed.strip()
    sign = -1.0 if plain.startswith("-") else 1.0
    counted = quantities.parse_count(plain.removeprefix("-")) if plain[-1:].isalpha() else None
    return number(field, typed) if counted is None else sign * counted


def whole(field: str, typed: str) -> int:
    """Read a whole number, such as 36."""
    value = number(field, typed)
    if not value.is_integer():
        raise InputError(field, typed, "whole_number")
    return int(value)


def exact_share(field: str, typed: str) -> Fraction:
    """Read a share from 0 to 1, as 0.05 or as 5%, without rounding."""
    plain = typed.strip()
    in_percent = plain.endswith("%")
    if "e" in plain.lower() or len(plain) > MAX_EXACT_CHARACTERS:
        raise InputError(field, typed, "number")  # its fraction could fill the memory
    try:
        value = Fraction(plain.removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        raise InputError(field, typed, "number") from None
    value = value / 100 if in_percent else value
    if not 0 <= value <= 1:
        raise InputError(field, typed, "between", low=0, high=1)
    return value


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a CSV file with their line numbers."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    """Line number, and cells by the names of their columns."""

    def numbers(self, column: str) -> list[float]:
        """Return a column as finite numbers."""
        return [number(self.place(line, column), row[column]) for line, row in self.rows]

    def place(self, line: int, column: str) -> str:
        """Return the name of a cell for an error, such as ``flows.csv:3.amount``."""
        return f"{self.name}:{line}.{column}"


def read_table(path: Path, *, any_of: Sequence[str]) -> Table:
    """Read a CSV file whose header has at least one of some columns.

    Raises
    ------
    InputError
        If the file is absent, too large, not UTF-8 or no such table.
    """
    if not path.is_file():
        raise InputError("file", str(path), "file_missing")
    size_bytes = path.stat().st_size
    if size_bytes > MAX_TABLE_BYTES:
        raise InputError(path.name, f"{size_bytes} bytes", "too_large", limit=MAX_TABLE_BYTES)
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(path.name, f"byte {error.start}", "not_utf8") from None
    reader = csv.reader(io.StringIO(content, newline=""))
    try:
        header = tuple(cell.strip() for cell in next(reader, []))
        if not any(column in header for column in any_of):
            columns = text("finance_help.or").join(any_of)
            raise InputError(path.name, ",".join(header), "missing_columns", columns=columns)
        rows = []
        for cells in filter(None, reader):
            if len(cells) != len(header):
                place = f"{path.name}:{reader.line_num}"
                raise InputError(place, len(cells), "cells_of_header", expected=len(header))
            rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise InputError(f"{path.name}:{reader.line_num}", str(error), "not_csv") from None
    if not rows:
        raise InputError(path.name, 0, "some_rows")
    return Table(path.name, header, tuple(rows))


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of an answer, with the key of its label."""

    key: str
    """Key in the JSON, and below ``finance_figure`` in the catalogs."""
    value: float | None
    show: Callable[[float, str], str] = quantities.number
    """Function of the value and a language that gives the text for people."""


def print_figures(figures: Sequence[Figure], *, as_json: bool, **more: Any) -> None:
    """Print figures as a table for people, or as JSON together with ``more``."""
    if as_json:
        answer = {figure.key: figure.value for figure in figures}
        print(json.dumps(answer | more, indent=1, ensure_ascii=False))
        return
    rows = [
        [
            text(f"finance_figure.{figure.key}"),
            "–" if figure.value is None else figure.show(figure.value, text.language),
        ]
        for figure in figures
    ]
    print_table([text("finance_help.figure"), text("finance_help.value")], rows)


def print_columns(keys: Sequence[str], rows: Sequence[Sequence[float | str]]) -> None:
    """Print rows of numbers under heads from ``finance_figure`` in the catalogs."""
    print_table(
        [text(f"finance_figure.{key}") for key in keys],
        [
            [
                cell if isinstance(cell, str) else quantities.number(cell, text.language, digits=6)
                for cell in row
            ]
            for row in rows
        ],
    )
