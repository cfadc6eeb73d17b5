"""The page Funding without a browser: the raise, the events in their drawer, sale and exchange."""

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.text import catalog
from finance.capital.ocf.package import MANIFEST
from finance.company.scenario import Scenario
from finance.funding.raises import raise_needed
from finance.funding.rounds import funding
from finance.scenarios.store import ScenarioStore
from tests.pages.answers import answers
from tests.pages.test_pages import open_page, refusal, widget

pytestmark = pytest.mark.usefixtures("no_caches")

SAMPLE_OCF = Path(__file__).parent.parent / "finance" / "capital" / "sample_ocf"


def page(scenario: str = "startup-1b", language: str = "en", tab: str = "raise") -> AppTest:
    app = open_page("funding", language, scenario)
    return app if tab == "raise" else open_tab(app, tab)


def open_tab(app: AppTest, tab: str) -> AppTest:
    """Open a tab by its code; the test framework cannot click one."""
    app.session_state["open_tab.funding"] = tab
    app.run()
    assert not app.exception
    return app


def stored(app: AppTest) -> Scenario:
    """Return the open scenario as it was last saved."""
    return ScenarioStore().get(app.query_params["s"]).scenario


def input_of(app: AppTest, kind: str, name: str):
    """Return a field of the open event's form."""
    pattern = re.compile(rf"event\..*\.{re.escape(name)}#\d+\.\w+$")
    (found,) = [element for element in getattr(app, kind) if pattern.match(element.key or "")]
    return found


def answer(app: AppTest) -> str:
    (found,) = answers(app)
    return found


def reasons(app: AppTest) -> list[str]:
    """Return the reasons that are shown at fields and below the form."""
    shown = (str(element.value) for element in app.markdown)
    return [value.replace("\\", "") for value in shown if 'class="field-error"' in value]


def edit(app: AppTest, index: int) -> None:
    app.button(key=f"edit_event_{index}").click().run()
    assert not app.exception


def add(app: AppTest, kind: str) -> None:
    app.button(key=f"add_event.{kind}").click().run()
    assert not app.exception


def apply(app: AppTest) -> None:
    assert not app.button(key="apply_event").disabled
    app.button(key="apply_event").click().run()
    assert not app.exception


def metrics(app: AppTest) -> dict[str, str]:
    return {element.label: element.value for element in app.metric}


@pytest.mark.parametrize(("scenario", "language"), [("laptop", "zh_Hans"), ("startup-1b", "en")])
def test_it_answers_its_question_with_numbers(scenario: str, language: str) -> None:
    app = page(scenario, language)
    assert app.title[0].value == catalog(language)("funding.question")
    assert len(re.findall(r"\$[\d.]+[KM万]?", answer(app))) >= 3
    assert len(re.findall(r"\d+(\.\d+)?%", answer(app))) == 2
    assert 0 < len(app.metric) <= 4


def test_the_answer_of_the_sample(startup: Scenario) -> None:
    """The amounts are those of the solver, rounded up."""
    bare = raise_needed(startup, 60, 0, 24_000_000)
    buffered = raise_needed(startup, 60, 6, 24_000_000)
    assert (bare.amount_usd, buffered.amount_usd) < (Decimal(2_050_000), Decimal(2_560_000))
    assert "Raise at least $2.05M by 2028-08; with 6 months' buffer $2.56M by 2028-06" in answer(
        page()
    )


def test_the_goal_is_part_of_the_scenario_and_moves_the_answer() -> None:
    app = page()
    before = answer(app)
    key = next(box.key for box in app.slider if box.key.startswith("goal_buffer#"))
    app.slider(key=key).set_value(12.0).run()
    assert "with 12 months' buffer" in answer(app)
    widget(app, "text_input", "company.funding_goal.pre_money_usd").set_value("12M").run()
    assert "At $12M pre-money" in answer(app)
    app.button(key="save").click().run()
    goal = stored(app).company.funding_goal
    assert (goal.buffer_months, goal.pre_money_usd) == (12, 12_000_000)
    app.button(key="undo").click().run()
    app.button(key="undo").click().run()
    assert answer(app) == before


def test_a_refused_valuation_stays_at_its_field() -> None:
    app = page()
    before = answer(app)
    widget(app, "text_input", "company.funding_goal.pre_money_usd").set_value("much").run()
    assert "number" in refusal(app, "company.funding_goal.pre_money_usd")
    assert answer(app) == before


