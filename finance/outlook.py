"""The whole chain for one scenario: forecast, months of cash, and the figures to decide by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from engine.calibration import Calibration
from engine.forecast import Forecast, forecast
from engine.profile import MachineProfile
from finance.cashflow import Bound, CashMonth, cash_months
from finance.metrics import burn_multiple_of, new_investors_share, runway_months
from finance.scenario import Scenario

BURN_MULTIPLE_BALANCES = 13
"""Thirteen balances bound the twelve months of the burn multiple."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a scenario comes to. ``low`` and ``high`` are those of the forecast's costs."""

    scenario: Scenario
    forecast: Forecast
    months: Sequence[CashMonth]
    """With the equity round."""
    months_at_low_cost: Sequence[CashMonth]
    months_at_high_cost: Sequence[CashMonth]
    months_without_round: Sequence[CashMonth]
    runway_months: Decimal | None
    """Without the round; None if the cash lasts beyond the horizon."""
    runway_months_at_low_cost: Decimal | None
    runway_months_at_high_cost: Decimal | None
    runway_months_with_round: Decimal | None
    burn_multiple: Decimal | None
    burn_multiple_months: int
    """Months after the launch that it covers: twelve, or as many as there are."""
    peak_burn: CashMonth
    lowest_cash: CashMonth
    sold_share: Decimal


def outlook(scenario: Scenario) -> Outlook:
    """Forecast the plan and run the company on it."""
    predicted = forecast(scenario.plan)
    opening = scenario.company.cash_usd
    months = cash_months(scenario, predicted)
    without_round = cash_months(scenario, predicted, with_round=False)

    def runway_at(bound: Bound) -> Decimal | None:
        at_bound = cash_months(scenario, predicted, compute_cost=bound, with_round=False)
        return runway_months(at_bound, opening)

    launch = scenario.company.revenue.launch_month
    after_launch = months[min(launch, len(months) - 1) - 1 :][:BURN_MULTIPLE_BALANCES]
    return Outlook(
        scenario=scenario,
        forecast=predicted,
        months=months,
        months_at_low_cost=cash_months(scenario, predicted, compute_cost="low"),
        months_at_high_cost=cash_months(scenario, predicted, compute_cost="high"),
        months_without_round=without_round,
        runway_months=runway_months(without_round, opening),
        runway_months_at_low_cost=runway_at("low"),
        runway_months_at_high_cost=runway_at("high"),
        runway_months_with_round=runway_months(months, opening),
        burn_multiple=burn_multiple_of(after_launch),
        burn_multiple_months=len(after_launch) - 1,
        peak_burn=max(months, key=lambda month: month.net_burn_usd),
        lowest_cash=min(months, key=lambda month: month.cash_usd),
        sold_share=new_investors_share(scenario.company.equity_round),
    )


class NextAction(StrEnum):
    """What to do next, the most pressing first."""

    MAKE_IT_FIT = "make_it_fit"
    """The model does not fit the device's memory."""
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


def next_action(seen: Outlook) -> NextAction:
    """The one thing to do next."""
    if not seen.forecast.fits:
        return NextAction.MAKE_IT_FIT
    round_month = seen.scenario.company.equity_round.month
    if seen.runway_months is not None and seen.runway_months < round_month - 1:
        return NextAction.RAISE_EARLIER
    if seen.runway_months_with_round is not None:
        return NextAction.RAISE_MORE
    if not seen.forecast.calibration_run_ids:
        return NextAction.CALIBRATE
    return NextAction.NOTHING if seen.runway_months is None else NextAction.RAISE


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationEffect:
    """What a calibration changes in a scenario."""

    before: Outlook
    after: Outlook

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
        before=outlook(scenario), after=outlook(with_calibration(scenario, calibration))
    )
