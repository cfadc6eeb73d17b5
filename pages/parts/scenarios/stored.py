"""The store of all sessions, and the projections of its scenarios."""

from __future__ import annotations

from functools import cache

import streamlit as st

from finance.company.scenario import Scenario, sample_scenarios
from finance.metrics.projection import Projection, project_scenario
from finance.scenarios.access import Access, access
from finance.scenarios.store import ScenarioStore, StoredScenario
from pages.parts.scenarios.browser import is_this_machine


@st.cache_resource
def store() -> ScenarioStore:
    """Return the store that all sessions of this server share, with the samples in it."""
    opened = ScenarioStore()
    opened.ensure(sample_scenarios())
    return opened


@st.cache_resource(max_entries=200, show_spinner=False)
def projection_of(content_hash: str, _scenario: Scenario) -> Projection:
    """Return the scenario's projection, cached by the hash of its document."""
    return project_scenario(_scenario)


def computable(scenario: Scenario) -> Scenario:
    """Return ``scenario``; raise InputError if its company grows beyond what can be computed."""
    projection_of(scenario.content_hash, scenario)
    return scenario


def projectable(stored: StoredScenario) -> StoredScenario:
    """Return ``stored``; raise InputError if its company grows beyond what can be computed."""
    computable(stored.scenario)
    return stored


def is_sample(stored: StoredScenario) -> bool:
    """Return whether a stored scenario is a sample that no earlier release has saved over."""
    return stored.version == 1 and is_sample_id(stored.id)


def is_sample_id(scenario_id: str) -> bool:
    """Return whether a sample has this id."""
    return scenario_id in _sample_ids()


def access_to(stored: StoredScenario, browser: str | None) -> Access:
    """Return what a browser may do with a scenario."""
    return access(
        is_sample=is_sample(stored),
        editors=store().editors(stored.id),
        browser=browser,
        is_this_machine=is_this_machine(),
    )


@cache
def _sample_ids() -> frozenset[str]:
    return frozenset(sample_scenarios())
