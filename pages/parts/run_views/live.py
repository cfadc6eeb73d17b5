"""A live run: its progress, its cost so far, and the cancel button."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.launching.reconcile import reconcile_run
from engine.runs.observing.progress import Meter, Progress
from engine.units import SECONDS_PER_HOUR
from pages.parts.charts import draw
from pages.parts.run_views.charts import meter_chart, spending_text
from pages.parts.run_views.runs import progress_of, run_color
from pages.parts.session import text
from pages.parts.streamlit_private import Container
from pages.parts.tiles import Tile, tiles
from pages.parts.user_text import escaped_markdown

_REFRESH_S = 1.0


def watch(run: Run, label: str) -> None:
    """Draw the run's state every second; when it has ended, the whole page is drawn again."""

    def draw_once() -> None:
        progress = progress_of(run.id)
        phase = reconcile_run(run)
        with st.container(border=True):
            _head(run, label, progress, phase)
            if progress.metrics:
                _meter(progress, run.id)
        if phase.is_over:
            st.rerun()

    st.fragment(draw_once, run_every=_REFRESH_S)()


def _head(run: Run, label: str, progress: Progress, phase: Phase) -> None:
    say = text()
    row = st.container(horizontal=True, vertical_alignment="center", gap="large")
    bar = row.container()
    share, line = progress_line(progress, phase, progress.cost_usd)
    bar.markdown(f"**{say('calibrate.live', run=escaped_markdown(label))}**")
    bar.progress(share, text=line)
    cancel_button(row, run)


def cancel_button(row: Container, run: Run) -> None:
    """Draw the button that cancels a run, disabled if it is already stopping."""
    say, is_stopping = text(), run.stop_reason is not None
    row.button(
        say("calibrate.stopping" if is_stopping else "calibrate.cancel"),
        key=f"cancel.{run.id}",
        icon=":material/stop_circle:",
        help=say("calibrate.cancel_help"),
        disabled=is_stopping,
        on_click=control.cancel,
        args=(run,),
    )


def progress_line(progress: Progress, phase: Phase, cost_usd: float) -> tuple[float, str]:
    """Return the done share of the phase, and a line about it with the cost so far."""
    say = text()
    if phase is Phase.TRAINING and progress.seconds_left is not None:
        return progress.share_done, say(
            "calibrate.progress",
            step=progress.steps_done,
            steps=progress.recipe.steps,
            left=quantities.duration(progress.seconds_left, say.language),
            cost=quantities.usd(cost_usd, say.language),
        )
    preparing = progress.preparing() if phase is Phase.PREPARING else None
    if preparing is None:
        return 0.0, say(f"phase_note.{phase}")
    stage = f"corpus.stage.{preparing.stage}"
    return preparing.share, say(
        "calibrate.preparing",
        stage=say(stage) if stage in say else preparing.stage,
        share=f"{preparing.share:.0%}",
    )


def _meter(progress: Progress, run_id: str) -> None:
    meter = progress.meter()
    tiles(_tiles(progress, meter), key=f"_{run_id}")
    place = "inside" if meter.inside_interval else "outside"
    at_end, forecast = (
        spending_text(meter.axis, amount) for amount in (meter.at_end, meter.forecast.value)
    )
    st.markdown(text()(f"calibrate.heading_{place}.{meter.axis}", at_end=at_end, forecast=forecast))
    draw(meter_chart(meter, run_color(run_id)), f"meter.{run_id}", height=150)


def _tiles(progress: Progress, meter: Meter) -> list[Tile]:
    say, language = text(), text().language
    loss = progress.held_out_loss
    tokens_per_s = progress.tokens_per_s or 0.0
    predicted_tokens_per_s = progress.forecast.tokens_per_s.value
    return [
        Tile(
            label=say("calibrate.spent"),
            value=spending_text(meter.axis, meter.so_far),
            note=say(
                "calibrate.of_forecast",
                forecast=spending_text(meter.axis, meter.forecast.value),
                share=quantities.share(meter.so_far / meter.forecast.value, language, digits=2),
            ),
        ),
        Tile(
            label=say("calibrate.time_left"),
            value=quantities.duration(progress.seconds_left or 0.0, language),
            note=say(
                "calibrate.time_so_far",
                n=quantities.duration(SECONDS_PER_HOUR * progress.hours, language),
            ),
        ),
        Tile(
            label=say("quantity.tokens_per_s"),
            value=f"{quantities.count(tokens_per_s, language)}/s",
            note=say(
                "calibrate.forecast_of",
                n=f"{quantities.count(predicted_tokens_per_s, language)}/s",
            ),
        ),
        Tile(
            label=say("calibrate.held_out_loss"),
            value="—" if loss is None else say("unit.nats", n=quantities.number(loss, language)),
            note=say(
                "calibrate.training_loss",
                n=quantities.number(progress.smoothed_losses[-1], language),
            ),
        ),
    ]
