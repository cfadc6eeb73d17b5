"""How fast a company is run through its months: ``make finance-benchmark``.

Beside each time stands a bound that is measured in the same run on the same machine: NumPy adding
the cents of every entry to the two accounts that it touches, with everything already worked out.
Not a test: it asserts nothing about a clock.
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
    """The best of several times."""
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
    for name, company, its_rates in (
        ("the sample start-up", startup.company, rates),
        ("one of everything", everything, easy_rates(events=len(everything.training_events))),
    ):
        long = company.model_copy(update={"horizon_months": MONTHS})
        print(measured(name, long, its_rates, Trials(), REPEATS))
        print(measured(name, company, its_rates, drawn(company), 1))
    alone = seconds(lambda: forecast(startup.plan))
    print(
        f"the engine's forecast of the start-up's plan, which they stand on: {1e3 * alone:.1f} ms"
    )


def drawn(company: Company) -> Trials:
    """Other numbers of the first lines and costs in each trial."""
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
    shape = np.broadcast_shapes(*(one.cents.shape for one in books.ledger.entries))
    debits, credits = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for entry in books.ledger.entries:
        debits += entry.cents
        credits += entry.cents


if __name__ == "__main__":
    main()
