"""Page Summary: the figures that decide whether the plan is worth funding."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.facts import accelerator
from engine.reports.forecast_tables import show
from finance.metrics.cash_report import lasting_text, when_used_up
from finance.metrics.projection import NextAction, Projection, next_action
from pages.parts.charts import cash_chart, draw
from pages.parts.frame import run_in_frame
from pages.parts.session import projections, text
from pages.parts.tiles import Tile, figure_tile, runway_tile, tiles

_PAGE_OF_ACTION = {
    NextAction.MAKE_IT_FIT: "cluster",
    NextAction.CALIBRATE: "calibrate",
    NextAction.PLAN_A_ROUND: "funding",
    NextAction.RAISE_EARLIER: "funding",
    NextAction.RAISE_MORE: "funding",
    NextAction.RAISE: "funding",
    NextAction.NOTHING: "train",
}


def _answer(projection: Projection) -> str:
    say = text()
    plan, predicted, language = projection.scenario.plan, projection.forecast, say.language
    return say(
        "overview.answer",
        parameters=quantities.count(predicted.parameters_total, language),
        tokens=quantities.count(plan.tokens, language),
        devices=quantities.count(plan.cluster.n_devices, language),
        accelerator=accelerator(plan.cluster.accelerator).name,
        duration=show("wall_clock_hours", predicted.wall_clock_hours.value, language),
        cost=quantities.usd(predicted.cost_usd.value, language),
        lasting=lasting_text(say, projection.runway_months, projection.horizon_months),
    )


def _calibration_tile(projection: Projection) -> Tile:
    say = text()
    calibration = projection.scenario.plan.calibration
    if calibration is None or not projection.forecast.calibration_run_ids:
        return Tile(
            label=say("overview.checked"),
            value=say("overview.not_checked"),
            note=say("overview.not_checked_note"),
            help=say("basis.calibration"),
        )
    ratio = calibration.step_time
    note = say(
        "overview.checked_note",
        low=f"{ratio.low:.2f}",
        high=f"{ratio.high:.2f}",
        accelerator=calibration.accelerator,
    )
    if calibration.noisy_load_share is not None:
        load = quantities.share(calibration.noisy_load_share, say.language)
        note = say("overview.checked_noisy", note=note, load=load)
    return Tile(
        label=say("overview.checked"),
        value=f"{ratio.value:.2f}×",
        note=note,
        help=say("basis.calibration"),
    )


def _round_tile(now: Projection) -> Tile:
    say = text()
    equity = now.scenario.company.next_round
    if equity is None:
        return Tile(label=say("overview.next_round"), value=say("overview.no_round"))
    return Tile(
        label=say("overview.round", month=equity.month),
        value=quantities.usd(equity.amount_usd, say.language),
        note=say(
            "overview.round_note",
            sold=quantities.share(now.sold_share, say.language),
            kept=quantities.share(1 - now.sold_share, say.language),
        ),
        help=say("basis.sold_share"),
    )


def page() -> None:
    """Draw the page."""
    say = text()
    now, saved = projections()
    st.title(say("summary.question"))
    st.markdown(f"#### {_answer(now)}")
    tiles(
        [
            figure_tile(
                "wall_clock_hours",
                now.forecast.wall_clock_hours,
                saved.forecast.wall_clock_hours,
                better="down",
            ),
            figure_tile("cost_usd", now.forecast.cost_usd, saved.forecast.cost_usd, better="down"),
            _calibration_tile(now),
            runway_tile(now, saved),
            _round_tile(now),
        ]
    )
    action = next_action(now)
    with st.container(border=True):
        st.markdown(say("overview.next") + "  " + say(f"next.{action}", **_action_params(now)))
        st.page_link(
            f"pages/{_PAGE_OF_ACTION[action]}.py",
            label=say("overview.go"),
            icon=":material/arrow_forward:",
        )
    st.subheader(say("overview.cash_heading", n=now.horizon_months))
    draw(cash_chart(now), "cash")
    st.caption(say("overview.cash_note"))


def _action_params(now: Projection) -> dict[str, object]:
    say = text()
    next_round = now.scenario.company.next_round
    return {
        "month": next_round.month if next_round else "",
        "amount": quantities.usd(next_round.amount_usd, say.language) if next_round else "",
        "lasting": lasting_text(say, now.runway_months, now.horizon_months),
        "when": when_used_up(say, now.runway_months),
        "when_with_round": when_used_up(say, now.runway_months_with_round),
        "memory": show(
            "memory_bytes_per_device", now.forecast.memory_bytes_per_device.value, say.language
        ),
        "device_memory": show("memory_bytes", now.forecast.device_memory_bytes, say.language),
    }


run_in_frame(page)
