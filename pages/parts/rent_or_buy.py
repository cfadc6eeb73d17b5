"""The answer to "rent or buy?", which all pages show as the same sentence."""

from __future__ import annotations

import streamlit as st

from engine.costs.rent_or_buy import RentOrBuy, rent_or_buy
from engine.facts import accelerator
from engine.plan import Plan
from engine.reports.rent_or_buy import rent_or_buy_sentence
from pages.parts.lazy_tabs import open_tab_key
from pages.parts.session import text


def rent_or_buy_of(plan: Plan, accelerator_name: str = "") -> RentOrBuy | None:
    """Return the answer for an accelerator, by default the plan's.

    The plan's own price is the reference for its accelerator only.
    """
    cluster = plan.cluster
    name = accelerator_name or cluster.accelerator
    own = (cluster.price_usd_per_device_hour, cluster.price_source)
    return rent_or_buy(name, own if name == cluster.accelerator else None)


def draw_rent_or_buy_sentence(plan: Plan, accelerator_name: str = "") -> RentOrBuy | None:
    """Draw the sentence and return the answer, or None if the comparison is not possible."""
    say, answer = text(), rent_or_buy_of(plan, accelerator_name)
    if answer is None:
        name = accelerator(accelerator_name or plan.cluster.accelerator).name
        st.caption(say("rent_or_buy.unknown", name=name))
    else:
        st.markdown(rent_or_buy_sentence(say, answer))
    return answer


def draw_rent_or_buy_note(plan: Plan, accelerator_name: str = "") -> None:
    """Draw the sentence with a link to the tab that shows how it comes about."""
    draw_rent_or_buy_sentence(plan, accelerator_name)
    if st.button(
        text()("rent_or_buy.link"),
        key="open_rent_or_buy",
        icon=":material/arrow_forward:",
        type="tertiary",
    ):
        st.session_state[open_tab_key("costs")] = "rent_or_buy"
        st.switch_page("pages/costs.py")
