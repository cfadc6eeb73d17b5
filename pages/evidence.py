"""Can I believe the forecast? Predictions against every published run, and what they rest on."""

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
from engine.paths import DATA_DIR
from engine.predictor.efficiency import EfficiencyParameter, efficiency_parameters
from pages.parts.evidence.charts import BAND, draw_scatter, scatter, speed_of
from pages.parts.frame import run_in_frame
from pages.parts.session import text
from pages.parts.tiles import Tile, tiles

_VIEWS = ("held_out", "in_sample")
_COLUMNS = ("gpu", "precision", "arch_family", "source_id")
_TABLE_HEIGHT = 560
_ROWS_BEFORE_SCROLLING = 6
_SIMUMAX = "source_id=simumax-b200"


def _percent(value: float | None) -> str:
    """To a tenth of a percent, and whole ones from 100% on."""
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
        format_func=lambda one: say(f"evidence.view_option.{one}"),
        help=say("evidence.view_help"),
        key="evidence_view",
        required=True,
    )
    return str(chosen or _VIEWS[0])


def _tiles(found: Evidence, everything: Score) -> None:
    say = text()
    sources = {row["source_id"] for row in found.rows if row["tokens_per_sec_per_gpu"]}
    with_memory = sum(bool(row["mem_gb"]) for row in found.rows)
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


def _chart(found: Evidence, predictions: Sequence[Prediction]) -> None:
    say = text()
    ratios = [
        one.tokens_per_sec_per_gpu / speed_of(row)
        for row, one in zip(found.rows, predictions, strict=True)
        if row["tokens_per_sec_per_gpu"]
    ]
    outside = sum(abs(ratio - 1) > BAND for ratio in ratios)
    st.subheader(say("evidence.chart_heading"))
    draw_scatter(scatter(found, predictions), "predicted_measured")
    st.caption(say("evidence.chart_note", outside=outside, n=len(ratios)))


def _errors(scores: Sequence[Score]) -> None:
    """The errors of all rows, then of each value of the column that is chosen."""
    say = text()
    st.subheader(say("evidence.group_heading"))
    column = st.segmented_control(
        say("evidence.group_by"),
        _COLUMNS,
        default=_COLUMNS[0],
        format_func=lambda one: say(f"evidence.column.{one}"),
        key="evidence_column",
        required=True,
    )
    wanted = [one for one in scores if one.n_measured and one.group.startswith(f"{column}=")]
    wanted.sort(key=lambda one: -one.n_measured)
    rows = [scores[0], *wanted]

    def percents(name: str) -> list[float]:
        values = [getattr(one, name) for one in rows]
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
                say("table.group"): [_group_name(one) for one in rows],
                say("table.rows"): [one.n_measured for one in rows],
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


def _group_name(one: Score) -> str:
    say = text()
    if not one.group:
        return say("table.all")
    column, value = one.group.split("=", 1)
    key = f"evidence.value.{value}"
    return say(key) if column == "arch_family" and key in say else value


def _peers(found: Evidence, scores: Sequence[Score]) -> None:
    """Ours and the rule of thumb, worked out here, beside what was reported of others."""
    say = text()
    st.subheader(say("evidence.peer_heading"))
    everything, computed = scores[0], say("evidence.computed")
    lines = [_computed("ours", "all", everything)]
    lines += [_computed("ours_b200", "b200", one) for one in scores if one.group == _SIMUMAX]
    lines.append(_computed("six_nd", "all", found.baseline))
    lines = [[*line, computed] for line in lines]
    lines += [_reported(peer) for peer in peers() if peer.kind != "floor"]
    names = ("peer", "peer_median", "peer_p90", "peer_rows", "peer_source")
    st.table(
        pd.DataFrame(lines, columns=[say(f"evidence.{name}") for name in names]), hide_index=True
    )
    for peer in peers():
        if peer.kind == "floor":
            st.caption(
                say(
                    "evidence.floor",
                    median=_range(peer.median_low, peer.median_high),
                    p90=_range(peer.p90_low, peer.p90_high),
                    source=peer.source,
                )
            )


def _computed(name: str, rows: str, of: Score) -> list[str]:
    say = text()
    return [
        say(f"evidence.peer_name.{name}"),
        _percent(of.median_error),
        _percent(of.p90_error),
        say(f"evidence.peer_rows_note.{rows}", n=of.n_measured),
    ]


def _reported(peer: Peer) -> list[str]:
    say = text()
    key = f"evidence.peer_name.{peer.name}"
    return [
        say(key) if key in say else peer.name,
        _range(peer.median_low, peer.median_high),
        _range(peer.p90_low, peer.p90_high),
        say(f"evidence.peer_rows_note.{peer.rows_note}"),
        peer.source,
    ]


def _range(low: float, high: float) -> str:
    """With the digits that were reported."""
    shown = [quantities.share(bound, text().language) for bound in (low, high)]
    return shown[0] if low == high else _unbroken(" – ".join(shown))


def _unbroken(words: str) -> str:
    """Kept on one line in a table: no-break spaces, and word joiners where a line may break
    without a space, after a dash and between Chinese characters."""
    joined = words.replace(" ", "\u00a0").replace("–", "–\u2060")
    return "\u2060".join(joined) if re.search("[\u4e00-\u9fff]", joined) else joined


def _parameters() -> None:
    say = text()
    known = efficiency_parameters()
    st.subheader(say("evidence.parameter_heading"))
    names = {one.parameter for one in known}
    st.markdown(say("evidence.parameter_note", n=len(names), values=len(known)))
    typed = st.text_input(
        say("evidence.search"),
        placeholder=say("evidence.search_hint"),
        icon=":material/search:",
        key="parameter_search",
    )
    lines = [_parameter_line(one) for one in known]
    words = (typed or "").casefold().split()
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


def _parameter_line(one: EfficiencyParameter) -> list[str]:
    say = text()
    value, low, high, prior = (
        quantities.number(figure, say.language)
        for figure in (one.value, one.low, one.high, one.prior)
    )
    unit = one.unit.replace(",", "").replace(" ", "_")
    return [
        f"{say(f'evidence.parameter.{one.parameter}')} `{one.parameter}`",
        say("table.all") if one.scope == "all" else one.scope,
        prior,
        value,
        _unbroken(f"{low} – {high}"),
        _unbroken(say(f"evidence.unit.{unit}")),
        one.prior_source,
    ]


def _downloads() -> None:
    say = text()
    with st.container(horizontal=True):
        st.download_button(
            say("evidence.download"),
            evidence_csv(),
            "runs-with-predictions.csv",
            "text/csv",
            key="download_evidence",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            say("evidence.download_parameters"),
            (DATA_DIR / "efficiency.csv").read_text("utf-8"),
            "efficiency.csv",
            "text/csv",
            key="download_parameters",
            icon=":material/download:",
            on_click="ignore",
        )
    last = next(iter(held_out().values()))
    st.caption(say("evidence.refit_note", source=last.source, as_of=last.as_of))


def page() -> None:
    say = text()
    st.title(say("evidence.question"))
    try:
        found = evidence()
    except InputError as error:
        st.error(error.in_language(say.language), icon=":material/error:")
        return
    scores = {name: score(found.rows, getattr(found, name)) for name in _VIEWS}
    st.markdown(f"#### {_answer(scores['held_out'][0])}")
    view = _choose_view()
    _tiles(found, scores[view][0])
    _chart(found, getattr(found, view))
    _errors(scores[view])
    _peers(found, scores["held_out"])
    _parameters()
    _downloads()


run_in_frame(page)
