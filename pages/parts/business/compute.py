"""Options for compute: the company's contracts, and the same company with other contracts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from engine import quantities
from finance.books.months import MAX_MONTHS
from finance.compute.contracts import AnyContract
from finance.metrics.compute_options import OptionOutcome, compare_compute_options
from finance.metrics.offers import Offer, offers
from finance.metrics.projection import Projection
from pages.parts.business.charts import compute_options_chart
from pages.parts.charts import draw
from pages.parts.entries import entries
from pages.parts.fields import fields
from pages.parts.session import text
from pages.parts.statement_tables import whole_usd

_TERMS = (
    "on_demand_change_share_per_year",
    "serving_speed_change_share_per_year",
    "payment_days",
)
_AS_PLANNED = "as_planned"
_ALL_ON_DEMAND = "all_on_demand"


def compute_inputs() -> None:
    """Draw the fields of on-demand compute and of compute contracts."""
    entries("company.compute.contracts")
    fields("company.compute", _TERMS, n_columns=3)


def compute_options_section(now: Projection) -> None:
    """Compare the company with its own contracts, with none, and with each offer."""
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
    options: dict[str, Sequence[AnyContract]] = {_ALL_ON_DEMAND: ()}
    if own:
        options = {_AS_PLANNED: own} | options
    options |= {name: (offer.contract,) for name, offer in offered.items()}
    outcomes = compare_compute_options(now.scenario, now.forecast, options)
    names = [say(f"way.{outcome.option}") for outcome in outcomes]
    draw(
        compute_options_chart(names, outcomes),
        "ways",
        height=120 + 42 * len(outcomes),
        hover="closest",
    )
    _table(outcomes, names, offered)
    st.caption(say("business.ways_note"))


def _table(
    outcomes: Sequence[OptionOutcome], names: Sequence[str], offered: dict[str, Offer]
) -> None:
    say = text()
    rows = [
        {
            "way": name,
            "break_even": _break_even(outcome),
            "cash_at_end": whole_usd(outcome.cash_at_end_usd),
            "lowest_cash": whole_usd(outcome.lowest_cash_usd),
            "profit": whole_usd(outcome.profit_usd),
            "debt": whole_usd(outcome.debt_at_most_usd),
            "covenants": _broken(outcome),
            "sold": quantities.share(outcome.sold_share, say.language)
            if outcome.sold_share
            else None,
            "source": offered[outcome.option].source if outcome.option in offered else None,
        }
        for name, outcome in zip(names, outcomes, strict=True)
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


def _break_even(outcome: OptionOutcome) -> str | None:
    """Return the use above which each contract costs less than the plan's on-demand price."""
    say = text()
    if not outcome.break_even_utilisation:
        return None
    return ", ".join(
        say("business.never") if share is None else quantities.share(share, say.language)
        for share in outcome.break_even_utilisation
    )


def _broken(outcome: OptionOutcome) -> str | None:
    say = text()
    return (
        "; ".join(
            say(
                "business.broken",
                loan=loan,
                covenant=say(f"entry.{covenant}.label"),
                month=month,
            )
            for loan, covenant, month in outcome.broken
        )
        or None
    )
