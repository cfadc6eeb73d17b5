"""Fixtures that several tests of pages share."""

import pytest
import streamlit as st

from finance.company.scenario import Scenario
from finance.scenarios.store import ScenarioStore
from tests.finance.companies import EVERYTHING


@pytest.fixture
def no_caches() -> None:
    """Empty Streamlit's caches, which outlive a test."""
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def everything(laptop: Scenario) -> str:
    """Return the id of a stored company that uses every part of the document."""
    document = laptop.model_dump(mode="json") | {"company": EVERYTHING}
    return ScenarioStore().create(Scenario.parse(document)).id


@pytest.fixture
def mine(laptop: Scenario) -> str:
    """Return the id of a stored scenario that is no sample: a save makes its next version."""
    return ScenarioStore().create(laptop).id
