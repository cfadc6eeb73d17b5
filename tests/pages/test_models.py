"""The page Model without a browser, with a fake process that answers at once."""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from engine.documents import InputError
from engine.files import write_json
from engine.runs import evaluations
from engine.runs.evaluations import kept_evaluation
from engine.runs.folder import Phase, Run
from engine.text import catalog
from pages.parts.model import process
from pages.parts.model.inspection import attention_csv, losses_csv, mean_of, token_html
from tests.engine.runs.faked import faked_run
from tests.pages.answers import answers
from tests.pages.test_pages import open_page

CHECKPOINT = "step-00000001"
SEEN: dict[str, Any] = {
    "tokens": ["The", " <b>", "\n"],
    "n_left_out": 7,
    "losses": [None, 2.0, 20.0],
    "guesses": [None, [[" cat", 0.5], ["\n", 0.25]], [["=x", 0.01], ["y", 0.005]]],
    "n_layers": 2,
    "n_heads": 3,
}
PROBE = {
    "probe": "continuation", "n_questions": 200, "accuracy": 0.6, "accuracy_low": 0.53,
    "accuracy_high": 0.67, "precision": 0.6, "recall": 0.6, "f1": 0.6, "chance": 0.25,
}  # fmt: skip
RESULT = {
    "objective": "next_token", "held_out_loss": 5.0, "perplexity": math.exp(5),
    "bits_per_byte": 1.5,
    "token_accuracy": 0.2, "n_scored_tokens": 1000, "n_held_out_tokens": 1000,
    "asked": {"questions": 200, "seed": 1},
    "probes": [PROBE, PROBE | {"probe": "cloze"}, PROBE | {"probe": "shuffled", "chance": 0.5}],
    "wall_time_s": 3.0,
}  # fmt: skip


class FakeModelProcess:
    """Replacement for a :class:`ModelProcess`."""

    is_alive = True

    def generate(self, folder: Path, prompt: str, sampling: Any) -> Iterator[str]:
        if prompt == "bad":
            raise InputError("prompt", prompt, "unicode_text")
        yield f" by {folder.name}"
        yield f" at {sampling.temperature}"

    def inspect(self, folder: Path, prompt: str) -> dict[str, Any]:
        if prompt == "one":
            raise InputError("prompt", prompt, "two_tokens")
        return SEEN

    def attention(self, folder: Path, prompt: str, layer: int) -> list[list[list[float]]]:
        return [[[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]]] * 3

    def ask(self, kind: str, folder: Path, asked: dict[str, object]) -> Iterator[dict[str, Any]]:
        yield {"share": 0.5}
        yield {"result": RESULT | {"asked": asked["asked"]}}

    def close(self) -> None: ...

    def __enter__(self) -> FakeModelProcess:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture(autouse=True)
def _no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    st.cache_data.clear()
    for module in (process, evaluations):
        monkeypatch.setattr(module, "ModelProcess", FakeModelProcess)


@pytest.fixture
def run() -> Run:
    """A run with a final model and one checkpoint."""
    faked = faked_run([6.0, 5.5], held_out={1: 6.1})
    for folder in (faked.model_dir, faked.folder / "checkpoints" / CHECKPOINT):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    about = {"step": 1, "tokens": 512, "held_out_loss": 5.9}
    write_json(faked.folder / "checkpoints" / CHECKPOINT / "flopledger.json", about)
    return faked


def section(name: str, language: str = "en") -> AppTest:
    app = open_page("models", language)
    app.segmented_control(key="model_section").set_value(name).run()
    assert not app.exception
    return app


def answer_of(app: AppTest) -> str:
    (answer,) = answers(app)
    return answer


def test_no_run_is_said() -> None:
    assert catalog("en")("model.none") in [
        element.value for element in open_page("models").markdown
    ]


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize(
    "name", ["generate", "evaluate", "inside", "compare", "compress", "download"]
)
def test_every_section_draws(run: Run, name: str, language: str) -> None:
    app = section(name, language)
    assert not app.error
    assert len(app.metric) == 5


def test_the_answer_has_figures(run: Run) -> None:
    app = open_page("models")
    assert "2 bits per byte" in answer_of(app)
    assert "2.15" in answer_of(app)


def test_it_writes_with_what_the_fields_say(run: Run) -> None:
    app = open_page("models")
    app.slider(key="generate.temperature").set_value(0.5)
    app.text_area(key="prompt").set_value("Once").run()
    app.button(key="generate").click().run()
    assert app.get("text")[-1].value == "Once by model at 0.5"
    app.text_area(key="prompt").set_value("bad")
    app.button(key="generate").click().run()
    assert "prompt: bad" in app.error[0].value


