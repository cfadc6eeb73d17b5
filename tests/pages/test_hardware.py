"""The page Hardware without a browser."""

from typing import get_args

import pytest
from streamlit.testing.v1 import AppTest

from engine.costs.buying import Note
from engine.costs.energy import regions
from engine.facts import Accelerator, accelerators
from engine.planning.hardware import PriceBasis
from engine.text import catalog
from pages.parts.hardware.charts import TIME_UNITS
from pages.parts.hardware.table import COLUMNS
from tests.pages.answers import answers
from tests.pages.test_pages import open_page, widget

pytestmark = pytest.mark.usefixtures("no_caches")


def open_hardware(language: str = "en", scenario: str = "startup-1b") -> AppTest:
    return open_page("cluster", language, scenario, tabs={"cluster": "hardware"})


def names(app: AppTest):
    (found,) = [element for element in app.multiselect if element.key.startswith("hardware.names.")]
    return found


def answer(app: AppTest) -> str:
    return answers(app)[-1]


def captions(app: AppTest) -> str:
    return " ".join(element.value for element in app.caption)


def test_the_answer_names_the_cheapest_the_fastest_and_the_plans_own() -> None:
    app = open_hardware()
    assert "is the cheapest that fits: $" in answer(app)
    assert "is the fastest: " in answer(app)
    assert "H100 SXM5 80GB, which the plan uses, takes" in answer(app)
    assert len(app.metric) == 4 + 5
    assert "vs plan" in app.metric[4].delta


def test_both_languages_say_the_same_figures() -> None:
    english, chinese = open_hardware(), open_hardware("zh_Hans")
    assert "MI300X" in answer(english)
    assert "MI300X" in answer(chinese)
    assert "天" in answer(chinese)
    assert len(chinese.metric) == len(english.metric)


def test_about_eight_common_ones_and_the_plans_own_are_compared_first() -> None:
    chosen = names(open_hardware("en", "laptop")).value
    assert "CPU-core" in chosen
    assert 8 <= len(chosen) <= 10


def test_an_empty_choice_is_handled() -> None:
    app = open_hardware()
    names(app).set_value([]).run()
    assert not app.exception
    assert "No accelerator is chosen" in app.info[0].value
    assert len(app.metric) == 4  # those of the plan
    names(app).set_value(["A100-80GB"]).run()
    assert not app.exception
    assert "A100 SXM4 80GB is both the cheapest and the fastest" in answer(app)
    assert "H100 SXM5 80GB, which the plan uses, takes" in answer(app)


def test_every_accelerator_can_be_compared_at_once() -> None:
    app = open_hardware()
    names(app).set_value(list(accelerators())).run()
    assert not app.exception
    table = app.dataframe[0].value
    assert len(table) == len(accelerators())
    for column in ("typical", "tokens_low", "tokens_high", "energy", "co2", "serving", "source"):
        assert column in table.columns


def test_unknown_prices_stay_empty_and_are_said() -> None:
    app = open_hardware()
    names(app).set_value(["MI355X-288GB", "H100-80GB"]).run()
    table = app.dataframe[0].value.set_index("name")
    assert table["typical"].isna()["MI355X 288GB †"]
    assert "no price is published: MI355X 288GB †" in captions(app)
    assert "† Some figures" in captions(app)


def test_what_fits_nowhere_says_what_to_change() -> None:
    app = open_page("cluster", scenario="startup-1b")
    widget(app, "text_input", "plan.cluster.n_devices").set_value("1").run()
    app.switch_page("pages/train.py").run()
    for path, value in (("shape.n_layers", "400"), ("shape.d_model", "8192")):
        widget(app, "text_input", f"plan.{path}").set_value(value).run()
    app.session_state["open_tab.cluster"] = "hardware"
    app.switch_page("pages/cluster.py").run()
    names(app).set_value(["L40S-48GB", "A100-40GB"]).run()
    assert not app.exception
    assert "The plan fits on none of the 2 accelerators" in app.error[0].value
    assert "more devices" in app.error[0].value
    assert "does not fit" in set(app.dataframe[0].value["fit"])


def test_the_region_moves_the_carbon() -> None:
    app = open_hardware()
    before = app.dataframe[0].value["co2"][0]
    app.selectbox(key="hardware.region.en").set_value("FR").run()
    assert not app.exception
    assert app.dataframe[0].value["co2"][0] == pytest.approx(before * 56.039 / 369.473, rel=1e-3)
    assert "France" in captions(app)
    app.selectbox(key="hardware.region.en").set_value("BE").run()
    assert app.dataframe[0].value["co2"].isna().all()
    assert "carbon unknown" in captions(app)


