"""Types of document fields that several modules share: one name for one meaning.

The names state the allowed values. A ``Share`` is a part of a whole: ``ShareOfOne`` includes both
ends, ``PositiveShare`` excludes 0, ``ShareBelowOne`` excludes 1, and ``OpenShare`` excludes both.
A ``…Cell`` is a cell of a CSV table, where an empty cell means None. Engine documents hold floats;
finance documents hold decimals, whose types begin with ``Decimal``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

EMPTY_IS_NONE = BeforeValidator(lambda cell: None if cell == "" else cell)
"""Validator that reads an empty cell of a table as None."""

OptionalFloatCell = Annotated[float | None, EMPTY_IS_NONE]
OptionalBoolCell = Annotated[bool | None, EMPTY_IS_NONE]
OptionalCountCell = Annotated[Annotated[int, Field(ge=0)] | None, EMPTY_IS_NONE]
"""A whole number from 0, or None."""

PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
PositiveInt = Annotated[int, Field(ge=1)]

ShareOfOne = Annotated[float, Field(ge=0, le=1)]
"""A share from 0 to 1, both included."""
PositiveShare = Annotated[float, Field(gt=0, le=1)]
"""A share above 0, up to and including 1."""
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
"""A share from 0, below 1."""
OpenShare = Annotated[float, Field(gt=0, lt=1)]
"""A share above 0 and below 1."""

DecimalShare = Annotated[Decimal, Field(ge=0, le=1, max_digits=12)]
"""A share from 0 to 1, both included, exact."""
DecimalShareBelowOne = Annotated[Decimal, Field(ge=0, lt=1, max_digits=10)]
"""A share from 0, below 1, exact."""

UsdPerHour = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=12)]
"""The price of one device in USD per hour."""
LearningRate = Annotated[float, Field(gt=0, le=1)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""The seed of a random generator."""
ShortName = Annotated[str, Field(min_length=1, max_length=80)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""A currency by its ISO 4217 code."""
