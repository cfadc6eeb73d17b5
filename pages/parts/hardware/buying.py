"""Ways to buy one accelerator for a plan, and the use above which owning it is cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine import quantities
from engine.costs.buying import PaymentOption, TermsSummary, payment_options, summarise
from engine.costs.comparable import on_demand_beside
from engine.costs.energy import Facility, sources
from engine.costs.ownership import Ownership, own_cost
from engine.currencies import displayed_amount
from engine.documents import InputError
from engine.forecast import Forecast
from engine.plan import Plan
from engine.planning.hardware import HardwareRow
from pages.parts.figures.ticks import currency_unit, money_format
from pages.parts.hardware.table import usd_format
from pages.parts.hardware.wording import marked, region_name, shown_time
from pages.parts.rent_or_buy import draw_rent_or_buy_note
from pages.parts.session import draft, scenario_session, text

_CHOICE = "hardware.buy"


def choose_to_buy(name: str) -> None:
    """Make ``name`` the accelerator whose offers are shown."""
    st.session_state[_CHOICE] = name


def buying(rows: Sequence[HardwareRow], first: str, region: str) -> None:
    """Draw the ways to buy the chosen accelerator, at first ``first``."""
    say = text()
    by_name = {row.device.accelerator: row for row in rows}
    if st.session_state.get(_CHOICE) not in by_name:
        choose_to_buy(first)
    st.header(say("hardware.buy.heading"))
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    name = left.selectbox(
        say("hardware.buy.accelerator"),
        list(by_name),
        format_func=lambda name: marked(by_name[name]),
        key=_CHOICE,
    )
    row = by_name[name]
    right.button(
        say("hardware.buy.put", name=marked(row)),
        key="put",
        icon=":material/swap_horiz:",
        help=say("hardware.buy.put_help"),
        disabled=not row.fits or row.plan == draft().plan,
        on_click=_use_in_plan,
        args=(row.plan,),
    )
    if row.forecast is None:
        st.caption(say("hardware.buy.no_run"))
        return
    if not row.fits:
        st.warning(say("hardware.buy.too_small", name=marked(row)), icon=":material/warning:")
    st.markdown(
        say(
            "hardware.buy.run",
            devices=quantities.number(row.plan.cluster.n_devices, say.language),
            name=marked(row),
            time=shown_time(row),
            hours=quantities.number(row.forecast.device_hours.value, say.language),
        )
    )
    _offers_section(row, row.forecast, Ownership(facility=Facility(region=region)))


def _use_in_plan(plan: Plan) -> None:
    session = scenario_session()
    session.replace_draft(session.draft.model_copy(update={"plan": plan}))


def _offers_section(row: HardwareRow, forecast: Forecast, ownership: Ownership) -> None:
    say, device = text(), row.device
    try:
        owned = own_cost(device.accelerator, ownership)
    except InputError:  # its power and price are unknown
        owned = None
    summaries = summarise(
        payment_options(
            device.accelerator,
            row.plan.cluster.n_devices,
            forecast.device_hours.value,
            forecast.wall_clock_hours.value,
            ownership=ownership if owned else None,
        )
    )
    if not summaries:
        st.info(say("hardware.buy.none", name=device.name), icon=":material/info:")
        return
    _offers_table(device.accelerator, summaries)
    draw_rent_or_buy_note(draft().plan, device.accelerator)
    with st.expander(say("hardware.owning.sources"), icon=":material/menu_book:"):
        for fact in sources(device, ownership.facility):
            st.markdown(f"- {fact.name}: {fact.value} {fact.unit} – {fact.source} ({fact.as_of})")
        if owned and owned.price:
            price = owned.price
            st.markdown(f"- {device.name}: {price.usd} USD – {price.source} ({price.as_of})")


def _offers(summaries: Sequence[TermsSummary]) -> list[tuple[str, TermsSummary, PaymentOption]]:
    """Return the cheapest and the median offer for each terms, once if they are the same."""
    offers = []
    for summary in summaries:
        offers.append(("lowest", summary, summary.cheapest))
        if summary.median != summary.cheapest:
            offers.append(("median", summary, summary.median))
    return offers


def _terms(option: PaymentOption) -> str:
    return text()(
        "hardware.buy.own_terms" if option.kind == "own" else f"option.terms.{option.terms}"
    )


def _beside(device: str, option: PaymentOption) -> float | None:
    """Return the on-demand price of an offer's own provider; None for on demand and own devices."""
    if option.kind == "own" or option.terms == "on_demand":
        return None
    price = on_demand_beside(device, option.provider, option.instance, option.region)
    return None if price is None else displayed_amount(price)


def _offers_table(device: str, summaries: Sequence[TermsSummary]) -> None:
    say = text()
    lines = [
        {
            "terms": _terms(option),
            "which": say("hardware.buy.estimated")
            if option.kind == "own"
            else say("hardware.buy.which_of", which=say(f"hardware.buy.{which}"), n=summary.offers),
            "cost": displayed_amount(option.cost_usd),
            "price": displayed_amount(option.usd_per_device_hour),
            "beside": _beside(device, option),
            "provider": option.provider or None,
            "as_of": option.as_of,
            "source": option.source,
            "notes": say("hardware.list_and").join(
                say(f"hardware.note.{note}") for note in option.notes
            )
            or None,
            "devices": option.devices_paid,
            "hours": option.paid_device_hours,
            "instance": option.instance or None,
            "region": region_name(option.region)
            if option.kind == "own"
            else option.region or say("hardware.buy.all_regions"),
        }
        for which, summary, option in _offers(summaries)
    ]
    frame = pd.DataFrame(lines)
    number, unit = st.column_config.NumberColumn, currency_unit()
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(say(f"hardware.buy.{name}"))
        for name in frame.columns
        if name != "beside"
    } | {
        "cost": number(say("hardware.buy.cost", currency=unit), format=usd_format(frame["cost"])),
        "price": number(say("hardware.buy.price", currency=unit), format=money_format(3)),
        "beside": number(say("rent_or_buy.beside", currency=unit), format=money_format(3)),
        "source": st.column_config.TextColumn(say("hardware.buy.source"), width=180),
        "notes": st.column_config.TextColumn(say("hardware.buy.notes"), width="medium"),
        "devices": number(say("hardware.buy.devices"), format="%d"),
        "hours": number(say("hardware.buy.hours"), format="%.4g"),
    }
    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        placeholder="–",
        alt=say("hardware.buy.heading"),
    )
