"""Page Revenue: what is sold, to whom, and what each customer and token brings in."""

from __future__ import annotations

import streamlit as st

from engine import quantities
from finance.metrics.indicator_report import (
    indicator_change,
    indicator_name,
    indicator_text,
    year_ends,
)
from finance.metrics.indicators import Values
from finance.metrics.projection import Projection
from finance.metrics.unit_economics import token_economics
from pages.parts.business.charts import arr_chart, revenue_chart, token_chart
from pages.parts.charts import draw
from pages.parts.entries import entries
from pages.parts.entry_lists.document_fields import optional_part
from pages.parts.frame import run_in_frame
from pages.parts.indicator_table import indicator_table
from pages.parts.lazy_tabs import lazy_tabs
from pages.parts.session import indicators, indicators_at, projections, text
from pages.parts.tiles import Tile, show_answer, tiles

_CUSTOMER_KEYS = (
    *("arr_usd", "net_revenue_retention", "gross_revenue_retention"),
    *("acquisition_cost_usd", "payback_months", "lifetime_value_usd", "lifetime_value_to_cost"),
    *("magic_number", "revenue_growth", "rule_of_40", "revenue_per_gpu_hour_usd"),
)


def _token_price(projection: Projection) -> float | None:
    """Return the price of a million tokens in the last month in USD; None if none are sold."""
    price = float(token_economics(projection.books).price_usd[-1])
    return None if price != price else price


def _token_note(now: Projection) -> str:
    """Return the bounds of the cost of a million tokens, and their price."""
    say, price = text(), _token_price(now)
    low, high = (
        indicators_at(now, now.horizon_months, trial)["cost_per_million_tokens_usd"]
        for trial in (1, 2)
    )
    if price is None or low is None or high is None:
        return say("business.no_tokens")
    costs = {indicator_text(say, "_usd", bound): None for bound in (low, high)}
    return say(
        "business.cost_note",
        costs=" – ".join(costs),
        price=quantities.usd(price, say.language),
    )


def _answer(projection: Projection, last: Values) -> str:
    say, language = text(), text().language

    def shown(key: str) -> str:
        return indicator_text(say, key, last[key])

    if last["gross_margin_paid_inference"] is None:
        return say("business.answer_nothing", month=projection.horizon_months)
    parts = [
        say(
            "business.answer",
            month=projection.horizon_months,
            arr=shown("arr_usd"),
            margin=shown("gross_margin_paid_inference"),
            with_training=shown("gross_margin_with_training"),
        )
    ]
    price = _token_price(projection)
    if price is not None:
        parts.append(
            say(
                "business.answer_tokens",
                cost=shown("cost_per_million_tokens_usd"),
                price=quantities.usd(price, language),
            )
        )
    if last["lifetime_value_to_cost"] is not None:
        parts.append(say("business.answer_customer", times=shown("lifetime_value_to_cost")))
    return say("business.and").join(parts) + say("business.stop")


def _tiles(now: Projection, saved: Projection) -> None:
    say = text()
    rows, saved_last = indicators(now), indicators_at(saved, saved.horizon_months)
    last = rows[-1]

    def shown(key: str) -> str:
        return indicator_text(say, key, last[key])

    def named(key: str) -> str:
        return indicator_name(say, key, len(rows))

    def moved(key: str) -> str | None:
        return indicator_change(say, key, saved_last[key], last[key])

    def trend(key: str) -> list[float]:
        return [float(value) for row in rows if (value := row[key]) is not None]

    tiles(
        [
            Tile(
                label=named("arr_usd"),
                value=shown("arr_usd"),
                note=say(
                    "business.arr_note",
                    new=shown("arr_new_usd"),
                    expansion=shown("arr_expansion_usd"),
                    lost=shown("arr_churned_usd"),
                ),
                delta=moved("arr_usd"),
                better="up",
                help=say("indicator.arr_usd.definition"),
                trend=trend("arr_usd"),
            ),
            Tile(
                label=named("gross_margin_paid_inference"),
                value=shown("gross_margin_paid_inference"),
                note=say(
                    "business.gross_margin_note",
                    free=shown("gross_margin_with_free_users"),
                    training=shown("gross_margin_with_training"),
                ),
                delta=moved("gross_margin_paid_inference"),
                better="up",
                help="\n\n".join(
                    f"**{say(f'indicator.{key}.label')}**: {say(f'indicator.{key}.definition')}"
                    for key in last
                    if key.startswith("gross_margin")
                ),
                trend=trend("gross_margin_paid_inference"),
            ),
            Tile(
                label=named("cost_per_million_tokens_usd"),
                value=shown("cost_per_million_tokens_usd"),
                note=_token_note(now),
                delta=moved("cost_per_million_tokens_usd"),
                better="down",
                help=say("indicator.cost_per_million_tokens_usd.definition"),
                trend=trend("cost_per_million_tokens_usd"),
            ),
            Tile(
                label=named("lifetime_value_to_cost"),
                value=shown("lifetime_value_to_cost"),
                note=say(
                    "business.customer_note",
                    cost=shown("acquisition_cost_usd"),
                    payback=shown("payback_months"),
                    retention=shown("net_revenue_retention"),
                ),
                delta=moved("lifetime_value_to_cost"),
                better="up",
                help=say("indicator.lifetime_value_to_cost.definition"),
                trend=trend("lifetime_value_to_cost"),
            ),
            Tile(
                label=named("burn_multiple"),
                value=shown("burn_multiple"),
                note=say("business.no_burn_multiple")
                if last["burn_multiple"] is None
                else say("business.burn_multiple_note"),
                delta=moved("burn_multiple"),
                better="down",
                help=say("indicator.burn_multiple.definition"),
            ),
        ]
    )


def _inputs() -> None:
    entries("company.revenue_lines")
    optional_part("company.revenue", "revenue", n_columns=3)


def page() -> None:
    """Draw the page."""
    say = text()
    now, saved = projections()
    rows = indicators(now)
    st.title(say("revenue.question"))
    show_answer(_answer(now, rows[-1]))
    _tiles(now, saved)
    _inputs()
    drawn = {"margin": _margin, "tokens": _tokens, "customers": _customers}
    lazy_tabs("revenue", drawn, "business.tab_")


def _margin() -> None:
    now, _ = projections()
    draw(revenue_chart(now, indicators(now)), "revenue", height=420)
    st.caption(text()("business.margin_note"))


def _tokens() -> None:
    say = text()
    now, _ = projections()
    draw(token_chart(now), "tokens", height=420)
    used = quantities.share(now.scenario.plan.serving.utilisation_share, say.language)
    st.caption(say("business.tokens_note", used=used))


def _customers() -> None:
    now, _ = projections()
    rows = indicators(now)
    draw(arr_chart(now, rows, year_ends(len(rows))), "arr")
    indicator_table(rows, _CUSTOMER_KEYS)


run_in_frame(page)
