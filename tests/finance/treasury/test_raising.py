"""Test that a cap table's money is posted once, in the right months, and that errors are found."""

import datetime
from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal

import numpy as np
import pytest

from engine.documents import InputError, read_toml
from finance.books.ledger import Account
from finance.books.trials import Trials
from finance.company.company import Company
from finance.company.monthly_run import Books, run_company
from finance.company.scenario import SAMPLES_DIR, Scenario, sample_scenarios
from tests.finance.companies import EVERYTHING, SMALL, easy_rates
from tests.finance.company.test_monthly_run import check_invariants

D = Decimal
FOUNDING = {
    "kind": "stock_issue", "date": "2026-01-01", "name": "CS-1", "holder": "Ada",
    "shares": 8_000_000, "price": "0.0001",
}  # fmt: skip
SAFE = {
    "kind": "safe", "date": "2027-02-10", "name": "SAFE-1", "holder": "Angel",
    "amount": "300000", "cap": "6000000",
}  # fmt: skip
NOTE = {
    "kind": "note", "date": "2027-03-31", "name": "NOTE-1", "holder": "Bank",
    "amount": "100000", "rate": "0.1", "qualified_amount": "5000000",
    "counted": {"pool": True, "pool_increase": False, "converting": False},
}  # fmt: skip
ROUND = {
    "kind": "priced_round", "date": "2027-06-15", "planned": True, "series": "Seed",
    "pre_money": "8000000", "new_money": "2000000", "lead": "Fund",
    "convention": "percentage_ownership",
}  # fmt: skip
TRANCHE = {
    "kind": "tranche", "date": "2027-09-01", "planned": True, "series": "Seed", "holder": "Fund",
    "amount": "500000", "name": "Seed-2",
}  # fmt: skip
REPAYMENT = {"kind": "repayment", "date": "2028-03-31", "of": "NOTE-1"}
EVENTS = (FOUNDING, SAFE, NOTE, ROUND, TRANCHE, REPAYMENT)


def document(*events: Mapping[str, object], **changes: object) -> dict:
    company = SMALL | {"horizon_months": 24, "equity_round": None} | changes
    opening = {"date": "2026-01-01"}
    return deepcopy(company | {"capital": {"opening": opening, "events": list(events)}})


def books(*events: Mapping[str, object], **options: object) -> Books:
    return run_company(Company.parse(document(*events)), easy_rates(), **options)


def balance_usd(books: Books, account: Account, month: int) -> D:
    """Return the balance of a liability or equity account at the end of a month, in USD."""
    return D(int(books.statements.balance_sheet[account][0, month - 1])) / 100


def test_each_payment_comes_in_the_month_of_its_event() -> None:
    found = books(*EVENTS)
    raised = found.statements.cash_flow["change_in_cash"][0] / 100
    interest = 100_000 * D("0.1") * 366 / 365  # 31 March 2027 to 31 March 2028
    expected = {2: 300_000, 3: 100_000, 6: 2_000_000, 9: 500_000, 15: -100_000 - interest}
    for month in range(1, 25):
        assert raised[month - 1] == pytest.approx(float(expected.get(month, 0)), abs=0.005)
    check_invariants(found)


def test_what_came_before_the_first_month_is_in_the_cash_already() -> None:
    early = SAFE | {"date": "2026-12-31"}
    found = books(FOUNDING, early, ROUND)
    assert not found.statements.cash_flow["change_in_cash"][0, :5].any()


def test_safes_and_notes_are_owed_until_they_convert() -> None:
    found = books(*EVENTS)
    assert [balance_usd(found, Account.CONVERTIBLES, month) for month in (1, 2, 5, 6, 14, 15)] == [
        0, 300_000, 400_000, 100_000, 100_000, 0,
    ]  # fmt: skip
    paid_in = [balance_usd(found, Account.PAID_IN, month) for month in (5, 6, 9)]
    assert paid_in == [1000, 2_301_000, 2_801_000]


def test_without_planned_money_only_what_is_not_planned_comes() -> None:
    found = books(*EVENTS, with_planned_money=False)
    assert balance_usd(found, Account.CONVERTIBLES, 14) == 400_000
    assert balance_usd(found, Account.PAID_IN, 24) == 1000
    check_invariants(found)
    planned_note = NOTE | {"planned": True}
    nothing = books(FOUNDING, planned_note, REPAYMENT, with_planned_money=False)
    assert not nothing.statements.cash_flow["change_in_cash"].any()


def test_a_note_of_before_is_paid_back_from_what_was_paid_in() -> None:
    found = books(FOUNDING, NOTE | {"date": "2026-03-31"}, REPAYMENT)
    assert balance_usd(found, Account.PAID_IN, 15) == 1000 - 100_000
    check_invariants(found)


def test_exercise_and_stock_bring_their_price() -> None:
    pool = {"kind": "pool_increase", "date": "2026-01-01", "shares": 1000}
    grant = {"kind": "option_grant", "date": "2026-02-01", "name": "OPT-1", "holder": "Eve",
             "shares": 1000, "exercise_price": "0.5"}  # fmt: skip
    exercise = {"kind": "exercise", "date": "2027-04-01", "of": "OPT-1", "shares": 400,
                "name": "CS-2"}  # fmt: skip
    stock = FOUNDING | {"date": "2027-05-01", "name": "CS-3", "shares": 100, "price": "0.25"}
    found = books(FOUNDING, pool, grant, exercise, stock)
    change = found.statements.cash_flow["change_in_cash"][0]
    assert (change[3], change[4], change.sum()) == (200_00, 25_00, 225_00)


