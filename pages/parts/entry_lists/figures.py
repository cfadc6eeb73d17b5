"""Figures of the open scenario that the tables of entries show, computed once per version."""

from __future__ import annotations

import streamlit as st

from engine.forecast import forecast
from finance.company.scenario import Scenario
from finance.compute.rates import changed_plan
from finance.metrics.entry_totals import EntryTotal, totals_by_entry
from finance.metrics.projection import Projection
from pages.parts.entry_lists.cells import Context
from pages.parts.session import text


def context_of(now: Projection, *, with_run_costs: bool = False) -> Context:
    """Return the figures that the cells of a table need; training runs also need their costs."""
    company = now.scenario.company
    return Context(
        say=text(),
        first_month=company.first_month,
        totals=totals_of(now),
        customers=_customers(now),
        run_costs_usd=_run_costs(now.scenario.content_hash, now.scenario) if with_run_costs else (),
    )


def totals_of(now: Projection) -> dict[str, EntryTotal]:
    """Return the totals over the plan of each entry that the books have postings of."""
    return _totals(now.scenario.content_hash, now)


@st.cache_data(max_entries=200, show_spinner=False)
def _totals(content_hash: str, _now: Projection) -> dict[str, EntryTotal]:
    return totals_by_entry(_now.books.ledger)


def _customers(now: Projection) -> dict[str, float]:
    """Return the customers of each revenue line at the end of the plan, by its path."""
    found = {}
    for path, sales in now.books.sales.items():
        paying = [
            float(invoices.customers.active[0, -1])
            for invoices in sales.invoices
            if invoices.customers is not None
        ]
        if paying:
            found[path] = sum(paying)
    return found


@st.cache_data(max_entries=200, show_spinner=False)
def _run_costs(content_hash: str, _scenario: Scenario) -> tuple[float, ...]:
    """Return the cost of each dated training run with its experiments, at today's price, in USD."""
    plan = _scenario.plan
    return tuple(
        forecast(changed_plan(plan, event)).cost_usd.value
        * event.runs
        * (1 + float(event.research_share))
        for event in _scenario.company.training_events
    )
