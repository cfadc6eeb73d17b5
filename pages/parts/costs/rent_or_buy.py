"""Rent, reserve or buy: the break-even use, its sensitivity, and the yearly costs behind it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from engine import quantities
from engine.costs.ownership import Ownership
from engine.costs.rent_or_buy import PRICE_FACTORS, RESIDUAL_SHARES, RentOrBuy, sensitivity
from engine.facts import accelerator
from engine.plan import Plan
from pages.parts.charts import draw, in_display_currency
from pages.parts.figures.figure import Figure
from pages.parts.hardware.wording import region_name
from pages.parts.palette import COMPUTE, MONEY, OTHER
from pages.parts.rent_or_buy import draw_rent_or_buy_sentence
from pages.parts.session import text

_STEPS = 20
"""Parts of the year at which the chart computes the costs."""
_NEVER = "–"


def draw_rent_or_buy(plan: Plan) -> None:
    """Draw the answer for the plan's accelerator, with the figures behind it."""
    say = text()
    st.header(say("rent_or_buy.heading"))
    answer = draw_rent_or_buy_sentence(plan)
    if answer is None:
        return
    draw(_yearly_costs(answer), "rent_or_buy", height=300)
    st.caption(say("rent_or_buy.chart_note"))
    st.markdown(
        f"**{say('rent_or_buy.sensitivity_heading')}**", help=say("rent_or_buy.sensitivity_help")
    )
    st.table(_sensitivity(answer), hide_index=True)
    st.caption(_assumed(answer))


def _yearly_costs(answer: RentOrBuy) -> Figure:
    say, language = text(), text().language
    shares = [step / _STEPS for step in range(_STEPS + 1)]
    rented, owned = zip(*(answer.yearly_usd(share) for share in shares), strict=True)
    crossing = answer.break_even_share
    figure = Figure(
        say(
            "alt.rent_or_buy",
            name=accelerator(answer.accelerator).name,
            rented=quantities.usd(rented[-1], language),
            owned=quantities.usd(owned[-1], language),
            share=_NEVER if crossing is None else quantities.share(crossing, language),
        )
    )
    for name, amounts, color in (("rented", rented, COMPUTE), ("owned", owned, MONEY)):
        figure.add_scatter(
            x=shares,
            y=in_display_currency(amounts),
            name=say(f"rent_or_buy.{name}"),
            mode="lines",
            line={"color": color, "width": 3},
            hovertemplate="%{y:$,.0f}",
        )
    if crossing is not None:
        figure.add_vline(crossing, line={"color": OTHER, "width": 1, "dash": "dash"})
        figure.add_annotation(
            x=crossing,
            y=1,
            yref="paper",
            yanchor="top",
            xanchor="left",
            xshift=4,
            text=quantities.share(crossing, language),
        )
    figure.update_xaxes(
        title=say("rent_or_buy.axis_use"), tickformat=".0%", dtick=0.2, range=[0, 1.01]
    )
    figure.update_yaxes(title=say("rent_or_buy.axis_usd"), rangemode="tozero")
    figure.scale("y", "money")
    return figure


def _sensitivity(answer: RentOrBuy) -> pd.DataFrame:
    say, language = text(), text().language
    price = float(answer.reference.usd_per_device_hour)
    heads = [quantities.usd(factor * price, language) for factor in PRICE_FACTORS]
    return pd.DataFrame(
        [
            [
                quantities.share(residual, language),
                *(
                    _NEVER if share is None else quantities.share(share, language, digits=2)
                    for share in row
                ),
            ]
            for residual, row in zip(RESIDUAL_SHARES, sensitivity(answer), strict=True)
        ],
        columns=[say("rent_or_buy.residual"), *heads],
    )


def _assumed(answer: RentOrBuy) -> str:
    say, owned = text(), answer.owned
    language = say.language
    years = say("unit.years", n=quantities.number(owned.lifetime_years, language))
    return say(
        "rent_or_buy.assumed",
        outlay=quantities.usd(owned.outlay_usd_per_device, language),
        years=years,
        residual=quantities.share(Ownership().residual_share, language),
        rate=quantities.share(owned.cost_of_capital_per_year, language),
        used=quantities.share(owned.utilisation_share, language),
        region=region_name(owned.region),
    )
