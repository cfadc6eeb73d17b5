"""All costs over the plan in one table, the largest first, with the entry that each comes from."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from engine import quantities
from engine.document_paths import field_name, parent_path, value_or_none
from finance.metrics.projection import Projection
from pages.parts.entry_lists.cells import when
from pages.parts.entry_lists.figures import context_of, totals_of
from pages.parts.entry_lists.lists import LISTS, entry_name
from pages.parts.session import text

MOST_ROWS = 40
"""Greatest number of rows; the smaller costs are summed in one row."""


@dataclass(frozen=True, slots=True)
class _Cost:
    """One row of the table."""

    name: str
    group: str
    months: str
    usd: Decimal


def draw_all_costs(now: Projection) -> None:
    """Draw the table of all costs, with the share of each."""
    say = text()
    costs = sorted(_costs(now), key=lambda cost: cost.usd, reverse=True)
    total = sum((cost.usd for cost in costs), Decimal(0))
    shown, rest = costs[:MOST_ROWS], costs[MOST_ROWS:]
    if rest:
        summed = sum((cost.usd for cost in rest), Decimal(0))
        shown.append(_Cost(say("all_costs.rest", n=len(rest)), "", "", summed))
    heads = ("name", "group", "months", "usd", "share")
    head = "".join(
        f"<th scope='col'>{html.escape(say(f'all_costs.{code}'))}</th>" for code in heads
    )
    rows = "".join(_row(cost, total) for cost in shown)
    foot = (
        f"<tr><th scope='row'>{html.escape(say('entry_table.sum'))}</th><td></td><td></td>"
        f"<td class='number'>{html.escape(quantities.usd(total, say.language))}</td><td></td></tr>"
    )
    caption = html.escape(say("all_costs.caption", n=now.horizon_months))
    st.html(
        f"<table class='all-costs'><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody><tfoot>{foot}</tfoot></table>"
    )
    st.caption(say("all_costs.note"))


def _row(cost: _Cost, total: Decimal) -> str:
    language = text().language
    share = cost.usd / total if total else Decimal(0)
    return (
        f"<tr><th scope='row'>{html.escape(cost.name)}</th><td>{html.escape(cost.group)}</td>"
        f"<td>{html.escape(cost.months)}</td>"
        f"<td class='number'>{html.escape(quantities.usd(cost.usd, language))}</td>"
        f"<td class='share'><span style='width:{float(share):.1%}'></span>"
        f"{html.escape(quantities.share(share, language))}</td></tr>"
    )


def _costs(now: Projection) -> Iterator[_Cost]:
    say, context = text(), context_of(now)
    for path, total in totals_of(now).items():
        if total.spent_usd <= 0:
            continue
        table = field_name(parent_path(path))
        entry = value_or_none(now.scenario, path)
        if table in LISTS and entry is not None:
            group = say(f"entry_table.title.{table}")
            yield _Cost(entry_name(entry), group, when(context, entry), total.spent_usd)
        else:
            key = f"all_costs.of.{field_name(path)}"
            name = say(key) if key in say else say("all_costs.of.other")
            yield _Cost(name, "", "", total.spent_usd)
