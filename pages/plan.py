"""What does this model take to train? Shape, cluster, and what follows from them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.facts import accelerator, loss_coefficients, prices_of
from engine.report import FIGURES, show
from finance.outlook import Outlook
from pages.parts.charts import draw, memory_chart, step_chart
from pages.parts.fields import accelerator_field, field, fields
from pages.parts.frame import run_in_frame
from pages.parts.session import desk, draft, outlooks, text
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
    "zero_stage",
    "precision",
    "activation_checkpointing",
)


def _answer(seen: Outlook) -> str:
    say, predicted = text(), seen.forecast
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


def _parameters_tile(now: Outlook) -> Tile:
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
        field("plan.shape.family")
        fields("plan.shape", _SHAPE_FIELDS)
        field("plan.shape.tied_embeddings")
    with st.expander(say("plan.training"), expanded=True, icon=":material/model_training:"):
        field("plan.tokens")
        fields("plan.layout", _LAYOUT_FIELDS)
        field("plan.peak_learning_rate")
        field("plan.law", options={law.law: law.label for law in loss_coefficients().values()})
    with st.expander(say("plan.cluster"), expanded=True, icon=":material/dns:"):
        accelerator_field()
        _device_note()
        fields("plan.cluster", ("n_devices", "availability_share"))
        _price()
    with st.expander(say("plan.serving"), icon=":material/cloud:"):
        fields("plan.serving", ("concurrent_sequences", "context_tokens"))
        field("plan.serving.utilisation_share")


def _device_note() -> None:
    """Where the figures of an accelerator come from, where that is not its vendor's page."""
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
    """The price as a field, and the published ones to choose from."""
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
            key=f"prices#{desk().revision}",
            column_config={say("table.price"): st.column_config.NumberColumn(format="$%.2f")},
        )
        st.caption(say("plan.choose_price"))
    rows = chosen["selection"]["rows"]
    if rows:
        row = prices[rows[0]]
        desk().change(
            {
                "plan.cluster.price_usd_per_device_hour": str(row.usd_per_device_hour),
                "plan.cluster.price_source": row.cited,
            }
        )
        desk().revision += 1  # the choice is taken, or refused: either way it is over
        st.rerun()


def _details(now: Outlook) -> None:
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
    say = text()
    now, saved = outlooks()
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
        st.subheader(say("plan.memory_heading"))
        draw(memory_chart(forecast), "memory", height=230)
        st.subheader(say("plan.step_heading"))
        draw(step_chart(forecast), "step", height=230)
        if forecast.calibration_run_ids:
            st.caption(say("plan.calibrated_note", ratio=_ratio(now)))
        st.subheader(say("plan.details"))
        _details(now)


def _ratio(now: Outlook) -> str:
    calibration = now.scenario.plan.calibration
    assert calibration is not None
    return f"{calibration.step_time.value:.2f}"


run_in_frame(page)