def test_trying_a_round_changes_nothing_until_it_is_put_into_the_plan() -> None:
    app = page()
    assert metrics(app)["Cash lasts"] == "60+ months"
    amount = next(box for box in app.select_slider if box.key.startswith("try_amount."))
    amount.set_value(Decimal("1000000.00")).run()
    shown = metrics(app)
    assert shown["Sold to new investors"] == "4%"  # 1 of 25 million
    assert shown["Cash lasts"] != "60+ months"
    assert app.button(key="undo").disabled
    app.button(key="put_round").click().run()
    assert not app.exception
    in_plan = [str(element.value) for element in app.markdown if "In the plan" in element.value]
    assert "Seed" in in_plan[0]
    assert "1M" in in_plan[0]
    app.button(key="save").click().run()
    planned = stored(app).company.next_round
    assert planned is not None
    assert (planned.month, planned.amount_usd) == (18, 1_000_000)
    app.button(key="undo").click().run()
    assert app.button(key="undo").disabled  # one change


def test_a_round_that_the_plan_does_not_allow_is_refused_in_words() -> None:
    """The options that are granted after the Seed need the pool of the Seed."""
    app = page(tab="owners")
    edit(app, 6)
    input_of(app, "selectbox", "pool.basis").set_value("none").run()
    (reason,) = reasons(app)
    assert "OPT-2 (2028-05) grants 600,000 options, the pool would have 580,000" in reason
    assert app.button(key="apply_event").disabled
    assert not any("company.capital" in element.value for element in app.markdown)


def test_removing_an_event_that_others_need_says_why() -> None:
    app = page(tab="owners")
    edit(app, 6)
    app.button(key="remove_event").click().run()
    assert not app.exception
    (reason,) = reasons(app)
    assert "OPT-2 (2028-05) grants 600,000 options, the pool would have 580,000" in reason
    assert app.button(key="undo").disabled


def test_an_edited_round_moves_the_figures_and_undo_brings_them_back() -> None:
    app = page(tab="owners")
    before = metrics(app)
    assert (before["Founders own today"], before["Founders after Seed"]) == ("88.9%", "53.1%")
    edit(app, 6)
    input_of(app, "text_input", "new_money").set_value("8M").run()
    apply(app)
    assert metrics(app)["Founders after Seed"] != "53.1%"
    app.button(key="undo").click().run()
    assert metrics(app) == before


def test_a_bad_value_is_marked_at_its_field_and_changes_nothing() -> None:
    app = page(tab="owners")
    add(app, "safe")
    input_of(app, "text_input", "amount").set_value("5M").run()
    input_of(app, "text_input", "cap").set_value("4M").run()
    (reason,) = reasons(app)
    assert "4,000,000 is not allowed: must be above the 5,000,000 raised under it" in reason
    assert "company.capital" not in reason
    assert app.button(key="apply_event").disabled
    assert app.button(key="undo").disabled
    input_of(app, "text_input", "cap").set_value("40M").run()
    assert reasons(app) == []
    apply(app)
    assert not app.button(key="undo").disabled


def test_typed_values_are_kept_and_marked_when_another_event_is_opened() -> None:
    app = page(tab="owners")
    edit(app, 6)
    input_of(app, "text_input", "new_money").set_value("7M").run()
    edit(app, 8)
    assert input_of(app, "text_input", "new_money").value == "20M"
    badges = [element.value for element in app.markdown if "not applied" in element.value]
    assert len(badges) == 1
    edit(app, 6)
    assert input_of(app, "text_input", "new_money").value == "7M"
    app.button(key="discard_typed").click().run()
    assert input_of(app, "text_input", "new_money").value == "6M"
    assert not any("not applied" in element.value for element in app.markdown)


def test_what_is_added_is_saved_with_its_scenario() -> None:
    app = page(tab="owners")
    add(app, "note")
    for name, typed in (("amount", "250K"), ("rate", "7.5"), ("holder", "Bridge"),
                        ("name", "NOTE-9")):  # fmt: skip
        input_of(app, "text_input", name).set_value(typed).run()
    apply(app)
    app.button(key="save").click().run()
    capital = stored(app).company.capital
    assert capital is not None
    (note,) = [event for event in capital.events if event.kind == "note"]
    assert (note.holder, note.amount, note.rate) == ("Bridge", 250_000, Decimal("0.075"))
    assert note.planned
    assert note.date.isoformat() == "2029-10-01"  # the month after the last event


