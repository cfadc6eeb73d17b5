"""Running and queued runs, and the page's answer; redrawn every two seconds while runs go on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from engine import quantities
from engine.runs.folder import Phase, Run, now
from engine.runs.launching.recovery import recover_unfinished
from engine.runs.launching.spending import MonthSpending, month_spending_of
from engine.runs.observing.disk_use import disk_space
from engine.runs.observing.overview import Overview, overview_of
from engine.runs.observing.summary import Summary
from engine.runs.observing.watch import Watch
from engine.runs.settings import Settings
from pages.parts.run_views.live import cancel_button, progress_line
from pages.parts.run_views.runs import progress_of
from pages.parts.run_views.wording import run_of, show_refusal, state_badge
from pages.parts.runs.choice import choose
from pages.parts.runs.queue import queue_rows
from pages.parts.session import text
from pages.parts.tiles import Tile, show_answer, tiles
from pages.parts.user_text import escaped_markdown

_REFRESH_S = 2.0
_MOST_LIVE = 20


def now_section(summaries: Sequence[Summary], allowed: Settings) -> None:
    """Draw the section again every two seconds until all runs have ended.

    When a run starts or ends, the whole page is drawn again.
    """
    limit_usd = allowed.monthly_spending_limit_usd
    watch = Watch(summaries, st.session_state.setdefault("metric_totals", {}))

    def draw_once() -> None:
        recover_unfinished(summaries)
        current = watch.read()
        if current is None:
            st.rerun()
        overview, month = overview_of(current, now()), month_spending_of(current)
        show_answer(_answer(overview, month, limit_usd))
        _tiles(overview, month, limit_usd)
        show_refusal("now")
        for summary in overview.live[:_MOST_LIVE]:
            _live(summary, run_of(summary))
        if len(overview.live) > _MOST_LIVE:
            st.caption(text()("runs.more", n=len(overview.live) - _MOST_LIVE))
        if overview.queued:
            queue_rows(overview.queued, overview.live)

    is_moving = any(not summary.is_over for summary in summaries)
    st.fragment(draw_once, run_every=_REFRESH_S if is_moving else None)()


def _answer(overview: Overview, month: MonthSpending, limit_usd: Decimal | None) -> str:
    """Return the answer to the page's question in a sentence."""
    say = text()
    if not overview.live and not overview.queued and not overview.n_over:
        return say("runs.answer_nothing")
    spent, n = _spent(month, limit_usd), len(overview.queued)
    if not overview.live and not n:
        came = say(
            "runs.came_of_it",
            succeeded=quantities.number(overview.recently_succeeded, say.language),
            ended=quantities.number(overview.recently_ended, say.language),
        )
        return say("runs.answer_idle", came=came, spent=spent)
    waiting = say("runs.waiting", n=n) if n else say("runs.waiting_none")
    return say("runs.answer", running=_running(overview), waiting=waiting, spent=spent)


def _running(overview: Overview) -> str:
    """Return a text about the running runs, with the time left if it is known."""
    say, n = text(), len(overview.live)
    if n == 0:
        return say("runs.running_none")
    training = [summary for summary in overview.live if summary.phase is Phase.TRAINING]
    all_left_s = [progress_of(summary.run_id).seconds_left for summary in training]
    known_s = [left_s for left_s in all_left_s if left_s is not None]
    if not known_s:
        return say("runs.starting", n=n)
    return say("runs.running", n=n, left=quantities.duration(max(known_s), say.language))


def _spent(month: MonthSpending, limit_usd: Decimal | None) -> str:
    say = text()
    spent = quantities.usd(month.spent_usd, say.language)
    if limit_usd is None:
        return say("runs.spent_without_limit", spent=spent)
    return say("runs.spent_of", spent=spent, limit=quantities.usd(limit_usd, say.language))


def _tiles(overview: Overview, month: MonthSpending, limit_usd: Decimal | None) -> None:
    say, language = text(), text().language
    limit_note = say("runs.no_limit")
    if limit_usd is not None:
        limit_note = say("runs.of_limit", limit=quantities.usd(limit_usd, language))
    if month.remaining_usd:
        to_come = say("runs.to_come", n=quantities.usd(month.remaining_usd, language))
        limit_note = f"{limit_note} · {to_come}"
    tiles(
        [
            Tile(
                label=say("runs.tile_running"),
                value=f"{len(overview.live)} · {len(overview.queued)}",
                note=say("runs.tile_next", run=escaped_markdown(overview.queued[0].name))
                if overview.queued
                else say("runs.tile_ranks", n=sum(summary.n_ranks for summary in overview.live)),
            ),
            Tile(
                label=say("runs.tile_spent"),
                value=quantities.usd(month.spent_usd, language),
                note=limit_note,
                help=say("runs.tile_spent_help"),
            ),
            Tile(
                label=say("runs.tile_disk"),
                value=quantities.si(overview.disk_bytes, "B", language),
                note=say("runs.tile_free", n=quantities.si(disk_space().free_bytes, "B", language)),
            ),
            Tile(
                label=say("runs.tile_failed"),
                value=quantities.number(overview.recently_failed, language),
                note=say("runs.tile_ended", n=quantities.number(overview.recently_ended, language)),
            ),
        ],
        key="_now",
    )


def _live(summary: Summary, run: Run) -> None:
    """Draw a live run: its progress, its cost so far, and the cancel button."""
    say, progress = text(), progress_of(summary.run_id)
    assert summary.phase is not None
    with st.container(border=True):
        head = st.container(horizontal=True, vertical_alignment="center")
        head.markdown(f"**{escaped_markdown(summary.name)}**", width="content")
        with head:
            state_badge(summary)
        share, line = progress_line(progress, summary.phase, summary.cost_usd)
        st.progress(share, text=line)
        foot = st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        )
        foot.caption(_terms(summary, run), width="content")
        buttons = foot.container(horizontal=True, width="content")
        if buttons.button(
            say("runs.details"), key=f"details.{summary.run_id}", icon=":material/article:"
        ):
            choose([summary.run_id])
            st.rerun()
        cancel_button(buttons, run)


def _terms(summary: Summary, run: Run) -> str:
    """Return the run's forecast cost, its spending limit, and its back end."""
    say, language = text(), text().language
    forecast_usd = progress_of(summary.run_id).forecast.cost_usd.value
    limit = run.job.spending_limit_usd
    parts = [
        say("runs.forecast_cost", n=quantities.usd(forecast_usd, language)),
        *([say("runs.limit", n=quantities.usd(limit, language))] if limit is not None else []),
        say(f"runs.back_end.{summary.back_end}"),
        say("runs.ranks", n=summary.n_ranks),
        *([say("runs.start_number", n=summary.starts)] if summary.starts > 1 else []),
    ]
    return " · ".join(parts)
