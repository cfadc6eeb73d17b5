"""Page Evidence: predictions of all published runs, their errors, and the fitted parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from engine import quantities
from engine.documents import InputError
from engine.evidence.heldout import Evidence, evidence, evidence_csv, held_out
from engine.evidence.peers import Peer, peers
from engine.evidence.predictions import Prediction, Score, score
from engine.evidence.repeats import repeatability
from engine.paths import DATA_DIR
from engine.predictor.efficiency import EfficiencyParameter, efficiency_parameters
from pages.parts.charts import draw
from pages.parts.evidence.charts import BAND, HEIGHT, scatter, speed_of
from pages.parts.evidence.priors import prior_text
from pages.parts.figures.figure import Figure
from pages.parts.frame import run_in_frame
from pages.parts.session import text
from pages.parts.tiles import Tile, show_answer, tiles

_VIEWS = ("held_out", "in_sample")
_COLUMNS = ("gpu", "precision", "arch_family", "source_id")
_TABLE_HEIGHT = 560
_ROWS_BEFORE_SCROLLING = 6
_SIMUMAX = "source_id=simumax-b200"


def _percent(value: float | None) -> str:
    """Return a share in percent with one decimal, and with none from 100% on."""
    if value is None:
        return "–"
    return f"{value:.1%}" if value < 1 else f"{value:.0%}"


def _answer(everything: Score) -> str:
    return text()(
        "evidence.answer",
        n=everything.n_measured,
        median=_percent(everything.median_error),
        p90=_percent(everything.p90_error),
        coverage=_percent(everything.interval_coverage),
    )


def _choose_view() -> str:
    say = text()
    chosen = st.segmented_control(
        say("evidence.view"),
        _VIEWS,
        default=_VIEWS[0],
        format_func=lambda view: say(f"evidence.view_option.{view}"),
        help=say("evidence.view_help"),
        key="evidence_view",
        required=True,
    )
    return str(chosen or _VIEWS[0])


def _tiles(results: Evidence, everything: Score) -> None:
    say = text()
    sources = {row["source_id"] for row in results.rows if row["tokens_per_sec_per_gpu"]}
    with_memory = sum(bool(row["mem_gb"]) for row in results.rows)
    shown = (
        ("median_error", everything.median_error, say("evidence.median_note")),
        ("p90_error", everything.p90_error, say("evidence.p90_note")),
        ("coverage", everything.interval_coverage, say("evidence.coverage_note")),
        (
            "memory_error",
            everything.median_memory_error,
            say("evidence.memory_note", n=with_memory),
        ),
    )
    runs = Tile(
        label=say("evidence.runs"),
        value=str(everything.n_measured),
        note=say(
            "evidence.runs_note",
            sources=len(sources),
        ),
        help=say("evidence.basis.runs"),
    )
    tiles(
        [
            runs,
            *(
                Tile(
                    label=say(f"evidence.{name}"),
                    value=_percent(value),
                    note=note,
                    help=say(f"evidence.basis.{name}"),
                )
                for name, value, note in shown
            ),
        ]
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _scatter(
    language: str, is_held_out: bool, _results: Evidence, _predictions: Sequence[Prediction]
) -> Figure:
    """Return the chart of all runs, cached by language and view, on which alone it depends."""
    return scatter(_results, _predictions)


def _chart(results: Evidence, predictions: Sequence[Prediction]) -> None:
    say = text()
    ratios = [
        prediction.tokens_per_sec_per_gpu / speed_of(row)
        for row, prediction in zip(results.rows, predictions, strict=True)
        if row["tokens_per_sec_per_gpu"]
    ]
    outside = sum(abs(ratio - 1) > BAND for ratio in ratios)
    st.header(say("evidence.chart_heading"))
    figure = _scatter(say.language, predictions is results.held_out, results, predictions)
    draw(figure, "predicted_measured", height=HEIGHT, hover="closest")
    st.caption(say("evidence.chart_note", outside=outside, n=len(ratios)))


def _errors(scores: Sequence[Score]) -> None:
    """Draw the errors of all rows, then of each value of the chosen column."""
    say = text()
    st.header(say("evidence.group_heading"))
    column = st.segmented_control(
        say("evidence.group_by"),
        _COLUMNS,
        default=_COLUMNS[0],
        format_func=lambda name: say(f"evidence.column.{name}"),
        key="evidence_column",
        required=True,
    )
    groups = [
        group for group in scores if group.n_measured and group.group.startswith(f"{column}=")
    ]
    groups.sort(key=lambda group: -group.n_measured)
    rows = [scores[0], *groups]

    def percents(name: str) -> list[float]:
        values = [getattr(group, name) for group in rows]
        return [math.nan if value is None else 100 * value for value in values]

    columns = {
        "median_error": "median_error",
        "p90_error": "p90_error",
        "bias": "bias",
        "coverage": "interval_coverage",
        "memory_error": "median_memory_error",
    }
    st.dataframe(
        pd.DataFrame(
            {
                say("table.group"): [_group_name(group) for group in rows],
                say("table.rows"): [group.n_measured for group in rows],
            }
            | {say(f"table.{head}"): percents(name) for head, name in columns.items()}
        ),
        hide_index=True,
        placeholder="–",
        column_config={
            say(f"table.{head}"): st.column_config.NumberColumn(format="%.1f%%") for head in columns
        },
    )
    st.caption(say("evidence.group_note"))


def _group_name(group: Score) -> str:
    say = text()
    if not group.group:
        return say("table.all")
    column, value = group.group.split("=", 1)
    key = f"evidence.value.{value}"
    return say(key) if column == "arch_family" and key in say else value


def _peers(results: Evidence, scores: Sequence[Score]) -> None:
    """Draw the errors of this predictor and of 6ND, computed here, and reported ones of others."""
    say = text()
    st.header(say("evidence.peer_heading"))
    everything, computed = scores[0], say("evidence.computed")
    lines = [_computed("ours", "all", everything)]
    lines += [_computed("ours_b200", "b200", group) for group in scores if group.group == _SIMUMAX]
    lines.append(_computed("six_nd", "all", results.baseline))
    lines = [[*line, computed] for line in lines]
    lines += [_reported(peer) for peer in peers()]
    names = ("peer", "peer_median", "peer_p90", "peer_rows", "peer_source")
    st.table(
        pd.DataFrame(lines, columns=[say(f"evidence.{name}") for name in names]), hide_index=True
    )
    floor = repeatability(results.rows)
    if floor is not None:
        st.caption(
            say(
                "evidence.floor",
                n=floor.n_pairs,
                median=quantities.share(floor.median, say.language, digits=2),
                p90=quantities.share(floor.p90, say.language, digits=2),
            )
        )


def _computed(name: str, rows: str, group: Score) -> list[str]:
    say = text()
    return [
        say(f"evidence.peer_name.{name}"),
        _percent(group.median_error),
        _percent(group.p90_error),
        say(f"evidence.peer_rows_note.{rows}", n=group.n_measured),
    ]


def _reported(peer: Peer) -> list[str]:
    say = text()
    return [
        peer.name,
        _range(peer.median_low, peer.median_high),
        _range(peer.p90_low, peer.p90_high),
        say(f"evidence.peer_rows_note.{peer.rows_note}"),
        peer.source,
    ]


def _range(low: float, high: float) -> str:
    """Return a range of shares with the digits that were reported."""
    shown = [quantities.share(bound, text().language) for bound in (low, high)]
    return shown[0] if low == high else _unbroken(" – ".join(shown))


def _unbroken(words: str) -> str:
    """Return ``words`` so that a table keeps it on one line.

    Spaces become no-break spaces, and a word joiner follows each dash and Chinese character,
    because a line may break there without a space.
    """
    joined = words.replace(" ", "\u00a0").replace("–", "–\u2060")
    return "\u2060".join(joined) if re.search("[\u4e00-\u9fff]", joined) else joined


def _parameters() -> None:
    say = text()
    parameters = efficiency_parameters()
    st.header(say("evidence.parameter_heading"))
    names = {parameter.parameter for parameter in parameters}
    st.markdown(say("evidence.parameter_note", n=len(names), values=len(parameters)))
    query = st.text_input(
        say("evidence.search"),
        placeholder=say("evidence.search_hint"),
        icon=":material/search:",
        key="parameter_search",
    )
    lines = [_parameter_line(parameter) for parameter in parameters]
    words = (query or "").casefold().split()
    lines = [line for line in lines if all(word in " ".join(line).casefold() for word in words)]
    if not lines:
        st.info(say("evidence.search_none"), icon=":material/search_off:")
        return
    heads = [
        *(say(f"evidence.column_{name}") for name in ("meaning", "scope")),
        *(_unbroken(say(f"evidence.column_{name}")) for name in ("prior", "value", "bounds")),
        *(say(f"evidence.column_{name}") for name in ("unit", "prior_source")),
    ]
    table = pd.DataFrame(lines, columns=heads)
    if len(lines) > _ROWS_BEFORE_SCROLLING:
        st.table(table, hide_index=True, height=_TABLE_HEIGHT)
    else:
        st.table(table, hide_index=True)


def _parameter_line(parameter: EfficiencyParameter) -> list[str]:
    say = text()
    value, low, high, prior = (
        quantities.number(figure, say.language)
        for figure in (parameter.value, parameter.low, parameter.high, parameter.prior)
    )
    unit = parameter.unit.replace(",", "").replace(" ", "_")
    return [
        f"{say(f'evidence.parameter.{parameter.parameter}')} `{parameter.parameter}`",
        say("table.all") if parameter.scope == "all" else parameter.scope,
        prior,
        value,
        _unbroken(f"{low} – {high}"),
        _unbroken(say(f"evidence.unit.{unit}")),
        prior_text(parameter),
    ]


def _downloads() -> None:
    say = text()
    with st.container(horizontal=True):
        st.download_button(
            say("evidence.download"),
            evidence_csv,  # written only when the user clicks
            "runs-with-predictions.csv",
            "text/csv",
            key="download_evidence",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            say("evidence.download_parameters"),
            (DATA_DIR / "efficiency.csv").read_bytes,
            "efficiency.csv",
            "text/csv",
            key="download_parameters",
            icon=":material/download:",
            on_click="ignore",
        )
    last = next(iter(held_out().values()))
    st.caption(say("evidence.refit_note", source=last.source, as_of=last.as_of))


def page() -> None:
    """Draw the page."""
    say = text()
    st.title(say("evidence.question"))
    try:
        results = evidence()
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/error:")
        return
    scores = {name: score(results.rows, getattr(results, name)) for name in _VIEWS}
    show_answer(_answer(scores["held_out"][0]))
    view = _choose_view()
    _tiles(results, scores[view][0])
    _chart(results, getattr(results, view))
    _errors(scores[view])
    _peers(results, scores["held_out"])
    _parameters()
    _downloads()


run_in_frame(page)
