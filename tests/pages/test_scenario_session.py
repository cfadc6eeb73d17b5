"""What is put on the desk can be worked out; what cannot is refused, and nothing is lost."""

import pytest

from finance.company.scenario import Scenario, sample_scenarios
from finance.company.store import ScenarioStore, StoredScenario
from pages.parts.session import Desk

TOO_MUCH = {
    "company.revenue.customers_at_launch": 10**9,
    "company.revenue.price_usd_per_customer_month": "9000000",
}
"""Each is allowed; together they are more than a company can come to."""


@pytest.fixture
def stored() -> StoredScenario:
    store = ScenarioStore()
    store.ensure(sample_scenarios())
    return store.get("laptop")


def test_an_edit_that_cannot_be_worked_out_is_refused(stored: StoredScenario) -> None:
    desk = Desk(stored, stored.scenario)
    assert not desk.change(TOO_MUCH)
    assert desk.error is not None
    assert str(desk.error).startswith("company.revenue: ")
    assert desk.draft == stored.scenario
    assert not desk.past
    assert ScenarioStore().get("laptop") == stored


def test_a_file_that_cannot_be_worked_out_is_refused(
    stored: StoredScenario, laptop: Scenario
) -> None:
    desk = Desk(stored, stored.scenario)
    desk.import_toml(laptop.with_values(TOO_MUCH).to_toml().encode(), "too-much.toml")
    assert desk.error is not None
    assert desk.draft == stored.scenario
    desk.import_toml(laptop.with_value("name", "Mine").to_toml().encode(), "mine.toml")
    assert desk.error is None
    assert desk.draft.name == "Mine"
