"""A training budget, and three models that it can pay for."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.facts import (
    LossCoefficients,
    accelerator,
    accelerators,
    loss_coefficients,
    typical_price,
)
from engine.forecast import Figure
from engine.plan import ServingPlan
from engine.planning.budget import Choice, choices, frontier, isoflop_curves
from engine.planning.prices import prices
from engine.planning.spending import Budget, Unit
from pages.parts.charts import LABEL_SIZE, draw
from pages.parts.figures.figure import Figure as Chart
from pages.parts.figures.ticks import tick_text
from pages.parts.palette import COMPUTE, DATA, MONEY, OTHER
from pages.parts.session import draft, projections, text
from pages.parts.tiles import Tile, show_answer, tiles

_UNITS: tuple[Unit, ...] = ("usd", "device_hours", "flops")
_DEFAULT_AMOUNTS = {"usd": "1M", "device_hours": "400k", "flops": "1e22"}
_DEFAULT_ACCELERATOR = "H100-80GB"
_COLORS = {"compute_optimal": COMPUTE, "over_trained": DATA, "inference_aware": MONEY}
_CURVES = 5
_SPENT = "spent_budget"


@dataclass(frozen=True, slots=True)
class SpentBudget:
    """The law and the compute of the compute-optimal choice, which other tabs use."""

    law: LossCoefficients
    training_flops: float
    usd_per_flop: float


@st.cache_data(max_entries=64, show_spinner=False)
def _choices(
    law: str,
    budget: Budget,
    inputs: tuple[str, float, int, float, float],
    _serving: ServingPlan,
    serving_hash: str,
) -> tuple[Choice, ...]:
    """Return the three choices, cached by the hash of the plan's serving.

    The underscore of ``_serving`` keeps Streamlit from hashing the document itself.
    """
    device, usd, devices, ratio, served = inputs
    chosen = loss_coefficients()[law]
    counted = chosen.parameters_counted
    same_count = [fit for fit in loss_coefficients().values() if fit.parameters_counted == counted]
    priced = prices(device, usd, devices=devices, parameters_counted=counted, serving=_serving)
    return choices(
        chosen, budget, priced, over_training_ratio=ratio, served_tokens=served, ensemble=same_count
    )


def spent_budget() -> SpentBudget:
    """Return the budget that was drawn last, or else the compute and the law of the plan."""
    spent: SpentBudget | None = st.session_state.get(_SPENT)
    if spent is not None:
        return spent
    plan, forecast = draft().plan, projections()[0].forecast
    return SpentBudget(
        loss_coefficients()[plan.law],
        forecast.training_flops,
        forecast.cost_usd.value / forecast.training_flops,
    )


def draw_budget() -> None:
    """Draw the answer, inputs, tiles, chart and table."""
    say = text()
    answer = st.container()
    inputs, results = st.columns([1, 3], gap="medium")
    try:
        with inputs:
            law, budget, chosen = _inputs()
        serving = draft().plan.serving
        options = _choices(law.law, budget, chosen, serving, serving.content_hash)
    except InputError as error:
        results.error(error.in_language(say.language), icon=":material/error:")
        return
    optimal = options[0]
    show_answer(_answer(budget, optimal), answer)
    with results:
        _tiles(options)
        _chart(law, options)
    _table(options)
    st.caption(
        say(
            "scaling.law_note",
            law=say(f"scaling.law_label.{law.law}"),
            A=law.A,
            B=law.B,
            E=law.E,
            alpha=law.alpha,
            beta=law.beta,
            counted=say(f"scaling.counted.{law.parameters_counted}"),
            source=law.source,
            as_of=law.as_of,
        )
    )
    st.session_state[_SPENT] = SpentBudget(
        law, optimal.training_flops, optimal.training_usd.value / optimal.training_flops
    )


def _inputs() -> tuple[LossCoefficients, Budget, tuple[str, float, int, float, float]]:
    say = text()
    unit: Unit = st.selectbox(
        say("scaling.unit"),
        _UNITS,
        format_func=lambda unit: say(f"scaling.unit_option.{unit}"),
        key=f"scaling_unit#{say.language}",
    )
    amount = count_input("amount", _DEFAULT_AMOUNTS[unit], key=unit)
    plan = draft().plan
    names = [name for name, row in accelerators().items() if row.kind == "gpu"]
    own = plan.cluster.accelerator
    device = st.selectbox(
        say("scaling.accelerator"),
        names,
        index=names.index(own if own in names else _DEFAULT_ACCELERATOR),
        key="scaling_accelerator",
    )
    typical = typical_price(device)
    usd = float(typical.usd_per_device_hour) if typical else 2.0
    if own == device:
        usd = float(plan.cluster.price_usd_per_device_hour) or usd
    usd = st.number_input(
        say("scaling.price"), min_value=0.001, value=usd, key=f"scaling_price#{device}"
    )
    devices = st.number_input(say("scaling.devices"), 1, 1_000_000, 256, key="scaling_devices")
    laws = loss_coefficients()
    law = st.selectbox(
        say("scaling.law"),
        list(laws),
        index=list(laws).index("besiroglu_2024"),
        format_func=lambda name: say(f"scaling.law_label.{name}"),
        key=f"scaling_law#{say.language}",
        help=say("scaling.law_help"),
    )
    ratio = st.number_input(
        say("scaling.ratio"),
        1.0,
        100_000.0,
        100.0,
        key="scaling_ratio",
        help=say("scaling.ratio_help"),
    )
    served = count_input("served", "1T", key="served")
    accelerator(device)
    return laws[law], Budget(amount=amount, unit=unit), (device, usd, int(devices), ratio, served)


def count_input(name: str, default: str, *, key: str) -> float:
    """Draw a field for a count such as 1M or 1e22; raises InputError for anything else."""
    say = text()
    typed = st.text_input(
        say(f"scaling.{name}"),
        default,
        key=f"scaling_{name}#{key}",
        help=say("scaling.count_help"),
    )
    value = quantities.parse_count(typed)
    if value is None:
        try:
            value_or_float = float(typed)
        except ValueError:
            raise InputError(say(f"scaling.{name}"), typed, "count") from None
        if not math.isfinite(value_or_float) or value_or_float < 0:
            raise InputError(say(f"scaling.{name}"), typed, "greater_than_equal", limit=0)
        return value_or_float
    return float(value)


def _answer(budget: Budget, choice: Choice) -> str:
    say = text()
    amounts = {
        "usd": lambda: quantities.usd(budget.amount, say.language),
        "device_hours": lambda: say(
            "scaling.hours", n=quantities.count(budget.amount, say.language)
        ),
        "flops": lambda: f"{budget.amount:.3g} FLOPs",
    }
    low, high = _bounds(choice.loss, choice.loss_low, choice.loss_high)
    return say(
        "scaling.answer",
        budget=amounts[budget.unit](),
        parameters=quantities.count(choice.parameters, say.language),
        tokens=quantities.count(choice.tokens, say.language),
        loss=f"{choice.loss:.3f}",
        low=f"{low:.3f}",
        high=f"{high:.3f}",
    )


def _bounds(value: float, low: float | None, high: float | None) -> tuple[float, float]:
    """Return the range of the fits of this law, including the value of the chosen fit."""
    bounds = [bound for bound in (value, low, high) if bound is not None]
    return min(bounds), max(bounds)


def _tiles(options: tuple[Choice, ...]) -> None:
    say = text()
    row = []
    for choice in options:
        total = choice.total_usd
        row.append(
            Tile(
                label=say(f"scaling.choice.{choice.kind}"),
                value=say(
                    "scaling.parameters", n=quantities.count(choice.parameters, say.language)
                ),
                note=say(
                    "scaling.tile_note",
                    tokens=quantities.count(choice.tokens, say.language),
                    loss=f"{choice.loss:.3f}",
                    total="–" if total is None else quantities.usd(total.value, say.language),
                ),
                help=say(f"scaling.basis.{choice.kind}"),
            )
        )
    tiles(row, key="_budget")


def _chart(law: LossCoefficients, options: tuple[Choice, ...]) -> None:
    say = text()
    optimal = options[0]
    figure = Chart(
        say(
            "alt.isoflop",
            flops=f"{optimal.training_flops:.2g}",
            choices=say("funding.semicolon").join(
                say(
                    "alt.isoflop_choice",
                    choice=say(f"scaling.choice.{choice.kind}"),
                    parameters=quantities.count(choice.parameters, say.language),
                    tokens=quantities.count(choice.tokens, say.language),
                    loss=f"{choice.loss:.3f}",
                )
                for choice in options
            ),
        )
    )
    centre = math.log10(options[0].training_flops)
    budgets = np.logspace(centre - 2, centre + 2, _CURVES)
    for flops in budgets:
        middle = frontier(law, [flops])[0].parameters
        sizes = np.geomspace(middle / 30, middle * 30, 60)
        (losses,) = isoflop_curves(law, [flops], sizes)
        figure.add_scatter(
            x=sizes,
            y=losses,
            mode="lines",
            line={"color": OTHER, "width": 1},
            name=f"{tick_text(float(f'{flops:.1g}'), 'power')} FLOPs",
            showlegend=False,
        )
        figure.add_annotation(
            x=math.log10(sizes[-1]),
            y=math.log10(losses[-1]),
            text=f"{tick_text(float(f'{flops:.1g}'), 'power')} FLOPs",
            xanchor="left",
            font={"size": LABEL_SIZE},
        )
    path = frontier(law, np.logspace(centre - 2.5, centre + 2.5, 40))
    figure.add_scatter(
        x=[choice.parameters for choice in path],
        y=[choice.loss for choice in path],
        mode="lines",
        line={"color": COMPUTE, "dash": "dash"},
        name=say("scaling.frontier"),
    )
    for choice in options:
        low, high = _bounds(choice.loss, choice.loss_low, choice.loss_high)
        figure.add_scatter(
            x=[choice.parameters],
            y=[choice.loss],
            mode="markers",
            marker={"size": 13, "symbol": "circle-open", "color": _COLORS[choice.kind]},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [high - choice.loss],
                "arrayminus": [choice.loss - low],
            },
            name=say(f"scaling.choice.{choice.kind}"),
        )
    figure.scale("x", "count", log=True)
    figure.scale("y", "count", log=True)
    figure.update_xaxes(title=say("scaling.axis_parameters"))
    figure.update_yaxes(title=say("scaling.axis_loss"))
    draw(figure, "scaling_isoflop", height=440, hover="closest", right=90)
    st.caption(say("scaling.chart_note"))


def _table(options: tuple[Choice, ...]) -> None:
    say = text()
    language = say.language

    def bounded(figure: Figure | None) -> str:
        if figure is None:
            return say("scaling.not_held")
        value, low, high = (
            # The solver ends within a millionth of the budget, so five digits are rounded.
            quantities.usd(float(f"{usd:.5g}"), language)
            for usd in (figure.value, figure.low, figure.high)
        )
        return f"{value} ({low} – {high})"

    def sizes(choice: Choice) -> str:
        bounds = _bounds(choice.parameters, choice.parameters_low, choice.parameters_high)
        return " – ".join(quantities.count(bound, language) for bound in bounds)

    def losses(choice: Choice) -> str:
        low, high = _bounds(choice.loss, choice.loss_low, choice.loss_high)
        return f"{choice.loss:.3f} ({low:.3f} – {high:.3f})"

    lines: dict[str, Callable[[Choice], str]] = {
        "parameters": lambda c: f"{quantities.count(c.parameters, language)} ({sizes(c)})",
        "tokens": lambda c: quantities.count(c.tokens, language),
        "tokens_per_parameter": lambda c: f"{c.tokens_per_parameter:,.1f}",
        "loss": losses,
        "penalty": lambda c: f"{c.loss_penalty:+.3f}",
        "training_flops": lambda c: f"{c.training_flops:.3g}",
        "device_hours": lambda c: quantities.count(c.device_hours.value, language),
        "training_usd": lambda c: bounded(c.training_usd),
        "serving_usd": lambda c: bounded(c.serving_usd),
        "total_usd": lambda c: bounded(c.total_usd),
    }
    table = {"": [say(f"scaling.row.{name}") for name in lines]}
    for choice in options:
        table[say(f"scaling.choice.{choice.kind}")] = [show(choice) for show in lines.values()]
    st.table(pd.DataFrame(table), hide_index=True)
    st.caption(say("scaling.table_note"))
