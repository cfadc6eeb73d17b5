"""Figures of the cap table and form values of events, as the page Funding shows them."""

import datetime
import json
from fractions import Fraction

import pytest

from engine.documents import InputError, read_toml
from engine.paths import DATA_DIR
from engine.text import catalog
from finance.capital.history import Capital, history
from finance.capital.instruments import Counted
from finance.company.scenario import Scenario, sample_scenarios
from finance.funding.event_entries import event_from_form, form_value, new_date, new_name
from finance.funding.ownership import Names, names_in
from finance.funding.rounds import Funding, from_table, funding, with_event, without_event
from finance.metrics.projection import project_scenario

SAFE = {
    "kind": "safe", "date": "2027-05-01", "planned": True, "name": "SAFE-3", "holder": "Late",
    "amount": "250000", "cap": "12000000",
}  # fmt: skip


@pytest.fixture(scope="module")
def startup() -> Scenario:
    return sample_scenarios()["startup-1b"]


@pytest.fixture(scope="module")
def seen(startup: Scenario) -> Funding:
    return funding(startup.company, Names())


def test_the_founders_figures(seen: Funding) -> None:
    assert seen.is_own
    assert seen.founders == {"Wen Lan · 文岚", "Jonas Rey"}
    assert seen.founders_share(seen.today) == Fraction(8, 9)
    coming = seen.next_round
    assert coming is not None
    assert coming.deal.series == "Seed"
    after = seen.founders_share(coming.step.after)
    assert after == Fraction(8, 9) * (1 - coming.dilution.total)
    assert [priced_round.deal.series for priced_round in seen.rounds] == ["Seed", "Series A"]
    assert seen.founders_share(seen.last) < after


def test_money_of_investors_without_the_founders(seen: Funding) -> None:
    assert seen.raised(planned=False) == 2_300_000
    assert seen.raised(planned=True) == 26_000_000
    assert len(seen.payments) == 4


def test_an_event_goes_after_those_of_its_day(startup: Scenario, seen: Funding) -> None:
    changed = startup.with_values(with_event(seen.capital, SAFE))
    events = changed.company.capital.events
    assert [event.name for event in events if event.kind == "safe"] == [
        "SAFE-1",
        "SAFE-2",
        "SAFE-3",
    ]
    assert list(events) == sorted(events, key=lambda event: event.date)
    back = without_event(changed.company.capital, events.index(_named(events, "SAFE-3")))
    assert startup.with_values(back) == startup


def test_an_edit_stays_in_its_place_unless_its_day_moves(seen: Funding) -> None:
    first = json.loads(seen.capital.events[0].model_dump_json()) | {"shares": "5000000"}
    events = with_event(seen.capital, first, 0)["company.capital"]["events"]
    assert events[0] == first
    later = first | {"date": "2026-04-15"}
    events = with_event(seen.capital, later, 0)["company.capital"]["events"]
    assert events.index(later) == 3  # after the SAFE of that day


def test_a_scenario_without_a_cap_table_gets_its_own(startup: Scenario) -> None:
    laptop = sample_scenarios()["laptop"]
    simple = funding(laptop.company, Names())
    assert not simple.is_own
    changed = laptop.with_values(with_event(simple.capital, SAFE))
    assert changed.company.equity_round is None
    assert changed.company.next_round == laptop.company.next_round


def test_a_table_from_elsewhere_keeps_the_rounds_to_come(startup: Scenario, seen: Funding) -> None:
    """The opening is the sample lab's table, with its euro note at the company's rate."""
    lab = read_toml(DATA_DIR / "capital" / "lab.toml", Capital)
    table = funding_of(lab).steps[8].after.changed(rates={})
    assert [note.currency for note in table.notes] == ["EUR"]
    changed = startup.with_values(from_table(startup.company, seen.capital, table))
    company = changed.company
    assert company.capital.opening.rates == startup.company.exchange_rates
    assert [event.series for event in company.capital.events] == ["Seed", "Series A"]
    assert company.capital.events[0].pro_rata == ()
    assert company.capital.events[1].pro_rata == ("Lighthouse Ventures",)
    assert "Accelerator" in company.capital_steps[-1].after.ownership()


