"""The smallest raise that carries a company to a target, and the runway that any raise buys.

All figures come from the company's monthly run: a raise earns interest and changes the tax, and the
run computes both. Money that is only planned (rounds, inflows and loans that are not committed) is
left out, so that the answer is the whole sum that is still to be found.

Notation: T is the target month, B the buffer, b(t) the balance at the end of month t without the
raise. The raise arrives in month m, the last month before the first b(t) below B. Its amount is the
smallest for which every balance from month m to month T is at least B.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from functools import cached_property

import numpy as np

from engine.documents import InputError
from engine.forecast import Forecast, forecast
from finance.books.cents import MAX_CENTS, Cents, cents_to_usd, decimal_to_cents
from finance.books.ledger import Account
from finance.books.months import date_of_month
from finance.books.trials import Trials
from finance.company.cashflow import CashMonth, cash_months_of_books
from finance.company.goals import MAX_BUFFER_MONTHS
from finance.company.monthly_run import Books, run_company
from finance.company.scenario import Scenario
from finance.compute.rates import ComputeRates, compute_rates
from finance.funding.proposed_round import RoundOutcome, default_pre_money, outcome_of_round
from finance.numbers.money import CENT, MAX_USD, ZERO
from finance.numbers.ratios import months_until_negative

_TRIED_AT_ONCE = 64
"""Amounts that the search compares in one monthly run."""
_LAST_MONTHS = 3
"""Months up to the target, or to the horizon, whose average net burn is stated."""
_MARGIN_MONTHS = 12
"""Last months of the horizon whose gross profit decides whether sales lose money."""


class Verdict(StrEnum):
    """Answer to the question whether a raise carries the company to the target."""

    NOT_NEEDED = "not_needed"
    """The cash stays above the buffer without a raise."""
    PAYS_BY_TARGET = "pays_by_target"
    """The raise is enough, and the company burns no cash in the last months before the target."""
    PAYS_LATER = "pays_later"
    """The raise lasts to the target. The company still burns cash then, and none at the horizon."""
    NEVER_PAYS = "never_pays"
    """The raise lasts to the target, but the company still burns cash at the horizon: no raise
    makes this plan pay for itself, a raise only buys time."""
    IMPOSSIBLE = "impossible"
    """The amount is above the largest amount that the books allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseNeeded:
    """The smallest raise for a target, in exact money."""

    verdict: Verdict
    target_months: int
    """Month of the plan, counted from 1, up to whose end the cash must last."""
    buffer_usd: Decimal
    """Least cash at the end of each month."""
    burn_usd_per_month: Decimal
    """Average net burn up to the month of the lowest cash without a raise; 0 if there is none. The
    months of a buffer count at this burn."""
    short_month: int | None
    """First month that ends below the buffer without a raise."""
    lowest_month: int
    """Month up to the target with the lowest cash without a raise."""
    lowest_cash_usd: Decimal
    month: int | None
    """Latest safe month of the raise: the last month that ends above the buffer without it, or
    month 1 if there is none."""
    date: datetime.date | None
    """First day of :attr:`month`."""
    amount_usd: Decimal
    """Smallest raise, exact to the cent; 0 if none is needed or if it is impossible."""
    runway_months: Decimal | None
    """Runway with the raise; None if it lasts beyond the horizon."""
    burn_at_target_usd_per_month: Decimal
    """Average net burn of the last three months before the target; negative if cash is earned."""
    burn_at_horizon_usd_per_month: Decimal
    """Average net burn of the last three months of the horizon."""
    sales_lose_money: bool
    """Whether the last twelve months of the horizon have revenue and a negative gross profit."""
    outcome: RoundOutcome | None
    """Ownership after a round of this amount; None without a round."""


