"""Drivers: what each input of a scenario moves in the runway and in the lowest cash.

One input at a time is set to the low and to the high end of its range
(:mod:`finance.verdict.ranges`), and the company is computed again. Inputs that the monthly run
reads as numbers are computed together, as trials of one run; months, dates and the plan need a run
of their own. :func:`drivers` yields its progress, because a large scenario takes about a second.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from engine.document_paths import field_name, parent_path, value_at
from engine.documents import Document, InputError
from engine.forecast import forecast
from finance.books.cents import Cents, Floats, decimal_to_cents
from finance.books.ledger import Account
from finance.books.months import month_of_date
from finance.books.trials import Trials
from finance.company.company import Company
from finance.company.monthly_run import run_company_both_ways
from finance.company.scenario import Scenario
from finance.compute.rates import Bound, ComputeRates, compute_rates
from finance.verdict.inputs import InputValue, scenario_inputs
from finance.verdict.ranges import DECISIONS, InputKind, Moved, day_of_month, moved_inputs

FORECAST = "forecast"
"""Path of the driver that is no field: the error of the compute forecast, within its interval."""
FORECAST_BOUNDS: tuple[Bound, ...] = ("low", "high")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one trial."""

    runway_months: float | None
    """Runway without planned money; None if the cash lasts beyond the horizon."""
    lowest_cash_usd: float
    """Lowest balance with planned money."""


@dataclass(frozen=True, slots=True)
class Driver:
    """An input with the outcomes at both ends of its range."""

    path: str
    kind: InputKind
    low: InputValue | None
    """Value at the low end; None if the field does not allow it, or for the forecast's error."""
    high: InputValue | None
    at_low: Outcome
    at_high: Outcome
    horizon_months: int

    @property
    def runway_spread_months(self) -> float:
        """Difference of the runways at both ends; beyond the horizon counts as the horizon."""
        first, second = (
            self.horizon_months if outcome.runway_months is None else outcome.runway_months
            for outcome in (self.at_low, self.at_high)
        )
        return abs(first - second)

    @property
    def cash_spread_usd(self) -> float:
        """Difference of the lowest balances at both ends."""
        return abs(self.at_low.lowest_cash_usd - self.at_high.lowest_cash_usd)


@dataclass(frozen=True, slots=True)
class Drivers:
    """All drivers of a scenario, the strongest first, and the outcome of the scenario itself."""

    base: Outcome
    drivers: tuple[Driver, ...]

    def strongest(self, n: int) -> tuple[Driver, ...]:
        """Return the ``n`` assumptions that move the outcome most.

        Head counts and the size of the training are decisions and are left out, and so is an input
        that moves nothing.
        """
        uncertain = (
            driver
            for driver in self.drivers
            if driver.kind not in DECISIONS
            and (driver.runway_spread_months or driver.cash_spread_usd)
        )
        return tuple(itertools.islice(uncertain, n))

    def of(self, path: str) -> Driver | None:
        """Return the driver of an input; None if the input is not moved."""
        return next((driver for driver in self.drivers if driver.path == path), None)


@dataclass(frozen=True, slots=True)
class Progress:
    """Part of the work that is done."""

    done: int
    of: int


def drivers(scenario: Scenario) -> Drivers:
    """Return all drivers of a scenario."""
    for step in drivers_in_steps(scenario):
        if isinstance(step, Drivers):
            return step
    raise AssertionError("the last step is the result")


def drivers_in_steps(scenario: Scenario) -> Iterator[Progress | Drivers]:
    """Yield the progress of the computation, and the drivers at its end."""
    predicted = forecast(scenario.plan)
    events = scenario.company.training_events
    rates = compute_rates(scenario.plan, predicted, events)
    trial = Trials()
    base = _outcomes(scenario.company, rates, trial)[0]
    moved = moved_inputs(scenario, scenario_inputs(scenario))
    numbers = [item for item in moved if item.input.path in trial.used_paths]
    others = [item for item in moved if item.input.path not in trial.used_paths]
    yield Progress(1, len(others) + 2)
    found = [
        _forecast_driver(
            scenario, compute_rates(scenario.plan, predicted, events, FORECAST_BOUNDS)
        ),
        *_number_drivers(scenario, rates, numbers),
    ]
    for done, item in enumerate(others, 2):
        yield Progress(done, len(others) + 2)
        found.append(_other_driver(scenario, rates, base, item))
    found.sort(key=lambda driver: (-driver.runway_spread_months, -driver.cash_spread_usd))
    yield Drivers(base, tuple(found))


def _forecast_driver(scenario: Scenario, rates: ComputeRates) -> Driver:
    trials = Trials(len(FORECAST_BOUNDS))
    at_low, at_high = _outcomes(scenario.company, rates, trials)
    return _driver(scenario, FORECAST, InputKind.FORECAST, (None, None), (at_low, at_high))


def _number_drivers(
    scenario: Scenario, rates: ComputeRates, moved: Sequence[Moved]
) -> Iterator[Driver]:
    """Compute all numbers in one run: two trials for each, in all others the document's value."""
    if not moved:
        return
    n = 2 * len(moved)
    drawn: dict[str, Floats] = {}
    ends: list[tuple[InputValue, InputValue]] = []
    for place, item in enumerate(moved):
        low, high = (_allowed(scenario, item.input.path, end) for end in (item.low, item.high))
        ends.append((low, high))
        values = np.full(n, _as_float(item.input.value))
        values[2 * place : 2 * place + 2] = _as_float(low), _as_float(high)
        drawn[item.input.path] = values
    outcomes = _outcomes(scenario.company, rates, Trials(n, drawn))
    for place, item in enumerate(moved):
        pair = outcomes[2 * place], outcomes[2 * place + 1]
        yield _driver(scenario, item.input.path, item.kind, ends[place], pair)


