"""Benchmark of the monthly run of a company: ``make finance-benchmark``.

It prints each time beside a bound that it measures in the same run: the time that NumPy takes to
add the cents of every entry to the two accounts of the entry. It asserts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from engine.forecast import forecast
from finance.books.trials import Trials
from finance.company.company import Company
from finance.company.monthly_run import Books, run_company
from finance.company.scenario import sample_scenarios
from finance.compute.rates import ComputeRates, compute_rates
from tests.finance.companies import EVERYTHING, easy_rates

MONTHS = 120
TRIALS = 10_000
REPEATS = 7


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the shortest of ``repeats`` times of ``work``, in seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    startup = sample_scenarios()["startup-1b"]
    rates = compute_rates(startup.plan, forecast(startup.plan), startup.company.training_events)
    everything = Company.parse(EVERYTHING)
    print("company, months, trials: entries, books, with statements, bound, books / bound")
    for name, company, company_rates in (
        ("the sample start-up", startup.company, rates),
        ("one of everything", everything, easy_rates(events=len(everything.training_events))),
    ):
        long = company.model_copy(update={"horizon_months": MONTHS})
        print(measured(name, long, company_rates, Trials(), REPEATS))
        print(measured(name, company, company_rates, drawn(company), 1))
    alone = seconds(lambda: forecast(startup.plan))
    print(f"the engine's forecast, from which the rates come: {1e3 * alone:.1f} ms")


def drawn(company: Company) -> Trials:
    """Return trials that draw a price change, a retention parameter and a salary."""
    rng = np.random.default_rng(0)
    prices = "company.revenue_lines.0.prices.change_share_per_year"
    tenure = "company.revenue_lines.0.retention.alpha"
    cost = "company.people.0.cost_usd_per_month"
    return Trials(
        TRIALS,
        {
            prices: rng.uniform(-0.6, 0.0, TRIALS),
            tenure: rng.uniform(0.5, 1.5, TRIALS),
            cost: rng.uniform(7e3, 9e3, TRIALS),
        },
    )


def measured(name: str, company: Company, rates: ComputeRates, trials: Trials, repeats: int) -> str:
    books = run_company(company, rates, trials)
    whole = seconds(lambda: run_company(company, rates, trials), repeats)
    full = seconds(lambda: run_company(company, rates, trials).statements, repeats)
    bound = seconds(lambda: added_up(books), repeats)
    return (
        f"{name}, {company.horizon_months}, {trials.n:,}: {len(books.ledger.entries)}, "
        f"{1e3 * whole:.1f} ms, {1e3 * full:.1f} ms, {1e3 * bound:.2f} ms, {whole / bound:.0f}"
    )


def added_up(books: Books) -> None:
    shape = np.broadcast_shapes(*(entry.cents.shape for entry in books.ledger.entries))
    debits, credits = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for entry in books.ledger.entries:
        debits += entry.cents
        credits += entry.cents


if __name__ == "__main__":
    main()
