"""Database of scenarios: every save adds a version, and conflicting saves are refused."""

from __future__ import annotations

import datetime
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ForeignKey, String, Text, create_engine, event, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from engine.documents import InputError
from engine.paths import home_dir
from finance.company.scenario import Scenario


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


class _Table(DeclarativeBase):
    pass


class _ScenarioRow(_Table):
    __tablename__ = "scenarios"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    version: Mapped[int]


class _VersionRow(_Table):
    __tablename__ = "scenario_versions"

    scenario_id: Mapped[str] = mapped_column(ForeignKey(_ScenarioRow.id), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    saved_at: Mapped[datetime.datetime]
    content_hash: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(Text)


class ScenarioStore:
    """Scenarios in a database: at ``DATABASE_URL`` if set, or else SQLite in the home folder."""

    def __init__(self, url: str | None = None) -> None:
        url = url or os.environ.get("DATABASE_URL")
        if not url:
            home_dir().mkdir(parents=True, exist_ok=True)
            url = f"sqlite:///{home_dir() / 'flopledger.sqlite'}"
        self._engine: Engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _set_up_sqlite)
        _Table.metadata.create_all(self._engine)

    def names(self) -> dict[str, str]:
        """Return the names of all scenarios by id, sorted by name."""
        with Session(self._engine) as session:
            rows = session.execute(
                select(_ScenarioRow.id, _ScenarioRow.name).order_by(_ScenarioRow.name)
            )
            return {row.id: row.name for row in rows}

    def get(self, scenario_id: str, version: int | None = None) -> StoredScenario:
        """Return a scenario in ``version``, by default the newest.

        Raises
        ------
        InputError
            If the scenario or the version does not exist.
        """
        with Session(self._engine) as session:
            query = select(_VersionRow).where(_VersionRow.scenario_id == scenario_id)
            if version is not None:
                query = query.where(_VersionRow.version == version)
            row = session.scalars(query.order_by(_VersionRow.version.desc())).first()
            if row is None:
                raise InputError("scenario", scenario_id, "known_scenario")
            return _stored(row)

    def history(self, scenario_id: str) -> list[StoredScenario]:
        """Return all versions of a scenario, the newest first."""
        with Session(self._engine) as session:
            query = select(_VersionRow).where(_VersionRow.scenario_id == scenario_id)
            rows = session.scalars(query.order_by(_VersionRow.version.desc()))
            return [_stored(row) for row in rows]

    def create(self, scenario: Scenario, scenario_id: str | None = None) -> StoredScenario:
        """Store a new scenario as version 1, with a random id if ``scenario_id`` is None."""
        scenario_id = scenario_id or secrets.token_hex(5)
        with Session(self._engine) as session, session.begin():
            session.add(_ScenarioRow(id=scenario_id, name=scenario.name, version=1))
            session.flush()
            session.add(row := _version_row(scenario_id, 1, scenario))
            return _stored(row)

    def save(self, scenario_id: str, read_version: int, scenario: Scenario) -> StoredScenario:
        """Store a new version of a scenario that was read as ``read_version``.

        Raises
        ------
        SaveConflictError
            If a version newer than ``read_version`` exists; nothing is stored then.
        InputError
            If the scenario does not exist.
        """
        with Session(self._engine) as session, session.begin():
            # A single statement compares and increments the version: of two concurrent saves,
            # one fails.
            updated = session.execute(
                update(_ScenarioRow)
                .where(_ScenarioRow.id == scenario_id, _ScenarioRow.version == read_version)
                .values(version=read_version + 1, name=scenario.name)
            )
            if updated.rowcount == 0:  # type: ignore[attr-defined]
                current = session.get(_ScenarioRow, scenario_id)
                if current is None:
                    raise InputError("scenario", scenario_id, "known_scenario")
                raise SaveConflictError(current.version)
            session.add(row := _version_row(scenario_id, read_version + 1, scenario))
            return _stored(row)

    def ensure(self, samples: Mapping[str, Scenario]) -> None:
        """Store each sample that is missing, with its name as id."""
        stored = self.names()
        for scenario_id, scenario in samples.items():
            if scenario_id not in stored:
                self.create(scenario, scenario_id)


def _version_row(scenario_id: str, version: int, scenario: Scenario) -> _VersionRow:
    return _VersionRow(
        scenario_id=scenario_id,
        version=version,
        saved_at=datetime.datetime.now(datetime.UTC).replace(tzinfo=None),
        content_hash=scenario.content_hash,
        document=scenario.model_dump_json(),
    )


def _stored(row: _VersionRow) -> StoredScenario:
    return StoredScenario(
        row.scenario_id, row.version, row.saved_at, Scenario.parse(json.loads(row.document))
    )


def _set_up_sqlite(connection, _record) -> None:  # type: ignore[no-untyped-def]
    # Readers are not blocked by a writer, and a committed save survives a power failure.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
