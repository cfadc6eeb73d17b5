"""A scaling law fitted to runs, and large runs predicted from small ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.paths import DATA_DIR
from engine.scaling.backtest import LEAST_RUNS, Backtest, backtest, split
from engine.scaling.cautions import Caution, cautions
from engine.scaling.extrapolation import PredictedLoss, extrapolation
from engine.scaling.fit import Fit, fit
from engine.scaling.published import published_sets, runs_of
from engine.scaling.runs import TrainingRuns, read_runs
from pages.parts.charts import draw
from pages.parts.figures.figure import Figure
from pages.parts.palette import COMPUTE, OTHER, WARNING
from pages.parts.session import text
from pages.parts.streamlit_private import GRAY_90
from pages.parts.tiles import Tile, tiles

_OWN = "own_ladder"
_OWN_TABLE = DATA_DIR / "ladder_cpu.csv"
_CUTS = (30, 10, 3)
_BOOTSTRAPS = 300
_SIZES_SHOWN = 6


@dataclass(frozen=True)
class _Results:
    """Results for one set of runs."""

    runs: TrainingRuns
    fitted: Fit
    warnings: tuple[Caution, ...]
    small: TrainingRuns | None
    large: TrainingRuns | None
    cut: int
    ours: Backtest | None
    plain: Backtest | None
    predicted: PredictedLoss | None


def _results_of(runs: TrainingRuns) -> _Results:
    fitted = fit(runs, bootstraps=_BOOTSTRAPS)
    warnings = cautions(runs, fitted.law)
    for cut in _CUTS:
        small, large = split(runs, cut)
        if small.n_points >= LEAST_RUNS and large.n_runs:
            predicted = extrapolation(small).predict(
                large.parameters, large.tokens, large.unique_tokens
            )
            ours, plain = backtest(small, large, "weak"), backtest(small, large, "none")
            return _Results(runs, fitted, warnings, small, large, cut, ours, plain, predicted)
    return _Results(runs, fitted, warnings, None, None, 0, None, None, None)


@st.cache_data(max_entries=40, show_spinner=False)
def _of_set(name: str) -> _Results:
    if name == _OWN:
        return _results_of(read_runs(_OWN_TABLE, _OWN_TABLE.name, "non_embedding"))
    return _results_of(runs_of(published_sets()[name]))


@st.cache_data(max_entries=20, show_spinner=False)
def _of_upload(content: bytes, name: str) -> _Results:
    return _results_of(read_runs(content, name))


def draw_runs() -> None:
    """Draw the choice or upload of runs, their fit, and large runs predicted from small ones."""
    say = text()
    chooser, uploader = st.columns(2, gap="medium")
    sets = published_sets()
    chosen = chooser.selectbox(
        say("scaling.set"),
        [_OWN, *sets],
        format_func=lambda name: (
            say("scaling.own_ladder") if name == _OWN else say(f"scaling.set_label.{name}")
        ),
        key=f"scaling_set#{say.language}",
        help=say("scaling.set_help"),
    )
    uploaded = uploader.file_uploader(
        say("scaling.upload"), type=["csv"], key="scaling_upload", help=say("scaling.upload_help")
    )
    try:
        with st.spinner(say("scaling.fitting")):
            if uploaded is None:
                results = _of_set(chosen)
            else:
                results = _of_upload(uploaded.getvalue(), uploaded.name)
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/error:")
        return
    _fit_tiles(results)
    for caution in results.warnings:
        st.warning(caution.in_language(say.language), icon=":material/warning:")
    left, right = st.columns(2, gap="medium")
    with left:
        st.header(say("scaling.fit_heading"))
        _fit_chart(results)
        st.caption(say("scaling.fit_note"))
    with right:
        st.header(say("scaling.small_heading"))
        _small_to_large(results)
    _coefficients(results.fitted)
    if uploaded is None:
        st.caption(say("scaling.own_source") if chosen == _OWN else _source(chosen))


def _source(name: str) -> str:
    runs = published_sets()[name]
    say = text()
    return say(
        "scaling.set_source",
        source=runs.source,
        licence=runs.licence,
        url=runs.url,
        as_of=runs.as_of,
        # The notes of the table are sentences in English.
        notes=runs.notes if say.language == "en" else "",
    )


def _fit_tiles(results: _Results) -> None:
    say = text()
    runs = results.runs
    counted = say(f"scaling.counted.{runs.parameters_counted}")
    spread = math.log10(runs.flops.max() / runs.flops.min())
    rows = [
        Tile(
            label=say("scaling.runs_tile"),
            value=str(runs.n_runs),
            note=say("scaling.runs_note", spread=f"{spread:.1f}"),
            help=say("scaling.runs_help", counted=counted),
        )
    ]
    if results.ours and results.plain:
        rows += [
            Tile(
                label=say("scaling.error_tile"),
                value=f"{results.ours.error:.1%}",
                note=say("scaling.error_note", plain=f"{results.plain.error:.1%}"),
                help=say("scaling.error_help", cut=results.cut),
            ),
            Tile(
                label=say("scaling.coverage_tile"),
                value=f"{results.ours.coverage:.0%}",
                note=say("scaling.coverage_note", plain=f"{results.plain.coverage:.0%}"),
                help=say("scaling.coverage_help"),
            ),
        ]
    tiles(rows, key="_fit")


def _fit_chart(results: _Results) -> None:
    """Draw a chart of loss against tokens, with a line for each of up to six sizes."""
    say = text()
    runs = results.runs
    law = results.fitted.law
    figure = Figure(
        say(
            "alt.fit",
            n=runs.n_runs,
            low=f"{runs.loss.min():.3f}",
            high=f"{runs.loss.max():.3f}",
            first=quantities.count(runs.tokens.min(), say.language),
            last=quantities.count(runs.tokens.max(), say.language),
        )
    )
    sizes = np.unique(runs.parameters)
    shown = sizes[np.linspace(0, len(sizes) - 1, min(_SIZES_SHOWN, len(sizes))).astype(int)]
    span = np.geomspace(runs.tokens.min(), runs.tokens.max() * 3, 50)
    for position, size in enumerate(shown):
        color = _shade(position, len(shown))
        losses = law.E + law.A * size**-law.alpha + law.B * span**-law.beta
        figure.add_scatter(
            x=span,
            y=losses,
            mode="lines",
            name=say("scaling.fitted_line", n=quantities.count(size, say.language)),
            line={"color": color, "width": 1.5},
            showlegend=False,
        )
        mine = runs.parameters == size
        figure.add_scatter(
            x=runs.tokens[mine],
            y=runs.loss[mine],
            mode="markers",
            marker={"color": color, "size": 8},
            name=quantities.count(size, say.language),
        )
    figure.scale("x", "count", log=True)
    figure.scale("y", "count", log=True)
    figure.update_layout(
        legend={"title": {"text": say("scaling.axis_parameters"), "font": {"color": GRAY_90}}}
    )
    figure.update_xaxes(title=say("scaling.axis_tokens"))
    figure.update_yaxes(title=say("scaling.axis_loss"))
    draw(figure, "scaling_fit", height=420, hover="closest")


def _shade(position: int, count: int) -> str:
    """Return a shade between light and the colour of compute."""
    light, dark = (0x9C, 0xCB, 0xE8), (0x00, 0x3F, 0x6B)
    share = position / max(1, count - 1)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(light, dark, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _small_to_large(results: _Results) -> None:
    say = text()
    if results.small is None or results.large is None or results.predicted is None:
        st.info(say("scaling.too_few", least=LEAST_RUNS), icon=":material/info:")
        return
    small, large, predicted = results.small, results.large, results.predicted
    figure = Figure(
        say(
            "alt.small_to_large",
            small=small.n_runs,
            large=large.n_runs,
            cut=results.cut,
            error=f"{results.ours.error:.1%}" if results.ours else "–",
            coverage=f"{results.ours.coverage:.0%}" if results.ours else "–",
        )
    )
    figure.add_scatter(
        x=small.flops,
        y=small.loss,
        mode="markers",
        marker={"color": OTHER, "size": 7},
        name=say("scaling.fitted_runs"),
    )
    figure.add_scatter(
        x=large.flops,
        y=large.loss,
        mode="markers",
        marker={"color": COMPUTE, "size": 8},
        name=say("scaling.measured"),
    )
    figure.add_scatter(
        x=large.flops,
        y=predicted.loss,
        mode="markers",
        marker={"color": WARNING, "size": 10, "symbol": "circle-open"},
        error_y={
            "array": predicted.high - predicted.loss,
            "arrayminus": predicted.loss - predicted.low,
            "type": "data",
            "symmetric": False,
            "thickness": 1,
            "color": WARNING,
        },
        name=say("scaling.predicted"),
    )
    figure.scale("x", "power", log=True)
    figure.scale("y", "count", log=True)
    figure.update_xaxes(title=say("scaling.axis_flops"))
    figure.update_yaxes(title=say("scaling.axis_loss"))
    draw(figure, "scaling_small_to_large", height=420, hover="closest")
    st.caption(say("scaling.small_note", small=small.n_runs, large=large.n_runs, cut=results.cut))


def _coefficients(fit: Fit) -> None:
    say = text()
    bounds = fit.percentiles(0.025, 0.975)
    rows = [
        [
            name,
            f"{getattr(fit.law, name):.5g}",
            f"{fit.standard_errors[name]:.3g}",
            f"{bounds[name][0]:.4g} – {bounds[name][1]:.4g}",
        ]
        for name in bounds
    ]
    heads = ("coefficient", "value", "standard_error", "bounds")
    with st.expander(say("scaling.coefficients"), icon=":material/functions:"):
        st.table(
            pd.DataFrame(rows, columns=[say(f"scaling.column_{head}") for head in heads]),
            hide_index=True,
        )
        st.caption(say("scaling.coefficients_note", n=_BOOTSTRAPS))
