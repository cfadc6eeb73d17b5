"""Training on repeated data: the best number of epochs, and the value of more data."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.scaling import repeated
from pages.parts.charts import draw
from pages.parts.figures.figure import Figure
from pages.parts.palette import COMPUTE, DATA, OTHER
from pages.parts.scaling.budget import count_input, spent_budget
from pages.parts.session import text
from pages.parts.tiles import Tile, tiles

_MORE_TOKENS = 1e9
_HALF = 0.5


def draw_repeated() -> None:
    """Draw the planner of repeated data for the budget that was drawn last, or for the plan."""
    say, spent = text(), spent_budget()
    law = repeated.repeated_coefficients()["muennighoff_2023"]
    with st.container(width=360):
        try:
            unique = count_input("unique", "100B", key="unique")
            best = repeated.compute_optimal(law, spent.training_flops, unique)
            worth = repeated.worth_of_unique_tokens(
                law, spent.training_flops, unique, _MORE_TOKENS, spent.usd_per_flop
            )
        except InputError as error:
            st.error(error.in_language(say.language), icon=":material/error:")
            return
    language = say.language
    enough = repeated.epochs_worth(law, _HALF)
    st.markdown(
        say(
            "scaling.repeated_answer",
            flops=f"{spent.training_flops:.2g}",
            unique=quantities.count(unique, language),
            epochs=f"{best.epochs:.1f}",
            parameters=quantities.count(best.parameters, language),
            loss=f"{best.loss:.3f}",
        )
    )
    rows = (
        ("epochs", f"{best.epochs:.2f}", ""),
        ("parameters", quantities.count(best.parameters, language), ""),
        ("tokens", quantities.count(best.tokens, language), ""),
        ("half_value", f"{enough:.1f}", say("scaling.half_value_note")),
        (
            "worth",
            quantities.usd(worth.usd_saved, language),
            say("scaling.worth_note", share=f"{worth.flops_saved / spent.training_flops:.1%}"),
        ),
    )
    tiles(
        [
            Tile(
                label=say(f"scaling.repeated.{name}"),
                value=value,
                note=note,
                help=say(f"scaling.repeated_basis.{name}"),
            )
            for name, value, note in rows
        ],
        key="_repeated",
    )
    _chart(law, best, unique)
    st.caption(say("scaling.repeated_law", source=law.source, as_of=law.as_of))


def _chart(
    law: repeated.RepeatedCoefficients, best: repeated.RepeatedAllocation, unique: float
) -> None:
    say = text()
    epochs = np.geomspace(0.2, 100, 80)
    figure = Figure(
        say(
            "alt.repeated",
            unique=quantities.count(unique, say.language),
            epochs=f"{best.epochs:.1f}",
            parameters=quantities.count(best.parameters, say.language),
            loss=f"{best.loss:.3f}",
        )
    )
    figure.add_scatter(
        x=epochs,
        y=repeated.frontier(law, best.parameters, unique, epochs),
        mode="lines",
        line={"color": DATA},
        name=say("scaling.repeated_line"),
    )
    fresh = repeated.loss(law, best.parameters, epochs * unique, epochs * unique)
    figure.add_scatter(
        x=epochs,
        y=fresh,
        mode="lines",
        line={"color": OTHER, "dash": "dot"},
        name=say("scaling.fresh_line"),
    )
    figure.add_scatter(
        x=[best.tokens / unique],
        y=[best.loss],
        mode="markers",
        marker={"size": 13, "symbol": "circle-open", "color": COMPUTE},
        name=say("scaling.best"),
    )
    figure.scale("x", "count", log=True)
    figure.update_xaxes(title=say("scaling.axis_epochs"))
    figure.update_yaxes(title=say("scaling.axis_loss"))
    draw(figure, "scaling_repeated", height=400, hover="closest")
