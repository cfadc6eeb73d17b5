"""Answers become scenarios that fit, project, are read back, and hold nothing unanswered."""

from __future__ import annotations

import datetime
import itertools
import tomllib
from decimal import Decimal
from typing import Any, get_args

import pytest

from engine.documents import InputError
from engine.forecast import forecast
from engine.paths import home_dir
from engine.text import LANGUAGES, catalog
from finance.company.provenance import origin_of
from finance.company.scenario import Scenario
from finance.metrics.projection import project_scenario
from finance.start.answers import Product, StartAnswers, Way
from finance.start.build import Started, empty_scenario, start_company
from finance.start.defaults import countries
from finance.start.kept_answers import forget_answers, keep_answers, kept_answers
from finance.verdict.checks import Status, checks

FIRST = datetime.date(2027, 1, 1)
TODAY = datetime.date(2026, 11, 30)
PRODUCTS = get_args(Product)


def started(language: str = "en", **answers: Any) -> Started:
    data = {"name": "LexBridge", "first_month": FIRST} | answers
    return start_company(StartAnswers.parse(data), catalog(language), TODAY)


def read_back(scenario: Scenario) -> Scenario:
    return Scenario.parse(tomllib.loads(scenario.to_toml()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_each_template_fits_projects_and_is_read_back(product: str, language: str) -> None:
    made = started(language, product=product)
    assert made.forecast.fits
    assert read_back(made.scenario) == made.scenario
    projection = project_scenario(made.scenario)
    assert made.raised is not None
    assert projection.runway_months is not None
    assert Decimal(6) < projection.runway_months < Decimal(48)
    assert projection.runway_months_with_round is None  # the raise lasts to the end of the plan
    assert projection.months[-1].revenue_usd > 0


@pytest.mark.parametrize(
    ("product", "way", "model"),
    itertools.product(
        PRODUCTS,
        get_args(Way),
        (
            {"origin": "open_weights", "base_model": "Qwen2.5-0.5B"},
            {"origin": "open_weights", "base_model": "Llama-3.1-70B", "tokens": 5_000_000_000},
            {"origin": "open_weights", "base_model": "Qwen3-30B-A3B"},
            {"origin": "scratch", "parameters": 300_000_000},
            {"origin": "scratch", "parameters": 30_000_000_000},
            {"origin": "scratch", "size_by": "budget", "budget_usd": "250000"},
        ),
    ),
)
def test_a_grid_of_answers_fits_and_projects(product: str, way: str, model: dict[str, Any]) -> None:
    made = started(product=product, compute={"way": way}, model=model)
    assert forecast(made.scenario.plan).fits
    assert read_back(made.scenario) == made.scenario
    assert project_scenario(made.scenario).months


@pytest.mark.parametrize("country", countries())
@pytest.mark.parametrize("product", PRODUCTS)
def test_no_check_of_a_template_fails(product: str, country: str) -> None:
    found = checks(project_scenario(started(product=product, country=country).scenario))
    assert [check.name for check in found if check.status is Status.FAILS] == []


@pytest.mark.parametrize("accelerator", ["A100-80GB", "B200", "MI300X-192GB", "L40S-48GB"])
def test_other_accelerators_fit(accelerator: str) -> None:
    assert started(compute={"accelerator": accelerator}).forecast.fits


def test_the_run_of_a_budget_costs_about_the_budget() -> None:
    made = started(model={"origin": "scratch", "size_by": "budget", "budget_usd": "250000"})
    assert made.forecast.cost_usd.value == pytest.approx(250_000, rel=0.02)
    ratio = made.scenario.plan.tokens / made.forecast.parameters_total
    assert ratio == pytest.approx(100, rel=0.25)


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_raise_lasts_for_its_target(product: str) -> None:
    made = started(product=product)
    assert made.raised is not None
    lasts = project_scenario(made.scenario).runway_months_with_round
    assert lasts is None or lasts >= made.raised.month + made.raised.runway_months - 1


def test_a_raise_leaves_months_of_cash() -> None:
    made = started()
    runway = project_scenario(made.scenario).runway_months
    assert made.raised is not None
    assert runway is not None
    assert int(runway) - made.raised.month == 6  # months_before_empty


def test_without_answers_there_is_nothing_hidden() -> None:
    company = started(sales=[], people=[], marketing_usd_per_month="0").scenario.company
    assert company.revenue_lines == ()
    assert company.people == ()
    assert company.spending == ()
    assert company.compute.contracts == ()
    assert company.compute.on_demand_change_share_per_year == 0
    assert (company.loans, company.inflows, company.data, company.tax) == ((), (), (), None)
    assert all(not event.changes for event in company.training_events)


def test_names_are_in_the_language() -> None:
    company = started("zh_Hans").scenario.company
    assert company.people[0].title == "创始人"
    assert company.revenue_lines[0].name == "年度合同"


def test_the_run_repeats_every_year_and_never_before_the_last_has_ended() -> None:
    months = [event.month for event in started().scenario.company.training_events]
    assert months == [2, 14, 26]
    slow = started(
        compute={"devices": 8, "repeat_months": 1},
        model={"origin": "scratch", "parameters": 7_000_000_000},
    )
    days = slow.forecast.wall_clock_hours.value / 24
    first, second = slow.scenario.company.training_events[:2]
    assert days > 60
    assert (second.month - first.month) * 30.4 >= days


def test_origins_tell_answers_from_defaults() -> None:
    plain = started().scenario.provenance
    assert {path for path, origin in plain.items() if origin.by == "user"} == {
        "name",
        "company.name",
        "company.first_month",
    }
    made = started(
        compute={"devices": 16},
        sales=[{"kind": "contracts", "price": "42000", "churn": "high"}],
        money={"cash_usd": "900000"},
    ).scenario.provenance
    mine = {path for path, origin in made.items() if origin.by == "user"}
    assert mine - {"name", "company.name", "company.first_month"} == {
        "plan.cluster.n_devices",
        "company.revenue_lines.0.price_per_year",
        "company.revenue_lines.0.renewal_share",
        "company.cash_usd",
    }
    salary = origin_of(made, "company.people.1.cost_usd_per_month")
    assert salary.by == "default"
    assert "foorilla/ai-jobs-net-salaries" in salary.source
    assert "own assumption" in origin_of(made, "company.people.1.people").source


def test_the_next_month_is_a_default_and_another_is_an_answer() -> None:
    next_month = started(first_month=datetime.date(2026, 12, 1)).scenario.provenance
    assert next_month["company.first_month"].by == "default"
    assert started().scenario.provenance["company.first_month"].by == "user"


def test_every_origin_is_of_a_value_and_has_a_source() -> None:
    for product in PRODUCTS:
        provenance = started(product=product).scenario.provenance
        assert all(origin.source for origin in provenance.values() if origin.by == "default")


def test_an_empty_scenario_has_nothing_in_it() -> None:
    scenario = empty_scenario("Blank", FIRST)
    company = scenario.company
    assert (company.people, company.revenue_lines, company.training_events) == ((), (), ())
    assert company.capital is not None
    assert company.capital.events == ()
    assert read_back(scenario) == scenario
    projection = project_scenario(scenario)
    assert {month.cash_usd for month in projection.months} == {Decimal(0)}
    assert projection.runway_months is None


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"model": {"base_model": "Qwen9"}}, "model.base_model"),
        ({"compute": {"accelerator": "H900"}}, "compute.accelerator"),
        ({"compute": {"accelerator": "Ascend-910B"}}, "compute.accelerator"),
        ({"compute": {"provider": "nimbus"}}, "compute.provider"),
        (
            {"compute": {"devices": 1}, "model": {"base_model": "Llama-3.1-70B"}},
            "compute.devices",
        ),
        ({"country": "XX"}, "salary_engineer"),
        ({"money": {"founders": ["Ann", "Ann"]}}, "money.founders"),
        ({"sales": [{"kind": "rent"}]}, "sales.0.kind"),
    ],
)
def test_impossible_answers_are_one_line(answers: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as raised:
        started(**answers)
    assert raised.value.field == field
    for language in LANGUAGES:
        assert "\n" not in raised.value.in_language(language)


def test_answers_of_a_browser_are_kept_until_they_are_used() -> None:
    browser, data = "a" * 64, {"name": "LexBridge", "first_month": "2027-01-01"}
    assert kept_answers(browser) is None
    keep_answers(browser, 3, data)
    assert kept_answers(browser) == (3, data)
    assert kept_answers("b" * 64) is None
    forget_answers(browser)
    assert kept_answers(browser) is None


@pytest.mark.parametrize("browser", [None, "", "../../etc/passwd", "A" * 64])
def test_no_file_is_written_for_another_name(browser: str | None) -> None:
    keep_answers(browser, 0, {"name": "A", "first_month": "2027-01-01"})
    assert not (home_dir() / "start").exists()
    assert kept_answers(browser) is None


def test_kept_answers_that_are_not_valid_are_left_out() -> None:
    keep_answers("a" * 64, 0, {"name": ""})
    assert kept_answers("a" * 64) is None
