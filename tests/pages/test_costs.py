"""The page Costs and people, and its answer to rent or buy on other pages."""

import pytest
from streamlit.testing.v1 import AppTest

from engine.costs.comparable import terms_prices
from engine.costs.rent_or_buy import PRICE_FACTORS, RESIDUAL_SHARES, rent_or_buy
from engine.forecast import forecast
from engine.reports.rent_or_buy import rent_or_buy_sentence
from engine.text import catalog
from finance.company.scenario import sample_scenarios
from tests.pages.test_pages import open_page

H100 = "H100-80GB"


def texts_of(app: AppTest) -> list[str]:
    return [element.value for element in app.markdown]


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_rent_or_buy_is_one_sentence_on_all_pages(language: str) -> None:
    plan = sample_scenarios()["startup-1b"].plan
    cluster = plan.cluster
    answer = rent_or_buy(H100, (cluster.price_usd_per_device_hour, cluster.price_source))
    assert answer is not None
    sentence = rent_or_buy_sentence(catalog(language), answer)
    costs = open_page("costs", language, "startup-1b", tabs={"costs": "rent_or_buy"})
    assert sentence in texts_of(costs)
    hardware = open_page("cluster", language, "startup-1b", tabs={"cluster": "hardware"})
    hardware.selectbox(key="hardware.buy").set_value(H100).run()
    assert sentence in texts_of(hardware)
    hardware.button(key="open_rent_or_buy").click().run()
    assert hardware.title[0].value == catalog(language)("costs.question")
    assert sentence in texts_of(hardware)


def test_sensitivity_has_a_row_for_each_residual_value() -> None:
    app = open_page("costs", "en", "startup-1b", tabs={"costs": "rent_or_buy"})
    table = app.table[0].value
    assert table.shape == (len(RESIDUAL_SHARES), 1 + len(PRICE_FACTORS))
    assert table.iloc[0, 1 + PRICE_FACTORS.index(1.0)] == "48%"


def test_terms_are_priced_against_the_plans_price() -> None:
    app = open_page("costs", "en", "startup-1b", tabs={"costs": "rent_or_buy"})
    say, plan = catalog("en"), sample_scenarios()["startup-1b"].plan
    predicted = forecast(plan)
    expected = terms_prices(
        H100, plan.cluster.price_usd_per_device_hour, plan.cluster.n_devices,
        predicted.device_hours.value, predicted.wall_clock_hours.value,
    )  # fmt: skip
    (table,) = [
        frame.value for frame in app.dataframe if say("rent_or_buy.ratio") in frame.value.columns
    ]
    assert table[say("rent_or_buy.terms")].tolist() == [
        say(f"option.terms.{price.terms}") for price in expected
    ]
    assert table[say("rent_or_buy.plan_price")].tolist()[0] == "$3.44"
    (yearly,) = [price for price in expected if price.terms == "commitment_1y"]
    assert yearly.paid_device_hours == plan.cluster.n_devices * 8_766
    assert yearly.usd_per_device_hour < float(plan.cluster.price_usd_per_device_hour)
