"""Drivers of the draft, computed once for each scenario, with progress and the time left."""

from __future__ import annotations

import time
from collections import OrderedDict

import streamlit as st

from finance.company.scenario import Scenario
from finance.verdict.drivers import Drivers, Progress, drivers_in_steps
from pages.parts.session import text
from pages.parts.streamlit_private import Container

_MOST_KEPT = 200
_PROGRESS_AFTER_S = 0.7
"""Seconds of work after which the progress is shown."""


@st.cache_resource
def _kept() -> OrderedDict[str, Drivers]:
    """Return the drivers found so far by the scenario's content hash, for all sessions."""
    return OrderedDict()


def found_drivers(scenario: Scenario, place: Container) -> Drivers:
    """Return the drivers of a scenario; ``place`` shows the progress while they are computed."""
    kept, key = _kept(), scenario.content_hash
    if key not in kept:
        kept[key] = _computed(scenario, place)
        while len(kept) > _MOST_KEPT:
            kept.popitem(last=False)
    return kept[key]


def _computed(scenario: Scenario, place: Container) -> Drivers:
    say, began = text(), time.monotonic()
    for step in drivers_in_steps(scenario):
        if isinstance(step, Drivers):
            place.empty()
            return step
        _report(say("driver.computing"), step, time.monotonic() - began, place)
    raise AssertionError("the last step is the result")


def _report(label: str, step: Progress, elapsed_s: float, place: Container) -> None:
    if elapsed_s < _PROGRESS_AFTER_S:
        place.caption(label)
        return
    left_s = elapsed_s / step.done * (step.of - step.done)
    left = text()("driver.left", seconds=f"{max(left_s, 0.1):.1f}")
    place.progress(step.done / step.of, f"{label} · {left}")
