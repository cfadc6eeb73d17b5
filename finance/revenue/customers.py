"""Customers of a line: who comes, who leaves, who is there at the end of each month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finance.cents import Floats, later
from finance.months import MONTHS_PER_YEAR, months_since
from finance.revenue.adoption import Coming
from finance.revenue.retention import Staying

COUNTED_TO = 1e4
"""Customers that grow by a share are counted to a ten-thousandth: short fractions make sums that
anyone can check."""


@dataclass(frozen=True, slots=True)
class Customers:
    """Arrays of shape (1 or trials, months)."""

    new: Floats
    lost: Floats
    active: Floats
    """At the end of the month, those who came in it included; they pay for it."""
    stay: Staying

    def of_a_year_ago(self) -> Floats:
        """Those who are there and were a year before. Shape (1 or trials, months)."""
        n_months = self.active.shape[1]
        if self.stay.left is not None:
            since = months_since(1, n_months)
            return lagged(self.new, np.where(since < MONTHS_PER_YEAR, 0.0, self.stay.left))
        there = np.zeros_like(self.active)
        assert self.stay.churn is not None
        kept = _by_month(1.0 - self.stay.churn, n_months)
        for month in range(MONTHS_PER_YEAR, n_months):
            year = np.prod(kept[month - MONTHS_PER_YEAR + 1 : month + 1], axis=0)
            there[:, month] = self.active[:, month - MONTHS_PER_YEAR] * year
        return there


def customers(come: Coming, stay: Staying, launch_month: int, n_months: int) -> Customers:
    """Customers who come by ``come`` and stay by ``stay``.

    With constant churn growth and churn of a month both act on the customers of the month
    before; with tenure every month's customers leave by a curve of their own.
    """
    if come.new is not None and stay.left is not None:
        return who_stay(come.new, stay.left)
    # Months first, so that each month of all trials lies together.
    first, growth, market = (
        _by_month(one, n_months) for one in (come.first, come.growth, come.market)
    )
    coming = None if come.new is None else come.new.T
    churn = None if stay.churn is None else _by_month(stay.churn, n_months)
    left = None if stay.left is None else stay.left.T
    given = [one for one in (first, growth, market, coming, churn, left) if one is not None]
    shape = (n_months, max(one.shape[1] for one in given))
    new, active = np.zeros(shape), np.zeros(shape)
    before = np.zeros(shape[1])
    for month in range(launch_month - 1, n_months):
        still = active[month] if churn is None else before * (1 - churn[month])
        if coming is not None:
            new[month] = coming[month]
        elif month == launch_month - 1:
            new[month] = first[month]
        else:
            room = np.maximum(market[month] - still, 0.0)
            new[month] = np.minimum(before * growth[month], room)
        if left is not None:
            active[month:] += new[month] * left[: n_months - month]
        else:
            active[month] = still + new[month]
            if coming is None:
                active[month] = np.rint(active[month] * COUNTED_TO) / COUNTED_TO
        before = active[month]
    return _with_lost(np.ascontiguousarray(new.T), np.ascontiguousarray(active.T), stay)


def who_stay(new: Floats, left: Floats) -> Customers:
    """Those who came, as far as ``left`` (S(0), S(1), …) says that they are still there."""
    return _with_lost(new, lagged(new, left), Staying(left=left))


def by_contract(
    new: Floats, left_by_year: Floats, uplift: Floats, months_invoiced: int
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
    stays = left_by_year[:, years]
    due = (tenure % months_invoiced == 0) * months_invoiced / MONTHS_PER_YEAR
    return who_stay(new, stays), lagged(new, stays * (1 + uplift) ** years * due)


def lagged(new: Floats, weights: Floats) -> Floats:
    """Σₖ new(t − k)·weights(k): what earlier months still do in each month.

    One lag after the other, so that a trial gets the same bits however many there are.
    """
    n_months = new.shape[1]
    found = new * weights[:, :1]
    for lag in 1 + np.flatnonzero(weights[:, 1:].any(axis=0)):
        found[:, lag:] += new[:, : n_months - lag] * weights[:, lag : lag + 1]
    return found


def _with_lost(new: Floats, active: Floats, stay: Staying) -> Customers:
    return Customers(new, np.maximum(later(active, 1) + new - active, 0.0), active, stay)


def _by_month(numbers: Floats, n_months: int) -> Floats:
    """Shape (months, 1 or trials), of numbers that may be the same for all months."""
    return np.broadcast_to(numbers.T, (n_months, numbers.shape[0]))
