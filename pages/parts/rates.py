"""Exchange rates as an editable table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts.session import draft, scenario_session, text


def exchange_rates() -> None:
    """Draw the rates in USD for one unit of each currency that the company uses."""
    say = text()
    rates = {name: str(rate) for name, rate in draft().company.exchange_rates.items()}
    before = pd.DataFrame(
        {"currency": list(rates), "usd": [float(rate) for rate in rates.values()]}
    ).astype({"currency": "object", "usd": "Float64"})
    st.caption(say("entries.rates"))
    after = st.data_editor(
        before,
        column_config={
            "currency": st.column_config.TextColumn(
                say("entries.rates_currency"), required=True, max_chars=3
            ),
            "usd": st.column_config.NumberColumn(
                say("entries.rates_usd"), required=True, min_value=0, format="%.15g"
            ),
        },
        num_rows="dynamic",
        hide_index=True,
        key=f"rates#{scenario_session().revision}",
        alt=say("entries.rates"),
    )
    if after.isna().any(axis=None) or after.equals(before):
        return  # a row is incomplete, or nothing has changed
    typed = dict(zip(after["currency"], after["usd"], strict=True))
    scenario_session().change(
        {"company.exchange_rates": {name: repr(float(usd)) for name, usd in typed.items()}}
    )
    st.rerun()