def _other_driver(scenario: Scenario, rates: ComputeRates, base: Outcome, moved: Moved) -> Driver:
    """Compute a month, a date, an exchange rate or a field of the plan in two runs of its own.

    An end that the document does not allow, such as an end before its start, is left out.
    """
    path = moved.input.path
    ends: list[InputValue | None] = []
    outcomes: list[Outcome] = []
    for wanted in (moved.low, moved.high):
        try:
            end = _allowed(scenario, path, wanted)
            changed = _with_value(scenario, path, end)
            if path.startswith("plan."):
                predicted = forecast(changed.plan)
                own = compute_rates(changed.plan, predicted, changed.company.training_events)
            else:
                own = rates
            outcome = _outcomes(changed.company, own, Trials())[0]
        except InputError:
            ends.append(None)
            outcomes.append(base)
            continue
        ends.append(end)
        outcomes.append(outcome)
    return _driver(scenario, path, moved.kind, (ends[0], ends[1]), (outcomes[0], outcomes[1]))


def _driver(
    scenario: Scenario,
    path: str,
    kind: InputKind,
    ends: tuple[InputValue | None, InputValue | None],
    outcomes: tuple[Outcome, Outcome],
) -> Driver:
    return Driver(path, kind, *ends, *outcomes, scenario.company.horizon_months)


def _outcomes(company: Company, rates: ComputeRates, trials: Trials) -> list[Outcome]:
    """Return the outcome of each trial."""
    with_money, alone = run_company_both_ways(company, rates, trials)
    runways = runways_of(alone.ledger.balance(Account.CASH), decimal_to_cents(company.cash_usd))
    lowest = with_money.ledger.balance(Account.CASH).min(axis=1) / 100.0
    runways, lowest = (np.broadcast_to(values, trials.n) for values in (runways, lowest))
    return [
        Outcome(None if np.isnan(runway) else float(runway), float(cash))
        for runway, cash in zip(runways, lowest, strict=True)
    ]


def runways_of(balances: Cents, opening_cents: int) -> npt.NDArray[np.float64]:
    """Return the runway of each trial in months; NaN if the cash lasts beyond the last month.

    The definition is that of :func:`finance.metrics.headline.runway_months`. ``balances`` has the
    shape (trials, months).
    """
    n_trials = balances.shape[0]
    before = np.hstack([np.full((n_trials, 1), opening_cents), balances[:, :-1]])
    negative = balances < 0
    month = negative.argmax(axis=1)
    rows = np.arange(n_trials)
    start, end = before[rows, month].astype(float), balances[rows, month].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        runway = month + start / (start - end)
    return np.where(negative.any(axis=1), runway, np.nan)


def _allowed(scenario: Scenario, path: str, value: InputValue) -> InputValue:
    """Return the value, or the bound of its field that it exceeds.

    Decimal places are not checked, because a trial may have more of them than the document.
    """
    parent = value_at(scenario, parent_path(path))
    if not isinstance(parent, Document):  # an exchange rate
        return value
    try:
        _adapter(type(parent), field_name(path)).validate_python(value)
    except ValidationError as error:
        context = error.errors()[0].get("ctx", {})
        for limit in (context.get("ge"), context.get("le")):
            if limit is not None:
                bound: InputValue = type(value)(limit)  # type: ignore[call-arg]
                return bound
    return value


@lru_cache(maxsize=1_000)
def _adapter(document: type[Document], name: str) -> TypeAdapter[Any]:
    info = document.model_fields[name]
    annotated: Any = Annotated[info.annotation, info]
    return TypeAdapter(annotated)


def _with_value(scenario: Scenario, path: str, value: InputValue) -> Scenario:
    """Return a copy with one value changed; only the tables around it are validated again."""
    head, _, rest = path.partition(".")
    if head == "plan":
        return scenario.model_copy(update={"plan": scenario.plan.with_value(rest, value)})
    if rest.startswith("exchange_rates."):
        return scenario.with_value(path, str(value))
    if isinstance(value, datetime.date):
        return _with_event_on(scenario, path, value)
    return scenario.model_copy(update={"company": _replaced(scenario.company, rest, value)})


def _with_event_on(scenario: Scenario, path: str, day: datetime.date) -> Scenario:
    """Move an event of the cap table, and all later ones by as many months.

    A later event may depend on an earlier one, such as a grant from the pool of a round.
    """
    assert scenario.company.capital is not None
    number, before = int(path.split(".")[3]), value_at(scenario, path)
    months = month_of_date(before.replace(day=1), day) - 1
    moved = {
        f"company.capital.events.{place}.date": str(day_of_month(event.date, months))
        for place, event in enumerate(scenario.company.capital.events)
        if place >= number
    }
    return scenario.with_values(moved)


def _replaced(document: Document, path: str, value: InputValue) -> Any:
    name, _, rest = path.partition(".")
    if not rest:
        return document.with_value(name, value)
    part = getattr(document, name)
    if isinstance(part, tuple):
        number, _, rest = rest.partition(".")
        place = int(number)
        changed: Any = (*part[:place], _replaced(part[place], rest, value), *part[place + 1 :])
    else:
        changed = _replaced(part, rest, value)
    return document.model_copy(update={name: changed})


def _as_float(value: InputValue) -> float:
    assert not isinstance(value, str)
    return float(value)  # type: ignore[arg-type]