def test_an_evaluation_is_made_once_and_kept(run: Run) -> None:
    app = section("evaluate")
    app.number_input(key="model_questions").set_value(50).run()
    app.button(key="evaluate").click().run()
    for _ in range(100):
        if (found := kept_evaluation(run)) is not None:
            break
        app.run()
    assert found is not None
    assert found.asked.questions == 50
    again = section("evaluate")
    assert again.metric[2].value == "60%"
    assert "53% – 67%" in "".join(element.value for element in again.caption)
    assert "1.5 bits" in answer_of(again)
    assert "60%" in answer_of(again)


def test_a_failed_evaluation_says_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Iterator[dict[str, Any]]:
        raise InputError("held_out_tokens", 3, "greater_than_equal", limit=64)

    monkeypatch.setattr(FakeModelProcess, "ask", refuse)
    app = section("evaluate")
    app.button(key="evaluate").click().run()
    for _ in range(100):
        if app.error:
            break
        app.run()
    assert "held_out_tokens: 3" in app.error[0].value


def test_a_checkpoint_can_be_chosen(run: Run) -> None:
    app = open_page("models")
    (choice,) = [
        element for element in app.selectbox if (element.key or "").startswith("model_which#")
    ]
    choice.set_value(CHECKPOINT).run()
    assert not app.exception
    assert app.metric[0].value == "–"  # not evaluated
    app.button(key="generate").click().run()
    assert f"by {CHECKPOINT}" in app.get("text")[-1].value


def test_a_run_that_failed_shows_its_checkpoint(run: Run) -> None:
    (run.folder / "result.json").unlink()
    run.end(Phase.FAILED)
    app = section("compare")
    assert catalog("en")("model.answer_not_evaluated") in answer_of(app)


def test_side_by_side_two_models_write(run: Run) -> None:
    app = section("compare")
    app.button(key="write_both").click().run()
    written = [element.value for element in app.get("text")]
    assert any(f"by {CHECKPOINT}" in text for text in written)
    assert any("by model" in text for text in written)


def test_a_text_of_one_token_is_refused_in_one_line(run: Run) -> None:
    app = section("inside")
    app.text_area(key="inspected").set_value("one").run()
    assert "two tokens" in app.error[0].value


def test_bert_does_not_write(run: Run) -> None:
    bert = run.recipe.with_values({"shape.family": "bert", "shape.n_kv_heads": 2})
    (run.folder / "recipe.toml").write_text(bert.to_toml())
    app = open_page("models")
    assert app.info[0].value == catalog("en")("model.fills_in")
    assert not [element for element in app.button if element.key == "generate"]
    assert not section("inside").error


def test_html_of_tokens_is_escaped_and_coloured() -> None:
    st.session_state["language"] = "en"
    written = token_html(SEEN, guessing=8.0)
    assert "<b>&lt;" not in written
    assert "&lt;b&gt;" in written
    assert written.count('class="token"') == 3
    assert [written.count(f"--cost: {cost}") for cost in ("0.000", "0.200", "0.800")] == [1, 1, 1]
    assert "2.00 nats (probability 14%)" in written
    assert "“·cat” 50%" in written


def test_csv_holds_what_is_drawn() -> None:
    rows = list(csv.DictReader(io.StringIO(losses_csv(SEEN))))
    assert [row["loss_nats"] for row in rows] == ["", "2.0", "20.0"]
    assert rows[1]["guess_1"] == " cat"
    assert rows[2]["token"] == "\n"
    shares = [[1.0, 0.0], [0.25, 0.75]]
    cells = list(csv.DictReader(io.StringIO(attention_csv(shares, ["a", "b"]))))
    assert [(row["reading"], row["looked_at"], row["share"]) for row in cells] == [
        ("a", "a", "1.0"),
        ("b", "a", "0.25"),
        ("b", "b", "0.75"),
    ]


def test_the_mean_over_heads() -> None:
    assert mean_of([[[1.0, 0.0]], [[0.5, 0.5]]]) == [[0.75, 0.25]]


def test_a_model_too_large_for_a_browser_has_its_command(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.parts.model.export.MAX_DOWNLOAD_BYTES", 1)
    app = section("download")
    assert "too large for a browser" in app.info[0].value
    assert any(f"python -m engine export {run.id}" in element.value for element in app.code)


def test_a_run_without_checkpoints_says_how_to_keep_them(run: Run) -> None:
    shutil.rmtree(run.folder / "checkpoints")
    app = section("compare")
    assert catalog("en")("model.no_checkpoints") in [element.value for element in app.markdown]
