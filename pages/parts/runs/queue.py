"""The queue: the order of the runs, why each of them waits, and buttons to change it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine.runs.launching import control, queue
from engine.runs.launching.queue import QueuePosition
from engine.runs.observing.summary import Summary
from pages.parts.run_views.live import cancel_button
from pages.parts.run_views.wording import run_action
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown

_MOST_SHOWN = 20
_KEPT_S = 10.0


def queue_rows(queued: Sequence[Summary], live: Sequence[Summary]) -> None:
    """Draw a row for each queued run."""
    say = text()
    st.subheader(say("runs.queue"))
    by_id = {summary.run_id: summary for summary in queued}
    positions = _waiting(tuple((summary.run_id, summary.priority) for summary in (*live, *queued)))
    waiting = [position for position in positions if position.run.id in by_id]
    with st.container(border=True):
        for number, position in enumerate(waiting[:_MOST_SHOWN], start=1):
            _row(number, position, by_id[position.run.id])
        if len(waiting) > _MOST_SHOWN:
            st.caption(say("runs.more", n=len(waiting) - _MOST_SHOWN))


@st.cache_data(ttl=_KEPT_S, max_entries=100, show_spinner=False)
def _waiting(unfinished: tuple[tuple[str, int], ...]) -> list[QueuePosition]:
    """Return the queue, cached until the unfinished runs or their priorities change.

    Computing it reads all runs.
    """
    return queue.positions()


def _row(number: int, waiting: QueuePosition, summary: Summary) -> None:
    say, run = text(), waiting.run
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    )
    description = row.container(gap=None, width="content")
    description.markdown(f"**{number}. {escaped_markdown(summary.name)}**")
    description.caption(" · ".join([_why(waiting), *_terms(summary)]))
    buttons = row.container(horizontal=True, width="content")
    for step, icon, name in (
        (1, ":material/arrow_upward:", "up"),
        (-1, ":material/arrow_downward:", "down"),
    ):
        buttons.button(
            "",
            key=f"{name}.{run.id}",
            icon=icon,
            help=say(f"runs.{name}", priority=summary.priority + step),
            on_click=run_action,
            args=("now", control.set_priority, run, summary.priority + step),
        )
    cancel_button(buttons, run)


def _why(waiting: QueuePosition) -> str:
    say = text()
    if waiting.held_by is not None:
        return escaped_markdown(waiting.held_by.in_language(say.language))
    if waiting.n_ahead == 0:
        return say("runs.about_to_start")
    return say("runs.behind", n=waiting.n_ahead)


def _terms(summary: Summary) -> list[str]:
    say = text()
    return [
        say(f"runs.back_end.{summary.back_end}"),
        say("runs.ranks", n=summary.n_ranks),
        say("runs.priority", n=summary.priority),
    ]
