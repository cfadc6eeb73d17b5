"""Page Plan: the model's shape, its training and its cluster, and the forecast for them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.facts import accelerator, loss_coefficients, prices_of
from engine.predictor.stacks import stacks
from engine.reports.forecast_tables import FIGURES, show
from finance.metrics.projection import Projection
from pages.parts.charts import draw, memory_chart, step_chart
from pages.parts.fields import accelerator_field, field, fields
from pages.parts.frame import run_in_frame
from pages.parts.plan.costs import draw_payment_options
from pages.parts.plan.layout import best_layouts
from pages.parts.plan.published import choose_model
from pages.parts.plan.timeline import step_timeline
from pages.parts.session import draft, projections, scenario_session, text
from pages.parts.tiles import Tile, figure_tile, tiles

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

_LAYOUT_FIELDS = (
    "micro_batch_sequences",
    "grad_accumulation_steps",
    "tensor_parallel",
    "pipeline_parallel",
    "virtual_stages",
    "context_parallel",
    "expert_parallel",
    "zero_stage",
    "shard_group",
    "precision",
    "activation_checkpointing",
    "offload",
)
_MOE_FIELDS = ("n_experts", "top_k", "d_ff", "n_shared_experts", "n_dense_layers")
_MLA_FIELDS = (
    *("q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"),
)
_SERVING_FIELDS = (
    *("concurrent_sequences", "utilisation_share", "context_tokens", "output_tokens"),
    *("cached_share", "weights"),
)


def _answer(projection: Projection) -> str:
    say, predicted = text(), projection.forecast
    language = say.language
    return say(
        "plan.answer" if predicted.fits else "plan.answer_too_large",
        step=show("step_time_s", predicted.step_time_s.value, language),
        steps=quantities.number(predicted.steps, language),
        hours=show("device_hours", predicted.device_hours.value, language),
        flops=f"{predicted.training_flops:.2e}",
        cost=show("cost_usd", predicted.cost_usd.value, language),
        memory=show("memory_bytes", predicted.memory_bytes_per_device.value, language),
        device_memory=show("memory_bytes", predicted.device_memory_bytes, language),
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


def _inputs() -> None:
    say = text()
    with st.expander(say("plan.model"), expanded=True, icon=":material/account_tree:"):
        choose_model()
        field("plan.shape.family")
        fields("plan.shape", _SHAPE_FIELDS)
        field("plan.shape.tied_embeddings")
        shape = draft().plan.shape
        if shape.moe:
            st.markdown(f"**{say('plan.experts')}**")
            fields("plan.shape.moe", _MOE_FIELDS)
        if shape.mla:
            st.markdown(f"**{say('plan.latent_attention')}**")
            fields("plan.shape.mla", _MLA_FIELDS)
    with st.expander(say("plan.training"), expanded=True, icon=":material/model_training:"):
        field("plan.tokens")
        fields("plan.layout", _LAYOUT_FIELDS)
        field("plan.software", options={name: _software(name) for name in stacks()})
        field("plan.peak_learning_rate")
        field("plan.law", options={law.law: law.label for law in loss_coefficients().values()})
    with st.expander(say("plan.cluster"), expanded=True, icon=":material/dns:"):
        accelerator_field()
        _device_note()
        fields("plan.cluster", ("n_devices", "availability_share"))
        _price()
    with st.expander(say("plan.serving"), icon=":material/cloud:"):
        fields("plan.serving", _SERVING_FIELDS)
        measured = draft().plan.serving.measured
        if measured is not None:
            st.caption(
                say(
                    "plan.served_as_measured",
                    way=say(f"compression.way_{measured.way}"),
                    writing=f"{measured.writing.value:.2f}",
                    date=measured.measured_on.isoformat(),
                )
            )


def _software(name: str) -> str:
    return text()("option.software.default") if name == "default" else name


def _device_note() -> None:
    """Show the source of the accelerator's figures if it is not its vendor's page."""
    say = text()
    device = accelerator(draft().plan.cluster.accelerator)
    if device.confidence != "published":
        st.caption(
            say(
                "plan.device_confidence",
                name=device.name,
                confidence=say(f"option.confidence.{device.confidence}"),
                source=device.source,
                as_of=device.as_of,
            )
        )


def _price() -> None:
    """Draw the price as a field, and the published prices to choose from."""
    say = text()
    field("plan.cluster.price_usd_per_device_hour")
    field("plan.cluster.price_source")
    prices = prices_of(draft().plan.cluster.accelerator)
    if not prices:
        st.caption(say("plan.no_prices"))
        return
    with st.popover(say("plan.published_prices", n=len(prices)), icon=":material/sell:"):
        table = pd.DataFrame(
            {
                say("table.price"): [float(row.usd_per_device_hour) for row in prices],
                say("table.provider"): [row.provider for row in prices],
                say("table.terms"): [say(f"option.terms.{row.terms}") for row in prices],
                say("table.instance"): [row.instance for row in prices],
                say("table.as_of"): [row.as_of for row in prices],
                say("table.confidence"): [say(f"option.confidence.{r.confidence}") for r in prices],
            }
        )
        chosen = st.dataframe(
            table,
            hide_index=True,
            on_select="rerun",
            selection_mode="single-row",
            key=f"prices#{scenario_session().revision}",
            column_config={say("table.price"): st.column_config.NumberColumn(format="$%.2f")},
        )
        st.caption(say("plan.choose_price"))
    rows = chosen["selection"]["rows"]
    if rows:
        row = prices[rows[0]]
        scenario_session().change(
            {
                "plan.cluster.price_usd_per_device_hour": str(row.usd_per_device_hour),
                "plan.cluster.price_source": row.citation,
            }
        )
        st.rerun()


def _details(now: Projection) -> None:
    say, predicted = text(), now.forecast
    rows = [
        {
            say("table.quantity"): say(f"quantity.{name}"),
            say("table.value"): show(name, getattr(predicted, name).value, say.language),
            say("table.low"): show(name, getattr(predicted, name).low, say.language),
            say("table.high"): show(name, getattr(predicted, name).high, say.language),
            say("table.basis"): say(f"basis.{name}"),
        }
        for name in FIGURES
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    st.markdown(f"**{say('plan.sources')}**")
    for name, source in predicted.sources.items():
        st.markdown(f"- {say(f'source.{name}')}: {source}")


def page() -> None:
    """Draw the page."""
    say = text()
    now, saved = projections()
    st.title(say("plan.question"))
    st.markdown(f"#### {_answer(now)}")
    forecast, before = now.forecast, saved.forecast
    tiles(
        [
            _parameters_tile(now),
            figure_tile("mfu", forecast.mfu, before.mfu, better="up"),
            figure_tile("device_hours", forecast.device_hours, before.device_hours, better="down"),
            figure_tile("cost_usd", forecast.cost_usd, before.cost_usd, better="down"),
            figure_tile(
                "loss_nats_per_token",
                forecast.loss_nats_per_token,
                before.loss_nats_per_token,
                better="down",
            ),
        ]
    )
    if forecast.loss_extrapolated:
        st.info(say("plan.extrapolated"), icon=":material/straighten:")
    inputs, charts = st.columns([2, 3], gap="large")
    with inputs:
        _inputs()
    with charts:
        _results(now)


def _results(now: Projection) -> None:
    say, forecast = text(), now.forecast
    names = ("where", "layouts", "ways", "timeline", "details")
    where, layouts, payment, timeline, details = st.tabs(
        [say(f"plan.tab_{name}") for name in names]
    )
    with where:
        st.subheader(say("plan.memory_heading"))
        draw(memory_chart(forecast), "memory", height=230)
        st.subheader(say("plan.step_heading"))
        draw(step_chart(forecast), "step", height=260)
        if forecast.calibration_run_ids:
            st.caption(say("plan.calibrated_note", ratio=_ratio(now)))
        _goodput(now)
    with layouts:
        best_layouts()
    with payment:
        draw_payment_options(now)
    with timeline:
        step_timeline()
    with details:
        _details(now)


def _goodput(now: Projection) -> None:
    say, forecast = text(), now.forecast
    language = say.language
    stated = now.scenario.plan.cluster.availability_share is not None
    st.caption(
        say(
            "plan.goodput_stated" if stated else "plan.goodput",
            share=quantities.share(forecast.goodput_share.value, language),
            low=quantities.share(forecast.goodput_share.low, language),
            high=quantities.share(forecast.goodput_share.high, language),
            hfu=quantities.share(forecast.hfu.value, language),
        )
    )


def _ratio(now: Projection) -> str:
    calibration = now.scenario.plan.calibration
    assert calibration is not None
    return f"{calibration.step_time.value:.2f}"


run_in_frame(page)
