"""The next run: its recipe, its forecast, the exact command, and the start button."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.corpora.sources import check_corpus, real_source
from engine.documents import InputError
from engine.forecast import Figure
from engine.machine import Machine
from engine.recipes.recipe import Recipe
from engine.recipes.sample_run import run_plan
from engine.reports.forecast_tables import shown_figure
from engine.runs.estimate import Estimate, estimate
from engine.runs.folder import Run
from engine.runs.job import Job
from engine.runs.launching import control
from engine.runs.launching.supervisor import preview_commands
from engine.runs.settings import Settings, corpus_folders, settings
from pages.parts.calibrate.job import chosen_job, chosen_machine, job_form
from pages.parts.calibrate.recipe import OPTIONS, Slots, chosen_recipe, recipe_form
from pages.parts.run_views.runs import show_run
from pages.parts.session import draft, scenario_session, text

_FORM_PX = 380
_REFUSED = "calibrate.refused"


def recipe_section(machine: Machine, allowed: Settings, *, busy: bool) -> Estimate | None:
    """Draw the form and the forecast of its run.

    Returns the estimate, or None if the recipe is not allowed.
    """
    say = text()
    with st.container(border=True):
        row = st.container(horizontal=True, gap="large")  # wraps on a narrow screen
        left, right = row.container(width=_FORM_PX), row.container()
        options = st.container()
        with left:
            st.header(say("calibrate.next_run"))
            slots = recipe_form(machine, options)
        with right:
            expected = _estimate_or_error(machine, allowed, slots)
            if expected is not None:
                _preview(expected, machine)
            job_form(allowed)
            _start_button(expected, busy=busy)
    return expected


def _estimate_or_error(machine: Machine, allowed: Settings, slots: Slots) -> Estimate | None:
    say = text()
    try:
        job = chosen_job(allowed)
        recipe = chosen_recipe(machine)
        if recipe is None:
            st.caption(say("calibrate.upload_first"))
            return None
        expected = estimate(recipe, draft().plan, machine)
    except InputError as error:
        _show_error_beside(slots, error)
        return None
    refused = st.session_state.get(_REFUSED)
    if refused is not None and refused[0] == (recipe, job):
        _show_error_beside(slots, refused[1])
    return expected


def _show_error_beside(slots: Slots, error: InputError) -> None:
    """Show an error below its field, and here too if the field may be hidden."""
    line = error.in_language(text().language)
    slot = slots.get(error.field)
    if slot is not None:
        slot.error(line, icon=":material/block:")
    if slot is None or error.field in OPTIONS:
        st.error(line, icon=":material/block:")


def _preview(expected: Estimate, machine: Machine) -> None:
    say, language = text(), text().language
    recipe, predicted = expected.recipe, expected.forecast
    st.markdown(
        say(
            "calibrate.preview",
            model=recipe.model_class,
            parameters=quantities.count(predicted.parameters_total, language),
            tokens=quantities.count(recipe.tokens, language),
            steps=quantities.number(recipe.steps, language),
            ranks=recipe.n_ranks,
            device=machine.device.name,
            duration=quantities.duration(expected.duration_s.value, language),
            cost=quantities.usd(predicted.cost_usd.value, language),
        )
    )
    st.caption(_shape_line(recipe))
    _figures(expected)
    if expected.may_not_fit:
        st.warning(say("calibrate.may_not_fit"), icon=":material/memory:")
    planned = draft().plan.cluster.accelerator
    if machine.device.accelerator != planned:
        st.info(
            say("calibrate.other_device", here=machine.device.name, planned=planned),
            icon=":material/info:",
        )
    st.code("python -m engine train recipe.toml", language="bash")
    with st.expander(say("calibrate.recipe"), icon=":material/receipt_long:"):
        st.download_button(
            say("calibrate.download_recipe"),
            recipe.to_toml,
            "recipe.toml",
            key="download_recipe",
            icon=":material/download:",
            on_click="ignore",
        )
        st.caption(say("calibrate.launcher_note"))
        st.code("\n".join(preview_commands(recipe, machine)), language="bash", wrap_lines=True)
        st.caption(say("calibrate.toml_note"))
        st.code(recipe.to_toml(), language="toml", height=320)


def _shape_line(recipe: Recipe) -> str:
    """Return the shape and the step in the usual abbreviations."""
    shape, layout = recipe.shape, recipe.layout
    parts = [
        f"L{shape.n_layers}",
        f"d{shape.d_model}",
        f"H{shape.n_heads}/{shape.n_kv_heads}",
        f"FFN {shape.d_ff}",
        *([f"{shape.moe.n_experts} × {shape.moe.d_ff} top-{shape.moe.top_k}"] if shape.moe else []),
        f"V{shape.vocab}",
        f"T{shape.seq_len_tokens}",
        layout.short_name,
        layout.precision,
        f"LR {recipe.peak_learning_rate:.2g} {recipe.schedule}",
    ]
    return " · ".join(parts)


def _figures(expected: Estimate) -> None:
    """Draw a table of the forecast with its bounds."""
    say, language = text(), text().language
    predicted = expected.forecast

    def row(name: str, quantity: str, figure: Figure) -> list[str]:
        shown = shown_figure(quantity, figure, language)
        bounds = say("tile.interval", low=shown.low, high=shown.high) if shown.has_bounds else ""
        return [say(name), shown.value, bounds]

    memory = row("calibrate.memory_all_ranks", "memory_bytes", expected.memory_bytes)
    available = quantities.si(expected.memory_available_bytes, "B", language)
    memory[2] += " · " + say("calibrate.available", n=available)
    flops = [
        say("calibrate.compute"),
        f"{quantities.scientific(predicted.training_flops)} FLOPs",
        say("calibrate.at_mfu", mfu=quantities.share(predicted.mfu.value, language)),
    ]
    rows = [
        row("calibrate.duration", "step_time_s", expected.duration_s),
        row("quantity.cost_usd", "cost_usd", predicted.cost_usd),
        memory,
        flops,
    ]
    head = [say("table.quantity"), say("calibrate.forecast"), say("calibrate.bounds")]
    st.table(pd.DataFrame(rows, columns=head), hide_index=True)


def _start_button(expected: Estimate | None, *, busy: bool) -> None:
    say = text()
    st.button(
        say("calibrate.queue" if busy else "calibrate.start"),
        key="start",
        type="primary",
        icon=":material/playlist_add:" if busy else ":material/play_arrow:",
        on_click=_start,
        disabled=expected is None,
    )
    if busy:
        st.caption(say("calibrate.queue_note"))


def _start() -> None:
    """Start the run that the fields describe now, which may have changed since they were drawn."""
    requested: tuple[Recipe, Job] | None = None
    try:
        allowed = settings()
        machine, job = chosen_machine(allowed), chosen_job(allowed)
        recipe = chosen_recipe(machine)
        if recipe is None:
            return
        requested = (recipe, job)
        plan = run_plan(recipe, scenario_session().draft.plan, machine)
        check_corpus(recipe.corpus, recipe.text_vocab, corpus_folders())
        # The process that prepares the text has another working folder.
        recipe = recipe.with_value("corpus.source", real_source(recipe.corpus.source))
        run = Run.create(recipe, plan, job)
        control.start(run)
        show_run(run.id)
    except InputError as error:
        if requested is not None:  # errors of the fields are shown when they are drawn
            st.session_state[_REFUSED] = (requested, error)
