"""Choice of the currency in which a session reads amounts."""

from __future__ import annotations

import streamlit as st

from engine.currencies import STORED, currency_name, displayed, exchange_rates, symbol
from engine.quantities import number
from pages.parts.session import currency, scenario_session, text


def choose_currency() -> None:
    """Draw the choice, with the rate, its date and its source as its help.

    Only the text of amounts changes: fields and files stay in USD.
    """
    say, chosen = text(), currency()
    names = {
        code: f"{symbol(say.language, code).strip()} {code} {currency_name(code, say.language)}"
        for code in exchange_rates()
    }
    st.selectbox(
        say("currency.label"),
        list(names),
        index=list(names).index(chosen),
        format_func=names.__getitem__,
        key=f"currency_choice#{say.language}",
        on_change=_choose,
        args=(f"currency_choice#{say.language}",),
        label_visibility="collapsed",
        width=160,
        help=rate_text() if chosen != STORED else say("currency.help"),
    )


def rate_text() -> str:
    """Return the rate of the display currency, with its date and source."""
    say, rate = text(), displayed()
    return say(
        "currency.rate",
        currency=currency_name(rate.currency, say.language),
        rate=number(rate.units_per_usd, say.language, digits=5),
        code=rate.currency,
        as_of=rate.as_of,
        source=rate.source.split(":")[0],
    )


def _choose(key: str) -> None:
    st.session_state["currency"] = st.session_state[key]
    scenario_session().redraw()
