"""Customers of a line: who comes, who leaves, who is there at the end of each month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.units import MONTHS_PER_YEAR
from finance.books.cents import Floats, shift_later
from finance.books.months import months_since
from finance.books.trials import one_trial
from finance.revenue.adoption import AdoptionNumbers
from finance.revenue.retention import RetentionNumbers

COUNT_STEPS_PER_CUSTOMER = 1e4
"""Customers that grow by a share are counted to a ten-thousandth: short fractions make sums that
anyone can check."""


@dataclass(frozen=True, slots=True)
class Customers:
    """Arrays of shape (1 or trials, months)."""

    new: Floats
    lost: Floats
    active: Floats
    """At the end of the month, those who came in it included; they pay for it."""
    retention: RetentionNumbers

    def retained_for_a_year(self) -> Floats:
        """Those who are there and were a year before. Shape (1 or trials, months)."""
        n_months = self.active.shape[1]
        if self.retention.remaining is not None:
            since = months_since(1, n_months)
            return sum_over_cohorts(
                self.new, np.where(since < MONTHS_PER_YEAR, 0.0, self.retention.remaining)
            )
        there, kept = np.zeros_like(self.active), _retained_shares(self.retention, n_months)
        for month in range(MONTHS_PER_YEAR, n_months):
            year = np.prod(kept[month - MONTHS_PER_YEAR + 1 : month + 1], axis=0)
            there[:, month] = self.active[:, month - MONTHS_PER_YEAR] * year
        return there


def customers(
    adoption: AdoptionNumbers, retention: RetentionNumbers, launch_month: int, n_months: int
) -> Customers:
    """Customers who come by ``come`` and stay by ``stay``.

    With constant churn growth and churn of a month both act on the customers of the month
    before; with tenure every month's customers leave by a curve of their own.
    """
    if adoption.new is None:
        return _growing_customers(adoption, retention, launch_month, n_months)
    if retention.remaining is not None:
        return customers_by_tenure(adoption.new, retention.remaining)
    new, kept = _months_first(adoption.new, n_months), _retained_shares(retention, n_months)
    active = np.zeros((n_months, max(new.shape[1], kept.shape[1])))
    active[0] = new[0]
    for month in range(1, n_months):
        active[month] = active[month - 1] * kept[month] + new[month]
    return _with_lost(adoption.new, np.ascontiguousarray(active.T), retention)


def _growing_customers(
    adoption: AdoptionNumbers, retention: RetentionNumbers, launch_month: int, n_months: int
) -> Customers:
    # Months first, so that each month of all trials lies together.
    first, growth, market = (
        _months_first(one, n_months) for one in (adoption.first, adoption.growth, adoption.market)
    )
    kept = None if retention.remaining is not None else _retained_shares(retention, n_months)
    remaining = np.empty((n_months, 1)) if retention.remaining is None else retention.remaining.T
    widths = (first, growth, market, remaining if kept is None else kept)
    shape = (n_months, max(one.shape[1] for one in widths))
    unlimited = bool(np.isinf(market).all())
    new, active = np.zeros(shape), np.zeros(shape)
    for month in range(launch_month - 1, n_months):
        if month == launch_month - 1:
            still, new[month] = active[month], first[month]
        else:
            before = active[month - 1]
            still = active[month] if kept is None else before * kept[month]
            new[month] = before * growth[month]
            if not unlimited:
                room = np.maximum(market[month] - still, 0.0)
                new[month] = np.minimum(new[month], room)
        if kept is None:
            active[month:] += new[month] * remaining[: n_months - month]
        else:
            active[month] = (
                np.rint((still + new[month]) * COUNT_STEPS_PER_CUSTOMER) / COUNT_STEPS_PER_CUSTOMER
            )
    return _with_lost(np.ascontiguousarray(new.T), np.ascontiguousarray(active.T), retention)


def _retained_shares(retention: RetentionNumbers, n_months: int) -> Floats:
    """Share of the customers of the month before who stay: (months, 1 or trials)."""
    assert retention.churn is not None
    return _months_first(1.0 - retention.churn, n_months)


def customers_by_tenure(new: Floats, remaining: Floats) -> Customers:
    """Those who came, as far as ``left`` (S(0), S(1), …) says that they are still there."""
    return _with_lost(new, sum_over_cohorts(new, remaining), RetentionNumbers(remaining=remaining))


def yearly_contracts(
    new: Floats, remaining_by_year: Floats, uplift: Floats, months_invoiced: int
) -> tuple[Customers, Floats]:
    """Contracts of a year that are invoiced in advance.

    Parameters
    ----------
    new
        Contracts signed. Shape (trials, months).
    left_by_year
        Shares of them that are there in their first year (1), after one renewal, … (trials, years).
    uplift
        What the price changes by at each renewal, as a share. Shape (trials, 1).
    months_invoiced
        By each invoice.

    Returns
    -------
    (Customers, invoices)
        Invoices as a multiple of the first year's price. Shape (trials, months).
    """
    tenure = np.arange(new.shape[1])
    years = tenure // MONTHS_PER_YEAR
    stays = remaining_by_year[:, years]
    due = (tenure % months_invoiced == 0) * months_invoiced / MONTHS_PER_YEAR
    return customers_by_tenure(new, stays), sum_over_cohorts(
        new, stays * (1 + uplift) ** years * due
    )


def sum_over_cohorts(new: Floats, weights: Floats) -> Floats:
    """Σₖ new(t − k)·weights(k): what earlier months still do in each month.

    Row by row, so that a trial gets the same bits however many there are.
    """
    n_months = new.shape[1]
    rows = np.broadcast_shapes(new[:, :1].shape, weights[:, :1].shape)[0]
    found = np.empty((rows, n_months))
    for row in range(rows):
        found[row] = np.convolve(one_trial(new, row), one_trial(weights, row))[:n_months]
    return found


def _with_lost(new: Floats, active: Floats, retention: RetentionNumbers) -> Customers:
    return Customers(new, np.maximum(shift_later(active, 1) + new - active, 0.0), active, retention)


def _months_first(numbers: Floats, n_months: int) -> Floats:
    """Shape (months, 1 or trials), of numbers that may be the same for all months."""
    return np.broadcast_to(numbers.T, (n_months, numbers.shape[0]))
