"""Database of scenarios: every save adds a version, and conflicting saves are refused.

A browser that creates a scenario is its editor. A scenario without an editor is from before
editors were recorded, or from a browser that keeps no id; its first save by a known browser makes
that browser its editor.
"""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.scenarios.database import WRITING, open_database, utc_now
from finance.scenarios.drafts import Drafts
from finance.scenarios.shares import Shares
from finance.scenarios.tables import (
    NOTE_LENGTH,
    TAG_LENGTH,
    EditorRow,
    ScenarioRow,
    TagRow,
    VersionRow,
)

MAX_TAGS = 12
"""Greatest number of tags of one scenario."""


class SaveConflictError(Exception):
    """Error of a save that is based on an outdated version of the scenario."""

    def __init__(self, current_version: int) -> None:
        super().__init__(f"version {current_version} was saved meanwhile")
        self.current_version = current_version


@dataclass(frozen=True, slots=True)
class StoredScenario:
    """Stored version of a scenario."""

    id: str
    version: int
    saved_at: datetime.datetime
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """Entry of a scenario's history."""

    version: int
    saved_at: datetime.datetime
    note: str
    browser: str | None
    """Hash of the browser that saved it; None if it is not known."""
    document: Mapping[str, object]
    """The version's document as plain data; old ones may not be valid any more."""


@dataclass(frozen=True, slots=True)
class ListedScenario:
    """Scenario as a list shows it."""

    id: str
    name: str
    version: int
    saved_at: datetime.datetime
    tags: tuple[str, ...]
    editors: frozenset[str]
    """Hashes of the browsers that may edit it; empty if every browser of this machine may."""
    deleted_at: datetime.datetime | None


