"""Monthly indicators for founders and investors, computed from a company's books.

Each indicator is defined in the catalogs under ``indicator.<key>``, with its source. It is None
where it is undefined: without revenue, in the first year, or without burn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from engine.units import MONTHS_PER_YEAR, TOKENS_PER_MILLION
from finance.books.cents import Cents, Floats, cents_to_usd
from finance.books.ledger import Account
from finance.books.statements import COST_OF_PAID_REVENUE, MODEL_COMPUTE, MONEY_RAISED, REVENUE
from finance.books.trials import one_trial
from finance.company.cashflow import CashMonth, cash_months_of_books
from finance.company.monthly_run import Books
from finance.compute.needs import INFERENCE_PURPOSES
from finance.demand.customers import (
    acquisition_cost,
    lifetime_value,
    payback_periods,
    revenue_retention,
)
from finance.metrics.arr import ArrParts, arr_parts
from finance.metrics.compute_economics import (
    cost_per_million_tokens,
    revenue_per_gpu_hour,
    training_share_of_raise,
)
from finance.metrics.headline import runway_months
from finance.numbers.ratios import (
    burn_multiple,
    gross_margins,
    magic_number,
    ratio,
    rule_of_40,
    runway_at_burn,
)

QUARTER_MONTHS = 3
SALES_AND_MARKETING = (Account.SALES_PEOPLE, Account.MARKETING)

Values = dict[str, Decimal | None]


@dataclass(frozen=True)
class Indicators:
    """Indicators of one trial of a company's books."""

    books: Books
    trial: int = 0

    def at(self, month: int) -> Values:
        """Return all indicators at the end of ``month`` by key, in display order."""
        return (
            self._burn(month)
            | self._recurring(month)
            | self._margins(month)
            | self._customers(month)
            | self._growth(month)
            | self._compute(month)
        )

    def _burn(self, month: int) -> Values:
        months = self._months
        quarter = months[max(0, month - QUARTER_MONTHS) : month]
        quarter_burn = _total(past.net_burn_usd for past in quarter)
        cash = max(months[month - 1].cash_usd, Decimal(0))
        runs_out_after = runway_months(months[month:], cash)
        planned = None if runs_out_after is None else runs_out_after - month
        if months[month - 1].cash_usd < 0:
            planned = Decimal(0)
        year = months[max(0, month - MONTHS_PER_YEAR) : month]
        year_burn = _total(past.net_burn_usd for past in year)
        net_new_arr = months[month - 1].arr_usd - self._arr_a_year_before(month)
        return {
            "gross_burn_usd": months[month - 1].gross_burn_usd,
            "net_burn_usd": months[month - 1].net_burn_usd,
            "runway_trailing_months": runway_at_burn(cash, quarter_burn, Decimal(len(quarter))),
            "runway_planned_months": planned,
            "burn_multiple": burn_multiple(year_burn, net_new_arr),
        }

    def _recurring(self, month: int) -> Values:
        arr, start = self._arr, self._arr_a_year_before(month)
        changes = {
            f"arr_{name}_usd": self._sum_usd(getattr(arr, name), month, MONTHS_PER_YEAR)
            for name in ("new", "expansion", "contraction", "churned")
        }
        retained, retained_capped = (
            self._sum_usd(amounts, month, 1)
            for amounts in (arr.retained_for_a_year, arr.retained_for_a_year_capped)
        )
        retention = revenue_retention(
            start,
            expansion_usd=retained - retained_capped,
            contraction_usd=max(start - retained_capped, Decimal(0)),
            churned_usd=Decimal(0),
        )
        return (
            {"arr_usd": self._sum_usd(arr.total, month, 1)}
            | changes
            | {
                "net_revenue_retention": retention.net,
                "gross_revenue_retention": retention.gross,
            }
        )

    def _margins(self, month: int) -> Values:
        margins = gross_margins(
            self._income_usd(REVENUE, month),
            paid_usd=self._income_usd(COST_OF_PAID_REVENUE, month),
            free_usd=self._income_usd((Account.FREE_INFERENCE,), month),
            training_usd=self._income_usd(MODEL_COMPUTE, month),
        )
        return {
            "gross_margin_paid_inference": margins.paid_inference,
            "gross_margin_with_free_users": margins.with_free_users,
            "gross_margin_with_training": margins.with_training,
        }

    def _customers(self, month: int) -> Values:
        """Return the unit economics of a mean customer over the last twelve months."""
        new = self._sum_count(self.books.new_customers, month)
        acquisition = acquisition_cost(self._income_usd(SALES_AND_MARKETING, month), new)
        customer_months = self._sum_count(self.books.paying_customers, month)
        revenue_per_customer = ratio(
            self._income_usd((Account.RECURRING_REVENUE,), month), customer_months
        )
        churn = ratio(self._sum_count(self.books.lost_customers, month), customer_months)
        margin = self._margins(month)["gross_margin_paid_inference"]
        value = payback = value_to_cost = None
        if revenue_per_customer is not None and churn is not None and margin is not None:
            value = lifetime_value(revenue_per_customer, margin, min(churn, Decimal(1)))
            if acquisition is not None:
                payback = payback_periods(acquisition, revenue_per_customer, margin)
                value_to_cost = None if value is None else ratio(value, acquisition)
        return {
            "acquisition_cost_usd": acquisition,
            "payback_months": payback,
            "lifetime_value_usd": value,
            "lifetime_value_to_cost": value_to_cost,
        }

    def _growth(self, month: int) -> Values:
        magic = growth = score = None
        if month >= 2 * QUARTER_MONTHS:
            magic = magic_number(
                self._income_usd(REVENUE, month, QUARTER_MONTHS),
                self._income_usd(REVENUE, month - QUARTER_MONTHS, QUARTER_MONTHS),
                self._income_usd(SALES_AND_MARKETING, month - QUARTER_MONTHS, QUARTER_MONTHS),
            )
        revenue = self._income_usd(REVENUE, month)
        if month >= 2 * MONTHS_PER_YEAR:
            before = self._income_usd(REVENUE, month - MONTHS_PER_YEAR)
            growth = ratio(revenue - before, before)
        profit = self._sum_usd(self.books.statements.income["operating_profit"], month)
        margin = ratio(profit, revenue)
        if growth is not None and margin is not None:
            score = rule_of_40(growth, margin)
        return {"magic_number": magic, "revenue_growth": growth, "rule_of_40": score}

    def _compute(self, month: int) -> Values:
        books = self.books
        hours = self._sum_count(books.serving_hours, month)
        tokens = self._sum_count(books.served_million_tokens, month) * TOKENS_PER_MILLION
        raised = _total(
            self._sum_usd(books.statements.cash_flow[name], month, month) for name in MONEY_RAISED
        )
        trained = self._income_usd((Account.TRAINING, Account.RESEARCH_COMPUTE), month, month)
        return {
            "revenue_per_gpu_hour_usd": revenue_per_gpu_hour(
                self._sum_usd(books.token_revenue, month), hours
            ),
            "cost_per_million_tokens_usd": cost_per_million_tokens(
                self._income_usd(INFERENCE_PURPOSES, month), tokens
            ),
            "training_share_of_raise": training_share_of_raise(trained, raised),
        }

    @cached_property
    def _months(self) -> list[CashMonth]:
        return cash_months_of_books(self.books, self.trial)

    @cached_property
    def _arr(self) -> ArrParts:
        return arr_parts(self.books.recurring, self.books.ledger.n_months)

    def _arr_a_year_before(self, month: int) -> Decimal:
        """Return the ARR twelve months before ``month`` in USD; it is 0 before month 1."""
        start = month - MONTHS_PER_YEAR
        return self._sum_usd(self._arr.total, start, 1) if start > 0 else Decimal(0)

    def _income_usd(self, accounts: Iterable[Account], month: int, months: int = 12) -> Decimal:
        """Return the sum of income statement lines in USD; income and costs are both positive."""
        income = self.books.statements.income
        return _total(self._sum_usd(income[account], month, months) for account in accounts)

    def _sum_usd(self, cents: Cents, month: int, months: int = MONTHS_PER_YEAR) -> Decimal:
        """Return the sum over the ``months`` up to ``month`` in USD, or over fewer if ``month`` is
        smaller."""
        row = one_trial(cents, self.trial)
        return cents_to_usd(row[max(0, month - months) : month].sum())

    def _sum_count(self, values: Floats, month: int) -> Decimal:
        """Return the sum of customers, tokens or hours over the twelve months up to ``month``."""
        row = one_trial(values, self.trial)
        return Decimal(repr(float(row[max(0, month - MONTHS_PER_YEAR) : month].sum())))


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