def test_the_lowest_price_is_another_answer() -> None:
    app = open_hardware()
    before = app.metric[4].value
    app.segmented_control(key="hardware.basis.en").set_value("cheapest").run()
    assert not app.exception
    assert app.metric[4].value != before


def test_kinds_decide_what_can_be_chosen() -> None:
    app = open_hardware()
    app.pills(key="hardware.kinds.en").set_value(["tpu"]).run()
    assert not app.exception
    assert all(name.startswith("TPU") for name in names(app).value)
    app.pills(key="hardware.kinds.en").set_value([]).run()
    assert not app.exception
    assert "No accelerator is chosen" in app.info[0].value


def test_ways_to_buy_follow_the_accelerator_that_is_chosen() -> None:
    app = open_hardware()
    app.selectbox(key="hardware.buy").set_value("H100-80GB").run()
    assert not app.exception
    offers = app.dataframe[1].value
    en = catalog("en")
    assert set(offers["terms"]) == {
        en(f"option.terms.{terms}")
        for terms in ("on_demand", "spot", "commitment_1y", "commitment_3y")
    } | {en("hardware.buy.own_terms")}
    assert (offers["cost"] > 0).all()
    assert offers["source"].notna().all()
    committed = offers[offers["terms"] == en("option.terms.commitment_1y")]
    assert (committed["price"] < committed["beside"]).all()


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize("name", ["TPU-v6e", "L40S-48GB", "CPU-core"])
def test_hardware_that_cannot_be_owned_says_why(name: str, language: str) -> None:
    app = open_hardware(language, "laptop")
    app.selectbox(key="hardware.buy").set_value(name).run()
    assert not app.exception


def test_the_plan_can_be_put_on_another_accelerator() -> None:
    app = open_hardware()
    app.selectbox(key="hardware.buy").set_value("B200").run()
    app.button(key="put").click().run()
    assert not app.exception
    assert not app.error
    assert "B200 SXM 180GB † · " in captions(app)
    assert not app.button(key="undo").disabled
    app.button(key="undo").click().run()
    assert "H100 SXM5 80GB, which the plan uses, takes" in answer(app)


def test_choices_outlive_another_page_and_another_language() -> None:
    app = open_hardware()
    names(app).set_value(["H100-80GB", "B200"]).run()
    app.selectbox(key="hardware.region.en").set_value("FR").run()
    app.switch_page("pages/train.py").run()
    app.switch_page("pages/cluster.py").run()
    assert names(app).value == ["H100-80GB", "B200"]
    assert app.selectbox(key="hardware.region.en").value == "FR"
    app.selectbox(key="language_choice").set_value("zh_Hans").run()
    assert not app.exception
    assert names(app).value == ["H100-80GB", "B200"]
    assert app.selectbox(key="hardware.region.zh_Hans").value == "FR"


def test_keys_that_are_put_together() -> None:
    en = catalog("en")
    keys = [f"note.{note}" for note in get_args(Note)]
    keys += [f"kind.{kind}" for kind in get_args(Accelerator.model_fields["kind"].annotation)]
    keys += [f"price_basis.{basis}" for basis in get_args(PriceBasis)]
    keys += [f"column.{name}" for name in (*COLUMNS, *TIME_UNITS) if name != "time"]
    keys += [f"axis.{unit}" for unit in TIME_UNITS]
    keys += [f"place.{code}" for code in regions() if "-" in code]
    assert [key for key in keys if f"hardware.{key}" not in en] == []


def test_a_model_that_does_not_fit_takes_the_best_layout_by_one_click() -> None:
    app = open_page("cluster", scenario="startup-1b")
    widget(app, "text_input", "plan.layout.micro_batch_sequences").set_value("64").run()
    assert "does not fit" in answer(app)
    app.button(key="mend.fits").click().run()
    assert not app.exception
    assert "It fits" in answer(app)


def test_a_hundred_thousand_devices_are_a_caution() -> None:
    app = open_page("cluster", scenario="startup-1b")
    widget(app, "text_input", "plan.cluster.n_devices").set_value("100000").run()
    shown = " ".join(element.value for element in app.markdown)
    assert "times the critical batch" in shown
    assert "fail every" in shown
    app.button(key="mend.batch").click().run()
    shown = " ".join(element.value for element in app.markdown)
    assert "times the critical batch" not in shown
    assert "fail every" not in shown


def test_the_fastest_layout_is_taken_and_named() -> None:
    app = open_page("cluster", scenario="startup-1b")
    before = app.metric[3].value
    app.button(key="use_fastest_layout").click().run()
    assert not app.exception
    layout = app.session_state["scenario_session"].draft.plan.layout
    assert any(layout.short_name in element.value for element in app.markdown)
    assert app.metric[3].value <= before
    app.button(key="use_fastest_layout").click().run()
    assert "already has the fastest" in app.toast[0].value
