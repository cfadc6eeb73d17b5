"""Charts of trained models. Measured is solid; guessing and compressors are grey or hollow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from engine import quantities
from engine.results import RunResult
from engine.runs.folder import Run
from engine.runs.progress import Progress
from engine.scores import PROBES, Evaluation, ProbeScore
from pages.parts.charts import COMPUTE, DATA, MONEY, OTHER, PEOPLE
from pages.parts.session import text

_PROBE_COLORS = {"continuation": COMPUTE, "cloze": MONEY, "shuffled": PEOPLE}


def learning_chart(run: Run, result: RunResult) -> go.Figure:
    """What held-out text costs, from guessing to the end of training, beside a compressor."""
    say, corpus = text(), result.corpus
    figure = go.Figure()
    tokens, losses = Progress(run).update().held_out_curve("tokens")
    bits = [corpus.bits_per_byte(loss) for loss in losses]
    guessing = corpus.bits_per_byte(math.log(run.recipe.shape.vocab))
    figure.add_scatter(
        x=[0, tokens[0]],
        y=[guessing, bits[0]],
        mode="lines",
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
        marker={"size": 11, "color": DATA, "symbol": "circle-open", "line": {"width": 2}},
        hovertemplate="%{y:.3f}<extra></extra>",
        showlegend=False,
    )
    for y, label, anchor in ((corpus.held_out_lzma_bits_per_byte, say("model.lzma"), "bottom"),):
        figure.add_hline(
            y=y,
            line={"color": OTHER, "width": 1.5, "dash": "dash"},
            annotation={
                "text": label,
                "font": {"color": OTHER, "size": 13},
                "xanchor": "right",
                "yanchor": anchor,
                "x": 1,
            },
        )
    _label(figure, 0, guessing, say("model.guessing"), "left", 10)
    last = quantities.number(bits[-1], say.language)
    _label(figure, tokens[-1], bits[-1], f"<b>{last}</b>", "left", 8)
    figure.update_xaxes(title=say("axis.tokens_trained"), rangemode="tozero", tickformat=".2~s")
    figure.update_yaxes(title=say("axis.bits_per_byte"), rangemode="tozero")
    return figure


def _label(figure: go.Figure, x: float, y: float, words: str, anchor: str, shift: int) -> None:
    figure.add_annotation(
        x=x, y=y, text=words, showarrow=False, xanchor=anchor, xshift=shift, font={"size": 13}
    )


def probe_chart(probes: Sequence[ProbeScore]) -> go.Figure:
    """Accuracy with its interval on each kind of question, beside guessing."""
    say = text()
    figure = go.Figure()
    names = [f"{say(f'exam.probe_name.{one.probe}')}  <b>{one.accuracy:.0%}</b>" for one in probes]
    figure.add_scatter(
        x=[100 * one.chance for one in probes],
        y=names,
        mode="markers",
        name=say("exam.chance"),
        marker={"size": 13, "color": OTHER, "symbol": "line-ns-open", "line": {"width": 3}},
        hovertemplate="%{x:.0f}%<extra>" + say("exam.chance") + "</extra>",
    )
    figure.add_scatter(
        x=[100 * one.accuracy for one in probes],
        y=names,
        mode="markers",
        name=say("model.accuracy_interval"),
        marker={"size": 12, "color": COMPUTE},
        error_x={
            "type": "data",
            "symmetric": False,
            "color": COMPUTE,
            "array": [100 * (one.accuracy_high - one.accuracy) for one in probes],
            "arrayminus": [100 * (one.accuracy - one.accuracy_low) for one in probes],
        },
        customdata=[
            [100 * one.accuracy_low, 100 * one.accuracy_high, one.n_questions] for one in probes
        ],
        hovertemplate=say("model.probe_hover") + "<extra></extra>",
    )
    figure.update_xaxes(title=say("axis.accuracy"), range=[0, 101], ticksuffix="%")
    figure.update_yaxes(autorange="reversed")
    return figure


def checkpoint_charts(found: Sequence[Evaluation]) -> tuple[go.Figure, go.Figure]:
    """(held-out loss, accuracies with their intervals) of a run's models, against tokens."""
    say = text()
    tokens = [one.tokens for one in found]
    loss = go.Figure()
    in_bits = all(one.bits_per_byte is not None for one in found)
    loss.add_scatter(
        x=tokens,
        y=[one.bits_per_byte if in_bits else one.held_out_loss for one in found],
        mode="lines+markers",
        line={"color": DATA, "width": 2.5},
        marker={"size": 8},
        hovertemplate="%{y:.3f}<extra>%{x:.3s}</extra>",
    )
    loss.update_yaxes(title=say("axis.bits_per_byte" if in_bits else "axis.loss"))
    accuracies = go.Figure()
    for probe in PROBES:
        points = [
            (one.tokens, score) for one in found for score in one.probes if score.probe == probe
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
    for share, label in ((25, say("model.chance_of_four")), (50, say("model.chance_of_two"))):
        accuracies.add_hline(
            y=share,
            line={"color": OTHER, "width": 1, "dash": "dash"},
            annotation={
                "text": label,
                "font": {"color": OTHER, "size": 12},
                "xanchor": "right",
                "yanchor": "top",
                "x": 1,
            },
        )
    accuracies.update_yaxes(title=say("axis.accuracy"), ticksuffix="%", range=[0, 102])
    for figure in (loss, accuracies):
        figure.update_xaxes(title=say("axis.tokens_trained"), rangemode="tozero", tickformat=".2~s")
    return loss, accuracies


def attention_chart(shares: Sequence[Sequence[float]], tokens: Sequence[str]) -> go.Figure:
    """Where each token (a row) looks (a column), one head or the mean of several."""
    say = text()
    places = list(range(len(tokens)))
    shown = [_on_one_line(token) for token in tokens]
    figure = go.Figure()
    figure.add_heatmap(
        z=shares,
        x=places,
        y=places,
        colorscale=[[0, "rgba(0,114,178,0.03)"], [1, COMPUTE]],
        zmin=0,
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
    ticks = {"tickvals": places, "ticktext": shown, "showgrid": False, "zeroline": False}
    figure.update_xaxes(title=say("axis.looked_at"), side="top", tickangle=-60, **ticks)
    figure.update_yaxes(title=say("axis.reading"), autorange="reversed", **ticks)
    return figure


def _on_one_line(token: str) -> str:
    shown = token.replace("\n", "↵").replace("\t", "⇥").replace(" ", "·")
    return shown.replace("<", "‹").replace(">", "›")  # Plotly reads these as markup
