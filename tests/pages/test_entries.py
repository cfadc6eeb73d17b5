"""Lists of entries: the table, and adding, duplicating, moving, removing and undoing, by kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from streamlit.testing.v1 import AppTest

from engine.document_paths import field_name, value_at
from engine.documents import Document
from engine.text import LANGUAGES, Catalog, catalog
from finance.company.company import Company
from finance.company.defaults import kinds_of
from finance.company.scenario import Scenario, sample_scenarios
from finance.compute.contracts import GpuBackedDebt
from finance.metrics.projection import project_scenario
from finance.revenue.lines import Subscription, SubscriptionPlan
from finance.scenarios.store import ScenarioStore
from pages.parts.entry_lists.cells import Context, cell
from pages.parts.entry_lists.changes import unused_name
from pages.parts.entry_lists.lists import LISTS, entry_name
from pages.parts.entry_lists.opened import LIST_PATHS
from pages.parts.kinds import field_kind, is_percent, union_kinds
from tests.finance.companies import EVERYTHING
from tests.pages.test_pages import refusal, widget

KINDS = [(path, kind) for path in LIST_PATHS for kind in kinds_of(field_name(path))]
EDITED = (*(path.removeprefix("company.") for path in LIST_PATHS[:-1]), "compute", "tax")


def documents(kind: Any) -> Iterator[type[Document]]:
    """Return all classes of documents in a field's type."""
    if isinstance(kind, type) and issubclass(kind, Document):
        yield kind
        for info in kind.model_fields.values():
            yield from documents(info.annotation)
    for part in get_args(kind):
        yield from documents(part)


def edited(names: tuple[str, ...] = EDITED) -> set[type[Document]]:
    kinds = [Company.model_fields[name].annotation for name in names]
    return {document for kind in kinds for document in documents(kind)}


def test_the_lists_hold_many_kinds_of_documents() -> None:
    assert {Subscription, SubscriptionPlan, GpuBackedDebt} < edited()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_and_every_choice_has_words(language: str) -> None:
    text = catalog(language)
    for document in edited():
        for name, info in document.model_fields.items():
            kind = field_kind(info).type
            if get_origin(kind) is dict or name == "contracts":
                continue  # not drawn, or a list with labels of its own
            assert f"entry.{name}.label" in text, (document, name)
            for option in _options(kind):
                assert _has_option(text, name, option), (document, name, option)


