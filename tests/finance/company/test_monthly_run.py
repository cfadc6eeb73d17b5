"""Test invariants of whole companies in each month of each trial, and the effect of draws."""

import dataclasses
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.documents import InputError
from finance.books.ledger import Account
from finance.books.trials import Trials
from finance.company.company import Company
from finance.company.monthly_run import Books, run_company, run_company_both_ways
from finance.company.scenario import Scenario
from finance.compute.rates import ComputeRates
from tests.finance.companies import EVERYTHING, SMALL, easy_rates

TABLES = ("revenue_lines", "training_events", "data", "people", "spending", "inflows", "loans")


@st.composite
def companies(draw: st.DrawFn) -> dict:
    """Draw a company with some of the tables of ``EVERYTHING`` and some other numbers."""
    document = deepcopy(EVERYTHING)
    for name in TABLES:
        document[name] = [entry for entry in document[name] if draw(st.booleans())]
    contracts = document["compute"]["contracts"]
    document["compute"]["contracts"] = [contract for contract in contracts if draw(st.booleans())]
    for name in ("revenue", "training", "tax"):
        if draw(st.booleans()):
            document[name] = None
    document["horizon_months"] = draw(st.integers(12, 40))
    document["first_month"] = f"2027-{draw(st.integers(1, 12)):02}-01"
    document["payment_days"] = draw(st.sampled_from([0, 17, 30, 75]))
    document["compute"]["payment_days"] = draw(st.sampled_from([0, 45]))
    document["cash_usd"] = str(draw(st.decimals(0, 10**7, places=2)))
    for line in document["revenue_lines"]:
        line["payment_days"] = draw(st.sampled_from([0, 13, 60, 95]))
        line["launch_month"] = draw(st.integers(1, 20))
    return document


def check_invariants(books: Books) -> None:
    """Check the invariants of the statements for every month and trial."""
    found = books.statements
    sheet, flow = found.balance_sheet, found.cash_flow
    assert (sheet["total_assets"] == sheet["total_liabilities"] + sheet["total_equity"]).all()
    opening = books.ledger.opening[Account.CASH]
    assert (np.cumsum(flow["change_in_cash"], axis=1) + opening == sheet["cash"]).all()
    assert (sum(found.operating_cash.values()) == flow["operating_cash"]).all()
    received, paid = (
        sum(entry.cents for entry in books.ledger.entries if getattr(entry, side) is Account.CASH)
        for side in ("debit", "credit")
    )
    assert (received - paid == flow["change_in_cash"]).all()
    for account in ("deferred_revenue", "receivables", "payables", "deferred_grants",
                    "deferred_credits", "prepaid_compute", "compute_credits", "right_of_use",
                    "lease_liability", "debt", "deposits", "equipment", "tax_payable",
                    "grants_receivable"):  # fmt: skip
        assert (sheet[account] >= 0).all(), account
    assert (sheet["equipment"] + sheet["accumulated_depreciation"] >= 0).all()
    for account in Account:
        if account.kind == "expense" and account is not Account.INCOME_TAX:
            assert (found.income[account] >= 0).all(), account


def rates_for(company: Company) -> ComputeRates:
    return easy_rates(run_usd=37.3, events=len(company.training_events))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(companies())
def test_the_books_balance(document: dict) -> None:
    company = Company.parse(document)
    check_invariants(run_company(company, rates_for(company)))


N = 6
DRAWN = {
    "company.revenue.growth_share_per_month": (0.0, 0.1),
    "company.revenue_lines.0.adoption.imitation_per_year": (0.2, 1.0),
    "company.revenue_lines.0.retention.alpha": (0.3, 2.0),
    "company.revenue_lines.0.prices.change_share_per_year": (-0.6, 0.1),
    "company.revenue_lines.1.adoption.growth_per_year": (0.5, 2.0),
    "company.revenue_lines.1.plans.0.yearly_share": (0.0, 1.0),
    "company.revenue_lines.1.conversion_share_per_month": (0.0, 0.05),
    "company.revenue_lines.2.renewal_share": (0.5, 1.0),
    "company.revenue_lines.3.licence_price": (1e4, 1e5),
    "company.revenue_lines.5.change_share_per_year": (-0.3, 0.3),
    "company.compute.on_demand_change_share_per_year": (-0.4, 0.1),
    "company.compute.contracts.1.price_usd_per_device_hour": (0.5, 2.0),
    "company.compute.contracts.2.usd_per_device_month": (500.0, 2000.0),
    "company.compute.contracts.4.interest_share_per_year": (0.0, 0.2),
    "company.training_events.0.research_share": (0.0, 3.0),
    "company.people.1.on_cost_share": (0.1, 0.5),
    "company.spending.0.amount_per_new_customer": (0.0, 50.0),
    "company.loans.0.interest_share_per_year": (0.0, 0.3),
    "company.equity_round.amount_usd": (1e6, 9e6),
    "company.tax.income_share": (0.1, 0.4),
    "company.interest_on_cash_share_per_year": (0.0, 0.06),
}


def draw_trials(seed: int) -> Trials:
    rng = np.random.default_rng(seed)
    return Trials(N, {path: rng.uniform(low, high, N) for path, (low, high) in DRAWN.items()})


