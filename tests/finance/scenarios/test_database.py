"""Migrations: a database of an earlier release keeps its scenarios, and models match tables."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from engine.documents import InputError
from finance.company.scenario import Scenario
from finance.scenarios.database import SCHEMA_REVISION, open_database
from finance.scenarios.store import ScenarioStore
from finance.scenarios.tables import Table

OLD_SCHEMA = """
CREATE TABLE scenarios (
    id VARCHAR(40) NOT NULL,
    name VARCHAR(200) NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE scenario_versions (
    scenario_id VARCHAR(40) NOT NULL,
    version INTEGER NOT NULL,
    saved_at DATETIME NOT NULL,
    content_hash VARCHAR(64) NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (scenario_id, version),
    FOREIGN KEY(scenario_id) REFERENCES scenarios (id)
);
"""
"""Schema that the releases without migrations made."""


@pytest.fixture
def old_database(home: Path, laptop: Scenario) -> Path:
    """Return a database of a release without migrations, with one scenario in two versions."""
    path = home / "flopledger.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(OLD_SCHEMA)
    connection.execute("INSERT INTO scenarios VALUES ('a1c24', 'LexBridge', 2)")
    for version, name in ((1, "Lex"), (2, "LexBridge")):
        document = laptop.with_value("name", name)
        connection.execute(
            "INSERT INTO scenario_versions VALUES ('a1c24', ?, '2026-11-29 18:12:00', ?, ?)",
            (version, document.content_hash, document.model_dump_json()),
        )
    connection.commit()
    connection.close()
    return path


def _revision(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)


def test_an_old_database_keeps_its_scenarios(old_database: Path, laptop: Scenario) -> None:
    store = ScenarioStore()
    assert store.names() == {"a1c24": "LexBridge"}
    assert [(saved.version, saved.note) for saved in store.history("a1c24")] == [(2, ""), (1, "")]
    assert store.get("a1c24", version=1).scenario == laptop.with_value("name", "Lex")
    assert store.save("a1c24", 2, laptop, browser="b").version == 3
    assert _revision(old_database) == SCHEMA_REVISION


def test_the_models_match_the_migrated_tables(old_database: Path) -> None:
    with open_database().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_a_new_database_has_the_same_schema_as_an_old_one(
    old_database: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.sqlite"
    open_database(f"sqlite:///{new}").dispose()
    open_database().dispose()
    schemas = []
    for path in (old_database, new):
        with sqlite3.connect(path) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            schemas.append(
                {
                    name: connection.execute(f"PRAGMA table_info({name})").fetchall()
                    for (name,) in tables.fetchall()
                }
            )
    assert schemas[0] == schemas[1]


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(old_database: Path) -> None:
    with sqlite3.connect(old_database) as connection:
        connection.execute("CREATE TABLE shares (id TEXT)")  # the last table of the migration
    with pytest.raises(Exception, match="already exists"):
        ScenarioStore()
    with sqlite3.connect(old_database) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(scenarios)")]
        connection.execute("DROP TABLE shares")
    assert columns == ["id", "name", "version"]
    assert ScenarioStore().names() == {"a1c24": "LexBridge"}


def test_servers_that_start_together_upgrade_once(old_database: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: ScenarioStore(), range(4)))
    assert [store.names() for store in stores] == [{"a1c24": "LexBridge"}] * 4


def test_a_database_of_a_newer_release_is_not_opened(old_database: Path) -> None:
    ScenarioStore()
    with sqlite3.connect(old_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(InputError, match="a newer release has changed this database"):
        ScenarioStore()


def test_old_documents_need_not_be_valid_to_be_listed(old_database: Path) -> None:
    with sqlite3.connect(old_database) as connection:
        connection.execute(
            "UPDATE scenario_versions SET document = ? WHERE version = 1",
            (json.dumps({"schema_version": 0, "name": "Lex"}),),
        )
    store = ScenarioStore()
    assert [saved.document["name"] for saved in store.history("a1c24")] == ["LexBridge", "Lex"]
    with pytest.raises(InputError):
        store.get("a1c24", version=1)
