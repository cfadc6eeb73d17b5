"""The scenario that a browser session has open, and each way of changing it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.calibration.calibration import Calibration
from engine.calibration.machine_profile import MachineProfile
from engine.document_paths import replace_value
from engine.documents import NO_VALUE, InputError, parse_toml
from finance.company.provenance import Origin, OriginKind
from finance.company.scenario import Scenario, attributed, with_imported_values
from finance.metrics.projection import with_calibration, with_profile
from finance.scenarios.access import Access
from finance.scenarios.edits import merged_scenario
from finance.scenarios.kept_draft import KeptDraft
from finance.scenarios.merge import Side
from finance.scenarios.shares import Share
from finance.scenarios.store import SaveConflictError, StoredScenario
from pages.parts.field_errors import UNREADABLE, FieldError, entry_names
from pages.parts.scenarios.stored import access_to, computable, is_sample, projectable, store

KeepInput = Literal["never", "if_accepted", "if_refused"]


@dataclass
class ScenarioSession:
    """The scenario that a browser session has open: the stored version and the draft of it.

    Every method that changes the draft also raises :attr:`revision`, unless the widgets keep what
    was typed, so callers never do. A session that may not edit the scenario refuses every change.
    """

    stored: StoredScenario
    draft: Scenario
    revision: int = 0
    """Number of the current set of widgets. It is part of every widget's key, and a widget with a
    new key shows the draft's value instead of what was typed into it."""
    error: InputError | None = None
    """The reason why the last change was refused, if it was not the input of a field."""
    errors: dict[str, FieldError] = field(default_factory=dict)
    """Inputs that were not accepted, by the path of their field."""
    conflict: SaveConflictError | None = None
    """The newer version that another browser or another tab has saved."""
    browser: str | None = None
    """Hash of the browser's id; None if the browser keeps none."""
    access: Access = "edit"
    """Right of this browser to the scenario."""
    share: Share | None = None
    """The link through which the scenario is shown; None if it was opened by its id."""
    share_token: str = ""
    """Token of that link, for the address of the page."""
    viewed_from: tuple[StoredScenario, Scenario, KeptDraft] | None = None
    """Version and draft to return to while an earlier version is viewed."""
    restored_at: datetime.datetime | None = None
    """Time of the last change of a draft that was found again; None after the next change."""
    kept: KeptDraft = field(init=False)
    """The draft's steps, which are stored at each change."""

    def __post_init__(self) -> None:
        self.kept = KeptDraft.new(
            store().drafts, self.stored.id, self.stored.version, self.draft, self.browser
        )

    @property
    def is_changed(self) -> bool:
        """Whether the draft differs from the stored version."""
        return self.draft != self.stored.scenario

    @property
    def is_read_only(self) -> bool:
        """Whether changes are refused: of a shared scenario, or one of another browser."""
        return self.share is not None or self.access != "edit" or self.viewed_from is not None

    @property
    def is_sample(self) -> bool:
        """Whether the scenario is a sample, of which a save makes a copy."""
        return is_sample(self.stored)

    def open(self, stored: StoredScenario) -> None:
        """Open a stored version, with the draft of it that this browser has left.

        The draft of the scenario that was open before is kept for the next time.
        """
        self.share = self.conflict = self.error = self.restored_at = self.viewed_from = None
        self.access = access_to(stored, self.browser)
        found = None
        if self.access == "edit":
            found = KeptDraft.found(store().drafts, stored.id, self.browser)
        if found is None:
            self._start(stored)
        else:
            self._restore(found, stored)
        self.redraw()

    def open_stored(self, scenario_id: str) -> None:
        """Open the newest version of a stored scenario."""
        try:
            stored = projectable(store().get(scenario_id))
            if access_to(stored, self.browser) == "none":
                raise InputError("scenario", scenario_id, "known_scenario")
            self.open(stored)
        except InputError as error:
            self.refuse(error)

    def open_share(self, token: str) -> None:
        """Show the scenario of a share link; the session then has no trace of its id."""
        try:
            share = store().shares.find(token)
            stored = projectable(store().get(share.scenario_id, share.version))
        except InputError as error:
            self.refuse(error)
            return
        self.error = self.conflict = self.restored_at = self.viewed_from = None
        self.share, self.share_token, self.access = share, token, "read"
        self._start(replace(stored, id=f"shared-{share.id}"))
        self.redraw()

    def know_browser(self, browser: str) -> None:
        """Keep drafts under a browser's id that has become known after the session began."""
        self.browser = browser
        if self.share is not None:
            return
        self.leave_version()
        self.access = access_to(self.stored, browser)
        found = KeptDraft.found(store().drafts, self.stored.id, browser)
        if found is None:
            self.kept.adopt(browser)
        elif self.access == "edit":
            base, changed = self.stored.scenario, self.draft
            self._restore(found, self.stored)
            if changed != base:
                self.replace_draft(_merged_or_mine(base, changed, self.draft), by=None)
            self.redraw()

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
        if self._refuses_changes():
            return False
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
        if self._refuses_changes():
            return False
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
        self,
        path: str,
        error: InputError,
        typed: Any,
        changes: Mapping[str, object] | None = None,
        *,
        try_again: bool = True,
    ) -> None:
        """Keep an input that is not accepted, so that its field shows it with the reason.

        Parameters
        ----------
        path
            Path of the field, or of the list whose change was refused.
        changes
            The refused changes; None if the input could not be read as a value.
        try_again
            Whether the input is tried again together with later inputs of other fields.
        """
        if self._refuses_changes():
            return
        data = self.draft.model_dump(mode="json")
        for place, value in (changes or {}).items():
            replace_value(data, place, value)
        value = (changes or {}).get(path, UNREADABLE) if try_again else UNREADABLE
        self.errors.pop(path, None)
        self.errors[path] = FieldError(error, typed, value, entry_names(data, error.field))

    def change_list(
        self, path: str, entries: list[dict[str, Any]], *, by: OriginKind = "user"
    ) -> bool:
        """Replace a list of entries; the reason of a refusal is kept as an error of the list."""
        if self.change({path: entries}, by=by):
            self.errors.pop(path, None)
            return True
        if self.error is not None and not self.is_read_only:
            self.refuse_field(path, self.error, None, {path: entries}, try_again=False)
            self.error = None
        return False

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
        return computable(changed)  # a draft must have a projection

    def replace_draft(
        self, scenario: Scenario, *, by: OriginKind | None = "user", redraw: bool = True
    ) -> None:
        """Make ``scenario`` the draft and store it; undo returns to the previous one.

        ``by`` says who set the values that differ; None keeps the provenance of ``scenario``.
        """
        if self._refuses_changes():
            return
        self.error = None
        if scenario != self.draft:
            if by is not None:
                today = datetime.datetime.now(datetime.UTC).date()
                scenario = attributed(self.draft, scenario, Origin(by=by, as_of=today))
            self.restored_at = None
            self.draft = self.kept.add(scenario)
            # Changes of another tab of this browser may have come along.
            redraw = redraw or self.draft is not scenario
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
        if self.kept.steps.earlier:
            self.go_to_step(self.kept.steps.earlier[0])

    def redo(self) -> None:
        """Return to the draft that the last undo left."""
        if self.kept.steps.later:
            self.go_to_step(self.kept.steps.later[0])

    def go_to_step(self, number: int) -> None:
        """Return to the draft of one step of editing."""
        if self._refuses_changes():
            return
        try:
            self.draft = self.kept.go(number)
            self.error = self.restored_at = None
            self.errors.clear()
        except InputError as error:  # an earlier release allowed what this release does not
            self.error = error
        self.redraw()

    def discard_draft(self) -> None:
        """Return to the saved version; undo brings the draft back."""
        self.replace_draft(self.stored.scenario, by=None)

    def view_version(self, version: int) -> None:
        """Show an earlier version without changing the draft; :meth:`leave_version` returns."""
        self.leave_version()
        try:
            earlier = projectable(store().get(self.stored.id, version))
        except InputError as error:
            self.refuse(error)
            return
        self.viewed_from = (self.stored, self.draft, self.kept)
        self._start(earlier)
        self.redraw()

    def leave_version(self) -> None:
        """Return from an earlier version to the draft."""
        if self.viewed_from is not None:
            self.stored, self.draft, self.kept = self.viewed_from
            self.viewed_from = self.error = None
            self.errors.clear()
            self.redraw()

    def restore_version(self, version: int) -> None:
        """Make an earlier version the draft; undo brings the present draft back."""
        self.leave_version()
        try:
            earlier = projectable(store().get(self.stored.id, version))
        except InputError as error:
            self.refuse(error)
        else:
            self.replace_draft(earlier.scenario, by=None)

    def save(self, note: str = "") -> None:
        """Store the draft as the next version; ``conflict`` is set if another session has.

        The draft of a sample becomes a scenario of its own, so that others keep the sample.
        """
        if self.is_sample and not self.is_read_only:
            self.save_copy(note)
            return
        if self._refuses_changes():
            return
        try:
            self.stored = store().save(
                self.stored.id, self.stored.version, self.draft, browser=self.browser, note=note
            )
        except SaveConflictError as conflict:
            self.conflict = conflict
        except InputError as error:
            self.refuse(error)
        else:
            self.error = self.conflict = self.restored_at = None
            self.kept.rebase(self.stored.version)
            self.redraw()

    def save_copy(self, note: str = "") -> None:
        """Store the draft as a new scenario of this browser, and continue with the new one."""
        try:
            self.stored = store().create(self.draft, browser=self.browser, note=note)
        except InputError as error:
            self.refuse(error)
            return
        self.error = self.conflict = self.share = self.restored_at = self.viewed_from = None
        self.access = "edit"
        self.kept.move_to(self.stored.id, self.stored.version, self.browser)
        self.redraw()

    def save_merged(self, choices: Mapping[str, Side], note: str = "") -> None:
        """Store the draft together with the newest version's changes as the next version.

        ``choices`` has the chosen side of each place that both changed, by its path.
        """
        if self._refuses_changes():
            return
        try:
            theirs = store().get(self.stored.id)
            merged = merged_scenario(self.stored.scenario, self.draft, theirs.scenario, choices)
            computable(merged)
        except InputError as error:
            self.refuse(error)
            return
        self.replace_draft(merged, by=None)
        self.stored = theirs
        self.kept.rebase(theirs.version)
        self.save(note)

    def take_newest(self) -> None:
        """Make the newest version the draft and continue from it; undo brings the draft back."""
        if self._refuses_changes():
            return
        try:
            newest = projectable(store().get(self.stored.id))
        except InputError as error:
            self.refuse(error)
            return
        self.replace_draft(newest.scenario, by=None)
        self.stored, self.conflict = newest, None
        self.kept.rebase(newest.version)

    def claim(self) -> None:
        """Make this browser an editor of a scenario that another browser of this machine made."""
        if self.access == "claim" and self.browser is not None:
            store().add_editor(self.stored.id, self.browser)
            self.open(self.stored)

    def import_toml(self, raw: bytes, name: str) -> None:
        """Replace the draft with an uploaded scenario; an invalid one is refused."""
        try:
            scenario = Scenario.parse(parse_toml(raw, name))
            computable(scenario)
        except InputError as error:
            self.refuse(error)
        else:
            self.errors.clear()
            self.replace_draft(with_imported_values(scenario, name), by=None)

    def _start(self, stored: StoredScenario) -> None:
        """Begin without a draft."""
        self.errors.clear()
        self.stored, self.draft = stored, stored.scenario
        browser = None if self.is_read_only else self.browser
        self.kept = KeptDraft.new(
            store().drafts, stored.id, stored.version, stored.scenario, browser
        )

    def _restore(self, found: KeptDraft, newest: StoredScenario) -> None:
        """Continue with a draft that was left, as an edit of the version it began from."""
        base = newest
        try:
            draft = computable(found.scenario)
            if found.base_version != newest.version:
                base = store().get(newest.id, found.base_version)
        except InputError as error:  # an earlier release allowed what this release does not
            found.discard()
            self._start(newest)
            self.error = error
            return
        if base is not newest and draft == base.scenario:  # nothing was left unsaved
            found.discard()
            self._start(newest)
            return
        self.errors.clear()
        self.stored, self.draft, self.kept = base, draft, found
        if self.is_changed:
            self.restored_at = found.changed_at
        if base is not newest:
            self.conflict = SaveConflictError(newest.version)

    def _refuses_changes(self) -> bool:
        if self.is_read_only:
            self.refuse(InputError("scenario", NO_VALUE, "read_only"))
        return self.is_read_only


def _merged_or_mine(base: Scenario, mine: Scenario, theirs: Scenario) -> Scenario:
    try:
        return computable(merged_scenario(base, mine, theirs))
    except InputError:  # both changes together are not allowed
        return mine
