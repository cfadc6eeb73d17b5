"""The scenario that a browser session reads and edits, and the language of its pages.

A session works on a draft of a stored scenario. Each change is validated before it is applied,
can be undone, and reaches the database only when it is saved. Pages get texts from
``say = text()``: ``say("plan.question")`` is the text of that key in the session's language.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from engine.calibration.calibration import Calibration
from engine.calibration.machine_profile import MachineProfile
from engine.currencies import STORED, display_in, exchange_rates
from engine.document_paths import replace_value
from engine.documents import InputError, parse_toml
from engine.text import Catalog, best_language, catalog
from finance.company.provenance import Origin, OriginKind
from finance.company.scenario import (
    Scenario,
    attributed,
    sample_scenarios,
    with_imported_values,
)
from finance.metrics.indicators import Indicators, Values
from finance.metrics.projection import Projection, project_scenario, with_calibration, with_profile
from finance.scenarios.store import SaveConflictError, ScenarioStore, StoredScenario
from pages.parts.field_errors import UNREADABLE, FieldError, entry_names

FIRST_SCENARIO = "startup-1b"
"""The sample that opens first: a start-up as a founder would plan it."""

KeepInput = Literal["never", "if_accepted", "if_refused"]


@dataclass
class ScenarioSession:
    """The scenario that a browser session has open: the stored version and the draft of it.

    Every method that changes the draft also raises :attr:`revision`, unless the widgets keep what
    was typed, so callers never do.
    """

    stored: StoredScenario
    draft: Scenario
    past: list[Scenario] = field(default_factory=list)
    """Earlier drafts, the oldest first: undo takes the last."""
    revision: int = 0
    """Number of the current set of widgets. It is part of every widget's key, and a widget with a
    new key shows the draft's value instead of what was typed into it."""
    error: InputError | None = None
    """The reason why the last change was refused, if it was not the input of a field."""
    errors: dict[str, FieldError] = field(default_factory=dict)
    """Inputs that were not accepted, by the path of their field."""
    conflict: SaveConflictError | None = None

    @property
    def is_changed(self) -> bool:
        """Whether the draft differs from the stored version."""
        return self.draft != self.stored.scenario

    def open(self, stored: StoredScenario) -> None:
        """Open a stored version; the draft of the previous one is dropped."""
        self.stored, self.draft, self.past = stored, stored.scenario, []
        self.error = self.conflict = None
        self.errors.clear()
        self.redraw()

    def open_stored(self, scenario_id: str) -> None:
        """Open the newest version of a stored scenario."""
        try:
            self.open(_projectable(store().get(scenario_id)))
        except InputError as error:
            self.refuse(error)

    def change(
        self,
        changes: Mapping[str, object],
        *,
        keep_input: KeepInput = "never",
        by: OriginKind = "user",
    ) -> bool:
        """Change fields by their dotted paths, all of them or none.

        Parameters
        ----------
        changes
            The new value of each path.
        keep_input
            When the widgets keep what was typed instead of showing the draft. A single field does
            if its value is accepted, because new widgets would take the keyboard focus away. A
            form does if it is refused, so that it can be corrected.
        by
            Who sets the values, for the register of assumptions: the user, or the app's default
            for an entry that it adds.

        Returns
        -------
        bool
            Whether the changes were accepted. If not, ``error`` has the reason.
        """
        try:
            changed = self._changed(changes)
        except InputError as error:
            self.refuse(error, redraw=keep_input != "if_refused")
            return False
        self.replace_draft(changed, by=by, redraw=keep_input != "if_accepted")
        return True

    def change_field(self, path: str, value: object, typed: Any) -> bool:
        """Change one field to an input of its widget; a refused input stays in :attr:`errors`.

        Two fields may contradict each other until both are changed. So inputs that were refused
        before are tried again, together with the new input and then one by one.

        Parameters
        ----------
        value
            The input as plain data for the document.
        typed
            State of the field's widget.

        Returns
        -------
        bool
            Whether the input was accepted.
        """
        refused = {
            other: error.value
            for other, error in self.errors.items()
            if other != path and error.value is not UNREADABLE
        }
        if refused and self._accept_field({path: value} | refused) is None:
            return True
        error = self._accept_field({path: value})
        if error is not None:
            self.refuse_field(path, error, typed, {path: value})
            return False
        for other in refused:
            self._accept_field({other: refused[other]})
        return True

    def refuse_field(
        self, path: str, error: InputError, typed: Any, changes: Mapping[str, object] | None = None
    ) -> None:
        """Keep an input that is not accepted, so that its field shows it with the reason.

        Parameters
        ----------
        path
            Path of the field, or of the list whose change was refused.
        changes
            The refused changes; None if the input could not be read as a value.
        """
        data = self.draft.model_dump(mode="json")
        for place, value in (changes or {}).items():
            replace_value(data, place, value)
        value = UNREADABLE if changes is None else changes.get(path, UNREADABLE)
        self.errors.pop(path, None)
        self.errors[path] = FieldError(error, typed, value, entry_names(data, error.field))

    def drop_errors(self, paths: Iterable[str] | None = None) -> None:
        """Forget refused inputs, all of them or those of some paths; the fields show the draft."""
        for path in list(self.errors if paths is None else paths):
            self.errors.pop(path, None)
        self.redraw()

    def _accept_field(self, changes: Mapping[str, object]) -> InputError | None:
        """Change fields whose widgets keep their input; return the reason if it is refused."""
        try:
            changed = self._changed(changes)
        except InputError as error:
            return error
        for path in changes:
            self.errors.pop(path, None)
        self.replace_draft(changed, redraw=False)
        return None

    def _changed(self, changes: Mapping[str, object]) -> Scenario:
        """Return the draft with changes; raise InputError if it is not valid."""
        changed = self.draft.with_values(changes)
        _projection_of(changed.content_hash, changed)  # a draft must have a projection
        return changed

    def replace_draft(
        self, scenario: Scenario, *, by: OriginKind | None = "user", redraw: bool = True
    ) -> None:
        """Make ``scenario`` the draft; undo returns to the previous one.

        ``by`` says who set the values that differ; None keeps the provenance of ``scenario``.
        """
        self.error = None
        if scenario != self.draft:
            if by is not None:
                today = datetime.datetime.now(datetime.UTC).date()
                scenario = attributed(self.draft, scenario, Origin(by=by, as_of=today))
            self.past.append(self.draft)
            self.draft = scenario
        if redraw:
            self.redraw()

    def refuse(self, error: InputError, *, redraw: bool = True) -> None:
        """Keep the draft, and show why a change to it was refused."""
        self.error = error
        if redraw:
            self.redraw()

    def redraw(self) -> None:
        """Give every widget a new key, so that it shows the draft in the current language."""
        self.revision += 1

    def apply_calibration(self, calibration: Calibration | None) -> None:
        """Use a calibration in the plan's forecast; None removes it."""
        self.replace_draft(with_calibration(self.draft, calibration))

    def apply_profile(self, profile: MachineProfile | None) -> None:
        """Use a machine profile in the plan's forecast; None removes it."""
        self.replace_draft(with_profile(self.draft, profile))

    def undo(self) -> None:
        """Return to the previous draft."""
        if self.past:
            self.draft = self.past.pop()
            self.error = None
            self.errors.clear()
            self.redraw()

    def save(self) -> None:
        """Store the draft as the next version; ``conflict`` is set if another session has."""
        try:
            self.stored = store().save(self.stored.id, self.stored.version, self.draft)
            self.error = self.conflict = None
            self.redraw()
        except SaveConflictError as conflict:
            self.conflict = conflict

    def save_copy(self) -> None:
        """Store the draft as a new scenario, and continue with the new one."""
        self.stored = store().create(self.draft)
        self.error = self.conflict = None
        self.redraw()

    def import_toml(self, raw: bytes, name: str) -> None:
        """Replace the draft with an uploaded scenario; an invalid one is refused."""
        try:
            scenario = Scenario.parse(parse_toml(raw, name))
            _projection_of(scenario.content_hash, scenario)
        except InputError as error:
            self.refuse(error)
        else:
            self.errors.clear()
            self.replace_draft(with_imported_values(scenario, name), by=None)


