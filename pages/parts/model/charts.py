"""Charts of trained models. Measured is solid; guessing and compressors are grey or hollow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from engine import quantities
from engine.results import CorpusReport
from engine.runs.observing.progress import Curve
from engine.scores import QUESTION_KINDS, Evaluation, QuestionScore
from pages.parts.charts import LABEL_SIZE
from pages.parts.figures.figure import Figure
from pages.parts.palette import COMPUTE, DATA, LIGHT_COMPUTE, MONEY, OTHER, PEOPLE
from pages.parts.session import text

_LABEL_SHARE = 0.06
"""Height of a label as a share of the plot's height."""
_PROBE_COLORS = {"continuation": COMPUTE, "cloze": MONEY, "shuffled": PEOPLE}


def learning_chart(curve: Curve, vocab: int, corpus: CorpusReport) -> Figure:
    """Return a chart of held-out loss during training, with guessing and a compressor as levels.

    Parameters
    ----------
    curve
        Held-out loss against tokens, at least one point.
    """
    say = text()
    tokens, bits = curve.x, [corpus.bits_per_byte(loss) for loss in curve.y]
    guessing = corpus.bits_per_byte(math.log(vocab))
    compressed = corpus.held_out_lzma_bits_per_byte
    figure = Figure(
        say(
            "alt.learning",
            tokens=quantities.count(tokens[-1], say.language),
            guessing=quantities.number(guessing, say.language),
            last=quantities.number(bits[-1], say.language),
            lzma=quantities.number(compressed, say.language),
        )
    )
    figure.add_scatter(
        x=[0, tokens[0]],
        y=[guessing, bits[0]],
        mode="lines",
        name=say("model.guessing"),
        line={"color": DATA, "width": 2, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=tokens,
        y=bits,
        mode="lines+markers",
        name=say("model.this_model"),
        line={"color": DATA, "width": 2.5},
        marker={"size": 8},
        hovertemplate="%{y:.3f}<extra>%{x:.3s}</extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=[0],
        y=[guessing],
        mode="markers",
        name=say("model.guessing"),
        marker={"size": 11, "color": DATA, "symbol": "circle-open", "line": {"width": 2}},
        hovertemplate="%{y:.3f}<extra></extra>",
        showlegend=False,
    )
    is_above = bits[-1] >= compressed
    _level(figure, compressed, say("model.lzma"), above=not is_above)
    figure.add_annotation(
        x=0,
        y=guessing,
        text=say("model.guessing"),
        xanchor="left",
        xshift=10,
        yshift=11,
        font={"size": 13},
    )
    last = quantities.number(bits[-1], say.language)
    # The value is on the side of the level where the curve ends, and never on the level itself.
    near = abs(bits[-1] - compressed) < _LABEL_SHARE * 1.1 * guessing
    figure.add_annotation(
        x=tokens[-1],
        y=bits[-1],
        text=f"<b>{last}</b>",
        xanchor="left",
        xshift=8,
        yshift=(12 if is_above else -12) if near else 0,
        font={"size": 13},
    )
    figure.update_xaxes(
        title=say("axis.tokens_trained"),
        range=[-0.02 * tokens[-1], 1.09 * tokens[-1]],
    )
    figure.scale("x", "count")
    figure.update_yaxes(title=say("axis.bits_per_byte"), range=[0, 1.1 * guessing])
    return figure


def _level(figure: Figure, y: float, label: str, *, above: bool = True) -> None:
    """Draw a level for comparison, with its label at the right end above or below it."""
    figure.add_hline(y, line={"color": OTHER, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=1,
        xref="paper",
        y=y,
        text=label,
        font={"color": OTHER, "size": LABEL_SIZE},
        xanchor="right",
        yanchor="bottom" if above else "top",
    )


def probe_chart(probes: Sequence[QuestionScore]) -> Figure:
    """Return a chart of the accuracy on each kind of question, with its interval and chance."""
    say = text()
    figure = Figure(
        say(
            "alt.probes",
            scores=say("funding.comma").join(
                f"{say(f'evaluation.question_name.{score.probe}')} {score.accuracy:.0%}"
                for score in probes
            ),
        )
    )
    names = [
        f"{say(f'evaluation.question_name.{score.probe}')}  <b>{score.accuracy:.0%}</b>"
        for score in probes
    ]
    figure.add_scatter(
        x=[100 * score.chance for score in probes],
        y=names,
        mode="markers",
        name=say("evaluation.chance"),
        marker={"size": 13, "color": OTHER, "symbol": "line-ns-open", "line": {"width": 3}},
        hovertemplate="%{x:.0f}%<extra>" + say("evaluation.chance") + "</extra>",
    )
    figure.add_scatter(
        x=[100 * score.accuracy for score in probes],
        y=names,
        mode="markers",
        name=say("model.accuracy_interval"),
        marker={"size": 12, "color": COMPUTE},
        error_x={
            "type": "data",
            "symmetric": False,
            "color": COMPUTE,
            "array": [100 * (score.accuracy_high - score.accuracy) for score in probes],
            "arrayminus": [100 * (score.accuracy - score.accuracy_low) for score in probes],
        },
        customdata=[
            [100 * score.accuracy_low, 100 * score.accuracy_high, score.n_questions]
            for score in probes
        ],
        hovertemplate=say("model.probe_hover") + "<extra></extra>",
    )
    figure.update_xaxes(title=say("axis.accuracy"), range=[0, 101], ticksuffix="%")
    figure.update_yaxes(autorange="reversed")
    return figure


def checkpoint_charts(evaluations: Sequence[Evaluation]) -> tuple[Figure, Figure]:
    """Return charts of held-out loss and of accuracies against tokens for a run's models."""
    say = text()
    tokens = [evaluation.tokens for evaluation in evaluations]
    in_bits = all(evaluation.bits_per_byte is not None for evaluation in evaluations)
    losses = [
        (evaluation.bits_per_byte if in_bits else evaluation.held_out_loss) or 0.0
        for evaluation in evaluations
    ]
    loss = Figure(
        say(
            "alt.checkpoint_losses",
            n=len(evaluations),
            first=quantities.number(losses[0], say.language),
            last=quantities.number(losses[-1], say.language),
            tokens=quantities.count(tokens[-1] or 0, say.language),
        )
    )
    loss.add_scatter(
        x=tokens,
        y=losses,
        mode="lines+markers",
        line={"color": DATA, "width": 2.5},
        marker={"size": 8},
        hovertemplate="%{y:.3f}<extra>%{x:.3s}</extra>",
    )
    loss.update_yaxes(title=say("axis.bits_per_byte" if in_bits else "axis.loss"))
    accuracies = Figure(
        say(
            "alt.checkpoint_accuracies",
            scores=say("funding.comma").join(
                f"{say(f'model.probe_short.{score.probe}')} {score.accuracy:.0%}"
                for score in evaluations[-1].probes
                if score.probe in QUESTION_KINDS
            ),
        )
    )
    for probe in QUESTION_KINDS:
        points = [
            (evaluation.tokens, score)
            for evaluation in evaluations
            for score in evaluation.probes
            if score.probe == probe
        ]
        accuracies.add_scatter(
            x=[at for at, _ in points],
            y=[100 * score.accuracy for _, score in points],
            mode="lines+markers",
            name=say(f"model.probe_short.{probe}"),
            line={"color": _PROBE_COLORS[probe], "width": 2},
            marker={"size": 8},
            error_y={
                "type": "data",
                "symmetric": False,
                "thickness": 1,
                "array": [100 * (score.accuracy_high - score.accuracy) for _, score in points],
                "arrayminus": [100 * (score.accuracy - score.accuracy_low) for _, score in points],
            },
        )
    _level(accuracies, 25, say("model.chance_of_four"))
    _level(accuracies, 50, say("model.chance_of_two"))
    accuracies.update_yaxes(title=say("axis.accuracy"), ticksuffix="%", range=[0, 102])
    for figure in (loss, accuracies):
        figure.scale("x", "count")
        figure.update_xaxes(title=say("axis.tokens_trained"), rangemode="tozero")
    return loss, accuracies


def attention_chart(shares: Sequence[Sequence[float]], tokens: Sequence[str]) -> Figure:
    """Return a heat map of attention from each token (row) to each token (column).

    ``shares`` are those of one head or the mean of several, of shape (tokens, tokens).
    """
    say = text()
    strongest = LIGHT_COMPUTE if st.context.theme.type == "dark" else COMPUTE
    places = list(range(len(tokens)))
    shown = [_on_one_line(token) for token in tokens]
    peak = max(
        (
            (share, row, column)
            for row, line in enumerate(shares)
            if row
            for column, share in enumerate(line)
        ),
        default=(0.0, 0, 0),
    )
    figure = Figure(
        say(
            "alt.attention",
            n=len(tokens),
            share=f"{peak[0]:.0%}",
            reads=shown[peak[1]],
            looked_at=shown[peak[2]],
        )
    )
    figure.add_heatmap(
        z=shares,
        x=places,
        y=places,
        colorscale=[[0, "rgba(86,180,233,0.04)"], [1, strongest]],
        zmin=0,
        zmax=max(max(row) for row in shares[1:]),  # the first token can only attend to itself
        customdata=[[[reads, looked_at] for looked_at in shown] for reads in shown],
        hovertemplate=say("model.attention_hover") + "<extra></extra>",
        colorbar={
            "title": {"text": say("axis.attention_share"), "side": "right"},
            "tickformat": ".0%",
            "thickness": 14,
        },
        xgap=1,
        ygap=1,
    )
    ticks = {
        "tickvals": places,
        "ticktext": shown,
        "tickfont": {"size": LABEL_SIZE if len(tokens) <= 40 else 11},
        "showgrid": False,
        "zeroline": False,
    }
    figure.update_xaxes(title=say("axis.looked_at"), side="top", tickangle=-90, **ticks)
    figure.update_yaxes(title=say("axis.reading"), autorange="reversed", **ticks)
    return figure


def _on_one_line(token: str) -> str:
    shown = token.replace("\n", "↵").replace("\t", "⇥").replace(" ", "·")
    return shown.replace("<", "‹").replace(">", "›")  # Plotly reads these as markup
