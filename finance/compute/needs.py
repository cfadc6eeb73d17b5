"""Compute needs of a company by purpose: device-hours, and their cost on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import numpy as np
from pydantic import Field

from engine.documents import Document
from finance.books.cents import Floats
from finance.books.ledger import Account
from finance.books.months import months_since, yearly_change_factor
from finance.books.trials import Numbers
from finance.compute.contracts import AnyContract
from finance.compute.rates import ComputeRates, RunRates
from finance.costs.training import (
    TrainingEvent,
    TrainingSchedule,
    scheduled_runs,
    share_of_each_month,
)
from finance.revenue.lines import PaymentDays
from finance.revenue.prices import YearlyChange
from finance.revenue.sales import Sales

INFERENCE_PURPOSES = (Account.PAID_INFERENCE, Account.FREE_INFERENCE)
PURPOSES = (
    *INFERENCE_PURPOSES,
    Account.TRAINING,
    Account.RESEARCH_COMPUTE,
)


class ComputeTerms(Document):
    """Terms of buying compute, and yearly changes of its price and speed."""

    on_demand_change_share_per_year: YearlyChange = Decimal(0)
    """Yearly change of the on-demand price of a device-hour."""
    serving_speed_change_share_per_year: YearlyChange = Decimal(0)
    """Yearly change of the tokens that a device serves per hour, from better software and smaller
    models."""
    payment_days: PaymentDays = 0
    """Payment term for compute bought on demand, in days."""
    contracts: Annotated[tuple[AnyContract, ...], Field(max_length=50)] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """Compute needed for one purpose in each month. Shapes (1 or trials, months)."""

    hours: Floats
    """Device-hours on the plan's accelerator, which contracts can serve."""
    usd: Floats
    """Cost of these hours on demand, in USD."""
    other_devices_usd: Floats
    """Cost of compute on other accelerators, which contracts cannot serve, in USD."""

    def __add__(self, other: Need) -> Need:
        return Need(
            self.hours + other.hours,
            self.usd + other.usd,
            self.other_devices_usd + other.other_devices_usd,
        )


def compute_needs(
    numbers: Numbers,
    rates: ComputeRates,
    sales: Iterable[Sales],
    *,
    schedule: tuple[Numbers, TrainingSchedule] | None,
    events: Sequence[tuple[Numbers, TrainingEvent]],
    n_months: int,
) -> Mapping[Account, Need]:
    """Return all compute that a company needs, by purpose.

    Parameters
    ----------
    numbers
        The numbers of :class:`ComputeTerms`.
    schedule
        The training schedule with its numbers, or None.
    events
        The training events, each with its numbers.
    """
    months = months_since(1, n_months)
    price = yearly_change_factor(numbers("on_demand_change_share_per_year"), months)
    speed = yearly_change_factor(numbers("serving_speed_change_share_per_year"), months)
    needs = dict.fromkeys(PURPOSES, Need(*(np.zeros((1, n_months)) for _ in range(3))))
    for line in sales:
        for purpose, tokens in (
            (Account.PAID_INFERENCE, line.paid_tokens),
            (Account.FREE_INFERENCE, line.free_tokens),
        ):
            if tokens is not None:
                usd, hours = rates.serving_usd, rates.serving_hours
                needed_hours = tokens.weighted_sum(
                    hours.new_input, hours.cached_input, hours.output
                )
                needed_usd = tokens.weighted_sum(usd.new_input, usd.cached_input, usd.output)
                needs[purpose] += Need(
                    needed_hours / speed, needed_usd / speed * price, np.zeros((1, n_months))
                )
        if line.hosting_usd is not None:
            none = np.zeros((1, n_months))
            needs[Account.PAID_INFERENCE] += Need(none, none, line.hosting_usd / speed * price)
    if schedule is not None:
        runs = scheduled_runs(schedule[1], n_months)
        share = schedule[0]("research_share")
        needs[Account.TRAINING] += _need_of_runs(runs, rates.run, price)
        needs[Account.RESEARCH_COMPUTE] += _need_of_runs(runs * share, rates.run, price)
    for (event_numbers, event), rate in zip(events, rates.events, strict=True):
        runs = share_of_each_month(event.month, rate.months, n_months) * event_numbers("runs")
        first = max(1, event.month - event.research_months + 1)
        research = share_of_each_month(first, event.month - first + 1, n_months)
        research = research * event_numbers("runs") * event_numbers("research_share")
        needs[Account.TRAINING] += _need_of_runs(runs, rate, price)
        needs[Account.RESEARCH_COMPUTE] += _need_of_runs(research, rate, price)
    return needs


def _need_of_runs(runs: Floats, rate: RunRates, price: Floats) -> Need:
    """Return the compute of ``runs`` in each month; ``price`` multiplies the on-demand price."""
    hours, usd = runs * rate.device_hours, runs * rate.usd * price
    none = np.zeros_like(hours)
    return Need(hours, usd, none) if rate.on_plans_devices else Need(none, none, usd)
