"""The profile of this machine, on which forecasts of its runs are based."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from engine import quantities
from engine.calibration import machine_profile as profiles
from engine.calibration.machine_profile import MachineProfile
from engine.experiments.profile_report import rate_rows, short_run_rows, verdict
from engine.experiments.profiler import log_path, measuring_now
from engine.machine import Machine, profile_of_machine
from engine.runs.background import start_engine
from pages.parts.charts import draw
from pages.parts.figures.figure import Figure
from pages.parts.palette import COMPUTE, OTHER
from pages.parts.session import scenario_session, text

_MINUTES = 2


def machine_section(machine: Machine, *, busy: bool) -> None:
    """Draw the profile, or the button that makes it.

    ``busy`` is true while runs would disturb the measurement.
    """
    say = text()
    st.header(say("profile.title"))
    if measuring_now() is not None:
        st.fragment(_watch, run_every=1.0)()
        return
    if failure := _failure():
        st.error(failure, icon=":material/error:")
    profile = profile_of_machine(machine)
    if profile is None:
        st.markdown(say("profile.none", minutes=_MINUTES))
    else:
        _shown(profile)
    with st.container(horizontal=True):
        st.button(
            say("profile.measure" if profile is None else "profile.measure_again"),
            key="measure_machine",
            icon=":material/timer:",
            on_click=_start,
            disabled=busy,
        )
        if profile is not None:
            _use(profile)
            st.button(
                say("profile.forget"),
                key="forget_profile",
                icon=":material/delete:",
                on_click=profiles.forget,
            )
        elif profiles.can_restore():
            st.button(
                say("profile.restore"),
                key="restore_profile",
                icon=":material/undo:",
                on_click=profiles.restore,
            )


def _start() -> None:
    """Start a measurement, and wait until its process is visible."""
    log_path().parent.mkdir(parents=True, exist_ok=True)
    command = start_engine(["profile"], _command_log())
    st.session_state["measuring"] = command
    while measuring_now() is None and command.poll() is None:
        time.sleep(0.1)


def _failure() -> str | None:
    """Return the last output of this session's measurement if it failed."""
    command = st.session_state.get("measuring")
    if command is None or not command.poll():
        return None
    lines = _command_log().read_text("utf-8").strip().splitlines()
    return lines[-1] if lines else text()("profile.failed", log=log_path())


def _command_log() -> Path:
    return log_path().with_name("profile-command.log")


def _watch() -> None:
    """Show the progress of a measurement, and redraw the whole page at its end."""
    say, progress = text(), measuring_now()
    if progress is None:
        st.rerun()
    left = "…"
    if progress.seconds_left is not None:
        left = quantities.duration(progress.seconds_left, say.language)
    st.progress(
        progress.n_done / progress.n_all,
        text=say(
            "profile.measuring",
            stage=say(f"profile.stage_{progress.stage}"),
            done=progress.n_done,
            of=progress.n_all,
            left=left,
        ),
    )
    st.caption(say("profile.in_background"))


def _shown(profile: MachineProfile) -> None:
    say = text()
    line = verdict(say, profile)
    if profile.is_noisy:
        st.warning(line, icon=":material/warning:")
    else:
        st.markdown(line)
    st.caption(
        say(
            "profile.measured_on",
            date=profile.measured_on.isoformat(),
            n=profile.n_devices,
            accelerator=profile.accelerator,
        )
    )
    with st.expander(say("profile.details"), icon=":material/monitoring:"):
        left, right = st.columns([3, 2], gap="large")
        with left:
            head, cells = rate_rows(say, profile)
            st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)
        with right:
            draw(_chart(profile), "profile_runs", height=420)
        head, cells = short_run_rows(say, profile.runs)
        st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)
        st.caption(say("profile.pace_help"))


def _chart(profile: MachineProfile) -> Figure:
    """Return a chart of predicted against measured step times, with the line of equality."""
    say = text()
    measured = [run.measured_step_s for run in profile.runs]
    predicted = [run.predicted_step_s for run in profile.runs]
    ends = [min(*measured, *predicted) * 0.8, max(*measured, *predicted) * 1.25]
    figure = Figure(
        say(
            "alt.profile_runs",
            n=len(profile.runs),
            low=quantities.duration(min(measured), say.language),
            high=quantities.duration(max(measured), say.language),
            worst=quantities.share(
                max(abs(p / m - 1) for p, m in zip(predicted, measured, strict=True)), say.language
            ),
        )
    )
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        name=say("chart.equal"),
        line={"color": OTHER, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=measured,
        y=predicted,
        mode="markers",
        name=say("profile.chart_predicted"),
        marker={"color": COMPUTE, "size": 9},
        text=[f"{run.name}, ZeRO {run.zero_stage}" for run in profile.runs],
        hovertemplate="%{text}<br>%{x:.3f} s → %{y:.3f} s<extra></extra>",
    )
    figure.update_layout(showlegend=False)
    for axis in ("x", "y"):
        figure.scale(axis, "count", log=True)
    figure.update_xaxes(title=say("profile.chart_measured"))
    figure.update_yaxes(title=say("profile.chart_predicted"))
    return figure


def _use(profile: MachineProfile) -> None:
    """Draw the button that bases the plan on the profile, if both are of one accelerator."""
    say, session = text(), scenario_session()
    if not profile.applies_to(session.draft.plan.cluster.accelerator):
        return
    used = session.draft.plan.profile == profile
    st.button(
        say("profile.remove" if used else "profile.use"),
        key="use_profile",
        type="secondary" if used else "primary",
        icon=":material/cancel:" if used else ":material/check_circle:",
        help=say("profile.use_help", accelerator=profile.accelerator),
        on_click=session.apply_profile,
        args=(None if used else profile,),
    )
