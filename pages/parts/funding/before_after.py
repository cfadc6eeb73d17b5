"""The holders before and after one event, with the term that decided their shares."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import streamlit as st

from engine import quantities
from finance.capital.history import Step
from finance.capital.wording import price_text
from finance.funding.captable_report import change_rows
from finance.funding.rounds import Funding, Round
from finance.funding.wording import money_text
from pages.parts.session import text
from pages.parts.user_text import escaped_markdown


def draw_change(plan: Funding, step: Step) -> None:
    """Draw the effect of an event on all holders."""
    say = text()
    for funding_round in plan.rounds:
        if funding_round.step is step:
            st.markdown(escaped_markdown(_round_text(funding_round)))
    head, rows = change_rows(say, step)
    if not rows:
        st.caption(say("funding.events.nothing"))
        return
    # The deciding term is below the holder's name, so that no column is cut on a narrow screen.
    cells = [[_with_term(row[0], row[-1]), *map(escaped_markdown, row[1:-1])] for row in rows]
    st.table(pd.DataFrame(cells, columns=head[:-1]), border="horizontal", hide_index=True)
    if step.event.kind in ("safe", "note"):
        st.caption(say("funding.events.not_yet"))


def _with_term(holder: str, term: str) -> str:
    name = escaped_markdown(holder)
    return f"**{name}**  \n:small[{escaped_markdown(term)}]" if term else f"**{name}**"


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
