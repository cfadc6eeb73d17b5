"""Cash, month by month: what comes in, what goes out, what is left.

All payments fall in the month that causes them. Amounts are decimals in whole cents, so that
each month's lines add up to its balance exactly.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

from engine.forecast import Figure, Forecast
from finance.company import HORIZON_MONTHS, Company, TrainingSchedule
from finance.money import ZERO, cents
from finance.scenario import Scenario

Bound = Literal["value", "low", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMonth:
    """One month. Costs are positive; ``cash_usd`` is what is left at its end."""

    month: int
    date: datetime.date
    customers: Decimal
    revenue_usd: Decimal
    training_usd: Decimal
    serving_usd: Decimal
    people_usd: Decimal
    other_usd: Decimal
    equity_usd: Decimal
    cash_usd: Decimal

    @property
    def gross_burn_usd(self) -> Decimal:
        """All costs."""
        return self.training_usd + self.serving_usd + self.people_usd + self.other_usd

    @property
    def net_burn_usd(self) -> Decimal:
        """Costs less revenue, equity left out; negative in a month that earns."""
        return self.gross_burn_usd - self.revenue_usd

    @property
    def arr_usd(self) -> Decimal:
        """Annual recurring revenue: twelve times the month's."""
        return 12 * self.revenue_usd


def cash_months(
    scenario: Scenario,
    predicted: Forecast,
    *,
    compute_cost: Bound = "value",
    with_round: bool = True,
) -> list[CashMonth]:
    """The first 36 months of a scenario.

    Parameters
    ----------
    predicted
        The forecast of ``scenario.plan``.
    compute_cost
        Which bound of the forecast's costs to take, for training and serving alike.
    with_round
        Whether the equity round comes.
    """
    with localcontext(prec=60):  # customers, tokens and prices at all their bounds together
        return _cash_months(scenario, predicted, compute_cost, with_round)


def _cash_months(
    scenario: Scenario, predicted: Forecast, compute_cost: Bound, with_round: bool
) -> list[CashMonth]:
    company = scenario.company
    run_usd = _bound(predicted.cost_usd, compute_cost)
    million_tokens_usd = _bound(predicted.serving_usd_per_million_tokens, compute_cost)
    cash = company.cash_usd
    customers = ZERO
    months = []
    for month in range(1, HORIZON_MONTHS + 1):
        customers = _customers(company, month, customers)
        tokens = customers * company.revenue.tokens_per_customer_month
        equity = company.equity_round.amount_usd if with_round else ZERO
        lines = {
            "revenue_usd": cents(customers * company.revenue.price_usd_per_customer_month),
            "training_usd": cents(runs_paid(company.training, month) * run_usd),
            "serving_usd": cents(tokens * million_tokens_usd / 1_000_000),
            "people_usd": sum(
                (r.people * r.cost_usd_per_month for r in company.people if r.start_month <= month),
                ZERO,
            ),
            "other_usd": company.other_costs_usd_per_month,
            "equity_usd": equity if month == company.equity_round.month else ZERO,
        }
        costs = sum(lines[f"{name}_usd"] for name in ("training", "serving", "people", "other"))
        cash += lines["revenue_usd"] + lines["equity_usd"] - costs
        months.append(
            CashMonth(
                month=month,
                date=_later(company.first_month, month - 1),
                customers=customers,
                cash_usd=cash,
                **lines,
            )
        )
    return months


def runs_paid(schedule: TrainingSchedule, month: int) -> Decimal:
    """Training runs that ``month`` pays for, experiments included as parts of runs."""
    since_first = month - schedule.first_month
    if since_first < 0:
        return ZERO
    every = schedule.repeat_every_months
    due = since_first == 0 if every == 0 else since_first % every == 0
    return schedule.runs * (1 + schedule.research_share) if due else ZERO


def _customers(company: Company, month: int, before: Decimal) -> Decimal:
    """Customers in a month; growth and churn both act on those of the month before."""
    revenue = company.revenue
    if month < revenue.launch_month:
        return ZERO
    if month == revenue.launch_month:
        return Decimal(revenue.customers_at_launch)
    grown = before * (1 + revenue.growth_share_per_month - revenue.churn_share_per_month)
    return max(ZERO, grown.quantize(Decimal("0.0001")))


def _bound(figure: Figure, bound: Bound) -> Decimal:
    return Decimal(repr(getattr(figure, bound)))


def _later(first: datetime.date, months: int) -> datetime.date:
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)
