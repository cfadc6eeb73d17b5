"""The statement about money that events before the first month of the plan have brought."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from finance.funding.ownership import names_in
from finance.funding.rounds import Funding, funding
from finance.funding.wording import event_title, money_text
from finance.treasury.raising import cash_from_event
from pages.parts.session import draft, text
from pages.parts.user_text import escaped_markdown

MOST_NAMED = 4
"""Greatest number of events that are named."""


def draw_opening_cash(plan: Funding | None = None, *, only_planned: bool = False) -> None:
    """Say that the money of earlier events is assumed in the opening cash, if there is any.

    Every page that shows money from investors uses this statement. Payments of founders for their
    shares are left out.

    Parameters
    ----------
    plan
        The draft's cap table, if it is known.
    only_planned
        Whether to name only events that are marked as planned, which a reader could take for money
        still to come.
    """
    say, company = text(), draft().company
    if company.capital is None:
        return
    plan = plan or funding(company, names_in(say))
    steps = [
        step
        for step in plan.payments
        if step.event.date < plan.first_month and (step.event.planned or not only_planned)
    ]
    if not steps:
        return
    named = [
        say(
            "funding.raise.in_opening_event",
            event=event_title(say, step.event),
            amount=money_text(cash_from_event(step), plan.currency, say.language),
            date=f"{step.event.date:%Y-%m}",
        )
        for step in steps[-MOST_NAMED:]
    ]
    sentence = say(
        "funding.raise.in_opening",
        first_month=f"{plan.first_month:%Y-%m}",
        events=say("funding.comma").join(named),
        cash=quantities.usd(company.cash_usd, say.language),
    )
    st.caption(f":material/savings: {escaped_markdown(sentence)}")
