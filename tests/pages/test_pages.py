"""All pages without a browser: they draw, edits are validated, and no text is missing."""

import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.paths import PROJECT_DIR
from engine.text import catalog
from finance.company.scenario import Scenario
from finance.scenarios.store import ScenarioStore
from pages.parts.fields import anchor_of
from pages.parts.lazy_tabs import open_tab_key
from pages.parts.page_list import FIRST_PAGE, PAGES, AppPage

pytestmark = pytest.mark.usefixtures("no_caches")


def open_page(
    name: str,
    language: str = "en",
    scenario: str | None = "laptop",
    tabs: Mapping[str, str] | None = None,
    **query: str,
) -> AppTest:
    """Open a page; ``tabs`` has the code of the open tab by the name of each group of tabs."""
    app = AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=20)
    app.query_params["lang"] = language
    if scenario is not None:
        app.query_params["s"] = scenario
    for parameter, value in query.items():
        app.query_params[parameter] = value
    for group, code in (tabs or {}).items():
        app.session_state[open_tab_key(group)] = code
    app.run()
    if name != FIRST_PAGE:
        app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def open_menu(app: AppTest, key: str) -> None:
    """Open a menu of the frame, whose contents are drawn only then."""
    app.session_state[key] = True
    app.run()
    assert not app.exception


def widget(app: AppTest, kind: str, path: str):
    """Return the field of a dotted path; its key also has the session's revision."""
    (found,) = [
        element
        for element in getattr(app, kind)
        if (element.key or "").startswith(f"field.{path}#")
    ]
    return found


def refusal(app: AppTest, path: str) -> str:
    """Return the reason that is shown at a field whose input is not accepted."""
    anchor = f'id="{anchor_of(path)}"'
    shown = next(element.value for element in app.markdown if anchor in element.value)
    return str(shown).replace("\\", "")


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_asks_its_question(page: AppPage, language: str) -> None:
    app = open_page(page.name, language)
    assert app.title[0].value == catalog(language)(page.question_key)


@pytest.mark.parametrize("scenario", ["laptop", "startup-1b"])
def test_both_samples_open_by_their_link(scenario: str) -> None:
    app = open_page("summary", scenario=scenario)
    assert app.query_params["s"] == scenario
    labels = [metric.label for metric in app.metric]
    assert labels == ["Runway", "Raise with buffer", "ARR", "Founders keep"]


def test_an_unknown_link_says_so() -> None:
    app = open_page("summary", scenario="nope")
    assert "scenario: nope" in app.error[0].value


def test_an_edit_moves_the_forecast_and_undo_brings_it_back() -> None:
    app = open_page("train")
    before = app.metric[3].value
    widget(app, "text_input", "plan.shape.n_layers").set_value("8").run()
    assert not app.exception
    widget(app, "text_input", "plan.tokens").set_value("6.144M").run()
    assert app.metric[3].value != before
    assert not app.button(key="undo").disabled
    app.button(key="undo").click().run()
    app.button(key="undo").click().run()
    assert app.metric[3].value == before
    assert widget(app, "text_input", "plan.tokens").value == "3.072M"


def test_a_saved_edit_is_stored_with_its_history(mine: str) -> None:
    app = open_page("cluster", scenario=mine)
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    app.button(key="save").click().run()
    stored = ScenarioStore().get(mine)
    assert stored.version == 2
    assert stored.scenario.plan.cluster.n_devices == 1
    assert open_page("cluster", scenario=mine).metric[0].value == app.metric[0].value


def test_a_saved_sample_is_a_scenario_of_its_own(laptop: Scenario) -> None:
    app = open_page("cluster")
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    app.button(key="save").click().run()
    own = app.query_params["s"]
    assert own != "laptop"
    assert ScenarioStore().get(own).scenario.plan.cluster.n_devices == 1
    assert ScenarioStore().get("laptop").scenario == laptop


@pytest.mark.parametrize(
    ("path", "typed", "parts"),
    [
        ("plan.tokens", "many", "must be a count such as 3T, 1.5B or 20000"),
        ("plan.tokens", "0", "must be at least 1"),
    ],
)
def test_a_bad_edit_is_one_line_and_changes_nothing(path: str, typed: str, parts: str) -> None:
    app = open_page("train")
    widget(app, "text_input", path).set_value(typed).run()
    assert not app.exception
    assert parts in refusal(app, path)
    assert widget(app, "text_input", path).value == typed
    assert app.session_state["scenario_session"].draft.plan.tokens == 3_072_000
    assert ScenarioStore().get("laptop").version == 1


def test_heads_that_do_not_divide_are_refused() -> None:
    app = open_page("train", "zh_Hans")
    widget(app, "text_input", "plan.shape.n_kv_heads").set_value("3").run()
    assert "须能整除 4" in refusal(app, "plan.shape.n_kv_heads")
    assert widget(app, "text_input", "plan.shape.n_kv_heads").value == "3"


