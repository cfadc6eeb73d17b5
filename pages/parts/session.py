"""The scenario that a browser session reads and edits, and the language of its pages.

A session works on a draft of a stored scenario. Each change is validated before it is applied,
can be undone, and reaches the database only when it is saved. Pages get texts from
``say = text()``: ``say("plan.question")`` is the text of that key in the session's language.
"""

from __future__ import annotations

import streamlit as st

from engine.currencies import STORED, display_in, exchange_rates
from engine.text import Catalog, best_language, catalog
from finance.company.scenario import Scenario
from finance.metrics.indicators import Indicators, Values
from finance.metrics.projection import Projection
from pages.parts.scenarios.browser import known_browser
from pages.parts.scenarios.open_scenario import ScenarioSession
from pages.parts.scenarios.stored import projection_of, store

__all__ = [
    "ScenarioSession",
    "draft",
    "indicators",
    "projections",
    "scenario_session",
    "store",
    "text",
]

FIRST_SCENARIO = "startup-1b"
"""The sample that opens first: a start-up as a founder would plan it."""


def scenario_session() -> ScenarioSession:
    """Return this browser session's scenario.

    The first call opens that of the link (``?share=…`` or ``?s=…``), or else the scenario that
    this browser has worked on last, or a sample.
    """
    if "scenario_session" not in st.session_state:
        st.session_state["scenario_session"] = _first_session()
    session: ScenarioSession = st.session_state["scenario_session"]
    return session


def _first_session() -> ScenarioSession:
    browser = known_browser()
    first = store().get(FIRST_SCENARIO)
    session = ScenarioSession(first, first.scenario, browser=browser)
    if "share" in st.query_params:
        session.open_share(st.query_params["share"])
    else:
        requested = st.query_params.get("s") or _last_open(browser) or FIRST_SCENARIO
        session.open_stored(requested)
    session.revision = 0
    return session


def _last_open(browser: str | None) -> str | None:
    """Return the scenario with this browser's last draft, or else the last one it has saved."""
    if browser is None:
        return None
    changed = store().drafts.changed(browser)
    listed = store().listed()
    drafts = [scenario.id for scenario in listed if scenario.id in changed]
    saved = [scenario.id for scenario in listed if browser in scenario.editors]
    return max(drafts, key=changed.__getitem__, default=None) or next(iter(saved), None)


def draft() -> Scenario:
    """Return the draft of this browser session."""
    return scenario_session().draft


def projections() -> tuple[Projection, Projection]:
    """Return the projections of the draft and of the stored version."""
    session = scenario_session()
    stored = session.stored.scenario
    return (
        projection_of(session.draft.content_hash, session.draft),
        projection_of(stored.content_hash, stored),
    )


def indicators(projection: Projection, trial: int = 0) -> list[Values]:
    """Return all indicators of each month.

    ``trial`` is the index of the costs' bound in :data:`finance.metrics.projection.BOUNDS`.
    """
    return _indicators_of(projection.scenario.content_hash, trial, projection)


def indicators_at(projection: Projection, month: int, trial: int = 0) -> Values:
    """Return all indicators of one month; other months are not computed."""
    return _calculator_of(projection.scenario.content_hash, trial, projection).at(month)


@st.cache_resource(max_entries=200, show_spinner=False)
def _calculator_of(content_hash: str, trial: int, _projection: Projection) -> Indicators:
    return Indicators(_projection.books, trial)


@st.cache_resource(max_entries=200, show_spinner=False)
def _indicators_of(content_hash: str, trial: int, _projection: Projection) -> list[Values]:
    of_books = _calculator_of(content_hash, trial, _projection)
    return [of_books.at(month) for month in range(1, _projection.horizon_months + 1)]


def text() -> Catalog:
    """Return the catalog of the session's language: the chosen one, or else the browser's.

    Amounts of the calling thread are then displayed in the session's currency.
    """
    display_in(currency())
    if "language" not in st.session_state:
        requested = st.query_params.get("lang")
        st.session_state["language"] = best_language(
            tag for tag in (requested, st.context.locale) if tag
        )
    return catalog(st.session_state["language"])


def currency() -> str:
    """Return the session's display currency: the chosen one, or else that of the link, or USD."""
    if "currency" not in st.session_state:
        requested = st.query_params.get("currency", STORED)
        st.session_state["currency"] = requested if requested in exchange_rates() else STORED
    return str(st.session_state["currency"])
