"""Answers → scenario: the plan, the company and its raise, and the source of every default."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.forecast import Forecast, forecast
from engine.plan import Plan
from engine.text import Catalog
from engine.units import HOURS_PER_MONTH
from finance.books.months import MAX_MONTHS, date_of_month
from finance.company.provenance import existing_paths
from finance.company.scenario import Scenario
from finance.funding.raises import CashWithRaises
from finance.start.answers import StartAnswers
from finance.start.defaults import Origins, StartDefault, computed, default_of, usual_cash
from finance.start.model import model_plan
from finance.start.money import Data, Raise, cap_table, planned_raise, round_event
from finance.start.sales import revenue_lines
from finance.start.spending import compute_contracts, marketing, other_costs, staff

LEAST_HORIZON_MONTHS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A new scenario, with the source of each value that was not answered."""

    scenario: Scenario
    forecast: Forecast
    raised: Raise | None
    defaults: Mapping[str, StartDefault]
    """Sources by the dotted path of the field in the scenario."""


def start_company(answers: StartAnswers, text: Catalog, answered_on: datetime.date) -> Started:
    """Return the scenario that the answers describe, with the origin of each of its values.

    Parameters
    ----------
    text
        Catalog of the language of the names in the scenario.
    answered_on
        Day of the answers, for their origin.

    Raises
    ------
    InputError
        If an answer is not possible, such as too few devices for the model.
    """
    origins = Origins()
    plan = model_plan(answers, origins)
    predicted = forecast(plan)
    data = _company(answers, plan, predicted, text, origins)
    horizon = default_of("horizon").count
    before = _scenario(answers, plan, data | {"horizon_months": MAX_MONTHS})
    round_path = f"company.capital.events.{len(data['capital']['events'])}"
    deal = planned_raise(answers.money, CashWithRaises.of(before, predicted), round_path, origins)
    if deal is not None:
        data["capital"]["events"].append(round_event(answers.first_month, deal, text))
        # The plan ends where the money of the raise is meant to end, and no earlier than two years.
        horizon = min(MAX_MONTHS, max(LEAST_HORIZON_MONTHS, deal.month + deal.runway_months))
        data["funding_goal"] = {
            "target_runway_months": min(MAX_MONTHS, deal.month + deal.runway_months),
            "buffer_months": default_of("buffer").value,
        }
        origins.mark(default_of("buffer"), "company.funding_goal.buffer_months")
        origins.mark(default_of("pool"), f"{round_path}.pool.value")
    origins.mark(default_of("horizon"), "company.horizon_months")
    origins.answer("name", "company.name")
    if answers.first_month.replace(day=1) == date_of_month(answered_on.replace(day=1), 2):
        row = computed("first_month", answers.first_month, "the month after the answers")
        origins.mark(row, "company.first_month")
    else:
        origins.answer("company.first_month")
    made = _scenario(answers, plan, data | {"horizon_months": horizon})
    origin = existing_paths(origins.provenance(answered_on), made)
    return Started(
        scenario=made.model_copy(update={"provenance": origin}),
        forecast=predicted,
        raised=deal,
        defaults=dict(origins.of_path),
    )


def _company(
    answers: StartAnswers, plan: Plan, predicted: Forecast, text: Catalog, origins: Origins
) -> Data:
    """Return the company without the raise and without its horizon."""
    lasting = max(1, math.ceil(predicted.wall_clock_hours.value / HOURS_PER_MONTH))
    events = training_runs(answers, lasting, origins)
    launch = events[0]["month"] + lasting + default_of("months_to_launch").count
    launch = min(launch, MAX_MONTHS)
    cash = answers.money.cash_usd
    if cash is None:
        usual = usual_cash(answers.product, answers.country)
        cash = origins.mark(usual, "company.cash_usd").number
    else:
        origins.answer("company.cash_usd")
    return {
        "name": answers.name,
        "first_month": str(answers.first_month),
        "cash_usd": str(cash),
        "revenue_lines": revenue_lines(answers, plan, launch, text, origins),
        "training_events": events,
        "compute": compute_contracts(answers, plan, text, origins),
        "people": staff(answers, text, origins),
        "other_costs_usd_per_month": other_costs(answers, origins),
        "spending": marketing(answers, launch, text, origins),
        "capital": cap_table(answers, text, origins),
    }


def training_runs(answers: StartAnswers, lasting: int, origins: Origins) -> list[Data]:
    """Return the training runs of the plan: the first, and its repetitions within the horizon."""
    path = "company.training_events.{}"
    month = origins.count(
        answers.compute.training_month, "training_month", path.format(0) + ".month"
    )
    every = origins.count(answers.compute.repeat_months, "repeat_months")
    every = max(every, lasting) if every else 0
    last = default_of("horizon").count
    months = range(month, last + 1, every) if every and month <= last else (month,)
    research = default_of("research_share")
    runs = []
    for number, start in enumerate(months):
        origins.mark(research, path.format(number) + ".research_share")
        if number and answers.compute.repeat_months is None:
            origins.mark(default_of("repeat_months"), path.format(number) + ".month")
        runs.append(
            {
                "name": f"{answers.name[:70]} {number + 1}",
                "month": start,
                "research_share": research.value,
            }
        )
    return runs


def _scenario(answers: StartAnswers, plan: Plan, company: Data) -> Scenario:
    return Scenario.parse(
        {
            "schema_version": 1,
            "name": answers.name,
            "plan": plan.model_dump(mode="json"),
            "company": company,
        }
    )


def empty_scenario(name: str, first_month: datetime.date) -> Scenario:
    """Return a scenario without revenue, staff, costs, training runs and shareholders.

    A plan is part of every scenario; here it is a small model that is never trained or served.
    """
    plan = model_plan(
        StartAnswers(name=name, first_month=first_month, product="open_weights"), Origins()
    )
    return Scenario.parse(
        {
            "schema_version": 1,
            "name": name,
            "plan": plan.model_dump(mode="json"),
            "company": {
                "name": name,
                "first_month": str(first_month),
                "cash_usd": "0",
                "other_costs_usd_per_month": "0",
                "capital": {"opening": {"date": str(first_month.replace(day=1))}},
            },
        }
    )