def draw_rates(seed: int) -> ComputeRates:
    rng = np.random.default_rng(seed)
    rates = easy_rates()
    run = dataclasses.replace(
        rates.run, usd=rng.uniform(5, 50, (N, 1)), device_hours=rng.uniform(2, 9, (N, 1))
    )
    return dataclasses.replace(rates, run=run, events=(run, run))


def rates_of_trial(rates: ComputeRates, trial: int) -> ComputeRates:
    row = slice(trial, trial + 1)
    run = dataclasses.replace(
        rates.run, usd=rates.run.usd[row], device_hours=rates.run.device_hours[row]
    )
    return dataclasses.replace(rates, run=run, events=(run, run))


@pytest.fixture(scope="module")
def everything() -> Company:
    return Company.parse(EVERYTHING)


@pytest.mark.parametrize("seed", range(3))
def test_a_trial_among_many_is_what_it_is_alone(everything: Company, seed: int) -> None:
    trials, rates = draw_trials(seed), draw_rates(seed)
    together = run_company(everything, rates, trials)
    check_invariants(together)
    for trial in range(N):
        drawn = {path: values[trial : trial + 1] for path, values in trials.drawn.items()}
        alone = run_company(everything, rates_of_trial(rates, trial), Trials(1, drawn))
        for statement in ("income", "cash_flow", "balance_sheet"):
            lines = getattr(alone.statements, statement)
            for name, cents in getattr(together.statements, statement).items():
                row = cents[trial if cents.shape[0] > 1 else 0]
                assert (row == lines[name][0]).all(), (trial, name)


def test_the_same_company_comes_to_the_same_again(everything: Company) -> None:
    first, second = (run_company(everything, rates_for(everything)) for _ in range(2))
    assert [entry.cents.tobytes() for entry in first.ledger.entries] == [
        entry.cents.tobytes() for entry in second.ledger.entries
    ]


def test_a_draw_equal_to_the_document_changes_nothing(everything: Company) -> None:
    path = "company.revenue_lines.0.price_per_million_output_tokens"
    price = float(everything.revenue_lines[0].price_per_million_output_tokens)
    drawn = run_company(everything, rates_for(everything), Trials(2, {path: np.full(2, price)}))
    plain = run_company(everything, rates_for(everything)).statements.income["net_profit"]
    assert (drawn.statements.income["net_profit"] == plain).all()


def test_a_number_can_be_drawn_for_each_month() -> None:
    company = Company.parse(SMALL | {"other_costs_usd_per_month": "1.00"})
    paid = np.arange(24, dtype=float).reshape(2, 12)
    books = run_company(
        company, easy_rates(), Trials(2, {"company.other_costs_usd_per_month": paid})
    )
    assert (books.statements.income["other_costs"] == paid * 100).all()


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        ({"company.revenue.churn": np.zeros(2)}, "drawn: company.revenue.churn"),
        ({"company.equity_round.month": np.zeros(2)}, "drawn: company.equity_round.month"),
        ({"company.equity_round.amount_usd": np.zeros(3)}, "for each of 2 trials"),
        (
            {"company.revenue_lines.0.retention.alpha": np.ones((2, 60))},
            "company.revenue_lines.0.retention.alpha",
        ),
    ],
)
def test_draws_of_nothing_are_refused(
    everything: Company, drawn: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_company(everything, rates_for(everything), Trials(2, drawn))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"revenue_lines": [{"kind": "api"}]}, r"revenue_lines\.0\.kind: api .* 'api_tokens', "),
        ({"revenue_lines": [EVERYTHING["revenue_lines"][0] | {"launch_month": 0}]},
         r"^company\.revenue_lines\.0\.launch_month: 0 .* at least 1"),
        ({"exchange_rates": {}}, r"company\.revenue_lines\.1\.currency: EUR .* rate to USD"),
        ({"exchange_rates": {"EUR": "0"}}, "exchange_rates.EUR: 0"),
        ({"horizon_months": 121}, "horizon_months: 121 .* at most 120"),
        ({"horizon_months": 11}, "horizon_months: 11 .* at least 12"),
        ({"cash_usd": "1e18"}, r"cash_usd: .* at most 10000000000000"),
        ({"people": [{"title": "x", "people": 1, "cost_usd_per_month": "1", "start_month": 5,
                      "end_month": 4}]}, r"people\.0\.end_month: 4 .* at least 5"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        Company.parse(EVERYTHING | changes, where="company")
    assert len(str(refused.value).splitlines()) == 1


def test_amounts_that_no_company_has_are_refused_with_their_line(everything: Company) -> None:
    path = "company.revenue_lines.0.price_per_million_output_tokens"
    with pytest.raises(InputError, match=r"company\.revenue_lines\.0: .* at most 10000000000000"):
        run_company(everything, rates_for(everything), Trials(1, {path: np.array([1e12])}))


def test_both_ways_equal_two_runs(startup: Scenario) -> None:
    everything = Company.parse(EVERYTHING)
    for company, rates in (
        (startup.company, easy_rates(events=len(startup.company.training_events))),
        (everything, easy_rates(events=len(everything.training_events))),
    ):
        both = run_company_both_ways(company, rates)
        for books, with_planned_money in zip(both, (True, False), strict=True):
            alone = run_company(company, rates, with_planned_money=with_planned_money)
            assert [str(entry) for entry in books.ledger.entries] == [
                str(entry) for entry in alone.ledger.entries
            ]
            for name, cents in alone.statements.balance_sheet.items():
                assert (books.statements.balance_sheet[name] == cents).all(), name