class ScenarioStore:
    """Scenarios in a database: at ``DATABASE_URL`` if set, or else SQLite in the home folder."""

    def __init__(self, url: str | None = None) -> None:
        self._engine = open_database(url)
        self._writing = self._engine.execution_options(**WRITING)
        self.drafts = Drafts(self._engine)
        self.shares = Shares(self._engine)

    def names(self) -> dict[str, str]:
        """Return the names of all scenarios outside the trash by id, sorted by name."""
        with Session(self._engine) as session:
            rows = session.execute(
                select(ScenarioRow.id, ScenarioRow.name)
                .where(ScenarioRow.deleted_at.is_(None))
                .order_by(ScenarioRow.name)
            )
            return {row.id: row.name for row in rows}

    def listed(self, *, deleted: bool = False) -> list[ListedScenario]:
        """Return the scenarios outside or in the trash, the last saved first."""
        in_trash = (
            ScenarioRow.deleted_at.is_not(None) if deleted else ScenarioRow.deleted_at.is_(None)
        )
        newest = (VersionRow.scenario_id == ScenarioRow.id) & (
            VersionRow.version == ScenarioRow.version
        )
        with Session(self._engine) as session:
            rows = session.execute(
                select(ScenarioRow, VersionRow.saved_at)
                .join(VersionRow, newest)
                .where(in_trash)
                .order_by(VersionRow.saved_at.desc(), ScenarioRow.id)
            ).all()
            tags = _grouped(session.execute(select(TagRow.scenario_id, TagRow.tag)).tuples())
            editors = _grouped(
                session.execute(select(EditorRow.scenario_id, EditorRow.browser)).tuples()
            )
        return [
            ListedScenario(
                id=row.id,
                name=row.name,
                version=row.version,
                saved_at=saved_at,
                tags=tuple(sorted(tags.get(row.id, ()))),
                editors=frozenset(editors.get(row.id, ())),
                deleted_at=row.deleted_at,
            )
            for row, saved_at in rows
        ]

    def get(self, scenario_id: str, version: int | None = None) -> StoredScenario:
        """Return a scenario in ``version``, by default the newest.

        Raises
        ------
        InputError
            If the scenario or the version does not exist, or the scenario is in the trash.
        """
        with Session(self._engine) as session:
            query = (
                select(VersionRow)
                .join(ScenarioRow, ScenarioRow.id == VersionRow.scenario_id)
                .where(VersionRow.scenario_id == scenario_id, ScenarioRow.deleted_at.is_(None))
            )
            if version is not None:
                query = query.where(VersionRow.version == version)
            row = session.scalars(query.order_by(VersionRow.version.desc())).first()
            if row is None:
                raise InputError("scenario", scenario_id, "known_scenario")
            return _stored(row)

    def newest_version(self, scenario_id: str) -> int | None:
        """Return the number of the newest version; None if the scenario is gone or in the trash."""
        with Session(self._engine) as session:
            return session.scalar(
                select(ScenarioRow.version).where(
                    ScenarioRow.id == scenario_id, ScenarioRow.deleted_at.is_(None)
                )
            )

    def history(self, scenario_id: str) -> list[SavedVersion]:
        """Return all versions of a scenario, the newest first."""
        with Session(self._engine) as session:
            query = select(VersionRow).where(VersionRow.scenario_id == scenario_id)
            rows = session.scalars(query.order_by(VersionRow.version.desc()))
            return [
                SavedVersion(
                    row.version, row.saved_at, row.note, row.browser, json.loads(row.document)
                )
                for row in rows
            ]

    def create(
        self,
        scenario: Scenario,
        scenario_id: str | None = None,
        *,
        browser: str | None = None,
        note: str = "",
        tags: Collection[str] = (),
    ) -> StoredScenario:
        """Store a new scenario as version 1, with a random id if ``scenario_id`` is None.

        ``browser`` becomes its only editor.
        """
        scenario_id = scenario_id or secrets.token_hex(8)
        with Session(self._writing) as session, session.begin():
            session.add(ScenarioRow(id=scenario_id, name=scenario.name, version=1))
            session.flush()
            session.add(row := _version_row(scenario_id, 1, scenario, browser, note))
            if browser is not None:
                session.add(EditorRow(scenario_id=scenario_id, browser=browser))
            session.add_all(TagRow(scenario_id=scenario_id, tag=tag) for tag in _valid_tags(tags))
            return _stored(row)

    def save(
        self,
        scenario_id: str,
        read_version: int,
        scenario: Scenario,
        *,
        browser: str | None = None,
        note: str = "",
    ) -> StoredScenario:
        """Store a new version of a scenario that was read as ``read_version``.

        Raises
        ------
        SaveConflictError
            If a version newer than ``read_version`` exists; nothing is stored then.
        InputError
            If the scenario does not exist or is in the trash, if the browser may not edit it, or
            if the note is too long.
        """
        with Session(self._writing) as session, session.begin():
            _require_editor(session, scenario_id, browser)
            # A single statement compares and increments the version: of two concurrent saves,
            # one fails.
            updated = session.execute(
                update(ScenarioRow)
                .where(
                    ScenarioRow.id == scenario_id,
                    ScenarioRow.version == read_version,
                    ScenarioRow.deleted_at.is_(None),
                )
                .values(version=read_version + 1, name=scenario.name)
            )
            if updated.rowcount == 0:  # type: ignore[attr-defined]
                current = session.get(ScenarioRow, scenario_id)
                if current is None or current.deleted_at is not None:
                    raise InputError("scenario", scenario_id, "known_scenario")
                raise SaveConflictError(current.version)
            session.add(row := _version_row(scenario_id, read_version + 1, scenario, browser, note))
            return _stored(row)

    def editors(self, scenario_id: str) -> frozenset[str]:
        """Return the browsers that may edit a scenario; empty if it has no recorded editor."""
        with Session(self._engine) as session:
            return frozenset(_editors(session, scenario_id))

    def add_editor(self, scenario_id: str, browser: str) -> None:
        """Let a browser edit a scenario."""
        with Session(self._writing) as session, session.begin():
            session.merge(EditorRow(scenario_id=scenario_id, browser=browser))

    def set_tags(self, scenario_id: str, tags: Collection[str]) -> None:
        """Replace the tags of a scenario; InputError if one is too long or there are too many."""
        valid = _valid_tags(tags)
        with Session(self._writing) as session, session.begin():
            session.execute(delete(TagRow).where(TagRow.scenario_id == scenario_id))
            session.add_all(TagRow(scenario_id=scenario_id, tag=tag) for tag in valid)

    def tags(self) -> list[str]:
        """Return all tags that scenarios outside the trash have, sorted."""
        with Session(self._engine) as session:
            return list(
                session.scalars(
                    select(TagRow.tag)
                    .join(ScenarioRow, ScenarioRow.id == TagRow.scenario_id)
                    .where(ScenarioRow.deleted_at.is_(None))
                    .distinct()
                    .order_by(TagRow.tag)
                )
            )

    def delete(self, scenario_id: str) -> None:
        """Move a scenario to the trash; its versions, drafts and links are kept."""
        self._set_deleted(scenario_id, utc_now())

    def restore(self, scenario_id: str) -> None:
        """Take a scenario out of the trash."""
        self._set_deleted(scenario_id, None)

    def ensure(self, samples: Mapping[str, Scenario]) -> None:
        """Store each sample with its name as id, in the current wording of its file.

        A sample that was saved since, which older releases allowed, is a scenario
        of its users and stays as it is.
        """
        with Session(self._engine) as session:
            hashes = {
                row.scenario_id: row.content_hash
                for row in session.execute(
                    select(VersionRow.scenario_id, VersionRow.content_hash)
                    .join(ScenarioRow, ScenarioRow.id == VersionRow.scenario_id)
                    .where(ScenarioRow.version == 1, ScenarioRow.id.in_(samples))
                )
            }
            stored = set(session.scalars(select(ScenarioRow.id).where(ScenarioRow.id.in_(samples))))
        for scenario_id, scenario in samples.items():
            if scenario_id not in stored:
                self.create(scenario, scenario_id)
            elif hashes.get(scenario_id, scenario.content_hash) != scenario.content_hash:
                self._renew_sample(scenario_id, scenario)

    def _renew_sample(self, scenario_id: str, scenario: Scenario) -> None:
        with Session(self._writing) as session, session.begin():
            session.merge(_version_row(scenario_id, 1, scenario, None, ""))
            session.execute(
                update(ScenarioRow).where(ScenarioRow.id == scenario_id).values(name=scenario.name)
            )

    def _set_deleted(self, scenario_id: str, when: datetime.datetime | None) -> None:
        with Session(self._writing) as session, session.begin():
            row = session.get(ScenarioRow, scenario_id)
            if row is None:
                raise InputError("scenario", scenario_id, "known_scenario")
            row.deleted_at = when


