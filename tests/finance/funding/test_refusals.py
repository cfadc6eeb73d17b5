"""Refused changes in words, and rounds that move other events."""

import json

import pytest

from engine.documents import InputError
from engine.text import catalog
from finance.capital.events import PricedRound
from finance.company.scenario import Scenario
from finance.funding.refusals import field_label, refusal
from finance.funding.rounds import Changes, with_event, with_moved_round, without_event


def refused(scenario: Scenario, changes: Changes, language: str = "en"):
    with pytest.raises(InputError) as error:
        scenario.with_values(changes)
    return refusal(catalog(language), error.value, changes["company.capital"]["events"])


def test_a_removed_round_leaves_too_few_options(startup: Scenario) -> None:
    table = startup.company.capital
    assert table is not None
    found = refused(startup, without_event(table, 6))
    assert found.sentence == "OPT-2 (2028-05) grants 600,000 options, the pool would have 580,000"
    assert found.place == 6
    assert found.field == "shares"
    chinese = refused(startup, without_event(table, 6), "zh_Hans")
    assert "OPT-2（2028-05）" in chinese.sentence
    assert "580,000" in chinese.sentence


def test_a_bad_field_has_its_label_and_plain_numbers(startup: Scenario) -> None:
    table = startup.company.capital
    assert table is not None
    safe = json.loads(table.events[3].model_dump_json()) | {"cap": "400000"}
    found = refused(startup, with_event(table, safe, 3))
    assert (found.place, found.field) == (3, "cap")
    assert found.at_field == ("400,000 is not allowed: must be above the 500,000 raised under it")
    assert found.sentence.startswith("SAFE-1 (2026-04), Valuation cap: 400,000")


def test_a_missing_value_is_said_to_be_required(startup: Scenario) -> None:
    table = startup.company.capital
    assert table is not None
    safe = json.loads(table.events[3].model_dump_json())
    del safe["holder"]
    found = refused(startup, with_event(table, safe, 3))
    assert (found.field, found.at_field) == ("holder", "this field is required")


def test_an_event_without_a_name_has_its_kind(startup: Scenario) -> None:
    table = startup.company.capital
    assert table is not None
    early = {"kind": "repayment", "date": "2026-05-01", "of": "NOTE-9"}
    found = refused(startup, with_event(table, early))
    assert found.sentence == (
        "Repayment (2026-05) needs NOTE-9, which would not be on the cap table at that date"
    )


def test_an_error_elsewhere_keeps_its_line() -> None:
    error = InputError("company.cash_usd", "-1", "greater_than_equal", limit=0)
    found = refusal(catalog("en"), error, ())
    assert found.place is None
    assert found.sentence == str(error)


@pytest.mark.parametrize(
    ("field", "label"),
    [("cap", "Valuation cap"), ("pool.value", "Pool: % or shares"), ("others.0.amount", "Amount"),
     ("pro_rata.1", "Holders who use their pro rata right"), ("unheard", "unheard")],
)  # fmt: skip
def test_labels_of_fields(field: str, label: str) -> None:
    assert field_label(catalog("en"), field) == label


def test_events_that_follow_a_round_move_with_it(startup: Scenario) -> None:
    """The options that the Seed's pool allows are granted after it, whenever it comes."""
    table = startup.company.capital
    assert table is not None
    seed = table.events[6]
    assert isinstance(seed, PricedRound)
    later = seed.model_copy(update={"date": seed.date.replace(month=6)})
    moved = startup.with_values(with_moved_round(table, later, 6)).company.capital
    assert moved is not None
    names = [getattr(event, "series", getattr(event, "name", "")) for event in moved.events[6:]]
    assert names == ["Seed", "OPT-2", "Series A"]
    assert [event.date.isoformat() for event in moved.events[6:]] == [
        "2028-06-15", "2028-06-15", "2029-09-15",
    ]  # fmt: skip
    earlier = seed.model_copy(update={"date": seed.date.replace(year=2027)})
    first = startup.with_values(with_moved_round(table, earlier, 6)).company.capital
    assert first is not None
    assert first.events[6].date.isoformat() == "2027-02-15"
    assert first.events[7] == table.events[7]
