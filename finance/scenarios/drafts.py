"""Drafts: unsaved edits of a scenario in one browser, with the steps that led to them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from finance.scenarios.database import WRITING, utc_now
from finance.scenarios.tables import DraftRow, StepRow

MAX_STEPS = 50
"""Greatest number of earlier or later drafts that undo and redo reach."""

_DRAFTS = DraftRow.__table__
_STEPS = StepRow.__table__


class DraftMovedError(Exception):
    """Error of a change to a draft that another tab of the browser has changed since."""


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """Draft as it is stored."""

    base_version: int
    """Saved version that the draft began from."""
    steps: Mapping[int, str]
    """Documents as JSON by number, in the order of editing."""
    position: int
    """Number of the current step."""
    revision: int
    changed_at: datetime.datetime

    @property
    def document(self) -> str:
        """Current document as JSON."""
        return self.steps[self.position]


class Drafts:
    """Drafts in the database, each of one scenario in one browser."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**WRITING)

    def get(self, scenario_id: str, browser: str) -> StoredDraft | None:
        """Return the draft of a scenario in a browser; None if it has none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_DRAFTS).where(_is_of(DraftRow, scenario_id, browser)))
            draft = row.one_or_none()
            if draft is None:
                return None
            steps = connection.execute(
                select(StepRow.number, StepRow.document)
                .where(_is_of(StepRow, scenario_id, browser))
                .order_by(StepRow.number)
            ).tuples()
            return StoredDraft(
                draft.base_version,
                dict(steps.all()),
                draft.position,
                draft.revision,
                draft.changed_at,
            )

    def changed(self, browser: str) -> dict[str, datetime.datetime]:
        """Return when each draft of a browser was last changed, by the scenario's id."""
        query = select(DraftRow.scenario_id, DraftRow.changed_at).where(DraftRow.browser == browser)
        with self._engine.connect() as connection:
            return dict(connection.execute(query).tuples().all())

    def begin(
        self,
        scenario_id: str,
        browser: str,
        base_version: int,
        steps: Mapping[int, str],
        position: int = 0,
    ) -> int:
        """Store a new draft with its steps; return its revision.

        Raises
        ------
        DraftMovedError
            If the browser has a draft of the scenario already; nothing is stored then.
        """
        try:
            with self._writing.begin() as connection:
                connection.execute(
                    insert(DraftRow).values(
                        scenario_id=scenario_id,
                        browser=browser,
                        base_version=base_version,
                        position=position,
                        revision=0,
                        changed_at=utc_now(),
                    )
                )
                for number, document in steps.items():
                    _insert_step(connection, scenario_id, browser, number, document)
        except IntegrityError:
            raise DraftMovedError from None
        return 0

    def add(self, scenario_id: str, browser: str, revision: int, number: int, document: str) -> int:
        """Store a document as step ``number``, which becomes current; return the new revision.

        Steps after it are dropped, and so are those that are too old for undo.

        Raises
        ------
        DraftMovedError
            If the draft's revision is not ``revision``; nothing is stored then.
        """
        with self._writing.begin() as connection:
            _move(connection, scenario_id, browser, revision, number)
            connection.execute(
                delete(StepRow).where(
                    _is_of(StepRow, scenario_id, browser),
                    (StepRow.number >= number) | (StepRow.number < number - MAX_STEPS),
                )
            )
            _insert_step(connection, scenario_id, browser, number, document)
        return revision + 1

    def move(self, scenario_id: str, browser: str, revision: int, position: int) -> int:
        """Make another step current; return the new revision, or raise as :meth:`add` does."""
        with self._writing.begin() as connection:
            _move(connection, scenario_id, browser, revision, position)
        return revision + 1

    def rebase(self, scenario_id: str, browser: str, base_version: int) -> None:
        """Record the saved version that the draft is an edit of, after a save or a merge."""
        with self._writing.begin() as connection:
            connection.execute(
                update(DraftRow)
                .where(_is_of(DraftRow, scenario_id, browser))
                .values(base_version=base_version)
            )

    def discard(self, scenario_id: str, browser: str) -> None:
        """Delete a draft with its steps."""
        with self._writing.begin() as connection:
            connection.execute(delete(StepRow).where(_is_of(StepRow, scenario_id, browser)))
            connection.execute(delete(DraftRow).where(_is_of(DraftRow, scenario_id, browser)))


def _move(
    connection: Connection, scenario_id: str, browser: str, revision: int, position: int
) -> None:
    updated = connection.execute(
        update(DraftRow)
        .where(_is_of(DraftRow, scenario_id, browser), DraftRow.revision == revision)
        .values(position=position, revision=revision + 1, changed_at=utc_now())
    )
    if updated.rowcount == 0:
        raise DraftMovedError


def _insert_step(
    connection: Connection, scenario_id: str, browser: str, number: int, document: str
) -> None:
    connection.execute(
        insert(StepRow).values(
            scenario_id=scenario_id, browser=browser, number=number, document=document
        )
    )


def _is_of(table, scenario_id: str, browser: str):  # type: ignore[no-untyped-def]
    return (table.scenario_id == scenario_id) & (table.browser == browser)
