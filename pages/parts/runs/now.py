"""What runs and what waits: the page's answer, drawn anew every other second while it moves."""

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
from pages.parts.run_views.live import cancel_button, how_far
from pages.parts.run_views.runs import progress_of
from pages.parts.run_views.wording import run_of, say_refused, state_badge
from pages.parts.runs.choice import choose
from pages.parts.runs.queue import queue_rows
from pages.parts.session import text
from pages.parts.tiles import Tile, tiles
from pages.parts.user_text import escaped_markdown

_REFRESH_S = 2.0
_MOST_LIVE = 20


def now_section(seen: Sequence[Summary], allowed: Settings) -> None:
    """Turned off once all runs are over; whenever one begins or ends, the whole page is drawn
    anew."""
    limit_usd = allowed.monthly_spending_limit_usd
    watch = Watch(seen, st.session_state.setdefault("tallies", {}))

    def once() -> None:
        recover_unfinished(seen)
        current = watch.read()
        if current is None:
            st.rerun()
        at, month = overview_of(current, now()), month_spending_of(current)
        st.markdown(f"#### {_answer(at, month, limit_usd)}")
        _tiles(at, month, limit_usd)
        say_refused("now")
        for one in at.live[:_MOST_LIVE]:
            _live(one, run_of(one))
        if len(at.live) > _MOST_LIVE:
            st.caption(text()("runs.more", n=len(at.live) - _MOST_LIVE))
        if at.queued:
            queue_rows(at.queued, at.live)

    is_moving = any(not one.is_over for one in seen)
    st.fragment(once, run_every=_REFRESH_S if is_moving else None)()


def _answer(at: Overview, month: MonthSpending, limit_usd: Decimal | None) -> str:
    """The question answered in a sentence."""
    say = text()
    if not at.live and not at.queued and not at.n_over:
        return say("runs.answer_nothing")
    spent, n = _spent(month, limit_usd), len(at.queued)
    if not at.live and not n:
        came = say(
            "runs.came_of_it",
            succeeded=quantities.number(at.recently_succeeded, say.language),
            ended=quantities.number(at.recently_ended, say.language),
        )
        return say("runs.answer_idle", came=came, spent=spent)
    waiting = say(f"runs.waiting_{'none' if n == 0 else 'one' if n == 1 else 'many'}", n=n)
    return say("runs.answer", running=_running(at), waiting=waiting, spent=spent)


def _running(at: Overview) -> str:
    """What runs, with the time left where it is known."""
    say, n = text(), len(at.live)
    if n == 0:
        return say("runs.running_none")
    training = [one for one in at.live if one.phase is Phase.TRAINING]
    lefts_s = [progress_of(one.run_id).seconds_left for one in training]
    known_s = [left_s for left_s in lefts_s if left_s is not None]
    how_many = "one" if n == 1 else "many"
    if not known_s:
        return say(f"runs.starting_{how_many}", n=n)
    return say(
        f"runs.running_{how_many}", n=n, left=quantities.duration(max(known_s), say.language)
    )


def _spent(month: MonthSpending, limit_usd: Decimal | None) -> str:
    say = text()
    spent = quantities.usd(month.spent_usd, say.language)
    if limit_usd is None:
        return say("runs.spent_without_limit", spent=spent)
    return say("runs.spent_of", spent=spent, limit=quantities.usd(limit_usd, say.language))


def _tiles(at: Overview, month: MonthSpending, limit_usd: Decimal | None) -> None:
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
                value=f"{len(at.live)} · {len(at.queued)}",
                note=say("runs.tile_next", run=escaped_markdown(at.queued[0].name))
                if at.queued
                else say("runs.tile_ranks", n=sum(one.n_ranks for one in at.live)),
            ),
            Tile(
                label=say("runs.tile_spent"),
                value=quantities.usd(month.spent_usd, language),
                note=limit_note,
                help=say("runs.tile_spent_help"),
            ),
            Tile(
                label=say("runs.tile_disk"),
                value=quantities.si(at.disk_bytes, "B", language),
                note=say("runs.tile_free", n=quantities.si(disk_space().free_bytes, "B", language)),
            ),
            Tile(
                label=say("runs.tile_failed"),
                value=quantities.number(at.recently_failed, language),
                note=say("runs.tile_ended", n=quantities.number(at.recently_ended, language)),
            ),
        ]
    )


def _live(one: Summary, run: Run) -> None:
    """A run that goes on: how far it is, what it has cost, and the button that ends it."""
    say, progress = text(), progress_of(one.run_id)
    assert one.phase is not None
    with st.container(border=True):
        head = st.container(horizontal=True, vertical_alignment="center")
        head.markdown(f"**{escaped_markdown(one.name)}**", width="content")
        with head:
            state_badge(one)
        share, line = how_far(progress, one.phase, one.cost_usd)
        st.progress(share, text=line)
        foot = st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
        )
        foot.caption(_terms(one, run), width="content")
        buttons = foot.container(horizontal=True, width="content")
        if buttons.button(
            say("runs.details"), key=f"details.{one.run_id}", icon=":material/article:"
        ):
            choose([one.run_id])
            st.rerun()
        cancel_button(buttons, run)


def _terms(one: Summary, run: Run) -> str:
    """What it was forecast to cost, what it may, and where it runs."""
    say, language = text(), text().language
    forecast_usd = progress_of(one.run_id).forecast.cost_usd.value
    limit = run.job.spending_limit_usd
    parts = [
        say("runs.forecast_cost", n=quantities.usd(forecast_usd, language)),
        *([say("runs.limit", n=quantities.usd(limit, language))] if limit is not None else []),
        say(f"runs.back_end.{one.back_end}"),
        say("runs.ranks", n=one.n_ranks),
        *([say("runs.start_number", n=one.starts)] if one.starts > 1 else []),
    ]
    return " · ".join(parts)
