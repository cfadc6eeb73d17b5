"""Events of the cap table: one is chosen, shown before and after, edited, taken away or added."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import streamlit as st

from engine import quantities
from finance.capital.history import Step
from finance.capital.wording import price_text
from finance.funding.captable_report import change_rows
from finance.funding.rounds import Funding, Round, without_event
from finance.funding.wording import event_text, money_text
from pages.parts.funding.fields import KINDS
from pages.parts.funding.form import PLACE, event_form
from pages.parts.session import scenario_session, text
from pages.parts.user_text import escaped_markdown

_DOINGS = ("edit", "add")


def draw_events(seen: Funding) -> None:
    say = text()
    st.subheader(say("funding.events.heading"))
    left, right = st.columns([2, 3], gap="large")
    with left:
        error = scenario_session().error
        if error is not None and error.field.startswith("company.capital"):
            st.error(error.in_language(say.language), icon=":material/block:")
        place = _choose(seen) if seen.steps else None
        doing = st.segmented_control(
            say("funding.events.doing"),
            _DOINGS,
            format_func=lambda one: say(f"funding.events.{one}"),
            default="edit",
            key=f"event_doing#{say.language}",
            label_visibility="collapsed",
            required=True,
        )
        if doing == "edit":
            _edit(seen, place)
        else:
            _add(seen)
    if place is not None:
        with right:
            _show(seen, seen.steps[place])


def _add(seen: Funding) -> None:
    say = text()
    kind = st.selectbox(
        say("funding.events.kind"),
        KINDS,
        format_func=lambda one: say(f"funding.kind.{one}"),
        key=f"add_kind#{say.language}",
    )
    event_form(seen, kind)


def _edit(seen: Funding, place: int | None) -> None:
    say = text()
    if place is None:
        st.caption(say("funding.events.none"))
        return
    kind = seen.steps[place].event.kind
    if kind in KINDS:
        event_form(seen, kind, place)
    else:
        st.caption(say("funding.events.in_document"))
    st.button(
        say("funding.events.remove"),
        key="remove_event",
        icon=":material/delete:",
        type="tertiary",
        on_click=_remove,
        args=(seen, place),
    )


def _choose(seen: Funding) -> int:
    """The next round at first, then what was chosen."""
    say = text()
    labels = [
        f"{step.event.date} · {event_text(say, step.event, seen.currency)}"
        + (f" ({say('funding.planned')})" if step.event.planned else "")
        for step in seen.steps
    ]
    coming = seen.next_round
    first = len(labels) - 1 if coming is None else list(seen.steps).index(coming.step)
    key = f"event#{hash(tuple(labels))}"
    place: int = st.selectbox(
        say("funding.events.event"),
        range(len(labels)),
        index=min(st.session_state.get(PLACE, first), len(labels) - 1),
        format_func=labels.__getitem__,
        key=key,
        on_change=_keep,
        args=(key,),
    )
    return place


def _keep(key: str) -> None:
    st.session_state[PLACE] = st.session_state[key]


def _show(seen: Funding, step: Step) -> None:
    say = text()
    for one in seen.rounds:
        if one.step is step:
            st.markdown(escaped_markdown(_round_text(one)))
    head, rows = change_rows(say, step)
    if not rows:
        st.caption(say("funding.events.nothing"))
        return
    cells = [[escaped_markdown(cell) for cell in row] for row in rows]
    st.table(pd.DataFrame(cells, columns=head), border="horizontal", hide_index=True)
    if step.event.kind in ("safe", "note"):
        st.caption(say("funding.events.not_yet"))


def _round_text(one: Round) -> str:
    say, deal = text(), one.deal
    parts = {
        name: quantities.share(float(getattr(one.dilution, name)), say.language)
        for name in ("new_money", "converted", "pool", "total")
    }
    price = one.step.after.stock_class(deal.series).issue_price
    return say(
        "funding.events.round_note",
        price=price_text(price or Fraction(0), one.step.after.currency, say.language),
        post=money_text(deal.pre_money + deal.new_money, deal.currency, say.language),
        **parts,
    )


def _remove(seen: Funding, place: int) -> None:
    scenario_session().change(without_event(seen.capital, place))
