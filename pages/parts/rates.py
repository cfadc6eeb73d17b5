"""Exchange rates of the currencies that a company uses: a field each, and ways to add or remove."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine.currencies import exchange_rates as known_rates
from engine.currencies import usd_per_unit
from engine.documents import InputError
from finance.company.company import Company
from finance.revenue.prices import REPORTING_CURRENCY
from pages.parts.fields import draw_error
from pages.parts.kinds import FieldKind
from pages.parts.session import draft, scenario_session, text
from pages.parts.typed_values import parsed, shown

PATH = "company.exchange_rates"
_IN_A_ROW = 4
_RATE = FieldKind(Company, False, 0, None)
"""Kind of a rate for the parser, which needs to know only that it is not optional."""


def exchange_rates() -> None:
    """Draw the rates in USD for one unit of each currency that the company uses."""
    say, rates = text(), draft().company.exchange_rates
    st.markdown(f"**{say('entries.rates')}**", help=say("entries.rates_help"))
    names = [*rates, ""]  # the last place adds a currency
    for start in range(0, len(names), _IN_A_ROW):
        row = names[start : start + _IN_A_ROW]
        for column, name in zip(st.columns(_IN_A_ROW), row, strict=False):
            with column:
                if name:
                    _rate(name, rates[name])
                else:
                    _add(list(rates))


def _rate(name: str, rate: Any) -> None:
    say, session, path = text(), scenario_session(), f"{PATH}.{name}"
    error = session.errors.get(path)
    key = f"field.{path}#{session.revision}"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        st.text_input(
            say("entries.rate_of", currency=name),
            value=shown("number", rate, say.language) if error is None else error.typed,
            key=key,
            on_change=_take,
            args=(name, key),
        )
        st.button(
            "",
            key=f"remove.{path}",
            icon=":material/delete:",
            type="tertiary",
            help=say("entries.rate_remove", currency=name),
            on_click=_remove,
            args=(name,),
        )
    if error is not None:
        draw_error(path, error)


def _add(used: list[str]) -> None:
    say = text()
    known = [code for code in known_rates() if code not in {*used, REPORTING_CURRENCY}]
    key = f"add.{PATH}#{len(used)}"
    st.selectbox(
        say("entries.rate_add"),
        known,
        index=None,
        accept_new_options=True,
        placeholder=say("entries.rate_choose"),
        key=key,
        on_change=_take_new,
        args=(key,),
    )


def _take(name: str, key: str) -> None:
    session, typed, path = scenario_session(), st.session_state[key], f"{PATH}.{name}"
    try:
        value = parsed(path, _RATE, "number", typed)
    except InputError as error:
        session.refuse_field(path, error, typed)
        return
    if session.change_field(path, value, typed):
        rate = draft().company.exchange_rates[name]
        st.session_state[key] = shown("number", rate, text().language)


def _take_new(key: str) -> None:
    name = st.session_state[key]
    if name is not None:
        code = name.strip().upper()
        rates = {code: usd_per_unit(code) or "1"} | _as_json()
        scenario_session().change({PATH: rates}, by="default")


def _remove(name: str) -> None:
    session, rates = scenario_session(), _as_json()
    del rates[name]
    path = f"{PATH}.{name}"
    if session.change({PATH: rates}):
        session.drop_errors([path])
    elif session.error is not None and not session.is_read_only:
        session.refuse_field(path, session.error, str(draft().company.exchange_rates[name]),
                             {PATH: rates}, try_again=False)  # fmt: skip
        session.error = None


def _as_json() -> dict[str, str]:
    return {name: str(rate) for name, rate in draft().company.exchange_rates.items()}
