"""Ways of getting compute: the company's contracts, and the same company with others."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from engine import quantities
from finance.books.months import MAX_MONTHS
from finance.compute.contracts import AnyContract
from finance.metrics.compute_options import OptionOutcome, compare_compute_options
from finance.metrics.offers import Offer, offers
from finance.metrics.projection import Projection
from pages.parts.business.charts import ways_chart
from pages.parts.charts import draw
from pages.parts.entries import entries
from pages.parts.fields import fields
from pages.parts.session import text

_TERMS = (
    "on_demand_change_share_per_year",
    "serving_speed_change_share_per_year",
    "payment_days",
)
_AS_PLANNED = "as_planned"
_ALL_ON_DEMAND = "all_on_demand"


def compute_inputs() -> None:
    """How compute is bought on demand, and the contracts that get it otherwise."""
    fields("company.compute", _TERMS)
    st.divider()
    entries("company.compute.contracts")


def compute_options_section(now: Projection) -> None:
    """The company with its own contracts, with none, and with each that the market offers."""
    say, plan = text(), now.scenario.plan
    left, right = st.columns(2)
    devices = left.number_input(
        say("business.ways_devices"),
        min_value=1,
        max_value=1_000_000,
        value=plan.cluster.n_devices,
        step=1,
        help=say("business.ways_devices_help"),
        key=f"ways.devices.{plan.cluster.n_devices}",
    )
    month = right.number_input(
        say("business.ways_month"),
        min_value=1,
        max_value=MAX_MONTHS,
        value=now.scenario.company.launch_month or 1,
        step=1,
        help=say("business.ways_month_help"),
        key=f"ways.month.{now.scenario.company.launch_month}",
    )
    offered = offers(plan, devices, month)
    own = now.scenario.company.compute.contracts
    ways: dict[str, Sequence[AnyContract]] = {_ALL_ON_DEMAND: ()}
    if own:
        ways = {_AS_PLANNED: own} | ways
    ways |= {name: (offer.contract,) for name, offer in offered.items()}
    found = compare_compute_options(now.scenario, now.forecast, ways)
    names = [say(f"way.{one.option}") for one in found]
    draw(ways_chart(names, found), "ways", height=120 + 42 * len(found), hover="closest")
    _table(found, names, offered)
    st.caption(say("business.ways_note"))


def _table(found: Sequence[OptionOutcome], names: Sequence[str], offered: dict[str, Offer]) -> None:
    say = text()
    rows = [
        {
            "way": name,
            "break_even": _break_even(one),
            "cash_at_end": _whole(one.cash_at_end_usd),
            "lowest_cash": _whole(one.lowest_cash_usd),
            "profit": _whole(one.profit_usd),
            "debt": _whole(one.debt_at_most_usd),
            "covenants": _broken(one),
            "sold": quantities.share(one.sold_share, say.language) if one.sold_share else None,
            "source": offered[one.option].source if one.option in offered else None,
        }
        for name, one in zip(names, found, strict=True)
    ]
    frame = pd.DataFrame(rows)
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(
            say(f"business.{name}"),
            help=say(f"business.{name}_help"),
            pinned=name == "way",
        )
        for name in frame.columns
    } | {
        name: st.column_config.NumberColumn(
            say(f"business.{name}"), help=say(f"business.{name}_help"), format="localized"
        )
        for name in ("cash_at_end", "lowest_cash", "profit", "debt")
    }
    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        placeholder="–",
        height="content",
        alt=say("business.tab_ways"),
    )


def _whole(amount: Decimal) -> int:
    return round(amount)


def _break_even(one: OptionOutcome) -> str | None:
    """From which use on each contract beats the plan's price on demand."""
    say = text()
    if not one.break_even_utilisation:
        return None
    return ", ".join(
        say("business.never") if share is None else quantities.share(share, say.language)
        for share in one.break_even_utilisation
    )


def _broken(one: OptionOutcome) -> str | None:
    say = text()
    return (
        "; ".join(
            say(
                "business.broken",
                loan=loan,
                covenant=say(f"entry.{covenant}.label"),
                month=month,
            )
            for loan, covenant, month in one.broken
        )
        or None
    )
