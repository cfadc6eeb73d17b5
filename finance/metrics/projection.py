"""Projection of a scenario: the forecast, the monthly cash and the key figures for decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.calibration.calibration import Calibration
from engine.calibration.machine_profile import MachineProfile
from engine.forecast import Forecast, forecast
from finance.books.trials import Trials
from finance.company.cashflow import CashMonth, cash_months_of_books
from finance.company.monthly_run import Books, run_company_both_ways
from finance.company.scenario import Scenario
from finance.compute.rates import Bound, compute_rates
from finance.metrics.headline import burn_multiple_of, new_investors_share, runway_months

BOUNDS: tuple[Bound, ...] = ("value", "low", "high")
"""Bounds of the forecast's costs, which are the trials of a projection's books."""
BURN_MULTIPLE_BALANCES = 13
"""Thirteen balances bound the twelve months of the burn multiple."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Results of a scenario; low and high costs are the bounds of the forecast's costs."""

    scenario: Scenario
    forecast: Forecast
    books: Books
    """Books with the equity round and other planned money, one trial for each of :data:`BOUNDS`."""
    months: Sequence[CashMonth]
    """Monthly cash with the equity round and other planned money."""
    months_at_low_cost: Sequence[CashMonth]
    months_at_high_cost: Sequence[CashMonth]
    months_without_round: Sequence[CashMonth]
    """Monthly cash without the equity round and other planned money."""
    runway_months: Decimal | None
    """Runway without planned money, in months; None if the cash lasts beyond the horizon."""
    runway_months_at_low_cost: Decimal | None
    runway_months_at_high_cost: Decimal | None
    runway_months_with_round: Decimal | None
    burn_multiple: Decimal | None
    burn_multiple_months: int
    """Months after the launch that the burn multiple covers: twelve, or fewer near the horizon."""
    peak_burn: CashMonth
    """Month with the highest net burn."""
    lowest_cash: CashMonth
    """Month with the lowest cash balance."""
    sold_share: Decimal
    """Share of the company that the next round sells."""

    @property
    def horizon_months(self) -> int:
        """Horizon of the scenario's company, in months."""
        return self.scenario.company.horizon_months


def project_scenario(scenario: Scenario) -> Projection:
    """Forecast a scenario's plan and run its company with the forecast's costs."""
    predicted = forecast(scenario.plan)
    company, opening = scenario.company, scenario.company.cash_usd
    rates = compute_rates(scenario.plan, predicted, company.training_events, BOUNDS)
    trials = Trials(len(BOUNDS))
    with_money, without_money = run_company_both_ways(company, rates, trials)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationEffect:
    """Effect of a calibration on a scenario: the projections before and after."""

    before: Projection
    after: Projection

    @property
    def speed_counts(self) -> bool:
        """Whether the calibration was measured on the plan's accelerator."""
        calibration = self.after.scenario.plan.calibration
        cluster = self.after.scenario.plan.cluster
        return calibration is not None and calibration.corrects_speed_on(cluster.accelerator)


def with_calibration(scenario: Scenario, calibration: Calibration | None) -> Scenario:
    """Return the scenario with another calibration of its plan, or with none."""
    plan = scenario.plan.model_copy(update={"calibration": calibration})
    return scenario.model_copy(update={"plan": plan})


def with_profile(scenario: Scenario, profile: MachineProfile | None) -> Scenario:
    """Return the scenario with a measured machine profile, or with the hardware tables if None."""
    plan = scenario.plan.model_copy(update={"profile": profile})
    return scenario.model_copy(update={"plan": plan})


def calibration_effect(scenario: Scenario, calibration: Calibration) -> CalibrationEffect:
    """Return the projections of the scenario as it is and with ``calibration``."""
    return CalibrationEffect(
        before=project_scenario(scenario),
        after=project_scenario(with_calibration(scenario, calibration)),
    )
