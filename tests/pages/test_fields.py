"""Fields of all kinds: typed text in both languages, refused inputs at the field, units."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.documents import InputError
from engine.text import catalog
from finance.company.company import Company
from finance.company.scenario import Scenario
from finance.costs.people import Role
from finance.costs.spending import DataCost, Spending
from finance.treasury.cash import Tax
from pages.parts.field_errors import FieldError, entry_names
from pages.parts.field_words import allowed_in_words, page_of, place_in_words
from pages.parts.kinds import kind_in_class
from pages.parts.typed_values import parsed, shown
from pages.parts.user_text import escaped_markdown
from tests.pages.test_entries import edited
from tests.pages.test_pages import open_page, refusal, widget


@pytest.mark.parametrize(
    ("document", "name", "style"),
    [
        (Company, "cash_usd", "number"),
        (Company, "first_month", "date"),
        (Company, "horizon_months", "whole"),
        (Company, "name", "text"),
        (Role, "start_month", "month"),
        (Role, "end_month", "month"),
        (Role, "people", "whole"),
        (Role, "function", "choice"),
        (Role, "on_cost_share", "percent"),
        (DataCost, "tokens", "count"),
        (DataCost, "months", "whole"),
        (Spending, "amount_per_month", "number"),
        (Tax, "last_fiscal_month", "calendar_month"),
    ],
)
def test_each_kind_of_field_has_its_style(document: Any, name: str, style: str) -> None:
    assert kind_in_class(document, name).style(name) == style


def test_amounts_in_the_currency_of_their_entry_are_known() -> None:
    assert kind_in_class(Spending, "amount_per_month").is_in_currency("amount_per_month")
    assert not kind_in_class(Company, "cash_usd").is_in_currency("cash_usd")
    assert not kind_in_class(Spending, "share_of_revenue").is_in_currency("share_of_revenue")


@pytest.mark.parametrize(
    ("document", "name", "typed", "value"),
    [
        (Company, "cash_usd", "2.2M", "2200000"),
        (Company, "cash_usd", "220万", "2200000"),
        (Company, "cash_usd", "$2,200,000.50", "2200000.5"),
        (Company, "horizon_months", "1,00", None),
        (Company, "horizon_months", "60", 60),
        (Role, "people", "1.5", None),
        (Role, "people", "", None),
        (Role, "on_cost_share", "12.5 %", "0.125"),
        (Role, "on_cost_share", "12.5", "0.125"),
        (Role, "on_cost_share", "１２．５％", "0.125"),
        (DataCost, "tokens", "3万亿", 3 * 10**12),
        (DataCost, "tokens", "many", None),
        (Spending, "amount_per_month", "5.5k EUR", "5500"),
        (Spending, "amount_per_month", "$5.5k", None),
        (Role, "region", "", ""),
    ],
)
def test_typed_text_is_a_value_or_an_error(
    document: Any, name: str, typed: str, value: Any
) -> None:
    kind = kind_in_class(document, name)
    currency = "EUR" if document is Spending else "USD"
    if value is None:
        with pytest.raises(InputError, match=f"place.{name}"):
            parsed(f"place.{name}", kind, kind.style(name), typed, currency)
    else:
        assert parsed(f"place.{name}", kind, kind.style(name), typed, currency) == value


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize(
    ("document", "name", "value", "text"),
    [
        (Company, "cash_usd", Decimal("2200000.00"), "2,200,000"),
        (Role, "on_cost_share", Decimal("0.2133333"), "21.33333"),
        (Role, "people", 12_000, "12,000"),
        (Spending, "change_share_per_year", Decimal("-0.35"), "-35"),
    ],
)
def test_a_shown_value_is_whole_and_read_back(
    document: Any, name: str, value: Any, text: str, language: str
) -> None:
    kind = kind_in_class(document, name)
    style = kind.style(name)
    assert shown(style, value, language) == text
    assert Decimal(parsed(name, kind, style, text)) == value


def test_an_optional_number_may_be_empty() -> None:
    kind = kind_in_class(Role, "end_month")
    assert parsed("end_month", kind, "whole", " ") is None
    assert shown("whole", None, "en") == ""


def test_places_are_named_in_words() -> None:
    names = {"company.spending.0": "Labelling data"}
    path = "company.spending.0.amount_per_month"
    assert place_in_words(catalog("en"), path, names, with_page=False) == (
        "Labelling data → Fixed amount per month"
    )
    assert place_in_words(catalog("zh_Hans"), path, names, with_page=False) == (
        "Labelling data → 每月固定金额"
    )
    assert place_in_words(catalog("en"), "company.people.2.end_month", {}, with_page=False) == (
        "People 3 → To month"
    )
    assert place_in_words(catalog("en"), "company.cash_usd", {}, with_page=False) == (
        "Cash in the bank"
    )
    line = "company.revenue_lines.1.adoption.growth_share_per_month"
    assert place_in_words(
        catalog("en"), line, {"company.revenue_lines.1": "API"}, with_page=False
    ) == ("API → Customer growth → New per month")


def test_a_page_is_known_for_every_field() -> None:
    for name in Company.model_fields:
        assert page_of(f"company.{name}") is not None
    assert page_of("company.revenue_lines.0.name") == "revenue"
    assert page_of("company.training_events.1.month") == "costs"
    assert page_of("company.cash_usd") == "cash"
    assert page_of("plan.shape.n_layers") == "train"
    assert page_of("name") is None


def test_an_event_of_the_cap_table_is_named_with_its_date() -> None:
    data = {"company": {"capital": {"events": [{"name": "OPT-2", "date": "2028-05-01"}]}}}
    path = "company.capital.events.0.shares"
    assert entry_names(data, path) == {"company.capital.events.0": "OPT-2 (2028-05-01)"}
    error = InputError(path, "600,000", "less_than_equal", limit="580,000")
    assert FieldError(error, "x", names=entry_names(data, path)).in_words(
        catalog("en"), "company.capital.events"
    ) == ("Not accepted because of OPT-2 (2028-05-01) → Shares: must be at most 580,000.")


@pytest.mark.parametrize(
    ("field", "params", "words"),
    [
        ("a.churn_share_per_month", {"limit": 1.0}, "must be at most 100%"),
        ("a.amount_usd", {"limit": 10**13}, "must be at most 10,000,000,000,000"),
        ("a.month", {"limit": 120}, "must be at most 120"),
        ("a.shares", {"limit": "580,000"}, "must be at most 580,000"),
    ],
)
def test_limits_are_in_the_unit_of_the_field(field: str, params: Any, words: str) -> None:
    error = InputError(field, 1, "less_than_equal", **params)
    assert allowed_in_words(catalog("en"), error) == words


BAD = [
    ("cash", "company.cash_usd", "lots", "must be a number", "须为数字"),
    ("cash", "company.cash_usd", "-1", "must be at least 0", "不得小于 0"),
    ("cash", "company.horizon_months", "6", "must be at least 12", "不得小于 12"),
    ("cash", "company.horizon_months", "36.5", "must be a whole number", "须为整数"),
    ("cash", "company.name", "", "must have at least 1 character", "至少 1 个字符"),
    ("cash", "company.interest_on_cash_share_per_year", "150", "at most 100%", "不得大于 100%"),
    ("train", "plan.tokens", "many", "must be a count", "须为数量"),
    ("train", "plan.shape.n_layers", "0", "must be at least 1", "不得小于 1"),
]


@pytest.mark.usefixtures("no_caches")
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize(("page", "path", "typed", "en", "zh"), BAD)
def test_a_refused_input_is_kept_and_explained_at_its_field(
    page: str, path: str, typed: str, en: str, zh: str, language: str
) -> None:
    tab = "money" if "interest" in path else "cash"
    app = open_page(page, language, tabs={"cash": tab})
    before: Scenario = app.session_state["scenario_session"].draft
    value = widget(app, "text_input", path).value
    widget(app, "text_input", path).set_value(typed).run()
    assert not app.exception
    assert widget(app, "text_input", path).value == typed
    assert (en if language == "en" else zh) in refusal(app, path)
    assert app.session_state["scenario_session"].draft == before
    summary = catalog(language)("field_error.summary", n=1)
    assert any(summary in element.value for element in app.markdown)
    name = place_in_words(catalog(language), path, {}, with_page=False)
    assert app.button(key=f"jump.{path}").label == escaped_markdown(name)
    app.button(key="discard_refused").click().run()
    assert widget(app, "text_input", path).value == value
    assert not app.session_state["scenario_session"].errors


@pytest.mark.usefixtures("no_caches")
@pytest.mark.parametrize(("typed", "exact"), [("2.2M", "2,200,000"), ("220万", "2,200,000")])
def test_an_accepted_amount_is_shown_with_its_grouping(typed: str, exact: str) -> None:
    app = open_page("cash")
    widget(app, "text_input", "company.cash_usd").set_value(typed).run()
    assert widget(app, "text_input", "company.cash_usd").value == exact
    assert app.session_state["scenario_session"].draft.company.cash_usd == 2_200_000


@pytest.mark.usefixtures("no_caches")
def test_a_refused_input_is_kept_on_the_way_to_another_page() -> None:
    app = open_page("cash")
    widget(app, "text_input", "company.cash_usd").set_value("lots").run()
    app.switch_page("pages/train.py").run()
    app.switch_page("pages/cash.py").run()
    assert widget(app, "text_input", "company.cash_usd").value == "lots"
    assert "must be a number" in refusal(app, "company.cash_usd")


@pytest.mark.usefixtures("no_caches")
def test_a_month_is_chosen_with_its_calendar_month() -> None:
    app = open_page("revenue")
    launch = widget(app, "selectbox", "company.revenue.launch_month")
    assert launch.options[8] == "9 · 2027-09"
    launch.set_value(9).run()
    assert app.session_state["scenario_session"].draft.company.revenue.launch_month == 9


@pytest.mark.usefixtures("no_caches")
def test_the_line_above_the_page_leads_to_a_field_in_another_tab() -> None:
    app = open_page("costs", scenario="startup-1b", tabs={"costs": "spending"})
    path = "company.payment_days"
    widget(app, "text_input", path).set_value("999").run()
    assert "must be at most 360" in refusal(app, path)
    app.session_state["open_tab.costs"] = "people"
    app.session_state["requested_tab.costs"] = "people"
    app.run()
    assert not any(path in (element.key or "") for element in app.text_input)
    button = app.button(key=f"jump.{path}")
    assert button.label == "Days until payment"
    button.click().run()
    assert widget(app, "text_input", path).value == "999"


@pytest.mark.usefixtures("no_caches")
def test_the_line_above_the_page_leads_to_an_entry_in_its_drawer() -> None:
    app = open_page("costs", scenario="startup-1b", tabs={"costs": "people"})
    path = "company.people.3.people"
    app.button(key="open.company.people.3").click().run()
    widget(app, "text_input", path).set_value("-3").run()
    app.button(key="entry_done").click().run()
    assert app.button(key=f"jump.{path}").label == "Sales · 销售 → People"
    app.button(key=f"jump.{path}").click().run()
    assert widget(app, "text_input", path).value == "-3"
    assert "must be at least 0" in refusal(app, path)


@pytest.mark.usefixtures("no_caches")
def test_the_line_above_another_page_names_the_page_and_leads_there() -> None:
    app = open_page("cash")
    path = "company.cash_usd"
    widget(app, "text_input", path).set_value("lots").run()
    app.switch_page("pages/serving.py").run()
    button = app.button(key=f"jump.{path}")
    assert button.label == "Cash → Cash in the bank"
    button.click().run()
    assert widget(app, "text_input", path).value == "lots"


@pytest.mark.usefixtures("no_caches")
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_exchange_rates_are_fields_that_can_be_added_and_removed(language: str) -> None:
    app = open_page("costs", language, "startup-1b", tabs={"costs": "spending"})
    path = "company.exchange_rates.EUR"
    assert widget(app, "text_input", path).value == "1.08"
    widget(app, "text_input", path).set_value("0").run()
    assert ("must be above 0" if language == "en" else "须大于 0") in refusal(app, path)
    widget(app, "text_input", path).set_value("1.1").run()
    assert company_of(app).exchange_rates["EUR"] == Decimal("1.1")
    app.button(key=f"remove.{path}").click().run()
    assert "Harbor Desk" in refusal(app, path)
    assert "EUR" in company_of(app).exchange_rates
    (added,) = [element for element in app.selectbox if "add.company.exchange_rates" in element.key]
    added.set_value("CNY").run()
    assert company_of(app).exchange_rates["CNY"] == Decimal("0.15031")
    app.button(key="remove.company.exchange_rates.CNY").click().run()
    assert set(company_of(app).exchange_rates) == {"EUR"}


def company_of(app: Any) -> Company:
    company: Company = app.session_state["scenario_session"].draft.company
    return company


UNIT_IN_WORDS = frozenset(
    {
        *("people", "devices", "runs", "customers_at_launch", "months", "research_months"),
        *("payment_days", "days_per_month", "tokens", "cost_usd_per_month", "usd_per_device"),
        *("price_usd_per_device_hour", "usd_per_device_month", "alpha", "beta", "c"),
    }
)
"""Numbers whose label names what is counted, and the three parameters without a unit."""


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_number_has_its_unit_in_its_label(language: str) -> None:
    for document in edited():
        for name in document.model_fields:
            kind = kind_in_class(document, name)
            if not (isinstance(kind.type, type) and issubclass(kind.type, int | Decimal | float)):
                continue
            is_number = kind.style(name) in ("whole", "number", "count", "percent")
            if is_number and name not in UNIT_IN_WORDS and not kind.is_in_currency(name):
                label = catalog(language)(f"entry.{name}.label")
                assert "(" in label or "（" in label, name


@pytest.mark.usefixtures("no_caches")
def test_an_amount_has_the_currency_of_its_entry_in_its_label() -> None:
    app = open_page("costs", scenario="startup-1b", tabs={"costs": "spending"})
    app.button(key="open.company.spending.2").click().run()
    path = "company.spending.2"
    amount = widget(app, "text_input", f"{path}.amount_per_month")
    assert amount.label == "Fixed amount per month (EUR)"
    widget(app, "selectbox", f"{path}.currency").set_value("CNY").run()
    amount = widget(app, "text_input", f"{path}.amount_per_month")
    assert amount.label == "Fixed amount per month (CNY)"
    assert company_of(app).exchange_rates["CNY"] == Decimal("0.15031")
