"""Draft of a scenario in one browser, stored at each change."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.scenarios.drafts import DraftMovedError, Drafts, StoredDraft
from finance.scenarios.edits import merged_scenario
from finance.scenarios.steps import Steps


@dataclass(slots=True)
class KeptDraft:
    """Steps of a draft, which a browser finds again after a reload or a restart.

    Without a browser the steps are kept in memory only.
    """

    drafts: Drafts
    scenario_id: str
    base_version: int
    """Saved version that the draft is an edit of."""
    steps: Steps
    browser: str | None
    changed_at: datetime.datetime | None = None
    """Time of the last stored change by an earlier session; None if there is none."""
    _revision: int | None = None
    """Revision of the stored draft that this session has seen; None if none is stored."""

    @classmethod
    def new(
        cls,
        drafts: Drafts,
        scenario_id: str,
        base_version: int,
        scenario: Scenario,
        browser: str | None,
    ) -> KeptDraft:
        """Return a draft without changes, which is not stored yet."""
        steps = Steps.beginning_with(scenario.model_dump_json())
        return cls(drafts, scenario_id, base_version, steps, browser)

    @classmethod
    def found(cls, drafts: Drafts, scenario_id: str, browser: str | None) -> KeptDraft | None:
        """Return the draft that the browser has left; None if it has left none."""
        stored = None if browser is None else drafts.get(scenario_id, browser)
        if stored is None:
            return None
        steps = Steps.stored(stored.steps, stored.position)
        return cls(
            drafts,
            scenario_id,
            stored.base_version,
            steps,
            browser,
            stored.changed_at,
            stored.revision,
        )

    @property
    def scenario(self) -> Scenario:
        """Current draft; InputError if this release does not allow what an earlier one did."""
        return _parsed(self.steps.current)

    def add(self, scenario: Scenario) -> Scenario:
        """Store a changed draft as the next step, and return the draft that results.

        If another tab has changed the draft since, the result has both changes; a field that both
        changed has the value of ``scenario``, because it was typed last.
        """
        try:
            self._store_step(scenario)
        except DraftMovedError:
            scenario = self._joined(scenario)
            self._store_step(scenario)
        return scenario

    def go(self, number: int) -> Scenario:
        """Make another step current, and return its draft."""
        scenario = _parsed(self.steps.documents[number])
        if self.browser is not None and self._revision is not None:
            try:
                self._revision = self.drafts.move(
                    self.scenario_id, self.browser, self._revision, number
                )
            except DraftMovedError:  # another tab has other steps: add the draft to them
                return self.add(scenario)
        self.steps.go(number)
        return scenario

    def rebase(self, version: int) -> None:
        """Record that the draft is now an edit of another saved version."""
        self.base_version = version
        if self.browser is not None and self._revision is not None:
            self.drafts.rebase(self.scenario_id, self.browser, version)

    def move_to(self, scenario_id: str, version: int, browser: str | None) -> None:
        """Continue in a copy of the scenario; the original has no draft any more."""
        was_stored = self._revision is not None
        self.discard()
        self.scenario_id, self.base_version, self.browser = scenario_id, version, browser
        if was_stored:
            self._begin()

    def adopt(self, browser: str) -> None:
        """Store the draft under a browser that has become known, if there are changes."""
        self.browser = browser
        if len(self.steps.documents) > 1:
            self._begin()

    def discard(self) -> None:
        """Remove the draft from the database; this session keeps its steps."""
        if self.browser is not None and self._revision is not None:
            self.drafts.discard(self.scenario_id, self.browser)
        self._revision = None

    def _store_step(self, scenario: Scenario) -> None:
        document = scenario.model_dump_json()
        if self.browser is not None:
            if self._revision is None:
                self._begin()
                assert self._revision is not None
            self._revision = self.drafts.add(
                self.scenario_id, self.browser, self._revision, self.steps.position + 1, document
            )
        self.steps.add(document)

    def _begin(self) -> None:
        assert self.browser is not None
        self._revision = self.drafts.begin(
            self.scenario_id,
            self.browser,
            self.base_version,
            self.steps.documents,
            self.steps.position,
        )

    def _joined(self, scenario: Scenario) -> Scenario:
        """Return ``scenario`` with the changes of another tab, whose steps this draft takes."""
        assert self.browser is not None
        stored = self.drafts.get(self.scenario_id, self.browser)
        if stored is None:  # the other tab has discarded the draft
            self._revision = None
            return scenario
        joined = self._with_changes_of(stored, scenario)
        self.steps = Steps.stored(stored.steps, stored.position)
        self._revision, self.base_version = stored.revision, stored.base_version
        return joined

    def _with_changes_of(self, stored: StoredDraft, scenario: Scenario) -> Scenario:
        try:
            return merged_scenario(self.scenario, scenario, _parsed(stored.document))
        except InputError:  # both changes together are not allowed, or a draft cannot be read
            return scenario


def _parsed(document: str) -> Scenario:
    return Scenario.parse(json.loads(document))
