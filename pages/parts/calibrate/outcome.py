"""A run that has ended: forecast and measurement, and the calibration that follows."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.reports.comparison import Comparison, compare, compare_steps, is_noisy
from engine.reports.forecast_tables import comparison_rows, show
from engine.results import RunResult
from engine.runs.folder import Phase, Run
from engine.runs.launching import control
from engine.runs.observing.measured_steps import measured_steps
from engine.runs.observing.measurements import calibration_of
from finance.metrics.cash_report import effect_rows
from finance.metrics.projection import calibration_effect, with_calibration
from pages.parts.charts import draw
from pages.parts.run_views.charts import ratio_chart
from pages.parts.run_views.runs import progress_of, run_color, show_run
from pages.parts.session import scenario_session, text
from pages.parts.tiles import Tile, tiles
from pages.parts.user_text import escaped_markdown

_EFFECT_PX = 450


def verdict(run: Run) -> str:
    """Return the run's answer to the page's question in a sentence."""
    say, result = text(), run.result
    if result is None:
        return _partial_verdict(run)
    rows = {row.quantity: row for row in compare(run.forecast, run.plan, result)}
    step = rows["step_time_s"]
    place = "inside" if step.inside_interval else "outside"
    spent = rows.get("cost_usd", rows["device_hours"])
    return say(
        f"calibrate.verdict_{place}.{spent.quantity}",
        ratio=f"{step.ratio:.2f}",
        measured=show(spent.quantity, spent.measured, say.language),
        predicted=show(spent.quantity, spent.predicted.value, say.language),
    )


def _partial_verdict(run: Run) -> str:
    """Return the answer of a run that ended early, by the steps that it measured, if enough."""
    say, measured = text(), measured_steps(progress_of(run.id))
    if measured is None:
        return say("calibrate.verdict_none")
    step, _ = compare_steps(run.forecast, run.recipe.tokens_per_step, measured.times)
    place = "inside" if step.inside_interval else "outside"
    return say(
        f"calibrate.verdict_steps_{place}",
        ratio=f"{step.ratio:.2f}",
        settled=quantities.number(measured.settled, say.language),
    )


def outcome_section(run: Run, label: str) -> None:
    """Compare predicted and measured figures, or show the reason why the run failed."""
    say, state, result = text(), run.state, run.result
    if state.phase is not Phase.SUCCEEDED or result is None:
        why = state.failure.in_language(say.language) if state.failure else ""
        line = escaped_markdown(f"{label}: {say(f'phase_note.{state.phase}')} {why}".rstrip())
        if state.phase is Phase.CANCELLED:
            st.info(line, icon=":material/cancel:")
        else:
            st.error(line, icon=":material/error:")
        _measured_steps_section(run)
        return
    rows = compare(run.forecast, run.plan, result)
    st.header(say("calibrate.ratios"))
    tiles(_measured_tiles(result), key="_measured")
    row = st.container(horizontal=True, gap="large", vertical_alignment="center")
    left, right = row.container(), row.container(width=_EFFECT_PX)
    with left:
        draw(ratio_chart(rows, run_color(run.id)), "ratios", height=400)
    with right:
        st.markdown(_spread_of(rows))
        _effect(run)
    with st.expander(say("calibrate.ratio_table"), icon=":material/table:"):
        head, cells = comparison_rows(say, rows)
        st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)


def _measured_steps_section(run: Run) -> None:
    """Compare the forecast with the measured steps of a run that ended early, if enough."""
    say, measured = text(), measured_steps(progress_of(run.id))
    if measured is None:
        return
    language = say.language
    rows = compare_steps(run.forecast, run.recipe.tokens_per_step, measured.times)
    st.header(say("calibrate.ratios"))
    tiles(
        [
            _step_time_tile(measured.times.mean, measured.times.p10, measured.times.p90),
            Tile(
                label=say("quantity.tokens_per_s"),
                value=f"{quantities.count(rows[1].measured, language)}/s",
            ),
        ],
        key="_measured",
    )
    draw(ratio_chart(rows, run_color(run.id)), "ratios", height=220)
    st.caption(
        say(
            "calibrate.steps_note",
            settled=quantities.number(measured.settled, language),
            done=quantities.number(measured.done, language),
            steps=quantities.number(run.recipe.steps, language),
        )
    )


def _step_time_tile(mean_s: float, p10_s: float, p90_s: float) -> Tile:
    say, language = text(), text().language
    return Tile(
        label=say("quantity.step_time_s"),
        value=quantities.duration(mean_s, language),
        note=say(
            "calibrate.step_spread",
            low=quantities.duration(p10_s, language),
            high=quantities.duration(p90_s, language),
        ),
        help=say("basis.measured_step_time"),
    )


def _measured_tiles(result: RunResult) -> list[Tile]:
    say = text()
    language = say.language
    noisy = is_noisy(result)
    return [
        _step_time_tile(result.step_time_s, result.step_time_s_p10, result.step_time_s_p90),
        Tile(
            label=say("quantity.tokens_per_s"),
            value=f"{quantities.count(result.tokens_per_s, language)}/s",
        ),
        Tile(
            label=say("quantity.mfu"),
            value=quantities.share(result.mfu, language),
            note=say(
                "calibrate.of_peak",
                achieved=quantities.si(result.achieved_flops_per_s, "FLOP/s", language),
                peak=quantities.si(result.peak_flops_per_s, "FLOP/s", language),
            ),
            help=say("basis.measured_mfu"),
        ),
        Tile(
            label=say("calibrate.held_out_loss"),
            value=say("unit.nats", n=quantities.number(result.held_out_loss, language)),
            note=_bits(result),
            help=say("basis.held_out_loss"),
        ),
        Tile(
            label=say("calibrate.load"),
            value=f"{result.other_load_share:.1%}",
            note=say("calibrate.load_noisy" if noisy else "calibrate.load_calm"),
            help=say("basis.load"),
        ),
    ]


def _bits(result: RunResult) -> str:
    if result.bits_per_byte is None:
        return text()("calibrate.masked_loss")
    n = quantities.number(result.bits_per_byte, text().language)
    return text()("model.bits_per_byte_value", n=n)


def _spread_of(rows: list[Comparison]) -> str:
    n_inside = sum(row.inside_interval for row in rows)
    return text()("calibrate.inside_count", inside=n_inside, all=len(rows))


def _effect(run: Run) -> None:
    """Draw the changes that the run's calibration makes, and the button that applies it."""
    say, session = text(), scenario_session()
    calibration = calibration_of(run)
    applied = session.draft.plan.calibration == calibration
    effect = calibration_effect(
        with_calibration(session.draft, None) if applied else session.draft, calibration
    )
    st.subheader(say("calibrate.effect"))
    if not effect.speed_counts:
        st.warning(
            say(
                "calibrate.does_not_count",
                measured=calibration.accelerator,
                planned=session.draft.plan.cluster.accelerator,
            ),
            icon=":material/info:",
        )
        return
    st.markdown(
        say(
            "calibrate.why",
            n=len(calibration.run_ids),
            device=calibration.device,
            ratio=f"{calibration.step_time.value:.3f}",
            low=f"{calibration.step_time.low:.3f}",
            high=f"{calibration.step_time.high:.3f}",
        )
    )
    head, cells = effect_rows(say, effect)
    st.table(pd.DataFrame(cells, columns=head), hide_index=True)
    if applied:
        key = "calibrate.applied_unsaved" if session.is_changed else "calibrate.applied"
        st.success(say(key, n=len(calibration.run_ids)), icon=":material/check:")
        st.button(
            say("calibrate.remove"),
            key="remove",
            icon=":material/cancel:",
            on_click=session.apply_calibration,
            args=(None,),
        )
        return
    if calibration.noisy_load_share is not None:
        load = quantities.share(calibration.noisy_load_share, say.language)
        st.warning(say("calibrate.noisy", load=load), icon=":material/graphic_eq:")
        st.button(
            say("calibrate.measure_again"),
            key="measure_again",
            type="primary",
            icon=":material/replay:",
            on_click=_measure_again,
            args=(run.id,),
        )
    st.button(
        say("calibrate.apply_anyway" if calibration.is_noisy else "calibrate.apply"),
        key="apply",
        type="secondary" if calibration.is_noisy else "primary",
        icon=":material/check_circle:",
        on_click=session.apply_calibration,
        args=(calibration,),
    )


def _measure_again(run_id: str) -> None:
    """Start another run of the same recipe; it waits in the queue if the machine has no room."""
    try:
        show_run(control.restart(Run.find(run_id)).id)
    except InputError as error:
        scenario_session().refuse(error)