def _options(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is tuple:
        kind = get_args(kind)[0]
    return get_args(kind) if get_origin(kind) is Literal else ()


def _has_option(text: Catalog, name: str, option: object) -> bool:
    return any(f"{table}.{name}.{option}" in text for table in ("option", "entry_option"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_list_has_a_design_with_words(language: str) -> None:
    text = catalog(language)
    for path in LIST_PATHS:
        name = field_name(path)
        design = LISTS[name]
        assert 4 <= len(design.columns) <= 6, name
        assert f"entry_table.title.{name}" in text
        assert all(f"entry_table.column.{code}" in text for code in design.columns)
        assert all(f"entry_new.{name}.{kind}" in text for kind in kinds_of(name))
        top = "compute" if name == "contracts" else name
        fields = {field for document in edited((top,)) for field in document.model_fields}
        assert {field.rpartition(".")[2] for field in design.advanced} <= fields, name


def test_bounds_are_those_of_the_document_also_where_nothing_may_stand() -> None:
    devices = field_kind(GpuBackedDebt.model_fields["devices"])
    assert (devices.type, devices.optional, devices.low, devices.high) == (int, False, 1, 10**6)


def test_a_union_is_told_apart_by_its_kinds() -> None:
    adoption = field_kind(Subscription.model_fields["adoption"]).type
    assert list(union_kinds(adoption)) == ["growth", "bass", "logistic"]
    assert union_kinds(int) == {}


@pytest.mark.parametrize(
    ("name", "percent"),
    [
        ("churn_share_per_month", True),
        ("share", True),
        ("share_of_revenue", True),
        ("uplift_share_at_renewal", True),
        ("price_per_month", False),
        ("shares", False),
    ],
)
def test_shares_are_written_in_percent(name: str, percent: bool) -> None:
    assert is_percent(f"company.revenue_lines.0.{name}") is percent


def test_a_new_name_is_one_that_no_entry_has() -> None:
    assert unused_name("API", []) == "API"
    assert unused_name("API", ["API", "API 2"]) == "API 3"
    assert unused_name("API 2", ["API", "API 2"]) == "API 3"


# What the tables show


def context(scenario: Scenario, language: str) -> Context:
    from finance.metrics.entry_totals import totals_by_entry

    company = scenario.company
    return Context(
        say=catalog(language),
        first_month=company.first_month,
        totals=totals_by_entry(project_scenario(scenario).books.ledger),
        customers={"company.revenue_lines.0": 1234.0},
        run_costs_usd=(1e5,) * len(company.training_events),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cell_of_every_kind_has_text(laptop: Scenario, language: str) -> None:
    document = laptop.model_dump(mode="json") | {"company": EVERYTHING}
    scenarios = [Scenario.parse(document), *sample_scenarios().values()]
    for scenario in scenarios:
        shown = context(scenario, language)
        for path in LIST_PATHS:
            for index, entry in enumerate(value_at(scenario, path)):
                assert entry_name(entry)
                for code in LISTS[field_name(path)].columns:
                    content = cell(shown, code, f"{path}.{index}", entry)
                    assert "None" not in content, (path, index, code)
                    if code not in ("customers", "devices"):
                        assert content, (path, index, code)


@pytest.mark.parametrize(
    ("path", "code", "en", "zh"),
    [
        ("company.people.0", "when", "2027-01 –", "2027-01 –"),
        ("company.people.0", "each", "$8K", "US$8,000"),
        ("company.people.0", "total", "$1.28M", "US$128万"),
        ("company.spending.0", "amount", "$9K a month + 14% of revenue + $14 per new customer",
         "每月 US$9,000 + 收入的 14% + 每位新客户 US$14"),
        ("company.spending.2", "amount", "5,500 EUR a month", "每月 5,500 EUR"),
        ("company.data.0", "when", "2027-02 – 2027-04", "2027-02 – 2027-04"),
        ("company.data.0", "tokens", "20B", "200亿"),
        ("company.loans.0", "when", "2028-06 – 2031-05", "2028-06 – 2031-05"),
        ("company.loans.0", "rate", "12%", "12%"),
        ("company.loans.0", "signed", "planned", "计划中"),
        ("company.revenue_lines.2", "price", "$42K a year", "每年 US$4.2万"),
        ("company.training_events.0", "differs", "as the plan", "与方案相同"),
        ("company.compute.contracts.0", "when", "2027-12 – 2028-11", "2027-12 – 2028-11"),
        ("company.compute.contracts.1", "price", "$150K", "US$15万"),
    ],
)  # fmt: skip
def test_cells_of_the_sample_start_up(path: str, code: Any, en: str, zh: str) -> None:
    scenario = sample_scenarios()["startup-1b"]
    for language, expected in (("en", en), ("zh_Hans", zh)):
        shown = context(scenario, language)
        assert cell(shown, code, path, value_at(scenario, path)) == expected


# What their buttons do


def _draw() -> None:
    import streamlit as st

    from pages.parts.entries import entries

    entries(st.session_state["path"])


def open_list(path: str, language: str = "en", scenario: str = "laptop") -> AppTest:
    app = AppTest.from_function(_draw, default_timeout=30)
    app.query_params["lang"] = language
    app.query_params["s"] = scenario
    app.session_state["path"] = path
    app.run()
    assert not app.exception
    return app


def add(app: AppTest, path: str, kind: str = "only") -> None:
    if kind == "only":
        app.button(key=f"add.{path}").click().run()
    else:
        app.menu_button(key=f"add.{path}").click(kind).run()
    assert not app.exception


def act(app: AppTest, path: str, index: int, action: str) -> None:
    app.menu_button(key=f"act.{path}.{index}").click(action).run()
    assert not app.exception


def draft_of(app: AppTest) -> Scenario:
    found: Scenario = app.session_state["scenario_session"].draft
    return found


def names(app: AppTest, path: str) -> list[str]:
    return [entry_name(entry) for entry in value_at(draft_of(app), path)]


@pytest.mark.usefixtures("no_caches")
@pytest.mark.parametrize("scenario", ["laptop", "startup-1b"])
@pytest.mark.parametrize(("path", "kind"), KINDS)
def test_entries_of_each_kind_are_added_changed_and_removed(
    path: str, kind: str, scenario: str
) -> None:
    app = open_list(path, "zh_Hans" if scenario == "laptop" else "en", scenario)
    before = draft_of(app)
    old = names(app, path)
    add(app, path, kind)
    new = catalog("zh_Hans" if scenario == "laptop" else "en")(
        f"entry_new.{field_name(path)}.{kind}"
    )
    assert names(app, path) == [*old, unused_name(new, old)]
    last = len(old)
    label = "title" if path == "company.people" else "name"
    assert widget(app, "text_input", f"{path}.{last}.{label}").value == names(app, path)[-1]
    app.button(key="entry_done").click().run()
    assert "opened_entry" not in app.session_state
    act(app, path, last, "duplicate")
    assert names(app, path)[-1] == unused_name(new, [*old, names(app, path)[last]])
    app.button(key="entry_done").click().run()
    both = names(app, path)[-2:]
    act(app, path, last + 1, "up")
    assert names(app, path)[-2:] == both[::-1]
    act(app, path, last, "down")
    assert names(app, path)[-2:] == both
    act(app, path, last + 1, "remove")
    assert names(app, path) == [*old, both[0]]
    app.button(key=f"undo_removal.{path}").click().run()
    assert names(app, path)[-2:] == both
    for _ in range(4):
        app.session_state["scenario_session"].undo()
    assert draft_of(app) == before
    assert not app.session_state["scenario_session"].errors


@pytest.mark.usefixtures("no_caches")
def test_a_click_on_a_row_opens_its_entry() -> None:
    app = open_list("company.people", scenario="startup-1b")
    app.button(key="open.company.people.3").click().run()
    assert widget(app, "text_input", "company.people.3.title").value == "Sales · 销售"
    widget(app, "text_input", "company.people.3.cost_usd_per_month").set_value("19k").run()
    assert draft_of(app).company.people[3].cost_usd_per_month == 19_000
    app.button(key="entry_done").click().run()
    rows = " ".join(element.proto.body for element in app.get("html"))
    assert "$19K" in rows
    assert "None" not in rows


@pytest.mark.usefixtures("no_caches")
def test_new_entries_begin_inside_the_plan(laptop: Scenario) -> None:
    short = laptop.with_value("company.horizon_months", 12)
    stored = ScenarioStore().create(short.with_value("company.equity_round.month", 3))
    app = open_list("company.training_events", scenario=stored.id)
    add(app, "company.training_events")
    assert draft_of(app).company.training_events[-1].month <= 12


@pytest.mark.usefixtures("no_caches")
def test_money_added_beside_a_cap_table_is_debt() -> None:
    app = open_list("company.inflows", scenario="startup-1b")
    add(app, "company.inflows")
    assert draft_of(app).company.inflows[-1].kind == "debt"


@pytest.mark.usefixtures("no_caches")
def test_a_refused_input_follows_its_entry() -> None:
    path = "company.people"
    app = open_list(path, scenario="startup-1b")
    app.button(key=f"open.{path}.3").click().run()
    widget(app, "text_input", f"{path}.3.people").set_value("-3").run()
    assert "must be at least 0" in refusal(app, f"{path}.3.people")
    app.button(key="entry_done").click().run()
    act(app, path, 3, "up")
    assert set(app.session_state["scenario_session"].errors) == {f"{path}.2.people"}
    app.button(key=f"open.{path}.2").click().run()
    assert widget(app, "text_input", f"{path}.2.people").value == "-3"
    app.button(key="entry_done").click().run()
    act(app, path, 0, "remove")
    assert set(app.session_state["scenario_session"].errors) == {f"{path}.1.people"}
    act(app, path, 1, "remove")
    assert not app.session_state["scenario_session"].errors


@pytest.mark.usefixtures("no_caches")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_change_of_a_list_is_explained_below_it(language: str) -> None:
    path = "company.revenue_lines"
    app = open_list(path, language, "startup-1b")
    app.button(key=f"open.{path}.1").click().run()
    plans = f"{path}.1.plans"
    app.button(key=f"remove.{plans}.1").click().run()
    assert ("must be 1" if language == "en" else "须为 1") in refusal(app, plans)
    assert len(draft_of(app).company.revenue_lines[1].plans) == 2


@pytest.mark.usefixtures("no_caches")
def test_shares_of_plans_are_accepted_once_they_sum_to_one() -> None:
    path = "company.revenue_lines"
    app = open_list(path, scenario="startup-1b")
    app.button(key=f"open.{path}.1").click().run()
    widget(app, "text_input", f"{path}.1.plans.0.share").set_value("70").run()
    assert "Harbor Desk" in refusal(app, f"{path}.1.plans.0.share")
    widget(app, "text_input", f"{path}.1.plans.1.share").set_value("30").run()
    shares = [float(plan.share) for plan in draft_of(app).company.revenue_lines[1].plans]
    assert shares == [0.7, 0.3]
    assert not app.session_state["scenario_session"].errors


@pytest.mark.usefixtures("no_caches")
def test_a_plan_is_added_with_a_share_of_zero_and_removed() -> None:
    path = "company.revenue_lines"
    app = open_list(path, scenario="startup-1b")
    app.button(key=f"open.{path}.1").click().run()
    app.button(key=f"add.{path}.1.plans").click().run()
    plans = draft_of(app).company.revenue_lines[1].plans
    assert [(plan.name, float(plan.share)) for plan in plans][2] == ("Team 2", 0.0)
    app.button(key=f"remove.{path}.1.plans.2").click().run()
    assert len(draft_of(app).company.revenue_lines[1].plans) == 2


@pytest.mark.usefixtures("no_caches")
def test_retention_by_tenure_is_said_in_customers() -> None:
    path = "company.revenue_lines"
    app = open_list(path, scenario="startup-1b")
    app.button(key=f"open.{path}.1").click().run()
    # α 0.9, β 12: 12 ÷ 12.9 remain after a month; Π (β + t − 1) ÷ (α + β + t − 1) after a year
    year = 1.0
    for month in range(12):
        year *= (12 + month) / (12.9 + month)
    said = f"Of 100 new customers, 93 remain after a month and {100 * year:.0f} after a year."
    assert said in [element.value for element in app.caption]


@pytest.mark.usefixtures("no_caches")
def test_a_training_run_shows_and_gives_up_what_differs() -> None:
    path = "company.training_events"
    app = open_list(path, scenario="startup-1b")
    rows = " ".join(element.proto.body for element in app.get("html"))
    assert "Training tokens 6T" in rows
    app.button(key=f"open.{path}.1").click().run()
    app.button(key=f"as_plan.{path}.1.tokens").click().run()
    assert "tokens" not in draft_of(app).company.training_events[1].changes
    app.button(key=f"as_plan_all.{path}.1").click().run()
    assert draft_of(app).company.training_events[1].changes == {}


@pytest.mark.usefixtures("no_caches")
def test_a_long_list_has_pages(laptop: Scenario) -> None:
    role = {"title": "Role", "people": 1, "cost_usd_per_month": "1"}
    roles = [role | {"title": f"Role {number}"} for number in range(30)]
    stored = ScenarioStore().create(laptop.with_value("company.people", roles))
    app = open_list("company.people", scenario=stored.id)
    rows = [button.label for button in app.button if (button.key or "").startswith("open.")]
    assert rows == [f"Role {number}" for number in range(12)]
