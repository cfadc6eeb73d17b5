"""Searches for a better recipe: their trials, those ended early, and their cost."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from engine import quantities
from engine.experiments.reports import search_cost_rows, search_sentence, trial_rows
from engine.experiments.study import StudyOutcome, TrialOutcome, best_recipe, stored_outcomes
from engine.runs.locks import is_locked
from pages.parts.charts import draw
from pages.parts.figures.figure import Figure
from pages.parts.palette import COMPUTE, DATA, LIGHT_COMPUTE, MONEY, OTHER, PEOPLE, WARNING
from pages.parts.session import text
from pages.parts.tiles import show_answer

_COLORS = (COMPUTE, DATA, MONEY, PEOPLE, LIGHT_COMPUTE, WARNING)
_SYMBOLS = {"complete": "circle", "pruned": "circle-open", "diverged": "x"}


def tuning_section() -> None:
    """Draw the searches of this machine, or the command that starts a search."""
    say = text()
    st.markdown(say("tuning.intro"))
    st.code("python -m engine tune data/studies/smoke.toml", language="bash")
    found = stored_outcomes()
    if not found:
        st.caption(say("tuning.none"))
        return
    labels = {
        folder.name: f"{outcome.name} · {len(outcome.trials)}/{outcome.n_trials} · {folder.name}"
        for folder, outcome in found
    }
    chosen = st.selectbox(
        say("tuning.study"), list(labels), format_func=labels.__getitem__, key="tuning_study"
    )
    folder = next(folder for folder, _ in found if folder.name == chosen)
    if is_locked(folder / "lock"):
        st.caption(say("tuning.under_way"))
        st.fragment(_draw, run_every=3.0)(folder)
    else:
        _draw(folder)


def _draw(folder: Path) -> None:
    say = text()
    outcome = dict(stored_outcomes())[folder]
    show_answer(search_sentence(say, outcome))
    draw(_chart(outcome), f"tuning_{folder.name}", height=380, hover="closest")
    head, cells = trial_rows(say, outcome)
    st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)
    head, cells = search_cost_rows(say, outcome)
    st.dataframe(pd.DataFrame(cells, columns=head), hide_index=True)
    wall = quantities.duration(sum(trial.wall_s for trial in outcome.trials), say.language)
    st.caption(say("tuning.account_note", price=f"{outcome.usd_per_device_hour:g}", wall=wall))
    best = best_recipe(folder)
    if best is not None:
        with st.expander(say("tuning.best"), icon=":material/receipt_long:"):
            st.code(best.to_toml(), language="toml")
            st.code(f"python -m engine train {folder / 'best.toml'}", language="bash")


def _chart(outcome: StudyOutcome) -> Figure:
    """Return a chart of loss against learning rate, in a colour for each size.

    Points of trials that were ended early are hollow.
    """
    say = text()
    figure = Figure(search_sentence(say, outcome))
    worst = max(
        (trial.held_out_loss for trial in outcome.trials if trial.held_out_loss), default=1.0
    )
    sizes = list(dict.fromkeys(_size(trial) for trial in outcome.trials))
    for size, color in zip(sizes, _cycle(len(sizes)), strict=True):
        of_size = [trial for trial in outcome.trials if _size(trial) == size]
        figure.add_scatter(
            x=[trial.choice.learning_rate for trial in of_size],
            y=[trial.held_out_loss or worst for trial in of_size],
            mode="markers",
            name=size,
            marker={
                "size": 11,
                "color": color,
                "symbol": [_SYMBOLS[trial.state] for trial in of_size],
                "line": {"width": 2, "color": color},
            },
            text=[_hover(trial) for trial in of_size],
            hovertemplate="%{text}<extra></extra>",
        )
    if outcome.best is not None and outcome.best.held_out_loss is not None:
        figure.add_hline(
            outcome.best.held_out_loss, line={"color": OTHER, "width": 1, "dash": "dot"}
        )
    figure.update_xaxes(title=say("tuning.axis_rate"), type="log")
    figure.update_yaxes(title=say("tuning.axis_loss"))
    figure.update_layout(showlegend=True)
    return figure


def _cycle(count: int) -> list[str]:
    return [_COLORS[index % len(_COLORS)] for index in range(count)]


def _size(trial: TrialOutcome) -> str:
    return f"L{trial.choice.size.n_layers} d{trial.choice.size.d_model}"


def _hover(trial: TrialOutcome) -> str:
    say, batch = text(), trial.choice.batch
    loss = "—" if trial.held_out_loss is None else f"{trial.held_out_loss:.4f}"
    return say(
        "tuning.hover",
        number=trial.number,
        state=say(f"tuning.state_{trial.state}"),
        loss=loss,
        rate=f"{trial.choice.learning_rate:g}",
        batch=f"{batch.micro_batch_sequences} × {batch.grad_accumulation_steps}",
        done=trial.steps_done,
        steps=trial.steps,
    )
