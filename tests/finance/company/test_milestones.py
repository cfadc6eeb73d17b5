"""Test the milestones of a company and their order."""

from finance.company.company import Company
from finance.company.milestones import milestones
from tests.finance.companies import EVERYTHING, SMALL


def test_money_and_runs_are_in_order() -> None:
    found = [
        (milestone.month, milestone.kind, milestone.name)
        for milestone in milestones(Company.parse(EVERYTHING))
    ]
    assert found == [
        (1, "inflow", "Seed"),
        (5, "training", "First"),
        (9, "inflow", "Bridge"),
        (12, "round", ""),
        (13, "loan", "Venture debt"),
        (20, "training", "Second"),
    ]  # the schedule has ten runs, too many for milestones


def test_a_few_scheduled_runs_are_events() -> None:
    schedule = {"first_month": 3, "repeat_every_months": 4}
    company = Company.parse(SMALL | {"training": schedule})
    months = [milestone.month for milestone in milestones(company) if milestone.kind == "training"]
    assert months == [3, 7, 11]


def test_rounds_of_a_cap_table_carry_their_names() -> None:
    series = {"kind": "priced_round", "pre_money": "9000000", "new_money": "1000000",
              "planned": True, "convention": "percentage_ownership"}  # fmt: skip
    events = [
        {"kind": "stock_issue", "date": "2026-02-02", "name": "CS-1", "holder": "Founders",
         "shares": 9_000_000, "price": "0.0001"},
        series | {"date": "2027-03-09", "series": "Seed", "lead": "One"},
        series | {"date": "2030-03-09", "series": "Series A", "lead": "Two"},
    ]  # fmt: skip
    capital = {"opening": {"date": "2026-02-02"}, "events": events}
    company = Company.parse(SMALL | {"equity_round": None, "capital": capital})
    (seed,) = milestones(company)  # the other comes after the last month
    assert (seed.month, seed.kind, seed.name) == (3, "round", "Seed")