def _require_editor(session: Session, scenario_id: str, browser: str | None) -> None:
    """Refuse a browser that is no editor; make it the editor of a scenario without editors."""
    editors = _editors(session, scenario_id)
    if not editors and browser is not None and session.get(ScenarioRow, scenario_id) is not None:
        session.add(EditorRow(scenario_id=scenario_id, browser=browser))
    elif editors and browser not in editors:
        raise InputError("scenario", scenario_id, "not_an_editor")


def _editors(session: Session, scenario_id: str) -> set[str]:
    query = select(EditorRow.browser).where(EditorRow.scenario_id == scenario_id)
    return set(session.scalars(query))


def _valid_tags(tags: Collection[str]) -> list[str]:
    valid = list(dict.fromkeys(" ".join(tag.split()) for tag in tags if tag.strip()))
    if len(valid) > MAX_TAGS:
        raise InputError("tags", f"{len(valid)}", "too_long", limit=MAX_TAGS)
    for tag in valid:
        if len(tag) > TAG_LENGTH:
            raise InputError("tags", tag, "string_too_long", limit=TAG_LENGTH)
    return valid


def _version_row(
    scenario_id: str, version: int, scenario: Scenario, browser: str | None, note: str
) -> VersionRow:
    if len(note) > NOTE_LENGTH:
        raise InputError("note", note, "string_too_long", limit=NOTE_LENGTH)
    return VersionRow(
        scenario_id=scenario_id,
        version=version,
        saved_at=utc_now(),
        content_hash=scenario.content_hash,
        document=scenario.model_dump_json(),
        note=note,
        browser=browser,
    )


def _stored(row: VersionRow) -> StoredScenario:
    return StoredScenario(
        row.scenario_id, row.version, row.saved_at, Scenario.parse(json.loads(row.document))
    )


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
