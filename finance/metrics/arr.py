"""Annual recurring revenue (ARR), twelve times a month's recurring revenue, and its changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.units import MONTHS_PER_YEAR
from finance.books.cents import Cents, Floats, shift_later, total
from finance.revenue.invoicing import Recurring


@dataclass(frozen=True, slots=True)
class ArrParts:
    """ARR and its changes in each month, in cents. Shapes (1 or trials, months).

    ``total`` is the total of the month before, plus ``new`` and ``expansion``, less ``contraction``
    and ``churned``.
    """

    total: Cents
    new: Cents
    """ARR of customers who joined in the month."""
    expansion: Cents
    """Increase of the ARR of customers who stayed."""
    contraction: Cents
    """Decrease of the ARR of customers who stayed."""
    churned: Cents
    """ARR of customers who left, at their price of the month before."""
    retained_for_a_year: Cents
    """ARR of customers who were active a year before, at their current price."""
    retained_for_a_year_capped: Cents
    """ARR of customers who were active a year before, at most at their price of then."""


def arr_parts(recurring: Sequence[Recurring], n_months: int) -> ArrParts:
    """Return the ARR of all recurring lines, each at the mean price of its customers."""
    lines = [_parts_of_line(line) for line in recurring]
    names = ArrParts.__dataclass_fields__
    return ArrParts(*(total((getattr(line, name) for line in lines), n_months) for name in names))


def _parts_of_line(line: Recurring) -> ArrParts:
    arr = MONTHS_PER_YEAR * line.revenue
    before = shift_later(arr, 1)
    active = line.customers.active
    per_customer = arr / np.where(active > 0, active, 1.0)
    new = _cents(line.customers.new * per_customer)
    churned = np.minimum(_cents(line.customers.lost * shift_later(per_customer, 1)), before)
    price_change = arr - before - new + churned
    retained = line.customers.retained_for_a_year()
    per_customer_capped = np.minimum(per_customer, shift_later(per_customer, MONTHS_PER_YEAR))
    return ArrParts(
        total=arr,
        new=new,
        expansion=np.maximum(price_change, 0),
        contraction=np.maximum(-price_change, 0),
        churned=churned,
        retained_for_a_year=_cents(retained * per_customer),
        retained_for_a_year_capped=_cents(retained * per_customer_capped),
    )


def _cents(amounts: Floats) -> Cents:
    return np.rint(amounts).astype(np.int64)
