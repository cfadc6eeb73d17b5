"""Annual recurring revenue: twelve times what a month earns of it, and what moved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.units import MONTHS_PER_YEAR
from finance.books.cents import Cents, Floats, shift_later, total
from finance.revenue.invoicing import Recurring


@dataclass(frozen=True, slots=True)
class ArrParts:
    """In cents, month by month: ``total`` is that of the month before, plus ``new`` and
    ``expansion``, less ``contraction`` and ``churned``. Shapes (1 or trials, months)."""

    total: Cents
    new: Cents
    """Of customers who came in the month."""
    expansion: Cents
    """Of customers who stayed and pay more."""
    contraction: Cents
    churned: Cents
    """Of customers who left, at what they paid before."""
    retained_for_a_year: Cents
    """What those pay who were there a year before."""
    retained_for_a_year_capped: Cents
    """The same, but none of them more than a year before."""


def arr_parts(recurring: Sequence[Recurring], n_months: int) -> ArrParts:
    """All recurring lines together, each with the mean price of its customers."""
    parts = [_parts_of_line(one) for one in recurring]
    names = ArrParts.__dataclass_fields__
    return ArrParts(*(total((getattr(one, name) for one in parts), n_months) for name in names))


def _parts_of_line(one: Recurring) -> ArrParts:
    arr = MONTHS_PER_YEAR * one.revenue
    before = shift_later(arr, 1)
    active = one.customers.active
    each = arr / np.where(active > 0, active, 1.0)
    new = _cents(one.customers.new * each)
    churned = np.minimum(_cents(one.customers.lost * shift_later(each, 1)), before)
    moved = arr - before - new + churned
    there = one.customers.retained_for_a_year()
    each_at_most = np.minimum(each, shift_later(each, MONTHS_PER_YEAR))
    return ArrParts(
        total=arr,
        new=new,
        expansion=np.maximum(moved, 0),
        contraction=np.maximum(-moved, 0),
        churned=churned,
        retained_for_a_year=_cents(there * each),
        retained_for_a_year_capped=_cents(there * each_at_most),
    )


def _cents(amounts: Floats) -> Cents:
    return np.rint(amounts).astype(np.int64)
