"""The whole chain for one scenario: forecast, months of cash, and the figures to decide by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from engine.calibration.calibration import Calibration
from engine.calibration.machine_profile import MachineProfile
from engine.forecast import Forecast, forecast
from finance.books.trials import Trials
from finance.company.cashflow import CashMonth, cash_months_of_books
from finance.company.monthly_run import Books, run_company
from finance.company.scenario import Scenario
from finance.compute.rates import Bound, compute_rates
from finance.metrics.headline import burn_multiple_of, new_investors_share, runway_months

BOUNDS: tuple[Bound, ...] = ("value", "low", "high")
"""Of the forecast's costs: the trials of an outlook's books."""
BURN_MULTIPLE_BALANCES = 13
"""Thirteen balances bound the twelve months of the burn multiple."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What a scenario comes to. ``low`` and ``high`` are those of the forecast's costs."""

    scenario: Scenario
    forecast: Forecast
    books: Books
    """With the equity round and other planned money; one trial for each of :data:`BOUNDS`."""
    months: Sequence[CashMonth]
    """With the equity round."""
    months_at_low_cost: Sequence[CashMonth]
    months_at_high_cost: Sequence[CashMonth]
    months_without_round: Sequence[CashMonth]
    runway_months: Decimal | None
    """Without the round and other planned money; None if the cash lasts beyond the horizon."""
    runway_months_at_low_cost: Decimal | None
    runway_months_at_high_cost: Decimal | None
    runway_months_with_round: Decimal | None
    burn_multiple: Decimal | None
    burn_multiple_months: int
    """Months after the launch that it covers: twelve, or as many as there are."""
    peak_burn: CashMonth
    lowest_cash: CashMonth
    sold_share: Decimal

    @property
    def horizon_months(self) -> int:
        return self.scenario.company.horizon_months


def project_scenario(scenario: Scenario) -> Projection:
    """Forecast the plan and run the company on it."""
    predicted = forecast(scenario.plan)
    company, opening = scenario.company, scenario.company.cash_usd
    rates = compute_rates(scenario.plan, predicted, company.training_events, BOUNDS)
    as_bounds = Trials(len(BOUNDS))
    with_money = run_company(company, rates, as_bounds)
    without_money = run_company(company, rates, as_bounds, with_planned_money=False)
    months, at_low, at_high = (
        cash_months_of_books(with_money, trial) for trial in range(len(BOUNDS))
    )
    without_round, low_alone, high_alone = (
        cash_months_of_books(without_money, trial) for trial in range(len(BOUNDS))
    )
    launch = company.launch_month or 1
    after_launch = months[min(launch, len(months) - 1) - 1 :][:BURN_MULTIPLE_BALANCES]
    return Projection(
        scenario=scenario,
        forecast=predicted,
        books=with_money,
        months=months,
        months_at_low_cost=at_low,
        months_at_high_cost=at_high,
        months_without_round=without_round,
        runway_months=runway_months(without_round, opening),
        runway_months_at_low_cost=runway_months(low_alone, opening),
        runway_months_at_high_cost=runway_months(high_alone, opening),
        runway_months_with_round=runway_months(months, opening),
        burn_multiple=burn_multiple_of(after_launch),
        burn_multiple_months=len(after_launch) - 1,
        peak_burn=max(months, key=lambda month: month.net_burn_usd),
        lowest_cash=min(months, key=lambda month: month.cash_usd),
        sold_share=new_investors_share(company.next_round),
    )


class NextAction(StrEnum):
    """What to do next, the most pressing first."""

    MAKE_IT_FIT = "make_it_fit"
    """The model does not fit the device's memory."""
    PLAN_A_ROUND = "plan_a_round"
    """Cash runs out, and the cap table plans no round."""
    RAISE_EARLIER = "raise_earlier"
    """Cash runs out before the round comes."""
    RAISE_MORE = "raise_more"
    """Cash runs out within the horizon, the round included."""
    CALIBRATE = "calibrate"
    """No run has tested the forecast."""
    RAISE = "raise"
    """All tested; the round must come before the cash is gone."""
    NOTHING = "nothing"
    """The cash lasts without a round."""


def next_action(seen: Projection) -> NextAction:
    """The one thing to do next."""
    if not seen.forecast.fits:
        return NextAction.MAKE_IT_FIT
    coming = seen.scenario.company.next_round
    if coming is None and seen.runway_months is not None:
        return NextAction.PLAN_A_ROUND
    if coming and seen.runway_months is not None and seen.runway_months < coming.month - 1:
        return NextAction.RAISE_EARLIER
    if seen.runway_months_with_round is not None:
        return NextAction.RAISE_MORE
    if not seen.forecast.calibration_run_ids:
        return NextAction.CALIBRATE
    return NextAction.NOTHING if seen.runway_months is None else NextAction.RAISE


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationEffect:
    """What a calibration changes in a scenario."""

    before: Projection
    after: Projection

    @property
    def speed_counts(self) -> bool:
        """Whether it was measured on the plan's kind of device."""
        calibration = self.after.scenario.plan.calibration
        cluster = self.after.scenario.plan.cluster
        return calibration is not None and calibration.speaks_for_speed_on(cluster.accelerator)


def with_calibration(scenario: Scenario, calibration: Calibration | None) -> Scenario:
    plan = scenario.plan.model_copy(update={"calibration": calibration})
    return scenario.model_copy(update={"plan": plan})


def with_profile(scenario: Scenario, profile: MachineProfile | None) -> Scenario:
    """The scenario with its plan standing on a measured machine, or on the tables again."""
    plan = scenario.plan.model_copy(update={"profile": profile})
    return scenario.model_copy(update={"plan": plan})


def calibration_effect(scenario: Scenario, calibration: Calibration) -> CalibrationEffect:
    """The scenario as it is, beside the same with ``calibration`` in place of its own."""
    return CalibrationEffect(
        before=project_scenario(scenario),
        after=project_scenario(with_calibration(scenario, calibration)),
    )
