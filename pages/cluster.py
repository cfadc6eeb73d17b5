"""Page Cluster and layout: the devices, the layout on them, and other accelerators."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.currencies import displayed_amount
from engine.facts import accelerator, prices_of
from engine.predictor.stacks import stacks
from engine.reports.forecast_tables import FIGURES, show, show_value
from finance.metrics.projection import Projection
from finance.verdict.checks import checks_of_layout
from finance.verdict.mends import fastest_layout
from pages.parts.charts import draw, memory_chart, step_chart
from pages.parts.cluster.layout import best_layouts
from pages.parts.cluster.timeline import step_timeline
from pages.parts.fields import accelerator_field, field, fields
from pages.parts.figures.ticks import currency_unit, money_format
from pages.parts.frame import run_in_frame
from pages.parts.hardware.comparison import draw_hardware
from pages.parts.lazy_tabs import lazy_tabs
from pages.parts.session import draft, projections, scenario_session, text
from pages.parts.summary.checks import draw_cautions
from pages.parts.tiles import figure_tile, show_answer, tiles

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


def _answer(projection: Projection) -> str:
    say, predicted = text(), projection.forecast
    language = say.language
    return say(
        "plan.answer" if predicted.fits else "plan.answer_too_large",
        step=show_value("step_time_s", predicted.step_time_s, language),
        steps=quantities.number(predicted.steps, language),
        hours=show_value("device_hours", predicted.device_hours, language),
        flops=quantities.scientific(predicted.training_flops),
        cost=show_value("cost_usd", predicted.cost_usd, language),
        memory=show_value("memory_bytes", predicted.memory_bytes_per_device, language),
        device_memory=show("memory_bytes", predicted.device_memory_bytes, language),
    )


def _inputs() -> None:
    say = text()
    accelerator_field()
    _device_note()
    fields("plan.cluster", ("n_devices", "availability_share"))
    _price()
    _layout_choice()
    with st.expander(say("cluster.advanced"), icon=":material/tune:"):
        field("plan.cluster.price_source")
        fields("plan.layout", _LAYOUT_FIELDS)
        field("plan.software", options={name: _software(name) for name in stacks()})


def _layout_choice() -> None:
    """Show the layout in words, and offer the fastest that fits."""
    say, plan = text(), draft().plan
    st.markdown(
        say(
            "cluster.layout_now",
            layout=plan.layout.short_name,
            sequences=quantities.number(
                plan.layout.global_batch_sequences(plan.cluster.n_devices), say.language
            ),
        ),
        help=say("cluster.layout_help"),
    )
    st.button(
        say("cluster.use_fastest"),
        key="use_fastest_layout",
        icon=":material/bolt:",
        on_click=_use_fastest_layout,
    )


def _use_fastest_layout() -> None:
    """Take the fastest layout that fits; say so if none fits or the plan has it already."""
    say, session = text(), scenario_session()
    before, changes = session.draft, fastest_layout(session.draft.plan)
    if not changes:
        st.toast(say("mend.none_fits"), icon=":material/block:")
    elif session.change(changes):
        same = session.draft == before
        st.toast(say("cluster.is_fastest" if same else "mend.done"), icon=":material/check:")


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
    st.caption(say("cluster.price_source", source=draft().plan.cluster.price_source))
    prices = prices_of(draft().plan.cluster.accelerator)
    if not prices:
        st.caption(say("plan.no_prices"))
        return
    with st.popover(say("plan.published_prices", n=len(prices)), icon=":material/sell:"):
        price = say("table.price", currency=currency_unit())
        table = pd.DataFrame(
            {
                price: [displayed_amount(row.usd_per_device_hour) for row in prices],
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
            column_config={price: st.column_config.NumberColumn(format=money_format(2))},
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


def _details() -> None:
    say, predicted = text(), projections()[0].forecast
    rows = [
        {
            say("table.quantity"): say(f"quantity.{name}"),
            say("table.value"): show_value(name, getattr(predicted, name), say.language),
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
    st.title(say("cluster.question"))
    show_answer(_answer(now))
    _tiles(now, saved)
    draw_cautions(checks_of_layout(now), here="cluster")
    lazy_tabs("cluster", {"layout": _layout, "hardware": draw_hardware}, "cluster.tab_")


def _tiles(now: Projection, saved: Projection) -> None:
    forecast, before = now.forecast, saved.forecast
    tiles(
        [
            figure_tile(
                "memory_bytes_per_device",
                forecast.memory_bytes_per_device,
                before.memory_bytes_per_device,
                better="down",
            ),
            figure_tile("mfu", forecast.mfu, before.mfu, better="up"),
            figure_tile(
                "wall_clock_hours",
                forecast.wall_clock_hours,
                before.wall_clock_hours,
                better="down",
            ),
            figure_tile("cost_usd", forecast.cost_usd, before.cost_usd, better="down"),
        ]
    )


def _layout() -> None:
    inputs, results = st.columns([2, 3], gap="large")
    with inputs:
        _inputs()
    with results:
        drawn = {
            "where": _memory_and_time,
            "layouts": best_layouts,
            "timeline": step_timeline,
            "details": _details,
        }
        lazy_tabs("layout", drawn, "plan.tab_")


def _memory_and_time() -> None:
    say = text()
    now, _ = projections()
    forecast = now.forecast
    st.header(say("plan.memory_heading"))
    draw(memory_chart(forecast), "memory", height=230)
    st.header(say("plan.step_heading"))
    draw(step_chart(forecast), "step", height=260)
    if forecast.calibration_run_ids:
        st.caption(say("plan.calibrated_note", ratio=_ratio(now)))
    _goodput(now)


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
