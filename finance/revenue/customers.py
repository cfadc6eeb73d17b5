"""Customers of a revenue line: new, lost and active customers in each month."""

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
"""Resolution of customers that grow by a share, in steps per customer. Rounding to a ten-thousandth
keeps the fractions short, so that sums can be checked by hand."""


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers of a line in each month. Shapes (1 or trials, months)."""

    new: Floats
    lost: Floats
    active: Floats
    """Customers at the end of the month, including new ones; they pay for the month."""
    retention: RetentionNumbers

    def retained_for_a_year(self) -> Floats:
        """Return the customers who are active and were active a year before.

        The shape is (1 or trials, months).
        """
        n_months = self.active.shape[1]
        if self.retention.remaining is not None:
            since = months_since(1, n_months)
            return sum_over_cohorts(
                self.new, np.where(since < MONTHS_PER_YEAR, 0.0, self.retention.remaining)
            )
        retained, monthly = np.zeros_like(self.active), _retained_shares(self.retention, n_months)
        for month in range(MONTHS_PER_YEAR, n_months):
            yearly = np.prod(monthly[month - MONTHS_PER_YEAR + 1 : month + 1], axis=0)
            retained[:, month] = self.active[:, month - MONTHS_PER_YEAR] * yearly
        return retained


def customers(
    adoption: AdoptionNumbers, retention: RetentionNumbers, launch_month: int, n_months: int
) -> Customers:
    """Compute the customers of a line from the numbers of its adoption and retention.

    With constant churn, the growth and the churn of a month both apply to the customers of the
    month before. With retention by tenure, each monthly cohort follows the survival curve from its
    own first month.
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
    """Compute customers whose growth depends on the customers of the month before."""
    # The months are the first axis, so that the trials of a month are contiguous in memory.
    first, growth, market = (
        _months_first(numbers, n_months)
        for numbers in (adoption.first, adoption.growth, adoption.market)
    )
    kept = None if retention.remaining is not None else _retained_shares(retention, n_months)
    remaining = np.empty((n_months, 1)) if retention.remaining is None else retention.remaining.T
    inputs = (first, growth, market, remaining if kept is None else kept)
    shape = (n_months, max(numbers.shape[1] for numbers in inputs))
    unlimited = bool(np.isinf(market).all())
    new, active = np.zeros(shape), np.zeros(shape)
    for month in range(launch_month - 1, n_months):
        if month == launch_month - 1:
            staying, new[month] = active[month], first[month]
        else:
            before = active[month - 1]
            staying = active[month] if kept is None else before * kept[month]
            new[month] = before * growth[month]
            if not unlimited:
                headroom = np.maximum(market[month] - staying, 0.0)
                new[month] = np.minimum(new[month], headroom)
        if kept is None:
            active[month:] += new[month] * remaining[: n_months - month]
        else:
            active[month] = (
                np.rint((staying + new[month]) * COUNT_STEPS_PER_CUSTOMER)
                / COUNT_STEPS_PER_CUSTOMER
            )
    return _with_lost(np.ascontiguousarray(new.T), np.ascontiguousarray(active.T), retention)


def _retained_shares(retention: RetentionNumbers, n_months: int) -> Floats:
    """Return the share of the previous month's customers who stay. Shape (months, 1 or trials)."""
    assert retention.churn is not None
    return _months_first(1.0 - retention.churn, n_months)


def customers_by_tenure(new: Floats, remaining: Floats) -> Customers:
    """Return the customers of which a share ``remaining`` (S(0), S(1), …) is left by tenure."""
    return _with_lost(new, sum_over_cohorts(new, remaining), RetentionNumbers(remaining=remaining))


def yearly_contracts(
    new: Floats, remaining_by_year: Floats, uplift: Floats, months_invoiced: int
) -> tuple[Customers, Floats]:
    """Compute yearly contracts that are invoiced in advance.

    Parameters
    ----------
    new
        Contracts signed in each month. Shape (trials, months).
    remaining_by_year
        Share of the contracts that is active in the first year (1), after one renewal, and so on.
        Shape (trials, years).
    uplift
        Change of the price at each renewal, as a share. Shape (trials, 1).
    months_invoiced
        Number of months that each invoice covers.

    Returns
    -------
    (customers, invoices)
        The customers, and the invoices of each month as a multiple of the first year's price. Shape
        (trials, months).
    """
    tenure = np.arange(new.shape[1])
    years = tenure // MONTHS_PER_YEAR
    remaining = remaining_by_year[:, years]
    due = (tenure % months_invoiced == 0) * months_invoiced / MONTHS_PER_YEAR
    return customers_by_tenure(new, remaining), sum_over_cohorts(
        new, remaining * (1 + uplift) ** years * due
    )


def sum_over_cohorts(new: Floats, weights: Floats) -> Floats:
    """Return Σₖ new(t − k)·weights(k), the weighted sum over the cohorts of earlier months.

    Rows are computed one at a time, so that a trial is bitwise equal for any number of trials. The
    shape is (1 or trials, months).
    """
    n_months = new.shape[1]
    rows = np.broadcast_shapes(new[:, :1].shape, weights[:, :1].shape)[0]
    sums = np.empty((rows, n_months))
    for row in range(rows):
        sums[row] = np.convolve(one_trial(new, row), one_trial(weights, row))[:n_months]
    return sums


def _with_lost(new: Floats, active: Floats, retention: RetentionNumbers) -> Customers:
    """Return the customers with those lost, which follow from new and active customers."""
    return Customers(new, np.maximum(shift_later(active, 1) + new - active, 0.0), active, retention)


def _months_first(numbers: Floats, n_months: int) -> Floats:
    """Broadcast numbers to all months, with the months first. Shape (months, 1 or trials)."""
    return np.broadcast_to(numbers.T, (n_months, numbers.shape[0]))
