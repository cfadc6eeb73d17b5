"""Opening of a new scenario: it is stored, and the session continues with it."""

from __future__ import annotations

from finance.company.scenario import Scenario
from pages.parts.session import scenario_session, store


def open_new(scenario: Scenario) -> None:
    """Store a scenario as a new one of this browser, and open it."""
    session = scenario_session()
    session.open(store().create(scenario, browser=session.browser))
