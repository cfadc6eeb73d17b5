"""The ways to pay for a plan's run, and its energy."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.costs.buying import PaymentOption, break_even, payment_options, summarise
from engine.costs.energy import Facility, energy_use
from engine.costs.ownership import Ownership, own_cost
from engine.documents import InputError
from engine.facts import accelerator
from finance.metrics.projection import Projection
from pages.parts.session import text


def draw_payment_options(now: Projection) -> None:
    """Draw the cheapest and the median offer of each kind, own hardware, and their break-even."""
    say, predicted, plan = text(), now.forecast, now.scenario.plan
    try:
        options = payment_options(
            plan.cluster.accelerator,
            plan.cluster.n_devices,
            predicted.device_hours.value,
            predicted.wall_clock_hours.value,
            ownership=Ownership(),
        )
    except InputError as error:
        st.info(error.in_language(say.language), icon=":material/info:")
        return
    if not options:
        st.info(say("plan.no_prices"), icon=":material/info:")
        return
    rows = []
    for terms in summarise(options):
        rows.append(_row(terms.cheapest, say("plan.cheapest_of", n=terms.offers)))
        if terms.offers > 1:
            rows.append(_row(terms.median, say("plan.median_of", n=terms.offers)))
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            say("table.price"): st.column_config.NumberColumn(format="$%.2f"),
            say("table.run_usd"): st.column_config.NumberColumn(format="dollar"),
        },
    )
    st.caption(say("plan.ways_note"))
    _crossing(options, plan.cluster.accelerator)
    _energy(now)


def _row(option: PaymentOption, which: str) -> dict[str, object]:
    say = text()
    return {
        say("table.terms"): say(f"option.terms.{option.terms}"),
        say("table.which"): which,
        say("table.price"): float(option.usd_per_device_hour),
        say("table.run_usd"): option.cost_usd,
        say("table.provider"): f"{option.provider} {option.region}".strip(),
        say("table.notes"): " · ".join(say(f"buying_note.{note}") for note in option.notes),
        say("table.as_of"): option.as_of,
        say("table.source"): option.source,
    }


def _crossing(options: list[PaymentOption], accelerator_name: str) -> None:
    say = text()
    owned = own_cost(accelerator_name, Ownership())
    offers = [
        option for option in options if option.kind == "cloud" and option.terms == "on_demand"
    ]
    if owned is None or not offers:
        st.caption(say("plan.no_purchase_price"))
        return
    median = offers[len(offers) // 2]
    crossing = break_even(owned, median)
    if crossing.device_hours_per_year is None:
        st.markdown(say("plan.never_own", provider=median.provider))
        return
    st.markdown(
        say(
            "plan.break_even",
            hours=quantities.number(crossing.device_hours_per_year, say.language),
            share=quantities.share(crossing.device_hours_per_year / 8_766, say.language),
            provider=median.provider,
            price=quantities.usd(float(median.usd_per_device_hour), say.language),
        )
    )


def _energy(now: Projection) -> None:
    say, plan = text(), now.scenario.plan
    facility = Facility()
    device = accelerator(plan.cluster.accelerator)
    try:
        use = energy_use(device, now.forecast.device_hours.value, facility)
    except InputError as error:
        st.caption(error.in_language(say.language))
        return
    co2e = "–" if use.co2e_kg is None else quantities.number(use.co2e_kg / 1e3, say.language)
    st.markdown(
        say(
            "plan.energy",
            kwh=quantities.number(use.energy_kwh, say.language),
            usd=quantities.usd(float(use.electricity_usd), say.language),
            tonnes=co2e,
            region=facility.region,
        )
    )