def test_other_currencies_come_at_both_rates() -> None:
    euros = SAFE | {"currency": "EUR"}
    company = document(FOUNDING, euros, exchange_rates={"GBP": "1.25"})
    company["capital"]["opening"] |= {"currency": "GBP", "rates": {"EUR": "0.8"}}
    found = run_company(Company.parse(company), easy_rates())
    assert balance_usd(found, Account.CONVERTIBLES, 2) == 300_000
    assert Company.parse(company).next_round is None


def test_a_round_s_amount_can_be_drawn() -> None:
    drawn = Trials(3, {"company.capital.events.1.new_money": np.array([1e6, 2e6, 3e6])})
    found = run_company(Company.parse(document(FOUNDING, ROUND)), easy_rates(), drawn)
    cash = found.statements.balance_sheet["cash"][:, 5] / 100
    assert list(cash) == [1_001_000, 2_001_000, 3_001_000]


def test_the_planned_rounds_are_those_to_come() -> None:
    done = ROUND | {"planned": False, "series": "Pre-seed", "date": "2027-03-01"}
    company = Company.parse(document(FOUNDING, done, ROUND))
    (coming,) = company.planned_rounds
    assert (coming.month, coming.amount_usd, coming.pre_money_usd) == (6, 2_000_000, 8_000_000)
    assert company.next_round == coming
    assert Company.parse(SMALL).next_round == Company.parse(SMALL).equity_round


def test_the_sample_has_each_payment_once() -> None:
    company = sample_scenarios()["startup-1b"].company
    found = run_company(company, easy_rates(events=len(company.training_events)))
    flows = found.statements.cash_flow
    assert not flows["convertibles_sold"].any()  # the SAFEs came before the first month
    assert flows["shares_sold"].sum() == 26_000_000_00
    last = company.capital_steps[-1].after
    assert sum(last.ownership().values()) + last.pool / last.fully_diluted == 1


@pytest.fixture
def sample() -> Scenario:
    return read_toml(SAMPLES_DIR / "startup-1b.toml", Scenario)


BEFORE = datetime.date(2026, 1, 1)
BAD = [
    ("events.0.shares", -5, ("shares", "-5", "above 0")),
    ("events.3.cap", "400000", ("events.3", "cap", "400000", "500,000")),
    ("events.2.shares", "1000000000000000000", ("shares", "1000000000000000000")),
    ("events.6.pool.value", "1.2", ("pool", "value", "1.2", "below 1")),
    ("events.6.pool.value", "0.9", ("events.6.pre_money", "no price solves")),
    ("events.6.new_money", "1000000000000000000", ("new_money", "10000000000000")),
    ("events.6.date", "2026-01-01", ("events.6.date", "2026-01-01", "2026-11-20")),
    ("events.6.currency", "EUR", ("events.6.currency", "EUR", "rate")),
    ("events.6.pro_rata", ["Nobody"], ("events.6", "Nobody")),
    ("opening.currency", "EUR", ("EUR", "rate")),
]


@pytest.mark.parametrize(("path", "value", "parts"), BAD)
def test_bad_input_is_one_line(
    sample: Scenario, path: str, value: object, parts: tuple[str, ...]
) -> None:
    before = sample.content_hash
    with pytest.raises(InputError) as caught:
        sample.with_value(f"company.capital.{path}", value)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("company.capital.")
    assert all(part in line for part in parts), line
    assert caught.value.in_language("zh_Hans") != line
    assert sample.content_hash == before


def test_a_conversion_without_a_price_is_refused(sample: Scenario) -> None:
    """Refuse to convert a SAFE that has no price, and a SAFE that elects its own terms."""
    events = sample.model_dump(mode="json")["company"]["capital"]["events"]
    open_safe = {"kind": "safe", "date": "2026-12-01", "name": "SAFE-3", "holder": "Late",
                 "amount": "100000", "mfn": True}  # fmt: skip
    no_price = {"kind": "stated_conversion", "date": "2026-12-02", "of": "SAFE-3"}
    circle = {"kind": "mfn_election", "date": "2026-12-02", "safe": "SAFE-3", "of": "SAFE-3"}
    for wrong, field in ((no_price, "events.7"), (circle, "events.7.of")):
        changed = [*events[:6], open_safe, wrong, *events[6:]]
        with pytest.raises(InputError) as caught:
            sample.with_value("company.capital.events", changed)
        assert str(caught.value).startswith(f"company.capital.{field}"), caught.value


def test_caps_that_sell_the_whole_company_are_refused(sample: Scenario) -> None:
    """Two post-money caps that each sell most of the company leave nothing for the founders."""
    changes = {f"company.capital.events.{i}.cap": "2000000" for i in (3, 5)}
    with pytest.raises(InputError, match="less than the whole company"):
        sample.with_values(changes)


def test_money_that_is_entered_twice_is_refused() -> None:
    both = document(FOUNDING, ROUND, equity_round=SMALL["equity_round"])
    with pytest.raises(InputError, match=r"^equity_round: 500.00 .*capital\.events"):
        Company.parse(both)
    inflow = document(FOUNDING, ROUND, inflows=EVERYTHING["inflows"])
    with pytest.raises(InputError, match=r"^inflows\.0\.kind: safe .*capital\.events"):
        Company.parse(inflow)
    debt = {"name": "Bridge", "month": 2, "amount_usd": "10.00", "kind": "debt"}
    Company.parse(document(FOUNDING, ROUND, inflows=[debt]))


def test_a_company_needs_one_or_the_other() -> None:
    with pytest.raises(InputError, match=r"^equity_round: no value .*required"):
        Company.parse(SMALL | {"equity_round": None})
