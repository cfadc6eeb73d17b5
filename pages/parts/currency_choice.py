"""Choice of the currency in which a session reads amounts."""

from __future__ import annotations

import streamlit as st

from engine.currencies import STORED, currency_name, displayed, exchange_rates, symbol
from engine.quantities import number
from pages.parts.session import currency, scenario_session, text

WIDTH_PX = 110


def choose_currency() -> None:
    """Draw the choice. Only the text of amounts changes: fields and files stay in USD."""
    say, codes = text(), list(exchange_rates())
    signs = {code: symbol(say.language, code).strip() for code in codes}
    key = f"currency_choice#{say.language}"
    st.selectbox(
        say("currency.label"),
        codes,
        index=codes.index(currency()),
        format_func=lambda code: code if signs[code] == code else f"{code} {signs[code]}",
        key=key,
        on_change=_choose,
        args=(key,),
        label_visibility="collapsed",
        width=WIDTH_PX,
    )


def show_rate() -> None:
    """Draw the rate of the display currency, with its date and source, unless it is USD."""
    say, rate = text(), displayed()
    if rate.currency != STORED:
        st.caption(
            say(
                "currency.rate",
                currency=currency_name(rate.currency, say.language),
                rate=number(rate.units_per_usd, say.language, digits=5),
                code=rate.currency,
                as_of=rate.as_of,
                source=rate.source.split(":")[0],
            )
        )


def _choose(key: str) -> None:
    st.session_state["currency"] = st.session_state[key]
    scenario_session().redraw()