@st.cache_resource
def store() -> ScenarioStore:
    """Return the store that all sessions of this server share, with the samples in it."""
    opened = ScenarioStore()
    opened.ensure(sample_scenarios())
    return opened


def scenario_session() -> ScenarioSession:
    """Return this browser session's scenario; the first call opens that of ``?s=…`` or a sample."""
    if "scenario_session" not in st.session_state:
        requested = st.query_params.get("s", FIRST_SCENARIO)
        try:
            stored, error = _projectable(store().get(requested)), None
        except InputError as refused:
            stored, error = store().get(FIRST_SCENARIO), refused
        st.session_state["scenario_session"] = ScenarioSession(stored, stored.scenario, error=error)
    session: ScenarioSession = st.session_state["scenario_session"]
    return session


def draft() -> Scenario:
    """Return the draft of this browser session."""
    return scenario_session().draft


def projections() -> tuple[Projection, Projection]:
    """Return the projections of the draft and of the stored version."""
    session = scenario_session()
    stored = session.stored.scenario
    return (
        _projection_of(session.draft.content_hash, session.draft),
        _projection_of(stored.content_hash, stored),
    )


@st.cache_data(max_entries=200, show_spinner=False)
def _projection_of(content_hash: str, _scenario: Scenario) -> Projection:
    """Return the scenario's projection, cached by the hash of its document."""
    return project_scenario(_scenario)


def indicators(projection: Projection, trial: int = 0) -> list[Values]:
    """Return all indicators of each month.

    ``trial`` is the index of the costs' bound in :data:`finance.metrics.projection.BOUNDS`.
    """
    return _indicators_of(projection.scenario.content_hash, trial, projection)


@st.cache_data(max_entries=100, show_spinner=False)
def _indicators_of(content_hash: str, trial: int, _projection: Projection) -> list[Values]:
    of_books = Indicators(_projection.books, trial)
    return [of_books.at(month) for month in range(1, _projection.horizon_months + 1)]


def _projectable(stored: StoredScenario) -> StoredScenario:
    """Return ``stored``; raise InputError if its company grows beyond what can be computed."""
    _projection_of(stored.scenario.content_hash, stored.scenario)
    return stored


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
