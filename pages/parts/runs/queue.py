"""The queue: what starts in which order, why each run waits, and how to change that."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.runs.launching import control, queue
from engine.runs.launching.queue import QueuePosition
from engine.runs.observing.summary import Summary
from pages.parts.run_views.live import cancel_button
from pages.parts.run_views.wording import act
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown

_MOST_SHOWN = 20
_KEPT_S = 10.0


def queue_rows(queued: Sequence[Summary], live: Sequence[Summary]) -> None:
    say = text()
    st.markdown(f"##### {say('runs.queue')}")
    by_id = {one.run_id: one for one in queued}
    found = _waiting(tuple((one.run_id, one.priority) for one in (*live, *queued)))
    waiting = [one for one in found if one.run.id in by_id]
    with st.container(border=True):
        for place, one in enumerate(waiting[:_MOST_SHOWN], start=1):
            _row(place, one, by_id[one.run.id])
        if len(waiting) > _MOST_SHOWN:
            st.caption(say("runs.more", n=len(waiting) - _MOST_SHOWN))


@st.cache_data(ttl=_KEPT_S, max_entries=100, show_spinner=False)
def _waiting(unfinished: tuple[tuple[str, int], ...]) -> list[QueuePosition]:
    """For as long as these are all that is not over: it takes a look at all runs."""
    return queue.positions()


def _row(place: int, waiting: QueuePosition, one: Summary) -> None:
    say, run = text(), waiting.run
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    )
    words = row.container(gap=None, width="content")
    words.markdown(f"**{place}. {escaped_markdown(one.name)}**")
    words.caption(" · ".join([_why(waiting), *_terms(one)]))
    buttons = row.container(horizontal=True, width="content")
    for step, icon, name in (
        (1, ":material/arrow_upward:", "up"),
        (-1, ":material/arrow_downward:", "down"),
    ):
        buttons.button(
            "",
            key=f"{name}.{run.id}",
            icon=icon,
            help=say(f"runs.{name}", priority=one.priority + step),
            on_click=act,
            args=("now", control.set_priority, run, one.priority + step),
        )
    cancel_button(buttons, run)


def _why(waiting: QueuePosition) -> str:
    say = text()
    if waiting.held_by is not None:
        return escaped_markdown(waiting.held_by.in_language(say.language))
    if waiting.n_ahead == 0:
        return say("runs.about_to_start")
    return say("runs.behind_one" if waiting.n_ahead == 1 else "runs.behind", n=waiting.n_ahead)


def _terms(one: Summary) -> list[str]:
    say = text()
    return [
        say(f"runs.back_end.{one.back_end}"),
        say("runs.ranks", n=one.n_ranks),
        say("runs.priority", n=one.priority),
    ]