@dataclass(frozen=True)
class CashWithRaises:
    """Monthly cash of a scenario's company with any raise on top of its committed money."""

    scenario: Scenario
    predicted: Forecast

    @classmethod
    def of(cls, scenario: Scenario, predicted: Forecast | None = None) -> CashWithRaises:
        """Return the cash of a scenario; ``predicted`` is the forecast of its plan, if known."""
        return cls(scenario, predicted or forecast(scenario.plan))

    @property
    def horizon_months(self) -> int:
        """Horizon of the company, in months."""
        return self.scenario.company.horizon_months

    @cached_property
    def without(self) -> Books:
        """Books without the raise and without planned money."""
        return self._books(Trials(), None)

    @cached_property
    def months_without(self) -> list[CashMonth]:
        """Monthly cash without the raise and without planned money."""
        return cash_months_of_books(self.without)

    @cached_property
    def balances_without(self) -> list[int]:
        """Balance at the end of each month without the raise, in cents."""
        return [int(cents) for cents in self.without.ledger.balance(Account.CASH)[0]]

    def balances(self, amounts_cents: Sequence[int], month: int) -> Cents:
        """Return the balances at the end of each month with each of several raises in ``month``.

        Parameters
        ----------
        amounts_cents
            The raises, in cents; each is a trial of one monthly run.

        Returns
        -------
        Cents
            Shape (raises, months).
        """
        raised = np.zeros((len(amounts_cents), self.horizon_months), np.int64)
        raised[:, month - 1] = amounts_cents
        found = self._books(Trials(len(amounts_cents)), raised).ledger.balance(Account.CASH)
        return np.broadcast_to(found, raised.shape)

    def runways(self, amounts_usd: Sequence[Decimal], month: int) -> list[Decimal | None]:
        """Return the runway with each of several raises, None where it is beyond the horizon."""
        amounts = [decimal_to_cents(amount) for amount in amounts_usd]
        opening = self.scenario.company.cash_usd
        return [
            months_until_negative(opening, [cents_to_usd(cents) for cents in balances])
            for balances in self.balances(amounts, month)
        ]

    def _books(self, trials: Trials, raised: Cents | None) -> Books:
        return run_company(
            self.scenario.company, self._rates, trials, with_planned_money=False, raised=raised
        )

    @cached_property
    def _rates(self) -> ComputeRates:
        events = self.scenario.company.training_events
        return compute_rates(self.scenario.plan, self.predicted, events, ("value",))


def raise_needed(
    scenario: Scenario,
    target_runway_months: int,
    buffer_months: Decimal | int,
    pre_money_usd: Decimal | int,
    *,
    minimum_cash_usd: Decimal = ZERO,
    cash: CashWithRaises | None = None,
) -> RaiseNeeded:
    """Return the smallest raise that keeps the cash at or above a buffer until a target.

    Parameters
    ----------
    target_runway_months
        Month of the plan, counted from 1, up to whose end the cash must last.
    buffer_months
        Months of average net burn that the cash must cover at the end of each month.
    pre_money_usd
        Pre-money valuation of the round.
    minimum_cash_usd
        Least cash at the end of each month, in USD; the larger of the two buffers counts.
    cash
        The scenario's cash with raises, if it is known, to save its forecast.

    Raises
    ------
    InputError
        If the target is beyond the horizon, a buffer is negative, or the valuation is not above 0.
    """
    cash = cash or CashWithRaises.of(scenario)
    _check(cash, target_runway_months, Decimal(buffer_months), minimum_cash_usd)
    pre_money = _valuation(pre_money_usd)
    months = cash.months_without[:target_runway_months]
    lowest = min(months, key=lambda month: month.cash_usd)
    burn = max(_average_burn(months[: lowest.month]), ZERO)
    buffer_usd = max(_whole_cents(Decimal(buffer_months) * burn), minimum_cash_usd)
    buffer = decimal_to_cents(buffer_usd)
    balances = cash.balances_without[:target_runway_months]
    short = next((month for month, cents in enumerate(balances, 1) if cents < buffer), None)
    arrival = None if short is None else max(short - 1, 1)
    amount = 0 if arrival is None else _smallest(cash, arrival, target_runway_months, buffer)
    burn_at_target, burn_at_horizon = (
        _average_burn(up_to[-_LAST_MONTHS:]) for up_to in (months, cash.months_without)
    )
    if short is None:
        verdict = Verdict.NOT_NEEDED
    elif amount is None:
        verdict = Verdict.IMPOSSIBLE
    elif burn_at_horizon > 0:
        verdict = Verdict.NEVER_PAYS
    else:
        verdict = Verdict.PAYS_LATER if burn_at_target > 0 else Verdict.PAYS_BY_TARGET
    amount_usd = cents_to_usd(amount or 0)
    first_month = scenario.company.first_month
    return RaiseNeeded(
        verdict=verdict,
        target_months=target_runway_months,
        buffer_usd=buffer_usd,
        burn_usd_per_month=burn,
        short_month=short,
        lowest_month=lowest.month,
        lowest_cash_usd=lowest.cash_usd,
        month=arrival,
        date=None if arrival is None else date_of_month(first_month, arrival),
        amount_usd=amount_usd,
        runway_months=cash.runways([amount_usd], arrival or 1)[0],
        burn_at_target_usd_per_month=burn_at_target,
        burn_at_horizon_usd_per_month=burn_at_horizon,
        sales_lose_money=_sales_lose_money(cash.without),
        outcome=outcome_of_round(scenario.company, amount_usd, pre_money, arrival)
        if arrival and amount
        else None,
    )


