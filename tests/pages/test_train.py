"""Taking a published model or a ``config.json`` on the page What to train."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from engine.facts import accelerator
from engine.text import LANGUAGES, catalog
from finance.company.scenario import Scenario
from finance.scenarios.store import ScenarioStore
from tests.pages.test_pages import open_page, widget

LATER_RUN = "company.training_events.1"
pytestmark = pytest.mark.usefixtures("no_caches")

LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096,
    "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}  # fmt: skip


def draft(app: AppTest) -> Scenario:
    return app.session_state["scenario_session"].draft


def take(app: AppTest, name: str) -> None:
    (found,) = [box for box in app.selectbox if (box.key or "").startswith("published#")]
    found.set_value(name).run()
    assert not app.exception


def upload(app: AppTest, config: dict[str, object]) -> None:
    (found,) = [box for box in app.file_uploader if (box.key or "").startswith("config#")]
    found.set_value(("config.json", json.dumps(config).encode(), "application/json")).run()
    assert not app.exception


def notes(app: AppTest) -> str:
    return " ".join(element.value.replace("\\", "") for element in app.info)


def drop_the_dated_run(scenario: Scenario) -> str:
    """Store the scenario without training events, and return the stored scenario's id."""
    return ScenarioStore().create(scenario.with_value("company.training_events", [])).id


def test_the_list_and_the_file_of_a_model_train_at_the_plans_length(startup: Scenario) -> None:
    stored = drop_the_dated_run(startup)
    listed = open_page("train", scenario=stored)
    take(listed, "Llama-3.1-8B")
    uploaded = open_page("train", scenario=stored)
    upload(uploaded, LLAMA)
    assert draft(listed).plan.shape.seq_len_tokens == startup.plan.shape.seq_len_tokens == 4096
    assert draft(uploaded).plan.shape == draft(listed).plan.shape
    assert listed.metric[3].value == uploaded.metric[3].value  # the cost of one run
    assert "keeps its sequence length of 4,096 tokens" in notes(uploaded)


def test_the_models_own_length_is_used_when_the_user_asks(startup: Scenario) -> None:
    app = open_page("train", scenario=drop_the_dated_run(startup))
    upload(app, LLAMA)
    app.button(key="use_own_length").click().run()
    assert not app.exception
    assert draft(app).plan.shape.seq_len_tokens == 131072
    assert "use_own_length" not in {button.key for button in app.button}


def test_a_length_beyond_the_models_longest_is_capped_with_a_sentence(startup: Scenario) -> None:
    app = open_page("train", scenario=drop_the_dated_run(startup))
    upload(app, LLAMA | {"max_position_embeddings": 2048})
    assert draft(app).plan.shape.seq_len_tokens == 2048
    assert "is now 2,048 instead of 4,096" in notes(app)


def test_a_config_without_a_length_takes_the_plans(startup: Scenario) -> None:
    app = open_page("train", scenario=drop_the_dated_run(startup))
    upload(app, LLAMA | {"max_position_embeddings": None})
    assert draft(app).plan.shape.seq_len_tokens == 4096
    assert not app.error


def store_with_a_run_of_other_size(scenario: Scenario) -> str:
    """Store the scenario with a dated run that changes single fields of the shape."""
    changes = {
        "tokens": 6 * 10**12,
        "layout.micro_batch_sequences": 2,
        "cluster.n_devices": 128,
        "shape.n_layers": 28,
        "shape.d_model": 3072,
        "shape.n_heads": 24,
    }
    return ScenarioStore().create(scenario.with_value(f"{LATER_RUN}.changes", changes)).id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_contradicting_run_is_named_and_its_changes_can_be_dropped(
    startup: Scenario, language: str
) -> None:
    stored = store_with_a_run_of_other_size(startup)
    app, say = open_page("train", language, scenario=stored), catalog(language)
    take(app, "Llama-2-7B")
    assert not app.error
    assert "Harbor 3B" in app.warning[0].value
    assert draft(app).plan.shape.n_layers == 16
    button = app.button(key="mend_model")
    assert button.label.replace("\\", "") == say("plan.drop_and_take", model="Llama-2-7B")
    button.click().run()
    assert not app.exception
    assert not app.error
    assert not app.warning
    assert draft(app).plan.shape.n_layers == 32
    event = draft(app).company.training_events[1]
    assert set(event.changes) == {"tokens", "layout.micro_batch_sequences", "cluster.n_devices"}


def test_a_run_that_mixes_two_models_is_named(startup: Scenario) -> None:
    app = open_page("train", scenario=store_with_a_run_of_other_size(startup))
    take(app, "Llama-3.1-8B")
    assert draft(app).plan.shape.n_layers == 32
    assert "mixture of two models" in app.warning[0].value
    app.button(key="drop_shape_changes").click().run()
    assert not app.warning
    assert not draft(app).events_with_own_shape


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_that_cannot_be_served_is_refused_in_words(language: str) -> None:
    app, say = open_page("train", language), catalog(language)
    before = draft(app)
    take(app, "Kimi-K2")
    assert not app.error
    device = accelerator("CPU-core").name
    sentence = say("plan.never_served", model="Kimi-K2", device=device)
    assert app.warning[0].value.replace("\\", "") == sentence
    assert draft(app) == before
    widget(app, "text_input", "plan.shape.n_layers").set_value("3").run()
    assert not app.warning  # another draft may accept the model


def test_narrower_weights_are_offered_where_they_make_serving_possible() -> None:
    app = open_page("train")
    take(app, "DeepSeek-V3")
    assert draft(app).plan.shape.mla is None
    assert "can be served" in app.warning[0].value
    app.button(key="mend_model").click().run()
    assert not app.exception
    assert not app.error
    assert draft(app).plan.shape.mla
    assert draft(app).plan.serving.weights == "int4"


def test_the_token_budget_adds_up(startup: Scenario) -> None:
    app = open_page("train", scenario="startup-1b", tabs={"train": "data"})
    tiles = {metric.label: metric.value for metric in app.metric}
    assert tiles["Trained tokens"] == "3T"
    listed = sum(
        data.tokens
        for data in startup.company.data
        if data.kind in ("licence", "crawling", "synthetic")
    )
    assert listed
    assert float(tiles["Epochs of listed data"].replace(",", "")) == pytest.approx(
        3e12 / listed, rel=0.05
    )
    (table,) = [t.value for t in app.dataframe if "share of the training" in t.value]
    assert len(table) == len(startup.company.data)


def test_without_data_costs_the_page_says_what_to_do() -> None:
    app = open_page("train", scenario="laptop", tabs={"train": "data"})
    assert any("No data cost is listed" in element.value for element in app.info)
