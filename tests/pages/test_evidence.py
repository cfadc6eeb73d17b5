"""The page Evidence without a browser."""

import math
import re

import pytest
from streamlit.testing.v1 import AppTest

from engine.documents import InputError
from engine.evidence import heldout
from engine.evidence.heldout import evidence
from engine.evidence.peers import peers
from engine.evidence.predictions import score
from engine.predictor.efficiency import ASSUMPTION, efficiency_parameters
from engine.text import LANGUAGES, catalog
from pages.parts.evidence.priors import prior_keys
from tests.pages.answers import answers
from tests.pages.test_pages import open_page


def values(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_is_the_cross_validation(language: str) -> None:
    app = open_page("evidence", language)
    everything, *_ = score(evidence().rows, evidence().held_out)
    answer = answers(app)[0]
    for figure in (
        everything.median_error,
        everything.p90_error,
        everything.interval_coverage,
    ):
        assert figure is not None
        assert f"{figure:.1%}" in answer
        assert f"{figure:.1%}" in values(app)
    assert str(everything.n_measured) in values(app)
    assert all(metric.help for metric in app.metric)


def test_the_switch_shows_what_the_app_predicts_now() -> None:
    app = open_page("evidence")
    before = values(app)
    app.segmented_control(key="evidence_view").set_value("in_sample").run()
    assert not app.exception
    everything, *_ = score(evidence().rows, evidence().in_sample)
    assert values(app) != before
    assert f"{everything.median_error:.1%}" in values(app)


@pytest.mark.parametrize("column", ["gpu", "precision", "arch_family", "source_id"])
def test_errors_by_each_column(column: str) -> None:
    app = open_page("evidence", "zh_Hans")
    app.segmented_control(key="evidence_column").set_value(column).run()
    assert not app.exception
    say = catalog("zh_Hans")
    table = app.dataframe[0].value
    groups = [
        group
        for group in score(evidence().rows, evidence().held_out)
        if group.group.startswith(f"{column}=") and group.n_measured
    ]
    assert len(table) == len(groups) + 1
    rows = table[say("table.rows")].tolist()
    assert rows[0] == sum(rows[1:])
    if column == "arch_family":
        assert say("evidence.value.moe") in table[say("table.group")].tolist()


def test_peers_stand_beside_ours() -> None:
    app = open_page("evidence")
    table = app.table[0].value
    names = table.iloc[:, 0].tolist()
    assert names[0] == catalog("en")("evidence.peer_name.ours")
    assert {"cli99/llm-analysis", "calculon", "MooreThreads/SimuMax"} <= set(names)
    (calculon,) = table[table.iloc[:, 0] == "calculon"].values.tolist()
    assert calculon[1].split("\u00a0–\u2060\u00a0") == ["19%", "21%"]


def test_parameters_are_searched() -> None:
    app = open_page("evidence")
    assert len(app.table[1].value) == len(efficiency_parameters())
    app.text_input(key="parameter_search").set_value("attention hopper").run()
    found = app.table[1].value
    assert 0 < len(found) < 10
    app.text_input(key="parameter_search").set_value("no such thing").run()
    assert len(app.table) == 1
    assert app.info[0].value == catalog("en")("evidence.search_none")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_in_the_tables_has_its_text(language: str) -> None:
    say = catalog(language)
    for row in efficiency_parameters():
        assert f"evidence.parameter.{row.parameter}" in say
        assert f"evidence.unit.{row.unit.replace(',', '').replace(' ', '_')}" in say
    for peer in peers():
        assert f"evidence.peer_rows_note.{peer.rows_note}" in say
    for kind in {row["arch_family"] for row in evidence().rows}:
        assert f"evidence.value.{kind}" in say


def test_a_table_behind_its_rows_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def behind() -> None:
        raise InputError("cross_validation.csv", "new-row", "row_to_refit")

    monkeypatch.setattr(heldout, "evidence", behind)
    app = open_page("evidence")
    assert "new-row" in app.error[0].value
    assert not app.metric


def test_no_figure_on_the_page_is_missing() -> None:
    app = open_page("evidence")
    assert all(value not in ("–", "nan") for value in values(app))
    assert not any(math.isnan(element) for element in app.dataframe[0].value.iloc[:, 2])


def test_sources_of_priors_are_those_of_the_table_and_are_translated() -> None:
    english, chinese = catalog("en"), catalog("zh_Hans")
    for source, key in prior_keys().items():
        assert english(key) == source.removeprefix(ASSUMPTION)
        assert re.search(r"[\u4e00-\u9fff]", chinese(key)), key