def raise_for_goal(
    cash: CashWithRaises, *, buffer_months: Decimal | None = None, with_minimum: bool = True
) -> RaiseNeeded:
    """Return the smallest raise for the goal that the scenario's company states.

    Parameters
    ----------
    buffer_months
        Months of burn in place of the goal's own.
    with_minimum
        Whether the goal's least cash counts.
    """
    company = cash.scenario.company
    goal = company.funding_goal
    return raise_needed(
        cash.scenario,
        min(goal.target_runway_months or company.horizon_months, company.horizon_months),
        goal.buffer_months if buffer_months is None else buffer_months,
        goal.pre_money_usd or default_pre_money(company),
        minimum_cash_usd=goal.minimum_cash_usd if with_minimum else ZERO,
        cash=cash,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseResult:
    """Runway and ownership that one raise gives."""

    amount_usd: Decimal
    pre_money_usd: Decimal
    month: int
    runway_months: Decimal | None
    """Runway with the raise; None if it lasts beyond the horizon."""
    outcome: RoundOutcome


def raise_results(
    cash: CashWithRaises,
    amounts_usd: Sequence[Decimal],
    pre_moneys_usd: Sequence[Decimal],
    month: int,
) -> list[list[RaiseResult]]:
    """Return the results of each amount at each valuation, for a round in ``month``.

    The runway depends on the amount only, so one monthly run gives all of them. The outer list is
    in the order of the amounts, the inner lists in that of the valuations.
    """
    if not 1 <= month <= cash.horizon_months:
        raise InputError("month", month, "between", low=1, high=cash.horizon_months)
    company = cash.scenario.company
    for amount in amounts_usd:
        if not 0 < amount <= MAX_USD:
            raise InputError("amount_usd", f"{amount:,}", "between", low=CENT, high=MAX_USD)
    return [
        [
            RaiseResult(
                amount_usd=amount,
                pre_money_usd=pre_money,
                month=month,
                runway_months=runway,
                outcome=outcome_of_round(company, amount, _valuation(pre_money), month),
            )
            for pre_money in pre_moneys_usd
        ]
        for amount, runway in zip(amounts_usd, cash.runways(amounts_usd, month), strict=True)
    ]


def rounded_up(amount_usd: Decimal) -> Decimal:
    """Return an amount rounded up to three significant digits, so that it still suffices."""
    if amount_usd <= 0:
        return ZERO
    step = Decimal(1).scaleb(max(amount_usd.adjusted() - 2, -2))
    return (amount_usd / step).to_integral_value(ROUND_CEILING) * step.quantize(CENT)


def _smallest(cash: CashWithRaises, month: int, target: int, buffer: int) -> int | None:
    """Return the smallest sufficient raise, in cents; None if it is above what the books allow.

    The search keeps ``low``, which is not enough, and ``high``, which is, and compares many
    amounts between them in each monthly run until they are one cent apart.
    """

    def suffices(amounts: Sequence[int]) -> list[bool]:
        lowest = cash.balances(amounts, month)[:, month - 1 : target].min(axis=1)
        return [int(cents) >= buffer for cents in lowest]

    # The shortfall without interest is enough, up to the rounding of interest and tax to cents.
    low, high = 0, buffer - min(cash.balances_without[month - 1 : target])
    while high <= MAX_CENTS and not suffices([high])[0]:
        low, high = high, 2 * high - low
    if high > MAX_CENTS:
        return None
    while high - low > 1:
        parts = min(_TRIED_AT_ONCE + 1, high - low)
        tried = [low + (high - low) * part // parts for part in range(1, parts)]
        first = next((place for place, enough in enumerate(suffices(tried)) if enough), len(tried))
        bounds = [low, *tried, high]
        low, high = bounds[first], bounds[first + 1]
    return high


def _average_burn(months: Sequence[CashMonth]) -> Decimal:
    return _whole_cents(sum((month.net_burn_usd for month in months), ZERO) / len(months))


def _whole_cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_CEILING)


def _sales_lose_money(books: Books) -> bool:
    """Return whether sales cost more than they bring in the last year of the horizon."""
    income = books.statements.income
    revenue, profit = (
        int(income[line][0, -_MARGIN_MONTHS:].sum())
        for line in ("revenue", "gross_profit_with_free_users")
    )
    return revenue > 0 and profit < 0


def _check(cash: CashWithRaises, target: int, buffer_months: Decimal, minimum: Decimal) -> None:
    if not 1 <= target <= cash.horizon_months:
        raise InputError("target_runway_months", target, "between", low=1, high=cash.horizon_months)
    if not 0 <= buffer_months <= MAX_BUFFER_MONTHS:
        raise InputError(
            "buffer_months", f"{buffer_months}", "between", low=0, high=MAX_BUFFER_MONTHS
        )
    if not 0 <= minimum <= MAX_USD:
        raise InputError("minimum_cash_usd", f"{minimum:,}", "between", low=0, high=MAX_USD)


def _valuation(pre_money_usd: Decimal | int) -> Decimal:
    if not 0 < pre_money_usd <= MAX_USD:
        raise InputError("pre_money_usd", f"{pre_money_usd:,}", "between", low=CENT, high=MAX_USD)
    return Decimal(pre_money_usd).quantize(CENT)
