"""The way to a field that is not in sight: its page, its tab, its entry's drawer, and the field."""

from __future__ import annotations

import json

import streamlit as st

from pages.parts.entry_lists.opened import entry_of, open_entry
from pages.parts.lazy_tabs import open_tab

TAB_OF_PREFIX = {
    "company.people": ("costs", "people"),
    "company.training": ("costs", "training"),
    "company.training_events": ("costs", "training"),
    "company.compute": ("costs", "compute"),
    "company.data": ("costs", "spending"),
    "company.spending": ("costs", "spending"),
    "company.other_costs_usd_per_month": ("costs", "spending"),
    "company.payment_days": ("costs", "spending"),
    "company.exchange_rates": ("costs", "spending"),
    "company.inflows": ("cash", "money"),
    "company.loans": ("cash", "money"),
    "company.equity_round": ("cash", "money"),
    "company.interest_on_cash_share_per_year": ("cash", "money"),
    "company.cash_usd": ("cash", "cash"),
    "company.name": ("cash", "cash"),
    "company.first_month": ("cash", "cash"),
    "company.horizon_months": ("cash", "cash"),
    "company.tax": ("cash", "tax"),
}
"""Group of tabs and the tab in which the fields below a path are edited."""
_SCROLL = """
setTimeout(() => {
  const shown = document.getElementById(ANCHOR);
  if (!shown) return;
  shown.scrollIntoView({ block: "center" });
  const field = shown.closest("[data-testid=stElementContainer]").previousElementSibling;
  field?.querySelector("input")?.focus({ preventScroll: true });
}, 200);
"""
_TARGET = "jump_target"
"""Key in the session's state of the path of the field that is to be shown."""


def prepare_jump(path: str) -> None:
    """Open the tab and the drawer that have a field, so that the next run of its page shows it."""
    above = path
    while above and above not in TAB_OF_PREFIX:
        above = above.rpartition(".")[0]
    if above:
        open_tab(*TAB_OF_PREFIX[above])
    entry = entry_of(path)
    if entry is not None:
        open_entry(entry)
    st.session_state[_TARGET] = path


def finish_jump(path: str, anchor: str) -> None:
    """Scroll to the error of a field and focus its input, if the user has asked for the field."""
    if st.session_state.get(_TARGET) != path:
        return
    del st.session_state[_TARGET]
    with st.container(key="jump"):
        script = _SCROLL.replace("ANCHOR", json.dumps(anchor))
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)
