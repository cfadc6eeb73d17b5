"""Field types allow the values that their names state, up to the edges."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from engine import field_types


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("OptionalFloatCell", ["", "1.5", -2], ["x"]),
        ("OptionalBoolCell", ["", "true"], ["2"]),
        ("OptionalCountCell", ["", "0", 7], ["-1", "1.5"]),
        ("PositiveFloat", [1e-9, 1e9], [0, -1]),
        ("NonNegativeFloat", [0, 1e9], [-1e-9]),
        ("PositiveInt", [1, 10**12], [0, 1.5]),
        ("ShareOfOne", [0, 0.5, 1], [-1e-9, 1.001]),
        ("PositiveShare", [1e-9, 1], [0, 1.001]),
        ("ShareBelowOne", [0, 0.999], [-1e-9, 1]),
        ("OpenShare", [1e-9, 0.999], [0, 1]),
        ("DecimalShare", ["0", "0.25", "1"], ["1.01", "-0.1", "0.1234567890123"]),
        ("DecimalShareBelowOne", ["0", "0.999"], ["1", "-0.1", "0.12345678901"]),
        ("UsdPerHour", ["0", "2.35", 100_000], ["-1", 100_001]),
        ("LearningRate", [3e-4, 1], [0, 1.1]),
        ("Seed", [0, 2**31 - 1], [-1, 2**31]),
        ("ShortName", ["A", "x" * 80], ["", "x" * 81]),
        ("CurrencyCode", ["USD"], ["usd", "US", "USDT"]),
    ],
)
def test_edges(name: str, allowed: list[Any], refused: list[Any]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(getattr(field_types, name))
    for value in allowed:
        adapter.validate_python(value)
    for value in refused:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_an_empty_cell_is_none_and_a_decimal_stays_exact() -> None:
    assert TypeAdapter(field_types.OptionalFloatCell).validate_python("") is None
    assert TypeAdapter(field_types.DecimalShare).validate_python("0.1") == Decimal("0.1")