def test_founders_of_two_days_are_founders_and_their_stock_is_not_planned(
    laptop: Scenario,
) -> None:
    """Two founders get their shares a month apart, as the form proposes."""
    store = ScenarioStore()
    document = laptop.model_dump(mode="json")
    company = document["company"] | {
        "equity_round": None,
        "capital": {"opening": {"date": "2026-01-01"}, "events": []},
    }
    empty = store.create(Scenario.parse(document | {"company": company})).id
    app = page(empty, tab="owners")
    app.button(key="first_step.stock_issue").click().run()
    assert not input_of(app, "toggle", "planned").value
    assert input_of(app, "date_input", "date").value.isoformat() == "2027-01-01"
    input_of(app, "text_input", "holder").set_value("Ada").run()
    input_of(app, "text_input", "shares").set_value("5M").run()
    apply(app)
    add(app, "stock_issue")
    assert input_of(app, "date_input", "date").value.isoformat() == "2027-02-01"
    assert input_of(app, "selectbox", "role").value == "founder"
    input_of(app, "text_input", "holder").set_value("Bo").run()
    input_of(app, "text_input", "shares").set_value("3M").run()
    apply(app)
    assert metrics(app)["Founders own today"] == "100%"
    assert metrics(app)["Planned to raise"].startswith("$0")
    app.button(key="save").click().run()
    assert funding(stored(app).company).founders == {"Ada", "Bo"}
    open_tab(app, "sale")
    assert list(app.table[0].value.iloc[:, 2]) == ["–", "–"]  # no multiple for founders


def test_a_role_can_be_marked() -> None:
    app = page(tab="owners")
    (box,) = [element for element in app.selectbox if element.key.startswith("role.Tidewater")]
    assert box.value == "investor"
    box.set_value("adviser").run()
    assert not app.exception
    app.button(key="save").click().run()
    capital = stored(app).company.capital
    assert capital is not None
    assert capital.opening.roles["Tidewater angels"] == "adviser"


def test_an_event_before_the_plan_says_what_is_assumed() -> None:
    app = page(tab="owners")
    statement = next(element.value for element in app.caption if "opening cash" in element.value)
    assert "SAFE" in statement
    edit(app, 6)
    input_of(app, "date_input", "date").set_value("2026-12-15").run()
    assert any("assumed to be in the opening cash" in element.value for element in app.info)


def test_a_company_without_a_cap_table_gets_one_by_its_first_edit() -> None:
    app = page("laptop", tab="owners")
    assert "no cap table yet" in "".join(element.value for element in app.caption)
    edit(app, 1)
    input_of(app, "text_input", "pre_money").set_value("2.85M").run()
    apply(app)
    app.button(key="save").click().run()
    company = stored(app).company
    assert company.equity_round is None
    assert company.next_round is not None
    assert company.next_round.pre_money_usd == 2_850_000


def test_an_empty_cap_table_says_what_to_do() -> None:
    app = page("laptop", tab="owners")
    for index in (1, 0):
        edit(app, index)
        app.button(key="remove_event").click().run()
        assert not app.exception
    assert not app.metric
    assert [button.label for button in app.button if (button.key or "").startswith("first_step")]
    open_tab(app, "sale")
    assert not app.exception


def test_the_sale_is_part_of_the_scenario_and_checked() -> None:
    app = page(tab="sale")
    before = metrics(app)["Founders at the exit"]
    widget(app, "text_input", "company.sale.value").set_value("400M").run()
    assert metrics(app)["Founders at the exit"] != before
    assert any("lapse" in element.value for element in app.caption)
    app.button(key="save").click().run()
    assert stored(app).company.sale.value == 400_000_000
    widget(app, "text_input", "company.sale.value").set_value("a lot").run()
    assert "number" in refusal(app, "company.sale.value")
    widget(app, "text_input", "company.sale.value").set_value("").run()
    assert metrics(app)["Founders at the exit"] == before


def uploader(app: AppTest):
    (found,) = [element for element in app.file_uploader if (element.key or "").startswith("ocf#")]
    return found


def test_a_package_becomes_the_beginning() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in SAMPLE_OCF.glob("*.json"):
            archive.write(path, path.name)
    assert MANIFEST in zipfile.ZipFile(packed).namelist()
    app = page(tab="exchange")
    uploader(app).set_value(("table.zip", packed.getvalue(), "application/zip")).run()
    assert not app.exception
    assert not app.error
    app.button(key="save").click().run()
    capital = stored(app).company.capital
    assert capital is not None
    assert {holding.holder for holding in capital.opening.holdings} >= {
        "Ida Example",
        "Omar Example",
    }
    assert [event.series for event in capital.events] == ["Seed", "Series A"]


def test_what_is_no_package_is_refused() -> None:
    app = page(tab="exchange")
    uploader(app).set_value(("table.zip", b"PK no", "application/zip")).run()
    assert not app.exception
    assert "ocf.zip" in app.error[0].value
    assert app.button(key="undo").disabled
