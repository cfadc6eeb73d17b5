"""Page What to train: the model's shape, its tokens, and what a budget buys."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.facts import loss_coefficients
from engine.reports.forecast_tables import show_value
from finance.metrics.projection import Projection
from finance.verdict.checks import checks_of_training
from pages.parts.fields import field, fields
from pages.parts.frame import run_in_frame
from pages.parts.lazy_tabs import lazy_tabs
from pages.parts.scaling.budget import draw_budget
from pages.parts.scaling.repeated import draw_repeated
from pages.parts.scaling.runs import draw_runs
from pages.parts.session import draft, projections, text
from pages.parts.summary.checks import draw_cautions
from pages.parts.tiles import Tile, figure_tile, loss_tile, show_answer, tiles
from pages.parts.train.published import choose_model
from pages.parts.train.token_budget import draw_token_budget

_SHAPE_FIELDS = (
    "n_layers",
    "d_model",
    "n_heads",
    "n_kv_heads",
    "head_dim",
    "d_ff",
    "vocab",
    "seq_len_tokens",
)
_MOE_FIELDS = ("n_experts", "top_k", "d_ff", "n_shared_experts", "n_dense_layers")
_MLA_FIELDS = (
    *("q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"),
)


def _answer(projection: Projection) -> str:
    say, predicted = text(), projection.forecast
    return say(
        "train.answer",
        parameters=quantities.count(predicted.parameters_total, say.language),
        tokens=quantities.count(projection.scenario.plan.tokens, say.language),
        flops=quantities.scientific(predicted.training_flops),
        loss=show_value("loss_nats_per_token", predicted.loss_nats_per_token, say.language),
        cost=show_value("cost_usd", predicted.cost_usd, say.language),
    )


def _parameters_tile(now: Projection) -> Tile:
    say, predicted = text(), now.forecast
    embedding = quantities.count(predicted.parameters_embedding, say.language)
    return Tile(
        label=say("quantity.parameters_total"),
        value=quantities.count(predicted.parameters_total, say.language),
        note=say("plan.embedding_note", embedding=embedding),
        help=say("basis.parameters_total"),
    )


def _tiles(now: Projection, saved: Projection) -> None:
    forecast, before = now.forecast, saved.forecast
    tiles(
        [
            _parameters_tile(now),
            loss_tile(forecast, before),
            figure_tile("device_hours", forecast.device_hours, before.device_hours, better="down"),
            figure_tile("cost_usd", forecast.cost_usd, before.cost_usd, better="down"),
        ]
    )


def _model() -> None:
    say = text()
    left, right = st.columns(2, gap="large")
    with left:
        st.header(say("plan.model"))
        choose_model()
        field("plan.shape.family")
        fields("plan.shape", _SHAPE_FIELDS)
        field("plan.shape.tied_embeddings")
    with right:
        st.header(say("plan.training"))
        field("plan.tokens")
        field("plan.peak_learning_rate")
        field("plan.law", options={law.law: law.label for law in loss_coefficients().values()})
        shape = draft().plan.shape
        if shape.moe:
            st.markdown(f"**{say('plan.experts')}**")
            fields("plan.shape.moe", _MOE_FIELDS)
        if shape.mla:
            st.markdown(f"**{say('plan.latent_attention')}**")
            fields("plan.shape.mla", _MLA_FIELDS)


def _data() -> None:
    draw_token_budget()
    st.header(text()("scaling.tab.repeated"))
    draw_repeated()


def page() -> None:
    """Draw the page."""
    say = text()
    now, saved = projections()
    st.title(say("train.question"))
    show_answer(_answer(now))
    _tiles(now, saved)
    draw_cautions(checks_of_training(now), here="train")
    drawn = {
        "model": _model,
        "data": _data,
        "budget": draw_budget,
        "runs": draw_runs,
    }
    lazy_tabs("train", drawn, "train.tab_")


run_in_frame(page)
