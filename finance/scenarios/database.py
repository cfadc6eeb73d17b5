"""Open the database, and bring its tables to the current schema."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.engine import Connection, Engine

from engine.documents import InputError
from engine.paths import home_dir

SCHEMA_REVISION = "0002"
"""Revision of the newest migration."""
MIGRATIONS_DIR = Path(__file__).parent / "migrations"
WRITING = {"flopledger_writes": True}
"""Execution option of a connection that writes.

SQLite then takes the lock at the start of the transaction. A transaction that reads first and
writes later could otherwise fail because another process wrote in between.
"""
_LOCK_OF_UPGRADE = 7_305_160_2
"""Number of PostgreSQL's advisory lock for upgrades of the schema."""


def open_database(url: str | None = None) -> Engine:
    """Return the engine of the database at ``url``, with its tables in the current schema.

    Without ``url`` it is the database of ``DATABASE_URL``, or else SQLite in the home folder.

    Raises
    ------
    InputError
        If a newer release has changed the tables.
    """
    url = url or os.environ.get("DATABASE_URL")
    if not url:
        home_dir().mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{home_dir() / 'flopledger.sqlite'}"
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_in_sqlite)
    _upgrade(engine)
    return engine


def utc_now() -> datetime.datetime:
    """Return the current time in UTC, without a time zone, as it is stored."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _upgrade(engine: Engine) -> None:
    """Run the migrations that the database lacks, in one transaction."""
    with engine.connect() as connection:
        revision = _revision(connection)
    if revision == SCHEMA_REVISION:
        return
    if revision is not None and revision > SCHEMA_REVISION:
        raise InputError("database", revision, "database_newer", known=SCHEMA_REVISION)
    # Imported here, because a database in the current schema needs no migration.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_DIR))
    scripts = ScriptDirectory.from_config(config)
    environment = EnvironmentContext(
        config,
        scripts,
        fn=lambda current, _: scripts._upgrade_revs(SCHEMA_REVISION, current),
        destination_rev=SCHEMA_REVISION,
    )
    with engine.connect().execution_options(**WRITING) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_OF_UPGRADE}
            )
        with environment:
            environment.configure(connection=connection)
            environment.run_migrations()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _set_up_sqlite(connection, _record) -> None:  # type: ignore[no-untyped-def]
    # SQLAlchemy begins transactions, because Python's driver does not for changes of the schema.
    connection.isolation_level = None
    # Readers are not blocked by a writer, and a committed save survives a power failure.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_in_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("flopledger_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
