"""Events of the cap table: choose one, see the table before and after it, edit or remove it."""

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
from pages.parts.funding.form import INDEX, event_form
from pages.parts.session import scenario_session, text
from pages.parts.user_text import escaped_markdown

_MODES = ("edit", "add")


def draw_events(plan: Funding) -> None:
    """Draw the section of events."""
    say = text()
    st.subheader(say("funding.events.heading"))
    left, right = st.columns([2, 3], gap="large")
    with left:
        error = scenario_session().error
        if error is not None and error.field.startswith("company.capital"):
            st.error(error.in_language(say.language), icon=":material/block:")
        index = _choose(plan) if plan.steps else None
        mode = st.segmented_control(
            say("funding.events.doing"),
            _MODES,
            format_func=lambda mode: say(f"funding.events.{mode}"),
            default="edit",
            key=f"event_doing#{say.language}",
            label_visibility="collapsed",
            required=True,
        )
        if mode == "edit":
            _edit(plan, index)
        else:
            _add(plan)
    if index is not None:
        with right:
            _show(plan, plan.steps[index])


def _add(plan: Funding) -> None:
    say = text()
    kind = st.selectbox(
        say("funding.events.kind"),
        KINDS,
        format_func=lambda kind: say(f"funding.kind.{kind}"),
        key=f"add_kind#{say.language}",
    )
    event_form(plan, kind)


def _edit(plan: Funding, index: int | None) -> None:
    say = text()
    if index is None:
        st.caption(say("funding.events.none"))
        return
    kind = plan.steps[index].event.kind
    if kind in KINDS:
        event_form(plan, kind, index)
    else:
        st.caption(say("funding.events.in_document"))
    st.button(
        say("funding.events.remove"),
        key="remove_event",
        icon=":material/delete:",
        type="tertiary",
        on_click=_remove,
        args=(plan, index),
    )


def _choose(plan: Funding) -> int:
    """Return the index of the chosen event; before a choice, that of the next round."""
    say = text()
    labels = [
        f"{step.event.date} · {event_text(say, step.event, plan.currency)}"
        + (f" ({say('funding.planned')})" if step.event.planned else "")
        for step in plan.steps
    ]
    next_round = plan.next_round
    first = len(labels) - 1 if next_round is None else list(plan.steps).index(next_round.step)
    key = f"event#{hash(tuple(labels))}"
    index: int = st.selectbox(
        say("funding.events.event"),
        range(len(labels)),
        index=min(st.session_state.get(INDEX, first), len(labels) - 1),
        format_func=labels.__getitem__,
        key=key,
        on_change=_keep,
        args=(key,),
    )
    return index


def _keep(key: str) -> None:
    st.session_state[INDEX] = st.session_state[key]


def _show(plan: Funding, step: Step) -> None:
    say = text()
    for funding_round in plan.rounds:
        if funding_round.step is step:
            st.markdown(escaped_markdown(_round_text(funding_round)))
    head, rows = change_rows(say, step)
    if not rows:
        st.caption(say("funding.events.nothing"))
        return
    cells = [[escaped_markdown(cell) for cell in row] for row in rows]
    st.table(pd.DataFrame(cells, columns=head), border="horizontal", hide_index=True)
    if step.event.kind in ("safe", "note"):
        st.caption(say("funding.events.not_yet"))


def _round_text(funding_round: Round) -> str:
    say, deal = text(), funding_round.deal
    parts = {
        name: quantities.share(float(getattr(funding_round.dilution, name)), say.language)
        for name in ("new_money", "converted", "pool", "total")
    }
    price = funding_round.step.after.stock_class(deal.series).issue_price
    return say(
        "funding.events.round_note",
        price=price_text(price or Fraction(0), funding_round.step.after.currency, say.language),
        post=money_text(deal.pre_money + deal.new_money, deal.currency, say.language),
        **parts,
    )


def _remove(plan: Funding, index: int) -> None:
    scenario_session().change(without_event(plan.capital, index))
