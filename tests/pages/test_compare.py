"""The page Compare: differences first, then outcomes and overlaid charts."""

import pytest

from finance.company.scenario import Scenario, sample_scenarios
from finance.scenarios.store import ScenarioStore
from tests.pages.test_pages import open_page, widget

pytestmark = pytest.mark.usefixtures("no_caches")


@pytest.fixture
def stored(startup: Scenario) -> str:
    """Return the id of a copy of the start-up with another price, another role and more cash."""
    people = [role.model_dump(mode="json") for role in startup.company.people]
    people.insert(1, {"title": "Lawyer", "people": 1, "cost_usd_per_month": "7000"})
    copy = startup.with_values(
        {
            "name": "Copy",
            "company.cash_usd": "3000000",
            "plan.cluster.price_usd_per_device_hour": "2.50",
            "company.people": people,
        }
    )
    store = ScenarioStore()
    store.ensure(sample_scenarios())
    return store.create(copy).id


def choice(app):
    return next(box for box in app.multiselect if (box.key or "").startswith("compare.chosen"))


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_differences_then_outcomes_then_charts(stored: str, language: str) -> None:
    app = open_page("compare", language, "startup-1b")
    assert not app.get("plotly_chart")
    assert app.info  # the empty state says what to do
    choice(app).set_value(["draft", stored]).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 3
    differing, outcomes = (frame.value for frame in app.dataframe)
    assert len(differing) == 3
    cells = set(differing.to_numpy().ravel())
    assert {"2,200,000", "3,000,000", "3.44", "2.5", "Lawyer"} <= cells
    assert len(outcomes) >= 15


def test_the_best_of_a_row_is_marked(stored: str) -> None:
    app = open_page("compare", scenario="startup-1b")
    choice(app).set_value(["draft", stored]).run()
    outcomes = app.dataframe[-1].value.set_index("Figure")
    runway = outcomes.loc["Runway without planned money"].tolist()
    assert [" ●" in cell for cell in runway] == [False, True]


def test_an_edited_draft_is_compared_with_its_saved_version() -> None:
    app = open_page("cash", scenario="startup-1b")
    widget(app, "text_input", "company.cash_usd").set_value("4000000").run()
    app.switch_page("pages/compare.py").run()
    assert not app.exception
    assert choice(app).value == ["startup-1b@1", "draft"]
    assert {"2,200,000", "4,000,000"} <= set(app.dataframe[0].value.to_numpy().ravel())


def test_at_most_four_can_be_chosen(stored: str) -> None:
    app = open_page("compare", scenario="startup-1b")
    assert choice(app).proto.max_selections == 4


def test_equal_scenarios_say_so() -> None:
    app = open_page("compare", scenario="startup-1b")
    choice(app).set_value(["draft", "startup-1b@1"]).run()
    assert any("All inputs are equal" in box.value for box in app.info)