def test_an_opening_alone_has_figures_too() -> None:
    lab = read_toml(DATA_DIR / "capital" / "lab.toml", Capital)
    alone = funding_of(Capital(opening=funding_of(lab).last))
    assert alone.next_round is None
    assert alone.today == alone.last
    assert alone.founders == {"Ada", "Lin"}
    assert alone.raised(planned=False) == 0


def funding_of(capital: Capital) -> Funding:
    return Funding(capital, history(capital), True)


def _named(events, name: str):
    return next(event for event in events if getattr(event, "name", None) == name)


@pytest.mark.parametrize(
    ("kind", "typed", "meant"),
    [
        ("amount", "6M", "6000000"),
        ("amount", "600万", "6000000"),
        ("amount", "1,250,000.55", "1250000.55"),
        ("amount", "many", "many"),
        ("amount", "", None),
        ("percent", "20", "0.2"),
        ("percent", "7.5%", "0.075"),
        ("percent", "some", "some"),
        ("price", "0.0001", "0.0001"),
        ("months", "48", 48),
        ("months", "four", "four"),
        ("date", datetime.date(2027, 1, 2), "2027-01-02"),
        ("date", None, None),
    ],
)
def test_what_is_typed_is_meant(kind: str, typed: object, meant: object) -> None:
    found = event_from_form({"kind": "safe", "x": "before"}, {"x": (kind, typed)})
    assert found.get("x") == meant


def test_every_event_of_the_samples_is_shown_and_entered_unchanged(startup: Scenario) -> None:
    """The values that the fields show give the same event, to the last digit."""
    lab = read_toml(DATA_DIR / "capital" / "lab.toml", Capital)
    kinds = {
        "amount": ("amount", "cap", "pre_money", "new_money", "shares", "qualified_amount"),
        "price": ("price", "exercise_price", "liquidation_multiple", "repayment_multiple"),
        "percent": ("discount", "rate", "pool.value"),
        "date": ("date", "maturity", "expires"),
        "choice": ("counted", "convention", "pool.basis", "rank", "protection"),
        "months": ("vesting.months", "vesting.cliff_months"),
    }
    for capital in (lab, startup.company.capital):
        for event in capital.events:
            there = json.loads(event.model_dump_json())
            typed = {
                name: (kind, form_value(there, name, kind))
                for kind, names in kinds.items()
                for name in names
                if name.split(".")[0] in there
            }
            assert type(event).parse(event_from_form(there, typed)) == event


def test_parts_that_are_emptied_go(startup: Scenario) -> None:
    event = startup.company.capital.events[6]
    there = json.loads(event.model_dump_json())
    assert event_from_form(there, {"pool.basis": ("choice", "none")})["pool"] is None
    assert event_from_form(there, {"pool.value": ("percent", "")})["pool"] is None
    stock = json.loads(startup.company.capital.events[0].model_dump_json())
    assert event_from_form(stock, {"vesting.months": ("months", "0")})["vesting"] is None
    more = {"pool.basis": ("choice", "increase"), "pool.value": ("percent", "300K")}
    pool = type(event).parse(event_from_form(there, more)).pool
    assert (pool.basis, pool.value) == ("increase", 300_000)


def test_a_new_vesting_starts_with_its_event() -> None:
    typed = {
        "date": ("date", datetime.date(2027, 3, 1)),
        "vesting.months": ("months", "36"),
        "vesting.cliff_months": ("months", "6"),
    }
    vesting = event_from_form({"kind": "stock_issue"}, typed)["vesting"]
    assert vesting == {"months": 36, "cliff_months": 6, "start": "2027-03-01"}


def test_what_a_cap_counts_otherwise_is_kept() -> None:
    own = Counted(pool=False, pool_increase=True, converting=True).model_dump()
    event = SAFE | {"counted": own}
    assert form_value(event, "counted", "choice") == "other"
    assert event_from_form(event, {"counted": ("choice", "other")})["counted"] == own
    assert (
        event_from_form(event, {"counted": ("choice", "pre_money")})["counted"]["converting"]
        is False
    )


