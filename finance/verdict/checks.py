"""Checks of a plan: each compares one figure with a rule that has a source."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from engine.forecast import Forecast
from engine.units import HOURS_PER_MONTH
from finance.books.months import month_of_date
from finance.company.company import Company
from finance.compute.needs import INFERENCE_PURPOSES
from finance.metrics.covenants import check_covenants
from finance.metrics.indicators import Indicators
from finance.metrics.projection import Projection
from finance.metrics.token_budget import token_budget
from finance.verdict.findings import Check, CheckName, Status
from finance.verdict.mends import (
    Changes,
    Mend,
    early_events_in_first_month,
    fastest_layout,
    larger_last_round,
    month_with_buffer,
    round_in_month,
)
from finance.verdict.ranges import EVENTS_WITH_CASH
from finance.verdict.rules import rule
from finance.verdict.scale_checks import batch_check, size_checks


def checks_of_layout(projection: Projection) -> list[Check]:
    """Return the checks of the cluster and of the layout on it."""
    plan, predicted = projection.scenario.plan, projection.forecast
    return [_fits(projection), batch_check(plan, predicted), *size_checks(plan, predicted)]


def checks_of_training(projection: Projection) -> list[Check]:
    """Return the checks of the training data, and of runs that differ from the plan."""
    return [_coverage(projection), *_runs_that_differ(projection.scenario.company)]


def checks(projection: Projection) -> list[Check]:
    """Return all checks that apply to a projection, in the order of :class:`CheckName`."""
    found = [
        *checks_of_layout(projection),
        *_cash(projection),
        _margin(projection),
        _burn(projection),
        *_dilution(projection),
        _forecast(projection),
        *checks_of_training(projection),
        *_capacity(projection),
        *_early_events(projection.scenario.company),
        *_covenants(projection),
    ]
    return sorted(found, key=lambda check: list(CheckName).index(check.name))


def _fits(projection: Projection) -> Check:
    predicted: Forecast = projection.forecast
    needed, device = predicted.memory_bytes_per_device, predicted.device_memory_bytes
    params: dict[str, object] = {
        "needed_bytes": needed.value,
        "high_bytes": needed.high,
        "device_bytes": device,
    }
    if not predicted.fits:
        plan = projection.scenario.plan
        mend = Mend("cluster", "fastest_layout", lambda: fastest_layout(plan))
        return Check(CheckName.FITS, Status.FAILS, "fails", params, mend=mend)
    if needed.high > device:
        return Check(CheckName.FITS, Status.CAUTION, "caution", params, mend=Mend("cluster"))
    return Check(CheckName.FITS, Status.OK, "ok", params)


def _cash(projection: Projection) -> Iterator[Check]:
    company, runway = projection.scenario.company, projection.runway_months
    horizon = projection.horizon_months
    if company.next_round is None:
        if runway is None:
            params: dict[str, object] = {"horizon_months": horizon}
            yield Check(CheckName.CASH_AFTER_ROUND, Status.OK, "never_out", params)
        else:
            yield Check(
                CheckName.CASH_BEFORE_ROUND,
                Status.FAILS,
                "no_round",
                {"runway_months": runway},
                mend=Mend("funding"),
            )
        return
    yield _cash_before_round(company, runway)
    yield _cash_after_round(projection)


def _cash_before_round(company: Company, runway: Decimal | None) -> Check:
    assert company.next_round is not None
    month = company.next_round.month
    names = ("months_before_round",)
    if runway is None:
        params: dict[str, object] = {"month": month}
        return Check(CheckName.CASH_BEFORE_ROUND, Status.OK, "not_needed", params, names)
    left, least = runway - (month - 1), rule("months_before_round").value
    params = {"month": month, "left_months": left, "runway_months": runway, "least_months": least}
    if left >= least:
        return Check(CheckName.CASH_BEFORE_ROUND, Status.OK, "ok", params, names)
    mend, earlier = Mend("funding"), month_with_buffer(runway, least)
    if earlier is not None:
        mend = Mend(
            "funding",
            "earlier_round",
            lambda: round_in_month(company, earlier),
            {"month": earlier},
        )
    status = Status.FAILS if left < 0 else Status.CAUTION
    return Check(CheckName.CASH_BEFORE_ROUND, status, status.value, params, names, mend)


def _cash_after_round(projection: Projection) -> Check:
    company, runway = projection.scenario.company, projection.runway_months_with_round
    names = ("months_after_round", "months_after_round_least")
    if runway is None:
        params: dict[str, object] = {"horizon_months": projection.horizon_months}
        return Check(CheckName.CASH_AFTER_ROUND, Status.OK, "to_horizon", params, names)
    within = [deal.month for deal in company.planned_rounds if deal.month <= runway + 1]
    month = within[-1] if within else company.planned_rounds[0].month
    lasts = max(runway - (month - 1), Decimal(0))
    good, least = (rule(name).value for name in names)
    missing = -min(cash.cash_usd for cash in projection.months)
    params = {
        "month": month,
        "lasts_months": lasts,
        "runway_months": runway,
        "good_months": good,
        "missing_usd": missing,
    }
    if lasts >= good:
        return Check(CheckName.CASH_AFTER_ROUND, Status.OK, "ok", params, names)
    mend = Mend(
        "funding",
        "larger_round",
        lambda: larger_last_round(company, missing),
        {"missing_usd": missing},
    )
    status = Status.CAUTION if lasts >= least else Status.FAILS
    return Check(CheckName.CASH_AFTER_ROUND, status, status.value, params, names, mend)


def _margin(projection: Projection) -> Check:
    horizon = projection.horizon_months
    margins = Indicators(projection.books).at(horizon)
    margin = margins["gross_margin_paid_inference"]
    names = ("margin_least", "margin_usual")
    if margin is None:
        return Check(
            CheckName.MARGIN,
            Status.FAILS,
            "no_revenue",
            {"horizon_months": horizon},
            names,
            Mend("revenue"),
        )
    least, usual = (rule(name).value for name in names)
    params: dict[str, object] = {
        "margin_share": margin,
        "usual_share": usual,
        "horizon_months": horizon,
    }
    if margin < least:
        return Check(CheckName.MARGIN, Status.FAILS, "fails", params, names, Mend("revenue"))
    if margin < usual:
        return Check(CheckName.MARGIN, Status.CAUTION, "caution", params, names, Mend("revenue"))
    return Check(CheckName.MARGIN, Status.OK, "ok", params, names)


def _burn(projection: Projection) -> Check:
    multiple, months = projection.burn_multiple, projection.burn_multiple_months
    names = ("burn_multiple_good", "burn_multiple_bad")
    good, bad = (rule(name).value for name in names)
    params: dict[str, object] = {"months": months, "good": good, "bad": bad}
    if multiple is None:
        launch = min(projection.scenario.company.launch_month or 1, projection.horizon_months)
        after = projection.months[launch : launch + months]
        if after and sum((month.net_burn_usd for month in after), Decimal(0)) <= 0:
            return Check(CheckName.BURN, Status.OK, "no_burn", params, names)
        return Check(CheckName.BURN, Status.FAILS, "no_growth", params, names, Mend("revenue"))
    params["multiple"] = multiple
    if multiple > bad:
        return Check(CheckName.BURN, Status.FAILS, "fails", params, names, Mend("costs"))
    if multiple > good:
        return Check(CheckName.BURN, Status.CAUTION, "caution", params, names, Mend("costs"))
    return Check(CheckName.BURN, Status.OK, "ok", params, names)


def _dilution(projection: Projection) -> Iterator[Check]:
    if projection.scenario.company.next_round is None:
        return
    most, sold = rule("sold_share_most").value, projection.sold_share
    params: dict[str, object] = {"sold_share": sold, "most_share": most}
    if sold > most:
        yield Check(
            CheckName.DILUTION,
            Status.CAUTION,
            "caution",
            params,
            ("sold_share_most",),
            Mend("funding"),
        )
    else:
        yield Check(CheckName.DILUTION, Status.OK, "ok", params, ("sold_share_most",))


def _forecast(projection: Projection) -> Check:
    predicted, plan = projection.forecast, projection.scenario.plan
    step = predicted.step_time_s
    params: dict[str, object] = {
        "low_share": step.low / step.value - 1,
        "high_share": step.high / step.value - 1,
    }
    if predicted.calibration_run_ids and plan.calibration is not None:
        load = plan.calibration.noisy_load_share
        params |= {"runs": len(predicted.calibration_run_ids)}
        if load is not None:
            params |= {"load_share": load}
            return Check(
                CheckName.FORECAST,
                Status.CAUTION,
                "noisy",
                params,
                ("noisy_load_share",),
                Mend("calibrate"),
            )
        return Check(CheckName.FORECAST, Status.OK, "calibrated", params)
    if predicted.profile_measured_on is not None:
        params |= {"date": predicted.profile_measured_on}
        return Check(CheckName.FORECAST, Status.OK, "profiled", params)
    return Check(CheckName.FORECAST, Status.CAUTION, "untested", params, (), Mend("calibrate"))


def _coverage(projection: Projection) -> Check:
    budget = token_budget(projection.scenario)
    tokens, listed = budget.trained_tokens, budget.listed_tokens
    good = rule("epochs_good").value
    params: dict[str, object] = {"tokens": tokens, "listed_tokens": listed, "good_epochs": good}
    names = ("epochs_good",)
    epochs = budget.epochs
    if epochs is None:
        return Check(CheckName.COVERAGE, Status.CAUTION, "none", params, names, Mend("train"))
    params |= {"epochs": epochs, "covered_share": Decimal(1) / epochs}
    if epochs <= 1:
        return Check(CheckName.COVERAGE, Status.OK, "once", params, names)
    if epochs <= good:
        return Check(CheckName.COVERAGE, Status.OK, "repeated", params, names)
    return Check(CheckName.COVERAGE, Status.CAUTION, "caution", params, names, Mend("train"))


def _capacity(projection: Projection) -> Iterator[Check]:
    """Compare the devices that serve on demand at the peak with the training cluster."""
    books, plan = projection.books, projection.scenario.plan
    hours = books.serving_hours[0]
    if not hours.any():
        return
    supply = books.supply
    on_demand = sum(
        (supply.on_demand_hours[purpose][0] for purpose in INFERENCE_PURPOSES),
        np.zeros_like(hours),
    )
    peak = int(on_demand.argmax())
    devices = float(on_demand[peak]) / HOURS_PER_MONTH
    most = rule("on_demand_devices").value * plan.cluster.n_devices
    params: dict[str, object] = {
        "devices": devices,
        "month": peak + 1,
        "needed_devices": float(hours[peak]) / HOURS_PER_MONTH,
        "cluster_devices": plan.cluster.n_devices,
    }
    names = ("on_demand_devices",)
    if devices > most:
        yield Check(CheckName.CAPACITY, Status.CAUTION, "caution", params, names, Mend("costs"))
    else:
        yield Check(CheckName.CAPACITY, Status.OK, "ok", params, names)


def _early_events(company: Company) -> Iterator[Check]:
    """Yield a check if planned money is dated before the plan: it counts as opening cash."""
    if company.capital is None:
        return
    places = [
        place
        for place, event in enumerate(company.capital.events)
        if event.planned
        and isinstance(event, EVENTS_WITH_CASH)
        and month_of_date(company.first_month, event.date) < 1
    ]
    if not places:
        return
    first = company.capital.events[places[0]]
    yield Check(
        CheckName.EARLY_EVENTS,
        Status.CAUTION,
        "caution",
        {"n": len(places), "date": first.date, "first_month_date": company.first_month},
        mend=Mend(
            "funding",
            "events_in_plan",
            lambda: early_events_in_first_month(company, places),
            {"date": company.first_month},
        ),
    )


def _runs_that_differ(company: Company) -> Iterator[Check]:
    """Yield a check if runs train something else than the plan."""
    differing = {
        number: event for number, event in enumerate(company.training_events) if event.changes
    }
    if not differing:
        return
    fields = sorted({path for event in differing.values() for path in event.changes})
    changes: Changes = {f"company.training_events.{number}.changes": {} for number in differing}
    yield Check(
        CheckName.RUN_DIFFERS,
        Status.CAUTION,
        "caution",
        {
            "n": len(differing),
            "names": [event.name for event in differing.values()],
            "fields": len(fields),
            "paths": [f"plan.{path}" for path in fields],
        },
        mend=Mend("costs", "runs_as_planned", lambda: changes),
    )


def _covenants(projection: Projection) -> Iterator[Check]:
    broken = [check for check in check_covenants(projection.books) if check.broken[0].any()]
    if broken:
        first = broken[0]
        yield Check(
            CheckName.COVENANTS,
            Status.FAILS,
            "fails",
            {
                "n": len(broken),
                "name": first.loan,
                "covenant": first.covenant,
                "month": int(first.broken[0].argmax()) + 1,
            },
            mend=Mend("cash"),
        )
