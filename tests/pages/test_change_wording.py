"""Changes in words, in both languages, for every field that a document has."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import streamlit as st

from engine.text import LANGUAGES
from finance.company.scenario import Scenario, sample_scenarios
from finance.scenarios.changes import Change
from pages.parts.scenarios.wording import (
    described_all,
    described_step,
    place_of,
    shown_value,
    shown_values,
)
from tests.finance.companies import EVERYTHING

pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture(params=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    st.session_state["language"] = request.param
    yield request.param
    st.session_state.pop("language", None)


GROUPS = {"plan", "company", "compute", "cluster", "layout", "shape", "serving", "reliability"}
"""Tables that group fields and never change as a whole."""
LETTERS = {"c"}
"""Fields that have a letter as label, as in their formula."""


def speak(language: str) -> None:
    st.session_state["language"] = language


def every_path(value: Any, path: str = "") -> Iterator[str]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, below in value.items():
            yield from every_path(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for position, below in enumerate(value):
            if isinstance(below, dict):
                yield from every_path(below, f"{path}.{position}")


def test_a_change_names_field_and_values(startup: Scenario) -> None:
    old = startup.model_dump(mode="json")
    changed = startup.with_values(
        {"company.cash_usd": "4500000", "company.people.0.people": 3, "plan.tokens": 2 * 10**12}
    )
    title = startup.company.people[0].title
    before = startup.company.people[0].people
    speak("en")
    lines = described_all(old, changed.model_dump(mode="json"))
    assert "Cash in the bank: $2.2M → $4.5M" in lines
    assert f"Role {title} · People: {before} → 3" in lines
    speak("zh_Hans")
    lines = described_all(old, changed.model_dump(mode="json"))
    assert any("US$220万 → US$450万" in line for line in lines)


def test_added_and_removed_entries_have_their_names(startup: Scenario) -> None:
    speak("en")
    people = [person.model_dump(mode="json") for person in startup.company.people]
    cook = {"title": "Cook", "people": 1, "cost_usd_per_month": "3000", "start_month": 30}
    changed = startup.with_values({"company.people": [*people[1:], cook]})
    lines = described_all(startup.model_dump(mode="json"), changed.model_dump(mode="json"))
    assert lines == [f"Removed: Role {people[0]['title']}", "Added: Role Cook"]


def test_values_that_look_equal_show_every_digit() -> None:
    speak("en")
    assert shown_values("company.cash_usd", "5000000.00", "4500000.00") == ["$5M", "$4.5M"]
    assert shown_values("company.cash_usd", "5000000.00", "5000100.00") == [
        "5,000,000.00",
        "5,000,100.00",
    ] or shown_values("company.cash_usd", "5000000.00", "5000100.00") == ["5,000,000", "5,000,100"]
    assert shown_values("company.cash_usd", "5.00", "5.00") == ["$5.00", "$5.00"]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("company.revenue.churn_share_per_month", "0.04", "4%"),
        ("plan.tokens", 3 * 10**12, "3T"),
        ("plan.layout.zero_stage", 1, "1"),
        ("plan.shape.tied_embeddings", True, "yes"),
        ("company.tax", None, "—"),
        ("company.name", "Harbor", "Harbor"),
        ("company.name", "x" * 90, "x" * 59 + "…"),
    ],
)
def test_values_are_written_as_people_write_them(path: str, value: Any, expected: str) -> None:
    speak("en")
    assert shown_value(path, value) == expected


def test_a_step_of_editing_is_one_line(laptop: Scenario) -> None:
    speak("en")
    first = laptop.with_value("plan.tokens", 10**6)
    second = laptop.with_values({"plan.tokens": 10**6, "company.cash_usd": Decimal(7)})
    step = described_step(laptop.model_dump_json(), first.model_dump_json())
    assert re.search(r": 3\.07M → 1M$", step), step
    assert described_step(laptop.model_dump_json(), second.model_dump_json()).endswith(
        "and 1 more change"
    )


def test_every_field_has_words(language: str, laptop: Scenario) -> None:
    everything = laptop.model_dump(mode="json") | {"company": EVERYTHING}
    without = set()
    documents = [Scenario.parse(everything), *sample_scenarios().values()]
    for scenario in documents:
        document = scenario.model_dump(mode="json", exclude={"schema_version", "provenance"})
        for path in every_path(document):
            words = place_of(document, path)
            last = path.rpartition(".")[2]
            of_the_user = ".roles." in path or ".exchange_rates." in path or last.isdigit()
            # A field without a label has its own name as words.
            if not of_the_user and words.rpartition(" · ")[2] == last.replace("_", " "):
                without.add(last)
    assert without <= GROUPS | LETTERS


def test_changes_of_all_kinds_have_words(language: str, startup: Scenario) -> None:
    document = startup.model_dump(mode="json")
    for kind in ("set", "added", "removed", "moved"):
        assert described_all(document, document) == []
        change = Change(kind, "company.people.0", None, None)  # type: ignore[arg-type]
        assert place_of(document, change.path)
