"""Choice of the scenarios and versions that are compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from engine.documents import InputError
from engine.text import Catalog
from finance.company.scenario import Scenario
from finance.metrics.projection import Projection
from finance.verdict.compare import LEAST, MOST
from pages.parts.scenarios.listing import own_names
from pages.parts.scenarios.stored import projection_of
from pages.parts.session import scenario_session, store, text

DRAFT = "draft"
"""Code of the open draft among the options."""
_KEY = "compare.chosen"


@dataclass(frozen=True, slots=True)
class Compared:
    """A scenario that is compared, with its name on the page and its projection."""

    name: str
    projection: Projection

    @property
    def scenario(self) -> Scenario:
        """The scenario itself."""
        return self.projection.scenario


def choose() -> list[Compared]:
    """Draw the choice, and return the chosen scenarios; those that cannot be computed are named."""
    say = text()
    labels = _labels(say)
    kept = [code for code in st.session_state.get(_KEY, _first_choice(labels)) if code in labels]
    chosen = st.multiselect(
        say("compare.choose"),
        list(labels),
        default=kept,
        format_func=labels.__getitem__,
        max_selections=MOST,
        key=f"{_KEY}#{hash(tuple(labels.items()))}",
        help=say("compare.choose_help"),
    )
    st.session_state[_KEY] = chosen
    found = []
    for code in chosen:
        try:
            scenario = _scenario(code)
            projection = projection_of(scenario.content_hash, scenario)
            found.append(Compared(labels[code], projection))
        except InputError as error:
            reason = error.in_language(say.language)
            st.warning(say("compare.refused", name=labels[code], error=reason))
    return found


def _labels(say: Catalog) -> dict[str, str]:
    """Return the names of all options by code: the draft, its versions, and other scenarios."""
    session = scenario_session()
    names = own_names()
    counted = Counter(names.values())
    own = session.stored.id
    options = {DRAFT: say("compare.draft", name=session.draft.name)}
    for saved in store().history(own):
        name = say(
            "compare.version", name=names.get(own, session.draft.name), version=saved.version
        )
        options[f"{own}@{saved.version}"] = name
    for scenario_id, name in names.items():
        if scenario_id != own:
            options[scenario_id] = name if counted[name] == 1 else f"{name} ({scenario_id})"
    return options


def _first_choice(labels: dict[str, str]) -> list[str]:
    """Return the draft, and the saved version that it began from if they differ."""
    session = scenario_session()
    saved = f"{session.stored.id}@{session.stored.version}"
    return [saved, DRAFT] if session.is_changed and saved in labels else [DRAFT]


def _scenario(code: str) -> Scenario:
    if code == DRAFT:
        return scenario_session().draft
    scenario_id, _, version = code.partition("@")
    return store().get(scenario_id, int(version) if version else None).scenario


def is_enough(chosen: list[Compared]) -> bool:
    """Return whether enough scenarios are chosen for a comparison."""
    return len(chosen) >= LEAST
