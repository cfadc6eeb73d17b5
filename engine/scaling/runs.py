"""Tables of training runs: parameters, tokens and loss.

Each run is a point (N, D, L) of :mod:`engine.scaling.laws`, with details of its training.
"""

from __future__ import annotations

import csv
import io
import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
import numpy.typing as npt

from engine.documents import InputError
from engine.scaling.laws import FLOPS_PER_PARAMETER_AND_TOKEN, Array, Counting

MAX_TABLE_BYTES = 50_000_000
MAX_ROWS = 1_000_000

_REQUIRED = ("params", "tokens", "loss")
_POINT_NUMBERS = ("params", "tokens", "params_total", "unique_tokens", "flops")
_NUMBERS = (*_POINT_NUMBERS, "loss")
_TEXTS = ("model_id", "params_counted", "annealed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingRuns:
    """Runs as arrays of shape (n_runs,), read by :func:`read_runs`."""

    names: tuple[str, ...]
    parameters: Array
    """Parameters, counted as ``parameters_counted`` states."""
    tokens: Array
    loss: Array
    """Loss in nats per token."""
    flops: Array
    """FLOPs of the table, in its own convention; 6·N·D where it has none."""
    unique_tokens: Array | None = None
    """Tokens before repetition; None if the table lacks them."""
    parameters_counted: Counting
    counting_stated: bool = True
    """Whether the table or the caller stated the counting; otherwise it is assumed."""
    annealed: bool | None = None
    """Whether the learning rate of every run decayed to its end; None if not stated."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return len(self.names)

    @property
    def n_points(self) -> int:
        """Number of different pairs of parameters and tokens."""
        return len(np.unique(np.stack([self.parameters, self.tokens]), axis=1).T)

    def subset(self, mask: npt.ArrayLike) -> TrainingRuns:
        """Return the runs where ``mask``, shape (n_runs,), is true."""
        kept = np.asarray(mask, bool)
        return TrainingRuns(
            names=tuple(name for name, keep in zip(self.names, kept, strict=True) if keep),
            parameters=self.parameters[kept],
            tokens=self.tokens[kept],
            loss=self.loss[kept],
            flops=self.flops[kept],
            unique_tokens=None if self.unique_tokens is None else self.unique_tokens[kept],
            parameters_counted=self.parameters_counted,
            counting_stated=self.counting_stated,
            annealed=self.annealed,
        )


def require_enough(runs: TrainingRuns, n_coefficients: int, where: str = "runs") -> None:
    """Check that runs have enough different points for a fit.

    Raises
    ------
    InputError
        If there are fewer different points than coefficients, or all runs have the same
        parameters or the same tokens.
    """
    if runs.n_points < n_coefficients:
        raise InputError(where, runs.n_points, "enough_points", least=n_coefficients)
    for column, values in (("params", runs.parameters), ("tokens", runs.tokens)):
        _require_two_values(values, f"{where}.{column}")


def read_runs(
    source: Path | bytes,
    name: str,
    parameters_counted: Counting | None = None,
    *,
    only: Mapping[str, str] | None = None,
) -> TrainingRuns:
    """Read a CSV table with the columns ``params``, ``tokens`` and ``loss`` (nats per token).

    Optional columns are ``model_id``; ``params_total``, with all embeddings; ``params_counted``,
    total or non_embedding; ``unique_tokens``; ``flops``; and ``annealed``, true or false. Numbers
    have the syntax of Python's ``float``. A column may be empty in all rows, but not in some.

    The counting of parameters is ``parameters_counted``, or else that of the column
    ``params_counted``. If both are absent, ``params`` leaves out embeddings if ``params_total``
    differs from it in any row, and is the total otherwise. N is ``params_total`` if the total is
    wanted and the column exists, and ``params`` otherwise.

    Parameters
    ----------
    source
        Path of the file, or its bytes.
    name
        Name of the table in error messages, which also state line and column.
    only
        Values of columns; rows with other values are left out.

    Raises
    ------
    InputError
        If the table is absent, too large (50 MB, a million rows), not UTF-8 or no CSV; if it
        lacks a column or has no rows; if a cell is empty, no number, not finite or not above 0;
        if unique tokens exceed tokens; if rows count parameters in two ways; or if all rows have
        the same parameters or the same tokens.
    """
    raw = _raw_columns(_bytes_of(source, name), name, only or {}, _NUMBERS)
    return _as_runs(raw, name, parameters_counted, must_differ=True)


def read_points(
    source: Path | bytes, name: str, parameters_counted: Counting | None = None
) -> TrainingRuns:
    """Read points to predict, as :func:`read_runs` does.

    A single point is enough. A column ``loss`` is ignored, and the losses are NaN.

    Raises
    ------
    InputError
        As :func:`read_runs`.
    """
    raw = _raw_columns(_bytes_of(source, name), name, {}, _POINT_NUMBERS)
    return _as_runs(raw, name, parameters_counted, must_differ=False)


def _as_runs(
    raw: _RawColumns, name: str, parameters_counted: Counting | None, *, must_differ: bool
) -> TrainingRuns:
    numbers = _filled_numbers(raw)
    written = _stated_counting(raw)
    counted, stated = parameters_counted or written, True
    if counted is None:
        counted, stated = _assumed_counting(numbers)
    total = numbers.get("params_total")
    parameters = numbers["params"] if counted == "non_embedding" or total is None else total
    if must_differ:
        for column, values in (("params", parameters), ("tokens", numbers["tokens"])):
            _require_two_values(values, f"{name}.{column}")
    flops = numbers.get("flops")
    return TrainingRuns(
        names=_names(raw),
        parameters=parameters,
        tokens=numbers["tokens"],
        loss=numbers.get("loss", np.full(len(parameters), np.nan)),
        flops=training_flops(parameters, numbers["tokens"]) if flops is None else flops,
        unique_tokens=numbers.get("unique_tokens"),
        parameters_counted=counted,
        counting_stated=stated,
        annealed=_annealed(raw),
    )


def training_flops(parameters: Array, tokens: Array) -> Array:
    """Return C = 6·N·D (Kaplan 2020, section 2.1), elementwise."""
    return FLOPS_PER_PARAMETER_AND_TOKEN * parameters * tokens


@dataclass(frozen=True, slots=True)
class _RawColumns:
    """Cells of the columns that are read."""

    name: str
    lines: array[int]
    """Line of the file on which each row ends."""
    numbers: dict[str, array[float]]
    """Numbers by column; NaN for an empty cell."""
    texts: dict[str, list[str]]

    def place(self, row: int, column: str) -> str:
        """Return the name of a cell for error messages."""
        return f"{self.name}:{self.lines[row]}.{column}"

    def is_filled(self, column: str, empty: npt.NDArray[np.bool_]) -> bool:
        """Return whether a column has values; an InputError if only some rows do."""
        if empty.any() and not empty.all():
            raise InputError(self.place(int(empty.argmax()), column), "—", "all_or_none")
        return not empty.all()


def _bytes_of(source: Path | bytes, name: str) -> bytes:
    if isinstance(source, Path) and not source.is_file():
        raise InputError("file", str(source), "file_missing")
    size_bytes = source.stat().st_size if isinstance(source, Path) else len(source)
    if size_bytes > MAX_TABLE_BYTES:
        raise InputError(name, f"{size_bytes} bytes", "too_large", limit=MAX_TABLE_BYTES)
    content = source.read_bytes() if isinstance(source, Path) else source
    n_rows = max(content.count(b"\n"), content.count(b"\r")) - 1
    if n_rows > MAX_ROWS:
        raise InputError(name, n_rows, "too_long", limit=MAX_ROWS)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(name, f"byte {error.start}", "not_utf8") from None
    return content


def _raw_columns(
    content: bytes, name: str, only: Mapping[str, str], number_columns: Sequence[str]
) -> _RawColumns:
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""))
    try:
        header = [cell.strip() for cell in next(rows, [])]
        raw = _empty_columns(header, name, number_columns)
        wanted = [(header.index(column), value) for column, value in only.items()]
        for row in filter(None, rows):
            if len(row) != len(header):
                where = f"{name}:{rows.line_num}"
                raise InputError(where, len(row), "cells_of_header", expected=len(header))
            if all(row[at] == value for at, value in wanted):
                _add_row(raw, dict(zip(header, row, strict=True)), rows.line_num)
    except csv.Error as error:
        raise InputError(f"{name}:{rows.line_num}", str(error), "not_csv") from None
    if not raw.lines:
        raise InputError(name, 0, "some_rows")
    return raw


def _empty_columns(header: list[str], name: str, number_columns: Sequence[str]) -> _RawColumns:
    required = [column for column in _REQUIRED if column in number_columns]
    missing = [column for column in required if column not in header]
    if missing:
        raise InputError(name, ",".join(header), "missing_columns", columns=", ".join(missing))
    for column in (*number_columns, *_TEXTS):
        if header.count(column) > 1:
            raise InputError(f"{name}:1", column, "no_repeats")
    return _RawColumns(
        name=name,
        lines=array("q"),
        numbers={column: array("d") for column in number_columns if column in header},
        texts={column: [] for column in _TEXTS if column in header},
    )


def _add_row(raw: _RawColumns, cells: dict[str, str], line: int) -> None:
    raw.lines.append(line)
    for column, values in raw.numbers.items():
        cell = cells[column].strip()
        if cell:
            values.append(_positive(cell, f"{raw.name}:{line}.{column}"))
        elif column in _REQUIRED:
            raise InputError(f"{raw.name}:{line}.{column}", "—", "missing")
        else:
            values.append(math.nan)
    for column, texts in raw.texts.items():
        texts.append(cells[column].strip())


def _positive(cell: str, where: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise InputError(where, cell, "number") from None
    if not math.isfinite(value):
        raise InputError(where, cell, "finite")
    if value <= 0:
        raise InputError(where, cell, "greater_than", limit=0)
    return value


def _filled_numbers(raw: _RawColumns) -> dict[str, Array]:
    numbers = {column: np.array(values) for column, values in raw.numbers.items()}
    filled = {
        column: values
        for column, values in numbers.items()
        if raw.is_filled(column, np.isnan(values))
    }
    for column, bound, sign, rule in (
        ("unique_tokens", "tokens", 1, "less_than_equal"),
        ("params_total", "params", -1, "greater_than_equal"),
    ):
        if column in filled:
            wrong = sign * (filled[column] - filled[bound]) > 0
            if wrong.any():
                row = int(wrong.argmax())
                value, limit = float(filled[column][row]), f"{filled[bound][row]:g}"
                raise InputError(raw.place(row, column), value, rule, limit=limit)
    return filled


def _stated_counting(raw: _RawColumns) -> Counting | None:
    """Return the counting that the column ``params_counted`` states in all rows."""
    values = _filled_texts(raw, "params_counted")
    for row, value in enumerate(values):
        if value not in get_args(Counting):
            known = " | ".join(get_args(Counting))
            raise InputError(raw.place(row, "params_counted"), value, "literal_error", limit=known)
        if value != values[0]:
            place = raw.place(row, "params_counted")
            raise InputError(place, value, "one_counting", above=values[0])
    return cast(Counting, values[0]) if values else None


def _assumed_counting(numbers: dict[str, Array]) -> tuple[Counting, bool]:
    """Return the counting that the columns suggest, and whether it is certain."""
    total = numbers.get("params_total")
    if total is None:
        return "total", False
    return ("non_embedding" if (total != numbers["params"]).any() else "total"), True


def _annealed(raw: _RawColumns) -> bool | None:
    """Return False if any row is a checkpoint before the end of its schedule."""
    values = [value.casefold() for value in _filled_texts(raw, "annealed")]
    for row, value in enumerate(values):
        if value not in ("true", "false"):
            raise InputError(raw.place(row, "annealed"), value, "boolean")
    return "false" not in values if values else None


def _filled_texts(raw: _RawColumns, column: str) -> list[str]:
    """Return a column of texts; empty if the table lacks it."""
    values = raw.texts.get(column, [])
    is_filled = bool(values) and raw.is_filled(column, np.array([not value for value in values]))
    return values if is_filled else []


def _names(raw: _RawColumns) -> tuple[str, ...]:
    """Return ``model_id`` of each row, or the line of a row without it."""
    names = raw.texts.get("model_id") or [""] * len(raw.lines)
    return tuple(name or str(line) for name, line in zip(names, raw.lines, strict=True))


def _require_two_values(values: Array, where: str) -> None:
    if (values == values[0]).all():
        raise InputError(where, float(values[0]), "two_values")
