"""Prices of the plan's run by terms, and its energy."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.costs.comparable import TermsPrice, terms_prices
from engine.costs.energy import Facility, energy_use
from engine.costs.rent_or_buy import reference_price
from engine.documents import InputError
from engine.facts import accelerator
from finance.metrics.projection import Projection
from pages.parts.hardware.wording import region_name
from pages.parts.session import text


def draw_payment_options(now: Projection) -> None:
    """Draw the cost of the run on demand, on spot and with commitments, and its energy."""
    say, predicted, plan = text(), now.forecast, now.scenario.plan
    cluster = plan.cluster
    st.markdown(f"**{say('rent_or_buy.terms_heading')}**")
    found = terms_prices(
        cluster.accelerator,
        cluster.price_usd_per_device_hour,
        cluster.n_devices,
        predicted.device_hours.value,
        predicted.wall_clock_hours.value,
    )
    st.dataframe(
        pd.DataFrame([_row(price) for price in found]),
        hide_index=True,
        height="content",
        alt=say("rent_or_buy.terms_heading"),
    )
    st.caption(say("rent_or_buy.terms_note"))
    market = reference_price(cluster.accelerator)
    if market is None or market.lowest_usd is None or market.highest_usd is None:
        st.caption(say("plan.no_prices"))
    else:
        st.caption(
            say(
                "rent_or_buy.market",
                name=accelerator(cluster.accelerator).name,
                n=market.offers,
                low=quantities.usd(market.lowest_usd, say.language),
                high=quantities.usd(market.highest_usd, say.language),
                median=quantities.usd(market.usd_per_device_hour, say.language),
            )
        )
    _energy(now)


def _row(price: TermsPrice) -> dict[str, str]:
    say, ratio = text(), price.ratio
    language = say.language
    cells = dict.fromkeys(("ratio", "spread", "offers", "source"), "–")
    if ratio is not None:
        low, high = (quantities.share(bound, language, 2) for bound in (ratio.low, ratio.high))
        offers = quantities.number(ratio.offers, language)
        if ratio.of_other_devices:
            offers = say("rent_or_buy.other_devices", n=offers)
        cells = {
            "ratio": quantities.share(ratio.value, language, 2),
            "spread": low if low == high else f"{low} – {high}",
            "offers": offers,
            "source": ratio.source,
        }
    columns = {
        "terms": say(f"option.terms.{price.terms}"),
        "plan_price": quantities.usd(price.usd_per_device_hour, language),
        "run": quantities.usd(price.cost_usd, language, 2),
        **cells,
    }
    return {say(f"rent_or_buy.{name}"): cell for name, cell in columns.items()}


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
            region=region_name(facility.region),
        )
    )