def test_another_accelerator_takes_precision_and_price_along() -> None:
    app = open_page("cluster", scenario="startup-1b")
    widget(app, "selectbox", "plan.cluster.accelerator").set_value("CPU-core").run()
    assert not app.error
    assert widget(app, "selectbox", "plan.layout.precision").value == "fp32"
    assert widget(app, "text_input", "plan.cluster.price_source").value == "own assumption"
    widget(app, "selectbox", "plan.cluster.accelerator").set_value("A100-80GB").run()
    assert widget(app, "selectbox", "plan.layout.precision").value == "bf16"
    assert "on demand" in widget(app, "text_input", "plan.cluster.price_source").value
    app.button(key="undo").click().run()
    app.button(key="undo").click().run()
    assert widget(app, "selectbox", "plan.cluster.accelerator").value == "H100-80GB"


def test_a_renamed_scenario_stays_open(mine: str) -> None:
    app = open_page("cluster", scenario=mine)
    open_menu(app, "scenario_menu")
    widget(app, "text_input", "name").set_value("Renamed").run()
    app.button(key="save").click().run()
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    assert not app.exception
    assert not app.error
    assert app.query_params["s"] == mine
    assert widget(app, "text_input", "plan.cluster.n_devices").value == "1"


def test_a_switched_language_changes_nothing_but_the_language() -> None:
    app = open_page("cluster")
    app.selectbox(key="language_choice").set_value("zh_Hans").run()
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    assert not app.error
    assert widget(app, "selectbox", "plan.layout.precision").value == "fp32"


def test_a_percentage_is_kept_as_typed(mine: str) -> None:
    app = open_page("revenue", scenario=mine)
    widget(app, "text_input", "company.revenue.churn_share_per_month").set_value("1.1").run()
    widget(app, "text_input", "company.revenue.churn_share_per_month").set_value("0.1 %").run()
    assert not app.error
    app.button(key="save").click().run()
    stored = ScenarioStore().get(mine).scenario
    assert stored.company.revenue.churn_share_per_month == Decimal("0.001")


def test_money_edits_move_the_runway() -> None:
    app = open_page("cash")
    before = app.metric[0].value
    widget(app, "text_input", "company.cash_usd").set_value("12000").run()
    assert app.metric[0].value != before
    assert "vs saved" in app.metric[0].delta


def test_a_conflict_is_shown_and_nothing_is_lost(mine: str, laptop: Scenario) -> None:
    app = open_page("cluster", scenario=mine)
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    ScenarioStore().save(mine, 1, laptop.with_value("name", "theirs"))
    app.button(key="save").click().run()
    words = " ".join(element.value for element in app.markdown)
    assert "Version 2 was saved while you were editing" in words
    assert ScenarioStore().get(mine).scenario.name == "theirs"
    app.button(key="save_merged").click().run()
    merged = ScenarioStore().get(mine)
    assert merged.version == 3
    assert (merged.scenario.name, merged.scenario.plan.cluster.n_devices) == ("theirs", 1)
    words = " ".join(element.value for element in app.markdown)
    assert "while you were editing" not in words


def test_a_conflicting_draft_can_be_kept_as_a_copy(mine: str, laptop: Scenario) -> None:
    app = open_page("cluster", scenario=mine)
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    ScenarioStore().save(mine, 1, laptop.with_value("name", "theirs"))
    app.button(key="save").click().run()
    app.button(key="merge_copy").click().run()
    (copy,) = set(ScenarioStore().names()) - {"laptop", "startup-1b", mine}
    assert ScenarioStore().get(copy).scenario.plan.cluster.n_devices == 1
    widget(app, "text_input", "plan.layout.zero_stage").set_value("0").run()
    assert app.query_params["s"] == copy  # two scenarios with the same name are kept apart
    assert not app.exception


def test_a_price_of_zero_or_an_empty_company_is_drawn() -> None:
    app = open_page("cluster")
    widget(app, "text_input", "plan.cluster.price_usd_per_device_hour").set_value("0").run()
    assert not app.exception
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    assert not app.exception


def test_the_language_can_be_switched() -> None:
    app = open_page("cash")
    app.selectbox(key="language_choice").set_value("zh_Hans").run()
    assert app.title[0].value == catalog("zh_Hans")("cash.question")


@pytest.mark.slow
def test_the_app_never_imports_what_trains(home: Path) -> None:
    code = (
        "import sys\n"
        "from pages.parts.page_list import PAGES\n"
        "from tests.pages.test_pages import open_page\n"
        "for page in PAGES: open_page(page.name)\n"
        "print(sorted({'torch', 'transformers', 'deepspeed', 'tokenizers'} & set(sys.modules)))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip().splitlines()[-1] == "[]"
