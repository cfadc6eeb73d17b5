"""The scenario in hand: what this browser session reads and edits.

A session works on a draft of a stored scenario. Each change is validated before it is taken,
can be undone, and reaches the database only when it is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from engine.calibration.calibration import Calibration
from engine.documents import InputError, parse_toml
from engine.text import Catalog, best_language, catalog
from finance.company.scenario import Scenario, sample_scenarios
from finance.company.store import SaveConflictError, ScenarioStore, StoredScenario
from finance.metrics.indicators import Indicators, Values
from finance.metrics.projection import Outlook, outlook, with_calibration

FIRST_SCENARIO = "laptop"
"""The sample that opens first: the one whose whole chain runs on any machine."""


@dataclass
class Desk:
    """What lies before one person: a stored version, the draft made of it, and the way back."""

    stored: StoredScenario
    draft: Scenario
    past: list[Scenario] = field(default_factory=list)
    revision: int = 0
    """Goes up when fields must show something else than what was typed into them."""
    error: InputError | None = None
    """The last change that was refused."""
    conflict: SaveConflictError | None = None

    @property
    def is_changed(self) -> bool:
        return self.draft != self.stored.scenario

    def open(self, stored: StoredScenario) -> None:
        self.stored, self.draft, self.past = stored, stored.scenario, []
        self.error = self.conflict = None
        self.revision += 1

    def open_stored(self, scenario_id: str) -> None:
        """Open a scenario in its newest version; what was not saved of this one is left."""
        try:
            self.open(_that_can_be_run(store().get(scenario_id)))
        except InputError as error:
            self.error = error

    def change(self, changes: Mapping[str, object]) -> bool:
        """Change fields by their dotted paths; refused as a whole if one is not allowed."""
        try:
            changed = self.draft.with_values(changes)
            _outlook_of(changed.content_hash, changed)  # what cannot be worked out is refused
        except InputError as error:
            self.error = error
            return False
        self.replace_draft(changed, redraw=False)  # the fields show it already
        return True

    def replace_draft(self, scenario: Scenario, *, redraw: bool = True) -> None:
        self.error = None
        if scenario != self.draft:
            self.past.append(self.draft)
            self.draft = scenario
        if redraw:
            self.revision += 1

    def apply_calibration(self, calibration: Calibration | None) -> None:
        self.replace_draft(with_calibration(self.draft, calibration))

    def undo(self) -> None:
        if self.past:
            self.draft = self.past.pop()
            self.error = None
            self.revision += 1

    def save(self) -> None:
        try:
            self.stored = store().save(self.stored.id, self.stored.version, self.draft)
            self.error = self.conflict = None
            self.revision += 1
        except SaveConflictError as conflict:
            self.conflict = conflict

    def save_copy(self) -> None:
        self.stored = store().create(self.draft)
        self.error = self.conflict = None
        self.revision += 1

    def import_toml(self, raw: bytes, name: str) -> None:
        """Put an uploaded scenario in the draft's place; refused if it is not a valid one."""
        try:
            scenario = Scenario.parse(parse_toml(raw, name))
            _outlook_of(scenario.content_hash, scenario)
        except InputError as error:
            self.error = error
        else:
            self.replace_draft(scenario)


@st.cache_resource
def store() -> ScenarioStore:
    """The one store of this server, with the samples in it."""
    made = ScenarioStore()
    made.ensure(sample_scenarios())
    return made


def desk() -> Desk:
    """This session's desk; the first call opens the scenario of ``?s=…`` or the sample."""
    if "desk" not in st.session_state:
        wanted = st.query_params.get("s", FIRST_SCENARIO)
        try:
            stored, error = _that_can_be_run(store().get(wanted)), None
        except InputError as refused:
            stored, error = store().get(FIRST_SCENARIO), refused
        st.session_state["desk"] = Desk(stored, stored.scenario, error=error)
    found: Desk = st.session_state["desk"]
    return found


def draft() -> Scenario:
    return desk().draft


def outlooks() -> tuple[Outlook, Outlook]:
    """(of the draft, of the saved version): what every page shows, and what changed."""
    at = desk()
    now = _outlook_of(at.draft.content_hash, at.draft)
    return now, _outlook_of(at.stored.scenario.content_hash, at.stored.scenario)


@st.cache_data(max_entries=200, show_spinner=False)
def _outlook_of(content_hash: str, _scenario: Scenario) -> Outlook:
    """Kept by the hash of the document, which decides everything in it."""
    return outlook(_scenario)


def indicators(seen: Outlook, trial: int = 0) -> list[Values]:
    """All indicators of each month; ``trial`` as in :data:`finance.metrics.projection.BOUNDS`."""
    return _indicators_of(seen.scenario.content_hash, trial, seen)


@st.cache_data(max_entries=100, show_spinner=False)
def _indicators_of(content_hash: str, trial: int, _seen: Outlook) -> list[Values]:
    of_books = Indicators(_seen.books, trial)
    return [of_books.at(month) for month in range(1, _seen.horizon_months + 1)]


def _that_can_be_run(stored: StoredScenario) -> StoredScenario:
    """A stored scenario; InputError if its company grows beyond what can be worked out."""
    _outlook_of(stored.scenario.content_hash, stored.scenario)
    return stored


def text() -> Catalog:
    """The catalog of this session's language: chosen, or the browser's."""
    if "language" not in st.session_state:
        asked = st.query_params.get("lang")
        st.session_state["language"] = best_language(
            tag for tag in (asked, st.context.locale) if tag
        )
    return catalog(st.session_state["language"])