def test_new_names_are_free(seen: Funding) -> None:
    assert new_name(Names(), seen.capital, "safe", "name") == "SAFE-3"
    assert new_name(Names(), seen.capital, "note", "name") == "NOTE-1"
    assert new_name(Names(), seen.capital, "priced_round", "series") == "Series B"
    assert new_name(Names(), seen.capital, "tranche", "series") == "Series A"


def test_the_first_round_is_the_seed() -> None:
    empty = Capital.parse({"opening": {"date": "2026-01-01"}})
    names = [
        new_name(names_in(catalog(lang)), empty, "priced_round", "series")
        for lang in ("en", "zh_Hans")
    ]
    assert names == ["Seed", "种子轮"]


@pytest.mark.parametrize(
    ("events", "proposed"),
    [
        ([], "2027-01-01"),  # nothing: the first day of the plan
        (["2026-03-04"], "2027-01-01"),  # events before the plan only
        (["2026-03-04", "2027-01-31"], "2027-02-01"),  # a calendar month later, not 30 days
        (["2028-02-29"], "2028-03-01"),
        (["2029-12-15"], "2029-12-15"),  # the last month of the plan
        (["2033-05-05"], "2033-05-05"),  # after the plan: events keep their order
    ],
)
def test_a_new_event_lies_in_the_plan(events: list[str], proposed: str) -> None:
    pools = [{"kind": "pool_increase", "date": day, "shares": 1} for day in events]
    capital = Capital.parse({"opening": {"date": "2026-01-01"}, "events": pools})
    found = new_date(capital, datetime.date(2027, 1, 1), 36)
    assert found.isoformat() == proposed


def test_a_first_event_lies_on_the_first_day() -> None:
    """An empty table that opens on the first day of the plan does not count as an event."""
    capital = Capital.parse({"opening": {"date": "2027-01-01"}})
    first = datetime.date(2027, 1, 1)
    assert new_date(capital, first, 36) == first


STOCK = {
    "kind": "stock_issue", "date": "2026-02-01", "name": "CS-1", "holder": "Ada",
    "shares": 8_000_000, "price": "0",
}  # fmt: skip
EARLY_ROUND = {
    "kind": "priced_round", "date": "2026-08-01", "planned": True, "series": "Seed",
    "pre_money": "16000000", "new_money": "4000000", "lead": "Fund",
    "convention": "percentage_ownership",
}  # fmt: skip


def test_an_event_before_the_first_month_counts_as_done(startup: Scenario) -> None:
    """Its money is assumed in the opening cash: all pages say that no round is planned."""
    capital = {"opening": {"date": "2026-01-01"}, "events": [STOCK, EARLY_ROUND]}
    early = startup.with_values({"company.capital": capital})
    plan = funding(early.company, Names())
    assert plan.next_round is None
    assert early.company.next_round is None
    assert (plan.raised(planned=True), plan.raised(planned=False)) == (0, 4_000_000)
    assert plan.founders_share(plan.today) == plan.founders_share(plan.last)
    assert [step.event.kind for step in plan.in_opening_cash] == ["priced_round"]
    months = project_scenario(early).months
    assert sum(month.equity_usd for month in months) == 0
    later = startup.with_values(
        {"company.capital": capital | {"events": [STOCK, EARLY_ROUND | {"date": "2027-01-01"}]}}
    )
    in_plan = funding(later.company, Names())
    assert in_plan.next_round is not None
    assert in_plan.raised(planned=True) == 4_000_000
    assert in_plan.in_opening_cash == []


def test_a_refused_event_names_its_place(startup: Scenario, seen: Funding) -> None:
    wrong = SAFE | {"cap": "100000"}
    with pytest.raises(InputError, match=r"^company\.capital\.events\.6\..*cap: 100000"):
        startup.with_values(with_event(seen.capital, wrong))


@pytest.mark.parametrize(
    ("amount", "series"),
    [("150000", "Pre-seed"), ("3700000", "Seed"), ("7000000", "Seed"), ("12000000", "Series A")],
)
def test_a_first_round_is_named_by_its_size(laptop: Scenario, amount: str, series: str) -> None:
    company = laptop.company.with_value("equity_round.amount_usd", amount)
    (planned,) = funding(company, Names()).rounds
    assert planned.deal.series == series
